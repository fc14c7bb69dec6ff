"""The blocked search against a loop that anyone can read."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.vectors import nearest
from firth.vectors.nearest import Rows, lengths, unit


def table(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    return rng.normal(size=(rows, dim)).astype(np.float32)


def measured(array: np.ndarray) -> Rows:
    return Rows(array, lengths(array))


def naive(rows: np.ndarray, query: np.ndarray, k: int) -> list[int]:
    """Sort all rows by cosine, then by number."""
    norms = [math.sqrt(sum(float(x) ** 2 for x in row)) for row in rows]
    cosines = [float(row @ query) / norm if norm else 0.0 for row, norm in zip(rows, norms, strict=True)]
    return sorted(range(len(rows)), key=lambda place: (-cosines[place], place))[:k]


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 70),
    queries=st.integers(1, 12),
    k=st.integers(1, 9),
    tile=st.sampled_from([1, 7, 64, 1 << 21]),
    height=st.sampled_from([1, 3, 256]),
)
def test_blocks_find_what_a_loop_finds(seed: int, rows: int, queries: int, k: int, tile: int, height: int) -> None:
    rng = np.random.default_rng(seed)
    # small whole numbers: products are exact, so ties are true ties; each row again, twice as long, and a zero row
    array = rng.integers(-2, 3, (rows, 3)).astype(np.float32)
    array = np.concatenate([array, 2 * array, np.zeros((1, 3), np.float32)])
    asked = table(rng, queries, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_TILE", tile)
        patch.setattr(nearest, "_QUERIES", height)
        ids, scores = measured(array).nearest(unit(asked), k)
    assert ids.shape == scores.shape == (queries, min(k, len(array)))
    for query, found, score in zip(unit(asked), ids, scores, strict=True):
        exact = array[found] @ query / np.maximum(np.linalg.norm(array[found], axis=1), 1e-9)
        np.testing.assert_allclose(score, exact, atol=1e-6)
        wanted = naive(array, query, k)
        best = array[wanted] @ query / np.maximum(np.linalg.norm(array[wanted], axis=1), 1e-9)
        np.testing.assert_allclose(score, best, atol=1e-6)
        assert (np.diff(score) <= 0).all()
        assert len(set(found.tolist())) == len(found)


@pytest.mark.parametrize("tile", [16, 1 << 21])
def test_the_lower_row_of_equals_comes_first(monkeypatch: pytest.MonkeyPatch, tile: int) -> None:
    monkeypatch.setattr(nearest, "_TILE", tile)
    array = np.zeros((100, 2), np.float32)
    array[:, 0] = 1
    array[[7, 93]] = [0, 1]
    ids, _ = measured(array).nearest(np.array([[0, 1], [1, 0]], np.float32), 4)
    assert ids.tolist() == [[7, 93, 0, 1], [0, 1, 2, 3]]


def test_more_than_there_are_gives_all_there_are() -> None:
    array = table(np.random.default_rng(0), 5, 4)
    ids, scores = measured(array).nearest(unit(array[:2]), 9)
    assert ids.shape == (2, 5)
    assert np.isfinite(scores).all()
    assert sorted(ids[0].tolist()) == [0, 1, 2, 3, 4]


def test_limit_looks_at_the_first_rows_alone() -> None:
    array = table(np.random.default_rng(0), 50, 4)
    ids, _ = measured(array).nearest(unit(array[40:41]), 3, limit=10)
    assert ids.max() < 10
    assert ids[0].tolist() == naive(array[:10], array[40], 3)
    assert len(measured(array).cosines(unit(array[0]), limit=10)) == 10


def test_nothing_asked_or_nothing_there_is_an_empty_answer() -> None:
    array = table(np.random.default_rng(0), 5, 4)
    assert measured(array).nearest(unit(array), 0)[0].shape == (5, 0)
    assert measured(array).nearest(np.empty((0, 4), np.float32), 3)[0].shape == (0, 3)
    assert measured(array[:0]).nearest(unit(array), 3)[0].shape == (5, 0)


def test_scratch_memory_is_bounded() -> None:
    import tracemalloc

    array = table(np.random.default_rng(0), 40_000, 2)
    rows = measured(array)
    _ = rows.inverse
    queries = unit(array[:2_000])  # all scores at once would be 320 MB
    for asked in (queries, np.zeros_like(queries)):  # zeros: every score of every row ties
        tracemalloc.start()
        ids, _ = rows.nearest(asked, 5)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64e6
    assert (ids == np.arange(5)).all()


def test_rows_of_a_wider_table_are_searched_where_they_lie() -> None:
    wide = table(np.random.default_rng(0), 30, 16)
    narrow = wide[:, :10]
    ids, _ = measured(narrow).nearest(unit(np.ascontiguousarray(narrow[:3])), 4)
    assert [row.tolist() for row in ids] == [naive(narrow, narrow[place], 4) for place in range(3)]


@pytest.mark.parametrize("size", [1e-25, 1e-12, 1.0, 1e12, 1e25])
def test_lengths_and_cosines_hold_far_from_one(size: float) -> None:
    array = (table(np.random.default_rng(0), 20, 8) * size).astype(np.float32)
    np.testing.assert_allclose(lengths(array), np.linalg.norm(array.astype(np.float64), axis=1), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(unit(array), axis=1), 1, rtol=1e-5)
    assert measured(array).nearest(unit(array), 1)[0][:, 0].tolist() == list(range(20))


def test_zeros_have_cosine_zero_and_stay_zeros() -> None:
    array = np.array([[0, 0], [3, 4], [1e-40, 0]], np.float32)
    rows = measured(array)
    assert rows.cosines(np.array([1, 0], np.float32)).tolist() == pytest.approx([0, 0.6, 0])
    assert unit(array)[0].tolist() == [0, 0]
    assert np.isfinite(unit(array)).all()


def test_nan_and_inf_show_in_the_length() -> None:
    found = lengths(np.array([[1, np.nan], [np.inf, 1], [3, 4]], np.float32))
    assert np.isfinite(found).tolist() == [False, False, True]
