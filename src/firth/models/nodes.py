"""What the models that learn nodes by windows share: their options, and how a run goes.

`Node2Vec` and `LINE` say what text a graph is turned into; it is made while it is learnt from, by the engine that
learns words.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import firth
from firth.config import Config, config, option
from firth.corpus.graphs import Graph
from firth.errors import ConfigError
from firth.examples.walks import Generated, new_page
from firth.kernels.architectures import SkipGram
from firth.kernels.compiled import is_compiled
from firth.kernels.core import Tables
from firth.kernels.shallow import Corpus, Window
from firth.training.blocks import Setting, read_only
from firth.training.checkpoint import Checkpoints, seconds
from firth.training.course import Epoch, checked_threads
from firth.training.objectives import Objective
from firth.training.progress import Silent, progress_display
from firth.training.shallow import passes
from firth.training.tables import without_padding
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

_SAMPLE = 1 << 16  # tokens of the sample that says how often a node meets itself


class Lesson(NamedTuple):
    """A text made of a graph, and what is learnt from it."""

    name: str
    text: Generated
    words: Vocabulary
    """The nodes, and how often each comes in the text."""
    window: Window
    dim: int
    taught: npt.NDArray[np.bool_]
    """b1[nodes], of which nodes anything can be learnt."""


@config
class NodeModel(Config, ABC):
    """Options of every model that learns nodes by windows."""

    dim: int = option(default=128, at_least=1)
    """Numbers in a vector."""
    negatives: int = option(default=5, at_least=1)
    """Noise nodes that each window is held against."""
    ns_exponent: float = option(default=0.75)
    """Noise nodes are drawn in proportion to how often they come to this power: 1 as they come, 0 all alike."""
    lr: float = option(default=0.025, above=0)
    """Learning rate at the start; it declines in a straight line."""
    min_lr: float = option(default=1e-4, at_least=0)
    """Learning rate at the end."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice. One thread with the same seed gives the same bytes."""
    deterministic: bool = option(default=False)
    """The same seed gives the same bytes at any number of threads; about half as fast."""

    def fit(
        self,
        source: Any,
        *,
        workdir: str | PathLike[str] | None = None,
        resume: bool = False,
        checkpoint_every: str | float | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
    ) -> Vectors:
        """Learn a vector for every node of a `firth.Graph`, or of anything that one is made from; in its order.

        workdir           a folder that keeps the checkpoints
        resume            go on from the last checkpoint in `workdir`; where the run was over, nothing is left to do
        checkpoint_every  "10m", "90s", or seconds: write one so often, and when the run ends or is stopped
        threads           None: as many as this process may use
        progress          True or False for bars on stderr; None: where it is a terminal
        callbacks         each is called with an Epoch after every pass

        Nodes that nothing can be learnt of (no edge, or none that a walk takes) have zeros. Raises ConfigError,
        DivergenceError where lr is too high, MemoryLimitError where the tables would not fit, and what reading the
        source raises.
        """
        graph, threads = Graph.of(source), checked_threads(threads)
        parts: list[Tables] = []
        epochs: list[Epoch] = []
        with progress_display(progress) as display:
            for lesson in self.lessons(graph, threads, display):
                setting = self._setting(lesson)
                saved = self._checkpoints(workdir, resume, checkpoint_every, setting, lesson.name)
                epochs += passes(
                    setting,
                    checkpoints=saved,
                    resume=resume and (not parts or (saved is not None and saved.are_there())),
                    threads=threads,
                    progress=display,
                    callbacks=callbacks,
                )
                parts.append(self._learnt(setting, lesson))
        return Vectors(
            graph.keys,
            self.inputs(parts),
            output=self.output(parts),
            counts=lesson.words.counts,
            config={"model": {"name": self.name, **self.to_dict()}, "graph": graph.options()},
            provenance=provenance(graph, epochs),
        )

    @abstractmethod
    def lessons(self, graph: Graph, threads: int, display: Silent) -> list[Lesson]:
        """The texts that the graph is turned into; what they teach stands side by side in a vector."""

    @abstractmethod
    def passes(self) -> int:
        """Passes over a text."""

    @abstractmethod
    def objective(self, words: Vocabulary) -> Objective:
        """What a node is held against."""

    @abstractmethod
    def tables(self, lesson: Lesson, objective: Objective) -> Tables:
        """What is learnt, as it begins."""

    def inputs(self, parts: Sequence[Tables]) -> npt.NDArray[np.float32]:
        """The vectors."""
        return _beside([part.inputs for part in parts])

    def output(self, parts: Sequence[Tables]) -> npt.NDArray[np.float32] | None:
        """The context side, where it stands for the nodes; None where it does not."""
        return _beside([part.outputs for part in parts])

    def _setting(self, lesson: Lesson) -> Setting:
        objective = self.objective(lesson.words)
        return Setting(
            tables=self.tables(lesson, objective),
            corpus=self._sample(lesson),
            window=lesson.window,
            architecture=SkipGram(np.zeros(1, np.int32)),
            objective=objective,
            epochs=self.passes(),
            lr=self.lr,
            min_lr=self.min_lr,
            seed=self.seed,
            deterministic=self.deterministic,
            generated=lesson.text,
        )

    def keep(self, words: Vocabulary) -> npt.NDArray[np.float32]:
        """How likely a node that comes is kept: f4[nodes]."""
        return np.ones(len(words), np.float32)

    def _sample(self, lesson: Lesson) -> Corpus:
        text = lesson.text
        units = min(text.units, max(1, _SAMPLE // text.longest))
        page = new_page(text, units)
        end = text.fill(page, text.begin(self.seed, 0), 0, units)
        return Corpus(read_only(page.tokens[:end]), read_only(page.sentences), self.keep(lesson.words))

    def _learnt(self, setting: Setting, lesson: Lesson) -> Tables:
        """The tables without their padding; zeros for nodes that nothing was learnt of."""
        inputs = without_padding(setting.tables.inputs, lesson.dim)
        shared = setting.tables.outputs is setting.tables.inputs
        outputs = inputs if shared else without_padding(setting.tables.outputs, lesson.dim)
        inputs[~lesson.taught] = 0.0
        return Tables(inputs, outputs, setting.tables.frozen)

    def _checkpoints(
        self, workdir: Any, resume: bool, checkpoint_every: str | float | None, setting: Setting, part: str
    ) -> Checkpoints | None:
        if not resume and checkpoint_every is None:
            return None
        if workdir is None:
            raise ConfigError("Checkpoints lie in workdir: give fit one, for resume and for checkpoint_every.")
        run = {**self.to_dict(), "nodes": len(setting.corpus.keep), "words": setting.words}
        every = seconds(checkpoint_every) if checkpoint_every is not None else float("inf")
        return Checkpoints(Path(workdir) / "checkpoints" / part, run, every)


def say_if_compiling(kernel: Any, display: Silent) -> None:
    """What takes time now takes it once."""
    if not is_compiled(kernel):
        display.say("compiling kernels (once) …")


def _beside(tables: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    return tables[0] if len(tables) == 1 else np.hstack(tables)


def provenance(graph: Graph, epochs: Sequence[Epoch]) -> dict[str, Any]:
    """How the vectors came to be: the graph, and the loss of every pass."""
    return {
        "firth": firth.__version__,
        "numpy": np.__version__,
        "nodes": len(graph),
        "edges": graph.edges,
        "epochs": [{**dataclasses.asdict(epoch), "words_per_second": epoch.words_per_second} for epoch in epochs],
    }
