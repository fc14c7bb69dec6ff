"""Corpus stage for graphs, first step: whatever holds edges becomes two arrays of node numbers, and the nodes' keys."""

import csv
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.config import did_you_mean
from firth.corpus import blocks, stream
from firth.corpus import source as sources
from firth.corpus.source import File
from firth.errors import ConfigError, CorruptFileError, EncodingError, InputError, MemoryLimitError

FORMATS: Final = ("lines", "csv", "tsv", "parquet")
_COMMENTS: Final = ("#", "%")
_MOST_NODES: Final = 2**31 - 1

Ids = npt.NDArray[np.int32]


class Edges(NamedTuple):
    """Edges as they were given: repeats, loops and all."""

    keys: list[str]
    """The nodes, in the order in which they came first."""
    sources: Ids
    """i4[edges]"""
    targets: Ids
    """i4[edges]"""
    weights: npt.NDArray[np.float64] | None
    """f8[edges], finite and 0 or more; None where none were given."""


class Options(NamedTuple):
    """How a source is read."""

    columns: Sequence[str] | None
    format: str | None
    weights: Any
    nodes: Any


def read(source: Any, options: Options) -> Edges:
    """The edges of anything that `firth.Graph` takes. Raises InputError and its kind, naming the place."""
    if _names_files(source):
        found = _of_tables([_of_file(file, options) for file in sources.find(source)])
    elif hasattr(source, "tocoo"):
        found = _of_sparse(source, options)
    elif hasattr(source, "is_directed") and hasattr(source, "edges") and hasattr(source, "nodes"):
        found = _of_networkx(source)
    elif hasattr(source, "__arrow_c_stream__"):
        import pyarrow as pa

        table = _columns(pa.table(source), f"the {type(source).__name__}", options.columns)
        found = _of_tables([table])
    elif _is_array(source) or (isinstance(source, tuple | list) and len(source) == 2 and all(map(_is_array, source))):
        found = _of_arrays(source, options)
    else:
        found = _of_items(source)
    _refuse_what_does_not_fit(source, options)
    return _with_nodes(_checked_weights(found), options.nodes)


def _names_files(source: Any) -> bool:
    if isinstance(source, str | PathLike):
        return True
    return (
        isinstance(source, list)
        and all(isinstance(item, str | PathLike) for item in source[:1])
        and (sources.names_files(source))
    )


def _is_array(source: Any) -> bool:
    return hasattr(source, "shape") and hasattr(source, "__array__")


def _refuse_what_does_not_fit(source: Any, options: Options) -> None:
    """ConfigError for an option that this kind of source does not have."""
    of_files, arrays = _names_files(source), _is_array(source) or isinstance(source, tuple)
    if options.format is not None and not of_files:
        raise ConfigError(f"format={options.format!r} is for files; the source is a {type(source).__name__}.")
    if options.columns is not None and not (of_files or hasattr(source, "__arrow_c_stream__")):
        raise ConfigError(f"columns= is for files and frames; the source is a {type(source).__name__}. Leave it out.")
    if options.weights is not None and not (arrays or isinstance(source, list)):
        raise ConfigError(
            f"weights= goes with arrays of edges; the source is a {type(source).__name__}, which holds its own."
        )


# ---------------------------------------------------------------- files


class _Table(NamedTuple):
    """Edges with text for nodes: pyarrow's."""

    ends: Any  # two string arrays
    weights: npt.NDArray[np.float64] | None
    name: str


def _of_file(file: File, options: Options) -> _Table:
    kind = options.format
    if file.regular and stream.begins_with(file, b"PAR1") and kind in (None, "parquet"):
        table = _of_parquet(file, options.columns)
    else:
        if kind == "parquet":
            raise CorruptFileError(f"{file.path!r} is no parquet file: it does not begin with PAR1.")
        with stream.opened(file) as opened:
            kind = kind or _kind_by_name(file.path, options.columns)
            table = _of_lines(opened, options.columns) if kind == "lines" else _of_csv(opened, kind, options.columns)
    file.check_unchanged()
    return table


