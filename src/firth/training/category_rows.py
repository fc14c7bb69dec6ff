"""Vectors of categories without a target: a table row is a sentence, its values are each other's context.

Skip-gram with negative sampling over whole rows, by the engine of Word2Vec; then each column's vectors are turned to
their principal axes, and as many are kept as the column is to have.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.kernels.architectures import SkipGram
from firth.kernels.shallow import Corpus, Window
from firth.training.blocks import Setting
from firth.training.objectives import negative_sampling
from firth.training.shallow import passes
from firth.training.tables import initialise, without_padding
from firth.vocabulary import Vocabulary

F4 = npt.NDArray[np.float32]

_LEAST = 16  # numbers while learning: a row of the table is a cache line anyway
_NEGATIVES = 5
_EXPONENT = 0.75


def learn_rows(
    codes: npt.NDArray[np.int32],
    rows: Sequence[int],
    dims: Sequence[int],
    *,
    hide: float,
    epochs: int,
    lr: float,
    seed: int,
) -> tuple[list[F4], dict[str, Any]]:
    """A table f4[rows, dim] for each column, and what is to be told of the run.

    codes  i4[n, columns]; the last two rows of each table are those of unseen and of missing values
    hide   share of the values that are taken for unseen ones, or missing ones where the column has none
    """
    chance = np.random.default_rng(seed).random(codes.shape)
    has_missing = (codes == np.array(rows) - 1).any(0)
    hidden = np.where(chance < hide, np.array(rows) - 2, codes)
    hidden = np.where((chance < hide / 2) & ~has_missing, np.array(rows) - 1, hidden)
    firsts = np.concatenate(([0], np.cumsum(rows)))
    tokens = (hidden + firsts[:-1]).astype(np.int32).ravel()
    counts = np.bincount(tokens, minlength=firsts[-1])
    words = Vocabulary([str(row) for row in range(firsts[-1])], counts)
    width = max(_LEAST, *dims)
    ends = np.arange(len(codes) + 1, dtype=np.int64) * codes.shape[1]
    for array in (tokens, ends):
        array.flags.writeable = False
    setting = Setting(
        tables=initialise(len(words), len(words), width, seed),
        corpus=Corpus(tokens, ends, np.ones(len(words), np.float32)),
        window=Window(codes.shape[1] - 1, False, 0),
        architecture=SkipGram(np.zeros(1, np.int32)),
        objective=negative_sampling(words, _NEGATIVES, _EXPONENT, seed),
        epochs=epochs,
        lr=lr,
        min_lr=1e-4 * lr,
        seed=seed,
    )
    losses = [epoch.loss for epoch in passes(setting, threads=1)]  # one thread: the same bytes for a seed
    learnt = without_padding(setting.tables.inputs, width)
    parts = zip(np.split(learnt, firsts[1:-1]), np.split(counts, firsts[1:-1]), dims, strict=True)
    return [_principal(table, weights, dim) for table, weights, dim in parts], {"losses": losses}


def _principal(table: F4, weights: npt.NDArray[np.int64], dim: int) -> F4:
    """The first principal components, f4[rows, dim], of rows that count by their weights; those of weight 0 are 0."""
    share = weights / max(1, weights.sum())
    centred = (table - share @ table) * (weights > 0)[:, None]
    covariance = (centred * share[:, None]).T @ centred
    _, axes = np.linalg.eigh(covariance)
    largest = axes[:, ::-1][:, :dim]
    largest = largest * np.where(largest[np.abs(largest).argmax(0), np.arange(largest.shape[1])] < 0, -1, 1)
    return np.ascontiguousarray(centred @ largest).astype(np.float32)
