"""numpy's .npz: arrays in a zip archive: `keys` (strings), `vectors`, and `counts` and `output` where there are some.

No array of Python objects, so no pickle, and nothing is unpacked that would take more memory than the file lets expect.
"""

import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats import npy
from firth.formats.bombs import check_growth
from firth.formats.checksums import NewFile
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_NAMES = {
    "keys": ("keys", "words", "tokens", "vocab", "index_to_key"),
    "vectors": ("vectors", "embeddings", "weights"),
    "counts": ("counts",),
    "output": ("output",),
}
_ENTRY = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_LONGEST_DIRECTORY = 1 << 20  # of a zip archive; one with more in it than a table needs is not read
_END = 22 + (1 << 16)  # where the directory is announced, from the file's end
_WIDE_KEYS = 64  # bytes of a key that may be empty for one that is used, before it is refused
_PIECE = 1 << 22
_LAST_CHARACTER = 0x10FFFF


def recognise(head: bytes) -> bool:
    """Whether a file's first kilobytes are a zip archive whose first file is a numpy array."""
    entry = _ENTRY.match(head)
    if entry is None:
        return False
    name = head[entry.end() : entry.end() + int.from_bytes(entry[1], "little")]
    return name.endswith(b".npy")


def read(path: Place) -> Vectors:
    """Read a file. Raises CorruptFileError for damage, FormatError for another archive, or one that grows too much.

    Other names are known: words, tokens, vocab, index_to_key for the keys; embeddings, weights for the vectors.
    """
    with _opened(path) as archive:
        places = _places(path, archive)
        headers = {part: _header(path, archive, name) for part, name in places.items()}
        check_growth(path, sum(header.size for header in headers.values()))
        arrays = {part: _array(archive, places[part], headers[part]) for part in places}
    rows = len(arrays["vectors"])
    if arrays["vectors"].ndim != 2 or arrays["keys"].shape != (rows,):
        shapes = arrays["keys"].shape, arrays["vectors"].shape
        raise FormatError(f"{path}: keys of shape {shapes[0]} and vectors of shape {shapes[1]} are no table.")
    keys = _strings(path, arrays["keys"])
    try:
        return Vectors(keys.tolist(), arrays["vectors"], output=arrays.get("output"), counts=arrays.get("counts"))
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def describe(path: Place) -> dict[str, Any]:
    """Rows and dim as the arrays' headers say, the names of the arrays, and the file's size."""
    with _opened(path) as archive:
        places = _places(path, archive)
        shape = _header(path, archive, places["vectors"]).shape
    rows, dim = shape if len(shape) == 2 else (shape[0] if shape else 0, 0)
    return {"rows": rows, "dim": dim, "arrays": ", ".join(places.values()), "bytes": os.path.getsize(path)}


