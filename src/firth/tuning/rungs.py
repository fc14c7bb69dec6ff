"""Tuning: successive halving. Many options are tried on little text, the best third on three times as much, and so on.

Jamieson & Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization"; Li et al. 2018,
"Hyperband".
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

THIRD: Final = 3  # one in three goes on, and sees three times as much text (Li et al. 2018: 3 or 4)
_MOST_RUNGS = 4
_FINALISTS = 2
_SPARE = 0.85  # of the time: a prediction is not a measurement


@dataclass(frozen=True)
class Rung:
    """A step of the ladder: so many trials, on this share of the text."""

    share: float
    trials: int


@dataclass(frozen=True)
class Trial:
    """Options, and how they did on the highest rung that they reached."""

    number: int
    """In the order of drawing; 0 is the config that tuning began with."""
    options: dict[str, Any]
    rung: int
    """1 for the lowest."""
    share: float
    """Of the text, in this rung."""
    score: float
    """The higher, the better; NaN where there is none, and then `note` says why."""
    seconds: float
    note: str = ""


def ladder(budget: float, full: float, asking: float, least: float, trials: int | None) -> list[Rung]:
    """Rungs that fit into a budget of seconds, each of them in the same time.

    full    seconds that one trial takes on the whole text, on average
    asking  seconds that one score takes
    least   share of the text that is the least to learn from
    trials  in the lowest rung; None: as many as there is time for

    >>> ladder(1000, 10, 0, 0.01, None)
    [Rung(share=0.037..., trials=567), Rung(share=0.111..., trials=189), Rung(share=0.333..., trials=63),
     Rung(share=1.0, trials=21)]
    """
    for rungs in range(_MOST_RUNGS, 0, -1):
        last = _FINALISTS if trials is None else math.ceil(trials / THIRD ** (rungs - 1))
        most = last * THIRD ** (rungs - 1) if trials is None else trials
        entries = [math.ceil(most / THIRD**i) for i in range(rungs)]
        top = min(1.0, (_SPARE * budget - asking * sum(entries)) / (rungs * last * max(full, 1e-9)))
        lowest = top / THIRD ** (rungs - 1)
        if lowest < least and rungs > 1:
            continue
        if top == 1.0 and trials is None:  # time for more than that
            time = sum(n * (full / THIRD ** (rungs - 1 - i) + asking) for i, n in enumerate(entries))
            more = max(1.0, _SPARE * budget / max(time, 1e-9))
            entries = [int(last * more) * THIRD ** (rungs - 1 - i) for i in range(rungs)]
        if rungs == 1:
            top = max(top, least)
        return [Rung(top / THIRD ** (rungs - 1 - i), n) for i, n in enumerate(entries)]
    raise AssertionError("one rung always fits")


def halving(
    draws: Iterable[dict[str, Any]], rungs: Sequence[Rung], run: Callable[[Trial], Trial | None]
) -> list[Trial]:
    """Climb the ladder; every trial where it got to, the best first.

    `run` gives a trial with its score, or None where there is no time left for it. Scores compare inside a rung only,
    so a higher rung comes first; of equals the first drawn wins.
    """
    left: list[dict[str, Any]] = list(islice(draws, rungs[0].trials))
    entrants = [Trial(number, options, 0, 0.0, math.nan, 0.0) for number, options in enumerate(left)]
    reached: dict[int, Trial] = {}
    for number, rung in enumerate(rungs, 1):
        done: list[Trial] = []
        for entrant in entrants[: rung.trials]:
            result = run(replace(entrant, rung=number, share=rung.share))
            if result is None:
                break
            done.append(result)
        reached |= {trial.number: trial for trial in done}
        entrants = [trial for trial in ordered(done) if not math.isnan(trial.score)]
        if not entrants:
            break
    return ordered(reached.values())


def ordered(trials: Iterable[Trial]) -> list[Trial]:
    """Scored ones first, then the higher rung, the better score, the lower number."""

    def key(trial: Trial) -> tuple[bool, int, float, int]:
        missing = math.isnan(trial.score)
        return missing, -trial.rung, 0.0 if missing else -trial.score, trial.number

    return sorted(trials, key=key)
