"""Pairs: the kernel against its slow twin, with the JIT and without."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest

from firth.kernels import objectives
from firth.kernels.bags import Bags as Documents
from firth.kernels.bags import Part
from firth.kernels.core import Tables
from firth.kernels.noise import group_for
from firth.kernels.pairs import learn_pairs
from firth.reference import pairs as slow
from firth.tokens.subwords import Bags
from firth.training.bags import Lesson
from firth.training.pairs import _Worker
from firth.training.tables import aligned, padded


def bags(lists):
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
    return Bags(offsets, np.array([row for rows in lists for row in rows], np.int32))


def world(*, dim=20, pairs=40, rows=30, rights=12, negatives=5, shared=False):
    random = np.random.default_rng(0)

    def table():
        return random.normal(0, 0.4, (rows, dim)).astype(np.float32).astype(np.float64)

    def sides(number):
        return [random.integers(0, rows, random.integers(1, 6)).tolist() for _ in range(number)]

    inputs = table()
    return slow.Model(
        inputs=inputs,
        outputs=inputs if shared else table(),
        lefts=sides(pairs),
        held=random.integers(0, rights, pairs).tolist(),
        rights=sides(rights),
        negatives=negatives,
        noise=random.integers(0, rights, 997).tolist(),
    )


def assert_twins_agree(model, lr=0.1):
    def table(rows):
        found = aligned(len(rows), padded(rows.shape[1]))
        found[:, : rows.shape[1]] = rows
        return found

    model = copy.deepcopy(model)
    shared = model.inputs is model.outputs
    inputs = table(model.inputs)
    tables = Tables(inputs, inputs if shared else table(model.outputs), np.zeros(0, np.bool_))
    lefts, held = bags(model.lefts), np.array(model.held, np.int32)
    documents = Documents(lefts.rows, lefts.offsets, held)
    objective = objectives.NegativeSampling(
        model.negatives, np.array(model.noise, np.int32), group_for(model.negatives)
    )
    worker = _Worker(Lesson(tables, documents, lambda _: held, objective, 0, 1, lr, 1), bags(model.rights))
    order = np.random.default_rng(1).permutation(len(model.lefts)).astype(np.int32)
    part = Part(0, len(order), 3, np.uint64(7), np.float32(lr), np.float32(lr / 200))
    made = (worker.mean, objective, worker.scratch, 1)
    with np.errstate(over="ignore"):  # without the JIT, NumPy warns of u8 arithmetic
        learnt, loss, measured = learn_pairs(worker.tiles, tables, documents, worker.rights, order, part, *made)
    losses = slow.learn(model, order.tolist(), lr, lr / 200, key=7, number=3)
    dim = model.inputs.shape[1]
    for ours, theirs in ((tables.inputs, model.inputs), (tables.outputs, model.outputs)):
        np.testing.assert_allclose(ours[:, :dim], theirs, rtol=0, atol=3e-5)
        assert not ours[:, dim:].any()
    assert (learnt, measured) == (len(order), len(order))
    assert loss == pytest.approx(sum(losses), rel=1e-4)


@pytest.mark.parametrize("dim", [1, 20, 100])
@pytest.mark.parametrize("shared", [False, True])
def test_tables_after_a_pass_are_the_twins(dim, shared):
    assert_twins_agree(world(dim=dim, shared=shared))


@pytest.mark.parametrize(("negatives", "rights"), [(1, 2), (6, 1), (23, 5)])
def test_other_shapes(negatives, rights):
    assert_twins_agree(world(negatives=negatives, rights=rights))


@pytest.mark.skipif("FIRTH_NO_JIT" in os.environ, reason="that is this test")
def test_without_the_jit():
    """The same code as Python, so that it can be stepped through."""
    code = "import test_pairs as t; t.assert_twins_agree(t.world(pairs=6, dim=4))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "FIRTH_NO_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), env=environment, check=True)


def test_the_gradient_is_that_of_the_loss():
    """Finite differences of -log s(h·c0) - Σ log s(-h·ck), in every row of both sides."""
    model = world(pairs=1, rights=4, negatives=3, dim=3)
    step = 1e-4

    def loss_of(changed):
        return slow.learn(copy.deepcopy(changed), [0], lr=0.0)[0]

    moved = copy.deepcopy(model)
    slow.learn(moved, [0], lr=1e-3)
    for name in ("inputs", "outputs"):
        before, after = getattr(model, name), getattr(moved, name)
        for row, column in [(0, 0), *zip(*np.nonzero(after - before), strict=True)][:30]:
            sides = []
            for sign in (1, -1):
                changed = copy.deepcopy(model)
                getattr(changed, name)[row, column] += sign * step
                sides.append(loss_of(changed))
            slope = (sides[0] - sides[1]) / (2 * step)
            assert (after - before)[row, column] == pytest.approx(-1e-3 * slope, abs=1e-7)
