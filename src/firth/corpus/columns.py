"""Corpus stage: the column of text in JSON lines, CSV, parquet files and data frames, as Arrow arrays."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth.config import did_you_mean
from firth.corpus import blocks
from firth.corpus.source import File
from firth.corpus.stream import Stream
from firth.errors import ConfigError, CorruptFileError, InputError

_DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_LONGEST_RECORD: Final = 1 << 28  # bytes of one JSON line


def of_csv(stream: Stream, kind: str, field: str | None) -> Iterator[Any]:
    """The column of a CSV file (quoted cells may hold commas and newlines) or of a TSV file (a quote is a character).

    Raises ConfigError for a column that is not there, InputError for a row of another length.
    """
    delimiter, quote = _DELIMITERS[kind], '"' if kind == "csv" else False
    quoting: Final = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    head = io.StringIO(str(stream.head, "utf-8", "replace"))
    header = next(csv.reader(head, delimiter=delimiter, quoting=quoting), None)
    if header is None:
        return
    column = _chosen(stream.name, header, header, field)
    from pyarrow import csv as arrow_csv

    try:
        yield from (
            batch.column(0)
            for batch in arrow_csv.open_csv(
                pa.PythonFile(stream, "r"),
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=blocks.BLOCK),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=delimiter, quote_char=quote, newlines_in_values=bool(quote)
                ),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=[column], column_types={column: pa.binary()}, strings_can_be_null=False
                ),
            )
        )
    except pa.ArrowInvalid as error:
        if "straddl" in str(error):
            error = pa.ArrowInvalid(f"a row is longer than {blocks.BLOCK:,} bytes, or a quote is never closed")
        raise InputError(f"{stream.name}: {error}. Mend the file, or name its kind with format=.") from error


def of_json_lines(stream: Stream, field: str | None) -> Iterator[Any]:
    """The field of every JSON object, one a line; null or missing ones are skipped.

    Raises ConfigError for a field that is not there, InputError naming the line for what is no such object.
    """
    column: str | None = None
    lines_before = 0
    for lines in _whole_lines(stream):
        if column is None:
            column, kind = _json_column(stream, lines, field)
        try:
            yield _parsed(lines, column, kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            line = lines_before + _line_of(lines, str(error))
            raise InputError(
                f"{stream.name}, line {line:,}: {error}. Every line must be one JSON object with "
                f"{'a list of str' if pa.types.is_list(kind) else 'text'} (or null) in {column!r}."
            ) from None
        lines_before += lines.count(b"\n")


def of_parquet(file: File, field: str | None) -> Iterator[Any]:
    """The column of a parquet file. Raises ConfigError for its name, CorruptFileError for a damaged file."""
    from pyarrow import parquet

    name = repr(file.path)
    try:
        with parquet.ParquetFile(file.path) as table:
            column = _of_schema(name, table.schema_arrow, field)
            for batch in table.iter_batches(batch_size=4096, columns=[column], use_threads=False):
                yield batch.column(0)
    except (pa.ArrowInvalid, OSError) as error:
        raise CorruptFileError(f"{name}: damaged, or no parquet file ({error}).") from error


def of_frame(frame: Any, field: str | None) -> Iterator[Any]:
    """The column of what speaks Arrow's PyCapsule interface (pandas, polars, duckdb, pyarrow), or the series itself."""
    name = f"the {type(frame).__name__}"
    if not hasattr(frame, "__arrow_c_stream__"):
        frame = pa.chunked_array([pa.array(frame)])
    try:
        reader = pa.RecordBatchReader.from_stream(frame)
    except pa.ArrowInvalid:  # no struct: a series
        if field is not None:
            raise ConfigError(f"field={field!r} names a column, but {name} is one column. Leave it out.") from None
        series = pa.chunked_array(frame)
        _check_is_text(name, "its values", series.type)
        yield from series.chunks
        return
    column = _of_schema(name, reader.schema, field)
    for batch in reader:
        yield batch.column(column)


def joined(arrays: Iterable[Any]) -> Iterator[bytes]:
    """Rows of text as lines: each followed by a newline; nulls left out."""
    for array in arrays:
        rows = array.cast(pa.large_string() if _is_str(array.type) else pa.large_binary()).drop_null()
        offsets, data = _buffers(rows)
        first = 0
        while first < len(rows):  # as many rows as make a block, at least one
            last = int(np.searchsorted(offsets, offsets[first] + blocks.BLOCK, "right")) - 1
            last = max(first + 1, min(last, len(rows)))
            if offsets[last] - offsets[first] > blocks.BLOCK:  # one row, longer than a block
                for at in range(offsets[first], offsets[last], blocks.BLOCK):
                    yield bytes(data[at : min(at + blocks.BLOCK, offsets[last])])
                yield b"\n"
            else:
                some = rows.slice(first, last - first).cast(pa.large_binary()).cast(pa.binary())
                line = pc.binary_join(pa.ListArray.from_arrays([0, len(some)], some), b"\n")
                yield line[0].as_buffer().to_pybytes() + b"\n"
            first = last


