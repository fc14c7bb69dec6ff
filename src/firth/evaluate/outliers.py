"""Outlier detection: eight words of a kind and one that is not. Is that the one that stands apart?"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firth.errors import InputError
from firth.evaluate.interval import Interval, of_mean, of_share
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Report, Score, shown
from firth.vectors.nearest import Floats, Rows, unit

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

_FEWEST = 3  # of two words and an outlier, no pair is more alike than chance makes it


@dataclass(frozen=True)
class Group:
    """Words of one kind, and words that are not of it."""

    name: str
    words: tuple[str, ...]
    outliers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Outliers(Report):
    """What `outliers` found.

    accuracy, interval           share of the outliers that stand last of all, and its 95%
    position, position_interval  mean place of the outlier, 0 (most typical) … 1 (last of all): the paper's OPP
    asked, questions             outliers that are known with three words of their group or more, and those in the file
    """

    accuracy: float
    interval: Interval
    position: float
    position_interval: Interval

    def scores(self) -> list[Score]:
        """Two lines of a report."""
        counts = self.asked, self.questions
        return [
            Score("outliers found", self.file, "", self.accuracy, *self.interval, *counts),
            Score("outlier position", self.file, "", self.position, *self.position_interval, *counts),
        ]

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.accuracy:.1%} of outliers found {shown(self.interval)}, mean position "
            f"{self.position:.1%} ({self.asked:,} of {self.questions:,}, coverage {self.coverage:.1%})"
        )


def outliers(
    vectors: "Vectors",
    file: File,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    which: "Which" = "input",
) -> Outliers:
    """Put one outlier after the other among the words of its group: is it the least like all others?

    file              a CSV file with the columns category, outliers and words, lists in the last two (8-8-8 as it is
                      often found), or the paper's own: a word a line, a blank line, the outliers; a path, or the lines
    restrict_vocab    only the first so many keys are known; None: all
    case_insensitive  compare words in capitals
    which             the table that is asked

    A word is as typical as its mean cosine with the others (the paper's compactness, of the others without it, puts
    words in the same order). The outlier's position is the share of words that are more typical, 1 where all are.
    New_York, where it is no key, is the mean of New and York if both are. Unknown words are left out of their group.

    >>> from firth import Vectors
    >>> v = Vectors(["oak", "elm", "ash", "car"], [[1, 0], [0.9, 0.1], [0.9, -0.1], [0, 1]])
    >>> print(outliers(v, ["oak", "elm", "ash", "", "car"]))
    the lines given: 100.0% of outliers found [1.000, 1.000], mean position 100.0% (1 of 1, coverage 100.0%)

    Raises InputError, with the line, for a file that is something else, and where no outlier is known.
    Camacho-Collados & Navigli 2016.
    """
    known, rows = Known(vectors, restrict_vocab, case_insensitive), vectors.rows(which)
    groups = read(file)
    positions = []
    for group in groups:
        members = [vector for word in group.words if (vector := _vector(word, known, rows)) is not None]
        if len(members) >= _FEWEST:
            strangers = (_vector(word, known, rows) for word in group.outliers)
            positions += [_position(np.stack([*members, odd])) for odd in strangers if odd is not None]
    questions = sum(len(group.outliers) for group in groups)
    if not positions:
        raise InputError(f"{named(file)}: none of its {questions:,} outliers is known together with its group.")
    found = np.array(positions)
    last = int((found == 1).sum())
    return Outliers(
        file=named(file),
        accuracy=last / len(found),
        interval=of_share(last, len(found)),
        position=float(found.mean()),
        position_interval=of_mean(found),
        asked=len(found),
        questions=questions,
    )


def read(file: File) -> list[Group]:
    """The groups of a file. Raises InputError for a file that is something else."""
    lines = [line for _, line in numbered(file)]
    header = next(csv.reader(lines[:1]), [])
    groups = list(_of_table(file, header)) if {"outliers", "words"} <= set(header) else [_of_list(file)]
    for group in groups:
        if len(group.words) < _FEWEST or not group.outliers:
            raise InputError(
                f"{named(file)}: {group.name or 'the file'} has {len(group.words)} words and {len(group.outliers)} "
                f"outliers; at least {_FEWEST} and 1 are needed."
            )
    if not groups:
        raise InputError(f"{named(file)} holds no groups: nothing follows its header.")
    return groups


def _of_table(file: File, header: list[str]) -> Iterator[Group]:
    for number, line in list(numbered(file))[1:]:
        fields = dict(zip(header, next(csv.reader([line])), strict=False))
        try:
            words, strangers = (_list(fields[name]) for name in ("words", "outliers"))
        except (KeyError, ValueError):
            raise InputError(
                f"{named(file)}, line {number:,}: no lists of words under 'words' and 'outliers': {line!r:.80}"
            ) from None
        yield Group(fields.get("category", ""), words, strangers)


def _list(field: str) -> tuple[str, ...]:
    """The strings of a list as Python or JSON writes it; empty ones are left out. Raises ValueError."""
    import ast  # reads literals, and runs nothing

    try:
        found = json.loads(field) if field.startswith('["') else ast.literal_eval(field)
    except (SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(field) from None
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise ValueError(field)
    return tuple(word.strip() for word in found if word.strip())


def _of_list(file: File) -> Group:
    """The words, a blank line, the outliers: the lines are read with their blank ones."""
    numbers = [number for number, _ in numbered(file)]
    words = [line for _, line in numbered(file)]
    gaps = [place for place in range(1, len(numbers)) if numbers[place] > numbers[place - 1] + 1]
    if len(gaps) != 1:
        raise InputError(
            f"{named(file)} is neither a table with the columns words and outliers, nor words, a blank line, outliers."
        )
    name = os.path.splitext(os.path.basename(named(file)))[0] if isinstance(file, str | os.PathLike) else ""
    return Group(name, tuple(words[: gaps[0]]), tuple(words[gaps[0] :]))


def _vector(word: str, known: Known, rows: Rows) -> Floats | None:
    """At length 1; None where neither the word nor all its parts are known."""
    for form in (word, word.replace(" ", "_")):
        row = known.ids.get(known.form(form))
        if row is not None:
            return rows.unit(row)
    parts = [known.ids.get(known.form(part)) for part in word.replace("_", " ").split()]
    if len(parts) < 2 or None in parts:
        return None
    return unit(rows.unit(np.array(parts)).mean(axis=0))


def _position(units: Floats) -> float:
    """Where the last of f4[n, dim] stands when all are ordered by their mean cosine with the others: 0 … 1.

    A word that is exactly as typical as the outlier does not count: doubt is no discovery.
    """
    typical = (units @ units.T).sum(axis=1, dtype=np.float64)  # and 1 with itself, for each
    return float((typical[:-1] > typical[-1] + 1e-6).mean())
