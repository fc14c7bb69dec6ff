"""Sentence vectors: the bag of a text's words times the table; weighted by how rare they are in sif.py."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.vectors.nearest import Floats

Pooling = Literal["mean", "sum", "sif", "usif"]
_CUTTING = ("tokenizer", "lower", "own_words", "hmm", "split_sentences")


class Bags(NamedTuple):
    """The known words of texts, in order, as rows of a table."""

    rows: NDArray[np.int64]
    """Those of all texts, one after the other; from len(table) on they are rows of `others`."""
    sizes: NDArray[np.int64]
    """Known words in each text."""
    table: Floats
    others: Floats
    """Vectors of words that the table does not hold."""

    def weighted(self, weights: Floats) -> Floats:
        """For each text Σ weight · vector over its words: f4[texts, dim]; weights f4[words of all texts]."""
        from scipy.sparse import csr_array

        edges, width = np.concatenate([[0], np.cumsum(self.sizes)]), len(self.table) + len(self.others)
        bags = csr_array((weights, self.rows, edges), shape=(len(self.sizes), width))
        if not len(self.others):
            return np.asarray(bags @ self.table, np.float32)
        known = len(self.table)
        return np.asarray(bags[:, :known] @ self.table + bags[:, known:] @ self.others, np.float32)

    @property
    def shares(self) -> Floats:
        """1 / known words of its text, for each word: f4[words of all texts]."""
        return np.repeat((1 / np.maximum(self.sizes, 1)).astype(np.float32), self.sizes)


def encode(
    texts: Any,
    ids: Mapping[str, int],
    table: Floats,
    cutting: Mapping[str, Any],
    pooling: Pooling,
    unseen: Callable[[list[str]], tuple[Floats, NDArray[np.bool_]]] | None = None,
    counts: NDArray[np.int64] | None = None,
    common: Floats | None = None,
) -> Floats:
    """f4[texts, dim]: for each text the rows of its known words, each as often as it stands there, put together.

    ids      word to row of `table` f4[n, dim]
    cutting  the options of `split` (others are left alone), as the training text was cut
    unseen   makes vectors f4[words, dim] of words that are not in `ids`, and says which of them it can, b1[words]
    counts   i8[n], which "sif" and "usif" need
    common   f4[c, dim], what those take out of every text; None: what these texts have in common

    A text without known words has a row of zeros.
    """
    if pooling not in get_args(Pooling):
        raise ConfigError(f"pooling must be 'mean', 'sum', 'sif' or 'usif', not {pooling!r}.")
    bags = bags_of(texts, ids, table, cutting, unseen)
    if pooling == "sum":
        return bags.weighted(np.ones(len(bags.rows), np.float32))
    if pooling == "mean":
        return bags.weighted(bags.shares)
    from firth.vectors import sif

    found = sif.weighted(bags, counts, pooling)
    return sif.without(found, sif.common(found, pooling) if common is None else common)


def bags_of(
    texts: Any,
    ids: Mapping[str, int],
    table: Floats,
    cutting: Mapping[str, Any],
    unseen: Callable[[list[str]], tuple[Floats, NDArray[np.bool_]]] | None = None,
) -> Bags:
    """The known words of texts."""
    lists = cut(texts, cutting)
    more, others = _of_unseen(lists, ids, unseen) if unseen else ({}, table[:0])
    found = [[place for word in words if (place := ids.get(word, more.get(word))) is not None] for words in lists]
    sizes = np.fromiter(map(len, found), np.int64, len(found))
    return Bags(np.fromiter(chain.from_iterable(found), np.int64, int(sizes.sum())), sizes, table, others)


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
