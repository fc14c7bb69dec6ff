"""Analogies in Google's format: Athens is to Greece as Baghdad is to …? 3CosAdd over all questions at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.evaluate.known import Known
from firth.evaluate.lines import File, named, numbered
from firth.vectors.analogy import three_cos_add
from firth.vectors.nearest import Rows

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

Question: TypeAlias = tuple[str, str, str, str]

_CANDIDATES = 5  # gensim looks at five answers for one that is not a word of the question in other capitals


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

    def to_dict(self) -> dict[str, Any]:
        """Numbers only, without the questions."""
        return {
            "name": self.name,
            "accuracy": self.accuracy,
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values: the total's numbers, and those of each section under "sections"."""
        return {"file": self.file, **self.total.to_dict(), "sections": [section.to_dict() for section in self.sections]}

    def __str__(self) -> str:
        parts = [*self.sections, self.total]
        wide = max(len(part.name) for part in parts)
        lines = [f"{'section':{wide}}  accuracy  correct    asked  coverage"]
        for part in parts:
            asked = len(part.correct) + len(part.incorrect)
            lines.append(
                f"{part.name:{wide}}  {part.accuracy:8.1%}  {len(part.correct):7,}  {asked:7,}  {part.coverage:8.1%}"
            )
        return "\n".join(lines)


def analogies(
    vectors: "Vectors",
    file: File,
    *,
    restrict_vocab: int | None = 300_000,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    which: "Which" = "input",
) -> Analogies:
    """Ask "a is to b as c is to …?" and count the answers that are d: the key nearest to b - a + c, none of the three.

    file              sections ": name", questions "a b c d"; a path, or the lines
    restrict_vocab    questions and answers among the first so many keys; None: all
    case_insensitive  compare words in capitals; of Apple and apple the first (most frequent) row counts
    dummy4unknown     count questions with an unknown word as wrong; False: leave them out
    which             the table that answers

    The numbers are those of gensim's `evaluate_word_analogies`.

    >>> from firth import Vectors
    >>> v = Vectors(["man", "woman", "king", "queen"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]])
    >>> print(analogies(v, [": family", "man woman king queen", "man woman prince princess"]))
    section         accuracy  correct    asked  coverage
    family            100.0%        1        1     50.0%
    Total accuracy    100.0%        1        1     50.0%

    Raises InputError, with the line, for a file that is something else. Mikolov et al. 2013.
    """
    known = Known(vectors, restrict_vocab, case_insensitive)
    asked = _read(file, known)
    every = [question for _, questions in asked for question in questions]
    ids = np.array([[known.ids.get(word, -1) for word in question] for question in every], np.int64)
    answerable = ids.min(axis=1) >= 0
    right = np.zeros(len(every), bool)
    right[answerable] = _right(vectors.rows(which), ids[answerable], known.same)
    sections, start = [], 0
    for name, questions in asked:
        part = slice(start, start + len(questions))
        sections.append(_section(name, questions, answerable[part], right[part], dummy4unknown))
        start = part.stop
    return Analogies(named(file), tuple(sections), _section("Total accuracy", every, answerable, right, dummy4unknown))


def _read(file: File, known: Known) -> list[tuple[str, list[Question]]]:
    """(name, questions) of each section, words as `known` writes them."""
    sections: list[tuple[str, list[Question]]] = []
    for number, line in numbered(file):
        if line.startswith(":"):
            sections.append((line.lstrip(": ").strip(), []))
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(f"{named(file)}, line {number:,}: {len(words)} words, not four (a b c d): {line!r:.80}")
        if not sections:
            raise InputError(
                f"{named(file)}, line {number:,}: a question before the first section. Begin with ': name'."
            )
        a, b, c, d = map(known.form, words)
        sections[-1][1].append((a, b, c, d))
    if not any(questions for _, questions in sections):
        raise InputError(f"{named(file)} holds no questions (lines of four words under lines ': section').")
    return sections


def _right(rows: Rows, ids: NDArray[np.int64], same: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each question i8[q, 4] is answered right: bool[q].

    Rows of the question's own words are no answers. Of the next five, the first that is not one of those words in
    other capitals is the answer.
    """
    a, b, c, expected = ids.T
    found, _ = rows.nearest(three_cos_add(rows, a, b, c), 3 + _CANDIDATES, limit=len(same))
    own = (found[:, :, None] == ids[:, None, :3]).any(axis=2)
    candidate = ~own & (np.cumsum(~own, axis=1) <= _CANDIDATES)
    variant = (same[found][:, :, None] == ids[:, None, :3]).any(axis=2)
    accepted = candidate & ~variant
    first = accepted.argmax(axis=1)
    chosen = found[np.arange(len(found)), first] if found.shape[1] else np.empty(0, np.int64)
    answered: NDArray[np.bool_] = accepted.any(axis=1) & (same[chosen] == expected)
    return answered


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
