"""Corpus stage: pairs of two sides: a query and what was clicked, a document and its words, node–relation and node."""

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any, Final

from firth.corpus import labelled, records
from firth.corpus import source as sources
from firth.corpus.records import Column
from firth.errors import InputError

_LEFT: Final = ("left", "query", "source", "document", "doc", "user", "text")
_RIGHT: Final = ("right", "item", "target", "words", "page", "label", "title")
_TABLES: Final = (".csv", ".parquet")
Side = str | Sequence[str]


def pairs(source: Any, left: str | None = None, right: str | None = None) -> Iterator[tuple[Side, Side]]:
    r"""(left, right) of each pair, texts or lists of words.

    source  a path, a pattern or a list of them: lines `left TAB right`, or .csv and .parquet tables; a data frame; or
            an iterable of two-tuples
    left    the column of the left side; None: one called left, query, source, document, …
    right   the column of the right side; None: right, item, target, words, …

    >>> [*pairs([("red wine", "glass"), (["cork"], "bottle")])]
    [('red wine', 'glass'), (['cork'], 'bottle')]

    Raises MissingInputError, ConfigError for a column that is not there, InputError, with the line, for no pair.
    """
    if records.speaks_arrow(source):
        yield from _of_table(records.of_frame(source, _wanted(left, right)), f"the {type(source).__name__}")
    elif isinstance(source, str | PathLike) or (isinstance(source, list | tuple) and sources.names_files(source)):
        for file in sources.find(source):
            if file.path.lower().removesuffix(".gz").removesuffix(".zst").endswith(_TABLES):
                yield from _of_table(records.of_file(file, _wanted(left, right), None), repr(file.path))
            else:
                yield from _of_lines(file.path)
    elif isinstance(source, Iterable) and not isinstance(source, bytes | dict):
        for number, pair in enumerate(source):
            yield _checked(pair, number)
    else:
        raise InputError(
            f"Pairs are a path, a data frame or an iterable of (left, right); not a {type(source).__name__}."
        )


def _wanted(left: str | None, right: str | None) -> list[Column]:
    return [Column("left", left, _LEFT), Column("right", right, _RIGHT)]


def _of_table(table: Any, name: str) -> Iterator[tuple[Side, Side]]:
    (left, lefts), (right, rights) = (records.ids(table.column(side), side, name) for side in ("left", "right"))
    for one, other in zip(lefts.tolist(), rights.tolist(), strict=True):
        yield left[one], right[other]


def _of_lines(path: str) -> Iterator[tuple[Side, Side]]:
    for number, line in enumerate(labelled.lines(path), 1):
        if not line.strip():
            continue
        left, tab, right = line.partition("\t")
        if not (tab and left.strip() and right.strip()):
            raise InputError(f"{path!r}, line {number:,}: {line!r:.60} is no `left TAB right`.")
        yield left, right


def _checked(pair: Any, number: int) -> tuple[Side, Side]:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise InputError(f"Pair {number:,} is {pair!r:.60} ({type(pair).__name__}), not (left, right).")
    for side in pair:
        words = [side] if isinstance(side, str) else side
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
            raise InputError(f"A side of pair {number:,} is {side!r:.60}, not a text or a list of words.")
    return pair[0], pair[1]
