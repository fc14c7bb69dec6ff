"""Product quantisation: a row of a table as a few bytes; Jégou, Douze & Schmid 2011, Joulin et al. 2016."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.vectors.nearest import Floats

CENTROIDS = 256
"""A code is a byte."""
_ROUNDS = 20  # of k-means; after these the error falls by less than a thousandth a round
_ROWS = 1 << 14  # decoded at once
_POINTS = 1 << 14  # rows that k-means looks at: 64 for each centroid


@dataclass(frozen=True)
class ProductTable:
    """Rows cut into parts, each part the nearest of 256 centroids; their lengths, where kept apart, likewise.

    row i = norm_i · (centroids[0, codes[i, 0]], centroids[1, codes[i, 1]], …), cut to `dim` numbers.

    >>> parts = np.arange(4, dtype=np.float32).reshape(1, 2, 2).repeat(128, 1)
    >>> table = ProductTable(np.array([[0], [255]], np.uint8), parts, None, None, 2)
    >>> table[np.array([1, 0])].tolist(), table.nbytes
    ([[2.0, 3.0], [0.0, 1.0]], 2050)
    """

    codes: NDArray[np.uint8]
    """u1[rows, parts]"""
    centroids: Floats
    """f4[parts, 256, width]; the last part ends in zeros where `width` does not divide `dim`."""
    norms: NDArray[np.uint8] | None
    """u1[rows], or None where the parts have the rows' own length."""
    lengths: Floats | None
    """f4[256], the length that each code in `norms` stands for."""
    dim: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dim) of the table it stands for."""
        return len(self.codes), self.dim

    @property
    def nbytes(self) -> int:
        arrays = (self.codes, self.centroids, self.norms, self.lengths)
        return sum(array.nbytes for array in arrays if array is not None)

    def __len__(self) -> int:
        return len(self.codes)

    def only(self, rows: Any) -> "ProductTable":
        """These rows alone, as they are written."""
        norms = None if self.norms is None else self.norms[rows]
        return replace(self, codes=self.codes[rows], norms=norms)

    def decoded(self) -> Floats:
        """All of it, f4[rows, dim]."""
        table = np.empty(self.shape, np.float32)
        for start in range(0, len(table), _ROWS):
            table[start : start + _ROWS] = self[start : start + _ROWS]
        return table

    def __getitem__(self, rows: Any) -> Floats:
        """The rows of these numbers, f4[rows, dim]."""
        codes = self.codes[rows]
        parts, _, width = self.centroids.shape
        found = self.centroids[np.arange(parts), codes].reshape(len(codes), parts * width)[:, : self.dim]
        if self.norms is not None and self.lengths is not None:
            found = found * self.lengths[self.norms[rows]][:, None]
        return np.ascontiguousarray(found, np.float32)


def quantised(table: Floats, *, width: int = 2, norms: bool = True, seed: int = 1) -> ProductTable:
    """The table as codes: each part of `width` numbers becomes one byte, by k-means over the parts of its rows.

    table  f4[rows, dim]
    norms  the rows are brought to length 1 first, and their lengths take a byte of their own: frequent and rare words
           differ in length more than in anything else

    >>> table = np.random.default_rng(1).normal(size=(500, 6)).astype(np.float32)
    >>> small = quantised(table)
    >>> small.codes.shape, bool(np.abs(small[np.arange(500)] - table).mean() < 0.1)
    ((500, 3), True)
    """
    random = np.random.default_rng(seed)
    dim = table.shape[1]
    length = np.linalg.norm(table, axis=1)
    codes, lengths = (None, None) if not norms else _clustered(length[:, None].astype(np.float32), random)
    unit = table / np.where(length > 0, length, 1)[:, None] if norms else table
    parts = -(-dim // width)
    padded = np.zeros((len(table), parts * width), np.float32)
    padded[:, :dim] = unit
    found = [_clustered(np.ascontiguousarray(padded[:, p * width : (p + 1) * width]), random) for p in range(parts)]
    return ProductTable(
        np.stack([code for code, _ in found], axis=1),
        np.stack([centroids for _, centroids in found]),
        codes,
        None if lengths is None else lengths[:, 0],
        dim,
    )


def _clustered(points: Floats, random: np.random.Generator) -> tuple[NDArray[np.uint8], Floats]:
    """Each point's code u1[n], and the centroids f4[256, width]: Lloyd's k-means on a sample of the points."""
    from firth.kernels.clusters import assign  # serving needs no compiler

    sample = points if len(points) <= _POINTS else points[random.choice(len(points), _POINTS, replace=False)]
    start = random.choice(len(sample), CENTROIDS, replace=len(sample) < CENTROIDS)
    centroids, distances = sample[start].T.copy(), np.zeros(CENTROIDS, np.float32)
    codes = np.zeros(len(sample), np.uint8)
    for _ in range(_ROUNDS):
        assign(sample, centroids, distances, codes)
        sizes = np.bincount(codes, minlength=CENTROIDS)
        empty = np.flatnonzero(sizes == 0)
        for d, column in enumerate(centroids):
            sums = np.bincount(codes, sample[:, d], CENTROIDS)
            column[:] = np.where(sizes > 0, sums / np.maximum(sizes, 1), column)
        centroids[:, empty] = sample[random.choice(len(sample), len(empty))].T
    every = np.zeros(len(points), np.uint8)
    assign(points, centroids, distances, every)
    return every, np.ascontiguousarray(centroids.T)
