"""ONNX files: another program runs the network, and its numbers are ours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, MissingExtraError

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")

LINES = ["the cat sat on the mat", "the dog lay on the rug", "a bird flew over the house"] * 10
SMALL: dict[str, Any] = {"layers": 2, "dim": 16, "heads": 2, "length": 16, "batch_tokens": 128, "lr": 0.01, "steps": 6}
MODELS = {
    "bert": lambda: firth.BERT(units="words", **SMALL),
    "albert": lambda: firth.ALBERT(units="words", width=8, **SMALL),
    "gpt": lambda: firth.GPT(units="words", **SMALL),
    "xlnet": lambda: firth.XLNet(units="words", **SMALL),
}
TEXTS = ["the cat sat", "a bird flew over the house", "the"]


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    return MODELS[request.param]().fit(LINES, threads=1)


def run(path: Path, rows: list[tuple[list[int], list[int]]]) -> Any:
    """What onnxruntime makes of rows, filled up at their end."""
    width = max(len(ids) for ids, _ in rows)
    ids, mask, kinds = (np.zeros((len(rows), width), np.int64) for _ in range(3))
    for number, (row, segments) in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)], kinds[number, : len(row)] = row, 1, segments
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    taken = {each.name for each in session.get_inputs()}
    given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
    return session.run(None, {name: array for name, array in given.items() if name in taken})[0]


def test_the_states_are_ours(model: Any, tmp_path: Path) -> None:
    model.save_onnx(tmp_path / "network.onnx")
    found = run(tmp_path / "network.onnx", model.text_rows(TEXTS, "classify"))
    for theirs, ours in zip(found, model.encode(TEXTS, pooling="tokens"), strict=True):
        np.testing.assert_allclose(theirs[: len(ours)], ours, atol=2e-5)


@pytest.mark.parametrize("task", ["classify", "regress", "pair"])
def test_answers_are_ours(model: Any, task: str, tmp_path: Path) -> None:
    texts: list[Any] = [(text, "the rug") for text in TEXTS] if task == "pair" else TEXTS
    labels = [0.5, 1.5, -1.0] if task == "regress" else ["x", "y", "x"]
    taught = model.fine_tune(texts * 4, labels * 4, task=task, steps=4)
    taught.save_onnx(tmp_path / "task.onnx")
    found = run(tmp_path / "task.onnx", model.text_rows(texts, task))
    if task == "regress":
        np.testing.assert_allclose(taught.mean + taught.spread * found[:, 0], taught.predict(texts), rtol=1e-4)
    else:
        shares = np.exp(found) / np.exp(found).sum(1, keepdims=True)
        np.testing.assert_allclose(shares, taught.predict_proba(texts), atol=1e-5)


def test_tags_are_ours(model: Any, tmp_path: Path) -> None:
    words = [text.split() for text in TEXTS]
    tags = [["V" if word == "the" else "N" for word in each] for each in words]
    taught = model.fine_tune(words * 4, tags * 4, task="tag", steps=4)
    taught.save_onnx(tmp_path / "tags.onnx")
    rows = model.word_rows(words)
    found = run(tmp_path / "tags.onnx", [(ids, [0] * len(ids)) for ids, _ in rows])
    for number, (ids, begins) in enumerate(rows):
        ours = taught.predict_proba([words[number]])[0]
        scores = found[number, : len(ids)][np.array(begins)]
        np.testing.assert_allclose(np.exp(scores) / np.exp(scores).sum(1, keepdims=True), ours, atol=1e-5)


def test_what_cannot_be_written(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"end in \.onnx"):
        model.save_onnx(tmp_path / "network.bin")
    monkeypatch.setattr("firth.formats.onnx.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"firth\[onnx\]"):
        model.save_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []
