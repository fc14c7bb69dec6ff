"""Words as arithmetic: king - man + woman. The two sides of `most_similar`, and 3CosAdd for many questions at once."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.vectors.nearest import Floats, Ids, Rows, unit

Key: TypeAlias = str | int
"""A key, or the number of its row."""
Item: TypeAlias = Key | NDArray[Any]
"""A key, or a vector f4[dim]."""
Side: TypeAlias = Item | tuple[Item, float] | Sequence[Item | tuple[Item, float]] | None
"""What `most_similar` takes as positive or negative: an item, an (item, weight) pair, or a list of those."""


def terms(positive: Side, negative: Side) -> tuple[list[Item], list[float]]:
    """The items of both sides and their weights: 1 for a positive one, -1 for a negative one, unless given.

    >>> terms(["king", ("woman", 2.0)], "man")
    (['king', 'woman', 'man'], [1.0, 2.0, -1.0])

    Raises ConfigError where there is no item at all, and for what is neither key, vector nor pair.
    """
    pairs = [*_side(positive, 1.0), *_side(negative, -1.0)]
    if not pairs:
        raise ConfigError("Nothing to compare with: give a key or a vector as positive or negative.")
    return [item for item, _ in pairs], [weight for _, weight in pairs]


def three_cos_add(rows: Rows, a: Ids, b: Ids, c: Ids) -> Floats:
    """The unit vectors of b - a + c for questions "a is to b as c is to …", rows scaled to length 1 first: f4[q, dim].

    Mikolov et al. 2013; Levy and Goldberg 2014, eq. 3.
    """
    return unit(rows.unit(b) - rows.unit(a) + rows.unit(c))


def three_cos_mul(
    rows: Rows, vectors: Floats, positive: NDArray[np.bool_], limit: int | None, among: Ids | None
) -> Floats:
    """Π s(x, p) / (Π s(x, n) + 10⁻⁶), s = (1 + cos) / 2, of the first `limit` rows or those `among`: f4[m].

    vectors   f4[v, dim], at length 1 for a true cosine
    positive  b1[v]: above the fraction's line, or below it

    Levy and Goldberg 2014, eq. 4 and footnote 7; 10⁻⁶ as gensim has it.
    """
    likeness = [(1 + rows.scores(vector, limit, among=among)) / 2 for vector in vectors]
    ones = np.ones_like(likeness[0])
    above = np.prod([ones, *(found for found, up in zip(likeness, positive, strict=True) if up)], axis=0)
    below = np.prod([ones, *(found for found, up in zip(likeness, positive, strict=True) if not up)], axis=0)
    return np.asarray(above / (below + np.float32(1e-6)))


def is_key(item: object) -> bool:
    return isinstance(item, str | int | np.integer) and not isinstance(item, bool)


def _side(given: Side, weight: float) -> list[tuple[Item, float]]:
    if given is None:
        return []
    if (
        is_key(given)
        or _is_pair(given)
        or (isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind in "fiu")
    ):
        return [_weighted(given, weight)]
    if not isinstance(given, Iterable):
        raise ConfigError(
            f"Give a key, a vector (numpy array), a (key, weight) pair, or a list of those, not {given!r}."
        )
    return [_weighted(item, weight) for item in given]


def _weighted(item: Any, weight: float) -> tuple[Item, float]:
    if _is_pair(item):
        return item[0], float(item[1])
    if is_key(item) or isinstance(item, np.ndarray):
        return item, weight
    raise ConfigError(f"{item!r} is neither a key, nor a vector (numpy array), nor a (key, weight) pair.")


def _is_pair(item: object) -> bool:
    """(key or vector, number). Two row numbers in a tuple are a pair too, as in gensim; in a list they are two keys."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and (is_key(item[0]) or isinstance(item[0], np.ndarray))
        and isinstance(item[1], Real)
        and not isinstance(item[1], bool)
    )
