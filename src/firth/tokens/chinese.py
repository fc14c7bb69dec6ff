"""Tokens stage: Chinese, which is written without blanks: where its sentences end, and its words, found by rjieba.

Imported by the processes that cut (`tokens/cutters.py`), so it imports little. What it makes is text with
blanks between its words: from there on the path is the same as for any text.
"""

import functools
import importlib.metadata
import importlib.util
import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import Any, Final

from firth.errors import ConfigError, EncodingError, InputError, MissingExtraError, MissingInputError

OwnWords = str | PathLike[str] | Sequence[str]
Spacing = Callable[[str], str]

_ENDS: Final = "。！？；｡…⋯"
_END = re.compile(rf"""[{_ENDS}]+[」』”’）》〉】〕｣"']*""")
SENTENCE_ENDS: Final = tuple(mark.encode() for mark in _ENDS)
_INNER_MARKS: Final = list(zip("＋＃＆．＿％－", "+#&._%-", strict=True))
_HALF_WIDTH = {0x3000: " "} | {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
_WIDE = re.compile("[\u3000\uff01-\uff5e]+")

_LATIN: Final = "a-zA-Z0-9"
_HAN: Final = (  # those that rjieba knows; not 々, 〇, nor what Unicode added after version 8
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ebef\U0002f800-\U0002fa1f"
)
_INSIDE = re.compile(rf"[{_LATIN}{_HAN}+#&._%-]+")  # rjieba cuts at every other character, each one a word by itself
_BOUND = re.compile(rf"[^{_LATIN}{_HAN}+#&._%-]")
_FOREIGN = re.compile(rf"[^\W_{_LATIN}{_HAN}][^\W_{_HAN}]*")  # no Latin before it: a search for one class is fast
_LETTERS = re.compile(rf"[^\W_{_HAN}]+")  # a foreign word, with the Latin letters before it
_MARK: Final = "\ue000"  # stands for a foreign word while rjieba cuts; of private use, so no letter
_UNSPACED = re.compile(f"[々〇{_HAN}\u3041-\u3096\u309d-\u309f\u30a1-\u30ff\u3105-\u312f\U00030000-\U0003ffff]+")

_STRETCH: Final = 1 << 14  # characters cut at a time, so that the list of their words fits the cache: a fifth faster
_LONGEST: Final = 1 << 20  # characters without a blank or a mark that are cut together
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENTRY = re.compile(r"(.+?)(?: ([0-9]{1,18}))?(?: ([a-z]+))?")  # jieba's own format of a user dictionary
_MOST: Final = 1 << 31


def normalise(text: str) -> str:
    """Full-width letters, digits and punctuation (U+FF01 to U+FF5E) as ASCII, the full-width blank as a blank.

    >>> normalise("Ｃ＋＋，１００％")
    'C++,100%'

    As NFKC does for these; it does more, which would change Han characters and ㎡.
    """
    return _WIDE.sub(lambda run: run[0].translate(_HALF_WIDTH), text)


def sentences(text: str) -> list[str]:
    """The sentences of a text, which end at newlines, and behind 。！？；… with the closing quotes that follow.

    >>> sentences("他说：「好。」然后走了……真的？")
    ['他说：「好。」', '然后走了……', '真的？']
    """
    ends = [match.end() for match in _END.finditer(text)]
    parts = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return [line.strip() for part in parts for line in part.split("\n") if line.strip()]


def parse_own_words(given: object) -> tuple[str, ...]:
    """Own words as entries "word", "word count" or "word count tag", from a list of those or a file with one a line.

    >>> parse_own_words(["云计算", "Ｃ＋＋语言 5"])
    ('云计算', 'C++语言 5')

    Raises MissingInputError or EncodingError for the file, InputError for a line of it, ConfigError for an item of the
    list; warns (RuntimeWarning) of words that can never be found, because rjieba cuts at a character in them.
    """
    if given is None:
        return ()
    if isinstance(given, str | PathLike):
        path = os.fspath(given)
        lines = enumerate(_read_lines(path), 1)
        entries = [_checked(line, f"{path!r}, line {n:,}", InputError) for n, line in lines if line.strip()]
    elif isinstance(given, Sequence) and not isinstance(given, bytes | bytearray):
        entries = [_checked(item, f"own_words[{n}]", ConfigError) for n, item in enumerate(given)]
    else:
        raise ConfigError(f"own_words must be a list of words, or a file with one a line, not {given!r:.60}.")
    _warn_of_unreachable([_fields(entry)[0] for entry in entries])
    return tuple(entries)


def are_words(pieces: Any) -> Any:
    """pa.Array of bool for one of str: whether each has a letter or a digit.

    Punctuation has none, and is dropped, as is usual for word vectors.
    """
    import pyarrow.compute as pc  # here, for the processes that cut do without

    return pc.match_substring_regex(pieces, r"[\pL\pN]")


def words(pieces: Sequence[str]) -> list[list[str]]:
    """Every piece is a word, except for punctuation; the pieces are those that `jieba_spacing` made.

    >>> words(["你好", "，", "3.14", "--", "C++"])
    [['你好'], [], ['3.14'], [], ['C++']]
    """
    import pyarrow as pa

    kept = are_words(pa.array(pieces, pa.string())).to_pylist()
    return [[piece] if keep else [] for piece, keep in zip(pieces, kept, strict=True)]


def check_installed() -> None:
    """Raise MissingExtraError where rjieba is not installed."""
    if importlib.util.find_spec("rjieba") is None:
        raise MissingExtraError("Reading Chinese needs rjieba: pip install 'firth[zh]'")


def version() -> str:
    """Which rjieba cuts here."""
    return importlib.metadata.version("rjieba")


def jieba_spacing(own_words: tuple[str, ...], hmm: bool, split_sentences: bool = False) -> Spacing:
    """A function that puts blanks between the words of a text.

    >>> space = jieba_spacing(("自然语言处理",), hmm=True)
    >>> space("我喜欢自然语言处理。")
    '我 喜欢 自然语言处理 。'

    Words are rjieba's, `own_words` (entries as `parse_own_words` gives) added; `hmm` lets it guess words that no
    dictionary has; `split_sentences` puts a newline for every mark that ends a sentence. A run of other letters
    (Müller, Москва, ひらがな), which rjieba would cut into characters, is a word. Raises MissingExtraError.
    """
    return spacing_by(_dictionary(own_words), hmm, split_sentences)


def spacing_by(jieba: Any, hmm: bool, split_sentences: bool) -> Spacing:
    """`jieba_spacing` by a given rjieba.Jieba."""

    def space(text: str) -> str:
        text, foreign = _without_foreign(_normalised(text, split_sentences))
        spaced = " ".join(" ".join(jieba.cut(stretch, hmm)) for stretch in _stretches(text))
        return _with_foreign(spaced, foreign)

    return space


def add_own_words(jieba: Any, own_words: Sequence[str]) -> None:
    """Make the entries known to a rjieba.Jieba."""
    for entry in own_words:
        jieba.add_word(*_fields(entry))


def character_spacing(split_sentences: bool = False) -> Spacing:
    """A function that puts blanks around every Han character, kana and bopomofo.

    >>> character_spacing()("我有iPhone15。")
    ' 我 有 iPhone15。'
    """

    def space(text: str) -> str:
        return _UNSPACED.sub(lambda run: f" {' '.join(run[0])} ", normalise(_normalised(text, split_sentences)))

    return space


@functools.lru_cache(maxsize=4)  # one takes 0.14 s and 30 MB
def _dictionary(own_words: tuple[str, ...]) -> Any:
    check_installed()
    import rjieba

    jieba = rjieba.Jieba()  # the module's own may have got words from others in this process
    add_own_words(jieba, own_words)
    return jieba


def _without_foreign(text: str) -> tuple[str, list[str]]:
    """The text with a mark for each run of letters that are not Han nor ASCII, and those runs; wide ones as ASCII."""
    foreign: list[str] = []

    def take(match: re.Match[str]) -> str:
        run = normalise(match[0])
        if run.isascii():
            return run
        foreign.append(run)
        return _MARK

    return _FOREIGN.sub(take, text.replace(_MARK, " ")), foreign


def _with_foreign(spaced: str, foreign: list[str]) -> str:
    """Put the runs back at their marks, and to the Latin letters that stood before them (the M of Müller)."""
    parts = spaced.split(_MARK)
    for place, run in enumerate(foreign):
        before = parts[place]
        glued = before[-1:] == " " and before[-2:-1].isascii() and before[-2:-1].isalnum()
        parts[place] = (before[:-1] if glued else before) + run
    return "".join(parts)


def _normalised(text: str, split_sentences: bool) -> str:
    """The text with wide marks as ASCII where they can be inside a word, and a newline for each end of a sentence.

    Closing quotes may begin a line then: they are dropped, as all punctuation is. `_END` and `normalise` would take
    three times as long.
    """
    for mark in _ENDS if split_sentences else "":
        text = text.replace(mark, "\n")
    for wide, mark in _INNER_MARKS:
        text = text.replace(wide, mark)
    return text


def _stretches(text: str) -> Iterator[str]:
    """The text in parts that end where rjieba cuts anyway; or after a million characters without such a place."""
    at = 0
    while at < len(text):
        bound = _BOUND.search(text, at + _STRETCH, at + _LONGEST)
        end = bound.end() if bound else at + (_LONGEST if len(text) - at > _LONGEST else len(text))
        yield text[at:end]
        at = end


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            data = file.read()
        return data.decode("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise MissingInputError(f"There is no file {path!r} with own words.") from None
    except OSError as error:
        raise InputError(f"The own words in {path!r} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise EncodingError(
            f"The own words in {path!r} are not UTF-8 at line {line:,}. Convert the file (iconv -f GB18030 -t UTF-8)."
        ) from None


def _checked(entry: object, where: str, kind: type[ConfigError | InputError]) -> str:
    """An entry in plain form. Raises `kind` where it is none."""
    if not isinstance(entry, str) or _SURROGATE.search(entry) or not (entry := " ".join(normalise(entry).split())):
        raise kind(f'{where} is {entry!r:.60}, but an own word is a str "word", "word count" or "word count tag".')
    word, count, _ = _fields(entry)
    if count is not None and not 0 < count < _MOST:
        raise kind(f"{where}: {word!r:.60} has the count {count:,}; it must be at least 1 and below {_MOST:,}.")
    return entry


def _fields(entry: str) -> tuple[str, int | None, str | None]:
    """Word, count and tag of an entry, as rjieba's add_word takes them; without a count it finds one that is enough."""
    match = _ENTRY.fullmatch(entry)
    assert match, "an entry is not empty"
    word, count, tag = match.groups()
    return word, None if count is None else int(count), tag


def _warn_of_unreachable(own: list[str]) -> None:
    lost = [word for word in own if not (_INSIDE.fullmatch(word) or _LETTERS.fullmatch(word))]
    if lost:
        shown = ", ".join(repr(word) for word in lost[:3]) + (", …" if len(lost) > 3 else "")
        warnings.warn(
            f"{len(lost):,} of {len(own):,} own words can never be found, because rjieba cuts at every character but "
            f"Han, Latin letters, digits and + # & . _ % -: {shown}",
            RuntimeWarning,
            stacklevel=2,
        )
