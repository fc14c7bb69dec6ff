"""Files that know the size and the CRC32 of what was written into them, block by block."""

import errno
import io
import os
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats.json_text import is_whole
from firth.formats.signatures import Place

BLOCK = 4 << 20
"""Bytes under one CRC32: a damaged block is found without reading the rest."""


class Record(TypedDict):
    """What a file was when it was written."""

    size: int
    """Bytes."""

    crc32: list[str]
    """One for each 4 MB, eight hexadecimal digits; the last block may be shorter."""


class NewFile:
    """A file that is written once, from its start to its end, and is on the disk when the block ends.

    Raises FileExistsError where there is one already.
    """

    def __init__(self, path: Place) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        self._size, self._crc, self._done = 0, 0, list[str]()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        rest = memoryview(data).cast("B") if len(data) else memoryview(b"")
        while len(rest):
            written = os.write(self._descriptor, rest[: BLOCK - self._size % BLOCK])
            if not written:
                raise OSError(errno.EIO, "the system wrote nothing")
            self._crc = zlib.crc32(rest[:written], self._crc)
            self._size += written
            if self._size % BLOCK == 0:
                self._done.append(f"{self._crc:08x}")
                self._crc = 0
            rest = rest[written:]

    def stream(self) -> "Stream":
        """The same as a stream, for other libraries' writers."""
        return Stream(self)

    @property
    def record(self) -> Record:
        """Size and checksums of what has been written so far."""
        return Record(size=self._size, crc32=self._done + [f"{self._crc:08x}"] * (self._size % BLOCK > 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)


class Stream(io.RawIOBase):
    """What zipfile and Arrow write into: it knows its position and never goes back."""

    def __init__(self, file: NewFile) -> None:
        super().__init__()
        self._file, self._place = file, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self._file.write(view)
        self._place += len(view)
        return len(view)

    def tell(self) -> int:
        return self._place


def recorded(value: Any) -> Record:
    """A record as JSON has it. Raises ValueError for anything else."""
    match value:
        case {"size": size, "crc32": [*sums]} if len(value) == 2 and is_whole(size):
            if all(isinstance(each, str) for each in sums):
                return Record(size=size, crc32=sums)
    raise ValueError(f"{str(value)[:80]} is no size with checksums")


def check_size(path: Place, size: int, record: Record) -> None:
    """Raise CorruptFileError for a file that grew or shrank, or for a record that cannot be of any file."""
    saved, sums = record["size"], record["crc32"]
    if size != saved:
        how = f"was cut short at byte {size:,}" if size < saved else f"has bytes after byte {saved:,}"
        raise CorruptFileError(f"{path} {how}: {saved:,} bytes were saved. Copy it again from where it came.")
    if len(sums) != -(-size // BLOCK):
        raise CorruptFileError(f"{path}: {len(sums):,} checksums are not those of {size:,} bytes. Copy it again.")


def check_blocks(path: Place, data: NDArray[np.uint8], record: Record, end: int | None = None) -> None:
    """Compare each block that begins before byte `end` (all of them where None) with its CRC32.

    Raises CorruptFileError that names the block.
    """
    for start, expected in zip(_starts(len(data) if end is None else end), record["crc32"], strict=False):
        found = f"{zlib.crc32(data[start : start + BLOCK].data):08x}"
        if found != expected:
            stop = min(start + BLOCK, len(data))
            raise CorruptFileError(
                f"{path} is damaged between byte {start:,} and byte {stop:,} (checksum {found}, saved as {expected}). "
                "Copy it again from where it came."
            )


def _starts(end: int) -> Iterator[int]:
    return iter(range(0, end, BLOCK))