def _kind_by_name(path: str, columns: Sequence[str] | None) -> str:
    parts = path.lower().split(".")
    named = next((kind for kind in ("csv", "tsv") if kind in parts[1:]), None)
    return named or ("lines" if columns is None else "csv")


def _of_lines(opened: stream.Stream, columns: Sequence[str] | None) -> _Table:
    """Lines "u v" or "u v weight", apart by blanks; # and % begin comments."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if columns is not None:
        raise ConfigError(f"columns= names columns, but {opened.name} is read as lines: give format='csv' or 'tsv'.")
    starts, ends, weights = [], [], []
    line, wide = 1, None
    parts = iter(lambda: opened.read(blocks.BLOCK), b"")
    for block in _whole_lines(parts):
        lines = pa.array(_decoded(block, opened.name, line).split("\n"), pa.large_string())
        numbers = np.arange(line, line + len(lines))
        line += block.count(b"\n")
        lines = pc.utf8_trim_whitespace(lines)
        wanted = pc.not_equal(lines, "")
        for mark in _COMMENTS:
            wanted = pc.and_(wanted, pc.invert(pc.starts_with(lines, mark)))
        fields = pc.utf8_split_whitespace(lines.filter(wanted))
        if not len(fields):
            continue
        wide = wide or len(fields[0])
        counts = pc.list_value_length(fields).to_numpy(zero_copy_only=False)
        odd = np.flatnonzero(counts != wide) if wide in (2, 3) else np.zeros(1, np.int64)
        if len(odd):
            at = numbers[wanted.to_numpy(zero_copy_only=False)][odd[0]]
            raise InputError(
                f"{opened.name}, line {at:,}: {_shown(fields[int(odd[0])].as_py())} Expected 'u v' on every line, or "
                "'u v weight' on every line, apart by blanks. For columns with commas: format='csv'."
            )
        starts.append(pc.list_element(fields, 0))
        ends.append(pc.list_element(fields, 1))
        if wide == 3:
            known = numbers[wanted.to_numpy(zero_copy_only=False)]
            weights.append(_numbers(pc.list_element(fields, 2), lambda i: f"{opened.name}, line {known[i]:,}"))  # noqa: B023  # called at once
    return _Table(
        [pa.chunked_array(column, pa.large_string()) for column in (starts, ends)],
        np.concatenate(weights) if weights else None,
        opened.name,
    )


def _shown(fields: list[str]) -> str:
    return f"{len(fields)} field{'s' * (len(fields) != 1)} ({' '.join(fields)!r:.60})."


def _whole_lines(parts: Iterable[bytes]) -> Iterable[bytes]:
    carried = b""
    for part in parts:
        data = carried + part
        end = data.rfind(b"\n") + 1
        carried = data[end:]
        if end:
            yield data[:end]
        elif len(carried) > blocks.LONGEST_WORD:
            raise InputError(f"A line is longer than {blocks.LONGEST_WORD:,} bytes: this is no list of edges.")
    if carried:
        yield carried


def _decoded(block: bytes, name: str, line: int) -> str:
    try:
        return block.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        at = line + block.count(b"\n", 0, error.start)
        raise EncodingError(f"{name}, line {at:,}: not UTF-8. Convert the file first.") from None


def _numbers(texts: Any, place: Any) -> npt.NDArray[np.float64]:
    """Text as numbers; InputError at the first that is none."""
    import pyarrow as pa

    try:
        found: npt.NDArray[np.float64] = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        for i, text in enumerate(texts.to_pylist()):
            try:
                float(text)
            except ValueError:
                raise InputError(f"{place(i)}: the weight {text!r:.40} is no number.") from None
        return np.array([float(text) for text in texts.to_pylist()])
    return found


def _of_csv(opened: stream.Stream, kind: str, columns: Sequence[str] | None) -> _Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    mark = "," if kind == "csv" else "\t"
    header = opened.head.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    chosen = _chosen(next(csv.reader([header], delimiter=mark), []), opened.name, columns)
    if any(_is_number(name) for name in chosen[:2]):
        raise ConfigError(
            f"{opened.name} begins with {', '.join(map(repr, chosen))}, which looks like an edge and not the names "
            "of columns. Give format='lines' for a file without a header (blanks or tabs between the fields)."
        )
    try:
        table = arrow_csv.read_csv(
            pa.PythonFile(opened, "r"),
            parse_options=arrow_csv.ParseOptions(delimiter=mark),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(chosen, pa.string()), include_columns=chosen, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{opened.name}: not {kind} ({error}).") from error
    return _picked(table, chosen, opened.name, header=True)


def _of_parquet(file: File, columns: Sequence[str] | None) -> _Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file.path)
        chosen = _chosen(schema.names, repr(file.path), columns)
        table = pq.read_table(file.path, columns=chosen)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFileError(f"{file.path!r}: damaged, or no parquet file ({error}).") from error
    return _picked(table, chosen, repr(file.path))


def _columns(table: Any, name: str, columns: Sequence[str] | None) -> _Table:
    return _picked(table, _chosen(table.schema.names, name, columns), name)


def _chosen(names: Sequence[str], name: str, columns: Sequence[str] | None) -> list[str]:
    """The columns of both ends, and of the weight where there is one."""
    plain = [column for column in names if not column.startswith("__index_level_")]
    if columns is None:
        if len(plain) < 2:
            raise InputError(f"{name} has the columns {', '.join(map(repr, plain))}. Edges need two, one for each end.")
        return [*plain[:2], *(["weight"] if "weight" in plain[2:] else [])]
    for column in columns:
        if column not in plain:
            raise ConfigError(f"{name} has no column {column!r}.{did_you_mean(column, plain)}")
    return list(columns)


def _picked(table: Any, chosen: list[str], name: str, *, header: bool = False) -> _Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    def place(i: int) -> str:
        return f"{name}, {'line' if header else 'row'} {i + 1 + header:,}"

    ends = []
    for column in chosen[:2]:
        found = table.column(column)
        kind = found.type.value_type if pa.types.is_dictionary(found.type) else found.type
        if not (pa.types.is_integer(kind) or _is_text(kind)):
            raise InputError(f"{name}: the values of {column!r} are {kind}; nodes are text or whole numbers.")
        text = found.cast(pa.large_string())
        blank = pc.or_(text.is_null(), pc.equal(pc.fill_null(text, ""), ""))
        if (row := pc.index(blank, True).as_py()) >= 0:
            raise InputError(f"{place(row)}: no node in {column!r}. Leave such rows out.")
        ends.append(text)
    if len(chosen) == 2:
        return _Table(ends, None, name)
    weights = table.column(chosen[2])
    if _is_text(weights.type):
        return _Table(ends, _numbers(weights, place), name)
    if not (pa.types.is_integer(weights.type) or pa.types.is_floating(weights.type)):
        raise InputError(f"{name}: the values of {chosen[2]!r} are {weights.type}; weights are numbers.")
    return _Table(ends, weights.cast(pa.float64()).to_numpy(), name)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_tables(tables: list[_Table]) -> Edges:
    """Numbers in place of text, in the order in which nodes come first: row by row, the start before the end."""
    import pyarrow as pa

    weighted = {table.weights is not None for table in tables if len(table.ends[0])}
    if len(weighted) > 1:
        bare = next(table for table in tables if table.weights is None and len(table.ends[0]))
        raise InputError(f"{bare.name} has no weights, and other files have. Give all of them weights, or none.")
    count = sum(len(table.ends[0]) for table in tables)
    chunks = [chunk for side in (0, 1) for table in tables for chunk in table.ends[side].chunks]
    encoded = pa.chunked_array(chunks, pa.large_string()).dictionary_encode().unify_dictionaries()
    ids = np.concatenate([np.zeros(0, np.int32), *(chunk.indices.to_numpy() for chunk in encoded.chunks)])
    keys = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
    starts, ends = ids[:count].astype(np.int32), ids[count:].astype(np.int32)
    first = np.full(len(keys), 2 * count, np.int64)
    np.minimum.at(first, starts, 2 * np.arange(count))
    np.minimum.at(first, ends, 2 * np.arange(count) + 1)
    order = np.argsort(first, kind="stable")
    place = np.empty(len(keys), np.int32)
    place[order] = np.arange(len(keys), dtype=np.int32)
    weights = [table.weights for table in tables if table.weights is not None]
    return Edges(
        [keys[i] for i in order.tolist()], place[starts], place[ends], np.concatenate(weights) if weights else None
    )


# ---------------------------------------------------------------- what Python hands over


def _of_sparse(matrix: Any, options: Options) -> Edges:
    """A scipy.sparse matrix or array: A[i, j] is the weight of the edge from i to j."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"An adjacency matrix is square; this one has shape {matrix.shape}.")
    found = matrix.tocoo()
    data = np.asarray(found.data, np.float64)
    there = data != 0
    rows, columns = (np.asarray(side)[there].astype(np.int32) for side in (found.row, found.col))
    alike = bool((data[there] == 1).all())
    return Edges(_names(options.nodes, matrix.shape[0]), rows, columns, None if alike else data[there])


