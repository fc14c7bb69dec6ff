"""How far two texts are from each other, word by word: Word Mover's Distance, soft cosine."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, MissingExtraError
from firth.vectors.sentences import cut

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Document = str | Iterable[str]
"""A text, which is cut as the training text was, or its words."""


def wmdistance(vectors: "Lookup", one: Document, other: Document, norm: bool) -> float:
    """`Vectors.wmdistance`."""
    (rows, weights), (their_rows, their_weights) = (bag(vectors, document) for document in (one, other))
    if not len(rows) or not len(their_rows):
        return float("inf")
    mine, theirs = (_rows(vectors, places, norm) for places in (rows, their_rows))
    distances = np.sqrt(np.square(mine[:, None] - theirs[None]).sum(axis=2))
    if len(rows) == 1 or len(their_rows) == 1 or not distances.any():  # there is one way to move it all
        return float(weights @ distances @ their_weights)
    try:
        from ot import emd2
    except ImportError:
        raise MissingExtraError("Word Mover's Distance needs POT: pip install 'firth[wmd]'") from None
    return float(emd2(weights, their_weights, distances))


def soft_cosine(vectors: "Lookup", one: Document, other: Document, exponent: float, threshold: float) -> float:
    """`Vectors.soft_cosine`."""
    if exponent <= 0:
        raise ConfigError(f"exponent must be above 0, not {exponent}.")
    (rows, weights), (their_rows, their_weights) = (bag(vectors, document) for document in (one, other))
    if not len(rows) or not len(their_rows):
        return 0.0
    every = np.union1d(rows, their_rows)
    units = _rows(vectors, every, norm=True)
    cosines = units @ units.T
    likeness = np.where(cosines > threshold, np.maximum(cosines, 0), 0) ** exponent
    np.fill_diagonal(likeness, 1)  # a word is like itself, whatever its vector
    a, b = np.zeros(len(every)), np.zeros(len(every))
    a[np.searchsorted(every, rows)], b[np.searchsorted(every, their_rows)] = weights, their_weights
    return float(np.clip(a @ likeness @ b / np.sqrt((a @ likeness @ a) * (b @ likeness @ b)), 0, 1))


def bag(vectors: "Lookup", document: Document) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows of a document's known words, i8[m], rising, and each one's share of them, f8[m]."""
    words = cut([document], vectors.options("text"))[0] if isinstance(document, str) else document
    ids = vectors.key_to_index
    found = Counter(ids[word] for word in words if word in ids)
    rows = np.array(sorted(found), np.int64)
    counts = np.array([found[row] for row in rows.tolist()], np.float64)
    return rows, counts / max(1.0, counts.sum())


def _rows(vectors: "Lookup", rows: NDArray[np.int64], norm: bool) -> NDArray[np.float64]:
    if not norm:
        return np.asarray(vectors.vectors[rows], np.float64)
    return np.stack([vectors.get_vector(row, True) for row in rows.tolist()]).astype(np.float64)
