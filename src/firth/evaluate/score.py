"""One line of a report, whatever was measured."""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

from firth.evaluate.interval import Interval


class Score(NamedTuple):
    """A number, how sure it is, and of how much of the file."""

    measure: str
    """accuracy, spearman, purity, …; the column of the score."""
    file: str
    section: str
    """A part of the file; empty for all of it."""
    score: float
    low: float
    """Where the bootstrap's 95% begin and end."""
    high: float
    asked: int
    """Questions whose words are known."""
    questions: int
    """Questions in the file."""

    @property
    def coverage(self) -> float:
        return self.asked / max(1, self.questions)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a file of questions, of whatever kind: the head that all kinds have."""

    file: str
    asked: int
    """Questions whose words are known."""
    questions: int
    """Questions in the file."""

    @property
    def coverage(self) -> float:
        return self.asked / max(1, self.questions)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        plain = {name: [*value] if isinstance(value, tuple) else value for name, value in values.items()}
        return {**plain, "coverage": self.coverage}


TOTAL = "Total accuracy"
"""The section of all sections, as gensim calls it."""
HEADING = ("measure", "file", "section", "score", "low", "high", "asked", "of")


def shown(interval: Interval) -> str:
    """For people: "[.32, .41]" without what every share has in front of its point.

    >>> shown((0.318, 0.41)), shown((-0.1, 1.0))
    ('[.318, .410]', '[-.100, 1.000]')
    """
    low, high = (f"{end:.3f}".replace("0.", ".", 1) for end in interval)
    return f"[{low}, {high}]"
