"""The two tables while they are learnt: rows padded to whole cache lines, in place from first to last."""

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.errors import MemoryLimitError
from firth.kernels.core import Tables

_LINE = 16  # f4 in a cache line
_ROWS = 1 << 14  # rows worked on at once, so that no second table is ever needed


def initialise(
    rows: int,
    targets: int,
    dim: int,
    seed: int,
    frozen: npt.NDArray[np.bool_] | None = None,
    *,
    spread: float = 0.5,
    empty: int = 0,
) -> Tables:
    """Inputs uniform in ±spread/dim, outputs zero: f4[rows, D] and f4[targets, D], D = padded(dim).

    frozen  b1[rows], the inputs that will not move; a spare row then ends the table. None: all of them move
    spread  0.5 as in word2vec.c, 1 as in fastText
    empty   rows of zeros after the inputs

    Raises MemoryLimitError before anything is allocated.
    """
    refuse_what_cannot_fit(table_bytes(rows, targets, dim))
    spare = 0 if frozen is None else 1
    inputs, outputs = aligned(rows + spare + empty, padded(dim)), aligned(targets, padded(dim))
    random = np.random.default_rng(seed)
    for at in range(0, rows, _ROWS):
        part = inputs[at : at + _ROWS]
        part[:, :dim] = (random.random((len(part), dim), dtype=np.float32) - np.float32(0.5)) * np.float32(
            2 * spread / dim
        )
    return Tables(inputs, outputs, np.zeros(0, np.bool_) if frozen is None else frozen)


def table_bytes(rows: int, targets: int, dim: int) -> int:
    """What the two tables take in memory; `firth.plan` predicts with it, `initialise` refuses by it."""
    return 4 * padded(dim) * (rows + targets)


def padded(dim: int) -> int:
    """The width of a row: `dim` rounded up to whole cache lines."""
    return -(-dim // _LINE) * _LINE


def aligned(rows: int, width: int) -> npt.NDArray[np.float32]:
    """Zeros, f4[rows, width], that start at a cache line."""
    raw = np.zeros(rows * width + _LINE, np.float32)
    start = (-raw.ctypes.data % (4 * _LINE)) // 4
    return raw[start : start + rows * width].reshape(rows, width)


def without_padding(table: npt.NDArray[np.float32], dim: int) -> npt.NDArray[np.float32]:
    """The table as f4[rows, dim], contiguous, in the same memory: rows move to the front of it."""
    flat = table.reshape(-1)
    rows, width = table.shape
    for at in range(0, rows if dim < width else 0, _ROWS):
        part = table[at : at + _ROWS, :dim].copy()
        flat[at * dim : at * dim + part.size] = part.reshape(-1)
    return flat[: rows * dim].reshape(rows, dim)


def refuse_what_cannot_fit(size: int) -> None:
    """MemoryLimitError where `size` bytes are more than this process can still get."""
    room = machine.memory_available()
    if room is not None and size > room:
        raise MemoryLimitError(
            f"The tables need {size / 2**30:,.2f} GiB, but only {room / 2**30:,.2f} GiB of memory are left to this "
            "process. Lower dim, raise min_count, or set max_vocab."
        )
