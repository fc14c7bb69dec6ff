"""Small examples whose answer fingers can count: what is looked up, what is learnt from, how it is summed."""

import numpy as np
import pytest

import firth
from firth.reference.one_hot import look_up, one_hot
from firth.reference.word2vec import Example, Model, examples, hidden_vectors

NOTHING = np.zeros((0, 0))


def windows(sentence: str, **options: int) -> list[tuple[str, list[str]]]:
    """(centre, contexts) of every window of a sentence; windows are 2 wide and do not shrink."""
    words = sentence.split()
    ids = {word: i for i, word in enumerate(dict.fromkeys(words))}
    model = Model(
        NOTHING, NOTHING, [[ids[word] for word in words]], [1.0] * len(ids), window=2, shrink=False, **options
    )
    keys = list(ids)
    return [(keys[e.centre], [keys[word] for word in e.contexts]) for e in examples(model, key=11)]


APPLE = "There is an apple on the table"
WORLD = "深度 学习 改变 了 世界"


def test_a_look_up_is_a_product_with_a_one_hot_vector() -> None:
    words = ["北", "京", "欢", "迎", "你"]
    vectors = firth.Word2Vec(dim=3, min_count=1, epochs=1).fit([words] * 10, vocabulary=words, threads=1)
    assert vectors.index_to_key == words
    e = one_hot(vectors.key_to_index["京"], 5)
    assert e.tolist() == [0, 1, 0, 0, 0]
    assert (e @ vectors.vectors).tolist() == look_up(1, vectors.vectors).tolist() == vectors["京"].tolist()
    assert one_hot(0, 5) @ one_hot(1, 5) == 0


def test_the_window_of_apple() -> None:
    assert ("apple", ["is", "an", "on", "the"]) in windows(APPLE)


@pytest.mark.parametrize(("num_skips", "pairs"), [(0, 22), (2, 14)])
def test_pairs_of_the_apple_sentence(num_skips: int, pairs: int) -> None:
    found = windows(APPLE, skips=num_skips)
    assert sum(len(contexts) for _, contexts in found) == pairs
    assert all(len(set(contexts)) == len(contexts) for _, contexts in found)
    assert {"is", "an", "on", "the"} >= set(dict(found)["apple"])
    assert len(dict(found)["apple"]) == (num_skips or 4)


@pytest.mark.parametrize(("architecture", "learnt"), [("skipgram", 22), ("cbow", 7)])
def test_training_counts_the_same_examples(architecture: str, learnt: int) -> None:
    """What the compiled engine learns from: 7 windows, of 22 pairs or of 7 bags."""
    seen: list[int] = []
    model = firth.Word2Vec(
        architecture=architecture, dim=4, window=2, shrink_windows=False, min_count=1, subsample=0, epochs=1
    )
    model.fit([APPLE.split()], threads=1, callbacks=[lambda epoch: seen.append(epoch.examples)])
    assert seen == [7]
    hidden = [hidden_vectors(Model(np.ones((7, 4)), NOTHING, [], [], architecture=architecture), e) for e in apple()]
    assert sum(len(rows) for rows in hidden) == learnt


def apple() -> list[Example]:
    model = Model(NOTHING, NOTHING, [list(range(7))], [1.0] * 7, window=2, shrink=False)
    return list(examples(model, key=0))


def test_deep_learning_changed_the_world() -> None:
    found = windows(WORLD)
    assert found[2] == ("改变", ["深度", "学习", "了", "世界"])  # one CBOW example, four pairs of skip-gram
    assert len(found) == 5
    assert sum(len(contexts) for _, contexts in found) == 14


def test_the_window_of_nature() -> None:
    assert dict(windows("我 喜欢 自然 语言 处理"))["自然"] == ["我", "喜欢", "语言", "处理"]


@pytest.mark.parametrize(("mean", "hidden"), [(True, [0, 0.5, 0, 0.5]), (False, [0, 1, 0, 1])])
def test_the_hidden_layer_of_two_words(mean: bool, hidden: list[float]) -> None:
    model = Model(np.eye(4), NOTHING, [], [], architecture="cbow", mean=mean)
    assert hidden_vectors(model, Example(0, [1, 3], [1, 2])).tolist() == [hidden]
