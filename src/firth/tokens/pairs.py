"""Tokens stage: the two words that may be one phrase, in a corpus of ids.

They stand side by side in a sentence, or with connectors (of, the) between them: a phrase neither begins nor ends with
a connector. Each pair is one number, so that pairs can be sorted, counted and looked up as arrays.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import ConfigError

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Block = tuple[Ids, Places]
"""Ids i4[n], and the number of them before each end of a sentence, i8[s], ascending; the last sentence may go on."""

_LOOKED_BACK: Final = 256  # ids searched for a word before all are: runs of connectors are short
_SHORT: Final = 3  # connectors of a run that is numbered with all others of its length at once


class Connectors:
    """The ids that may stand inside a phrase, and a number for each run of them; 0 is the empty run.

    `ids`: the connectors among `size` ids. A run that is met for the first time gets the next number.
    """

    def __init__(self, ids: Sequence[int], size: int):
        self.size = size
        self._digits = np.zeros(size, np.int64)
        self._digits[list(ids)] = np.arange(1, len(ids) + 1)
        self._base = len(ids) + 1
        self._runs: dict[tuple[int, ...], int] = {(): 0}
        self._lock = threading.Lock()

    def words(self, ids: Ids) -> Places:
        """Where the ids stand that are no connectors: i8[w]."""
        return np.flatnonzero(self._digits[ids] == 0) if self._base > 1 else np.arange(len(ids))

    def last_word(self, ids: Ids, start: int) -> int:
        """The last place, from `start` on, that holds no connector; -1 where there is none."""
        for begin in (max(start, len(ids) - _LOOKED_BACK), start):
            found = self.words(ids[begin:])
            if len(found):
                return begin + int(found[-1])
        return -1

    def number(self, run: tuple[int, ...]) -> int:
        """The number of a run."""
        with self._lock:
            return self._runs.setdefault(run, len(self._runs))

    def runs(self) -> list[tuple[int, ...]]:
        """The connectors of each numbered run."""
        return list(self._runs)

    def between(self, ids: Ids, first: Places, last: Places) -> Places:
        """The number of the run between each two places: i8[k]."""
        lengths = last - first - 1
        numbers = np.zeros(len(first), np.int64)
        apart = np.flatnonzero(lengths)
        for length in range(1, _SHORT + 1):
            here = apart[lengths[apart] == length]
            if len(here):
                numbers[here] = self._alike(ids, first[here], length)
        for place in apart[lengths[apart] > _SHORT].tolist():
            numbers[place] = self.number(tuple(ids[first[place] + 1 : last[place]].tolist()))
        return numbers

    def _alike(self, ids: Ids, first: Places, length: int) -> Places:
        """The numbers of runs of one length: each distinct one is looked up once."""
        codes = np.zeros(len(first), np.int64)
        for step in range(1, length + 1):
            codes = codes * self._base + self._digits[ids[first + step]]
        _, example, which = np.unique(codes, return_index=True, return_inverse=True)
        starts = (first[example] + 1).tolist()
        numbers = [self.number(tuple(ids[start : start + length].tolist())) for start in starts]
        numbered: Places = np.array(numbers, np.int64)[which]
        return numbered

    def keys(self, numbers: Any, a: Any, b: Any) -> Places:
        """One number for each pair: (run · size + a) · size + b, i8[k]. Raises ConfigError where that is too large."""
        if len(self._runs) * self.size**2 >= 2**63:
            raise ConfigError(
                f"{self.size:,} distinct words with {len(self._runs):,} distinct runs of connectors between them are "
                "more than can be numbered. Give fewer connectors."
            )
        keys: Places = (np.asarray(numbers, np.int64) * self.size + a) * self.size + b
        return keys

    def pairs(self, keys: Places) -> tuple[Places, Places, Places]:
        """Run, first word and last word of each key."""
        left, b = np.divmod(keys, self.size)
        run, a = np.divmod(left, self.size)
        return run, a, b


class Stretch(NamedTuple):
    """A part of the corpus that every pair lies in, or out of, as a whole."""

    ids: Ids
    ends: Places
    goes_on: bool
    """The last id is a word, and the next stretch begins with it again."""


def stretches(blocks: Iterable[Block], connectors: Connectors) -> Iterator[Stretch]:
    """The blocks, cut anew at words; all but the last id of one that goes on are the corpus, each once."""
    tail = np.zeros(0, np.int32)
    for some, some_ends in blocks:
        ids, ends = np.concatenate([tail, some]), some_ends + len(tail)
        closed = int(ends[-1]) if len(ends) else 0
        word = connectors.last_word(ids, closed)
        if word >= 0:
            yield Stretch(ids[: word + 1], ends, True)
        elif len(ends):
            yield Stretch(ids[:closed], ends, False)
        tail = ids[word if word >= 0 else closed :]
    assert not len(tail), "the last sentence is not closed"


def pairs(stretch: Stretch, connectors: Connectors) -> tuple[Places, Places]:
    """Where the two words of each pair stand, i8[k] and i8[k], in the order of the text."""
    at = connectors.words(stretch.ids)
    together = np.ones(max(0, len(at) - 1), np.bool_)
    behind = np.searchsorted(at, stretch.ends)  # the first word behind each end of a sentence
    together[behind[(behind > 0) & (behind < len(at))] - 1] = False
    return at[:-1][together], at[1:][together]
