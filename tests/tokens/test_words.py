"""How text is cut into words, and that the fast engine and `split` cut alike."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.corpus.text import Text
from firth.errors import ConfigError, EncodingError
from firth.tokens.encoded import encode
from firth.tokens.words import MARKS_AROUND, TOKENIZERS, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the dog.", ["The", "cat", "the", "dog"]),
        ("don't l’eau 'quoted' dogs'", ["don't", "l’eau", "quoted", "dogs"]),
        ("well-known e-mail—dash", ["well", "known", "e", "mail", "dash"]),
        ("3.14 1,000,000 v2.0 end.", ["3.14", "1,000,000", "v2.0", "end"]),
        ("5'10 a.b a.5 5.a", ["5", "10", "a", "b", "a", "5", "5", "a"]),
        ("new_york _emphasis_ __init__", ["new_york", "emphasis", "init"]),
        ("mp3 4x4", ["mp3", "4x4"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),  # \w alone would cut at every vowel sign
        ("cafe\u0301 re\u0301sume\u0301", ["cafe\u0301", "re\u0301sume\u0301"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("北京，欢迎你。", ["北京", "欢迎你"]),
        ("a\u00a0b\u3000c\u2028d", ["a", "b", "c", "d"]),
        ("😀 --- ''' ", []),
        ("Москва ΑΘΗΝΑ ß", ["Москва", "ΑΘΗΝΑ", "ß"]),
    ],
)
def test_unicode_words(text: str, words: list[str]) -> None:
    assert split([text], tokenizer="words") == [words]
    assert list(Text([text], tokenizer="words")) == ([words] if words else [])


def test_every_character_of_unicode_is_in_words_or_in_none() -> None:
    every = [chr(code) for code in range(33, 0x110000) if not 0xD800 <= code < 0xE000]
    letters = [each for each in every if each.isalnum() or unicodedata.category(each)[0] == "M"]
    assert split([" ".join(every)], tokenizer="words") == [letters]


@given(st.text(st.sampled_from("aB'’.,_-09Σς\u0301—“é中ा٣²\u200c\u00ad"), max_size=9))
def test_words_are_what_the_rule_says(text: str) -> None:
    """Letter by letter: what joins the letters on both its sides is a part of the word."""

    def is_mark(letter: str) -> bool:
        return unicodedata.category(letter)[0] == "M"

    def joins(place: int) -> bool:
        letter = text[place] if 0 <= place < len(text) else " "
        return is_mark(letter) or (letter.isalnum() and not letter.isdecimal())

    def stays(place: int) -> bool:
        letter = text[place]
        if letter in "'’":
            return joins(place - 1) and joins(place + 1)
        if letter in ".,":
            return 0 < place < len(text) - 1 and text[place - 1].isdecimal() and text[place + 1].isdecimal()
        return letter in "_\u200c\u00ad" or letter.isalnum() or is_mark(letter)

    kept = "".join(letter if stays(place) else " " for place, letter in enumerate(text))
    words = [word for run in kept.split() if (word := run.strip("_\u200c\u00ad"))]
    assert split([text], tokenizer="words") == [words]
    assert [word for line in Text(iter([text]), tokenizer="words") for word in line] == words


@pytest.mark.parametrize("mark", MARKS_AROUND)
def test_marks_around_a_word_are_no_part_of_it(mark: str) -> None:
    assert split([f"{mark}a{mark} a"], tokenizer="words") == [["a", "a"]]
    with encode(Text(iter([f"{mark}a{mark}{mark} a {mark}", mark]), tokenizer="words"), min_count=1) as corpus:
        assert (corpus.vocabulary.keys, corpus.tokens.tolist(), corpus.sentences.tolist()) == (["a"], [0, 0], [0, 2])


def test_whitespace_is_that_of_ascii() -> None:
    text = "a\tb\vc\fd\re f\u00a0g\u3000h\x1ci\x85j"
    assert split([text]) == [["a", "b", "c", "d", "e", "f\u00a0g\u3000h\x1ci\x85j"]]


def test_runs_of_blanks_do_not_change_lines(tmp_path: Path) -> None:
    text = (
        b" \n\t \n  a \r\n \n" + b" " * 100_000 + b"b  \t c\n\n" + b"\n" * 600_000 + b"d" + b" " * 300_000 + b"e\n \xff"
    )
    (tmp_path / "t").write_bytes(text)
    assert list(Text(tmp_path / "t", errors="ignore")) == [["a"], ["b", "c"], ["d", "e"]]
    with pytest.raises(EncodingError, match=rf"line {text.count(10) + 1:,}"):
        list(Text(tmp_path / "t"))


def test_lower_is_unicodes_own() -> None:
    assert split(["ΟΔΟΣ İstanbul STRASSE ẞ"], lower=True) == [["οδος", "i̇stanbul", "strasse", "ß"]]
    assert list(Text(["ΟΔΟΣ İstanbul ÉCOLE"], lower=True)) == [["οδος", "i̇stanbul", "école"]]
    assert split(["ABC"], lower=False) == [["ABC"]]


@given(
    lines=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aB '’.,_-\n09Σς\u0301")), max_size=6
    ),
    tokenizer=st.sampled_from(sorted(TOKENIZERS)),
    lower=st.booleans(),
)
def test_a_corpus_is_cut_as_split_cuts(lines: list[str], tokenizer: str, lower: bool) -> None:
    every_line = [line for text in lines for line in text.split("\n")]
    expected = [words for words in split(every_line, tokenizer, lower) if words]
    assert list(Text(iter(lines), tokenizer=tokenizer, lower=lower)) == expected


def test_an_unknown_tokenizer_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'white'.*Did you mean 'whitespace'"):
        split(["a"], tokenizer="white")
