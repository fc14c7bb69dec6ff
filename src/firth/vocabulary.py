"""Vocabulary stage: what is kept, how often it came, and the two distributions drawn from the counts."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from firth.errors import ConfigError, CorruptFileError, EncodingError, InputError, MissingInputError

if TYPE_CHECKING:
    from firth.corpus.text import Text

# What a key may not hold as it is in a file of lines of fields; \x85 and the like are no line ends here.
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPED = {escape[1]: character for character, escape in _ESCAPES.items()}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


class Vocabulary:
    """Keys and how often each was counted; the position of a key is its id.

    `keys`: list of distinct str. `counts`: i8[keys], 0 or more. A vocabulary counted from text stands by count,
    largest first, then by key (code points), so it is the same on every machine; a given list keeps its order.

    >>> vocabulary = Vocabulary(["the", "cat"], [6, 2])
    >>> vocabulary.ids["cat"], vocabulary.total, "dog" in vocabulary
    (1, 8, False)

    Raises InputError for keys that come twice or are no strings, and counts that are negative or of another number.
    """

    def __init__(self, keys: Sequence[str], counts: npt.ArrayLike) -> None:
        self.keys: list[str] = checked_keys(keys)
        self.counts: npt.NDArray[np.int64] = _checked_counts(counts, len(self.keys))

    @classmethod
    def count(
        cls, text: "Text | Any", *, min_count: int = 5, max_vocab: int | None = None, threads: int | None = None
    ) -> "Vocabulary":
        """Count the words of a text: those that come `min_count` times or more, the `max_vocab` most frequent of them.

        >>> Vocabulary.count([["b", "a", "b"]], min_count=1).keys
        ['b', 'a']

        Raises EmptyVocabularyError where no word is left, and what reading the text raises.
        """
        from firth.tokens.encoded import count  # only here is the engine of the corpus needed

        return count(text, min_count=min_count, max_vocab=max_vocab, threads=threads)

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self.ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.keys == other.keys and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # its counts are an array

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} keys, {self.total:,} counted)"

    @cached_property
    def ids(self) -> dict[str, int]:
        """Key → id."""
        return dict(zip(self.keys, range(len(self.keys)), strict=True))

    @property
    def total(self) -> int:
        """The sum of the counts."""
        return int(self.counts.sum())

    def keep_probability(self, subsample: float) -> npt.NDArray[np.float32]:
        """How likely a token of each key stays when frequent ones are thinned out: f4[keys], in (0, 1].

        min(1, sqrt(t / f) + t / f), with f the key's share of all counts and t = `subsample`; 0 keeps everything, and
        a key of count 0 has 1. The formula of word2vec.c, not of the paper (Mikolov et al. 2013b, eq. 5).

        >>> Vocabulary(["the", "cat"], [9999, 1]).keep_probability(1e-3).astype(float).round(3).tolist()
        [0.033, 1.0]

        Raises ConfigError for a negative `subsample`.
        """
        if not subsample >= 0:
            raise ConfigError(f"subsample must be at least 0, not {subsample!r}.")
        keep = np.ones(len(self), np.float64)
        seen = self.counts > 0
        if subsample:
            ratio = subsample * self.total / self.counts[seen]
            keep[seen] = np.minimum(1.0, np.sqrt(ratio) + ratio)
        return keep.astype(np.float32)

    def noise_probability(self, exponent: float) -> npt.NDArray[np.float64]:
        """How likely each key is drawn as a noise word: f8[keys], count^exponent over its sum; 0 for a count of 0.

        >>> Vocabulary(["the", "cat"], [16, 1]).noise_probability(0.75).round(4).tolist()
        [0.8889, 0.1111]

        Exponent 0 draws all counted keys alike; a negative one draws rare ones more. Where nothing was counted, all
        keys are drawn alike. Raises ConfigError for an exponent that is not finite.
        """
        if not np.isfinite(exponent):
            raise ConfigError(f"ns_exponent must be a finite number, not {exponent!r}.")
        seen = self.counts > 0
        if not seen.any():
            return np.full(len(self), 1 / max(1, len(self)))
        # over the largest count first, so that no exponent leaves the range of floats
        weight = np.zeros(len(self), np.float64)
        logarithm = exponent * np.log(self.counts[seen])
        weight[seen] = np.exp(logarithm - logarithm.max())
        probability: npt.NDArray[np.float64] = weight / weight.sum()
        return probability

    def save(self, path: str | PathLike[str]) -> None:
        r"""Write `key TAB count` lines, UTF-8. Inside a key \\ \t \n \r stand for backslash, tab and line ends.

        Raises EncodingError for a key that UTF-8 cannot hold (a lone surrogate).
        """
        with open(path, "wb") as file:
            file.write(self.to_bytes())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Vocabulary":
        """Read what `save` wrote. Raises MissingInputError, or CorruptFileError naming the line."""
        try:
            with open(path, "rb") as file:
                return cls.from_bytes(file.read(), os.fspath(path))
        except FileNotFoundError:
            raise MissingInputError(f"No vocabulary file {os.fspath(path)!r}.") from None
        except IsADirectoryError:
            raise InputError(f"{os.fspath(path)!r} is a folder, not a vocabulary file.") from None

    def to_bytes(self) -> bytes:
        """The file that `save` writes, as bytes."""
        lines = [f"{_escaped(key)}\t{count}\n" for key, count in zip(self.keys, self.counts.tolist(), strict=True)]
        try:
            return "".join(lines).encode()
        except UnicodeEncodeError as error:
            line = "".join(lines)[: error.start].count("\n")
            raise EncodingError(
                f"The key {self.keys[line]!r} holds a lone surrogate, which UTF-8 cannot hold. Clean the text first."
            ) from None

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> "Vocabulary":
        """The vocabulary that `to_bytes` wrote; `name` is for errors."""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise CorruptFileError(f"{name}, line {line}: not UTF-8 at byte {error.start:,} of the file.") from None
        if text and not text.endswith("\n"):
            raise CorruptFileError(f"{name} ends in the middle of a line: it was cut short.")
        keys, counts = [], []
        for number, row in enumerate(text.split("\n")[:-1], 1):
            key, tab, count = row.rpartition("\t")
            if not (tab and "\t" not in key and _is_count(count)):
                raise CorruptFileError(f"{name}, line {number}: expected 'key TAB count', found {row[:80]!r}.")
            keys.append(_unescaped(key, name, number))
            counts.append(int(count))
        try:
            return cls(keys, np.array(counts, np.int64))
        except InputError as error:
            raise CorruptFileError(f"{name}: {error}") from None


def checked_keys(keys: Iterable[str]) -> list[str]:
    """The keys as a list; InputError where one is no string or comes twice."""
    if isinstance(keys, str):
        raise InputError(f"A vocabulary is a list of words, not one str ({keys[:40]!r}).")
    try:
        found = keys if isinstance(keys, list) else list(keys)
    except TypeError:
        raise InputError(f"A vocabulary is a list of words, not {type(keys).__name__}.") from None
    if set(map(type, found)) - {str}:
        found = [_checked_key(key, place) for place, key in enumerate(found)]
    if len(set(found)) != len(found):
        seen: set[str] = set()
        twice = next(key for key in found if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InputError(f"The key {twice!r} comes twice in the vocabulary. Every key has one id: leave one out.")
    return found


def _checked_key(key: object, place: int) -> str:
    if not isinstance(key, str):
        raise InputError(f"Key {place} of the vocabulary is {key!r} ({type(key).__name__}), not a str.")
    return str(key)  # NumPy's str_ becomes Python's


def _checked_counts(counts: npt.ArrayLike, keys: int) -> npt.NDArray[np.int64]:
    given = np.asarray(counts)
    if given.ndim != 1 or len(given) != keys:
        raise InputError(f"There are {keys:,} keys, but counts of shape {given.shape}. Give one count per key.")
    whole = given.astype(np.int64) if len(given) else np.zeros(0, np.int64)
    if not np.array_equal(whole, given) or (whole < 0).any():
        raise InputError("Counts are whole numbers, 0 or more.")
    return whole


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63


def _escaped(key: str) -> str:
    return key.translate(_ESCAPE_TABLE) if "\\" in key or not key.isprintable() else key


def _unescaped(key: str, name: str, line: int) -> str:
    if "\\" not in key:
        return key
    first, *rest = key.split("\\\\")  # a doubled backslash first: what is left stands alone
    return "\\".join(_unescaped_part(part, name, line) for part in (first, *rest))


def _unescaped_part(part: str, name: str, line: int) -> str:
    plain, *escapes = part.split("\\")
    for escape in escapes:
        if escape[:1] not in _UNESCAPED:
            raise CorruptFileError(f"{name}, line {line}: unknown escape \\{escape[:1]} in a key.")
        plain += _UNESCAPED[escape[0]] + escape[1:]
    return plain
