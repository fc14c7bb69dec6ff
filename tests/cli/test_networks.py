"""Models with a network at the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth

Run = Callable[..., Any]
SMALL = ["--dim", 8, "--hidden", 16, "--steps", 5, "--batch-tokens", 64, "--threads", 1]


@pytest.mark.parametrize("model", ["nnlm", "rnnlm", "elmo"])
def test_training_and_asking(run: Run, text: Path, tmp_path: Path, model: str) -> None:
    folder = tmp_path / "lm"
    ran = run("train", model, text, "-o", folder, *SMALL, "--validation", 0.1)
    assert (ran.code, ran.out.strip()) == (0, str(folder))
    assert "tokens/s" in ran.err and "held-out loss" in ran.err
    assert run("perplexity", folder, text, "--json").json["perplexity"] == firth.load(folder).perplexity(text)
    assert run("fill-mask", folder, "the [MASK] and", "-n", 2).rows
    assert run("generate", folder, "the", "--tokens", 3).code == 0
    rows = run("encode", folder, "-", stdin="the oak\nthe car\n").rows
    expected = firth.load(folder).encode(["the oak", "the car"])
    np.testing.assert_allclose(np.array(rows, float), expected, atol=1e-4)
    shown = run("info", folder).out
    assert "model" in shown and "step" in shown
    assert len(run("encode", folder, "-", "--json", stdin="the oak\n").json) == 1


def test_a_vector_for_each_token(run: Run, text: Path, tmp_path: Path) -> None:
    run("train", "elmo", text, "-o", tmp_path / "lm", *SMALL)
    ran = run("encode", tmp_path / "lm", "-", "--pooling", "tokens", "--layers", 0, "--json", stdin="the oak and\n")
    assert np.array(ran.json).shape == (1, 3, 8)
    assert len(run("encode", tmp_path / "lm", "-", "--pooling", "tokens", stdin="the oak and\n").rows) == 3
    assert run("encode", tmp_path / "lm", "-", "--layers", 9, stdin="the\n").code == 2


def test_static_vectors_encode_too(run: Run, model: Path) -> None:
    ran = run("encode", model, "-", stdin="oak elm\n")
    np.testing.assert_allclose(np.array(ran.rows, float), firth.load(model).encode(["oak elm"]), atol=1e-4)
    assert run("encode", model, "-", "--layers", 1, stdin="oak\n").code == 2


def test_a_stopped_run_goes_on(run: Run, text: Path, tmp_path: Path) -> None:
    words = ["train", "nnlm", text, "-o", tmp_path / "lm", *SMALL]
    assert run(*words, "--checkpoint-every", "1s").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lm", "text.txt"]
    assert "nothing to do" in run(*words, "--resume").err
    kept = tmp_path / "kept"
    assert run(*words, "--checkpoint-every", "1s", "--workdir", kept).code == 0
    assert (kept / "log.jsonl").exists()


def test_mistakes(run: Run, text: Path, tmp_path: Path) -> None:
    for words, code in (
        (["--steps", 1, "--epochs", 1], 2),
        (["--device", "quantum"], 2),
        (["--shard"], 2),
        (["--validation", "absent.txt"], 3),
        (["--frozen"], 2),
    ):
        assert run("train", "nnlm", text, "-o", tmp_path / "lm", *words).code == code
    assert not (tmp_path / "lm").exists()
