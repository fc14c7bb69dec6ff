"""The levels of a table's columns: which values each has, and the row of the look-up table that each value gets."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from firth.corpus import tables

I4 = npt.NDArray[np.int32]

UNSEEN, MISSING = "<unseen>", "<missing>"


class Levels:
    """The values of one column that have rows of their own; two more rows are those of unseen and of missing values.

    keys    by count, the largest first, then by key
    counts  i8[levels]
    """

    def __init__(self, keys: Sequence[str], counts: npt.NDArray[np.int64]) -> None:
        self.keys = list(keys)
        self.counts = counts

    @classmethod
    def of(cls, column: tables.Column, min_count: int) -> "Levels":
        """The values that come `min_count` times or more."""
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.keys))
        order = sorted(np.flatnonzero(counts >= min_count).tolist(), key=lambda key: (-counts[key], column.keys[key]))
        return cls([column.keys[key] for key in order], counts[order].astype(np.int64))

    @property
    def rows(self) -> int:
        """Rows of the look-up table."""
        return len(self.keys) + 2

    @cached_property
    def ids(self) -> dict[str, int]:
        """Key → row."""
        return dict(zip(self.keys, range(len(self.keys)), strict=True))

    def encode(self, column: tables.Column) -> I4:
        """i4[rows of the table], the row of each value."""
        unseen = len(self.keys)
        rows = [self.ids.get(key, unseen) for key in column.keys]
        return np.array([*rows, unseen + 1], np.int32)[column.codes]  # -1 is the last

    def names(self) -> list[str]:
        """A name for every row; those of the last two are no level's."""
        names = list(self.keys)
        for special in (UNSEEN, MISSING):
            while special in self.ids:
                special = f"<{special}>"  # noqa: PLW2901
            names.append(special)
        return names


class Coded(NamedTuple):
    """A table in rows of look-up tables."""

    levels: list[Levels]
    codes: I4
    """i4[rows, columns]."""


def coded(table: tables.Table, min_count: int) -> Coded:
    """The levels of every column, and the table in them."""
    columns = [tables.column(values) for values in table.columns]
    levels = [Levels.of(column, min_count) for column in columns]
    codes = [each.encode(column) for each, column in zip(levels, columns, strict=True)]
    return Coded(levels, np.stack(codes, 1) if table.rows else np.zeros((0, len(codes)), np.int32))
