"""A direction that people name: man–woman, poor–rich."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from firth.errors import ConfigError
from firth.vectors.analogy import Item, Key
from firth.vectors.nearest import Floats, unit
from firth.vectors.where import Where, rows_where

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup, Which

Scored = list[tuple[str, float]]


class Axis:
    """The direction from some keys to others, and where keys lie along it.

    direction   f4[dim], length 1: mean of the positive unit vectors less the mean of the negative ones
    """

    def __init__(self, vectors: "Lookup", positive: Iterable[Item], negative: Iterable[Item], which: "Which") -> None:
        self._vectors, self._which = vectors, which
        ends = [vectors.get_mean_vector(side, ignore_missing=False, which=which) for side in (positive, negative)]
        if not np.any(ends[0] - ends[1]):
            raise ConfigError("Both ends of the axis are the same, so it has no direction. Give other keys.")
        self.direction: Floats = unit(ends[0] - ends[1])

    def scores(self, keys: Iterable[Key]) -> Scored:
        """(key, cosine with the direction), the most positive first."""
        from firth.vectors.lookup import items_of

        rows = [self._vectors.get_index(key) for key in items_of(keys)]
        found = self._vectors.rows(self._which).unit(np.array(rows, np.int64)) @ self.direction
        order = np.argsort(-found, kind="stable")
        return [(self._vectors.index_to_key[rows[place]], float(found[place])) for place in order.tolist()]

    def ends(self, topn: int = 10, restrict_vocab: int | None = None, *, where: Where = None) -> tuple[Scored, Scored]:
        """The keys furthest along the axis, and those furthest the other way: two (key, cosine) lists.

        restrict_vocab, where   as for `most_similar`
        """
        rows, among = self._vectors.rows(self._which), rows_where(self._vectors, where)
        both = np.stack([self.direction, -self.direction])
        ids, scores = rows.nearest(both, max(0, topn), restrict_vocab or None, among=among)
        names = self._vectors.index_to_key
        one, other = (
            [(names[row], sign * score) for row, score in zip(found.tolist(), cosines.tolist(), strict=True)]
            for found, cosines, sign in zip(ids, scores, (1, -1), strict=True)
        )
        return one, other
