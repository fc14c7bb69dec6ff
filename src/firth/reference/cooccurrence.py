"""The slow twin of `examples.cooccurrence`: how often words stand near each other, and what chance would have it."""

from collections import defaultdict
from collections.abc import Iterable
from math import log

Pairs = dict[tuple[str, str], float]


def cooccurrences(
    sentences: Iterable[list[str]], window: int, side: str = "both", weighting: str = "distance"
) -> Pairs:
    """X[i, j]: for each place of i, every j within `window` words on that side of it counts 1/distance, or 1.

    >>> cooccurrences([["a", "b", "c"]], 2, side="right")
    {('a', 'b'): 1.0, ('a', 'c'): 0.5, ('b', 'c'): 1.0}
    """
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for sentence in sentences:
        for p, word in enumerate(sentence):
            for q, other in enumerate(sentence):
                distance = q - p if side == "right" else p - q if side == "left" else abs(p - q)
                if 0 < distance <= window:
                    found[word, other] += 1 / distance if weighting == "distance" else 1.0
    return dict(found)


def ppmi(counts: Pairs, shift: float = 1.0, smoothing: float = 0.75) -> Pairs:
    """max(0, ln(p(i, j) / (p(i) p(j))) - ln shift), with p(j) ∝ (Σ_i X_ij)^smoothing; the cells above 0.

    Church & Hanks 1990; shift and smoothing: Levy, Goldberg & Dagan 2015.
    """
    of_word: defaultdict[str, float] = defaultdict(float)
    of_context: defaultdict[str, float] = defaultdict(float)
    for (i, j), x in counts.items():
        of_word[i] += x
        of_context[j] += x
    smoothed = {j: x**smoothing for j, x in of_context.items()}
    total = sum(smoothed.values())
    scores = {(i, j): log(x / (of_word[i] * smoothed[j] / total)) - log(shift) for (i, j), x in counts.items()}
    return {pair: score for pair, score in scores.items() if score > 0}
