"""Exact nearest rows by cosine: blocked matrix products and a running best list for every query."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

_TILE = 1 << 21  # scores at once: 8 MB of float32 stays near the cores and far below any memory limit
_QUERIES = 256  # queries at once: enough for a matrix product at full speed
_SHORTEST = np.finfo(np.float32).tiny  # a row shorter than this has no direction that float32 can hold


class Rows:
    """A table and the lengths of its rows.

    array    f4[n, dim]  may be a memory map; never copied
    lengths  f4[n]       Euclidean
    """

    def __init__(self, array: Floats, lengths: Floats) -> None:
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
        scores: Floats = self.array[:limit] @ query
        scores *= self.inverse[:limit]
        return scores

    def nearest(self, queries: Floats, k: int, limit: int | None = None) -> tuple[Ids, Floats]:
        """The k rows of highest cosine for each unit vector of f4[q, dim], best first; the lower row of equals.

        Returns ids i8[q, k'] and scores f4[q, k'], k' = min(k, rows). Scratch memory stays under 64 MB, whatever q
        and n, unless k itself is huge.
        """
        rows, inverse = self.array[:limit], self.inverse[:limit]
        many = len(queries) > 8  # then it is cheaper to scale the rows, once, than the scores of each query
        k = min(k, len(rows))
        ids, scores = np.zeros((len(queries), k), np.int64), np.full((len(queries), k), -np.inf, np.float32)
        if not k or not len(queries):
            return ids, scores
        width = _TILE // min(len(queries), _QUERIES)
        if many:
            width = min(width, 2 * _TILE // rows.shape[1])  # the scaled rows take up to 16 MB
        width = max(width, 4 * k)
        height = max(1, min(_QUERIES, _TILE // width))
        scratch = np.empty(min(width, len(rows)) * min(height, len(queries)), np.float32)
        for start in range(0, len(rows), width):
            block, scale = rows[start : start + width], inverse[start : start + width]
            block = block * scale[:, None] if many else block
            for first in range(0, len(queries), height):
                some = slice(first, first + height)
                shape = (len(queries[some]), len(scale))
                tile = np.matmul(queries[some], block.T, out=scratch[: shape[0] * shape[1]].reshape(shape))
                if not many:
                    tile *= scale
                _merge(ids[some], scores[some], tile, start)
        return ids, scores


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
