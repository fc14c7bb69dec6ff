"""Smaller tables: halves of floats, bytes, product codes. They are searched as they are, block by block.

float16    2 bytes a number     11 bits, up to 65,504; below 6·10⁻⁵ fewer bits
bfloat16   2 bytes a number     the upper half of a float32: 8 bits, and its range
int8       1 byte a number      x ≈ s·q, s = max |x| / 127 of the row, q = x / s to the nearest whole number
pq         1 byte for several   each part of a vector by the number of the nearest of 256 centres that were learnt
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, InputError
from firth.vectors.nearest import Floats, blocks

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Table = TypeVar("Table", bound="Lookup")
Kind = Literal["float16", "bfloat16", "int8", "pq"]

CENTRES = 256  # as many as one byte tells apart
_SAMPLE = 1 << 15  # rows that the centres are learnt from: 128 for each
_PASSES = 10


class Quantised:
    """A table in few bytes, which gives float32 rows for a number, a slice or a list of numbers.

    kind    how it is written
    codes   f2[n, dim], u2[n, dim] (bfloat16), i1[n, dim], or u1[n, parts]
    scales  f4[n] of int8: what a row's codes are multiplied with
    books   f4[256, dim] of pq: part p of every centre lies in columns p·w … (p+1)·w, w = ⌈dim / parts⌉

    >>> table = int8(np.array([[1, -2], [0, 0]], np.float32))
    >>> table.codes.tolist(), table[0]
    ([[64, -127], [0, 0]], array([ 1.007874, -2.      ], dtype=float32))
    """

    def __init__(
        self, kind: Kind, codes: NDArray[Any], scales: Floats | None = None, books: Floats | None = None
    ) -> None:
        self.kind, self.codes, self.scales, self.books = kind, codes, scales, books

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dim)."""
        return len(self.codes), int((self.codes if self.books is None else self.books).shape[1])

    @property
    def nbytes(self) -> int:
        return int(sum(part.nbytes for part in (self.codes, self.scales, self.books) if part is not None))

    def only(self, rows: NDArray[np.int64]) -> "Quantised":
        """These rows, as they are written."""
        scales = None if self.scales is None else self.scales[rows]
        return Quantised(self.kind, self.codes[rows], scales, self.books)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, picked: Any) -> Floats:
        codes = self.codes[picked]
        if self.kind == "bfloat16":
            return np.asarray(np.left_shift(codes, 16, dtype=np.uint32)).view(np.float32)
        found = np.empty((*codes.shape[:-1], self.shape[1]), np.float32)
        if self.books is not None:
            for part, cut in enumerate(columns(self.shape[1], codes.shape[-1])):
                found[..., cut] = self.books[codes[..., part], cut]
            return found
        found[...] = codes
        if self.scales is not None:
            found *= self.scales[picked][..., None]
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def quantise(vectors: Table, kind: Kind, numbers_per_byte: int, seed: int) -> Table:
    """`Vectors.quantise`."""
    if kind not in get_args(Kind):
        raise ConfigError(f"A table is quantised to {', '.join(get_args(Kind))}, not {kind!r}.")
    table = vectors.rows().array
    rows, dim = table.shape
    if kind == "pq":
        if not 1 <= numbers_per_byte <= dim:
            raise ConfigError(f"numbers_per_byte must be from 1 to {dim:,} (the vectors' dim), not {numbers_per_byte}.")
        found = product(table, -(-dim // numbers_per_byte), seed)
    else:
        found = _SIMPLE[kind](table)
    squares = sum(float(np.square(table[part] - found[part], dtype=np.float64).sum()) for part in blocks(rows, dim))
    whole = float(np.square(vectors.rows().lengths, dtype=np.float64).sum())
    done: dict[str, Any] = {"name": "quantise", "to": kind, "relative_error": squares / whole if whole else 0.0}
    if kind == "pq":
        done |= {"bytes_per_row": found.codes.shape[1], "seed": seed}
    return vectors.changed(done, vectors.index_to_key, found, counts=vectors.counts)


def float16(table: Any) -> Quantised:
    """Numbers beyond 65,504 have no place in it: InputError."""
    with np.errstate(over="ignore"):
        codes = _in_blocks(table, np.float16, lambda block: block.astype(np.float16))
    if not np.isfinite(codes).all():
        raise InputError("A number here is larger than float16 can hold (65,504). Use bfloat16, or normalise() first.")
    return Quantised("float16", codes)


def bfloat16(table: Any) -> Quantised:
    """The upper half of each float32, rounded to the nearest, to the even one of two."""

    def upper(block: Floats) -> NDArray[Any]:
        bits = np.ascontiguousarray(block, np.float32).view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)

    return Quantised("bfloat16", _in_blocks(table, np.uint16, upper))


def int8(table: Any) -> Quantised:
    """Whole numbers from -127 to 127, and a scale for each row."""
    scales = np.empty(len(table), np.float32)
    codes = np.empty(table.shape, np.int8)
    for part in blocks(*table.shape):
        block = table[part]
        scales[part] = np.abs(block).max(axis=1) / np.float32(127)
        steps = np.divide(block, scales[part, None], out=np.zeros_like(block), where=scales[part, None] > 0)
        codes[part] = np.rint(steps)
    return Quantised("int8", codes, scales)


def product(table: Any, parts: int, seed: int) -> Quantised:
    """Each of so many parts of a vector by the nearest of 256 centres, learnt by k-means. Jégou et al. 2011."""
    from firth.vectors.clusters import assigned, lloyd, seeds

    rows, dim = table.shape
    cuts = columns(dim, parts)
    used = min(CENTRES, rows)
    random = np.random.default_rng(seed)
    sample = np.sort(random.permutation(rows)[:_SAMPLE])
    some = np.asarray(table[sample], np.float32)
    books = np.zeros((CENTRES, dim), np.float32)
    codes = np.zeros((rows, len(cuts)), np.uint8)
    if rows:
        for cut in cuts:
            points = np.ascontiguousarray(some[:, cut])
            books[:used, cut] = lloyd(points, seeds(points, used, random), _PASSES)
    for part in blocks(rows, dim):
        block = table[part]
        for place, cut in enumerate(cuts):
            codes[part, place] = assigned(np.ascontiguousarray(block[:, cut]), books[:used, cut])[0]
    return Quantised("pq", codes, books=books)


def columns(dim: int, parts: int) -> list[slice]:
    """The columns of each part, all of one width but perhaps the last."""
    width = -(-dim // parts)
    return [slice(start, min(start + width, dim)) for start in range(0, dim, width)]


def _in_blocks(table: Any, kind: Any, convert: Callable[[Floats], NDArray[Any]]) -> NDArray[Any]:
    found = np.empty(table.shape, kind)
    for part in blocks(*table.shape):
        found[part] = convert(table[part])
    return found


_SIMPLE: Mapping[str, Callable[[Any], Quantised]] = {"float16": float16, "bfloat16": bfloat16, "int8": int8}