def _of_networkx(graph: Any) -> Edges:
    """A networkx graph: the attribute "weight" of its edges, 1 where an edge of a weighted graph has none."""
    nodes = list(graph.nodes)
    keys = [str(node) for node in nodes]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"Two nodes of the graph are both {twice!r} as text. Rename one of them.")
    ids = dict(zip(nodes, range(len(nodes)), strict=True))
    edges = list(graph.edges(data="weight"))
    starts, ends = (np.fromiter((ids[edge[side]] for edge in edges), np.int32, len(edges)) for side in (0, 1))
    weights = None
    if any(edge[2] is not None for edge in edges):
        try:
            weights = np.array([1.0 if edge[2] is None else float(edge[2]) for edge in edges])
        except (TypeError, ValueError) as error:
            raise InputError(f"A weight of the graph is no number ({error}).") from None
    return Edges(keys, starts, ends, weights)


def _of_arrays(source: Any, options: Options) -> Edges:
    """An edge index, i8[2, edges] or i8[edges, 2], or two arrays i8[edges]."""
    if _is_array(source):
        array = np.asarray(source)
        if array.ndim != 2 or 2 not in array.shape:
            raise InputError(f"An edge index has shape [2, edges] or [edges, 2], not {list(array.shape)}.")
        sides = [*(array if array.shape[0] == 2 else array.T)]
    else:
        sides = [np.asarray(side).reshape(-1) for side in source]
        if len(sides[0]) != len(sides[1]):
            raise InputError(f"{len(sides[0]):,} starts and {len(sides[1]):,} ends of edges. Give as many of both.")
    if any(not np.issubdtype(side.dtype, np.integer) for side in sides):
        raise InputError(f"An edge index holds whole numbers, not {sides[0].dtype}. Text goes in a list of pairs.")
    both = np.concatenate([sides[0], sides[1]])
    count = len(sides[0])
    weights = None
    if options.weights is not None:
        weights = np.asarray(options.weights, np.float64).reshape(-1)
        if len(weights) != count:
            raise InputError(f"There are {count:,} edges, but {len(weights):,} weights. Give one for each.")
    if options.nodes is not None:
        size = options.nodes if isinstance(options.nodes, int) else len(options.nodes)
        if count and (both.min() < 0 or both.max() >= size):
            odd = both.min() if both.min() < 0 else both.max()
            raise InputError(f"The edge index names node {odd:,}; nodes= has numbers 0 … {size - 1:,}.")
        return Edges(_names(options.nodes, size), both[:count].astype(np.int32), both[count:].astype(np.int32), weights)
    ids, places = np.unique(both, return_inverse=True)
    numbers: Ids = places.reshape(-1).astype(np.int32)
    return Edges([str(i) for i in ids.tolist()], numbers[:count], numbers[count:], weights)


