"""A file of fastText's, written: what fasttext_file.py reads, of the last version."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import FormatError
from firth.formats.checksums import NewFile
from firth.formats.fasttext_file import ARGS, MAGIC, VERSION, Args, Entries
from firth.formats.fasttext_quantised import as_written
from firth.formats.rows import LONGEST_KEY
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.nearest import Floats
from firth.vectors.product import ProductTable

NO_ENTRIES = Entries(b"", np.zeros(1, np.int64), np.zeros(0, np.int64))
_ROWS = 1 << 14  # written at once


class Rows:
    """A row for every bucket, from a table that may have rows for some alone: the others are zeros."""

    def __init__(self, table: Any, places: NDArray[np.int32] | None, buckets: int) -> None:
        self.table, self.places, self.buckets = table, places, buckets

    def __len__(self) -> int:
        return self.buckets

    def __getitem__(self, some: slice) -> Floats:
        if self.places is None:
            rows: Floats = self.table[some]
            return rows
        places = self.places[some]
        rows = np.zeros((len(places), self.table.shape[1]), np.float32)
        rows[places >= 0] = self.table[places[places >= 0]]
        return rows


def write_file(
    path: Place,
    args: Args,
    words: Entries,
    labels: Entries,
    inputs: Sequence[Any] | ProductTable,
    outputs: Sequence[Any] | ProductTable,
    kept: NDArray[np.int32] | None = None,
) -> None:
    """Write a file of version 12 that fastText opens, synced.

    inputs, outputs  tables whose rows follow one another, f4[·, dim] each; or one that is quantised (a .ftz)
    kept             i4[·], the buckets whose rows follow those of the words; None: all. fastText opens such a model
                     where it is quantised alone
    """
    pairs = None if kept is None else np.stack([kept, np.arange(len(kept), dtype=np.int32)], axis=1)
    tokens = min(sum(words.counts.tolist()) + sum(labels.counts.tolist()), 2**63 - 1)
    sizes = (len(words.counts), len(labels.counts))
    with NewFile(path) as file:
        file.write(struct.pack("<2i", MAGIC, VERSION) + ARGS.pack(*args))
        file.write(struct.pack("<iiiqq", sum(sizes), *sizes, tokens, -1 if pairs is None else len(pairs)))
        for kind, found in enumerate((words, labels)):
            for piece in entries(found, kind):
                file.write(piece)
        if pairs is not None:
            file.write(pairs.astype("<i4").tobytes())
        for matrix in (inputs, outputs):
            file.write(bytes([isinstance(matrix, ProductTable)]))
            for block in as_written(matrix) if isinstance(matrix, ProductTable) else _dense(matrix, args.dim):
                file.write(block)


def _dense(tables: Sequence[Any], dim: int) -> Iterator[bytes | memoryview]:
    yield struct.pack("<2q", sum(map(len, tables)), dim)
    for table in tables:
        for start in range(0, len(table), _ROWS):
            yield np.ascontiguousarray(table[start : start + _ROWS], "<f4").reshape(-1).view(np.uint8).data


def entries(found: Entries, kind: int) -> Iterator[bytes]:
    """Words (kind 0) or labels (1) as a file has them, in pieces."""
    bounds, counts = found.offsets.tolist(), found.counts.tolist()
    for start in range(0, len(counts), _ROWS):
        some = range(start, min(start + _ROWS, len(counts)))
        yield b"".join(
            b"%b\0%b" % (found.blob[bounds[row] : bounds[row + 1]], struct.pack("<qb", counts[row], kind))
            for row in some
        )


def check_entries(keys: Keys, what: str) -> None:
    """Raise FormatError for a word or label that such a file cannot hold."""
    if len(keys.blob) and not keys.blob.all():
        key = keys[int(np.searchsorted(keys.offsets, np.argmin(keys.blob), side="right")) - 1]
        raise FormatError(
            f"The {what} {key[:80]!r} holds a NUL, which ends a word in a fastText file. Save as 'native'."
        )
    if len(keys) and (longest := int(np.diff(keys.offsets).max())) > LONGEST_KEY:
        raise FormatError(f"A {what} has {longest:,} bytes; {LONGEST_KEY:,} are the most. Save as 'native'.")
