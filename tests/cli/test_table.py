"""axis, clusters, index, quantise."""

import pytest

import firth


def test_axis(run, model) -> None:
    words = run("axis", model, "elm", "oak", "car", "--positive", "oak", "elm", "--negative", "car", "bus").rows
    assert [word for word, _ in words] == ["elm", "oak", "car"] or [word for word, _ in words] == ["oak", "elm", "car"]
    ends = run("axis", model, "--positive", "oak", "--negative", "bus", "-n", 1).rows
    assert len(ends) == 2
    document = run("axis", model, "--positive", "oak", "--negative", "bus", "--prefix", "e", "--json").json
    assert [word["key"] for word in document["words"]] == ["elm", "elm"]
    assert run("axis", model, "oak", "--positive", "oak").code == 2
    assert run("axis", model, "--positive", "oak", "--negative", "kar").code == 3


def test_clusters(run, model) -> None:
    document = run("clusters", model, "-k", 2, "--json").json
    assert sorted(sorted(group["keys"]) for group in document) == [["-ing", "bus", "car"], ["ash", "elm", "oak"]]
    rows = run("clusters", model, "-k", 2, "-n", 1).rows
    assert [row[:2] for row in rows] == [["0", "3"], ["1", "3"]]
    assert run("clusters", model, "-k", 9).code == 2
    assert run("clusters", model).code == 2


def test_index(run, model, tmp_path) -> None:
    pytest.importorskip("usearch")
    assert run("nearest", model, "oak", "--index", "hnsw").code == 2
    ran = run("index", model)
    assert (ran.code, ran.out) == (0, f"{model}\n")
    assert "recall@10 1.000" in ran.err
    assert run("nearest", model, "oak", "-n", 2, "--index", "hnsw").out == run("nearest", model, "oak", "-n", 2).out
    assert run("info", model, "--json").json["index"]["recall"] == 1
    firth.load(model).save(tmp_path / "text", format="word2vec")
    ran = run("index", tmp_path / "text")
    assert ran.code == 3
    assert "--to native" in ran.err


def test_quantise(run, model, tmp_path) -> None:
    ran = run("quantise", model, tmp_path / "small", "--to", "int8", "--json")
    assert ran.json["to"] == "int8"
    assert 0 < ran.json["relative_error"] < 1e-3
    assert firth.load(tmp_path / "small").quantised.kind == "int8"
    assert run("nearest", tmp_path / "small", "oak", "-n", 1).rows[0][0] == "elm"
    assert run("quantise", model, tmp_path / "small", "--to", "int4").code == 2
