"""Tokens stage: the phrases of a corpus of ids joined, each to one id."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth.corpus.items import strings
from firth.tokens.ordered import in_order
from firth.tokens.pairs import Block, Connectors, Ids, Places, Stretch, pairs, stretches
from firth.tokens.phrases import LearntPhrases, Phrase

_SLOT_BITS: Final = 20


class Joined:
    """What a corpus becomes when its phrases are joined.

    `words`: pa.Array of the strings that its ids stand for. Here it has the joined phrases behind them; a phrase whose
    string is a word of the corpus already is that word.
    """

    def __init__(self, phrases: LearntPhrases, words: Any, threads: int):
        self._threads = threads
        concerned = {word for phrase in phrases.table for word in (*phrase.words, phrase.key)} | phrases.connectors
        sought = sorted(concerned)
        found = pc.index_in(strings(sought).cast(words.type), value_set=words).fill_null(-1)
        ids = dict(zip(sought, found.to_pylist(), strict=True))
        added = list(dict.fromkeys(phrase.key for phrase in phrases.table if ids[phrase.key] < 0))
        ids.update(zip(added, range(len(words), len(words) + len(added)), strict=True))
        self.words: Any = pa.concat_arrays([words, strings(added).cast(words.type)])
        self.connectors = [ids[word] for word in sorted(phrases.connectors) if ids[word] >= 0]
        self._passes = [_Pass(found, ids, self.connectors, len(self.words)) for found in phrases.passes if found]

    def blocks(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The corpus, joined: one pass after the other, all in one reading."""
        for each in self._passes:
            blocks = each.blocks(blocks, self._threads)
        return iter(blocks)

    def counts(self, blocks: Iterable[Block]) -> npt.NDArray[np.int64]:
        """How often each id comes in the corpus when it is joined: i8[words]."""
        counts = np.zeros(len(self.words), np.int64)
        for ids, _ in self.blocks(blocks):
            counts += np.bincount(ids, minlength=len(counts))
        return counts


class _Pass:
    """The phrases of one pass as arrays: their keys in ascending order, and the id of each."""

    def __init__(self, phrases: list[Phrase], ids: dict[str, int], connectors: list[int], size: int):
        known = [phrase for phrase in phrases if all(ids[word] >= 0 for word in phrase.words)]
        parts = [[ids[word] for word in phrase.words] for phrase in known]
        self._connectors = Connectors(connectors, size)
        runs = [self._connectors.number(tuple(part[1:-1])) for part in parts]
        a, b = (np.array([part[end] for part in parts], np.int64) for end in (0, -1))
        keys = self._connectors.keys(runs, a, b)
        order = np.argsort(keys)
        self._keys = keys[order]
        self._ids = np.array([ids[phrase.key] for phrase in known], np.int32)[order]
        self._begins, self._closes = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        self._begins[a] = self._closes[b] = True
        self._likely = np.zeros(1 << _SLOT_BITS, np.bool_)
        self._likely[_slots(keys)] = True

    def blocks(self, blocks: Iterable[Block], threads: int) -> Iterator[Block]:
        """From left to right: a word that ended a phrase begins none."""
        taken = False  # whether the first word of the stretch ended a phrase in the one before
        for stretch, first, last, ids in in_order(self._found, stretches(blocks, self._connectors), threads):
            begin = int(taken and len(first) > 0 and first[0] == 0)
            free = begin + np.flatnonzero(_every_second(first[begin:], last[begin:]))
            joined, stays = stretch.ids.copy(), np.ones(len(stretch.ids), np.bool_)
            joined[first[free]] = ids[free]
            stays[_ranges(first[free] + 1, last[free] + 1)] = False
            if taken:
                stays[0] = False
            taken = stretch.goes_on and not stays[-1]
            if stretch.goes_on:
                stays[-1] = False  # the next stretch has it
            gone = np.flatnonzero(~stays)
            yield joined[stays], stretch.ends - np.searchsorted(gone, stretch.ends)

    def _found(self, stretch: Stretch) -> tuple[Stretch, Places, Places, Ids]:
        """The pairs that are phrases, where one begins in the end of another too: first and last word, id."""
        ids = stretch.ids
        first, last = pairs(stretch, self._connectors)
        likely = np.flatnonzero(self._begins[ids[first]] & self._closes[ids[last]])
        first, last = first[likely], last[likely]
        keys = self._connectors.keys(self._connectors.between(ids, first, last), ids[first], ids[last])
        likely = np.flatnonzero(self._likely[_slots(keys)])
        first, last, keys = first[likely], last[likely], keys[likely]
        rank = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        there = np.flatnonzero(self._keys[rank] == keys) if len(self._keys) else rank[:0]
        return stretch, first[there], last[there], self._ids[rank[there]]


def _slots(keys: Places) -> npt.NDArray[np.uint64]:
    """A place for each key in a table of 2^20 (Fibonacci hashing); a look-up there costs a tenth of a search."""
    return (keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _SLOT_BITS)


def _every_second(first: Places, last: Places) -> npt.NDArray[np.bool_]:
    """Of pairs that each begin with the word that ended the one before: the first, the third, …

    >>> _every_second(np.array([0, 1, 2, 5]), np.array([1, 2, 3, 6])).tolist()
    [True, False, True, True]
    """
    number = np.arange(len(first))
    starts = np.ones(len(first), np.bool_)
    starts[1:] = first[1:] != last[:-1]
    free: npt.NDArray[np.bool_] = (number - np.maximum.accumulate(np.where(starts, number, 0))) % 2 == 0
    return free


def _ranges(begin: Places, end: Places) -> Places:
    """All places from each begin up to its end.

    >>> _ranges(np.array([1, 7]), np.array([3, 8])).tolist()
    [1, 2, 7]
    """
    lengths = end - begin
    before = np.cumsum(lengths) - lengths
    return np.repeat(begin - before, lengths) + np.arange(int(lengths.sum()))