def token_blocks(arrays: Iterable[Any], name: str) -> Iterator[blocks.TokenBlock]:
    """Rows that are lists of words; null rows and null words left out."""
    done = 0
    for array in arrays:
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        tokens, ends = array.flatten(), np.cumsum(lengths, dtype=np.int64)
        small = pa.string() if _is_str(tokens.type) else pa.binary()
        for block in sliced(tokens, ends):
            some = pc.fill_null(block[0].cast(small), "")
            done += some.nbytes
            yield blocks.TokenBlock(some, block[1], name, done)


def sliced(tokens: Any, ends: npt.NDArray[np.int64]) -> Iterator[tuple[Any, npt.NDArray[np.int64]]]:
    """Tokens and the ends of their sentences, in slices of about a million."""
    for at in range(0, len(tokens), blocks.TOKENS):
        some = tokens[at : at + blocks.TOKENS]
        inside = ends[np.searchsorted(ends, at, "right") : np.searchsorted(ends, at + len(some), "right")]
        yield some, inside - at


def are_lists(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_str(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_str(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    return _is_str(kind) or _is_bytes(kind) or (are_lists(kind) and _is_str(kind.value_type))


def _check_is_text(name: str, column: str, kind: Any) -> None:
    if not _is_text(kind):
        raise InputError(f"{name}: {column} are {kind}, not text or lists of words. Turn them into str first.")


def _of_schema(name: str, schema: Any, field: str | None) -> str:
    columns = [column for column in schema.names if not column.startswith("__index_level_")]
    texts = [column for column in columns if _is_text(schema.field(column).type)]
    column = _chosen(name, columns, texts, field)
    _check_is_text(name, f"the values of {column!r}", schema.field(column).type)
    return column


def _chosen(name: str, columns: Sequence[str], texts: Sequence[str], field: str | None) -> str:
    """The column to read: `field`, else the only one with text, else the one called 'text'."""
    if field is not None:
        if field not in columns:
            raise ConfigError(f"{name} has no column {field!r}.{did_you_mean(field, columns)}")
        return field
    if len(texts) == 1:
        return texts[0]
    if "text" in texts:
        return "text"
    if not texts:
        raise InputError(f"{name} has no column of text; its columns: {', '.join(map(repr, columns))}.")
    shown = ", ".join(map(repr, texts))
    raise ConfigError(f"{name} has several columns of text: {shown}. Say which: field={texts[0]!r}.")


def _buffers(rows: Any) -> tuple[npt.NDArray[np.int64], memoryview]:
    """Offsets and bytes of a large_string or large_binary array."""
    _, offsets, data = rows.buffers()
    if offsets is None or len(rows) == 0:
        return np.zeros(1, np.int64), memoryview(b"")
    return np.frombuffer(offsets, np.int64, len(rows) + 1, 8 * rows.offset), memoryview(data or b"")


def _whole_lines(stream: Stream) -> Iterator[bytes]:
    """The stream in parts that end with a line."""
    carried = b""
    while part := stream.read(blocks.BLOCK):
        data = carried + part
        end = data.rfind(b"\n") + 1
        carried = data[end:]
        if end:
            yield data[:end]
        elif len(carried) > _LONGEST_RECORD:
            raise InputError(f"{stream.name}: a line is longer than {_LONGEST_RECORD:,} bytes. Give one object a line.")
    if carried.strip():
        yield carried + b"\n"


def _json_column(stream: Stream, lines: bytes, field: str | None) -> tuple[str, Any]:
    """The field to read and its Arrow type, as the first records have it."""
    seen: dict[str, Any] = {}
    for number, line in enumerate(lines.splitlines()[:1000], 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode("utf-8", "replace"))
        except ValueError as error:
            raise InputError(f"{stream.name}, line {number}: not a JSON object ({error}).") from None
        if not isinstance(record, dict):
            raise InputError(
                f"{stream.name}, line {number}: a JSON {type(record).__name__}, not an object. Expected lines such as "
                '{"text": "…"}.'
            )
        seen.update((key, value) for key, value in record.items() if seen.get(key) is None)
        if field is None or seen.get(field) is not None:
            break
    texts = [key for key, value in seen.items() if isinstance(value, str) or _is_word_list(value)]
    column = _chosen(stream.name, list(seen), texts, field)
    return column, pa.list_(pa.binary()) if isinstance(seen[column], list) else pa.binary()


def _is_word_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _parsed(lines: bytes, column: str, kind: Any) -> Any:
    from pyarrow import json as arrow_json

    table = arrow_json.read_json(
        pa.BufferReader(lines),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=pa.schema([(column, kind)]), unexpected_field_behavior="ignore"
        ),
    )
    return table.column(0).combine_chunks()


def _line_of(lines: bytes, message: str) -> int:
    """The line, from 1, of the row that an error of Arrow names; Arrow does not count blank lines."""
    row = re.search(r"in row (\d+)", message)
    filled = [number for number, line in enumerate(lines.split(b"\n"), 1) if line.strip()]
    return filled[min(int(row[1]), len(filled) - 1)] if row and filled else 1
