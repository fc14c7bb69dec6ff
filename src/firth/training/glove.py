"""The loop of GloVe: the co-occurrence matrix in tiles, learnt from in threads that never meet in a row.

Word i lies in block i mod B, among its words and among its contexts. A tile is a block of words times a block of
contexts: a sample of the whole matrix. Every pass takes the tiles in another order, and
a tile waits for those before it that share its words or its contexts. So the result is that of one thread, whatever
their number (Gemulla, Nijkamp, Haas & Sismanis 2011 did it for factorising matrices).
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firth.examples.cells import Cells as Matrix
from firth.examples.cells import scratch_array
from firth.kernels.glove import Cells, census, deal, learn, shuffle
from firth.tokens.ordered import in_order
from firth.training.blocks import pass_key
from firth.training.course import Course, Done, Pass
from firth.training.tables import aligned, padded, refuse_what_cannot_fit

Floats = npt.NDArray[np.float32]

_BLOCKS = 8  # at least; as many threads at most are at work. 36 learnt worse than 8 (docs/log.md)
_LARGEST = 1 << 16  # words in a block: places in a tile are u2
_AT_ONCE = 1 << 16  # cells that are weighed
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0xBF58476D1CE4E5B9))
_STILL = 1e30  # the sum of squares of a number that must not move
_AHEAD = 4  # tiles looked at beyond the next one, for each thread


@dataclass(frozen=True)
class Tiles:
    """The cells of a matrix, tile by tile."""

    cells: Cells
    ends: npt.NDArray[np.int64]
    """i8[blocks · blocks + 1], where each tile begins, and where the last one ends."""
    blocks: int
    held: npt.NDArray[np.int64]
    """i8[blocks · blocks], how many cells at a tile's end are held out."""

    @classmethod
    def of(
        cls,
        matrix: Matrix,
        x_max: float,
        alpha: float,
        seed: int,
        threads: int,
        memory: int,
        validation: float | None = None,
    ) -> "Tiles":
        """Deal the cells out, in random order in each tile. Beyond `memory` bytes they lie in temporary files.

        validation  the share of the pairs of words that is held out, X_ij with X_ji: each tells of the other
        """
        blocks = blocks_of(len(matrix.lengths))
        sizes = np.zeros((blocks, blocks), np.int64)

        def count(member: int) -> None:
            for part in matrix.parts():
                census(part.first, part.lengths, part.columns, blocks, member, threads, sizes)

        _ = [*in_order(count, range(threads), threads)]
        ends = np.concatenate([[0], np.cumsum(sizes)])
        kinds = (np.uint16, np.uint16, np.float32, np.float32)
        cells = Cells(*(scratch_array(int(ends[-1]), kind, memory // 4) for kind in kinds))
        cursors = ends[:-1].reshape(blocks, blocks).copy()

        def put(member: int) -> None:
            for part in matrix.parts():
                given = (part.first, part.lengths, part.columns, part.values)
                deal(*given, blocks, member, threads, cursors, cells)

        _ = [*in_order(put, range(threads), threads)]
        tiles = cls(cells, ends, blocks, np.zeros(blocks * blocks, np.int64))
        tiles._finish(x_max, alpha, seed, threads, validation)
        return tiles

    def __len__(self) -> int:
        """Cells that are learnt from."""
        return int(self.ends[-1] - self.held.sum())

    def learnt(self, tile: int) -> tuple[int, int]:
        """(start, end) of the cells of a tile that are learnt from."""
        start, end = self.ends[tile : tile + 2].tolist()
        return start, end - int(self.held[tile])

    def held_out(self, tile: int) -> tuple[int, int]:
        """(start, end) of the others."""
        end = int(self.ends[tile + 1])
        return end - int(self.held[tile]), end

    def _finish(self, x_max: float, alpha: float, seed: int, threads: int, validation: float | None) -> None:
        """Shuffle each tile, hold some out, then take logarithms and weigh."""
        keys = np.random.default_rng((seed, 2)).integers(0, 2**63, len(self.ends) - 1).astype(np.uint64)

        def one(tile: int) -> None:
            start, end = self.ends[tile : tile + 2].tolist()
            shuffle(self.cells, start, end, keys[tile])
            if validation is not None:
                self.held[tile] = self._hold_out(tile, start, end, validation, seed)
            for at in range(start, end, _AT_ONCE):
                part = slice(at, min(at + _AT_ONCE, end))
                logs = np.log(self.cells.logs[part])
                self.cells.logs[part] = logs
                weights = np.exp(np.float32(alpha) * (logs - np.float32(np.log(x_max))))
                self.cells.weights[part] = np.minimum(np.float32(1), weights)

        for _ in in_order(one, range(len(keys)), threads):
            pass

    def _hold_out(self, tile: int, start: int, end: int, share: float, seed: int) -> int:
        """Move the cells that are held out to the end of the tile, all others as they stand; returns their number."""
        row, column = divmod(tile, self.blocks)
        pair = np.stack([
            self.cells.words[start:end].astype(np.uint64) * np.uint64(self.blocks) + np.uint64(row),
            self.cells.contexts[start:end].astype(np.uint64) * np.uint64(self.blocks) + np.uint64(column),
        ])  # fmt: skip
        drawn = (pair.min(axis=0) << np.uint64(32)) + pair.max(axis=0) + np.uint64(seed) * _MIX[0]
        for factor in _MIX:  # SplitMix64's end (Steele, Lea & Flood 2014): a function of the two words alone
            drawn = (drawn ^ (drawn >> np.uint64(31))) * factor
        held = (drawn >> np.uint64(11)) < np.uint64(int(share * 2**53))
        order = np.argsort(held, kind="stable")
        for array in self.cells[:3]:
            array[start:end] = array[start:end][order]
        return int(held.sum())


def blocks_of(words: int) -> int:
    """How many blocks the words are dealt into.

    >>> [blocks_of(words) for words in (1, 5000, 70_000, 10_000_000)]
    [1, 8, 8, 153]
    """
    return min(words, max(_BLOCKS, -(-words // _LARGEST)))


class Sides:
    """Words and contexts while they are learnt: vectors, biases, and the sums of squares of both.

    A row is [vector, bias of the word, bias of the context | sums of squares], where the words have 1 for the context's
    bias and the contexts 1 for the word's: one product then is w·c + a + b. Rows stand block by block.
    """

    def __init__(self, words: int, dim: int, lr: float, seed: int) -> None:
        """Vectors and biases uniform in ±1/(2·dim), sums at 1, those of biases at lr², as glove.c does.

        (There biases move by g / sqrt(s), and s grows by g²: the same.) Raises MemoryLimitError.
        """
        self.dim, self.blocks = dim, blocks_of(words)
        self.rows = -(-words // self.blocks)  # of a block
        refuse_what_cannot_fit(side_bytes(words, dim))
        ids = np.arange(words)
        self.place = (ids % self.blocks) * self.rows + ids // self.blocks
        self.words, self.contexts = (self._initialised(words, own, lr, seed) for own in (0, 1))

    def _initialised(self, words: int, own: int, lr: float, seed: int) -> Floats:
        width, dim = padded(self.dim + 2), self.dim
        table = aligned(self.blocks * self.rows, 2 * width)
        table[:, width:] = 1.0
        random = np.random.default_rng((seed, own))
        start = (random.random((words, dim + 1), dtype=np.float32) - np.float32(0.5)) / np.float32(dim)
        table[self.place, :dim] = start[:, :dim]
        table[self.place, dim + own] = start[:, dim]
        table[:, dim + 1 - own] = 1.0
        table[:, width + dim + own] = lr * lr
        table[:, width + dim + 1 - own] = _STILL
        return table

    def start(self, rows: npt.NDArray[np.int64], vectors: Floats, frozen: bool) -> None:
        """Words at these rows begin with these vectors, f4[rows, dim]: half as a word, half as a context.

        frozen  they stay so; their biases move
        """
        places = self.place[rows]
        for table in (self.words, self.contexts):
            table[places, : self.dim] = vectors / np.float32(2)
            if frozen:
                width = table.shape[1] // 2
                table[places, width : width + self.dim] = _STILL

    def of_block(self, block: int, table: Floats) -> Floats:
        return table[block * self.rows : (block + 1) * self.rows]

    def summed(self) -> Floats:
        """w + c of every word: f4[words, dim]."""
        vectors: Floats = self.words[self.place, : self.dim]
        vectors += self.contexts[self.place, : self.dim]
        return vectors


def held_out_cost(tiles: Tiles, sides: Sides) -> Callable[[], float]:
    """What measures the mean cost of the cells that are held out."""
    return _Crew(tiles, sides, 0.0, 1).held_out_cost


def side_bytes(words: int, dim: int) -> int:
    """What both sides take in memory."""
    return 4 * 2 * 2 * padded(dim + 2) * words


def course(tiles: Tiles, sides: Sides, *, words: int, epochs: int, lr: float, seed: int) -> Course:
    """GloVe's passes over the cells; `words` of text have these."""
    n = len(tiles)
    weights, logs = tiles.cells.weights[: 1 << 20], tiles.cells.logs[: 1 << 20]
    unlearnt = float(np.mean(np.float64(0.5) * weights * logs**2)) if n else 0.0
    there = {tile for tile in range(len(tiles.held)) if tiles.learnt(tile)[0] < tiles.learnt(tile)[1]}

    def blocks(number: int) -> Iterator[int]:
        """The tiles with anything to learn, in an order of this pass's own."""
        order = np.random.default_rng(int(pass_key(seed, number))).permutation(len(tiles.held))
        return (tile for tile in order.tolist() if tile in there)

    return Course(
        epochs=epochs,
        units=n,
        words=words,
        blocks=blocks,
        lr=lambda _: lr,
        crew=lambda threads: _Crew(tiles, sides, lr, threads),
        kernel=learn,
        learnt=lambda: {"words": sides.words, "contexts": sides.contexts},
        unlearnt=max(unlearnt, 0.05),
        advice=f"Lower lr (it is {lr:g}).",
    )


class _Crew:
    """Threads that take the next tile none of whose words and contexts an earlier one, not yet done, has too."""

    def __init__(self, tiles: Tiles, sides: Sides, lr: float, threads: int) -> None:
        self.tiles, self.sides, self.lr, self.threads = tiles, sides, np.float32(lr), threads
        self.width = (0,) * (sides.words.shape[1] // 32)
        self._learn(0, 0, 0, 0, aligned(1, 16))  # compiles, before threads start

    def members(self, current: Pass) -> list[Callable[[], None]]:
        """What each thread does in a pass."""
        line = _Line(current, self.tiles.blocks, _AHEAD * self.threads)

        def work() -> None:
            scratch = aligned(1, 16)
            try:
                while (tile := line.take()) is not None:
                    current.add(self._learn_tile(tile, scratch))
                    line.done(tile)
            except BaseException:
                line.abandon()
                raise

        return [work] * self.threads

    def _learn_tile(self, tile: int, scratch: Floats) -> Done:
        start, end = self.tiles.learnt(tile)
        cost = self._learn(*divmod(tile, self.tiles.blocks), start, end, scratch)
        return end - start, end - start, cost, end - start

    def held_out_cost(self) -> float:
        """The mean cost of a cell that is held out; at a learning rate of 0, it moves nothing."""
        tiles, scratch = self.tiles, aligned(1, 16)
        costs = (
            self._learn(*divmod(tile, tiles.blocks), *tiles.held_out(tile), scratch)
            for tile in np.flatnonzero(tiles.held).tolist()
        )
        return sum(costs) / int(tiles.held.sum())

    def _learn(self, row: int, column: int, start: int, end: int, scratch: Floats) -> float:
        words, contexts = self.sides.of_block(row, self.sides.words), self.sides.of_block(column, self.sides.contexts)
        return float(learn(self.width, words, contexts, self.tiles.cells, start, end, self.lr, scratch))


class _Line:
    """Tiles in the order of the pass, and which of them may be worked on now."""

    def __init__(self, current: Pass, blocks: int, ahead: int) -> None:
        self.current, self.blocks, self.ahead = current, blocks, ahead
        self.waiting: list[int] = []
        self.at_work: list[int] = []
        self.over = self.abandoned = False
        self.changed = threading.Condition()

    def take(self) -> int | None:
        """The next tile that may be worked on; None where none is left. Waits where all that are near are shared."""
        with self.changed:
            while not self.abandoned:
                while not self.over and len(self.waiting) <= self.ahead:
                    taken = self.current.next(1)
                    self.over = taken is None
                    self.waiting += taken or ()
                for tile in self.waiting:
                    if self._is_free(tile):
                        self.waiting.remove(tile)
                        self.at_work.append(tile)
                        return tile
                if not self.waiting:
                    return None
                self.changed.wait()
            return None

    def done(self, tile: int) -> None:
        with self.changed:
            self.at_work.remove(tile)
            self.changed.notify_all()

    def abandon(self) -> None:
        """A thread failed: the others end with what they are at."""
        with self.changed:
            self.abandoned = True
            self.changed.notify_all()

    def _is_free(self, tile: int) -> bool:
        """Whether no tile at work, and none that waits before it, shares its words or its contexts."""
        row, column = divmod(tile, self.blocks)
        before = self.waiting[: self.waiting.index(tile)]
        return all(row != other // self.blocks and column != other % self.blocks for other in (*self.at_work, *before))
