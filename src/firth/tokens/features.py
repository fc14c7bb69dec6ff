"""Tokens stage: which rows of a table a document has: those of its words, of their n-grams, of its n-grams of words.

As fastText numbers them: words first, then buckets. Buckets that no document of the training text filled have no row,
so a million of them cost nothing; at prediction they are passed over, as unknown words are.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from firth.tokens.documents import Documents
from firth.tokens.subwords import Bags, character_ngrams, packed, word_hashes, word_ngrams

Rows = npt.NDArray[np.int32]
_KNOWN_NOT = np.int32(-1)


@dataclass(frozen=True)
class Features:
    """What stands in a document's bag.

    >>> from firth.tokens.documents import cut
    >>> features = Features(["to", "be", "</s>"], word_ngrams=2, buckets=100)
    >>> features.rows(cut(["to be"], {})).rows.tolist()  # to, be, </s>, "to be", "be </s>"
    [0, 1, 2, 3, 56]
    """

    words: list[str]
    """Row i is word i's."""
    word_ngrams: int = 1
    """The longest n-gram of words; 1: none."""
    min_n: int = 0
    max_n: int = 0
    """The longest n-gram of characters; 0: none."""
    buckets: int = 0
    kept: Rows | None = None
    """i4[·], the buckets that have a row, ascending: kept[i] has row len(words) + i. None: all of them, in order."""

    @property
    def size(self) -> int:
        """Rows of the table."""
        return len(self.words) + (self.buckets if self.kept is None else len(self.kept))

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word to row."""
        return dict(zip(self.words, range(len(self.words)), strict=True))

    @classmethod
    def filled(cls, words: list[str], documents: Documents, ngrams: dict[str, int]) -> "tuple[Features, Bags]":
        """With rows for those buckets alone that these documents fill; and the bag of each document."""
        every = cls(words, kept=None, **ngrams)
        owners, buckets = every._hashed(documents)
        features = replace(every, kept=np.unique(buckets))
        return features, features._bags(documents, owners, buckets)

    def rows(self, documents: Documents) -> Bags:
        """The bag of each document. Unknown words have their n-grams alone."""
        return self._bags(documents, *self._hashed(documents))

    def _bags(self, documents: Documents, owners: Rows, buckets: Rows) -> Bags:
        places = buckets if self.kept is None else self.places[buckets]
        own = np.fromiter((self.ids.get(word, -1) for word in documents.words), np.int32, len(documents.words))
        words, owner = own[documents.tokens], _owners(documents.offsets)
        if len(places) == 0 and (words >= 0).all():
            return Bags(documents.offsets, words)
        rows = np.concatenate([words, np.where(places < 0, _KNOWN_NOT, places + np.int32(len(self.words)))])
        owner = np.concatenate([owner, owners])
        rows, owner = rows[rows >= 0], owner[rows >= 0]
        order = np.argsort(owner, kind="stable")
        sizes = np.bincount(owner, minlength=len(documents))
        return Bags(np.concatenate([[0], np.cumsum(sizes)]), np.ascontiguousarray(rows[order]))

    def word_rows(self, word: str) -> Rows:
        """The rows whose mean is a word's vector: its own, and those of its n-grams."""
        found = [self.ids[word]] if word in self.ids else []
        if self.max_n:
            buckets = character_ngrams(*packed([word]), self.min_n, self.max_n, self.buckets).rows
            places = buckets if self.kept is None else self.places[buckets]
            found += (places[places >= 0] + len(self.words)).tolist()
        return np.array(found, np.int32)

    def _hashed(self, documents: Documents) -> tuple[Rows, Rows]:
        """(the document, the bucket) of each n-gram, of characters and then of words."""
        owners, buckets = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        if not self.buckets or (self.max_n < 1 and self.word_ngrams < 2):
            return owners[0], buckets[0]
        text = packed(documents.words)
        if self.max_n:
            of_word = character_ngrams(*text, self.min_n, self.max_n, self.buckets)
            sizes = np.diff(of_word.offsets)[documents.tokens]
            starts = np.repeat(of_word.offsets[documents.tokens] - (np.cumsum(sizes) - sizes), sizes)
            buckets.append(of_word.rows[starts + np.arange(len(starts))])
            owners.append(np.repeat(_owners(documents.offsets), sizes))
        if self.word_ngrams > 1:
            hashes = word_hashes(*text)[documents.tokens]
            joined = word_ngrams(hashes, documents.offsets, self.word_ngrams, self.buckets)
            buckets.append(joined.rows)
            owners.append(_owners(joined.offsets))
        return np.concatenate(owners), np.concatenate(buckets)

    @cached_property
    def places(self) -> Rows:
        """i4[buckets], where each bucket stands in `kept`, or -1."""
        assert self.kept is not None, "all buckets have rows"
        place = np.full(self.buckets, _KNOWN_NOT)
        place[self.kept] = np.arange(len(self.kept), dtype=np.int32)
        return place


def _owners(offsets: npt.NDArray[np.int64]) -> Rows:
    """i4[·], for each item of a ragged list the number of the thing that holds it."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
