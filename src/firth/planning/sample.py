"""Planning, first step: a part of a source, taken from all over it, that reads as the source itself does."""

import contextlib
import dataclasses
import itertools
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from firth.corpus import source as sources
from firth.corpus import stream
from firth.corpus.source import File
from firth.corpus.text import Text, sniffed
from firth.errors import InputError

_PLACES: Final = 256  # parts of a sample: many, for a text changes its subject from place to place
_ROWS: Final = 64  # the same for rows, which are found less quickly
_LEAST_PART: Final = 1 << 14  # bytes at a place
_LONGEST_RECORD: Final = 1 << 23  # bytes in which the end of a JSON line is sought
_BLANKS: Final = b"\n \t\r\v\f"
_WORD: Final = 6  # bytes of a word, to tell from a few items how many make a sample


@dataclass(frozen=True)
class Sample:
    """A part of a source."""

    text: Text
    """Reads the part, with the options of the whole; what is not UTF-8 is replaced."""
    share: float
    """Of the source, in (0, 1]; 1: the source itself."""
    spread: bool
    """Whether it comes from all over the source; False where that can be read from its beginning only."""
    unpacking: float = 0.0
    """Seconds that decompressing the sample took."""


@contextlib.contextmanager
def sampled(text: Text, size: int) -> Iterator[Sample]:
    """A sample of about `size` bytes, in temporary files that vanish when the block ends.

    Files of lines are opened at many places, and read from one end of a line to another. Compressed files, CSV and TSV
    can only be read from their beginning. Lists, frames and parquet files give rows from many places.
    Raises InputError for what can be read once, and what reading the source raises.
    """
    with tempfile.TemporaryDirectory(prefix="firth-") as folder:
        yield _sample(text, size, Path(folder))


def _sample(text: Text, size: int, folder: Path) -> Sample:
    if not text.names_files():
        return _of_rows(text, text.source, size)
    files = sources.find(text.source)
    if not all(file.regular for file in files):
        raise InputError("stdin and pipes can be read only once, and would be used up by a look at them. Give files.")
    if stream.begins_with(files[0], b"PAR1"):
        return _of_parquet(text, files, size)
    return _of_files(text, files, size, folder)


