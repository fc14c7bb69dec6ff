"""Parquet, and Arrow's own file: columns `key` (string), `vector` (a list of dim floats), `count`, `output`.

pandas, polars, DuckDB and Spark open it. Read, other names are known too, and a table with a column for each number.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats.arrow_size import unpacked
from firth.formats.bombs import check_growth
from firth.formats.checksums import NewFile
from firth.formats.rows import LARGEST_DIM
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_KEYS = ("key", "keys", "word", "token", "item", "node", "id", "text", "label")
_VECTORS = ("vector", "vectors", "embedding", "embeddings")
_ROWS = 1 << 13  # read and written at once
_GROUP = 1 << 20  # numbers in a row group, about: readers take a group at a time


class Columns(NamedTuple):
    """Where a table's parts are, by the names of its columns."""

    key: str
    vector: list[str]
    """One column of lists, or a column for each number."""
    counts: str | None
    output: str | None
    dim: int


def recognise(head: bytes) -> bool:
    """Whether a file begins as Parquet or as an Arrow file."""
    return head.startswith((b"PAR1", b"ARROW1\0\0"))


def read(path: Place, *, key: str | None = None, vector: str | None = None) -> Vectors:
    """Read a file, a batch of rows at a time.

    key     the column of the keys; None: `key`, `word`, `token` … or the only column of strings
    vector  the column of the vectors; None: `vector`, `embedding` …, the only column of lists, or all columns of floats

    Raises FormatError where no column can be it, or the file would unpack to far more than its size; CorruptFileError
    for damage.
    """
    with _opened(path) as table:
        columns = _columns(path, table.schema, table.first(), key, vector)
        rows = table.rows
        check_growth(path, 4 * rows * columns.dim * (1 + (columns.output is not None)))
        array = np.empty((rows, columns.dim), np.float32)
        output = np.empty_like(array) if columns.output else None
        counts = np.zeros(rows, np.int64) if columns.counts else None
        keys, size = list[str](), 0
        for batch in table.batches(columns):
            start, end = len(keys), len(keys) + len(batch)
            keys += _keys(path, batch, columns.key)
            size += sum(map(len, keys[start:]))
            check_growth(path, size)
            array[start:end] = _numbers(path, batch, columns.vector, columns.dim)
            if output is not None and columns.output:
                output[start:end] = _numbers(path, batch, [columns.output], columns.dim)
            if counts is not None:
                counts[start:end] = batch.column(columns.counts).to_numpy(zero_copy_only=False)
    try:
        return Vectors(Keys.of(keys).tolist(), array, output=output, counts=counts)
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def describe(path: Place) -> dict[str, Any]:
    """Rows, dim, columns, and the file's size."""
    with _opened(path) as table:
        columns = _columns(path, table.schema, table.first(), None, None)
        names = ", ".join(table.schema.names[:20])
        return {"rows": table.rows, "dim": columns.dim, "columns": names, "bytes": os.path.getsize(path)}


# ---------------------------------------------------------------- the two files


class _Parquet:
    def __init__(self, path: Place) -> None:
        self._path = path
        self._file = self._opened()
        self.schema = self._file.schema_arrow
        self.rows = int(self._file.metadata.num_rows)

    def _opened(self, *dictionaries: str) -> Any:
        """The file; columns named keep equal strings as one, so that a long one repeated takes no more memory."""
        from pyarrow import parquet

        return parquet.ParquetFile(
            self._path,
            read_dictionary=dictionaries,
            page_checksum_verification=True,
            thrift_string_size_limit=1 << 26,
            thrift_container_size_limit=1 << 20,
        )

    def first(self) -> Any:
        """The first row, whose lists say the dim where the schema does not."""
        return next(self._file.iter_batches(batch_size=1, use_threads=False), None) if self.rows else None

    def batches(self, columns: Columns) -> Iterator[Any]:
        # One thread: where a column is damaged, Arrow's other threads go on with the rest after the error is here,
        # and crash when the file they read from is gone.
        wanted = _wanted(columns)
        return iter(self._opened(columns.key).iter_batches(batch_size=_ROWS, columns=wanted, use_threads=False))


class _Arrow:
    def __init__(self, path: Place) -> None:
        import pyarrow as pa
        from pyarrow import ipc

        check_growth(path, unpacked(path))
        with pa.memory_map(os.fspath(path)) as file:
            self._file = ipc.open_file(file)
            self._batches = [self._file.get_batch(number) for number in range(self._file.num_record_batches)]
        for batch in self._batches:
            batch.validate(full=True)
        self.schema = self._file.schema
        self.rows = sum(map(len, self._batches))

    def first(self) -> Any:
        return next((batch for batch in self._batches if len(batch)), None)

    def batches(self, columns: Columns) -> Iterator[Any]:
        for batch in self._batches:
            for start in range(0, len(batch), _ROWS):
                yield batch.select(_wanted(columns)).slice(start, _ROWS)


