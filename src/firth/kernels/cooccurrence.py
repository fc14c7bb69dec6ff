"""How often words stand near each other: a row of the matrix at a time, so that its counts lie in one small array.

    tally(ids, counts)         how often each id comes
    place(ids, …, positions)   where each id stands: the positions of id 0, then those of id 1, …
    count(…)                   for some rows, the columns that are not zero, in ascending order, and their counts
    merge(…)                   the same for rows that lie in several parts

Numbers are added as multiples of 2^-32 in f8, which is exact up to 2^21: the sum does not depend on the order.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.simd import prefetch

BLOCK = 8  # columns that share a mark: a cache line of sums
AHEAD = 8  # occurrences


class Reach(NamedTuple):
    """Which words stand near a word, and how much each counts."""

    left: int  # words before it, at most
    right: int  # words after it
    weights: Any  # f8[max(left, right) + 1], what one at distance d counts; [0] is not used


class Row(NamedTuple):
    """A thread's working memory: one row of the matrix, all zeros between two calls."""

    sums: Any  # f8[columns, rounded up to whole blocks]
    marks: Any  # u1[blocks], 1 where a block of columns is not all zeros


@kernel
def tally(ids, counts):  # type: ignore[no-untyped-def]
    """counts[id] += how often it comes in ids; what is below 0 is passed over.

    ids     i4[n]
    counts  i8[words]
    """
    for p in range(len(ids)):
        if ids[p] >= 0:
            counts[ids[p]] += 1


@kernel
def place(ids, start, end, cursors, positions):  # type: ignore[no-untyped-def]
    """positions[cursors[id]++] = p for each p from `start` to `end` - 1, in order.

    ids        i4[n]      below 0: the end of a sentence
    cursors    i8[words]  where the next position of each id goes
    positions  i4[n]
    """
    for p in range(start, end):
        word = ids[p]
        if word >= 0:
            positions[cursors[word]] = p
            cursors[word] += 1


@kernel
def count(ids, positions, starts, first, last, reach, row, lengths, columns, values):  # type: ignore[no-untyped-def]
    """X_ij = Σ over the occurrences of i, Σ over the words j near it in its sentence, weights[distance].

    ids        i4[n]          words; below 0 at both ends and between sentences
    positions  i4[n]          where each word stands, those of word i from starts[i] on
    lengths    i8[words]      written for the rows from `first` to `last` - 1: how many cells each has
    columns    i4[cells + 1]  written: the columns that are not zero, row after row, in ascending order
    values     f4|f8[same]    written: X_ij
    Returns how many cells were written.
    """
    n = 0
    text = ids.reshape((1, len(ids)))
    for word in range(first, last):
        for k in range(starts[word], starts[word + 1]):
            p = positions[k]
            ahead = positions[min(k + AHEAD, starts[last] - 1)]
            prefetch(text, 0, ahead - reach.left)
            prefetch(text, 0, ahead + reach.right)
            for d in range(1, reach.left + 1):
                other = ids[p - d]
                if other < 0:
                    break
                row.sums[other] += reach.weights[d]
                row.marks[np.uint32(other) // np.uint32(BLOCK)] = 1
            for d in range(1, reach.right + 1):
                other = ids[p + d]
                if other < 0:
                    break
                row.sums[other] += reach.weights[d]
                row.marks[np.uint32(other) // np.uint32(BLOCK)] = 1
        before = n
        n = _collect(row, columns, values, n)
        lengths[word] = n - before
    return n


@inlined
def _collect(row, columns, values, n):  # type: ignore[no-untyped-def]
    """Append what is not zero to columns[n:] and values[n:], and zero it; returns where the next one would go."""
    eights = row.marks.view(np.uint64)
    for eight in range(len(eights)):
        if eights[eight] != 0:
            for block in range(8 * eight, 8 * (eight + 1)):
                if row.marks[block] != 0:
                    row.marks[block] = 0
                    for column in range(BLOCK * block, BLOCK * (block + 1)):
                        columns[n] = column
                        values[n] = row.sums[column]
                        n += row.sums[column] != 0.0
                        row.sums[column] = 0.0
    return n
