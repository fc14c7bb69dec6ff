"""Categorisation: planted groups, groups that are none, and what is no file of it."""

import json

import numpy as np
import pytest

from firth.errors import InputError
from firth.evaluate.categories import categories
from firth.vectors.table import Vectors

RNG = np.random.default_rng(6)
CENTRES = np.eye(3, 8)
KEYS = [f"{kind}{place}" for kind in "abc" for place in range(20)]
VECTORS = Vectors(
    KEYS, np.repeat(CENTRES, 20, axis=0) + 0.1 * RNG.normal(size=(60, 8)), output=RNG.normal(size=(60, 8))
)
LINES = [f"{key}\t{key[0]}" for key in KEYS]


def test_planted_groups_are_found_and_others_are_not() -> None:
    found = categories(VECTORS, LINES)
    assert (found.purity, found.interval, found.categories) == (1, (1, 1), 3)
    random = categories(VECTORS, LINES, which="output")
    assert 1 / 3 <= random.purity < 0.7
    assert random.interval[0] <= random.purity + 0.05
    assert random.interval[0] < random.interval[1]


def test_the_purity_by_hand() -> None:
    """Four words said to be of b stand with a's: 56 of 60 are in the largest category of their group."""
    wrong = [f"{key}\t{'b' if key in ('a0', 'a1', 'a2', 'a3') else key[0]}" for key in KEYS]
    assert categories(VECTORS, wrong).purity == pytest.approx(56 / 60)


def test_unknown_words_and_capitals() -> None:
    found = categories(VECTORS, [*LINES, "d0\ta", "A0 a"])
    assert (found.asked, found.questions) == (60, 62)
    assert categories(VECTORS, LINES, restrict_vocab=40).categories == 2
    assert json.loads(json.dumps(found.to_dict()))["purity"] == 1
    assert "60 of 62 words" in str(found)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a0\ta", "a1"], "line 2: not 'word TAB category'"),
        ([], "holds no words"),
        (["a0\ta", "d0\tb"], "at least two categories"),
    ],
)
def test_what_is_something_else_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        categories(VECTORS, lines)
