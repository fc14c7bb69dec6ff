"""What word2vec's two files share: their first line `rows dim`, what they can hold, and how they are told apart."""

import os
import re
from typing import Any, BinaryIO, Literal

import numpy as np

from firth.errors import CorruptFileError, FormatError
from firth.formats.rows import LARGEST_DIM, LONGEST_KEY
from firth.formats.signatures import Place, looks_like
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*(-?\d{1,20})[ \t]+(-?\d{1,20})[ \t]*\r?\n")
_LONGEST_HEADER = 128
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")


def kind(head: bytes) -> Literal["text", "binary"] | None:
    """Which of word2vec's two files this is, from its first kilobytes; None where it has no header line.

    >>> kind(b"2 3\\noak 1 0.5 -2\\nelm 0 0 1\\n")
    'text'
    """
    header = _HEADER.match(head)
    if header is None:
        return None
    rest = head[header.end() :]
    line, newline, _ = rest.partition(b"\n")
    numbers = line.split()[1:]
    if not newline:
        numbers = numbers[:-1]  # the head may cut the last one
    if numbers and all(map(_is_number, numbers)) and (not newline or len(numbers) == int(header[2])):
        return "text"
    if _is_whole_binary(rest, int(header[1]), int(header[2])):
        return "binary"  # of a few rows, whose numbers may happen to be printable
    try:
        rest[: rest.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return "binary"
    return "binary" if _CONTROL.search(rest) else "text"


def cut(block: bytes, width: int, most: int) -> tuple[list[bytes], list[int], int]:
    """The keys of the rows that lie whole in a block, where their numbers begin, and where the last row ends."""
    keys: list[bytes] = []
    starts: list[int] = []
    end = 0
    while len(keys) < most:
        begin = end
        while block[begin : begin + 1] == b"\n":
            begin += 1
        blank = block.find(b" ", begin, begin + LONGEST_KEY + 1)
        if blank < 0 or blank + 1 + width > len(block):
            break
        keys.append(block[begin:blank])
        starts.append(blank + 1)
        end = blank + 1 + width
    return keys, starts, end


def _is_whole_binary(rest: bytes, rows: int, dim: int) -> bool:
    """Whether a small file ends where so many binary rows do."""
    if rows < 1 or dim < 1:
        return False
    keys, _, end = cut(rest, 4 * dim, rows)
    return len(keys) == rows and not rest[end:].strip(b"\n")


def _is_number(token: bytes) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def describe(path: Place) -> dict[str, Any]:
    """Rows and dim as the header says, and the file's size."""
    with open(path, "rb") as file:
        rows, dim = read_header(path, file)
    return {"rows": rows, "dim": dim, "bytes": os.path.getsize(path)}


def read_header(path: Place, file: BinaryIO) -> tuple[int, int]:
    """(rows, dim), no larger than a file of this size can hold."""
    start = file.read(_LONGEST_HEADER)
    found = _HEADER.match(start)
    if found is None:
        what = looks_like(start)
        looks = f" (it looks like {what})" if what else ""
        line = start.split(b"\n")[0][:40]
        raise FormatError(f"{path} is not a word2vec file{looks}: line 1 must be 'rows dim', not {line!r}.")
    file.seek(found.end())
    rows, dim = int(found[1]), int(found[2])
    if rows < 0 or not 1 <= dim <= LARGEST_DIM:
        raise CorruptFileError(f"{path}, line 1: {rows:,} rows of {dim:,} numbers cannot be.")
    return rows, dim


def check_claim(path: Place, file: BinaryIO, rows: int, smallest: int) -> None:
    """Refuse a header that promises more than the file can hold, before anything is read for it."""
    room = os.fstat(file.fileno()).st_size - file.tell()
    if rows * smallest > room + 1:
        raise CorruptFileError(
            f"{path}, line 1: {rows:,} rows take at least {rows * smallest:,} bytes, and {room:,} follow: the file was "
            "cut short or the header is wrong. (strict=False reads what is there.)"
        )


def checked(vectors: Vectors) -> int:
    """Bytes of all keys with their blanks and line ends. Raises FormatError for what a word2vec file cannot hold."""
    keys = Keys.of(vectors.index_to_key)
    sizes = np.diff(keys.offsets)
    blank = (keys.blob == 32) | ((keys.blob >= 9) & (keys.blob <= 13))
    if blank.any():
        key = keys[int(np.searchsorted(keys.offsets, np.argmax(blank), side="right")) - 1]
        raise FormatError(
            f"The key {key[:80]!r} holds a blank, which ends a key in a word2vec file. Replace blanks (by '_', as "
            "word2vec's phrases do), or save as 'native'."
        )
    if len(keys) and not 0 < sizes.min() <= sizes.max() <= LONGEST_KEY:
        row = int(np.argmin(sizes)) if sizes.min() == 0 else int(np.argmax(sizes))
        raise FormatError(f"Key {row:,} has {sizes[row]:,} bytes, not 1 to {LONGEST_KEY:,}. Save as 'native'.")
    check_finite(vectors, "a word2vec file")
    return len(keys.blob) + 2 * len(keys) + 64


def check_finite(vectors: Vectors, what: str) -> None:
    """Raise FormatError for a vector that text cannot hold; `what` needs it finite."""
    for start in range(0, len(vectors), 1 << 16):
        finite = np.isfinite(vectors.vectors[start : start + (1 << 16)]).all(axis=1)
        if not finite.all():
            key = vectors.index_to_key[start + int(np.argmin(finite))]
            raise FormatError(f"The vector of {key[:80]!r} is not finite, which {what} needs. Save as 'native'.")
