"""A text as one long array of token ids, and what networks learn from it: rows, each a pure function of its number.

    Packed       the array, and where sentences and documents begin
    Stream       rows of so many tokens, each with the token that follows it
    Windows      a token, and so many before it in its sentence
    Spelled      rows of words, each with its letters

Networks learn from batches of rows; `Examples` is what the training loop knows of them.
"""

import itertools
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from firth.errors import ConfigError, EmptyVocabularyError, InputError
from firth.tokens.tokenizer import Tokenizer

Ids = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

NO_TARGET: Final = -100
"""A target that is not predicted; torch's losses pass over it."""
_BLOCK: Final = 1 << 20  # ids written at once
_GOLDEN: Final = 0.6180339887498949  # its multiples fall evenly between 0 and 1


@dataclass(frozen=True)
class Packed:
    """A text in tokens: `tokens[sentences[i]:sentences[i + 1]]` are those of line i, its end token included.

    >>> from firth.tokens.tokenizer import Tokenizer
    >>> text = ["to be", "or not", "", "to be"]
    >>> cutter = Tokenizer.train(text, kind="words", special={"unk": "<unk>", "eos": "</s>"})
    >>> packed = Packed.of(text, cutter, end=cutter.id_of("eos"))
    >>> packed.tokens.tolist(), packed.sentences.tolist(), packed.documents.tolist()
    ([3, 2, 1, 5, 4, 1, 3, 2, 1], [0, 3, 6, 9], [0, 2, 3])
    """

    tokens: Ids
    """i4[n], memory-mapped."""
    sentences: Rows
    """i8[s + 1]: where each sentence begins, and where the last one ends; none is empty."""
    documents: Rows
    """i8[d + 1]: the sentence that each document begins with, and the number of sentences. A blank line ends one."""
    begins: npt.NDArray[np.bool_] | None = field(default=None, kw_only=True)
    """bool[n]: whether each token begins a word; None where nobody asked."""

    @classmethod
    def of(
        cls,
        lines: Iterable[str],
        tokenizer: Tokenizer,
        *,
        start: int | None = None,
        end: int | None = None,
        end_document: int | None = None,
        newline: str = "",
        whole_words: bool = False,
    ) -> Self:
        """Cut lines into tokens, and write those into a temporary file, which vanishes with its last user.

        start, end    tokens that are put before and behind each sentence
        end_document  a token that is put behind each document
        newline       is put behind each line before it is cut: for tokenizers that keep line ends
        whole_words   note which tokens begin a word; the lines are read twice for it

        Raises EmptyVocabularyError where there is no token.
        """
        file: IO[bytes] = tempfile.TemporaryFile(prefix="firth-")  # noqa: SIM115  # the map keeps it
        held, sentences, documents = list[int](), [0], [0]

        def close_document() -> None:
            if len(sentences) - 1 > documents[-1]:
                documents.append(len(sentences) - 1)
                if end_document is not None:
                    held.append(end_document)
                    sentences[-1] += 1

        for found in tokenizer.ids_of_lines(line + newline if line else "" for line in lines):
            if not found:
                close_document()
                continue
            row = [*([] if start is None else [start]), *found, *([] if end is None else [end])]
            held += row
            sentences.append(sentences[-1] + len(row))
            if len(held) >= _BLOCK:
                file.write(np.array(held, np.int32).tobytes())
                held.clear()
        close_document()
        file.write(np.array(held, np.int32).tobytes())
        file.flush()
        if sentences[-1] == 0:
            raise EmptyVocabularyError("The text holds no token. Is it the file that was meant?")
        tokens = np.memmap(file, np.int32, "r", shape=(sentences[-1],))
        begins = None
        if whole_words:
            assert end is None and end_document is None and not newline, "tokens that stand in no line begin no word"
            begins = np.fromiter(itertools.chain.from_iterable(tokenizer.word_begins(lines)), np.bool_, len(tokens))
        return cls(tokens, np.array(sentences, np.int64), np.array(documents, np.int64), begins=begins)

    def split(self, share: float) -> tuple[Self, Self]:
        """(the front, the end): the last sentences, `share` of all tokens, are held out.

        The end, not a sample: sentences of one document lie together, and would tell of each other.
        Raises ConfigError for a share outside 0 … 1, InputError where one part would be empty.
        """
        if not 0 < share < 1:
            raise ConfigError(f"validation must be a share between 0 and 1, or a text, not {share!r}.")
        at = int(np.searchsorted(self.sentences, (1 - share) * len(self.tokens)))
        at = min(at, len(self.sentences) - 2)
        if at < 1:
            raise InputError(
                f"validation={share} of {len(self.sentences) - 1:,} sentences leaves nothing to learn from."
            )
        return self._part(0, at), self._part(at, len(self.sentences) - 1)

    def _part(self, first: int, last: int) -> Self:
        begin, end = self.sentences[[first, last]].tolist()
        inside = self.documents[(self.documents > first) & (self.documents < last)]
        documents = np.concatenate([[first], inside, [last]]) - first
        begins = None if self.begins is None else self.begins[begin:end]
        sentences = self.sentences[first : last + 1] - begin
        return replace(self, tokens=self.tokens[begin:end], sentences=sentences, documents=documents, begins=begins)

    def checksum(self) -> str:
        """CRC32 of the tokens: whether two of these are of the same text."""
        return f"{zlib.crc32(self.tokens.view(np.uint8).data):08x}"