def _of_items(source: Any) -> Edges:
    """Pairs (u, v), triples (u, v, weight), or strings "u v" and "u v weight", from any iterable."""
    if not isinstance(source, Iterable):
        raise InputError(
            f"A graph is read from files, frames, matrices, networkx graphs, arrays or pairs, not {source!r:.60} "
            f"({type(source).__name__})."
        )
    ids: dict[str, int] = {}
    sides: tuple[list[int], list[int]] = ([], [])
    weights: list[float] = []
    wide = 0
    for number, item in enumerate(source, 1):
        fields = item.split() if isinstance(item, str) else item
        size = len(fields) if isinstance(fields, Sequence) or _is_array(fields) else 0
        wide = wide or size
        if size != wide or size not in (2, 3):
            raise InputError(
                f"Edge {number:,} is {item!r:.60}. Expected (u, v) for every edge, or (u, v, weight) for every edge."
            )
        for side, node in zip(sides, fields[:2], strict=True):
            side.append(ids.setdefault(_key(node, number), len(ids)))
        if size == 3:
            try:
                weights.append(float(fields[2]))
            except (TypeError, ValueError):
                raise InputError(f"Edge {number:,}: the weight {fields[2]!r:.40} is no number.") from None
    return Edges(
        list(ids), np.array(sides[0], np.int32), np.array(sides[1], np.int32), np.array(weights) if weights else None
    )


