"""The rows that words are made of while they are learnt: their own, and those of the n-grams that the vocabulary has.

fastText keeps a row for each of 2 million buckets and touches a fifth of them. Here only buckets that some word needs
have a row, those that the text meets most often first, so that what is hot lies together; one row of zeros, which
nothing moves, stands for all others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firth.tokens.floret import floret_rows
from firth.tokens.subwords import Bags, character_ngrams, packed, with_words
from firth.vectors.subwords import Subwords
from firth.vocabulary import Vocabulary

FNV_SEED = 2166136261


@dataclass(frozen=True)
class WordRows:
    """Which rows of the input table each word is made of."""

    bags: Bags
    """Row numbers, a word's own row first."""
    own: int
    """Rows of words; the rows of n-grams follow."""
    used: npt.NDArray[np.int64]
    """i8[rows of n-grams], the bucket of each."""
    buckets: int
    min_n: int
    max_n: int
    hash_count: int = 0

    @property
    def rows(self) -> int:
        """Rows in all, without the zeros."""
        return self.own + len(self.used)

    def subwords(self, inputs: npt.NDArray[np.float32]) -> Subwords | None:
        """The table f4[rows + 1, dim], whose last row is zeros, as what makes vectors of words; None: no n-grams."""
        if self.hash_count:
            return Subwords(inputs[: self.rows], self.min_n, self.max_n, hash_count=self.hash_count)
        if self.max_n < max(1, self.min_n):
            return None
        places = np.full(self.buckets, len(self.used), np.int32)
        places[self.used] = np.arange(len(self.used))
        return Subwords(inputs[self.own :], self.min_n, self.max_n, own=inputs[: self.own], places=places)


def word_rows(words: Vocabulary, min_n: int, max_n: int, buckets: int, hash_count: int = 0) -> WordRows:
    """The rows of the words of a vocabulary.

    hash_count  0: fastText's n-grams, and a row for each word. 1 … 4: floret's, for n-grams and words alike
    """
    blob, offsets = packed(words.keys)
    if hash_count:
        bags = floret_rows(blob, offsets, min_n, max_n, buckets, hash_count, FNV_SEED)
        return WordRows(bags, 0, np.arange(buckets), buckets, min_n, max_n, hash_count)
    bags = character_ngrams(blob, offsets, min_n, max_n, buckets)
    met = np.bincount(bags.rows, np.repeat(np.asarray(words.counts, np.float64) + 1, np.diff(bags.offsets)))
    used = np.flatnonzero(met)
    used = used[np.argsort(-met[used], kind="stable")]
    places = np.zeros(len(met), np.int32)
    places[used] = np.arange(len(used))
    compact = with_words(Bags(bags.offsets, places[bags.rows]), len(words))
    return WordRows(compact, len(words), used, buckets, min_n, max_n)


def are_alike(rows: WordRows, init: Subwords | None) -> bool:
    """Whether the rows of n-grams mean the same."""
    ours = (rows.min_n, rows.max_n, rows.buckets, rows.hash_count)
    return init is not None and ours == (init.min_n, init.max_n, init.buckets, init.hash_count)


def start_rows(
    inputs: npt.NDArray[np.float32], rows: WordRows, init: Subwords | None, dim: int
) -> npt.NDArray[np.int64]:
    """Copy the rows of n-grams from vectors that were made in the same way; others stay as they are.

    Returns which of the rows of n-grams were copied. A row of zeros was never learnt, and is not.
    """
    if init is None or not are_alike(rows, init):
        return np.zeros(0, np.int64)
    places = rows.used if init.places is None else init.places[rows.used]
    known = np.flatnonzero((places >= 0) & (places < len(init.table)))
    known = known[init.table[places[known]].any(axis=1)]
    inputs[rows.own + known, :dim] = init.table[places[known]]
    return known
