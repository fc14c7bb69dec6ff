"""spaCy's vectors: the folder `vocab` of a pipeline, or the pipeline around it.

    strings.json   the words         key2row      msgpack: the number of each word → its row
    vectors        a numpy array     vectors.cfg  {"mode": "default"}

`spacy.vocab.Vocab().from_disk(folder)` opens what firth writes. Several words may share a row (pruned vectors): each
gets it. Tables in floret's mode hold no words and are refused. https://spacy.io/api/vectors
"""

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats import npy
from firth.formats.bombs import check_growth
from firth.formats.checksums import NewFile
from firth.formats.plain_files import mapped, read_json, read_small
from firth.formats.signatures import Place
from firth.formats.spacy_hash import SYMBOLS, numbers
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_STRINGS, _ROWS, _TABLE, _SETTINGS = "strings.json", "key2row", "vectors", "vectors.cfg"
WRITTEN = frozenset({_STRINGS, _ROWS, _TABLE, _SETTINGS})
_LARGEST = 1 << 30  # bytes of strings and of key2row


def recognise(folder: Place) -> bool:
    """Whether a folder, or the folder `vocab` in it, holds spaCy's vectors."""
    return _inside(folder) is not None


def _inside(folder: Place) -> str | None:
    """The folder that holds the files."""
    for name in (os.fspath(folder), os.path.join(folder, "vocab")):
        if not os.path.islink(os.path.join(name, _ROWS)) and os.path.isfile(os.path.join(name, _ROWS)):
            return name
    return None


def _found(folder: Place) -> str:
    inside = _inside(folder)
    if inside is None:
        raise FormatError(f"{folder} holds no vectors of spaCy's: no file {_ROWS}, and no folder vocab with one.")
    return inside


def read(folder: Place) -> Vectors:
    """Read a vocab folder; where each word has a row of its own, in order, the table is mapped.

    Raises CorruptFileError for damage, FormatError for a table in floret's mode.
    """
    inside = _found(folder)
    table = _table(inside)
    keys, rows = _keys_and_rows(inside, len(table))
    if len(keys) == len(table) and np.array_equal(rows, np.arange(len(rows))):
        found = table
    else:
        check_growth(os.path.join(inside, _TABLE), len(rows) * table.shape[1] * table.itemsize)
        found = table[rows]
    try:
        return Vectors(Keys.of(keys), found)
    except InputError as error:
        raise CorruptFileError(f"{inside}: {error}") from error


def describe(folder: Place) -> dict[str, Any]:
    """Words, dim, and the files with their sizes."""
    inside = _found(folder)
    table = _table(inside)
    rows = _key2row(os.path.join(inside, _ROWS), len(table))
    files = {name: os.path.getsize(os.path.join(inside, name)) for name in sorted(WRITTEN)}
    return {"rows": len(rows), "dim": table.shape[1], "vectors": len(table), "files": files}


def _table(inside: str) -> NDArray[Any]:
    """The array of vectors, mapped."""
    settings = os.path.join(inside, _SETTINGS)
    mode = read_json(settings) if os.path.lexists(settings) else {}
    if not isinstance(mode, dict) or mode.get("mode", "default") != "default":
        raise FormatError(
            f"{settings} says {str(mode)[:60]}: rows of n-grams' hashes, not of words. Export words: vectors of chosen "
            "words, from spaCy."
        )
    path = os.path.join(inside, _TABLE)
    data = mapped(path)
    header = npy.read_header(path, data[: npy.LONGEST_HEADER].tobytes())
    if header.start + header.size != len(data):
        raise CorruptFileError(
            f"{path} has {len(data):,} bytes, and its header promises {header.start + header.size:,}. Copy it again."
        )
    if len(header.shape) != 2 or not header.shape[1] or header.dtype.kind not in "fiu":
        raise FormatError(f"{path} is an array of {header.dtype}, shape {header.shape}, not a table of vectors.")
    return header.of(data[header.start :])


def _keys_and_rows(inside: str, rows: int) -> tuple[list[str], NDArray[np.int64]]:
    """The words that have a vector, in the order of their rows, and those rows."""
    path = os.path.join(inside, _STRINGS)
    strings = read_json(path, _LARGEST)
    if not isinstance(strings, list) or not all(isinstance(string, str) for string in strings):
        raise CorruptFileError(f"{path} is no list of words. Copy it again from where it came.")
    row_of = _key2row(os.path.join(inside, _ROWS), rows)
    words = list(dict.fromkeys(strings)) + [symbol for symbol in SYMBOLS if symbol not in set(strings)]
    found = [(word, row) for word, number in zip(words, numbers(Keys.of(words)).tolist(), strict=True)
             if (row := row_of.pop(number, None)) is not None]  # fmt: skip
    if row_of:
        raise CorruptFileError(f"{path} lacks the words of {len(row_of):,} vectors. Copy the whole folder vocab again.")
    found.sort(key=lambda pair: pair[1])
    return [word for word, _ in found], np.array([row for _, row in found], np.int64)


def _key2row(path: str, rows: int) -> dict[int, int]:
    import msgspec  # only a few formats need it

    try:
        found = msgspec.msgpack.decode(read_small(path, _LARGEST), type=dict[int, int])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CorruptFileError(f"{path} is damaged: {error}. Copy it again from where it came.") from None
    if any(not 0 <= row < rows for row in found.values()):
        raise CorruptFileError(f"{path} names a row beyond the {rows:,} that there are.")
    return {number % (1 << 64): row for number, row in found.items()}


def write(vectors: Vectors, folder: Place) -> None:
    """Write a new folder, each file synced."""
    import msgspec

    os.mkdir(folder)
    keys = Keys.of(vectors.index_to_key)
    row_of = dict(zip(numbers(keys).tolist(), range(len(keys)), strict=True))
    if len(row_of) < len(keys):
        raise FormatError("Two keys have the same number in spaCy, which can hold only one. Save as 'native'.")
    texts = {
        _STRINGS: json.dumps(keys.tolist(), ensure_ascii=False).encode(),
        _ROWS: msgspec.msgpack.encode(row_of),
        _SETTINGS: b'{"mode": "default"}\n',
    }
    for name, text in texts.items():
        with NewFile(os.path.join(folder, name)) as file:
            file.write(text)
    with NewFile(os.path.join(folder, _TABLE)) as file:
        npy.write(file, vectors.vectors)


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`."""
    keys = Keys.of(vectors.index_to_key)
    return vectors.vectors.nbytes + len(keys.blob) + 16 * len(keys) + 512
