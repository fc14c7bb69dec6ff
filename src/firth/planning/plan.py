"""`firth.plan`: what a run would need, and whether this machine has it."""

import contextlib
import dataclasses
import math
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from firth import machine
from firth.config import Config
from firth.corpus.text import Text
from firth.errors import ConfigError, DiskFullError, EmptyVocabularyError, MemoryLimitError
from firth.models.word2vec import Word2Vec
from firth.planning import sizes
from firth.planning.advice import Facts, advice
from firth.planning.growth import Floats, extrapolated, heaps_exponent, zipf_slope
from firth.planning.look import Look, look
from firth.planning.sample import Sample, sampled
from firth.planning.trial import Speed, try_out
from firth.tokens.encoded import Encoded, encode, most_words
from firth.training.course import checked_threads

_MEGABYTES = 32.0
_SAFETY = 0.9  # of the room: a prediction is not a measurement


@dataclass(frozen=True)
class Plan:
    """What `firth.plan` found: facts of the text, and predictions for a run. `print` it, or ask for a number."""

    source: str
    config: Config
    threads: int
    sampled: float
    """The share of the source that was read; 1: all of it, and then the numbers of words are no estimates."""
    spread: bool
    """Whether the sample comes from all over the source, or from its beginning only."""
    look: Look
    bad_bytes: int
    """Bytes of the sample that are not UTF-8."""
    words: int
    """Running words in the text."""
    sentence: float
    """Words in a sentence, on average."""
    distinct: int
    """Distinct words."""
    vocabulary: int
    """Words that come `min_count` times: those that get a vector."""
    kept: int
    """Running words that are in the vocabulary."""
    learnt: float
    """The share of those that subsampling leaves, in each pass."""
    zipf_slope: float
    """Of log count over log rank; NaN for a tiny text."""
    heaps_exponent: float
    """How fast new words come: distinct ∝ words^this; NaN for a tiny text."""
    memory: sizes.Memory
    memory_room: int | None
    """Bytes of memory left to this process; None where the system does not say."""
    encoded_bytes: int
    """Temporary files while the text is read."""
    disk_room: int
    model_bytes: int
    """The saved model."""
    reading_seconds: float
    words_per_second: float | None
    """Of the kernel, in a trial on this machine; None where the run would not fit."""
    training_seconds: float | None
    advice: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """Reading and training; None where the run would not fit."""
        return None if self.training_seconds is None else self.reading_seconds + self.training_seconds

    @property
    def fits(self) -> bool:
        """Whether this machine has the memory and the disk."""
        return not self._refusals()

    def check(self) -> None:
        """Raise MemoryLimitError or DiskFullError where the run would not fit."""
        for refusal in self._refusals():
            raise refusal

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            **plain,
            "config": {"name": self.config.name, **self.config.to_dict()},
            "look": dataclasses.asdict(self.look),
            "memory": {**dataclasses.asdict(self.memory), "peak": self.memory.peak},
            "advice": list(self.advice),
            "seconds": self.seconds,
            "fits": self.fits,
        }

    def rows(self) -> list[tuple[str, str]]:
        """(what, how much) for people."""
        about = "" if self.sampled == 1 else "about "
        where = "all over it" if self.spread else "its beginning only"
        sample = "all of it" if self.sampled == 1 else f"{self.sampled:.1%} of it, from {where}"
        scripts = ", ".join(f"{name} {share:.0%}" for name, share in list(self.look.scripts.items())[:3])
        memory, room = self.memory, self.memory_room
        return [
            ("source", self.source),
            ("read", sample),
            ("words", f"{about}{self.words:,}, {self.sentence:,.1f} a sentence"),
            ("distinct words", f"{about}{self.distinct:,}"),
            ("vocabulary", f"{about}{self.vocabulary:,} words"),
            ("Zipf, Heaps", f"slope {self.zipf_slope:.2f}, exponent {self.heaps_exponent:.2f}"),
            ("script", scripts or "no letters"),
            ("language", self.look.language or "not known"),
            ("repeated lines", f"{self.look.duplicates:.1%}"),
            ("longest line", f"{self.look.longest:,} bytes"),
            ("bytes not UTF-8", f"{self.bad_bytes:,}"),
            ("", ""),
            ("memory", f"about {_bytes(memory.peak)} at the peak" + (f"; {_bytes(room)} are left" if room else "")),
            ("", f"vectors {_bytes(memory.tables)}, reading {_bytes(memory.reading)}, text {_bytes(memory.text)}"),
            ("disk", f"{_bytes(self.encoded_bytes)} while it runs ({_bytes(self.disk_room)} are free)"),
            ("model", f"about {_bytes(self.model_bytes)}"),
            ("time", self._time()),
        ]

    def __str__(self) -> str:
        lines = [f"{name:<16}{value}".rstrip() for name, value in self.rows()]
        lines += ["", *(f"! {refusal}" for refusal in self._refusals()), *(f"- {line}" for line in self.advice)]
        return "\n".join(lines).rstrip()

    def _time(self) -> str:
        if self.words_per_second is None or self.training_seconds is None:
            return "not tried: it would not fit"
        speed = f"{self.words_per_second / 1e6:.2f} M words/s with {self.threads} thread{'s'[: self.threads - 1]}"
        parts = f"reading {_duration(self.reading_seconds)}, training {_duration(self.training_seconds)}"
        return f"about {_duration(self.reading_seconds + self.training_seconds)}: {parts} ({speed})"

    def _refusals(self) -> list[MemoryLimitError | DiskFullError]:
        refusals: list[MemoryLimitError | DiskFullError] = []
        needed = self.memory.needed
        if self.memory_room is not None and needed > self.memory_room:
            refusals.append(
                MemoryLimitError(
                    f"The run needs about {_bytes(needed)} of memory ({self.vocabulary:,} words × {self._dim()}: "
                    f"{_bytes(self.memory.tables)}), but only {_bytes(self.memory_room)} are left to this "
                    f"process. {self._cure()}"
                )
            )
        if self.encoded_bytes > self.disk_room:
            refusals.append(
                DiskFullError(
                    f"The encoded text needs about {_bytes(self.encoded_bytes)} on the disk while it is made, but only "
                    f"{_bytes(self.disk_room)} are free. Give a workdir on a larger disk, or set TMPDIR."
                )
            )
        return refusals

    def _dim(self) -> int:
        return int(self.config.to_dict()["dim"])

    def _cure(self) -> str:
        """The largest vocabulary that would fit, or the dim."""
        assert self.memory_room is not None, "without a limit everything fits"
        for_words = self.memory.learning
        left = _SAFETY * self.memory_room
        if left <= self.memory.reading:
            return "Counting its words alone needs more: give a part of the text."
        words = int(self.vocabulary * left / for_words)
        dim = int(self._dim() * left / for_words)
        return f"max_vocab={words:,} or dim={max(1, dim)} would fit; a higher min_count needs less too."


