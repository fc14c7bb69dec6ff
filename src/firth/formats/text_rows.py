"""Lines of `key number number …`, read and written in bulk.

Apache Arrow's CSV reader parses a block of lines at once, in threads. It knows nothing of line numbers and little of
bad lines, so a block in which anything is odd is read again, line by line, by the slow and careful reader below.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from firth.formats.rows import LONGEST_KEY, Found
from firth.machine import processors
from firth.vectors.keys import Keys

_BLOCK = 1 << 22  # bytes read at once; with larger ones the peak of memory passes twice the file
_PIECE = 1 << 20  # bytes that one of Arrow's threads parses at once; with smaller ones reading slows down
_WIDEST = 4096  # columns in Arrow's reader; wider rows are rare and read carefully
_NUMBERS = 1 << 18  # written at once by one thread


def read(file: BinaryIO, found: Found, line: int, *, blanks: bool = False, labels: list[bytes] | None = None) -> None:
    """Read rows from the open file to its end; its next line is line `line`.

    blanks  a key may hold blanks: the last numbers of a line are the row, where what is before them is no number
    labels  lines are numbers with tabs between them, and these are the keys, in order
    """
    limit = LONGEST_KEY + 64 * found.dim
    for block in _blocks(file, limit):
        lines = block.count(b"\n")
        if not lines and len(block) > limit:
            found.bad(line, "longer than any row can be")
        elif not lines:
            found.bad(line, "the file ends in the middle of a line: it may have been cut short")
        elif not _read_fast(block, found, line, lines, labels):
            if labels is None:
                _read_carefully(block, found, line, blanks)
            else:
                _read_labelled(block, found, line, labels)
        line += max(lines, 1)


def _blocks(file: BinaryIO, limit: int) -> Iterator[bytes]:
    """Blocks of whole lines; one without a line end is the file's rest, or the start of a line that is too long."""
    rest = b""
    while piece := file.read(_BLOCK):
        block = rest + piece
        end = block.rfind(b"\n") + 1
        if end:
            yield block[:end]
        rest = block[end:]
        if len(rest) > limit:
            yield rest
            rest = _after_line(file)
    if rest:
        yield rest


def _after_line(file: BinaryIO) -> bytes:
    """Skip the rest of a line; return what was read after it."""
    while piece := file.read(_BLOCK):
        _, newline, after = piece.partition(b"\n")
        if newline:
            return after
    return b""


def _read_fast(block: bytes, found: Found, line: int, lines: int, labels: list[bytes] | None) -> bool:
    """Parse a block with Arrow and add it; False, and nothing added, where any line of it is odd."""
    import pyarrow as pa  # 60 ms, and only text needs it
    from pyarrow import csv

    if found.dim > _WIDEST:
        return False
    keyed = labels is None
    columns: dict[str, Any] = {"key": pa.binary()} if keyed else {}
    columns |= {str(column): pa.float32() for column in range(found.dim)}
    if keyed and block[: block.find(b"\n")].endswith(b" "):  # word2vec.c and fastText write a blank after every number
        columns["end"] = pa.null()
    try:
        table = csv.read_csv(
            pa.BufferReader(block),
            csv.ReadOptions(block_size=_PIECE, column_names=list(columns), use_threads=len(block) > _PIECE),
            csv.ParseOptions(
                delimiter=" " if keyed else "\t", quote_char=False, double_quote=False, ignore_empty_lines=False
            ),
            # An empty number becomes null, then NaN, and so makes its block odd.
            csv.ConvertOptions(column_types=columns, null_values=[""], strings_can_be_null=False, check_utf8=False),
        )
    except pa.ArrowInvalid:
        return False
    if len(table) != lines:
        return False
    keys = table.column("key").to_pylist() if labels is None else labels[line - 1 : line - 1 + lines]
    if len(keys) != lines:
        return False
    array = np.empty((len(keys), found.dim), np.float32)
    start = 0
    for batch in table.to_batches():
        for column in range(found.dim):
            array[start : start + len(batch), column] = batch.column(column + keyed).to_numpy(zero_copy_only=False)
        start += len(batch)
    sizes = {len(key) for key in keys}
    if not (np.isfinite(array).all() and 0 < min(sizes) <= max(sizes) <= LONGEST_KEY):
        return False
    found.add(keys, array, range(line, line + len(keys)))
    return True


