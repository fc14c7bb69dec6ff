"""Learning phrases: against the slow twin, a world whose phrases are known, and every option."""

import doctest
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import firth
from firth.errors import ConfigError, EmptyVocabularyError
from firth.reference import phrases as slow
from firth.tokens import collocations, encoded
from firth.tokens.encoded import encode
from firth.tokens.phrases import LearntPhrases

SENTENCES = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "of", "the"]), min_size=1, max_size=12), max_size=20)


def scored(learnt: LearntPhrases) -> dict[tuple[str, ...], tuple[float, int]]:
    return {phrase.words: (phrase.score, phrase.count) for phrase in learnt.table}


@given(
    sentences=SENTENCES.filter(len),
    min_count=st.integers(1, 3),
    scoring=st.sampled_from([("original", 0.1), ("word2phrase", 0.5), ("npmi", -0.5)]),
    connectors=st.sampled_from([(), ("of",), ("of", "the"), ("absent", "the")]),
    block=st.integers(1, 30),
)
def test_it_learns_what_the_slow_twin_learns(
    sentences: list[list[str]], min_count: int, scoring: tuple[Any, float], connectors: tuple[str, ...], block: int
) -> None:
    """Wherever blocks are cut."""
    name, threshold = scoring
    model = firth.Phrases(min_count=min_count, scoring=name, threshold=threshold, connectors=connectors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded, "_BLOCK", block)
        patch.setattr(collocations, "_SORTED", 2 * block)
        learnt = model.fit(sentences, threads=1)
    expected = slow.learn(sentences, min_count, threshold, name, connectors)
    assert scored(learnt).keys() == expected.keys()
    for words, (score, count) in scored(learnt).items():
        assert (score, count) == (pytest.approx(expected[words][0], rel=1e-12), expected[words][1])
    assert learnt.apply(sentences) == [slow.join(sentence, expected, connectors) for sentence in sentences]


@given(sentences=SENTENCES.filter(len), threads=st.sampled_from([1, 2]))
def test_a_second_pass_is_a_first_one_on_the_joined_text(sentences: list[list[str]], threads: int) -> None:
    options: dict[str, Any] = {"min_count": 1, "threshold": 0.2, "connectors": "the"}
    first = firth.Phrases(**options).fit(sentences)
    again = firth.Phrases(**options).fit(first.apply(sentences))
    both = firth.Phrases(passes=2, **options).fit(sentences, threads=threads)
    assert [replace(p, found_in=1) for p in both.table] == [*first.table, *again.table]
    assert [p.found_in for p in both.table] == [1] * len(first) + [2] * len(again)
    assert both.apply(sentences) == again.apply(first.apply(sentences))
    followed = firth.Phrases(**options).fit(firth.Text(sentences, phrases=first))
    assert followed == both


def world(sentences: int = 4000, seed: int = 1) -> list[list[str]]:
    """Words drawn at random, and five phrases among them."""
    draw = random.Random(seed)
    words = [f"w{i}" for i in range(300)]
    made = []
    for _ in range(sentences):
        sentence = draw.choices(words, k=8)
        if draw.random() < 0.3:
            at = draw.randrange(8)
            sentence[at:at] = draw.choice(PLANTED).split()
        made.append(sentence)
    return made


PLANTED = ["new york", "hong kong", "bank of america", "state of the art", "new york times"]


@pytest.mark.parametrize(("scoring", "threshold"), [("original", None), ("word2phrase", 30.0), ("npmi", None)])
def test_planted_phrases_are_found_and_no_others(scoring: Any, threshold: float | None) -> None:
    model = firth.Phrases(scoring=scoring, threshold=threshold, connectors="english", passes=2)
    learnt = model.fit(world())
    found = {phrase.key for phrase in learnt.table}
    planted = {"_".join(each.split()) for each in PLANTED}
    assert planted <= found
    assert found - planted <= {"york_times"}  # they stand together as often as the whole phrase does
    scores = [phrase.score for phrase in learnt.table if phrase.found_in == 1]
    assert scores == sorted(scores, reverse=True)


