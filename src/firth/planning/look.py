"""Planning: what a sample of a text looks like: its lines, its scripts, what may be wrong with it."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from firth.corpus.blocks import TextBlock, TokenBlock
from firth.corpus.text import Text
from firth.tokens.scripts import lacks_blanks
from firth.tokens.scripts import shares as scripts_of

_SCRIPTS_OF = 1 << 18  # characters whose scripts are counted: a second's tenth
_LONG = 1 << 16  # bytes of a line that is no sentence
_SHORT = 20  # bytes; shorter lines come twice for good reasons

# The words that come most often in a language and in no other of these.
_FREQUENT: Final = {
    "English": "the of and to is was that for with are this his from have which",
    "German": "der und das ist nicht mit sich auf ein eine auch wird dem den von",
    "French": "le les et des est une dans qui pour pas au du sur avec plus",
    "Spanish": "el los las una por con del para su como más pero lo fue y",
    "Italian": "il che di della per una con sono gli nel non è più anche alla",
    "Portuguese": "o os uma não para com do da em na no mais ao foi e",
    "Dutch": "het een van dat en niet zijn op te voor met ook aan werd bij",
    "Polish": "w i na się nie jest że z do to jak od przez oraz był",
    "Turkish": "ve bir bu için ile olarak da de olan çok daha gibi en sonra kadar",
    "Russian": "и в не на что он как это по из за от был для его",
    "Ukrainian": "і в не на що він як це та з за від був для його",
}
_BY_SCRIPT: Final = {
    "Hiragana": "Japanese",
    "Katakana": "Japanese",
    "Hangul": "Korean",
    "Han": "Chinese",
    "Greek": "Greek",
    "Hebrew": "Hebrew",
    "Arabic": "Arabic",
    "Thai": "Thai",
    "Devanagari": "Hindi",
}


@dataclass(frozen=True)
class Look:
    """What was seen in the sample."""

    lines: int
    """Lines that are not blank."""
    duplicates: float
    """The share of the lines, of 20 bytes or more, that are a repetition of another one of the sample."""
    longest: int
    """Bytes of the longest line."""
    endless: bool
    """Whether it has no lines: most of it lies in lines of more than 64 KB."""
    scripts: dict[str, float]
    """Script → its share of the letters, the largest first."""
    unspaced: bool
    """Whether it is Chinese without blanks between the words."""
    language: str | None
    """A guess, by the script and the most frequent words; None without one."""


def look(text: Text) -> Look:
    """Read a (small) text once, and say what it looks like."""
    seen: Counter[int] = Counter()
    lines, long_lines, longest, size = 0, 0, 0, 0
    some: list[str] = []
    kept = 0
    for line in _lines(text.blocks()):
        size += len(line)
        lines += 1
        longest = max(longest, len(line))
        long_lines += len(line) if len(line) > _LONG else 0
        if len(line) >= _SHORT:
            seen[hash(line)] += 1
        if kept < _SCRIPTS_OF and (lines < 100 or lines % 50 == 0):  # from all over, not only the beginning
            some.append(line[:4096].decode("utf-8", "ignore"))
            kept += len(some[-1])
    words = "\n".join(some)
    shares = scripts_of(words)
    return Look(
        lines=lines,
        duplicates=1 - len(seen) / seen.total() if seen else 0.0,
        longest=longest,
        endless=long_lines > size / 2,
        scripts=shares,
        unspaced=lacks_blanks(words),
        language=language(shares, some),
    )


def language(shares: dict[str, float], texts: Iterable[str]) -> str | None:
    """The language of texts whose letters have these scripts: one of a dozen, or None.

    >>> language({"Latin": 1.0}, ["the cat is on the mat and that was for this"])
    'English'
    """
    if shares.get("Hiragana", 0) + shares.get("Katakana", 0) > 0.1:
        return "Japanese"
    main = max(shares, key=lambda script: shares[script], default="")
    if main in _BY_SCRIPT:
        return _BY_SCRIPT[main]
    words = Counter(word for text in texts for word in text.lower().split())
    found = {name: sum(words[word] for word in marks.split()) for name, marks in _FREQUENT.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] > 0.05 * words.total() else None


def _lines(blocks: Iterable[TextBlock | TokenBlock]) -> Iterable[bytes]:
    """The lines of a text that are not blank; a line that runs through blocks comes as a whole."""
    carried: list[bytes] = []
    for block in blocks:
        if isinstance(block, TokenBlock):
            yield from _joined(block)
            continue
        first, *others = bytes(block.data).split(b"\n")
        carried.append(first)
        if others:
            *whole, last = others
            yield from filter(None, map(bytes.strip, [b"".join(carried), *whole]))
            carried = [last]
    if rest := b"".join(carried).strip():
        yield rest


def _joined(block: TokenBlock) -> Iterable[bytes]:
    tokens: list[Any] = block.tokens.to_pylist()
    words = [word.encode() if isinstance(word, str) else word for word in tokens]
    for start, end in itertools.pairwise([0, *block.ends.tolist()]):
        if end > start:
            yield b" ".join(words[start:end])
