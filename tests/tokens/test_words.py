"""How text is cut into words, and that the fast engine and `split` cut alike."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.corpus.text import Text
from firth.errors import ConfigError, EncodingError
from firth.tokens.words import TOKENIZERS, split


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
