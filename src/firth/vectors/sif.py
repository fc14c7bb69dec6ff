"""Sentence vectors in which rare words count for more: SIF and uSIF.

    SIF     v = 1/n Σ a / (a + p(w)) · x(w),  a = 10⁻³; less its projection on the first singular vector of all v
    uSIF    v = 1/n Σ a / (a/2 + p(w)) · x'(w), x' the words' vectors with every coordinate scaled to length 1 over the
            text; less λ_i times its projection on each of the first five, λ_i = σ_i² / Σ σ²

p(w) the word's share of all words. a of uSIF follows from the vocabulary: a = (1 - α) / (α V/2), α the share of its V
words with p(w) > 1 - (1 - 1/V)^11, 11 words to a sentence. Arora, Liang & Ma 2017; Ethayarajh 2018.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.vectors.nearest import Floats
from firth.vectors.sentences import Bags

_A = 1e-3
_WORDS = 11  # of a sentence
_DIRECTIONS = {"sif": 1, "usif": 5}

Smooth = Literal["sif", "usif"]


def weighted(bags: Bags, counts: NDArray[np.int64] | None, pooling: Smooth) -> Floats:
    """The weighted means, before anything is taken out: f4[texts, dim]. A word that was made of n-grams has p = 0."""
    if counts is None or not counts.sum():
        raise InputError(
            f"pooling={pooling!r} weighs words by how often they come, and these vectors came without counts. "
            "Use 'mean', or save vectors in a format that keeps counts (native)."
        )
    share = np.concatenate([counts / counts.sum(), np.zeros(len(bags.others))])
    if pooling == "sif":
        return bags.weighted((_A / (_A + share[bags.rows])).astype(np.float32) * bags.shares)
    a = _usif_a(counts / counts.sum())
    weights = (a / (a / 2 + share)).astype(np.float32)
    found = np.zeros((len(bags.sizes), bags.table.shape[1]), np.float32)
    edges = np.concatenate([[0], np.cumsum(bags.sizes)])
    known = len(bags.table)
    for text in np.flatnonzero(bags.sizes).tolist():
        rows = bags.rows[edges[text] : edges[text + 1]]
        vectors = np.where((rows < known)[:, None], bags.table[np.minimum(rows, known - 1)], 0)
        if len(bags.others):
            vectors[rows >= known] = bags.others[rows[rows >= known] - known]
        length = np.sqrt(np.square(vectors).sum(axis=0))
        vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
        found[text] = weights[rows] @ vectors / len(rows)
    return found


def common(vectors: Floats, pooling: Smooth) -> Floats:
    """The directions to take out, f4[c, dim], each as long as the square root of the share that goes."""
    some = vectors[np.any(vectors, axis=1)]
    if len(some) < 2:
        raise InputError(
            f"pooling={pooling!r} takes out what texts have in common, and that needs at least two with known words; "
            "there are "
            f"{len(some)}. Give more texts at once, or common=vectors.common_directions(texts) of others."
        )
    _, sizes, directions = np.linalg.svd(some.astype(np.float64), full_matrices=False)
    squares = np.square(sizes[: _DIRECTIONS[pooling]])
    shares = squares / squares.sum()
    return np.asarray(directions[: len(shares)] * np.sqrt(shares)[:, None], np.float32)


def without(vectors: Floats, directions: Floats) -> Floats:
    """x - Σ (x·u) u for each row x and direction u."""
    return np.asarray(vectors - (vectors @ directions.T) @ directions, np.float32)


def _usif_a(shares: NDArray[np.float64]) -> float:
    words = len(shares)
    threshold = 1 - (1 - 1 / words) ** _WORDS
    alpha = max(1, int((shares > threshold).sum())) / words
    return max((1 - alpha) / (alpha * words / 2), 1e-30)  # 0 where every word is frequent
