"""Corpus stage: some named columns of CSV, TSV and parquet files and of data frames, as one Arrow table.

Ids are read as text, whatever they are in the file: 17 becomes "17".
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth.config import did_you_mean
from firth.corpus import blocks, stream
from firth.corpus.source import File
from firth.errors import ConfigError, CorruptFileError, InputError

_WHOLE: Final = 2.0**53


@dataclass(frozen=True)
class Column:
    """What is wanted of a table."""

    role: str
    """How we call it: also the option that names it."""
    name: str | None
    """What the caller says that it is called; None: one of `known`."""
    known: tuple[str, ...]
    """What it is often called."""
    needed: bool = True


def of_file(file: File, wanted: Sequence[Column], kind: str | None) -> Any:
    """The wanted columns of a file, named by their roles, none: all of them. `kind`: "csv", …; None: by its content.

    Raises ConfigError for columns that are not there, InputError for a bad row, CorruptFileError for a damaged file.
    """
    if kind == "parquet" or (kind is None and file.regular and stream.begins_with(file, b"PAR1")):
        return _of_parquet(file, wanted)
    with stream.opened(file) as opened:
        if stream.looks_like_html(opened.head):
            raise InputError(f"{opened.name} looks like HTML, not a table. Save it as CSV or parquet.")
        return _of_csv(opened, kind or ("tsv" if _is_tsv(file.path) else "csv"), wanted)


def of_frame(frame: Any, wanted: Sequence[Column]) -> Any:
    """The same of what speaks Arrow's PyCapsule interface: pandas, polars, duckdb, pyarrow."""
    table = whole_frame(frame)
    return _named(table, chosen(f"the {type(frame).__name__}", table.column_names, wanted))


def whole_file(file: File) -> Any:
    """All columns of a file, with the types that Arrow sees in them."""
    return of_file(file, [], None)


def whole_frame(frame: Any) -> Any:
    """All columns of a data frame."""
    try:
        table = pa.table(frame)
    except (pa.ArrowInvalid, TypeError, ValueError) as error:
        raise InputError(f"the {type(frame).__name__} is no table of columns ({error}). Give a data frame.") from None
    return table.select([name for name in table.column_names if not name.startswith("__index_level_")])


def chosen(name: str, header: Sequence[str], wanted: Sequence[Column]) -> dict[str, str]:
    """Role → column. Raises ConfigError where a column is not there, or none has a name that is known."""
    found: dict[str, str] = {}
    plain = {column.strip().lower(): column for column in header}
    for column in wanted:
        if column.name is not None:
            if column.name not in header:
                raise ConfigError(f"{name} has no column {column.name!r}.{did_you_mean(column.name, header)}")
            found[column.role] = column.name
            continue
        there = [plain[known] for known in column.known if known in plain and plain[known] not in found.values()]
        if there:
            found[column.role] = there[0]
        elif column.needed:
            shown = ", ".join(map(repr, header[:12])) + (", …" if len(header) > 12 else "")
            raise ConfigError(
                f"{name}: which column is the {column.role}? It has {shown}. Say it: {column.role}={header[0]!r}."
                if len(header)
                else f"{name} has no columns."
            )
    return found


def ids(column: Any, what: str, name: str) -> tuple[list[str], npt.NDArray[np.int32]]:
    """The distinct values of a column as text, in order of appearance; and the number of each row's, i4[rows].

    Raises InputError, with the row, for a value that is missing or cannot be an id.
    """
    merged = _combined(column)
    if pa.types.is_dictionary(merged.type):
        merged = merged.dictionary_decode() if merged.null_count else merged
    if merged.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(merged)))[0])
        raise InputError(f"{name}, row {row + 1:,}: the {what} is missing. Drop such rows first.")
    try:
        coded = merged if pa.types.is_dictionary(merged.type) else merged.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise _no_ids(merged.type, what, name) from None
    keys = _as_text(coded.dictionary, what, name)
    numbers = np.asarray(coded.indices).astype(np.int32)
    if "" in keys:
        gone = np.flatnonzero(numbers == keys.index(""))
        if len(gone):
            raise InputError(f"{name}, row {int(gone[0]) + 1:,}: the {what} is empty. Drop such rows first.")
    return in_order(keys, numbers)


def in_order(keys: Sequence[str], numbers: npt.NDArray[np.int32]) -> tuple[list[str], npt.NDArray[np.int32]]:
    """Keys that come, in order of appearance, equal ones as one, and the number of each row's.

    >>> in_order(["a", "b", "a", "c"], np.array([3, 2, 0], np.int32))
    (['c', 'a'], array([0, 1, 1], dtype=int32))
    """
    places: dict[str, int] = {}
    used, first = np.unique(numbers, return_index=True)
    table = np.zeros(len(keys), np.int32)
    for number in used[np.argsort(first, kind="stable")].tolist():
        table[number] = places.setdefault(keys[number], len(places))
    return [*places], table[numbers]


