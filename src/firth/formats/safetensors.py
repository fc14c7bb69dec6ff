"""safetensors files: a JSON header, then arrays one after the other; mapped into memory, never copied.

    u64 header length | JSON {name: {"dtype": "F32", "shape": [n, dim], "data_offsets": [begin, end]}, …} | arrays

The library's own numpy interface copies every array and cannot write one piece by piece, so both are done here.
https://github.com/huggingface/safetensors#format
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats.checksums import NewFile

DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8"), "U8": np.dtype("u1")}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_ALIGNED = 64  # a cache line, and the widest vector register
_LONGEST_HEADER = 1 << 20
_PIECE = 1 << 24  # bytes written at once


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    dtype: str
    shape: Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(max_length=8)]
    data_offsets: tuple[Annotated[int, msgspec.Meta(ge=0)], Annotated[int, msgspec.Meta(ge=0)]]


@dataclass(frozen=True)
class Tensor:
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
    """Write arrays (f4, i8 or u1) in the order given; the one called `aligned` begins at a multiple of 64 bytes.

    The format allows no gap between arrays, so the header is padded with blanks until that one is in place.
    """
    file.write(header(arrays, aligned=aligned, metadata=metadata))
    for array in arrays.values():
        rows = max(1, _PIECE // max(1, array[:1].nbytes))
        for start in range(0, len(array), rows):
            piece = np.ascontiguousarray(array[start : start + rows], dtype=array.dtype.newbyteorder("<"))
            file.write(piece.reshape(-1).view(np.uint8).data)


def header(arrays: Mapping[str, NDArray[Any]], *, aligned: str, metadata: Mapping[str, str]) -> bytes:
    """The bytes before the first array."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    end, before = 0, 0
    for name, array in arrays.items():
        if name == aligned:
            before = end
        entries[name] = _Entry(_CODES[array.dtype.newbyteorder("<")], list(array.shape), (end, end + array.nbytes))
        end += array.nbytes
    text = msgspec.json.encode(entries)
    text += b" " * (-(8 + len(text) + before) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text


def read_header(path: Path, data: NDArray[np.uint8]) -> dict[str, Tensor]:
    """The arrays of a mapped file by name, every number checked against the file's size before it is used.

    Raises CorruptFileError, with the byte, for a header that is cut short or is no JSON, for a shape that its bytes do
    not fit, and for arrays that overlap, leave a gap, or do not end with the file.
    """
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    if len(data) < 8 or start > len(data) or start > _LONGEST_HEADER:
        raise _damaged(path, 0, f"the header would end at byte {start:,} of {len(data):,}")
    try:
        raw = msgspec.json.decode(data[8:start].tobytes(), type=dict[str, msgspec.Raw])
        raw.pop("__metadata__", None)
        entries = {name: msgspec.json.decode(entry, type=_Entry) for name, entry in raw.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(path, 8, f"the header cannot be read ({error})") from None
    tensors = {}
    end = start
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, stop = (start + offset for offset in entry.data_offsets)
        if begin != end or stop < begin or stop > len(data):
            raise _damaged(
                path, 8, f"array {name!r} lies at {begin:,}..{stop:,}, not from {end:,} to {len(data):,} or less"
            )
        if entry.dtype not in DTYPES:
            raise _damaged(path, 8, f"array {name!r} has type {entry.dtype!r}, not one of {', '.join(DTYPES)}")
        if math.prod(entry.shape) * DTYPES[entry.dtype].itemsize != stop - begin:
            raise _damaged(path, 8, f"array {name!r} of shape {entry.shape} does not fit its {stop - begin:,} bytes")
        tensors[name] = Tensor(entry.dtype, tuple(entry.shape), begin, stop)
        end = stop
    if end != len(data):
        raise _damaged(path, end, f"{len(data) - end:,} bytes belong to no array")
    return tensors


def _damaged(path: Path, offset: int, what: str) -> CorruptFileError:
    return CorruptFileError(f"{path} is damaged at byte {offset:,}: {what}. Copy it again from where it came.")
