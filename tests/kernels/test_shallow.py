"""The kernels against their slow twins: same random numbers, so the same tables to rounding."""

import copy
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth.huffman import HuffmanTree
from firth.kernels import architectures, core, objectives, rng, shallow
from firth.kernels.noise import group_for
from firth.reference import rng as slow_rng
from firth.reference import word2vec as slow
from firth.training.blocks import Setting, make_scratch
from firth.training.tables import aligned, padded

ARCHITECTURES = ["skipgram", "cbow"]
LOSSES = ["ns", "hs", "softmax"]


def world(*, words=30, dim=20, lengths=(40, 1, 7, 300, 2), keep=0.7, weighted=False, window=5, **options):
    """A random corpus with random tables, as the twin wants it."""
    random = np.random.default_rng(0)
    sentences = [random.integers(0, words, length).tolist() for length in lengths]

    def table(rows, spread=0.3, centre=0.0):
        return random.normal(centre, spread, (rows, dim)).astype(np.float32).astype(np.float64)

    tree = HuffmanTree.of(random.integers(1, 100, words)) if options.get("loss") == "hs" else None
    return slow.Model(
        inputs=table(words),
        outputs=table(max(1, words - 1) if tree else words),
        sentences=sentences,
        keep=random.uniform(keep, 1.0, words).astype(np.float32).tolist(),
        noise=random.integers(0, words, 997).tolist(),
        tree=tree,
        positions=table(2 * window, 0.2, 1.0) if weighted else None,
        window=window,
        **options,
    )


def as_setting(model):
    """The same world, as the kernel wants it."""

    def table(rows):
        padded_rows = aligned(len(rows), padded(rows.shape[1]))
        padded_rows[:, : rows.shape[1]] = rows
        return padded_rows

    tokens = np.array([word for sentence in model.sentences for word in sentence], np.int32)
    sentences = np.cumsum([0, *map(len, model.sentences)])
    weighted = model.positions is not None
    positions = table(model.positions if weighted else np.zeros((1, model.inputs.shape[1])))
    architecture = {
        "skipgram": lambda: architectures.SkipGram(np.zeros(1, np.int32)),
        "cbow": lambda: architectures.ContinuousBag(model.mean, model.corrected, weighted, positions),
    }[model.architecture]()
    objective = {
        "ns": lambda: objectives.NegativeSampling(
            model.negatives, np.array(model.noise, np.int32), group_for(model.negatives)
        ),
        "hs": lambda: objectives.HierarchicalSoftmax(model.tree.offsets, model.tree.nodes, model.tree.codes),
        "softmax": lambda: objectives.Softmax(len(model.outputs)),
    }[model.loss]()
    return Setting(
        tables=core.Tables(table(model.inputs), table(model.outputs), np.zeros(0, np.bool_)),
        corpus=shallow.Corpus(tokens, sentences, np.array(model.keep, np.float32)),
        window=shallow.Window(model.window, model.shrink, model.skips),
        architecture=architecture,
        objective=objective,
        epochs=1,
        lr=0.05,
        min_lr=0.05,
        seed=1,
    )


