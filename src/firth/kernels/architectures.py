"""Architectures: which rows make the hidden vectors of a window, and how their gradients go back to the rows.

Each is a NamedTuple of what it needs, and two functions chosen by its class when the kernel is compiled:

    gather(architecture, left, right, inputs, contexts, scratch)         fills scratch.hidden; returns how many vectors
    scatter(architecture, left, right, tables, m, n, contexts, scratch)  moves inputs and outputs by scratch.errors

Words that are bags of rows: word_bags.py. Both functions work on the columns left … right - 1 alone.
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from firth.kernels import word_bags
from firth.kernels.compiled import inlined
from firth.kernels.core import move
from firth.kernels.simd import LANES, load, splat, store
from firth.kernels.word_bags import CentreBag, ContextBags


class SkipGram(NamedTuple):
    """Every context word predicts the centre: one hidden vector per context word."""

    one: Any  # i4[1]; numba has no empty tuple class


class ContinuousBag(NamedTuple):
    """The context words together predict the centre: one hidden vector, Σ_j P_j ⊙ x_j, or its mean."""

    mean: bool  # divide by the number of context words
    corrected: bool  # divide the gradient too, as it should be (Irsoy, Benton & Stratos 2021); word2vec.c does not
    weighted: bool  # P_j is learnt for every position in the window (Mikolov et al. 2018), else it is 1
    positions: Any  # f4[2·window, D], the P_j; one row where not weighted


# ---------------------------------------------------------------- skip-gram


@inlined
def _gather_each(architecture, left, right, inputs, contexts, scratch):  # type: ignore[no-untyped-def]
    for j in range(contexts):
        for d in range(left, right, LANES):
            store(scratch.hidden, j, d, load(inputs, scratch.contexts[j], d))
    return contexts


@inlined
def _scatter_each(architecture, left, right, tables, m, n, contexts, scratch):  # type: ignore[no-untyped-def]
    _destinations(tables, contexts, scratch)
    move(left, right, tables.outputs, m, n, scratch, tables.inputs, scratch.moving)


# ---------------------------------------------------------------- CBOW

_HIDDEN, _GRADIENT = 0, 1  # rows of scratch.hidden


@inlined
def _gather_bag(architecture, left, right, inputs, contexts, scratch):  # type: ignore[no-untyped-def]
    hidden, zero = scratch.hidden, splat(np.float32(0.0))
    for d in range(left, right, LANES):
        store(hidden, _HIDDEN, d, zero)
        store(hidden, _GRADIENT, d, zero)
    for j in range(contexts):
        row = scratch.contexts[j]
        for d in range(left, right, LANES):
            x = load(inputs, row, d)
            if architecture.weighted:
                x = x * load(architecture.positions, scratch.offsets[j], d)
            store(hidden, _HIDDEN, d, load(hidden, _HIDDEN, d) + x)
    if architecture.mean:
        share = splat(np.float32(1.0) / np.float32(contexts))
        for d in range(left, right, LANES):
            store(hidden, _HIDDEN, d, load(hidden, _HIDDEN, d) * share)
    return 1


@inlined
def _scatter_bag(architecture, left, right, tables, m, n, contexts, scratch):  # type: ignore[no-untyped-def]
    scratch.row[0] = _GRADIENT
    move(left, right, tables.outputs, m, n, scratch, scratch.hidden, scratch.row)
    divided = np.float32(1.0) / np.float32(contexts) if architecture.mean else np.float32(1.0)
    share = splat(divided if architecture.corrected else np.float32(1.0))
    exact = splat(divided)
    _destinations(tables, contexts, scratch)
    for j in range(contexts):
        row, to = scratch.contexts[j], scratch.moving[j]
        for d in range(left, right, LANES):
            gradient = load(scratch.hidden, _GRADIENT, d)
            x = load(tables.inputs, row, d)
            if architecture.weighted:
                place = scratch.offsets[j]
                p = load(architecture.positions, place, d)
                store(tables.inputs, to, d, x + share * gradient * p)
                store(architecture.positions, place, d, p + exact * gradient * x)
            else:
                store(tables.inputs, to, d, x + share * gradient)


@inlined
def _destinations(tables, contexts, scratch):  # type: ignore[no-untyped-def]
    """The rows that the gradients go to: their own, or for a frozen one the spare row at the end of the table."""
    for j in range(contexts):
        row = scratch.contexts[j]
        scratch.moving[j] = len(tables.inputs) - 1 if tables.frozen.size > 0 and tables.frozen[row] else row


# ---------------------------------------------------------------- the choice, when the kernel is compiled

_GATHER = {
    SkipGram: _gather_each,
    ContinuousBag: _gather_bag,
    CentreBag: word_bags.gather_centre,
    ContextBags: word_bags.gather_contexts,
}
_SCATTER = {
    SkipGram: _scatter_each,
    ContinuousBag: _scatter_bag,
    CentreBag: word_bags.scatter_centre,
    ContextBags: word_bags.scatter_contexts,
}


def gather(architecture: Any, left: Any, right: Any, inputs: Any, contexts: Any, scratch: Any) -> Any:
    return _GATHER[type(architecture)](architecture, left, right, inputs, contexts, scratch)


def scatter(architecture: Any, left: Any, right: Any, tables: Any, m: Any, n: Any, contexts: Any, scratch: Any) -> Any:
    return _SCATTER[type(architecture)](architecture, left, right, tables, m, n, contexts, scratch)


@overload(gather, inline="always")
def _choose_gather(architecture, left, right, inputs, contexts, scratch):  # type: ignore[no-untyped-def]
    chosen = _GATHER[architecture.instance_class]
    return lambda architecture, left, right, inputs, contexts, scratch: chosen(
        architecture, left, right, inputs, contexts, scratch
    )


@overload(scatter, inline="always")
def _choose_scatter(architecture, left, right, tables, m, n, contexts, scratch):  # type: ignore[no-untyped-def]
    chosen = _SCATTER[architecture.instance_class]
    return lambda architecture, left, right, tables, m, n, contexts, scratch: chosen(
        architecture, left, right, tables, m, n, contexts, scratch
    )
