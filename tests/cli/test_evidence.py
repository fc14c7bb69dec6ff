"""firth explain, stability, compare."""

from pathlib import Path

import pytest

SMALL = ("--dim", 8, "--min-count", 1, "--epochs", 2, "--threads", 1)


@pytest.fixture
def learnt(run, text, tmp_path) -> Path:
    assert run("train", "word2vec", text, "-o", tmp_path / "learnt", *SMALL).code == 0
    return tmp_path / "learnt"


def test_explain_keeps_its_index(run, learnt, text) -> None:
    ran = run("explain", learnt, "oak", "elm")
    assert ran.code == 3
    assert "learnt.evidence is not there" in ran.err
    ran = run("explain", learnt, "oak", "elm", "--source", text)
    assert ran.code == 0
    assert "words stand within 5 of both" in ran.out
    assert "sentence 1, word 2: the [oak] and the elm" in ran.out
    assert (learnt.parent / "learnt.evidence/postings.u8").exists()
    document = run("explain", learnt, "oak", "elm", "--json", "-n", 1).json
    assert len(document["contexts"]) == 1
    assert run("explain", learnt, "oak", "sky").code == 3


def test_stability(run, text) -> None:
    small = ("--seeds", 2, "--dim", 8, "--min-count", 1, "--threads", 1, "--epochs", 1)
    ran = run("stability", text, *small)
    assert ran.code == 0
    assert [len(row) for row in ran.rows] == [4] * len(ran.rows)
    assert "run 2 of 2, seed 2" in ran.err
    ran = run("stability", text, *small, "--words", "oak", "--json")
    assert ran.json["words"][0]["nearest"][0]["returns"] in (0.5, 1.0)
    assert run("stability", text, "--seeds", 1).code == 2


def test_compare(run, model, tmp_path) -> None:
    ran = run("compare", model, model, "-o", tmp_path / "page.html", "--min-count", 1)
    assert ran.code == 0
    assert {row[1] for row in ran.rows} == {"1.0000"}
    assert "<table>" in (tmp_path / "page.html").read_text()
    assert run("compare", model, model, "oak", "--min-count", 1, "--json").json["shifted"][0]["key"] == "oak"
    assert run("compare", model, model, "-o", tmp_path / "page.pdf").code == 2
