"""Sentence vectors: the bag of a text's words times the table."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.vectors.nearest import Floats

Pooling = Literal["mean", "sum"]
_CUTTING = ("tokenizer", "lower", "own_words", "hmm", "split_sentences")


def encode(
    texts: Any,
    ids: Mapping[str, int],
    table: Floats,
    cutting: Mapping[str, Any],
    pooling: Pooling,
    unseen: Callable[[list[str]], tuple[Floats, NDArray[np.bool_]]] | None = None,
) -> Floats:
    """f4[texts, dim]: for each text the mean (or sum) of the rows of its known words, each as often as it stands there.

    ids      word to row of `table` f4[n, dim]
    cutting  the options of `split` (others are left alone), as the training text was cut
    unseen   makes vectors f4[words, dim] of words that are not in `ids`, and says which of them it can, b1[words]

    A sparse matrix of ones, texts × words, multiplies the table; a text without known words keeps a row of zeros.
    """
    if pooling not in get_args(Pooling):
        raise ConfigError(f"pooling must be 'mean' or 'sum', not {pooling!r}.")
    from scipy.sparse import csr_array

    lists = cut(texts, cutting)
    more, others = _of_unseen(lists, ids, unseen) if unseen else ({}, table[:0])
    found = [[place for word in words if (place := ids.get(word, more.get(word))) is not None] for words in lists]
    sizes = np.fromiter(map(len, found), np.int64, len(found))
    columns = np.fromiter(chain.from_iterable(found), np.int64, int(sizes.sum()))
    weights = np.ones(len(columns), np.float32)
    if pooling == "mean":
        weights = np.repeat((1 / np.maximum(sizes, 1)).astype(np.float32), sizes)
    edges, width = np.concatenate([[0], np.cumsum(sizes)]), len(table) + len(others)
    bags = csr_array((weights, columns, edges), shape=(len(found), width))
    if not len(others):
        return np.asarray(bags @ table, np.float32)
    return np.asarray(bags[:, : len(table)] @ table + bags[:, len(table) :] @ others, np.float32)


def _of_unseen(
    lists: list[list[str]],
    ids: Mapping[str, int],
    unseen: Callable[[list[str]], tuple[Floats, NDArray[np.bool_]]],
) -> tuple[dict[str, int], Floats]:
    """Rows after the table's for words that are not in it, and the vectors of those rows."""
    words = [*dict.fromkeys(word for words in lists for word in words if word not in ids)]
    vectors, known = unseen(words)
    kept = [word for word, there in zip(words, known.tolist(), strict=True) if there]
    return {word: len(ids) + place for place, word in enumerate(kept)}, vectors[known]


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