def _of_files(text: Text, files: Sequence[File], size: int, folder: Path) -> Sample:
    total = sum(file.size or 0 for file in files)
    packed = {file for file in files if _is_packed(file)}
    if not packed and total <= size:
        return Sample(_lenient(text, text.source), 1.0, True)
    began, taken, spread = time.perf_counter(), 0, True
    kinds: dict[str, str] = {}  # sample file → what it is
    for file, places in _places(files, total, size).items():
        kind = _kind(text, file)
        if file in packed or kind in ("csv", "tsv"):
            data, read = _head(file, size * len(places) // _number_of_places(size), kind == "csv")
            spread &= read == file.size
        else:
            data, read = _parts(file, places, size // _number_of_places(size), kind == "jsonl")
        taken += read
        part = folder / f"sample-{len(kinds)}"
        part.write_bytes(data)
        kinds[str(part)] = kind
    if not taken:
        raise InputError(f"The source {text.source!r} is empty.")
    main = Counter(kinds.values()).most_common(1)[0][0]  # of files of several kinds
    sources_of_kind = [path for path, kind in kinds.items() if kind == main]
    unpacking = time.perf_counter() - began if packed else 0.0
    return Sample(_lenient(text, sources_of_kind, main), min(1.0, taken / total), spread, unpacking)


def _number_of_places(size: int) -> int:
    return min(_PLACES, max(1, size // _LEAST_PART))


def _places(files: Sequence[File], total: int, size: int) -> dict[File, list[int]]:
    """Places to read at, evenly over the files one after another: file → offsets in it."""
    places: dict[File, list[int]] = {}
    ends = list(itertools.accumulate(file.size or 0 for file in files))
    at, number = 0, _number_of_places(size)
    for place in range(number):
        offset = total * place // number
        while at < len(files) - 1 and offset >= ends[at]:
            at += 1
        places.setdefault(files[at], []).append(offset - ends[at] + (files[at].size or 0))
    return places


def _parts(file: File, places: Sequence[int], length: int, records: bool) -> tuple[bytes, int]:
    """Whole lines from each place, and how many bytes of the file they are. `records`: a line is never cut."""
    longest = _LONGEST_RECORD if records else 4 * length
    with stream.opened(file) as checked:  # refuses what is no UTF-8 text
        mark = checked.skipped
    parts: list[bytes] = []
    with open(file.path, "rb") as opened:
        for place in places:
            if opened.tell() <= place:  # else a long line went beyond it
                parts.append(_lines_at(opened, max(mark, place), place == 0, length, longest))
    size = sum(map(len, parts))
    return b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts if part), size


def _lines_at(opened: Any, place: int, first: bool, length: int, longest: int) -> bytes:
    """About `length` bytes in whole lines, from the first that begins after `place`; `first`: a line begins there.

    A line of more than `longest` bytes is not followed to its end: then it is whole words.
    """
    opened.seek(place)
    cut = b"\n" if first else opened.readline(longest)
    if not cut.endswith(b"\n"):
        return _whole_words(cut[:length])
    data: bytes = opened.read(length)
    rest = b"" if data.endswith(b"\n") else opened.readline(longest)
    return data + rest if len(rest) < longest else _whole_words(data)


def _whole_words(data: bytes) -> bytes:
    """The text without the words that its ends cut; all of it but half characters where it has no blanks."""
    first = min((at for at in map(data.find, (bytes([blank]) for blank in _BLANKS)) if at >= 0), default=-1)
    last = max(map(data.rfind, (bytes([blank]) for blank in _BLANKS)))
    if 0 <= first < last:
        return data[first + 1 : last]
    return data.decode("utf-8", "ignore").encode()


def _head(file: File, length: int, quoted: bool) -> tuple[bytes, int]:
    """Whole rows from the beginning of a file, decompressed; and how many bytes of the file they are."""
    with stream.opened(file) as opened:
        data = opened.read(length)
        consumed = opened.consumed()
        if len(data) < length:
            return data + b"\n", file.size or 0
    end = data.rfind(b"\n") + 1
    while quoted and end and data.count(b'"', 0, end) % 2:  # inside a cell
        end = data.rfind(b"\n", 0, end - 1) + 1
    kept = data[:end] if end else _whole_words(data)
    return kept, round(consumed * len(kept) / len(data))


def _is_packed(file: File) -> bool:
    with open(file.path, "rb") as opened:
        return stream.is_compressed(opened.read(8))


def _kind(text: Text, file: File) -> str:
    if text.format:
        return text.format
    with stream.opened(file) as opened:
        return sniffed(opened)


def _of_parquet(text: Text, files: Sequence[File], size: int) -> Sample:
    from pyarrow import parquet

    total = sum(file.size or 0 for file in files)
    tables, taken, rows = [], 0.0, 0
    for file in files:
        with parquet.ParquetFile(file.path) as opened:
            groups = opened.num_row_groups
            wanted = math.ceil(groups * min(1.0, size / max(1, total)))
            chosen = sorted({groups * place // wanted for place in range(wanted)})
            table = opened.read_row_groups(chosen, columns=[text.field] if text.field else None, use_threads=False)
            few = _slices(table, math.ceil(size * (file.size or 0) / max(1, total)))
            taken += (file.size or 0) * few.num_rows / max(1, opened.metadata.num_rows)
            rows += opened.metadata.num_rows
            tables.append(few)
    table = pa.concat_tables(tables, promote_options="default")
    if not table.num_rows:
        raise InputError(f"The source {text.source!r} holds no row.")
    share = 1.0 if table.num_rows == rows else taken / total
    return Sample(_lenient(text, text.source if share == 1 else table), share, True)


def _of_rows(text: Text, source: Any, size: int) -> Sample:
    if isinstance(source, Iterator) or type(source).__name__ == "RecordBatchReader":
        raise InputError(
            f"The source (a {type(source).__name__}) can be read only once, and would be used up by a look at it. "
            "Give a list or a file."
        )
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        rows = _arrow(source)
        some = _slices(rows, size)
        share = len(some) / max(1, len(rows))
    elif isinstance(source, Sequence):
        some = _items(source, size)
        share = len(some) / max(1, len(source))
    else:
        raise InputError(f"The source (a {type(source).__name__}) does not say how long it is. Give a list or a file.")
    if not len(some):
        raise InputError("The source is empty.")
    return Sample(_lenient(text, source if share == 1 else some), share, True)


def _arrow(frame: Any) -> Any:
    """A frame as a table, a series as a chunked array."""
    if not hasattr(frame, "__arrow_c_stream__"):
        return pa.chunked_array([pa.array(frame)])
    try:
        return pa.table(frame)
    except (pa.ArrowInvalid, TypeError, ValueError):  # no struct: a series
        return pa.chunked_array(frame)


def _slices(rows: Any, size: int) -> Any:
    """Rows from many places of a table or a chunked array, about `size` bytes of them."""
    keep = min(1.0, size / max(1, rows.nbytes))
    if keep == 1.0:
        return rows
    parts = _cuts(len(rows), keep)
    if isinstance(rows, pa.Table):
        return pa.concat_tables([rows.slice(start, length) for start, length in parts])
    chunks = [chunk for start, length in parts for chunk in rows.slice(start, length).chunks]
    return pa.chunked_array(chunks, rows.type)


def _items(items: Sequence[Any], size: int) -> Sequence[Any]:
    few = [items[len(items) * place // 1000] for place in range(min(1000, len(items)))]
    lengths = [len(item) if isinstance(item, str) else _WORD * len(item) for item in few]
    keep = min(1.0, size / max(1.0, len(items) * sum(lengths) / max(1, len(lengths))))
    if keep == 1.0:
        return items
    return [item for start, length in _cuts(len(items), keep) for item in items[start : start + length]]


def _cuts(rows: int, keep: float) -> list[tuple[int, int]]:
    """(start, length) of evenly spaced parts of so many rows, a share `keep` of them together."""
    starts = [rows * place // _ROWS for place in range(min(rows, _ROWS) + 1)] if rows >= _ROWS else [*range(rows + 1)]
    return [(start, max(1, round((end - start) * keep))) for start, end in itertools.pairwise(starts) if end > start]


def _lenient(text: Text, source: Any, kind: str | None = None) -> Text:
    """The same text from another source, read to its end whatever its bytes are."""
    errors = "replace" if text.errors == "strict" else text.errors
    if kind is None and source is text.source:
        kind = text.format
    return dataclasses.replace(text, source=source, errors=errors, format=kind)
