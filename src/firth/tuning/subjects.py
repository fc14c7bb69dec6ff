"""Tuning: what the trials of a model learn from, a part of it, and what trains the best. One table, by the model."""

import contextlib
import dataclasses
import math
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from firth.config import Config
from firth.corpus.sessions import NextItems, Sessions
from firth.corpus.text import Text
from firth.errors import ConfigError
from firth.planning.sample import sampled
from firth.tuning.metrics import RANKED
from firth.tuning.space import ITEM_SPACE, SPACE, Space


@dataclass(frozen=True)
class Part:
    """A part of what there is."""

    source: Any
    """What `fit` takes."""
    share: float
    """Of all there is; 1: the source itself."""


class Subject(Protocol):
    """What there is to learn from."""

    least: int
    """The size of a part in the lowest rung; less teaches too little to choose by."""

    def part(self, size: int) -> AbstractContextManager[Part]:
        """A part of about that size, from all over the source, for as long as the block lasts."""

    def size(self) -> int | None:
        """Of all there is; None where that is not known."""

    def question(self, asked: Any) -> Any:
        """What a metric asks: as it was given, or made of the source."""

    def command(self, config: Config) -> str:
        """What trains `config` on all there is: a command line for files, Python for anything else."""


class OfText:
    """A text; sizes are bytes."""

    least = 1 << 21

    def __init__(self, source: Any, metric: str) -> None:
        if metric in RANKED:
            raise ConfigError(f"metric={metric!r} judges recommendations, and words have none. Tune Item2Vec by it.")
        self.text = Text.of(source)

    @contextlib.contextmanager
    def part(self, size: int) -> Iterator[Part]:
        with sampled(self.text, size) as sample:
            yield Part(sample.text, sample.share)

    def size(self) -> int | None:
        return self.text.size()

    def question(self, asked: Any) -> Any:
        return asked

    def command(self, config: Config) -> str:
        files = self.text.source if self.text.names_files() else None
        defaults = {name: getattr(Text, name, None) for name in self.text.options()}
        return _command(files, config, self.text.options(), defaults)


class OfSessions:
    """A log of sessions; sizes are events. The last item of each session is what recommendations are judged on."""

    least = 100_000

    def __init__(self, source: Any, metric: str) -> None:
        self.whole = Sessions.of(source)
        self.log: Sessions = self.whole
        self.asked: NextItems | None = None
        if metric in RANKED:
            self.log, self.asked = self.whole.leave_last_out()

    @contextlib.contextmanager
    def part(self, size: int) -> Iterator[Part]:
        share = min(1.0, size / len(self.log.tokens))
        stays = np.random.default_rng(1).random(len(self.log)) < share
        yield Part(self.log if share == 1.0 else self.log.only(stays), share)

    def size(self) -> int | None:
        return len(self.log.tokens)

    def question(self, asked: Any) -> Any:
        if asked is not None and self.asked is not None:
            raise ConfigError("The last items of the sessions are the question. Leave question out.")
        return self.asked if asked is None else asked

    def command(self, config: Config) -> str:
        log = self.whole
        read = {**log.options, "metadata": log.metadata_file}
        named = log.metadata is None or log.metadata_file is not None
        return _command(log.files if named else None, config, read, dict.fromkeys(read))


SUBJECTS: Final[dict[str, tuple[Callable[[Any, str], Subject], Space]]] = {
    "word2vec": (OfText, SPACE),
    "item2vec": (OfSessions, ITEM_SPACE),
}
"""The name of a model → what it learns from, and what is searched where nothing else is asked for."""


def subject_of(config: Config, source: Any, metric: Any) -> tuple[Subject, Space]:
    """The subject and the space of a model. Raises ConfigError for a model that is not in the table."""
    if config.name not in SUBJECTS:
        raise ConfigError(f"firth.tune knows {', '.join(SUBJECTS)}, not {config.name}.")
    made, space = SUBJECTS[config.name]
    return made(source, metric if isinstance(metric, str) else ""), space


def again(source: Any) -> Any:
    """The same source once more: a Text counts how often it is read."""
    return dataclasses.replace(source) if isinstance(source, Text) else source


def cost(config: Any) -> float:
    """What a pass of this config costs beside another one: passes × rows moved for a window × their length."""
    window = config.window if isinstance(config.window, int) else 5
    if config.num_skips:
        window = min(window, math.ceil(config.num_skips / 2))
    targets = 1 + config.negatives if config.loss == "ns" else 20
    return float(config.epochs * (window + targets) * (config.dim + 30))


def said(options: dict[str, Any]) -> str:
    """Options as they are written in Python."""
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def _command(files: Any, config: Config, reading: dict[str, Any], defaults: dict[str, Any]) -> str:
    differs = {name: value for name, value in config.to_dict().items() if value != type(config)().to_dict()[name]}
    if files is None:
        return f"firth.{type(config).__name__}({said(differs)}).fit(source)"
    sources: Sequence[Any] = files if isinstance(files, list | tuple) else [files]
    cut = {name: value for name, value in reading.items() if value != defaults[name]}
    words = ["firth", "train", config.name, *map(str, sources), "-o", "MODEL"]
    for name, value in {**cut, **differs}.items():
        option = name.replace("_", "-")
        words += [f"--no-{option}"] if value is False else [f"--{option}", *([] if value is True else [str(value)])]
    return shlex.join(words)
