"""Rows as a reader finds them, the bad ones among them, and the table they make."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, CorruptFileError, EncodingError, InputError
from firth.formats.signatures import Place
from firth.vectors.table import Vectors

LONGEST_KEY = 1 << 15
"""Bytes. A longer one is a file that is not what it says; and the first must end where a file is recognised."""

LARGEST_DIM = 1 << 20

Errors = Literal["strict", "replace", "ignore"]


@dataclass
class Found:
    """What has been read of a file of rows.

    strict  the first bad row raises; else bad rows are left out, counted, and told of in one warning
    errors  what to do with a key that is not UTF-8: "strict" raises, "replace" puts U+FFFD, "ignore" drops the bytes
    unit    what a place is: "line" or "byte"
    """

    path: Place
    dim: int
    unit: str
    strict: bool = True
    errors: Errors = "strict"
    keys: list[bytes] = field(default_factory=list)
    blocks: list[NDArray[np.float32]] = field(default_factory=list)
    places: list[Sequence[int]] = field(default_factory=list)
    skipped: int = 0
    first: str = ""

    def __post_init__(self) -> None:
        if self.errors not in get_args(Errors):
            raise ConfigError(f"errors must be one of {', '.join(get_args(Errors))}, not {self.errors!r}.")

    def add(self, keys: list[bytes], block: NDArray[np.float32], places: Sequence[int]) -> None:
        """Take k good rows: their keys, f4[k, dim], and where each began."""
        self.keys += keys
        self.blocks.append(block)
        self.places.append(places)

    def bad(self, place: int, what: str, rows: int = 1) -> None:
        """Rows that cannot be used, or none and yet a fault: raise CorruptFileError if strict, else count them."""
        where = f"{self.unit} {place:,}: {what}"
        if self.strict:
            raise CorruptFileError(f"{self.path}, {where}. (strict=False reads what can be read.)")
        self.skipped += rows
        self.first = self.first or where

    def finish(self, declared: int | None = None) -> Vectors:
        """The table. `declared`: the number of rows that the file's header promised."""
        rows = len(self.keys)
        if declared is not None and declared != rows + self.skipped:
            last = self.places[-1][-1] if rows else 0
            self.bad(last, f"the last of {rows:,} rows begins here, and the header promised {declared:,}", rows=0)
        keys = self._decoded()
        keep = self._distinct(keys)
        array = self._gathered()
        if len(keep) < rows:
            keys, array = [keys[row] for row in keep], array[keep]
        if self.first:
            if not keys:
                raise CorruptFileError(f"{self.path}: none of its rows can be used. The first fault: {self.first}.")
            told = f"{self.path}: {self.skipped:,} rows left out. The first fault: {self.first}."
            warnings.warn(told, stacklevel=7)  # the line that calls firth.load
        try:
            return Vectors(keys, array)
        except InputError as error:  # a row whose length float32 cannot hold
            raise CorruptFileError(f"{self.path}: {error}") from error

    def _decoded(self) -> list[str]:
        try:
            return [key.decode("utf-8", self.errors) for key in self.keys]
        except UnicodeDecodeError as error:
            place = self._place(self.keys.index(error.object))
            raise EncodingError(
                f"{self.path}, {self.unit} {place:,}: the key {error.object[:80]!r} is not UTF-8. "
                "Pass errors='replace' (or 'ignore') to read it as far as it goes."
            ) from None

    def _distinct(self, keys: list[str]) -> list[int]:
        """The rows whose key was not there before."""
        if len(set(keys)) == len(keys):
            return list(range(len(keys)))
        before: dict[str, int] = {}
        for row, key in enumerate(keys):
            if before.setdefault(key, row) != row:
                self.bad(
                    self._place(row),
                    f"key {key[:80]!r} is there twice, first at {self.unit} {self._place(before[key]):,}",
                )
        return list(before.values())

    def _place(self, row: int) -> int:
        for places in self.places:
            if row < len(places):
                return places[row]
            row -= len(places)
        raise IndexError(row)

    def _gathered(self) -> NDArray[np.float32]:
        """All blocks as one; each goes as it is copied, so memory is one table and one block."""
        array = np.empty((len(self.keys), self.dim), np.float32)
        end = len(array)
        while self.blocks:
            block = self.blocks.pop()
            array[end - len(block) : end] = block
            end -= len(block)
        return array
