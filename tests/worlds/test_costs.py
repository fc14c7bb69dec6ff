"""What a prediction costs: V output rows, 1 + K, or about log2 V; and the noise that K of them are drawn from."""

import numpy as np
import pytest

from firth.huffman import HuffmanTree
from firth.kernels.architectures import SkipGram
from firth.kernels.noise import group_for
from firth.kernels.objectives import HierarchicalSoftmax, NegativeSampling, Softmax
from firth.kernels.shallow import Block, Corpus, Window, learn
from firth.reference.word2vec import hierarchical_softmax
from firth.training.blocks import Setting, make_scratch
from firth.training.objectives import Objective, output_rows
from firth.training.tables import initialise
from firth.vocabulary import Vocabulary


def test_the_three_quarters_power_narrows_the_gap() -> None:
    """1 % and 0.01 % of a text: 100 times as often, drawn as noise only 31.62 times as often."""
    vocabulary = Vocabulary(["的", "佛", "…"], [100, 1, 9_899])
    plain, noise = vocabulary.noise_probability(1.0), vocabulary.noise_probability(0.75)
    assert plain[0] / plain[1] == pytest.approx(100)
    assert noise[0] / noise[1] == pytest.approx(31.62, abs=0.005)


def outputs_touched(objective: Objective, words: int) -> int:
    """Rows of the output table that one pair of words moves, in the compiled kernel."""
    tables = initialise(words, output_rows(objective, words), 16, 1)
    tables.inputs[:] = 1.0
    setting = Setting(
        tables=tables,
        corpus=Corpus(np.array([0, 1], np.int32), np.array([0, 2]), np.ones(words, np.float32)),
        window=Window(1, False, 0),
        architecture=SkipGram(np.zeros(1, np.int32)),
        objective=objective,
        epochs=1,
        lr=0.1,
        min_lr=0.1,
        seed=1,
    )
    first_word = Block(0, 1, 0, 0, np.uint64(7), np.float32(0.1))
    model = (setting.window, setting.architecture, objective)
    windows, _, _ = learn((0,), tables, setting.corpus, first_word, *model, make_scratch(setting, 2), 1)
    assert windows == 1
    return int(tables.outputs.any(axis=1).sum())


@pytest.mark.parametrize("words", [10, 100, 3_000])
def test_output_rows_touched_by_one_pair(words: int) -> None:
    """Full softmax: all V. Negative sampling: 1 + K, whatever V. The tree: the length of the word's path."""
    others = np.arange(1, words, dtype=np.int32)
    tree = HuffmanTree.of(np.ones(words, np.int64))
    depth = len(tree.path(0))
    assert outputs_touched(Softmax(words), words) == words
    assert outputs_touched(NegativeSampling(5, np.tile(others, 30), group_for(5)), words) == 6
    assert outputs_touched(HierarchicalSoftmax(tree.offsets, tree.nodes, tree.codes), words) == depth
    assert abs(depth - np.log2(words)) < 1


@pytest.mark.parametrize(("words", "steps"), [(100_000, 16.6), (500_000, 18.9)])
def test_a_path_is_about_log2_of_the_words(words: int, steps: float) -> None:
    """Words that are all alike: log2 V steps, within a part of one. By Zipf's law: fewer, in the mean over the text."""
    assert np.log2(words) == pytest.approx(steps, abs=0.05)
    assert mean_path(np.ones(words, np.int64)) == pytest.approx(steps, abs=0.1)
    assert mean_path(1 + 10**9 // np.arange(1, words + 1)) < steps - 3


def mean_path(counts: np.ndarray) -> float:
    """Steps from the root, in the mean over a text with these counts."""
    return float(np.average(np.diff(HuffmanTree.of(counts).offsets), weights=counts))


@pytest.mark.parametrize("words", [2, 3, 10, 257])
def test_a_tree_has_one_inner_node_less_than_words(words: int) -> None:
    tree = HuffmanTree.of(np.random.default_rng(words).integers(1, 1000, words))
    assert sorted(set(tree.nodes.tolist())) == list(range(words - 1))
    assert {tree.path(word)[0][0] for word in range(words)} == {words - 2}, "every path begins at the root"


@pytest.mark.parametrize("words", [2, 3, 10, 257])
def test_the_probabilities_of_all_leaves_sum_to_one(words: int) -> None:
    random = np.random.default_rng(words)
    tree = HuffmanTree.of(random.integers(1, 1000, words))
    hidden, nodes = random.normal(size=(1, 8)), random.normal(size=(words - 1, 8))
    losses = [hierarchical_softmax(hidden, nodes.copy(), tree.path(word), lr=0)[0] for word in range(words)]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1)
