"""word2vec's text file: a line `rows dim`, then a line `key number number …` for each row.

It holds keys and vectors alone; keys cannot hold ASCII white space, and numbers must be finite. fastText's .vec is the
same file. Mikolov et al. 2013: https://code.google.com/archive/p/word2vec
"""

from firth.formats import text_rows
from firth.formats.checksums import NewFile
from firth.formats.rows import Errors, Found
from firth.formats.signatures import Place
from firth.formats.word2vec_header import check_claim, checked, describe, kind, read_header
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

__all__ = ["describe", "needs", "read", "recognise", "write"]

_TYPICAL_NUMBER = 12  # characters of a float32 in text, the blank included


def recognise(head: bytes) -> bool:
    """Whether a file's first kilobytes are a header line and text."""
    return kind(head) == "text"


def read(path: Place, *, strict: bool = True, errors: Errors = "strict") -> Vectors:
    """Read a file. Raises CorruptFileError, with the line, and EncodingError for a key that is not UTF-8.

    strict  False leaves bad rows out, counts them, and warns
    errors  "strict", "replace" or "ignore", for keys that are not UTF-8
    """
    with open(path, "rb") as file:
        rows, dim = read_header(path, file)
        if strict:
            check_claim(path, file, rows, 2 * dim + 2)
        found = Found(path, dim, "line", strict, errors)
        text_rows.read(file, found, line=2)
        return found.finish(rows)


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced."""
    keys, array = Keys.of(vectors.index_to_key), vectors.vectors
    with NewFile(path) as file:
        file.write(f"{len(keys)} {vectors.dim}\n".encode())
        for lines in text_rows.write(keys, array):
            file.write(lines)


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`."""
    return checked(vectors) + _TYPICAL_NUMBER * vectors.vectors.size
