"""How much memory an Arrow file unpacks to, from its own account of its buffers, before anything is unpacked.

    "ARROW1" 0 0 | batches … | footer (flatbuffers) | its length i32 | "ARROW1"

Compressed buffers begin with their unpacked length. https://arrow.apache.org/docs/format/Columnar.html
"""

import os
import struct
from collections.abc import Iterator

from firth.errors import CorruptFileError
from firth.formats.signatures import Place

_MAGIC = b"ARROW1"
_DICTIONARIES, _BATCHES = 2, 3  # fields of the footer
_HEADER_KIND, _HEADER = 1, 2  # of a message
_BUFFERS, _COMPRESSION = 2, 3  # of a batch
_DICTIONARY = 2  # a message's kind; its field 1 is a batch
_LARGEST_FOOTER = 1 << 26


def unpacked(path: Place) -> int:
    """Bytes of all buffers of the file, unpacked. Raises CorruptFileError where its footer cannot be read."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(size - 10)
            length, magic = struct.unpack("<i6s", file.read(10))
            if magic != _MAGIC or not 0 < length <= min(size, _LARGEST_FOOTER):
                raise ValueError("no footer")
            file.seek(size - 10 - length)
            footer = file.read(length)
            total = 0
            for field in (_DICTIONARIES, _BATCHES):
                for at, metadata, _ in _structs(footer, _root(footer), field, "<qi4xq"):
                    file.seek(at)
                    message = file.read(metadata)
                    for begin, packed in _buffers(message[8:]):
                        file.seek(at + metadata + begin)
                        start = file.read(8) if packed else b""
                        total += max(0, int.from_bytes(start, "little", signed=True))
            return total
    except (struct.error, ValueError, OSError, IndexError) as error:
        raise CorruptFileError(f"{path} is damaged: its footer cannot be read ({error}). Copy it again.") from None


def _buffers(message: bytes) -> Iterator[tuple[int, bool]]:
    """Where each buffer of a message begins in its body, and whether it is compressed."""
    root = _root(message)
    batch = _table(message, root, _HEADER)
    kind = _field(message, root, _HEADER_KIND)
    if kind and message[kind] == _DICTIONARY:
        batch = _table(message, batch, 1)
    if batch and _field(message, batch, _COMPRESSION):
        yield from ((begin, length > 0) for begin, length in _structs(message, batch, _BUFFERS, "<qq"))


# ---------------------------------------------------------------- flatbuffers: a table points to a list of its fields


def _root(data: bytes) -> int:
    (at,) = struct.unpack_from("<I", data, 0)
    return int(at)


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table lies; 0 where the table does not have it."""
    (back,) = struct.unpack_from("<i", data, table)
    fields = table - back
    if fields < 0:
        raise ValueError("a table without fields")
    (size,) = struct.unpack_from("<H", data, fields)
    if 4 + 2 * number >= size:
        return 0
    (offset,) = struct.unpack_from("<H", data, fields + 4 + 2 * number)
    return table + int(offset) if offset else 0


def _table(data: bytes, table: int, number: int) -> int:
    at = _field(data, table, number)
    return at + int(struct.unpack_from("<I", data, at)[0]) if at else 0


def _structs(data: bytes, table: int, number: int, layout: str) -> Iterator[tuple[int, ...]]:
    """The entries of a field that is a list of structs."""
    at = _table(data, table, number)
    if at:
        (count,) = struct.unpack_from("<I", data, at)
        for place in range(count):
            yield struct.unpack_from(layout, data, at + 4 + place * struct.calcsize(layout))
