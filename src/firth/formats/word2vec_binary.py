"""word2vec's binary file: a line `rows dim`, then each key, a blank, and its numbers as float32.

word2vec.c ends each row with a line end and gensim does not; both are read, the first is written. It holds what the
text file can.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from firth.formats.checksums import NewFile
from firth.formats.rows import LONGEST_KEY, Errors, Found
from firth.formats.signatures import Place
from firth.formats.word2vec_header import check_claim, checked, cut, describe, kind, read_header
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

__all__ = ["describe", "needs", "read", "recognise", "write"]

_BLOCK = 1 << 24  # bytes read at once; more than the longest row


def recognise(head: bytes) -> bool:
    """Whether a file's first kilobytes are a header line and no text."""
    return kind(head) == "binary"


def read(path: Place, *, strict: bool = True, errors: Errors = "strict") -> Vectors:
    """Read a file, with or without line ends. Raises CorruptFileError, with the byte, and EncodingError.

    strict  False leaves bad rows out, counts them, and warns
    errors  "strict", "replace" or "ignore", for keys that are not UTF-8
    """
    with open(path, "rb") as file:
        rows, dim = read_header(path, file)
        if strict:
            check_claim(path, file, rows, 4 * dim + 2)
        found = Found(path, dim, "byte", strict, errors)
        _read_rows(file, found, rows)
        return found.finish(rows)


def _read_rows(file: BinaryIO, found: Found, rows: int) -> None:
    rest, place, left = b"", file.tell(), rows
    while left and (piece := file.read(_BLOCK)):
        block = rest + piece
        keys, starts, end = cut(block, 4 * found.dim, left)
        left -= len(keys)
        _add(block, keys, starts, place, found)
        rest, place = block[end:], place + end
        if len(rest) > LONGEST_KEY + 4 * found.dim + 2:
            found.bad(place, f"no key ends within {LONGEST_KEY:,} bytes")
            return
    after = (rest + file.read(_BLOCK)).lstrip(b"\n")
    if left == 0 and after:
        found.bad(place, f"bytes after the {rows:,} rows that the header promised", rows=0)
    elif left:
        found.bad(place, f"the file ends within row {rows - left + 1:,} of {rows:,}: it was cut short")


def _add(block: bytes, keys: list[bytes], starts: list[int], place: int, found: Found) -> None:
    width = 4 * found.dim
    numbers = b"".join([block[start : start + width] for start in starts])
    array = np.frombuffer(numbers, "<f4").astype(np.float32, copy=False).reshape(len(keys), found.dim)
    places = [place + start - len(key) - 1 for key, start in zip(keys, starts, strict=True)]
    good = np.isfinite(array).all(axis=1) & np.fromiter(map(bool, keys), bool, len(keys))
    for row in np.flatnonzero(~good).tolist():
        found.bad(
            places[row], f"not a finite number in the row of {keys[row][:80]!r}" if keys[row] else "a row without a key"
        )
    if not good.all():
        kept = np.flatnonzero(good).tolist()
        keys, places, array = [keys[row] for row in kept], [places[row] for row in kept], array[kept]
    if keys:
        found.add(keys, array, places)


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced, with the line ends of word2vec.c."""
    with NewFile(path) as file:
        file.write(f"{len(vectors)} {vectors.dim}\n".encode())
        for rows in _rows(Keys.of(vectors.index_to_key), vectors.vectors):
            file.write(rows)


def _rows(keys: Keys, array: NDArray[np.float32]) -> Iterator[bytes]:
    rows = max(1, _BLOCK // (4 * array.shape[1]))
    for start in range(0, len(array), rows):
        some = np.ascontiguousarray(array[start : start + rows], dtype="<f4")
        names = keys[start : start + rows]
        yield b"".join(b"%b %b\n" % (key.encode(), row.tobytes()) for key, row in zip(names, some, strict=True))


def needs(vectors: Vectors) -> int:
    """The bytes of `write`, near enough."""
    return checked(vectors) + vectors.vectors.nbytes
