"""GloVe: AdaGrad on the cells of a co-occurrence matrix, tile by tile.

A tile is some of the words times some of the contexts; tiles that share neither move no number of each other's.

    census(…)   how many cells fall into each tile
    deal(…)     the cells, put together by tile
    shuffle(…)  the cells of a tile in random order, before they are weighed
    learn(…)    one pass over a tile
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.rng import below, random_bits
from firth.kernels.simd import LANES, inverse_root, load, prefetch, splat, store, store_totals

_AHEAD = 8  # cells


class Cells(NamedTuple):
    """What is known of each cell X_ij of the matrix."""

    words: Any  # u2[n], i, as its place in the tile
    contexts: Any  # u2[n], j, as its place in the tile
    logs: Any  # f4[n], ln X_ij
    weights: Any  # f4[n], f(X_ij) = min(1, (X_ij / x_max)^alpha)


@kernel
def census(first, lengths, columns, blocks, member, members, sizes):  # type: ignore[no-untyped-def]
    """sizes[i mod blocks, j mod blocks] += the cells of some rows; i8[blocks, blocks].

    The rows are those whose i mod blocks mod members is `member`: threads that share `sizes` do not meet.

    first    the row that lengths[0] is the length of
    lengths  i8[rows]   cells of each row
    columns  i4[cells]  their j, row after row
    """
    divisor = np.uint32(blocks)  # divisions of 32 bits without a sign are the fast ones
    n = 0
    for k in range(len(lengths)):
        row = (first + k) % blocks
        if row % members == member:
            for t in range(n, n + lengths[k]):
                sizes[row, np.uint32(columns[t]) % divisor] += 1
        n += lengths[k]


@kernel
def deal(first, lengths, columns, values, blocks, member, members, cursors, cells):  # type: ignore[no-untyped-def]
    """Put the cells of `census`'s rows where cursors[i mod blocks, j mod blocks] says, and move that on.

    values  f4[cells]  X_ij; written to cells.logs as it is
    """
    divisor = np.uint32(blocks)
    n = 0
    for k in range(len(lengths)):
        row = (first + k) % blocks
        if row % members == member:
            for t in range(n, n + lengths[k]):
                column = np.uint32(columns[t])
                place = column // divisor
                block = column - place * divisor
                at = cursors[row, block]
                cursors[row, block] = at + 1
                cells.words[at] = (first + k) // blocks
                cells.contexts[at] = place
                cells.logs[at] = values[t]
        n += lengths[k]


@kernel
def shuffle(cells, start, end, key):  # type: ignore[no-untyped-def]
    """cells[start:end], all but their weights, in random order: Fisher & Yates; `key` u8 is the random stream."""
    for t in range(end - 1, start, -1):
        other = start + below(random_bits(key, t - start), t - start + 1)
        cells.words[t], cells.words[other] = cells.words[other], cells.words[t]
        cells.contexts[t], cells.contexts[other] = cells.contexts[other], cells.contexts[t]
        cells.logs[t], cells.logs[other] = cells.logs[other], cells.logs[t]


@kernel
def learn(tiles, words, contexts, cells, start, end, lr, line):  # type: ignore[no-untyped-def]
    """One pass over cells[start:end], all of one tile, one after the other.

        cost = f(X_ij) (w_i·c_j + a_i + b_j - ln X_ij)² / 2

    words     f4[rows, 2·D]  a row is [w, a, 1, 0 … | the sum of squares of each], moved in place
    contexts  f4[rows, 2·D]  a row is [c, 1, b, 0 … | the sum of squares of each], moved in place
    lr        f4
    line      f4[1, 8]       scratch

    A number with gradient g moves by -lr·g / sqrt(s), then s grows by (lr·g)²: AdaGrad (Duchi et al. 2011), with lr in
    the sum as in glove.c. The sums beside the 1s are so large that these stay 1. Returns the sum of the costs.
    Pennington et al. 2014, eq. 8.
    """
    D = 16 * len(tiles)
    cost = 0.0
    zero = splat(np.float32(0.0))
    for t in range(start, end):
        if t + _AHEAD < end:
            _prefetch_row(D, words, int(cells.words[t + _AHEAD]))
            _prefetch_row(D, contexts, int(cells.contexts[t + _AHEAD]))
        i, j = int(cells.words[t]), int(cells.contexts[t])
        dot = zero
        for d in range(0, D, LANES):
            dot = dot + load(words, i, d) * load(contexts, j, d)
        store_totals(line, 0, 0, dot, zero, zero, zero, zero, zero)
        off = line[0, 0] - cells.logs[t]
        pull = cells.weights[t] * off
        cost += np.float64(np.float32(0.5) * pull * off)
        step = splat(lr * pull)
        for d in range(0, D, LANES):
            w, c = load(words, i, d), load(contexts, j, d)
            of_w, of_c = load(words, i, D + d), load(contexts, j, D + d)
            down, across = step * c, step * w
            store(words, i, d, w - down * inverse_root(of_w))
            store(contexts, j, d, c - across * inverse_root(of_c))
            store(words, i, D + d, of_w + down * down)
            store(contexts, j, D + d, of_c + across * across)
    return cost


@inlined
def _prefetch_row(D, table, row):  # type: ignore[no-untyped-def]
    for d in range(0, 2 * D, 16):
        prefetch(table, row, d)