def _read_carefully(block: bytes, found: Found, line: int, blanks: bool) -> None:
    """Parse a block line by line: any ASCII white space between numbers, blank lines passed over, bad rows named."""
    keys: list[bytes] = []
    rows: list[NDArray[np.float32]] = []
    places: list[int] = []
    for place, text in enumerate(block.split(b"\n")[:-1], line):
        key, *numbers = text.split() or [b""]
        if blanks and len(numbers) > found.dim and not are_numbers(numbers[: -found.dim]):
            key, *numbers = text.rsplit(maxsplit=found.dim)
        row = _row(numbers)
        if not key:
            continue
        if text[:1].isspace():
            found.bad(place, "it begins with a blank, so it has no key")
        elif len(numbers) != found.dim:
            found.bad(place, f"{len(numbers):,} numbers after the key {_shown(key)}, not {found.dim:,}")
        elif row is None:
            found.bad(place, f"not a finite number in the row of {_shown(key)}: {_shown(_odd(numbers))}")
        elif len(key) > LONGEST_KEY:
            found.bad(place, f"a key of {len(key):,} bytes; {LONGEST_KEY:,} are the most")
        else:
            keys.append(key)
            rows.append(row)
            places.append(place)
    if keys:
        found.add(keys, np.stack(rows), places)


def _read_labelled(block: bytes, found: Found, line: int, labels: list[bytes]) -> None:
    """Parse a block line by line: numbers with tabs between them, whose key is the label of that line."""
    for place, text in enumerate(block.split(b"\n")[:-1], line):
        numbers = [number.strip() for number in text.split(b"\t")]
        row = _row(numbers)
        if place > len(labels):
            found.bad(place, f"a row beyond the {len(labels):,} labels")
        elif not 0 < len(labels[place - 1]) <= LONGEST_KEY:
            found.bad(place, f"its label has {len(labels[place - 1]):,} bytes, not 1 to {LONGEST_KEY:,}")
        elif len(numbers) != found.dim:
            found.bad(place, f"{len(numbers):,} numbers, not {found.dim:,}")
        elif row is None:
            found.bad(place, f"not a finite number: {_shown(_odd(numbers))}")
        else:
            found.add([labels[place - 1]], row[None], [place])


def _row(numbers: list[bytes]) -> NDArray[np.float32] | None:
    """f4[dim], or None where one is no finite number."""
    try:
        with np.errstate(over="ignore"):
            row = np.array([float(number) for number in numbers]).astype(np.float32)
    except ValueError:
        return None
    return row if np.isfinite(row).all() and b"_" not in b"".join(numbers) else None  # Python reads 1_0 as 10


def are_numbers(tokens: list[bytes]) -> bool:
    """Whether each is a finite number that float32 can hold.

    >>> are_numbers([b"-0.25", b"1e-3"]), are_numbers([b"1", b"nan"])
    (True, False)
    """
    return _row(tokens) is not None


def _odd(numbers: list[bytes]) -> bytes:
    return next(number for number in numbers if _row([number]) is None)


def _shown(token: bytes) -> str:
    return repr(token[:80].decode("utf-8", "replace"))


def write(keys: Keys | None, array: NDArray[np.float32], between: str = " ") -> Iterator[bytes]:
    """The lines, in pieces: each number in the fewest digits that give it back. Without `keys`, numbers alone."""
    rows = max(1, _NUMBERS // array.shape[1])
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(processors()) as threads:
        for start in range(0, len(array), rows):
            waiting.append(threads.submit(_lines, keys, array[start : start + rows], start, between))
            if len(waiting) > 2 * processors():  # so that the text never stands in memory whole
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _lines(keys: Keys | None, rows: NDArray[np.float32], start: int, between: str) -> bytes:
    import pyarrow as pa
    from pyarrow import compute

    count, dim = rows.shape
    numbers = compute.cast(pa.array(np.ascontiguousarray(rows).reshape(-1)), pa.string())
    lines = compute.binary_join(_lists(numbers, np.arange(0, count * dim + 1, dim)), between)
    if keys is not None:
        bounds = keys.offsets[start : start + count + 1]
        blob = pa.py_buffer(keys.blob[bounds[0] : bounds[-1]].tobytes())
        names = pa.StringArray.from_buffers(count, pa.py_buffer((bounds - bounds[0]).astype(np.int32)), blob)
        lines = compute.binary_join_element_wise(names, lines, between)
    text: bytes = compute.binary_join(_lists(lines, np.array([0, count])), "\n")[0].as_buffer().to_pybytes()
    return text + b"\n"


def _lists(values: Any, offsets: NDArray[np.int64]) -> Any:
    import pyarrow as pa

    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
