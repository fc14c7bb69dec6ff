"""The engine of pairs: the bag of the left side is held against the bags of the right side and of others.

    rows of the left → mean h (architectures.ContinuousBag)
    rows of each right side → mean c_k, the true one first, then the noise
    negative sampling: -log s(h·c_0) - Σ_k log s(-h·c_k) → gradient → each row its share

Wu, Fisch, Chopra, Adams, Bordes & Weston 2018, "StarSpace: Embed All The Things!", with negative sampling's loss.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.architectures import gather, scatter
from firth.kernels.bags import bag_of
from firth.kernels.compiled import inlined, kernel
from firth.kernels.core import Tables, score
from firth.kernels.objectives import begin, errors, targets
from firth.kernels.simd import LANES, load, splat, store


class Rights(NamedTuple):
    """The distinct right sides, and room for those of one pair."""

    rows: Any  # i4[·], rows of tables.outputs
    offsets: Any  # i8[rights + 1]
    places: Any  # i4[6·chunks], 0, 1, 2, …: the means stand one after the other
    means: Any  # f4[6·chunks, D], the means of those that a pair is held against, which are moved …
    before: Any  # f4[6·chunks, D], … and as they were


@kernel
def learn_pairs(  # type: ignore[no-untyped-def]
    tiles, tables, lefts, rights, order, part, architecture, objective, scratch, measure_every
):
    """Stochastic gradient descent over the pairs order[part.start:part.end].

    tables.inputs   f4[rows, D]  the left side's rows are moved in place, each by its share of the gradient
    tables.outputs  f4[rows, D]  so are those of the right side and of the noise; the same array where sides share rows
    lefts           Bags: the left side of each pair, and the number of its right side
    Returns (pairs learnt from, loss, pairs it was measured on): nats, summed over every `measure_every`-th.
    """
    width = 16 * len(tiles)
    means = Tables(tables.inputs, rights.means, tables.frozen)
    at = begin(objective, part, scratch)
    learnt, loss, measured = 0, 0.0, 0
    for place in range(part.start, part.end):
        pair = order[place]
        first, size = lefts.offsets[pair], lefts.offsets[pair + 1] - lefts.offsets[pair]
        right, lr = lefts.held[pair], part.lr - np.float32(place - part.start) * part.fall
        bag = bag_of(scratch, lefts.rows[first : first + size], scratch.targets)  # its targets are right sides
        of_means = bag_of(scratch, lefts.rows[first : first + size], rights.places)  # its targets are their means
        n, at = targets(objective, right, at, bag)
        for k in range(n):
            _mean(0, width, tables.outputs, rights, bag.targets[k], k)
        m = gather(architecture, 0, width, tables.inputs, size, bag)
        score(0, width, rights.means, m, n, of_means)
        learnt += 1
        measure = learnt % measure_every == 0
        loss += errors(objective, right, m, n, lr, measure, bag)
        measured += 1 if measure else 0
        scatter(architecture, 0, width, means, m, n, size, of_means)
        for k in range(n):
            _share(0, width, tables.outputs, rights, bag.targets[k], k)
    return learnt, loss, measured


@inlined
def _mean(left, right, outputs, rights, number, k):  # type: ignore[no-untyped-def]
    """means[k] and before[k] = the mean of the rows of a right side."""
    start, end = rights.offsets[number], rights.offsets[number + 1]
    share = splat(np.float32(1.0) / np.float32(end - start))
    for d in range(left, right, LANES):
        total = splat(np.float32(0.0))
        for place in range(start, end):
            total = total + load(outputs, rights.rows[place], d)
        store(rights.means, k, d, total * share)
        store(rights.before, k, d, total * share)


@inlined
def _share(left, right, outputs, rights, number, k):  # type: ignore[no-untyped-def]
    """Each row of a right side gets its share of what moved the mean."""
    start, end = rights.offsets[number], rights.offsets[number + 1]
    share = splat(np.float32(1.0) / np.float32(end - start))
    for d in range(left, right, LANES):
        moved = (load(rights.means, k, d) - load(rights.before, k, d)) * share
        for place in range(start, end):
            row = rights.rows[place]
            store(outputs, row, d, load(outputs, row, d) + moved)
