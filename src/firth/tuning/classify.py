"""Autotune of a classifier: trials of options under a seed, judged on held-out texts; the same result every time.

fastText's autotune runs for so many seconds, so it finds other options on another day. This one runs so many trials.
Each uses one thread, so its score is a function of its options and the seed; several run side by side, in rounds of a
fixed size, and the next round begins from the best of those before it.
"""

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from firth.config import did_you_mean
from firth.errors import ConfigError, DivergenceError, InputError
from firth.evaluate.classify import LabelScores
from firth.models.classifier import TextClassifier
from firth.models.lesson import given
from firth.training.course import checked_threads
from firth.training.progress import Silent, progress_display

_ROUND = 4  # trials that are drawn together, whatever the number of threads
_DIMS = (16, 32, 64, 100, 200)  # few: the kernel is compiled for each
_SPLIT = 1 << 40  # beside the seeds of trials
_NGRAMS = ((0, 0), (2, 4), (3, 6))  # (min_n, max_n) that are tried
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}

METRICS: dict[str, Callable[[LabelScores], float]] = {
    "f1": lambda scores: scores.f1,
    "accuracy": lambda scores: scores.accuracy,
    "macro_f1": lambda scores: scores.macro_f1,
}


@dataclass(frozen=True)
class Trial:
    """One set of options, and what came of it."""

    number: int
    """0: the options that the search began with."""
    options: dict[str, Any]
    """Those that were searched."""
    score: float
    """On the held-out texts; NaN where there is none."""
    bytes: int
    """Of the tables, as they are saved."""
    seconds: float
    note: str = ""
    """Why there is no score."""


