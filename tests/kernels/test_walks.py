"""Walks: compiled against the slow twin, and against the law by a χ² test; single links; the tables they need."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2

import firth
from firth.corpus.graphs import Graph
from firth.examples.walks import Begun, draws, new_page, walks, walks_on_path
from firth.reference import walks as reference
from firth.reference.rng import random_bits

RANDOM = np.random.default_rng(5)
KEY = np.uint64(2**63 + 12345)


def a_graph(weighted: bool, directed: bool, nodes: int = 12) -> Graph:
    """Random edges around a circle, so that no node is without one."""
    random = np.random.default_rng(3)
    edges = [(u, (u + 1) % nodes) for u in range(nodes)]
    edges += [(u, v) for u in range(nodes) for v in range(nodes) if u != v and random.random() < 0.25]
    if weighted:
        edges = [(*edge, float(random.integers(1, 9))) for edge in edges]
    return Graph(edges, directed=directed)


def neighbours(graph: Graph) -> list[dict[int, float]]:
    found = []
    for a, b in pairwise(graph.offsets.tolist()):
        weights = [1.0] * (b - a) if graph.weights is None else graph.weights[a:b].astype(float).tolist()
        found.append(dict(zip(graph.targets[a:b].tolist(), weights, strict=True)))
    return found


def made(text, starts) -> list[list[int]]:
    page = new_page(text, len(starts))
    text.fill(page, Begun(KEY, np.asarray(starts, np.int32)), 0, len(starts))
    return [page.tokens[a:b].tolist() for a, b in pairwise(page.sentences.tolist())]


def aliases_of(graph: Graph, text) -> reference.Aliases | None:
    if graph.weights is None:
        return None
    rows = list(pairwise(graph.offsets.tolist()))
    chances, slots = text.links.chances.astype(float), text.links.aliases
    return reference.Aliases([chances[a:b].tolist() for a, b in rows], [slots[a:b].tolist() for a, b in rows])


ORDERS = [(1.0, 1.0), (0.25, 4.0), (4.0, 0.25), (1.0, 0.5), (0.001, 1000.0), (1000.0, 1.0)]


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), ORDERS)
def test_compiled_walks_are_those_of_the_twin(p, q, weighted, directed):
    """More walks than walkers, so that they change places; the same walks whatever stands beside them."""
    graph = a_graph(weighted, directed)
    text = walks(graph.offsets, graph.targets, graph.weights, directed=directed, length=9, p=p, q=q)
    starts = RANDOM.integers(0, len(graph), 150)
    rows, aliases = neighbours(graph), aliases_of(graph, text)
    found = made(text, starts)
    for number in range(0, 150, 7):
        key = random_bits(int(KEY), number)
        if p == q == 1:
            expected = reference.first_order(rows, int(starts[number]), 9, key, aliases)
        else:
            expected = reference.second_order(rows, int(starts[number]), 9, key, p, q, aliases)
        assert found[number] == expected, number


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("p", "q"), ORDERS)
def test_steps_follow_the_law(p, q, weighted, directed):
    """χ² over every (before, here): its p-value is no smaller than chance makes the smallest of all these tests."""
    graph = a_graph(weighted, directed)
    text = walks(graph.offsets, graph.targets, graph.weights, directed=directed, length=40, p=p, q=q)
    rows = neighbours(graph)
    counts: dict[tuple[int | None, int], dict[int, int]] = {}
    for walk in made(text, RANDOM.integers(0, len(graph), 6000)):
        for before, here, then in zip([None, *walk], walk, walk[1:], strict=False):
            tally = counts.setdefault((before, here), {})
            tally[then] = tally.get(then, 0) + 1
    assert len(counts) > len(graph)
    for (before, here), tally in counts.items():
        law = reference.law(rows, here, before, p, q)
        assert tally.keys() <= law.keys()
        total = sum(tally.values())
        likely = {x: chance * total for x, chance in law.items() if chance * total >= 8}
        if len(likely) < 2:
            continue
        seen = np.array([tally.get(x, 0) for x in likely], float)
        expected = np.array(list(likely.values())) * seen.sum() / sum(likely.values())
        statistic = ((seen - expected) ** 2 / expected).sum()
        assert chi2.sf(statistic, len(likely) - 1) > 1e-7, (before, here)


def test_the_chi_square_test_sees_a_wrong_law():
    """Walks of p = 1 are not taken for walks of p = 1.3."""
    graph = a_graph(False, False)
    text = walks(graph.offsets, graph.targets, None, directed=False, length=40, q=1.0001)
    rows, smallest = neighbours(graph), 1.0
    counts: dict[tuple[int, int], list[int]] = {}
    for walk in made(text, RANDOM.integers(0, len(graph), 6000)):
        for before, here, then in zip(walk, walk[1:], walk[2:], strict=False):
            counts.setdefault((before, here), []).append(then)
    for (before, here), nodes in counts.items():
        law = reference.law(rows, here, before, 1.3, 1.0)
        seen = np.array([nodes.count(x) for x in law], float)
        expected = np.array(list(law.values())) * len(nodes)
        smallest = min(smallest, chi2.sf(((seen - expected) ** 2 / expected).sum(), len(law) - 1))
    assert smallest < 1e-7


def test_walks_end_where_there_is_no_way_on_and_leave_no_gap():
    graph = Graph([("a", "b"), ("b", "c"), ("x", "y"), ("y", "x")], directed=True)
    for q in (1.0, 2.0):
        text = walks(graph.offsets, graph.targets, None, directed=True, length=6, q=q)
        assert text.units == 4  # c leads nowhere
        names = ["".join(graph.keys[i] for i in walk) for walk in made(text, [0, 3, 1, 4, 2] * 30)]
        assert names == ["abc", "xyxyxy", "bc", "yxyxyx", "c"] * 30


def test_a_self_loop_is_a_step_that_stays():
    graph = Graph([("a", "a"), ("a", "b")])
    text = walks(graph.offsets, graph.targets, None, directed=False, length=5, p=0.5)
    assert {tuple(walk[:2]) for walk in made(text, [0] * 64)} == {(0, 0), (0, 1)}


def test_memory_is_of_the_order_of_the_edges():
    """Whatever p and q: no table of pairs of edges."""
    graph = firth.Graph(np.random.default_rng(1).integers(0, 300, (2, 4000)), weights=np.arange(1, 4001))
    text = walks(graph.offsets, graph.targets, graph.weights, directed=False, length=9, p=0.1, q=10.0)
    arrays = [part for part in (*text.links, *text.law) if isinstance(part, np.ndarray)]
    assert sum(array.nbytes for array in arrays) < 24 * len(graph.targets) + 24 * len(graph)


def test_visits_are_those_of_a_pass():
    graph = a_graph(False, False)
    text = walks(graph.offsets, graph.targets, None, directed=False, length=50)
    begun = text.begin(1, 0)
    page = new_page(text, text.units)
    text.fill(page, begun, 0, text.units)
    assert sorted(begun.starts.tolist()) == list(range(12))
    for threads in (1, 3):
        assert text.visits(1, threads).tolist() == np.bincount(page.tokens, minlength=12).tolist()


@pytest.mark.parametrize(
    "weights", [[1.0], [1.0, 1.0], [3.0, 1.0, 4.0, 1.0, 5.0], [1e-6, 1.0, 1e6], list(range(1, 300))]
)
def test_alias_tables_give_back_the_weights(weights):
    targets = np.arange(len(weights), dtype=np.int32)
    text = draws(targets, targets, np.array(weights, np.float32))
    chances, aliases = text.links.chances.astype(float), text.links.aliases
    given = np.bincount(aliases, 1 - chances, len(weights)) + chances
    assert given / len(weights) == pytest.approx(np.array(weights) / sum(weights), abs=1e-7)


def test_links_are_drawn_by_their_weights():
    graph = a_graph(True, True)
    text = draws(*graph.links())
    page = new_page(text, 40_000)
    assert text.fill(page, text.begin(1, 1), 0, 40_000) == 80_000
    assert page.sentences.tolist() == list(range(0, 80_001, 2))
    pairs = page.tokens.reshape(-1, 2) @ np.array([len(graph), 1])
    ends = graph.links()[0] * len(graph) + graph.targets
    seen = np.bincount(pairs, minlength=len(graph) ** 2)
    assert seen.sum() == seen[ends].sum()
    expected = graph.weights / graph.weights.sum() * 40_000
    assert chi2.sf(((seen[ends] - expected) ** 2 / expected).sum(), len(ends) - 1) > 1e-6


def test_a_metapath_is_walked():
    kinds = {"a1": "author", "a2": "author", "p1": "paper", "p2": "paper", "v": "venue"}
    graph = Graph(["a1 p1", "a2 p1", "a2 p2", "p1 v", "p2 v", "a1 a2"], types=kinds)
    numbers = np.array([["author", "paper", "venue"].index(kinds[key]) for key in graph.keys], np.int64)
    text = walks_on_path(graph.offsets, graph.targets, None, kinds=numbers, path=[0, 1, 2, 1, 0], length=9)
    assert [graph.keys[i] for i in sorted(text.starts)] == ["a1", "a2"]
    for walk in made(text, text.starts.tolist() * 40):
        assert [int(numbers[i]) for i in walk] == [0, 1, 2, 1, 0, 1, 2, 1, 0]
        assert all(graph.keys[v] in graph.neighbours(graph.keys[u]) for u, v in pairwise(walk))
