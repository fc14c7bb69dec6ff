"""Corpus stage: texts and what they become: pairs, from lines of files or from Python."""

from collections.abc import Iterable, Iterator
from typing import Any

from firth.corpus.labelled import is_path, lines
from firth.corpus.text import Text
from firth.errors import ConfigError, InputError

Pair = tuple[str, str]
_BLANKS = " \t\v\f\r"


def pairs(source: Any) -> Iterator[Pair]:
    r"""The pairs (source, target) of a source.

    source  files of lines "source TAB target", compressed or not; an iterable of such lines, or of (source, target); a
            `Text` of either

    >>> list(pairs(["abc\tcba", ("to be", "eb ot")]))
    [('abc', 'cba'), ('to be', 'eb ot')]

    A blank line is passed over. Raises InputError, with the line's number, where one has not exactly two sides that say
    something, and what reading files raises.
    """
    text = Text.of(source)
    if text.field is not None or text.format not in (None, "lines"):
        raise ConfigError("Pairs are lines 'source TAB target'; field and format are for columns. Leave them out.")
    found: Iterable[Any] = lines(text.source, text.errors) if is_path(text.source) else text.source
    place = str(text.source) if is_path(text.source) else "the source"
    for number, line in enumerate(found, 1):
        if isinstance(line, str) and not line.strip(_BLANKS):
            continue
        sides = line.split("\t") if isinstance(line, str) else line
        if not isinstance(sides, list | tuple) or len(sides) != 2 or not all(isinstance(side, str) for side in sides):
            raise InputError(f"{place}: line {number:,} is {line!r:.60}, not a source, a tab and a target.")
        left, right = (" ".join(side.split("\n")).strip(_BLANKS) for side in sides)
        if not left or not right:
            raise InputError(f"{place}: line {number:,} has an empty {'target' if left else 'source'}. Take it out.")
        yield left, right
