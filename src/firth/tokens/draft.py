"""Tokens stage: the corpus in the ids it was read with, on disk, until the counts say which words stay."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt

from firth.tokens.pieces import Pieces

Ids = npt.NDArray[np.int32]
Ends = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Place:
    """Where the tokens of a block lie in the draft; how many tokens and ends of sentences they are."""

    at: int
    tokens: int
    ends: int


@dataclass(frozen=True)
class _Block:
    place: Place
    words: Place
    generation: int
    """How many times words were forgotten before this block was numbered."""


class Draft:
    """Blocks of tokens in their block's own ids, each with the lexicon's id of every word of the block.

    Any thread may `put`; the order of blocks is the order of `append`.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._size = 0
        self._lock = threading.Lock()
        self._blocks: list[_Block] = []
        self._moves: list[Place] = []

    def put(self, pieces: Pieces) -> Place:
        """Write the tokens of a block."""
        return Place(self._write(pieces.ids, pieces.ends), len(pieces.ids), len(pieces.ends))

    def append(self, place: Place, words: Ids) -> None:
        """`words`, i4[w]: the lexicon's id of each word of that block, -1 for one that is not kept."""
        self._blocks.append(_Block(place, Place(self._write(words), len(words), 0), len(self._moves)))

    def move(self, moved: Ids) -> None:
        """All ids given from here on are other ones: `moved`, i4[old ids], has the new id of every old one, or -1."""
        self._moves.append(Place(self._write(moved), len(moved), 0))

    def read(self, ranks: Ids) -> Iterator[tuple[Ids, Ids, Ends]]:
        """Every block in order: ids in the block i4[n], final id of each word i4[w] (-1: dropped), ends i8[s].

        `ranks`, i4[lexicon]: the final id of the lexicon's words.
        """
        ranks_of = [_with_dropped(ranks)]
        generations = [Place(self._write(ranks_of[0]), len(ranks_of[0]), 0)]
        for move in reversed(self._moves):  # a word's final id, had it been numbered before that move
            ranks_of[0] = _with_dropped(ranks_of[0][self._ids(move)])
            generations.insert(0, Place(self._write(ranks_of[0]), len(ranks_of[0]), 0))
        current = -1
        for block in self._blocks:
            if block.generation != current:
                current = block.generation
                final = self._ids(generations[current])
            place = block.place
            ids = self._ids(place)
            ends = np.frombuffer(self._read(place.at + 4 * place.tokens, 8 * place.ends), np.int64)
            yield ids, final[self._ids(block.words)], ends

    def _write(self, *arrays: Ids | Ends) -> int:
        with self._lock:
            at = self._size
            self._file.seek(at)
            for array in arrays:
                write_whole(self._file, array)
                self._size += array.nbytes
        return at

    def _ids(self, place: Place) -> Ids:
        return np.frombuffer(self._read(place.at, 4 * place.tokens), np.int32)

    def _read(self, at: int, size: int) -> bytearray:
        """Bytes of the file: of an unbuffered one, so a read may give fewer than asked for."""
        data = bytearray(size)
        with self._lock:
            self._file.seek(at)
            view = memoryview(data)
            while view:
                got = self._file.readinto(view)  # type: ignore[attr-defined]
                if not got:
                    raise OSError("the temporary file of the corpus was cut short")
                view = view[got:]
        return data


def write_whole(file: IO[bytes], array: npt.NDArray[np.int32] | npt.NDArray[np.int64]) -> None:
    """Write an array to an unbuffered file, which takes 2 GB at a time at most."""
    view = memoryview(array.view(np.uint8))  # type: ignore[arg-type]  # NumPy says so from Python 3.12 on
    while view:
        view = view[file.write(view) :]


def _with_dropped(ranks: Ids) -> Ids:
    """Ranks with one more at the end: index -1 is a word that is not kept."""
    return np.append(ranks, np.int32(-1))
