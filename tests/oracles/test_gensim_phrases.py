"""The phrases that gensim finds, their scores, and the text it makes of them."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firth

models = pytest.importorskip("gensim.models.phrases")


def made() -> list[list[str]]:
    """Words by Zipf's law, of which each tenth is followed by its own partner."""
    draw = random.Random(7)
    words = [*sorted(models.ENGLISH_CONNECTOR_WORDS), *(f"w{i}" for i in range(400))]
    draw.shuffle(words)
    weights = [1 / (rank + 1) for rank in range(len(words))]
    partners = dict(zip(words, draw.sample(words, len(words)), strict=True))
    sentences = [draw.choices(words, weights, k=draw.randrange(1, 30)) for _ in range(3000)]
    return [
        [w for word in each for w in ((word, partners[word]) if draw.random() < 0.1 else (word,))] for each in sentences
    ]


@pytest.fixture(scope="module")
def real(shared_data: Callable[[str], Path]) -> list[list[str]]:
    """Wikipedia: the first fifteen thousand lines."""
    folder = shared_data("english")
    files = sorted(path for path in folder.iterdir() if path.stat().st_size > 1_000_000)
    lines = firth.Text(files[0], tokenizer="words", lower=True)
    return [[word.replace("_", "-") for word in line] for line in itertools.islice(lines, 15_000)]


CASES: list[dict[str, Any]] = [
    {"min_count": 5, "threshold": 10.0},
    {"min_count": 2, "threshold": 1.0, "connectors": "english"},
    {"min_count": 3, "threshold": 0.3, "scoring": "npmi"},
    {"min_count": 5, "threshold": 0.5, "scoring": "npmi", "connectors": "english"},
]


def theirs(sentences: Any, case: dict[str, Any]) -> Any:
    connectors = models.ENGLISH_CONNECTOR_WORDS if "connectors" in case else frozenset()
    options = {name: value for name, value in case.items() if name != "connectors"}
    return models.Phrases(sentences, connector_words=connectors, **options)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("corpus", ["made", pytest.param("real", marks=pytest.mark.slow)])
def test_phrases_scores_and_joined_text(request: pytest.FixtureRequest, corpus: str, case: dict[str, Any]) -> None:
    sentences = made() if corpus == "made" else request.getfixturevalue("real")
    expected = theirs(sentences, case)
    learnt = firth.Phrases(**case).fit(sentences)
    scores = expected.export_phrases()
    assert len(scores) > 10
    assert {phrase.key for phrase in learnt.table} == scores.keys()
    for phrase in learnt.table:
        assert phrase.score == pytest.approx(scores[phrase.key], rel=1e-9)
        assert phrase.count == expected.vocab[phrase.key]
    assert learnt.apply(sentences) == [expected[sentence] for sentence in sentences]


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_two_passes(case: dict[str, Any]) -> None:
    sentences = made()
    first = theirs(sentences, case)
    joined = [first[sentence] for sentence in sentences]
    second = theirs(joined, case)
    assert firth.Phrases(passes=2, **case).fit(sentences).apply(sentences) == [second[each] for each in joined]
