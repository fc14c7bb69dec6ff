"""finalfusion's .fifu: a header, then chunks: a vocabulary, a table (dense or quantised), perhaps norms and metadata.

    "FiFu" | version u32 | chunks u32 | their kinds u32[chunks] | (kind u32 | bytes u64 | content)[chunks]

All vocabularies are read; of those with n-grams, the words and their vectors, and, where they are hashed as fastText
does (and the table is dense), the n-grams too: words that are not stored get the mean of theirs. finalfusion keeps
vectors at length 1 and their lengths in a chunk of their own: they come as they are stored, as finalfusion gives them,
or, with `norms=True`, as long as they were. Written is the simple vocabulary with a dense table, which keeps every bit.
https://finalfusion.github.io/spec
"""

import os
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, EncodingError, FormatError, InputError
from firth.formats.bombs import check_growth
from firth.formats.checksums import NewFile
from firth.formats.rows import LARGEST_DIM
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords
from firth.vectors.table import Vectors

_MAGIC = b"FiFu"
_SIMPLE, _DENSE, _BUCKETS, _QUANTISED, _METADATA, _NORMS, _FASTTEXT, _EXPLICIT = range(1, 9)
_VOCABULARIES = {_SIMPLE: "simple", _BUCKETS: "buckets", _FASTTEXT: "fastText buckets", _EXPLICIT: "explicit n-grams"}
_U8, _F32 = 1, 10
_MOST_CHUNKS = 64
_LONGEST_NGRAM = 1 << 10  # characters
_QUANTISED_GROWTH = 100  # a quantised row may be so many times smaller than its numbers
_PIECE = 1 << 24


class Chunk(NamedTuple):
    """Where the content of a chunk lies."""

    begin: int
    end: int


class Fifu:
    """A mapped file, read by offsets that are checked before anything is."""

    def __init__(self, path: Place) -> None:
        self.path = path
        size = os.path.getsize(path)
        self.data: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r") if size else np.empty(0, np.uint8)
        if self.data[:4].tobytes() != _MAGIC:
            raise FormatError(f"{path} is not a finalfusion file: it does not begin with 'FiFu'.")
        version, count = self.unpack("<II", 4, size)
        if version != 0:
            raise FormatError(f"{path} is of finalfusion's version {version:,}, and firth reads version 0.")
        if not 1 <= count <= _MOST_CHUNKS:
            raise self.damaged(8, f"{count:,} chunks")
        kinds = set(self.unpack(f"<{count}I", 12, size))
        self.chunks: dict[int, Chunk] = {}
        at = 12 + 4 * count
        while at < size:  # norms are in no header that finalfusion writes
            kind, length = self.unpack("<IQ", at, size)
            if not _SIMPLE <= kind <= _EXPLICIT or kind in self.chunks or length > size - at - 12:
                raise self.damaged(at, f"a chunk of kind {kind:,} and {length:,} bytes cannot be there")
            self.chunks[kind] = Chunk(at + 12, at + 12 + length)
            at += 12 + length
        if lacking := kinds - self.chunks.keys():
            raise self.damaged(size, f"the file was cut short: chunks of the kinds {sorted(lacking)} are missing")

    def unpack(self, layout: str, at: int, end: int) -> tuple[int, ...]:
        """Numbers at byte `at`, which must end by byte `end`."""
        size = struct.calcsize(layout)
        if at + size > min(end, len(self.data)):
            raise self.damaged(at, "the file was cut short")
        return struct.unpack(layout, self.data[at : at + size].tobytes())

    def floats(self, at: int, end: int, *shape: int) -> NDArray[np.float32]:
        """An array at byte `at`, which must end by byte `end`; nothing is read yet."""
        size = 4 * int(np.prod(shape, dtype=object))
        if at + size > end:
            raise self.damaged(at, f"an array of shape {shape} does not fit its chunk")
        array: NDArray[np.float32] = self.data[at : at + size].view("<f4").reshape(shape)
        return array

    def damaged(self, at: int, what: str) -> CorruptFileError:
        return CorruptFileError(f"{self.path} is damaged at byte {at:,}: {what}. Copy it again from where it came.")


def recognise(head: bytes) -> bool:
    """Whether a file begins as finalfusion's do."""
    return head.startswith(_MAGIC)


