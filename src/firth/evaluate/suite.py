"""A folder of question files of whatever kind, and one table of what comes out."""

import csv
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from firth.errors import FirthError, InputError, MissingExtraError, MissingInputError
from firth.evaluate.analogy import Method, analogies
from firth.evaluate.categories import categories
from firth.evaluate.lines import numbered
from firth.evaluate.outliers import outliers
from firth.evaluate.probe import probe
from firth.evaluate.score import HEADING, TOTAL, Score
from firth.evaluate.similarity import pairs

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

_LOOKED_AT = 200  # lines, to see what a file is
_PART = re.compile("train|test|valid|dev")  # in the name of a file that is a part of a set of labelled texts


class Result(Protocol):
    """What every kind of evaluation finds."""

    @property
    def file(self) -> str: ...
    def scores(self) -> list[Score]: ...
    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Suite:
    """What `suite` found: `print` it, or ask for `scores()`."""

    folder: str
    results: tuple[tuple[str, Result], ...]
    """(kind, what came out), in the order of the files."""
    skipped: tuple[tuple[str, str], ...]
    """(file, why) of those that were not asked."""

    def scores(self) -> list[Score]:
        """The lines of the table: of analogies the totals alone, files by their names in the folder."""
        scores = (score for _, result in self.results for score in result.scores())
        return [
            score._replace(file=os.path.relpath(score.file, self.folder), section="")
            for score in scores
            if score.section in ("", TOTAL)
        ]

    def notes(self) -> list[str]:
        """A line for each file that was not asked, and why."""
        return [f"not asked: {why if file in why else f'{file}: {why}'}" for file, why in self.skipped]

    def to_dict(self) -> dict[str, Any]:
        """Plain values: what was found, under the name of each kind."""
        found: dict[str, Any] = {kind: [] for kind in KINDS}
        for kind, result in self.results:
            found[kind].append(result.to_dict())
        return {**found, "skipped": [{"file": file, "why": why} for file, why in self.skipped]}

    def __str__(self) -> str:
        rows = [tuple(name for name in HEADING if name != "section"), *(_cells(score) for score in self.scores())]
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                f"{cell:{width}}" if place < 2 else f"{cell:>{width}}"
                for place, (cell, width) in enumerate(zip(row, wide, strict=True))
            )
            for row in rows
        ]
        return "\n".join([*lines, *self.notes()])


def suite(
    vectors: "Vectors",
    folder: str | os.PathLike[str],
    *,
    restrict_vocab: int | None = 300_000,
    which: "Which" = "input",
    method: Method = "add",
    report: Callable[[str], object] | None = None,
) -> Suite:
    """Evaluate on every file in a folder and the folders in it, each by what it holds.

        : section …            analogies, Google's          word TAB answer/answer   analogies, BATS
        word word rating       similarity                   category,outliers,words  outliers
        label TAB text         probe                        words, blank, outliers   outliers
        word TAB category      categories

    Labelled texts in two files whose names differ in train and test alone are one probe, and a third with valid or dev
    there is passed over; a labelled file by itself is predicted in five parts. Hidden files are not looked at.

    restrict_vocab, which, method   as in `analogies`
    report                          is called with each file's name before it is asked

    What is of no known kind, or damaged, is listed with the reason under `skipped`. Raises MissingInputError where
    there is no such folder, InputError where nothing in it could be asked.
    """
    root = Path(folder)
    if not root.is_dir():
        raise MissingInputError(f"No folder {os.fspath(folder)!r}. For single files there are --analogies and others.")
    files = sorted(path for path in root.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(root)))
    kinds: dict[Path, str] = {}
    skipped: list[tuple[str, str]] = []
    for file in files:
        try:
            kinds[file] = kind_of(file)
        except FirthError as error:
            skipped.append((str(file), str(error)))
    results: list[tuple[str, Result]] = []
    for file, tests in _asked(kinds):
        if report:
            report(str(tests or file))
        try:
            more = {"method": method} if kinds[file] == "analogies" else {}
            found = evaluated(kinds[file], vectors, file, tests, restrict_vocab=restrict_vocab, which=which, **more)
            results.append((kinds[file], found))
        except (InputError, MissingExtraError) as error:
            skipped.append((str(tests or file), str(error)))
    if not results:
        why = f" {skipped[0][1]}" if skipped else ""
        raise InputError(f"{root} has nothing to evaluate on among its {len(files):,} files.{why}")
    return Suite(os.fspath(folder), tuple(results), tuple(skipped))


