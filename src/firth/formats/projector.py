"""What the TensorFlow projector and TensorBoard open: a folder with vectors.tsv (numbers) and metadata.tsv (keys).

metadata.tsv has a line for each row; where it has counts, too, its first line names the columns, as the projector asks.
projector_config.pbtxt tells TensorBoard of both. https://projector.tensorflow.org
"""

import os
from typing import Any

import numpy as np

from firth.errors import CorruptFileError, FormatError
from firth.formats import text_rows
from firth.formats.checksums import NewFile
from firth.formats.plain_files import open_plain, read_small
from firth.formats.rows import LARGEST_DIM, LONGEST_KEY, Errors, Found
from firth.formats.signatures import Place
from firth.formats.word2vec_header import check_finite
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

_VECTORS, _METADATA, _CONFIG = "vectors.tsv", "metadata.tsv", "projector_config.pbtxt"
WRITTEN = frozenset({_VECTORS, _METADATA, _CONFIG})
_CONFIG_TEXT = f'embeddings {{\n  tensor_path: "{_VECTORS}"\n  metadata_path: "{_METADATA}"\n}}\n'
_ENDS = {
    "vectors": ("vectors.tsv", "vecs.tsv", "tensor.tsv", "tensors.tsv"),
    "metadata": ("metadata.tsv", "meta.tsv"),
}
_HEADER = b"key\tcount"
_LARGEST_METADATA = 1 << 32
_TYPICAL_NUMBER = 12  # characters of a float32 in text, the tab included


def recognise(folder: Place) -> bool:
    """Whether a folder holds one file of vectors and one of metadata."""
    return _found(folder) is not None


def _found(folder: Place) -> tuple[str, str] | None:
    """The paths of vectors and metadata, however the tool that made them calls them."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [[name for name in names if name.endswith(ends)] for ends in _ENDS.values()]
    if [len(some) for some in found] != [1, 1]:
        return None
    return os.path.join(folder, found[0][0]), os.path.join(folder, found[1][0])


def read(folder: Place, *, strict: bool = True, errors: Errors = "strict") -> Vectors:
    """Read a pair. The first column of the metadata is the key; `count` is kept where it is whole numbers.

    strict  False leaves bad rows out, counts them, and warns
    errors  "strict", "replace" or "ignore", for keys that are not UTF-8

    Raises CorruptFileError, with the line, and EncodingError for a key that is not UTF-8.
    """
    vectors, metadata = _pair(folder)
    labels, counts = _labels(metadata)
    with open(open_plain(vectors), "rb") as file:
        found = Found(vectors, _dim(vectors), "line", strict, errors)
        text_rows.read(file, found, line=1, labels=labels)
        rows = len(found.keys) + found.skipped
        if rows < len(labels):
            found.bad(rows, f"the last row, and {metadata} has labels for {len(labels):,}", rows=0)
        table = found.finish()
    if counts is None or len(counts) != len(table):
        return table
    return Vectors(table.index_to_key, table.vectors, counts=counts)


def _pair(folder: Place) -> tuple[str, str]:
    found = _found(folder)
    if found is None:
        raise FormatError(f"{folder} holds no {_VECTORS} and {_METADATA}, which the projector's folders do.")
    return found


def _labels(path: Place) -> tuple[list[bytes], np.ndarray[Any, np.dtype[np.int64]] | None]:
    """The first column of the metadata, and its column `count`. One column alone has no header; several have one."""
    lines = [line.removesuffix(b"\r") for line in read_small(path, _LARGEST_METADATA).split(b"\n")]
    if lines and not lines[-1]:
        lines.pop()
    header = lines[0].split(b"\t") if lines else []
    if len(header) < 2:
        return lines, None
    labels = [line.split(b"\t", 1)[0] for line in lines[1:]]
    if header[1:] != [b"count"]:
        return labels, None
    try:
        counts = np.array([int(line.split(b"\t")[1]) for line in lines[1:]], np.int64)
    except (ValueError, IndexError, OverflowError):
        raise CorruptFileError(f"{path}: a count is no whole number.") from None
    return labels, counts


def _dim(path: Place) -> int:
    """How many numbers the first line has."""
    with open(open_plain(path), "rb") as file:
        numbers = file.readline(64 * LARGEST_DIM).split(b"\t")
    if not text_rows.are_numbers([number.strip() for number in numbers]):
        raise FormatError(f"{path} does not begin with numbers and tabs between them, but {numbers[0][:40]!r}.")
    return len(numbers)


def describe(folder: Place) -> dict[str, Any]:
    """Rows and dim, and the files with their sizes."""
    pair = _pair(folder)
    rows = len(_labels(pair[1])[0])
    return {
        "rows": rows,
        "dim": _dim(pair[0]),
        "files": {os.path.basename(path): os.path.getsize(path) for path in pair},
    }


def write(vectors: Vectors, folder: Place) -> None:
    """Write a new folder, each file synced."""
    os.mkdir(folder)
    with NewFile(os.path.join(folder, _VECTORS)) as file:
        for lines in text_rows.write(None, vectors.vectors, "\t"):
            file.write(lines)
    labels = [key.encode() for key in vectors.index_to_key]
    if vectors.counts is not None:
        labels = [_HEADER, *(b"%b\t%d" % pair for pair in zip(labels, vectors.counts.tolist(), strict=True))]
    for name, text in ((_METADATA, b"\n".join(labels) + b"\n"), (_CONFIG, _CONFIG_TEXT.encode())):
        with NewFile(os.path.join(folder, name)) as file:
            file.write(text)


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`. Raises FormatError for what a line of a TSV file cannot hold."""
    if not len(vectors):
        raise FormatError("The projector's files cannot hold a table of no rows. Save as 'native'.")
    for key in vectors.index_to_key:
        if not key or {"\t", "\n", "\r"} & set(key):
            raise FormatError(
                f"The key {key[:80]!r} is empty or holds a tab or a line end, which end a column of a TSV file. "
                "Rename it, or save as 'native'."
            )
    keys = Keys.of(vectors.index_to_key)
    if int(np.diff(keys.offsets).max()) > LONGEST_KEY:
        raise FormatError(f"A key has more than {LONGEST_KEY:,} bytes. Save as 'native'.")
    check_finite(vectors, "a file of the projector")
    return len(keys.blob) + _TYPICAL_NUMBER * vectors.vectors.size + 8 * len(keys) + 256
