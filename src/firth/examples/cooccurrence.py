"""How often words of a corpus stand near each other: counted in threads, within a bound of memory.

The corpus is taken in segments that fit. Of each, the places of every word are listed; then each row of the matrix is
summed by itself, so no thread waits for another and no cell is looked up. The rows of several segments lie sorted on
disk and are merged. The result is the same whatever the threads and the memory.
"""

import queue
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.errors import MemoryLimitError
from firth.examples.cells import Cells, Part
from firth.kernels.cooccurrence import COLUMNS, MARKS, Reach, Row, count, merge, place, separate, tally
from firth.tokens.encoded import Encoded
from firth.tokens.ordered import in_order

Side = Literal["both", "left", "right"]
Weighting = Literal["distance", "flat"]
Report = Callable[[int, int], None]

_PLACES = 1 << 15  # occurrences that a thread counts the neighbours of at a time: milliseconds
_MERGED = 1 << 18  # cells that a thread merges at a time
_BYTES_A_TOKEN = 12  # its id, its place, and the marks between sentences
_LEAST_SEGMENT, _LARGEST_SEGMENT = 1 << 12, 1 << 30  # tokens; places are i4
_GRAIN = 2.0**32


class Segment(NamedTuple):
    """A part of the corpus, and where its words stand."""

    ids: npt.NDArray[np.int32]
    places: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]


def weights(window: int, weighting: Weighting) -> npt.NDArray[np.float64]:
    """What a neighbour at each distance counts, f8[window + 1]: 1/d, as a multiple of 2^-32, or 1.

    >>> weights(4, "distance")[1:].round(3).tolist()
    [1.0, 0.5, 0.333, 0.25]
    """
    found = np.ones(window + 1)
    if weighting == "distance":
        found[1:] = np.rint(_GRAIN / np.arange(1, window + 1)) / _GRAIN
    return found


