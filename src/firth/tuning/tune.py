"""`firth.tune`: random search with successive halving, within a budget of time."""

import contextlib
import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from firth.config import Config
from firth.errors import ConfigError, DivergenceError, InputError
from firth.models.windows import WindowModel
from firth.models.word2vec import Word2Vec
from firth.training.course import Epoch
from firth.tuning.metrics import Metric, metric_named
from firth.tuning.rungs import Rung, Trial, halving, ladder
from firth.tuning.space import Space, checked, drawn
from firth.tuning.subjects import Subject, again, cost, said, subject_of
from firth.vectors.table import Vectors

_LOOKED_AT = 64  # draws whose mean cost says what a trial will cost


@dataclass(frozen=True)
class Tuning:
    """What `firth.tune` found. `print` it for the table and the command that trains the best."""

    metric: str
    trials: tuple[Trial, ...]
    """The best first: those that reached the highest rung, by score."""
    rungs: tuple[Rung, ...]
    config: Config
    """The best."""
    command: str
    """What trains it on the whole source."""
    seconds: float

    @property
    def best(self) -> Trial:
        return self.trials[0]

    def rows(self) -> list[tuple[Any, ...]]:
        """(score, seconds, rung, share of the text, trial, options) of each trial."""
        return [
            (t.score, round(t.seconds, 1), t.rung, round(t.share, 3), t.number, said(t.options) or "as given", t.note)
            for t in self.trials
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values; None for a NaN, which JSON does not have."""
        return {
            "metric": self.metric,
            "best": {"name": self.config.name, **self.config.to_dict()},
            "command": self.command,
            "seconds": self.seconds,
            "rungs": [dataclasses.asdict(rung) for rung in self.rungs],
            "trials": [
                {**dataclasses.asdict(trial), "score": None if math.isnan(trial.score) else trial.score}
                for trial in self.trials
            ],
        }

    def __str__(self) -> str:
        lines = [f"{self.metric:>10}  seconds  rung   text  trial  options"]
        for score, seconds, rung, share, number, options, note in self.rows():
            lines.append(
                f"{score:10.4f}  {seconds:7.1f}  {rung:4}  {share:5.1%}  {number:5}  {options} {note}".rstrip()
            )
        return "\n".join([*lines, "", self.command])


def tune(
    source: Any,
    config: WindowModel | None = None,
    *,
    metric: str | Callable[[Vectors], float],
    question: Any = None,
    space: Space | None = None,
    minutes: float = 10.0,
    trials: int | None = None,
    seed: int = 1,
    threads: int | None = None,
    report: Callable[[Trial], object] | None = None,
) -> Tuning:
    """Search for the options with which a model of this source scores best.

    config    where to begin, and what all trials have in common: a Word2Vec or an Item2Vec; None: Word2Vec as it is
    metric    "similarity", "analogies", "loss" (held-out), of items "hit_rate" (HR@10), "ndcg" or "mrr" of the last
              item of each session, which is not learnt; or a function of Vectors; the higher, the better
    question  the file that the metric asks (or its lines); for "loss" the share of the text held out (None: .05)
    space     option → [values], (low, high) or (low, high, "log"); None: that of `firth.tuning.space` for the model
    minutes   for everything; a run that would end too late is not begun
    trials    so many to begin with; None: as many as there is time for
    seed      of the draws: the same seed tries the same options in the same order
    threads   None: as many as this process may use
    report    called with every Trial as it ends

    Random options are tried on a small sample of the source, the best third of them on three times as much, and so on
    (successive halving). The config itself is always among them. Ties go to the one that was drawn first.

    >>> text = [["to", "be", "or", "not", "to", "be"]] * 50
    >>> rated = ["to be 9", "or not 8", "to not 1"]
    >>> found = tune(text, Word2Vec(dim=8), metric="similarity", question=rated, space={"window": [1, 2]}, trials=2)
    >>> found.config.window in (1, 2, 5), len(found.trials)
    (True, 2)

    Raises ConfigError for a space or a metric that cannot be, InputError where the question's words are not in the
    text or the source can be read only once, DivergenceError where every trial diverged.
    """
    began = time.monotonic()
    config = Word2Vec() if config is None else config
    asked = metric_named(metric, question)
    subject, usual = subject_of(config, source, metric)
    question = subject.question(question)
    where = checked(space, config, asked.fixed, usual)
    _check_budget(minutes, trials)
    with contextlib.ExitStack() as stack:
        race = _Race(subject, config, asked, question, began + 60 * minutes, threads, report, stack)
        race.warm_up(list(islice(drawn(where, config, seed), _LOOKED_AT)))
        rungs = race.plan(trials)
        found = halving(drawn(where, config, seed), rungs, race.run)
    if not found or math.isnan(found[0].score):
        why = found[0].note if found else "no time"
        raise DivergenceError(f"No trial has a score ({why}). Search lower lr, or give more minutes or text.")
    best = config.replace(**found[0].options)
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "score")
    return Tuning(name, tuple(found), tuple(rungs), best, subject.command(best), time.monotonic() - began)


class _Race:
    """The trials of one search: what they learn from, what they cost, and when it is over."""

    def __init__(
        self,
        subject: Subject,
        config: WindowModel,
        metric: Metric,
        question: Any,
        deadline: float,
        threads: int | None,
        report: Callable[[Trial], object] | None,
        stack: contextlib.ExitStack,
    ) -> None:
        self.subject, self.config, self.metric, self.question = subject, config, metric, question
        self.began, self.deadline, self.threads, self.stack = time.monotonic(), deadline, threads, stack
        self.report = report or (lambda _: None)
        self.parts: dict[float, tuple[Any, Path]] = {}
        self.least = 1.0  # share of the text in the smallest sample
        self.second = 0.0  # seconds that one unit of cost takes on the whole text
        self.asking = 0.0  # seconds that one score takes
        self.mean = 1.0  # cost of a trial, on average
        self.rungs: list[Rung] = []
        self.scored = False

    def warm_up(self, options: list[dict[str, Any]]) -> None:
        """Learn what trials cost: one pass over the smallest sample on which the question can be asked."""
        size = self.subject.least
        while True:
            part = self.stack.enter_context(self.subject.part(size))
            self.least = part.share
            try:
                once = self.config.replace(epochs=1, patience=None)
                vectors = self._fit(once, part.source, self._folder(), ())
                began = time.monotonic()
                self.metric.score(vectors, self.question)
                self.asking = time.monotonic() - began
                break
            except InputError:
                if part.share == 1.0:
                    raise
                size *= 4
        (epoch,) = (vectors.provenance or {})["epochs"]
        self.second = epoch["seconds"] / part.share / cost(once)
        self.mean = sum(cost(self.config.replace(**some)) for some in options) / len(options)

    def plan(self, trials: int | None) -> list[Rung]:
        left = self.deadline - time.monotonic()
        self.rungs = ladder(max(left, 0.0), self.second * self.mean, self.asking, self.least, trials)
        self.began = time.monotonic()
        return self.rungs

    def run(self, trial: Trial) -> Trial | None:
        """The trial with its score; None where there is no time left for it."""
        config = self.config.replace(**trial.options)
        now = time.monotonic()
        expected = self.second * cost(config) * trial.share + self.asking
        if self.scored and now + expected > self._ends(trial.rung):
            return None
        source, folder = self._part(trial.share)
        try:
            vectors = self._fit(config, source, folder, (self._stop_late,))
            score, note = float(self.metric.score(vectors, self.question)), ""
            note = "no score: all the same" if math.isnan(score) else ""
        except DivergenceError:
            score, note = math.nan, "diverged"
        except _LateError:
            score, note = math.nan, "stopped: no time"
        self.scored |= not math.isnan(score)
        done = dataclasses.replace(trial, score=score, seconds=time.monotonic() - now, note=note)
        self.report(done)
        return done

    def _ends(self, rung: int) -> float:
        """When a rung must be over: each has the same time, and what one leaves the next ones have too."""
        return self.began + (self.deadline - self.began) * rung / len(self.rungs)

    def _stop_late(self, _: Epoch) -> None:
        if self.scored and time.monotonic() > self.deadline:
            raise _LateError

    def _fit(
        self, config: WindowModel, source: Any, folder: Path, callbacks: Iterable[Callable[[Epoch], object]]
    ) -> Vectors:
        how = {"workdir": folder, "threads": self.threads, "progress": False, **self.metric.fit(self.question)}
        return config.fit(again(source), callbacks=tuple(callbacks), **how)

    def _part(self, share: float) -> tuple[Any, Path]:
        """A part of that share, and the folder that keeps it encoded."""
        if share not in self.parts:
            whole = self.subject.size() or round(self.subject.least / self.least)
            self.parts[share] = (
                self.stack.enter_context(self.subject.part(math.ceil(whole * share))).source,
                self._folder(),
            )
        return self.parts[share]

    def _folder(self) -> Path:
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="firth-")))


class _LateError(Exception):
    """The time is over in the middle of a trial."""


def _check_budget(minutes: object, trials: object) -> None:
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes < math.inf:
        raise ConfigError(f"minutes must be a number above 0, not {minutes!r}.")
    if trials is not None and (isinstance(trials, bool) or not isinstance(trials, int) or trials < 1):
        raise ConfigError(f"trials must be a whole number of at least 1, or None for what time allows, not {trials!r}.")
