"""The slow twin of `kernels.rng`: splitmix64 (Steele, Lea & Flood 2014) in Python's own integers."""

_MASK = 2**64 - 1


def random_bits(key: int, position: int) -> int:
    """64 random bits: output number `position` of the stream `key`; any position can be asked for by itself.

    >>> hex(random_bits(0, 0))  # the generator's published first output for seed 0
    '0xe220a8397b1dcdaf'
    """
    x = (key + (position + 1) * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def uniform(bits: int) -> float:
    """A number in [0, 1) from the upper 24 bits.

    >>> uniform(2**63)
    0.5
    """
    return (bits >> 40) / 2**24


def below(bits: int, n: int) -> int:
    """A whole number in 0 … n - 1 from the lower 32 bits.

    >>> [below(bits, 5) for bits in (0, 2**31, 2**32 - 1)]
    [0, 2, 4]
    """
    return ((bits & 0xFFFFFFFF) * n) >> 32
