"""Bags of rows: words whose hidden vectors are made of several rows, their own and those of their n-grams.

    CentreBag      the centre word predicts its contexts (fastText's skip-gram)
    ContextBags    the context words together predict the centre (its CBOW)

Both make one hidden vector: the mean of all rows in the bags of their words. Each row gets the whole gradient, as in
fastText, or its share of it where `divided`: a row that stands in very many bags would move too far otherwise.
Bojanowski, Grave, Joulin & Mikolov 2017.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined
from firth.kernels.core import move, prefetch_row
from firth.kernels.simd import LANES, load, splat, store

_HIDDEN, _GRADIENT = 0, 1  # rows of scratch.hidden


class CentreBag(NamedTuple):
    """The centre word's bag, once for the whole window, is held against every word of it."""

    offsets: Any  # i8[words + 1], where each word's rows begin
    rows: Any  # i4[·], rows of tables.inputs
    divided: bool  # the gradient is divided by the number of rows


class ContextBags(NamedTuple):
    """The bags of all context words make one mean, which is held against the centre word."""

    offsets: Any  # i8[words + 1]
    rows: Any  # i4[·]
    divided: bool


@inlined
def gather_centre(architecture, left, right, inputs, contexts, scratch):  # type: ignore[no-untyped-def]
    last = len(scratch.contexts)  # where `_context` puts the centre word
    return _gather(architecture, left, right, inputs, last - 1, last, scratch)


@inlined
def scatter_centre(architecture, left, right, tables, m, n, contexts, scratch):  # type: ignore[no-untyped-def]
    last = len(scratch.contexts)
    _scatter(architecture, left, right, tables, n, last - 1, last, scratch)


@inlined
def gather_contexts(architecture, left, right, inputs, contexts, scratch):  # type: ignore[no-untyped-def]
    return _gather(architecture, left, right, inputs, 0, contexts, scratch)


@inlined
def scatter_contexts(architecture, left, right, tables, m, n, contexts, scratch):  # type: ignore[no-untyped-def]
    _scatter(architecture, left, right, tables, n, 0, contexts, scratch)


@inlined
def prefetch_bag(left, right, inputs, architecture, word):  # type: ignore[no-untyped-def]
    for place in range(architecture.offsets[word], architecture.offsets[word + 1]):
        prefetch_row(left, right, inputs, architecture.rows[place])


@inlined
def _gather(architecture, left, right, inputs, first, last, scratch):  # type: ignore[no-untyped-def]
    """scratch.hidden[0] = the mean of the rows in the bags of scratch.contexts[first:last], by four registers."""
    offsets, rows, hidden = architecture.offsets, architecture.rows, scratch.hidden
    zero = splat(np.float32(0.0))
    size = 0
    for j in range(first, last):
        word = scratch.contexts[j]
        size += offsets[word + 1] - offsets[word]
    share = splat(np.float32(1.0) / np.float32(size))
    wide = left + (right - left) // (4 * LANES) * (4 * LANES)
    for d in range(left, wide, 4 * LANES):
        a, b, c, e = zero, zero, zero, zero
        for j in range(first, last):
            word = scratch.contexts[j]
            for place in range(offsets[word], offsets[word + 1]):
                row = rows[place]
                a, b = a + load(inputs, row, d), b + load(inputs, row, d + LANES)
                c, e = c + load(inputs, row, d + 2 * LANES), e + load(inputs, row, d + 3 * LANES)
        store(hidden, _HIDDEN, d, a * share)
        store(hidden, _HIDDEN, d + LANES, b * share)
        store(hidden, _HIDDEN, d + 2 * LANES, c * share)
        store(hidden, _HIDDEN, d + 3 * LANES, e * share)
    for d in range(wide, right, LANES):
        a = zero
        for j in range(first, last):
            word = scratch.contexts[j]
            for place in range(offsets[word], offsets[word + 1]):
                a = a + load(inputs, rows[place], d)
        store(hidden, _HIDDEN, d, a * share)
    for d in range(left, right, LANES):
        store(hidden, _GRADIENT, d, zero)
    return 1


@inlined
def _scatter(architecture, left, right, tables, n, first, last, scratch):  # type: ignore[no-untyped-def]
    """Move the outputs, and every row of the bags by the gradient of their mean."""
    scratch.row[0] = _GRADIENT
    move(left, right, tables.outputs, 1, n, scratch, scratch.hidden, scratch.row)
    if architecture.divided:
        size = 0
        for j in range(first, last):
            word = scratch.contexts[j]
            size += architecture.offsets[word + 1] - architecture.offsets[word]
        share = splat(np.float32(1.0) / np.float32(size))
        for d in range(left, right, LANES):
            store(scratch.hidden, _GRADIENT, d, load(scratch.hidden, _GRADIENT, d) * share)
    for j in range(first, last):
        word = scratch.contexts[j]
        for place in range(architecture.offsets[word], architecture.offsets[word + 1]):
            row = architecture.rows[place]
            if tables.frozen.size > 0 and tables.frozen[row]:
                continue
            for d in range(left, right, LANES):
                store(tables.inputs, row, d, load(tables.inputs, row, d) + load(scratch.hidden, _GRADIENT, d))
