"""Random numbers as a pure function of a key and a position: no state, so any thread may draw any of them.

The generator is splitmix64 (Steele, Lea & Flood 2014), whose n-th output is a mix of key + n · gamma.
"""

import numpy as np

from firth.kernels.compiled import inlined

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_2_POW_MINUS_24 = np.float32(2.0**-24)


@inlined
def random_bits(key, position):  # type: ignore[no-untyped-def]
    """64 random bits, u8: the `position`-th output of the stream `key` (u8)."""
    x = key + np.uint64(position + 1) * _GAMMA
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


@inlined
def uniform(bits):  # type: ignore[no-untyped-def]
    """f4 in [0, 1) from the upper 24 bits."""
    return np.float32(bits >> np.uint64(40)) * _2_POW_MINUS_24


@inlined
def below(bits, n):  # type: ignore[no-untyped-def]
    """i8 in 0 … n - 1 from the lower 32 bits; n < 2^31."""
    return np.int64(((bits & np.uint64(0xFFFFFFFF)) * np.uint64(n)) >> np.uint64(32))
