"""Objectives: which outputs a word is held against, and the errors of their scores.

Each is a NamedTuple of what it needs, and four functions chosen by its class when the kernel is compiled:

    begin(objective, block, scratch)                     once a block; returns where its noise begins
    targets(objective, word, at, scratch)                the outputs for a word; returns (how many, where noise goes on)
    errors(objective, word, m, n, lr, measure, scratch)  scores become lr · (label - probability); returns the loss
    prefetch_outputs(tiles, objective, outputs, word, at)    ask for the rows that the next word will need
"""

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from firth.kernels.compiled import inlined
from firth.kernels.core import (
    TILE,
    chunks,
    exponential,
    fill_last_tile,
    prefetch_row,
    set_label,
    sigmoid,
    silence,
)
from firth.kernels.noise import TURNS, first_draw, next_draw, noise_word
from firth.kernels.simd import LANES, high, load, splat, store


class NegativeSampling(NamedTuple):
    """The true word and `negatives` noise words; loss -log s(h·o) - Σ log s(-h·n). Mikolov et al. 2013b, eq. 4."""

    negatives: int
    noise: Any  # i4[size], words drawn from the noise distribution in shuffled order, a group of them or more
    group: int  # 2^group words are read …
    turns: int = TURNS  # … 2^turns times before the next ones, see noise.py


class HierarchicalSoftmax(NamedTuple):
    """The inner nodes on the word's path; loss -Σ log s(±h·node), + where the code is 1. Morin & Bengio 2005."""

    offsets: Any  # i8[words + 1], where each word's path begins
    nodes: Any  # i4[·], inner nodes from the root down
    codes: Any  # f4[·], 1 where the path takes the positive branch
    first: int = 0  # nodes from this one on, up to the root, lie `shift` rows further on
    shift: int = 0


class Softmax(NamedTuple):
    """Every word; loss -log p(word), p = e^(h·o) / Σ e^(h·o)."""

    words: int


class OneVersusAll(NamedTuple):
    """Every label by itself; loss -Σ log s(±h·o), + for the labels of the document. The `word` is the document."""

    labels: int
    offsets: Any  # i8[documents + 1], where each document's labels begin
    given: Any  # i4[·], the labels of all documents


# ---------------------------------------------------------------- negative sampling


@inlined
def _begin_sampling(objective, block, scratch):  # type: ignore[no-untyped-def]
    scratch.labels[:] = 0.0
    set_label(0, 1.0, scratch)
    return first_draw(objective, block.key, block.number)


@inlined
def _targets_sampling(objective, word, at, scratch):  # type: ignore[no-untyped-def]
    n = 1 + objective.negatives
    at = next_draw(objective, at, 2 * n)  # the next window's noise is prefetched: it must lie in the table too
    scratch.targets[0] = word
    for k in range(1, n):
        scratch.targets[k] = noise_word(objective, at + k - 1)
    fill_last_tile(n, word, scratch)
    return n, at + objective.negatives


