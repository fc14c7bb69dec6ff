"""Language models at the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firth

Run = Callable[..., Any]


@pytest.fixture
def lm(run: Run, text: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "lm"
    ran = run("train", "ngram", text, "-o", folder, "--order", 5, "--validation", text)
    assert (ran.code, ran.out.strip()) == (0, str(folder))
    assert "perplexity" in ran.err
    return folder


def test_train_says_what_it_did(run: Run, text: Path, tmp_path: Path) -> None:
    ran = run("train", "ngram", text, "-o", tmp_path / "m", "--order", 2, "--smoothing", "add-k", "--k", 0.5, "--json")
    assert ran.json["words"] == 6
    assert len(ran.json["ngrams"]) == 2
    assert firth.load(tmp_path / "m").options == firth.NGramLM(order=2, smoothing="add-k", k=0.5)
    for option, value in (("--discount", 0.5), ("--min-count", 60), ("--max-vocab", 2)):
        assert run("train", "ngram", text, "-o", tmp_path / "m", option, value).code == 0
    assert firth.load(tmp_path / "m").options.max_vocab == 2


def test_perplexity(run: Run, lm: Path, text: Path) -> None:
    ran = run("perplexity", lm, text, "--json")
    assert ran.json["perplexity"] == pytest.approx(firth.load(lm).perplexity(text))
    assert ran.json["unseen"] == 0
    rows = dict(run("perplexity", lm, "-", "--threads", 1, stdin="the oak and the whale\n").rows)
    assert rows["unseen"] == "1"
    assert float(rows["without_unseen"]) < float(rows["perplexity"])


def test_generate(run: Run, lm: Path) -> None:
    ran = run("generate", lm, "the oak", "-n", 3, "--tokens", 4, "--temperature", 0.8, "--topk", 3, "--seed", 7)
    model = firth.load(lm)
    how = {"tokens": 4, "temperature": 0.8, "topk": 3}
    assert ran.out.splitlines() == [model.generate("the oak", seed=seed, **how) for seed in (7, 8, 9)]
    assert run("generate", lm, "--json").json["texts"] == [model.generate()]
    assert run("generate", lm, "--temperature", -1).code == 2


def test_fill_mask(run: Run, lm: Path) -> None:
    assert run("fill-mask", lm, "the [MASK] and the elm", "-n", 1).rows[0][0] == "oak"
    ran = run("fill-mask", lm, "-", "--topn", 2, "--json", stdin="the [MASK] and the elm\nthe [MASK] and the bus\n")
    assert [found["words"][0]["word"] for found in ran.json] == ["oak", "car"]
    assert run("fill-mask", lm, "no gap").code == 3
    assert run("fill-mask", lm).code == 2


def test_arpa_at_the_command_line(run: Run, lm: Path, text: Path, tmp_path: Path) -> None:
    arpa = tmp_path / "model.arpa"
    assert run("convert", lm, arpa, "--to", "arpa").code == 0
    assert run("perplexity", arpa, text, "--json").json == run("perplexity", lm, text, "--json").json
    assert run("info", arpa, "--json").json["order"] == 5
    assert run("info", lm, "--json").json["config"]["model"]["name"] == "ngram"
    assert run("convert", arpa, tmp_path / "back", "--to", "native").code == 0
    assert run("convert", arpa, "-", "--to", "native").code == 2
    assert run("convert", lm, tmp_path / "x", "--to", "word2vec").code == 2


def test_other_models_are_named(run: Run, model: Path) -> None:
    for command in ("perplexity", "generate", "fill-mask"):
        ran = run(command, model, "x")
        assert ran.code == 3
        assert "'word2vec'" in ran.err
        assert "ngram" in ran.err
