"""Random walks on a graph, many walkers side by side: while one waits for memory, the others go on.

    walk_first_order    the next node depends on where the walker is: DeepWalk, metapaths
    walk_second_order   and on where it came from: node2vec, by rejection, exact
    draw_links          links by themselves, in proportion to their weights: LINE
    alias_tables, mark_links    what they need of a graph, made once

The random numbers of a walk are a pure function of the pass and of the number of the walk: the same walks come out
however they are dealt to threads. Walks lie one after the other in `tokens`, as sentences do, and are never longer.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.rng import below, random_bits, uniform
from firth.kernels.simd import ask

WALKERS = 64  # side by side in a thread: enough to hide memory, few enough for the first-level cache
PATIENCE = 128  # candidates refused in a row before all neighbours are weighed: a step then takes bounded time
_COINS = 1 << 40  # positions of a walk's random stream from here on are for the coins of the alias method
_MASK = np.uint64(0xFFFFFFFF)
_2_POW_MINUS_32 = 2.0**-32
_2_POW_MINUS_53 = 2.0**-53


class Links(NamedTuple):
    """A graph: node v's neighbours of kind k are targets[offsets[v · kinds + k] : offsets[v · kinds + k + 1]]."""

    offsets: Any  # i8[nodes · kinds + 1]
    targets: Any  # i4[links], ascending in each row
    chances: Any  # f4[links], Walker's alias method: how likely a slot is kept; empty: all neighbours alike
    aliases: Any  # i4[links], the slot of the row that is taken otherwise
    kinds: int  # 1, or as many as a metapath has types


class Law(NamedTuple):
    """node2vec's second order (Grover & Leskovec 2016): w(v, x) times

    back    where x is the node before v
    1       where a link leads from that node to x
    away    otherwise
    """

    back: float  # 1 / p
    away: float  # 1 / q
    directed: bool
    weights: Any  # f4[links]; empty: all alike
    totals: Any  # f8[nodes], the sum of each node's weights; empty: all alike
    filter: Any  # u8[words], a Bloom filter of the links (see mark_links)


class Walkers(NamedTuple):
    """Where a thread's walkers are; each array has WALKERS numbers."""

    here: Any  # i4
    before: Any  # i4, -1 at the start
    keys: Any  # u8, each one's random stream
    draws: Any  # i8, how much of it is used
    at: Any  # i8, the link that is looked at, -1: there is none (second order)
    height: Any  # f8, where in 0 … max(1, 1/q) the candidate's coin fell; -1: back, without more ado
    candidate: Any  # i4
    maybe: Any  # b1, whether the filter says that the node before may be linked to the candidate
    share: Any  # f8, what the way back weighs beyond max(1, 1/q), as a share of all neighbours' weight
    missed: Any  # i8, candidates refused in a row
    step: Any  # i8, nodes of the walk so far
    row: Any  # i8, which of the walks it is
    ends: Any  # i8, nodes of each walk


# ---------------------------------------------------------------- first order


@kernel
def walk_first_order(links, path, starts, first, last, key, walkers, tokens, sentences, n, s):  # type: ignore[no-untyped-def]
    """Walks first … last - 1 of a pass, each of len(path) nodes or until there is no way on. Perozzi et al. 2014.

    path       i8[length], the kind of each node of a walk; zeros where there is one kind
    starts     i4[walks], where each walk of the pass begins
    tokens     i4[·], written from tokens[n] on;  sentences  i8[·], the ends of walks, from sentences[s + 1] on
    Returns where the tokens end. Where all neighbours are alike, 64 random bits are two steps.
    """
    length, kinds, weighted = len(path), links.kinds, links.chances.size > 0
    offsets, targets, chances, aliases = links.offsets, links.targets, links.chances, links.aliases
    here, keys, draws, at, ends = walkers.here, walkers.keys, walkers.draws, walkers.at, walkers.ends
    sentences[s] = n
    for begin in range(first, last, WALKERS):
        m = min(WALKERS, last - begin)
        for k in range(m):
            here[k] = starts[begin + k]
            keys[k] = random_bits(key, begin + k)
            tokens[n + k * length] = here[k]
            ends[k] = length
        for t in range(1, length):
            kind, then = path[t], path[min(t + 1, length - 1)]
            if weighted:
                for k in range(m):
                    _look(links, walkers, k, kind, t, random_bits(keys[k], t))
                    ask(chances, at[k])
                for k in range(m):
                    if ends[k] > t and uniform(random_bits(keys[k], t)) >= chances[at[k]]:
                        at[k] = offsets[np.int64(here[k]) * kinds + kind] + aliases[at[k]]
            elif t & 1:
                for k in range(m):
                    bits = random_bits(keys[k], t >> 1)
                    draws[k] = np.int64(bits >> np.uint64(32))
                    _look(links, walkers, k, kind, t, bits)
            else:
                for k in range(m):
                    _look(links, walkers, k, kind, t, np.uint64(draws[k]))
            for k in range(m):
                x = targets[np.uint64(at[k])]
                here[k] = x
                tokens[np.uint64(n + k * length + t)] = x
                ask(offsets, np.int64(x) * kinds + then)
        n = _close_up(walkers, m, length, tokens, sentences, n, s)
        s += m
    return n


