"""Planning: how fast the real kernel is here and now, on words drawn as the whole text would have them."""

import dataclasses
import time
from dataclasses import dataclass

import numpy as np

from firth.kernels.shallow import Corpus
from firth.models.word2vec import Word2Vec
from firth.planning.growth import Floats
from firth.training.blocks import Setting, read_only
from firth.training.shallow import passes
from firth.vocabulary import Vocabulary

_LONG_ENOUGH = 0.4  # seconds
_FIRST, _GROWTH, _MOST = 1 << 6, 16, 1 << 23  # words


@dataclass(frozen=True)
class Speed:
    """What the trial found."""

    words_per_second: float
    """Words of the vocabulary passed over, before subsampling."""
    preparing: float
    """Seconds to make the tables and the noise."""


def try_out(config: Word2Vec, counts: Floats, sentence: float, threads: int | None) -> Speed:
    """Train on random words with the predicted `counts`, f8[words], in sentences of so many words, for half a second.

    The tables have the size that they will have, so what memory costs is in the figure. Runs grow until one
    takes long enough; compiling is not counted.
    """
    whole = np.maximum(1, np.round(counts)).astype(np.int64)
    words = Vocabulary([str(word) for word in range(len(whole))], whole)
    keep = words.keep_probability(config.subsample)
    random = np.random.default_rng(config.seed)
    edges = np.cumsum(whole / whole.sum())
    setting, preparing, size = None, 0.0, _FIRST
    while True:
        tokens = np.searchsorted(edges, random.random(size)).clip(max=len(words) - 1).astype(np.int32)
        corpus = Corpus(read_only(tokens), read_only(_sentences(size, sentence)), keep)
        if setting is None:
            began = time.perf_counter()
            setting = config.setting(words, corpus)
            preparing = time.perf_counter() - began
            passes(dataclasses.replace(setting, corpus=_few(corpus), epochs=1), threads=threads)  # compiles
        setting = dataclasses.replace(setting, corpus=corpus, epochs=1)
        seconds = _timed(setting, threads)
        if seconds >= _LONG_ENOUGH:  # once more: the first time, something else may have had the processor
            seconds = min(seconds, _timed(setting, threads))
        if seconds >= _LONG_ENOUGH or size >= _MOST:
            return Speed(size / seconds, preparing)
        size = min(_MOST, int(size * max(2.0, min(_GROWTH, 1.3 * _LONG_ENOUGH / seconds))))


def _timed(setting: Setting, threads: int | None) -> float:
    began = time.perf_counter()
    passes(setting, threads=threads)
    return time.perf_counter() - began


def _sentences(words: int, length: float) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Where sentences of about `length` words begin, and the last one ends: i8[sentences + 1]."""
    return np.append(np.arange(0, words, max(1, round(length)), dtype=np.int64), words)


def _few(corpus: Corpus) -> Corpus:
    words = min(64, len(corpus.tokens))
    return Corpus(read_only(corpus.tokens[:words]), read_only(_sentences(words, words)), corpus.keep)
