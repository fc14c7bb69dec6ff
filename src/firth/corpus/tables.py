"""Tables: their columns as categories, whatever they are made of: frames, arrays, lists, CSV and parquet files.

A value is known by its text, so that 1, 1.0 and "1" are one level: a column of whole numbers turns into one of floats
as soon as a value is missing. None, NaN, NaT and NA are missing values.
"""

import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from firth.errors import InputError, MissingInputError

I4 = npt.NDArray[np.int32]
MISSING = -1
"""The code of a missing value."""


class Column(NamedTuple):
    """A column of a table: `keys[codes[i]]` is the value of row i."""

    codes: I4
    """i4[rows], -1 for a missing value."""
    keys: list[str]
    """The distinct values as text, in any order."""


class Table(NamedTuple):
    """A table that can be asked for its columns."""

    names: list[str] | None
    """None for arrays, whose columns have none; a frame's where all of them are text."""
    rows: int
    columns: list[Any]
    """Arrays of Arrow or numpy, series: what `column` takes."""


def of(source: Any) -> Table:
    """The columns of a frame (pandas, polars, Arrow, …), of a two-dimensional array, or of a list of rows.

    Raises InputError for what has no columns: one dimension, more than two, sparse or complex numbers, rows of unequal
    lengths.
    """
    if hasattr(source, "toarray") and hasattr(source, "nnz"):
        raise InputError(
            "The table is sparse, and sparse tables are not supported: their columns are numbers, not categories."
        )
    if hasattr(source, "iloc") and hasattr(source, "columns"):  # pandas: its columns may mix types, which Arrow refuses
        columns = [source.iloc[:, place] for place in range(len(source.columns))]
        return Table(_names(list(source.columns)), len(source), columns)
    if hasattr(source, "__arrow_c_stream__") or isinstance(source, pa.Table):
        table = pa.table(source)
        if not isinstance(source, pa.Table) and table.num_columns == 0:
            raise InputError(_no_columns(table.num_rows))
        return Table(_names(table.column_names), table.num_rows, table.columns)
    array = _array(source)
    return Table(None, len(array), list(array.T))


def column(values: Any) -> Column:
    """The distinct values of a column, and which of them each row has."""
    array = _arrow(values)
    if array is None:  # of mixed types: one by one
        array = pa.array([_key(value) for value in values], pa.large_string())
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    encoded = array.dictionary_encode()
    found = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False).astype(np.int32)
    texts = [_key(value) for value in encoded.dictionary.to_pylist()]
    keys: dict[str, int] = {}
    of_text = [MISSING if text is None else keys.setdefault(text, len(keys)) for text in texts]
    codes = np.array([*of_text, MISSING], np.int32)[found]
    return Column(codes, list(keys))


def read(path: str | os.PathLike[str]) -> Any:
    """A CSV, TSV or parquet file as an Arrow table; in CSV and TSV every cell is text, and an empty one is missing.

    Raises MissingInputError, InputError for a file that is none of them.
    """
    import pyarrow.csv
    import pyarrow.parquet

    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            head = file.read(1 << 16)
    except FileNotFoundError:
        raise MissingInputError(f"There is no file {name!r}.") from None
    if not head:
        raise InputError(f"{name} is empty: there is no table in it.")
    try:
        if head.startswith(b"PAR1"):
            return pyarrow.parquet.read_table(name, use_threads=False)
        first = head.split(b"\n", 1)[0]
        parsing = pyarrow.csv.ParseOptions(delimiter="\t" if first.count(b"\t") > first.count(b",") else ",")
        names = pyarrow.csv.open_csv(name, parse_options=parsing).schema.names
        if len(set(names)) != len(names):
            raise InputError(f"{name} has two columns of one name: {', '.join(names)}.")
        converting = pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()),
            strings_can_be_null=True,
            null_values=["", "NA", "NaN"],
        )
        return pyarrow.csv.read_csv(name, parse_options=parsing, convert_options=converting)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{name}: {error}. A table is a CSV or TSV file with a header, or a parquet file.") from None


def is_of_numbers(values: Any) -> bool:
    """Whether every value of a column, as text, is a number."""
    return all(_is_number(key) for key in column(values).keys)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _names(names: Sequence[Any]) -> list[str] | None:
    return [str(name) for name in names] if all(isinstance(name, str) for name in names) else None


def _array(source: Any) -> npt.NDArray[Any]:
    array = np.asarray(source if hasattr(source, "__array__") else _listed(source))
    if array.dtype.kind == "c":
        raise InputError("Complex data not supported: a column holds categories or numbers.")
    if array.ndim != 2:
        raise InputError(
            f"Expected 2D array, got {array.ndim}D array instead: a table has rows and columns. Reshape your data: "
            "array.reshape(-1, 1) for one column, array.reshape(1, -1) for one row."
        )
    if not array.shape[1]:
        raise InputError(_no_columns(len(array)))
    return array


def _listed(source: Any) -> Any:
    """A list of rows of mixed types as objects: numpy would turn [[1, "a"]] into text, and None into "None"."""
    if not isinstance(source, list | tuple) or not any(isinstance(row, list | tuple) for row in source):
        return source
    sizes = {len(row) if isinstance(row, list | tuple) else 0 for row in source}
    if len(sizes) > 1:
        raise InputError(f"The rows of the table differ in length: from {min(sizes)} to {max(sizes)} values.")
    found = np.empty((len(source), sizes.pop()), dtype=object)
    for place, row in enumerate(source):
        found[place] = row
    return found


def _no_columns(rows: int) -> str:
    return f"Found array with 0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required."


def _arrow(values: Any) -> Any:
    """A column as one Arrow array; None for one of mixed types."""
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    if isinstance(values, np.ndarray) and values.dtype.kind in "US":
        values = values.astype(object)
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError):
        return None
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    return None if pa.types.is_nested(found.type) or pa.types.is_null(found.type) else found


def _key(value: Any) -> str | None:
    """A value as text; None for a missing one."""
    if value is None or value != value or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)