def counted(
    corpus: Encoded,
    *,
    window: int,
    side: Side = "both",
    weighting: Weighting = "distance",
    threads: int | None = None,
    memory: int | None = None,
    report: Report | None = None,
) -> Cells:
    """X_ij = how much of word j stands within `window` words of word i, on that side of it, in its sentence.

    memory  bytes that the text and the cells may take at once; None: half of what this process may use
    report(done, total) is called now and then, in words

    Raises MemoryLimitError where not even the working memory of the threads fits, DiskFullError.
    """
    threads = threads or machine.processors()
    memory = memory or (machine.memory_available() or 1 << 32) // 2
    words, tokens = len(corpus.vocabulary), len(corpus.tokens)
    _refuse_what_cannot_fit(words, threads)
    reach = Reach(window if side != "right" else 0, window if side != "left" else 0, weights(window, weighting))
    size = max(_LEAST_SEGMENT, min(memory // 2 // _BYTES_A_TOKEN, _LARGEST_SEGMENT, max(1, tokens)))
    pool = _Pool(words)
    bounds = [*range(0, tokens, size), tokens] if tokens else [0]
    alone = len(bounds) == 2
    runs = []
    for start, end in pairwise(bounds):
        run = Cells(words, np.float32 if alone else np.float64, memory // 2)
        _count_segment(_segment(corpus, start, end, window, words, threads), run, reach, pool, threads, report, end)
        if not alone:
            run.move_to_disk()
        runs.append(run)
    return runs[0] if alone else _merged(runs, words, pool, threads, memory // 2)


def _count_segment(
    segment: Segment, run: Cells, reach: Reach, pool: "_Pool", threads: int, report: Report | None, end: int
) -> None:
    """Append the rows of a segment to a run."""
    starts, words = segment.starts, len(segment.starts) - 1
    most = max(1, int(starts[-1]))

    def rows(unit: tuple[int, int]) -> Part:
        first, last = unit
        room = min(int(starts[last] - starts[first]) * (reach.left + reach.right), (last - first) * words)
        lengths = np.zeros(last - first, np.int64)
        with pool.row() as (row, buffers):
            columns, values = buffers(room, run.dtype)
            n = count(segment.ids, segment.places, starts, first, last, reach, row, lengths, columns, values)
            return Part(first, lengths, columns[:n].copy(), values[:n].copy())

    for part in in_order(rows, _units(starts, _PLACES), threads):
        done = int(starts[part.first + len(part.lengths)])
        run.append(part, done / most)
        if report:
            report(end - most + done, end)


def _segment(corpus: Encoded, start: int, end: int, window: int, words: int, threads: int) -> Segment:
    """The tokens from `start` to `end`, with the margins that their windows look into."""
    tokens, ends = np.asarray(corpus.tokens), np.asarray(corpus.sentences)
    low, high = max(0, start - window), min(len(tokens), end + window)
    between = np.searchsorted(ends, [low, start, end, high], "right")  # ends of sentences at or before each
    ids = np.empty(high - low + int(between[3] - between[0]) + 3, np.int32)
    ids = ids[: separate(tokens, ends, int(between[0]), low, high, ids)]
    first = 1 + start - low + int(between[1] - between[0])
    last = 1 + end - low + int(between[2] - between[0])
    edges = np.linspace(first, min(last, len(ids)), threads + 1).astype(np.int64).tolist()
    stretches = list(pairwise(edges))
    tallies = np.zeros((threads, words), np.int64)

    def tally_one(k: int) -> None:
        tally(ids, *stretches[k], tallies[k])

    _ = [*in_order(tally_one, range(threads), threads)]
    starts = np.concatenate([[0], np.cumsum(tallies.sum(axis=0))])
    cursors = starts[:-1] + np.cumsum(tallies, axis=0) - tallies
    places = np.empty(max(1, int(starts[-1])), np.int32)

    def place_one(k: int) -> None:
        place(ids, *stretches[k], cursors[k], places)

    _ = [*in_order(place_one, range(threads), threads)]
    return Segment(ids, places, starts)


def _merged(runs: list[Cells], words: int, pool: "_Pool", threads: int, most: int) -> Cells:
    """The rows of several runs added up, as f4."""
    lengths = np.stack([run.lengths for run in runs])
    starts = np.concatenate([[0], np.cumsum(lengths.sum(axis=0))])
    merged = Cells(words, np.float32, most)

    def rows(unit: tuple[int, int]) -> Part:
        parts = [run.rows(*unit) for run in runs]
        offsets = np.zeros((len(parts), unit[1] - unit[0] + 1), np.int64)
        np.cumsum([part.lengths for part in parts], axis=1, out=offsets[:, 1:])
        offsets[1:] += np.cumsum(offsets[:-1, -1])[:, None]
        columns, values = (np.concatenate([part[k] for part in parts]) for k in (2, 3))
        found = np.zeros(unit[1] - unit[0], np.int64)
        with pool.row() as (row, buffers):
            into = buffers(len(columns), merged.dtype)
            n = merge(offsets, columns, values, row, found, *into)
            return Part(unit[0], found, into[0][:n].copy(), into[1][:n].copy())

    for part in in_order(rows, _units(starts, _MERGED), threads):
        merged.append(part, float(starts[part.first + len(part.lengths)] / max(1, starts[-1])))
    return merged


def _units(starts: npt.NDArray[np.int64], size: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that hold about `size` of what `starts` counts, one row at least."""
    first, rows = 0, len(starts) - 1
    while first < rows:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + size, "right")) - 1)
        yield first, min(last, rows)
        first = last


class _Pool:
    """Working memory of threads, lent to one at a time."""

    def __init__(self, words: int) -> None:
        self.words = words
        self._free: queue.SimpleQueue[_Memory] = queue.SimpleQueue()

    def row(self) -> "_Lent":
        return _Lent(self)


class _Memory:
    def __init__(self, words: int) -> None:
        marks = -(-words // (COLUMNS * MARKS)) * MARKS
        self.row = Row(np.zeros(marks * COLUMNS), np.zeros(marks, np.uint8))
        self._columns, self._values = np.empty(0, np.int32), np.empty(0, np.float32)

    def buffers(self, room: int, dtype: Any) -> tuple[npt.NDArray[np.int32], npt.NDArray[Any]]:
        room += COLUMNS  # written beyond the end, and not counted
        if len(self._columns) < room or self._values.dtype != dtype:
            self._columns, self._values = np.empty(room, np.int32), np.empty(room, dtype)
        return self._columns, self._values


class _Lent:
    """`with pool.row() as (row, buffers)`; a row that an error left half done is not lent again."""

    def __init__(self, pool: _Pool) -> None:
        self.pool = pool

    def __enter__(self) -> tuple[Row, Callable[[int, Any], tuple[npt.NDArray[np.int32], npt.NDArray[Any]]]]:
        try:
            self.memory = self.pool._free.get_nowait()
        except queue.Empty:
            self.memory = _Memory(self.pool.words)
        return self.memory.row, self.memory.buffers

    def __exit__(self, *failed: object) -> None:
        if failed[0] is None:
            self.pool._free.put(self.memory)


def _refuse_what_cannot_fit(words: int, threads: int) -> None:
    size, room = (8 * words + 8 * words) * threads + 32 * words, machine.memory_available()
    if room is not None and size > room:
        raise MemoryLimitError(
            f"Counting {words:,} words in {threads} threads needs {size / 2**30:,.2f} GiB beside the cells, but only "
            f"{room / 2**30:,.2f} GiB of memory are left. Raise min_count, set max_vocab, or take fewer threads."
        )
