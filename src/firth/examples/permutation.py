"""What XLNet learns from: rows of two segments, places to foretell, and the order in which they are foretold.

Yang et al. 2019, §2.3 (partial prediction), §2.5 (segments), §3.1 (spans). What is permuted is who sees whom; the
text stays in its order. B rows of T tokens, M targets in each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.examples.packing import Batch, Examples, Packed, Rows

LONGEST_SPAN = 5  # tokens, §3.1


# ---------------------------------------------------------------- orders


def draw(may: NDArray[np.bool_], one_in: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """Places of a row to foretell, one in `one_in` of its length, in an order drawn at random: i8[M].

    may  bool[T]: places that may be foretold; the others (padding, separators) are context throughout

    Spans of 1 to 5 tokens, each somewhere within `one_in` times its length. Where the row ends before there are enough,
    single places fill up; a surplus is dropped. Raises ValueError where there are fewer places than are foretold.
    """
    many = max(1, len(may) // one_in)
    eligible = np.flatnonzero(may)
    if many > len(eligible):
        raise ValueError(f"{many} places are to be foretold, and the row has {len(eligible)}.")
    chosen: list[int] = []
    start = 0
    while start < len(eligible) and len(chosen) < many:
        span = int(chance.integers(1, LONGEST_SPAN + 1))
        begin = start + int(chance.integers(0, (one_in - 1) * span + 1))
        chosen += eligible[begin : begin + span].tolist()
        start += one_in * span
    rest = np.setdiff1d(eligible, chosen)
    filled = [*chosen[:many], *chance.choice(rest, max(0, many - len(chosen)), replace=False).tolist()]
    return chance.permutation(np.asarray(filled, np.int64))


def hidden_by(targets: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """bool[B, T, T], True where i does not see j, for targets i8[B, M] in the order of their foretelling.

    All other places come first, see each other, and see no target; a target sees them and the targets before it. So
    z_1 … z_c of the paper are one block, and every target is conditioned on exactly what stands before it in z.

    >>> hidden_by(np.array([[2, 0]]), 3)[0].astype(int)  # z = 1, 2, 0
    array([[1, 0, 0],
           [1, 0, 1],
           [1, 0, 1]])
    """
    rank = np.full((len(targets), length), -1)
    np.put_along_axis(rank, targets, np.arange(targets.shape[1])[None], axis=1)
    is_target = rank >= 0
    return np.asarray(is_target[:, None, :] & (rank[:, :, None] <= rank[:, None, :]))


# ---------------------------------------------------------------- rows


class Marks(NamedTuple):
    """The ids of the special tokens of a row."""

    sep: int
    cls: int


def two_segments(
    tokens: NDArray[np.integer], start: int, length: int, marks: Marks, chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A <sep> B <sep> <cls>, i8[T], and the segment of each token: 0 for A, 1 for B, 2 for <cls>.

    A begins at `start`; how long it is, is drawn. In half of the rows B goes on where A ends, in the others it comes
    from a random place of the text; it fills the row. A <sep> is of the segment that it ends.

    length  at least 5; where A or B reach over the end of the text they go on at its beginning
    """
    border = int(chance.integers(1, length - 3))
    begin = start + border if chance.random() < 0.5 else int(chance.integers(0, len(tokens)))
    a, b = taken(tokens, start, border), taken(tokens, begin, length - 3 - border)
    ids = np.concatenate([a, [marks.sep], b, [marks.sep, marks.cls]]).astype(np.int64)
    return ids, np.repeat([0, 1, 2], [border + 1, len(b) + 1, 1])


def taken(tokens: NDArray[np.integer], start: int, many: int) -> NDArray[np.integer]:
    """`many` tokens from `start` on, around both ends."""
    return tokens.take(np.arange(start, start + many), mode="wrap")


class Permuted(Examples):
    """Row r is two segments from about place r · (length - 3) on; it has an order of its own, in every pass another.

    one_in  one token in so many is foretold
    memory  so many tokens that stand before A are handed over too, for the network to remember
    """

    def __init__(self, packed: Packed, length: int, marks: Marks, *, one_in: int, memory: int, seed: int) -> None:
        if len(packed.tokens) < 2:
            raise InputError("A text of one token has nothing to predict. Give a longer one.")
        self.packed, self.length, self.marks = packed, length, marks
        self.one_in, self.memory, self.seed = one_in, memory, seed
        self.row_tokens = length

    def __len__(self) -> int:
        return max(1, len(self.packed.tokens) // (self.length - 3))

    def batch(self, rows: Rows, turns: Rows) -> Batch:
        tokens, made = self.packed.tokens, []
        for row, turn in zip(rows.tolist(), turns.tolist(), strict=True):
            chance = np.random.default_rng([self.seed, turn, row])
            shift = int(np.random.default_rng([self.seed, turn]).integers(0, self.length - 3)) if turn else 0
            start = row * (self.length - 3) + shift
            ids, segments = two_segments(tokens, start, self.length, self.marks, chance)
            targets = draw((ids != self.marks.sep) & (ids != self.marks.cls), self.one_in, chance)
            made.append((ids, segments, targets, taken(tokens, start - self.memory, self.memory)))
        ids, segments, targets, before = (np.stack(column).astype(np.int64) for column in zip(*made, strict=True))
        arrays = {"ids": ids, "segments": segments, "targets": targets, "hidden": hidden_by(targets, self.length)}
        if self.memory:
            arrays["before"] = before
        return Batch(arrays, {"plm": targets.size})
