"""Tokens stage: how a text is cut into words.

Every tokenizer works on *pieces*: what stands between ASCII white space. It is handed distinct pieces only, so a
slow rule costs by the vocabulary, not by the corpus. Where a script puts no blanks between words, they are put there
first (`tokens/chinese.py`).
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from os import PathLike
from typing import Final

from firth.config import did_you_mean
from firth.errors import ConfigError
from firth.tokens import chinese
from firth.tokens.phrases import LearntPhrases

Tokenizer = Callable[[Sequence[str]], Sequence[Sequence[str]]]

_PIECE = re.compile(r"[^ \t-\r]+")  # the six blanks of ASCII: space, \t, \n, \v, \f, \r
_BOUND: Final = "\x1e"  # a character on its own for every tokenizer, and a part of no word
_UNUSABLE = re.compile(f"[{_BOUND}\ud800-\udfff]")  # and lone surrogates, which no UTF-8 has

MARKS_AROUND: Final = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~‘’“”«»–—…"
"""Characters that no word of `unicode_words` begins or ends with, and that are no letters: the usual ones, not all."""


def whitespace(pieces: Sequence[str]) -> list[list[str]]:
    """Every piece is a word, as word2vec.c and fastText cut."""
    return [[piece] for piece in pieces]


def unicode_words(pieces: Sequence[str]) -> list[Sequence[str]]:
    """Runs of letters, marks and digits; everything else is dropped.

    After Unicode's rules for words (UAX #29): an apostrophe between two letters stays (don't, l’eau), so does a point
    or comma between two digits (3.14) and an underscore inside a word; a hyphen parts. No dictionary is asked, so a run
    of Chinese, Japanese or Thai letters is one word.
    """
    words_in = _word_pattern().findall
    return [(piece,) if piece.isalnum() else words_in(piece) for piece in pieces]


TOKENIZERS: Final[dict[str, Tokenizer]] = {
    "whitespace": whitespace,
    "words": unicode_words,
    "chinese": chinese.words,
    "characters": unicode_words,
}


def tokenizer_named(name: str) -> Tokenizer:
    """The tokenizer of that name; raises ConfigError with the nearest one."""
    if name not in TOKENIZERS:
        raise ConfigError(f"There is no tokenizer {name!r}.{did_you_mean(str(name), TOKENIZERS)}")
    return TOKENIZERS[name]


def pieces_of(text: str) -> list[str]:
    """What stands between the six blanks of ASCII."""
    return _PIECE.findall(text)


def cut(pieces: Sequence[str], tokenizer: str = "whitespace", lower: bool = False) -> Sequence[Sequence[str]]:
    """The words of each piece; lower-cased before it is cut, by Unicode's full rules (`str.lower`), where `lower`."""
    return tokenizer_named(tokenizer)([piece.lower() for piece in pieces] if lower else pieces)


def checked_own_words(
    tokenizer: str, own_words: chinese.OwnWords | None, hmm: bool, split_sentences: bool
) -> tuple[str, ...]:
    """The entries of `own_words`, as `chinese.parse_own_words` gives.

    Raises ConfigError for an unknown tokenizer, or an option that is not for this one, and MissingExtraError.
    """
    tokenizer_named(tokenizer)
    for option, value in (("hmm", hmm), ("split_sentences", split_sentences)):
        if not isinstance(value, bool):
            raise ConfigError(f"{option} must be True or False, not {value!r}.")
    if split_sentences and tokenizer not in ("chinese", "characters"):
        raise ConfigError(f"split_sentences is for tokenizer='chinese' or 'characters', not for {tokenizer!r}.")
    if tokenizer == "chinese":
        chinese.check_installed()
    elif own_words or not hmm:
        option = "own_words" if own_words else "hmm=False"
        raise ConfigError(f"{option} is for tokenizer='chinese', but the tokenizer is {tokenizer!r}.")
    return chinese.parse_own_words(own_words)


def split(
    texts: Sequence[str],
    tokenizer: str = "whitespace",
    lower: bool = False,
    own_words: chinese.OwnWords | None = None,
    hmm: bool = True,
    split_sentences: bool = False,
    phrases: LearntPhrases | str | PathLike[str] | None = None,
) -> list[list[str]]:
    """The words of each text, cut in this process exactly as a corpus is; the options are those of `firth.Text`.

    >>> split(["To be, or not to be"], tokenizer="words", lower=True)
    [['to', 'be', 'or', 'not', 'to', 'be']]
    >>> split(["我喜欢自然语言处理。"], tokenizer="characters")
    [['我', '喜', '欢', '自', '然', '语', '言', '处', '理']]

    Raises ConfigError for an unknown tokenizer or an option that is not for it, MissingExtraError, and what `own_words`
    and `phrases` raise.
    """
    entries = checked_own_words(tokenizer, own_words, hmm, split_sentences)
    space = _spacing(tokenizer, entries, hmm, split_sentences)
    if space and texts:  # all in one: a call has its price
        texts = space(_BOUND.join(_UNUSABLE.sub(" ", text) for text in texts)).split(_BOUND)

    def words_of(text: str) -> list[str]:
        return [word for words in cut(pieces_of(text), tokenizer, lower) for word in words]

    if not phrases:
        return [words_of(text) for text in texts]
    joined = LearntPhrases.of(phrases)
    return [[word for line in text.split("\n") for word in joined.apply(words_of(line))] for text in texts]


def _spacing(
    tokenizer: str, own_words: tuple[str, ...], hmm: bool, split_sentences: bool
) -> Callable[[str], str] | None:
    """What puts blanks between the words of a text; None where blanks are there."""
    if tokenizer == "chinese":
        return chinese.jieba_spacing(own_words, hmm, split_sentences)
    return chinese.character_spacing(split_sentences) if tokenizer == "characters" else None


@cache
def _word_pattern() -> re.Pattern[str]:
    r"""A word. Its characters are listed in runs: `re` has no \p{M}, and \w without marks breaks Hindi and decomposed
    accents. One class of them all is read three times as fast as a choice between [^\W_] and a class of marks.
    """
    planes = "".join(map(chr, [*range(0x34000), *range(0xE0100, 0xE01F0)]))  # there are no others
    marks = "".join([mark for mark in re.findall(r"\W", planes) if unicodedata.category(mark)[0] == "M"])
    letter = rf"(?:[^\W\d_]|[{marks}])"
    runs = [run.span() for run in re.finditer(r"[^\W_]+", planes.translate(dict.fromkeys(map(ord, marks), "x")))]
    character = "[" + "".join(f"{planes[first]}-{planes[end - 1]}" for first, end in runs) + "]"
    between_letters = rf"['’](?<={letter}.)(?={letter})"
    between_digits = r"[.,](?<=\d.)(?=\d)"
    return re.compile(rf"{character}+(?:(?:{between_letters}|{between_digits}|[_\u200c\u200d\u00ad]+){character}+)*")
