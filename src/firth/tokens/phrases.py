"""Tokens stage: phrases that were learnt, and how they are joined: new york → new_york."""

import json
import math
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from firth.errors import ConfigError, CorruptFileError, EncodingError, FormatError, InputError, MissingInputError

if TYPE_CHECKING:
    from firth.tokens.encoded import Encoded

FILE: Final = "phrases.tsv"
"""The name of the file in a folder."""
_MAGIC: Final = "# firth phrases "
_VERSION: Final = 1
_COLUMNS: Final = "words\tscore\tcount\tpass"
_END: Final = "# end"  # a file that was cut short lacks it
_ESCAPES: Final = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPED: Final = re.compile(r"[\\ \t\n\r]")
_UNESCAPED: Final = {escape: character for character, escape in _ESCAPES.items()}


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two words that belong together, and the connectors between them."""

    key: str
    """The word that they become: new_york."""
    words: tuple[str, ...]
    """What it is made of. In a later pass the two ends may be phrases themselves."""
    score: float
    count: int
    """How often they came together where they were learnt."""
    found_in: int = 1
    """The pass that found it, from 1."""


@dataclass(frozen=True)
class LearntPhrases:
    """Phrases, and the joining of them in sentences, in corpora, and wherever a `Text` is cut.

    >>> phrases = LearntPhrases.of_words([("new", "york"), ("bank", "of", "america")], connectors=["of"])
    >>> phrases.apply(["the", "bank", "of", "america", "in", "new", "york"])
    ['the', 'bank_of_america', 'in', 'new_york']

    Joining goes from left to right: where two phrases share a word the first one has it. The phrases of pass 2 are
    sought in what pass 1 has joined, and so on. Raises InputError for phrases that could never be found.
    """

    table: tuple[Phrase, ...]
    """Pass by pass, the best first."""
    delimiter: str = "_"
    connectors: frozenset[str] = frozenset()
    """Words that stand inside a phrase, but at neither end."""
    config: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """How they were learnt, plain JSON values."""

    def __post_init__(self) -> None:
        seen = set()
        for phrase in self.table:
            self._check(phrase)
            if (phrase.found_in, phrase.words) in seen:
                raise InputError(f"The phrase {' '.join(phrase.words)!r} is there twice. Leave one out.")
            seen.add((phrase.found_in, phrase.words))

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __repr__(self) -> str:
        best = ", ".join(phrase.key for phrase in self.table[:3])
        return f"LearntPhrases({len(self):,}: {best}{', …' if len(self) > 3 else ''})"

    @property
    def passes(self) -> list[list[Phrase]]:
        """The phrases of each pass."""
        numbers = sorted({phrase.found_in for phrase in self.table})
        return [[phrase for phrase in self.table if phrase.found_in == number] for number in numbers]

    # ------------------------------------------------------------ making

    @classmethod
    def of(cls, phrases: "LearntPhrases | str | PathLike[str]") -> "LearntPhrases":
        """Phrases as they are; or those of a path, or of the text of such a file. Raises what `load` does."""
        if isinstance(phrases, LearntPhrases):
            return phrases
        if isinstance(phrases, str) and phrases.startswith(_MAGIC):
            return cls.from_text(phrases)
        if isinstance(phrases, str | PathLike):
            return cls.load(phrases)
        raise ConfigError(
            f"phrases must be what Phrases().fit(…) gave, or the path of its file; not {phrases!r:.60} "
            f"({type(phrases).__name__})."
        )

    @classmethod
    def of_words(
        cls, phrases: Iterable[Sequence[str]], *, delimiter: str = "_", connectors: Iterable[str] = ()
    ) -> "LearntPhrases":
        """Phrases of one's own, each a list of words, in place of learnt ones."""
        table = tuple(Phrase(delimiter.join(words), tuple(words), 0.0, 0) for words in phrases)
        return cls(table, delimiter, frozenset(connectors))

    def _check(self, phrase: Phrase) -> None:
        words = phrase.words
        shown = repr(" ".join(words))
        if len(words) < 2 or "" in words:
            raise InputError(f"The phrase {shown} must have two words or more.")
        if words[0] in self.connectors or words[-1] in self.connectors:
            raise InputError(f"The phrase {shown} begins or ends with a connector. It must not.")
        if plain := [word for word in words[1:-1] if word not in self.connectors]:
            raise InputError(
                f"The phrase {shown} has {plain[0]!r} inside, which is no connector. A phrase joins two words; "
                "longer ones are joined in another pass, or by connectors."
            )
        if phrase.found_in < 1:
            raise InputError(f"The phrase {shown} has pass {phrase.found_in}; passes are counted from 1.")

    # ------------------------------------------------------------ joining

    @overload
    def apply(self, text: "Encoded") -> "Encoded": ...
    @overload
    def apply(self, text: Sequence[str]) -> list[str]: ...  # type: ignore[overload-overlap]  # a str is refused
    @overload
    def apply(self, text: Iterable[Sequence[str]]) -> list[list[str]]: ...
    def apply(self, text: Any) -> Any:
        """The same words with every phrase joined: of a sentence, of a list of sentences, or of an encoded corpus.

        An encoded corpus gets its words counted anew, and new ids; joined in it are words that stand side by side
        there, so encode it with min_count=1. Raises ConfigError for a str: cut it first.
        """
        from firth.tokens.encoded import Encoded, with_phrases

        if isinstance(text, Encoded):
            return with_phrases(text, self)
        if isinstance(text, str):
            raise ConfigError(f"apply takes a list of words, not one str. Cut it first: {text[:20]!r}.split()")
        sentences = list(text)
        if all(isinstance(word, str) for word in sentences):
            return self._joined(sentences)
        return [self.apply(sentence) for sentence in sentences]

    def _joined(self, sentence: list[str]) -> list[str]:
        for keys in self._lookup:
            joined: list[str] = []
            open_: list[str] = []  # a word that may begin a phrase, and the connectors behind it
            for word in sentence:
                if not open_ or word in self.connectors:
                    (open_ if open_ or word not in self.connectors else joined).append(word)
                elif key := keys.get((*open_, word)):
                    joined.append(key)
                    open_ = []
                else:
                    joined += open_
                    open_ = [word]
            sentence = joined + open_
        return sentence

    @cached_property
    def _lookup(self) -> list[dict[tuple[str, ...], str]]:
        return [{phrase.words: phrase.key for phrase in found} for found in self.passes]

    @cached_property
    def _keys(self) -> frozenset[str]:
        return frozenset(phrase.key for phrase in self.table)

    # ------------------------------------------------------------ the file

    def to_text(self) -> str:
        r"""The file that `save` writes: a line with the options, the names of the columns, and a line for each phrase.

        Inside a word \\ \s \t \n \r stand for a backslash, a blank, a tab and the two line ends.
        """
        return self._text

    @cached_property
    def _text(self) -> str:
        options = {"delimiter": self.delimiter, "connectors": sorted(self.connectors), "config": self.config}
        rows = [
            f"{' '.join(map(_escaped, phrase.words))}\t{phrase.score!r}\t{phrase.count}\t{phrase.found_in}"
            for phrase in self.table
        ]
        return "\n".join([f"{_MAGIC}{_VERSION} {json.dumps(options, ensure_ascii=False)}", _COLUMNS, *rows, _END, ""])

    @classmethod
    def from_text(cls, text: str, name: str = "the text") -> "LearntPhrases":
        """The phrases that `to_text` wrote; `name` is for errors.

        Raises FormatError for another kind of text or a newer version, CorruptFileError naming the line.
        """
        return _parsed(text, name)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a file, or `phrases.tsv` in a folder that is there already; whole or not at all. Returns its path.

        Raises FormatError where something else than phrases would be overwritten, SaveError, DiskFullError.
        """
        from firth.formats import atomic, native
        from firth.formats.checksums import NewFile

        target = Path(path)
        if target.is_dir():
            if native.recognise(target):
                raise FormatError(f"{target} is a model, whose phrases are its own. Save to a file of another name.")
            target /= FILE
        try:
            data = self.to_text().encode()
        except UnicodeEncodeError:
            raise EncodingError("A phrase holds a lone surrogate, which UTF-8 cannot hold. Clean the text.") from None
        with atomic.replacing(target, needed=len(data), check=check_replaceable) as new, NewFile(new) as file:
            file.write(data)
        return target

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "LearntPhrases":
        """Read what `save` wrote: a file, or the folder of one (a model that joins phrases is such a folder).

        Raises MissingInputError, FormatError for a file of another kind, CorruptFileError naming the line.
        """
        file = Path(path)
        if file.is_dir():
            file /= FILE
        try:
            if not stat.S_ISREG(os.stat(file).st_mode):
                raise FormatError(f"{file} is not a plain file.")
            with open(file, "rb") as opened:
                if not opened.read(len(_MAGIC)) == _MAGIC.encode():
                    raise _not_phrases(str(file))
                return cls.from_text(_MAGIC + opened.read().decode(), str(file))
        except FileNotFoundError:
            raise MissingInputError(
                f"No file of phrases {str(file)!r}. Write one: firth phrases SOURCE -o FILE"
            ) from None
        except UnicodeDecodeError as error:
            raise CorruptFileError(f"{file} is not UTF-8 at byte {error.start + len(_MAGIC):,}.") from None
        except OSError as error:
            raise InputError(f"{str(file)!r} cannot be read: {error.strerror}.") from error


def check_replaceable(target: str | PathLike[str]) -> None:
    """Raise FormatError where `target` holds anything but phrases."""
    if not os.path.lexists(target):
        return
    if os.path.isfile(target):
        with open(target, "rb") as file:
            start = file.read(len(_MAGIC))
        if not start or start == _MAGIC.encode():
            return
    raise FormatError(f"{target} holds something that is no phrases of firth's; it is not overwritten. Save elsewhere.")


@lru_cache(maxsize=4)  # a model's phrases are asked for at every `encode`
def _parsed(text: str, name: str) -> LearntPhrases:
    head, *lines = text.split("\n")
    if not head.startswith(_MAGIC):
        raise _not_phrases(name)
    version, _, options = head.removeprefix(_MAGIC).partition(" ")
    if version != str(_VERSION):
        raise FormatError(
            f"{name} is of version {version[:20]!r}, and this firth reads version {_VERSION}. Upgrade firth."
        )
    if lines[-2:] != [_END, ""]:
        raise CorruptFileError(f"{name} was cut short: its last line must be {_END!r}.")
    if lines[0] != _COLUMNS:
        raise CorruptFileError(f"{name}, line 2: expected the columns {_COLUMNS.split()}, found {lines[0][:80]!r}.")
    try:
        known = json.loads(options)
        delimiter, connectors, config = (known[option] for option in ("delimiter", "connectors", "config"))
        right = isinstance(delimiter, str) and isinstance(connectors, list) and isinstance(config, dict)
        if not right or not all(isinstance(word, str) for word in connectors):
            raise TypeError("an option is of another type")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptFileError(f"{name}, line 1: its options cannot be read ({error}).") from None
    table = [_row(row, delimiter, f"{name}, line {number}") for number, row in enumerate(lines[1:-2], 3)]
    try:
        return LearntPhrases(tuple(table), delimiter, frozenset(connectors), config)
    except InputError as error:
        raise CorruptFileError(f"{name}: {error}") from None


def _row(row: str, delimiter: str, place: str) -> Phrase:
    try:
        words, score, count, found_in = row.split("\t")
        parts = tuple(map(_unescaped, words.split(" ")))
        phrase = Phrase(delimiter.join(parts), parts, float(score), int(count), int(found_in))
        if not math.isfinite(phrase.score):
            raise ValueError("a score that is no number")
    except (ValueError, KeyError):
        raise CorruptFileError(f"{place}: expected 'words TAB score TAB count TAB pass', found {row[:80]!r}.") from None
    return phrase


def _escaped(word: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], word)


def _unescaped(word: str) -> str:
    return re.sub(r"\\.?", lambda found: _UNESCAPED[found[0]], word) if "\\" in word else word


def _not_phrases(name: str) -> FormatError:
    return FormatError(f"{name} is no file of phrases: it does not begin with {_MAGIC.strip()!r}.")
