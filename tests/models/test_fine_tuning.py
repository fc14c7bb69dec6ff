"""Fine-tuning: every task is learnt, every option does something, and what stays, stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import firth
from firth.errors import ConfigError, CorruptFileError, InputError
from firth.models.fine_tuned import FineTuned, matthews, number_scores
from firth.models.fine_tuning import FineTuning, depth

LINES = ["good film fine play", "bad film poor play", "good cat", "bad cat", "so good", "so bad"] * 10
SMALL: dict[str, Any] = {"units": "words", "layers": 2, "dim": 32, "heads": 2, "length": 12, "batch_tokens": 128}
TEXTS = ["good film", "bad film", "fine play", "poor play", "so good", "so bad", "good cat", "bad cat"] * 4
LABELS = ["yes", "no"] * 16
QUICK: dict[str, Any] = {"steps": 40, "lr": 0.005, "dropout": 0.0, "threads": 1, "batch_tokens": 64}


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {
        "bert": firth.BERT(steps=2, **SMALL).fit(LINES, threads=1),
        "albert": firth.ALBERT(steps=2, width=8, **SMALL).fit(LINES, threads=1),
        "gpt": firth.GPT(steps=2, **SMALL).fit(LINES, threads=1),
        "xlnet": firth.XLNet(steps=2, **SMALL).fit(LINES, threads=1),
    }


@pytest.fixture
def bert(models: dict[str, Any]) -> Any:
    return models["bert"]


@pytest.mark.parametrize("name", ["bert", "albert", "gpt"])
def test_a_class_for_each_text(name: str, models: dict[str, Any], tmp_path: Path) -> None:
    model = models[name]
    before = {key: tensor.clone() for key, tensor in model.network.state_dict().items()}
    taught = model.fine_tune(TEXTS, LABELS, **QUICK)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.network.state_dict().items())
    assert taught.predict(TEXTS[:8]) == LABELS[:8] and taught.classes_ == ["no", "yes"]
    shares = taught.predict_proba(TEXTS[:8])
    assert shares.shape == (8, 2) and np.allclose(shares.sum(1), 1, atol=1e-6)
    assert taught.evaluate(TEXTS, LABELS) == {"accuracy": 1.0, "macro_f1": 1.0, "matthews": pytest.approx(1)}
    taught.save(tmp_path / "taught")
    again = firth.load(tmp_path / "taught", verify="full")
    assert isinstance(again, FineTuned) and again.task == "classify" and again.classes_ == taught.classes_
    assert np.allclose(again.predict_proba(TEXTS), taught.predict_proba(TEXTS), atol=1e-6)
    assert np.allclose(again.encode(TEXTS[:2]), taught.encode(TEXTS[:2]), atol=1e-6)


@pytest.mark.parametrize("name", ["bert", "gpt"])
def test_a_class_for_each_pair(name: str, models: dict[str, Any]) -> None:
    pairs = [("good", "film"), ("film", "good"), ("bad", "cat"), ("cat", "bad")] * 8
    taught = models[name].fine_tune(pairs, [1, 0] * 16, task="pair", **QUICK)
    assert taught.predict(pairs[:4]) == [1, 0, 1, 0]


@pytest.mark.parametrize("name", ["bert", "gpt"])
def test_a_number_for_each_text(name: str, models: dict[str, Any], tmp_path: Path) -> None:
    numbers = [10.0 if label == "yes" else 4.0 for label in LABELS]
    taught = models[name].fine_tune(TEXTS, numbers, task="regress", **{**QUICK, "steps": 60})
    assert np.allclose(taught.predict(TEXTS[:4]), numbers[:4], atol=1)
    scores = taught.evaluate(TEXTS, numbers)
    assert scores["spearman"] > 0.8 and scores["pearson"] > 0.95 and scores["mse"] < 1
    with pytest.raises(InputError, match="no probabilities"):
        taught.predict_proba(TEXTS)
    taught.save(tmp_path / "numbers")
    assert np.allclose(firth.load(tmp_path / "numbers").predict(TEXTS), taught.predict(TEXTS))


@pytest.mark.parametrize("name", ["bert", "gpt"])
def test_a_tag_for_each_word(name: str, models: dict[str, Any], tmp_path: Path) -> None:
    words = [text.split() for text in TEXTS]
    tags = [["A" if word in ("good", "bad", "fine", "poor") else "N" for word in each] for each in words]
    taught = models[name].fine_tune(words, tags, task="tag", **QUICK)
    assert taught.predict(words[:4]) == tags[:4]
    assert [share.shape for share in taught.predict_proba(words[:2])] == [(2, 2), (2, 2)]
    assert taught.evaluate(words, tags)["accuracy"] == 1
    taught.save(tmp_path / "tags")
    assert firth.load(tmp_path / "tags").predict(words) == taught.predict(words)
    with pytest.raises(InputError, match=r"20 words has 20 tokens"):
        taught.predict([["good"] * 20])


@pytest.mark.parametrize("name", ["bert", "albert", "gpt", "xlnet"])
def test_the_mean_of_a_text(name: str, models: dict[str, Any], tmp_path: Path) -> None:
    taught = models[name].fine_tune(TEXTS, LABELS, pooling="mean", **QUICK)
    assert taught.predict(TEXTS[:8]) == LABELS[:8]
    means = torch.from_numpy(taught.encode(TEXTS[:8], pooling="mean"))  # what a reader would work out by hand
    with torch.inference_mode():
        assert np.allclose(taught.predict_proba(TEXTS[:8]), taught.head(means).softmax(-1), atol=1e-6)
    taught.save(tmp_path / "mean")
    again = firth.load(tmp_path / "mean")
    assert again.pooling == "mean" and np.allclose(again.predict_proba(TEXTS), taught.predict_proba(TEXTS), atol=1e-6)
    transformers = pytest.importorskip("transformers")
    theirs, told = transformers.AutoModel.from_pretrained(tmp_path / "mean", output_loading_info=True)
    assert not told["missing_keys"] and type(theirs).__name__ == theirs.config.architectures[0]


def test_tags_stand_at_the_first_token_of_a_word() -> None:
    parts = firth.BERT(**{**SMALL, "units": "wordpiece", "vocab_size": 30, "steps": 1}).fit(LINES, threads=1)
    ((row, begins),) = parts.word_rows([["goodfilm", "bad"]])
    assert sum(begins) == 2 and not begins[0] and begins[1] and not begins[-1] and len(row) == len(begins) > 5
    bpe = firth.GPT(**{**SMALL, "units": "bpe", "vocab_size": 262, "steps": 1}).fit(LINES, threads=1)
    ((row, begins),) = bpe.word_rows([["so", "good"]])
    assert bpe.tokenizer.text(row) == "so good" and sum(begins) == 2


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    "options",
    [
        {"freeze": "embeddings"},
        {"freeze": 1},
        {"freeze": "all"},
        {"keep": "nothing"},
        {"keep": "embeddings"},
        {"keep": 1},
        {"layer_decay": 0.5},
        {"pooling": "mean"},
        {"dropout": 0.3},
        {"batch_tokens": 32},
        {"lr": 0.001},
        {"warmup": 0.5},
        {"schedule": "constant"},
        {"seed": 5},
        {"accumulate": 2},
        {"weight_decay": 0.5},
        {"beta2": 0.9},
        {"init": firth.Vectors(["good"], np.ones((1, 32), np.float32))},
    ],
    ids=str,
)
def test_every_option_does_something(bert: Any, options: dict[str, Any]) -> None:
    usual = {**QUICK, "steps": 3}
    first = bert.fine_tune(TEXTS, LABELS, **usual).predict_proba(TEXTS[:3])
    assert np.array_equal(first, bert.fine_tune(TEXTS, LABELS, **usual).predict_proba(TEXTS[:3]))
    assert not np.array_equal(first, bert.fine_tune(TEXTS, LABELS, **{**usual, **options}).predict_proba(TEXTS[:3]))


def moved(bert: Any, taught: FineTuned) -> set[int]:
    """The depths at which something changed."""
    before, after = bert.network.state_dict(), taught.model.network.state_dict()
    return {depth(name) for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("freeze", "expected"),
    [(None, {0, 1, 2, -1}), ("embeddings", {1, 2, -1}), (1, {2, -1}), (2, {-1}), ("all", {-1})],
)
def test_what_is_frozen_stays(bert: Any, freeze: Any, expected: set[int]) -> None:
    taught = bert.fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 2, "freeze": freeze})
    assert moved(bert, taught) == expected
    assert all(parameter.requires_grad for parameter in taught.model.network.parameters())


@pytest.mark.parametrize(("keep", "same"), [("nothing", set()), ("embeddings", {0}), (1, {0, 1}), (None, {0, 1, 2})])
def test_what_is_not_kept_begins_afresh(bert: Any, keep: Any, same: set[int]) -> None:
    taught = bert.fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 1, "lr": 1e-12, "keep": keep})
    before, after = bert.network.state_dict(), taught.model.network.state_dict()
    alike = {
        layer
        for layer in (0, 1, 2)
        if all(torch.allclose(before[n], after[n], atol=1e-6) for n in before if depth(n) == layer)
    }
    assert alike == same


def test_lower_layers_learn_more_slowly(bert: Any) -> None:
    taught = bert.fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 1, "weight_decay": 0.0, "layer_decay": 0.1})
    before, after = bert.network.state_dict(), taught.model.network.state_dict()
    step = {
        layer: (after[name] - before[name]).abs().max().item()
        for layer, name in enumerate(["embed.norm.weight", *(f"stack.blocks.{n}.ffn.up.weight" for n in (0, 1))])
    }
    assert step[1] / step[2] == pytest.approx(0.1, rel=0.05) and step[0] / step[1] == pytest.approx(0.1, rel=0.05)


def test_it_stops_early_and_keeps_the_best(bert: Any) -> None:
    reports: list[Any] = []
    wrong = (TEXTS[:8], list(reversed(LABELS[:8])))
    options = {**QUICK, "steps": 60, "patience": 2, "evaluate_every": 2, "validation": wrong}
    bert.fine_tune(TEXTS, LABELS, **options, callbacks=[reports.append])
    assert reports[-1].step < 60
    with pytest.raises(ConfigError, match="patience waits"):
        bert.fine_tune(TEXTS, LABELS, patience=2)
    shared: list[Any] = []
    bert.fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 4, "validation": 0.25}, callbacks=[shared.append])
    assert shared[-1].validation is not None


def test_layers_that_are_one_cannot_be_parted(models: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="all layers of this network are one"):
        models["albert"].fine_tune(TEXTS, LABELS, freeze=1)
    with pytest.raises(ConfigError, match="keep=3, and the network has 2 layers"):
        models["bert"].fine_tune(TEXTS, LABELS, keep=3)
    frozen = models["albert"].fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 2, "freeze": "all"})
    assert moved(models["albert"], frozen) == {-1}


@pytest.mark.parametrize(
    ("texts", "labels", "options", "says"),
    [
        (["a"], ["x", "y"], {}, "1 texts and 2 labels"),
        (["a", "b"], ["x", "x"], {}, "one class alone"),
        (["a", "b"], ["x", 1.5], {}, "not 1.5"),
        (["a", "b"], ["x", "y"], {"task": "regress"}, "every label must be one"),
        (["a", "b"], [1.0, float("nan")], {"task": "regress"}, "finite"),
        (["a", "b"], ["x", "y"], {"task": "pair"}, r"\(a, b\)"),
        (["a b", "b"], [["x", "y"], ["x"]], {"task": "tag"}, "lists of words"),
        ([["a", "b"]], [["x"]], {"task": "tag"}, "one class alone"),
        ([["a", "b"], ["c"]], [["x"], ["y"]], {"task": "tag"}, "2 words and 1 tags"),
        ([["a"], ["c"]], ["x", "y"], {"task": "tag"}, "must be a list"),
        ([], [], {}, "one class alone"),
    ],
)
def test_bad_texts_and_labels(bert: Any, texts: Any, labels: Any, options: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        bert.fine_tune(texts, labels, **options)


def test_bad_options() -> None:
    with pytest.raises(ConfigError, match="epohcs"):
        FineTuning.of(epohcs=2)
    with pytest.raises(ConfigError, match="freeze"):
        FineTuning(freeze="head")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="leave pooling out"):
        FineTuning(task="tag", pooling="mean")


def test_a_task_that_was_tampered_with(bert: Any, tmp_path: Path) -> None:
    from firth.formats import language_model

    taught = bert.fine_tune(TEXTS, LABELS, **{**QUICK, "steps": 1})
    taught.save(tmp_path / "x")
    saved = language_model.read(tmp_path / "x")
    for odd in ({"kind": "sing", "classes": []}, {**saved.config["task"], "pooling": "max"}):
        with pytest.raises(CorruptFileError, match="its task is not one"):
            FineTuned.reopened("x", bert, saved._replace(config={**saved.config, "task": odd}))


def test_scores() -> None:
    assert matthews(["a", "b"] * 5, ["b", "a"] * 5) == pytest.approx(-1)
    assert matthews(["a", "b"] * 5, ["a", "a"] * 5) == 0
    assert matthews([1, 2, 3], [1, 2, 3]) == pytest.approx(1)
    found = number_scores(np.array([1.0, 2, 3]), np.array([1.0, 4, 9]))
    assert found["spearman"] == pytest.approx(1) and 0.9 < found["pearson"] < 1
    assert found["mse"] == pytest.approx(40 / 3)
    assert np.isnan(number_scores(np.array([1.0, 2]), np.array([3.0, 3]))["pearson"])
