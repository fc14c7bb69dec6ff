"""Tokens stage, in threads: one block of text becomes its distinct words, their counts, and an id per token."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth.corpus.blocks import TextBlock, TokenBlock
from firth.corpus.items import strings
from firth.corpus.text import Text
from firth.errors import ConfigError, EncodingError
from firth.tokens import words
from firth.tokens.chinese import are_words
from firth.tokens.cutters import Spacing, spacing_for
from firth.tokens.ordered import in_order
from firth.tokens.scripts import lacks_blanks

Stored = TypeVar("Stored")

_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(b" \t\n\v\f\r")] = True
_NEWLINE: Final = 10
_SPACE: Final = 32
_SAMPLE: Final = 1 << 17  # bytes that tell in which script a text is
_STRETCH: Final = 1 << 18  # bytes whose blanks are sought at a time: what is made on the way stays in the cache


@dataclass(frozen=True)
class Pieces:
    """A block, cut. `ids` and `ends` are local to it."""

    words: Any
    """pa.Array of str[w]: the block's words; one may come twice, an empty one is no word."""
    counts: npt.NDArray[np.int64]
    """i8[w]: how often each comes; 0 for an empty one."""
    ids: npt.NDArray[np.int32]
    """i4[n]: indices into `words`, token after token."""
    ends: npt.NDArray[np.int64]
    """i8[s]: the number of tokens before each end of a sentence, ascending."""
    lines: int
    """Newlines in the text."""
    bad_bytes: int
    """Bytes that were not UTF-8, and were replaced or left out."""
    done: int
    """Bytes of the source read, with this block."""


class NotUTF8Error(Exception):
    """Bytes that are not UTF-8, under errors="strict"."""

    def __init__(self, block: TextBlock | TokenBlock, at: int, byte: int, lines_before: int):
        super().__init__(at, byte)
        self.block, self.at, self.byte, self.lines_before = block, at, byte, lines_before


def cut_all(text: Text, threads: int, store: Callable[[Pieces], Stored]) -> Iterator[Stored]:
    """store(pieces) for each block of the text, in order; both cutting and storing happen in threads.

    Raises EncodingError that names file, byte and line, and what reading the text raises.
    """
    lines: dict[str, int] = {}
    try:
        with spacing_for(text) as space:

            def work(block: TextBlock | TokenBlock) -> tuple[str, int, Stored]:
                pieces = cut_text(block, text, space) if isinstance(block, TextBlock) else cut_tokens(block, text)
                return block.name, pieces.lines, store(pieces)

            for name, newlines, stored in in_order(work, _watched(text), threads):
                lines[name] = lines.get(name, 0) + newlines
                yield stored
    except NotUTF8Error as error:
        raise encoding_error(error, lines.get(error.block.name, 0) + error.lines_before + 1) from None


def sentences(text: Text) -> Iterator[list[str]]:
    """The sentences of a text, cut; empty ones left out."""
    sentence: list[str] = []
    for pieces in cut_all(text, 1, lambda pieces: pieces):
        distinct = pieces.words.to_pylist()
        tokens = [distinct[i] for i in pieces.ids.tolist()]
        start = 0
        for end in pieces.ends.tolist():
            sentence += filter(None, tokens[start:end])
            if sentence:
                yield sentence
            sentence, start = [], end
        sentence += filter(None, tokens[start:])
    if sentence:
        yield sentence


def _watched(text: Text) -> Iterator[TextBlock | TokenBlock]:
    """The blocks of a text; warns where the first is Chinese without blanks, and the tokenizer cuts at blanks."""
    blocks = text.blocks()
    first = next(blocks, None)
    warn_where_blanks_lack(first, text.tokenizer)
    if first is not None:
        yield first
    yield from blocks


def warn_where_blanks_lack(first: TextBlock | TokenBlock | None, tokenizer: str) -> None:
    """Warn where the first block of a text is Chinese without blanks, and the tokenizer cuts at blanks."""
    cut_at_blanks = tokenizer in ("whitespace", "words")
    if cut_at_blanks and isinstance(first, TextBlock) and lacks_blanks(str(first.data[:_SAMPLE], "utf-8", "ignore")):
        warnings.warn(
            f"{first.name} looks like Chinese without blanks, and tokenizer={tokenizer!r} cuts at blanks: try "
            "--tokenizer chinese (in Python: firth.Text(source, tokenizer='chinese')).",
            RuntimeWarning,
            stacklevel=3,
        )


