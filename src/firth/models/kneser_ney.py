"""Interpolated modified Kneser-Ney smoothing: what the counts of n-grams say about the words that come next.

Kneser & Ney 1995, "Improved backing-off for m-gram language modeling"; Chen & Goodman 1999, "An empirical study of
smoothing techniques for language modeling"; Heafield et al. 2013, "Scalable modified Kneser-Ney language model
estimation", whose treatment of `<s>`, `</s>` and words that were never seen this follows.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from firth.examples.ngrams import Table
from firth.kernels import ngrams as kernels

_FALLBACK = (0.5, 1.0, 1.5)  # KenLM's --discount_fallback, for texts too small to say
NEVER = -99.0
"""log10 of the probability of `<s>`, which is never predicted, as ARPA files have it."""


class Estimate(NamedTuple):
    """The probabilities of a table's rows."""

    log10: npt.NDArray[np.float32]
    """f4[rows], log10 p(last word | the others)."""
    backoff: npt.NDArray[np.float32]
    """f4[contexts], log10 γ."""
    discounts: list[list[float]]
    """D(1), D(2), D(3 and more) of each length."""


def estimate(table: Table, start: int, discount: float | None = None) -> Estimate:
    """Probabilities of all n-grams, and the back-off weights of their contexts.

    start     the word `<s>`
    discount  one for all n-grams; None: three for each length, from the counts
    """
    words, order = table.firsts[1], len(table.firsts) - 1
    counts = _adjusted(table, start)
    p, gamma = np.zeros(len(counts), np.float32), np.zeros(len(table.starts) - 1, np.float32)
    found = [discounts(counts[table.rows(n)], discount) for n in range(1, order + 1)]
    taken = np.array([0.0, *found[0]])[np.minimum(counts[:words], 3)]
    total = max(1, int(counts[:words].sum()))
    p[:words] = (counts[:words] - taken) / total + taken.sum() / total / (words - 1)  # all words but <s>
    for n in range(2, order + 1):
        weights = np.array([0.0, *found[n - 1]])
        lowest, highest = table.firsts[n - 2], table.firsts[n - 1]
        kernels.kneser_ney(table.starts, table.suffixes, counts, weights, lowest, highest, p, gamma)
    with np.errstate(divide="ignore"):  # a discount of 0 leaves nothing to words that were not seen
        np.log10(p, out=p)
        np.log10(gamma, out=gamma)
    p[start] = NEVER
    return Estimate(p, gamma, found)


def discounts(counts: npt.NDArray[np.int32], discount: float | None = None) -> list[float]:
    """D(k) = k - (k + 1) Y t_(k+1) / t_k for k = 1, 2, 3, with Y = t_1 / (t_1 + 2 t_2) (Chen & Goodman 1999, eq. 26).

    t_k is how many n-grams are counted k times. A text too small for that gets ½, 1 and 3/2.
    """
    if discount is not None:
        return [discount] * 3
    t = [float(np.count_nonzero(counts == k)) for k in range(5)]
    if all(t[1:4]):
        y = t[1] / (t[1] + 2 * t[2])
        found = [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
        if all(0 <= d <= k for k, d in enumerate(found, 1)):
            return [float(d) for d in found]
    return list(_FALLBACK)


def _adjusted(table: Table, start: int) -> npt.NDArray[np.int32]:
    """i4[rows]: of the longest n-grams how often they come, of shorter ones after how many different words.

    Nothing stands before `<s>`: n-grams that begin with it keep their counts.
    """
    order = len(table.firsts) - 1
    counts = table.counts.copy()
    low, high = start, start + 1  # the rows that begin with <s>, which stand together
    for n in range(1, order):
        rows, longer = table.rows(n), table.rows(n + 1)
        kept = counts[low:high].copy()
        counts[rows] = 0
        kernels.different_before(table.suffixes[longer], counts)
        counts[low:high] = kept
        low, high = int(table.starts[low]), int(table.starts[high])
    counts[start] = 0
    return counts
