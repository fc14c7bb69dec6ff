"""The slow twin of phrases, against numbers worked out by hand."""

from math import log

import pytest

from firth.reference.phrases import join, learn

TEXT = [["a", "b"], ["a", "b"], ["a", "of", "b"], ["c"]]


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("original", (2 - 1) / (3 * 3) * (4 + 3)),  # a b c of; ab, a-of, of-b
        ("word2phrase", (2 - 1) / (3 * 3) * 8),
        ("npmi", log((2 / 8) / (3 / 8 * 3 / 8)) / -log(2 / 8)),
    ],
)
def test_scores(scoring: str, score: float) -> None:
    assert learn(TEXT, 1, 0.1, scoring)["a", "b"] == (pytest.approx(score), 2)


def test_a_connector_is_no_word_and_parts_nothing() -> None:
    found = learn(TEXT, 1, -1.0, "original", {"of"})
    assert found == {("a", "b"): (pytest.approx((2 - 1) / 9 * (3 + 2)), 2), ("a", "of", "b"): (0.0, 1)}


def test_join() -> None:
    assert join(["a", "of", "b", "a", "b"], {("a", "b")}) == ["a", "of", "b", "a_b"]
    assert join(["of", "a", "of", "b", "of"], {("a", "of", "b")}, {"of"}) == ["of", "a_of_b", "of"]
