"""Where each word stands in a corpus: distances between its places, in as few bytes as they need."""

from firth.kernels.compiled import inlined, kernel


@inlined
def _bytes(distance):  # type: ignore[no-untyped-def]
    """7 bits in each byte; the last one has its highest bit clear."""
    count = 1
    while distance >= 128:
        distance >>= 7
        count += 1
    return count


@kernel
def measure(tokens, start, last, sizes):  # type: ignore[no-untyped-def]
    """sizes[w] += the bytes that the places of w in a part of the corpus will take.

    tokens  i4[n], the part, which begins at place `start` of the corpus
    last    i8[words], the place where each word stood last, -1 before the first; written
    sizes   i8[words]
    """
    for i in range(len(tokens)):
        word = tokens[i]
        sizes[word] += _bytes(start + i - last[word])
        last[word] = start + i


@kernel
def write(tokens, start, last, ends, postings):  # type: ignore[no-untyped-def]
    """postings[ends[w]:] = the distance of each place of w from the one before, low bits first (LEB128).

    tokens    i4[n], the part, which begins at place `start`
    last      i8[words], as in `measure`; written
    ends      i8[words], where the next byte of each word goes; written
    postings  u1[·], written
    """
    for i in range(len(tokens)):
        word = tokens[i]
        distance = start + i - last[word]
        last[word] = start + i
        at = ends[word]
        while distance >= 128:
            postings[at] = (distance & 127) | 128
            distance >>= 7
            at += 1
        postings[at] = distance
        ends[word] = at + 1


@kernel
def read(postings, places):  # type: ignore[no-untyped-def]
    """The places i8[n] of one word from its bytes u1[·]; returns how many there were (no more than n are written)."""
    place, distance, shift, found = -1, 0, 0, 0
    for at in range(len(postings)):
        byte = int(postings[at])
        distance |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            place += distance
            if found < len(places):
                places[found] = place
            found += 1
            distance, shift = 0, 0
    return found
