"""The loop of the shallow models: passes over the corpus, blocks handed to threads, losses added up.

Threads write into the same tables without locks (Hogwild, Niu et al. 2011): rows that two threads move at once are
rare, and a lost update is noise among many. One thread with a seed gives the same bytes every time; in a deterministic
run the threads go in step, and any number of them does.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.errors import ConfigError, DivergenceError
from firth.kernels.architectures import ContinuousBag
from firth.kernels.compiled import is_compiled
from firth.kernels.core import Scratch
from firth.kernels.shallow import Block, Corpus, learn, learn_together
from firth.training.blocks import LANES, Setting, block_size, blocks, learning_rate, make_scratch, make_team
from firth.training.checkpoint import Checkpoints
from firth.training.objectives import ignorance
from firth.training.progress import Silent

_WINDOWS_MEASURED = 20_000  # per pass, some 120,000 pairs: the mean is then good to half a percent
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
    validation: float | None = None
    """The loss on held-out text after the pass; None without."""

    @property
    def words_per_second(self) -> float:
        return self.words / max(self.seconds, 1e-9)


def passes(
    setting: Setting,
    *,
    held_out: Corpus | None = None,
    patience: int | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    threads: int | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
) -> list[Epoch]:
    """Learn: `setting.epochs` passes, after each of which every callback gets its Epoch.

    held_out     text whose loss is measured after every pass, at no learning rate
    patience     stop when that loss has not fallen for so many passes, and go back to where it was lowest
    checkpoints  where and how often the state is written; at Ctrl-C and at the end too
    resume       go on from the newest of them

    Ctrl-C, or an exception in a callback, stops the threads at the end of their block and is raised on.
    Raises DivergenceError where the loss leaves all bounds.
    """
    threads, progress = checked_threads(threads), progress or Silent()
    if not is_compiled(learn_together if setting.deterministic else learn):
        progress.say("compiling kernels (once) …")
    crew = _crew(setting, threads)
    examiner = None if held_out is None else _Examiner(setting, held_out, threads)
    epochs: list[Epoch] = []
    best = _Best(setting, patience)
    record = _Record(setting, epochs, best, checkpoints)
    under_way = record.restore() if resume else None
    while len(epochs) < setting.epochs and not best.is_long_ago(epochs):
        current = _Pass(setting, len(epochs) + 1, progress, record)
        if under_way:
            current.go_on_from(under_way)
            under_way = None
        try:
            epoch = current.run(crew)
            if examiner:
                epoch = dataclasses.replace(epoch, validation=examiner.loss())
            epochs.append(epoch)
            best.keep(epochs)
            if len(epochs) < setting.epochs and record.due():
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


def learnt(setting: Setting) -> dict[str, npt.NDArray[np.float32]]:
    """Every array that learning moves, by name."""
    arrays = {"inputs": setting.tables.inputs, "outputs": setting.tables.outputs}
    if isinstance(setting.architecture, ContinuousBag) and setting.architecture.weighted:
        arrays["positions"] = setting.architecture.positions
    return arrays


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
            try:
                while go_on(member):
                    pass
            except BaseException:
                meeting.abort()  # or the others would wait for ever
                raise

        def go_on(member: int) -> bool:
            if meeting.wait() == 0:  # one of them takes the next blocks, for all
                self.team.barrier[:] = 0
                taken.append(current.next(LANES))
            meeting.wait()
            group = taken[-1]
            if group is None:
                return False
            done = self._learn(group, member, self.threads, current.measure_every)
            if member == 0:
                current.add(done)
            return True

        return [lambda member=member: work(member) for member in range(self.threads)]  # type: ignore[misc]

    def _learn(self, group: tuple[Block, ...], member: int, members: int, measure_every: int) -> Done:
        s = self.setting
        padded = (*group, *(_NOTHING,) * (LANES - len(group)))
        model = (s.window, s.architecture, s.objective)
        team = (self.scratches, self.team, member, members)
        words = sum(block.end - block.start for block in group)
        return words, *learn_together(self.tiles, s.tables, s.corpus, padded, *model, *team, measure_every)


def _crew(setting: Setting, threads: int) -> _Hogwild | _InStep:
    return _InStep(setting, threads) if setting.deterministic else _Hogwild(setting, threads)


class _Pass:
    """One pass: hands out its blocks, and adds up what the threads did."""

    def __init__(
        self,
        setting: Setting,
        number: int,
        progress: Silent,
        record: "_Record | None" = None,
    ) -> None:
        self.setting, self.number, self.progress = setting, number, progress
        self.record = record
        self.measure_every = max(1, setting.words // _WINDOWS_MEASURED)
        self.blocks: Iterator[Block] = blocks(setting, number)
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.busy = False
        self.failures: list[BaseException] = []
        self.taken, self.words, self.examples, self.loss, self.measured, self.seconds = 0, 0, 0, 0.0, 0, 0.0

    def run(self, crew: _Hogwild | _InStep) -> Epoch:
        """Do the pass; where a checkpoint is due, the threads stop for it between blocks."""
        while not self._over():
            self._work(crew)
            if self.record and not self._over():
                self.record.save(self)
        self._tell()
        last = learning_rate(self.setting, self.number * self.setting.words)
        return Epoch(self.number, self._mean_loss(), self.examples, self.words, self.seconds, last)

    def next(self, count: int) -> tuple[Block, ...] | None:
        """The next blocks, at most `count`; None where the pass is over or stopped."""
        with self.lock:
            if self.stop.is_set():
                return None
            taken = tuple(islice(self.blocks, count))
            self.taken += len(taken)
            return taken or None

    def add(self, done: Done) -> None:
        """What a thread did with its blocks."""
        words, examples, loss, measured = done
        with self.lock:
            self.words += words
            self.examples += examples
            self.loss += loss
            self.measured += measured
            self._check_divergence()

    def state(self) -> dict[str, Any]:
        """How far the pass is, in plain values."""
        return {name: getattr(self, name) for name in ("taken", "words", "examples", "loss", "measured", "seconds")}

    def go_on_from(self, state: Mapping[str, Any]) -> None:
        """Be as far as a pass was whose `state` this is."""
        for name, value in state.items():
            setattr(self, name, value)
        self.blocks = islice(self.blocks, self.taken, None)

    def _over(self) -> bool:
        return self.words == self.setting.words

    def _work(self, crew: _Hogwild | _InStep) -> None:
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

    def _conduct(self, crew: _Hogwild | _InStep, done: threading.Lock) -> None:
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


class _Examiner:
    """Measures the loss on held-out text: a pass at learning rate 0, always with the same random numbers."""

    def __init__(self, setting: Setting, held_out: Corpus, threads: int) -> None:
        self.setting = dataclasses.replace(setting, corpus=held_out, lr=0.0, min_lr=0.0)
        self.crew = _crew(self.setting, threads)

    def loss(self) -> float:
        return _Pass(self.setting, 0, Silent()).run(self.crew).loss


class _Best:
    """The tables after the pass with the lowest held-out loss; kept only where there is `patience`."""

    def __init__(self, setting: Setting, patience: int | None) -> None:
        self.setting, self.patience = setting, patience
        self.arrays: dict[str, npt.NDArray[np.float32]] = {}

    def is_long_ago(self, epochs: Sequence[Epoch]) -> bool:
        return bool(self.patience and epochs) and len(epochs) - 1 - _lowest(epochs) >= (self.patience or 0)

    def keep(self, epochs: Sequence[Epoch]) -> None:
        if self.patience and _lowest(epochs) == len(epochs) - 1:
            self.arrays = {name: array.copy() for name, array in learnt(self.setting).items()}

    def restore(self, epochs: Sequence[Epoch]) -> None:
        if self.arrays and _lowest(epochs) < len(epochs) - 1:
            for name, array in learnt(self.setting).items():
                np.copyto(array, self.arrays[name])


def _lowest(epochs: Sequence[Epoch]) -> int:
    """Which pass had the lowest held-out loss, the first of them; the last pass where nothing was held out."""
    losses = [epoch.validation for epoch in epochs]
    return len(losses) - 1 if None in losses else int(np.argmin(losses))  # type: ignore[arg-type]


class _Record:
    """What a run writes into its checkpoints, and reads from them; nothing, where it has none."""

    def __init__(self, setting: Setting, epochs: list[Epoch], best: _Best, checkpoints: Checkpoints | None) -> None:
        self.setting, self.epochs, self.best, self.checkpoints = setting, epochs, best, checkpoints

    def due(self) -> bool:
        return self.checkpoints is not None and self.checkpoints.due()

    def save(self, under_way: _Pass | None = None) -> None:
        """The tables, the best ones so far, the passes that are over, and how far the one under way is."""
        if self.checkpoints:
            kept = {f"best {name}": array for name, array in self.best.arrays.items()}
            epochs = [dataclasses.asdict(epoch) for epoch in self.epochs]
            state = {"epochs": epochs, "under_way": under_way.state() if under_way else None}
            self.checkpoints.save({**learnt(self.setting), **kept}, state)

    def restore(self) -> dict[str, Any] | None:
        """Be where the newest checkpoint was; returns the state of the pass that was under way."""
        if not self.checkpoints:
            return None
        arrays, state = self.checkpoints.newest()
        for name, array in learnt(self.setting).items():
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
