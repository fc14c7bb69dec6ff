"""Language models of n-grams in ARPA files: what other tools estimated, asked as firth's own; and firth's for them."""

import warnings
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import CorruptFileError
from firth.models.kneser_ney import NEVER
from firth.models.ngram_model import END, START, UNKNOWN, NGramModel, trie_of

I4 = npt.NDArray[np.int32]
F4 = npt.NDArray[np.float32]
_UNSEEN = -100.0  # log10 of words that a file says nothing of, as KenLM has it


def save(model: NGramModel, path: str | PathLike[str]) -> None:
    """Write a back-off model as an ARPA file; atomic. Raises FormatError for words that such a file cannot keep."""
    from firth.formats import arpa

    names = [*model.words, UNKNOWN, START, END]
    literal = UNKNOWN in model.words
    if literal:
        warnings.warn(
            f"{UNKNOWN} is a word of this model, and an ARPA file's name for all unseen ones: its reader will take "
            "them for that word.",
            RuntimeWarning,
            stacklevel=3,
        )
    grams = []
    for n in range(1, model.order + 1):
        ids, rows = model.ngrams(n), np.arange(model.firsts[n - 1], model.firsts[n])
        if literal:
            rows, ids = (array[(ids != len(model.words)).all(1)] for array in (rows, ids))
        weights = model.trie.backoff[rows] if n < model.order else None
        grams.append(arpa.Grams(ids, model.trie.log10[rows], weights))
    arpa.save(arpa.Arpa(names, grams), path)


def model_of(path: str | PathLike[str]) -> NGramModel:
    """The model in an ARPA file. Raises FormatError for another file, CorruptFileError, with the line, for damage."""
    from firth.formats import arpa

    found = arpa.read(path)
    special = {UNKNOWN: 0, START: 1, END: 2}
    words = [word for word in found.words if word not in special]
    place_of = dict(zip(words, range(len(words)), strict=True))
    place_of |= {name: len(words) + special[name] for name in special}
    to_id = np.array([place_of[word] for word in found.words], np.int32)
    ids, log10, weights = found.grams[0]
    single = to_id[ids[:, 0]]
    every = _Grams(
        np.arange(len(place_of), dtype=np.int32)[:, None],
        np.full(len(place_of), _UNSEEN, np.float32),
        np.zeros(len(place_of), np.float32),
    )
    every.log10[single] = log10
    every.backoff[single] = 0 if weights is None else weights
    every.log10[place_of[START]] = NEVER
    longer = [_Grams(to_id[ids], log10, np.zeros(len(ids), np.float32) if weights is None else weights)
              for ids, log10, weights in found.grams[1:]]  # fmt: skip
    return _built(words, [every, *longer], path)


class _Grams(NamedTuple):
    """n-grams of one length, in any order."""

    ids: I4
    """i4[m, n]."""
    log10: F4
    """NaN for those that the file does not have."""
    backoff: F4


class _Rows(NamedTuple):
    """n-grams of one length, as they stand in the table."""

    first: int
    """The row of the first."""
    ngrams: npt.NDArray[np.int64]
    suffixes: I4
    log10: F4
    backoff: F4


def _built(words: list[str], grams: list[_Grams], path: Any) -> NGramModel:
    """The table of all n-grams.

    Every n-gram's first n-1 words must be a row, and its last n-1: pruned files lack some. Those come in with the
    probability that backing off gives them and a weight of 1, which changes no probability.
    """
    total = len(words) + 3
    single = grams[0]
    done = [_Rows(0, np.arange(total), np.full(total, -1, np.int32), single.log10, single.backoff)]
    while len(done) < len(grams):
        ids, log10, backoff = grams[len(done)]
        parents, suffixes = _rows(done, ids[:, :-1]), _rows(done, ids[:, 1:])
        missing = np.concatenate((ids[parents < 0, :-1], ids[suffixes < 0, 1:]))
        if len(missing):
            shorter = grams[len(done) - 1]
            new = np.unique(missing, axis=0)
            grams[len(done) - 1] = _Grams(
                np.concatenate((shorter.ids, new)),
                np.concatenate((shorter.log10, np.full(len(new), np.nan, np.float32))),
                np.concatenate((shorter.backoff, np.zeros(len(new), np.float32))),
            )
            done.pop()
            continue
        keys = (parents + 1) * total + ids[:, -1]
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if len(twice := np.flatnonzero(np.diff(keys) == 0)):
            named = [[*words, UNKNOWN, START, END][i] for i in ids[order[twice[0]]]]
            raise CorruptFileError(f"{path}: the n-gram {' '.join(named)!r} comes twice.")
        first = done[-1].first + len(done[-1].ngrams)
        done.append(_Rows(first, keys, suffixes[order].astype(np.int32), log10[order], backoff[order]))
    return _model(words, done)


def _rows(done: list[_Rows], ids: I4) -> npt.NDArray[np.int64]:
    """The rows of n-grams i4[m, n], -1 for those that are not there."""
    total = len(done[0].ngrams)
    rows = ids[:, 0].astype(np.int64)
    for place in range(1, ids.shape[1]):
        first, ngrams = done[place].first, done[place].ngrams
        sought = (rows + 1) * total + ids[:, place]
        at = np.minimum(np.searchsorted(ngrams, sought), max(0, len(ngrams) - 1))
        there = (rows >= 0) & (ngrams[at] == sought) if len(ngrams) else np.zeros(len(rows), bool)
        rows = np.where(there, first + at, -1)
    return rows


def _model(words: list[str], done: list[_Rows]) -> NGramModel:
    total = len(words) + 3
    ngrams, suffixes, log10 = (np.concatenate([getattr(rows, name) for rows in done]) for name in _COLUMNS)
    backoff = np.concatenate([np.zeros(0, np.float32), *(rows.backoff for rows in done[:-1])])
    for rows in done[1:]:
        made = rows.first + np.flatnonzero(np.isnan(rows.log10))
        log10[made] = backoff[ngrams[made] // total - 1] + log10[suffixes[made]]
    firsts = [rows.first for rows in done] + [len(ngrams)]
    starts = np.searchsorted(ngrams[total:], (np.arange(len(backoff) + 1) + 1) * total) + total
    return NGramModel(words, trie_of(ngrams, starts, suffixes, log10, backoff), firsts, None, None)


_COLUMNS = ("ngrams", "suffixes", "log10")
