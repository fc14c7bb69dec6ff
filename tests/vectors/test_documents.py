"""Word Mover's Distance and soft cosine."""

import builtins
import itertools

import numpy as np
import pytest

from firth import Vectors
from firth.errors import ConfigError, MissingExtraError

pytest.importorskip("ot")

V = Vectors(
    ["obama", "speaks", "media", "illinois", "president", "greets", "press", "chicago", "band", "gave"],
    np.random.default_rng(4).normal(size=(10, 6)),
)


def test_one_word_each_way_is_an_assignment() -> None:
    """Where every word comes once, the best flow is the best pairing: all of them are tried."""
    one, other = ["obama", "speaks", "media", "illinois"], ["president", "greets", "press", "chicago"]
    for norm in (True, False):
        a, b = (np.stack([V.get_vector(word, norm) for word in words]) for words in (one, other))
        costs = np.linalg.norm(a[:, None] - b[None], axis=2)
        best = min(sum(costs[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4))) / 4
        assert V.wmdistance(one, other, norm) == pytest.approx(best, abs=1e-6)


def test_a_distance_is_a_distance() -> None:
    documents = ["obama speaks", "president greets press press", "band gave", "chicago chicago obama"]
    for one, other, third in itertools.product(documents, repeat=3):
        assert V.wmdistance(one, other) == pytest.approx(V.wmdistance(other, one), abs=1e-6)
        assert V.wmdistance(one, third) <= V.wmdistance(one, other) + V.wmdistance(other, third) + 1e-6
    assert V.wmdistance("obama speaks", ["speaks", "obama"]) == pytest.approx(0, abs=1e-6)


def test_nothing_known() -> None:
    assert V.wmdistance("fir", "obama") == float("inf")
    assert V.soft_cosine("fir", "obama") == 0
    assert V.wmdistance("fir obama", "obama") == 0


def test_words_of_one_place_are_no_distance_apart() -> None:
    same = Vectors(["a", "b", "c"], np.ones((3, 2)))
    assert same.wmdistance("a b", "c b") == 0


def test_chinese_is_cut_as_the_text_was() -> None:
    v = Vectors(["北", "京", "上"], np.eye(3), config={"text": {"tokenizer": "characters"}})
    assert v.wmdistance("北京", "京北") == pytest.approx(0)
    assert v.wmdistance("北", "上") == pytest.approx(np.sqrt(2))
    assert v.soft_cosine("北京", "京上") == pytest.approx(0.5)


def test_soft_cosine_of_words_that_are_nothing_alike_is_the_cosine() -> None:
    v = Vectors(["a", "b", "c"], np.eye(3))
    assert v.soft_cosine("a a b", "a c") == pytest.approx(2 / np.sqrt(5 * 2))
    assert v.soft_cosine("a a b", "b a a") == pytest.approx(1)
    with pytest.raises(ConfigError, match="exponent"):
        v.soft_cosine("a", "b", exponent=0)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name == "ot":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'firth\[wmd\]'"):
        V.wmdistance("obama speaks", "press band")