@inlined
def _look(links, walkers, k, kind, t, bits):  # type: ignore[no-untyped-def]
    """Which link walker k takes; its end is asked for, to be there when all others have looked.

    A walk that has no way on ends at t: its walker goes anywhere, and what it writes is overwritten.
    """
    row = np.uint64(np.int64(walkers.here[k]) * links.kinds + kind)  # unsigned: no test for places from the end
    begins = links.offsets[row]
    degree = links.offsets[row + np.uint64(1)] - begins
    j = begins + below(bits, degree)
    if degree == 0:
        walkers.ends[k] = min(walkers.ends[k], t)
        j = 0
    walkers.at[k] = j
    ask(links.targets, j)


@inlined
def _close_up(walkers, walks, length, tokens, sentences, n, s):  # type: ignore[no-untyped-def]
    """Walks that ended early leave no gap; sets their ends, and returns the last one."""
    to = n
    for k in range(walks):
        begin = n + k * length
        if to != begin:
            for i in range(walkers.ends[k]):
                tokens[to + i] = tokens[begin + i]
        to += walkers.ends[k]
        sentences[s + k + 1] = to
    return to


# ---------------------------------------------------------------- second order


@kernel
def walk_second_order(links, law, length, starts, first, last, key, walkers, tokens, sentences, n, s):  # type: ignore[no-untyped-def]
    """`walk_first_order` under a `Law`: candidates by weight alone, kept or refused so that the law holds exactly.

    A candidate x is kept with probability factor(x) / M, M = max(1, 1/q). Where the way back weighs more than M, what
    it weighs beyond M is a part of the mixture of its own (Yang et al. 2019, KnightKing): no candidate is then ever
    kept with a probability that a large 1/p makes small. Whether the node before is linked to x is asked only where
    the answer matters, of the filter first. Each walker has one candidate a round; finished ones leave their place.
    """
    offsets, targets, chances, aliases = links.offsets, links.targets, links.chances, links.aliases
    w = walkers
    weighted = chances.size > 0
    top, low = max(1.0, law.away), min(1.0, law.away)
    extra, back = max(0.0, law.back - top), min(law.back, top)
    places = np.uint64(law.filter.size)
    sentences[s] = n
    for begin in range(first, last, WALKERS):
        walks = min(WALKERS, last - begin)
        for k in range(walks):
            w.here[k], w.before[k] = starts[begin + k], -1
            w.keys[k], w.draws[k] = random_bits(key, begin + k), 0
            w.share[k], w.missed[k], w.step[k], w.row[k] = 0.0, 0, 1, k
            tokens[n + k * length] = w.here[k]
        m = walks
        while m > 0:
            for k in range(m):
                a = offsets[w.here[k]]
                d = offsets[w.here[k] + 1] - a
                bits = random_bits(w.keys[k], w.draws[k])
                j = a + below(bits, d)
                y = np.float64(bits >> np.uint64(32)) * _2_POW_MINUS_32 * top
                if weighted or extra > 0.0:
                    coins = random_bits(w.keys[k], _COINS + w.draws[k])
                    if weighted and d > 0 and uniform(coins) >= chances[j]:
                        j = a + aliases[j]
                    if np.float64(coins & _MASK) * _2_POW_MINUS_32 * (top + w.share[k]) >= top:
                        y = -1.0
                w.height[k] = y
                w.at[k] = j if d > 0 else -1
                w.draws[k] += 1
            for k in range(m):
                x = targets[max(w.at[k], 0)]
                w.candidate[k] = x
                bits = _pair(w.before[k], x)
                mask = _three(bits)
                w.maybe[k] = law.filter[_place(bits, places)] & mask == mask
            k = 0
            while k < m:
                x, y, before = w.candidate[k], w.height[k], w.before[k]
                if w.at[k] < 0:
                    finished = True
                else:
                    kept = True
                    if y < 0.0:
                        x = before
                    elif before >= 0:
                        if x == before:
                            kept = y < back
                        elif y >= low:  # 1/q < 1: only what is linked is kept; 1/q > 1: only what is not
                            linked = False
                            if w.maybe[k]:
                                linked = _linked(links, law.directed, before, x)
                            kept = linked == (law.away < 1.0)
                    if not kept:
                        w.missed[k] += 1
                        if w.missed[k] >= PATIENCE:
                            u = np.float64(random_bits(w.keys[k], w.draws[k]) >> np.uint64(11)) * _2_POW_MINUS_53
                            w.draws[k] += 1
                            x = _weighed(links, law, before, w.here[k], u)
                            kept = True
                    if kept:
                        tokens[n + w.row[k] * length + w.step[k]] = x
                        w.before[k], w.here[k] = w.here[k], x
                        w.step[k] += 1
                        w.missed[k] = 0
                        if extra > 0.0:
                            w.share[k] = extra * _portion(links, law, x, w.before[k])
                    finished = w.step[k] >= length
                if finished:
                    w.ends[w.row[k]] = w.step[k]
                    m -= 1
                    w.here[k], w.before[k], w.keys[k], w.draws[k] = w.here[m], w.before[m], w.keys[m], w.draws[m]
                    w.at[k], w.height[k], w.candidate[k], w.maybe[k] = w.at[m], w.height[m], w.candidate[m], w.maybe[m]
                    w.share[k], w.missed[k], w.step[k], w.row[k] = w.share[m], w.missed[m], w.step[m], w.row[m]
                else:
                    k += 1
        n = _close_up(walkers, walks, length, tokens, sentences, n, s)
        s += walks
    return n