def numbers(column: Any, what: str, name: str) -> npt.NDArray[np.float64]:
    """A column of times or other numbers as f8[rows]; points in time as seconds. Raises InputError, with the row."""
    merged = _combined(column)
    if pa.types.is_dictionary(merged.type):
        merged = merged.dictionary_decode()
    kind = merged.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        try:
            merged = merged.cast(pa.timestamp("us"))
        except pa.ArrowInvalid as error:
            raise InputError(f"{name}: the {what} is no time ({error}). Give numbers, or times as ISO 8601.") from None
    if pa.types.is_date(merged.type):
        merged = merged.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(merged.type):
        seconds = np.asarray(merged.cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64(), safe=False)) / 1e6
    elif pa.types.is_integer(merged.type) or pa.types.is_floating(merged.type) or pa.types.is_decimal(merged.type):
        seconds = np.asarray(merged.cast(pa.float64(), safe=False), np.float64)
    else:
        raise InputError(f"{name}: the {what} is {kind}, not a number or a time. Leave the column out, or convert it.")
    wrong = np.flatnonzero(~np.isfinite(seconds))
    if merged.null_count or len(wrong):
        row = int(wrong[0]) if len(wrong) else int(np.flatnonzero(np.asarray(pc.is_null(merged)))[0])
        raise InputError(f"{name}, row {row + 1:,}: the {what} is missing. Drop such rows first.")
    return seconds


def _as_text(values: Any, what: str, name: str) -> list[str]:
    """Distinct ids as str; whole floats without their point, as they were before some table had a gap."""
    kind = values.type
    if pa.types.is_floating(kind):
        floats = np.asarray(values, np.float64)
        if not (np.isfinite(floats).all() and (floats == np.floor(floats)).all() and (abs(floats) < _WHOLE).all()):
            raise InputError(f"{name}: the {what} holds {kind} that are no whole numbers. Ids are text or whole.")
        return [str(int(value)) for value in floats.tolist()]
    try:
        texts: list[str] = values.cast(pa.large_string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise _no_ids(kind, what, name) from None
    return texts


def _no_ids(kind: Any, what: str, name: str) -> InputError:
    return InputError(f"{name}: the {what} is {kind}. Ids are text or whole numbers: convert the column.")


def _combined(column: Any) -> Any:
    """A chunked column as one array; its dictionaries as one."""
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries()
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _named(table: Any, roles: Mapping[str, str]) -> Any:
    return pa.table({role: table.column(column) for role, column in roles.items()})


def _is_tsv(path: str) -> bool:
    for packed in (".gz", ".bz2", ".xz", ".zst"):
        path = path.removesuffix(packed)
    return path.lower().endswith(".tsv")


def _of_parquet(file: File, wanted: Sequence[Column]) -> Any:
    from pyarrow import parquet

    name = repr(file.path)
    try:
        with parquet.ParquetFile(file.path) as opened:
            header = [column for column in opened.schema_arrow.names if not column.startswith("__index_level_")]
            roles = chosen(name, header, wanted) if wanted else dict(zip(header, header, strict=True))
            return _named(opened.read(columns=[*roles.values()], use_threads=False), roles)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFileError(f"{name}: damaged, or no parquet file ({error}).") from error


def _of_csv(opened: stream.Stream, kind: str, wanted: Sequence[Column]) -> Any:
    import csv

    from pyarrow import csv as arrow_csv

    mark, quote = ("\t", False) if kind == "tsv" else (",", '"')
    quoting: Final = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    head = io.StringIO(str(opened.head, "utf-8", "replace"))
    header = next(csv.reader(head, delimiter=mark, quoting=quoting), None)
    if not header:
        raise InputError(f"{opened.name} is empty: a table begins with the names of its columns.")
    roles = chosen(opened.name, header, wanted) if wanted else dict(zip(header, header, strict=True))
    texts = {roles[column.role]: pa.dictionary(pa.int32(), pa.string()) for column in wanted if column.needed}
    try:
        with arrow_csv.open_csv(
            pa.PythonFile(opened, "r"),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=blocks.BLOCK),
            parse_options=arrow_csv.ParseOptions(delimiter=mark, quote_char=quote, newlines_in_values=bool(quote)),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[*roles.values()], column_types=texts, strings_can_be_null=False
            ),
        ) as reader:
            return _named(pa.Table.from_batches([*reader], reader.schema), roles)
    except pa.ArrowInvalid as error:
        raise InputError(f"{opened.name}: {error}. Mend the file, or name its kind with format=.") from error


def speaks_arrow(source: object) -> bool:
    """Whether a source is a data frame or another table of columns."""
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")