def plan(
    source: Any,
    config: Word2Vec | None = None,
    *,
    threads: int | None = None,
    megabytes: float = _MEGABYTES,
    workdir: str | PathLike[str] | None = None,
) -> Plan:
    """Say what `config.fit(source)` would need, from a sample of the source and a short trial of the kernel.

    config     a model; None: Word2Vec with its defaults
    threads    None: as many as this process may use
    megabytes  of text to read, at most; a smaller source is read whole, and then words are no estimates
    workdir    the folder for the encoded text, whose disk is asked for room; None: the temporary folder

    >>> found = plan([["to", "be", "or", "not", "to", "be"]] * 50, Word2Vec(dim=8), threads=1)
    >>> found.words, found.vocabulary, found.fits
    (300, 4, True)

    A run that cannot fit is found out before anything large is allocated: `fits` is False then, and `check()` raises
    MemoryLimitError or DiskFullError. Raises EmptyVocabularyError where no word would be left, InputError for a source
    that can be read only once, and what reading the source raises.
    """
    config = Word2Vec() if config is None else config
    if not isinstance(config, Word2Vec):
        raise ConfigError(f"config must be a model such as firth.Word2Vec(dim=100), not {config!r}.")
    if not 0 < megabytes < math.inf:
        raise ConfigError(f"megabytes must be a number above 0, not {megabytes!r}.")
    threads = checked_threads(threads)
    text = Text.of(source)
    with sampled(text, math.ceil(megabytes * 1e6)) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what they would say of the sample, advice says of the text
        seen = look(part.text)
        with encode(part.text, min_count=1, threads=threads) as encoded:
            reading = (_reading(part.text, config.min_count, threads) + part.unpacking) / part.share
            return _predicted(text, config, threads, workdir, part, seen, encoded, reading)


