"""Link prediction: whether edges that the vectors have not seen score higher than pairs that no edge joins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, InputError
from firth.evaluate.interval import Interval
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Score, shown

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

By = Literal["cosine", "dot"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class LinkPrediction:
    """What `link_prediction` found."""

    file: str
    auc: float
    """The probability that an edge scores higher than a pair that is none: the area under the ROC curve."""
    interval: Interval
    """Its 95%, by Hanley & McNeil 1982."""
    precision: float
    """Average precision."""
    asked: int
    """Pairs of which both nodes have a vector."""
    questions: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        found = {"file": self.file, "auc": self.auc, "interval": [*self.interval], "average_precision": self.precision}
        return {**found, "asked": self.asked, "questions": self.questions}

    def scores(self) -> list[Score]:
        """One line of a report."""
        return [Score("link AUC", self.file, "", self.auc, *self.interval, self.asked, self.questions)]

    def __str__(self) -> str:
        return (
            f"{self.file}: AUC {self.auc:.4f} {shown(self.interval)}, average precision {self.precision:.4f} "
            f"({self.asked:,} of {self.questions:,} pairs)"
        )


def link_prediction(
    vectors: "Vectors",
    edges: File | Iterable[Pair],
    others: Iterable[Pair] | None = None,
    *,
    by: By = "cosine",
    which: "Which" = "input",
) -> LinkPrediction:
    """The area under the ROC curve of a score, between edges and pairs that no edge joins.

    edges   pairs that an edge joins, and that the vectors were learnt without; or, without `others`, a file or lines
            "u v 1" (an edge) and "u v 0" (none)
    others  pairs that no edge joins; `firth.Graph.without` makes both lists
    by      "cosine", or "dot" (the dot product)
    which   the table that is asked

    Pairs with a node that has no vector are left out.

    >>> from firth import Vectors
    >>> v = Vectors(["a", "b", "c", "d"], [[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]])
    >>> print(link_prediction(v, [("a", "b"), ("c", "d")], [("a", "c"), ("b", "d")]))
    the lines given: AUC 1.0000 [1.000, 1.000], average precision 1.0000 (4 of 4 pairs)

    Raises InputError, with the line, for a file that is something else, and where edges or other pairs are missing.
    """
    if by not in get_args(By):
        raise ConfigError(f"by must be 'cosine' or 'dot', not {by!r}.")
    pairs, marks = _read(edges) if others is None else _marked(edges, others)  # type: ignore[arg-type]
    table, ids = np.asarray(vectors._table(which), np.float32), vectors.key_to_index
    rows = np.array([[ids.get(u, -1), ids.get(v, -1)] for u, v in pairs], np.int64).reshape(-1, 2)
    known = (rows >= 0).all(axis=1)
    rows, truth = rows[known], np.array(marks, np.bool_)[known]
    if not truth.any() or truth.all():
        raise InputError(
            f"{named(edges)}: {int(truth.sum()):,} edges and {int((~truth).sum()):,} other pairs have vectors. Both "  # type: ignore[arg-type]
            "kinds are needed."
        )
    scored = np.einsum("ij,ij->i", table[rows[:, 0]], table[rows[:, 1]], dtype=np.float64)
    if by == "cosine":
        lengths = np.linalg.norm(table, axis=1).astype(np.float64)
        both = lengths[rows].prod(axis=1)
        scored = np.divide(scored, both, out=np.zeros_like(scored), where=both > 0)
    auc = area(scored, truth)
    edges_asked = int(truth.sum())
    return LinkPrediction(
        named(edges),  # type: ignore[arg-type]
        auc,
        _interval(auc, edges_asked, len(truth) - edges_asked),
        average_precision(scored, truth),
        len(truth),
        len(pairs),
    )


def area(scored: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The share of (true, false) pairs in which the true one scores higher; equals count half. Mann & Whitney 1947.

    >>> area(np.array([3.0, 2.0, 2.0, 1.0]), np.array([True, True, False, False]))
    0.875
    """
    order = np.sort(scored)
    ranks = (np.searchsorted(order, scored, "left") + np.searchsorted(order, scored, "right")) / 2
    positives = int(truth.sum())
    wins = ranks[truth].sum() - positives**2 / 2
    return float(wins / (positives * (len(truth) - positives)))


def average_precision(scored: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Σ over thresholds of precision times the recall gained; equal scores are one threshold."""
    order = np.argsort(-scored, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scored[order]) != 0, True))
    hits = np.cumsum(truth[order])[ends]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / truth.sum())


def _interval(auc: float, positives: int, negatives: int) -> Interval:
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (one - auc**2) + (negatives - 1) * (two - auc**2)
    half = 1.96 * float(np.sqrt(max(0.0, spread) / (positives * negatives)))
    return max(0.0, auc - half), min(1.0, auc + half)


def _marked(edges: Iterable[Pair], others: Iterable[Pair]) -> tuple[list[Pair], list[bool]]:
    yes, no = [*edges], [*others]
    return [*yes, *no], [True] * len(yes) + [False] * len(no)


def _read(file: File) -> tuple[Sequence[Pair], list[bool]]:
    pairs, marks = [], []
    for number, line in numbered(file):
        fields = line.split()
        if line.startswith("#"):
            continue
        if len(fields) != 3 or fields[2] not in ("0", "1"):
            raise InputError(f"{named(file)}, line {number:,}: expected 'u v 1' or 'u v 0', found {line!r:.60}.")
        pairs.append((fields[0], fields[1]))
        marks.append(fields[2] == "1")
    return pairs, marks
