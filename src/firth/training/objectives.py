"""What each objective needs beside the tables, made once before the first pass, and what is known of it beforehand."""

import numpy as np
import numpy.typing as npt

from firth.huffman import HuffmanTree
from firth.kernels.noise import group_for, turns_for
from firth.kernels.objectives import HierarchicalSoftmax, NegativeSampling, OneVersusAll, Softmax
from firth.vocabulary import Vocabulary

Objective = NegativeSampling | HierarchicalSoftmax | Softmax | OneVersusAll

_DRAWS_PER_WORD = 16
_LEAST_DRAWS = 1 << 20
_MOST_SHARES = 8  # with too few words to draw from, a word is noise in bursts, and vectors get worse
_TOP = 63  # inner nodes, the root and those visited most, of which each thread has a copy
_COPIES = 64  # threads beyond that move the shared rows


def negative_sampling(vocabulary: Vocabulary, count: int, exponent: float, seed: int) -> NegativeSampling:
    """`count` noise words per window, drawn with probability ∝ counts^exponent."""
    table = noise_table(vocabulary.noise_probability(exponent), count, seed)
    return NegativeSampling(count, table, group_for(count), turns_for(count, len(vocabulary)))


def noise_table(probability: npt.NDArray[np.float64], count: int, seed: int) -> npt.NDArray[np.int32]:
    """Words in shuffled order, each as often as its probability says to within one: i4[draws].

    Kernels read it from front to back, group by group, which costs no random look-up per word.
    """
    random = np.random.default_rng((seed, 1))
    draws = noise_draws(len(probability), count)
    edges = np.cumsum(probability) / probability.sum()
    edges[np.flatnonzero(probability)[-1] :] = 1.0
    shift = random.random()  # systematic sampling: evenly spaced points, randomly shifted
    upto = np.ceil(edges * draws - shift).astype(np.int64).clip(0, draws)
    table = np.repeat(np.arange(len(probability), dtype=np.int32), np.diff(upto, prepend=0))
    random.shuffle(table)
    return table


def noise_draws(words: int, count: int) -> int:
    """Entries of the noise table."""
    return max(_LEAST_DRAWS, _DRAWS_PER_WORD * words, _MOST_SHARES << group_for(count))


def shares(objective: Objective, threads: int) -> list[Objective]:
    """The objective as each thread has it, so that threads seldom move the same rows.

    Negative sampling: noise from words of its own, which are a random part of equal mass. The row of a noise word then
    stays in one processor's cache. All shares together are the noise table, so what the threads draw in sum has its
    distribution (decision 008). Hierarchical softmax: every word passes the tree's top, so each thread has that in rows
    of its own (`TreeTop`, decision 010).
    """
    if isinstance(objective, HierarchicalSoftmax):
        return [_with_own_top(objective, thread) for thread in range(threads)]
    if not isinstance(objective, NegativeSampling):
        return [objective] * threads
    noise = objective.noise
    places = np.random.default_rng(noise[:8]).permutation(int(noise.max()) + 1)
    coarse = (places * (1 << 16) // len(places)).astype(np.uint16)  # sixteen bits are sorted in linear time
    by_word = np.argsort(coarse[noise], kind="stable")
    parts = np.array_split(by_word, min(threads, _MOST_SHARES))
    own = [objective._replace(noise=noise[np.sort(part)]) for part in parts]  # in the table's order, a random one
    return [own[thread % len(own)] for thread in range(threads)]


def hierarchical_softmax(vocabulary: Vocabulary) -> HierarchicalSoftmax:
    """The Huffman tree of the counts."""
    tree = HuffmanTree.of(vocabulary.counts)
    return HierarchicalSoftmax(tree.offsets, tree.nodes, tree.codes)


def output_rows(objective: Objective, words: int) -> int:
    """Rows of the output table: one per word, or per inner node of the tree, and then threads' copies of its top."""
    return tree_rows(words) + _COPIES * _TOP if isinstance(objective, HierarchicalSoftmax) else words


def tree_rows(words: int) -> int:
    """Inner nodes of a tree over so many words; one row where it has none."""
    return max(1, words - 1)


def _with_own_top(objective: HierarchicalSoftmax, thread: int) -> HierarchicalSoftmax:
    nodes = len(objective.offsets) - 2  # the tree's: the last of them is the root, and the more visits the later
    if thread >= _COPIES or nodes <= _TOP:
        return objective
    return objective._replace(first=nodes - _TOP, shift=(thread + 1) * _TOP)


class TreeTop:
    """A thread's own copy of the rows of the tree's top, the same as the shared ones whenever a block begins.

    When it ends, the shared rows move by the thread's moves over the number of threads: with equal threads they are the
    mean of all copies. (The sum of all moves would go beyond where each thread went, as often as there are threads.)
    """

    def __init__(self, outputs: npt.NDArray[np.float32], objective: HierarchicalSoftmax, threads: int) -> None:
        rows = slice(objective.first, objective.first + _TOP)
        self.shared, self.threads = outputs[rows], np.float32(threads)
        self.own = outputs[rows.start + objective.shift : rows.stop + objective.shift]
        self.before = self.shared.copy()

    def begin(self) -> None:
        """Be as the shared rows are."""
        self.before[:] = self.shared
        self.own[:] = self.before

    def end(self) -> None:
        """Move the shared rows."""
        self.shared += (self.own - self.before) / self.threads


def most_targets(objective: Objective) -> int:
    """The most outputs that one word is held against."""
    if isinstance(objective, NegativeSampling):
        return 1 + objective.negatives
    if isinstance(objective, Softmax):
        return objective.words
    if isinstance(objective, OneVersusAll):
        return objective.labels
    return max(1, int(np.diff(objective.offsets).max()))


def ignorance(objective: Objective) -> float:
    """The loss of vectors that know nothing, nats per example: every choice a fair coin, or a fair die."""
    if isinstance(objective, Softmax):
        return float(np.log(max(2, objective.words)))
    return most_targets(objective) * float(np.log(2.0))