@contextmanager
def _opened(path: Place) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever zipfile finds wrong becomes a CorruptFileError."""
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise CorruptFileError(f"{path} is damaged: {error}. Copy it again from where it came.") from error


def _check_directory(path: Place) -> None:
    """Refuse a directory of so many files that listing them would take for ever."""
    with open(path, "rb") as file:
        if not file.read(4).startswith(b"PK"):
            raise FormatError(f"{path} is no zip archive, which .npz is.")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    wide = end.rfind(b"PK\x06\x06")
    found = [int.from_bytes(end[at + 12 : at + 16], "little")] if at >= 0 else [0]
    if wide >= 0:
        found = [int.from_bytes(end[wide + 40 : wide + 48], "little")]
    if max(found) > _LONGEST_DIRECTORY:
        raise FormatError(f"{path} is an archive of very many files, not a table of vectors.")


def _places(path: Place, archive: zipfile.ZipFile) -> dict[str, str]:
    """Which file of the archive holds which part."""
    there = {info.filename for info in archive.infolist()}
    found = {
        part: next((f"{name}.npy" for name in names if f"{name}.npy" in there), "") for part, names in _NAMES.items()
    }
    if not found["keys"] or not found["vectors"]:
        inside = ", ".join(sorted(name.removesuffix(".npy") for name in there)[:8]) or "nothing"
        raise FormatError(
            f"{path} is no table of vectors: it holds {inside:.200}, not keys and vectors. "
            "np.savez(path, keys=…, vectors=…) makes one that firth opens."
        )
    return {part: name for part, name in found.items() if name}


def _header(path: Place, archive: zipfile.ZipFile, name: str) -> npy.Header:
    """The header of an array, which must fill its file in the archive to the end."""
    info = archive.getinfo(name)
    with archive.open(info) as file:
        found = npy.read_header(f"{path}, {name}", file.read(npy.LONGEST_HEADER))
    if found.start + found.size != info.file_size:
        raise CorruptFileError(
            f"{path}, {name}: {found.dtype} of shape {found.shape} does not fill its {info.file_size:,} bytes."
        )
    return found


def _array(archive: zipfile.ZipFile, name: str, header: npy.Header) -> NDArray[Any]:
    """An array, unpacked into its place."""
    buffer = np.empty(header.size, np.uint8)
    with archive.open(name) as file:
        file.read(header.start)
        for start in range(0, header.size, _PIECE):
            piece = file.read(min(_PIECE, header.size - start))
            buffer[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
        file.read(1)  # the end, where zipfile compares the checksum
    return header.of(buffer)


def _strings(path: Place, array: NDArray[Any]) -> Keys:
    """Strings (`U`, or UTF-8 in `S`) as keys."""
    if array.dtype.kind not in "US":
        raise FormatError(f"{path}: keys must be strings, not {array.dtype}.")
    if array.dtype.kind == "U" and array.view(f"{array.dtype.byteorder}u4").max(initial=0) > _LAST_CHARACTER:
        raise CorruptFileError(f"{path}: a key is no text (a character beyond U+10FFFF).")  # which breaks numpy
    try:
        found = array.tolist()
        return Keys.of([key.decode() for key in found] if array.dtype.kind == "S" else found)
    except (UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise CorruptFileError(f"{path}: a key is no text ({error}).") from None


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced. Nothing is compressed: vectors do not shrink, and so they open at once."""
    keys = np.array(list(vectors.index_to_key) or [""], f"<U{_longest(vectors)}")[: len(vectors)]
    arrays = {"keys": keys, "vectors": vectors.vectors, "counts": vectors.counts, "output": vectors.output}
    with NewFile(path) as file, zipfile.ZipFile(file.stream(), "w") as archive:
        for name, array in arrays.items():
            if array is not None:
                info = zipfile.ZipInfo(f"{name}.npy")  # of 1980: the same vectors give the same bytes
                with archive.open(info, "w", force_zip64=True) as entry:
                    npy.write(entry, array)


def needs(vectors: Vectors) -> int:
    """The bytes of `write`, near enough. Raises FormatError for keys that numpy's strings cannot hold."""
    keys = Keys.of(vectors.index_to_key)
    size = 4 * _longest(vectors) * len(keys)
    for key in vectors.index_to_key:
        if key.endswith("\0"):
            raise FormatError(f"The key {key[:40]!r} ends with a NUL, which numpy's strings drop. Save as 'native'.")
    if size > (1 << 26) + _WIDE_KEYS * len(keys.blob):
        longest = max(vectors.index_to_key, key=len)
        raise FormatError(
            f"The key {longest[:40]!r}… has {len(longest):,} characters, and numpy's strings give every key as many: "
            f"{size:,} bytes. Save as 'parquet' or 'native'."
        )
    arrays = (vectors.vectors, vectors.counts, vectors.output)
    return size + sum(array.nbytes for array in arrays if array is not None) + 2048


def _longest(vectors: Vectors) -> int:
    return max(1, max(map(len, vectors.index_to_key), default=1))
