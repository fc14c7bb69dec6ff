"""The loop of the classifier: passes over documents in shuffled order, parts of them handed to threads.

Threads write into the same tables without locks (Hogwild, Niu et al. 2011). One thread with a seed gives the same bytes
every time.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firth.errors import DivergenceError
from firth.kernels.architectures import ContinuousBag
from firth.kernels.bags import Bags, Part, learn_bags
from firth.kernels.compiled import is_compiled
from firth.kernels.core import TILE, Scratch, Tables
from firth.training.blocks import pass_key
from firth.training.objectives import Objective, ignorance, most_targets
from firth.training.progress import Silent
from firth.training.shallow import Epoch, checked_threads
from firth.training.tables import aligned

_PARTS = 32  # of a pass, at least: threads end together, and the loss is looked at so often
_LARGEST = 4096  # documents in a part
_SMALLEST = 64
_MEASURED = 5_000  # documents of a pass whose loss is computed: it costs a tenth of learning from one
_SMALL = 1 << 16  # bytes of an output table that each thread has a copy of
_DIVERGED = 20.0  # times the loss of a model that knows nothing


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, into what, and how."""

    tables: Tables
    bags: Bags
    held: Callable[[np.random.Generator], npt.NDArray[np.int32]]
    """What each document is held against in a pass, i4[documents]: one of its labels, drawn."""
    objective: Objective
    tokens: int
    """Words of all documents."""
    epochs: int
    lr: float
    seed: int

    @property
    def documents(self) -> int:
        return len(self.bags.offsets) - 1


def passes(
    lesson: Lesson,
    *,
    threads: int | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
) -> list[Epoch]:
    """Learn: `lesson.epochs` passes over all documents, each in an order of its own, with a rate that declines to 0.

    Ctrl-C, or an exception in a callback, stops the threads at the end of their part and is raised on. Raises
    DivergenceError where the loss leaves all bounds.
    """
    threads, progress = checked_threads(threads), progress or Silent()
    if not is_compiled(learn_bags):
        progress.say("compiling kernels (once) …")
    workers = [_Worker(lesson, threads == 1) for _ in range(threads)]
    epochs: list[Epoch] = []
    with ThreadPoolExecutor(threads) as pool:
        workers[0].learn(lesson.bags, np.zeros(0, np.int32), _NOTHING, 1, threading.Lock())  # compiles
        for number in range(1, lesson.epochs + 1):
            current = _Pass(lesson, number, progress)
            epochs.append(current.run(workers, pool))
            for callback in callbacks:
                callback(epochs[-1])
    return epochs


_NOTHING = Part(0, 0, 0, np.uint64(0), np.float32(0), np.float32(0))


