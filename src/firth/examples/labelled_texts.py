"""What a network is taught a task from: texts and what is to be said of them, in batches of about one length."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import InputError
from firth.examples.packing import NO_TARGET, Batch, Examples, Rows

Ids = npt.NDArray[np.int64]


class Labelled(NamedTuple):
    """A text in tokens, and what is to be said of it."""

    ids: Sequence[int]
    segments: Sequence[int]
    target: int | float | Sequence[int]
    """A class, a number, or for each token the class of the word that it begins (NO_TARGET where it begins none)."""


class LabelledTexts(Examples):
    """Row r is a whole batch: texts of about one length, at most `tokens` with what fills them up.

    Which texts of equal length are together is drawn anew in every pass. So a third of the work is saved that a batch
    of any texts spends on filling up.
    """

    def __init__(self, texts: Sequence[Labelled], tokens: int, seed: int = 1) -> None:
        if not texts:
            raise InputError("There is no text to learn from.")
        self.texts, self.row_tokens, self.seed = texts, tokens, seed
        self.lengths = np.array([len(text.ids) for text in texts])
        self.bounds = _bounds(np.sort(self.lengths), tokens)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def batch(self, rows: Rows, turns: Rows) -> Batch:
        """ids, segments i8[B, T], present bool[B, T], targets i8[B] or i8[B, T] or f4[B]."""
        chosen: list[Labelled] = []
        for row, turn in zip(rows.tolist(), turns.tolist(), strict=True):
            order = self._order(turn)[self.bounds[row] : self.bounds[row + 1]]
            chosen += [self.texts[number] for number in order.tolist()]
        width = max(len(text.ids) for text in chosen)
        present = np.arange(width) < np.array([len(text.ids) for text in chosen])[:, None]
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "ids": filled([text.ids for text in chosen], width, 0),
            "segments": filled([text.segments for text in chosen], width, 0),
            "present": present,
        }
        targets = [text.target for text in chosen]
        if isinstance(targets[0], Sequence):
            tags = filled([target for target in targets if isinstance(target, Sequence)], width, NO_TARGET)
            return Batch({**arrays, "targets": tags}, {"task": int((tags != NO_TARGET).sum())})
        numbers = np.array(targets, np.float32 if isinstance(targets[0], float) else np.int64)
        return Batch({**arrays, "targets": numbers}, {"task": len(numbers)})

    def _order(self, turn: int) -> Ids:
        """The texts from the shortest to the longest, those of one length in an order of this pass."""
        noise = np.random.default_rng([self.seed, turn]).random(len(self.texts))
        return np.lexsort((noise, self.lengths))


def filled(rows: Sequence[Sequence[int]], width: int, filler: int) -> Ids:
    """Rows as one array i8[rows, width], with the filler behind each.

    >>> filled([[1, 2], [3]], 3, 0)
    array([[1, 2, 0],
           [3, 0, 0]])
    """
    whole = np.full((len(rows), width), filler, np.int64)
    for row, numbers in zip(whole, rows, strict=True):
        row[: len(numbers)] = numbers
    return whole


def _bounds(lengths: npt.NDArray[np.int64], tokens: int) -> list[int]:
    """Where each batch begins among texts sorted by length, and where the last one ends.

    >>> _bounds(np.array([2, 2, 3, 5, 9]), 6)
    [0, 2, 3, 4, 5]
    """
    bounds = [0]
    for number, length in enumerate(lengths.tolist()):
        if (number + 1 - bounds[-1]) * length > tokens and number > bounds[-1]:
            bounds.append(number)
    return [*bounds, len(lengths)]
