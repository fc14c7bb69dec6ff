"""Corpora with planted meaning: it is known which words stand for like things, so it is known what must be learnt."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import firth

Sentences = list[list[str]]

FOODS = ["苹果", "面包", "米饭", "鱼"]
COUNTRIES = ["中国", "英国", "俄罗斯", "法国"]


def fit(sentences: Sentences, **options: object) -> firth.Vectors:
    settings = {"dim": 16, "window": 3, "min_count": 1, "subsample": 0, "epochs": 5, "lr": 0.05, **options}
    return firth.Word2Vec(**settings).fit(sentences, threads=1, progress=False)


def sentences_about(
    topics: Sequence[tuple[Sequence[str], Sequence[str]]], count: int, seed: int, length: int = 4
) -> Sentences:
    """`count` sentences: a word of a topic among `length` of the words that go with that topic."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        subjects, companions = topics[random.integers(len(topics))]
        sentence = random.choice(companions, length).tolist()
        sentence.insert(int(random.integers(length + 1)), str(random.choice(subjects)))
        made.append(sentence)
    return made


@pytest.fixture(scope="module")
def topics() -> firth.Vectors:
    animals = ["猫", "狗", "兔子"]
    cars = ["汽车", "卡车", "火车"]
    cities = ["北京", "上海", "广州"]
    worlds = [
        (animals, ["毛", "尾巴", "吃", "跑", "睡", "宠物"]),
        (cars, ["轮子", "开", "路", "引擎", "快", "修理"]),
        (cities, ["城市", "人口", "地铁", "大学", "市长", "机场"]),
        (FOODS, ["吃", "甜", "买", "新鲜", "味道", "盘子"]),
        (COUNTRIES, ["政府", "首都", "总统", "经济", "语言", "边境"]),
    ]
    return fit(sentences_about(worlds, 6000, seed=1))


@pytest.mark.parametrize(
    ("word", "like", "unlike"),
    [("猫", "狗", "汽车"), ("北京", "上海", "苹果"), ("中国", "英国", "苹果"), ("中国", "俄罗斯", "苹果")],
)
def test_the_order_of_similarities(topics: firth.Vectors, word: str, like: str, unlike: str) -> None:
    assert topics.similarity(word, like) > topics.similarity(word, unlike) + 0.3


@pytest.mark.parametrize("which", ["input", "mean"])
def test_words_that_always_stand_together_are_almost_equal(which: str) -> None:
    """忐忑: whatever the one has met the other has met too, all but itself.

    That one difference takes a direction of its own where there is room; eight numbers for 51 words leave none, as
    a hundred leave none for the words of a language.
    """
    random = np.random.default_rng(2)
    companions = [f"词{i}" for i in range(40)]
    subjects = [["忐", "忑"], *([f"字{i}"] for i in range(10))]
    theirs = [random.choice(companions, 15, replace=False) for _ in subjects]
    sentences = []
    for _ in range(4000):
        topic, at = random.integers(len(subjects)), int(random.integers(17))
        sentence = random.choice(theirs[topic], 16).tolist()
        sentences.append([*sentence[:at], *subjects[topic], *sentence[at:]])
    vectors = fit(sentences, dim=8, window=8, shrink_windows=False)
    for one, other in (("忐", "忑"), ("忑", "忐")):
        (nearest, similarity), (_, next_best) = vectors.most_similar(one, topn=2, which=which)
        assert nearest == other
        assert similarity > 0.98 > next_best


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_love_and_hate_are_close(architecture: str) -> None:
    """喜欢 and 讨厌 stand in the same sentences: text without labels cannot tell them apart."""
    random = np.random.default_rng(3)
    people, things = ["我", "你", "他", "她"], ["音乐", "电影", "雨天", "考试"]
    sentences = [
        [str(random.choice(people)), str(random.choice(verbs)), str(random.choice(objects))]
        for verbs, objects in ((("喜欢", "讨厌"), things), (("吃", "买"), FOODS))
        for _ in range(2000)
    ]
    vectors = fit(sentences, architecture=architecture, epochs=8)
    assert vectors.most_similar("喜欢", topn=1)[0][0] == "讨厌"
    assert vectors.similarity("喜欢", "讨厌") > vectors.similarity("喜欢", "吃") + 0.2


