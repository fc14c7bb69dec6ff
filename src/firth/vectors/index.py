"""An approximate index: hierarchical navigable small worlds (HNSW), by usearch.

A graph over the rows, each tied to some of its neighbours, on a few levels that thin out upwards; a search walks from
the top to what is near. It looks at hundreds of rows in place of all of them, and may miss some of the nearest. What it
finds is measured again on the table itself, so scores are exact. Malkov & Yashunin 2018.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, CorruptFileError, InputError, MissingExtraError
from firth.vectors.nearest import Floats, Ids, Rows, blocks

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup, Which

_MEASURED_ON = 1000  # rows whose neighbours are compared with the exact ones
_NEIGHBOURS = 10
_EXPANSIONS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024)
_SPARE = 10  # more than asked for, as the graph knows rows by rounded numbers
_LOOKED_AT = 1024  # rows in a fingerprint
_APART = 0.1  # between a cosine and what the graph says of it: far more than rounding


@dataclass
class Index:
    """A graph over one table, and how well it answers."""

    rows: int
    dim: int
    which: "Which"
    """The table it is of."""
    connectivity: int
    """Ties of a row, on all levels but the lowest, where it has twice as many."""
    expansion_add: int
    """Candidates that are kept while a row finds its place."""
    expansion_search: int
    """Candidates that are kept while a query is answered: more find more, and take longer."""
    recall: float
    """The share of the exact ten nearest that are found, over up to 1,000 rows of the table."""
    fingerprint: str
    """Of the table: CRC32 over rows spread evenly through it."""
    graph: Any = field(default=None, repr=False)
    """usearch's index; None: it is still in a file."""
    file: "File | None" = field(default=None, repr=False)
    """Where it was saved."""

    def nearest(self, rows: Rows, queries: Floats, k: int) -> tuple[Ids, Floats]:
        """About the k nearest rows for each unit vector f4[q, dim], best first, and their exact cosines.

        Raises InputError where the graph is of other vectors than these.
        """
        k = min(k, self.rows)
        if not k or not len(queries):
            return np.zeros((len(queries), k), np.int64), np.zeros((len(queries), k), np.float32)
        if len(queries) == 1:
            return self._nearest_to_one(rows, queries, k)
        found = self.opened(rows).search(queries, min(k + _SPARE, self.rows))
        kept = int(found.counts.min())
        if kept < k:  # a walk that came to an end before it met so many
            return rows.nearest(queries, k)
        ids = found.keys[:, :kept].astype(np.int64)
        cosines = np.einsum("qkd,qd->qk", rows.unit(ids), queries)
        if np.abs(cosines[:, 0] + found.distances[:, 0] - 1).max() > _APART:
            raise stale()
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(ids, order, 1), np.take_along_axis(cosines, order, 1)

    def _nearest_to_one(self, rows: Rows, queries: Floats, k: int) -> tuple[Ids, Floats]:
        """`nearest` of a single query, where every call of NumPy's counts: the graph itself takes microseconds."""
        query = queries[0]
        found = self.opened(rows).search(query, min(k + _SPARE, self.rows), threads=1)  # 0 starts threads at each call
        if len(found.keys) < k:
            return rows.nearest(queries, k)
        ids = found.keys.astype(np.int64)
        cosines = (rows.array[ids] @ query) * rows.inverse[ids]
        if abs(cosines[0] + found.distances[0] - 1) > _APART:
            raise stale()
        order = (-cosines).argsort(kind="stable")[:k]
        return ids[order][None], cosines[order][None]

    def opened(self, rows: Rows) -> Any:
        """usearch's index, mapped from its file where that was not done yet."""
        if self.graph is None:
            assert self.file is not None
            if self.fingerprint != fingerprint(rows):
                raise stale()
            self.graph = self.file.open(self.rows, self.dim)
            self.graph.expansion_search = self.expansion_search
        return self.graph

    def described(self) -> dict[str, Any]:
        """What is saved of it beside the graph, plain values."""
        return {name: getattr(self, name) for name in SAVED}

    def __str__(self) -> str:
        return (
            f"HNSW over {self.rows:,} × {self.dim} ({self.which}): recall@{_NEIGHBOURS} {self.recall:.3f} with "
            f"{self.expansion_search} candidates a query"
        )


