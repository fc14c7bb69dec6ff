"""Tokens stage: in which scripts a text is written, and whether it lacks the blanks that words are cut at."""

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import Final

_PIECE = re.compile(r"\S+")
_SAMPLE: Final = 1 << 16  # characters that are enough to tell
_LONG_PIECE: Final = 6.0  # letters; Chinese words have 1.7 on average, clauses between punctuation 10 and more

# First words of Unicode's names of characters that are not the name of their script.
_SCRIPTS: Final = {"Cjk": "Han", "Ideographic": "Han", "Katakana-Hiragana": "Katakana"}


def shares(text: str) -> dict[str, float]:
    """The share of each script among the letters of a text, the largest first; empty where there are none.

    >>> shares("ML 学习词向量！")
    {'Han': 0.714..., 'Latin': 0.285...}

    Scripts have the names of Unicode's characters: Han, Latin, Hiragana, Katakana, Hangul, Cyrillic, Greek, Arabic, …
    """
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            counts[_script(character)] += count
    total = counts.total()
    return {script: count / total for script, count in counts.most_common()}


def lacks_blanks(text: str) -> bool:
    """Whether a text is Chinese whose words no blanks part: mostly Han, hardly any kana, in pieces longer than words.

    >>> lacks_blanks("我喜欢自然语言处理。"), lacks_blanks("我 喜欢 自然语言 处理 。"), lacks_blanks("I like 北京")
    (True, False, False)
    """
    text = text[:_SAMPLE]
    share = shares(text)
    if share.get("Han", 0) < 0.5 or share.get("Hiragana", 0) + share.get("Katakana", 0) > 0.1:
        return False
    lengths = [letters for piece in _PIECE.findall(text) if (letters := sum(map(str.isalpha, piece)))]
    return sum(lengths) / len(lengths) > _LONG_PIECE


def is_han(character: str) -> bool:
    """Whether it is a Han character; '' is none."""
    return character != "" and character.isalpha() and _script(character) == "Han"


@cache
def _script(letter: str) -> str:
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "Other").split()[0].title()
    return _SCRIPTS.get(name, name)
