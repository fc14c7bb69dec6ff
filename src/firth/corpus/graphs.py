"""Corpus stage for graphs, as the caller sees it: nodes, and each one's neighbours in rows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.config import did_you_mean
from firth.corpus import edges as reading
from firth.corpus import source as sources
from firth.corpus import stream
from firth.errors import ConfigError, InputError, MissingInputError, UnknownKeyError

_RANGE = np.finfo(np.float32)


class Split(NamedTuple):
    """A graph without some of its edges, and those edges: what link prediction is judged on."""

    graph: "Graph"
    """The same nodes, the edges that are left."""
    edges: list[tuple[str, str]]
    """The edges that were taken out."""
    others: list[tuple[str, str]]
    """As many pairs that no edge joins."""


class Graph:
    r"""Nodes and edges, from anything that holds them.

    source    a path, a pattern, a folder, "-" (stdin) or a list of paths: lines "u v" or "u v weight", apart by blanks,
              # and % begin comments; CSV, TSV (both with a header) and parquet by their columns. A data frame; a
              scipy.sparse matrix; a networkx graph; an edge index i8[2, edges] or i8[edges, 2], or two arrays; a list
              of pairs (u, v), of (u, v, weight), or of such lines
    directed  whether an edge leads one way only; None: what a networkx graph says, else False
    weighted  False passes weights over; None: they are used where there are any
    columns   of files and frames: the names of both ends' columns, and of the weights'; None: the first two, and
              one called "weight"
    format    of files: "lines", "csv", "tsv", "parquet"; None: by each file's name and content
    weights   f8[edges], for arrays of edges
    nodes     keys in the order that they shall have, those without an edge among them; a number n for 0 … n - 1; None:
              the nodes of the edges as they come, or the rows of a matrix
    types     the type of each node, for metapaths: {key: type}, or a file of lines "node type"

    >>> graph = Graph(["a b", "b c", "a b"])
    >>> graph, graph.neighbours("b")
    (Graph(3 nodes, 2 edges), ['a', 'c'])

    Nodes are text: the number 7 is the node '7'. Weights are finite and not negative; a weight of 0 is no edge. Edges
    that come again are one edge: their weights are added, without weights they are one edge all the same; undirected,
    an edge that is given both ways is one, of the greater weight. A self-loop is an edge, a step that stays.

    Raises MissingInputError, InputError with the line or the number of the edge for what cannot be an edge, ConfigError
    for an option that the source does not have.
    """

    def __init__(
        self,
        source: Any,
        *,
        directed: bool | None = None,
        weighted: bool | None = None,
        columns: Sequence[str] | None = None,
        format: str | None = None,
        weights: Any = None,
        nodes: Sequence[str] | int | None = None,
        types: Mapping[str, str] | str | PathLike[str] | None = None,
    ) -> None:
        _check(directed=directed, weighted=weighted, columns=columns, format=format, nodes=nodes)
        asked = directed if directed is not None else bool(getattr(source, "is_directed", lambda: False)())
        found = reading.read(source, reading.Options(columns, format, weights, nodes))
        if weighted and found.weights is None:
            raise InputError("weighted=True, but the edges have no weights. Give a third column, or leave it out.")
        if weighted is False:
            found = found._replace(weights=None)
        typed = None if types is None else _types(types, found.keys)
        self._set(found.keys, *_rows(found, asked), asked, typed)

    def _set(
        self,
        keys: list[str],
        offsets: npt.NDArray[np.int64],
        targets: npt.NDArray[np.int32],
        weights: npt.NDArray[np.float32] | None,
        directed: bool,
        types: dict[str, str] | None,
    ) -> None:
        self.keys: list[str] = keys
        """The nodes."""
        self.offsets = offsets
        """i8[nodes + 1]: the neighbours of node i are targets[offsets[i] : offsets[i + 1]]."""
        self.targets = targets
        """i4[links], ascending in each row; an undirected edge lies in both its rows."""
        self.weights = weights
        """f4[links], None where all are alike."""
        self.directed = directed
        self.types = types
        """The type of each node, None where they have none."""

    @classmethod
    def of(cls, source: Any) -> "Graph":
        """A Graph as it is; anything else as the source of one."""
        return source if isinstance(source, Graph) else cls(source)

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self.ids

    def __repr__(self) -> str:
        kinds = [word for word, holds in (("directed", self.directed), ("weighted", self.weights is not None)) if holds]
        return f"Graph({', '.join([f'{len(self):,} nodes', f'{self.edges:,} edges', *kinds])})"

    @cached_property
    def ids(self) -> dict[str, int]:
        """Key → number of the node."""
        return dict(zip(self.keys, range(len(self.keys)), strict=True))

    @cached_property
    def edges(self) -> int:
        """How many there are; an undirected one counts once."""
        if self.directed:
            return len(self.targets)
        loops = int((self._sources() == self.targets).sum())
        return (len(self.targets) + loops) // 2

    @property
    def degrees(self) -> npt.NDArray[np.int64]:
        """i8[nodes], neighbours of each node; of a directed graph, those that it leads to."""
        return np.diff(self.offsets)

    @property
    def matrix(self) -> Any:
        """The adjacency as scipy.sparse.csr_array, f4[nodes, nodes]; without weights, ones."""
        from scipy.sparse import csr_array

        data = np.ones(len(self.targets), np.float32) if self.weights is None else self.weights
        return csr_array((data, self.targets, self.offsets), (len(self), len(self)))

    def neighbours(self, key: str) -> list[str]:
        """The nodes that a node leads to. Raises UnknownKeyError."""
        if key not in self.ids:
            raise UnknownKeyError(f"{key!r} is none of the {len(self):,} nodes.{did_you_mean(key, self.keys[:10_000])}")
        row = self.ids[key]
        return [self.keys[i] for i in self.targets[self.offsets[row] : self.offsets[row + 1]].tolist()]

    def links(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float32] | None]:
        """Every link as it lies in the rows: starts, ends, weights. An undirected edge comes both ways."""
        return self._sources(), self.targets, self.weights

    def options(self) -> dict[str, Any]:
        """What a saved model says of it."""
        return {"directed": self.directed, "weighted": self.weights is not None, "edges": self.edges}

    def without(self, share: float = 0.5, *, seed: int = 1) -> Split:
        """Take a share of the edges out at random, to see whether vectors learnt without them find them again.

        Every node keeps an edge that it had, as long as one is left that both its ends can spare; so fewer may go than
        asked for. The pairs that no edge joins are drawn evenly from all of them.

        >>> split = Graph(["a b", "b c", "c a", "c d"]).without(0.25)
        >>> split.graph.edges, len(split.edges), len(split.others)
        (3, 1, 1)

        Raises ConfigError for a share that is not between 0 and 1; InputError where hardly any pair is without an edge.
        """
        if not 0 < share < 1:
            raise ConfigError(f"share must be between 0 and 1, not {share!r}.")
        random = np.random.default_rng(seed)
        starts, ends, weights = self.links()
        each = np.arange(len(ends)) if self.directed else np.flatnonzero(starts <= ends)
        starts, ends = starts[each], ends[each]
        gone = _spared(starts, ends, len(self), round(share * len(each)), random)
        kept = reading.Edges(
            self.keys, starts[~gone], ends[~gone], None if weights is None else weights[each][~gone].astype(np.float64)
        )
        left = object.__new__(Graph)
        left._set(self.keys, *_rows(kept, self.directed), self.directed, self.types)
        names = self.keys
        taken = [(names[u], names[v]) for u, v in zip(starts[gone].tolist(), ends[gone].tolist(), strict=True)]
        others = [(names[u], names[v]) for u, v in self._strangers(len(taken), random).tolist()]
        return Split(left, taken, others)

    def _strangers(self, count: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """Distinct pairs that no edge joins, i8[count, 2]."""
        nodes = len(self)
        linked = np.sort(self._sources().astype(np.int64) * nodes + self.targets)
        found = np.zeros(0, np.int64)
        for _ in range(100):
            pairs = random.integers(0, nodes, (2 * count + 16, 2))
            if not self.directed:
                pairs.sort(axis=1)
            numbers = pairs[pairs[:, 0] != pairs[:, 1]] @ np.array([nodes, 1])
            at = np.searchsorted(linked, numbers).clip(0, len(linked) - 1)
            fresh = np.concatenate([found, numbers[linked[at] != numbers]])
            found = fresh[np.sort(np.unique(fresh, return_index=True)[1])]
            if len(found) >= count:
                return np.stack(np.divmod(found[:count], nodes), axis=1)
        raise InputError(f"Hardly any two of the {nodes:,} nodes are without an edge: there is nothing to tell apart.")

    def _sources(self) -> npt.NDArray[np.int32]:
        return np.repeat(np.arange(len(self), dtype=np.int32), self.degrees)


def _rows(
    found: reading.Edges, directed: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32] | None]:
    """Neighbours in rows: repeats are one edge, an undirected edge lies in both rows, what weighs nothing is gone."""
    from scipy.sparse import coo_array

    data = np.ones(len(found.sources)) if found.weights is None else found.weights
    matrix = coo_array((data, (found.sources, found.targets)), (len(found.keys), len(found.keys))).tocsr()
    matrix.sum_duplicates()
    if not directed:
        matrix = matrix.maximum(matrix.T.tocsr()).tocsr()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    if not matrix.nnz:
        raise InputError("There is no edge that weighs more than 0: nothing can be learnt of nodes without one.")
    alike = found.weights is None or bool((matrix.data == matrix.data[0]).all())
    if not alike and not (matrix.data.max() < _RANGE.max and matrix.data.min() > _RANGE.tiny):
        raise InputError("Weights, added up, leave the range of float32. Multiply all of them by one number.")
    weights = None if alike else matrix.data.astype(np.float32)
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), weights


def _spared(
    starts: npt.NDArray[np.int32], ends: npt.NDArray[np.int32], nodes: int, count: int, random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which edges go: at random, but none that is the last of one of its ends."""
    degrees = np.bincount(starts, minlength=nodes) + np.bincount(ends, minlength=nodes)
    left, gone = degrees.tolist(), np.zeros(len(starts), np.bool_)
    u, v = starts.tolist(), ends.tolist()
    for i in random.permutation(len(starts)).tolist():
        if count == 0:
            break
        if left[u[i]] > 1 and left[v[i]] > 1 and u[i] != v[i]:
            left[u[i]] -= 1
            left[v[i]] -= 1
            gone[i] = True
            count -= 1
    return gone


