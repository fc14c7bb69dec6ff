"""Would another seed say the same? The model learnt several times, and how often each neighbour returns."""

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from firth.errors import ConfigError
from firth.vectors.table import Vectors

_TRUSTED = 0.5  # of a word's neighbours that two runs share, at least, for the word to be believed
_PER_BAND = 100  # words looked at in each band of counts


class Model(Protocol):
    """What is learnt several times: a config with a seed, as `Word2Vec`."""

    def replace(self, **changes: Any) -> "Model": ...
    def fit(self, source: Any, **run: Any) -> Vectors: ...


@dataclass(frozen=True)
class Returning:
    """A neighbour, and how often it is one."""

    key: str
    returns: float
    """Share of the runs in which it is among the `topn` nearest."""
    similarity: float
    """Mean cosine over all runs."""


@dataclass(frozen=True)
class Band:
    """Words that come about as often as each other."""

    low: int
    high: int
    """Counts, both inclusive."""
    words: int
    kept: float
    """Mean share of a word's nearest that two runs have in common."""


@dataclass(frozen=True)
class Stability:
    """What `stability` found; `print` it, and ask it for `neighbours`."""

    runs: tuple[Vectors, ...]
    """One for each seed, turned onto the first."""
    topn: int
    bands: tuple[Band, ...]
    """From rare to frequent."""

    @property
    def trusted_from(self) -> int | None:
        """The count of the rarest words of which two runs share half of the neighbours or more; None: of none.

        A band of a few very frequent words may share less: the words of a language's grammar are near to everything.
        """
        return next((band.low for band in self.bands if band.kept >= _TRUSTED), None)

    def neighbours(self, key: str) -> list[Returning]:
        """All that is near a key in any run, what returns most often first, `topn` of them.

        Warns (RuntimeWarning) of a key that is too rare to be believed. Raises UnknownKeyError.
        """
        count = self.runs[0].get_vecattr(key, "count")
        if self.trusted_from is None or count < self.trusted_from:
            enough = f"from {self.trusted_from:,} times on" if self.trusted_from else "of no word here"
            warnings.warn(
                f"{key!r} comes {count:,} times, too rarely to trust: two runs agree on half its neighbours {enough}.",
                RuntimeWarning,
                stacklevel=2,
            )
        near = [{other for other, _ in run.most_similar(key, topn=self.topn)} for run in self.runs]
        found = [
            Returning(
                other,
                sum(other in each for each in near) / len(near),
                float(np.mean([run.similarity(key, other) for run in self.runs])),
            )
            for other in set().union(*near)
        ]
        return sorted(found, key=lambda each: (-each.returns, -each.similarity, each.key))[: self.topn]

    def kept(self, key: str) -> float:
        """Mean share of the `topn` nearest of a key that two runs have in common."""
        return float(_kept(self.runs, [key], self.topn)[0])

    def steadiness(self, key: str) -> float:
        """Mean cosine of a key's vectors, all turned onto the first run, with their mean: 1 where no run differs."""
        units = np.stack([run.get_vector(key, norm=True) for run in self.runs])
        mean = units.mean(axis=0)
        return float((units @ mean).mean() / (np.linalg.norm(mean) or 1))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "seeds": len(self.runs),
            "topn": self.topn,
            "trusted_from": self.trusted_from,
            "bands": [asdict(band) for band in self.bands],
        }

    def rows(self) -> list[tuple[object, ...]]:
        """(count from, to, words looked at, share kept) of each band."""
        return [(band.low, band.high, band.words, band.kept) for band in self.bands]

    def __str__(self) -> str:
        lines = [f"{len(self.runs)} seeds; of a word's {self.topn} nearest, two runs share"]
        lines += [f"  {band.kept:4.0%}  of words that come {band.low:,} to {band.high:,} times" for band in self.bands]
        return "\n".join([*lines, self.advice()])

    def advice(self) -> str:
        """Which words not to trust."""
        if self.trusted_from is None:
            return "No band of words keeps half of its neighbours: this text is too small for the model."
        if self.trusted_from <= self.bands[0].low:
            return "Every band of words keeps half of its neighbours or more."
        return f"Do not trust the neighbours of words that come fewer than {self.trusted_from:,} times."


def stability(
    model: Model,
    source: Any,
    seeds: int | Sequence[int] = 5,
    *,
    topn: int = 10,
    threads: int | None = None,
    progress: bool | None = None,
    report: Callable[[str], object] | None = None,
) -> Stability:
    """Learn a model once for each seed, and compare the neighbours.

    model    `firth.Word2Vec(…)`, or any config that has a seed
    source   what `fit` takes; read once, where it is files
    seeds    how many, from the model's own on, or the seeds themselves; at least two
    topn     neighbours that are compared
    report   is called with a line before each run

    Runs with more than one thread differ even with equal seeds, and that is part of what is measured. Tables are
    turned onto the first one (orthogonal Procrustes). Wendlandt, Kummerfeld & Mihalcea 2018; Antoniak & Mimno 2018.

    >>> import firth
    >>> text = [["oak", "leaf", "elm", "leaf"], ["car", "wheel", "bus", "wheel"]] * 50
    >>> found = firth.stability(firth.Word2Vec(dim=8, min_count=1), text, seeds=2, topn=2, threads=1)
    >>> len(found.runs), 0 <= found.kept("oak") <= 1
    (2, True)

    Raises ConfigError for fewer than two seeds, and what `fit` raises.
    """
    first = int(getattr(model, "seed", 1))
    numbers = list(range(first, first + seeds)) if isinstance(seeds, int) else list(seeds)
    if len(set(numbers)) < 2:
        raise ConfigError(f"Stability compares runs: give at least two different seeds, not {seeds!r}.")
    if topn < 1:
        raise ConfigError(f"topn must be at least 1, not {topn}.")
    runs: list[Vectors] = []
    with tempfile.TemporaryDirectory(prefix="firth-") as folder:  # the text is encoded once
        for place, seed in enumerate(numbers, 1):
            if report:
                report(f"run {place} of {len(numbers)}, seed {seed}")
            found = model.replace(seed=seed).fit(source, workdir=folder, threads=threads, progress=progress)
            runs.append(found.align(runs[0], restrict_vocab=None) if runs else found)
    return Stability(tuple(runs), topn, tuple(_bands(runs, topn)))


def _bands(runs: Sequence[Vectors], topn: int) -> list[Band]:
    """Words by the power of two of their counts; of each band up to 100 words, spread evenly, are looked at."""
    counts = runs[0].counts
    assert counts is not None, "models count their words"
    powers = np.log2(np.maximum(counts, 1)).astype(int)
    bands = []
    for power in np.unique(powers):
        rows = np.flatnonzero(powers == power)
        chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(_PER_BAND, len(rows))).astype(int))]
        keys = [runs[0].index_to_key[row] for row in chosen]
        low, high = int(counts[rows].min()), int(counts[rows].max())
        bands.append(Band(low, high, len(keys), float(_kept(runs, keys, topn).mean())))
    return bands


def _kept(runs: Sequence[Vectors], keys: list[str], topn: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """For each key the mean share of its nearest that two runs have in common, f8[keys]."""
    near = [[{key for key, _ in found} for found in run.nearest(keys, topn)] for run in runs]
    shares = [
        [len(one & other) / max(1, len(one)) for one, other in zip(*pair, strict=True)]
        for pair in combinations(near, 2)
    ]
    return np.asarray(np.mean(shares, axis=0))
