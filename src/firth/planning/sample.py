"""Planning, first step: a part of a source, taken from all over it, that reads as the source itself does."""

import contextlib
import dataclasses
import itertools
import math
import os
import tempfile
import time
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
    part, taken, spread, began = max(1, size // _PLACES), 0.0, True, time.perf_counter()
    plain = not any(_is_packed(file) for file in files)
    if plain and total <= size:
        return Sample(_lenient(text, text.source), 1.0, True)
    kinds: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        for file, places in _places(files, total).items():
            kind = _kind(text, file)
            if kind not in kinds:
                kinds[kind] = stack.enter_context(open(folder / f"sample-{len(kinds)}", "wb"))
            from_start = _is_packed(file) or kind in ("csv", "tsv")
            longest = _LONGEST_RECORD if kind == "jsonl" else 4 * part
            data, read = _head(file, part * len(places)) if from_start else _parts(file, places, part, longest)
            spread &= not from_start or read == file.size
            taken += read
            kinds[kind].write(data)
        unpacking = 0.0 if plain else time.perf_counter() - began
    if taken == 0:
        raise InputError(f"The source {text.source!r} is empty.")
    kind, file = next(iter(kinds.items()))  # of a mixed source, its first kind
    return Sample(_lenient(text, file.name, kind), min(1.0, taken / max(1, total)), spread, unpacking)


def _places(files: Sequence[File], total: int) -> dict[File, list[int]]:
    """Places to read at, evenly over the files one after another: file → offsets in it."""
    places: dict[File, list[int]] = {}
    ends = list(itertools.accumulate(file.size or 0 for file in files))
    at = 0
    for place in range(_PLACES):
        offset = total * place // _PLACES
        while at < len(files) - 1 and offset >= ends[at]:
            at += 1
        places.setdefault(files[at], []).append(offset - ends[at] + (files[at].size or 0))
    return places


def _parts(file: File, places: Sequence[int], length: int, longest: int) -> tuple[bytes, int]:
    """Whole lines from each place, and how many bytes of the file they are."""
    assert file.size is not None
    if file.size <= length * len(places):
        with open(file.path, "rb") as opened:
            data = opened.read()
        return data.removeprefix(b"\xef\xbb\xbf") + b"\n", len(data)
    parts, size = [], 0
    with stream.opened(file) as checked:  # refuses what is no UTF-8 text
        mark = checked.skipped
    with open(file.path, "rb") as opened:
        for place in places:
            part = _lines_at(opened, max(mark, place), length, longest)
            size += len(part)
            parts.append(part if part.endswith(b"\n") else part + b"\n")
    return b"".join(parts), size


def _lines_at(opened: Any, place: int, length: int, longest: int) -> bytes:
    """About `length` bytes in whole lines, from the first that begins after `place`.

    A line of more than `longest` bytes is not followed to its end: then it is whole words.
    """
    opened.seek(place)
    cut = opened.readline(longest) if place else b"\n"
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


def _head(file: File, length: int) -> tuple[bytes, int]:
    """Whole rows from the beginning of a file, decompressed; and how many bytes of the file they are."""
    with stream.opened(file) as opened:
        data = opened.read(length)
        consumed = opened.consumed()
        if len(data) < length:
            return data + b"\n", file.size or 0
    end = data.rfind(b"\n") + 1
    while data.count(b'"', 0, end) % 2 and end:  # inside a quoted cell
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
    for file, places in _places(files, total).items():
        with parquet.ParquetFile(file.path) as opened:
            groups = opened.num_row_groups
            wanted = max(1, math.ceil(groups * min(1.0, size / max(1, total))))
            chosen = sorted({groups * place // wanted for place in range(wanted)} if groups else ())
            table = opened.read_row_groups(chosen, columns=[text.field] if text.field else None)
            few = _slices(table, size * len(places) // _PLACES)
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
    return dataclasses.replace(
        text, source=source, errors=errors, format=kind or (text.format if source is text.source else None)
    )
