"""Orders of factorisation: who sees whom, which places are foretold, and how two segments make a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth.errors import InputError
from firth.examples.packing import Packed
from firth.examples.permutation import LONGEST_SPAN, Marks, Permuted, draw, hidden_by


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(7)), st.integers(1, 7))
def test_a_target_sees_exactly_what_is_before_it(z: list[int], many: int) -> None:
    targets = np.array([z[7 - many :]])
    hidden = hidden_by(targets, 7)[0]
    context = set(z[: 7 - many])
    for place in range(7):
        seen = set(np.flatnonzero(~hidden[place]).tolist())
        assert seen == (context if place in context else set(z[: z.index(place)]))


def test_left_to_right_is_one_of_the_orders() -> None:
    assert (hidden_by(np.arange(4)[None], 4)[0] == np.triu(np.ones((4, 4), bool))).all()


def orders(may: np.ndarray, one_in: int) -> np.ndarray:
    chance = np.random.default_rng(1)
    return np.stack([draw(row, one_in, chance) for row in may])


def test_orders_are_drawn() -> None:
    targets = orders(np.ones((64, 60), bool), 6)
    assert targets.shape == (64, 10)
    assert all(len(set(row)) == 10 for row in targets.tolist())
    assert len({tuple(row) for row in targets.tolist()}) == 64
    assert 10 < (targets[:, 0] > targets[:, 1]).sum() < 54, "an order is drawn, not that of the text"
    assert set(targets.ravel().tolist()) == set(range(60)), "no place is left out for ever"


def test_what_may_not_be_foretold_is_not() -> None:
    may = np.ones((8, 20), bool)
    may[:, ::3] = False
    assert np.take_along_axis(may, orders(may, 4), axis=1).all()
    assert orders(may[:, :3], 6).shape == (8, 1), "one at least"
    with pytest.raises(ValueError, match="the row has 1"):
        draw(np.array([True, False, False, False]), 2, np.random.default_rng(1))


def test_targets_stand_in_spans() -> None:
    lengths = []
    for places in np.sort(orders(np.ones((200, 600), bool), 6), axis=1):
        lengths += np.diff(np.flatnonzero(np.diff(places, prepend=-9, append=999) > 1)).tolist()
    assert 2.5 < np.mean(lengths) < 4, "1 to 5 tokens long, some of them side by side"
    assert np.mean(np.array(lengths) > LONGEST_SPAN) < 0.1


TOKENS = np.arange(100, 1100, dtype=np.int32)
PACKED = Packed(TOKENS, np.array([0, 1000]), np.array([0, 1]))


def rows_of(**options: int) -> Permuted:
    return Permuted(PACKED, 24, Marks(4, 3), **{"one_in": 6, "memory": 0, "seed": 1, **options})


def test_two_segments_make_a_row() -> None:
    follows, borders = [], set()
    batch = rows_of().batch(np.arange(47).repeat(4), np.tile([0, 1, 2, 3], 47))
    for ids, segments, targets in zip(*(batch.arrays[name] for name in ("ids", "segments", "targets")), strict=True):
        border = ids.tolist().index(4)
        assert (np.diff(ids[:border]) == 1).all() or 1099 in ids[:border], "A is a stretch of the text"
        assert (np.diff(ids[border + 1 : -2]) == 1).all() or 1099 in ids[border + 1 : -2], "and so is B"
        assert (ids[-2], ids[-1]) == (4, 3) and not set(targets.tolist()) & {border, 22, 23}
        assert segments.tolist() == [0] * (border + 1) + [1] * (22 - border) + [2]
        follows.append(ids[border + 1] == ids[border - 1] + 1)
        borders.add(border)
    assert 0.4 < np.mean(follows) < 0.6, "in half of the rows B goes on where A ends"
    assert len(borders) > 15, "A is of any length"
    assert batch.counts == {"plm": 188 * 4} and batch.arrays["hidden"].shape == (188, 24, 24)


def test_a_row_is_a_function_of_its_number_and_the_pass() -> None:
    rows, both = np.array([3, 7]), np.array([0, 1])
    together, alone = rows_of().batch(rows, both), rows_of().batch(rows[1:], both[1:])
    for name, array in together.arrays.items():
        assert np.array_equal(array[1:], alone.arrays[name])
    others = [rows_of(seed=2).batch(rows, both), rows_of().batch(rows, both + 1), rows_of(one_in=3).batch(rows, both)]
    assert all(not np.array_equal(other.arrays["targets"], together.arrays["targets"]) for other in others)


def test_a_pass_begins_at_the_beginning_and_covers_the_text() -> None:
    first = rows_of().batch(np.arange(47), np.zeros(47, np.int64)).arrays["ids"]
    assert len(rows_of()) == 1000 // 21 and first[:, 0].tolist() == [100 + 21 * row for row in range(47)]


def test_what_stands_before_is_remembered() -> None:
    batch = rows_of(memory=5).batch(np.array([0, 2]), np.array([0, 0]))
    assert batch.arrays["before"].tolist() == [list(range(1095, 1100)), list(range(137, 142))]
    assert batch.arrays["ids"][1, 0] == 142
    assert "before" not in rows_of().batch(np.array([0]), np.array([0])).arrays


def test_a_text_of_one_token_is_refused() -> None:
    with pytest.raises(InputError, match="one token"):
        Permuted(Packed(TOKENS[:1], np.array([0, 1]), np.array([0, 1])), 24, Marks(4, 3), one_in=6, memory=0, seed=1)
