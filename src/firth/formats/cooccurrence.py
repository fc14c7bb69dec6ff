"""Counted co-occurrences on disk: firth's own folder, and the pair of files that GloVe's C programs exchange.

native    config.json (options; size and checksums of the other two; written last, sealed), vocabulary.tsv,
          counts.safetensors: starts i8[words + 1], columns i4[cells], values f4[cells], row after row
glove     cooccurrence.bin: records i4 word, i4 context (from 1), f8 count; vocab.txt: lines `word count`
"""

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats import atomic, native, safetensors
from firth.formats.checksums import NewFile, Record, check_blocks, check_size, recorded
from firth.formats.json_text import parse
from firth.formats.signatures import Place, kind_of
from firth.vocabulary import Vocabulary

FORMATS = ("native", "glove")
_NAME, _VERSION = "firth-cooccurrence", 1
_CONFIG, _COUNTS, _VOCABULARY = "config.json", "counts.safetensors", "vocabulary.tsv"
_BIN, _VOCAB = "cooccurrence.bin", "vocab.txt"
_RECORD = np.dtype([("word", "<i4"), ("context", "<i4"), ("count", "<f8")])
_AT_ONCE = 1 << 20  # records


class Matrix(NamedTuple):
    """A sparse matrix with its keys."""

    vocabulary: Vocabulary
    starts: npt.NDArray[np.int64]
    """i8[words + 1], where the cells of each row begin."""
    columns: npt.NDArray[np.int32]
    """i4[cells], ascending in each row."""
    values: npt.NDArray[np.float32]
    config: dict[str, Any]


def save(matrix: Matrix, path: Place, format: str) -> None:
    """Write a new folder; what an earlier save wrote there stays until the new one is whole.

    Raises FormatError where something else is at `path` or a key cannot be written, DiskFullError, SaveError.
    """
    needed = (16 if format == "glove" else 8) * len(matrix.columns) + 64 * len(matrix.vocabulary) + (1 << 14)
    lines = _vocab_lines(matrix.vocabulary) if format == "glove" else b""
    with atomic.replacing(path, needed=needed, check=_check_replaceable) as new:
        os.mkdir(new)
        if format == "glove":
            _write_glove(matrix, lines, new)
        else:
            _write_native(matrix, new)


def load(path: Place) -> Matrix:
    """What `save` wrote, in either format; firth's own is mapped, not read.

    Raises MissingInputError, FormatError for anything else, CorruptFileError for damage.
    """

    def read() -> Matrix:
        if kind_of(path) == "a folder":
            names = set(os.listdir(path))
            if {_CONFIG, _COUNTS} <= names:
                return _read_native(path)
            if {_BIN, _VOCAB} <= names:
                return _read_glove(path)
        raise FormatError(
            f"{path} holds no co-occurrences: neither a folder that firth.Cooccurrence saved, nor one with GloVe's "
            f"{_BIN} and {_VOCAB}."
        )

    return atomic.steady(path, read)


def _check_replaceable(target: str) -> None:
    if not os.path.lexists(target) or (os.path.isdir(target) and not os.listdir(target)):
        return
    names = set(os.listdir(target)) if os.path.isdir(target) else set()
    if names in ({_CONFIG, _COUNTS, _VOCABULARY}, {_BIN, _VOCAB}):
        return
    raise FormatError(f"{target} holds something that is not co-occurrences; it is not overwritten. Save elsewhere.")


# ---------------------------------------------------------------- firth's own


def _write_native(matrix: Matrix, folder: str) -> None:
    files: dict[str, Record] = {}
    with NewFile(os.path.join(folder, _VOCABULARY)) as file:
        file.write(matrix.vocabulary.to_bytes())
    files[_VOCABULARY] = file.record
    arrays: dict[str, npt.NDArray[Any]] = {"starts": matrix.starts, "columns": matrix.columns, "values": matrix.values}
    with NewFile(os.path.join(folder, _COUNTS)) as file:
        safetensors.write(file, arrays, aligned="columns", metadata={"format": _NAME})
    files[_COUNTS] = file.record
    import msgspec

    described = {"format": _NAME, "format_version": _VERSION, **matrix.config, "files": files}
    text = msgspec.json.format(msgspec.json.encode(described), indent=2) + b"\n"
    with NewFile(os.path.join(folder, _CONFIG)) as file:
        file.write(native.seal(text))