def _key(node: object, number: int) -> str:
    if isinstance(node, str) and node:
        return str(node)
    if isinstance(node, int | np.integer) and not isinstance(node, bool):
        return str(int(node))
    raise InputError(f"Edge {number:,} names the node {node!r:.40}; nodes are text or whole numbers.")


# ---------------------------------------------------------------- what all of them must be


def _names(nodes: Any, size: int) -> list[str]:
    if nodes is None or isinstance(nodes, int):
        if nodes is not None and nodes != size:
            raise InputError(f"nodes={nodes:,}, but the matrix has {size:,} rows.")
        return [str(i) for i in range(size)]
    keys = list(map(str, nodes))
    if len(keys) != size:
        raise InputError(f"nodes= names {len(keys):,} nodes, and the matrix has {size:,} rows.")
    return keys


def _checked_weights(edges: Edges) -> Edges:
    if len(edges.keys) > _MOST_NODES:
        raise MemoryLimitError(f"{len(edges.keys):,} nodes are more than the {_MOST_NODES:,} that can be numbered.")
    if edges.weights is None:
        return edges
    wrong = np.flatnonzero(~(np.isfinite(edges.weights) & (edges.weights >= 0)))
    if len(wrong):
        at = int(wrong[0])
        ends = edges.keys[edges.sources[at]], edges.keys[edges.targets[at]]
        raise InputError(
            f"Edge {at + 1:,}, from {ends[0]!r} to {ends[1]!r}, has the weight {edges.weights[at]}. Weights are finite "
            f"and not negative; {len(wrong):,} of {len(edges.weights):,} are not. Leave those edges out."
        )
    return edges


def _with_nodes(edges: Edges, nodes: Any) -> Edges:
    """The nodes that the caller names, in that order, those without an edge among them."""
    if nodes is None:
        return edges
    keys = [str(i) for i in range(nodes)] if isinstance(nodes, int) else list(map(str, nodes))
    ids = {key: place for place, key in enumerate(keys)}
    if len(ids) < len(keys):
        seen: set[str] = set()
        twice = next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputError(f"nodes= names {twice!r} twice.")
    if edges.keys == keys:
        return edges
    strange = next((key for key in edges.keys if key not in ids), None)
    if strange is not None:
        raise InputError(f"An edge names the node {strange!r}, which is not in nodes=. Add it, or leave nodes= out.")
    place = np.fromiter((ids[key] for key in edges.keys), np.int32, len(edges.keys))
    return Edges(keys, place[edges.sources], place[edges.targets], edges.weights)
