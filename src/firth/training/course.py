"""Learning in passes, whatever is learnt: blocks handed to threads, losses added up, checkpoints, the end at Ctrl-C.

`shallow.py` and `glove.py` say what a block is, and what a thread does with it.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.errors import ConfigError, DivergenceError
from firth.kernels.compiled import is_compiled
from firth.training.checkpoint import Checkpoints
from firth.training.progress import Silent

_DIVERGED = 20.0  # times the loss of vectors that know nothing

Done = tuple[int, int, float, int]
"""What a thread did: units of the course, examples learnt from, their loss, examples it was measured on."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the corpus."""

    number: int
    """1 for the first."""
    loss: float
    """Mean nats per example: a (centre, context) pair of skip-gram, a centre word of CBOW; NaN where there was none."""
    examples: int
    """Windows learnt from: centre words that subsampling kept and that have a neighbour."""
    words: int
    """Words passed over, before subsampling."""
    seconds: float
    lr: float
    """Learning rate at the end of the pass."""
    validation: float | None = None
    """The loss on held-out text after the pass; None without."""

    @property
    def words_per_second(self) -> float:
        return self.words / max(self.seconds, 1e-9)


class Crew(Protocol):
    """Threads that know how to learn from the blocks of a pass."""

    def members(self, current: "Pass") -> list[Callable[[], None]]:
        """What each thread does in a pass: takes blocks by `current.next`, says by `current.add` what came of them."""


@dataclass(frozen=True)
class Course:
    """What is learnt in passes."""

    epochs: int
    """Passes."""
    units: int
    """Units of a pass, which `Done` counts: words of the text, or cells of a matrix."""
    words: int
    """Words of the text that a pass stands for."""
    blocks: Callable[[int], Iterator[Any]]
    """The blocks of a pass, by its number from 1."""
    lr: Callable[[int], float]
    """The learning rate at the end of a pass, by its number."""
    crew: Callable[[int], Crew]
    """The crew of so many threads."""
    kernel: Any
    """What has to be compiled."""
    learnt: Callable[[], dict[str, npt.NDArray[np.float32]]]
    """Every array that learning moves, by name."""
    unlearnt: float
    """The loss of vectors that know nothing."""
    advice: str
    """What to do about divergence."""


def run(
    course: Course,
    *,
    examine: Callable[[], float] | None = None,
    patience: int | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    threads: int | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
) -> list[Epoch]:
    """Learn: `course.epochs` passes, after each of which every callback gets its Epoch.

    examine      gives the held-out loss, after every pass
    patience     stop when that loss has not fallen for so many passes, and go back to where it was lowest
    checkpoints  where and how often the state is written; at Ctrl-C and at the end too
    resume       go on from the newest of them

    Ctrl-C, or an exception in a callback, stops the threads at the end of their block and is raised on.
    Raises DivergenceError where the loss leaves all bounds.
    """
    threads, progress = checked_threads(threads), progress or Silent()
    if not is_compiled(course.kernel):
        progress.say("compiling kernels (once) …")
    crew = course.crew(threads)
    epochs: list[Epoch] = []
    best = _Best(course, patience)
    record = _Record(course, epochs, best, checkpoints)
    under_way = record.restore() if resume else None
    while len(epochs) < course.epochs and not best.is_long_ago(epochs):
        current = Pass(course, len(epochs) + 1, progress, record)
        if under_way:
            current.go_on_from(under_way)
            under_way = None
        try:
            epoch = current.run(crew)
            if examine:
                epoch = dataclasses.replace(epoch, validation=examine())
            epochs.append(epoch)
            best.keep(epochs)
            if len(epochs) < course.epochs and record.due():
                record.save()
            for callback in callbacks:
                callback(epoch)
        except KeyboardInterrupt:
            if checkpoints:
                progress.say("writing a checkpoint (Ctrl-C again leaves at once) …")
                record.save(current if len(epochs) < current.number else None)
            raise
    best.restore(epochs)
    record.save()
    return epochs


