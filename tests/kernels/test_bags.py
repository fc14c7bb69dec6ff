"""The classifier's kernel against its slow twin: the same documents in the same order, so the same tables."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth.huffman import HuffmanTree
from firth.kernels import bags, core, objectives
from firth.kernels.architectures import ContinuousBag
from firth.kernels.noise import group_for
from firth.reference import classifier as slow
from firth.training.bags import Lesson, make_scratch
from firth.training.tables import aligned, padded

LOSSES = ["softmax", "ova", "hs", "ns"]


def world(loss="softmax", labels=5, rows=30, dim=9, lengths=(3, 1, 12, 0, 7, 40, 2), seed=0):
    random = np.random.default_rng(seed)

    def table(size):
        return random.normal(0, 0.3, (size, dim)).astype(np.float32).astype(np.float64)

    tree = HuffmanTree.of(random.integers(1, 100, labels)) if loss == "hs" else None
    return slow.Model(
        inputs=table(rows),
        outputs=table(max(1, labels - 1) if tree else labels),
        documents=[random.integers(0, rows, length).tolist() for length in lengths],
        labels=[random.permutation(labels)[: random.integers(1, min(3, labels) + 1)].tolist() for _ in lengths],
        loss=loss,
        noise=random.permutation(max(labels, 300)).clip(0, labels - 1).tolist() if loss == "ns" else [],
        tree=tree,
    )


def run(model, order, lr=0.05, fall=0.0, frozen=(), measure_every=1):
    """(inputs, outputs, learnt, loss, measured) of the kernel."""

    def wide(rows, spare=0):
        made = aligned(len(rows) + spare, padded(rows.shape[1]))
        made[: len(rows), : rows.shape[1]] = rows
        return made

    held = np.array([labels[0] for labels in model.labels], np.int32)
    sizes = np.cumsum([0, *map(len, model.labels)])
    every = np.array([label for labels in model.labels for label in labels], np.int32)
    objective = {
        "softmax": lambda: objectives.Softmax(len(model.outputs)),
        "ova": lambda: objectives.OneVersusAll(len(model.outputs), sizes, every),
        "hs": lambda: objectives.HierarchicalSoftmax(model.tree.offsets, model.tree.nodes, model.tree.codes),
        "ns": lambda: objectives.NegativeSampling(
            model.negatives, np.array(model.noise, np.int32), group_for(model.negatives)
        ),
    }[model.loss]()
    stays = np.zeros(len(model.inputs) if len(frozen) else 0, np.bool_)
    stays[list(frozen)] = True
    tables = core.Tables(wide(model.inputs, spare=1 if len(frozen) else 0), wide(model.outputs), stays)
    rows = np.array([row for document in model.documents for row in document], np.int32)
    offsets = np.cumsum([0, *map(len, model.documents)])
    if model.loss == "ova":
        held = np.arange(len(model.documents), dtype=np.int32)
    given_bags = bags.Bags(rows, offsets, held)
    lesson = Lesson(tables, given_bags, lambda _: held, objective, len(rows), 1, lr, 1)
    part = bags.Part(0, len(order), 0, np.uint64(7), np.float32(lr), np.float32(fall))
    mean = ContinuousBag(True, True, False, aligned(1, tables.inputs.shape[1]))
    tiles = (0,) * (tables.inputs.shape[1] // 16)
    places = np.array(order, np.int32)
    with np.errstate(over="ignore"):
        found = bags.learn_bags(
            tiles, tables, given_bags, places, part, mean, objective, make_scratch(lesson), measure_every
        )
    dim = model.inputs.shape[1]
    return tables.inputs[: len(model.inputs), :dim], tables.outputs[:, :dim], *found


def assert_twins_agree(model, order=None, lr=0.05, fall=0.0):
    order = list(range(len(model.documents))) if order is None else order
    inputs, outputs, learnt, loss, measured = run(model, order, lr, fall)
    twin = copy.deepcopy(model)
    losses = slow.learn(twin, order, lr, fall, key=7)
    np.testing.assert_allclose(inputs, twin.inputs, rtol=0, atol=2e-5)
    np.testing.assert_allclose(outputs, twin.outputs, rtol=0, atol=2e-5)
    assert learnt == measured == len(losses)
    assert loss == pytest.approx(sum(losses), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("loss", "dim"), [*((loss, 9) for loss in LOSSES), ("softmax", 100)])
def test_tables_after_a_pass_are_the_twins(loss, dim):
    assert_twins_agree(world(loss, dim=dim, labels=200 if loss == "ns" else 5), fall=0.003)


@pytest.mark.parametrize("loss", ["softmax", "ova", "hs"])
@pytest.mark.parametrize("labels", [1, 2, 3, 6, 7, 12, 50])
def test_any_number_of_labels(loss, labels):
    assert_twins_agree(world(loss, labels=labels), order=[5, 2, 2, 0, 6])


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(0, 20), min_size=1, max_size=8), labels=st.integers(1, 9), seed=st.integers(0, 99))
def test_any_documents(lengths, labels, seed):
    assert_twins_agree(world("softmax", labels=labels, lengths=lengths, seed=seed))
    assert_twins_agree(world("ova", labels=labels, lengths=lengths, seed=seed))


def test_frozen_rows_stay_and_others_move():
    model = world()
    inputs, *_ = run(model, [0, 1, 2, 4, 5, 6], frozen=range(10))
    moved = np.abs(inputs - model.inputs).max(axis=1) > 0
    assert not moved[:10].any()
    assert moved[10:].sum() > 10


def test_measured_loss_is_of_every_nth_document():
    _, _, learnt, loss, measured = run(world(), [0, 1, 2, 4, 5, 6], measure_every=2)
    assert (learnt, measured) == (6, 3)
    assert loss > 0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("which", ["inputs", "outputs"])
def test_the_step_is_the_gradient_of_the_loss(loss, which):
    """What a document moves, over lr, against the slope of its loss by finite differences."""
    model = world(loss, rows=8, dim=3, labels=6)
    model.documents = [[2, 3, 3, 5]]
    model.noise = [int(label != model.labels[0][0]) for label in range(40)]
    variable = getattr(model, which)
    slope = np.zeros_like(variable)
    for at in np.ndindex(*variable.shape):
        for sign in (1, -1):
            variable[at] += sign * 1e-5
            slope[at] += sign * slow.learn(model, [0], 0.0)[0] / 2e-5
            variable[at] -= sign * 1e-5
    before = variable.copy()
    slow.learn(model, [0], 1.0)
    np.testing.assert_allclose(variable - before, -slope, atol=1e-8)


def test_without_the_jit_the_kernel_does_the_same():
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("this is the inner run")
    chosen = "test_any_number_of_labels or test_frozen"
    inner = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", chosen],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert inner.returncode == 0, inner.stdout[-3000:]
    assert " passed" in inner.stdout
