"""Tokens stage: documents, cut into words that are numbered; each ends in `</s>`, as a line does in fastText."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.errors import InputError
from firth.tokens.subwords import SENTENCE_END
from firth.tokens.words import split

_CHUNK = 1 << 16  # documents whose words are strings of Python at a time


@dataclass(frozen=True)
class Documents:
    """The words of many documents."""

    words: list[str]
    """The distinct ones, in the order they were met."""
    tokens: npt.NDArray[np.int32]
    """i4[n], indices into `words`."""
    offsets: npt.NDArray[np.int64]
    """i8[documents + 1], where each document's tokens begin."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """i8[words], how often each word comes."""
        return np.bincount(self.tokens, minlength=len(self.words)).astype(np.int64)


def cut(texts: Iterable[Any], cutting: Mapping[str, Any]) -> Documents:
    r"""The words of each document: a text, which is cut, or a list of words, which is taken as it is.

    cutting  options of `firth.tokens.words.split`

    >>> documents = cut(["to be or\nnot to be", ["to", "be"]], {})
    >>> documents.words, documents.tokens.tolist(), documents.offsets.tolist()
    (['to', 'be', 'or', 'not', '</s>'], [0, 1, 2, 3, 0, 1, 4, 0, 1, 4], [0, 7, 10])

    Raises InputError naming the first document that is neither.
    """
    ids: dict[str, int] = {}
    tokens, sizes = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)]
    for lists in _word_lists(iter(texts), cutting):
        sizes.append(np.fromiter(map(len, lists), np.int64, len(lists)) + 1)
        every = chain.from_iterable(chain(words, (SENTENCE_END,)) for words in lists)
        found = [ids.setdefault(word, len(ids)) for word in every]
        tokens.append(np.array(found, np.int32))
    return Documents(list(ids), np.concatenate(tokens), np.cumsum(np.concatenate(sizes)))


def _word_lists(texts: Iterator[Any], cutting: Mapping[str, Any]) -> Iterator[list[list[str]]]:
    number = 0
    while some := list(islice(texts, _CHUNK)):
        if all(isinstance(text, str) for text in some):
            yield split(some, **cutting)
        else:
            yield [_words(text, number + i, cutting) for i, text in enumerate(some)]
        number += len(some)


def _words(document: Any, number: int, cutting: Mapping[str, Any]) -> list[str]:
    if isinstance(document, str):
        return split([document], **cutting)[0]
    if not isinstance(document, Sequence | np.ndarray) or isinstance(document, bytes):
        raise InputError(
            f"Document {number:,} is {document!r:.60} ({type(document).__name__}), not a text or a list of words."
        )
    words = [str(word) for word in document if isinstance(word, str)]
    if len(words) != len(document):
        wrong = next(word for word in document if not isinstance(word, str))
        raise InputError(f"Document {number:,} holds {wrong!r:.60} ({type(wrong).__name__}), which is no word.")
    return [word.lower() for word in words] if cutting.get("lower") else words