@inlined
def _weighed(links, law, before, here, u):  # type: ignore[no-untyped-def]
    """The next node by the law itself, all neighbours weighed one by one; u in [0, 1)."""
    a, b = links.offsets[here], links.offsets[here + 1]
    total = 0.0
    for j in range(a, b):
        total += _weight(links, law, before, j)
    left = u * total
    for j in range(a, b):
        left -= _weight(links, law, before, j)
        if left < 0.0:
            return links.targets[j]
    return links.targets[b - 1]


@inlined
def _weight(links, law, before, j):  # type: ignore[no-untyped-def]
    weight = np.float64(law.weights[j]) if law.weights.size > 0 else 1.0
    x = links.targets[j]
    if x == before:
        return weight * law.back
    return weight if _linked(links, law.directed, before, x) else weight * law.away


@inlined
def _portion(links, law, here, before):  # type: ignore[no-untyped-def]
    """Which share of all that leads away from `here` leads back to `before`."""
    d = links.offsets[here + 1] - links.offsets[here]
    if law.weights.size == 0 and not law.directed:
        return 1.0 / np.float64(d)
    j = _find(links, here, before)
    if j < 0:
        return 0.0
    return np.float64(law.weights[j]) / law.totals[here] if law.weights.size > 0 else 1.0 / np.float64(d)


@inlined
def _linked(links, directed, u, v):  # type: ignore[no-untyped-def]
    """Whether a link leads from u to v; of two that point at each other the shorter list is searched."""
    degree_u = links.offsets[u + 1] - links.offsets[u]
    degree_v = links.offsets[v + 1] - links.offsets[v]
    if directed or degree_u <= degree_v:
        return _find(links, u, v) >= 0
    return _find(links, v, u) >= 0


