"""GloVe: the product of two words' vectors is the logarithm of how often they stand near each other.

Pennington, Socher & Manning 2014, "GloVe: Global Vectors for Word Representation".
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

import firth
from firth import machine
from firth.config import Config, config, option
from firth.corpus.text import Text
from firth.errors import ConfigError, InputError
from firth.examples.cooccurrence import counted
from firth.loading import load_vectors
from firth.models.cooccurrence import Cooccurrences, bytes_of, glove_names
from firth.tokens.encoded import encode
from firth.training.checkpoint import Checkpoints, seconds
from firth.training.course import Epoch, checked_threads, run
from firth.training.glove import Sides, Tiles, course, held_out_cost
from firth.training.progress import Silent, progress_display
from firth.training.starting import matching_rows
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary


@config
class GloVe(Config):
    """Global vectors: a weighted factorisation of the logarithms of co-occurrence counts.

    >>> vectors = GloVe(dim=8, min_count=1, epochs=3).fit([["a", "rose", "is", "a", "rose"]] * 20)
    >>> vectors
    Vectors(3 keys, dim 8, glove, counts)
    """

    name: ClassVar[str] = "glove"

    dim: int = option(default=100, at_least=1)
    """Numbers in a vector."""
    window: int = option(default=10, at_least=1)
    """Words on a side that are near."""
    side: Literal["both", "left", "right"] = option(default="both")
    """Which neighbours of a word count: those on both sides of it, before it (left), or after it (right)."""
    weighting: Literal["distance", "flat"] = option(default="distance")
    """distance: a word d words away counts 1/d. flat: 1."""
    min_count: int = option(default=5, at_least=1)
    """Words that come less often than this are dropped."""
    max_vocab: int | None = option(default=None, at_least=1)
    """Keep only this many of the most frequent words; none: all."""
    x_max: float = option(default=100.0, above=0)
    """A pair that is counted so much, or more, has weight 1."""
    alpha: float = option(default=0.75, at_least=0)
    """A pair that is counted less has weight (count / x_max) to this power."""
    epochs: int = option(default=25, at_least=1)
    """Passes over the counts."""
    lr: float = option(default=0.05, above=0)
    """Learning rate of AdaGrad, which lets it decline by itself."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice. The same seed gives the same bytes, at any number of threads."""
    patience: int | None = option(default=None, at_least=1)
    """Stop when the held-out cost has not fallen for this many passes, at the lowest; needs validation; none: never."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "glove-c": {"dim": 50, "window": 15, "min_count": 1},
    }

    @classmethod
    def _translate(cls, name: str, value: Any) -> dict[str, Any]:
        """The C programs' names."""
        if name.replace("-", "_") == "eta":
            return {"lr": value}
        return glove_names(name, value) or super()._translate(name, value)

    def fit(
        self,
        source: Any,
        *,
        vocabulary: Sequence[str] | None = None,
        init: Vectors | str | PathLike[str] | None = None,
        frozen: bool = False,
        validation: float | None = None,
        workdir: str | PathLike[str] | None = None,
        resume: bool = False,
        checkpoint_every: str | float | None = None,
        memory: str | float | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
    ) -> Vectors:
        """Learn a vector for every word of the source: anything that `firth.Text` takes, a `Text`, or `Cooccurrences`.

        A vector is the sum w + c of what a word has learnt as a word and as a context, as in the paper. Where the
        source is counted already, the options of counting are those it was counted with.

        vocabulary        the words to learn, in this order, instead of those that come `min_count` times
        init              vectors, or a file of them, to start from (Dingwall & Potts 2018); words that they lack start
                          as always
        frozen            the vectors that `init` gave stay as they are, and the others find their place among them
        validation        the share of the pairs of words that is held out, to measure the cost on after every pass
        workdir           a folder that keeps the encoded text, and the checkpoints
        resume            go on from the last checkpoint in `workdir`; where the run was over, nothing is left to do
        checkpoint_every  "10m", "90s", or seconds: write one so often, and when the run ends or is stopped
        memory            "4GB", or bytes: what counts may take; the rest goes to temporary files. None: half of what is
                          left to this process
        threads           None: as many as this process may use
        progress          True or False for bars on stderr; None: where it is a terminal
        callbacks         each is called with an Epoch after every pass; its loss is the mean cost of a cell

        Raises EmptyVocabularyError where no word is left, InputError where no two words stand together, DivergenceError
        where lr is too high, MemoryLimitError, DiskFullError, and what reading the source raises.
        """
        if frozen and init is None:
            raise ConfigError("frozen keeps the vectors of `init` as they are: give init too.")
        self._check_validation(validation)
        start = init if init is None or isinstance(init, Vectors) else load_vectors(init)
        room, threads = bytes_of(memory) or (machine.memory_available() or 1 << 32) // 2, checked_threads(threads)
        with progress_display(progress) as display:
            model, words, tiles, about = self._counted(source, vocabulary, workdir, threads, room, validation, display)
            if not len(tiles):
                raise InputError(
                    f"No two of the {len(words):,} words stand near each other: there is nothing to learn."
                )
            if validation is not None and not tiles.held.any():
                raise InputError(
                    f"validation={validation} of {len(tiles):,} cells holds none out. Give a larger share."
                )
            sides = Sides(len(words), self.dim, self.lr, self.seed)
            known, given = _known(start, words, self.dim)
            sides.start(known, given, frozen)
            setting = {"words": about["words_kept"], "epochs": self.epochs, "lr": self.lr, "seed": self.seed}
            epochs = run(
                course(tiles, sides, **setting),
                examine=None if validation is None else held_out_cost(tiles, sides),
                patience=self.patience,
                checkpoints=model._checkpoints(
                    workdir,
                    resume,
                    checkpoint_every,
                    words=len(words),
                    cells=len(tiles),
                    started=len(known),
                    frozen=frozen,
                ),
                resume=resume,
                threads=threads,
                progress=display,
                callbacks=callbacks,
            )
        found = sides.summed()
        if frozen:
            found[known] = given  # the halves of a number that is nearly 0 do not add up to it
        return Vectors(
            words.keys,
            found,
            counts=words.counts,
            config={"model": {"name": self.name, **model.to_dict()}, "text": about.pop("text")},
            provenance={
                "firth": firth.__version__,
                "numpy": np.__version__,
                **about,
                "cells": len(tiles),
                "epochs": [
                    {**dataclasses.asdict(epoch), "words_per_second": epoch.words_per_second} for epoch in epochs
                ],
            },
        )

    def _check_validation(self, share: Any) -> None:
        if share is not None and not (isinstance(share, int | float) and 0 < share < 1):
            raise ConfigError(f"GloVe holds out a share of the pairs, between 0 and 1, not validation={share!r}.")
        if self.patience and share is None:
            raise ConfigError("patience waits for the held-out cost to fall: give fit a validation share.")

    def _counted(
        self,
        source: Any,
        vocabulary: Any,
        workdir: Any,
        threads: int,
        memory: int,
        validation: float | None,
        display: Silent,
    ) -> tuple["GloVe", Vocabulary, Tiles, dict[str, Any]]:
        """The options that hold, the words, the cells, and what is to be saved about the text."""
        dealt = (self.x_max, self.alpha, self.seed, threads, memory, validation)
        if isinstance(source, Cooccurrences):
            if vocabulary is not None:
                raise ConfigError("Co-occurrences have their words already: vocabulary= goes with a text.")
            known = source.config.get("model", {})
            model = self.replace(**{name: known[name] for name in _COUNTING if name in known})
            about = {"words_kept": 0, **source.config.get("counted", {}), "text": source.config.get("text") or {}}
            return model, source.vocabulary, Tiles.of(source.cells(), *dealt), about
        text = Text.of(source)
        with encode(
            text,
            min_count=self.min_count,
            max_vocab=self.max_vocab,
            vocabulary=vocabulary,
            workdir=workdir,
            threads=threads,
            report=display.reading,
        ) as corpus:
            how = {"window": self.window, "side": self.side, "weighting": self.weighting, "threads": threads}
            cells = counted(corpus, **how, memory=memory, report=display.counting)  # type: ignore[arg-type]
            words = {"words_read": corpus.words_read, "words_kept": len(corpus.tokens)}
            about = {**words, "sentences": len(corpus.sentences) - 1, "text": text.options()}
            return self, corpus.vocabulary, Tiles.of(cells, *dealt), about

    def _checkpoints(
        self, workdir: Any, resume: bool, checkpoint_every: str | float | None, **run: Any
    ) -> Checkpoints | None:
        if not resume and checkpoint_every is None:
            return None
        if workdir is None:
            raise ConfigError("Checkpoints lie in workdir: give fit one, for resume and for checkpoint_every.")
        every = seconds(checkpoint_every) if checkpoint_every is not None else float("inf")
        return Checkpoints(Path(workdir) / "checkpoints", {**self.to_dict(), **run}, every)


def _known(start: Vectors | None, words: Vocabulary, dim: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Which words have a vector to start from, and these: i8[known], f4[known, dim]."""
    if start is None:
        return np.zeros(0, np.int64), np.zeros((0, dim), np.float32)
    rows = matching_rows(start, words.keys, dim)
    known = np.flatnonzero(rows >= 0)
    return known, np.asarray(start.vectors[rows[known]], np.float32)


_COUNTING = ("window", "side", "weighting", "min_count", "max_vocab")
