"""Sentence vectors: the bag of a text's words times the table."""

from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np

from firth.errors import ConfigError
from firth.vectors.nearest import Floats

Pooling = Literal["mean", "sum"]
_CUTTING = ("tokenizer", "lower", "own_words", "hmm", "split_sentences")


def encode(texts: Any, ids: Mapping[str, int], table: Floats, cutting: Mapping[str, Any], pooling: Pooling) -> Floats:
    """f4[texts, dim]: for each text the mean (or sum) of the rows of its known words, each as often as it stands there.

    ids      word to row of `table` f4[n, dim]
    cutting  the options of `split` (others are left alone), as the training text was cut

    A sparse matrix of ones, texts × words, multiplies the table; a text without known words keeps a row of zeros.
    """
    if pooling not in get_args(Pooling):
        raise ConfigError(f"pooling must be 'mean' or 'sum', not {pooling!r}.")
    from scipy.sparse import csr_array

    found = [[place for place in map(ids.get, words) if place is not None] for words in cut(texts, cutting)]
    sizes = np.fromiter(map(len, found), np.int64, len(found))
    columns = np.fromiter(chain.from_iterable(found), np.int64, int(sizes.sum()))
    weights = np.ones(len(columns), np.float32)
    if pooling == "mean":
        weights = np.repeat((1 / np.maximum(sizes, 1)).astype(np.float32), sizes)
    bags = csr_array((weights, columns, np.concatenate([[0], np.cumsum(sizes)])), shape=(len(found), len(table)))
    return np.asarray(bags @ table, np.float32)


def cut(texts: Any, cutting: Mapping[str, Any]) -> list[list[str]]:
    """The words of each text, cut as the training text was: `cutting` has the options of `split`, and others.

    Raises ConfigError for what is no list of texts.
    """
    if isinstance(texts, str):
        raise ConfigError("encode takes a list of texts and gives a row for each. For one text: encode([text])[0].")
    texts = list(texts)
    wrong = next((place for place, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise ConfigError(f"text {wrong:,} is {texts[wrong]!r}, not a string.")
    from firth.tokens.phrases import LearntPhrases
    from firth.tokens.words import split

    options = {name: cutting[name] for name in _CUTTING if name in cutting}
    if cutting.get("phrases"):  # their text: a model names no file
        options["phrases"] = LearntPhrases.from_text(cutting["phrases"], "the model's list")
    return [*split(texts, **options)]
