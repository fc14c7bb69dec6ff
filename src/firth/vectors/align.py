"""Turning one space into another: orthogonal Procrustes; translation by CSLS.

    R = argmin |XR - Y| over rotations (and mirrors) = U Vᵀ, where U Σ Vᵀ = Xᵀ Y

X, Y the unit vectors of pairs that mean the same. Schönemann 1966; Smith et al. 2017.

    CSLS(x, y) = 2 cos(x, y) - r(x) - r(y)

r the mean cosine of the ten nearest in the other space: what is near to everything is near to nothing in particular.
Conneau et al. 2018.
"""

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from firth.errors import ConfigError, InputError, MissingInputError
from firth.vectors.analogy import Key
from firth.vectors.nearest import Floats, Ids, Rows

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Table = TypeVar("Table", bound="Lookup")
Dictionary: TypeAlias = Iterable[tuple[Key, Key]] | str | PathLike[str]
"""Pairs (key here, key there), or a file with such a pair on each line."""

NEIGHBOURS = 10


def align(
    vectors: Table, other: "Lookup", dictionary: Dictionary | None, refine: int, restrict_vocab: int | None
) -> Table:
    """`Vectors.align`."""
    _same_dim(vectors, other)
    mine, theirs = anchors(vectors, other, dictionary)
    one, two = vectors.rows(), other.rows()
    rotation = procrustes(one.unit(mine), two.unit(theirs))
    for _ in range(refine):
        pairs = mutual(_turned(one, rotation, restrict_vocab), two, restrict_vocab)
        if not len(pairs[0]):
            break
        mine, theirs = pairs
        rotation = procrustes(one.unit(mine), two.unit(theirs))
    fit = float(np.einsum("ij,ij->i", one.unit(mine) @ rotation, two.unit(theirs)).mean())
    parts = vectors.subwords
    own = None if parts is None or parts.own is None else parts.own @ rotation
    return vectors.changed(
        {"name": "align", "anchors": len(mine), "refine": refine, "mean_cosine": fit},
        vectors.index_to_key,
        vectors.vectors @ rotation,
        output=None if vectors.output is None else vectors.output @ rotation,
        nodes=None if vectors.nodes is None else vectors.nodes @ rotation,
        counts=vectors.counts,
        subwords=None if parts is None else replace(parts, table=parts.table @ rotation, own=own),
    )


def translate(
    vectors: "Lookup", keys: list[Key], other: "Lookup", topn: int, csls: bool, restrict_vocab: int | None
) -> list[list[tuple[str, float]]]:
    """`Vectors.translate`."""
    _same_dim(vectors, other)
    rows = np.array([vectors.get_index(key) for key in keys], np.int64)
    one, two = vectors.rows(), other.rows()
    if csls:
        ids, scores = nearest_by_csls(one, two, rows, topn, restrict_vocab)
    else:
        ids, scores = two.nearest(one.unit(rows), topn, restrict_vocab)
    names = other.index_to_key
    pairs = zip(ids.tolist(), scores.tolist(), strict=True)
    return [[(names[row], score) for row, score in zip(*found, strict=True)] for found in pairs]


def procrustes(one: Floats, two: Floats) -> Floats:
    """The orthogonal f4[dim, dim] that brings f4[n, dim] nearest to f4[n, dim]."""
    left, _, right = np.linalg.svd(one.T.astype(np.float64) @ two)
    return np.asarray(left @ right, np.float32)


def anchors(vectors: "Lookup", other: "Lookup", dictionary: Dictionary | None) -> tuple[Ids, Ids]:
    """The rows, here and there, of the pairs whose keys are both known. None: the keys that both tables hold.

    Raises InputError where there is none.
    """
    if dictionary is None:
        ids = vectors.key_to_index
        pairs: list[tuple[Key, Key]] = [(key, key) for key in other.index_to_key if key in ids]
        missing = "The two tables have no key in common: give a dictionary of pairs (key here, key there)."
    else:
        pairs = _pairs(dictionary)
        missing = f"Of the dictionary's {len(pairs):,} pairs none has a known key on both sides."
    found = np.array([[vectors.get_index(a, -1), other.get_index(b, -1)] for a, b in pairs], np.int64).reshape(-1, 2)
    known = found[found.min(axis=1) >= 0]
    if not len(known):
        raise InputError(missing)
    return known[:, 0], known[:, 1]


def nearest_by_csls(one: Rows, two: Rows, rows: Ids, k: int, limit: int | None) -> tuple[Ids, Floats]:
    """The k rows of `two` of highest CSLS for rows of `one`: ids i8[q, k] and scores f4[q, k]."""
    queries = one.unit(rows)
    theirs = _likeness(two.unit(slice(0, limit)), one, limit)
    shift = np.zeros(len(two.lengths), np.float32)
    shift[: len(theirs)] = theirs / 2
    ids, halves = two.highest(queries, k, range(len(two.lengths))[:limit], two.inverse, shift)
    return ids, 2 * halves - _likeness(queries, two, limit)[:, None]


def mutual(one: Rows, two: Rows, limit: int | None) -> tuple[Ids, Ids]:
    """Rows that are each other's first by CSLS, among the first `limit` of both."""
    here, there = (np.arange(len(rows.lengths))[:limit] for rows in (one, two))
    onward, _ = nearest_by_csls(one, two, here, 1, limit)
    back, _ = nearest_by_csls(two, one, there, 1, limit)
    kept = back[onward[:, 0], 0] == here
    return here[kept], onward[kept, 0]


def _likeness(queries: Floats, rows: Rows, limit: int | None) -> Floats:
    """The mean cosine of each with its nearest rows: f4[q]."""
    return np.asarray(rows.nearest(queries, NEIGHBOURS, limit)[1].mean(axis=1))


def _turned(rows: Rows, rotation: Floats, limit: int | None) -> Rows:
    return Rows(rows.array[: len(rows.lengths)][:limit] @ rotation, rows.lengths[:limit])


def _same_dim(vectors: "Lookup", other: "Lookup") -> None:
    if vectors.dim != other.dim:
        raise InputError(
            f"The spaces have {vectors.dim} and {other.dim} dimensions, and must have as many. "
            f"Bring the larger one down: reduce({min(vectors.dim, other.dim)})."
        )


def _pairs(dictionary: Dictionary) -> list[tuple[Key, Key]]:
    if not isinstance(dictionary, str | PathLike):
        pairs = [tuple(pair) for pair in dictionary]
        wrong = next((pair for pair in pairs if len(pair) != 2), None)
        if wrong is not None:
            raise ConfigError(f"A dictionary holds pairs (key here, key there), not {wrong!r:.60}.")
        return pairs  # type: ignore[return-value]
    try:
        with open(dictionary, encoding="utf-8") as file:
            lines = [line.split("\t") if "\t" in line else line.split() for line in file.read().splitlines()]
    except FileNotFoundError:
        raise MissingInputError(f"There is no dictionary {fspath(dictionary)}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{fspath(dictionary)} is not UTF-8 at byte {error.start:,}.") from None
    for number, words in enumerate(lines, 1):
        if words and len(words) != 2:
            raise InputError(f"{fspath(dictionary)}, line {number:,}: {len(words)} words, not two (here, there).")
    return [(words[0].strip(), words[1].strip()) for words in lines if words]
