"""The space: what is drawn from it, and what is no space."""

import itertools

import numpy as np
import pytest

import firth
from firth.errors import ConfigError
from firth.tuning.space import SPACE, checked, drawn, parsed

BASE = firth.Word2Vec()


def some(space, count, seed=1):
    return list(itertools.islice(drawn(space, BASE, seed), count))


def test_the_config_itself_comes_first_then_draws_none_twice():
    draws = some({"window": [1, 2, 5], "dim": [50, 100]}, 100)
    assert draws[0] == {}
    assert len(draws) == 6  # 3 × 2, one of which is the config itself
    assert {"window": 5, "dim": 100} not in draws
    assert len({tuple(draw.items()) for draw in draws}) == 6


def test_a_seed_makes_the_sequence():
    assert some(SPACE, 20, seed=3) == some(SPACE, 20, seed=3)
    assert some(SPACE, 20, seed=3) != some(SPACE, 20, seed=4)


def test_ranges_are_even_and_logarithmic():
    even = [draw["ns_exponent"] for draw in some({"ns_exponent": (-1.0, 1.0)}, 500)[1:]]
    assert min(even) < -0.9 and max(even) > 0.9 and abs(np.mean(even)) < 0.1
    logs = np.log10([draw["subsample"] for draw in some({"subsample": (1e-5, 1e-1, "log")}, 500)[1:]])
    assert logs.min() >= -5 and logs.max() <= -1 and np.mean(logs) == pytest.approx(-3, abs=0.2)


def test_whole_numbers_where_the_option_is_one():
    values = [draw["window"] for draw in some({"window": (2, 9)}, 100)[1:]]
    assert set(map(type, values)) == {int}
    assert {2, 9} <= set(values) | {5} and set(values) <= set(range(2, 10))
    assert all(type(draw["lr"]) is float for draw in some({"lr": (0.01, 0.1)}, 20)[1:])


def test_numbers_are_short():
    assert all(len(f"{draw['lr']:g}") <= 7 for draw in some({"lr": (0.01, 0.1, "log")}, 50)[1:])


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"windw": [1]}, "Did you mean 'window'"),
        ({"window": []}, "must be a list"),
        ({"window": 5}, "must be a list"),
        ({"window": (5, 2)}, "low < high"),
        ({"lr": (0, 1, "log")}, "above 0"),
        ({"lr": (0.1, 1, "exp")}, "must be a list"),
        ({"dim": [100, 0]}, "dim must be at least 1"),
        ({"lr": (-1.0, 1.0)}, "lr must be more than 0"),
        ({"dim": ["many"]}, "dim must be a whole number"),
        ({}, "must be a dict"),
        ([], "must be a dict"),
        ({"min_count": [1]}, "because"),
    ],
)
def test_what_is_no_space(space, says):
    with pytest.raises(ConfigError, match=says):
        checked(space, BASE, {"min_count": "because"})


def test_the_default_space_without_what_is_fixed():
    assert checked(None, BASE, {}) == SPACE
    assert "window" not in checked(None, BASE, {"window": "so"})


def test_the_command_line_writes_all_three():
    assert parsed(["window=2,5", "lr=0.01..0.1:log", "ns-exponent=-0.5..1", "loss=ns,hs", "cbow-mean=true,false"]) == {
        "window": [2, 5],
        "lr": (0.01, 0.1, "log"),
        "ns_exponent": (-0.5, 1),
        "loss": ["ns", "hs"],
        "cbow_mean": [True, False],
    }
    for text in ("window", "window="):
        with pytest.raises(ConfigError, match="no part of a space"):
            parsed([text])
    with pytest.raises(ConfigError, match="must be a list"):
        checked(parsed(["lr=a..b"]), BASE, {})
