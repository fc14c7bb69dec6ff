"""Ranking metrics against numbers counted by hand, and baselines against their formulas."""

import numpy as np
import pytest

from firth import Sessions, Vectors
from firth.errors import ConfigError, MissingExtraError
from firth.evaluate.baselines import BASELINES, Bigrams, ImplicitBPR, ItemKNN, Popularity, baselines
from firth.evaluate.recommend import compare, recommendations
from firth.vectors.recommend import Histories, histories_of

LOG = Sessions([["a", "b", "c"], ["a", "c", "b"], ["a", "d"], ["b", "c"]])


class Given:
    """Scores as they are given, a row for each history."""

    items = ("a", "b", "c", "d")

    def __init__(self, *rows):
        self.rows = np.array(rows, np.float32)
        self.asked: list[Histories] = []

    def scores(self, histories):
        self.asked.append(histories)
        return self.rows[: len(histories.offsets) - 1].copy()


def questions(*asked):
    sessions = Sessions([[*history, answer] for history, answer in asked])
    return sessions.leave_last_out()[1]


def test_metrics_by_hand():
    asked = questions(("a", "b"), ("a", "c"), ("a", "d"))
    found = recommendations(Given([9, 3, 2, 1], [9, 3, 2, 1], [9, 3, 2, 1]), asked, k=2)
    assert found.ranks.tolist() == [1, 2, 3]  # a was seen: it is no answer
    assert found.hit_rate == pytest.approx(2 / 3)
    assert found.ndcg == pytest.approx((1 + 1 / np.log2(3)) / 3)
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert recommendations(Given([9, 3, 2, 1]), questions(("a", "b")), exclude_seen=False).ranks.tolist() == [2]
    assert [score.measure for score in found.scores()] == ["HR@2", "NDCG@2", "MRR"]
    assert all(score.low <= score.score <= score.high for score in found.scores())


def test_equals_share_their_places_and_what_is_not_known_is_lost():
    tied = recommendations(Given([0, 5, 5, 5]), questions(("a", "c")))
    assert tied.ranks.tolist() == [2]  # the middle of 1, 2, 3
    lost = recommendations(Given([0, 5, 5, 5], [0, 5, 5, 5]), questions(("a", "x"), ("a", "b")), k=3)
    assert lost.ranks.tolist() == [np.inf, 2] and (lost.known, lost.hit_rate, lost.mrr) == (1, 0.5, 0.25)
    seen = recommendations(Given([3, 2, 1, 0]), questions(("ab", "a")))
    assert seen.ranks.tolist() == [np.inf] and seen.known == 0


def test_histories_are_in_the_recommenders_numbers_and_without_strangers():
    given = Given([0, 0, 0, 0])
    recommendations(given, questions(("dxa", "b")))
    assert given.asked[0].tokens.tolist() == [3, 0] and given.asked[0].sessions.tolist() == [0]


def test_many_questions_are_asked_in_parts(monkeypatch):
    monkeypatch.setattr("firth.evaluate.recommend._SCORES", 5)
    given = Given([0, 3, 2, 1])
    assert recommendations(given, questions(("a", "b"), ("a", "c"), ("a", "d"))).ranks.tolist() == [1, 2, 3]
    assert len(given.asked) == 3


def test_baselines_by_hand():
    one = histories_of([[LOG.items.index("b")]])
    a, b, c, d = (LOG.items.index(item) for item in "abcd")
    assert Popularity(LOG).scores(one)[0][[a, b, c, d]].tolist() == [3, 3, 3, 1]
    assert Bigrams(LOG).scores(one)[0][[a, b, c, d]].tolist() == pytest.approx([0.5, 0.5, 2.5, 1 / 6])
    cosines = ItemKNN(LOG).scores(one)[0][[a, b, c, d]]
    np.testing.assert_allclose(cosines, [2 / 3, 0, 1, 0], atol=1e-6)
    two = histories_of([[a, b]])
    np.testing.assert_allclose(ItemKNN(LOG).scores(two)[0][c], (2 / 3 + 1) / 2, atol=1e-6)
    np.testing.assert_allclose(ItemKNN(LOG, recent=1).scores(two)[0][c], 1, atol=1e-6)
    assert ItemKNN(LOG, neighbours=1).scores(one)[0][[a, c]].tolist() == pytest.approx([0, 1], abs=1e-6)


