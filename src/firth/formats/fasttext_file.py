"""What a fastText .bin or .ftz holds, checked number by number before anything is allocated for it.

    magic, version                          absent before 2017
    dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate t
    words, labels, tokens, and each entry: its bytes, NUL, count, type
    input matrix, output matrix             rows, columns, f4; or product-quantised (.ftz)

https://github.com/facebookresearch/fastText, versions up to 12, the last. Matrices of a .bin stay on the disk, mapped.
"""

import mmap
import struct
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError
from firth.formats.fasttext_quantised import quantised
from firth.formats.rows import LARGEST_DIM, LONGEST_KEY
from firth.formats.signatures import Place, looks_like
from firth.vectors.nearest import Floats
from firth.vectors.product import ProductTable

MAGIC, VERSION = 793712314, 12
MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
ARGS = struct.Struct("<12id")
_SUPERVISED = 3
_ENTRY = struct.Struct("<qb")


class Args(NamedTuple):
    """The options that a file keeps, by fastText's names, in its order."""

    dim: int
    ws: int
    epoch: int
    min_count: int
    neg: int
    word_ngrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lr_update_rate: int
    t: float


class Entries(NamedTuple):
    """Words, or labels: their bytes as the file has them, i8[n + 1] where each begins, i8[n] how often each came."""

    blob: bytes
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]


class FastTextFile(NamedTuple):
    """All that a file holds."""

    version: int
    """0 where the file is older than versions."""
    args: Args
    tokens: int
    words: Entries
    labels: Entries
    places: NDArray[np.int32] | None
    """i4[bucket], for a pruned model: the row after the words' of each bucket, or -1."""
    quantised: bool
    inputs: Floats | ProductTable
    """f4[words + buckets, dim]"""
    outputs: Floats | ProductTable
    """f4[words, inner nodes or labels, dim]; f4[0, dim] where a program left them out."""


class Header(NamedTuple):
    version: int
    args: Args
    words: int
    labels: int
    tokens: int
    pruned: int
    """Pairs of a bucket and its row; -1: the model is not pruned."""


class Cursor:
    """A place in a mapped file, and what stands there."""

    def __init__(self, path: Place, data: Any) -> None:
        self.path, self.data, self.at = path, data, 0

    def numbers(self, layout: struct.Struct | str) -> tuple[Any, ...]:
        layout = struct.Struct(layout) if isinstance(layout, str) else layout
        return layout.unpack(self.bytes(layout.size))

    def bytes(self, size: int) -> bytes:
        found: bytes = self.data[self.at : self.skip(size)]
        return found

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        """An array in the mapped file."""
        at, end = self.at, self.skip(count * np.dtype(dtype).itemsize)
        return np.frombuffer(self.data, dtype, count, at) if end > at else np.empty(0, dtype)

    def skip(self, size: int) -> int:
        """Move on; where that was beyond the end, raise CorruptFileError."""
        if not 0 <= size <= len(self.data) - self.at:
            raise self.damaged(f"{size:,} bytes should follow, and {len(self.data) - self.at:,} do")
        self.at += size
        return self.at

    def damaged(self, what: str, at: int | None = None) -> CorruptFileError:
        at = self.at if at is None else at
        return CorruptFileError(f"{self.path} is damaged at byte {at:,}: {what}. Copy it again from where it came.")


def looks_so(head: bytes) -> bool:
    """Whether a file's first bytes are fastText's: its number, or the options of the oldest files, which had none."""
    if head[:4] == MAGIC.to_bytes(4, "little"):
        return True
    if len(head) < ARGS.size + 20:
        return False
    args = Args(*ARGS.unpack_from(head))
    size, words, labels, tokens = struct.unpack_from("<iiiq", head, ARGS.size)
    counts = 0 < words <= size == words + labels and tokens >= 0 <= labels
    return counts and not _wrong(args) and 0 <= args.minn <= 100 and 0 <= args.maxn <= 100 and args.bucket < 1 << 30


def is_supervised(head: bytes) -> bool:
    """Whether a file that begins so is of a model with labels."""
    at = 8 if head[:4] == MAGIC.to_bytes(4, "little") else 0
    return looks_so(head) and len(head) >= at + ARGS.size and Args(*ARGS.unpack_from(head, at)).model == _SUPERVISED


def read_header(path: Place) -> Header:
    """The options and counts alone."""
    return _header(_opened(path))


def read_file(path: Place) -> FastTextFile:
    """Read a file of any version. Raises CorruptFileError, with the byte, for damage; FormatError for another kind."""
    cursor = _opened(path)
    header = _header(cursor)
    args, version = header.args, header.version
    words, labels = _entries(cursor, header.words, 0), _entries(cursor, header.labels, 1)
    pairs = cursor.array("<i4", 2 * max(0, header.pruned)).reshape(-1, 2)
    is_quantised = bool(version) and _flag(cursor)
    inputs: Floats | ProductTable = quantised(cursor, args.dim) if is_quantised else _matrix(cursor, args.dim)
    places = _places(cursor, header, pairs, len(inputs) - header.words)
    quantised_out = bool(version) and _flag(cursor) and is_quantised
    outputs: Floats | ProductTable = quantised(cursor, args.dim) if quantised_out else _matrix(cursor, args.dim)
    if cursor.at != len(cursor.data):
        raise cursor.damaged(f"{len(cursor.data) - cursor.at:,} bytes follow the last matrix")
    return FastTextFile(version, args, header.tokens, words, labels, places, is_quantised, inputs, outputs)


