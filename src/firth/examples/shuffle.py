"""Rows in another order every pass, without a list of that order: a number that is computed from a place.

A Feistel network with four rounds permutes the numbers below the next power of four; those that fall outside go through
it again (cycle walking), so what is left is a permutation of 0 … n - 1. Black & Rogaway 2002, "Ciphers with Arbitrary
Finite Domains". A training batch is so a pure function of the step: nothing has to be remembered to go on from it.
"""

import numpy as np
import numpy.typing as npt

_ROUNDS = 4


def shuffled(places: npt.NDArray[np.int64], n: int, seed: int, turn: int) -> npt.NDArray[np.int64]:
    """Which of `n` rows comes at each place 0 … n - 1 of pass `turn`.

    >>> sorted(shuffled(np.arange(5), 5, seed=1, turn=0).tolist())
    [0, 1, 2, 3, 4]
    """
    if n < 2:
        return np.zeros_like(places)
    half = np.uint64((int(n - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << int(half)) - 1)
    keys = np.random.default_rng([seed, turn]).integers(0, 2**64, _ROUNDS, np.uint64)
    found = places.astype(np.uint64)
    outside = np.ones(len(found), np.bool_)
    while outside.any():
        found[outside] = _once(found[outside], half, mask, keys)
        outside = found >= n
    return found.astype(np.int64)


def _once(
    numbers: npt.NDArray[np.uint64], half: np.uint64, mask: np.uint64, keys: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    left, right = numbers >> half, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mixed(right ^ key) & mask)
    return (left << half) | right


def _mixed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
