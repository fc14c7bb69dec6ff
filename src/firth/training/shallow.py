"""The loop of the shallow models: passes over the corpus, blocks handed to threads, losses added up.

Threads write into the same tables without locks (Hogwild, Niu et al. 2011): rows that two threads move at once are
rare, and a lost update is noise among many. One thread with a seed gives the same bytes every time; in a deterministic
run the threads go in step, and any number of them does.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from firth import machine
from firth.errors import ConfigError, DivergenceError
from firth.kernels.compiled import is_compiled
from firth.kernels.core import Scratch
from firth.kernels.shallow import Block, learn, learn_together
from firth.training.blocks import LANES, Setting, block_size, blocks, learning_rate, make_scratch, make_team
from firth.training.objectives import ignorance
from firth.training.progress import Silent

_WINDOWS_MEASURED = 100_000  # per pass: the mean loss is then good to about three digits
_DIVERGED = 20.0  # times the loss of vectors that know nothing
_NOTHING = Block(0, 0, 0, 0, np.uint64(0), np.float32(0))


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

    @property
    def words_per_second(self) -> float:
        return self.words / max(self.seconds, 1e-9)


def passes(
    setting: Setting,
    *,
    threads: int | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
) -> list[Epoch]:
    """Learn: `setting.epochs` passes, after each of which every callback gets its Epoch.

    Ctrl-C, or an exception in a callback, stops the threads at the end of their block and is raised on.
    Raises DivergenceError where the loss leaves all bounds.
    """
    threads = checked_threads(threads)
    progress = progress or Silent()
    if not is_compiled(learn_together if setting.deterministic else learn):
        progress.say("compiling kernels (once) …")
    crew = _InStep(setting, threads) if setting.deterministic else _Hogwild(setting, threads)
    epochs: list[Epoch] = []
    for number in range(1, setting.epochs + 1):
        epochs.append(_Pass(setting, number, progress).run(crew))
        for callback in callbacks:
            callback(epochs[-1])
    return epochs


Done = tuple[int, int, float, int]  # words, windows learnt from, loss, examples it was measured on


class _Hogwild:
    """Threads that take the next block in turn and never wait."""

    def __init__(self, setting: Setting, threads: int) -> None:
        self.setting = setting
        self.tiles = (0,) * (setting.width // 16)
        self.scratches = [make_scratch(setting, block_size(setting)) for _ in range(threads)]
        self._learn(_NOTHING, self.scratches[0], 1)  # compiles, before threads start

    def members(self, current: "_Pass") -> list[Callable[[], None]]:
        """What each thread does in a pass."""

        def work(scratch: Scratch) -> None:
            while (block := current.next(1)) is not None:
                current.add(self._learn(block[0], scratch, current.measure_every))

        return [lambda scratch=scratch: work(scratch) for scratch in self.scratches]  # type: ignore[misc]

    def _learn(self, block: Block, scratch: Scratch, measure_every: int) -> Done:
        s = self.setting
        model = (s.window, s.architecture, s.objective)
        return block.end - block.start, *learn(self.tiles, s.tables, s.corpus, block, *model, scratch, measure_every)


class _InStep:
    """Threads that work on the same few blocks together: equal bytes at any number of them."""

    def __init__(self, setting: Setting, threads: int) -> None:
        self.setting = setting
        self.tiles = (0,) * (setting.width // 16)
        self.threads = min(threads, LANES)
        self.scratches = tuple(make_scratch(setting, block_size(setting)) for _ in range(LANES))
        self.team = make_team(setting)
        self._learn((_NOTHING,) * LANES, 0, 1, 1)

    def members(self, current: "_Pass") -> list[Callable[[], None]]:
        """What each thread does in a pass."""
        taken: list[tuple[Block, ...] | None] = []
        meeting = threading.Barrier(self.threads)

        def work(member: int) -> None:
            while True:
                if meeting.wait() == 0:  # one of them takes the next blocks, for all
                    self.team.barrier[:] = 0
                    taken.append(current.next(LANES))
                meeting.wait()
                group = taken[-1]
                if group is None:
                    return
                done = self._learn(group, member, self.threads, current.measure_every)
                if member == 0:
                    current.add(done)

        return [lambda member=member: work(member) for member in range(self.threads)]  # type: ignore[misc]

    def _learn(self, group: tuple[Block, ...], member: int, members: int, measure_every: int) -> Done:
        s = self.setting
        padded = (*group, *(_NOTHING,) * (LANES - len(group)))
        model = (s.window, s.architecture, s.objective)
        team = (self.scratches, self.team, member, members)
        words = sum(block.end - block.start for block in group)
        return words, *learn_together(self.tiles, s.tables, s.corpus, padded, *model, *team, measure_every)


class _Pass:
    """One pass: hands out its blocks, and adds up what the threads did."""

    def __init__(self, setting: Setting, number: int, progress: Silent) -> None:
        self.setting, self.number, self.progress = setting, number, progress
        self.measure_every = max(1, setting.words // _WINDOWS_MEASURED)
        self.blocks: Iterator[Block] = blocks(setting, number)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self.words, self.examples, self.loss, self.measured = 0, 0, 0.0, 0

    def run(self, crew: "_Hogwild | _InStep") -> Epoch:
        began = time.perf_counter()
        workers = [threading.Thread(target=self._guarded, args=(work,), daemon=True) for work in crew.members(self)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive():
                    worker.join(timeout=0.1)
                    self._tell()
        finally:
            self.stop.set()  # Ctrl-C lands here: the threads end with the block they are in
            for worker in workers:
                worker.join()
        if self.failures:
            raise self.failures[0]
        self._tell()
        last = learning_rate(self.setting, self.number * self.setting.words)
        return Epoch(self.number, self._mean_loss(), self.examples, self.words, time.perf_counter() - began, last)

    def next(self, count: int) -> tuple[Block, ...] | None:
        """The next blocks, at most `count`; None where the pass is over or stopped."""
        if self.stop.is_set():
            return None
        with self.lock:
            return tuple(islice(self.blocks, count)) or None

    def add(self, done: Done) -> None:
        """What a thread did with its blocks."""
        words, examples, loss, measured = done
        with self.lock:
            self.words += words
            self.examples += examples
            self.loss += loss
            self.measured += measured
            self._check_divergence()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001  # raised again by `run`
            self.failures.append(failure)
            self.stop.set()

    def _tell(self) -> None:
        words = self.setting.words
        self.progress.training((self.number - 1) * words + self.words, self.setting.epochs * words, self._mean_loss())

    def _mean_loss(self) -> float:
        return self.loss / self.measured if self.measured else float("nan")

    def _check_divergence(self) -> None:
        loss, unlearnt = self._mean_loss(), ignorance(self.setting.objective)
        if self.measured and not loss < _DIVERGED * unlearnt:
            raise DivergenceError(
                f"Training diverged in pass {self.number}, after {self.words:,} words: the mean loss is {loss:,.4g} "
                f"nats, where vectors that know nothing have {unlearnt:.2f}. Lower lr (it is {self.setting.lr:g})."
            )


def checked_threads(threads: Any) -> int:
    """`threads`, or all processors that this process may use; ConfigError where it is no whole number above 0."""
    if threads is None:
        return machine.processors()
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise ConfigError(f"threads must be a whole number of at least 1, or None for all processors, not {threads!r}.")
    return int(threads)
