"""Tokens stage, backwards: an encoded corpus as text."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from firth.corpus.items import strings
from firth.tokens.encoded import Encoded


def lines(corpus: Encoded) -> Iterator[memoryview]:
    """The corpus in UTF-8, in parts: a sentence on each line, its words with blanks between them.

    >>> from firth.tokens.encoded import encode
    >>> with encode(["to be or", "not to be"], min_count=2) as corpus:
    ...     b"".join(lines(corpus))
    b'to be\\nto be\\n'
    """
    keys = corpus.vocabulary.keys
    words = strings([f"{key} " for key in keys] + [f"{key}\n" for key in keys]).cast(pa.large_string())
    for ids, ends in corpus.blocks():
        places = ids.astype(np.int64)
        places[ends - 1] += len(keys)  # the last word of a sentence has its newline behind it
        taken = words.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))
        _, offsets, text = taken.buffers()
        yield memoryview(text)[: np.frombuffer(offsets, np.int64)[len(places)]]
