"""Corpus stage: labelled texts, as fastText reads them: a text a line, its labels words that begin `__label__`."""

from collections.abc import Iterator, Sequence
from functools import partial
from os import PathLike
from typing import Any, NamedTuple

from firth.corpus import source as sources
from firth.corpus import stream
from firth.errors import EncodingError, InputError

_BLOCK = 1 << 22


class Labelled(NamedTuple):
    """Texts and their labels, side by side."""

    texts: list[str]
    labels: list[list[str]]


def is_path(given: Any) -> bool:
    """Whether texts are given as files: a path, or a list of paths that are there."""
    return isinstance(given, str | PathLike) or (isinstance(given, list | tuple) and sources.names_files(given))


def read(path: str | PathLike[str] | Sequence[Any], prefix: str = "__label__", errors: str = "strict") -> Labelled:
    r"""The lines of files, compressed or not; labels may stand anywhere in a line, and are given without the prefix.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "reviews.txt")
    ...     _ = file.write_text("__label__good __label__short well done\nno label here\n")
    ...     read(file)
    Labelled(texts=['well done', 'no label here'], labels=[['good', 'short'], []])

    Blank lines are left out. Raises MissingInputError, EncodingError with the line, and InputError for a file without
    a label.
    """
    found = Labelled([], [])
    for line in lines(path, errors):
        words = line.split()
        if not words:
            continue
        labels = [word.removeprefix(prefix) for word in words if word.startswith(prefix)]
        rest = [word for word in words if not word.startswith(prefix)]
        found.labels.append(labels)
        found.texts.append(" ".join(rest) if labels else line)
    if not any(found.labels):
        raise InputError(
            f"{path}: none of {len(found.texts):,} lines has a word that begins with {prefix!r}. A line is "
            f"`{prefix}good some text`; another prefix is given by label_prefix."
        )
    return found


def lines(path: Any, errors: str = "strict") -> Iterator[str]:
    """The lines of files, decoded, without their ends. Raises MissingInputError, EncodingError with the line."""
    for file in sources.find(path):
        with stream.opened(file) as opened:
            number, carried = 1, b""
            for part in iter(partial(opened.read, _BLOCK), b""):
                *whole, carried = (carried + part).split(b"\n")
                for line in whole:
                    yield _decoded(line.removesuffix(b"\r"), opened.name, number, errors)
                    number += 1
            if carried:
                yield _decoded(carried, opened.name, number, errors)
        file.check_unchanged()


def _decoded(line: bytes, name: str, number: int, errors: str) -> str:
    try:
        return line.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"{name} is not UTF-8 at line {number:,}, byte {error.start:,} of it: 0x{line[error.start]:02x}. Convert "
            "it (iconv -f LATIN1 -t UTF-8)."
        ) from None