class Pass:
    """One pass: hands out its blocks, and adds up what the threads did."""

    def __init__(
        self,
        course: Course,
        number: int,
        progress: Silent,
        record: "_Record | None" = None,
    ) -> None:
        self.course, self.number, self.progress = course, number, progress
        self.record = record
        self.blocks: Iterator[Any] = course.blocks(number)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.busy = False
        self.failures: list[BaseException] = []
        self.taken, self.units, self.examples, self.loss, self.measured, self.seconds = 0, 0, 0, 0.0, 0, 0.0

    def run(self, crew: Crew) -> Epoch:
        """Do the pass; where a checkpoint is due, the threads stop for it between blocks."""
        while not self._over():
            self._work(crew)
            if self.record and not self._over():
                self.record.save(self)
        self._tell()
        course = self.course
        return Epoch(self.number, self._mean_loss(), self.examples, course.words, self.seconds, course.lr(self.number))

    def next(self, count: int) -> tuple[Any, ...] | None:
        """The next blocks, at most `count`; None where the pass is over or stopped."""
        with self.lock:
            if self.stop.is_set():
                return None
            taken = tuple(islice(self.blocks, count))
            self.taken += len(taken)
            return taken or None

    def shared(self, learners: Sequence[Callable[[Any], Done]]) -> list[Callable[[], None]]:
        """What each thread does: it takes the next block in turn, learns from it, and never waits for another."""

        def work(learn: Callable[[Any], Done]) -> None:
            while (taken := self.next(1)) is not None:
                self.add(learn(taken[0]))

        return [partial(work, learn) for learn in learners]

    def add(self, done: Done) -> None:
        """What a thread did with its blocks."""
        units, examples, loss, measured = done
        with self.lock:
            self.units += units
            self.examples += examples
            self.loss += loss
            self.measured += measured
            self._check_divergence()

    def state(self) -> dict[str, Any]:
        """How far the pass is, in plain values."""
        return {name: getattr(self, name) for name in ("taken", "units", "examples", "loss", "measured", "seconds")}

    def go_on_from(self, state: Mapping[str, Any]) -> None:
        """Be as far as a pass was whose `state` this is."""
        for name, value in state.items():
            setattr(self, name, value)
        self.blocks = islice(self.blocks, self.taken, None)

    def _over(self) -> bool:
        return self.units == self.course.units

    def _work(self, crew: Crew) -> None:
        """Threads at work until the pass is over or a checkpoint is due; they are at rest when this is left.

        Ctrl-C may come between any two steps of the main thread, and a `join` that it breaks off takes its thread for
        ended. So a thread that no signal reaches starts and joins the others.
        """
        began = time.perf_counter()
        self.stop.clear()
        done = threading.Lock()
        done.acquire()
        conductor = threading.Thread(target=self._conduct, args=(crew, done), daemon=True)
        try:
            conductor.start()
            while not done.acquire(timeout=0.1):
                self._tell()
                if self.record and self.record.due():
                    self.stop.set()
        finally:
            self.stop.set()  # Ctrl-C lands here: the threads end with the block they are in
            while self.busy:
                done.acquire(timeout=0.1)
            self.seconds += time.perf_counter() - began
        conductor.join()
        if self.failures:
            raise self.failures[0]

    def _conduct(self, crew: Crew, done: threading.Lock) -> None:
        self.busy = True
        try:
            workers = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in crew.members(self)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        except BaseException as failure:  # noqa: BLE001  # no more threads to be had; raised again by `_work`
            self.failures.append(failure)
        finally:
            self.busy = False
            done.release()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except threading.BrokenBarrierError:
            pass  # another thread failed, and says why
        except BaseException as failure:  # noqa: BLE001  # raised again by `_work`
            self.failures.append(failure)
            self.stop.set()

    def _tell(self) -> None:
        words, epochs = self.course.words, self.course.epochs
        done = self.number - 1 + self.units / max(1, self.course.units)
        self.progress.training(int(done * words), epochs * words, self._mean_loss())

    def _mean_loss(self) -> float:
        return self.loss / self.measured if self.measured else float("nan")

    def _check_divergence(self) -> None:
        loss, course = self._mean_loss(), self.course
        if self.measured and not loss < _DIVERGED * course.unlearnt:
            raise DivergenceError(
                f"Training diverged in pass {self.number}, {self.units / course.units:.0%} done: the mean loss is "
                f"{loss:,.4g}, where vectors that know nothing have {course.unlearnt:.3g}. {course.advice}"
            )


