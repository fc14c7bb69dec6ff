"""The core of every shallow model: m hidden vectors against n outputs; all scores, all errors, all moves.

Outputs are worked on six at a time: with their gradients they fill the vector registers (Goto & van de Geijn 2008).
`dim` is padded to D = 16 · len(tiles), so that it is a constant of the machine code.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined
from firth.kernels.simd import LANES, high, load, low, nearest, power_of_two, prefetch, splat, store, store_totals

TILE = 6  # outputs worked on at once; their scores lie in rows of 8


class Tables(NamedTuple):
    """What is learnt."""

    inputs: Any  # f4[rows, D], and one row more where some are frozen
    outputs: Any  # f4[targets, D]
    frozen: Any  # b1[rows], inputs that must not move; empty: none


class Scratch(NamedTuple):
    """A thread's working memory; every array starts at a cache line. Made by training.shallow."""

    words: Any  # i4[block + 2·window], the kept tokens of the block and of its margins
    places: Any  # i4[same], where each one stands in the corpus, from the block's start
    reach: Any  # i4[same], how far each one's window reaches
    bounds: Any  # i4[same + 1], where the sentences among them end
    contexts: Any  # i4[2·window + 1], the window's context words; at the end always its centre
    moving: Any  # i4[2·window], the rows that their gradients go to
    offsets: Any  # i4[2·window], where each of them stands: 0 … window - 1 before the centre, the rest after it
    hidden: Any  # f4[2·window + 2, D]
    targets: Any  # i4[6·chunks], output rows
    labels: Any  # f4[chunks, 16], 1 for what is true; 8 columns, twice
    row: Any  # i4[1], one row number
    line: Any  # f4[1, 16], one register through memory
    errors: Any  # f4[chunks, 8·(2·window + 3)], scores, then lr · (label - probability)


@inlined
def score(left, right, outputs, m, n, scratch):  # type: ignore[no-untyped-def]
    """scratch.errors = h_j · o_k for all m hidden vectors and the n outputs in scratch.targets, by some columns."""
    for c in range(chunks(n)):
        _score_six(left, right, outputs, m, c, scratch)


@inlined
def add_scores(m, n, scratch, others):  # type: ignore[no-untyped-def]
    """scratch.errors += others, the scores by the other columns."""
    for c in range(chunks(n)):
        for at in range(0, 8 * m, LANES):
            store(scratch.errors, c, at, load(scratch.errors, c, at) + load(others, c, at))


@inlined
def move(left, right, outputs, m, n, scratch, moved, rows):  # type: ignore[no-untyped-def]
    """One step down the gradient in the columns left … right - 1, from scratch.errors e_jk.

    moved    f4[·, D]   moved[rows[j]]      += Σ_k e_jk o_k, with the o_k from before
    outputs  f4[·, D]   outputs[targets[k]] += Σ_j e_jk h_j

    Outputs move six at a time: a target that stands twice in the list, in different sixes, gives its second share of
    the gradient from where the first has moved it.
    """
    for c in range(chunks(n)):
        if m == 1:
            _move_six_by_one(left, right, outputs, c, scratch, moved, rows[0])
        else:
            _move_six(left, right, outputs, m, c, scratch, moved, rows)


@inlined
def chunks(n):  # type: ignore[no-untyped-def]
    """How many sixes n outputs make."""
    return (n + TILE - 1) // TILE


@inlined
def fill_last_tile(n, target, scratch):  # type: ignore[no-untyped-def]
    """The last six are filled up with `target`; their errors must be set to zero."""
    for k in range(n, TILE * chunks(n)):
        scratch.targets[k] = target


