"""The cells of a co-occurrence matrix, row after row: in memory, or in temporary files where that is not enough.

The files have no name where the system can do without (they vanish with the process, whatever happens to it).
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import DiskFullError

Columns = npt.NDArray[np.int32]
Values = npt.NDArray[Any]
Lengths = npt.NDArray[np.int64]

_AT_ONCE = 1 << 20  # cells of a part that is read from a file, about


class Part(NamedTuple):
    """Some rows."""

    first: int
    """The first row."""
    lengths: Lengths
    """i8[rows], cells of each."""
    columns: Columns
    """i4[cells], ascending in each row."""
    values: Values
    """f4[cells] or f8[cells], none is zero."""


class Cells:
    """A matrix of `rows` rows whose cells are appended in the order of the rows.

    most    bytes that may stay in memory; what is beyond goes to files, with all that came before
    """

    def __init__(self, rows: int, dtype: Any, most: int) -> None:
        self.lengths = np.zeros(rows, np.int64)
        self.dtype = np.dtype(dtype)
        self._most = most
        self._parts: list[Part] = []
        self._files: list[Any] | None = None

    def __len__(self) -> int:
        return int(self.lengths.sum())

    @property
    def is_on_disk(self) -> bool:
        return self._files is not None

    def append(self, part: Part, share: float = 1.0) -> None:
        """Take in the next rows. `share`: of all there will be, about so much is there then; for the check of the disk.

        Raises DiskFullError.
        """
        self.lengths[part.first : part.first + len(part.lengths)] = part.lengths
        if self._files is None:
            self._parts.append(part)
            size = len(self) * (4 + self.dtype.itemsize)
            if size > self._most:
                self._move_to_disk(int(size / max(share, 1e-3)))
        else:
            self._write(part)

    def parts(self) -> Iterator[Part]:
        """All rows, in order."""
        if self._files is None:
            yield from self._parts
            return
        ends = np.cumsum(self.lengths)
        first = 0
        while first < len(ends):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + _AT_ONCE, "right")))
            yield self.rows(first, last)
            first = last

    def rows(self, first: int, last: int) -> Part:
        """Some rows of a matrix that is on disk."""
        start = int(self.lengths[:first].sum())
        lengths = self.lengths[first:last]
        columns, values = self._mapped()
        stop = start + int(lengths.sum())
        return Part(first, lengths, columns[start:stop], values[start:stop])

    def move_to_disk(self) -> None:
        """Let go of the memory."""
        if self._files is None:
            self._move_to_disk(len(self) * (4 + self.dtype.itemsize))

    def _move_to_disk(self, needed: int) -> None:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise DiskFullError(
                f"The co-occurrences need about {needed:,} bytes of disk, and {folder!r} has {free:,} free. "
                "Set TMPDIR to a larger disk, allow more memory, or raise min_count."
            )
        self._files = [tempfile.TemporaryFile(prefix="firth-", buffering=0) for _ in range(2)]  # noqa: SIM115
        parts, self._parts = self._parts, []
        for part in parts:
            self._write(part)

    def _write(self, part: Part) -> None:
        assert self._files is not None
        try:
            for file, array in zip(self._files, (part.columns, part.values), strict=True):
                view = memoryview(np.ascontiguousarray(array).view(np.uint8).data)
                while view:
                    view = view[file.write(view) :]
        except OSError as error:
            raise _disk_error(error) from error

    def _mapped(self) -> tuple[Columns, Values]:
        assert self._files is not None
        found = []
        for file, dtype in zip(self._files, (np.dtype(np.int32), self.dtype), strict=True):
            size = os.fstat(file.fileno()).st_size
            found.append(np.memmap(file, dtype, "r") if size else np.zeros(0, dtype))
        return found[0], found[1]


def scratch_array(shape: int, dtype: Any, most: int) -> npt.NDArray[Any]:
    """Zeros, in memory where they take `most` bytes or less, else in a temporary file. Raises DiskFullError."""
    size = shape * np.dtype(dtype).itemsize
    if size <= most:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="firth-") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a hole that cannot be filled later would be a crash
            return np.memmap(file, dtype, "r+", shape=(shape,))
    except OSError as error:
        raise _disk_error(error) from error


def _disk_error(error: OSError) -> OSError:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return DiskFullError(
        f"The disk under {tempfile.gettempdir()!r} is full: co-occurrences that do not fit the memory go there. "
        "Set TMPDIR to a larger disk, allow more memory, or raise min_count."
    )
