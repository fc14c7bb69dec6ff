"""Corpus stage, third step: text becomes blocks that can be cut into words independently of each other.

A block of text ends in ASCII white space (or, in Chinese, behind a mark), so no word and no character is ever cut; a
sentence ends where a newline stands, so one of any length simply runs through as many blocks as it needs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firth.errors import InputError

BLOCK = 1 << 22
"""Bytes of text in a block. Measured: 2, 4 and 8 MB differ by a tenth in time; at 4 MB a thread needs 30 MB."""
TOKENS = 1 << 20
"""Words in a block of ready-cut ones."""
LONGEST_WORD = 1 << 26
"""Bytes between two blanks; more is no text of words."""

_BLANKS: Final = (b"\n", b" ", b"\t", b"\r", b"\v", b"\f")


@dataclass(frozen=True)
class TextBlock:
    """Lines of UTF-8 (not yet checked), no word cut at the end; each newline ends a sentence."""

    data: memoryview
    name: str
    """What it is a part of, for errors: a file in quotes, 'stdin', …"""
    offset: int
    """Bytes of that text before this block."""
    done: int
    """Bytes of the whole source read so far, compressed as they are."""
    counts: str = "line"
    """What a newline ends, for errors: a line of a file, or a row."""


@dataclass(frozen=True)
class TokenBlock:
    """Sentences that are lists of words already."""

    tokens: Any
    """pa.Array of str[n] (bytes where not all of them are UTF-8)."""
    ends: npt.NDArray[np.int64]
    """i8[s]: how many of these tokens come before each end of a sentence; the last sentence may go on."""
    name: str
    done: int


def cut(parts: Iterable[bytes], name: str, marks: Sequence[bytes] = ()) -> Iterator[tuple[int, memoryview]]:
    """Cut a stream of bytes at white space: (offset, block). A newline closes the last block.

    `marks`: where a stretch has no white space, it is cut behind one of these; the block does not end in a blank then.

    Raises InputError for a word longer than 64 MB.
    """
    offset, carried, last = 0, b"", b"\n"
    for part in parts:
        data = carried + part if carried else part
        end = _after_last_blank(data) or _after_last(data, marks)
        if end:
            yield offset, memoryview(data)[:end]
        elif len(data) > LONGEST_WORD:
            raise InputError(
                f"{name}: no white space in the {len(data):,} bytes after byte {offset:,}. firth cuts words at white "
                "space: put blanks between them first."
            )
        offset, carried, last = offset + end, data[end:], data[-1:]
    if last != b"\n":
        yield offset, memoryview(carried + b"\n")


def gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Small parts joined until they make a block."""
    waiting: list[bytes] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _after_last_blank(data: bytes) -> int:
    """Offset behind the last white space, 0 where there is none; the last 64 KB nearly always have one."""
    for start in (max(0, len(data) - 65536), 0):
        last = max(data.rfind(blank, start) for blank in _BLANKS)
        if last >= 0:
            return last + 1
    return 0


def _after_last(data: bytes, marks: Sequence[bytes]) -> int:
    """Offset behind the last of these, 0 where there is none."""
    return max((data.rfind(mark) + len(mark) for mark in marks if mark in data), default=0)
