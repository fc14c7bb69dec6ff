"""Tokens stage: a word as the bytes of its letters, as ELMo reads it.

The bytes of its UTF-8 between a mark of where it begins and one of where it ends, filled up to the longest word; the
begin and the end of a sentence are words of one byte of their own. 261 different numbers, as in the published models.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

SENTENCE_BEGINS: Final = 256
SENTENCE_ENDS: Final = 257
WORD_BEGINS: Final = 258
WORD_ENDS: Final = 259
PADDING: Final = 260
NUMBERS: Final = 261


def letters(words: Sequence[str], longest: int, begin: str = "<s>", end: str = "</s>") -> npt.NDArray[np.int16]:
    """The bytes of each word, i2[words, longest]; of a word that is too long its first ones.

    >>> letters(["ab", "</s>", "京"], longest=6).tolist()
    [[258, 97, 98, 259, 260, 260], [258, 257, 259, 260, 260, 260], [258, 228, 186, 172, 259, 260]]

    begin, end  the words that stand for the begin and the end of a sentence
    """
    found = np.full((len(words), longest), PADDING, np.int16)
    marks = {begin: [SENTENCE_BEGINS], end: [SENTENCE_ENDS]}
    for row, word in zip(found, words, strict=True):
        inside = marks.get(word) or list(word.encode("utf-8", "ignore"))[: longest - 2]
        row[: len(inside) + 2] = [WORD_BEGINS, *inside, WORD_ENDS]
    return found
