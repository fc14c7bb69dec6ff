"""Tokens stage: how often each word and each pair of words comes, in bounded memory."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from firth.tokens.ordered import in_order
from firth.tokens.pairs import Block, Connectors, Places, Stretch, pairs, stretches

_SORTED = 1 << 22  # ids whose pairs are sorted at a time: 32 MB a thread; larger ones gain nothing
BYTES_A_PAIR: Final = 80  # reckoned, not measured: the arrays that `_merged` holds at once

Run = tuple[Places, Places]
"""Keys in ascending order, each once, and how often each came: i8[k], i8[k]."""


class Collocations:
    """Counts of words and of pairs of them.

    `connectors` number the pairs. Where more than `most` pairs are held the rarest are forgotten: all that came no
    oftener than some threshold, so that half of the room is free. A pair that comes again later starts at 0.
    """

    def __init__(self, connectors: Connectors, most: int):
        self.connectors = connectors
        self.words = np.zeros(connectors.size, np.int64)
        """i8[size]: how often each id came, connectors included."""
        self.forgotten = 0
        """Pairs that were forgotten."""
        self.threshold = 0
        """How often a forgotten pair had come by then, at most."""
        self._most = most
        self._runs: list[Run] = []

    @classmethod
    def count(cls, blocks: Iterable[Block], connectors: Connectors, *, most: int, threads: int) -> "Collocations":
        """Count a corpus, read once."""

        def counted(group: list[Stretch]) -> tuple[Places, Run]:
            keys = np.concatenate([_keys(stretch, connectors) for stretch in group])
            ids = np.concatenate([stretch.ids[: len(stretch.ids) - stretch.goes_on] for stretch in group])
            return np.bincount(ids, minlength=connectors.size), run_of(keys)

        found = cls(connectors, most)
        for words, run in in_order(counted, _grouped(stretches(blocks, connectors)), threads):
            found.words += words
            found.add(run)
        return found

    def add(self, run: Run) -> None:
        """Take in some pairs."""
        self._runs.append(run)
        while len(self._runs) > 1 and 2 * len(self._runs[-1][0]) > len(self._runs[-2][0]):
            self._runs[-2:] = [_merged(self._runs[-2:])]
        if sum(len(keys) for keys, _ in self._runs) > self._most and len(self.pairs()[0]) > self._most:
            self._forget_rarest()

    def pairs(self) -> Run:
        """Every pair that is held."""
        if len(self._runs) != 1:
            self._runs = [_merged(self._runs)]
        return self._runs[0]

    def distinct(self) -> int:
        """Distinct words that are no connectors, and distinct pairs: gensim's size of the vocabulary."""
        seen = np.flatnonzero(self.words).astype(np.int32)
        return len(self.connectors.words(seen)) + len(self.pairs()[0]) + self.forgotten

    def _forget_rarest(self) -> None:
        keys, counts = self.pairs()
        least = len(counts) - self._most // 2 - 1  # in ascending order, the last that has to go
        threshold = int(np.partition(counts, least)[least])
        stays = counts > threshold
        self.threshold = max(self.threshold, threshold)
        self.forgotten += int(len(counts) - stays.sum())
        self._runs = [(keys[stays], counts[stays])]


def run_of(keys: Places) -> Run:
    """Keys as a run: sorted in place, and counted.

    >>> run_of(np.array([7, 3, 7]))
    (array([3, 7]), array([1, 2]))
    """
    keys.sort()
    starts = _starts(keys)
    return keys[starts], np.diff(starts, append=len(keys))


def _keys(stretch: Stretch, connectors: Connectors) -> Places:
    first, last = pairs(stretch, connectors)
    ids = stretch.ids
    return connectors.keys(connectors.between(ids, first, last), ids[first], ids[last])


def _grouped(found: Iterator[Stretch]) -> Iterator[list[Stretch]]:
    """Stretches put together, so that each group is worth sorting."""
    for stretch in found:
        group, size = [stretch], len(stretch.ids)
        while size < _SORTED and (more := list(itertools.islice(found, 1))):
            group += more
            size += len(more[0].ids)
        yield group


def _merged(runs: list[Run]) -> Run:
    keys = np.concatenate([np.zeros(0, np.int64), *(keys for keys, _ in runs)])
    counts = np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in runs)])
    order = np.argsort(keys, kind="stable")  # merges what is in order already
    keys, counts = keys[order], counts[order]
    starts = _starts(keys)
    return keys[starts], np.add.reduceat(counts, starts) if len(starts) else counts


def _starts(keys: Places) -> Places:
    """Where each distinct key begins, of keys in ascending order."""
    return np.flatnonzero(np.concatenate([np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]]))
