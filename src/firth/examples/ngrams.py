"""Which n-grams a text has, and how often: every length up to the longest, in one sorted table."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import MemoryLimitError
from firth.kernels import ngrams as kernels

_MOST = 2**31 - 2  # tokens, and rows: they are numbered in i4

I4 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int64]


class Table(NamedTuple):
    """n-grams of all lengths, as kernels/ngrams.py describes them."""

    ngrams: I8
    """i8[rows], ascending."""
    starts: I8
    """i8[contexts + 1], where the rows begin that continue a row."""
    suffixes: I4
    """i4[rows], the row without the first word."""
    counts: I4
    """i4[rows], how often the n-gram stands in the text."""
    firsts: tuple[int, ...]
    """The first row of each length, and the number of rows: length n has rows firsts[n - 1] … firsts[n] - 1."""

    def rows(self, n: int) -> slice:
        """The rows of n-grams of n words."""
        return slice(self.firsts[n - 1], self.firsts[n])


def with_bounds(tokens: npt.NDArray[Any], sentences: I8, start: int, end: int) -> I4:
    """i4[n + 2 · sentences], the text with `start` before every sentence and `end` after it.

    tokens     i4[n]
    sentences  i8[s + 1], where each begins, and where the last one ends

    >>> with_bounds(np.array([5, 6, 7], np.int32), np.array([0, 2, 3]), 8, 9).tolist()
    [8, 5, 6, 9, 8, 7, 9]
    """
    ends = sentences[1:] + 2 * np.arange(1, len(sentences))
    begins = np.concatenate(([0], ends))[:-1]
    found = np.empty(len(tokens) + 2 * len(ends), np.int32)
    inside = np.ones(len(found), bool)
    inside[ends - 1] = inside[begins] = False
    found[begins], found[ends - 1], found[inside] = start, end, tokens
    return found


def count(tokens: I4, words: int, order: int, end: int) -> Table:
    """All n-grams of `order` words or fewer; none goes on after `end`.

    tokens  i4[n], of 0 … words - 1, the last of them `end`; every word is a row, also one that does not come

    Raises MemoryLimitError for more than 2^31 tokens or n-grams, which is more than a row's number holds.

    >>> table = count(np.array([2, 0, 1, 3, 2, 0, 3], np.int32), 4, 2, end=3)  # <s> a b </s> <s> a </s>
    >>> table.counts.tolist(), table.firsts, [(int(n) // 4 - 1, int(n) % 4) for n in table.ngrams[4:]]
    ([2, 1, 2, 2, 1, 1, 1, 2], (0, 4, 8), [(0, 1), (0, 3), (1, 3), (2, 0)])
    """
    if len(tokens) > _MOST:
        raise _too_many(len(tokens), "words")
    room = words + (order - 1) * len(tokens)  # no page of it is memory before it is written
    ngrams, suffixes, counts = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int32)
    ngrams[:words], suffixes[:words], counts[:words] = np.arange(words), -1, np.bincount(tokens, minlength=words)
    starts = np.zeros(room + 1, np.int64)
    grams, spare, cursors = _singles(tokens, counts[:words], end)
    firsts = [0, words]
    for n in range(2, order + 1):
        kernels.put_before(tokens, end, grams, cursors, spare)
        grams, spare = spare[: cursors[-1]], grams
        if firsts[-1] + len(grams) > _MOST:
            raise _too_many(firsts[-1] + len(grams), "n-grams")
        firsts.append(kernels.number(grams, end, cursors, firsts[n - 2], firsts[-1], ngrams, starts, suffixes, counts))
    rows, contexts = firsts[-1], firsts[-2]
    starts = starts[: contexts + 1]
    starts[0] = words
    np.cumsum(starts, out=starts)
    return Table(ngrams[:rows], starts, suffixes[:rows], counts[:rows], tuple(firsts))


def _singles(tokens: I4, counts: I4, end: int) -> tuple[I4, I4, I8]:
    """The words of a text in their order, i4[n, 2]: where each is, and its row; room for pairs, and their cursors."""
    places, grams = np.zeros((len(tokens), 2), np.int32), np.empty((len(tokens), 2), np.int32)
    places[:, 0] = np.arange(1, len(tokens) + 1)
    kernels.put_before(tokens, -1, places, np.cumsum(counts, dtype=np.int64) - counts, grams)
    grams[:, 1] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    going_on = counts.copy()
    going_on[end] = 0
    return grams, places, np.cumsum(going_on, dtype=np.int64) - going_on


def _too_many(found: int, what: str) -> MemoryLimitError:
    return MemoryLimitError(f"{found:,} {what} are more than 2^31, the most that a table holds. Give less text.")
