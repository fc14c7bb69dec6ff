"""The order in which noise words are read."""

import numpy as np
import pytest

from firth.kernels.compiled import kernel
from firth.kernels.noise import TURNS, first_draw, group_for, next_draw, noise_word, turns_for
from firth.kernels.objectives import NegativeSampling
from firth.reference.noise import Noise


@kernel
def _drawn(objective, key, number, windows, draws):  # type: ignore[no-untyped-def]
    at = first_draw(objective, key, number)
    for window in range(windows):
        at = next_draw(objective, at, 2 * (1 + objective.negatives))
        for k in range(objective.negatives):
            draws[window, k] = noise_word(objective, at + k)
        at += objective.negatives


def drawn(words: np.ndarray, count: int, windows: int, number: int = 0, turns: int = TURNS) -> np.ndarray:
    draws = np.zeros((windows, count), np.int64)
    objective = NegativeSampling(count, words.astype(np.int32), group_for(count), turns)
    _drawn(objective, np.uint64(7), number, windows, draws)
    return draws


@pytest.mark.parametrize("count", [1, 2, 5, 8, 15, 20])
@pytest.mark.parametrize("size", [512, 997, 5000])
@pytest.mark.parametrize("turns", [TURNS, 0])
def test_the_twin_draws_the_same(count, size, turns):
    words = np.random.default_rng(1).integers(0, 50, size)
    for number in range(3):
        slow = Noise(words.tolist(), count, 7, number, turns=2**turns)
        expected = [slow.draw() for _ in range(3000)]
        assert drawn(words, count, 3000, number, turns).tolist() == expected


@pytest.mark.parametrize("count", [1, 5, 8, 20])
def test_every_word_comes_as_often_as_in_the_table(count):
    """A whole reading of the table, from its start."""
    size = 4 << group_for(count)
    draws = drawn(np.arange(size), count, windows=40 * size // count)
    at = np.flatnonzero(draws.reshape(-1) == 0)[0]
    whole = draws.reshape(-1)[at : at + 8 * size - 4 * count]
    times = np.bincount(whole, minlength=size)
    assert times.max() == 8
    assert (times == 8).sum() >= size - 4 * count


@pytest.mark.parametrize("count", [1, 2, 5, 8, 15, 20, 100])
def test_no_word_comes_again_within_sixteen_windows(count):
    draws = drawn(np.random.default_rng(1).permutation(20_000), count, windows=2000)
    seen: dict[int, int] = {}
    gaps = []
    for window, words in enumerate(draws.tolist()):
        gaps += [window - seen[word] for word in words if word in seen]
        seen.update(dict.fromkeys(words, window))
    assert min(gaps) >= 16
    assert len(seen) < draws.size / 4, "words do come again"


def test_blocks_begin_at_groups_of_their_own():
    words = np.arange(1 << 14)
    starts = {int(drawn(words, 5, 1, number)[0, 0]) for number in range(200)}
    assert len(starts) > 80
    assert all(start % (1 << group_for(5)) == 0 for start in starts)


def test_few_words_are_read_once_from_front_to_back():
    assert (turns_for(5, 32_767), turns_for(20, 70_000)) == (0, 0)
    assert (turns_for(5, 32_768), turns_for(1, 4096)) == (TURNS, TURNS)
    draws = drawn(np.arange(1 << 14), 5, windows=100, turns=0).reshape(-1)
    assert (np.diff(draws) == 1).all()
