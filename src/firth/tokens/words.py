"""Tokens stage: how a text is cut into words.

Every tokenizer works on *pieces*: what stands between ASCII white space. It is handed distinct pieces only, so a
slow rule costs by the vocabulary, not by the corpus.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

from firth.config import did_you_mean
from firth.errors import ConfigError

Tokenizer = Callable[[Sequence[str]], list[list[str]]]

_PIECE = re.compile(r"[^ \t-\r]+")  # the six blanks of ASCII: space, \t, \n, \v, \f, \r


def whitespace(pieces: Sequence[str]) -> list[list[str]]:
    """Every piece is a word, as word2vec.c and fastText cut."""
    return [[piece] for piece in pieces]


def unicode_words(pieces: Sequence[str]) -> list[list[str]]:
    """Runs of letters, marks and digits; everything else is dropped.

    After Unicode's rules for words (UAX #29): an apostrophe between two letters stays (don't, l’eau), so does a point
    or comma between two digits (3.14) and an underscore inside a word; a hyphen parts. No dictionary is asked, so a run
    of Chinese, Japanese or Thai letters is one word.
    """
    word = _word_pattern()
    return [[piece] if piece.isascii() and piece.isalnum() else word.findall(piece) for piece in pieces]


TOKENIZERS: Final[dict[str, Tokenizer]] = {
    "whitespace": whitespace,
    "words": unicode_words,
}


def tokenizer_named(name: str) -> Tokenizer:
    """The tokenizer of that name; raises ConfigError with the nearest one."""
    if name not in TOKENIZERS:
        raise ConfigError(f"There is no tokenizer {name!r}.{did_you_mean(str(name), TOKENIZERS)}")
    return TOKENIZERS[name]


def cut(pieces: Sequence[str], tokenizer: str = "whitespace", lower: bool = False) -> list[list[str]]:
    """The words of each piece; lower-cased before it is cut, by Unicode's full rules (`str.lower`), where `lower`."""
    return tokenizer_named(tokenizer)([piece.lower() for piece in pieces] if lower else pieces)


def split(texts: Sequence[str], tokenizer: str = "whitespace", lower: bool = False) -> list[list[str]]:
    """The words of each text, cut exactly as a corpus is.

    >>> split(["To be, or not to be"], tokenizer="words", lower=True)
    [['to', 'be', 'or', 'not', 'to', 'be']]

    Raises ConfigError for an unknown tokenizer.
    """
    return [[word for words in cut(_PIECE.findall(text), tokenizer, lower) for word in words] for text in texts]


@cache
def _word_pattern() -> re.Pattern[str]:
    r"""A word. Marks are listed, for `re` has no \p{M}, and its \w without them breaks Hindi and decomposed accents."""
    marks = "".join(map(chr, filter(_is_mark, [*range(0x20000), *range(0xE0100, 0xE01F0)])))
    letter = rf"(?:[^\W\d_]|[{marks}])"
    character = rf"(?:[^\W_]|[{marks}])"
    inner_letter = rf"(?<={letter})['’](?={letter})"
    inner_digit = r"(?<=\d)[.,](?=\d)"
    return re.compile(rf"{character}+(?:(?:{inner_letter}|{inner_digit}|[_\u200c\u200d\u00ad]+){character}+)*")


def _is_mark(codepoint: int) -> bool:
    return unicodedata.category(chr(codepoint)).startswith("M")