@inlined
def silence(m, k, scratch):  # type: ignore[no-untyped-def]
    """Output k has no error."""
    for j in range(m):
        scratch.errors[k // TILE, 8 * j + k % TILE] = 0.0


@inlined
def set_label(k, label, scratch):  # type: ignore[no-untyped-def]
    scratch.labels[k // TILE, k % TILE] = label
    scratch.labels[k // TILE, 8 + k % TILE] = label


@inlined
def prefetch_row(left, right, table, row):  # type: ignore[no-untyped-def]
    for d in range(left, right, 16):
        prefetch(table, row, d)


@inlined
def _score_six(left, right, outputs, m, c, scratch):  # type: ignore[no-untyped-def]
    """errors[c, 8j + k] = h_j · o_k for the six outputs of chunk c; two hidden vectors at a time."""
    hidden, targets, errors = scratch.hidden, scratch.targets, scratch.errors
    t0, t1, t2 = targets[6 * c], targets[6 * c + 1], targets[6 * c + 2]
    t3, t4, t5 = targets[6 * c + 3], targets[6 * c + 4], targets[6 * c + 5]
    zero = splat(np.float32(0.0))
    for j in range(0, m - 1, 2):
        a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
        b0, b1, b2, b3, b4, b5 = zero, zero, zero, zero, zero, zero
        for d in range(left, right, LANES):
            x, y = load(hidden, j, d), load(hidden, j + 1, d)
            o = load(outputs, t0, d)
            a0, b0 = a0 + x * o, b0 + y * o
            o = load(outputs, t1, d)
            a1, b1 = a1 + x * o, b1 + y * o
            o = load(outputs, t2, d)
            a2, b2 = a2 + x * o, b2 + y * o
            o = load(outputs, t3, d)
            a3, b3 = a3 + x * o, b3 + y * o
            o = load(outputs, t4, d)
            a4, b4 = a4 + x * o, b4 + y * o
            o = load(outputs, t5, d)
            a5, b5 = a5 + x * o, b5 + y * o
        store_totals(errors, c, 8 * j, a0, a1, a2, a3, a4, a5)
        store_totals(errors, c, 8 * j + 8, b0, b1, b2, b3, b4, b5)
    if m % 2 == 1:
        j = m - 1
        a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
        for d in range(left, right, LANES):
            x = load(hidden, j, d)
            a0 = a0 + x * load(outputs, t0, d)
            a1 = a1 + x * load(outputs, t1, d)
            a2 = a2 + x * load(outputs, t2, d)
            a3 = a3 + x * load(outputs, t3, d)
            a4 = a4 + x * load(outputs, t4, d)
            a5 = a5 + x * load(outputs, t5, d)
        store_totals(errors, c, 8 * j, a0, a1, a2, a3, a4, a5)


@inlined
def _move_six_wide(left, right, outputs, m, c, scratch, moved, rows):  # type: ignore[no-untyped-def]
    """`_move_six` with 32 registers: six outputs and their gradients stay in them while all hidden vectors pass by."""
    hidden, targets, errors = scratch.hidden, scratch.targets, scratch.errors
    t0, t1, t2 = targets[6 * c], targets[6 * c + 1], targets[6 * c + 2]
    t3, t4, t5 = targets[6 * c + 3], targets[6 * c + 4], targets[6 * c + 5]
    for d in range(left, right, LANES):
        o0, o1, o2 = load(outputs, t0, d), load(outputs, t1, d), load(outputs, t2, d)
        o3, o4, o5 = load(outputs, t3, d), load(outputs, t4, d), load(outputs, t5, d)
        zero = splat(np.float32(0.0))
        a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
        for j in range(m):
            x = load(hidden, j, d)
            e0, e1 = splat(errors[c, 8 * j]), splat(errors[c, 8 * j + 1])
            e2, e3 = splat(errors[c, 8 * j + 2]), splat(errors[c, 8 * j + 3])
            e4, e5 = splat(errors[c, 8 * j + 4]), splat(errors[c, 8 * j + 5])
            a0, a1, a2 = a0 + e0 * x, a1 + e1 * x, a2 + e2 * x
            a3, a4, a5 = a3 + e3 * x, a4 + e4 * x, a5 + e5 * x
            even = load(moved, rows[j], d) + e0 * o0 + e2 * o2 + e4 * o4
            odd = e1 * o1 + e3 * o3 + e5 * o5  # a second chain of sums: half the latency
            store(moved, rows[j], d, even + odd)
        # Read again: a noise word may have been drawn twice, and another thread may have moved the row.
        store(outputs, t0, d, load(outputs, t0, d) + a0)
        store(outputs, t1, d, load(outputs, t1, d) + a1)
        store(outputs, t2, d, load(outputs, t2, d) + a2)
        store(outputs, t3, d, load(outputs, t3, d) + a3)
        store(outputs, t4, d, load(outputs, t4, d) + a4)
        store(outputs, t5, d, load(outputs, t5, d) + a5)


@inlined
def _move_six_narrow(left, right, outputs, m, c, scratch, moved, rows):  # type: ignore[no-untyped-def]
    """`_move_six` with 16 registers: outputs and their gradients do not fit together, so they pass one after the other.

    Two columns of registers at a time: an error that is spread over a register is then used twice.
    """
    hidden, targets, errors = scratch.hidden, scratch.targets, scratch.errors
    t0, t1, t2 = targets[6 * c], targets[6 * c + 1], targets[6 * c + 2]
    t3, t4, t5 = targets[6 * c + 3], targets[6 * c + 4], targets[6 * c + 5]
    for d in range(left, right, 2 * LANES):
        f = d + LANES
        o0, o1, o2 = load(outputs, t0, d), load(outputs, t1, d), load(outputs, t2, d)
        o3, o4, o5 = load(outputs, t3, d), load(outputs, t4, d), load(outputs, t5, d)
        p0, p1, p2 = load(outputs, t0, f), load(outputs, t1, f), load(outputs, t2, f)
        p3, p4, p5 = load(outputs, t3, f), load(outputs, t4, f), load(outputs, t5, f)
        for j in range(m):
            x, y = load(moved, rows[j], d), load(moved, rows[j], f)
            e = splat(errors[c, 8 * j])
            x, y = x + e * o0, y + e * p0
            e = splat(errors[c, 8 * j + 1])
            x, y = x + e * o1, y + e * p1
            e = splat(errors[c, 8 * j + 2])
            x, y = x + e * o2, y + e * p2
            e = splat(errors[c, 8 * j + 3])
            x, y = x + e * o3, y + e * p3
            e = splat(errors[c, 8 * j + 4])
            x, y = x + e * o4, y + e * p4
            e = splat(errors[c, 8 * j + 5])
            x, y = x + e * o5, y + e * p5
            store(moved, rows[j], d, x)
            store(moved, rows[j], f, y)
    zero = splat(np.float32(0.0))
    for d in range(left, right, 2 * LANES):
        f = d + LANES
        a0, a1, a2, a3, a4, a5 = zero, zero, zero, zero, zero, zero
        b0, b1, b2, b3, b4, b5 = zero, zero, zero, zero, zero, zero
        for j in range(m):
            x, y = load(hidden, j, d), load(hidden, j, f)
            e = splat(errors[c, 8 * j])
            a0, b0 = a0 + e * x, b0 + e * y
            e = splat(errors[c, 8 * j + 1])
            a1, b1 = a1 + e * x, b1 + e * y
            e = splat(errors[c, 8 * j + 2])
            a2, b2 = a2 + e * x, b2 + e * y
            e = splat(errors[c, 8 * j + 3])
            a3, b3 = a3 + e * x, b3 + e * y
            e = splat(errors[c, 8 * j + 4])
            a4, b4 = a4 + e * x, b4 + e * y
            e = splat(errors[c, 8 * j + 5])
            a5, b5 = a5 + e * x, b5 + e * y
        _add(outputs, t0, d, a0, b0)
        _add(outputs, t1, d, a1, b1)
        _add(outputs, t2, d, a2, b2)
        _add(outputs, t3, d, a3, b3)
        _add(outputs, t4, d, a4, b4)
        _add(outputs, t5, d, a5, b5)


@inlined
def _add(table, row, d, x, y):  # type: ignore[no-untyped-def]
    """table[row, d : d + 2·LANES] += x, y. Read when it is moved: see `_move_six_wide`."""
    store(table, row, d, load(table, row, d) + x)
    store(table, row, d + LANES, load(table, row, d + LANES) + y)


@inlined
def _move_six_by_one(left, right, outputs, c, scratch, moved, row):  # type: ignore[no-untyped-def]
    """`_move_six` for one hidden vector, whose errors stay in registers."""
    hidden, targets, errors = scratch.hidden, scratch.targets, scratch.errors
    t0, t1, t2 = targets[6 * c], targets[6 * c + 1], targets[6 * c + 2]
    t3, t4, t5 = targets[6 * c + 3], targets[6 * c + 4], targets[6 * c + 5]
    e0, e1, e2 = splat(errors[c, 0]), splat(errors[c, 1]), splat(errors[c, 2])
    e3, e4, e5 = splat(errors[c, 3]), splat(errors[c, 4]), splat(errors[c, 5])
    for d in range(left, right, LANES):
        x = load(hidden, 0, d)
        even = load(moved, row, d) + e0 * load(outputs, t0, d) + e2 * load(outputs, t2, d) + e4 * load(outputs, t4, d)
        odd = e1 * load(outputs, t1, d) + e3 * load(outputs, t3, d) + e5 * load(outputs, t5, d)
        store(moved, row, d, even + odd)
        store(outputs, t0, d, load(outputs, t0, d) + e0 * x)
        store(outputs, t1, d, load(outputs, t1, d) + e1 * x)
        store(outputs, t2, d, load(outputs, t2, d) + e2 * x)
        store(outputs, t3, d, load(outputs, t3, d) + e3 * x)
        store(outputs, t4, d, load(outputs, t4, d) + e4 * x)
        store(outputs, t5, d, load(outputs, t5, d) + e5 * x)


_move_six = _move_six_wide if LANES == 16 else _move_six_narrow


@inlined
def sigmoid(x):  # type: ignore[no-untyped-def]
    """s(x) = 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2, tanh as a ratio of polynomials; off by less than 3e-7.

    The minimax coefficients are those of Eigen's `ptanh_float`; beyond ±7.9 tanh is ±1 in f4.
    """
    bound = np.float32(7.90531110763549805)
    t = low(high(x * splat(np.float32(0.5)), splat(-bound)), splat(bound))
    u = t * t
    p = splat(np.float32(-2.76076847742355e-16))
    p = p * u + splat(np.float32(2.00018790482477e-13))
    p = p * u + splat(np.float32(-8.60467152213735e-11))
    p = p * u + splat(np.float32(5.12229709037114e-08))
    p = p * u + splat(np.float32(1.48572235717979e-05))
    p = p * u + splat(np.float32(6.37261928875436e-04))
    p = p * u + splat(np.float32(4.89352455891786e-03))
    q = splat(np.float32(1.19825839466702e-06))
    q = q * u + splat(np.float32(1.18534705686654e-04))
    q = q * u + splat(np.float32(2.26843463243900e-03))
    q = q * u + splat(np.float32(4.89352518554385e-03))
    half = splat(np.float32(0.5))
    return half * (t * p / q) + half


@inlined
def exponential(x):  # type: ignore[no-untyped-def]
    """e^x for x <= 0, off by less than 2e-7 of it; 0 below -87.

    e^x = 2^n · e^r with n = round(x / ln 2) and |r| <= ln 2 / 2, e^r by a polynomial (Cephes' `expf`).
    """
    x = high(x, splat(np.float32(-87.0)))
    n = nearest(x * splat(np.float32(1.44269504088896341)))
    r = x - n * splat(np.float32(0.693359375)) - n * splat(np.float32(-2.12194440e-4))
    p = splat(np.float32(1.9875691500e-4))
    p = p * r + splat(np.float32(1.3981999507e-3))
    p = p * r + splat(np.float32(8.3334519073e-3))
    p = p * r + splat(np.float32(4.1665795894e-2))
    p = p * r + splat(np.float32(1.6666665459e-1))
    p = p * r + splat(np.float32(5.0000001201e-1))
    return (p * r * r + r + splat(np.float32(1.0))) * power_of_two(n)