def cut_text(block: TextBlock, text: Text, space: Spacing | None = None) -> Pieces:
    """Cut lines of text; `space` puts blanks between words that have none.

    Every piece keeps the one blank behind it, so the pieces lie side by side in the block and Arrow reads them in
    place; the blank is taken off the distinct ones only. That is twice as fast as Arrow's own split.
    """
    data, bad_bytes = as_utf8(block, text.errors)
    if space:
        data = memoryview(space(data) + b" ")  # the last piece too has a blank behind it
    found = _bounds(data)
    if found is None:
        data = _without_blank_runs(data)
        found = _bounds(data, most=len(data))
        assert found
    offsets, ends = found
    lines = (
        int(np.count_nonzero(np.frombuffer(block.data, np.uint8) == _NEWLINE)) if data is not block.data else len(ends)
    )
    side_by_side = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
    encoded = side_by_side.dictionary_encode()
    distinct = pc.utf8_slice_codeunits(encoded.dictionary, 0, -1)
    ids = ids_of(encoded)
    if text.tokenizer == "chinese":  # its pieces are words, or none
        distinct = pc.if_else(are_words(distinct), distinct, "")
        distinct = _lowered(distinct) if text.lower else distinct
    elif text.tokenizer != "whitespace":
        distinct, ids = _bare(distinct, ids)
        distinct, ids, ends = _expanded(words.cut(distinct.to_pylist(), text.tokenizer, text.lower), ids, ends)
    elif text.lower:
        distinct = _lowered(distinct)
    return Pieces(distinct, _counts(distinct, ids), ids, ends, lines, bad_bytes, block.done)


def cut_tokens(block: TokenBlock, text: Text) -> Pieces:
    """Number the words of sentences that are cut already."""
    if text.tokenizer != "whitespace":
        raise ConfigError(
            f"tokenizer={text.tokenizer!r} cuts texts, but {block.name} holds lists of words. Leave it out."
        )
    encoded = block.tokens.dictionary_encode()
    distinct, bad_bytes = as_strings(block, encoded.dictionary, text.errors)
    ids = ids_of(encoded)
    counts = _counts(distinct, ids)
    return Pieces(
        _lowered(distinct) if text.lower else distinct, counts, ids, block.ends, len(block.ends), bad_bytes, block.done
    )


def _bounds(data: memoryview, most: int | None = None) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]] | None:
    """Where pieces begin and the last one ends, i4[n + 1]; and which of them, counted from 1, end a sentence, i8[s].

    None where there are more than `most` blanks, a half of the bytes by default: then blanks follow blanks, and would
    need more memory than the words.
    """
    text = np.frombuffer(data, np.uint8)
    left = len(text) // 2 if most is None else most
    starts, newlines = [np.zeros(1, np.int32)], [np.zeros(0, np.bool_)]
    for at in range(0, len(text), _STRETCH):
        stretch = text[at : at + _STRETCH]
        blanks = np.flatnonzero(stretch <= _SPACE)
        kinds = stretch[blanks]
        ends = kinds == _NEWLINE
        if np.count_nonzero(ends) + np.count_nonzero(kinds == _SPACE) < len(kinds):  # rarer blanks, or no blanks at all
            is_blank = _IS_BLANK[kinds]
            blanks, ends = blanks[is_blank], ends[is_blank]
        left -= len(blanks)
        if left < 0:
            return None
        starts.append((blanks + (at + 1)).astype(np.int32))
        newlines.append(ends)
    return np.concatenate(starts), np.flatnonzero(np.concatenate(newlines)) + 1


def _without_blank_runs(data: memoryview) -> memoryview:
    """The text with one blank for each run of them: a newline where the run has one."""
    text, kept = np.frombuffer(data, np.uint8), []
    for at in range(0, len(text), _STRETCH):
        stretch = text[at : at + _STRETCH].copy()
        blank = _IS_BLANK[stretch]
        first = blank.copy()
        first[1:] &= ~blank[:-1]
        runs = np.flatnonzero(first)
        stretch[runs[np.searchsorted(runs, np.flatnonzero(stretch == _NEWLINE), "right") - 1]] = _NEWLINE
        kept.append(stretch[~blank | first])
    return memoryview(np.concatenate(kept).tobytes())


