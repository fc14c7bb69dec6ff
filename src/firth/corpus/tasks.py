"""Corpus stage: files of examples of a task, one a line; what a network is taught from.

classify   label TAB text, or fastText's `__label__good a fine film`
pair       label TAB one text TAB the other
regress    number TAB text, or number TAB one text TAB the other
tag        word TAB tag, a blank line between sentences
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from firth.corpus.labelled import lines
from firth.errors import InputError

_PREFIX = "__label__"


class Examples(NamedTuple):
    """Texts, and what is to be said of each."""

    texts: list[Any]
    labels: list[Any]


def read(path: Any, task: str) -> Examples:
    r"""The examples of a file, compressed or not; blank lines are left out.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "reviews.tsv")
    ...     _ = file.write_text("good\twell done\nbad\ttoo long\n")
    ...     read(file, "classify")
    Examples(texts=['well done', 'too long'], labels=['good', 'bad'])

    Raises MissingInputError, EncodingError with the line, InputError for a line that is not of the task.
    """
    found = Examples([], [])
    for text, label in _sentences(path) if task == "tag" else _lines(path, task):
        found.texts.append(text)
        found.labels.append(label)
    if not found.texts:
        raise InputError(f"{path} holds no example. A line is {_FORMS[task]}.")
    return found


_FORMS = {
    "classify": "`label TAB text`",
    "pair": "`label TAB text TAB text`",
    "regress": "`number TAB text`, or with a second text",
    "tag": "`word TAB tag`, with a blank line between sentences",
}


def _lines(path: Any, task: str) -> Iterator[tuple[Any, Any]]:
    for number, line in enumerate(lines(path), 1):
        if not line.strip():
            continue
        label, *texts = line.split("\t")
        if task == "classify" and not texts and label.startswith(_PREFIX):
            label, _, text = label.removeprefix(_PREFIX).partition(" ")
            texts = [text]
        if len(texts) not in {"classify": (1,), "pair": (2,), "regress": (1, 2)}[task]:
            raise InputError(f"{path}, line {number:,}: a line is {_FORMS[task]}, not {line!r:.60}.")
        yield (
            (texts[0] if len(texts) == 1 else tuple(texts)),
            (_number(label, path, number) if task == "regress" else label),
        )


def _sentences(path: Any) -> Iterator[tuple[list[str], list[str]]]:
    words, tags = list[str](), list[str]()
    for number, line in enumerate(lines(path), 1):
        parts = line.split("\t")
        if line.strip() and len(parts) != 2:
            raise InputError(f"{path}, line {number:,}: a line is {_FORMS['tag']}, not {line!r:.60}.")
        if line.strip():
            words.append(parts[0])
            tags.append(parts[1])
        elif words:
            yield words, tags
            words, tags = [], []
    if words:
        yield words, tags


def _number(text: str, path: Any, line: int) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(f"{path}, line {line:,}: a line is {_FORMS['regress']}, and {text!r:.40} is no number.")
    return found
