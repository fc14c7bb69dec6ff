"""What BERT and ALBERT learn from: rows of a text in which some tokens are masked, and two segments that may not belong
together.

    masked tokens   15% of a row: 80% of those become [MASK], 10% any token, 10% stay; the true ones are the targets
    whole words     all tokens of a word are masked, or none
    pair="next"     the second segment follows the first, or is from elsewhere (BERT's next sentence prediction)
    pair="order"    the second segment follows the first, or the two are swapped (ALBERT's sentence order prediction)

Devlin et al. 2018, §3.1; Lan et al. 2019, §3.1; whole words: Cui et al. 2019, "Pre-Training with Whole Word Masking for
Chinese BERT". Every row is full, so no time goes into padding: it goes on over the end of a sentence.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import InputError
from firth.examples.packing import NO_TARGET, Batch, Examples, Packed, Rows

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Pair = Literal["none", "next", "order"]

MASKED, RANDOM = 0.8, 0.9
"""Of the tokens that are foretold: below the first become [MASK], below the second any token; the rest stay."""
_DRAWS: Final = 3  # random numbers for each place: which word, what becomes of a token, which other one
_SHORTEST: Final = 2  # tokens beside the special ones


class Marks(NamedTuple):
    """The special tokens of a row, and the tokens that may stand for a masked one."""

    cls: int
    sep: int
    mask: int
    ordinary: Ids
    """Every token that is not special."""


def masked(
    ids: Ids, may: Flags, begins: Flags, draws: npt.NDArray[np.float64], marks: Marks, share: float
) -> tuple[Ids, Ids]:
    """Rows with tokens masked, and the targets: the true tokens there, NO_TARGET elsewhere.

    ids i8[B, T] · may bool[B, T], which may be masked · begins bool[B, T], which begin a word · draws f8[3, B, T], in
    [0, 1). Words are taken in a random order for as long as they fit in `share` of the tokens that may be masked; one
    always is.

    >>> marks = Marks(2, 3, 4, np.arange(5, 9))
    >>> row = np.array([[2, 5, 6, 7, 8, 3]])
    >>> may = row > 4
    >>> draws = np.zeros((3, 1, 6))
    >>> draws[0, 0, 3] = 0.5
    >>> masked(row, may, np.array([[True, True, False, True, True, True]]), draws, marks, 0.5)
    (array([[2, 4, 4, 7, 8, 3]]), array([[-100,    5,    6, -100, -100, -100]]))
    """
    tokens = np.arange(ids.shape[1])
    begins = begins | ~may
    first = np.maximum.accumulate(np.where(begins, tokens, 0), axis=1)  # of the word that each token belongs to
    after = np.minimum.accumulate(np.where(np.roll(begins, -1, axis=1), tokens, len(tokens) - 1)[:, ::-1], axis=1)[
        :, ::-1
    ]
    sizes = after - first + 1
    keys = np.where(may, np.take_along_axis(draws[0], first, 1), np.inf)
    order = np.argsort(keys, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(tokens, order.shape), 1)
    rank = np.take_along_axis(rank, first, 1)  # of the word's first token, in the random order
    budget = np.maximum(1, np.rint(share * may.sum(1, keepdims=True)))
    chosen = may & ((rank + sizes <= budget) | (rank == 0))
    other = marks.ordinary[(draws[2] * len(marks.ordinary)).astype(np.int64)]
    shown = np.where(draws[1] < MASKED, marks.mask, np.where(draws[1] < RANDOM, other, ids))
    return np.where(chosen, shown, ids), np.where(chosen, ids, NO_TARGET)


class Masked(Examples):
    """Row r: [CLS] … [SEP], or [CLS] a [SEP] b [SEP], of `length` tokens, some of them masked anew in every pass.

    packed  a text without end tokens; `begins` of it is there for whole words
    share   of the tokens that are foretold
    pair    how two segments are learnt from: the row is parted where a sentence ends, in two
    """

    def __init__(
        self, packed: Packed, length: int, marks: Marks, *, share: float = 0.15, pair: Pair = "none", seed: int = 1
    ) -> None:
        self.packed, self.marks, self.share, self.pair, self.seed = packed, marks, share, pair, seed
        room = length - (2 if pair == "none" else 3)
        self.inside = min(room, len(packed.tokens))
        """Tokens of the text in a row."""
        self.row_tokens = self.inside + length - room
        if self.inside < _SHORTEST:
            raise InputError(f"A row of {self.inside} tokens of text has nothing to learn from. Give a longer text.")

    def __len__(self) -> int:
        return (len(self.packed.tokens) + self.inside - 1) // self.inside

    def batch(self, rows: Rows, turns: Rows) -> Batch:
        """ids, targets i8[B, T]; of pairs also segments i8[B, T] and pairs i8[B]: 0 where they belong together."""
        chances = [
            np.random.default_rng([self.seed, turn, row])
            for row, turn in zip(rows.tolist(), turns.tolist(), strict=True)
        ]
        if self.pair == "none":
            rows_of = [self._row([self._places(row)]) for row in rows.tolist()]
            arrays: dict[str, npt.NDArray[np.int64]] = {}
            counts = {}
        else:
            parted = [self._parted(row, chance) for row, chance in zip(rows.tolist(), chances, strict=True)]
            rows_of = [self._row(places) for places, _ in parted]
            arrays = {
                "segments": np.stack([self._segments(places) for places, _ in parted]),
                "pairs": np.array([apart for _, apart in parted], np.int64),
            }
            counts = {"pair": len(rows)}
        ids = np.stack([ids for ids, _, _ in rows_of])
        may = np.stack([may for _, may, _ in rows_of])
        begins = np.stack([begins for _, _, begins in rows_of])
        draws = np.stack([chance.random((_DRAWS, ids.shape[1])) for chance in chances], axis=1)
        shown, targets = masked(ids, may, begins, draws, self.marks, self.share)
        return Batch({"ids": shown, "targets": targets, **arrays}, {"mlm": int((targets != NO_TARGET).sum()), **counts})

    def _places(self, row: int) -> slice:
        """Where the row's tokens stand in the text; the last row begins earlier, and is full too."""
        start = min(row * self.inside, len(self.packed.tokens) - self.inside)
        return slice(start, start + self.inside)

    def _row(self, places: Sequence[slice]) -> tuple[Ids, Flags, Flags]:
        """[CLS] a [SEP] (b [SEP]): ids, which are of the text, and which begin a word."""
        ids, may, begins = [self.marks.cls], [False], [True]
        for part in places:
            ids += [*self.packed.tokens[part].tolist(), self.marks.sep]
            inside = part.stop - part.start
            may += [True] * inside + [False]
            begins += (
                [True] * (inside + 1) if self.packed.begins is None else [*self.packed.begins[part].tolist(), True]
            )
        return np.array(ids, np.int64), np.array(may), np.array(begins)

    def _segments(self, places: Sequence[slice]) -> Ids:
        a, b = (part.stop - part.start for part in places)
        return np.repeat(np.arange(2), [a + 2, b + 1])

    def _parted(self, row: int, chance: np.random.Generator) -> tuple[list[slice], int]:
        """The two segments of a row, and whether they do not belong together."""
        whole = self._places(row)
        cut = self._cut(whole, chance)
        a, b = slice(whole.start, cut), slice(cut, whole.stop)
        apart = int(chance.random() < 0.5)
        if apart and self.pair == "order":
            a, b = b, a
        elif apart:
            b = self._elsewhere(b, whole, chance)
        return [a, b], apart

    def _cut(self, whole: slice, chance: np.random.Generator) -> int:
        """Where a sentence, but no document, ends inside; else a document; else the middle."""
        sentences, documents = self.packed.sentences, self.packed.documents
        first, last = np.searchsorted(sentences, [whole.start + 1, whole.stop])
        inside = np.arange(first, last)
        within = np.setdiff1d(inside, documents)
        ends = sentences[within if len(within) else inside]
        return int(chance.choice(ends)) if len(ends) else (whole.start + whole.stop) // 2

    def _elsewhere(self, b: slice, whole: slice, chance: np.random.Generator) -> slice:
        """As many tokens as `b` has from the beginning of another sentence, outside the row where there are any."""
        size, last = b.stop - b.start, len(self.packed.tokens) - (b.stop - b.start)
        start = 0
        for _ in range(8):  # a text of one row has no other place
            start = min(int(chance.choice(self.packed.sentences[:-1])), last)
            if start >= whole.stop or start + size <= whole.start:
                break
        return slice(start, start + size)