class _Worker:
    """A thread's part of the work, and the memory that it works in.

    Few labels are in every document, and threads that write into the same few rows wait for each other's cache lines
    more than they work. So each thread moves a copy of a small output table, and adds what it moved after every part.
    """

    def __init__(self, lesson: Lesson, alone: bool) -> None:
        width = lesson.tables.inputs.shape[1]
        self.tiles = (0,) * (width // 16)
        self.tables, self.objective = lesson.tables, lesson.objective
        self.mean = ContinuousBag(True, True, False, aligned(1, width))
        self.scratch = make_scratch(lesson)
        outputs = lesson.tables.outputs
        self.own = None if alone or outputs.nbytes > _SMALL else aligned(*outputs.shape)

    def learn(
        self, bags: Bags, order: npt.NDArray[np.int32], part: Part, measure_every: int, lock: threading.Lock
    ) -> tuple[int, float, int]:
        tables = self.tables
        if self.own is not None:
            before = tables.outputs.copy()
            self.own[:] = before
            tables = tables._replace(outputs=self.own)
        model = (self.mean, self.objective, self.scratch)
        found: tuple[int, float, int] = learn_bags(self.tiles, tables, bags, order, part, *model, measure_every)
        if self.own is not None:
            with lock:
                self.tables.outputs[:] += self.own - before
        return found


class _Pass:
    """One pass: hands out its parts, and adds up what the threads did."""

    def __init__(self, lesson: Lesson, number: int, progress: Silent) -> None:
        self.lesson, self.number, self.progress = lesson, number, progress
        random = np.random.default_rng((lesson.seed, number))
        self.order = random.permutation(lesson.documents).astype(np.int32)
        self.bags = lesson.bags._replace(held=lesson.held(random))
        self.measure_every = max(1, lesson.documents // _MEASURED)
        self.parts = _parts(lesson, number)
        self.lock = threading.Lock()
        self.stopped = False
        self.done, self.examples, self.loss, self.measured = 0, 0, 0.0, 0

    def run(self, workers: list[_Worker], pool: ThreadPoolExecutor) -> Epoch:
        began = time.perf_counter()
        if len(workers) == 1:
            self._work(workers[0])
        else:
            at_work = [pool.submit(self._work, worker) for worker in workers]
            try:
                while wait(at_work, timeout=0.1).not_done:
                    self._tell()
            finally:
                self.stopped = True  # Ctrl-C lands here: the threads end with the part they are in
                wait(at_work)
            for each in at_work:
                each.result()
        self._tell()
        lesson = self.lesson
        lr = lesson.lr * (1 - self.number / lesson.epochs)
        return Epoch(
            self.number, self._mean_loss(), self.examples, lesson.tokens, time.perf_counter() - began, lr
        )

    def _work(self, worker: _Worker) -> None:
        while (part := self._next()) is not None:
            learnt, loss, measured = worker.learn(self.bags, self.order, part, self.measure_every, self.lock)
            with self.lock:
                self.done += part.end - part.start
                self.examples += learnt
                self.loss += loss
                self.measured += measured
                self._check_divergence()

    def _next(self) -> Part | None:
        with self.lock:
            return None if self.stopped else next(self.parts, None)

    def _tell(self) -> None:
        share = (self.number - 1 + self.done / self.lesson.documents) * self.lesson.tokens
        self.progress.training(int(share), self.lesson.epochs * self.lesson.tokens, self._mean_loss())

    def _mean_loss(self) -> float:
        return self.loss / self.measured if self.measured else float("nan")

    def _check_divergence(self) -> None:
        loss, unlearnt = self._mean_loss(), ignorance(self.lesson.objective)
        if self.measured and not loss < _DIVERGED * unlearnt:
            self.stopped = True
            raise DivergenceError(
                f"Training diverged in pass {self.number}: the mean loss is {loss:,.4g} nats, where a model that knows "
                f"nothing has {unlearnt:.2f}. Lower lr (it is {self.lesson.lr:g})."
            )


def _parts(lesson: Lesson, number: int) -> Iterator[Part]:
    """The parts of pass `number` (from 1); they do not depend on the number of threads."""
    documents = lesson.documents
    size = max(_SMALLEST, min(_LARGEST, documents // _PARTS))
    key = pass_key(lesson.seed, number)
    fall = lesson.lr / (lesson.epochs * documents)
    for i, start in enumerate(range(0, documents, size)):
        lr = lesson.lr - fall * ((number - 1) * documents + start)
        yield Part(start, min(start + size, documents), i, key, np.float32(lr), np.float32(fall))


def make_scratch(lesson: Lesson) -> Scratch:
    """A thread's working memory: for the longest document, and for one hidden vector."""
    longest = int(np.diff(lesson.bags.offsets).max(initial=1))
    sixes = -(-most_targets(lesson.objective) // TILE)
    unused = np.zeros(1, np.int32)
    return Scratch(
        words=unused,
        places=unused,
        reach=unused,
        bounds=unused,
        contexts=unused,
        moving=np.zeros(longest, np.int32),
        offsets=unused,
        hidden=aligned(2, lesson.tables.inputs.shape[1]),
        targets=np.zeros(TILE * sixes, np.int32),
        labels=aligned(sixes, 16),
        row=np.zeros(1, np.int32),
        line=aligned(1, 16),
        errors=aligned(sixes, 16),
    )
