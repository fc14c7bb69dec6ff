"""What XLNet learns from: rows of two segments, places to foretell, and the order in which they are foretold.

Yang et al. 2019, §2.3 (partial prediction), §2.5 (segments), §3.1 (spans). What is permuted is who sees whom; the
text stays in its order. B rows of T tokens, M targets in each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST_SPAN = 5  # tokens, §3.1


class Foretold(NamedTuple):
    """Which places of a batch are foretold, and what is seen meanwhile."""

    targets: NDArray[np.int64]
    """[B, M] places, in the order in which they are foretold."""
    hidden: NDArray[np.bool_]
    """[B, T, T], True where place i does not see place j."""


def draw(may: NDArray[np.bool_], one_in: int, chance: np.random.Generator) -> Foretold:
    """Places to foretell, one in `one_in` of a row's length, in an order drawn at random.

    may  bool[B, T]: places that may be foretold; the others (padding, separators) are context throughout

    Raises ValueError where a row has fewer places than are to be foretold.
    """
    many = max(1, may.shape[1] // one_in)
    targets = np.stack([chance.permutation(spans(row, many, one_in, chance)) for row in may])
    return Foretold(targets, hidden_by(targets, may.shape[1]))


def spans(may: NDArray[np.bool_], many: int, one_in: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """`many` places of one row: spans of 1 to 5 tokens, each somewhere within `one_in` times its length.

    Where the row ends before there are so many, single places fill up; a surplus is dropped.
    """
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
    return np.asarray(filled, np.int64)


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


class Rows(NamedTuple):
    """Rows of a batch: text that the next row remembers, then A <sep> B <sep> <cls>."""

    ids: NDArray[np.int64]
    """[B, T]."""
    segments: NDArray[np.int64]
    """[B, T]: 0 for A and what stands before it, 1 for B, 2 for <cls>; a <sep> is of the segment that it ends."""
    may: NDArray[np.bool_]
    """[B, T]: what may be foretold, which is all but <sep> and <cls>."""


def pair_rows(
    tokens: NDArray[np.integer],
    starts: NDArray[np.int64],
    length: int,
    reused: int,
    marks: tuple[int, int],
    chance: np.random.Generator,
) -> Rows:
    """A row at each of `starts`: `reused` tokens as they stand, segment A, which goes on from there, and segment B.

    In half of the rows B goes on where A ends; in the others it comes from a random place of the text. How long A is,
    is drawn; B fills the row.

    tokens  i4[n]: the text; it goes on at its beginning where a row reaches over its end
    starts  i8[B]
    length  tokens of a row, at least `reused` + 5
    marks   the ids of <sep> and <cls>
    """
    sep, cls = marks
    room = length - reused - 3
    ids = np.empty((len(starts), length), np.int64)
    segments = np.zeros((len(starts), length), np.int64)
    segments[:, -1] = 2
    for row, start in enumerate(starts.tolist()):
        border = reused + int(chance.integers(1, room))
        begin = start + border if chance.random() < 0.5 else int(chance.integers(0, len(tokens)))
        ids[row, :border] = _taken(tokens, start, border)
        ids[row, border + 1 : -2] = _taken(tokens, begin, length - border - 3)
        ids[row, [border, -2, -1]] = sep, sep, cls
        segments[row, border + 1 : -1] = 1
    return Rows(ids, segments, (ids != sep) & (ids != cls))


def _taken(tokens: NDArray[np.integer], start: int, many: int) -> NDArray[np.integer]:
    """`many` tokens from `start` on, around the end."""
    return tokens.take(np.arange(start, start + many), mode="wrap")
