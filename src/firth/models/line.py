"""LINE: nodes that an edge joins, or that have the same neighbours, get similar vectors.

Tang, Qu, Wang, Zhang, Yan & Mei 2015, "LINE: Large-scale Information Network Embedding".
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from firth.config import config, option
from firth.corpus.graphs import Graph
from firth.errors import ConfigError
from firth.examples.walks import draws
from firth.kernels.core import Tables
from firth.kernels.shallow import Window
from firth.models.nodes import Lesson, NodeModel, say_if_compiling
from firth.training.objectives import Objective, negative_sampling
from firth.training.progress import Silent
from firth.training.tables import initialise
from firth.vocabulary import Vocabulary

Order = Literal["first", "second", "both"]


@config
class LINE(NodeModel):
    """Single edges, drawn by their weights, each held against noise nodes.

    first   log s(u_i·u_j) + Σ_n log s(-u_i·u_n): the two ends of an edge are alike (eq. 3 and 7)
    second  log s(u_i·c_j) + Σ_n log s(-u_i·c_n): nodes that lead to the same nodes are alike (eq. 6 and 7)
    both    half of the numbers from each, in rows of length 1 apiece, side by side

    First order is of undirected graphs alone. Noise nodes are drawn by their degrees, both directions and weights
    counted.

    >>> graph = Graph(["a b", "b c", "c a", "c d", "d e", "e f", "f d"])
    >>> vectors = LINE(dim=8, epochs=50, seed=1).fit(graph, threads=1)
    >>> vectors
    Vectors(6 keys, dim 8, line, counts)
    """

    name: ClassVar[str] = "line"

    order: Order = option(default="both")
    """first: ends of an edge are alike. second: nodes with the same neighbours are. both: half of the numbers each."""
    epochs: int = option(default=100, at_least=1)
    """Passes: each draws as many edges as there are."""

    def lessons(self, graph: Graph, threads: int, display: Silent) -> list[Lesson]:  # noqa: ARG002  # no count
        """Edges as sentences of two nodes, once for each order."""
        if graph.directed and self.order != "second":
            raise ConfigError(
                f"order={self.order!r} makes both ends of an edge alike, which a direction denies. Give "
                "order='second', or directed=False."
            )
        if self.order == "both" and self.dim % 2:
            raise ConfigError(f"order='both' gives each order half of the numbers: dim must be even, not {self.dim}.")
        starts, ends, weights = graph.links()
        once = np.arange(len(ends)) if graph.directed else np.flatnonzero(starts <= ends)
        text = draws(starts[once], ends[once], None if weights is None else weights[once])
        say_if_compiling(text.kernel, display)
        words = Vocabulary(graph.keys, _degrees(graph))
        window = Window(1, False, 0, not graph.directed)  # directed: a node is held against where its edges lead alone
        orders = ("first", "second") if self.order == "both" else (self.order,)
        taught = graph.degrees > 0
        return [Lesson(order, text, words, window, self.dim // len(orders), taught) for order in orders]

    def passes(self) -> int:
        """As `epochs` says."""
        return self.epochs

    def objective(self, words: Vocabulary) -> Objective:
        """Negative sampling."""
        return negative_sampling(words, self.negatives, self.ns_exponent, self.seed)

    def tables(self, lesson: Lesson, objective: Objective) -> Tables:  # noqa: ARG002  # an output for each node
        """Of first order, one table that is both sides; of second order, outputs of zeros."""
        rows = len(lesson.words)
        if lesson.name == "first":
            inputs = initialise(rows, 0, lesson.dim, self.seed).inputs
            return Tables(inputs, inputs, np.zeros(0, np.bool_))
        return initialise(rows, rows, lesson.dim, self.seed)

    def inputs(self, parts: Sequence[Tables]) -> npt.NDArray[np.float32]:
        """Both orders side by side, each of length 1."""
        if len(parts) == 1:
            return super().inputs(parts)
        return np.hstack([_unit(part.inputs) for part in parts])

    def output(self, parts: Sequence[Tables]) -> npt.NDArray[np.float32] | None:
        """The context vectors of second order; of first order, and of both, there are none."""
        return super().output(parts) if self.order == "second" else None


def _degrees(graph: Graph) -> npt.NDArray[np.int64]:
    """Σ of the weights of each node's edges, in units of the mean weight, 1 at least; 0 without an edge: i8[nodes]."""
    starts, ends, weights = graph.links()
    nodes = len(graph)
    values: Any = None if weights is None else weights.astype(np.float64) / weights.mean(dtype=np.float64)
    found = np.bincount(starts, values, nodes)
    if graph.directed:
        found = found + np.bincount(ends, values, nodes)
    return np.where(found > 0, np.maximum(1, np.rint(found)), 0).astype(np.int64)


def _unit(table: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    found: npt.NDArray[np.float32] = np.divide(table, lengths, out=np.zeros_like(table), where=lengths > 0)
    return found
