"""Noise words, read from a shuffled table in an order that keeps their rows in the cache.

    first_draw(objective, key, number)    where a block's noise begins
    next_draw(objective, at, n)           `at`, or the table's start where fewer than n words are left
    noise_word(objective, at)             the word of draw number `at`

The table is read in groups, each eight times before the next one: only the first time do its words' rows come from
memory. A group lasts for sixteen windows or more, so a draw comes again where the context is another. Where words
are few each group is read once: their rows are near anyhow (decision 011).
"""

from firth.kernels.compiled import inlined
from firth.kernels.rng import below, random_bits

_NOISE = 1 << 62  # positions of the random stream from here on are for noise, one per block
_WINDOWS = 16
_WORDS = 256  # groups that would hold them all: where there are fewer, a group is too large a part of them
TURNS = 3  # a group is read 2^3 times


def group_for(negatives: int) -> int:
    """The size of a group as a power of two, so that `negatives` words a window last for `_WINDOWS` windows."""
    return (_WINDOWS * negatives - 1).bit_length()


def turns_for(negatives: int, words: int) -> int:
    """How often a group is read where there are so many words, as a power of two."""
    return TURNS if words >= _WORDS << group_for(negatives) else 0


@inlined
def first_draw(objective, key, number):  # type: ignore[no-untyped-def]
    groups = objective.noise.size >> objective.group
    return below(random_bits(key, _NOISE + number), groups) << (objective.group + objective.turns)


@inlined
def next_draw(objective, at, n):  # type: ignore[no-untyped-def]
    groups = ((at + n) >> (objective.group + objective.turns)) + 1
    return at if groups << objective.group <= objective.noise.size else 0


@inlined
def noise_word(objective, at):  # type: ignore[no-untyped-def]
    group, place = at >> (objective.group + objective.turns), at & ((1 << objective.group) - 1)
    return objective.noise[(group << objective.group) + place]
