"""Exact nearest rows, by blocked matrix products and a running best list for every query.

cosine      q·x / |q||x|     the highest first
dot         q·x              the highest first
euclidean   |q - x|          the lowest first
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Metric = Literal["cosine", "dot", "euclidean"]
Table: TypeAlias = Any
"""f4[n, dim], or what gives f4 rows for an index or a slice and has a shape: a quantised table."""

_TILE = 1 << 21  # scores at once: 8 MB of float32 stays near the cores and far below any memory limit
_QUERIES = 256  # queries at once: enough for a matrix product at full speed
_BLOCK = 1 << 22  # numbers of a table that are looked at in one go
_SHORTEST = np.finfo(np.float32).tiny  # a row shorter than this has no direction that float32 can hold
_SPARE = 8  # more rows than asked for, where the order is settled by a second look


class Rows:
    """A table and the lengths of its rows.

    array    f4[n, dim]  may be a memory map, or quantised; never copied
    lengths  f4[n]       Euclidean
    """

    def __init__(self, array: Table, lengths: Floats) -> None:
        self.array, self.lengths = array, lengths

    @cached_property
    def inverse(self) -> Floats:
        """f4[n], 1 / length; 0 for a row of zeros, so that its cosine with anything is 0."""
        return np.divide(1, self.lengths, out=np.zeros_like(self.lengths), where=self.lengths >= _SHORTEST)

    def unit(self, index: int | slice | Ids) -> Floats:
        """Rows scaled to length 1; zeros stay zeros."""
        scaled: Floats = self.array[index] * self.inverse[index][..., None]
        return scaled

    def cosines(self, query: Floats, limit: int | None = None) -> Floats:
        """Cosine of a unit vector f4[dim] with each of the first `limit` rows: f4[limit]."""
        return self.scores(query, limit)

    def scores(
        self, query: Floats, limit: int | None = None, *, among: Ids | None = None, metric: Metric = "cosine"
    ) -> Floats:
        """The metric of f4[dim] (a unit vector for the cosine) with the first `limit` rows, or those `among`: f4[m]."""
        places = self._places(limit, among)
        found = np.empty(len(places), np.float32)
        width = max(1, _BLOCK // self.array.shape[1])
        for start in range(0, len(places), width):
            block = self.array[_index(places[start : start + width])]
            part = found[start : start + width]
            part[:] = np.sqrt(_squares(block - query)) if metric == "euclidean" else block @ query
        if metric == "cosine":
            found *= self.inverse[_index(places)]
        return found

    def nearest(
        self,
        queries: Floats,
        k: int,
        limit: int | None = None,
        *,
        among: Ids | None = None,
        metric: Metric = "cosine",
    ) -> tuple[Ids, Floats]:
        """The k nearest rows for each of f4[q, dim], best first; the lower row of equals.

        queries  unit vectors for the cosine
        limit    look at the first so many rows; None: all
        among    i8[m], rising: look at these rows alone
        metric   what the scores are, and which end of them is near

        Returns ids i8[q, k'] and scores f4[q, k'], k' = min(k, rows). Scratch memory stays under 64 MB, whatever q
        and n, unless k itself is huge.
        """
        places = self._places(limit, among)
        if metric != "euclidean":
            return self.highest(queries, k, places, self.inverse if metric == "cosine" else None)
        # |q - x|² = |q|² - 2 (q·x - |x|²/2): the rows where the bracket is highest, in float32; then measured exactly.
        ids, _ = self.highest(
            queries, k + _SPARE if k else 0, places, None, np.asarray(self.lengths**2 / 2, np.float32)
        )
        return self._measured(queries, ids, min(k, len(places)))

    def _places(self, limit: int | None, among: Ids | None) -> "range | Ids":
        first = range(len(self.lengths))[:limit]
        return first if among is None else among[: np.searchsorted(among, len(first))]

    def highest(
        self, queries: Floats, k: int, places: "range | Ids", scale: Floats | None, shift: Floats | None = None
    ) -> tuple[Ids, Floats]:
        """The k places of highest scale·(q·x) - shift."""
        k = min(k, len(places))
        ids, scores = np.zeros((len(queries), k), np.int64), np.full((len(queries), k), -np.inf, np.float32)
        if not k or not len(queries):
            return ids, scores
        many = len(queries) > 8  # then it is cheaper to scale the rows, once, than the scores of each query
        width = _TILE // min(len(queries), _QUERIES)
        if many or not isinstance(self.array, np.ndarray) or not isinstance(places, range):
            width = min(width, 2 * _TILE // self.array.shape[1])  # rows that are copied take up to 16 MB
        width = max(width, 4 * k)
        height = max(1, min(_QUERIES, _TILE // width))
        scratch = np.empty(min(width, len(places)) * min(height, len(queries)), np.float32)
        start, step = 0, max(width // 16, 4 * k)  # the first block is sorted, so it is a small one
        while start < len(places):
            index = _index(places[start : start + step])
            block = self.array[index]
            if scale is not None and many:
                block = block * scale[index][:, None]
            for first in range(0, len(queries), height):
                some = slice(first, first + height)
                shape = (len(queries[some]), len(block))
                tile = np.matmul(queries[some], block.T, out=scratch[: shape[0] * shape[1]].reshape(shape))
                if scale is not None and not many:
                    tile *= scale[index]
                if shift is not None:
                    tile -= shift[index]
                _merge(ids[some], scores[some], tile, start)
            start, step = start + step, width
        return (ids if isinstance(places, range) else places[ids]), scores

    def _measured(self, queries: Floats, ids: Ids, k: int) -> tuple[Ids, Floats]:
        """Distances of rows i8[q, m], taken as |q - x| and not by way of products; the k lowest, in order."""
        distances = np.empty(ids.shape, np.float32)
        for place, query in enumerate(queries):
            distances[place] = np.sqrt(_squares(self.array[ids[place]] - query))
        order = np.lexsort((ids, distances), axis=1)[:, :k]
        return np.take_along_axis(ids, order, 1), np.take_along_axis(distances, order, 1)


def metric_of(name: Any) -> Metric:
    """A metric by its name. Raises ConfigError."""
    if name not in get_args(Metric):
        raise ConfigError(f"metric must be 'cosine', 'dot' or 'euclidean', not {name!r}.")
    return name  # type: ignore[no-any-return]


def blocks(rows: int, dim: int) -> Sequence[slice]:
    """Slices that cut a table of so many rows into blocks of about 16 MB of float32."""
    width = max(1, _BLOCK // dim)
    return [slice(start, min(start + width, rows)) for start in range(0, rows, width)]


def measure(table: Table) -> Floats:
    """`lengths` of a table that may be quantised, block by block."""
    if isinstance(table, np.ndarray):
        return lengths(table)
    parts = [lengths(table[part]) for part in blocks(*table.shape)]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def top(scores: Floats, k: int) -> Ids:
    """The places of the k highest of f4[n], best first; the lower place of equals.

    >>> top(np.array([1, 3, 2, 3], np.float32), 3).tolist()
    [1, 3, 2]
    """
    k = min(k, len(scores))
    best = np.flatnonzero(_best(scores[None], k)[0]) if k else np.empty(0, np.int64)
    return best[np.argsort(-scores[best], kind="stable")]


def lengths(array: Floats) -> Floats:
    """Euclidean length of each row, f4[n]; NaN or Inf for a row that holds one.

    float32 squares over- and underflow long before the lengths do, so rows outside 1e±15 are taken again in float64.

    >>> lengths(np.array([[3, 4], [3e30, 4e30], [0, 0]], np.float32))
    array([5.e+00, 5.e+30, 0.e+00], dtype=float32)
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        squares: Floats = np.einsum("ij,ij->i", array, array)
        found: Floats = np.sqrt(squares)
        odd = np.flatnonzero(~((squares > 1e-30) & (squares < 1e30)))  # NaN is odd too
        if len(odd):
            found[odd] = np.sqrt(np.square(array[odd], dtype=np.float64).sum(axis=1))
    return found


