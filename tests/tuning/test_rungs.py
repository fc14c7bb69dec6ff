"""Successive halving: who goes on, who wins, and what a ladder costs."""

import dataclasses
import math
from itertools import pairwise

import pytest

from firth.tuning.rungs import Rung, Trial, halving, ladder

RUNGS = [Rung(1 / 9, 9), Rung(1 / 3, 3), Rung(1.0, 1)]


def race(score, rungs=RUNGS, draws=100, fits=lambda trial: True):
    """All trials, and every run in order; `score(number, rung)`."""
    runs = []

    def run(trial):
        if not fits(trial):
            return None
        runs.append((trial.rung, trial.number, trial.share))
        return dataclasses.replace(trial, score=score(trial.number, trial.rung))

    return halving(({"window": n + 1} for n in range(draws)), rungs, run), runs


def test_the_best_third_goes_on():
    found, runs = race(lambda number, rung: float(number))
    assert [run for run in runs if run[0] == 2] == [(2, 8, 1 / 3), (2, 7, 1 / 3), (2, 6, 1 / 3)]
    assert [run for run in runs if run[0] == 3] == [(3, 8, 1.0)]
    assert [trial.number for trial in found] == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert found[0].options == {"window": 9}


def test_a_higher_rung_counts_more_than_a_higher_score():
    found, _ = race(lambda number, rung: number / 10**rung)
    assert (found[0].number, found[0].rung) == (8, 3)
    assert found[0].score < found[-1].score or found[-1].number == 0


def test_of_equals_the_first_drawn_wins():
    found, _ = race(lambda number, rung: 1.0)
    assert [trial.number for trial in found] == list(range(9))


def test_without_a_score_one_is_out():
    found, runs = race(lambda number, rung: math.nan if number > 1 else float(number))
    assert [number for rung, number, _ in runs if rung == 2] == [1, 0]
    assert found[0].number == 1
    assert math.isnan(found[-1].score)


def test_no_time_left_ends_a_rung_not_the_race():
    found, runs = race(lambda number, rung: float(number), fits=lambda trial: trial.rung > 1 or trial.number < 4)
    assert [number for rung, number, _ in runs if rung == 1] == [0, 1, 2, 3]
    assert found[0].number == 3 and found[0].rung == 3
    found, _ = race(lambda number, rung: float(number), fits=lambda trial: trial.rung == 1)
    assert (found[0].number, found[0].rung) == (8, 1)


def test_a_space_that_ends_early():
    found, _ = race(lambda number, rung: float(number), draws=2)
    assert [trial.number for trial in found] == [1, 0]


def seconds(rungs, full, asking):
    return sum(rung.trials * (rung.share * full + asking) for rung in rungs)


@pytest.mark.parametrize("budget", [10, 100, 1000, 100_000])
@pytest.mark.parametrize("full", [0.1, 10, 1000])
@pytest.mark.parametrize("asking", [0, 0.5])
def test_a_ladder_fits_into_its_budget(budget, full, asking):
    rungs = ladder(budget, full, asking, 0.01, None)
    assert 0 < rungs[-1].share <= 1
    assert rungs[0].share >= 0.01 * 0.999
    if len(rungs) > 1:
        assert seconds(rungs, full, asking) <= budget
        for below, above in pairwise(rungs):
            assert above.share == pytest.approx(3 * below.share)
            assert below.trials == pytest.approx(3 * above.trials, abs=3)
    if budget >= 1000 * full:  # plenty of time is used, not left
        assert seconds(rungs, full, asking) > budget / 2
        assert rungs[-1].share == 1


def test_as_many_trials_as_asked():
    for trials in (1, 2, 10, 27):
        assert ladder(1000, 1, 0, 0.001, trials)[0].trials == trials


def test_a_small_text_has_one_rung():
    assert [rung.share for rung in ladder(100, 1, 0, 1.0, None)] == [1.0]


def test_trials_are_plain():
    assert dataclasses.asdict(Trial(1, {"dim": 5}, 1, 0.5, 0.1, 2.0))["options"] == {"dim": 5}