def test_words_that_stand_together_by_chance_are_no_phrases() -> None:
    draw = random.Random(1)
    text = [draw.choices([f"w{i}" for i in range(50)], k=20) for _ in range(2000)]
    assert len(firth.Phrases().fit(text)) == 0


TEXT = ["the bank of america is in new york city", "a bank and a plan for new york city"] * 8 + [
    "new plans for a city of banks in york"
] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"min_count": 15},
        {"threshold": 2.0},
        {"scoring": "npmi"},
        {"scoring": "word2phrase"},
        {"connectors": "english"},
        {"passes": 2},
        {"delimiter": "+"},
    ],
    ids=str,
)
def test_every_option_does_something(change: dict[str, Any]) -> None:
    start: dict[str, Any] = {"min_count": 1, "threshold": 0.5}
    before, after = (firth.Phrases(**options).fit(TEXT) for options in (start, {**start, **change}))
    assert before.table != after.table


@pytest.mark.parametrize("given_", ["of the", ("of", "the"), ["the", "of"]])
def test_connectors_come_as_a_list_or_as_words(given_: Any) -> None:
    assert firth.Phrases(connectors=given_).connector_words() == {"of", "the"}


def test_a_named_list_of_connectors() -> None:
    gensim = ["a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by", "and", "or"]
    assert firth.Phrases(connectors="english").connector_words() == set(gensim)
    assert firth.Phrases(connectors="english within").connector_words() == {*gensim, "within"}


def test_names_and_values_of_gensim() -> None:
    theirs = firth.Phrases.of(connector_words={"of", "a"}, scoring="default", max_vocab_size=9)
    assert theirs == firth.Phrases(connectors=("a", "of"), max_vocab=9)
    assert firth.Phrases.from_dict(theirs.to_dict()) == theirs


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scoring": "npmi", "threshold": 2.0}, "from -1 to 1"),
        ({"threshold": -0.1}, "from 0 to inf"),
        ({"delimiter": ""}, "delimiter"),
        ({"delimiter": " "}, "delimiter"),
        ({"delimiter": "\n"}, "delimiter"),
        ({"min_count": 0}, "min_count"),
        ({"scoring": "pmi"}, "'original' or 'word2phrase' or 'npmi'"),
    ],
    ids=str,
)
def test_options_that_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        firth.Phrases(**options)


def test_pruning_forgets_rare_pairs_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collocations, "_SORTED", 2000)
    monkeypatch.setattr(encoded, "_BLOCK", 1000)
    text = world()
    with pytest.warns(RuntimeWarning, match=r"More distinct pairs.*max_vocab.*forgotten"):
        pruned = firth.Phrases(max_vocab=3000).fit(encode(text, min_count=1))
    assert {phrase.key for phrase in pruned.table} >= {"new_york", "hong_kong"}
    assert scored(pruned) != scored(firth.Phrases().fit(text))


@given(
    keys=st.lists(st.lists(st.integers(0, 30), max_size=40), max_size=12),
    most=st.sampled_from([1000, 12, 3]),
)
def test_counting_in_runs(keys: list[list[int]], most: int) -> None:
    counted = collocations.Collocations(collocations.Connectors([], 1), most)
    for some in keys:
        counted.add(collocations.run_of(np.array(some, np.int64)))
        assert len(counted.pairs()[0]) <= most
    found = dict(zip(*(part.tolist() for part in counted.pairs()), strict=True))
    every = [key for some in keys for key in some]
    if not counted.forgotten:
        assert found == {key: every.count(key) for key in set(every)}
    assert all(count <= every.count(key) for key, count in found.items())
    assert list(found) == sorted(found)


