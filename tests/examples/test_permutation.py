"""Orders of factorisation: who sees whom, which places are foretold, and how two segments make a row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth.examples.permutation import LONGEST_SPAN, draw, hidden_by, pair_rows, spans


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


def test_each_row_has_an_order_of_its_own() -> None:
    targets, hidden = draw(np.ones((64, 60), bool), 6, np.random.default_rng(1))
    assert targets.shape == (64, 10) and hidden.shape == (64, 60, 60)
    assert all(len(set(row)) == 10 for row in targets.tolist())
    assert len({tuple(row) for row in targets.tolist()}) == 64
    firsts = targets[:, 0] > targets[:, 1]
    assert 10 < firsts.sum() < 54, "an order is drawn, not that of the text"
    assert set(targets.ravel().tolist()) == set(range(60)), "no place is left out for ever"


def test_what_may_not_be_foretold_is_not() -> None:
    may = np.ones((8, 20), bool)
    may[:, ::3] = False
    targets, _ = draw(may, 4, np.random.default_rng(1))
    assert np.take_along_axis(may, targets, axis=1).all()
    assert draw(may[:, :3], 6, np.random.default_rng(1)).targets.shape == (8, 1), "one at least"
    with pytest.raises(ValueError, match="the row has 1"):
        spans(np.array([True, False]), 2, 6, np.random.default_rng(1))


def test_targets_stand_in_spans() -> None:
    chance = np.random.default_rng(1)
    lengths = []
    for _ in range(200):
        places = np.sort(spans(np.ones(600, bool), 100, 6, chance))
        lengths += np.diff(np.flatnonzero(np.diff(places, prepend=-9, append=999) > 1)).tolist()
    assert 2.5 < np.mean(lengths) < 4, "1 to 5 tokens long, some of them side by side"
    assert np.mean(np.array(lengths) > LONGEST_SPAN) < 0.1


def test_two_segments_make_a_row() -> None:
    tokens = np.arange(100, 1100)
    rows = pair_rows(tokens, np.array([0, 500] * 100), 24, 8, (4, 3), np.random.default_rng(1))
    follows = []
    for start, ids, segments, may in zip([0, 500] * 100, *rows, strict=True):
        border = ids.tolist().index(4)
        assert ids[:border].tolist() == list(range(100 + start, 100 + start + border)), "reused text, and A after it"
        assert (ids[border], ids[-2], ids[-1]) == (4, 4, 3) and border > 8
        assert (np.diff(ids[border + 1 : -2]) == 1).all() or 100 in ids[border + 1 :], "B is a stretch of the text"
        assert segments.tolist() == [0] * (border + 1) + [1] * (22 - border) + [2]
        assert (~may).sum() == 3 and not may[[border, -2, -1]].any()
        follows.append(ids[border + 1] == ids[border - 1] + 1)
    assert 0.4 < np.mean(follows) < 0.6, "in half of the rows B goes on where A ends"
    assert len({row.tolist().index(4) for row in rows.ids}) > 5, "A is of any length"
