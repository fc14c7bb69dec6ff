"""Tokens stage: the character n-grams of words, and the n-grams of words in a text, as numbers of hash buckets.

fastText's (Bojanowski, Grave, Joulin & Mikolov 2017): `<word>` in angle brackets, n-grams of `min_n` … `max_n`
characters, each hashed into one of `buckets`. The hash and the order are those of its program, so a model's rows are
found by the same numbers. `reference.subwords` says the same in a few slow lines.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]

SENTENCE_END = "</s>"
"""fastText's word for a line end; it has no n-grams."""

_FNV_START, _FNV_PRIME = np.uint32(2166136261), np.uint32(16777619)
_PAIRING = np.uint64(116049371)  # fastText's, for n-grams of words
_WORDS = 1 << 15  # worked on at once: scratch memory stays at some 30 MB
_TOKENS = 1 << 20


class Bags(NamedTuple):
    """A list of rows for each of many things."""

    offsets: Places
    """i8[things + 1]; the rows of thing i are rows[offsets[i]:offsets[i + 1]]."""
    rows: Rows
    """i4[·]"""


def ngrams(word: str, min_n: int = 3, max_n: int = 6) -> list[str]:
    """The character n-grams of `<word>`, in fastText's order; the lone brackets are none.

    >>> ngrams("欢迎", 2, 3)
    ['<欢', '<欢迎', '欢迎', '欢迎>', '迎>']
    """
    if word == SENTENCE_END:
        return []
    text = f"<{word}>"
    spans = ((start, n) for start in range(len(text)) for n in range(max(1, min_n), max_n + 1))
    inside = ((start, n) for start, n in spans if start + n <= len(text) and (n > 1 or 0 < start < len(text) - 1))
    return [text[start : start + n] for start, n in inside]


def packed(words: Sequence[str]) -> tuple[Bytes, Places]:
    """The UTF-8 bytes of all words, and i8[words + 1] where each begins; a lone surrogate becomes '?'."""
    encoded = [word.encode("utf-8", "replace") for word in words]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(word) for word in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def character_ngrams(
    blob: Bytes, offsets: Places, min_n: int, max_n: int, buckets: int, *, line_ends: bool = False
) -> Bags:
    """The buckets, 0 … buckets - 1, of every word's character n-grams, as `ngrams` orders them.

    blob, offsets   the words as UTF-8, as `packed` gives them or a `firth.vectors.keys.Keys` holds them
    max_n, buckets  0: no word has any
    line_ends       `</s>` has n-grams too, as in the first fastText

    >>> character_ngrams(*packed(["a", "of"]), 2, 3, 1000).rows.tolist()
    [750, 600, 806, 36, 102, 16, 930, 949]
    """
    if max_n < max(1, min_n) or not buckets:
        return Bags(np.zeros(len(offsets), np.int64), np.zeros(0, np.int32))
    sizes, rows = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)]
    for start in range(0, len(offsets) - 1, _WORDS):
        some = offsets[start : start + _WORDS + 1]
        found, counts = _hashed_characters(blob[some[0] : some[-1]], some - some[0], max(1, min_n), max_n, line_ends)
        rows.append((found % np.uint32(buckets)).astype(np.int32))
        sizes.append(counts)
    return Bags(np.cumsum(np.concatenate(sizes)), np.concatenate(rows))


def _hashed_characters(
    blob: Bytes, offsets: Places, min_n: int, max_n: int, line_ends: bool
) -> tuple[npt.NDArray[np.uint32], Places]:
    """The hashes of all n-grams, word after word, and how many each word has."""
    text, bounds = in_brackets(blob, offsets)
    begins, owner = characters(text, bounds)
    sizes = np.diff(begins, append=len(text))
    longest = int(sizes.max(initial=1))
    max_n = min(max_n, max(min_n, int(np.bincount(owner).max(initial=0))))
    state = np.full(len(begins), _FNV_START)
    hashes = np.zeros((max_n - min_n + 1, len(begins)), np.uint32)
    there = np.zeros(hashes.shape, np.bool_)
    for n in range(1, min(max_n, len(begins)) + 1):  # every n-gram grows by one character
        last = slice(n - 1, None)
        state = _with_byte(state[: len(begins) - n + 1], text[begins[last]])
        for at in range(1, longest):
            more = np.flatnonzero(sizes[last] > at)
            state[more] = _with_byte(state[more], text[begins[last][more] + at])
        if n >= min_n:
            hashes[n - min_n, : len(state)] = state
            there[n - min_n, : len(state)] = owner[: len(state)] == owner[last]
    if min_n == 1:
        there[0, np.searchsorted(begins, bounds[:-1])] = there[0, np.searchsorted(begins, bounds[1:] - 1)] = False
    if not line_ends:
        there[:, is_sentence_end(blob, offsets)[owner]] = False
    counts = np.bincount(owner, there.sum(axis=0), len(offsets) - 1).astype(np.int64)
    return hashes.T[there.T], counts