def _opened(path: Place) -> Cursor:
    with open(path, "rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise FormatError(f"{path} is not a fastText file: it is empty.") from None
    return Cursor(path, data)


def _header(cursor: Cursor) -> Header:
    head = cursor.data[:4096]
    if not looks_so(head):
        what = looks_like(head)
        raise FormatError(f"{cursor.path} is not a fastText file{f' (it looks like {what})' if what else ''}.")
    version = 0
    if head[:4] == MAGIC.to_bytes(4, "little"):
        _, version = cursor.numbers("<2i")
        if not 0 < version <= VERSION:
            raise FormatError(f"{cursor.path} is of fastText's version {version:,}; the last one known is {VERSION}.")
    args = Args(*cursor.numbers(ARGS))
    if wrong := _wrong(args):
        raise cursor.damaged(wrong, cursor.at - ARGS.size)
    if version < VERSION and args.model == _SUPERVISED:
        args = args._replace(maxn=0)  # they were trained without n-grams, whatever they say
    begin = cursor.at
    size, words, labels, tokens = cursor.numbers("<iiiq")
    pruned = cursor.numbers("<q")[0] if version else -1
    if min(words, labels, tokens) < 0 or words + labels != size or pruned < -1:
        raise cursor.damaged(f"{size:,} entries cannot be {words:,} words and {labels:,} labels", begin)
    if size * (1 + _ENTRY.size) > len(cursor.data) - cursor.at:
        raise cursor.damaged(f"{size:,} entries do not fit in the {len(cursor.data) - cursor.at:,} bytes left", begin)
    return Header(version, args, words, labels, tokens, pruned)


def _wrong(args: Args) -> str:
    """What is impossible among the options; empty where nothing is."""
    if not 1 <= args.dim <= LARGEST_DIM:
        return f"dim is {args.dim:,}"
    if args.model not in MODELS or args.loss not in LOSSES:
        return f"model {args.model:,} and loss {args.loss:,} are not known"
    if args.bucket < 0 or not 0 <= args.t < float("inf"):
        return f"bucket is {args.bucket:,} and t {args.t:g}"
    return ""


def _entries(cursor: Cursor, number: int, kind: int) -> Entries:
    """So many words (kind 0) or labels (1)."""
    names, counts = [], []
    find, unpack, data, at = cursor.data.find, _ENTRY.unpack_from, cursor.data, cursor.at
    last = len(data) - _ENTRY.size
    for _ in range(number):
        end = find(b"\0", at, at + LONGEST_KEY + 1)
        if not at <= end < last:
            raise cursor.damaged("the file ends within a word" if end >= last else "no word ends here", at)
        count, entry = unpack(data, end + 1)
        if entry != kind or count < 0:
            raise cursor.damaged(f"type {entry} and count {count:,}, where {kind} is due and at least 0", end + 1)
        names.append(data[at:end])
        counts.append(count)
        at = end + 1 + _ENTRY.size
    cursor.at = at
    offsets = np.zeros(number + 1, np.int64)
    np.cumsum([len(name) for name in names], out=offsets[1:])
    return Entries(b"".join(names), offsets, np.array(counts, np.int64))


def _flag(cursor: Cursor) -> bool:
    at, (flag,) = cursor.at, cursor.numbers("<B")
    if flag > 1:
        raise cursor.damaged(f"{flag} is neither yes nor no", at)
    return bool(flag)


def _matrix(cursor: Cursor, dim: int) -> Floats:
    begin = cursor.at
    rows, columns = cursor.numbers("<2q")
    if rows < 0 or columns != dim:
        raise cursor.damaged(f"a matrix of {rows:,} × {columns:,} numbers, where dim is {dim:,}", begin)
    array: Floats = cursor.array("<f4", rows * columns).reshape(rows, columns)
    return array


def _places(cursor: Cursor, header: Header, pairs: NDArray[np.int32], rows: int) -> NDArray[np.int32] | None:
    """The row of each bucket in a pruned model. Checks that the input matrix has the rows that words are made of."""
    args = header.args
    wanted = args.bucket if header.pruned < 0 else header.pruned
    if rows < (wanted if args.maxn > 0 else 0):
        raise cursor.damaged(f"{header.words + rows:,} rows for {header.words:,} words and {wanted:,} n-grams")
    if header.pruned < 0:
        return None
    if len(pairs) and not (pairs.min() >= 0 and pairs[:, 0].max() < args.bucket and pairs[:, 1].max() < rows):
        raise cursor.damaged(f"n-grams that were kept lie outside {args.bucket:,} buckets and {rows:,} rows")
    places = np.full(args.bucket, -1, np.int32)
    places[pairs[:, 0]] = pairs[:, 1]
    return places