@pytest.mark.parametrize("text", [[], [[]], ["", "\n \n"]])
def test_a_text_without_words(text: Any) -> None:
    with pytest.raises(EmptyVocabularyError):
        firth.Phrases().fit(text)


@pytest.mark.parametrize("text", [["a"], ["a"] * 100, ["of the of the"] * 100, [["of"]] * 5])
def test_a_text_without_pairs(text: Any) -> None:
    learnt = firth.Phrases(min_count=1, threshold=0.0, connectors="of the").fit(text)
    assert (len(learnt), learnt.passes) == (0, [])
    assert learnt.apply(["a", "of"]) == ["a", "of"]


@pytest.mark.parametrize("scoring", ["original", "word2phrase", "npmi"])
def test_a_text_that_is_all_one_phrase(scoring: Any) -> None:
    learnt = firth.Phrases(min_count=1, threshold=0.0, scoring=scoring, passes=9).fit(["a b"] * 50)
    assert [phrase.key for phrase in learnt.table] == ["a_b"]
    assert learnt.apply(["a", "b"]) == ["a_b"]


def test_one_word_again_and_again() -> None:
    learnt = firth.Phrases(min_count=1, threshold=0.0, passes=3).fit([["a"] * 8] * 10)
    assert [phrase.key for phrase in learnt.table] == ["a_a", "a_a_a_a", "a_a_a_a_a_a_a_a"]
    assert learnt.apply(["a"] * 9) == ["a_a_a_a_a_a_a_a", "a"]


def test_a_long_run_of_connectors_is_one_connection() -> None:
    words = ["king", *["of", "the"] * 500, "hill"]
    learnt = firth.Phrases(min_count=1, threshold=0.0, connectors="of the").fit([words] * 3)
    assert [phrase.words for phrase in learnt.table] == [tuple(words)]
    assert learnt.apply(words) == ["_".join(words)]
    assert learnt.apply(encode([words], min_count=1)).vocabulary.keys == ["_".join(words)]


def test_too_many_words_to_number() -> None:
    connectors = collocations.Connectors([0], 2**31)
    assert connectors.keys(0, 2**31 - 1, 2**31 - 1) == 2**62 - 1
    connectors.number((0,))
    connectors.number((0, 0))
    with pytest.raises(ConfigError, match="fewer connectors"):
        connectors.keys(0, 1, 1)


def test_an_encoded_corpus_and_its_text_give_the_same() -> None:
    text = world(500)
    model = firth.Phrases(min_count=2, passes=2)
    with encode(text, min_count=1) as corpus:
        assert model.fit(corpus) == model.fit(text)
    first = firth.Phrases(min_count=2).fit(text)
    with encode(firth.Text(text, phrases=first), min_count=1) as corpus:
        assert firth.Phrases(min_count=2).fit(corpus, after=first) == model.fit(text)


def test_what_follows_must_join_alike() -> None:
    text = firth.Text(TEXT, phrases=LearntPhrases.of_words([("new", "york")], delimiter="+"))
    with pytest.raises(ConfigError, match=r"delimiter='\+'"):
        firth.Phrases().fit(text)


def test_a_sentence_ends_a_phrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collocations, "_SORTED", 7)
    monkeypatch.setattr(encoded, "_BLOCK", 3)
    ends_meet = [["x", "a"], ["b", "y"]] * 20
    learnt = firth.Phrases(min_count=1, threshold=0.01).fit(ends_meet)
    assert {phrase.words for phrase in learnt.table} == set(map(tuple, ends_meet))
    assert all(pair in {("x", "a"), ("b", "y")} for phrase in learnt.table for pair in pairwise(phrase.words))


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(__file__).resolve().parents[2] / "docs/phrases.md"
    page = path.read_text("utf-8").replace("```", "")  # a fence behind an example would be taken for its output
    examples = doctest.DocTestParser().get_doctest(page, {}, path.name, str(path), 0)
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples).failed == 0
    assert len(examples.examples) > 15