class Batch(NamedTuple):
    """What a network is shown at once."""

    arrays: dict[str, npt.NDArray[Any]]
    """What the network's `forward` takes, by name; the first axis is the rows."""
    counts: Mapping[str, int]
    """How many predictions there are, by the name of the loss that `forward` gives for them: {"lm": 4096}."""


class Examples(ABC):
    """Rows that can be made in any order, each a pure function of its number and of the pass."""

    row_tokens: int
    """Tokens of a row, at most: `batch_tokens` is counted in these."""

    @abstractmethod
    def __len__(self) -> int:
        """Rows in a pass."""

    @abstractmethod
    def batch(self, rows: Rows, turns: Rows) -> Batch:
        """Rows by their numbers i8[b], and the pass i8[b] that each is made for (0 the first; masks depend on it)."""


def _places(rows: Rows, turns: Rows, length: int, tokens: int) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Which tokens make each row and the one that follows, i8[b, length + 1]; and which of them are there.

    Every pass but the first cuts the text elsewhere, so that no token always begins a row; it goes round at the end.
    """
    shifts = (turns * _GOLDEN * length).astype(np.int64) % length
    places = rows[:, None] * length + shifts[:, None] + np.arange(length + 1)
    there = (places < tokens) | (shifts[:, None] > 0)
    return np.where(there, places % tokens, tokens - 1), there


class Stream(Examples):
    """Row r is `length` tokens from place r · length on, and for each the token that follows.

    unpredicted  a token that is not predicted: what begins a sentence is no news behind the end of one

    >>> packed = Packed(np.arange(8, dtype=np.int32), np.array([0, 8]), np.array([0, 1]))
    >>> batch = Stream(packed, 3).batch(np.array([0, 2]), np.array([0, 0]))
    >>> batch.arrays["inputs"].tolist(), batch.arrays["targets"].tolist(), batch.counts
    ([[0, 1, 2], [6, 0, 0]], [[1, 2, 3], [7, -100, -100]], {'lm': 4})
    """

    def __init__(self, packed: Packed, length: int, *, unpredicted: int | None = None) -> None:
        self.packed, self.length, self.row_tokens, self.unpredicted = packed, length, length, unpredicted
        if len(packed.tokens) < 2:
            raise InputError("A text of one token has nothing to predict. Give a longer one.")

    def __len__(self) -> int:
        return (len(self.packed.tokens) + self.length - 2) // self.length

    def batch(self, rows: Rows, turns: Rows) -> Batch:
        places, there = _places(rows, turns, self.length, len(self.packed.tokens))
        found = np.where(there, self.packed.tokens[places], 0).astype(np.int64)
        known = there[:, 1:]
        inputs = np.where(known, found[:, :-1], 0)
        if self.unpredicted is not None:
            known = known & (found[:, 1:] != self.unpredicted)
        targets = np.where(known, found[:, 1:], NO_TARGET)
        return Batch({"inputs": inputs, "targets": targets}, {"lm": int(known.sum())})


class Windows(Examples):
    """Row r is the token at place r, and the `window` tokens before it; before a sentence stands `start`.

    >>> packed = Packed(np.array([5, 6, 7, 8, 9], np.int32), np.array([0, 3, 5]), np.array([0, 2]))
    >>> batch = Windows(packed, window=2, start=0).batch(np.arange(5), np.zeros(5, np.int64))
    >>> batch.arrays["contexts"].tolist(), batch.arrays["targets"].tolist()
    ([[0, 0], [0, 5], [5, 6], [0, 0], [0, 8]], [5, 6, 7, 8, 9])
    """

    row_tokens = 1

    def __init__(self, packed: Packed, window: int, start: int) -> None:
        self.packed, self.window, self.start = packed, window, start

    def __len__(self) -> int:
        return len(self.packed.tokens)

    def batch(self, rows: Rows, turns: Rows) -> Batch:  # noqa: ARG002  # the same in every pass
        begins = self.packed.sentences[np.searchsorted(self.packed.sentences, rows, "right") - 1]
        places = rows[:, None] - np.arange(self.window, 0, -1)
        inside = places >= begins[:, None]
        contexts = np.where(inside, self.packed.tokens[np.maximum(places, 0)], self.start).astype(np.int64)
        targets = self.packed.tokens[rows].astype(np.int64)
        return Batch({"contexts": contexts, "targets": targets}, {"lm": len(rows)})


class Spelled(Examples):
    """Row r is `length` + 1 tokens from place r · length on, for models that read words by their letters, both ways.

    forms   i2[forms, characters]: the letters of every distinct word of the text; or i8[forms]: their rows of a table
    ahead   i8[forms]: the id in the softmax of each where it is predicted from before, -100 where it is not
    behind  i8[forms]: the same where it is predicted from behind

    The first word of a row is not predicted from before, the last one not from behind.
    """

    def __init__(self, packed: Packed, length: int, forms: npt.NDArray[Any], ahead: Rows, behind: Rows) -> None:
        self.packed, self.length, self.row_tokens = packed, length, length
        self.forms, self.ahead, self.behind = forms, ahead, behind
        if len(packed.tokens) < 2:
            raise InputError("A text of one token has nothing to predict. Give a longer one.")

    def __len__(self) -> int:
        return (len(self.packed.tokens) + self.length - 2) // self.length

    def batch(self, rows: Rows, turns: Rows) -> Batch:
        places, there = _places(rows, turns, self.length, len(self.packed.tokens))
        lengths = there.sum(1)
        distinct, at = np.unique(self.packed.tokens[places], return_inverse=True)
        at = at.reshape(places.shape)
        ahead = np.where(there, self.ahead[distinct][at], NO_TARGET)
        behind = np.where(there, self.behind[distinct][at], NO_TARGET)
        ahead[:, 0] = NO_TARGET
        np.put_along_axis(behind, lengths[:, None] - 1, NO_TARGET, 1)
        arrays = {
            "forms": self.forms[distinct].astype(np.int64),
            "places": at.astype(np.int64),
            "ahead": ahead,
            "behind": behind,
            "lengths": lengths,
        }
        return Batch(arrays, {"forward": int((ahead >= 0).sum()), "backward": int((behind >= 0).sum())})
