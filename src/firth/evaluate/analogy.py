"""Analogies: Athens is to Greece as Baghdad is to …? 3CosAdd and 3CosMul over all questions at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.evaluate import interval
from firth.evaluate.interval import Interval
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named
from firth.evaluate.questions import Question, read
from firth.evaluate.score import TOTAL, Score, shown
from firth.vectors.analogy import three_cos_add
from firth.vectors.nearest import Floats, Ids, Rows

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

Method = Literal["add", "mul"]

_CANDIDATES = 5  # gensim looks at five answers for one that is not a word of the question in other capitals
_NO_ZERO = 1e-6  # what gensim adds below the fraction; Levy & Goldberg took 0.001
_TILE = 1 << 20  # scores at once, 4 MB
_QUERIES = 256


@dataclass(frozen=True)
class Section:
    """Questions of one kind: those answered right, those answered wrong, and how many hold an unknown word.

    With `dummy4unknown` the unknown ones are among the incorrect, else among neither.
    """

    name: str
    correct: tuple[Question, ...]
    incorrect: tuple[Question, ...]
    questions: int
    unknown: int

    @property
    def accuracy(self) -> float:
        """correct / (correct + incorrect); 0 where none was asked."""
        return len(self.correct) / max(1, len(self.correct) + len(self.incorrect))

    @property
    def coverage(self) -> float:
        """The share of questions whose four words are known."""
        return 1 - self.unknown / max(1, self.questions)

    @property
    def interval(self) -> Interval:
        """Between which the accuracy lies in 95% of bootstrap samples of the questions; NaN where none was asked."""
        return interval.of_share(len(self.correct), len(self.correct) + len(self.incorrect))

    def to_dict(self) -> dict[str, Any]:
        """Numbers only, without the questions."""
        return {
            "name": self.name,
            "accuracy": self.accuracy,
            "interval": interval.plain(self.interval),
            "coverage": self.coverage,
            "correct": len(self.correct),
            "incorrect": len(self.incorrect),
            "questions": self.questions,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class Analogies:
    """What `analogies` found."""

    file: str
    sections: tuple[Section, ...]
    total: Section

    @property
    def accuracy(self) -> float:
        return self.total.accuracy

    @property
    def coverage(self) -> float:
        return self.total.coverage

    @property
    def interval(self) -> Interval:
        return self.total.interval

    def scores(self) -> list[Score]:
        """A line for each section, and one for all."""
        return [
            Score(
                "accuracy",
                self.file,
                part.name,
                part.accuracy,
                *part.interval,
                part.questions - part.unknown,
                part.questions,
            )
            for part in (*self.sections, self.total)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the total's numbers, and those of each section under "sections"."""
        return {"file": self.file, **self.total.to_dict(), "sections": [section.to_dict() for section in self.sections]}

    def __str__(self) -> str:
        parts = [*self.sections, self.total]
        wide = max(len(part.name) for part in parts)
        lines = [f"{'section':{wide}}  accuracy  correct    asked  coverage  95%"]
        for part in parts:
            asked = len(part.correct) + len(part.incorrect)
            lines.append(
                f"{part.name:{wide}}  {part.accuracy:8.1%}  {len(part.correct):7,}  {asked:7,}  {part.coverage:8.1%}"
                f"  {shown(part.interval)}"
            )
        return "\n".join(lines)


def analogies(
    vectors: "Vectors",
    file: File,
    *,
    method: Method = "add",
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    which: "Which" = "input",
) -> Analogies:
    """Ask "a is to b as c is to …?" and count the answers that are d: the best key, none of the three.

    file              Google's: sections ": name", questions "a b c d"; or a relation of BATS: lines "word
                      answer/answer"; a path, or the lines
    method            "add": the key nearest to b - a + c (3CosAdd); "mul": the highest cos(d, b) cos(d, c) / cos(d, a),
                      cosines moved to 0 … 1 (3CosMul)
    restrict_vocab    questions and answers among the first so many keys; None: all
    case_insensitive  compare words in capitals; of Apple and apple the first (most frequent) row counts
    dummy4unknown     count questions with an unknown word as wrong; False: leave them out
    which             the table that answers

    The numbers are those of gensim's `evaluate_word_analogies`.

    >>> from firth import Vectors
    >>> v = Vectors(["man", "woman", "king", "queen"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]])
    >>> print(analogies(v, [": family", "man woman king queen", "man woman prince princess"]))
    section         accuracy  correct    asked  coverage  95%
    family            100.0%        1        1     50.0%  [1.000, 1.000]
    Total accuracy    100.0%        1        1     50.0%  [1.000, 1.000]

    Raises InputError, with the line, for a file that is something else. Mikolov et al. 2013; Levy & Goldberg 2014.
    """
    if method not in get_args(Method):
        raise ConfigError(f"method must be 'add' or 'mul', not {method!r}.")
    known = Known(vectors, restrict_vocab, case_insensitive)
    asked = read(file, known)
    every = [question for section in asked for question in section.questions]
    ids = np.array([[known.ids.get(word, -1) for word in question[:3]] for question in every], np.int64)
    answers = [[known.ids.get(word, -1) for word in words] for section in asked for words in section.answers]
    expected = np.array([*zip_longest(*answers, fillvalue=-1)], np.int64).T  # i8[q, most answers]
    answerable = (ids.min(axis=1) >= 0) & (expected.max(axis=1) >= 0)
    right = np.zeros(len(every), bool)
    right[answerable] = _right(vectors.rows(which), ids[answerable], expected[answerable], known.same, method)
    sections, start = [], 0
    for section in asked:
        part = slice(start, start + len(section.questions))
        sections.append(_section(section.name, section.questions, answerable[part], right[part], dummy4unknown))
        start = part.stop
    return Analogies(named(file), tuple(sections), _section(TOTAL, every, answerable, right, dummy4unknown))


