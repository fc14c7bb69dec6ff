"""Word pairs that people rated: how well the cosines follow the ratings."""

import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.evaluate.interval import Interval, of_spearman, plain
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Score, shown
from firth.vectors.nearest import Rows

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors


@dataclass(frozen=True)
class Similarity:
    """What `pairs` found.

    spearman, pearson      correlation of cosines and ratings, -1 … 1, and two-sided p-values; NaN where one is constant
    n                      pairs compared
    questions, coverage    pairs in the file, and the share of them whose words are both known
    """

    file: str
    spearman: float
    spearman_p: float
    pearson: float
    pearson_p: float
    n: int
    questions: int
    coverage: float
    _compared: tuple[NDArray[np.float64], NDArray[np.float64]] = field(repr=False, compare=False)

    @cached_property
    def interval(self) -> Interval:
        """Between which Spearman's correlation lies in 95% of bootstrap samples of the pairs; NaN where it is NaN."""
        return (math.nan, math.nan) if math.isnan(self.spearman) else of_spearman(*self._compared)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None for a NaN, which JSON does not have."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "_compared"}
        numbers = {name: None if value != value else value for name, value in values.items()}
        return {**numbers, "interval": plain(self.interval)}

    def scores(self) -> list[Score]:
        """One line of a report."""
        return [Score("spearman", self.file, "", self.spearman, *self.interval, self.n, self.questions)]

    def __str__(self) -> str:
        return (
            f"{self.file}: Spearman {self.spearman:.3f} {shown(self.interval)}, Pearson {self.pearson:.3f} "
            f"({self.n:,} of {self.questions:,} pairs, coverage {self.coverage:.1%})"
        )


def pairs(
    vectors: "Vectors",
    file: File,
    *,
    delimiter: str | None = None,
    encoding: str = "utf8",
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    which: "Which" = "input",
) -> Similarity:
    """Correlate cosines with people's ratings: Spearman (ranks) and Pearson (values).

    file              "word word rating" lines; a path, or the lines. Lines that begin with # are comments, and a first
                      line without a number is a header
    delimiter         what stands between the three; None: a tab, else a comma, else blanks, as the first line has it
    encoding          of the file
    restrict_vocab    only the first so many keys are known; None: all
    case_insensitive  compare words in capitals; of Apple and apple the first (most frequent) row counts
    dummy4unknown     count a pair with an unknown word as cosine 0; False: leave it out
    which             the table that is asked

    The numbers are those of gensim's `evaluate_word_pairs`.

    >>> from firth import Vectors
    >>> v = Vectors(["oak", "elm", "car", "bus"], [[1, 0], [0.9, 0.1], [0.2, 1], [0, 1]])
    >>> print(pairs(v, ["oak elm 9", "car bus 8", "oak bus 1", "elm car 2", "oak sky 3"]))
    the lines given: Spearman 1.000 [1.000, 1.000], Pearson 0.985 (4 of 5 pairs, coverage 80.0%)

    Raises InputError, with the line, for a file that is something else, and where fewer than two pairs are known.
    """
    from scipy import stats  # half a second, so only when it is needed

    known = Known(vectors, restrict_vocab, case_insensitive)
    rated = _read(file, delimiter, encoding)
    ids = np.array([[known.ids.get(known.form(word), -1) for word in (one, two)] for one, two, _ in rated], np.int64)
    ratings, found = np.array([rating for _, _, rating in rated]), ids.min(axis=1) >= 0
    cosines = np.zeros(len(rated))
    cosines[found] = _cosines(vectors.rows(which), ids[found])
    if not dummy4unknown:
        ratings, cosines = ratings[found], cosines[found]
    if len(ratings) < 2:
        raise InputError(
            f"{named(file)}: {found.sum()} of {len(rated):,} pairs have known words; a correlation needs two."
        )
    with np.errstate(invalid="ignore"):
        constant = np.ptp(ratings) == 0 or np.ptp(cosines) == 0
        pearson = (math.nan, math.nan) if constant else stats.pearsonr(ratings, cosines)
        spearman = (math.nan, math.nan) if constant else stats.spearmanr(ratings, cosines)
    return Similarity(
        file=named(file),
        spearman=float(spearman[0]),
        spearman_p=float(spearman[1]),
        pearson=float(pearson[0]),
        pearson_p=float(pearson[1]),
        n=len(ratings),
        questions=len(rated),
        coverage=float(found.mean()),
        _compared=(ratings, cosines.astype(np.float64)),
    )


def _cosines(rows: Rows, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """f4[pairs] for the pairs i8[pairs, 2]; computed in float64, which holds the squares of any float32."""
    one, two = (rows.array[side].astype(np.float64) for side in ids.T)
    squares = np.einsum("ij,ij->i", one, one) * np.einsum("ij,ij->i", two, two)
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", one, two) / np.sqrt(np.where(squares > 0, squares, 1))
    return cosines.astype(np.float32)


def _read(file: File, delimiter: str | None, encoding: str) -> list[tuple[str, str, float]]:
    """(word, word, rating) of each line."""
    rated: list[tuple[str, str, float]] = []
    sniffed = delimiter is not None
    first = True
    for number, line in numbered(file, encoding):
        if line.startswith("#"):
            continue
        if not sniffed:
            delimiter, sniffed = _delimiter(line), True
        fields = [field.strip() for field in line.split(delimiter)]
        rating = _number(fields[-1])
        header, first = first and rating is None, False
        if header:
            continue
        if len(fields) != 3 or rating is None or not math.isfinite(rating):
            raise InputError(f"{named(file)}, line {number:,}: not 'word word rating' (3 fields): {line!r:.80}")
        rated.append((fields[0], fields[1], rating))
    if not rated:
        raise InputError(f"{named(file)} holds no pairs (lines 'word word rating').")
    return rated


def _delimiter(line: str) -> str | None:
    """Tab, comma, or None for blanks."""
    return next((mark for mark in "\t," if mark in line), None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
