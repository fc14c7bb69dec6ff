"""Vectors made of n-grams: what a word that no table holds still looks like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.vectors import checks
from firth.vectors.keys import Keys
from firth.vectors.nearest import Floats

if TYPE_CHECKING:
    from firth.tokens.subwords import Bags

_FLOATS = 1 << 22  # gathered at once: 16 MB
_FNV_SEED = 2166136261


@dataclass(frozen=True, eq=False)
class Subwords:
    """The rows of a model's character n-grams; a word's vector is the mean of its n-grams' rows, and of its own.

    table       f4[rows, dim], a row for each bucket of n-grams
    min_n       characters in the shortest n-gram, the brackets of `<word>` counted
    max_n       characters in the longest
    own         f4[keys, dim], a row for each stored key itself, which joins the mean; None: they have none
    places      i4[buckets], the row of each bucket, -1 for one that was pruned; None: bucket i is row i
    hash_count  0: fastText's hash. 1 … 4: floret's, so many rows for each n-gram and for the word itself
    hash_seed   of floret's hash

    Bojanowski, Grave, Joulin & Mikolov 2017, "Enriching Word Vectors with Subword Information".

    >>> parts = Subwords(np.eye(4), min_n=2, max_n=2)
    >>> parts.of(["ab", "ba", ""])
    (array([[0.        , 0.33333334, 0.6666667 , 0.        ],
           [0.33333334, 0.        , 0.33333334, 0.33333334],
           [0.        , 0.        , 0.        , 1.        ]], dtype=float32), array([ True,  True,  True]))

    Raises InputError for arrays that do not fit together.
    """

    table: Floats
    min_n: int
    max_n: int
    own: Floats | None = None
    places: NDArray[np.int32] | None = None
    hash_count: int = 0
    hash_seed: int = _FNV_SEED

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", checks.table(self.table, "rows of n-grams"))
        if self.own is not None:
            object.__setattr__(self, "own", checks.table(self.own, "the keys' own rows"))
            if self.own.shape[1] != self.table.shape[1]:
                raise InputError(
                    f"Rows of n-grams have {self.table.shape[1]} numbers, the keys' own rows {self.own.shape[1]}."
                )
        if not 0 <= self.hash_count <= 4:
            raise InputError(f"hash_count must be 0 (fastText) or 1 to 4 (floret), not {self.hash_count}.")
        if self.hash_count and self.own is not None:
            raise InputError("floret's words have no rows of their own: leave `own` out, or set hash_count=0.")
        if self.places is not None and len(self.places) and self.places.max() >= len(self.table):
            raise InputError(f"places name row {self.places.max():,} of a table of {len(self.table):,} rows.")

    @property
    def buckets(self) -> int:
        """How many numbers the hash can give."""
        return len(self.table) if self.places is None else len(self.places)

    @property
    def dim(self) -> int:
        return int(self.table.shape[1])

    def of(self, words: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """The vectors of words that are not stored, f4[words, dim], and which of them have any n-gram, b1[words]."""
        from firth.tokens.subwords import packed

        bags = self.bags(*packed(words))
        return means(self.table, bags), np.diff(bags.offsets) > 0

    def stored(self, keys: Keys, line_ends: bool = False) -> Floats:
        """The vectors of the stored keys, f4[keys, dim]: their own rows and their n-grams', averaged.

        line_ends  `</s>` has n-grams too, as in the first fastText
        """
        return means(self.table, self.bags(keys.blob, keys.offsets, line_ends), self.own)

    def bags(self, blob: NDArray[np.uint8], offsets: NDArray[np.int64], line_ends: bool = False) -> "Bags":
        """The rows of `table` that each word is made of; words as `firth.tokens.subwords.packed` gives them."""
        from firth.tokens.subwords import Bags, character_ngrams

        if self.hash_count:
            from firth.tokens.floret import floret_rows

            hashing = (self.hash_count, self.hash_seed)
            return floret_rows(blob, offsets, self.min_n, self.max_n, self.buckets, *hashing)
        bags = character_ngrams(blob, offsets, self.min_n, self.max_n, self.buckets, line_ends=line_ends)
        if self.places is None:
            return bags
        rows = self.places[bags.rows]
        before = np.concatenate([[0], np.cumsum(rows >= 0)])
        return Bags(before[bags.offsets], rows[rows >= 0])


def means(table: Floats, bags: "Bags", own: Floats | None = None) -> Floats:
    """The mean of the rows of each bag, and of `own`'s row of the same number: f4[bags, dim]; an empty bag gives 0."""
    offsets, rows = bags.offsets, bags.rows
    sizes = np.diff(offsets)
    found = np.zeros((len(sizes), table.shape[1]), np.float32)
    step = max(1, _FLOATS // table.shape[1])
    start = 0
    while start < len(sizes):
        end = max(start + 1, int(np.searchsorted(offsets, offsets[start] + step, side="right")) - 1)
        full = start + np.flatnonzero(sizes[start:end])
        if len(full):
            gathered = np.asarray(table[rows[offsets[start] : offsets[end]]])
            found[full] = np.add.reduceat(gathered, offsets[full] - offsets[start], axis=0)
        if own is not None:
            found[start:end] += own[start:end]
        start = end
    divisor: Any = np.maximum(sizes + (own is not None), 1).astype(np.float32)
    found /= divisor[:, None]
    return found
