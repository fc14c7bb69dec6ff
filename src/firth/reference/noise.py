"""Noise words from a table, group after group, each group several times."""

from collections.abc import Sequence

from firth.reference.rng import below, random_bits


class Noise:
    """Draws `count` words at a time, for one block from a place that differs for every block.

    A group has the least power of two that is 16 · count or more, and is read `turns` times.
    """

    def __init__(self, words: Sequence[int], count: int, key: int, number: int, turns: int = 8) -> None:
        self.words, self.count, self.turns, self.group = words, count, turns, 1
        while self.group < 16 * count:
            self.group *= 2
        first = below(random_bits(key, 2**62 + number), len(words) // self.group)
        self.at = turns * self.group * first

    def draw(self) -> list[int]:
        if self._place(self.at + 2 * (1 + self.count)) // self.group >= len(self.words) // self.group:
            self.at = 0
        drawn = [self.words[self._place(self.at + k)] for k in range(self.count)]
        self.at += self.count
        return drawn

    def _place(self, at: int) -> int:
        return at // (self.turns * self.group) * self.group + at % self.group