def _predicted(
    text: Text,
    config: Word2Vec,
    threads: int,
    workdir: str | PathLike[str] | None,
    part: Sample,
    seen: Look,
    encoded: Encoded,
    reading: float,
) -> Plan:
    ratio = 1 / part.share
    all_counts = extrapolated(encoded.vocabulary.counts, ratio)
    counts = all_counts[all_counts >= config.min_count][: config.max_vocab]
    words = round(encoded.words_read * ratio)
    if not len(counts):
        raise EmptyVocabularyError(
            f"None of the about {words:,} words comes min_count={config.min_count} times. Lower min_count or give more "
            "text."
        )
    kept = min(words, round(float(counts.sum())))
    sentences = max(1, round((len(encoded.sentences) - 1) * ratio))
    distinct = min(len(all_counts), most_words())
    memory = sizes.memory(config, len(counts), distinct, sentences, threads)
    unmeasured = Plan(
        source=str(text.source) if text.names_files() else f"a {type(text.source).__name__}",
        config=config,
        threads=threads,
        sampled=part.share,
        spread=part.spread,
        look=seen,
        bad_bytes=encoded.bad_bytes,
        words=words,
        sentence=words / sentences,
        distinct=distinct,
        vocabulary=len(counts),
        kept=kept,
        learnt=_learnt(counts, config.subsample),
        zipf_slope=zipf_slope(encoded.vocabulary.counts),
        heaps_exponent=heaps_exponent(np.asarray(encoded.tokens)),
        memory=memory,
        memory_room=machine.memory_available(),
        encoded_bytes=sizes.encoded(words, kept, sentences),
        disk_room=shutil.disk_usage(workdir or tempfile.gettempdir()).free,
        model_bytes=sizes.model(config, len(counts), _letters(encoded, config.min_count * part.share)),
        reading_seconds=reading,
        words_per_second=None,
        training_seconds=None,
        advice=(),
    )
    speed = try_out(config, counts, unmeasured.sentence, threads) if unmeasured.fits else None
    return dataclasses.replace(
        unmeasured,
        words_per_second=speed.words_per_second if speed else None,
        training_seconds=_training(config, kept, speed) if speed else None,
        advice=tuple(advice(Facts.of(unmeasured, text, encoded, counts))),
    )


def _reading(text: Text, min_count: int, threads: int) -> float:
    """Seconds that reading the sample takes, as a run reads it. (It was read before: no first times are in it.)"""
    began = time.perf_counter()
    with contextlib.suppress(EmptyVocabularyError), encode(text, min_count=min_count, threads=threads):
        pass
    return time.perf_counter() - began


def _training(config: Word2Vec, kept: int, speed: Speed) -> float:
    return speed.preparing + config.epochs * kept / speed.words_per_second


def _learnt(counts: Floats, subsample: float) -> float:
    """The share of running words that subsampling leaves; the formula is Vocabulary.keep_probability's."""
    if not subsample:
        return 1.0
    ratio = subsample * counts.sum() / counts
    return float(np.minimum(1.0, np.sqrt(ratio) + ratio) @ counts / counts.sum())


def _letters(encoded: Encoded, least: float) -> float:
    """Bytes of a word that comes `least` times in the sample, on average."""
    keys = encoded.vocabulary.keys[: max(1, int(np.count_nonzero(encoded.vocabulary.counts >= least)))]
    return len("".join(keys).encode("utf-8", "replace")) / len(keys)


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
