"""Categorisation: words put together by their vectors alone; are those groups people's?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from firth.errors import InputError
from firth.evaluate.interval import Interval, of_purity
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Report, Score, shown

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

_STARTS = 10  # of k-means; the tightest groups are taken


@dataclass(frozen=True, kw_only=True)
class Categories(Report):
    """What `categories` found.

    purity, interval   share of the words that are in the largest category of their group, and its 95%
    asked, questions   words that are known, and words in the file
    """

    purity: float
    interval: Interval
    categories: int

    def scores(self) -> list[Score]:
        """One line of a report."""
        return [Score("purity", self.file, "", self.purity, *self.interval, self.asked, self.questions)]

    def __str__(self) -> str:
        return (
            f"{self.file}: purity {self.purity:.1%} {shown(self.interval)} in {self.categories:,} categories "
            f"({self.asked:,} of {self.questions:,} words, coverage {self.coverage:.1%})"
        )


def categories(
    vectors: "Vectors",
    file: File,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    which: "Which" = "input",
) -> Categories:
    """Group the words of a file by spherical k-means, as many groups as categories, and compare.

    file              "word TAB category" lines; a path, or the lines
    restrict_vocab    only the first so many keys are known; None: all
    case_insensitive  compare words in capitals
    which             the table that is asked

        purity = Σ over groups of the words of its largest category / all words

    Of ten starts (seeds 1 to 10) the one with the tightest groups counts. The interval draws words again and leaves the
    groups as they are.

    >>> from firth import Vectors
    >>> v = Vectors(["oak", "elm", "ash", "car", "bus"], [[1, 0], [1, 0.1], [1, 0.2], [0, 1], [0.1, 1]])
    >>> print(
    ...     categories(v, ["oak\\ttree", "elm\\ttree", "ash\\ttree", "car\\tvehicle", "bus\\tvehicle", "van\\tvehicle"])
    ... )
    the lines given: purity 100.0% [1.000, 1.000] in 2 categories (5 of 6 words, coverage 83.3%)

    Raises InputError, with the line, for a file that is something else, and where fewer than two categories have a
    known word. Almuhareb & Poesio 2005; Baroni, Dinu & Kruszewski 2014.
    """
    known = Known(vectors, restrict_vocab, case_insensitive)
    pairs = _read(file)
    found = {row: kind for word, kind in pairs if (row := known.ids.get(known.form(word))) is not None}
    kinds = sorted(set(found.values()))
    if len(kinds) < 2:
        raise InputError(f"{named(file)}: known words of at least two categories are needed; there are {len(kinds)}.")
    rows = sorted(found)
    grouped = min(
        (vectors.clusters(len(kinds), seed=seed, where=rows, which=which) for seed in range(1, _STARTS + 1)),
        key=lambda groups: groups.spread,
    )
    table = np.zeros((len(kinds), len(kinds)), np.int64)
    names = [vectors.index_to_key[row] for row in rows]
    kind_of = {name: kinds.index(found[row]) for name, row in zip(names, rows, strict=True)}
    np.add.at(table, (grouped.labels, np.array([kind_of[key] for key in grouped.keys])), 1)
    return Categories(
        file=named(file),
        purity=float(table.max(axis=1).sum() / table.sum()),
        interval=of_purity(table),
        categories=len(kinds),
        asked=len(rows),
        questions=len(pairs),
    )


def _read(file: File) -> list[tuple[str, str]]:
    pairs = []
    for number, line in numbered(file):
        fields = line.split("\t") if "\t" in line else line.split()
        if len(fields) != 2 or not all(field.strip() for field in fields):
            raise InputError(f"{named(file)}, line {number:,}: not 'word TAB category': {line!r:.80}")
        pairs.append((fields[0].strip(), fields[1].strip()))
    if not pairs:
        raise InputError(f"{named(file)} holds no words (lines 'word TAB category').")
    return pairs
