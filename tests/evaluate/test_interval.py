"""Bootstrap intervals: against resampling done the plain way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from firth.evaluate import interval

RNG = np.random.default_rng(5)


def test_a_share_has_the_interval_of_its_binomial_law() -> None:
    low, high = interval.of_share(300, 1000)
    wanted = stats.binom.ppf([0.025, 0.975], 1000, 0.3) / 1000
    np.testing.assert_allclose([low, high], wanted, atol=0.004)
    assert interval.of_share(7, 7) == (1, 1)
    assert all(map(math.isnan, interval.of_share(0, 0)))


def test_ranks_in_a_draw_are_those_of_the_values_drawn() -> None:
    one = RNG.integers(0, 6, 40).astype(float)  # many ties
    two = one + RNG.normal(size=40)
    (draws,) = interval._drawn(40)
    assert (draws.sum(axis=1) == 40).all()
    correlations = []
    for drawn in draws:
        places = np.repeat(np.arange(40), drawn.astype(int))
        correlations.append(stats.spearmanr(one[places], two[places])[0])
    found = interval.of_spearman(one, two)
    np.testing.assert_allclose(found, np.percentile(correlations, [2.5, 97.5]), atol=1e-9)


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=30))
def test_what_is_constant_has_no_interval_and_no_warning(values: list[int]) -> None:
    low, high = interval.of_spearman(np.ones(len(values)), np.array(values, float))
    assert math.isnan(low)
    assert math.isnan(high)


def test_more_questions_make_it_narrower_and_it_repeats() -> None:
    values = RNG.normal(size=4000)
    few, many = interval.of_mean(values[:100]), interval.of_mean(values)
    assert few[1] - few[0] > 4 * (many[1] - many[0])
    assert many[0] < values.mean() < many[1]
    np.testing.assert_allclose(many, values.mean() + np.array([-1.96, 1.96]) * values.std() / 4000**0.5, atol=0.004)
    assert interval.of_mean(values) == many


def test_purity() -> None:
    assert interval.of_purity(np.array([[5, 0], [0, 5]])) == (1, 1)
    low, high = interval.of_purity(np.array([[70, 30], [20, 80]]))
    assert low < 0.75 < high
    assert high - low == pytest.approx(2 * 1.96 * (0.75 * 0.25 / 200) ** 0.5, abs=0.02)