def evaluated(kind: str, vectors: "Vectors", file: Any, test: Any = None, **options: Any) -> Result:
    """What one file says, by its kind, one of KINDS; `options` are those of the kind's function."""
    if kind == "probe":
        return probe(vectors, file, test, which=options["which"])
    return KINDS[kind](vectors, file, **options)


KINDS: Final[dict[str, Callable[..., Result]]] = {
    "analogies": analogies,
    "similarity": pairs,
    "outliers": outliers,
    "categories": categories,
    "probe": probe,
}


def kind_of(file: str | os.PathLike[str]) -> str:
    """One of KINDS, by the content of a file. Raises InputError for any other file."""
    lines = [(number, line) for number, line in numbered(file) if not line.startswith("#")][:_LOOKED_AT]
    if not lines:
        raise InputError(f"{os.fspath(file)} is empty.")
    first = lines[0][1]
    fields = [line.split("\t") for _, line in lines]
    if first.startswith(":"):
        return "analogies"
    if {"outliers", "words"} <= set(next(csv.reader([first]), [])):
        return "outliers"
    if _are_rated([line for _, line in lines]):
        return "similarity"
    if all(len(row) == 2 for row in fields):
        return _of_two_columns(fields)
    if all(len(line.split()) == 2 and "/" not in line.split()[0] for _, line in lines):
        return _of_two_columns([line.split() for _, line in lines])
    if all(len(line.split()) == 1 for _, line in lines) and _gaps([number for number, _ in lines]) == 1:
        return "outliers"
    raise InputError(f"{os.fspath(file)} is of no kind that is known: it begins with {first!r:.60}.")


def _of_two_columns(rows: list[list[str]]) -> str:
    """Which of the two columns repeats: a label before texts, or a category behind words; neither: pairs of BATS."""
    first, second = ({row[place] for row in rows} for place in (0, 1))
    if any(" " in row[1].strip() for row in rows) or (len(first) < len(second) and len(first) * 2 <= len(rows)):
        return "probe"
    if not any("/" in row[1] for row in rows) and len(second) * 2 <= len(rows):
        return "categories"
    return "analogies"


def _are_rated(lines: list[str]) -> bool:
    """Two words and a number on every line but, perhaps, the first."""
    mark = next((mark for mark in "\t," if mark in lines[-1]), None)
    return all(len(fields := line.split(mark)) == 3 and _is_number(fields[2]) for line in lines[1:] or lines)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _gaps(numbers: list[int]) -> int:
    return sum(later > earlier + 1 for earlier, later in pairwise(numbers))


def _asked(kinds: dict[Path, str]) -> Iterable[tuple[Path, Path | None]]:
    """(file, None), or, of labelled texts in one folder, (what is learnt from, what is predicted)."""
    for file, kind in kinds.items():
        if kind != "probe":
            yield file, None
            continue
        train = file.with_name(_PART.sub("train", file.name, count=1))
        test = file.with_name(_PART.sub("test", file.name, count=1))
        if kinds.get(train) != "probe" or kinds.get(test) != "probe" or train == test:
            yield file, None
        elif file == train:
            yield train, test


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _cells(score: Score) -> tuple[str, ...]:
    numbers = (f"{value:.4f}" for value in (score.score, score.low, score.high))
    return score.measure, score.file, *numbers, f"{score.asked:,}", f"{score.questions:,}"
