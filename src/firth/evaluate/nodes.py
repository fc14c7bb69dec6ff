"""Node classification: how well the labels of some nodes are told from those of others, by a straight line.

The usual protocol tells the classifier how many labels each node has, and takes so many; scores drop without that
(Lin et al. 2021, "On the Use of Unrealistic Predictions in Hundreds of Papers Evaluating Graph Representations"). Both
are given.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, InputError
from firth.evaluate import logistic
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Score

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class NodeClassification:
    """What `node_classification` found: means over the splits, and the scores of each."""

    file: str
    train: float
    """The share of nodes that was learnt from."""
    micro: tuple[float, ...]
    """Micro-F1 of each split; the number of each node's labels known."""
    macro: tuple[float, ...]
    honest_micro: tuple[float, ...]
    """The same, the number of labels not known."""
    honest_macro: tuple[float, ...]
    accuracy: tuple[float, ...]
    """The share of nodes with all of their labels predicted, and no others; the number of labels not known."""
    labels: int
    asked: int
    """Nodes that have a vector."""
    questions: int
    """Nodes in the file."""

    def means(self) -> dict[str, float]:
        """The means over the splits, by the name of the measure."""
        return {name: float(np.mean(values)) for name, values in self._measures().items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        counted = {"labels": self.labels, "asked": self.asked, "questions": self.questions}
        splits = {name: list(values) for name, values in self._measures().items()}
        return {"file": self.file, "train": self.train, **self.means(), "splits": splits, **counted}

    def scores(self) -> list[Score]:
        """A line of a report for each measure; low and high are the lowest and the highest of the splits."""
        return [
            Score(
                name.replace("_", " "), self.file, "", float(np.mean(values)), min(values), max(values), *self._counts()
            )
            for name, values in self._measures().items()
        ]

    def __str__(self) -> str:
        found = self.means()
        return (
            f"{self.file}: {self.train:.0%} of {self.asked:,} nodes learnt from, {self.labels:,} labels, "
            f"{len(self.micro)} splits: micro-F1 {found['micro_f1']:.4f}, macro-F1 {found['macro_f1']:.4f} with the "
            f"number of labels known; {found['honest_micro_f1']:.4f} and {found['honest_macro_f1']:.4f} without"
        )

    def _counts(self) -> tuple[int, int]:
        return self.asked, self.questions

    def _measures(self) -> dict[str, tuple[float, ...]]:
        return {
            "micro_f1": self.micro,
            "macro_f1": self.macro,
            "honest_micro_f1": self.honest_micro,
            "honest_macro_f1": self.honest_macro,
            "accuracy": self.accuracy,
        }


def node_classification(
    vectors: "Vectors",
    labels: File,
    *,
    train: float = 0.5,
    splits: int = 10,
    seed: int = 1,
    penalty: float = 1.0,
    which: "Which" = "input",
) -> NodeClassification:
    """Logistic regression from vectors to labels, each label against the rest, on `splits` random splits.

    labels   lines "node label label …"; a path, or the lines
    train    the share of nodes that is learnt from; the others are predicted
    seed     of the splits
    penalty  scikit-learn's C
    which    the table that is used

    With the number k of a node's labels known, its k likeliest labels are predicted (micro and macro F1). Without,
    those whose probability is above one half, and the likeliest where none is (the honest ones); where no node has two
    labels, one for each node, and both are the same. Macro-F1 is the mean over all labels of the file. Nodes without a
    vector are left out.

    >>> from firth import Vectors
    >>> v = Vectors([f"n{i}" for i in range(20)], [[1, 0]] * 10 + [[0, 1]] * 10)
    >>> node_classification(v, [f"n{i} {'x' if i < 10 else 'y'}" for i in range(20)], splits=2).honest_micro
    (1.0, 1.0)

    Raises InputError, with the line, for a file that is something else, ConfigError for an option that cannot be.
    """
    if not 0 < train < 1 or splits < 1:
        raise ConfigError(f"train is a share between 0 and 1, splits at least 1, not {train!r} and {splits!r}.")
    nodes, marks, names = _read(labels)
    rows = np.array([vectors.key_to_index.get(node, -1) for node in nodes])
    known = rows >= 0
    count = int(known.sum())
    learnt = round(train * count)
    if not 1 <= learnt < count:
        raise InputError(
            f"{named(labels)}: {count:,} of its {len(nodes):,} nodes have a vector; too few to learn from {train:.0%}."
        )
    features, truth = np.asarray(vectors._table(which))[rows[known]], marks[known]
    random = np.random.default_rng(seed)
    found = []
    for _ in range(splits):
        order = random.permutation(count)
        found.append(_split(features, truth, order[:learnt], order[learnt:], penalty))
    micro, macro, honest_micro, honest_macro, accuracy = (tuple(column) for column in zip(*found, strict=True))
    return NodeClassification(
        file=named(labels),
        train=train,
        micro=micro,
        macro=macro,
        honest_micro=honest_micro,
        honest_macro=honest_macro,
        accuracy=accuracy,
        labels=len(names),
        asked=count,
        questions=len(nodes),
    )


def _split(
    features: NDArray[np.float32], truth: Marks, learnt: NDArray[np.int64], asked: NDArray[np.int64], penalty: float
) -> tuple[float, ...]:
    scored = logistic.scores(features[asked], *logistic.fitted(features[learnt], truth[learnt], penalty))
    right = truth[asked]
    with_counts = _likeliest(scored, right.sum(axis=1))
    one = np.ones(len(asked), np.int64)
    honest = _likeliest(scored, one)
    if (truth.sum(axis=1) > 1).any():
        honest |= scored > 0
    same = float((honest == right).all(axis=1).mean())
    return *_f1(right, with_counts), *_f1(right, honest), same


def _likeliest(scored: NDArray[np.float64], counts: NDArray[np.int64]) -> Marks:
    """The `counts[i]` highest scores of each row."""
    order = np.argsort(-scored, axis=1, kind="stable")
    found = np.zeros(scored.shape, np.bool_)
    np.put_along_axis(found, order, np.arange(scored.shape[1]) < counts[:, None], axis=1)
    return found


def _f1(truth: Marks, predicted: Marks) -> tuple[float, float]:
    """Micro and macro F1; a label that nobody has and nobody predicts has 0, as in scikit-learn."""
    both, right = truth.sum(axis=0) + predicted.sum(axis=0), (truth & predicted).sum(axis=0)
    each = np.divide(2.0 * right, both, out=np.zeros(len(both)), where=both > 0)
    return float(2 * right.sum() / max(1, both.sum())), float(each.mean())


def _read(file: File) -> tuple[list[str], Marks, list[str]]:
    """Nodes, which label each has, and the labels in order."""
    found: dict[str, set[str]] = {}
    for number, line in numbered(file):
        if line.startswith("#"):
            continue
        node, *labels = line.split()
        if not labels:
            raise InputError(f"{named(file)}, line {number:,}: expected 'node label label …', found {line!r:.60}.")
        found.setdefault(node, set()).update(labels)
    names = sorted(set().union(*found.values()))
    if len(names) < 2:
        raise InputError(f"{named(file)}: {len(names)} label(s); at least two are needed to tell nodes apart.")
    places = {name: place for place, name in enumerate(names)}
    marks = np.zeros((len(found), len(names)), np.bool_)
    for row, own in enumerate(found.values()):
        marks[row, [places[label] for label in own]] = True
    return list(found), marks, names
