"""Node classification and link prediction: against scikit-learn, and by hand; wrong files."""

import numpy as np
import pytest

from firth import Vectors
from firth.errors import ConfigError, InputError
from firth.evaluate import logistic
from firth.evaluate.links import area, average_precision, link_prediction
from firth.evaluate.nodes import _f1, _likeliest, node_classification

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(120, 5))
TRUTH = FEATURES @ RANDOM.normal(size=(5, 4)) + RANDOM.normal(size=(120, 4)) > 0.8
NODES = [f"n{i}" for i in range(120)]
VECTORS = Vectors(NODES, FEATURES.astype(np.float32))
LABELS = [
    " ".join([node, *(f"l{j}" for j in np.flatnonzero(row))])
    for node, row in zip(NODES, TRUTH, strict=True)
    if row.any()
]


def test_regression_is_scikit_learns():
    linear = pytest.importorskip("sklearn.linear_model")
    for penalty in (0.1, 1.0, 10.0):
        weights, intercepts = logistic.fitted(FEATURES, TRUTH, penalty)
        for label in range(4):
            model = linear.LogisticRegression(C=penalty, tol=1e-8, max_iter=5000).fit(FEATURES, TRUTH[:, label])
            assert weights[label] == pytest.approx(model.coef_[0], abs=2e-3)
            assert intercepts[label] == pytest.approx(model.intercept_[0], abs=2e-3)


def test_f1_is_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    predicted = RANDOM.random(TRUTH.shape) > 0.6
    predicted[:, 3] = False
    for average, found in zip(("micro", "macro"), _f1(TRUTH, predicted), strict=True):
        assert found == pytest.approx(metrics.f1_score(TRUTH, predicted, average=average, zero_division=0))


def test_ranks_are_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    scores = RANDOM.integers(0, 30, 200).astype(float)
    truth = scores + RANDOM.normal(0, 12, 200) > 15
    assert area(scores, truth) == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert average_precision(scores, truth) == pytest.approx(metrics.average_precision_score(truth, scores))


def test_as_many_labels_as_are_known():
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.1]])
    assert _likeliest(scores, np.array([2, 1])).tolist() == [[True, False, True], [False, True, False]]


def test_node_classification():
    found = node_classification(VECTORS, LABELS, splits=4)
    assert len(found.micro) == 4 and found.labels == 4 and found.asked == found.questions == len(LABELS)
    means = found.means()
    assert 0.6 < means["honest_micro_f1"] < means["micro_f1"] < 1
    assert 0.5 < means["macro_f1"] < 1
    assert [score.measure for score in found.scores()][:2] == ["micro f1", "macro f1"]
    assert "4 labels, 4 splits" in str(found)
    assert found.to_dict()["splits"]["macro_f1"] == list(found.macro)
    shuffled = Vectors(NODES, RANDOM.permutation(FEATURES).astype(np.float32))
    assert node_classification(shuffled, LABELS, splits=4).means()["micro_f1"] < means["micro_f1"] - 0.1


@pytest.mark.parametrize("option", [{"train": 0.8}, {"splits": 2}, {"seed": 2}, {"penalty": 0.01}, {"which": "output"}])
def test_options_of_node_classification(option):
    vectors = Vectors(NODES, FEATURES.astype(np.float32), output=-(FEATURES[:, ::-1].astype(np.float32) ** 2))
    assert (
        node_classification(vectors, LABELS, **{"splits": 3, **option}).micro
        != node_classification(vectors, LABELS, splits=3).micro
    )


def test_one_label_each_is_known_to_be_one():
    labels = [f"{node} {'xyz'[np.argmax(row[:3])]}" for node, row in zip(NODES, FEATURES, strict=True)]
    found = node_classification(VECTORS, labels, splits=3)
    assert found.micro == found.honest_micro == found.accuracy
    assert min(found.micro) > 0.8


def test_nodes_without_a_vector_are_left_out(tmp_path):
    path = tmp_path / "labels"
    path.write_text("# nodes\n" + "\n".join([*LABELS, "stranger l1"]))
    found = node_classification(VECTORS, path, splits=1)
    assert (found.asked, found.questions) == (len(LABELS), len(LABELS) + 1)


@pytest.mark.parametrize(
    ("labels", "options", "error", "says"),
    [
        (["a x", "b"], {}, InputError, "line 2: expected 'node label"),
        (["a x", "b x"], {}, InputError, "at least two are needed"),
        (["a x", "b y"], {}, InputError, "too few to learn from"),
        (LABELS, {"train": 1.0}, ConfigError, "share between 0 and 1"),
        (LABELS, {"splits": 0}, ConfigError, "at least 1"),
    ],
)
def test_labels_that_cannot_be(labels, options, error, says):
    with pytest.raises(error, match=says):
        node_classification(VECTORS, labels, **options)


def test_link_prediction():
    v = Vectors(["a", "b", "c", "d"], [[1, 0], [2, 0.1], [0, 1], [0.5, 0.6]])
    lines = ["a b 1", "c d 1", "# none", "a c 0", "b c 0", "a strange 1"]
    found = link_prediction(v, lines)
    assert (found.auc, found.asked, found.questions) == (1.0, 4, 5)
    assert found.scores()[0].measure == "link AUC"
    pairs = [("a", "b"), ("c", "d")], [("b", "d"), ("b", "c")]
    assert link_prediction(v, *pairs).auc == 1.0
    assert link_prediction(v, *pairs, by="dot").auc == 0.75
    assert found.to_dict()["average_precision"] == 1.0


@pytest.mark.parametrize(
    ("links", "says"),
    [(["a b 2"], "line 1: expected 'u v 1'"), (["a b"], "line 1"), (["n1 n2 1"], "Both kinds are needed")],
)
def test_links_that_cannot_be(links, says):
    with pytest.raises(InputError, match=says):
        link_prediction(VECTORS, links)
    with pytest.raises(ConfigError, match="'cosine' or 'dot'"):
        link_prediction(VECTORS, links, by="euclid")
