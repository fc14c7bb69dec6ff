"""The loop of the classifier: documents in shuffled order, parts of them handed to threads.

Threads write into the same tables without locks (Hogwild, Niu et al. 2011). One thread with a seed gives the same bytes
every time.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.kernels.architectures import ContinuousBag
from firth.kernels.bags import Bags, Part, learn_bags
from firth.kernels.core import TILE, Scratch, Tables
from firth.training.blocks import pass_key
from firth.training.course import Course, Crew, Done, Epoch, Pass, run
from firth.training.objectives import Objective, ignorance, most_targets
from firth.training.progress import Silent
from firth.training.tables import aligned

_PARTS = 16  # of a pass, at least: threads end together, and the loss is looked at so often
_LARGEST = 4096  # documents in a part
_SMALLEST = 256
_MEASURED = 5_000  # documents of a pass whose loss is computed: it costs a tenth of learning from one
_SMALL = 1 << 16  # bytes of an output table that each thread has a copy of
_NOTHING = Part(0, 0, 0, np.uint64(0), np.float32(0), np.float32(0))

Block = tuple[Bags, npt.NDArray[np.int32], Part]
"""The documents with what they are held against in this pass, the order of the pass, and a part of it."""


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

    As `course.run` says. Raises DivergenceError where the loss leaves all bounds.
    """
    course = course_of(lesson, learn_bags, lambda threads: _Crew(lesson, threads))
    return run(course, threads=threads, progress=progress, callbacks=callbacks)


def course_of(lesson: Lesson, kernel: Callable[..., Any], crew: Callable[[int], Crew]) -> Course:
    """`lesson.epochs` passes over all documents, whatever is learnt from them."""
    return Course(
        epochs=lesson.epochs,
        units=lesson.documents,
        words=lesson.tokens,
        blocks=lambda number: parts(lesson, number),
        lr=lambda number: lesson.lr * (1 - number / lesson.epochs),
        crew=crew,
        kernel=kernel,
        learnt=lambda: {"inputs": lesson.tables.inputs, "outputs": lesson.tables.outputs},
        unlearnt=ignorance(lesson.objective),
        advice=f"Lower lr (it is {lesson.lr:g}).",
    )


class _Crew:
    """Threads that take the next part in turn and never wait."""

    def __init__(self, lesson: Lesson, threads: int) -> None:
        self.lock = threading.Lock()
        self.workers = [_Worker(lesson, threads == 1, self.lock) for _ in range(threads)]
        self.workers[0].learn((lesson.bags, np.zeros(0, np.int32), _NOTHING))  # compiles, before threads start

    def members(self, current: Pass) -> list[Callable[[], None]]:
        """What each thread does in a pass."""
        return current.shared([worker.learn for worker in self.workers])


class _Worker:
    """A thread's part of the work, and the memory that it works in.

    Few labels are in every document, and threads that write into the same few rows wait for each other's cache lines
    more than they work. So each thread moves a copy of a small output table, and adds what it moved after every part.
    """

    def __init__(self, lesson: Lesson, alone: bool, lock: threading.Lock) -> None:
        width = lesson.tables.inputs.shape[1]
        self.tiles = (0,) * (width // 16)
        self.tables, self.objective = lesson.tables, lesson.objective
        self.mean = ContinuousBag(True, True, False, aligned(1, width))
        self.scratch = make_scratch(lesson)
        self.measure_every = max(1, lesson.documents // _MEASURED)
        outputs = lesson.tables.outputs
        self.own = None if alone or outputs.nbytes > _SMALL else aligned(*outputs.shape)
        self.lock = lock

    def learn(self, block: Block) -> Done:
        bags, order, part = block
        tables = self.tables
        if self.own is not None:
            before = tables.outputs.copy()
            self.own[:] = before
            tables = tables._replace(outputs=self.own)
        model = (self.mean, self.objective, self.scratch)
        learnt, loss, measured = learn_bags(self.tiles, tables, bags, order, part, *model, self.measure_every)
        if self.own is not None:
            with self.lock:
                self.tables.outputs[:] += self.own - before
        return part.end - part.start, learnt, loss, measured


def parts(lesson: Lesson, number: int) -> Iterator[Block]:
    """The parts of pass `number` (from 1); they do not depend on the number of threads."""
    random = np.random.default_rng((lesson.seed, number))
    documents = lesson.documents
    order = random.permutation(documents).astype(np.int32)
    bags = lesson.bags._replace(held=lesson.held(random))
    size = max(_SMALLEST, min(_LARGEST, documents // _PARTS))
    key = pass_key(lesson.seed, number)
    fall = lesson.lr / (lesson.epochs * documents)
    for i, start in enumerate(range(0, documents, size)):
        lr = lesson.lr - fall * ((number - 1) * documents + start)
        yield bags, order, Part(start, min(start + size, documents), i, key, np.float32(lr), np.float32(fall))


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