@inlined
def _find(links, u, v):  # type: ignore[no-untyped-def]
    """The link from u to v, or -1; halving the list without a branch that depends on it."""
    low = links.offsets[u]
    n = links.offsets[u + 1] - low
    if n == 0:
        return np.int64(-1)
    while n > 1:
        half = n >> 1
        low = low + half if links.targets[low + half] <= v else low
        n -= half
    return low if links.targets[low] == v else np.int64(-1)


# ---------------------------------------------------------------- the filter: three bits of one word for each pair


@kernel
def mark_links(offsets, targets, words):  # type: ignore[no-untyped-def]
    """Set the bits of every link, either way round: where one is missing, the pair is not linked. Bloom 1970."""
    places = np.uint64(words.size)
    for u in range(offsets.size - 1):
        for j in range(offsets[u], offsets[u + 1]):
            bits = _pair(u, targets[j])
            words[_place(bits, places)] |= _three(bits)


@inlined
def _pair(a, b):  # type: ignore[no-untyped-def]
    """64 bits that depend on both and not on their order."""
    low, high = np.uint64(np.uint32(min(a, b))), np.uint64(np.uint32(max(a, b)))
    x = (low << np.uint64(32)) | high
    x = (x ^ (x >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    x = x ^ (x >> np.uint64(29))
    return x * np.uint64(0xBF58476D1CE4E5B9)


@inlined
def _place(bits, places):  # type: ignore[no-untyped-def]
    return np.int64(((bits >> np.uint64(32)) * places) >> np.uint64(32))


@inlined
def _three(bits):  # type: ignore[no-untyped-def]
    one, six = np.uint64(1), np.uint64(63)
    return (one << (bits & six)) | (one << ((bits >> np.uint64(6)) & six)) | (one << ((bits >> np.uint64(12)) & six))


# ---------------------------------------------------------------- weights


@kernel
def alias_tables(offsets, weights, portions, stack, chances, aliases, totals):  # type: ignore[no-untyped-def]
    """Walker's alias tables of every row, as Vose (1991) makes them: a slot at random, kept with its chance, is a draw.

    weights   f4[links], above 0
    portions  f8[longest row], stack  i4[longest row]: working memory
    chances   f4[links], aliases  i4[links], totals  f8[rows], the sums of the weights: written
    """
    for row in range(offsets.size - 1):
        a, d = offsets[row], offsets[row + 1] - offsets[row]
        total = 0.0
        for i in range(d):
            total += np.float64(weights[a + i])
        totals[row] = total
        small, large = 0, d  # stack[:small] have less than their share, stack[large:d] have more
        for i in range(d):
            portions[i] = np.float64(weights[a + i]) * d / total
            aliases[a + i] = i
            if portions[i] < 1.0:
                stack[small] = i
                small += 1
            else:
                large -= 1
                stack[large] = i
        while small > 0 and large < d:
            small -= 1
            poor, rich = stack[small], stack[large]
            chances[a + poor] = portions[poor]
            aliases[a + poor] = rich
            portions[rich] -= 1.0 - portions[poor]
            if portions[rich] < 1.0:
                large += 1
                stack[small] = rich
                small += 1
        for i in range(small):
            chances[a + stack[i]] = 1.0
        for i in range(large, d):
            chances[a + stack[i]] = 1.0


@kernel
def draw_links(sources, links, first, last, key, tokens, sentences, n, s):  # type: ignore[no-untyped-def]
    """Draws first … last - 1 of a pass: a link by its weight, written as a sentence of its two ends. Tang et al. 2015.

    sources  i4[links], where each link begins;  links  one row of all links, targets where each one ends
    """
    weighted, count = links.chances.size > 0, links.targets.size
    sentences[s] = n
    for draw in range(first, last):
        bits = random_bits(key, draw)
        j = below(bits, count)
        if weighted and uniform(bits) >= links.chances[j]:
            j = np.int64(links.aliases[j])
        tokens[n], tokens[n + 1] = sources[j], links.targets[j]
        n += 2
        s += 1
        sentences[s] = n
    return n
