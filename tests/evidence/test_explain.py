"""explain: a world in which the reasons are planted, and numbers counted by hand."""

import json
from math import log

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, UnknownKeyError
from firth.evidence.concordance import Concordance

TEXT = [["oak", "leaf", "wood"], ["elm", "leaf", "wood"], ["oak", "and", "elm"], ["car", "wheel"]] * 10
WORDS = ["oak", "elm", "car", "leaf", "wood", "wheel", "and"]


def vectors(window: object = 2, shrink: bool = False) -> firth.Vectors:
    config = {"model": {"name": "word2vec", "window": window, "shrink_windows": shrink, "min_count": 1}, "text": {}}
    return firth.Vectors(WORDS, np.random.default_rng(0).normal(size=(7, 4)), config=config)


def test_the_planted_reasons_and_their_places() -> None:
    found = firth.explain(vectors(), "oak", "elm", TEXT)
    assert {context.word for context in found.contexts} == {"leaf", "wood", "and"}
    assert sum(context.share for context in found.contexts) == pytest.approx(1)
    leaf = next(context for context in found.contexts if context.word == "leaf")
    assert (leaf.with_a, leaf.with_b) == (10, 10)
    assert [(q.sentence, q.position, q.words) for q in leaf.quotes] == [
        (1, 1, "[oak] leaf wood"),
        (2, 1, "[elm] leaf wood"),
    ]
    assert (found.together, found.beside[0].words) == (10, "[oak] and elm")
    assert (found.counts, found.window, found.shared) == ((20, 20), 2, 3)
    assert found.similarity == pytest.approx(vectors().similarity("oak", "elm"))


def test_the_numbers_by_hand() -> None:
    """PPMI with window 1: oak and elm each see leaf 10 times and `and` 10 times."""
    found = firth.explain(vectors(), "oak", "elm", TEXT, window=1)
    counts = {"oak": 20, "elm": 20, "car": 10, "leaf": 20, "wood": 20, "wheel": 10, "and": 10}
    noise = {word: count**0.75 / sum(c**0.75 for c in counts.values()) for word, count in counts.items()}
    ppmi = {word: max(0.0, log(10 / (20 * noise[word]))) for word in ("leaf", "and")}
    squares = sum(value**2 for value in ppmi.values())
    assert found.alike == pytest.approx(1)
    assert {context.word: context.share for context in found.contexts} == pytest.approx(
        {word: value**2 / squares for word, value in ppmi.items()}
    )


def test_near_words_count_more_where_windows_shrink() -> None:
    flat = firth.explain(vectors(2), "oak", "elm", TEXT)
    near = firth.explain(vectors(2, shrink=True), "oak", "elm", TEXT)
    share = {model: {c.word: c.share for c in found.contexts} for model, found in (("flat", flat), ("near", near))}
    assert share["near"].get("wood", 0) < share["flat"]["wood"]


def test_strangers_share_nothing() -> None:
    found = firth.explain(vectors(), "oak", "car", TEXT)
    assert (found.contexts, found.together, found.alike) == ((), 0, 0)
    assert "0 words stand within 2 of both" in str(found)


def test_what_is_seen_once_is_no_evidence() -> None:
    text = [["oak", "odd"], ["elm", "odd"], ["oak", "leaf"], ["elm", "leaf"], ["oak", "leaf"], ["elm", "leaf"]]
    assert [context.word for context in firth.explain(vectors(), "oak", "elm", text).contexts] == ["leaf"]


def test_a_window_ends_with_its_sentence_and_quotes_with_their_length() -> None:
    long = [["oak", *["and"] * 30, "elm"], ["leaf", "oak"]]
    found = firth.explain(vectors(), "oak", "elm", long, window=5)
    assert found.together == 0
    (quote,) = firth.explain(vectors(), "elm", "and", long, window=1).beside
    assert quote.words == "… and and and and and and and and [elm]"
    assert (quote.sentence, quote.position) == (1, 32)


def test_a_concordance_and_a_report(tmp_path) -> None:
    concordance = Concordance.of(TEXT)
    found = firth.explain(vectors("sentence"), "oak", "elm", concordance, topn=1, quotes=2)
    assert len(found.contexts) == 1
    assert len(found.contexts[0].quotes) == 4
    assert json.loads(json.dumps(found.to_dict()))["contexts"][0]["word"] == found.contexts[0].word
    assert str(found).count("sentence ") == 6
    assert found.rows()[0][0] == found.contexts[0].word
    assert found.window == 5


def test_shared_subwords() -> None:
    from firth.vectors.subwords import Subwords

    base = vectors()
    subwords = Subwords(np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), min_n=3, max_n=4)
    model = firth.Vectors(["leafy", "leaf"], base.vectors[:2], subwords=subwords, config=base.config)
    found = firth.explain(model, "leafy", "leaf", TEXT)
    assert found.subwords == ("<lea", "leaf", "<le", "eaf", "lea")
    assert found.counts == (0, 20)
    assert "both are made of <lea, leaf" in str(found)


def test_wrong_questions() -> None:
    with pytest.raises(UnknownKeyError, match="sky"):
        firth.explain(vectors(), "oak", "sky", TEXT)
    with pytest.raises(UnknownKeyError, match="'car' does not stand in the corpus"):
        firth.explain(vectors(), "oak", "car", TEXT[:3])
    with pytest.raises(ConfigError, match="topn must be at least 1"):
        firth.explain(vectors(), "oak", "elm", TEXT, topn=0)
