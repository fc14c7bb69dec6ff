"""How sure a score is: bootstrap confidence intervals.

The questions of a file are a sample of those that might have been asked. Draw as many of them again, with replacement,
a thousand times; between the 2.5th and the 97.5th percentile of the scores lies the interval of 95% (Efron 1979). The
draws are seeded: the same score has the same interval every time.
"""

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Interval: TypeAlias = tuple[float, float]
"""(low, high) of 95%; (NaN, NaN) where nothing was asked."""

_DRAWS = 1000
_SEED = 1
_PERCENTILES = (2.5, 97.5)
_AT_ONCE = 1 << 16  # numbers of a block of draws: half a MB stays near the cores
_NOTHING = (float("nan"), float("nan"))


def plain(interval: Interval) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [None if end != end else end for end in interval]


def of_share(right: int, asked: int) -> Interval:
    """Of right / asked. Drawing `asked` rights and wrongs again is a draw from a binomial law: no need to make them.

    >>> [round(end, 2) for end in of_share(500, 1000)]
    [0.47, 0.53]
    """
    if not asked:
        return _NOTHING
    return _between(_rng().binomial(asked, right / asked, _DRAWS) / asked)


def of_mean(values: NDArray[np.float64]) -> Interval:
    """Of the mean of f8[n]."""
    if not len(values):
        return _NOTHING
    return _between(np.concatenate([drawn @ values / len(values) for drawn in _drawn(len(values))]))


def of_purity(table: NDArray[np.int64]) -> Interval:
    """Of Σ over clusters of the largest class / all, of counts i8[clusters, classes]; the clusters stay as they are."""
    total = int(table.sum())
    if not total:
        return _NOTHING
    draws = _rng().multinomial(total, table.ravel() / total, _DRAWS).reshape(_DRAWS, *table.shape)
    return _between(draws.max(axis=2).sum(axis=1) / total)


def of_spearman(one: NDArray[np.float64], two: NDArray[np.float64]) -> Interval:
    """Of the rank correlation of f8[n] and f8[n]; draws in which one side is constant are left out.

    A draw is how often each pair comes, i8[n]. Sorted once, a value's rank in a draw is the number drawn before its
    group of equals and half of those in it: no draw is sorted again.
    """
    if len(one) < 2:
        return _NOTHING
    sides = [_Ranked(side) for side in (one, two)]
    found = []
    for drawn in _drawn(len(one)):
        ranks = [side.ranks(drawn) for side in sides]
        centred = [rank - (drawn * rank).sum(axis=1, keepdims=True) / len(one) for rank in ranks]
        products = (drawn * centred[0] * centred[1]).sum(axis=1)
        squares = [(drawn * side * side).sum(axis=1) for side in centred]
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(products / np.sqrt(squares[0] * squares[1]))
    correlations = np.concatenate(found)
    varied = correlations[np.isfinite(correlations)]
    return _between(varied) if len(varied) else _NOTHING


class _Ranked:
    """Values sorted once, to rank them in any draw."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.order = np.argsort(values, kind="stable")
        ordered = values[self.order]
        self.begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        self.group = np.empty(len(values), np.int64)  # of each value
        self.group[self.order] = np.repeat(np.arange(len(self.begins)), np.diff([*self.begins, len(values)]))

    def ranks(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        """f8[draws, n], the mean rank of each value, less one half."""
        sizes = np.add.reduceat(drawn[:, self.order], self.begins, axis=1)
        middle = np.cumsum(sizes, axis=1) - sizes / 2
        return np.take(middle, self.group, axis=1)


def _drawn(number: int) -> Iterator[NDArray[np.float64]]:
    """How often each of `number` questions comes in each draw, f8[draws, number], in blocks that fit in memory."""
    rng, height = _rng(), max(1, _AT_ONCE // number)
    for start in range(0, _DRAWS, height):
        size = min(height, _DRAWS - start)
        places = rng.integers(0, number, (size, number)) + np.arange(size)[:, None] * number
        yield np.bincount(places.ravel(), minlength=size * number).reshape(size, number).astype(np.float64)


def _between(scores: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(scores, _PERCENTILES)
    return float(low), float(high)


def _rng() -> np.random.Generator:
    return np.random.default_rng(_SEED)
