"""AdaGrad on cells, compiled, against its slow twin; and what tiles promise."""

import numpy as np
import pytest

from firth.examples.cells import Cells, Part
from firth.reference import glove as slow
from firth.training import course as loop
from firth.training.glove import Sides, Tiles, blocks_of, course, held_out_cost
from firth.training.progress import Silent

RANDOM = np.random.default_rng(4)


def matrix(words, cells, top=400.0):
    """Some cells of a matrix at random places."""
    places = np.sort(RANDOM.choice(words * words, cells, replace=False))
    lengths = np.bincount(places // words, minlength=words)
    found = Cells(words, np.float32, 1 << 30)
    values = np.exp(RANDOM.uniform(np.log(0.1), np.log(top), cells)).astype(np.float32)
    found.append(Part(0, lengths, (places % words).astype(np.int32), values))
    return found, places // words, places % words, values


def learnt(cells, words, *, dim=7, threads=1, epochs=3, memory=1 << 30, lr=0.05):
    tiles = Tiles.of(cells, 100.0, 0.75, seed=3, threads=threads, memory=memory)
    sides = Sides(words, dim, lr, seed=3)
    epochs = loop.run(
        course(tiles, sides, words=1000, epochs=epochs, lr=lr, seed=3), threads=threads, progress=Silent()
    )
    return tiles, sides, epochs


def twin_sides(sides, words, lr):
    """Both sides of every word as the twin has them."""

    def side(table, own, i):
        row = table[sides.place[i]].astype(np.float64)
        width, dim = len(row) // 2, sides.dim
        squares = row[width:]
        bias = dim + own
        return slow.Side(row[:dim].copy(), row[[bias]], squares[:dim].copy(), squares[[bias]])

    return [(side(sides.words, 0, i), side(sides.contexts, 1, i)) for i in range(words)]


@pytest.mark.parametrize("memory", [1 << 30, 100])
def test_what_is_held_out(memory) -> None:
    """The cells of some pairs of words, both ways; all others are learnt from, in the order without."""
    words = 40
    cells, *_ = matrix(words, 1200)
    given = {"seed": 3, "threads": 2, "memory": memory}
    whole, parted = (Tiles.of(cells, 100.0, 0.75, **given, validation=share) for share in (None, 0.25))

    def found(tiles, part):
        for tile in range(len(tiles.held)):
            start, end = part(tiles, tile)
            row, column = divmod(tile, tiles.blocks)
            for t in range(start, end):
                i, j = int(tiles.cells.words[t]), int(tiles.cells.contexts[t])
                x, f = float(tiles.cells.logs[t]), float(tiles.cells.weights[t])
                yield i * tiles.blocks + row, j * tiles.blocks + column, x, f

    learnt, held = [*found(parted, Tiles.learnt)], [*found(parted, Tiles.held_out)]
    every = [*found(whole, Tiles.learnt)]
    assert len(learnt) == len(parted) and sorted(learnt + held) == sorted(every)
    assert 0.15 < len(held) / len(every) < 0.35
    pairs = {frozenset(cell[:2]) for cell in held}
    assert not pairs & {frozenset(cell[:2]) for cell in learnt}
    assert learnt == [cell for cell in every if frozenset(cell[:2]) not in pairs]
    sides = Sides(words, 5, 0.05, seed=3)
    before = sides.words.copy()
    twins = twin_sides(sides, words, 0.05)
    costs = [slow.cost(twins[i][0], twins[j][1], np.exp(x)) for i, j, x, _ in held]
    assert held_out_cost(parted, sides)() == pytest.approx(np.mean(costs), rel=1e-3)
    np.testing.assert_array_equal(sides.words, before)


@pytest.mark.parametrize("dim", [1, 14, 15, 40])
def test_a_pass_is_that_of_the_twin(dim) -> None:
    words, lr = 11, 0.05
    cells, *_ = matrix(words, 60)
    tiles = Tiles.of(cells, 100.0, 0.75, seed=3, threads=1, memory=1 << 30)
    sides = Sides(words, dim, lr, seed=3)
    twins = twin_sides(sides, words, lr)
    plan = course(tiles, sides, words=1000, epochs=1, lr=lr, seed=3)
    cost = 0.0
    for tile in plan.blocks(1):
        row, column = divmod(tile, tiles.blocks)
        for t in range(tiles.ends[tile], tiles.ends[tile + 1]):
            i = int(tiles.cells.words[t]) * tiles.blocks + row
            j = int(tiles.cells.contexts[t]) * tiles.blocks + column
            x = float(np.exp(np.float64(tiles.cells.logs[t])))
            cost += slow.step(twins[i][0], twins[j][1], x, lr)
    (epoch,) = loop.run(plan, threads=1)
    assert epoch.loss == pytest.approx(cost / len(tiles), rel=5e-3)  # roots are good to 7e-4
    for i in range(words):
        table = sides.words[sides.place[i]]
        np.testing.assert_allclose(table[:dim], twins[i][0].vector, atol=0.01 * lr)
        np.testing.assert_allclose(table[dim], twins[i][0].bias[0], rtol=0.01, atol=0.01)
        np.testing.assert_allclose(sides.contexts[sides.place[i], :dim], twins[i][1].vector, atol=0.01 * lr)
        assert table[dim + 1] == 1
        assert not table[dim + 2 : len(table) // 2].any()


def test_the_twin_steps_down_the_gradient_of_its_cost() -> None:
    def side():
        return slow.Side(RANDOM.normal(size=3), RANDOM.normal(size=1), np.ones(3), np.ones(1))

    word, context, x, lr, tiny = side(), side(), 20.0, 1e-6, 1e-5
    gradient = []
    for k in range(3):
        costs = []
        for sign in (1, -1):
            vector = word.vector.copy()
            vector[k] += sign * tiny
            costs.append(slow.cost(word._replace(vector=vector), context, x))
        gradient.append((costs[0] - costs[1]) / (2 * tiny))
    before = word.vector.copy()
    slow.step(word, context, x, lr)
    np.testing.assert_allclose((before - word.vector) / lr, gradient, rtol=1e-4)


def test_cost_of_given_weights() -> None:
    """GloVe's cost for given weights, by hand: f(25) = (1/4)^.75, and w·c + a + b - ln 25."""
    word = slow.Side(np.array([1.0, 2.0]), np.array([0.5]), np.ones(2), np.ones(1))
    context = slow.Side(np.array([3.0, -1.0]), np.array([-0.25]), np.ones(2), np.ones(1))
    assert slow.cost(word, context, 25.0) == pytest.approx(0.5 * 0.25**0.75 * (1.25 - np.log(25)) ** 2)
    assert slow.cost(word, context, 1e6) == pytest.approx(0.5 * (1.25 - np.log(1e6)) ** 2)


@pytest.mark.parametrize("words", [1, 3, 70])
def test_every_cell_is_dealt_once(words) -> None:
    cells, rows, columns, values = matrix(words, min(words * words, 500))
    tiles = Tiles.of(cells, 100.0, 0.75, seed=1, threads=2, memory=1 << 30)
    blocks = blocks_of(words)
    of_tile = np.repeat(np.arange(blocks * blocks), np.diff(tiles.ends))
    found = {
        (int(i) * blocks + tile // blocks, int(j) * blocks + tile % blocks): (log, weight)
        for i, j, log, weight, tile in zip(*tiles.cells, of_tile.tolist(), strict=True)
    }
    assert found.keys() == set(zip(rows.tolist(), columns.tolist(), strict=True))
    for i, j, x in zip(rows.tolist(), columns.tolist(), values.tolist(), strict=True):
        log, weight = found[i, j]
        assert log == pytest.approx(np.log(x), abs=1e-6)
        assert weight == pytest.approx(slow.weight(x), rel=1e-5)


def test_cells_in_files_are_the_same() -> None:
    cells, *_ = matrix(70, 2000)
    _, kept, _ = learnt(cells, 70)
    _, mapped, _ = learnt(cells, 70, memory=1)
    assert kept.words.tobytes() == mapped.words.tobytes()


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_threads_give_the_bytes_of_one(threads) -> None:
    cells, *_ = matrix(300, 20_000)
    _, one, first = learnt(cells, 300)
    _, many, second = learnt(cells, 300, threads=threads)
    assert one.words.tobytes() == many.words.tobytes()
    assert one.contexts.tobytes() == many.contexts.tobytes()
    assert [epoch.loss for epoch in first] == pytest.approx([epoch.loss for epoch in second])


def test_inverse_roots() -> None:
    """Within 7e-4, over the whole range that sums of squares have."""
    import numba

    from firth.kernels.simd import LANES, inverse_root, load, store

    def roots(table):
        for d in range(0, table.shape[1], LANES):
            store(table, 0, d, inverse_root(load(table, 0, d)))

    numbers = np.exp(np.linspace(np.log(1e-8), np.log(1e32), 4096)).astype(np.float32)[None]
    found = numbers.copy()
    numba.njit(roots)(found)
    np.testing.assert_allclose(found * np.sqrt(numbers.astype(np.float64)), 1, atol=7e-4)
