"""The product-quantised matrices of fastText's .ftz: a byte for every few numbers, decoded to float32.

Jégou, Douze & Schmid 2011; Joulin et al. 2016, "FastText.zip: Compressing text classification models".
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth import machine
from firth.errors import MemoryLimitError
from firth.vectors.nearest import Floats

if TYPE_CHECKING:
    from firth.formats.fasttext_file import Cursor

_CENTROIDS = 256
_ROWS = 1 << 16  # decoded at once


class Quantiser(NamedTuple):
    """Vectors cut into parts; every part is one of 256 centroids."""

    dim: int
    parts: int
    width: int
    """Numbers in a part, but the last."""
    last: int
    centroids: Floats
    """f4[256 · dim], part after part."""

    def of_part(self, part: int) -> Floats:
        """f4[256, width of the part]"""
        width = self.last if part == self.parts - 1 else self.width
        start = part * _CENTROIDS * self.width
        return self.centroids[start : start + _CENTROIDS * width].reshape(_CENTROIDS, width)


def quantised(cursor: "Cursor", dim: int) -> Floats:
    """The quantised matrix that stands here, decoded: f4[rows, dim]. Raises CorruptFileError, MemoryLimitError."""
    begin = cursor.at
    with_norms, rows, columns, size = cursor.numbers("<Bqqi")
    if rows < 0 or columns != dim or size < 0 or with_norms > 1:
        raise cursor.damaged(f"a quantised matrix of {rows:,} × {columns:,} numbers, where dim is {dim:,}", begin)
    codes = cursor.array("u1", size)
    quantiser = _quantiser(cursor, dim)
    if rows * quantiser.parts != size:
        raise cursor.damaged(f"{size:,} codes for {rows:,} rows of {quantiser.parts:,} parts", begin)
    norms = None
    if with_norms:
        norm_codes = cursor.array("u1", rows)
        norms = _quantiser(cursor, 1).of_part(0)[norm_codes, 0]
    room = machine.memory_available()
    if room is not None and 4 * rows * dim > room:
        raise MemoryLimitError(
            f"{cursor.path} needs {4 * rows * dim / 2**30:,.2f} GiB when decoded, and {room / 2**30:,.2f} GiB are left."
        )
    return _decoded(codes.reshape(rows, quantiser.parts), quantiser, norms)


def _quantiser(cursor: "Cursor", dim: int) -> Quantiser:
    begin = cursor.at
    columns, parts, width, last = cursor.numbers("<4i")
    if columns != dim or min(parts, width, last) < 1 or last > width or (parts - 1) * width + last != dim:
        raise cursor.damaged(f"{parts:,} parts of {width:,} numbers, the last of {last:,}, are not {dim:,}", begin)
    return Quantiser(columns, parts, width, last, cursor.array("<f4", _CENTROIDS * dim))


def _decoded(codes: NDArray[np.uint8], quantiser: Quantiser, norms: Floats | None) -> Floats:
    table = np.empty((len(codes), quantiser.dim), np.float32)
    for start in range(0, len(table), _ROWS):
        some = slice(start, start + _ROWS)
        for part in range(quantiser.parts):
            columns = slice(part * quantiser.width, min((part + 1) * quantiser.width, quantiser.dim))
            table[some, columns] = quantiser.of_part(part)[codes[some, part]]
        if norms is not None:
            table[some] *= norms[some, None]
    return table
