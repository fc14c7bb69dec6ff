"""The product-quantised matrices of fastText's .ftz, read and written: a byte for every few numbers.

Jégou, Douze & Schmid 2011; Joulin et al. 2016, "FastText.zip: Compressing text classification models".
"""

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from firth import machine
from firth.errors import MemoryLimitError
from firth.formats.signatures import Place
from firth.vectors.nearest import Floats
from firth.vectors.product import CENTROIDS, ProductTable

if TYPE_CHECKING:
    from firth.formats.fasttext_file import Cursor


def quantised(cursor: "Cursor", dim: int) -> ProductTable:
    """The quantised matrix that stands here. Raises CorruptFileError."""
    begin = cursor.at
    with_norms, rows, columns, size = cursor.numbers("<Bqqi")
    if rows < 0 or columns != dim or size < 0 or with_norms > 1:
        raise cursor.damaged(f"a quantised matrix of {rows:,} × {columns:,} numbers, where dim is {dim:,}", begin)
    codes = cursor.array("u1", size)
    centroids = _centroids(cursor, dim)
    parts = len(centroids)
    if rows * parts != size:
        raise cursor.damaged(f"{size:,} codes for {rows:,} rows of {parts:,} parts", begin)
    norms = lengths = None
    if with_norms:
        norms = cursor.array("u1", rows)
        lengths = _centroids(cursor, 1)[0, :, 0]
    return ProductTable(codes.reshape(rows, parts), centroids, norms, lengths, dim)


def decoded(path: Place, matrix: Floats | ProductTable) -> Floats:
    """The matrix as numbers, f4[rows, dim]. Raises MemoryLimitError."""
    if isinstance(matrix, np.ndarray):
        return matrix
    room, needed = machine.memory_available(), 4 * len(matrix) * matrix.dim
    if room is not None and needed > room:
        raise MemoryLimitError(
            f"{path} needs {needed / 2**30:,.2f} GiB when decoded, and {room / 2**30:,.2f} GiB are left."
        )
    return matrix.decoded()


def as_written(matrix: ProductTable) -> Iterator[bytes]:
    """The bytes of such a matrix in a file."""
    yield struct.pack("<Bqqi", matrix.norms is not None, len(matrix), matrix.dim, matrix.codes.size)
    yield matrix.codes.tobytes()
    yield from _quantiser(matrix.centroids, matrix.dim)
    if matrix.norms is not None and matrix.lengths is not None:
        yield matrix.norms.tobytes()
        yield from _quantiser(matrix.lengths.reshape(1, CENTROIDS, 1), 1)


def _centroids(cursor: "Cursor", dim: int) -> Floats:
    """f4[parts, 256, width]; in the file the last part may be narrower."""
    begin = cursor.at
    columns, parts, width, last = cursor.numbers("<4i")
    if columns != dim or min(parts, width, last) < 1 or last > width or (parts - 1) * width + last != dim:
        raise cursor.damaged(f"{parts:,} parts of {width:,} numbers, the last of {last:,}, are not {dim:,}", begin)
    numbers = cursor.array("<f4", CENTROIDS * dim)
    found = np.zeros((parts, CENTROIDS, width), np.float32)
    split = (parts - 1) * CENTROIDS * width
    found[:-1] = numbers[:split].reshape(parts - 1, CENTROIDS, width)
    found[-1, :, :last] = numbers[split:].reshape(CENTROIDS, last)
    return found


def _quantiser(centroids: Floats, dim: int) -> Iterator[bytes]:
    parts, _, width = centroids.shape
    last = dim - (parts - 1) * width
    yield struct.pack("<4i", dim, parts, width, last)
    yield np.ascontiguousarray(centroids[:-1], "<f4").tobytes()
    yield np.ascontiguousarray(centroids[-1, :, :last], "<f4").tobytes()