def read(path: Place, *, norms: bool = False) -> Vectors:
    """Read a file; a dense table is mapped and comes from the disk when it is used.

    norms  True scales the vectors to the lengths they had before finalfusion made them 1

    Raises CorruptFileError, with the byte, for damage; EncodingError for a key that is not UTF-8.
    """
    file = Fifu(path)
    keys = _keys(file)
    table = _table(file, len(keys))
    if norms:
        table = table * _norms(file, len(keys))[:, None]
    metadata = _metadata(file)
    try:
        provenance = {"metadata": metadata} if metadata else None
        return Vectors(keys, table, provenance=provenance, subwords=_subwords(file, len(keys)))
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def describe(path: Place) -> dict[str, Any]:
    """Rows, dim, the kinds of vocabulary and table, and the file's size."""
    file = Fifu(path)
    vocabulary, chunk = _vocabulary(file)
    (rows,) = file.unpack("<Q", chunk.begin, chunk.end)
    storage = "quantised" if _QUANTISED in file.chunks else "dense"
    return {
        "rows": rows,
        "dim": _shape(file)[1],
        "vocabulary": _VOCABULARIES[vocabulary],
        "storage": storage,
        "norms": _NORMS in file.chunks,
        "metadata": _metadata(file),
        "bytes": os.path.getsize(path),
    }


# ---------------------------------------------------------------- the vocabulary


def _vocabulary(file: Fifu) -> tuple[int, Chunk]:
    for kind in _VOCABULARIES:
        if kind in file.chunks:
            return kind, file.chunks[kind]
    raise FormatError(f"{file.path} is a part of a finalfusion model, without a vocabulary. Give the whole one.")


def _keys(file: Fifu) -> Keys:
    """The words, each as u32 length and UTF-8; n-grams that may follow them are passed over."""
    kind, (begin, end) = _vocabulary(file)
    (count,) = file.unpack("<Q", begin, end)
    at = begin + {_SIMPLE: 8, _BUCKETS: 20, _FASTTEXT: 20, _EXPLICIT: 24}[kind]
    content = file.data[at:end].tobytes() if at <= end else b""
    if 4 * count > len(content):
        raise file.damaged(begin, f"{count:,} words do not fit {len(content):,} bytes")
    words: list[bytes] = []
    place = 0
    for _ in range(count):
        start = place + 4
        place = start + int.from_bytes(content[place:start], "little")
        words.append(content[start:place])
    if place > len(content) or (kind != _EXPLICIT and place != len(content)):
        raise file.damaged(begin, f"{count:,} words end at byte {at + place:,} of a chunk that ends at {end:,}")
    try:
        keys = Keys.of([word.decode() for word in words])
    except UnicodeDecodeError as error:
        raise EncodingError(f"{file.path}: the key {error.object[:80]!r} is not UTF-8.") from None
    if len(set(words)) < count:
        raise file.damaged(begin, "a word is there twice")
    return keys


# ---------------------------------------------------------------- the table


def _shape(file: Fifu) -> tuple[int, int]:
    """(rows, dim) of the table, rows of subwords among them."""
    if _DENSE in file.chunks:
        rows, dim = file.unpack("<QI", *file.chunks[_DENSE])
    elif _QUANTISED in file.chunks:
        _, _, _, dim, _, rows = file.unpack("<IIIIIQ", *file.chunks[_QUANTISED])
    else:
        raise FormatError(f"{file.path} is a part of a finalfusion model, without a table. Give the whole one.")
    if not 1 <= dim <= LARGEST_DIM:
        raise file.damaged(0, f"vectors of {dim:,} numbers")
    return rows, dim


def _table(file: Fifu, words: int) -> NDArray[np.float32]:
    """f4[words, dim]: the rows of words come first, those of subwords after them."""
    rows, dim = _shape(file)
    if rows < words or (rows > words and _SIMPLE in file.chunks):
        raise file.damaged(0, f"{rows:,} vectors for {words:,} words")
    if _DENSE in file.chunks:
        begin, end = file.chunks[_DENSE]
        _check_type(file, begin + 12, end, _F32)
        return file.floats(_padded(begin + 16), end, rows, dim)[:words]
    return _reconstructed(file, words, rows, dim)


def _subwords(file: Fifu, words: int) -> Subwords | None:
    """The n-grams of a vocabulary that hashes them as fastText does."""
    if _FASTTEXT not in file.chunks or _DENSE not in file.chunks:
        return None
    begin, end = file.chunks[_FASTTEXT]
    min_n, max_n, buckets = file.unpack("<III", begin + 8, end)
    rows, dim = _shape(file)
    if rows - words != buckets or not 0 < min_n <= max_n <= _LONGEST_NGRAM:
        raise file.damaged(begin, f"n-grams of {min_n:,} to {max_n:,} characters in {buckets:,} buckets")
    begin, end = file.chunks[_DENSE]
    return Subwords(file.floats(_padded(begin + 16), end, rows, dim)[words:], min_n, max_n)