def run(setting, key, start, end, number=0, lr=0.05, measure_every=1):
    tokens, sentences = setting.corpus.tokens, setting.corpus.sentences
    end = len(tokens) if end is None else end
    sentence = int(np.searchsorted(sentences, start, side="right") - 1)
    block = shallow.Block(start, end, sentence, number, np.uint64(key), np.float32(lr))
    tiles = (0,) * (setting.tables.inputs.shape[1] // 16)
    scratch = make_scratch(setting, len(tokens))
    model = (setting.window, setting.architecture, setting.objective)
    with np.errstate(over="ignore"):  # without the JIT, NumPy warns of u8 arithmetic
        return shallow.learn(tiles, setting.tables, setting.corpus, block, *model, scratch, measure_every)


def assert_twins_agree(model, key=7, start=0, end=None, number=0, lr=0.05):
    setting = as_setting(model)
    model = copy.deepcopy(model)
    windows, loss, measured = run(setting, key, start, end, number, lr)
    losses = slow.learn(model, key, lr, number, start, end)
    dim = model.inputs.shape[1]
    learnt = [(setting.tables.inputs, model.inputs), (setting.tables.outputs, model.outputs)]
    if model.positions is not None:
        learnt.append((setting.architecture.positions, model.positions))
    for ours, theirs in learnt:
        np.testing.assert_allclose(ours[:, :dim], theirs, rtol=0, atol=3e-5)
        assert not ours[:, dim:].any()
    assert windows == sum(1 for _ in slow.examples(model, key, start, end))
    assert measured == len(losses)
    assert loss == pytest.approx(sum(losses), rel=1e-4, abs=1e-4)
    return measured


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dim", [1, 20, 100])
def test_tables_after_a_block_are_the_twins(architecture, loss, dim):
    assert assert_twins_agree(world(dim=dim, architecture=architecture, loss=loss), lr=0.02) > 100


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("negatives", [1, 4, 5, 6, 11, 20])
def test_any_number_of_noise_words(architecture, negatives):
    model = world(negatives=negatives, words=200, architecture=architecture)
    model.noise = np.random.default_rng(1).permutation(200).tolist()  # no word twice in a window, see `core.move`
    assert_twins_agree(model)


@pytest.mark.parametrize("loss", ["hs", "softmax"])
@pytest.mark.parametrize("words", [1, 2, 3, 6, 7, 12, 13, 150])
def test_any_number_of_words(loss, words):
    assert_twins_agree(world(words=words, loss=loss))
    assert_twins_agree(world(words=words, loss=loss, architecture="cbow"), lr=0.02)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("window", "shrink"), [(1, True), (1, False), (2, False), (5, True), (40, True)])
def test_windows(architecture, window, shrink):
    assert_twins_agree(world(window=window, shrink=shrink, architecture=architecture))


@pytest.mark.parametrize("skips", [1, 2, 7])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_some_of_the_context_words(skips, architecture):
    assert_twins_agree(world(skips=skips, shrink=False, architecture=architecture, weighted=architecture == "cbow"))


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
def test_bags(mean, corrected, weighted, loss):
    world_of_bags = world(architecture="cbow", mean=mean, corrected=corrected, weighted=weighted, loss=loss)
    assert_twins_agree(world_of_bags, lr=0.01)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("start", "end"), [(0, 10), (10, 40), (41, 48), (100, 130), (100, 350), (348, 350), (5, 5)])
def test_a_block_sees_its_neighbours_words_but_learns_only_its_own(architecture, start, end):
    assert_twins_agree(world(keep=0.3, skips=3, architecture=architecture), start=start, end=end, number=3)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_few_words_so_that_noise_hits_the_true_word_and_itself(architecture):
    assert_twins_agree(world(words=2, dim=4, architecture=architecture), lr=0.02)


