"""safetensors files: a JSON header, then arrays one after the other; mapped into memory, never copied.

    u64 header length | JSON {name: {"dtype": "F32", "shape": [n, dim], "data_offsets": [begin, end]}, …} | arrays

The library's own numpy interface copies every array and cannot write one piece by piece, so both are done here.
https://github.com/huggingface/safetensors#format
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats.checksums import NewFile
from firth.formats.json_text import is_whole, parse
from firth.formats.signatures import Place

_WRITTEN: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "I32": np.dtype("<i4"),
    "I64": np.dtype("<i8"),
    "U8": np.dtype("u1"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),  # numpy has none
    "I8": np.dtype("i1"),
}
_CODES = {dtype: code for code, dtype in _WRITTEN.items()}
DTYPES = _WRITTEN | {
    "F64": np.dtype("<f8"),
    "I16": np.dtype("<i2"),
}
NUMBERS = set(DTYPES) - {"U8"}
"""The types that a table of other tools may have; `numbers` makes numpy's of them."""
_ALIGNED = 64  # a cache line, and the widest vector register
_LONGEST_HEADER = 1 << 20
_MOST_AXES = 8
_PIECE = 1 << 24  # bytes written at once


class Tensor(NamedTuple):
    """Where an array lies."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    """Byte of the file."""
    end: int

    def of(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """The array in the mapped file; nothing is read yet."""
        array: NDArray[Any] = data[self.begin : self.end].view(DTYPES[self.dtype]).reshape(self.shape)
        return array


def write(file: NewFile, arrays: Mapping[str, NDArray[Any]], *, aligned: str, metadata: Mapping[str, str]) -> None:
    """Write arrays (f4, i4, i8 or u1) in the order given; the one called `aligned` begins at a multiple of 64 bytes.

    The format allows no gap between arrays, so the header is padded with blanks until that one is in place.
    """
    file.write(header(arrays, aligned=aligned, metadata=metadata))
    for array in arrays.values():
        write_rows(file, array)


def write_rows(file: NewFile, array: NDArray[Any]) -> None:
    """Write the numbers of an array, some rows at a time."""
    rows = max(1, _PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        piece = np.ascontiguousarray(array[start : start + rows], dtype=array.dtype.newbyteorder("<"))
        file.write(piece.reshape(-1).view(np.uint8).data)


def numbers(tensor: Tensor, data: NDArray[np.uint8]) -> NDArray[Any]:
    """The array in the mapped file; bfloat16 becomes float32, whose upper half it is."""
    array = tensor.of(data)
    return (array.astype(np.uint32) << 16).view(np.float32) if tensor.dtype == "BF16" else array


def header(arrays: Mapping[str, NDArray[Any]], *, aligned: str, metadata: Mapping[str, str]) -> bytes:
    """The bytes before the first array."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    end, before = 0, 0
    for name, array in arrays.items():
        if name == aligned:
            before = end
        code = _CODES[array.dtype.newbyteorder("<")]
        entries[name] = {"dtype": code, "shape": array.shape, "data_offsets": (end, end + array.nbytes)}
        end += array.nbytes
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text) + before) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text


def read_header(path: Place, data: NDArray[np.uint8]) -> dict[str, Tensor]:
    """The arrays of a mapped file by name, every number checked against the file's size before it is used.

    Raises CorruptFileError, with the byte, for a header that is cut short or is no JSON, for a shape that its bytes do
    not fit, and for arrays that overlap, leave a gap, or do not end with the file.
    """
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if len(data) < 8 or start > len(data) or start > _LONGEST_HEADER:
        raise _damaged(path, 0, f"the header would end at byte {start:,} of {len(data):,}")
    try:
        entries = _entries(parse(data[8:start].tobytes()), start)
    except ValueError as error:
        raise _damaged(path, 8, f"the header cannot be read ({error})") from None
    tensors = {}
    end = start
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        begin, stop = entry.begin, entry.end
        if begin != end or stop < begin or stop > len(data):
            raise _damaged(
                path, 8, f"array {name!r} lies at {begin:,}..{stop:,}, not from {end:,} to {len(data):,} or less"
            )
        if entry.dtype not in DTYPES:
            raise _damaged(path, 8, f"array {name!r} has type {entry.dtype!r}, not one of {', '.join(DTYPES)}")
        if math.prod(entry.shape) * DTYPES[entry.dtype].itemsize != stop - begin:
            raise _damaged(path, 8, f"array {name!r} of shape {entry.shape} does not fit its {stop - begin:,} bytes")
        tensors[name] = entry
        end = stop
    if end != len(data):
        raise _damaged(path, end, f"{len(data) - end:,} bytes belong to no array")
    return tensors


def _entries(found: Any, start: int) -> dict[str, Tensor]:
    """What the header says of each array, its place counted from the file's first byte. Raises ValueError."""
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    return {name: _entry(name, entry, start) for name, entry in found.items() if name != "__metadata__"}


def _entry(name: str, found: Any, start: int) -> Tensor:
    match found:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end]} if len(found) == 3:
            if len(shape) <= _MOST_AXES and all(is_whole(size) and size >= 0 for size in (*shape, begin, end)):
                return Tensor(dtype, tuple(shape), start + begin, start + end)
    raise ValueError(f"array {name!r:.80}: {str(found)[:80]} is no dtype, shape and data_offsets")


def _damaged(path: Place, offset: int, what: str) -> CorruptFileError:
    return CorruptFileError(f"{path} is damaged at byte {offset:,}: {what}. Copy it again from where it came.")
