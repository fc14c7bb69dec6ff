"""floret's text file: a row for each hash bucket, and no keys: every word is made of its n-grams' rows.

    buckets dim min_n max_n hash_count hash_seed < >
    0 number number …
    1 number number …

Explosion's floret, 2021: https://github.com/explosion/floret. spaCy reads it by `spacy init vectors --mode floret`.
"""

import os
import re
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

from firth.errors import CorruptFileError, FormatError
from firth.formats import text_rows
from firth.formats.checksums import NewFile
from firth.formats.rows import LARGEST_DIM, Found
from firth.formats.signatures import Place, looks_like
from firth.formats.word2vec_header import check_claim, check_finite
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords
from firth.vectors.table import Vectors

_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?" + rb"(\d{1,10}) " * 6 + rb"(\S{1,20}) (\S{1,20})[ \t]*\r?\n")
_LONGEST_HEADER = 256
_TYPICAL_NUMBER = 12  # characters of a float32 in text, the blank included


class Header(NamedTuple):
    buckets: int
    dim: int
    min_n: int
    max_n: int
    hash_count: int
    hash_seed: int


def recognise(head: bytes) -> bool:
    """Whether a file's first kilobytes begin with floret's line of six numbers and two brackets."""
    return _HEADER.match(head) is not None


def read(path: Place, *, keys: Sequence[str] = ()) -> Vectors:
    """Read a file. `vectors[word]` works for every word; the file has no list of them.

    keys  the words to store, for what needs a list: neighbours, analogies

    Raises CorruptFileError, with the line, and FormatError.
    """
    with open(path, "rb") as file:
        header = _read_header(path, file)
        check_claim(path, file, header.buckets, 2 * header.dim + 2)
        found = Found(path, header.dim, "line")
        text_rows.read(file, found, line=2)
        rows = found.finish(header.buckets)
    for place, key in enumerate(rows.index_to_key):
        if key != str(place):
            raise CorruptFileError(f"{path}, line {place + 2:,}: row {place:,} is due here, not {key[:40]!r}.")
    _, _, min_n, max_n, *hashing = header
    parts = Subwords(rows.vectors, min_n, max_n, hash_count=hashing[0], hash_seed=hashing[1])
    return Vectors(list(keys), parts.stored(Keys.of(list(keys))), subwords=parts)


def _read_header(path: Place, file: BinaryIO) -> Header:
    start = file.read(_LONGEST_HEADER)
    match = _HEADER.match(start)
    if match is None:
        what = looks_like(start)
        looks = f" (it looks like {what})" if what else ""
        raise FormatError(
            f"{path} is not a floret file{looks}: line 1 must be 'buckets dim min_n max_n hash_count hash_seed < >', "
            f"not {start.split(bytes([10]))[0][:60]!r}."
        )
    file.seek(match.end())
    header = Header(*map(int, match.groups()[:6]))
    if match[7] != b"<" or match[8] != b">":
        raise FormatError(f"{path}, line 1: its words stand between {match[7]!r} and {match[8]!r}, not < and >.")
    if not (0 < header.buckets < 1 << 31 and 1 <= header.dim <= LARGEST_DIM):
        raise CorruptFileError(f"{path}, line 1: {header.buckets:,} rows of {header.dim:,} numbers cannot be.")
    if not (1 <= header.hash_count <= 4 and header.hash_seed < 1 << 32 and header.max_n <= 1000):
        raise CorruptFileError(
            f"{path}, line 1: {header.hash_count:,} hashes with seed {header.hash_seed:,} of n-grams up to "
            f"{header.max_n:,} characters cannot be."
        )
    return header


def describe(path: Place) -> dict[str, Any]:
    """No rows of keys; buckets, dim and n-grams as the header says, and the file's size."""
    with open(path, "rb") as file:
        header = _read_header(path, file)
    return {"rows": 0, **header._asdict(), "bytes": os.path.getsize(path)}


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced."""
    parts = _parts(vectors)
    head = (parts.buckets, parts.dim, parts.min_n, parts.max_n, parts.hash_count, parts.hash_seed)
    with NewFile(path) as file:
        file.write(f"{' '.join(map(str, head))} < >\n".encode())
        for lines in text_rows.write(Keys.of(list(map(str, range(parts.buckets)))), parts.table):
            file.write(lines)


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`. Raises FormatError for vectors that were not learnt in floret's mode."""
    parts = _parts(vectors)
    check_finite(Vectors(list(map(str, range(parts.buckets))), parts.table), "a floret file")
    return _TYPICAL_NUMBER * parts.table.size + 8 * parts.buckets + _LONGEST_HEADER


def _parts(vectors: Vectors) -> Subwords:
    parts = vectors.subwords
    if parts is None or not parts.hash_count or parts.places is not None:
        raise FormatError(
            "A floret file holds rows of hashed n-grams, and these vectors have none: train them with "
            "FastText(hash_count=2). Save as 'native'."
        )
    return parts
