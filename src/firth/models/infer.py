"""Vectors for nodes that came after a graph was learnt."""

from typing import Any

import numpy as np

import firth
from firth.corpus.graphs import Graph
from firth.errors import InputError
from firth.vectors.table import Vectors

_STEPS = 200  # at most; a chain of new nodes that hangs by one end takes the most
_STILL = 1e-5  # of the longest vector: what no step moves further is found


def infer(vectors: Vectors, edges: Any) -> Vectors:
    """A vector for every new node in `edges`, a `firth.Graph` or anything that one is made from; known ones stay.

    A new node is where its neighbours are: x_v = Σ w_vu x_u / Σ w_vu over all its neighbours u, known and new, solved
    for all new nodes at once (the harmonic extension: Zhu, Ghahramani & Lafferty 2003); then each is made as long as
    its neighbours are in the mean. Direction is passed over. A new node that no way leads from to a known one has
    zeros. The result holds the new nodes alone; `vectors.merge(new)` joins both.

    >>> known = Vectors(["a", "b"], [[1.0, 0.0], [0.0, 1.0]])
    >>> new = infer(known, ["a x", "x b", "a y"])
    >>> new.index_to_key, new["y"].tolist(), [round(x, 3) for x in new["x"].tolist()]
    (['x', 'y'], [1.0, 0.0], [0.707, 0.707])

    Raises InputError where no node is new, or none is known.
    """
    graph = Graph.of(edges)
    rows = np.array([vectors.key_to_index.get(key, -1) for key in graph.keys], np.int64)
    new = rows < 0
    if not new.any():
        raise InputError(f"All {len(graph):,} nodes of the edges have vectors already: there is nothing to infer.")
    if new.all():
        raise InputError(
            f"None of the {len(graph):,} nodes of the edges has a vector. Give edges that lead to known nodes."
        )
    adjacency = graph.matrix if not graph.directed else graph.matrix.maximum(graph.matrix.T.tocsr())
    links = adjacency[np.flatnonzero(new)]
    sums = np.asarray(links.sum(axis=1), np.float32).reshape(-1, 1)
    table = np.zeros((len(graph), vectors.dim), np.float32)
    table[~new] = np.asarray(vectors.vectors)[rows[~new]]
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    still = _STILL * float(lengths.max())
    for _ in range(_STEPS):
        moved = np.divide(links @ table, sums, out=np.zeros_like(table[new]), where=sums > 0)
        step = float(np.abs(moved - table[new]).max())
        table[new] = moved
        lengths[new] = np.divide(links @ lengths, sums, out=np.zeros_like(sums), where=sums > 0)
        if step <= still:
            break
    found = table[new]
    short = np.linalg.norm(found, axis=1, keepdims=True)
    found = np.divide(found * lengths[new], short, out=np.zeros_like(found), where=short > 0)
    keys = [key for key, is_new in zip(graph.keys, new.tolist(), strict=True) if is_new]
    return Vectors(
        keys,
        found,
        counts=np.diff(links.indptr).astype(np.int64),
        config=vectors.config,
        provenance={"firth": firth.__version__, "inferred": len(keys), "edges": graph.edges},
    )