def _reconstructed(file: Fifu, words: int, rows: int, dim: int) -> NDArray[np.float32]:
    """The vectors that a product quantiser stands for: a centroid for each part, a projection, a length."""
    begin, end = file.chunks[_QUANTISED]
    projected, scaled, parts, _, centroids, _ = file.unpack("<IIIIIQ", begin, end)
    _check_type(file, begin + 28, end, _U8)
    _check_type(file, begin + 32, end, _F32)
    if not parts or dim % parts or not centroids:
        raise file.damaged(begin, f"{dim:,} numbers in {parts:,} parts of {centroids:,} centroids")
    at = _padded(begin + 36)
    projection = None
    if projected:
        projection = file.floats(at, end, dim, dim)
        at += projection.nbytes
    quantisers = file.floats(at, end, parts, centroids, dim // parts)
    at += quantisers.nbytes
    lengths = None
    if scaled:
        lengths = file.floats(at, end, rows)
        at += lengths.nbytes
    if at + rows * parts != end:
        raise file.damaged(at, f"{rows:,} rows of {parts:,} bytes do not end with their chunk")
    check_growth(file.path, 4 * words * dim, _QUANTISED_GROWTH)
    codes = file.data[at:end].reshape(rows, parts)[:words]
    if words and int(codes.max()) >= centroids:
        raise file.damaged(at, f"a code beyond the {centroids:,} centroids")
    table = np.empty((words, dim), np.float32)
    step = max(1, _PIECE // (4 * dim))
    for start in range(0, words, step):
        part = quantisers[np.arange(parts), codes[start : start + step]].reshape(-1, dim)
        part = part if projection is None else part @ projection.T
        table[start : start + step] = part if lengths is None else part * lengths[start : start + step, None][:words]
    return table


def _norms(file: Fifu, words: int) -> NDArray[np.float32]:
    if _NORMS not in file.chunks:
        raise FormatError(f"{file.path} holds no norms. Leave norms out, and take the vectors as they are.")
    begin, end = file.chunks[_NORMS]
    (count,) = file.unpack("<Q", begin, end)
    _check_type(file, begin + 8, end, _F32)
    if count < words:
        raise file.damaged(begin, f"{count:,} norms for {words:,} words")
    return file.floats(_padded(begin + 12), end, count)[:words]


def _check_type(file: Fifu, at: int, end: int, expected: int) -> None:
    (kind,) = file.unpack("<I", at, end)
    if kind != expected:
        raise file.damaged(at, f"numbers of type {kind:,}, not {expected}")


def _padded(at: int) -> int:
    """Arrays begin at the next multiple of 4; where one is there, at the one after it."""
    return at + 4 - at % 4


def _metadata(file: Fifu) -> dict[str, Any]:
    """The metadata, TOML, as plain values. Raises CorruptFileError for what is none."""
    import tomllib

    begin, end = file.chunks.get(_METADATA, Chunk(0, 0))
    try:
        return {name: _plain(value) for name, value in tomllib.loads(file.data[begin:end].tobytes().decode()).items()}
    except (ValueError, RecursionError) as error:
        raise file.damaged(begin, f"metadata that cannot be read ({str(error)[:100]})") from None


def _plain(value: Any) -> Any:
    """What JSON can hold of a TOML value: dates become text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | bool | int | float) and value == value else str(value)


# ---------------------------------------------------------------- writing


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced."""
    keys, table = Keys.of(vectors.index_to_key), vectors.vectors
    header = _MAGIC + struct.pack("<IIII", 0, 2, _SIMPLE, _DENSE)
    with NewFile(path) as file:
        file.write(header + struct.pack("<IQQ", _SIMPLE, 8 + 4 * len(keys) + len(keys.blob), len(keys)))
        file.write(b"".join(struct.pack("<I", len(key)) + key for key in map(str.encode, keys)))
        begin = len(header) + 20 + 4 * len(keys) + len(keys.blob)
        padding = _padded(begin + 28) - begin - 28
        file.write(struct.pack("<IQQII", _DENSE, 16 + padding + table.nbytes, *table.shape, _F32) + bytes(padding))
        rows = max(1, _PIECE // (4 * table.shape[1]))
        for start in range(0, len(table), rows):
            file.write(np.ascontiguousarray(table[start : start + rows], "<f4").tobytes())


def needs(vectors: Vectors) -> int:
    """The bytes of `write`."""
    keys = Keys.of(vectors.index_to_key)
    return vectors.vectors.nbytes + len(keys.blob) + 4 * len(keys) + 128
