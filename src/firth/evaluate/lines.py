"""Question files: their lines, numbered, for errors that say where."""

import os
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from firth.errors import EncodingError, InputError, MissingInputError

File: TypeAlias = str | os.PathLike[str] | Iterable[str]
"""The path of a text file, or its lines."""


def named(file: File) -> str:
    """What errors and reports call it."""
    return os.fspath(file) if isinstance(file, str | os.PathLike) else "the lines given"


def numbered(file: File, encoding: str = "utf8") -> Iterator[tuple[int, str]]:
    """(number from 1, line without blanks at its ends) for lines that are not blank.

    Raises MissingInputError, InputError for what cannot be read, EncodingError with the line.
    """
    lines = _text(file, encoding).split("\n") if isinstance(file, str | os.PathLike) else file
    return ((number, line.strip()) for number, line in enumerate(lines, 1) if line.strip())


def _text(path: str | os.PathLike[str], encoding: str) -> str:
    try:
        with open(path, "rb") as stream:
            data = stream.read()
        return data.decode(encoding).removeprefix("\ufeff")  # a byte order mark, as Windows writes
    except FileNotFoundError:
        raise MissingInputError(f"No file {named(path)!r}.") from None
    except OSError as error:
        raise InputError(f"{named(path)} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EncodingError(
            f"{named(path)}, line {line:,}: not {encoding} (byte {error.start:,} of the file)."
        ) from None
    except LookupError:
        raise InputError(f"There is no encoding {encoding!r}.") from None
