"""The engine of the classifier: a document is a bag of rows; their mean is held against the labels.

    rows of the document → mean (architectures.ContinuousBag) → objective → gradient → rows

What stands in the bag (words, their n-grams, n-grams of words) is nothing to the kernel. Scores and moves: core.py.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.architectures import gather, scatter
from firth.kernels.compiled import inlined, kernel
from firth.kernels.core import Scratch, prefetch_row, score
from firth.kernels.objectives import begin, errors, targets

_FAR = 1 << 17  # floats of a table that does not fit in a near cache: only then is it worth asking for rows beforehand


class Bags(NamedTuple):
    """The documents."""

    rows: Any  # i4[·], rows of tables.inputs
    offsets: Any  # i8[documents + 1], where each document's rows begin
    held: Any  # i4[documents], what each is held against: a label, or for OneVersusAll the document itself


class Part(NamedTuple):
    """The part of a pass that one call learns from."""

    start: int  # first place in the order of the pass
    end: int  # one past the last
    number: int  # of the part in its pass: the noise starts elsewhere for each
    key: Any  # u8, the random stream of the pass
    lr: Any  # f4, at `start`
    fall: Any  # f4, how much lower it is for every next document


@kernel
def learn_bags(  # type: ignore[no-untyped-def]
    tiles, tables, bags, order, part, architecture, objective, scratch, measure_every
):
    """Stochastic gradient descent over the documents order[part.start:part.end]; Joulin et al. 2017.

    tables.inputs   f4[rows, D]    a document's rows are moved in place, each by its share of the gradient
    tables.outputs  f4[labels, D]  the rows that the objective chooses are moved in place
    Returns (documents learnt from, loss, documents it was measured on): nats, summed over every `measure_every`-th.
    A document without rows teaches nothing.
    """
    at = begin(objective, part, scratch)
    learnt, loss, measured = 0, 0.0, 0
    for place in range(part.start, part.end):
        document = order[place]
        first, size = bags.offsets[document], bags.offsets[document + 1] - bags.offsets[document]
        if tables.inputs.size > _FAR and place + 1 < part.end:
            _prefetch_bag(tiles, tables, bags, order[place + 1])
        if size == 0:
            continue
        held, lr = bags.held[document], part.lr - np.float32(place - part.start) * part.fall
        bag = bag_of(scratch, bags.rows[first : first + size], scratch.targets)
        n, at = targets(objective, held, at, bag)
        m = gather(architecture, 0, 16 * len(tiles), tables.inputs, size, bag)
        score(0, 16 * len(tiles), tables.outputs, m, n, bag)
        learnt += 1
        measure = learnt % measure_every == 0
        loss += errors(objective, held, m, n, lr, measure, bag)
        measured += 1 if measure else 0
        scatter(architecture, 0, 16 * len(tiles), tables, m, n, size, bag)
    return learnt, loss, measured


@inlined
def _prefetch_bag(tiles, tables, bags, document):  # type: ignore[no-untyped-def]
    for i in range(bags.offsets[document], bags.offsets[document + 1]):
        prefetch_row(0, 16 * len(tiles), tables.inputs, bags.rows[i])


@inlined
def bag_of(scratch, rows, targets):  # type: ignore[no-untyped-def]
    """The scratch whose context is a document, held against these outputs."""
    return Scratch(
        scratch.words,
        scratch.places,
        scratch.reach,
        scratch.bounds,
        rows,
        scratch.moving,
        scratch.offsets,
        scratch.hidden,
        targets,
        scratch.labels,
        scratch.row,
        scratch.line,
        scratch.errors,
    )