def unit(vectors: Floats) -> Floats:
    """f4[..., dim] scaled to length 1 along the last axis; zeros stay zeros."""
    flat = vectors.reshape(-1, vectors.shape[-1])
    return Rows(flat, lengths(flat)).unit(slice(None)).reshape(vectors.shape)


def _index(places: "range | Ids") -> "slice | Ids":
    """What picks these places out of an array: a slice, where they lie side by side, copies nothing."""
    return slice(places.start, places.stop) if isinstance(places, range) else places


def _squares(differences: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->i", differences, differences))


def _merge(ids: Ids, scores: Floats, tile: Floats, start: int) -> None:
    """Merge the scores f4[q, w] of rows start … start + w into the best lists i8[q, k], f4[q, k], in place.

    Few scores pass the worst of the best so far, so one comparison throws out nearly all. An equal score of a later row
    loses, which is how ties go to the lower row.
    """
    k = ids.shape[1]
    passing = tile > scores[:, -1:] if start else _best(tile, k)
    found_at = np.flatnonzero(passing)  # ten times faster than nonzero in two dimensions
    if not len(found_at):
        return
    query, column = np.divmod(found_at, tile.shape[1])
    touched, found = np.unique(query, return_counts=True)
    owner = np.concatenate([np.repeat(touched, k), query])
    new_ids = np.concatenate([ids[touched].ravel(), column + start])
    new_scores = np.concatenate([scores[touched].ravel(), tile[query, column]])
    order = np.lexsort((new_ids, -new_scores, owner))
    begins = np.cumsum(found + k) - (found + k)
    best = order[begins[:, None] + np.arange(k)]
    ids[touched], scores[touched] = new_ids[best], new_scores[best]


def _best(tile: Floats, k: int) -> NDArray[np.bool_]:
    """Where the k best scores of each row of f4[q, w] stand, the first of those that tie: bool[q, w]."""
    place = tile.shape[1] - k
    cut = np.partition(tile, place, axis=1)[:, place, None]
    best: NDArray[np.bool_] = tile >= cut
    crowded = np.flatnonzero(best.sum(axis=1) > k)  # as for a query of zeros, where every score is 0
    ties = tile[crowded] == cut[crowded]
    room = k - (tile[crowded] > cut[crowded]).sum(axis=1, keepdims=True)
    best[crowded] ^= ties & (ties.cumsum(axis=1, dtype=np.int32) > room)
    return best