PREDICTING = [
    {"architecture": "skipgram"},
    {"architecture": "cbow", "lr": 0.1},
    {"loss": "hs", "epochs": 10},
    {"loss": "softmax"},
]


@pytest.mark.parametrize("options", PREDICTING)
def test_other_countries_are_expected_beside_china(options: dict[str, object]) -> None:
    """Given 中国, 英国 and 俄罗斯 are far likelier than 苹果: the text names countries together, and foods together."""
    random = np.random.default_rng(5)
    sentences = []
    for _ in range(3000):
        words, companions = ((COUNTRIES, ["和", "签署", "协议"]), (FOODS, ["和", "盘子", "新鲜"]))[random.integers(2)]
        sentences.append([*random.choice(words, 2, replace=False).tolist(), str(random.choice(companions))])
    vectors = fit(sentences, **options)
    expected = dict(vectors.predict("中国", topn=len(vectors)))
    assert sum(expected.values()) == pytest.approx(1)
    assert len(expected) == len(vectors)
    assert min(expected["英国"], expected["俄罗斯"]) > 10 * expected["苹果"]


@pytest.mark.parametrize("options", PREDICTING)
def test_what_i_like_to_eat_and_to_drink(options: dict[str, object]) -> None:
    """我 喜欢 吃 __ is filled with foods, 我 喜欢 喝 __ with drinks."""
    random = np.random.default_rng(6)
    drinks = ["水", "茶", "咖啡", "牛奶"]
    sentences = [
        ["我", "喜欢", verb, str(random.choice(things))]
        for _ in range(1500)
        for verb, things in (("吃", FOODS), ("喝", drinks))
    ]
    vectors = fit(sentences, **{"epochs": 8, **options})
    for verb, things in (("吃", FOODS), ("喝", drinks)):
        filled = [word for word, _ in vectors.predict(["我", "喜欢", verb], topn=len(vectors))]
        assert set([word for word in filled if word in FOODS + drinks][:4]) == set(things)


# Two traits make a word: what it is, and of which sex. Each word is seen with companions of both of its traits.
KINDS = {
    "royal": ("king", "queen", ["throne", "crown", "palace", "reign"]),
    "common": ("man", "woman", ["street", "work", "house", "crowd"]),
    "young": ("boy", "girl", ["school", "play", "toy", "small"]),
    "kin": ("uncle", "aunt", ["family", "visit", "cousin", "wedding"]),
}
SEXES = (["he", "him", "his", "sir"], ["she", "her", "hers", "madam"])


def questions() -> Iterator[str]:
    pairs = [(he, she) for he, she, _ in KINDS.values()]
    return (f"{a} {b} {c} {d}" for a, b in pairs for c, d in pairs if a != c)


@pytest.mark.parametrize(
    ("least", "options"),
    [
        (0.9, {"architecture": "skipgram"}),
        (0.7, {"loss": "hs", "lr": 0.1, "epochs": 10}),  # the tree tells words apart that it puts on other branches
        (0.9, {"loss": "softmax"}),
        (0.9, {"architecture": "cbow", "lr": 0.1}),
        (0.9, {"deterministic": True}),
    ],
)
def test_planted_analogies(least: float, options: dict[str, object], tmp_path: Path) -> None:
    """king - man + woman ≈ queen, and every other question that the two traits allow."""
    topics = [([word], [*companions, *sex]) for *words, companions in KINDS.values()
              for word, sex in zip(words, SEXES, strict=True)]  # fmt: skip
    vectors = fit(sentences_about(topics, 8000, seed=4, length=5), **{"epochs": 6, "window": 5, **options})
    assert vectors.most_similar(["king", "woman"], ["man"], topn=1)[0][0] == "queen"
    (tmp_path / "planted.txt").write_text(": planted\n" + "\n".join(questions()) + "\n")
    accuracy, _ = vectors.evaluate_word_analogies(tmp_path / "planted.txt")
    assert accuracy > least  # by chance: one in 30
