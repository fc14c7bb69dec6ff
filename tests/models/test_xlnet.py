"""XLNet as a model: it learns, is asked, is saved; every option does something."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth
from firth.errors import InputError

torch = pytest.importorskip("torch")

from firth.models.xlnet import OrderModel, XLNet  # noqa: E402

PAIRS = ["red rose", "green grass", "blue sky", "white snow"]
LINES = random.Random(1).choices([*PAIRS, ""], k=600)
SMALL: dict[str, Any] = {
    "units": "words", "layers": 1, "dim": 32, "heads": 2, "length": 16, "batch_tokens": 256, "lr": 0.01, "one_in": 3,
}  # fmt: skip


def fit(source: Any = LINES, **options: Any) -> OrderModel:
    found = XLNet(**{**SMALL, **options}).fit(source, threads=1, precision="fp32")
    assert isinstance(found, OrderModel)
    return found


@pytest.fixture(scope="module")
def model() -> OrderModel:
    return fit(steps=100)


def test_it_learns_which_words_go_together(model: OrderModel) -> None:
    """Told from the right side, and from the left; of two gaps the second is filled by what is in the first."""
    for pair in PAIRS:
        left, right = pair.split()
        assert model.fill_mask(f"<mask> {right}", topn=1)[0][0] == left
        assert model.fill_mask(f"{left} <mask>", topn=1)[0][0] == right
    assert model.fill_mask("red rose <mask> <mask>", topn=1)[0][0] in PAIRS
    ((colour, share), *_) = model.fill_mask("<mask> snow", candidates=["white", "green"])
    assert colour == "white" and share > 0.8
    first, second = model.fill_mask("<mask> rose <mask> grass", topn=1)[0][0]
    assert (first, second) == ("red", "green")
    reports = model.provenance["reports"]
    assert reports[-1]["loss"] < 0.7 * reports[0]["loss"]
    with pytest.raises(InputError, match="<mask>"):
        model.fill_mask("no gap")


def test_the_order_of_the_text_is_one_of_the_orders(model: OrderModel) -> None:
    (ids,) = model.tokens(["red rose blue sky"])
    (logs,) = model.log_probabilities([ids])
    assert logs.shape == (5,) and (logs < 0).all()
    walked = [model.next_log_probabilities([ids[:place]])[0][token] for place, token in enumerate(ids)]
    assert np.allclose(walked, logs[:-1], atol=1e-4)
    both = model.log_probabilities([ids, ids[:2]])
    assert np.allclose(both[0], logs, atol=1e-5) and len(both[1]) == 3
    assert model.score(["red rose blue sky"]).tokens == 5, "the end of the document too"
    assert 1 < model.perplexity(["red rose blue sky"]) < 30


def test_what_is_remembered_is_as_good_as_read_again(model: OrderModel) -> None:
    """Writing on with memory gives the scores of reading all of it at each step."""
    ids = model.tokens(["red rose green"])[0]
    scores = model.next_scores(ids)
    for _ in range(4):
        found = next(scores)
        assert np.allclose(found, model.next_log_probabilities([ids])[0], atol=1e-4)
        ids.append(int(found.argmax()))
    assert np.isfinite(next(model.next_scores([]))).all()
    assert model.generate("green", temperature=0, tokens=3).startswith("green grass")


def test_a_long_text_is_scored_in_stretches(model: OrderModel) -> None:
    """Of 40 tokens in stretches of 16, each with the one before in memory; not far from all at once."""
    text = ["red rose green grass blue sky white snow red rose blue sky " * 3]
    whole = model.log_probabilities([model.tokens(text)[0]])[0]
    found = model.score(text)
    assert found.tokens == len(whole) == 37
    assert found.nats == pytest.approx(-whole.sum(), rel=0.35)


def test_vectors(model: OrderModel) -> None:
    texts = ["red rose", "green grass blue sky white snow", ""]
    assert model.encode(texts).shape == (3, 32)
    tokens = model.encode(texts, pooling="tokens")
    assert [len(each) for each in tokens] == [4, 8, 2]
    assert np.allclose(model.encode(texts, pooling="cls"), [each[-1] for each in tokens])
    assert np.allclose(model.encode(texts[:1]), model.encode(texts)[:1], atol=1e-5), "what is beside it changes nothing"
    sep, cls = model.tokenizer.id_of("sep"), model.tokenizer.id_of("cls")
    assert model.row([9, 9], [8]) == ([9, 9, sep, 8, sep, cls], [0, 0, 0, 1, 1, 2])
    ids, segments = model.row([9] * 20, [8] * 3)
    assert len(ids) == len(segments) == 16 and ids.count(8) == 3


def test_it_is_saved_and_opens_again(model: OrderModel, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = firth.load(tmp_path / "model")
    assert isinstance(again, OrderModel) and again.options == model.options
    assert np.allclose(again.encode(["red rose"]), model.encode(["red rose"]))


def test_it_is_fine_tuned(model: OrderModel) -> None:
    texts, labels = ["red rose", "blue sky"] * 15, ["flower", "air"] * 15
    taught = model.fine_tune(texts, labels, epochs=6, lr=0.01, threads=1)
    assert taught.evaluate(texts, labels)["accuracy"] == 1


def test_every_option_does_something() -> None:
    def learnt(**options: Any) -> tuple[Any, ...]:
        found = fit(**{"steps": 3, **options})
        return found.provenance["reports"][-1]["loss"], sum(one.numel() for one in found.network.parameters())

    usual = learnt()
    assert usual == learnt()
    for options in (
        {"one_in": 5}, {"memory": 8}, {"length": 12}, {"layers": 2}, {"heads": 4}, {"ffn_dim": 16}, {"dropout": 0.3},
        {"activation": "relu"}, {"norm_eps": 0.1}, {"seed": 2}, {"units": "characters"},
    ):  # fmt: skip
        assert learnt(**options) != usual, options


def test_transformers_opens_what_it_saves(model: OrderModel, tmp_path: Path) -> None:
    """The same ids and segments, and the same states; rows are filled up on the left there, on the right here."""
    transformers = pytest.importorskip("transformers")
    model.save(tmp_path / "model")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    texts = ["red rose", "green grass blue sky white snow"]
    given = tokenizer(texts, return_tensors="pt", padding=True)
    assert given["input_ids"][1].tolist() == model.row(model.tokens(texts)[1])[0]
    assert given["token_type_ids"][1].tolist() == model.row(model.tokens(texts)[1])[1]
    assert given["attention_mask"].tolist()[0] == [0] * 4 + [1] * 4
    network, info = transformers.AutoModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not info["missing_keys"]
    with torch.no_grad():
        states = network.eval()(**given).last_hidden_state
    for there, here in zip(states, model.encode(texts, pooling="tokens"), strict=True):
        assert np.allclose(there[-len(here) :], here, atol=1e-5)
    _, info = transformers.AutoModelForPreTraining.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(info.values()), info
    taught = model.fine_tune(texts * 4, ["short", "long"] * 4, epochs=1, threads=1)
    taught.save(tmp_path / "taught")
    classes, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "taught", output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    with torch.no_grad():
        shares = classes.eval()(**given).logits.softmax(-1).numpy()
    assert np.allclose(shares, firth.load(tmp_path / "taught").predict_proba(texts), atol=1e-5)
