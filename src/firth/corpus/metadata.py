"""Corpus stage: what is known of items beside who had them: a row for each item, its features as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth.corpus import records
from firth.corpus import source as sources
from firth.corpus.records import Column
from firth.errors import ConfigError, InputError

ITEM: Final = ("item_id", "item", "itemid", "product_id", "product", "movie_id", "movie", "track_id", "track")
"""What a column of items is often called."""
_SEVERAL: Final = "|"  # between several values in one cell, as MovieLens writes genres


@dataclass(frozen=True)
class Metadata:
    """Features of items.

    >>> made = Metadata.of(
    ...     {"Alien": {"genre": "horror|space", "year": 1979}, "Aliens": {"genre": "space", "old": True}}
    ... )
    >>> made.items, made.features
    (['Alien', 'Aliens'], ['genre=horror', 'genre=space', 'year=1979', 'old'])
    >>> made.numbers.tolist(), made.offsets.tolist()
    ([0, 1, 2, 1, 3], [0, 3, 5])
    """

    items: list[str]
    features: list[str]
    """Distinct ones: "genre=horror"; of a yes or no the name alone."""
    offsets: npt.NDArray[np.int64]
    """i8[items + 1], where each item's features begin."""
    numbers: npt.NDArray[np.int32]
    """i4[·], numbers of features."""

    @classmethod
    def of(cls, given: Any, item: str | None = None) -> "Metadata":
        """Read a CSV, TSV or parquet file, a data frame, or {item: {name: value}}.

        A cell may hold several values, in a list or apart by "|". A column of yes and no, or of 0 and 1 alone, gives a
        feature where it is yes; whole numbers and text give "column=value"; what is missing gives none.

        item  the column with the id of the item; None, or not there: one of the usual names

        Raises ConfigError where that is not there, InputError for an item that comes twice or numbers with a fraction.
        """
        if isinstance(given, Metadata):
            return given
        if isinstance(given, Mapping):
            return cls._of_rows({str(key): _checked(key, row) for key, row in given.items()})
        if records.speaks_arrow(given):
            name, table = f"the {type(given).__name__}", records.whole_frame(given)
        elif isinstance(given, str | PathLike):
            (file, *more) = sources.find(given)
            if more:
                raise InputError(f"{given!r} names {len(more) + 1} files; metadata is one table.")
            name, table = repr(file.path), records.whole_file(file)
        else:
            raise InputError(
                f"metadata is a file, a data frame, or a dict {{item: {{name: value}}}}; not a {type(given).__name__}."
            )
        wanted = Column("item", item if item in table.column_names else None, ITEM)
        column = records.chosen(name, table.column_names, [wanted])["item"]
        items, numbers = records.ids(table.column(column), "item", name)
        if len(items) < len(numbers):
            twice = items[int(np.argmax(np.bincount(numbers)))]
            raise InputError(f"{name}: the item {twice!r} has several rows of metadata. Give one row for each item.")
        rows: list[dict[str, Any]] = [{} for _ in items]
        for other in table.column_names:
            if other != column:
                for row, value in zip(rows, _values(table.column(other), other, name), strict=True):
                    row[other] = value
        return cls._of_rows(dict(zip(items, rows, strict=True)))

    @classmethod
    def _of_rows(cls, rows: Mapping[str, Mapping[str, Any]]) -> "Metadata":
        ids: dict[str, int] = {}
        numbers: list[int] = []
        ends = [0]
        for row in rows.values():
            own = dict.fromkeys(text for name, value in row.items() for text in _texts(name, value))
            numbers += [ids.setdefault(text, len(ids)) for text in own]
            ends.append(len(numbers))
        return cls([*rows], [*ids], np.array(ends, np.int64), np.array(numbers, np.int32))

    def __len__(self) -> int:
        return len(self.items)


def _checked(key: object, row: object) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise InputError(f"The metadata of {key!r:.60} is {row!r:.60}, not a dict {{name: value}}.")
    return row


def _values(column: Any, column_name: str, name: str) -> Sequence[Any]:
    """The values of a column; of one of 0 and 1 alone as False and True."""
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        floats = np.asarray(column.cast(pa.float64(), safe=False), np.float64)
        known = floats[np.isfinite(floats)]
        if (known != np.floor(known)).any():
            raise InputError(
                f"{name}: {column_name!r} holds numbers with a fraction. Bin them first, or drop the column."
            )
        values: list[Any] = [int(value) if np.isfinite(value) else None for value in floats.tolist()]
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        values = column.to_pylist()
    else:
        try:
            values = column.to_pylist() if pa.types.is_nested(kind) else pc.cast(column, pa.large_string()).to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InputError(
                f"{name}: {column_name!r} is {kind}. Features are text, whole numbers, yes or no."
            ) from None
        return values
    if {*values} <= {0, 1, None}:
        return [None if value is None else bool(value) for value in values]
    return values


def _texts(name: str, value: Any) -> list[str]:
    """The features that a cell gives."""
    if value is None or value is False or value != value:
        return []
    if value is True:
        return [name]
    if isinstance(value, list | tuple | set | np.ndarray):
        return [text for each in value for text in _texts(name, each)]
    if isinstance(value, str):
        return [f"{name}={part}" for each in value.split(_SEVERAL) if (part := each.strip())]
    if isinstance(value, int | np.integer):
        return [f"{name}={int(value)}"]
    raise ConfigError(f"The feature {name}={value!r:.40} is a {type(value).__name__}: text, whole numbers, yes or no.")