def _right(rows: Rows, ids: Ids, expected: Ids, same: Ids, method: Method) -> NDArray[np.bool_]:
    """Whether each question, a b c of i8[q, 3] with the answers i8[q, m] (-1: none), is answered right: bool[q].

    Rows of the question's own words are no answers. Of the next five, the first that is not one of those words in
    other capitals is the answer.
    """
    best = 3 + _CANDIDATES
    if method == "add":
        found, _ = rows.nearest(three_cos_add(rows, *ids.T), best, limit=len(same))
    else:
        found = _three_cos_mul(rows, ids, best, limit=len(same))
    own = (found[:, :, None] == ids[:, None]).any(axis=2)
    candidate = ~own & (np.cumsum(~own, axis=1) <= _CANDIDATES)
    variant = (same[found][:, :, None] == ids[:, None]).any(axis=2)
    accepted = candidate & ~variant
    first = accepted.argmax(axis=1)
    chosen = found[np.arange(len(found)), first] if found.shape[1] else np.empty(0, np.int64)
    answered: NDArray[np.bool_] = accepted.any(axis=1) & (same[chosen][:, None] == expected).any(axis=1)
    return answered


def _three_cos_mul(rows: Rows, ids: Ids, k: int, limit: int) -> Ids:
    """The k rows with the highest s(b) s(c) / (s(a) + 1e-6) for each question i8[q, 3], s = (1 + cos) / 2: i8[q, k'].

    A word stands in many questions, so the cosines of a block of rows with all distinct words are taken once, and a
    question is two multiplications of what is there. k' = min(k, rows). Levy & Goldberg 2014, eq. 4.
    """
    words, places = np.unique(ids, return_inverse=True)
    a, b, c = places.reshape(ids.shape).T
    units, limit = rows.unit(words), min(limit, len(rows.array))
    k = min(k, limit)
    best, scores = np.zeros((len(ids), k), np.int64), np.full((len(ids), k), -1, np.float32)
    width = max(k, _TILE // max(len(words), _QUERIES))
    for start in range(0, limit, width):
        shifted = (units @ rows.unit(slice(start, min(start + width, limit))).T + 1) / 2  # f4[words, block]
        for first in range(0, len(ids), _QUERIES):
            some = slice(first, first + _QUERIES)
            tile = shifted[b[some]]
            tile *= shifted[c[some]]
            tile /= shifted[a[some]] + np.float32(_NO_ZERO)
            _keep_best(best[some], scores[some], tile, start)
    order = np.lexsort((best, -scores), axis=1)  # of equals the lower row
    return np.take_along_axis(best, order, axis=1)


def _keep_best(best: Ids, scores: Floats, tile: Floats, start: int) -> None:
    """Merge the scores f4[q, w] of rows start … start + w into the best i8[q, k] and f4[q, k] of each, in place."""
    better = np.flatnonzero(tile.max(axis=1) > scores.min(axis=1))
    both = np.concatenate([scores[better], tile[better]], axis=1)
    rows = np.broadcast_to(np.arange(start, start + tile.shape[1]), (len(better), tile.shape[1]))
    ids = np.concatenate([best[better], rows], axis=1)
    place = both.shape[1] - best.shape[1]
    top = np.argpartition(both, place - 1, axis=1)[:, place:]
    best[better], scores[better] = np.take_along_axis(ids, top, 1), np.take_along_axis(both, top, 1)


def _section(
    name: str,
    questions: list[Question],
    answerable: NDArray[np.bool_],
    right: NDArray[np.bool_],
    dummy4unknown: bool,
) -> Section:
    wrong = ~right if dummy4unknown else answerable & ~right
    return Section(
        name,
        tuple(_picked(questions, right)),
        tuple(_picked(questions, wrong)),
        questions=len(questions),
        unknown=int((~answerable).sum()),
    )


def _picked(questions: list[Question], chosen: NDArray[np.bool_]) -> Iterator[Question]:
    return (questions[place] for place in np.flatnonzero(chosen).tolist())
