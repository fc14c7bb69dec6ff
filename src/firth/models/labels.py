"""The labels of documents: one for each, or several; as they were given, and as numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from firth.errors import InputError

Kind = Literal["single", "lists", "indicator"]


@dataclass(frozen=True)
class Labels:
    """What every document is labelled with."""

    kind: Kind
    """"single": one each. "lists": a list each. "indicator": a row of 0 and 1 each, as scikit-learn has it."""
    classes: npt.NDArray[Any]
    """The distinct labels, ascending."""
    given: npt.NDArray[np.int32]
    """i4[·], indices into `classes`, document after document."""
    offsets: npt.NDArray[np.int64]
    """i8[documents + 1]"""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, y: Any) -> "Labels":
        """From one label each, a list of labels each, or a 0/1 matrix with a row each.

        >>> labels = Labels.of(["good", "bad", "good"])
        >>> labels.kind, labels.classes.tolist(), labels.given.tolist()
        ('single', ['bad', 'good'], [1, 0, 1])
        >>> Labels.of([["a", "b"], [], ["b"]]).offsets.tolist()
        [0, 2, 2, 3]

        Raises InputError naming the first that is no label.
        """
        if isinstance(y, str | bytes) or not isinstance(y, Iterable):
            raise InputError(f"Labels are a list with one entry for each text, not {y!r:.60}.")
        if getattr(y, "ndim", 1) == 2:
            return cls._of_matrix(np.asarray(y))
        every = y.tolist() if isinstance(y, np.ndarray) else list(y)
        if any(isinstance(labels, list | tuple | set | frozenset | np.ndarray) for labels in every):
            return cls._of_lists(every)
        classes, numbers = _numbered(every, range(len(every)))
        return cls("single", classes, numbers, np.arange(len(every) + 1))

    @classmethod
    def _of_lists(cls, every: Sequence[Any]) -> "Labels":
        lists: list[list[Any]] = []
        for place, labels in enumerate(every):
            if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
                raise InputError(f"Labels of text {place:,}: {labels!r:.60} is no list, and those of other texts are.")
            lists.append(list(dict.fromkeys(labels)))
        sizes = np.fromiter(map(len, lists), np.int64, len(lists))
        places = np.repeat(np.arange(len(lists)), sizes)
        classes, numbers = _numbered([label for labels in lists for label in labels], places.tolist())
        return cls("lists", classes, numbers, np.concatenate([[0], np.cumsum(sizes)]))

    @classmethod
    def _of_matrix(cls, matrix: npt.NDArray[Any]) -> "Labels":
        if matrix.shape[1] == 1:
            return cls.of(matrix[:, 0])
        if not np.isin(matrix, (0, 1)).all():
            raise InputError(f"A matrix of labels {matrix.shape} holds 0 and 1 alone: is this label there, or not?")
        there = matrix.astype(np.bool_)
        numbers = np.nonzero(there)[1].astype(np.int32)
        offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
        return cls("indicator", np.arange(matrix.shape[1]), numbers, offsets)

    def among(self, classes: npt.NDArray[Any]) -> "Labels":
        """The same labels as numbers of these classes. Raises InputError for one that is none of them."""
        places = {label: place for place, label in enumerate(classes.tolist())}
        if strangers := [label for label in self.classes.tolist() if label not in places]:
            raise InputError(f"The label {strangers[0]!r:.60} is none of the {len(classes):,} that were learnt.")
        numbers = np.array([places[label] for label in self.classes.tolist()], np.int32)
        return replace(self, classes=classes, given=numbers[self.given])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """i8[classes], how many documents have each."""
        return np.bincount(self.given, minlength=len(self.classes)).astype(np.int64)

    def drawn(self, random: np.random.Generator) -> npt.NDArray[np.int32]:
        """One label of each document, i4[documents]; each of its labels is as likely. Every one must have some."""
        sizes = np.diff(self.offsets)
        if (sizes == 1).all():
            return self.given
        drawn: npt.NDArray[np.int32] = self.given[self.offsets[:-1] + random.integers(0, sizes)]
        return drawn


def _numbered(labels: list[Any], places: Sequence[int] | range) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """The distinct labels, ascending, and each label's number among them."""
    if not labels:
        raise InputError("There are no labels to learn.")
    labels = [label.item() if isinstance(label, np.generic) else label for label in labels]
    for place, label in zip(places, labels, strict=True):
        if label is None or label != label or not isinstance(label, str | int | float):
            raise InputError(f"The label of text {place:,} is {label!r:.60}. Labels are strings or numbers.")
        if isinstance(label, str) and label.endswith("\0"):
            raise InputError(f"The label of text {place:,}, {label!r:.60}, ends with a NUL, which arrays of text drop.")
    kinds = {str if isinstance(label, str) else float for label in labels}
    if len(kinds) > 1:
        raise InputError("Some labels are strings and some are numbers. Make them alike: map(str, labels).")
    distinct = sorted(set(labels))
    ids = dict(zip(distinct, range(len(distinct)), strict=True))
    numbers = np.fromiter((ids[label] for label in labels), np.int32, len(labels))
    return np.array(distinct), numbers
