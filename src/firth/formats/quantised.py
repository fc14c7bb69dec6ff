"""A quantised table in a native folder: which arrays of vectors.safetensors it is.

float32    vectors F32[n, dim]
float16    vectors F16[n, dim]
bfloat16   vectors BF16[n, dim]
int8       vectors I8[n, dim]      scales F32[n]
pq         vectors U8[n, parts]    books F32[256, dim]
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats.safetensors import Tensor
from firth.formats.signatures import Place
from firth.vectors.nearest import Floats
from firth.vectors.quantised import CENTRES, Kind, Quantised, columns

_KINDS: dict[str, Kind] = {"F16": "float16", "BF16": "bfloat16", "I8": "int8", "U8": "pq"}


def arrays(table: Floats | Quantised) -> dict[str, NDArray[Any] | None]:
    """What to write for a table."""
    if not isinstance(table, Quantised):
        return {"vectors": table}
    return {"vectors": table.codes, "scales": table.scales, "books": table.books}


def table(tensors: dict[str, Tensor], data: NDArray[np.uint8]) -> Floats | Quantised:
    """The table in a mapped file, whose shapes are those of `expected`."""
    found = {name: tensors[name].of(data) for name in ("vectors", "scales", "books") if name in tensors}
    kind = _KINDS.get(tensors["vectors"].dtype)
    if kind is None:
        return found["vectors"]
    return Quantised(kind, found["vectors"], found.get("scales"), found.get("books"))


def shape(path: Place, tensors: dict[str, Tensor]) -> tuple[int, int]:
    """(rows, dim) as `vectors` and, for product codes, `books` say it. Raises CorruptFileError where they cannot."""
    found = tensors["vectors"]
    rows, dim = found.shape
    if found.dtype != "U8":
        return rows, dim
    books = tensors["books"].shape if "books" in tensors else ()
    if len(books) != 2 or not 1 <= dim <= books[1] or len(columns(books[1], dim)) != dim:
        raise CorruptFileError(
            f"{path} at byte {found.begin:,}: codes of {dim:,} parts do not fit 'books' of shape {list(books)}. "
            "Copy the model again from where it came."
        )
    return rows, books[1]


def expected(tensors: dict[str, Tensor], dim: int) -> dict[str, tuple[str, tuple[int, ...] | None]]:
    """The arrays of the table, all of which must be there, with the type and shape that each must have."""
    found = tensors["vectors"]
    rows, width = found.shape
    if found.dtype not in _KINDS:
        return {"vectors": ("F32", (rows, dim))}
    wanted: dict[str, tuple[str, tuple[int, ...] | None]] = {"vectors": (found.dtype, (rows, width))}
    if found.dtype == "I8":
        wanted["scales"] = ("F32", (rows,))
    if found.dtype == "U8":
        wanted["books"] = ("F32", (CENTRES, dim))  # all of them, so that any code is the number of one
    return wanted


def described(tensors: dict[str, Tensor]) -> dict[str, str]:
    """How a table that is no float32 is written, for `firth info`."""
    kind = _KINDS.get(tensors["vectors"].dtype)
    return {} if kind is None else {"quantised": kind}
