"""numpy's .npy: a header that says type and shape, then the numbers. numpy's own reader would take pickles, too.

    \x93NUMPY | version u8 u8 | header length u16 or u32 | {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import math
import re
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 1 << 16
_MOST_AXES = 8
_PIECE = 1 << 22
_WHOLE = r"\d{1,18}"
_DESCR = re.compile(r"'descr': '([<>|=]?)([a-zA-Z])(\d{1,9})'")
_ORDER = re.compile(r"'fortran_order': (True|False)")
_SHAPE = re.compile(rf"'shape': \(((?:{_WHOLE}, ?)*(?:{_WHOLE})?)\)")


class Writable(Protocol):
    """What bytes can be appended to."""

    def write(self, data: bytes, /) -> Any: ...


class Header(NamedTuple):
    """What a .npy file says of its array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    """Whether the first axis is the one whose numbers lie side by side."""
    start: int
    """The array's first byte."""

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize

    def of(self, data: Any) -> NDArray[Any]:
        """The array in a buffer that begins where it does."""
        flat: NDArray[Any] = np.frombuffer(data, self.dtype, math.prod(self.shape)) if self.size else np.empty(0)
        if not self.size:
            return np.empty(self.shape, self.dtype)
        return flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(self.shape)


def read_header(name: str, head: bytes) -> Header:
    """The header of a .npy file whose first bytes are `head`.

    Raises FormatError for an array of Python objects, which is a pickle; CorruptFileError for what is no header.
    """
    wide = head[6:7] > b"\x01"
    begin = 12 if wide else 10
    length = int.from_bytes(head[8:begin], "little")
    if not head.startswith(MAGIC) or head[6:7] not in (b"\1", b"\2", b"\3") or length > LONGEST_HEADER - begin:
        raise CorruptFileError(f"{name} is damaged at byte 0: no header of a numpy array. Copy it again.")
    text = head[begin : begin + length].decode("latin-1")
    if len(text) != length:
        raise CorruptFileError(
            f"{name} was cut short: it ends within its header, at byte {len(head):,}. Copy it again."
        )
    if re.search(r"'descr': '[<>|=]?O", text):
        raise FormatError(f"{name} is an array of Python objects, which is a pickle: firth opens none. Save numbers.")
    descr, order, shape = (part.search(text) for part in (_DESCR, _ORDER, _SHAPE))
    if descr is None or order is None or shape is None:
        raise CorruptFileError(f"{name} is damaged at byte {begin}: {text[:80]!r} is no type and shape. Copy it again.")
    sizes = tuple(int(number) for number in re.findall(_WHOLE, shape[1]))
    try:
        dtype = np.dtype("".join(descr.groups()))
    except TypeError:
        raise CorruptFileError(f"{name} has numbers of an unknown type, {descr[0][9:]}.") from None
    if dtype.kind not in "fiubUS" or not dtype.itemsize or len(sizes) > _MOST_AXES:
        raise FormatError(f"{name} is an array of {dtype}, shape {sizes}: not a table of numbers or strings.")
    return Header(dtype, sizes, order[1] == "True", begin + length)


def write(file: Writable, array: NDArray[Any]) -> None:
    """Write a whole .npy file, some rows at a time."""
    dtype = array.dtype.newbyteorder("<")
    file.write(header(dtype, array.shape))
    rows = max(1, _PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        file.write(np.ascontiguousarray(array[start : start + rows], dtype).tobytes())


def header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """The bytes before an array in C order; the array begins at a multiple of 64.

    >>> header(np.dtype("<f4"), (3, 2))[:10], len(header(np.dtype("<f4"), (3, 2)))
    (b'\\x93NUMPY\\x01\\x00v\\x00', 128)
    """
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return MAGIC + b"\x01\x00" + len(text).to_bytes(2, "little") + text