@inlined
def _errors_sampling(objective, word, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    loss = logistic_loss(m, n, word, scratch) if measure else 0.0
    logistic_errors(m, n, lr, scratch)
    for k in range(1, TILE * chunks(n)):  # noise that hit the true word, and what fills the last tile
        if scratch.targets[k] == word:
            silence(m, k, scratch)
    return loss


@inlined
def _prefetch_sampling(tiles, objective, outputs, word, at):  # type: ignore[no-untyped-def]
    for k in range(objective.negatives):
        prefetch_row(0, 16 * len(tiles), outputs, noise_word(objective, at + k))
    prefetch_row(0, 16 * len(tiles), outputs, word)


# ---------------------------------------------------------------- hierarchical softmax


@inlined
def row_of_node(objective, node):  # type: ignore[no-untyped-def]
    """Where an inner node's output lies: threads that learn at once have the tree's top in rows of their own."""
    return node + objective.shift if node >= objective.first else node


@inlined
def _begin_tree(objective, block, scratch):  # type: ignore[no-untyped-def]
    return 0


@inlined
def _targets_tree(objective, word, at, scratch):  # type: ignore[no-untyped-def]
    start = objective.offsets[word]
    n = objective.offsets[word + 1] - start
    for k in range(n):
        scratch.targets[k] = row_of_node(objective, objective.nodes[start + k])
        set_label(k, objective.codes[start + k], scratch)
    fill_last_tile(n, 0, scratch)
    return n, at


@inlined
def _errors_tree(objective, word, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    loss = logistic_loss(m, n, -1, scratch) if measure else 0.0
    logistic_errors(m, n, lr, scratch)
    for k in range(n, TILE * chunks(n)):
        silence(m, k, scratch)
    return loss


@inlined
def _prefetch_tree(tiles, objective, outputs, word, at):  # type: ignore[no-untyped-def]
    for k in range(objective.offsets[word], objective.offsets[word + 1]):
        prefetch_row(0, 16 * len(tiles), outputs, row_of_node(objective, objective.nodes[k]))


# ---------------------------------------------------------------- full softmax


@inlined
def _begin_softmax(objective, block, scratch):  # type: ignore[no-untyped-def]
    scratch.labels[:] = 0.0
    for k in range(objective.words):
        scratch.targets[k] = k
    fill_last_tile(objective.words, 0, scratch)
    return 0


@inlined
def _targets_softmax(objective, word, at, scratch):  # type: ignore[no-untyped-def]
    return objective.words, at


@inlined
def _errors_softmax(objective, word, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    loss = 0.0
    if measure:
        for j in range(m):
            loss -= np.float64(scratch.errors[word // TILE, 8 * j + word % TILE])
    set_label(word, 1.0, scratch)
    loss += softmax_errors(m, n, lr, 1, measure, scratch)
    set_label(word, 0.0, scratch)
    return loss


@inlined
def softmax_errors(m, n, lr, weight, measure, scratch):  # type: ignore[no-untyped-def]
    """errors = lr · (label - weight · p), p the softmax of the scores, in place; returns Σ_j log Σ_k e^score in f8."""
    errors, line = scratch.errors, scratch.line
    last, logs = chunks(n) - 1, 0.0
    for j in range(m):
        for k in range(n - TILE * last, TILE):
            errors[last, 8 * j + k] = -1e30  # what fills the last tile has probability 0
    for at in range(0, 8 * m, LANES):  # a register holds the scores of LANES / 8 hidden vectors
        top = load(errors, 0, at)
        for c in range(1, last + 1):
            top = high(top, load(errors, c, at))
        store(line, 0, 0, top)
        for row in range(0, LANES, 8):
            greatest = line[0, row]
            for k in range(1, TILE):
                greatest = max(greatest, line[0, row + k])
            if measure and at + row < 8 * m:
                logs += greatest
            line[0, row : row + 8] = greatest
        top = load(line, 0, 0)
        total = splat(np.float32(0.0))
        for c in range(last + 1):
            e = exponential(load(errors, c, at) - top)
            store(errors, c, at, e)
            total = total + e
        store(line, 0, 0, total)
        for row in range(0, LANES, 8):
            mass = line[0, row]
            for k in range(1, TILE):
                mass += line[0, row + k]
            if measure and at + row < 8 * m:
                logs += np.log(np.float64(mass))
            line[0, row : row + 8] = np.float32(weight) / mass
        share, rate = load(line, 0, 0), splat(lr)
        for c in range(last + 1):
            store(errors, c, at, rate * (load(scratch.labels, c, 0) - load(errors, c, at) * share))
    return logs


@inlined
def _prefetch_softmax(tiles, objective, outputs, word, at):  # type: ignore[no-untyped-def]
    return None


# ---------------------------------------------------------------- one versus all


@inlined
def _begin_all(objective, block, scratch):  # type: ignore[no-untyped-def]
    scratch.labels[:] = 0.0
    for k in range(objective.labels):
        scratch.targets[k] = k
    fill_last_tile(objective.labels, 0, scratch)
    return 0


@inlined
def _targets_all(objective, word, at, scratch):  # type: ignore[no-untyped-def]
    for i in range(objective.offsets[word], objective.offsets[word + 1]):
        set_label(objective.given[i], 1.0, scratch)
    return objective.labels, at


@inlined
def _errors_all(objective, word, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    loss = logistic_loss(m, n, -1, scratch) if measure else 0.0
    logistic_errors(m, n, lr, scratch)
    for k in range(n, TILE * chunks(n)):
        silence(m, k, scratch)
    for i in range(objective.offsets[word], objective.offsets[word + 1]):
        set_label(objective.given[i], 0.0, scratch)
    return loss


# ---------------------------------------------------------------- shared by all but the full softmax


@inlined
def logistic_errors(m, n, lr, scratch):  # type: ignore[no-untyped-def]
    """errors = lr · (label - s(score)), in place, a register at a time."""
    rate = splat(lr)
    for c in range(chunks(n)):
        labels = load(scratch.labels, c, 0)
        for at in range(0, 8 * m, LANES):
            store(scratch.errors, c, at, rate * (labels - sigmoid(load(scratch.errors, c, at))))


@inlined
def logistic_loss(m, n, not_again, scratch):  # type: ignore[no-untyped-def]
    """Σ -log s(±score) in f8 over the first n outputs; after the first, those that are `not_again` do not count."""
    loss = 0.0
    for k in range(n):
        if k > 0 and scratch.targets[k] == not_again:
            continue
        for j in range(m):
            x = np.float64(scratch.errors[k // TILE, 8 * j + k % TILE])
            x = -x if scratch.labels[k // TILE, k % TILE] > 0.5 else x
            loss += max(x, 0.0) + np.log1p(np.exp(-abs(x)))
    return loss


# ---------------------------------------------------------------- the choice, when the kernel is compiled

_BEGIN = {
    NegativeSampling: _begin_sampling,
    HierarchicalSoftmax: _begin_tree,
    Softmax: _begin_softmax,
    OneVersusAll: _begin_all,
}
_TARGETS = {
    NegativeSampling: _targets_sampling,
    HierarchicalSoftmax: _targets_tree,
    Softmax: _targets_softmax,
    OneVersusAll: _targets_all,
}
_ERRORS = {
    NegativeSampling: _errors_sampling,
    HierarchicalSoftmax: _errors_tree,
    Softmax: _errors_softmax,
    OneVersusAll: _errors_all,
}
_PREFETCH = {
    NegativeSampling: _prefetch_sampling,
    HierarchicalSoftmax: _prefetch_tree,
    Softmax: _prefetch_softmax,
    OneVersusAll: _prefetch_softmax,  # the kernel of documents asks for none
}


def begin(objective: Any, block: Any, scratch: Any) -> Any:
    return _BEGIN[type(objective)](objective, block, scratch)


def targets(objective: Any, word: Any, at: Any, scratch: Any) -> Any:
    return _TARGETS[type(objective)](objective, word, at, scratch)


def errors(objective: Any, word: Any, m: Any, n: Any, lr: Any, measure: Any, scratch: Any) -> Any:
    return _ERRORS[type(objective)](objective, word, m, n, lr, measure, scratch)


def prefetch_outputs(tiles: Any, objective: Any, outputs: Any, word: Any, at: Any) -> Any:
    return _PREFETCH[type(objective)](tiles, objective, outputs, word, at)


@overload(begin, inline="always")
def _choose_begin(objective, block, scratch):  # type: ignore[no-untyped-def]
    chosen = _BEGIN[objective.instance_class]
    return lambda objective, block, scratch: chosen(objective, block, scratch)


@overload(targets, inline="always")
def _choose_targets(objective, word, at, scratch):  # type: ignore[no-untyped-def]
    chosen = _TARGETS[objective.instance_class]
    return lambda objective, word, at, scratch: chosen(objective, word, at, scratch)


@overload(errors, inline="always")
def _choose_errors(objective, word, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    chosen = _ERRORS[objective.instance_class]
    return lambda objective, word, m, n, lr, measure, scratch: chosen(objective, word, m, n, lr, measure, scratch)


@overload(prefetch_outputs, inline="always")
def _choose_prefetch(tiles, objective, outputs, word, at):  # type: ignore[no-untyped-def]
    chosen = _PREFETCH[objective.instance_class]
    return lambda tiles, objective, outputs, word, at: chosen(tiles, objective, outputs, word, at)
