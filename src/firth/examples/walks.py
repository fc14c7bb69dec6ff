"""Random walks and single links of a graph, made a block at a time while they are learnt from: nothing is stored.

Both are a text to the trainer: a walk is a sentence of nodes, a link is a sentence of its two ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.errors import MemoryLimitError
from firth.kernels.cooccurrence import tally
from firth.kernels.walks import (
    WALKERS,
    Law,
    Links,
    Walkers,
    alias_tables,
    draw_links,
    mark_links,
    walk_first_order,
    walk_second_order,
)
from firth.tokens.ordered import in_order

_COUNTED = 1 << 18  # nodes of the walks that a thread makes and counts at a time
_FILTER_BITS = 8  # for each link of a graph, in the filter: one pair in twenty that is not linked passes it

Report = Callable[[int, int], None]


class Page(NamedTuple):
    """Where a thread writes walks down."""

    tokens: npt.NDArray[np.int32]
    """i4[·], the nodes of one walk after another."""
    sentences: npt.NDArray[np.int64]
    """i8[·], where each walk begins, and where the last one ends."""
    walkers: Walkers


class Begun(NamedTuple):
    """A pass over all walks."""

    key: np.uint64
    """Of its random numbers."""
    starts: npt.NDArray[np.int32]
    """i4[walks], where each walk begins."""


@dataclass(frozen=True)
class Walks:
    """Walks over a graph: one from every node that a link leads away from, in each pass."""

    links: Links
    law: Law | None
    """None: the next node depends on the present one alone."""
    path: npt.NDArray[np.int64]
    """i8[length], the kind of each node of a walk."""
    starts: npt.NDArray[np.int32]
    """i4[units], where walks begin."""
    nodes: int

    @property
    def units(self) -> int:
        """Walks of a pass."""
        return len(self.starts)

    @property
    def longest(self) -> int:
        """Nodes of a walk, at most."""
        return len(self.path)

    @property
    def kernel(self) -> Any:
        """What has to be compiled."""
        return walk_first_order if self.law is None else walk_second_order

    def begin(self, seed: int, number: int) -> Begun:
        """Pass `number`: its walks in an order of their own, as DeepWalk shuffles its nodes."""
        random = np.random.default_rng((seed, number, 2))
        return Begun(np.uint64(random.integers(1 << 63)), random.permutation(self.starts))

    def fill(self, page: Page, begun: Begun, first: int, last: int, n: int = 0, s: int = 0) -> int:
        """Write walks first … last - 1 from page.tokens[n] and page.sentences[s] on; returns where they end."""
        walks = (begun.starts, first, last, begun.key, page.walkers, page.tokens, page.sentences, n, s)
        if self.law is None:
            return int(walk_first_order(self.links, self.path, *walks))
        return int(walk_second_order(self.links, self.law, self.longest, *walks))

    def visits(self, seed: int, threads: int, report: Report | None = None) -> npt.NDArray[np.int64]:
        """How often each node comes in a pass of walks that is made for this alone: i8[nodes]."""
        begun, size = self.begin(seed, 0), max(1, _COUNTED // self.longest)

        def count(first: int) -> npt.NDArray[np.int64]:
            last = min(first + size, self.units)
            page, found = new_page(self, last - first), np.zeros(self.nodes, np.int64)
            tally(page.tokens, 0, self.fill(page, begun, first, last), found)
            return found

        total = np.zeros(self.nodes, np.int64)
        for number, found in enumerate(in_order(count, range(0, self.units, size), threads), 1):
            total += found
            if report:
                report(min(number * size, self.units) * self.longest, self.units * self.longest)
        return total


@dataclass(frozen=True)
class Draws:
    """Links of a graph drawn in proportion to their weights: as many in each pass as there are."""

    links: Links
    """One row of all of them."""
    sources: npt.NDArray[np.int32]
    """i4[links], where each one begins."""

    longest = 2
    kernel = draw_links

    @property
    def units(self) -> int:
        """Draws of a pass."""
        return len(self.sources)

    def begin(self, seed: int, number: int) -> Begun:
        """Pass `number`."""
        random = np.random.default_rng((seed, number, 3))
        return Begun(np.uint64(random.integers(1 << 63)), np.zeros(0, np.int32))

    def fill(self, page: Page, begun: Begun, first: int, last: int, n: int = 0, s: int = 0) -> int:
        """Write draws first … last - 1 from page.tokens[n] and page.sentences[s] on; returns where they end."""
        return int(draw_links(self.sources, self.links, first, last, begun.key, page.tokens, page.sentences, n, s))


Generated = Walks | Draws
"""A text that is made while it is learnt from."""


def new_page(text: Generated, units: int) -> Page:
    """Room for so many walks or draws."""
    walkers = Walkers(
        here=np.zeros(WALKERS, np.int32),
        before=np.zeros(WALKERS, np.int32),
        keys=np.zeros(WALKERS, np.uint64),
        draws=np.zeros(WALKERS, np.int64),
        at=np.zeros(WALKERS, np.int64),
        height=np.zeros(WALKERS, np.float64),
        candidate=np.zeros(WALKERS, np.int32),
        maybe=np.zeros(WALKERS, np.bool_),
        share=np.zeros(WALKERS, np.float64),
        missed=np.zeros(WALKERS, np.int64),
        step=np.zeros(WALKERS, np.int64),
        row=np.zeros(WALKERS, np.int64),
        ends=np.zeros(WALKERS, np.int64),
    )
    return Page(np.zeros(units * text.longest, np.int32), np.zeros(units + 1, np.int64), walkers)


def walks(
    offsets: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32] | None,
    *,
    directed: bool,
    length: int,
    p: float = 1.0,
    q: float = 1.0,
) -> Walks:
    """Walks of `length` nodes over a graph in rows of neighbours, ascending; `weights` None: all links alike.

    With p = q = 1 the walks are of first order. Raises MemoryLimitError where what they need beside the graph would
    not fit.
    """
    second = not p == q == 1
    _refuse_what_cannot_fit(len(targets), weights is not None, second)
    links, totals = _links(offsets, targets, weights, 1)
    law = _law(links, weights, totals, directed, p, q) if second else None
    starts = np.flatnonzero(np.diff(offsets)).astype(np.int32)
    return Walks(links, law, np.zeros(length, np.int64), starts, len(offsets) - 1)


def walks_on_path(
    offsets: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32] | None,
    *,
    kinds: npt.NDArray[np.int64],
    path: list[int],
    length: int,
) -> Walks:
    """Walks whose nodes are of the kinds of `path`, over and over: metapath2vec (Dong, Chawla & Swami 2017).

    kinds  i8[nodes], 0 … k - 1
    path   kinds; the last one is the first one again
    """
    _refuse_what_cannot_fit(len(targets), weights is not None, False)
    nodes, most = len(offsets) - 1, int(kinds.max(initial=0)) + 1
    begins = np.repeat(np.arange(nodes), np.diff(offsets))
    rows = begins * most + kinds[targets]  # a row for each node and each kind of its neighbours
    order = np.argsort(rows, kind="stable")
    apart = np.zeros(nodes * most + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=nodes * most), out=apart[1:])
    links, _ = _links(apart, targets[order], None if weights is None else weights[order], most)
    steps = np.array([path[t % (len(path) - 1)] for t in range(length)], np.int64)
    leaves = np.diff(apart)[np.arange(nodes) * most + path[1]] > 0
    starts = np.flatnonzero((kinds == path[0]) & leaves).astype(np.int32)
    return Walks(links, None, steps, starts, nodes)


def draws(
    sources: npt.NDArray[np.int32], targets: npt.NDArray[np.int32], weights: npt.NDArray[np.float32] | None
) -> Draws:
    """Links from `sources` to `targets`, to be drawn by their weights; None: all alike."""
    _refuse_what_cannot_fit(len(targets), weights is not None, False)
    links, _ = _links(np.array([0, len(targets)], np.int64), targets, weights, 1)
    return Draws(links, sources)


def _links(
    offsets: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32] | None,
    kinds: int,
) -> tuple[Links, npt.NDArray[np.float64]]:
    """The graph as the kernels take it, and the sum of each row's weights; empty where all are alike."""
    if weights is None:
        return Links(offsets, targets, np.zeros(0, np.float32), np.zeros(0, np.int32), kinds), np.zeros(0)
    longest = int(np.diff(offsets).max(initial=0))
    chances, aliases = np.zeros(len(targets), np.float32), np.zeros(len(targets), np.int32)
    totals = np.zeros(len(offsets) - 1)
    alias_tables(offsets, weights, np.zeros(longest), np.zeros(longest, np.int32), chances, aliases, totals)
    return Links(offsets, targets, chances, aliases, kinds), totals


def _law(
    links: Links,
    weights: npt.NDArray[np.float32] | None,
    totals: npt.NDArray[np.float64],
    directed: bool,
    p: float,
    q: float,
) -> Law:
    words = np.zeros(max(1, len(links.targets) * _FILTER_BITS // 64), np.uint64)
    mark_links(links.offsets, links.targets, words)
    weighed = np.zeros(0, np.float32) if weights is None else weights
    return Law(1 / p, 1 / q, directed, weighed, totals, words)


def _refuse_what_cannot_fit(links: int, weighted: bool, second: bool) -> None:
    size, room = links * (8 * weighted + (_FILTER_BITS // 8) * second), machine.memory_available()
    if room is not None and size > room:
        raise MemoryLimitError(
            f"Walks over {links:,} links need {size / 2**30:,.2f} GiB beside the graph, but only {room / 2**30:,.2f} "
            "GiB of memory are left. Walk without weights, or with p = q = 1."
        )
