"""Tokenizers for networks: learnt, applied, saved; and the running text that they cut."""

from typing import Any

import pytest
import tokenizers

import firth
from firth.corpus.text import Text
from firth.errors import ConfigError, CorruptFileError, EmptyVocabularyError, EncodingError, MissingExtraError
from firth.tokens.running import Spool, cut_alike, lines
from firth.tokens.tokenizer import Tokenizer

KINDS = ["words", "characters", "wordpiece", "bpe", "unigram"]
SPECIAL = {"unk": "[UNK]", "mask": "[MASK]", "eos": "</s>"}
ENGLISH = ["the cat sat on the mat", "the dog sat on the log", "running runners ran", "a lower lowest low"] * 5
CHINESE = ["我喜欢自然语言处理。", "我喜欢学习语言。", "深度学习改变了世界"] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_cuts_both_languages_and_comes_back_from_its_file(kind: Any) -> None:
    cutter = Tokenizer.train(ENGLISH + CHINESE, kind=kind, special=SPECIAL, vocab_size=320)
    assert cutter.tokens[:3] == list(SPECIAL.values())
    assert [cutter.id_of(role) for role in SPECIAL] == [0, 1, 2]
    saved = cutter.to_json()
    again = Tokenizer.from_json(saved, kind, SPECIAL)
    for text in ("the cat ran", "我喜欢学习。"):
        ids = cutter.ids([text])[0]
        assert again.ids([text])[0] == ids == tokenizers.Tokenizer.from_str(saved.decode()).encode(text).ids
        if kind not in ("words", "wordpiece"):
            assert cutter.text(ids) == text
    assert cutter.text(cutter.ids(["the cat"])[0]) == "the cat"


def test_words_are_cut_at_ascii_blanks_alone() -> None:
    cutter = Tokenizer.train(["a\u3000b\tc  d"], kind="words", special=SPECIAL)
    assert cutter.tokens[3:] == ["a\u3000b", "c", "d"]


def test_what_is_not_known_is_one_token_except_for_bytes() -> None:
    for kind in KINDS:
        cutter = Tokenizer.train(ENGLISH, kind=kind, special=SPECIAL, vocab_size=300)  # type: ignore[arg-type]
        assert (cutter.id_of("unk") in cutter.ids(["ж"])[0]) == (kind != "bpe")


def test_special_tokens_in_a_text_count_only_where_asked() -> None:
    cutter = Tokenizer.train(ENGLISH, kind="wordpiece", special=SPECIAL, vocab_size=100)
    assert cutter.id_of("mask") not in cutter.ids(["the [MASK] sat"])[0]
    assert cutter.id_of("mask") in cutter.ids(["the [MASK] sat"], special=True)[0]
    assert "[MASK]" not in cutter.text(cutter.ids(["the [MASK]"], special=True)[0], special=False)


def test_options_of_training() -> None:
    def size(**how: Any) -> int:
        return len(Tokenizer.train(ENGLISH, special=SPECIAL, **{"kind": "words", **how}))

    assert size(min_count=11) == 4 and size(vocab_size=5) == 5 and size() > 10
    assert "The" in Tokenizer.train(["The"], kind="words", special=SPECIAL).tokens
    for kind in KINDS:
        lowered = Tokenizer.train(["THE THE THE"], kind=kind, special=SPECIAL, lower=True, vocab_size=300)  # type: ignore[arg-type]
        assert lowered.ids(["THE"]) == lowered.ids(["the"])


def test_spans_are_places_in_the_text() -> None:
    cutter = Tokenizer.train(ENGLISH, kind="words", special=SPECIAL)
    text = "the  dog"
    assert [text[start:end] for _, start, end in cutter.spans(text)] == ["the", "dog"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"kind": "syllables"}, "no tokenizer 'syllables'"),
        ({"kind": "words", "vocab_size": 3}, "special tokens"),
        ({"kind": "unigram", "min_count": 2}, "min_count"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Tokenizer.train(ENGLISH, special=SPECIAL, **given)


def test_a_role_that_nobody_has() -> None:
    with pytest.raises(ConfigError, match="no token for 'cls'"):
        Tokenizer.train(ENGLISH, kind="words", special=SPECIAL).id_of("cls")


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"model": 3}'])
def test_a_file_that_is_no_tokenizer(text: bytes) -> None:
    with pytest.raises(CorruptFileError, match="no tokenizer"):
        Tokenizer.from_json(text, "words", SPECIAL)


def test_a_file_that_lacks_a_special_token() -> None:
    saved = Tokenizer.train(["a"], kind="words", special={"unk": "[UNK]"}).to_json()
    with pytest.raises(CorruptFileError, match="MASK"):
        Tokenizer.from_json(saved, "words", SPECIAL)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"firth\[lm\]"):
        Tokenizer.train(["a"], kind="words", special=SPECIAL)


# ---------------------------------------------------------------- running text


def test_lines_keep_what_the_text_says() -> None:
    assert list(lines(Text(["To be,  or\nnot.", "\t", "That's it."]))) == ["To be,  or", "not.", "", "That's it."]


def test_words_have_one_blank_between_them_and_marks_alone_are_no_line() -> None:
    text = Text(["To be, or", "...", "", "not."], tokenizer="words", lower=True)
    assert list(lines(text)) == ["to be or", "", "not"]


def test_sentences_of_words() -> None:
    assert list(lines(Text([["A", "b"], ["c"]], lower=True))) == ["a b", "c"]


@pytest.mark.parametrize("tokenizer", ["chinese", "characters"])
def test_chinese(tokenizer: str) -> None:
    pytest.importorskip("rjieba")
    text = Text(["我喜欢学习。很好！\n世界"], tokenizer=tokenizer, split_sentences=True)
    cut = {"chinese": ["我 喜欢 学习", "很 好", "世界"], "characters": ["我 喜 欢 学 习", "很 好", "世 界"]}[tokenizer]
    assert list(lines(text)) == cut
    assert cut_alike(["我喜欢学习。"], text.options()) == cut[:1]


def test_phrases_are_joined() -> None:
    sentences = [["new", "york", "is", str(i)] for i in range(60)]
    phrases = firth.Phrases(min_count=2, threshold=1).fit(sentences)
    text = Text([["a", "new", "york"]], phrases=phrases)
    assert list(lines(text)) == ["a new_york"]
    assert cut_alike(["a new york"], text.options()) == ["a new_york"]


def test_a_line_that_goes_on_in_the_next_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("firth.corpus.blocks.BLOCK", 16)
    path = tmp_path / "t.txt"
    text = "a line of many words that is long\nshort\n\n" * 3
    path.write_text(text)
    assert "\n".join(lines(Text(path))) + "\n" == text
    monkeypatch.setattr("firth.tokens.running._LONGEST", 20)
    assert max(map(len, lines(Text(path)))) <= 40


def test_bytes_that_are_not_utf8_are_placed(tmp_path: Any) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"good\nb\xff\n")
    with pytest.raises(EncodingError, match="byte 6"):
        list(lines(Text(path)))
    assert list(lines(Text(path, errors="replace"))) == ["good", "b\ufffd"]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(EmptyVocabularyError):
        Spool(Text(["", " "]))


def test_a_warning_where_words_are_cut_at_blanks_that_are_not_there() -> None:
    with pytest.warns(RuntimeWarning, match="chinese"):
        list(lines(Text(CHINESE), by_words=True))