def _types(types: Any, keys: Sequence[str]) -> dict[str, str]:
    """The type of every node. Raises InputError for a node without one."""
    found = dict(types) if isinstance(types, Mapping) else _read_types(types)
    known = {key: str(found[key]) for key in keys if key in found}
    if len(known) < len(keys):
        bare = next(key for key in keys if key not in known)
        raise InputError(f"{len(keys) - len(known):,} of {len(keys):,} nodes have no type, {bare!r} for one. Add them.")
    return known


def _read_types(path: Any) -> dict[str, str]:
    (file, *more) = sources.find(path)
    if more:
        raise MissingInputError(f"{path!r} names several files. Types lie in one.")
    with stream.opened(file) as opened:
        text = opened.read().decode("utf-8", "replace")
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        if len(fields) != 2:
            raise InputError(f"{opened.name}, line {number:,}: expected 'node type', found {line!r:.60}.")
        found[fields[0]] = fields[1]
    return found


def _check(**options: Any) -> None:
    """ConfigError for an option of the wrong kind."""
    for name in ("directed", "weighted"):
        if options[name] not in (None, True, False):
            raise ConfigError(f"{name} must be True, False or None, not {options[name]!r}.")
    if options["format"] not in (None, *reading.FORMATS):
        raise ConfigError(
            f"Unknown format {options['format']!r}.{did_you_mean(str(options['format']), reading.FORMATS)}"
        )
    columns = options["columns"]
    if columns is not None and (isinstance(columns, str) or len(columns) not in (2, 3)):
        raise ConfigError(f"columns names two columns, or three with the weight's, not {columns!r}.")
    nodes = options["nodes"]
    if isinstance(nodes, bool) or (isinstance(nodes, int) and nodes < 1) or isinstance(nodes, str):
        raise ConfigError(f"nodes must be keys, or how many there are, not {nodes!r}.")
