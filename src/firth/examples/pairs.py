"""What a network that writes one text for another learns from: pairs of sentences, with teacher forcing."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from firth.errors import InputError
from firth.examples.packing import NO_TARGET, Batch, Examples, Packed, Rows
from firth.tokens.tokenizer import Tokenizer


@dataclass(frozen=True)
class Parallel(Packed):
    """A text in tokens, the target, and sentence by sentence what it is written for, the source."""

    source: Packed = field(kw_only=True)

    @classmethod
    def of_lines(cls, lines: Iterable[str], tokenizer: Tokenizer, *, end: int) -> Self:
        """Cut lines "source TAB target" into tokens, `end` behind each side.

        Raises InputError where a side gives no token.
        """
        pairs = [line.split("\t") for line in lines]
        source, target = (Packed.of((pair[side] for pair in pairs), tokenizer, end=end) for side in (0, 1))
        for packed, name in ((source, "source"), (target, "target")):
            if len(packed.sentences) - 1 < len(pairs):
                raise InputError(f"The {name} of some pair gives no token. Take out what is only blanks or controls.")
        return cls(target.tokens, target.sentences, target.documents, source=source)

    def _part(self, first: int, last: int) -> Self:
        target = Packed(self.tokens, self.sentences, self.documents)._part(first, last)
        source = self.source._part(first, last)
        return type(self)(target.tokens, target.sentences, target.documents, source=source)

    def checksum(self) -> str:
        """Of both sides."""
        return super().checksum() + self.source.checksum()


class Pairs(Examples):
    """Row r is sentence r of the source and of the target, each padded to the longest of its batch.

    The decoder is shown the target one place to the right, behind a start token, and foretells it where it stands.

    >>> source = Packed(np.array([5, 6, 1, 7, 1], np.int32), np.array([0, 3, 5]), np.array([0, 2]))
    >>> target = Parallel(np.array([6, 5, 1, 7, 1], np.int32), np.array([0, 3, 5]), np.array([0, 2]), source=source)
    >>> batch = Pairs(target, start=2, pad=0).batch(np.array([0, 1]), np.zeros(2, np.int64))
    >>> batch.arrays["source"].tolist(), batch.arrays["present"].astype(int).tolist()
    ([[5, 6, 1], [7, 1, 0]], [[1, 1, 1], [1, 1, 0]])
    >>> batch.arrays["inputs"].tolist(), batch.arrays["targets"].tolist(), batch.counts
    ([[2, 6, 5], [2, 7, 0]], [[6, 5, 1], [7, 1, -100]], {'lm': 5})
    """

    def __init__(self, packed: Parallel, *, start: int, pad: int, longest: int | None = None) -> None:
        """longest: pairs with a side of more tokens are left out; None: none is.

        Raises InputError where no pair is left.
        """
        self.packed, self.start, self.pad = packed, start, pad
        lengths = np.maximum(np.diff(packed.source.sentences), np.diff(packed.sentences))
        self.kept = np.flatnonzero(lengths <= longest) if longest is not None else np.arange(len(lengths))
        if not len(self.kept):
            raise InputError(f"None of {len(lengths):,} pairs has at most {longest} tokens a side. Raise length.")
        self.row_tokens = int(lengths[self.kept].max())

    def __len__(self) -> int:
        return len(self.kept)

    def batch(self, rows: Rows, turns: Rows) -> Batch:  # noqa: ARG002  # the same in every pass
        source, present = padded(self.packed.source, self.kept[rows], self.pad)
        target, known = padded(self.packed, self.kept[rows], self.pad)
        starts = np.full((len(rows), 1), self.start)
        shown = np.where(known[:, 1:], target[:, :-1], self.pad)  # the end is not shown
        arrays = {
            "source": source,
            "present": present,
            "inputs": np.concatenate([starts, shown], axis=1),
            "targets": np.where(known, target, NO_TARGET),
        }
        return Batch(arrays, {"lm": int(known.sum())})


def padded(
    packed: Packed, sentences: npt.NDArray[np.int64], pad: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Sentences as rows i8[b, longest] with `pad` behind them, and bool[b, longest], False where that stands."""
    starts, lengths = packed.sentences[sentences], np.diff(packed.sentences)[sentences]
    steps = np.arange(int(lengths.max()))
    there = steps < lengths[:, None]
    places = np.minimum(starts[:, None] + steps, len(packed.tokens) - 1)
    return np.where(there, packed.tokens[places], pad).astype(np.int64), there
