"""nltk's language models where the formulas agree: maximum likelihood, Lidstone, interpolated Kneser-Ney."""

import random
from typing import Any

import pytest

import firth

nltk_lm = pytest.importorskip("nltk.lm")
padded_everygram_pipeline = pytest.importorskip("nltk.lm.preprocessing").padded_everygram_pipeline


def made() -> list[list[str]]:
    draw = random.Random(3)
    return [[draw.choice("abcdefgh"[: draw.randint(1, 8)]) for _ in range(draw.randint(2, 9))] for _ in range(60)]


def theirs(model: Any, order: int) -> Any:
    model.fit(*padded_everygram_pipeline(order, made()))
    return model


@pytest.mark.parametrize("order", [1, 2, 3])
def test_maximum_likelihood(order: int) -> None:
    ours = firth.NGramLM(order=order, smoothing="mle").fit(made(), progress=False)
    model = theirs(nltk_lm.MLE(order), order)
    for context in (("a",), ("a", "b"), ("h", "g"), ("b", "a")):
        history = context[len(context) - order + 1 :] if order > 1 else ()
        for word in ("a", "b", "h", "</s>"):
            if order > 1:  # their single words count the marks of padding
                assert ours.probability(word, context) == pytest.approx(model.score(word, history))


def test_lidstone() -> None:
    ours = firth.NGramLM(order=2, smoothing="add-k", k=0.3).fit(made(), progress=False)
    model = theirs(nltk_lm.Lidstone(0.3, 2), 2)
    mine, size = len(ours.words) + 2, len(model.vocab)  # they count <s> as a word that may come
    for context in ("a", "h"):
        total = ours.count(context)
        for word in ("a", "h", "z"):
            expected = model.score(model.vocab.lookup(word), [context]) * (total + 0.3 * size) / (total + 0.3 * mine)
            assert ours.probability(word, [context]) == pytest.approx(expected)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_interpolated_kneser_ney(order: int) -> None:
    """One discount, and their lowest order replaced by ours: they neither discount it nor leave a word unseen.

    Contexts that begin with <s> are left out: there they count one padding mark before, where KenLM and we count how
    often the n-gram comes.
    """
    ours = firth.NGramLM(order=order, discount=0.6).fit(made(), progress=False)

    class Lowest(nltk_lm.KneserNeyInterpolated):  # type: ignore[misc]
        def unmasked_score(self, word: str, context: Any = None) -> float:
            return super().unmasked_score(word, context) if context else ours.probability(word)

    model = theirs(Lowest(order, discount=0.6), order)
    compared = 0
    draw = random.Random(5)
    for _ in range(60):
        context = tuple(draw.choice("abcdefgh") for _ in range(order - 1))
        for word in ("a", "b", "e", "h", "</s>"):
            if ours.count(list(context)):
                assert ours.probability(word, context) == pytest.approx(model.score(word, context), rel=1e-4)
                compared += 1
    assert compared > 50
