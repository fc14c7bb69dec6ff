"""The slow twin of `kernels.walks`: the law of a step, and one walker that draws what the compiled ones draw."""

from collections.abc import Sequence
from typing import NamedTuple

from firth.reference.rng import below, random_bits, uniform

Neighbours = Sequence[dict[int, float]]
"""Of each node, the nodes that it leads to, ascending, and the weight of each edge."""

_PATIENCE, _COINS = 128, 1 << 40  # as in kernels.walks


class Aliases(NamedTuple):
    """Walker's alias tables: of each node, the chance of each of its slots, and the slot that is taken otherwise."""

    chances: Sequence[Sequence[float]]
    slots: Sequence[Sequence[int]]


def law(graph: Neighbours, here: int, before: int | None = None, p: float = 1.0, q: float = 1.0) -> dict[int, float]:
    """The probability of each next node; `before` None: the walk is at its start.

    A square 0-1-2-3 with the diagonal 0-2, walked from 0 to 2: back to 0 with 1/p, to 1 and 3 (neighbours of 0) with 1.

    >>> square = [{1: 1.0, 2: 1.0, 3: 1.0}, {0: 1.0, 2: 1.0}, {0: 1.0, 1: 1.0, 3: 1.0}, {0: 1.0, 2: 1.0}]
    >>> law(square, 2, 0, p=0.5)
    {0: 0.5, 1: 0.25, 3: 0.25}
    """
    weights = {x: weight * factor(graph, x, before, p, q) for x, weight in graph[here].items()}
    total = sum(weights.values())
    return {x: weight / total for x, weight in weights.items()}


def factor(graph: Neighbours, x: int, before: int | None, p: float, q: float) -> float:
    """1/p where x is the node before, 1 where an edge leads from that node to x, 1/q otherwise."""
    if before is None:
        return 1.0
    if x == before:
        return 1 / p
    return 1.0 if x in graph[before] else 1 / q


def first_order(graph: Neighbours, start: int, length: int, key: int, aliases: Aliases | None = None) -> list[int]:
    """One walk of first order; `key` is its random stream.

    With weights step t draws number t of it. Where all neighbours are alike 32 bits are enough: number i has the lower
    ones for step 2i + 1, the upper ones for step 2i + 2.
    """
    walk = [start]
    for t in range(1, length):
        here = walk[-1]
        if not graph[here]:
            break
        bits = random_bits(key, t) if aliases else random_bits(key, (t - 1) // 2) >> (0 if t % 2 else 32)
        slot = below(bits, len(graph[here]))
        if aliases and uniform(bits) >= aliases.chances[here][slot]:
            slot = aliases.slots[here][slot]
        walk.append([*graph[here]][slot])
    return walk


def second_order(
    graph: Neighbours,
    start: int,
    length: int,
    key: int,
    p: float,
    q: float,
    aliases: Aliases | None = None,
) -> list[int]:
    """One walk of second order, by rejection, with the way back folded in; see `kernels.walks.walk_second_order`."""
    top = max(1.0, 1 / q)
    walk, draws, missed = [start], 0, 0
    while len(walk) < length:
        here, before = walk[-1], walk[-2] if len(walk) > 1 else None
        if not graph[here]:
            break
        nodes, weights = [*graph[here]], [*graph[here].values()]
        share = 0.0
        if before is not None and before in graph[here]:
            share = max(0.0, 1 / p - top) * graph[here][before] / sum(weights)
        bits = random_bits(key, draws)
        coins = random_bits(key, _COINS + draws)
        draws += 1
        height = (bits >> 32) / 2**32 * top
        slot = below(bits, len(nodes))
        if aliases and uniform(coins) >= aliases.chances[here][slot]:
            slot = aliases.slots[here][slot]
        x = nodes[slot]
        if (coins & 0xFFFFFFFF) / 2**32 * (top + share) >= top:
            assert before is not None
            walk.append(before)
            missed = 0
            continue
        if height < min(factor(graph, x, before, p, q), top) or before is None:
            walk.append(x)
            missed = 0
            continue
        missed += 1
        if missed >= _PATIENCE:
            u = (random_bits(key, draws) >> 11) / 2**53
            draws += 1
            walk.append(_weighed(graph, here, before, p, q, u))
            missed = 0
    return walk


def _weighed(graph: Neighbours, here: int, before: int | None, p: float, q: float, u: float) -> int:
    weights = {x: weight * factor(graph, x, before, p, q) for x, weight in graph[here].items()}
    left = u * sum(weights.values())
    for x, weight in weights.items():
        left -= weight
        if left < 0:
            return x
    return [*weights][-1]
