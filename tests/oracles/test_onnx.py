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


def test_answers_are_ours(model: Any, tmp_path: Path) -> None:
    taught = model.fine_tune(TEXTS * 4, ["x", "y", "x"] * 4, steps=4)
    taught.save_onnx(tmp_path / "task.onnx")
    found = run(tmp_path / "task.onnx", model.text_rows(TEXTS, "classify"))
    shares = np.exp(found) / np.exp(found).sum(1, keepdims=True)
    np.testing.assert_allclose(shares, taught.predict_proba(TEXTS), atol=1e-5)


def test_numbers_of_pairs_and_tags(tmp_path: Path) -> None:
    bert = MODELS["bert"]().fit(LINES, threads=1)
    pairs = [(text, "the rug") for text in TEXTS]
    numbers = bert.fine_tune(pairs * 4, [0.5, 1.5, -1.0] * 4, task="regress", steps=4)
    numbers.save_onnx(tmp_path / "numbers.onnx")
    found = run(tmp_path / "numbers.onnx", bert.text_rows(pairs, "regress"))
    np.testing.assert_allclose(numbers.mean + numbers.spread * found[:, 0], numbers.predict(pairs), rtol=1e-4)

    words = [text.split() for text in TEXTS]
    tags = [["V" if word == "the" else "N" for word in each] for each in words]
    taught = bert.fine_tune(words * 4, tags * 4, task="tag", steps=4)
    taught.save_onnx(tmp_path / "tags.onnx")
    rows = bert.word_rows(words)
    found = run(tmp_path / "tags.onnx", [(ids, [0] * len(ids)) for ids, _ in rows])
    for number, (ids, begins) in enumerate(rows):
        scores = found[number, : len(ids)][np.array(begins)]
        shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        np.testing.assert_allclose(shares, taught.predict_proba([words[number]])[0], atol=1e-5)


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["bert"]().fit(LINES, threads=1)
    with pytest.raises(ConfigError, match=r"end in \.onnx"):
        model.save_onnx(tmp_path / "network.bin")
    monkeypatch.setattr("firth.formats.onnx.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"firth\[onnx\]"):
        model.save_onnx(tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []
