"""What objectives are made of before the first pass."""

import numpy as np
import pytest

from firth.kernels.noise import TURNS, group_for
from firth.kernels.objectives import Softmax
from firth.training import objectives
from firth.training.objectives import NegativeSampling, negative_sampling, noise_table, shares
from firth.vocabulary import Vocabulary

PROBABILITY = 1 / np.arange(1, 2001)


@pytest.fixture(scope="module")
def table():
    return noise_table(PROBABILITY, count=5, seed=1)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_the_noise_of_all_threads_is_the_noise(table, threads):
    parts = [share.noise for share in shares(NegativeSampling(5, table, group_for(5)), threads)]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.sort(table))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1  # so that each word has its weight


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_have_noise_words_of_their_own(table, threads):
    parts = [set(share.noise.tolist()) for share in shares(NegativeSampling(5, table, group_for(5)), threads)]
    assert sum(map(len, parts)) <= len(PROBABILITY) + threads - 1  # only words at the seams are in two of them


def test_a_share_is_shuffled_and_of_frequent_and_rare_words(table):
    for share in shares(NegativeSampling(5, table, group_for(5)), 2):
        first, second = np.array_split(share.noise, 2)
        assert np.median(first) == pytest.approx(np.median(second), rel=0.2)
        assert len(set(share.noise.tolist()) & set(range(100))) > 20


def test_a_share_holds_a_group(monkeypatch):
    monkeypatch.setattr(objectives, "_LEAST_DRAWS", 0)
    noise = NegativeSampling(50, noise_table(PROBABILITY[:3], count=50, seed=1), group_for(50))
    assert all(len(share.noise) >= 1 << group_for(50) for share in shares(noise, 64))


def test_many_threads_share_eight_shares(table):
    own = shares(NegativeSampling(5, table, group_for(5)), 20)
    assert len({id(share.noise) for share in own}) == 8 and own[0].noise is own[8].noise


def test_other_objectives_are_shared_whole():
    assert shares(Softmax(5), 3) == [Softmax(5)] * 3


@pytest.mark.parametrize(("words", "turns"), [(100, 0), (40_000, TURNS)])
def test_noise_is_read_in_turns_where_words_are_many(words, turns):
    objective = negative_sampling(Vocabulary([str(n) for n in range(words)], [5] * words), 5, 0.75, seed=1)
    assert (objective.group, objective.turns) == (group_for(5), turns)
    assert [share.turns for share in shares(objective, 2)] == [turns, turns]
