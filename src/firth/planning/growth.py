"""Planning, second step: from the counts of a sample to those of the whole text.

Zipf's law says how words are spread: few come often, and the tail never ends. How thick the tail is shows in the
sample's frequency spectrum, the number of words that come once, twice, … (Good 1953; Baayen 2001).
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

# Occurrences that the fit looks at: a word that came at least 64 times is known well enough to be scaled.
_LEVELS = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
# How often a word is expected in the sample, from one seen in a sample of a hundred thousand such up to the known.
_LOG_RATES = np.linspace(math.log(1e-5), math.log(1e4), 400)
_ENOUGH = 100  # distinct words; fewer say nothing about those not seen
_HEAD = 10  # the most frequent words do not follow the law


def extrapolated(counts: Counts, ratio: float) -> Floats:
    """The counts of a text `ratio` times as long as the sample with `counts`: f8[words], descending, each at least 1.

    Words seen 64 times or more are scaled. How many words come k times or more is the geometric mean of two fits to the
    sample's spectrum: a tail that is a power law, which promises too many new words, and one that bends (log-normal),
    which promises too few. On Wikipedia the mean is within 12% for ratios up to 64 (docs/plan.md).

    >>> extrapolated(np.array([6, 2, 1]), 1.0).tolist()
    [6.0, 2.0, 1.0]
    """
    counts = np.sort(counts[counts > 0])[::-1]
    if ratio <= 1 or len(counts) < _ENOUGH:
        return counts.astype(np.float64) * max(1.0, ratio)
    known = counts[counts >= _LEVELS[-1]] * ratio
    levels: Floats = np.unique(np.round(np.geomspace(1, int(_LEVELS[-1]) * ratio, 60))).astype(np.float64)
    ranks = np.sqrt(_words_above(counts, levels, ratio, bends=False) * _words_above(counts, levels, ratio, bends=True))
    words = max(len(counts), round(float(ranks[0])))
    ranks[-1] = max(len(known), 1)
    ranks = np.minimum.accumulate(np.maximum(ranks, ranks[-1]))
    tail = np.interp(np.log(np.arange(len(known) + 1, words + 1)), np.log(ranks[::-1]), np.log(levels[::-1]))
    return np.concatenate([known, np.floor(np.exp(tail) + 1e-6)])


def _words_above(counts: Counts, levels: Floats, ratio: float, *, bends: bool) -> Floats:
    """How many words come at least `levels` times in a text `ratio` times as long: f8[levels].

    Words whose expected count in the sample is e^x are λ(x) = exp(a - b x - c x²) many, and each comes as often as a
    Poisson variable. a, b (and c, where the tail bends) fit the number of words above each level to the observed one.
    """
    from scipy.optimize import least_squares
    from scipy.special import gammainc

    step = _LOG_RATES[1] - _LOG_RATES[0]
    rates = np.exp(_LOG_RATES)
    observed = np.log([np.count_nonzero(counts >= level) + 0.5 for level in _LEVELS])
    above = np.array([gammainc(level, rates) for level in _LEVELS])  # P(Poisson(rate) >= level)

    def density(law: Floats) -> Floats:
        bend = law[2] if bends else 0.0
        return np.asarray(np.exp(np.clip(law[0] - law[1] * _LOG_RATES - bend * _LOG_RATES**2, -50, 50)))

    def errors(law: Floats) -> Floats:
        return np.asarray(np.log(above @ density(law) * step + 1e-9) - observed)

    start = [math.log(max(1, int(np.count_nonzero(counts == 1)))), 0.7, 0.02][: 3 if bends else 2]
    law = least_squares(errors, start, bounds=([-50, -2, 0][: len(start)], [50, 3, 2][: len(start)])).x
    return np.array([gammainc(level, ratio * rates) @ density(law) * step for level in levels])


def zipf_slope(counts: npt.ArrayLike) -> float:
    """The slope of log count over log rank, by least squares over ranks that are evenly spaced in the logarithm.

    About -1 for natural text; NaN for fewer than 100 words. The ten most frequent words and those that come once are
    left out.

    >>> round(zipf_slope(10_000 / np.arange(1, 2_000)), 3)
    -1.0
    """
    ordered = np.sort(np.asarray(counts, np.float64))[::-1]
    last = int(np.count_nonzero(ordered > 1))
    if last < _ENOUGH:
        return math.nan
    ranks = np.unique(np.round(np.geomspace(_HEAD, last, 50)).astype(np.int64))
    return float(np.polyfit(np.log(ranks), np.log(ordered[ranks - 1]), 1)[0])


def heaps_exponent(tokens: npt.NDArray[np.int32]) -> float:
    """β of Heaps' law, distinct words ∝ words^β, over the last doubling of the tokens, i4[n]; NaN for too few words.

    1: every word is new; .5 to .7: natural text; 0: no new words any more. The half is every second one of 256 parts,
    for the subject changes from place to place.
    """
    parts = np.array_split(tokens, 256)
    half, all_of_it = len(np.unique(np.concatenate(parts[::2]))), len(np.unique(tokens))
    return math.log2(all_of_it / half) if half >= _ENOUGH else math.nan


def smallest_count(counts: Floats, most: int) -> int:
    """The lowest min_count that keeps `most` words at most; `counts` are descending.

    >>> smallest_count(np.array([9.0, 5.0, 5.0, 2.0]), 2)
    6
    """
    return 1 if len(counts) <= most else int(counts[most]) + 1