def test_bpr_learns_a_checkerboard():
    pytest.importorskip("implicit")
    log = Sessions(
        [["a", "b", "c", "d"]] * 30 + [["w", "x", "y", "z"]] * 30 + [["a", "b", "c", "d"], ["w", "x", "y", "z"]]
    )
    train, test = log.leave_last_out()
    assert recommendations(ImplicitBPR(train, factors=8, iterations=200), test.sample(20), k=4).hit_rate > 0.9


def test_a_table_of_several(monkeypatch):
    train, test = LOG.leave_last_out()
    found = compare(baselines(train, "popularity,item-knn,bigrams"), test, k=1)
    assert [row.name for row in found.rows] == ["popularity", "item-knn", "bigrams"]
    assert found["bigrams"].hit_rate == recommendations(Bigrams(train), test, k=1).hit_rate
    assert len(str(found).splitlines()) == 4 and "HR@1" in str(found) and len(found.scores()) == 9
    with pytest.raises(ConfigError, match="no baseline 'luck'"):
        baselines(train, "luck")

    def missing(*_):
        raise MissingExtraError("no")

    monkeypatch.setitem(BASELINES, "bpr", missing)
    assert list(baselines(train)) == ["popularity", "item-knn", "bigrams"]


def test_what_cannot_be_asked():
    with pytest.raises(ConfigError, match="k must be"):
        recommendations(Popularity(LOG), questions(("a", "b")), k=0)
    with pytest.raises(ConfigError, match="no output vectors"):
        recommendations(Vectors(["a", "b"], np.eye(2)), questions(("a", "b")))


def test_vectors_answer_as_recommend_does():
    random = np.random.default_rng(0)
    keys = [f"i{n}" for n in range(40)]
    counts = random.integers(1, 99, 40)
    made = {"model": {"recent": 2, "popularity": 0.3}}
    vectors = Vectors(keys, random.normal(size=(40, 5)), output=random.normal(size=(40, 5)), counts=counts, config=made)
    for history, answer in ((["i3", "i7", "i9"], "i1"), (["i5"], "i30")):
        sessions = Sessions([[*history, answer]])
        (rank,) = recommendations(vectors, sessions.leave_last_out()[1]).ranks
        assert [item for item, _ in vectors.recommend(history, 40)].index(answer) + 1 == rank


def test_recommend_by_hand():
    vectors = Vectors(
        ["a", "b", "c", "cold", "genre=x"],
        [[1, 0], [0, 1], [1, 1], [3, 0], [9, 9]],
        output=[[2, 0], [0, 2], [1, 0], [0, 0], [0, 0]],
        counts=[8, 4, 2, 0, 0],
        config={"model": {"recent": 1, "popularity": 0.5}, "features": ["genre=x"]},
    )
    found = dict(vectors.recommend(["b", "a"], popularity=0.0))
    assert found == {"c": 0.5 * 1 + 0.5 * 2, "cold": 6.0} and "genre=x" not in found
    assert [item for item, _ in vectors.recommend(["b", "a"], popularity=0.0)] == ["cold", "c"]
    assert dict(vectors.recommend(["a"]))["c"] == pytest.approx(1.5 + 0.5 * np.log(2))
    both = dict(vectors.recommend(["b", "a"], popularity=0.0, recent=0))
    assert both["c"] == pytest.approx(0.5 * 0.5 + 0.5 * 2)
    assert dict(vectors.recommend(["a"], exclude_seen=False))["a"] > dict(vectors.recommend(["a"]))["c"]
    assert [item for item, _ in vectors.recommend(["?"], 2)] == ["a", "b"]  # the most common ones
    assert vectors.recommend(["a"], where=["b"])[0][0] == "b" and len(vectors.recommend(["a"], where=["b"])) == 1
    assert vectors.recommend([["a"], ["b"]], 1) == [vectors.recommend(["a"], 1), vectors.recommend(["b"], 1)]
    assert vectors.recommend(["a"], 0) == []
    for wrong in ({"recent": -1}, {"recent": 1.5}, {"popularity": "much"}, {"popularity": float("nan")}):
        with pytest.raises(ConfigError):
            vectors.recommend(["a"], **wrong)
    with pytest.raises(ConfigError, match="list of items"):
        vectors.recommend("a")
