"""What the models that learn from windows of text share: their options, and how a run goes.

`Word2Vec` and `FastText` say which rows make a word's vector, and what comes back; corpus, vocabulary, passes,
checkpoints and held-out text are the same.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np

import firth
from firth.config import Config, config, field_names, option
from firth.corpus.text import Text
from firth.errors import ConfigError
from firth.kernels.objectives import Softmax
from firth.kernels.shallow import Corpus, Window
from firth.loading import load_vectors
from firth.tokens.encoded import Encoded, encode
from firth.training.blocks import Setting, read_only
from firth.training.checkpoint import Checkpoints, seconds
from firth.training.course import Epoch
from firth.training.heldout import split
from firth.training.objectives import Objective, hierarchical_softmax, negative_sampling
from firth.training.progress import progress_display
from firth.training.shallow import passes
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

_LONGEST_SENTENCE = 10_000  # words, for window="sentence": every pair of them is an example


@config
class WindowModel(Config, ABC):
    """Options of every model that learns from windows of text."""

    dim: int = option(default=100, at_least=1)
    """Numbers in a vector."""
    window: int | Literal["sentence"] = option(default=5, at_least=1)
    """Context words on either side of the centre word, at most; sentence: all of its sentence."""
    architecture: Literal["skipgram", "cbow"] = option(default="skipgram")
    """skipgram: each neighbour predicts the centre word. cbow: the neighbours together do."""
    loss: Literal["ns", "hs", "softmax"] = option(default="ns")
    """ns: negative sampling. hs: hierarchical softmax over a Huffman tree. softmax: over all words, exact and slow."""
    negatives: int = option(default=5, at_least=1)
    """Noise words that each window is held against (ns)."""
    min_count: int = option(default=5, at_least=1)
    """Words that come less often than this are dropped."""
    max_vocab: int | None = option(default=None, at_least=1)
    """Keep only this many of the most frequent words; none: all."""
    subsample: float = option(default=1e-3, at_least=0)
    """Thin out words whose share of the text is above this; 0 keeps everything."""
    ns_exponent: float = option(default=0.75)
    """Noise words are drawn in proportion to count to this power: 1 as in the text, 0 all alike (ns)."""
    shrink_windows: bool = option(default=True)
    """Draw each window's reach from 1 to `window`, so that near words count more."""
    num_skips: int | None = option(default=None, at_least=1)
    """Draw so many of each window's context words, without replacement; none: all."""
    epochs: int = option(default=5, at_least=1)
    """Passes over the text."""
    lr: float | None = option(default=None, above=0)
    """Learning rate at the start; it declines in a straight line. None: 0.025, and 0.05 for cbow, as in word2vec.c."""
    min_lr: float = option(default=1e-4, at_least=0)
    """Learning rate at the end."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice. One thread with the same seed gives the same bytes."""
    patience: int | None = option(default=None, at_least=1)
    """Stop when the held-out loss has not fallen for this many passes, at the lowest; needs validation; none: never."""
    deterministic: bool = option(default=False)
    """The same seed gives the same bytes at any number of threads; about half as fast."""

    @classmethod
    def _translate(cls, name: str, value: Any) -> dict[str, Any]:
        """Peers' options that stand for one of ours with another value."""
        name = name.replace("-", "_")
        if name in ("sg", "cbow") and value in (0, 1):
            return {"architecture": "skipgram" if (name == "sg") == bool(value) else "cbow"}
        if name == "hs" and value in (0, 1):
            return {"loss": "hs"} if value else {}
        if name == "cbow_mean" and value in (0, 1) and name in field_names(cls):
            return {"cbow_mean": bool(value)}
        return super()._translate(name, value)

    def fit(
        self,
        source: Any,
        *,
        vocabulary: Sequence[str] | None = None,
        init: Vectors | str | PathLike[str] | None = None,
        frozen: bool = False,
        validation: float | str | PathLike[str] | Text | None = None,
        workdir: str | PathLike[str] | None = None,
        resume: bool = False,
        checkpoint_every: str | float | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
    ) -> Vectors:
        """Learn a vector for every word of the source: anything that `firth.Text` takes, or a `Text`.

        vocabulary        the words to learn, in this order, instead of those that come `min_count` times
        init              vectors, or a file of them, to start from; words that they lack start as always
        frozen            the vectors that `init` gave stay as they are
        validation        the share of the text, at its end, or another text, to measure the loss on after every pass
        workdir           a folder that keeps the encoded text, and the checkpoints
        resume            go on from the last checkpoint in `workdir`; where the run was over, nothing is left to do
        checkpoint_every  "10m", "90s", or seconds: write one so often, and when the run ends or is stopped
        threads           None: as many as this process may use
        progress          True or False for bars on stderr; None: where it is a terminal
        callbacks         each is called with an Epoch after every pass

        Raises EmptyVocabularyError where no word is left, DivergenceError where lr is too high, MemoryLimitError
        where the tables would not fit, and what reading the source raises.
        """
        text = self._opened(source)
        with (
            progress_display(progress) as display,
            self._encoded(
                text, vocabulary=vocabulary, workdir=workdir, threads=threads, report=display.reading
            ) as encoded,
        ):
            words = encoded.vocabulary
            corpus, held_out = self._corpora(encoded, text, validation, threads)
            setting = self.setting(words, corpus, init, frozen)
            epochs = passes(
                setting,
                held_out=held_out,
                patience=self.patience,
                checkpoints=self._checkpoints(workdir, resume, checkpoint_every, setting),
                resume=resume,
                threads=threads,
                progress=display,
                callbacks=callbacks,
            )
            return self.vectors(setting, words, text, provenance(encoded, epochs))

    def _opened(self, source: Any, like: Any = None) -> Any:
        """The source as what `_encoded` takes; a str or a list is read as `like` was."""
        if like is None or isinstance(source, Text):
            return Text.of(source)
        return dataclasses.replace(like, source=source)

    def _encoded(self, text: Any, **how: Any) -> Encoded:
        """The words that are kept, and the text in their ids; `how` is for `encode`."""
        return encode(text, min_count=self.min_count, max_vocab=self.max_vocab, **how)

    def _held_out(self, text: Any, **how: Any) -> Encoded:
        """Another text in the ids of the first; `how` is for `encode`."""
        return encode(text, **how)

    @abstractmethod
    def setting(self, words: Vocabulary, corpus: Corpus, init: Any = None, frozen: bool = False) -> Setting:
        """The tables, what is learnt from, and how."""

    @abstractmethod
    def vectors(self, setting: Setting, words: Vocabulary, text: Any, provenance: dict[str, Any]) -> Vectors:
        """What was learnt, without the padding; the tables of `setting` are used up."""

    def _corpora(
        self, encoded: Encoded, text: Any, validation: Any, threads: int | None
    ) -> tuple[Corpus, Corpus | None]:
        """What is learnt from, and what the loss is measured on."""
        if self.patience and validation is None:
            raise ConfigError("patience waits for the held-out loss to fall: give fit a validation share or text.")
        keep = encoded.vocabulary.keep_probability(self.subsample)
        corpus = Corpus(read_only(encoded.tokens), read_only(encoded.sentences), keep)
        if validation is None:
            return corpus, None
        if isinstance(validation, int | float):
            return split(corpus, validation)
        held_out = self._held_out(
            self._opened(validation, like=text), vocabulary=encoded.vocabulary.keys, threads=threads
        )
        return corpus, Corpus(read_only(held_out.tokens), read_only(held_out.sentences), keep)

    def _started(self, init: Any, frozen: bool) -> Vectors | None:
        """The vectors to start from; None: random numbers."""
        if frozen and init is None:
            raise ConfigError("frozen keeps the vectors of `init` as they are: give init too.")
        return init if init is None or isinstance(init, Vectors) else load_vectors(init)

    def _checkpoints(
        self, workdir: Any, resume: bool, checkpoint_every: str | float | None, setting: Setting
    ) -> Checkpoints | None:
        if not resume and checkpoint_every is None:
            return None
        if workdir is None:
            raise ConfigError("Checkpoints lie in workdir: give fit one, for resume and for checkpoint_every.")
        frozen = int(setting.tables.frozen.sum())
        run = {**self.to_dict(), "words": len(setting.corpus.keep), "tokens": setting.words, "frozen": frozen}
        every = seconds(checkpoint_every) if checkpoint_every is not None else float("inf")
        return Checkpoints(Path(workdir) / "checkpoints", run, every)

    def _objective(self, words: Vocabulary) -> Objective:
        if self.loss == "ns":
            return negative_sampling(words, self.negatives, self.ns_exponent, self.seed)
        return hierarchical_softmax(words) if self.loss == "hs" else Softmax(len(words))

    def _window(self, corpus: Corpus) -> Window:
        if isinstance(self.window, int):
            return Window(self.window, self.shrink_windows, self.num_skips or 0)
        longest = int(np.diff(corpus.sentences).max())
        if longest > _LONGEST_SENTENCE:
            raise ConfigError(
                f"window={self.window!r} pairs every two words of a {self.window}, and one here has {longest:,} words "
                f"(the most is {_LONGEST_SENTENCE:,}). Give a number, or shorter ones."
            )
        return Window(max(1, longest - 1), False, self.num_skips or 0)


def provenance(corpus: Encoded, epochs: Sequence[Epoch]) -> dict[str, Any]:
    """How the vectors came to be: what was read, and the loss of every pass."""
    return {
        "firth": firth.__version__,
        "numpy": np.__version__,
        "words_read": corpus.words_read,
        "words_kept": len(corpus.tokens),
        "sentences": len(corpus.sentences) - 1,
        "epochs": [{**dataclasses.asdict(epoch), "words_per_second": epoch.words_per_second} for epoch in epochs],
    }