class _Best:
    """The tables after the pass with the lowest held-out loss; kept only where there is `patience`."""

    def __init__(self, course: Course, patience: int | None) -> None:
        self.course, self.patience = course, patience
        self.arrays: dict[str, npt.NDArray[np.float32]] = {}

    def is_long_ago(self, epochs: Sequence[Epoch]) -> bool:
        return bool(self.patience and epochs) and len(epochs) - 1 - _lowest(epochs) >= (self.patience or 0)

    def keep(self, epochs: Sequence[Epoch]) -> None:
        if self.patience and _lowest(epochs) == len(epochs) - 1:
            self.arrays = {name: array.copy() for name, array in self.course.learnt().items()}

    def restore(self, epochs: Sequence[Epoch]) -> None:
        if self.arrays and _lowest(epochs) < len(epochs) - 1:
            for name, array in self.course.learnt().items():
                np.copyto(array, self.arrays[name])


def _lowest(epochs: Sequence[Epoch]) -> int:
    """Which pass had the lowest held-out loss, the first of them; the last pass where nothing was held out."""
    losses = [epoch.validation for epoch in epochs]
    return len(losses) - 1 if None in losses else int(np.argmin(losses))  # type: ignore[arg-type]


class _Record:
    """What a run writes into its checkpoints, and reads from them; nothing, where it has none."""

    def __init__(self, course: Course, epochs: list[Epoch], best: _Best, checkpoints: Checkpoints | None) -> None:
        self.course, self.epochs, self.best, self.checkpoints = course, epochs, best, checkpoints

    def due(self) -> bool:
        return self.checkpoints is not None and self.checkpoints.due()

    def save(self, under_way: Pass | None = None) -> None:
        """The tables, the best ones so far, the passes that are over, and how far the one under way is."""
        if self.checkpoints:
            kept = {f"best {name}": array for name, array in self.best.arrays.items()}
            epochs = [dataclasses.asdict(epoch) for epoch in self.epochs]
            state = {"epochs": epochs, "under_way": under_way.state() if under_way else None}
            self.checkpoints.save({**self.course.learnt(), **kept}, state)

    def restore(self) -> dict[str, Any] | None:
        """Be where the newest checkpoint was; returns the state of the pass that was under way."""
        if not self.checkpoints:
            return None
        arrays, state = self.checkpoints.newest()
        for name, array in self.course.learnt().items():
            np.copyto(array, arrays[name])
            if f"best {name}" in arrays:
                self.best.arrays[name] = arrays[f"best {name}"].copy()
        for epoch in state["epochs"]:
            loss = float("nan") if epoch["loss"] is None else epoch["loss"]  # JSON has no NaN, and says null
            self.epochs.append(Epoch(**{**epoch, "loss": loss}))
        under_way: dict[str, Any] | None = state["under_way"]
        return under_way


def checked_threads(threads: Any) -> int:
    """`threads`, or all processors that this process may use; ConfigError where it is no whole number above 0."""
    if threads is None:
        return machine.processors()
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise ConfigError(f"threads must be a whole number of at least 1, or None for all processors, not {threads!r}.")
    return int(threads)
