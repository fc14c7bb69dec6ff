"""The number that spaCy has for each string: of some 450 names a small one, of all others a 64-bit hash.

MurmurHash64A of the UTF-8 bytes with seed 1 (Austin Appleby, public domain), over many strings at once.
"""

import numpy as np
from numpy.typing import NDArray

from firth.vectors.keys import Keys

_FACTOR, _SHIFT, _SEED = np.uint64(0xC6A4A7935BD1E995), np.uint64(47), np.uint64(1)
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)  # the first `size` bytes of a word
# spaCy's own names, from the number on: attributes, parts of speech, entities, relations.
_NAMES = {
    1: "IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_PUNCT IS_SPACE IS_TITLE IS_UPPER LIKE_URL LIKE_NUM LIKE_EMAIL IS_STOP "
    "IS_OOV_DEPRECATED IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY",
    19: " ".join(f"FLAG{number}" for number in range(19, 64)),
    64: "ID ORTH LOWER NORM SHAPE PREFIX SUFFIX LENGTH CLUSTER LEMMA POS TAG DEP ENT_IOB ENT_TYPE HEAD SENT_START "
    "SPACY PROB LANG ADJ ADP ADV AUX CONJ CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X EOL SPACE",
    104: " ".join(f"DEPRECATED{number:03}" for number in range(1, 277)),
    380: "PERSON NORP FACILITY ORG GPE LOC PRODUCT EVENT WORK_OF_ART LANGUAGE LAW DATE TIME PERCENT MONEY QUANTITY "
    "ORDINAL CARDINAL acomp advcl advmod agent amod appos attr aux auxpass cc ccomp complm conj cop csubj csubjpass "
    "dep det dobj expl hmod hyph infmod intj iobj mark meta neg nmod nn npadvmod nsubj nsubjpass num number oprd obj "
    "obl parataxis partmod pcomp pobj poss possessive preconj prep prt punct quantmod relcl rcmod root xcomp acl "
    "ENT_KB_ID MORPH ENT_ID IDX _",
}
SYMBOLS = {"": 0} | {
    name: number for first, names in _NAMES.items() for number, name in enumerate(names.split(), first)
}
"""Names that spaCy's store of strings does not list: their numbers are fixed."""


def numbers(keys: Keys) -> NDArray[np.uint64]:
    """u8[keys]: the number of each.

    >>> numbers(Keys.of(["oak", "NOUN", "北京"])).tolist()
    [1957694553642682347, 92, 11804760672128813659]
    """
    found = _hashes(keys)
    for place, key in enumerate(keys):
        if (symbol := SYMBOLS.get(key)) is not None:
            found[place] = symbol
    return found


def _hashes(keys: Keys) -> NDArray[np.uint64]:
    padded = np.concatenate([keys.blob, np.zeros(8, np.uint8)])
    words = np.ndarray(len(keys.blob) + 1, "<u8", padded, strides=(1,))  # the eight bytes from each byte on, as numbers
    left, starts = np.diff(keys.offsets), keys.offsets[:-1].copy()
    hashes = _SEED ^ (left.astype(np.uint64) * _FACTOR)
    going = np.arange(len(hashes))
    while len(going := going[left[going] >= 8]):
        mixed = words[starts[going]] * _FACTOR
        mixed = (mixed ^ (mixed >> _SHIFT)) * _FACTOR
        hashes[going] = (hashes[going] ^ mixed) * _FACTOR
        starts[going] += 8
        left[going] -= 8
    rest = np.flatnonzero(left > 0)
    hashes[rest] = (hashes[rest] ^ (words[starts[rest]] & _MASKS[left[rest]])) * _FACTOR
    hashes = (hashes ^ (hashes >> _SHIFT)) * _FACTOR
    return hashes ^ (hashes >> _SHIFT)