class File(NamedTuple):
    """A graph in a file that is mapped into memory, and stays so while it is used."""

    path: str
    data: NDArray[np.uint8]
    check: Callable[[], None]
    """Compares all checksums: usearch follows what a damaged file says to wherever that leads."""

    def open(self, rows: int, dim: int) -> Any:
        """usearch's index. Raises CorruptFileError for damage, and for a graph of another table."""
        library = _usearch()
        self.check()
        try:
            found = library.restore(memoryview(self.data.data), view=True)
        except (RuntimeError, ValueError) as error:
            raise CorruptFileError(
                f"{self.path} is no index that usearch opens ({error}). Build it again: build_index()."
            ) from None
        if found is None or (len(found), found.ndim) != (rows, dim):
            raise CorruptFileError(f"{self.path} is of another table. Build it again: build_index().")
        return found


SAVED = ("rows", "dim", "which", "connectivity", "expansion_add", "expansion_search", "recall", "fingerprint")


def build(
    vectors: "Lookup",
    *,
    recall: float,
    connectivity: int,
    expansion_add: int,
    threads: int | None,
    which: "Which",
) -> Index:
    """`Vectors.build_index`."""
    if not 0 < recall <= 1:
        raise ConfigError(f"recall must be above 0 and at most 1, not {recall!r}.")
    if connectivity < 2 or expansion_add < 1:
        raise ConfigError(
            f"connectivity must be at least 2 and expansion_add at least 1, not {connectivity} and {expansion_add}."
        )
    if not len(vectors):
        raise InputError("The table has no rows to index.")
    rows = vectors.rows(which)
    graph = _usearch()(
        ndim=vectors.dim, metric="ip", dtype="f16", connectivity=connectivity, expansion_add=expansion_add
    )
    for part in blocks(len(vectors), vectors.dim):
        graph.add(np.arange(part.start, part.stop), rows.unit(part), threads=threads or 0)
    index = Index(
        rows=len(vectors),
        dim=vectors.dim,
        which=which,
        connectivity=connectivity,
        expansion_add=expansion_add,
        expansion_search=_EXPANSIONS[0],
        recall=0.0,
        fingerprint=fingerprint(rows),
        graph=graph,
    )
    asked = np.unique(np.linspace(0, len(vectors) - 1, min(_MEASURED_ON, len(vectors))).astype(np.int64))
    exact, _ = rows.nearest(rows.unit(asked), _NEIGHBOURS + 1)
    for expansion in _EXPANSIONS:  # the least that finds enough
        index.expansion_search = graph.expansion_search = expansion
        index.recall = _recall(index.nearest(rows, rows.unit(asked), _NEIGHBOURS + 1)[0], exact, asked)
        if index.recall >= recall:
            break
    return index


def fingerprint(rows: Rows) -> str:
    """CRC32 of up to 1,024 rows spread evenly through a table, and of its shape."""
    total, dim = rows.array.shape
    looked_at = np.unique(np.linspace(0, max(0, total - 1), min(_LOOKED_AT, total)).astype(np.int64))
    crc = zlib.crc32(f"{total} {dim}".encode())
    return f"{zlib.crc32(np.ascontiguousarray(rows.array[looked_at], '<f4').data, crc):08x}"


def stale() -> InputError:
    return InputError("The index was built from other vectors than these. Build it again: build_index().")


def _recall(found: Ids, exact: Ids, asked: Ids) -> float:
    """The share of the exact neighbours, the row itself left out, that were found."""
    hits = [
        len({*some} & {*best} - {row}) / max(1, len({*best} - {row}))
        for some, best, row in zip(found.tolist(), exact.tolist(), asked.tolist(), strict=True)
    ]
    return float(np.mean(hits))


def _usearch() -> Any:
    try:
        from usearch.index import Index as Library
    except ImportError:
        raise MissingExtraError("An approximate index needs usearch: pip install 'firth[ann]'") from None
    return Library
