"""The loop of pairs: in shuffled order, parts of them handed to threads that write without locks (Hogwild)."""

from collections.abc import Callable, Sequence

import numpy as np

from firth.kernels.architectures import ContinuousBag
from firth.kernels.bags import Part
from firth.kernels.core import TILE
from firth.kernels.pairs import Rights, learn_pairs
from firth.tokens.subwords import Bags
from firth.training.bags import Block, Lesson, course_of, make_scratch
from firth.training.course import Done, Epoch, Pass, run
from firth.training.objectives import most_targets
from firth.training.progress import Silent
from firth.training.tables import aligned

_MEASURED = 20_000  # pairs of a pass whose loss is computed
_NOTHING = Part(0, 0, 0, np.uint64(0), np.float32(0), np.float32(0))


def passes(
    lesson: Lesson,
    rights: Bags,
    *,
    threads: int | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
) -> list[Epoch]:
    """Learn: `lesson.epochs` passes over all pairs, each in an order of its own, with a rate that declines to 0.

    lesson  its documents are the left sides, what they are held against the numbers of their right sides
    rights  the rows of each distinct right side

    As `course.run` says. Raises DivergenceError where the loss leaves all bounds.
    """
    course = course_of(lesson, learn_pairs, lambda threads: _Crew(lesson, rights, threads))
    return run(course, threads=threads, progress=progress, callbacks=callbacks)


class _Crew:
    """Threads that take the next part in turn and never wait."""

    def __init__(self, lesson: Lesson, rights: Bags, threads: int) -> None:
        self.workers = [_Worker(lesson, rights) for _ in range(threads)]
        self.workers[0].learn((lesson.bags, np.zeros(0, np.int32), _NOTHING))  # compiles, before threads start

    def members(self, current: Pass) -> list[Callable[[], None]]:
        """What each thread does in a pass."""
        return current.shared([worker.learn for worker in self.workers])


class _Worker:
    """A thread's part of the work, and the memory that it works in."""

    def __init__(self, lesson: Lesson, rights: Bags) -> None:
        width = lesson.tables.inputs.shape[1]
        self.tiles = (0,) * (width // 16)
        self.tables, self.objective = lesson.tables, lesson.objective
        self.mean = ContinuousBag(True, True, False, aligned(1, width))
        self.scratch = make_scratch(lesson)
        self.rights = make_rights(rights, most_targets(lesson.objective), width)
        self.measure_every = max(1, lesson.documents // _MEASURED)

    def learn(self, block: Block) -> Done:
        lefts, order, part = block
        model = (self.mean, self.objective, self.scratch, self.measure_every)
        return part.end - part.start, *learn_pairs(self.tiles, self.tables, lefts, self.rights, order, part, *model)


def make_rights(rights: Bags, most: int, width: int) -> Rights:
    """The distinct right sides, and a thread's room for those that one pair is held against."""
    room = TILE * -(-most // TILE)
    return Rights(
        rights.rows, rights.offsets, np.arange(room, dtype=np.int32), aligned(room, width), aligned(room, width)
    )