def _read_native(folder: Place) -> Matrix:
    path = os.path.join(folder, _CONFIG)
    with open(path, "rb") as file:
        text = file.read(1 << 26)
    try:
        config = parse(text)
        if config["format"] != _NAME or config["format_version"] != _VERSION:
            raise FormatError(
                f"{path} says {config['format']!r} {config['format_version']!r}, not {_NAME!r} {_VERSION}."
            )
        if native.seal(text[: text.rindex(b',\n  "checksum"')] + b"\n}") != text:
            raise ValueError("its checksum is of another text")
        files = {name: recorded(config["files"][name]) for name in (_COUNTS, _VOCABULARY)}
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptFileError(f"{path} cannot be read: {error}. Save the co-occurrences again.") from error
    vocabulary = Vocabulary.from_bytes(_mapped(folder, _VOCABULARY, files, whole=True).tobytes(), _VOCABULARY)
    data = _mapped(folder, _COUNTS, files, whole=False)
    where = os.path.join(folder, _COUNTS)
    tensors = safetensors.read_header(where, data)
    kinds = {"starts": "I64", "columns": "I32", "values": "F32"}
    if {name: tensor.dtype for name, tensor in tensors.items()} != kinds:
        raise CorruptFileError(f"{where} holds other arrays than {', '.join(kinds)}. Save the co-occurrences again.")
    check_blocks(where, data, files[_COUNTS], tensors["starts"].end)
    starts, columns, values = (tensors[name].of(data) for name in kinds)
    _check_shape(where, starts, len(vocabulary), len(columns), len(values))
    own = {"format", "format_version", "files", "checksum"}
    return Matrix(vocabulary, starts, columns, values, {name: config[name] for name in config if name not in own})


def _mapped(folder: Place, name: str, files: dict[str, Record], *, whole: bool) -> npt.NDArray[np.uint8]:
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise CorruptFileError(f"{path} is missing. Save the co-occurrences again.")
    data: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r") if os.path.getsize(path) else np.zeros(0, np.uint8)
    check_size(path, len(data), files[name])
    if whole:
        check_blocks(path, data, files[name])
    return data


def _check_shape(where: str, starts: npt.NDArray[np.int64], words: int, columns: int, values: int) -> None:
    good = len(starts) == words + 1 and columns == values and starts[0] == 0 and starts[-1] == columns
    if not good or (np.diff(starts) < 0).any():
        raise CorruptFileError(f"{where}: its arrays do not fit {words:,} words. Save the co-occurrences again.")


# ---------------------------------------------------------------- GloVe's


def _vocab_lines(vocabulary: Vocabulary) -> bytes:
    for key in vocabulary.keys:
        if not key or key.split() != [key]:
            raise FormatError(f"The key {key!r} is empty or holds a blank, which GloVe's {_VOCAB} cannot keep.")
    pairs = zip(vocabulary.keys, vocabulary.counts.tolist(), strict=True)
    return "".join(f"{key} {count}\n" for key, count in pairs).encode("utf-8", "replace")


def _write_glove(matrix: Matrix, lines: bytes, folder: str) -> None:
    with NewFile(os.path.join(folder, _VOCAB)) as file:
        file.write(lines)
    with NewFile(os.path.join(folder, _BIN)) as file:
        for start in range(0, len(matrix.columns), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(matrix.columns))
            records = np.empty(stop - start, _RECORD)
            records["word"] = np.searchsorted(matrix.starts, np.arange(start, stop), "right")
            records["context"] = matrix.columns[start:stop] + np.int32(1)
            records["count"] = matrix.values[start:stop]
            file.write(records.tobytes())


def _read_glove(folder: Place) -> Matrix:
    """Records in any order; two of one cell are added up."""
    vocabulary = _read_vocab(os.path.join(folder, _VOCAB))
    path = os.path.join(folder, _BIN)
    if extra := os.path.getsize(path) % _RECORD.itemsize:
        raise CorruptFileError(f"{path} was cut short: {extra} bytes follow the last whole record of 16.")
    found = np.fromfile(path, _RECORD)
    words, contexts = found["word"].astype(np.int64) - 1, found["context"].astype(np.int64) - 1
    n = len(vocabulary)
    wrong = (words < 0) | (words >= n) | (contexts < 0) | (contexts >= n) | ~(found["count"] > 0)
    wrong |= ~np.isfinite(found["count"])
    if wrong.any():
        at = int(np.argmax(wrong))
        raise CorruptFileError(
            f"{path}, record {at:,} (byte {16 * at:,}): {found[at].tolist()} is no word and context from 1 to {n:,} "
            f"with a count above 0. Is {_VOCAB} the one it was counted with?"
        )
    keys = words * n + contexts
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    sums = np.add.reduceat(found["count"][order], begins) if len(begins) else np.zeros(0)
    starts = np.searchsorted(keys[begins], np.arange(n + 1) * n)
    columns = (keys[begins] % max(1, n)).astype(np.int32)
    return Matrix(vocabulary, starts.astype(np.int64), columns, sums.astype(np.float32), {})


def _read_vocab(path: str) -> Vocabulary:
    keys, counts = [], []
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            key, _, count = line.rstrip("\n").rpartition(" ")
            if not key or not count.isascii() or not count.isdigit():
                raise CorruptFileError(f"{path}, line {number}: expected 'word count', found {line[:80]!r}.")
            keys.append(key)
            counts.append(int(count))
    try:
        return Vocabulary(keys, np.array(counts, np.int64))
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from None
