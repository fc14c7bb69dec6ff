"""fine-tune, classify, evaluate, generate, fill-mask of models of attention, as commands."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

import firth
from firth.cli import main

SMALL: dict[str, Any] = {"units": "words", "layers": 1, "dim": 32, "heads": 2, "length": 12, "batch_tokens": 128}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("models")
    lines = ["good film fine play", "bad film poor play"] * 20
    firth.BERT(steps=2, **SMALL).fit(lines, threads=1).save(where / "bert")
    firth.GPT(steps=2, **SMALL).fit(lines, threads=1).save(where / "gpt")
    (where / "train.tsv").write_text("yes\tgood film\nno\tbad film\n" * 8)
    (where / "tags.tsv").write_text("good\tA\nfilm\tN\n\nbad\tA\nplay\tN\n\n" * 6)
    (where / "numbers.tsv").write_text("3\tgood film\n1\tbad film\n" * 8)
    return where


def said(capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    assert main([str(word) for word in words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


TEACH = ["--steps", "40", "--lr", "0.01", "--dropout", "0", "--threads", "1"]


def test_a_class_for_each_text(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "taught"
    answer = said(capsys, "fine-tune", folder / "bert", folder / "train.tsv", "-o", out, *TEACH, "--json",
                  "--validation", folder / "train.tsv")  # fmt: skip
    document = json.loads(answer)
    assert document["classes"] == ["no", "yes"] and document["scores"]["accuracy"] == 1
    (tmp_path / "texts").write_text("good film\nbad film\n")
    rows = [line.split("\t") for line in said(capsys, "classify", out, tmp_path / "texts").splitlines()]
    assert [row[0] for row in rows] == ["yes", "no"]
    both = said(capsys, "classify", out, tmp_path / "texts", "--topk", "2").splitlines()
    assert len(both[0].split("\t")) == 4
    found = json.loads(said(capsys, "evaluate", out, "--labelled", folder / "train.tsv", "--json"))
    assert found["labelled"]["matthews"] == pytest.approx(1)


def test_tags_and_numbers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said(capsys, "fine-tune", folder / "bert", folder / "tags.tsv", "-o", tmp_path / "t", "--task", "tag", *TEACH)
    monkeypatch.setattr("sys.stdin", io.StringIO("good film\n"))
    assert said(capsys, "classify", tmp_path / "t", "-") == "good/A\tfilm/N\n"
    said(capsys, "fine-tune", folder / "gpt", folder / "numbers.tsv", "-o", tmp_path / "n", "--task", "regress", *TEACH)
    monkeypatch.setattr("sys.stdin", io.StringIO("good film\nbad film\n"))
    high, low = map(float, said(capsys, "classify", tmp_path / "n", "-").split())
    assert high > low
    assert main(["classify", str(tmp_path / "n"), "-", "--topk", "2"]) == 2


def test_gaps_and_writing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "fill-mask", folder / "bert", "good [MASK]", "--candidates", "film", "play")
    assert {line.split("\t")[0] for line in found.splitlines()} == {"film", "play"}
    assert ", " in said(capsys, "fill-mask", folder / "bert", "[MASK] film [MASK]")
    assert main(["fill-mask", str(folder / "gpt"), "good [MASK]", "--candidates", "film"]) == 2
    assert "BERT and its kind" in capsys.readouterr().err
    streamed = said(capsys, "generate", folder / "gpt", "good", "--seed", "3", "--topp", "0.9")
    whole = json.loads(said(capsys, "generate", folder / "gpt", "good", "--seed", "3", "--topp", "0.9", "--json"))
    assert streamed == whole["texts"][0] + "\n"
    (folder / "text.txt").write_text("good film fine play\n")
    assert json.loads(said(capsys, "perplexity", folder / "bert", folder / "text.txt", "--json"))["perplexity"] > 1


def test_what_cannot_be_taught(tmp_path: Path, folder: Path) -> None:
    firth.Vectors(["a"], [[1.0]]).save(tmp_path / "v")
    assert main(["fine-tune", str(tmp_path / "v"), str(folder / "train.tsv"), "-o", str(tmp_path / "o")]) == 3
    assert not (tmp_path / "o").exists()


def test_where_a_network_looks(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "texts.txt").write_text("good film\nbad play\n")
    pytest.importorskip("matplotlib")
    picture = tmp_path / "looked.png"
    drawn = said(capsys, "encode", folder / "bert", tmp_path / "texts.txt", "--attention", picture)
    assert len(drawn.splitlines()) == 2 and picture.read_bytes().startswith(b"\x89PNG")


def test_a_network_as_an_onnx_file(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxscript")
    out = tmp_path / "bert.onnx"
    assert said(capsys, "convert", folder / "bert", out, "--to", "onnx").strip() == str(out)
    assert out.stat().st_size > 1000
    assert main(["convert", str(folder / "bert"), "-", "--to", "onnx"]) == 2
    firth.Word2Vec(dim=4, min_count=1, epochs=1).fit(["a b c"] * 5, threads=1).save(tmp_path / "words")
    assert main(["convert", str(tmp_path / "words"), str(out), "--to", "onnx"]) != 0
    assert "hold networks of attention" in capsys.readouterr().err
