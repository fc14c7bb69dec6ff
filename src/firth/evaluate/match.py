"""How well the sides of pairs find each other: where the right side that belongs to a left one stands among all."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from firth.errors import ConfigError, InputError
from firth.evaluate.recommend import Recommendations
from firth.vectors.match import Side, means

if TYPE_CHECKING:
    from firth.vectors.table import Vectors

_AT_ONCE = 1024  # left sides


def matches(
    vectors: "Vectors",
    pairs: Iterable[tuple[Side, Side]],
    *,
    candidates: Iterable[Side] | None = None,
    k: int = 10,
) -> Recommendations:
    """HR@k, NDCG@k and MRR of the right side of each pair among all right sides.

    vectors     of `firth.Pairs`
    pairs       (left, right), texts or lists of words
    candidates  right sides that are ranked beside those of `pairs`; None: those alone

    Equal scores share the middle of their places; a pair with a side of which no word is known is lost.

    >>> from firth import Pairs
    >>> clicks = [("red wine", "glass"), ("white wine", "glass"), ("iron nail", "hammer"), ("long nail", "hammer")] * 30
    >>> vectors = Pairs(dim=8, epochs=20, lr=0.2).fit(clicks, threads=1)
    >>> matches(vectors, [("cheap wine", "glass"), ("bent nail", "hammer")], k=1).hit_rate
    1.0

    Raises InputError where there is no pair, ConfigError for k below 1 and vectors of another model.
    """
    if k < 1:
        raise ConfigError(f"k must be a whole number of at least 1, not {k!r}.")
    given = [*pairs]
    if not given:
        raise InputError("There is no pair to ask about.")
    sides: dict[str | tuple[str, ...], int] = {}
    for side in [*(right for _, right in given), *(candidates or ())]:
        sides.setdefault(_key(side), len(sides))
    rights, usable = means(vectors, [side if isinstance(side, str) else [*side] for side in sides], "right")
    ranks, known = np.full(len(given), np.inf), 0
    for start in range(0, len(given), _AT_ONCE):
        some = given[start : start + _AT_ONCE]
        lefts, asked = means(vectors, [left for left, _ in some], "left")
        truth = np.array([sides[_key(right)] for _, right in some])
        scores = np.where(usable, lefts @ rights.T, -np.inf)
        own = scores[np.arange(len(some)), truth]
        above = (scores > own[:, None]).sum(axis=1)
        equal = (scores == own[:, None]).sum(axis=1)
        answered = asked & usable[truth]
        known += int(answered.sum())
        ranks[start : start + len(some)][answered] = (above + (equal + 1) / 2)[answered]
    return Recommendations("pairs", k, ranks, known)


def _key(side: Side) -> str | tuple[str, ...]:
    return side if isinstance(side, str) else tuple(side)