def characters(text: Bytes, bounds: Places) -> tuple[Places, Places]:
    """Where each character begins, and which word it belongs to; a byte that only goes on with one is none."""
    begins = np.flatnonzero((text & 0xC0) != 0x80)
    return begins, np.searchsorted(bounds, begins, side="right") - 1


def in_brackets(blob: Bytes, offsets: Places) -> tuple[Bytes, Places]:
    """`<word>` for every word: the bytes, and where each begins."""
    bounds = offsets + 2 * np.arange(len(offsets))
    text = np.empty(len(blob) + 2 * (len(offsets) - 1), np.uint8)
    inside = np.ones(len(text), np.bool_)
    inside[bounds[:-1]] = inside[bounds[1:] - 1] = False
    text[inside] = blob
    text[bounds[:-1]], text[bounds[1:] - 1] = ord("<"), ord(">")
    return text, bounds


def is_sentence_end(blob: Bytes, offsets: Places) -> npt.NDArray[np.bool_]:
    """Which of the words are fastText's line end."""
    wanted = np.frombuffer(SENTENCE_END.encode(), np.uint8)
    same: npt.NDArray[np.bool_] = np.diff(offsets) == len(wanted)
    for place in np.flatnonzero(same).tolist():
        same[place] = np.array_equal(blob[offsets[place] : offsets[place + 1]], wanted)
    return same


def word_hashes(blob: Bytes, offsets: Places) -> npt.NDArray[np.int32]:
    """fastText's hash of each word, i4[words], of which it makes n-grams of words."""
    state = np.full(len(offsets) - 1, _FNV_START)
    alive, length, at = np.arange(len(state)), np.diff(offsets), 0
    while len(alive := alive[length[alive] > at]):
        state[alive] = _with_byte(state[alive], blob[offsets[alive] + at])
        at += 1
    return state.view(np.int32)


def word_ngrams(hashes: npt.NDArray[np.int32], texts: Places, max_words: int, buckets: int) -> Bags:
    """The buckets of the n-grams of 2 … `max_words` words that follow each other in each text, as fastText orders them.

    hashes  i4[tokens], `word_hashes` of the words as they stand, unknown ones too
    texts   i8[texts + 1], where each text begins

    >>> hashes = word_hashes(*packed(["not", "bad", "at", "all"]))
    >>> word_ngrams(hashes, np.array([0, 4]), 2, 1000).rows.tolist()
    [526, 200, 788]
    """
    if max_words < 2 or not buckets:
        return Bags(np.zeros(len(texts), np.int64), np.zeros(0, np.int32))
    wide = hashes.astype(np.int64).view(np.uint64)
    ends = np.repeat(texts[1:], np.diff(texts))
    counts = np.zeros(len(hashes) + 1, np.int64)
    rows = [np.zeros(0, np.int32)]
    for start in range(0, len(hashes), _TOKENS):
        places = np.arange(start, min(start + _TOKENS, len(hashes)))
        found, there = _joined(wide, ends, places, max_words)
        counts[places + 1] = there.sum(axis=1)
        rows.append((found[there] % np.uint64(buckets)).astype(np.int32))
    return Bags(np.cumsum(counts)[texts], np.concatenate(rows))


def _joined(
    wide: npt.NDArray[np.uint64], ends: Places, places: Places, max_words: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The hash of 2 … `max_words` words from each place on, and whether so many are there: [places, max_words - 1]."""
    longest = min(max_words, len(wide))
    found = np.zeros((len(places), max(0, longest - 1)), np.uint64)
    there = places[:, None] + np.arange(1, longest) < ends[places, None]
    state = wide[places]
    for more in range(1, longest):
        state = state * _PAIRING + wide[np.minimum(places + more, len(wide) - 1)]
        found[:, more - 1] = state
    return found, there


def _with_byte(state: Any, byte: Any) -> Any:
    """One step of FNV-1a; the byte has a sign, a slip of the first fastText that all its models depend on."""
    return (state ^ byte.view(np.int8).astype(np.int32).view(np.uint32)) * _FNV_PRIME


def with_words(bags: Bags, words: int, own: Iterable[int] | None = None) -> Bags:
    """Rows of fastText's input table, words first: each bag begins with the word's own row, n-grams lie after `words`.

    own  the row of each word; None: words are numbered as the bags are

    >>> with_words(Bags(np.array([0, 2, 2]), np.array([7, 5], np.int32)), words=2).rows.tolist()
    [0, 9, 7, 1]
    """
    things = len(bags.offsets) - 1
    offsets = bags.offsets + np.arange(things + 1)
    rows = np.empty(offsets[-1], np.int32)
    first = np.zeros(len(rows), np.bool_)
    first[offsets[:-1]] = True
    rows[~first] = bags.rows + np.int32(words)
    rows[first] = np.arange(things) if own is None else list(own)
    return Bags(offsets, rows)
