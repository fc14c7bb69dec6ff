"""The slow twin of `tokens.subwords`: fastText's hashes, a byte and a word at a time."""

from collections.abc import Iterator, Sequence


def fnv(text: bytes) -> int:
    """32-bit FNV-1a, but with every byte widened with its sign, as fastText's first compilers did.

    >>> fnv(b"a"), fnv("é".encode())
    (3826002220, 1023043777)
    """
    state = 2166136261
    for byte in text:
        signed = byte - 256 if byte > 127 else byte
        state = ((state ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return state


def character_ngrams(word: bytes, min_n: int, max_n: int) -> Iterator[bytes]:
    """The n-grams of `<word>`: `min_n` … `max_n` characters, none of them a bracket alone.

    >>> list(character_ngrams(b"at", 3, 4))
    [b'<at', b'<at>', b'at>']
    """
    if word == b"</s>":
        return
    text = b"<" + word + b">"
    characters: list[bytes] = []
    for place in range(len(text)):
        if text[place] & 0xC0 == 0x80 and characters:
            characters[-1] += text[place : place + 1]
        else:
            characters.append(text[place : place + 1])
    for start in range(len(characters)):
        for n in range(max(1, min_n), max_n + 1):
            end = start + n
            if end <= len(characters) and not (n == 1 and (start == 0 or end == len(characters))):
                yield b"".join(characters[start:end])


def word_ngrams(words: Sequence[bytes], max_words: int, buckets: int) -> list[int]:
    """The buckets of n-grams of words: h ← h · 116049371 + next, 64 bits, from the hashes as signed 32-bit numbers."""
    hashes = [fnv(word) - (1 << 32) * (fnv(word) >> 31) for word in words]
    found = []
    for start, first in enumerate(hashes):
        state = first
        for following in hashes[start + 1 : start + max_words]:
            state = (state * 116049371 + following) & 0xFFFFFFFFFFFFFFFF
            found.append(state % buckets)
    return found