@contextmanager
def _opened(path: Place) -> Iterator[Any]:
    """The table; whatever Arrow finds wrong becomes a CorruptFileError."""
    import pyarrow as pa

    with open(path, "rb") as file:
        start = file.read(8)
    if not recognise(start):
        raise FormatError(f"{path} is neither Parquet nor an Arrow file.")
    try:
        yield _Parquet(path) if start.startswith(b"PAR1") else _Arrow(path)
    except (pa.ArrowException, OSError, ValueError, IndexError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise CorruptFileError(f"{path} is damaged: {str(error)[:200]} Copy it again from where it came.") from error


def _wanted(columns: Columns) -> list[str]:
    return [columns.key, *columns.vector, *(name for name in (columns.counts, columns.output) if name)]


# ---------------------------------------------------------------- columns


def _columns(path: Place, schema: Any, first: Any, key: str | None, vector: str | None) -> Columns:
    from pyarrow import types

    kinds = {field.name: field.type for field in schema}
    for name in (key, vector):
        if name is not None and name not in kinds:
            raise FormatError(f"{path} has no column {name!r}, but {', '.join(map(repr, kinds))}.")
    strings = [name for name, kind in kinds.items() if _is_string(kind)]
    lists = [name for name, kind in kinds.items() if _is_list(kind)]
    floats = [name for name, kind in kinds.items() if types.is_floating(kind)]
    chosen = key or _known(_KEYS, strings)
    table = [vector] if vector else [name] if (name := _known(_VECTORS, lists)) else floats
    if chosen is None or not table or not _is_string(kinds[chosen]):
        raise FormatError(
            f"{path} has no column of keys and column of vectors that are plain to see, but "
            f"{', '.join(f'{name} ({kind})' for name, kind in list(kinds.items())[:8])}. Say which: key=…, vector=…."
        )
    dim = _dim(kinds[table[0]], first, table)
    if not 1 <= dim <= LARGEST_DIM:
        raise FormatError(f"{path}: vectors of {dim:,} numbers cannot be read.")
    output = "output" if "output" in lists and table != ["output"] else None
    counted = next((name for name in ("count", "counts") if name in kinds and types.is_integer(kinds[name])), None)
    return Columns(chosen, table, counted, output, dim)


def _known(names: tuple[str, ...], there: list[str]) -> str | None:
    """The column of a known name, or the only one there is."""
    return next((name for name in names if name in there), there[0] if len(there) == 1 else None)


def _is_string(kind: Any) -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind  # what pandas calls categories
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    lists = types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind)
    return bool(lists and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)))


def _dim(kind: Any, first: Any, table: list[str]) -> int:
    from pyarrow import types

    if not _is_list(kind):
        return len(table)
    if types.is_fixed_size_list(kind):
        return int(kind.list_size)
    return len(first.column(table[0])[0]) if first is not None else 0


# ---------------------------------------------------------------- batches


def _keys(path: Place, batch: Any, name: str) -> list[str]:
    import pyarrow as pa
    from pyarrow import compute

    column = batch.column(name)
    if column.null_count:
        raise CorruptFileError(f"{path}: a row has no {name!r}. Leave such rows out, or fill them.")
    if isinstance(column, pa.DictionaryArray):
        if len(compute.unique(column.indices)) < len(column):
            raise CorruptFileError(f"{path}: a key of the column {name!r} is there twice. Leave one out.")
        column.dictionary.validate(full=True)  # UTF-8
    else:
        column.validate(full=True)
    found: list[str] = column.to_pylist()
    return found


def _numbers(path: Place, batch: Any, names: list[str], dim: int) -> NDArray[np.float32]:
    """f4[rows, dim] of a column of lists, or of a column for each number."""
    columns = [batch.column(name) for name in names]
    if any(column.null_count for column in columns):
        raise CorruptFileError(f"{path}: a row has no {names[0]!r}. Leave such rows out, or fill them.")
    if not _is_list(columns[0].type):
        return np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1).astype(np.float32)
    flat = columns[0].flatten()
    if len(flat) != len(batch) * dim or flat.null_count or not _are_even(columns[0], dim):
        raise CorruptFileError(f"{path}: the lists of {names[0]!r} are not all of {dim:,} numbers.")
    return np.asarray(flat.to_numpy(zero_copy_only=False), np.float32).reshape(len(batch), dim)


def _are_even(column: Any, dim: int) -> bool:
    from pyarrow import compute, types

    if types.is_fixed_size_list(column.type):
        return True
    return bool(compute.all(compute.equal(compute.list_value_length(column), dim)).as_py() in {True, None})


# ---------------------------------------------------------------- writing


def write(vectors: Vectors, path: Place) -> None:
    """Write a new Parquet file, synced. Vectors are not compressed, as they do not shrink; pages have checksums."""
    import pyarrow as pa
    from pyarrow import parquet

    tables = {"vector": vectors.vectors, "output": vectors.output}
    lists = {name: array for name, array in tables.items() if array is not None}
    counts = vectors.counts
    fields = [("key", pa.string()), *((name, pa.list_(pa.float32(), vectors.dim)) for name in lists)]
    schema = pa.schema(fields + ([("count", pa.int64())] if counts is not None else []))
    keys = Keys.of(vectors.index_to_key)
    rows = max(1, _GROUP // vectors.dim)
    with (
        NewFile(path) as file,
        parquet.ParquetWriter(
            pa.PythonFile(file.stream(), mode="w"),
            schema,
            compression={"key": "zstd"} | dict.fromkeys((*lists, "count"), "none"),
            use_dictionary=False,
            write_page_checksum=True,
        ) as writer,
    ):
        for start in range(0, len(keys), rows):
            end = min(len(keys), start + rows)
            columns: list[Any] = [pa.array(keys[start:end], pa.string())]
            for array in lists.values():
                flat = np.ascontiguousarray(array[start:end], np.float32).reshape(-1)
                columns.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), vectors.dim))
            if counts is not None:
                columns.append(pa.array(counts[start:end]))
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def needs(vectors: Vectors) -> int:
    """The bytes of `write`, near enough."""
    keys = Keys.of(vectors.index_to_key)
    arrays = (vectors.vectors, vectors.counts, vectors.output)
    return sum(array.nbytes for array in arrays if array is not None) + len(keys.blob) // 2 + 2 * len(keys) + 4096
