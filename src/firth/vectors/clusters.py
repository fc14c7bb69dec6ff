"""Groups of keys that lie together: spherical k-means.

    min Σ_x 1 - cos(x, c(x)),   c(x) the nearest of k centres, each the mean direction of its own

k-means++ picks the first centres: each next one among the keys, with a chance in proportion to how far each is from
those that are there already. Dhillon & Modha 2001; Arthur & Vassilvitskii 2007.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.vectors.nearest import Floats, Ids, unit
from firth.vectors.where import Where, rows_where

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup, Which

_TILE = 1 << 21  # products at once


@dataclass(frozen=True, eq=False)
class Clusters:
    """What `Vectors.clusters` found."""

    keys: list[str]
    """Those that were grouped."""
    labels: Ids
    """i8[keys], the group of each, 0 the largest."""
    centres: Floats
    """f4[k, dim], directions of length 1."""
    cosines: Floats
    """f4[keys], of each with its centre."""

    @property
    def sizes(self) -> Ids:
        """i8[k]."""
        return np.bincount(self.labels, minlength=len(self.centres)).astype(np.int64)

    @property
    def spread(self) -> float:
        """Mean of 1 - cosine: what was made small."""
        return float(1 - self.cosines.mean(dtype=np.float64)) if len(self.cosines) else 0.0

    def members(self, label: int, topn: int | None = None) -> list[tuple[str, float]]:
        """(key, cosine with the centre) of a group, those nearest to the centre first; None: all."""
        rows = np.flatnonzero(self.labels == label)
        order = rows[np.argsort(-self.cosines[rows], kind="stable")][:topn]
        return [(self.keys[row], float(self.cosines[row])) for row in order.tolist()]

    def to_dict(self, topn: int | None = None) -> list[dict[str, Any]]:
        """Plain values, a dict for each group."""
        return [
            {"cluster": label, "size": int(size), "keys": [key for key, _ in self.members(label, topn)]}
            for label, size in enumerate(self.sizes)
        ]

    def __str__(self) -> str:
        lines = [f"{len(self.keys):,} keys in {len(self.centres):,} clusters, mean cosine {1 - self.spread:.3f}"]
        for each in self.to_dict(8):
            lines.append(f"{each['cluster']:4}  {each['size']:7,}  {', '.join(each['keys'])}")
        return "\n".join(lines)


def clusters(
    vectors: "Lookup", k: Any, seed: int, passes: int, restrict_vocab: int | None, where: Where, which: "Which"
) -> Clusters:
    """`Vectors.clusters`."""
    among = rows_where(vectors, where)
    rows = np.arange(len(vectors)) if among is None else among
    rows = rows[rows < restrict_vocab] if restrict_vocab else rows
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= max(1, len(rows)):
        raise ConfigError(f"k must be a whole number from 1 to {len(rows):,} (the keys to group), not {k!r}.")
    if passes < 1:
        raise ConfigError(f"passes must be at least 1, not {passes}.")
    points = vectors.rows(which).unit(rows)
    names = vectors.index_to_key
    if not len(points):
        return Clusters([], np.empty(0, np.int64), np.zeros((k, vectors.dim), np.float32), np.empty(0, np.float32))
    centres = lloyd(points, seeds(points, k, np.random.default_rng(seed)), passes, spherical=True)
    labels, _ = assigned(points, centres)
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    labels, centres = place[labels], centres[order]
    cosines = np.einsum("ij,ij->i", points, centres[labels])
    return Clusters([names[row] for row in rows.tolist()], labels, centres, cosines)


def seeds(points: Floats, k: int, random: np.random.Generator) -> Floats:
    """k of the rows f4[n, dim], by k-means++: f4[k, dim]. Where fewer differ, some come again."""
    chosen = [int(random.integers(len(points)))]
    squares = np.einsum("ij,ij->i", points, points)
    nearest = np.full(len(points), np.inf)
    for _ in range(k - 1):
        centre = points[chosen[-1]]
        away = squares - 2 * (points @ centre) + squares[chosen[-1]]
        nearest = np.minimum(nearest, np.maximum(away, 0), dtype=np.float64)
        total = np.cumsum(nearest)
        drawn = np.searchsorted(total, random.random() * total[-1], side="right")
        chosen.append(min(int(drawn), len(points) - 1))
    return points[chosen]


def lloyd(points: Floats, centres: Floats, passes: int, *, spherical: bool = False) -> Floats:
    """The centres f4[k, dim] after so many passes, or when no row changes its centre.

    spherical  rows have length 1, and centres keep it; False: centres are means

    A centre that is nobody's nearest moves to the row that is furthest from its own.
    """
    centres, before = centres.copy(), None
    for _ in range(passes):
        labels, away = assigned(points, centres)
        if before is not None and np.array_equal(labels, before):
            break
        before = labels
        sizes = np.bincount(labels, minlength=len(centres))
        sums = _sums(points, labels, len(centres))
        empty = np.flatnonzero(sizes == 0)
        if len(empty):
            lonely = np.argsort(-away, kind="stable")[: len(empty)]
            sums[empty[: len(lonely)]], sizes[empty] = points[lonely], 1
        centres = unit(sums) if spherical else np.asarray(sums / sizes[:, None], np.float32)
    return centres


def assigned(points: Floats, centres: Floats) -> tuple[Ids, Floats]:
    """The nearest centre of each row, i8[n], and |x - c|² less |x|², f4[n]. For unit vectors: the highest cosine."""
    shift = np.einsum("ij,ij->i", centres, centres) / 2
    labels, away = np.empty(len(points), np.int64), np.empty(len(points), np.float32)
    width = max(1, _TILE // len(centres))
    for start in range(0, len(points), width):
        part = slice(start, start + width)
        scores = points[part] @ centres.T - shift
        labels[part] = scores.argmax(axis=1)
        away[part] = -2 * np.take_along_axis(scores, labels[part, None], 1)[:, 0]
    return labels, away


def _sums(points: Floats, labels: Ids, k: int) -> NDArray[Any]:
    """The sum of the rows of each group, f4[k, dim]."""
    from scipy.sparse import csr_array

    ones = np.ones(len(points), np.float32)
    groups = csr_array((ones, (labels, np.arange(len(points)))), shape=(k, len(points)))
    return np.asarray(groups @ points, np.float32)
