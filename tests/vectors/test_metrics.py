"""Metrics and filters: the search against a sort of everything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth import Vectors
from firth.errors import ConfigError, InputError
from firth.vectors import nearest
from firth.vectors.nearest import Rows, lengths, top, unit

RNG = np.random.default_rng(3)
KEYS = [f"{kind}_{place}" for place in range(40) for kind in ("tree", "car", "树")]
TABLE = (RNG.normal(size=(120, 7)) * RNG.uniform(0.2, 4, (120, 1))).astype(np.float32)
V = Vectors(KEYS, TABLE, counts=np.arange(120, 0, -1))


def measured(metric: str, query: np.ndarray) -> np.ndarray:
    if metric == "dot":
        return -(TABLE @ query)
    if metric == "euclidean":
        return np.linalg.norm(TABLE - query, axis=1)
    return -(unit(TABLE) @ unit(query))


@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(["cosine", "dot", "euclidean"]),
    queries=st.integers(1, 12),
    k=st.integers(1, 20),
    limit=st.one_of(st.none(), st.integers(1, 130)),
    among=st.one_of(st.none(), st.sets(st.integers(0, 119))),
    tile=st.sampled_from([1, 64, 1 << 21]),
)
def test_every_metric_finds_what_a_sort_finds(seed, metric, queries, k, limit, among, tile) -> None:
    asked = np.random.default_rng(seed).normal(size=(queries, 7)).astype(np.float32)
    allowed = set(range(120)) if among is None else among
    allowed = sorted(place for place in allowed if place < (limit or 120))
    rows = Rows(TABLE, lengths(TABLE))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearest, "_TILE", tile)
        places = None if among is None else np.array(sorted(among), np.int64)
        ids, scores = rows.nearest(unit(asked) if metric == "cosine" else asked, k, limit, among=places, metric=metric)
    assert ids.shape == (queries, min(k, len(allowed)))
    for query, found, score in zip(asked, ids, scores, strict=True):
        wanted = measured(metric, query)
        best = sorted(allowed, key=lambda place: wanted[place])[:k]
        assert found.tolist() == best
        np.testing.assert_allclose(score if metric == "euclidean" else -score, wanted[best], atol=1e-5)


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_one_and_many_and_all_say_the_same(metric: str) -> None:
    every = V.most_similar("car_3", topn=None, metric=metric)
    assert every.shape == (120,)
    one = V.most_similar("car_3", topn=5, metric=metric)
    (many,) = V.nearest(["car_3"], topn=5, metric=metric)
    assert [key for key, _ in one] == [key for key, _ in many]
    np.testing.assert_allclose([score for _, score in one], [every[V.get_index(key)] for key, _ in one], atol=1e-5)
    np.testing.assert_allclose([score for _, score in one], [score for _, score in many], atol=1e-5)


def test_sums_are_of_the_vectors_as_they_are() -> None:
    target = V["car_1"] * 2 - V["car_2"]
    near = V.most_similar([("car_1", 2)], ["car_2"], topn=3, metric="euclidean")
    order = [
        place for place in np.argsort(np.linalg.norm(TABLE - target, axis=1)) if KEYS[place][-2:] not in ("_1", "_2")
    ]
    exact = {KEYS[place]: np.linalg.norm(TABLE[place] - target) for place in order}
    for key, score in near:
        assert key not in ("car_1", "car_2")
        assert score == pytest.approx(float(np.linalg.norm(V[key] - target)), rel=1e-5)
    assert min(exact.values()) >= near[0][1] - 1e-5


def test_a_distance_of_nearly_nothing_is_seen() -> None:
    """|q - x| by way of products would be 0.03 of rounding at this length."""
    table = np.array([[1000, 1000], [1000, 1000.0625], [1000, 1001]], np.float32)
    v = Vectors(["a", "b", "c"], table)
    assert v.most_similar("a", metric="euclidean") == [("b", 0.0625), ("c", 1.0)]


WHERES = [
    ({"prefix": "树"}, lambda key, row: key.startswith("树")),
    ({"prefix": ["car", "tree_1"]}, lambda key, row: key.startswith(("car", "tree_1"))),
    ({"regex": "_[0-4]$"}, lambda key, row: key[-2:] in {"_0", "_1", "_2", "_3", "_4"}),
    ({"regex": "(?i)CAR"}, lambda key, row: key.startswith("car")),
    ({"min_count": 100}, lambda key, row: 120 - row >= 100),
    ({"keys": ["car_1", "nowhere", "car_2", "car_1"]}, lambda key, row: key in {"car_1", "car_2"}),
    (["car_1", 7, "nowhere", 500], lambda key, row: key == "car_1" or row == 7),
    ({"prefix": "car", "min_count": 90}, lambda key, row: key.startswith("car") and 120 - row >= 90),
    ({"keys": []}, lambda key, row: False),
]


@pytest.mark.parametrize(("where", "holds"), WHERES, ids=[str(where) for where, _ in WHERES])
def test_where(where, holds) -> None:
    allowed = {key for row, key in enumerate(KEYS) if holds(key, row)}
    wanted = [pair for pair in V.most_similar("tree_5", topn=200) if pair[0] in allowed]
    for found in (
        V.most_similar("tree_5", topn=200, where=where),
        V.nearest("tree_5", topn=200, where=where)[0],
        V.nearest(["tree_5"] * 12, topn=200, where=where)[11],
    ):
        assert [key for key, _ in found] == [key for key, _ in wanted]
        np.testing.assert_allclose([score for _, score in found], [score for _, score in wanted], atol=1e-6)
    assert len(V.most_similar("tree_5", topn=None, where=where)) == len(allowed)
    cosmul = [key for key, _ in V.most_similar_cosmul("tree_5", topn=200) if key in allowed]
    assert [key for key, _ in V.most_similar_cosmul("tree_5", topn=200, where=where)] == cosmul


def test_where_and_restrict_vocab_hold_together() -> None:
    found = V.most_similar("tree_5", topn=200, where={"prefix": "car"}, restrict_vocab=12)
    assert {key for key, _ in found} == {"car_0", "car_1", "car_2", "car_3"}


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("car", "list of keys"),
        (5, "list of keys"),
        ({}, "where is empty"),
        ({"prefx": "a"}, "Did you mean 'prefix'"),
        ({"prefix": 3}, "prefix must be"),
        ({"regex": "("}, "no pattern"),
        ({"regex": 3}, "no pattern"),
        ({"keys": "car_1"}, "keys must be a list"),
        ({"min_count": 1.5}, "min_count must be"),
        ([1.5], "A key is a string"),
    ],
)
def test_what_where_refuses(where, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        V.most_similar("car_1", where=where)


def test_min_count_needs_counts() -> None:
    with pytest.raises(InputError, match="came without"):
        Vectors(["a", "b"], np.eye(2)).most_similar("a", where={"min_count": 2})


@pytest.mark.parametrize("options", [{"metric": "cosin"}, {"metric": None}, {"index": "ivf"}])
def test_unknown_names_are_refused(options) -> None:
    for ask in (V.most_similar, V.nearest):
        with pytest.raises(ConfigError, match="must be"):
            ask("car_1", **options)


def test_cosmul_without_anything_positive_or_with_weights_is_refused() -> None:
    with pytest.raises(ConfigError, match="something positive"):
        V.most_similar_cosmul(negative="car_1")
    with pytest.raises(ConfigError, match="no weights"):
        V.most_similar_cosmul([("car_1", 2.0)])


def test_a_text_has_neighbours_and_its_words_are_not_among_them() -> None:
    vectors = Vectors(["树", "木", "车"], [[1, 0], [0.9, 0.1], [0, 1]], config={"text": {"tokenizer": "characters"}})
    found = vectors.similar_by_text("树树", topn=5)
    assert [key for key, _ in found] == ["木", "车"]
    assert found[0][1] == pytest.approx(vectors.similarity("树", "木"))
    with pytest.raises(InputError, match="No word of"):
        vectors.similar_by_text("无")


@given(scores=st.lists(st.integers(0, 3), max_size=9), k=st.integers(0, 12))
def test_top(scores: list[int], k: int) -> None:
    assert (
        top(np.array(scores, np.float32), k).tolist() == sorted(range(len(scores)), key=lambda p: (-scores[p], p))[:k]
    )
