"""GloVe: AdaGrad on the cells of a co-occurrence matrix, in tiles of it.

A tile is some rows of the matrix (words) times some columns (contexts). Its cells lie row by row; six of one row are
scored at once and moved at once, as in core.py: the word's row and its squares then come from memory once.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.simd import LANES, inverse_root, load, prefetch, splat, store, store_totals

SIX = 6


class Cells(NamedTuple):
    """What is known of the cells of one tile or of several."""

    rows: Any  # u2[n], the word, counted from the tile's first
    columns: Any  # u2[n], the context, counted from the tile's first
    logs: Any  # f4[n], ln X_ij
    weights: Any  # f4[n], min(1, (X_ij / x_max)^alpha)


@kernel
def learn(tiles, words, contexts, cells, start, end, lr, line):  # type: ignore[no-untyped-def]
    """One pass over cells[start:end], all of one tile.

        cost_ij = weight_ij · (w_i·c_j + b_i + b_j - ln X_ij)² / 2

    words     f4[·, 2·D]  rows [w_i, b_i, 1 | sums of squares], moved in place
    contexts  f4[·, 2·D]  rows [c_j, 1, b_j | sums of squares], moved in place
    line      f4[2, 8]    scratch
    Every number moves by -lr·g / sqrt(s), then s += (lr·g)²; Duchi et al. 2011, with lr in the sum as in glove.c.
    Returns the sum of the costs before the moves. Pennington et al. 2014, eq. 8.
    """
    cost = 0.0
    t = start
    while t < end:
        row = np.int64(cells.rows[t])
        for k in range(t + 18, min(t + 24, end)):
            for d in range(0, 32 * len(tiles), 16):
                prefetch(contexts, np.int64(cells.columns[k]), d)
        if t + SIX <= end and cells.rows[t + SIX - 1] == row:
            cost += _six(tiles, words, contexts, cells, t, row, lr, line)
            t += SIX
        else:
            cost += _one(tiles, words, contexts, cells, t, row, lr, line)
            t += 1
    return cost


@inlined
def _six(tiles, words, contexts, cells, t, row, lr, line):  # type: ignore[no-untyped-def]
    D = 16 * len(tiles)
    c = cells.columns
    t0, t1, t2 = np.int64(c[t]), np.int64(c[t + 1]), np.int64(c[t + 2])
    t3, t4, t5 = np.int64(c[t + 3]), np.int64(c[t + 4]), np.int64(c[t + 5])
    zero = splat(np.float32(0.0))
    a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
    for d in range(0, D, LANES):
        x = load(words, row, d)
        a0 = a0 + x * load(contexts, t0, d)
        a1 = a1 + x * load(contexts, t1, d)
        a2 = a2 + x * load(contexts, t2, d)
        a3 = a3 + x * load(contexts, t3, d)
        a4 = a4 + x * load(contexts, t4, d)
        a5 = a5 + x * load(contexts, t5, d)
    store_totals(line, 0, 0, a0, a1, a2, a3, a4, a5)
    cost = 0.0
    for k in range(SIX):
        off = line[0, k] - cells.logs[t + k]
        pull = cells.weights[t + k] * off
        cost += np.float64(np.float32(0.5) * pull * off)
        line[1, k] = lr * pull
    e0, e1, e2 = splat(line[1, 0]), splat(line[1, 1]), splat(line[1, 2])
    e3, e4, e5 = splat(line[1, 3]), splat(line[1, 4]), splat(line[1, 5])
    for d in range(0, D, LANES):
        x = load(words, row, d)
        move, square = zero, zero
        move, square = _pulled(D, contexts, t0, d, e0, x, move, square)
        move, square = _pulled(D, contexts, t1, d, e1, x, move, square)
        move, square = _pulled(D, contexts, t2, d, e2, x, move, square)
        move, square = _pulled(D, contexts, t3, d, e3, x, move, square)
        move, square = _pulled(D, contexts, t4, d, e4, x, move, square)
        move, square = _pulled(D, contexts, t5, d, e5, x, move, square)
        sums = load(words, row, D + d)
        store(words, row, d, x - move * inverse_root(sums))
        store(words, row, D + d, sums + square)
    return cost


@inlined
def _one(tiles, words, contexts, cells, t, row, lr, line):  # type: ignore[no-untyped-def]
    D = 16 * len(tiles)
    column = np.int64(cells.columns[t])
    zero = splat(np.float32(0.0))
    a = zero
    for d in range(0, D, LANES):
        a = a + load(words, row, d) * load(contexts, column, d)
    store_totals(line, 0, 0, a, zero, zero, zero, zero, zero)
    off = line[0, 0] - cells.logs[t]
    pull = cells.weights[t] * off
    e = splat(lr * pull)
    for d in range(0, D, LANES):
        x = load(words, row, d)
        move, square = _pulled(D, contexts, column, d, e, x, zero, zero)
        sums = load(words, row, D + d)
        store(words, row, d, x - move * inverse_root(sums))
        store(words, row, D + d, sums + square)
    return np.float64(np.float32(0.5) * pull * off)


@inlined
def _pulled(D, contexts, column, d, e, x, move, square):  # type: ignore[no-untyped-def]
    c, sums = load(contexts, column, d), load(contexts, column, D + d)
    down, across = e * x, e * c
    store(contexts, column, d, c - down * inverse_root(sums))
    store(contexts, column, D + d, sums + down * down)
    return move + across, square + across * across