@dataclass(frozen=True)
class Found:
    """What the search found."""

    metric: str
    trials: tuple[Trial, ...]
    """The best first; of equal scores the one that was drawn first."""
    classifier: TextClassifier
    """The best one, fitted to the texts that were not held out; quantised where a size was asked for."""

    @property
    def best(self) -> Trial:
        return self.trials[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None for a NaN, which JSON does not have."""
        trials = [{**vars(t), "score": None if math.isnan(t.score) else t.score} for t in self.trials]
        return {"metric": self.metric, "options": self.classifier.to_dict(), "trials": trials}


def autotune(
    classifier: TextClassifier,
    texts: Any,
    y: Any = None,
    *,
    validation: Any = 0.1,
    trials: int = 24,
    metric: str = "f1",
    size_limit: int | str | None = None,
    seed: int = 1,
    threads: int | None = None,
    progress: bool | None = False,
    report: Callable[[Trial], object] | None = None,
) -> Found:
    """Search dim, epochs, lr and the n-grams of words and characters; options that are not at their default stay.

    texts, y    as `fit` takes them
    validation  the share of the texts that is held out, drawn by the seed; or (texts, labels); or a file of both
    trials      how many; the first has the options of `classifier`
    metric      "f1" (of all labels together), "accuracy", "macro_f1", or "f1:LABEL" for one label
    size_limit  bytes, or "500K", "2M": every trial is pruned and quantised to that, and judged so; None: as it is
    seed        of the search. The same seed gives the same result, at any number of threads
    threads     trials side by side, 4 at most; None: as many as this process may use
    report      called with every Trial as its round ends

    >>> texts, labels = ["fine film", "dull film", "fine play", "dull play"] * 30, ["+", "-"] * 60
    >>> found = autotune(TextClassifier(dim=8, epochs=2), texts, labels, trials=2)
    >>> found.best.score, sorted(found.best.options)
    (1.0, ['lr', 'max_n', 'min_n', 'word_ngrams'])

    Raises ConfigError for a metric, a size or a number of trials that cannot be, DivergenceError where no trial has a
    score, and what `fit` raises.
    """
    base = classifier.checked()
    measure = _measure(metric)
    limit = None if size_limit is None else bytes_of(size_limit)
    if trials < 1:
        raise ConfigError(f"trials must be a whole number of at least 1, not {trials!r}.")
    learnt, judged = _parted(base, *given(base, texts, y), validation, seed)
    search = _Search(base, learnt, judged, measure, limit)
    done: list[Trial] = []
    best: TextClassifier | None = None
    free = _free(base)
    with (
        progress_display(progress) as display,
        ThreadPoolExecutor(min(_ROUND, checked_threads(threads))) as pool,
    ):
        while len(done) < trials:
            numbers = range(len(done), min(trials, len(done) + _ROUND))
            drawn = [_drawn(base, free, done, number, trials, seed) for number in numbers]
            for trial, fitted in pool.map(search.run, numbers, drawn):
                if fitted is not None and (best is None or trial.score > _best(done).score):
                    best = fitted
                done.append(trial)
                _tell(display, done, trials)
                if report:
                    report(trial)
    if best is None:
        raise DivergenceError(f"No trial has a score ({done[0].note}). Give a larger size_limit, or a lower lr.")
    return Found(metric, tuple(sorted(done, key=_rank)), best)


class _Search:
    """What every trial has in common."""

    def __init__(self, base: TextClassifier, learnt: Any, judged: Any, measure: Any, limit: int | None) -> None:
        self.base, self.learnt, self.judged, self.measure, self.limit = base, learnt, judged, measure, limit

    def run(self, number: int, options: dict[str, Any]) -> tuple[Trial, TextClassifier | None]:
        """The trial, and its classifier where it has a score."""
        began = time.perf_counter()
        fitted = self.base.replace(**options)
        try:
            fitted.fit(*self.learnt, threads=1)
            fitted = fitted if self.limit is None else fitted.within(self.limit)
            score = self.measure(fitted.evaluate(*self.judged))
        except (DivergenceError, ConfigError) as error:
            return Trial(number, options, math.nan, 0, time.perf_counter() - began, str(error)), None
        return Trial(number, options, score, fitted.nbytes, time.perf_counter() - began), fitted


def bytes_of(size: int | str) -> int:
    """A size in bytes, or "500K", "2M", "1G" (of 1,000). Raises ConfigError.

    >>> bytes_of("2M")
    2000000
    """
    text = str(size).strip().upper().removesuffix("B")
    unit = text[-1:] if text[-1:] in ("K", "M", "G") else ""
    try:
        found = float(text.removesuffix(unit)) * _UNITS[unit]
    except ValueError:
        found = math.nan
    if not 1 <= found < 1 << 60:
        raise ConfigError(f"size_limit must be a size such as '500K' or '2M', or a number of bytes, not {size!r}.")
    return int(found)


def _measure(metric: str) -> Callable[[LabelScores], float]:
    if metric in METRICS:
        return METRICS[metric]
    if not metric.startswith("f1:"):
        raise ConfigError(f"There is no metric {metric!r}.{did_you_mean(str(metric), [*METRICS, 'f1:LABEL'])}")
    wanted = metric.removeprefix("f1:")

    def of_label(scores: LabelScores) -> float:
        found = [label.f1 for label in scores.labels if str(label.label) == wanted]
        if not found:
            raise InputError(f"metric='f1:{wanted}': no held-out text has the label {wanted!r}.")
        return found[0]

    return of_label


def _parted(base: TextClassifier, texts: Any, y: Any, validation: Any, seed: int) -> tuple[Any, Any]:
    """What is learnt from and what is judged on, each as (texts, labels)."""
    if not isinstance(validation, float | int):
        return (texts, y), validation if isinstance(validation, tuple) else given(base, validation, None)
    if not 0 < validation < 1:
        raise ConfigError(f"validation must be a share between 0 and 1, (texts, labels), or a file, not {validation}.")
    texts = list(texts)
    if len(texts) != len(y):
        raise InputError(f"There are {len(texts):,} texts, but {len(y):,} labels. Give one for each.")
    held = np.zeros(len(texts), np.bool_)
    count = max(1, round(validation * len(texts)))
    held[np.random.default_rng((seed, _SPLIT)).permutation(len(texts))[:count]] = True
    if held.all():
        raise InputError(f"{len(texts):,} texts are too few to hold some out. Give validation=(texts, labels).")
    rows = list(y) if not isinstance(y, np.ndarray) else y

    def part(stays: Any) -> tuple[Any, Any]:
        places = np.flatnonzero(stays).tolist()
        chosen = rows[places] if isinstance(rows, np.ndarray) else [rows[i] for i in places]
        return [texts[i] for i in places], chosen

    return part(~held), part(held)


def _free(base: TextClassifier) -> set[str]:
    """The options that are searched: those that are as they come."""
    plain = TextClassifier()
    names = {"dim", "epochs", "lr", "word_ngrams", "max_n"}
    return {name for name in names if getattr(base, name) == getattr(plain, name)}


def _drawn(
    base: TextClassifier, free: set[str], done: list[Trial], number: int, trials: int, seed: int
) -> dict[str, Any]:
    """The options of a trial: far from all others early and by chance, else near the best so far."""
    random = np.random.default_rng((seed, number))
    start = {name: getattr(base, name) for name in ("dim", "epochs", "lr", "word_ngrams", "min_n", "max_n")}
    found = dict(start)
    scored = [trial for trial in done if not math.isnan(trial.score)]
    if number == 0:
        pass
    elif len(done) < _ROUND or not scored or random.random() < 0.2:
        found["dim"] = _DIMS[random.integers(len(_DIMS))]
        found["epochs"] = round(math.exp(random.uniform(math.log(2), math.log(60))))
        found["lr"] = float(np.exp(random.uniform(math.log(0.05), math.log(2))))
        found["word_ngrams"] = int(random.integers(1, 5))
        found["min_n"], found["max_n"] = _NGRAMS[random.integers(len(_NGRAMS))]
    else:
        found |= _best(scored).options
        spread = 0.8 * (1 - 0.7 * number / trials)
        if "dim" in free:
            found["dim"] = _DIMS[np.clip(_DIMS.index(found["dim"]) + random.integers(-1, 2), 0, len(_DIMS) - 1)]
        found["epochs"] = int(np.clip(round(found["epochs"] * math.exp(random.normal(0, spread))), 1, 100))
        found["lr"] = float(np.clip(found["lr"] * math.exp(random.normal(0, spread)), 0.01, 5))
        found["word_ngrams"] = int(np.clip(found["word_ngrams"] + random.integers(-1, 2), 1, 5))
        if random.random() < 0.25:
            found["min_n"], found["max_n"] = _NGRAMS[random.integers(len(_NGRAMS))]
    searched = free | ({"min_n"} if "max_n" in free else set())
    return {name: found[name] for name in sorted(searched)}


def _best(trials: list[Trial]) -> Trial:
    return min(trials, key=_rank)


def _rank(trial: Trial) -> tuple[float, int]:
    return (math.inf if math.isnan(trial.score) else -trial.score, trial.number)


def _tell(display: Silent, done: list[Trial], trials: int) -> None:
    display.say(f"trial {len(done)} of {trials}: best {_best(done).score:.4f}")
