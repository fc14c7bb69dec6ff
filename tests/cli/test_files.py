"""info, convert."""

import io
import sys
from pathlib import Path

import pytest

import firth


class Stream(io.StringIO):
    """A stdout whose bytes can be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = io.BytesIO()


def test_info_of_a_model(run, model) -> None:
    rows = dict(run("info", model).rows)
    assert (rows["format"], rows["rows"], rows["dim"]) == ("native", "6", "2")
    assert (rows["config.model.name"], rows["config.text.lower"]) == ("word2vec", "False")
    document = run("info", model, "--json").json
    assert document["rows"] == 6
    assert document["config"]["model"]["dim"] == 2


def test_info_shows_the_passes_as_a_table(run, tmp_path, monkeypatch) -> None:
    epochs = [
        {"number": 1, "loss": 2.123456, "validation": 2.5, "words_per_second": 1234567.8},
        {"number": 2, "loss": 2.0, "validation": None, "words_per_second": 1e6},
    ]
    firth.Vectors(["a"], [[1.0]], provenance={"epochs": epochs, "note": None}).save(tmp_path / "m")
    rows = run("info", tmp_path / "m").rows
    assert rows[-2:] == [["pass 1", "2.1235", "2.5000", "1234568"], ["pass 2", "2.0000", "", "1000000"]]
    assert not any(name.startswith("provenance") for name, *_ in rows)
    assert run("info", tmp_path / "m", "--json").json["provenance"]["epochs"] == epochs
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert "held-out loss    words/s" in run("info", tmp_path / "m").out


def test_info_of_a_vector_file(run, model, tmp_path) -> None:
    run("convert", model, tmp_path / "v.txt", "--to", "word2vec")
    assert dict(run("info", tmp_path / "v.txt").rows)["format"] == "word2vec"


@pytest.mark.parametrize("to", ["native", "word2vec", "word2vec-binary"])
def test_convert(run, model, tmp_path, to: str) -> None:
    target = tmp_path / "out"
    assert run("convert", model, target, "--to", to) == (0, f"{target}\n", "")
    assert firth.load(target).index_to_key == firth.load(model).index_to_key
    assert run("convert", model, target, "--to", to, "--json").json == {"path": str(target), "format": to, "vectors": 6}


def test_every_format_is_named_in_the_help(run) -> None:
    from firth.formats import FORMATS

    shown = run("convert", "--help").out
    assert [name for name in FORMATS if name not in shown] == []


def test_convert_from_stdin_to_stdout(run, model, tmp_path, monkeypatch) -> None:
    binary = tmp_path / "v.bin"
    run("convert", model, binary, "--to", "word2vec-binary")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(binary.read_bytes())))
    out = Stream()
    monkeypatch.setattr(sys, "stdout", out)
    assert run("convert", "-", "-", "--to", "word2vec").code == 0
    assert out.buffer.getvalue().startswith(b"6 2\noak 1 0\n")
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["-", "--to", "native"], 2, "is a folder, which stdout cannot be"),
        (["-", "--to", "word2vec", "--json"], 2, "not both"),
        (["out", "--to", "word2vc"], 2, "Did you mean 'word2vec'?"),
    ],
)
def test_conversions_that_cannot_be(run, model, tmp_path, monkeypatch, words: list[str], code: int, says: str) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("convert", model, *words)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert not Path("out").exists()


@pytest.mark.parametrize("verb", [["info"], ["convert", "--to", "word2vec"]], ids=lambda verb: verb[0])
def test_what_is_not_a_model(run, tmp_path, verb: list[str]) -> None:
    page = tmp_path / "page"
    page.write_text("<!DOCTYPE html><html></html>")
    rest = [tmp_path / "out"] if verb[0] == "convert" else []
    ran = run(*verb[:1], page, *rest, *verb[1:])
    assert (ran.code, ran.out) == (3, "")
    assert "HTML" in ran.err
    ran = run(*verb[:1], tmp_path / "missing", *rest, *verb[1:])
    assert ran.code == 3
    assert "missing" in ran.err
