"""firth demo."""

import pytest

import firth
from firth.corpus import documentation


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small text in place of the documentation."""
    lines = [
        "The tuple, the list: max is the maximum, min is the minimum.",
        "Read a file; reading, write, writing.",
    ] * 50
    monkeypatch.setattr(documentation, "paragraphs", lambda words: iter(lines))


def test_the_whole_way(run, small, tmp_path) -> None:
    ran = run("demo", "-o", tmp_path / "m")
    assert ran.code == 0
    vectors = firth.load(tmp_path / "m")
    assert "tuple" in vectors
    assert "The" not in vectors
    shown = {row[0].strip(): row[1].split() for row in ran.rows}
    assert {"tuple", "file", "write"} < set(shown)
    assert len(shown["tuple"]) == 6
    assert "max → maximum" in shown
    assert "str → string" not in shown, "a word of it is not in the text"
    assert f"firth nearest {tmp_path / 'm'} string" in ran.err
    assert "900 words in" in ran.err


def test_json(run, small, tmp_path) -> None:
    document = run("demo", "--output", tmp_path / "m", "--json").json
    assert document["model"] == str(tmp_path / "m")
    assert set(document["nearest"]) == {"tuple", "maximum", "file", "write"}


def test_the_default_place(run, small, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("demo").code == 0
    assert len(firth.load("demo-model"))


def test_a_target_that_cannot_be_is_refused_first(run, tmp_path, monkeypatch) -> None:
    def read(words: int) -> None:
        raise AssertionError("read before the target was checked")

    monkeypatch.setattr(documentation, "paragraphs", read)
    (tmp_path / "m").write_text("mine")
    ran = run("demo", "-o", tmp_path / "m")
    assert ran.code == 3
    assert (tmp_path / "m").read_text() == "mine"


@pytest.mark.slow
def test_what_it_shows_makes_sense(run, tmp_path) -> None:
    """On whatever Python is here: three words of four have their kin near them, two of three analogies are right."""
    document = run("demo", "-o", tmp_path / "m", "--json").json
    kin = {"tuple": "list", "file": "files", "column": "columns", "maximum": "minimum"}
    kin |= {"true": "false", "write": "read", "thread": "threads", "character": "characters"}
    assert document["nearest"].keys() == kin.keys()
    assert sum(kin[word] in near for word, near in document["nearest"].items()) >= 6
    expected = {"min": "minimum", "write": "writing", "large": "larger"}
    right = [answer == expected[c] for _, _, c, answer in document["analogies"] if c in expected]
    assert sum(right) >= 2
