"""A look-up is a one-hot product, forwards and backwards; and `Vectors` is that look-up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.reference.one_hot import linear, linear_gradient, look_up, one_hot
from firth.vectors.table import Vectors

WORDS = ["北", "京", "欢", "迎", "你"]
WEIGHTS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_one_hot_times_weights_is_a_look_up(ids: list[int]) -> None:
    rows = linear(one_hot(ids, 5), WEIGHTS)
    np.testing.assert_array_equal(rows, look_up(ids, WEIGHTS))
    np.testing.assert_array_equal(rows, Vectors(WORDS, WEIGHTS)[[WORDS[place] for place in ids]])


def test_beijing_is_the_second_of_a_given_vocabulary() -> None:
    assert one_hot(Vectors(WORDS, WEIGHTS).key_to_index["京"], 5).tolist() == [0, 1, 0, 0, 0]
    np.testing.assert_array_equal(Vectors(WORDS, WEIGHTS)["京"], WEIGHTS[1])


def test_different_one_hots_are_at_right_angles() -> None:
    np.testing.assert_array_equal(one_hot(range(5), 5) @ one_hot(range(5), 5).T, np.eye(5))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9), st.integers(0, 2**32 - 1))
def test_the_gradient_adds_up_in_the_rows_looked_up(ids: list[int], seed: int) -> None:
    upstream = np.random.default_rng(seed).normal(size=(len(ids), 3)).astype(np.float32)
    scattered = np.zeros((5, 3), np.float32)
    np.add.at(scattered, ids, upstream)
    np.testing.assert_allclose(linear_gradient(one_hot(ids, 5), upstream), scattered, atol=1e-6)


@pytest.mark.parametrize("wrong", [-1, 5])
def test_ids_outside_the_vocabulary_are_refused(wrong: int) -> None:
    with pytest.raises(IndexError, match=r"0 … 4"):
        one_hot([0, wrong], 5)
