"""Ranking metrics against scikit-learn's, item-kNN against implicit's cosine recommender."""

import numpy as np
import pytest

from firth import Sessions
from firth.evaluate.baselines import ItemKNN
from firth.evaluate.recommend import recommendations

RANDOM = np.random.default_rng(0)
LOG = Sessions([[f"i{item}" for item in RANDOM.choice(40, RANDOM.integers(2, 9), replace=False)] for _ in range(200)])


class Given:
    """Random scores, none like another."""

    def __init__(self, items, number):
        self.items = items
        self.rows = RANDOM.normal(size=(number, len(items))).astype(np.float32)

    def scores(self, histories):
        return self.rows.copy()


def test_metrics_are_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    _, questions = LOG.leave_last_out()
    given = Given(LOG.items, len(questions))
    found = recommendations(given, questions, k=7, exclude_seen=False)
    truth = np.eye(len(LOG.items))[questions.targets]
    assert found.ndcg == pytest.approx(metrics.ndcg_score(truth, given.rows, k=7))
    assert found.mrr == pytest.approx(metrics.label_ranking_average_precision_score(truth, given.rows))
    labels = np.arange(len(LOG.items))
    assert found.hit_rate == pytest.approx(
        metrics.top_k_accuracy_score(questions.targets, given.rows, k=7, labels=labels)
    )


def test_item_knn_is_implicits():
    neighbours = pytest.importorskip("implicit.nearest_neighbours")
    sparse = pytest.importorskip("scipy.sparse")
    rows = np.repeat(np.arange(len(LOG)), np.diff(LOG.offsets))
    held = sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, LOG.tokens)))
    model = neighbours.CosineRecommender(K=len(LOG.items))
    model.fit(held, show_progress=False)
    theirs = model.similarity.toarray()
    np.fill_diagonal(theirs, 0)
    np.testing.assert_allclose(ItemKNN(LOG).cosines.toarray(), theirs, atol=1e-5)
