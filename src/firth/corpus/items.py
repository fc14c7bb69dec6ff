"""Corpus stage: sentences from Python: an iterable of str, or of lists of words."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from firth.corpus import blocks
from firth.corpus.columns import sliced
from firth.errors import InputError

_NAME = "the iterable"
_NEWLINE = 10


def strings(words: Sequence[str]) -> Any:
    """Words as pa.Array of str, lone surrogates as bytes that are not UTF-8.

    `pa.array` takes half as long (0.03 s a million), but imports pandas where it is installed (0.2 s, once).
    """
    joined = np.frombuffer(("\n".join(words) + "\n").encode("utf-8", "surrogatepass"), np.uint8)
    ends = np.flatnonzero(joined == _NEWLINE)
    if len(ends) == len(words):
        data, ends = joined[joined != _NEWLINE], ends - np.arange(len(ends))
    else:  # newlines inside words
        raw = [word.encode("utf-8", "surrogatepass") for word in words]
        data, ends = np.frombuffer(b"".join(raw), np.uint8), np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)))
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(words), pa.py_buffer(offsets), pa.py_buffer(data)).cast(pa.string())


def item_blocks(items: Iterable[Any]) -> Iterator[blocks.TextBlock | blocks.TokenBlock]:
    """Blocks of the items, read once and in order; the first tells whether they are texts or lists of words.

    Raises InputError naming the first item that is neither, or not what the first one is.
    """
    try:
        rest = iter(items)
    except TypeError as error:
        raise InputError(f"The source cannot be iterated: {error}.") from None
    first = list(itertools.islice(rest, 1))
    everything = itertools.chain(first, rest)
    if first and isinstance(first[0], str):
        for offset, data in blocks.cut(blocks.gathered(_lines(everything)), _NAME):
            yield blocks.TextBlock(data, _NAME, offset, offset + len(data), counts="row")
    else:
        yield from _token_blocks(everything)


def _lines(items: Iterable[Any]) -> Iterator[bytes]:
    """Texts as bytes, a newline behind each. What UTF-8 cannot hold is left for `errors` to judge, with all else."""
    waiting: list[str] = []
    size = 0
    for number, item in enumerate(items):
        if not isinstance(item, str):
            raise _wrong(item, number, "a str as the first one is")
        waiting.append(item)
        size += len(item) + 1
        if size >= blocks.BLOCK // 2:
            yield from _encoded("\n".join(waiting))
            waiting, size = [], 0
    if waiting:
        yield from _encoded("\n".join(waiting))


def _encoded(text: str) -> Iterator[bytes]:
    for at in range(0, len(text), blocks.BLOCK):
        yield text[at : at + blocks.BLOCK].encode("utf-8", "surrogatepass")
    yield b"\n"


def _token_blocks(items: Iterable[Any]) -> Iterator[blocks.TokenBlock]:
    tokens: list[str] = []
    ends: list[int] = []
    done = 0
    for number, item in enumerate(items):
        tokens += _words(item, number)
        ends.append(len(tokens))
        if len(tokens) >= blocks.TOKENS or len(ends) >= blocks.TOKENS:
            for block in _token_block(tokens, ends, done):
                done = block.done
                yield block
            tokens, ends = [], []
    yield from _token_block(tokens, ends, done)


def _token_block(tokens: list[str], ends: list[int], done: int) -> Iterator[blocks.TokenBlock]:
    for some, inside in sliced(tokens, np.array(ends, np.int64)):
        array = strings(some)
        done += array.nbytes
        yield blocks.TokenBlock(array, inside, _NAME, done)


def _words(item: Any, number: int) -> list[str]:
    if isinstance(item, str | bytes | Mapping) or not isinstance(item, Iterable):
        raise _wrong(item, number, "a str or a list of words" if number == 0 else "a list of words as the first one is")
    words: list[str] = item.tolist() if isinstance(item, np.ndarray) else list(item)
    for kind in set(map(type, words)):
        if not issubclass(kind, str):
            place, word = next((place, word) for place, word in enumerate(words) if type(word) is kind)
            raise InputError(
                f"Word {place} of item {number:,} is {word!r:.60} ({kind.__name__}), not a str. Make it one: str(word)."
            )
    return words


def _wrong(item: object, number: int, expected: str) -> InputError:
    cure = " Decode it first: item.decode()." if isinstance(item, bytes) else ""
    return InputError(f"Item {number:,} of the source is {item!r:.60} ({type(item).__name__}), not {expected}.{cure}")
