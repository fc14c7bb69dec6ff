"""Joining phrases: in sentences, in encoded corpora, wherever a Text is cut; and their file."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import firth
from firth.errors import ConfigError, CorruptFileError, FormatError, InputError, MissingInputError, SaveError
from firth.reference import phrases as slow
from firth.tokens import encoded
from firth.tokens import joined as joined_module
from firth.tokens.encoded import Encoded, encode
from firth.tokens.lines import lines
from firth.tokens.pairs import Connectors, stretches
from firth.tokens.phrases import FILE, LearntPhrases, Phrase
from firth.tokens.words import split

NEW_YORK = LearntPhrases.of_words([("new", "york"), ("bank", "of", "america")], connectors=["of"])
WORDS = st.sampled_from(["a", "b", "c", "of", "the", "x"])
PLAIN = st.sampled_from("abcx")
RUN = st.lists(st.sampled_from(["of", "the"]), max_size=5)
PHRASES = st.sets(st.builds(lambda a, run, b: (a, *run, b), PLAIN, RUN, PLAIN), max_size=12)


def sentences_of(corpus: Encoded) -> list[list[str]]:
    keys, tokens = corpus.vocabulary.keys, corpus.tokens.tolist()
    bounds = corpus.sentences.tolist()
    return [[keys[i] for i in tokens[start:end]] for start, end in pairwise(bounds)]


@given(
    sentences=st.lists(st.lists(WORDS, min_size=1, max_size=15), min_size=1, max_size=12),
    passes=st.lists(PHRASES, max_size=2),
    block=st.integers(1, 9),
    slots=st.sampled_from([1, 20]),
)
def test_a_corpus_is_joined_as_sentences_are(
    sentences: list[list[str]], passes: list[set[tuple[str, ...]]], block: int, slots: int
) -> None:
    """Wherever blocks are cut; and as the slow twin joins them."""
    table = [Phrase("_".join(words), words, 0.0, 0, number) for number, some in enumerate(passes, 1) for words in some]
    phrases = LearntPhrases(tuple(table), connectors=frozenset(["of", "the"]))
    expected = sentences
    for some in passes:
        expected = [slow.join(sentence, some, {"of", "the"}) for sentence in expected]
    assert phrases.apply(sentences) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded, "_BLOCK", block)
        patch.setattr(joined_module, "_SLOT_BITS", slots)
        joined = phrases.apply(encode(sentences, min_count=1))
    assert sentences_of(joined) == expected
    direct = encode(firth.Text(sentences, phrases=phrases), min_count=1)
    assert sentences_of(direct) == expected
    assert direct.vocabulary == joined.vocabulary
    assert list(firth.Text(sentences, phrases=phrases)) == expected


@given(
    text=st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=8),
)
def test_stretches_cover_the_corpus_once(text: list[tuple[str, bool]], cuts: list[int]) -> None:
    ids = np.array(["abcx".find(word) + 2 if word in "abcx" else word == "the" for word, _ in text], np.int32)
    ends = np.array([i for i, (_, ends) in enumerate(text, 1) if ends or i == len(text)])
    bounds = sorted({0, len(ids), *(cut for cut in cuts if cut < len(ids))})
    blocks = [(ids[start:end], ends[(ends > start) & (ends <= end)] - start) for start, end in pairwise(bounds)]
    found, at = [], 0
    for stretch in stretches(blocks, Connectors([0, 1], 6)):
        own = len(stretch.ids) - stretch.goes_on
        assert not stretch.goes_on or stretch.ids[-1] > 1
        found += [*zip(stretch.ids[:own].tolist(), range(at, at + own), strict=True)]
        assert set((stretch.ends + at).tolist()) <= set(ends.tolist())
        at += own
    assert found == list(zip(ids.tolist(), range(len(ids)), strict=True))


def test_joining_goes_from_left_to_right() -> None:
    phrases = LearntPhrases.of_words([("a", "b"), ("b", "c"), ("c", "d")])
    assert phrases.apply(["a", "b", "c", "d"]) == ["a_b", "c_d"]
    assert phrases.apply(["x", "b", "c", "d"]) == ["x", "b_c", "d"]


def test_connectors_stand_inside_only() -> None:
    assert NEW_YORK.apply(["of", "bank", "of", "of", "america", "of", "new", "york", "of"]) == [
        "of", "bank", "of", "of", "america", "of", "new_york", "of",
    ]  # fmt: skip
    assert NEW_YORK.apply(["the", "bank", "of", "america"]) == ["the", "bank_of_america"]


def test_one_sentence_many_or_none() -> None:
    assert NEW_YORK.apply(["new", "york"]) == ["new_york"]
    assert NEW_YORK.apply([["new", "york"], ["york"], []]) == [["new_york"], ["york"], []]
    assert NEW_YORK.apply(words for words in [["new", "york"]]) == [["new_york"]]
    assert NEW_YORK.apply([]) == []
    with pytest.raises(ConfigError, match="Cut it first"):
        NEW_YORK.apply("new york")


def test_a_phrase_that_is_a_word_already_is_that_word() -> None:
    corpus = encode(firth.Text(["new_york is new york"], phrases=NEW_YORK), min_count=1)
    assert dict(zip(corpus.vocabulary.keys, corpus.vocabulary.counts.tolist(), strict=True)) == {"new_york": 2, "is": 1}


def test_counts_are_those_of_the_joined_text() -> None:
    text = firth.Text(["new york", "new york", "york pudding"], phrases=NEW_YORK)
    vocabulary = firth.Vocabulary.count(text, min_count=1)
    assert (vocabulary.keys, vocabulary.counts.tolist()) == (["new_york", "pudding", "york"], [2, 1, 1])
    assert firth.Vocabulary.count(text, min_count=2).keys == ["new_york"]
    assert encode(text, min_count=1, max_vocab=1).vocabulary.keys == ["new_york"]
    fixed = encode(text, vocabulary=["york", "new_york", "absent"])
    assert (fixed.vocabulary.counts.tolist(), fixed.tokens.tolist()) == ([1, 2, 0], [1, 1, 0])
    assert encode(text, vocabulary=["new_york"]).tokens.tolist() == [0, 0]


def test_a_rare_word_still_parts_its_neighbours() -> None:
    text = firth.Text(["new york", "new rare york"], phrases=NEW_YORK)
    assert sentences_of(encode(text, min_count=1)) == [["new_york"], ["new", "rare", "york"]]


def test_a_kept_corpus_is_of_its_phrases(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("new york\n")
    kept = [
        encode(firth.Text(tmp_path / "t", phrases=phrases), min_count=1, workdir=tmp_path / "work")
        for phrases in (None, NEW_YORK, NEW_YORK)
    ]
    assert [corpus.vocabulary.keys for corpus in kept] == [["new", "york"], ["new_york"], ["new_york"]]
    assert [corpus.reused for corpus in kept] == [False, False, True]


def test_phrases_and_the_other_options_of_a_text() -> None:
    text = firth.Text(
        ["New York's\nYork."], tokenizer="words", lower=True, phrases=LearntPhrases.of_words([("new", "york's")])
    )
    assert list(text) == [["new_york's"], ["york"]]
    assert list(firth.Text(text.source, **text.options())) == list(text)
    assert split(text.source, "words", True, phrases=text.phrases) == [["new_york's", "york"]]


def test_a_sentence_ends_a_phrase_in_split_too() -> None:
    assert split(["new\nyork new york"], phrases=NEW_YORK) == [["new", "york", "new_york"]]


def test_a_text_without_phrases_has_the_options_it_had() -> None:
    assert "phrases" not in firth.Text(["a"]).options()


@pytest.mark.parametrize("wrong", [3, ["new york"], {"new": "york"}])
def test_what_cannot_be_phrases(wrong: Any) -> None:
    with pytest.raises(ConfigError, match="Phrases"):
        firth.Text(["a"], phrases=wrong)


@pytest.mark.parametrize(
    ("phrases", "says"),
    [
        ([("new",)], "two words or more"),
        ([("new", "")], "two words or more"),
        ([("of", "new")], "begins or ends with a connector"),
        ([("new", "of")], "begins or ends with a connector"),
        ([("new", "york", "city")], "'york' inside"),
        ([("new", "york")] * 2, "there twice"),
    ],
    ids=str,
)
def test_phrases_that_could_never_be_found(phrases: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        LearntPhrases.of_words(phrases, connectors=["of"])


def test_what_one_sees_of_them() -> None:
    assert "bank_of_america" in NEW_YORK
    assert "york" not in NEW_YORK
    assert repr(NEW_YORK) == "LearntPhrases(2: new_york, bank_of_america)"
    many = LearntPhrases.of_words([(f"a{i}", "b") for i in range(5)])
    assert repr(many) == "LearntPhrases(5: a0_b, a1_b, a2_b, …)"


# ------------------------------------------------------------ the file

ANY_WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


@given(
    words=st.lists(st.tuples(ANY_WORD, ANY_WORD), max_size=5, unique=True),
    score=st.floats(allow_nan=False, allow_infinity=False),
    count=st.integers(0, 2**60),
    delimiter=st.sampled_from(["_", "+", "␣"]),
)
def test_the_text_of_a_file_comes_back(words: list[tuple[str, str]], score: float, count: int, delimiter: str) -> None:
    table = tuple(Phrase(delimiter.join(each), each, score, count, 2) for each in words)
    phrases = LearntPhrases(table, delimiter, frozenset(["\tof \\ \n", "ünd"]) - {w for each in words for w in each})
    assert LearntPhrases.from_text(phrases.to_text()) == phrases
    assert LearntPhrases.of(phrases.to_text()) == phrases


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    learnt = firth.Phrases(min_count=1, threshold=0.1, connectors="of").fit(["new york is new york"] * 3)
    assert learnt.save(tmp_path / "p") == tmp_path / "p"
    assert learnt.save(tmp_path) == tmp_path / FILE
    for path in (tmp_path / "p", tmp_path, str(tmp_path)):
        assert LearntPhrases.load(path) == learnt
        assert firth.Text(["a"], phrases=path).phrases == learnt
    assert LearntPhrases.load(tmp_path).config == firth.Phrases(min_count=1, threshold=0.1, connectors="of").to_dict()
    head, columns, *rows, end = (tmp_path / "p").read_text().splitlines()
    assert json.loads(head.removeprefix("# firth phrases 1 "))["connectors"] == ["of"]
    assert (columns, end) == ("words\tscore\tcount\tpass", "# end")
    assert rows[0].startswith("new york\t")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", FILE]


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    NEW_YORK.save(tmp_path / "p")
    with open(tmp_path / "p") as file:
        edited = file.read().replace("# end", "ice cream\t1\t1\t1\n# end")
    (tmp_path / "p").write_text(edited)
    assert LearntPhrases.load(tmp_path / "p").apply(["ice", "cream"]) == ["ice_cream"]


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("# firth", "# froth", FormatError, "no file of phrases"),
        ("phrases 1", "phrases 2", FormatError, "version '2'"),
        ("# end\n", "", CorruptFileError, "cut short"),
        ("# end\n", "# en", CorruptFileError, "cut short"),
        ("words\t", "wards\t", CorruptFileError, "line 2"),
        ('"delimiter": "_"', '"delimiter": 3', CorruptFileError, "line 1"),
        ('"connectors"', '"konnektors"', CorruptFileError, "line 1"),
        ("{", "[", CorruptFileError, "line 1"),
        ("new york\t0.0", "new york\tbest", CorruptFileError, "line 3"),
        ("new york\t0.0\t0", "new york\t0.0\t-", CorruptFileError, "line 3"),
        ("new york\t", "new york ", CorruptFileError, "line 3"),
        ("new york\t", "new\\x york\t", CorruptFileError, "line 3"),
        ("new york\t", "new york\\\t", CorruptFileError, "line 3"),
        ("new york\t", "new\t", CorruptFileError, "two words"),
        ("0\t1\nbank", "0\t0\nbank", CorruptFileError, "counted from 1"),
        ("new york\t0.0", "new york\tnan", CorruptFileError, "line 3"),
    ],
)
def test_a_damaged_file(tmp_path: Path, old: str, new: str, error: type[Exception], says: str) -> None:
    text = NEW_YORK.to_text()
    assert old in text
    (tmp_path / "p").write_text(text.replace(old, new, 1))
    with pytest.raises(error, match=says):
        LearntPhrases.load(tmp_path / "p")


def test_an_absurd_pass_costs_nothing() -> None:
    assert LearntPhrases.from_text(NEW_YORK.to_text().replace("0\t1\n", "0\t99999999999\n")).apply(["new", "york"]) == [
        "new_york"
    ]


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    data = LearntPhrases.of_words([("né", "york"), ("ice", "cream")]).to_text().encode()
    for size in range(len(data)):
        (tmp_path / "p").write_bytes(data[:size])
        with pytest.raises((CorruptFileError, FormatError)):
            LearntPhrases.load(tmp_path / "p")


def test_files_that_are_not_there_or_no_files(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="firth phrases SOURCE"):
        LearntPhrases.load(tmp_path / "p")
    with pytest.raises(MissingInputError):
        LearntPhrases.load(tmp_path)
    with pytest.raises(FormatError, match="plain file"):
        LearntPhrases.load("/dev/zero")
    (tmp_path / "p").write_bytes(b"# firth phrases \xff")
    with pytest.raises(CorruptFileError, match=r"UTF-8 at byte 16"):
        LearntPhrases.load(tmp_path / "p")


def test_saving_replaces_phrases_only(tmp_path: Path) -> None:
    NEW_YORK.save(tmp_path / "p")
    more = LearntPhrases.of_words([("ice", "cream")])
    more.save(tmp_path / "p")
    assert LearntPhrases.load(tmp_path / "p") == more
    (tmp_path / "other").write_text("mine")
    with pytest.raises(FormatError, match="not overwritten"):
        more.save(tmp_path / "other")
    assert (tmp_path / "other").read_text() == "mine"
    firth.Vectors(["a"], [[1.0]]).save(tmp_path / "model")
    with pytest.raises(FormatError, match="is a model"):
        more.save(tmp_path / "model")


def test_a_save_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    NEW_YORK.save(tmp_path / "p")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(5, "no")))
    with pytest.raises(SaveError):
        LearntPhrases.of_words([("ice", "cream")]).save(tmp_path / "p")
    monkeypatch.undo()
    assert LearntPhrases.load(tmp_path / "p") == NEW_YORK
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


# ------------------------------------------------------------ in a model


@pytest.fixture
def vectors() -> firth.Vectors:
    text = firth.Text(["in new york", "in the bank of america"] * 10, phrases=NEW_YORK)
    return firth.Word2Vec(dim=4, min_count=1, epochs=1).fit(text, threads=1)


def test_a_saved_model_joins_the_same_phrases(vectors: firth.Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "m")
    loaded = firth.load(tmp_path / "m", verify="full")
    assert set(loaded.index_to_key) == {"in", "new_york", "the", "bank_of_america"}
    assert np.array_equal(loaded.encode(["new york"])[0], loaded["new_york"])
    assert np.array_equal(loaded.encode(["new\nyork"])[0], np.zeros(4))
    assert loaded.config == vectors.config
    assert json.loads((tmp_path / "m/config.json").read_text())["text"]["phrases"] == FILE
    assert LearntPhrases.load(tmp_path / "m") == NEW_YORK
    assert f"| phrases | {FILE} |" in (tmp_path / "m/README.md").read_text()
    again = tmp_path / "again"
    loaded.save(again)
    assert (again / FILE).read_bytes() == (tmp_path / "m" / FILE).read_bytes()
    loaded.save(tmp_path / "m")  # a model with phrases is a model still


def test_the_phrases_of_a_model_are_checked(vectors: firth.Vectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "m")
    path = tmp_path / "m" / FILE
    good = path.read_bytes()
    path.write_bytes(good.replace(b"york", b"yark"))
    with pytest.raises(CorruptFileError, match=r"phrases\.tsv"):
        firth.load(tmp_path / "m")
    path.unlink()
    with pytest.raises(MissingInputError, match=r"phrases\.tsv"):
        firth.load(tmp_path / "m")


def test_a_model_names_no_other_file(tmp_path: Path) -> None:
    from firth.formats.native import seal

    NEW_YORK.save(tmp_path / "elsewhere")
    firth.Vectors(["a"], [[1.0]], config={"text": {"tokenizer": "whitespace"}}).save(tmp_path / "m")
    config = json.loads((tmp_path / "m/config.json").read_text())
    del config["checksum"]
    config["text"]["phrases"] = str(tmp_path / "elsewhere")
    (tmp_path / "m/config.json").write_bytes(seal(json.dumps(config, indent=2).encode()))
    with pytest.raises(CorruptFileError, match="not in the model"):
        firth.load(tmp_path / "m")
    made = firth.Vectors(["a"], [[1.0]], config={"text": {"phrases": str(tmp_path / "elsewhere")}})
    with pytest.raises(FormatError, match="no file of phrases"):
        made.encode(["a"])


# ------------------------------------------------------------ as text again


@given(st.lists(st.lists(WORDS, min_size=1, max_size=6), min_size=1, max_size=9), st.integers(1, 7))
def test_a_corpus_as_lines(sentences: list[list[str]], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoded, "_BLOCK", block)
        text = b"".join(lines(encode(sentences, min_count=1))).decode()
    assert text == "".join(" ".join(sentence) + "\n" for sentence in sentences)
