"""GloVe's text file: word2vec's without the first line; a line `key number number …` for each row.

Published files have keys that hold blanks (`. . .`); they are read, and told from a row that is too long by being no
numbers. A row of one number is not taken for GloVe's, as a list of words and counts has such lines, too.
Pennington, Socher & Manning 2014: https://nlp.stanford.edu/projects/glove
"""

import os
from typing import Any

from firth.errors import FormatError
from firth.formats import text_rows, word2vec
from firth.formats.checksums import NewFile
from firth.formats.rows import LARGEST_DIM, LONGEST_KEY, Errors, Found
from firth.formats.signatures import Place, looks_like
from firth.formats.word2vec_header import kind
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_BOM = b"\xef\xbb\xbf"
_LONGEST_LINE = LONGEST_KEY + 64 * LARGEST_DIM


def recognise(head: bytes) -> bool:
    """Whether a file's first kilobytes are a key, at least two numbers, and no header of word2vec's."""
    line, newline, _ = head.partition(b"\n")
    numbers = line.split()[1:]
    if not newline and len(head) >= 1 << 16:
        numbers = numbers[:-1]  # the head may cut the last one
    return len(numbers) >= 2 and text_rows.are_numbers(numbers) and kind(head) is None


def read(path: Place, *, strict: bool = True, errors: Errors = "strict") -> Vectors:
    """Read a file. Raises CorruptFileError, with the line, and EncodingError for a key that is not UTF-8.

    strict  False leaves bad rows out, counts them, and warns
    errors  "strict", "replace" or "ignore", for keys that are not UTF-8
    """
    dim = _dim(path)
    with open(path, "rb") as file:
        if file.read(len(_BOM)) != _BOM:
            file.seek(0)
        found = Found(path, dim, "line", strict, errors)
        text_rows.read(file, found, line=1, blanks=True)
        return found.finish()


def _dim(path: Place) -> int:
    """How many numbers follow the key of the first line."""
    with open(path, "rb") as file:
        line = file.readline(_LONGEST_LINE)
    numbers = line.split()[1:]
    if kind(line) is None and numbers and text_rows.are_numbers(numbers):
        return len(numbers)
    what = "word2vec text: its first line is 'rows dim'" if kind(line) else looks_like(line)
    looks = f" (it looks like {what})" if what else ""
    raise FormatError(f"{path} is not GloVe text{looks}: line 1 must be 'key number number …', not {line[:40]!r}.")


def describe(path: Place) -> dict[str, Any]:
    """Rows (the file's lines: there is no header), dim and the file's size."""
    rows, last = 0, b"\n"
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            rows, last = rows + block.count(b"\n"), block
    return {"rows": rows + (not last.endswith(b"\n")), "dim": _dim(path), "bytes": os.path.getsize(path)}


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced."""
    with NewFile(path) as file:
        for lines in text_rows.write(Keys.of(vectors.index_to_key), vectors.vectors):
            file.write(lines)


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`. Raises FormatError for what GloVe text cannot hold."""
    size = word2vec.needs(vectors)
    if not len(vectors) or vectors.dim < 2:
        raise FormatError(
            f"GloVe text has no header, so {len(vectors):,} rows of {vectors.dim:,} numbers could not be told from "
            "other text. It takes at least one row of two numbers. Save as 'word2vec' or 'native'."
        )
    first = vectors.index_to_key[0]
    if first.startswith("\ufeff"):
        raise FormatError(f"The first key, {first[:40]!r}, begins with a byte order mark. Save as 'native'.")
    return size
