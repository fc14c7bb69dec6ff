"""How good predicted labels are: precision, recall and F1, of each label and of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firth.errors import InputError


@dataclass(frozen=True)
class LabelScore:
    """One label, or all of them together."""

    label: Any
    """None for all together."""
    texts: int
    """That have it."""
    predicted: int
    """For which it was predicted."""
    correct: int
    """Of those, that have it."""

    @property
    def precision(self) -> float:
        """correct / predicted; 0 where it was never predicted."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """correct / texts; 0 where no text has it."""
        return self.correct / self.texts if self.texts else 0.0

    @property
    def f1(self) -> float:
        """2 · precision · recall / (precision + recall), their harmonic mean."""
        both = self.texts + self.predicted
        return 2 * self.correct / both if both else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        counted = {"texts": self.texts, "predicted": self.predicted, "correct": self.correct}
        return {"label": self.label, "precision": self.precision, "recall": self.recall, "f1": self.f1, **counted}


@dataclass(frozen=True)
class LabelScores:
    """The scores of predictions. With one label each, precision, recall, F1 and accuracy of all are the same number."""

    texts: int
    accuracy: float
    """The share of texts with all of their labels predicted, and no others."""
    total: LabelScore
    """Every (text, label) counted alike: the micro average."""
    labels: tuple[LabelScore, ...]
    """Each label that some text has or that was predicted, in order."""

    @property
    def precision(self) -> float:
        return self.total.precision

    @property
    def recall(self) -> float:
        return self.total.recall

    @property
    def f1(self) -> float:
        return self.total.f1

    @property
    def macro_f1(self) -> float:
        """The mean of the labels' F1: a rare label counts as much as a frequent one."""
        return sum(label.f1 for label in self.labels) / max(1, len(self.labels))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "texts": self.texts,
            "accuracy": self.accuracy,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "macro_f1": self.macro_f1,
            "labels": [label.to_dict() for label in self.labels],
        }


def label_scores(truth: Sequence[Sequence[Any]], predicted: Sequence[Sequence[Any]]) -> LabelScores:
    """Scores of predicted labels; both are a list of labels for each text. Texts without a label are left out.

    >>> found = label_scores([["a"], ["a", "b"], ["b"]], [["a"], ["a"], ["a"]])
    >>> [(label.label, round(label.precision, 2), label.recall) for label in found.labels]
    [('a', 0.67, 1.0), ('b', 0.0, 0.0)]
    >>> round(found.accuracy, 2), found.recall
    (0.33, 0.5)

    Raises InputError where there is no labelled text.
    """
    pairs = [(set(own), set(found)) for own, found in zip(truth, predicted, strict=True) if len(own)]
    if not pairs:
        raise InputError("No text has a label to score against.")
    tallies: dict[Any, list[int]] = {}
    for own, found in pairs:
        for label in own | found:
            tally = tallies.setdefault(label, [0, 0, 0])
            tally[0] += label in own
            tally[1] += label in found
            tally[2] += label in own and label in found
    labels = tuple(LabelScore(label, *tallies[label]) for label in sorted(tallies, key=_order))
    sums = [sum(tally[i] for tally in tallies.values()) for i in range(3)]
    same = sum(own == found for own, found in pairs)
    return LabelScores(len(pairs), same / len(pairs), LabelScore(None, *sums), labels)


def _order(label: Any) -> tuple[bool, Any]:
    """Numbers first; labels of a text and of the model may differ in kind."""
    return isinstance(label, str), label
