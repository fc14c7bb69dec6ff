"""Words that are bags of rows: the kernels against their slow twin, and the loss against fastText's own formula."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest

from firth.huffman import HuffmanTree
from firth.kernels import core, objectives, shallow
from firth.kernels.noise import group_for
from firth.kernels.word_bags import CentreBag, ContextBags
from firth.reference import fasttext as slow
from firth.reference.word2vec import Model, examples
from firth.training.blocks import Setting, make_scratch
from firth.training.tables import aligned, padded

ARCHITECTURES, LOSSES = ["skipgram", "cbow"], ["ns", "hs", "softmax"]


def world(*, words=30, dim=20, lengths=(40, 1, 7, 150, 2), keep=0.7, window=5, loss="ns", rows=80, **options):
    """A random corpus with random tables and bags, as the twin wants it."""
    random = np.random.default_rng(0)

    def table(rows):
        return random.normal(0, 0.3, (rows, dim)).astype(np.float32).astype(np.float64)

    tree = HuffmanTree.of(random.integers(1, 100, words)) if loss == "hs" else None
    bags = [[word, *random.integers(words, rows, random.integers(0, 9)).tolist()] for word in range(words)]
    model = Model(
        inputs=table(rows),
        outputs=table(max(1, words - 1) if tree else words),
        sentences=[random.integers(0, words, length).tolist() for length in lengths],
        keep=random.uniform(keep, 1.0, words).astype(np.float32).tolist(),
        noise=random.integers(0, words, 997).tolist(),
        tree=tree,
        window=window,
        loss=loss,
        **options,
    )
    return model, bags


def as_setting(model, bags, divided):
    def table(rows):
        found = aligned(len(rows), padded(rows.shape[1]))
        found[:, : rows.shape[1]] = rows
        return found

    offsets, rows = np.cumsum([0, *map(len, bags)]), np.array([row for bag in bags for row in bag], np.int32)
    objective = {
        "ns": lambda: objectives.NegativeSampling(
            model.negatives, np.array(model.noise, np.int32), group_for(model.negatives)
        ),
        "hs": lambda: objectives.HierarchicalSoftmax(model.tree.offsets, model.tree.nodes, model.tree.codes),
        "softmax": lambda: objectives.Softmax(len(model.outputs)),
    }[model.loss]()
    return Setting(
        tables=core.Tables(table(model.inputs), table(model.outputs), np.zeros(0, np.bool_)),
        corpus=shallow.Corpus(
            np.array([word for sentence in model.sentences for word in sentence], np.int32),
            np.cumsum([0, *map(len, model.sentences)]),
            np.array(model.keep, np.float32),
        ),
        window=shallow.Window(model.window, model.shrink, model.skips),
        architecture=(CentreBag if model.architecture == "skipgram" else ContextBags)(offsets, rows, divided),
        objective=objective,
        epochs=1,
        lr=0.05,
        min_lr=0.05,
        seed=1,
    )


def assert_twins_agree(model, bags, lr=0.02, divided=False):
    setting = as_setting(model, bags, divided)
    model = copy.deepcopy(model)
    block = shallow.Block(0, len(setting.corpus.tokens), 0, 0, np.uint64(7), np.float32(lr))
    tiles = (0,) * (setting.tables.inputs.shape[1] // 16)
    scratch = make_scratch(setting, block.end)
    arguments = (setting.window, setting.architecture, setting.objective, scratch, 1)
    with np.errstate(over="ignore"):  # without the JIT, NumPy warns of u8 arithmetic
        windows, loss, measured = shallow.learn(tiles, setting.tables, setting.corpus, block, *arguments)
    losses = slow.learn(model, bags, 7, lr, divided=divided)
    dim = model.inputs.shape[1]
    for ours, theirs in ((setting.tables.inputs, model.inputs), (setting.tables.outputs, model.outputs)):
        np.testing.assert_allclose(ours[:, :dim], theirs, rtol=0, atol=3e-5)
        assert not ours[:, dim:].any()
    held = [len(example.contexts) for example in examples(model, 7)]
    assert windows == len(losses)
    assert measured == (sum(held) if model.architecture == "skipgram" else len(held))
    assert loss == pytest.approx(sum(losses), rel=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dim", [1, 20, 100])
def test_tables_after_a_block_are_the_twins(architecture, loss, dim):
    assert_twins_agree(*world(dim=dim, architecture=architecture, loss=loss))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("loss", LOSSES)
def test_each_row_with_its_share_of_the_gradient(architecture, loss):
    assert_twins_agree(*world(architecture=architecture, loss=loss), lr=0.1, divided=True)


@pytest.mark.parametrize(("negatives", "window", "skips", "words"), [(1, 1, 0, 9), (5, 2, 3, 5), (20, 9, 0, 200)])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_other_shapes(architecture, negatives, window, skips, words):
    options = {"negatives": negatives, "window": window, "skips": skips, "words": words, "rows": words + 50}
    assert_twins_agree(*world(architecture=architecture, **options))


@pytest.mark.skipif("FIRTH_NO_JIT" in os.environ, reason="that is this test")
@pytest.mark.parametrize("loss", LOSSES)
def test_without_the_jit(loss):
    """The same code as Python, so that it can be stepped through."""
    code = f"import test_word_bags as t; t.assert_twins_agree(*t.world(loss={loss!r}, lengths=(12, 3), dim=4))"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "FIRTH_NO_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=os.path.dirname(__file__), env=environment, check=True)


def test_the_loss_is_fasttexts():
    """One window of two words and given weights: what `NegativeSamplingLoss::forward` adds up, by hand."""
    model, bags = world(lengths=(2,), words=2, keep=1.0, negatives=2, window=1, dim=3, shrink=False)
    model.noise = [0] * 997
    inputs, outputs = model.inputs.copy(), model.outputs.copy()
    (first, second) = slow.learn(model, bags, 7, 0.0)
    words = model.sentences[0]
    for loss, centre, context in ((first, *words), (second, *words[::-1])):
        hidden = inputs[bags[centre]].mean(axis=0)
        score = 1 / (1 + np.exp(-outputs @ hidden))
        noise = -2 * np.log(1 - score[0]) if context != 0 else 0.0
        assert loss == pytest.approx(-np.log(score[context]) + noise)
