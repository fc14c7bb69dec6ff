"""Slow, readable twin of kernels/postings.py."""

from collections.abc import Iterable


def write(tokens: Iterable[int], words: int) -> list[bytes]:
    """For each word its places in the corpus: each one's distance from the one before, 7 bits a byte, low bits first.

    >>> write([1, 0, 1], 2)
    [b'\\x02', b'\\x01\\x02']
    """
    written, last = [bytearray() for _ in range(words)], [-1] * words
    for place, word in enumerate(tokens):
        distance, last[word] = place - last[word], place
        while distance >= 128:
            written[word].append(distance % 128 + 128)
            distance //= 128
        written[word].append(distance)
    return [bytes(each) for each in written]


def read(postings: bytes) -> list[int]:
    """The places of one word.

    >>> read(b"\\x01\\x02")
    [0, 2]
    """
    places, place, distance, weight = [], -1, 0, 1
    for byte in postings:
        distance += byte % 128 * weight
        weight *= 128
        if byte < 128:
            place += distance
            places.append(place)
            distance, weight = 0, 1
    return places