@settings(max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    keep=st.floats(0, 1),
    window=st.sampled_from([1, 3, 8]),
    key=st.integers(0, 2**64 - 1),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_any_block_of_any_corpus(lengths, keep, window, key, cut):
    total = sum(lengths)
    start, end = sorted(min(total - 1, int(part * total)) for part in cut)
    assert_twins_agree(world(lengths=lengths, keep=keep, window=window), key=key, start=start, end=end)


def test_blocks_together_see_every_window_once():
    model = world(keep=0.4)
    setting = as_setting(model)
    whole = run(setting, 3, 0, None)[0]
    parts = sum(run(setting, 3, start, min(start + 37, 350))[0] for start in range(0, 350, 37))
    assert parts == whole == sum(1 for _ in slow.examples(model, 3))


def test_measured_loss_is_of_every_nth_window():
    every = run(as_setting(world(architecture="cbow")), 3, 0, None, measure_every=1)
    third = run(as_setting(world(architecture="cbow")), 3, 0, None, measure_every=3)
    assert third[0] == every[0]
    assert third[2] == every[0] // 3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("which", ["hidden", "outputs"])
def test_the_step_is_the_gradient_of_the_loss(loss, which):
    """What a step moves, over lr, against the slope of the loss by finite differences."""
    random = np.random.default_rng(5)
    hidden, outputs = random.normal(0, 0.5, (3, 6)), random.normal(0, 0.5, (9, 6))
    step = {  # among the targets: noise that is the true word, and a noise word twice
        "ns": lambda lr: slow.negative_sampling(hidden, outputs, [4, 1, 7, 4, 1], lr),
        "hs": lambda lr: slow.hierarchical_softmax(hidden, outputs, [(8, 1), (3, 0), (5, 1)], lr),
        "softmax": lambda lr: slow.softmax(hidden, outputs, 4, lr),
    }[loss]
    variable = hidden if which == "hidden" else outputs
    slope = np.zeros_like(variable)
    for at in np.ndindex(*variable.shape):
        for sign in (1, -1):
            variable[at] += sign * 1e-5
            slope[at] += sign * step(0.0)[0].sum() / 2e-5
            variable[at] -= sign * 1e-5
    before = outputs.copy()
    moved_hidden = step(1.0)[1]
    moved = moved_hidden if which == "hidden" else outputs - before
    np.testing.assert_allclose(moved, -slope, atol=1e-8)


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("which", ["inputs", "positions"])
def test_the_corrected_bag_is_the_gradient_of_the_loss(mean, which):
    model = world(words=8, dim=3, architecture="cbow", mean=mean, corrected=True, weighted=True, window=2)
    example = slow.Example(centre=1, contexts=[2, 3, 5], offsets=[0, 1, 3])
    variable = getattr(model, which)

    def loss():
        hidden = slow.hidden_vectors(model, example)
        return slow.negative_sampling(hidden, model.outputs.copy(), [1, 4, 6], 0.0)[0].sum()

    slope = np.zeros_like(variable)
    for at in np.ndindex(*variable.shape):
        for sign in (1, -1):
            variable[at] += sign * 1e-5
            slope[at] += sign * loss() / 2e-5
            variable[at] -= sign * 1e-5
    before = variable.copy()
    gradient = slow.negative_sampling(slow.hidden_vectors(model, example), model.outputs, [1, 4, 6], 1.0)[1]
    slow.move_inputs(model, example, gradient)
    np.testing.assert_allclose(variable - before, -slope, atol=1e-8)


def test_leaf_probabilities_of_the_tree_sum_to_one():
    random = np.random.default_rng(2)
    for words in (1, 2, 3, 50, 1000):
        tree = HuffmanTree.of(random.zipf(1.3, words))
        nodes = random.normal(size=(max(1, words - 1), 5))
        hidden = random.normal(size=(2, 5))
        total = sum(
            np.exp(-slow.hierarchical_softmax(hidden, nodes.copy(), tree.path(word), 0.0)[0]) for word in range(words)
        )
        np.testing.assert_allclose(total, 1)


def test_softmax_loss_is_scipys_cross_entropy():
    from scipy.special import log_softmax

    random = np.random.default_rng(4)
    hidden, outputs = random.normal(size=(3, 5)), random.normal(size=(20, 5))
    ours = slow.softmax(hidden, outputs.copy(), 7, 0.0)[0]
    np.testing.assert_allclose(ours, -log_softmax(hidden @ outputs.T, axis=1)[:, 7], rtol=1e-12)


@given(key=st.integers(0, 2**64 - 1), position=st.integers(0, 2**62), n=st.integers(1, 2**31 - 1))
def test_random_numbers_are_the_twins(key, position, n):
    with np.errstate(over="ignore"):
        bits = int(rng.random_bits(np.uint64(key), position))
    assert bits == slow_rng.random_bits(key, position)
    assert float(rng.uniform(np.uint64(bits))) == slow_rng.uniform(bits)
    assert int(rng.below(np.uint64(bits), n)) == slow_rng.below(bits, n)


def in_registers(function, x):
    import numba

    from firth.kernels.simd import LANES, load, store

    @numba.njit
    def over(x):
        for at in range(0, x.shape[1], LANES):
            store(x, 0, at, function(load(x, 0, at)))

    result = x.astype(np.float32).reshape(1, -1)
    over(result)
    return result[0].astype(np.float64)


def test_sigmoid_against_the_formula():
    x = np.linspace(-30, 30, 4096).astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(in_registers(core.sigmoid, x), 1 / (1 + np.exp(-x)), rtol=0, atol=3e-7)


def test_exponential_against_the_formula():
    x = np.linspace(-86, 0, 4096).astype(np.float32).astype(np.float64)
    np.testing.assert_allclose(in_registers(core.exponential, x), np.exp(x), rtol=3e-7)
    assert in_registers(core.exponential, np.full(16, -1e30)).max() < 1e-37


def test_without_the_jit_the_kernels_do_the_same():
    """The kernels can be stepped through: this very file, in plain Python."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("this is the inner run")
    chosen = "test_windows or test_few_words or test_random_numbers or test_bags"
    inner = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", chosen],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert inner.returncode == 0, inner.stdout[-3000:]
    assert " passed" in inner.stdout
