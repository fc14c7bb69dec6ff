"""The files inside a model's folder: plain ones alone, by no link, and never waited for."""

import os
import stat
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, MissingInputError
from firth.formats.json_text import parse
from firth.formats.signatures import Place

LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
"""What file browsers leave in any folder."""

_LARGEST_JSON = 1 << 26  # a file that is read whole; checksums of a terabyte take 3 MB


def open_plain(path: Place) -> int:
    """Open a plain file, by no link, without waiting (as a FIFO would have us do)."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        raise MissingInputError(f"{path} is missing from the model. Copy it again from where it came.") from None
    if stat.S_ISLNK(kind):
        raise FormatError(f"{path} is a symbolic link, not followed inside a model. Put the file itself there (cp -L).")
    if not stat.S_ISREG(kind):
        raise FormatError(f"{path} is not a plain file. Put the file itself there.")
    flags = os.O_RDONLY
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # not every system has them all
        flags |= getattr(os, name, 0)
    return os.open(path, flags)


def read_small(path: Place, most: int = _LARGEST_JSON) -> bytes:
    """All of a file of at most `most` bytes. Raises CorruptFileError for a longer one."""
    with open(open_plain(path), "rb") as file:
        if os.fstat(file.fileno()).st_size > most:
            raise CorruptFileError(f"{path} is longer than {most:,} bytes: it is not what it should be.")
        return file.read()


def read_json(path: Place, most: int = _LARGEST_JSON) -> Any:
    """The value of a JSON file. Raises CorruptFileError for what is none."""
    try:
        return parse(read_small(path, most))
    except ValueError as error:
        if isinstance(error, CorruptFileError):
            raise
        raise CorruptFileError(
            f"{path} cannot be read: {str(error)[:200]}. Copy it again from where it came."
        ) from None


def mapped(path: Place, check: Callable[[int], None] | None = None) -> NDArray[np.uint8]:
    """A file as bytes in memory that come from the disk when they are used; `check` is given its size first."""
    with open(open_plain(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if check is not None:
            check(size)
        return np.memmap(file, np.uint8, mode="r") if size else np.empty(0, np.uint8)
