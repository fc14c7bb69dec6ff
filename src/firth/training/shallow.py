"""The loop of the shallow models: blocks of text, learnt from in threads.

Threads write into the same tables without locks (Hogwild, Niu et al. 2011): rows that two threads move at once are
rare, and a lost update is noise among many. Each draws its noise words from a share of its own. One thread with a seed
gives the same bytes every time; in a deterministic run the threads go in step, and any number of them does.
"""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.examples.walks import new_page
from firth.kernels.architectures import ContinuousBag
from firth.kernels.core import Scratch
from firth.kernels.objectives import HierarchicalSoftmax
from firth.kernels.shallow import Block, Corpus, learn, learn_together
from firth.training.blocks import (
    LANES,
    Setting,
    Stretch,
    block_size,
    blocks,
    learning_rate,
    make_scratch,
    make_team,
    read_only,
    stretch_size,
    stretches,
)
from firth.training.checkpoint import Checkpoints
from firth.training.course import Course, Done, Epoch, Pass, checked_threads, run
from firth.training.objectives import Objective, TreeTop, ignorance, shares, tree_rows
from firth.training.progress import Silent

_WINDOWS_MEASURED = 20_000  # per pass, some 120,000 pairs: the mean is then good to half a percent
_TO_SHARE = 500_000  # words of a text, so that every word meets every thread's noise many times
_NOTHING = Block(0, 0, 0, 0, np.uint64(0), np.float32(0))


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
    """Learn: `setting.epochs` passes, as `course.run` says.

    held_out  text whose loss is measured after every pass, at no learning rate
    """
    threads = checked_threads(threads)
    return run(
        _course(setting),
        examine=None if held_out is None else _Examiner(setting, held_out, threads).loss,
        patience=patience,
        checkpoints=checkpoints,
        resume=resume,
        threads=threads,
        progress=progress,
        callbacks=callbacks,
    )


def _course(setting: Setting) -> Course:
    made = setting.generated
    return Course(
        epochs=setting.epochs,
        units=setting.words,
        words=setting.words,
        blocks=lambda number: blocks(setting, number) if made is None else stretches(setting, made, number),
        lr=lambda number: learning_rate(setting, number * setting.words),
        crew=lambda threads: _InStep(setting, threads) if setting.deterministic else _Hogwild(setting, threads),
        kernel=learn_together if setting.deterministic else learn,
        learnt=lambda: learnt(setting),
        unlearnt=ignorance(setting.objective),
        advice=f"Lower lr (it is {setting.lr:g}).",
    )


def learnt(setting: Setting) -> dict[str, npt.NDArray[np.float32]]:
    """Every array that learning moves, by name."""
    outputs = setting.tables.outputs
    if isinstance(setting.objective, HierarchicalSoftmax):  # threads' copies of its top lie behind the tree
        outputs = outputs[: tree_rows(len(setting.objective.offsets) - 1)]
    arrays = {"inputs": setting.tables.inputs, "outputs": outputs}
    if isinstance(setting.architecture, ContinuousBag) and setting.architecture.weighted:
        arrays["positions"] = setting.architecture.positions
    return arrays


Read = tuple[Corpus, Sequence[Block], int]
"""A corpus, blocks of it, and how many words of the pass they are."""


def reader(setting: Setting, at_once: int) -> Callable[[Any], Read]:
    """What gives a thread its words: blocks lie in the corpus; stretches, `at_once` at most, are made here and now."""
    text = setting.generated
    if text is None:
        return lambda group: (setting.corpus, group, sum(block.end - block.start for block in group))
    page = new_page(text, at_once * stretch_size(setting, text))
    corpus = Corpus(read_only(page.tokens), read_only(page.sentences), setting.corpus.keep)

    def made(group: Sequence[Stretch]) -> Read:
        found, n, s = [], 0, 0
        for part in group:
            end = text.fill(page, part.begun, part.first, part.end, n, s)
            found.append(Block(n, end, s, part.number, part.key, part.lr))
            n, s = end, s + part.end - part.first
        return corpus, found, s * text.longest

    return made


def _room(setting: Setting) -> int:
    """Tokens of the longest block."""
    text = setting.generated
    return block_size(setting) if text is None else stretch_size(setting, text) * text.longest


