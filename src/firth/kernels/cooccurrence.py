"""How often words stand near each other: a row of the matrix at a time, so that its sums lie in one small array.

    separate(…)   the text with marks between sentences
    tally(…)      how often each word comes
    place(…)      where each word stands: all places of word 0, then those of word 1, …
    count(…)      for some words, the columns that are not zero, in ascending order, and their sums
    merge(…)      the same for rows that were counted in several parts

What is added is a multiple of 2^-32, in f8: exact up to 2^21, so the sum does not depend on the order.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.simd import prefetch

COLUMNS = 8  # that share a mark: a cache line of sums
MARKS = 8  # that are looked at together
_AHEAD = 8  # occurrences


class Reach(NamedTuple):
    """Which words stand near a word, and how much each counts."""

    left: int  # words before it, at most
    right: int  # words after it
    weights: Any  # f8[1 + the larger], what one at distance d counts


class Row(NamedTuple):
    """A thread's working memory: one row of the matrix, all zeros between two calls."""

    sums: Any  # f8[columns], rounded up to whole groups of marks
    marks: Any  # u1[columns / COLUMNS], 1 where these columns are not all zeros


@kernel
def separate(tokens, sentences, sentence, start, end, ids):  # type: ignore[no-untyped-def]
    """ids = -1, tokens[start:end] with -1 at each end of a sentence, -1. Returns how many.

    tokens     i4[n]
    sentences  i8[s + 1], ends of sentences; `sentence` is the first that ends after `start`
    """
    ids[0] = -1
    n = 1
    closing = sentences[sentence]
    for p in range(start, end):
        while p >= closing:
            ids[n] = -1
            n += 1
            sentence += 1
            closing = sentences[sentence]
        ids[n] = tokens[p]
        n += 1
    ids[n] = -1
    return n + 1


@kernel
def tally(ids, start, end, counts):  # type: ignore[no-untyped-def]
    """counts[id] += how often it comes in ids[start:end]; i8[words]. What is below 0 is passed over."""
    for p in range(start, end):
        if ids[p] >= 0:
            counts[ids[p]] += 1


@kernel
def place(ids, start, end, cursors, places):  # type: ignore[no-untyped-def]
    """places[cursors[id]++] = p for each p from `start` to `end` - 1, in order.

    cursors  i8[words], where the next place of each id goes
    places   i4[n]
    """
    for p in range(start, end):
        word = ids[p]
        if word >= 0:
            places[cursors[word]] = p
            cursors[word] += 1


@kernel
def count(ids, places, starts, first, last, reach, row, lengths, columns, values):  # type: ignore[no-untyped-def]
    """X_ij = Σ over the places of i, Σ over the words j within reach in the sentence, weights[distance].

    ids      i4[n]          words, with -1 at both ends and between sentences
    places   i4[n]          those of word i from starts[i] on
    lengths  i8[last - first]  written: how many cells each row has
    columns  i4[cells + 8]  written: j, row after row, ascending
    values   f4|f8[same]    written: X_ij
    Returns how many cells there are.
    """
    text = ids.reshape((1, len(ids)))
    final = starts[last] - 1
    n = 0
    for word in range(first, last):
        for k in range(starts[word], starts[word + 1]):
            p = places[k]
            ahead = places[min(k + _AHEAD, final)]
            prefetch(text, 0, ahead - min(reach.left, ahead))
            prefetch(text, 0, ahead + min(reach.right, len(ids) - 1 - ahead))
            for d in range(1, reach.left + 1):
                other = ids[p - d]
                if other < 0:
                    break
                row.sums[other] += reach.weights[d]
                row.marks[np.uint32(other) // np.uint32(COLUMNS)] = 1
            for d in range(1, reach.right + 1):
                other = ids[p + d]
                if other < 0:
                    break
                row.sums[other] += reach.weights[d]
                row.marks[np.uint32(other) // np.uint32(COLUMNS)] = 1
        before = n
        n = _collect(row, columns, values, n)
        lengths[word - first] = n - before
    return n


@kernel
def merge(starts, found_columns, found_values, row, lengths, columns, values):  # type: ignore[no-untyped-def]
    """Rows that lie in several parts, added up; written and returned is what `count` does.

    starts         i8[parts, rows + 1]  where the cells of each row begin in each part
    found_columns  i4[cells]            all parts, one after the other
    found_values   f8[cells]
    """
    n = 0
    for k in range(len(lengths)):
        for part in range(len(starts)):
            for t in range(starts[part, k], starts[part, k + 1]):
                column = found_columns[t]
                row.sums[column] += found_values[t]
                row.marks[np.uint32(column) // np.uint32(COLUMNS)] = 1
        before = n
        n = _collect(row, columns, values, n)
        lengths[k] = n - before
    return n


@inlined
def _collect(row, columns, values, n):  # type: ignore[no-untyped-def]
    """Append what is not zero to columns[n:] and values[n:], and zero it; returns where the next one would go."""
    groups = row.marks.view(np.uint64)
    for group in range(len(groups)):
        if groups[group] != 0:
            for mark in range(MARKS * group, MARKS * (group + 1)):
                if row.marks[mark] != 0:
                    row.marks[mark] = 0
                    for column in range(COLUMNS * mark, COLUMNS * (mark + 1)):
                        columns[n] = column
                        values[n] = row.sums[column]
                        n += row.sums[column] != 0.0
                        row.sums[column] = 0.0
    return n
