"""Tokens stage: the words met so far, an id and a count for each."""

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from firth.corpus.items import strings
from firth.tokens.pieces import ids_of

Tag = TypeVar("Tag")

_SETTLED_AT = 1 << 20  # words merged at a time; measured on 16.9 M tokens: 2^16 1.41, 2^18 1.29, 2^20 1.18 s of CPU


class Lexicon(Generic[Tag]):
    """Words in the order they were met, or a fixed list of them.

    Blocks of words are added with a tag, and merged many at a time: Arrow numbers the words so far and all new ones in
    one go, so old words keep their ids, no Python object is made of a word, and other threads go on.

    Where more than `most` words are held the rarest are forgotten, as word2vec.c does: all that came no oftener than
    some threshold (`threshold` is the highest of all times), so that half of the room is free. A word that comes again
    later starts at 0.
    """

    def __init__(self, fixed: Sequence[str] | None = None, most: int | None = None):
        self.fixed = fixed is not None
        self.most = most
        self.words: Any = strings(fixed or []).cast(pa.large_string())
        self.counts: npt.NDArray[np.int64] = np.zeros(len(self.words), np.int64)
        self.words_read = 0
        self.forgotten = 0
        self.tokens_forgotten = 0
        self.threshold = 0
        self._waiting: list[tuple[Tag, Any, npt.NDArray[np.int64]]] = []
        self._words_waiting = 0

    def __len__(self) -> int:
        return len(self.counts)

    def add(self, tag: Tag, words: Any, counts: npt.NDArray[np.int64]) -> None:
        """Take in a block's words, pa.Array of str[w], and how often each came, i8[w]."""
        self._waiting.append((tag, words.cast(pa.large_string()), counts))
        self._words_waiting += len(words)

    def due(self) -> bool:
        """Whether enough blocks wait to be merged: half as many words as there are, so merging stays linear."""
        return self._words_waiting >= max(_SETTLED_AT, len(self) // 2)

    def settle(self) -> Iterator[tuple[Tag, npt.NDArray[np.int32]]]:
        """Merge what waits: each block's tag and the ids of its words, i4[w]; -1 for one that a fixed list lacks."""
        waiting, self._waiting, self._words_waiting = self._waiting, [], 0
        encoded = pa.concat_arrays([self.words, *(words for _, words, _ in waiting)]).dictionary_encode()
        ids, at = ids_of(encoded), len(self.words)  # the old words come first, so their ids are the old ones
        if self.fixed:
            ids = np.where(ids < len(self.words), ids, np.int32(-1))
        else:
            self.words = encoded.dictionary
            self.counts = np.append(self.counts, np.zeros(len(self.words) - len(self.counts), np.int64))
        for tag, words, counts in waiting:
            some = ids[at : at + len(words)]
            at += len(words)
            self.words_read += int(counts.sum())
            known = some >= 0
            np.add.at(self.counts, some[known], counts[known])
            yield tag, some

    def full(self) -> bool:
        return not self.fixed and self.most is not None and len(self) > self.most

    def forget_rarest(self) -> npt.NDArray[np.int32]:
        """Drop the rarest words; the new id of every old one, -1 for the dropped: i4[old length]. None may wait."""
        assert self.most is not None, "only what has a limit is full"
        assert not self._waiting, "blocks wait for ids that are about to change"
        counts = self.counts
        least = len(counts) - self.most // 2 - 1  # in ascending order, the last that has to go
        threshold = int(np.partition(counts, least)[least])
        stays = counts > threshold
        self.threshold = max(self.threshold, threshold)
        self.forgotten += int(len(counts) - stays.sum())
        self.tokens_forgotten += int(counts[~stays].sum())
        self.words = self.words.filter(pa.array(stays))
        self.counts = counts[stays]
        return np.where(stays, np.cumsum(stays, dtype=np.int32) - 1, -1).astype(np.int32)
