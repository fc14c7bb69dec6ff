"""Tokens stage: floret's rows of a word: it and its n-grams are hashed alike, several times, into one small table.

floret (Explosion, 2021) is fastText with the "Bloom embeddings" of Serrà & Karatzoglou 2017: two n-grams rarely share
all of their rows, so some 50,000 rows do for a language.
"""

import numpy as np
import numpy.typing as npt

from firth.tokens.subwords import Bags, Bytes, Places, characters, in_brackets, is_sentence_end

_WORDS = 1 << 13  # worked on at once
_C1, _C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)

U8 = npt.NDArray[np.uint64]


def floret_rows(
    blob: Bytes, offsets: Places, min_n: int, max_n: int, buckets: int, hash_count: int, hash_seed: int
) -> Bags:
    """The rows of every word: of `<word>` first, then of its n-grams in fastText's order, `hash_count` for each.

    blob, offsets  the words as UTF-8, as `firth.tokens.subwords.packed` gives them
    hash_count     1 … 4

    >>> from firth.tokens.subwords import packed
    >>> floret_rows(*packed(["the"]), 3, 4, 50, 2, 2166136261).rows.tolist()
    [38, 28, 23, 46, 12, 3, 19, 13, 44, 0, 30, 12]
    """
    sizes, rows = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)]
    for start in range(0, len(offsets) - 1, _WORDS):
        some = offsets[start : start + _WORDS + 1]
        text, begins, ends, counts = _pieces(blob[some[0] : some[-1]], some - some[0], max(1, min_n), max_n)
        found = murmur(text, begins, ends, hash_seed)[:, :hash_count]
        rows.append((found % np.uint32(buckets)).astype(np.int32).reshape(-1))
        sizes.append(counts * hash_count)
    return Bags(np.cumsum(np.concatenate(sizes)), np.concatenate(rows))


def _pieces(blob: Bytes, offsets: Places, min_n: int, max_n: int) -> tuple[Bytes, Places, Places, Places]:
    """The words in brackets; where each word and each n-gram begins and ends there; how many each word has."""
    text, bounds = in_brackets(blob, offsets)
    begins, owner = characters(text, bounds)
    edges = np.append(begins, len(text))
    lengths = np.arange(min_n, min(max_n, int(np.bincount(owner).max(initial=0))) + 1)
    after = np.arange(len(begins))[:, None] + lengths
    there = edges[np.minimum(after, len(begins))] <= bounds[owner + 1][:, None]
    there &= after <= len(begins)
    if min_n == 1 and len(lengths):
        there[np.searchsorted(begins, bounds[:-1]), 0] = there[np.searchsorted(begins, bounds[1:] - 1), 0] = False
    there[is_sentence_end(blob, offsets)[owner]] = False
    start, length = np.nonzero(there)
    whose = np.concatenate([np.arange(len(offsets) - 1), owner[start]])
    order = np.argsort(whose, kind="stable")
    first = np.concatenate([bounds[:-1], begins[start]])[order]
    last = np.concatenate([bounds[1:], edges[after[start, length]]])[order]
    return text, first, last, np.bincount(whose, minlength=len(offsets) - 1)


def murmur(text: Bytes, begins: Places, ends: Places, seed: int) -> npt.NDArray[np.uint32]:
    """MurmurHash3_x64_128 (Appleby, public domain) of each piece text[begin:end], as four numbers: u4[pieces, 4]."""
    hashes = np.zeros((len(begins), 2), np.uint64)
    sizes = ends - begins
    for size in np.unique(sizes).tolist():
        which = np.flatnonzero(sizes == size)
        block = np.zeros((len(which), -(-size // 16) * 16), np.uint8)
        block[:, :size] = text[begins[which, None] + np.arange(size)]
        hashes[which] = _murmur(block.view("<u8"), size, seed)
    return hashes.astype("<u8").view("<u4").astype(np.uint32)


def _murmur(words: U8, size: int, seed: int) -> U8:
    """The hash of pieces that all have `size` bytes, filled up with zeros to u8[pieces, 2 · blocks]: u8[pieces, 2]."""
    one = np.full(len(words), seed, np.uint64)
    two = one.copy()
    for block in range(size // 16):
        one = _rotated(one ^ _first(words[:, 2 * block]), 27) + two
        one = one * np.uint64(5) + np.uint64(0x52DCE729)
        two = _rotated(two ^ _second(words[:, 2 * block + 1]), 31) + one
        two = two * np.uint64(5) + np.uint64(0x38495AB5)
    if size % 16 > 8:
        two ^= _second(words[:, -1])
    if size % 16:
        one ^= _first(words[:, -2])
    one, two = one ^ np.uint64(size), two ^ np.uint64(size)
    one = one + two
    two = two + one
    one, two = _mixed(one), _mixed(two)
    one = one + two
    return np.stack([one, two + one], axis=1)


def _first(word: U8) -> U8:
    return _rotated(word * _C1, 31) * _C2


def _second(word: U8) -> U8:
    return _rotated(word * _C2, 33) * _C1


def _rotated(x: U8, by: int) -> U8:
    return (x << np.uint64(by)) | (x >> np.uint64(64 - by))


def _mixed(x: U8) -> U8:
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))
