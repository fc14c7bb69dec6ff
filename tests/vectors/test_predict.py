"""The probability of every word beside a context."""

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, InputError, UnknownKeyError
from firth.huffman import HuffmanTree
from firth.reference import word2vec as slow

RANDOM = np.random.default_rng(0)
TEXT = [
    ["中国", "和", str(RANDOM.choice(["英国", "俄罗斯"]))]
    if i % 2
    else ["吃", "了", str(RANDOM.choice(["苹果", "面包"]))]
    for i in range(2000)
]


def model(**options):
    settings = {"dim": 12, "window": 2, "subsample": 0, "epochs": 8, "lr": 0.05, "min_count": 1, **options}
    return firth.Word2Vec(**settings).fit(TEXT, threads=1)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
def test_what_was_planted_is_predicted(architecture, loss):
    vectors = model(architecture=architecture, loss=loss)
    found = dict(vectors.predict("中国", topn=len(vectors)))
    assert sum(found.values()) == pytest.approx(1, abs=1e-6)
    assert len(found) == len(vectors)
    for near in ("英国", "俄罗斯"):
        assert found[near] > (5 if architecture == "skipgram" else 3) * found["苹果"]
    if architecture == "cbow" and loss != "ns":
        assert vectors.predict(["吃", "苹果"], topn=1)[0][0] == "了"


def test_the_likeliest_come_first_and_topn_of_them():
    vectors = model()
    found = vectors.predict(["中国", "和"], topn=3)
    assert len(found) == 3
    assert found == sorted(found, key=lambda pair: -pair[1])


def test_softmax_is_the_twins():
    vectors = model(loss="softmax", architecture="cbow", epochs=1)
    context = [vectors.get_index(word) for word in ("吃", "苹果")]
    hidden = vectors.vectors[context].astype(np.float64).mean(axis=0, keepdims=True)
    outputs = vectors.output.astype(np.float64)
    for word, probability in vectors.predict(["吃", "苹果"], topn=99):
        loss = slow.softmax(hidden, outputs.copy(), vectors.get_index(word), 0.0)[0][0]
        assert probability == pytest.approx(np.exp(-loss), rel=1e-4)


def test_sums_where_the_model_sums():
    vectors = model(loss="softmax", architecture="cbow", cbow_mean=False, epochs=1)
    rows = [vectors.get_index(word) for word in ("吃", "苹果")]
    scores = vectors.output.astype(np.float64) @ vectors.vectors[rows].sum(axis=0)
    expected = np.exp(scores) / np.exp(scores).sum()
    assert dict(vectors.predict(["吃", "苹果"], topn=1))[vectors.index_to_key[int(expected.argmax())]] == pytest.approx(
        expected.max(), rel=1e-4
    )


def test_the_tree_is_the_twins(tmp_path):
    vectors = model(loss="hs", epochs=1)
    vectors.save(tmp_path / "m")
    vectors = firth.load(tmp_path / "m")
    tree = HuffmanTree.of(vectors.counts)
    hidden = vectors["中国"].astype(np.float64)[None]
    for word, probability in vectors.predict("中国", topn=99):
        path = tree.path(vectors.get_index(word))
        loss = slow.hierarchical_softmax(hidden, vectors.nodes.astype(np.float64), path, 0.0)[0][0]
        assert probability == pytest.approx(np.exp(-loss), rel=1e-4)


def test_negative_sampling_is_weighted_by_its_noise():
    vectors = model(epochs=1)
    scores = np.exp(vectors.output.astype(np.float64) @ vectors["中国"]) * vectors.counts**0.75
    found = dict(vectors.predict("中国", topn=99))
    for row, key in enumerate(vectors.index_to_key):
        assert found[key] == pytest.approx(scores[row] / scores.sum(), rel=1e-4)


def test_outputs_of_a_tree_are_not_words():
    vectors = model(loss="hs", epochs=1)
    with pytest.raises(ConfigError, match="inner nodes of a tree, not words"):
        vectors.most_similar("中国", which="output")


def test_what_cannot_be_predicted():
    with pytest.raises(ConfigError, match="no output vectors"):
        firth.Vectors(["a"], [[1.0]]).predict("a")
    with pytest.raises(UnknownKeyError):
        model(epochs=1).predict("没有")
    with pytest.raises(InputError, match="at least one word"):
        model(epochs=1).predict([])
    with pytest.raises(InputError, match="one node less"):
        firth.Vectors(["a", "b", "c"], np.ones((3, 2)), nodes=np.ones((3, 2)))