def _bare(distinct: Any, ids: npt.NDArray[np.int32]) -> tuple[Any, npt.NDArray[np.int32]]:
    """The pieces without the punctuation around them: `word,` and `word.` are one then, and half as many are cut."""
    encoded = pc.utf8_trim(distinct, characters=words.MARKS_AROUND).dictionary_encode()
    return encoded.dictionary, ids_of(encoded)[ids]


def _lowered(distinct: Any) -> Any:
    return strings([word.lower() for word in distinct.to_pylist()])


def _counts(distinct: Any, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """How often each distinct word comes; 0 for the empty one, which is what lies between two blanks."""
    counts = np.bincount(ids, minlength=len(distinct))
    if len(distinct):
        offsets = np.frombuffer(distinct.buffers()[1], np.int32, len(distinct) + 1, 4 * distinct.offset)
        counts[np.diff(offsets) == 0] = 0
    return counts


def ids_of(encoded: Any) -> npt.NDArray[np.int32]:
    """The indices of a dictionary array, in place. (Arrow's own `to_numpy` imports pandas where it can: 0.2 s.)"""
    indices = encoded.indices
    return np.frombuffer(indices.buffers()[1], np.int32, len(indices), 4 * indices.offset)


def _expanded(
    cut: Sequence[Sequence[str]], ids: npt.NDArray[np.int32], ends: npt.NDArray[np.int64]
) -> tuple[Any, npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Put the words of each piece in its place: `cut[p]` are the words of piece p."""
    lengths = np.fromiter(map(len, cut), np.int64, len(cut))
    first = np.cumsum(lengths) - lengths  # where the words of piece p begin among all words of `cut`
    distinct = strings([word for found in cut for word in found])
    spread = lengths[ids]
    after = np.cumsum(spread)  # words up to and with each piece
    starts = np.repeat(first[ids] - (after - spread), spread)
    expanded = (starts + np.arange(len(starts))).astype(np.int32)
    return distinct, expanded, np.concatenate([[0], after])[ends]


def as_utf8(block: TextBlock, errors: str) -> tuple[memoryview, int]:
    """The block as valid UTF-8, and how many bytes of it were not. Raises NotUTF8Error under "strict"."""
    data = block.data
    whole = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, len(data)], np.int32)), pa.py_buffer(data))
    try:
        whole.validate(full=True)
        return data, 0
    except pa.ArrowInvalid:
        good = str(data, "utf-8", "ignore").encode()
    if errors == "strict":
        at = _first_bad_byte(data)
        raise NotUTF8Error(block, at, data[at], bytes(data[:at]).count(b"\n"))
    mended = good if errors == "ignore" else str(data, "utf-8", errors).encode()
    return memoryview(mended), len(data) - len(good)


def as_strings(block: TokenBlock, distinct: Any, errors: str) -> tuple[Any, int]:
    """Distinct words as valid UTF-8, and how many bytes of them were not. Raises NotUTF8Error under "strict"."""
    try:
        if pa.types.is_string(distinct.type):
            distinct.validate(full=True)
        return distinct.cast(pa.string()), 0
    except pa.ArrowInvalid:
        raw: list[bytes] = distinct.cast(pa.binary()).to_pylist()
    if errors == "strict":
        word = next(word for word in raw if word.decode("utf-8", "ignore").encode() != word)
        at = _first_bad_byte(memoryview(word))
        raise NotUTF8Error(block, at, word[at], 0)
    bad_bytes = sum(len(word) - len(word.decode("utf-8", "ignore").encode()) for word in raw)
    return pa.array([word.decode("utf-8", errors) for word in raw], pa.string()), bad_bytes


def _first_bad_byte(data: memoryview) -> int:
    try:
        str(data, "utf-8")
    except UnicodeDecodeError as error:
        return error.start
    raise AssertionError("Arrow and Python differ about UTF-8")


def encoding_error(error: NotUTF8Error, line: int) -> EncodingError:
    block = error.block
    if isinstance(block, TextBlock):
        place = f"byte {block.offset + error.at:,} ({block.counts} {line:,})"
    else:
        place = f"byte {error.at} of a word"
    return EncodingError(
        f"{block.name} is not UTF-8 at {place}: byte 0x{error.byte:02x}. Convert it (iconv -f LATIN1 -t UTF-8), or "
        'read it with errors="replace" or errors="ignore".'
    )
