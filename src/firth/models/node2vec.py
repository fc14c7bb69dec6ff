"""Node2Vec: nodes that random walks visit together get similar vectors. With p = q = 1 it is DeepWalk.

Perozzi, Al-Rfou & Skiena 2014, "DeepWalk: Online Learning of Social Representations";
Grover & Leskovec 2016, "node2vec: Scalable Feature Learning for Networks";
Dong, Chawla & Swami 2017, "metapath2vec: Scalable Representation Learning for Heterogeneous Networks".
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from firth.config import config, did_you_mean, option
from firth.corpus.graphs import Graph
from firth.errors import ConfigError, InputError
from firth.examples.walks import Walks, walks, walks_on_path
from firth.kernels.core import Tables
from firth.kernels.shallow import Window
from firth.models.nodes import Lesson, NodeModel, say_if_compiling
from firth.training.objectives import Objective, hierarchical_softmax, negative_sampling, output_rows
from firth.training.progress import Silent
from firth.training.tables import initialise
from firth.vocabulary import Vocabulary


@config
class Node2Vec(NodeModel):
    """Skip-gram on random walks: DeepWalk, node2vec, metapath2vec.

    A walk goes from node v, reached from node t, to its neighbour x with probability ∝ w(v, x) times 1/p where x is t,
    1 where an edge leads from t to x, 1/q otherwise. Each walk is learnt from once; every pass makes new ones.

    >>> graph = Graph(["a b", "b c", "c a", "c d", "d e", "e f", "f d"])
    >>> vectors = Node2Vec(dim=8, walks=20, length=10, window=2, seed=1).fit(graph, threads=1)
    >>> vectors
    Vectors(6 keys, dim 8, node2vec, output vectors, counts)
    """

    name: ClassVar[str] = "node2vec"

    walks: int = option(default=10, at_least=1)
    """Walks from every node: a pass makes one of each."""
    length: int = option(default=80, at_least=2)
    """Nodes of a walk."""
    p: float = option(default=1.0, above=0)
    """Above 1: a walk seldom goes straight back. Below 1: it often does."""
    q: float = option(default=1.0, above=0)
    """Above 1: a walk stays near where it was, breadth first. Below 1: it leads away, depth first."""
    metapath: tuple[str, ...] | None = option(default=None)
    """The types of a walk's nodes, over and over: author paper author. The last one is the first one again."""
    window: int = option(default=10, at_least=1)
    """Nodes on either side of a node, at most, that count as near it."""
    shrink_windows: bool = option(default=True)
    """Draw each window's reach from 1 to `window`, so that near nodes count more."""
    loss: Literal["ns", "hs"] = option(default="ns")
    """ns: negative sampling. hs: hierarchical softmax over a Huffman tree, as in DeepWalk's paper."""
    subsample: float = option(default=0.0, at_least=0)
    """Thin out nodes whose share of all walks is above this; 0 keeps everything."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "deepwalk": {"loss": "hs", "walks": 80, "length": 40},
        "gensim": {"subsample": 1e-3},
    }

    def lessons(self, graph: Graph, threads: int, display: Silent) -> list[Lesson]:
        """One text: the walks. A pass of them that is made for this alone says how often each node comes."""
        text = self._walks(graph)
        say_if_compiling(text.kernel, display)
        words = Vocabulary(graph.keys, text.visits(self.seed, threads, display.counting))
        window = Window(self.window, self.shrink_windows, 0)
        return [Lesson("walks", text, words, window, self.dim, words.counts > 0)]

    def passes(self) -> int:
        """One for each walk from a node."""
        return self.walks

    def objective(self, words: Vocabulary) -> Objective:
        """Negative sampling, or the Huffman tree of the visits."""
        if self.loss == "hs":
            return hierarchical_softmax(words)
        return negative_sampling(words, self.negatives, self.ns_exponent, self.seed)

    def tables(self, lesson: Lesson, objective: Objective) -> Tables:
        """Random inputs, outputs of zeros."""
        rows = len(lesson.words)
        return initialise(rows, output_rows(objective, rows), lesson.dim, self.seed)

    def output(self, parts: Sequence[Tables]) -> npt.NDArray[np.float32] | None:
        """The context vectors; the tree's inner nodes stand for no node."""
        return super().output(parts) if self.loss == "ns" else None

    def keep(self, words: Vocabulary) -> npt.NDArray[np.float32]:
        """word2vec's subsampling."""
        return words.keep_probability(self.subsample)

    def _walks(self, graph: Graph) -> Walks:
        rows = (graph.offsets, graph.targets, graph.weights)
        if self.metapath is None:
            return walks(*rows, directed=graph.directed, length=self.length, p=self.p, q=self.q)
        if not self.p == self.q == 1:
            raise ConfigError("A metapath says where walks go: leave p and q at 1.")
        kinds, path = _path(self.metapath, graph)
        found = walks_on_path(*rows, kinds=kinds, path=path, length=self.length)
        if not found.units:
            first, second = self.metapath[:2]
            raise InputError(f"No edge leads from a node of type {first!r} to one of type {second!r}: no walk begins.")
        return found


def _path(metapath: tuple[str, ...], graph: Graph) -> tuple[npt.NDArray[np.int64], list[int]]:
    """The type of each node as a number, i8[nodes], and the metapath in these numbers."""
    if graph.types is None:
        raise ConfigError("A metapath needs the types of the nodes: firth.Graph(…, types={key: type}).")
    if len(metapath) < 2 or metapath[0] != metapath[-1]:
        raise ConfigError(
            f"A metapath ends with the type it begins with, so that it goes on, not {' '.join(metapath)}."
        )
    names = sorted(set(graph.types.values()))
    for kind in metapath:
        if kind not in names:
            raise ConfigError(f"No node has the type {kind!r}.{did_you_mean(kind, names)}")
    numbers = {name: number for number, name in enumerate(names)}
    kinds = np.array([numbers[graph.types[key]] for key in graph.keys], np.int64)
    return kinds, [numbers[kind] for kind in metapath]