class _Hogwild:
    """Threads that take the next block in turn and never wait."""

    def __init__(self, setting: Setting, threads: int) -> None:
        self.setting = setting
        self.tiles = (0,) * (setting.width // 16)
        self.measure_every = _measure_every(setting)
        self.scratches = [make_scratch(setting, _room(setting)) for _ in range(threads)]
        # Where nothing moves, no row goes from cache to cache, and a loss should not depend on who measures it.
        apart = threads > 1 and setting.words >= _TO_SHARE and setting.lr > 0
        self.objectives = shares(setting.objective, threads) if apart else [setting.objective] * threads
        self.tops = [_own_top(setting, objective, threads) for objective in self.objectives]
        self.joining = threading.Lock()
        self.readers = [reader(setting, 1) for _ in range(threads)]
        self._learn((setting.corpus, [_NOTHING], 0), self.scratches[0], self.objectives[0], 1)  # compiles, once

    def members(self, current: Pass) -> list[Callable[[], None]]:
        """What each thread does in a pass."""

        def learn(
            scratch: Scratch, objective: Objective, top: TreeTop | None, read: Callable[[Any], Read], block: Any
        ) -> Done:
            if top is None:
                return self._learn(read([block]), scratch, objective, self.measure_every)
            with self.joining:
                top.begin()
            done = self._learn(read([block]), scratch, objective, self.measure_every)
            with self.joining:
                top.end()
            return done

        threads = zip(self.scratches, self.objectives, self.tops, self.readers, strict=True)
        return current.shared([partial(learn, *own) for own in threads])

    def _learn(self, read: Read, scratch: Scratch, objective: Objective, measure_every: int) -> Done:
        s, (corpus, (block,), words) = self.setting, read
        model = (s.window, s.architecture, objective)
        return words, *learn(self.tiles, s.tables, corpus, block, *model, scratch, measure_every)


def _own_top(setting: Setting, objective: Objective, threads: int) -> TreeTop | None:
    if isinstance(objective, HierarchicalSoftmax) and objective.shift:
        return TreeTop(setting.tables.outputs, objective, threads)
    return None


class _InStep:
    """Threads that work on the same few blocks together: equal bytes at any number of them."""

    def __init__(self, setting: Setting, threads: int) -> None:
        self.setting = setting
        self.tiles = (0,) * (setting.width // 16)
        self.measure_every = _measure_every(setting)
        self.threads = min(threads, LANES)
        self.scratches = tuple(make_scratch(setting, _room(setting)) for _ in range(LANES))
        self.read = reader(setting, LANES)
        self.team = make_team(setting)
        self._learn((setting.corpus, (_NOTHING,) * LANES, 0), 0, 1, 1)

    def members(self, current: Pass) -> list[Callable[[], None]]:
        """What each thread does in a pass."""
        taken: list[Read | None] = []
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
                group = current.next(LANES)
                taken.append(None if group is None else self.read(group))
            meeting.wait()
            if (found := taken[-1]) is None:
                return False
            done = self._learn(found, member, self.threads, self.measure_every)
            if member == 0:
                current.add(done)
            return True

        return [lambda member=member: work(member) for member in range(self.threads)]  # type: ignore[misc]

    def _learn(self, read: Read, member: int, members: int, measure_every: int) -> Done:
        s, (corpus, group, words) = self.setting, read
        padded = (*group, *(_NOTHING,) * (LANES - len(group)))
        model = (s.window, s.architecture, s.objective)
        team = (self.scratches, self.team, member, members)
        return words, *learn_together(self.tiles, s.tables, corpus, padded, *model, *team, measure_every)


def _measure_every(setting: Setting) -> int:
    return max(1, setting.words // _WINDOWS_MEASURED)


class _Examiner:
    """Measures the loss on held-out text: a pass at learning rate 0, always with the same random numbers."""

    def __init__(self, setting: Setting, held_out: Corpus, threads: int) -> None:
        self.setting = dataclasses.replace(setting, corpus=held_out, lr=0.0, min_lr=0.0)
        self.course = _course(self.setting)
        self.crew = self.course.crew(threads)

    def loss(self) -> float:
        return Pass(self.course, 0, Silent()).run(self.crew).loss
