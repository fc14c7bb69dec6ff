"""What comes next: every item scored by those of a history.

    score(c) = ½ (x̄·o_c + ō·x_c) + popularity · log count_c

x are item vectors, o those of their contexts; x̄ and ō are their means over the last `recent` items of the history. A
session has each of its pairs both ways round, so both products tell of the same pair. An item that no session held has
no o: it is scored by ō·x_c alone. Negative sampling learns x·o = log p(c | x) - ns_exponent · log p(c) + const (Levy &
Goldberg 2014), and `popularity` puts back what is missing.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.vectors.nearest import Floats, Ids, top
from firth.vectors.where import Where, rows_where

if TYPE_CHECKING:
    from firth.vectors.table import Vectors

Scored = list[tuple[str, float]]


class Histories(NamedTuple):
    """What each of many had, in numbers of a recommender's items."""

    tokens: NDArray[np.int64]
    """i8[n]"""
    offsets: NDArray[np.int64]
    """i8[histories + 1], where each one begins."""
    sessions: NDArray[np.int64]
    """i8[histories], the session of the training log that it is the continuation of; -1: of none."""

    def last(self, number: int) -> "Histories":
        """The last so many items of each; 0: all of them.

        >>> Histories(np.array([5, 6, 7, 8]), np.array([0, 3, 4]), np.array([-1, -1])).last(2).tokens.tolist()
        [6, 7, 8]
        """
        if not number:
            return self
        ends, sizes = self.offsets[1:], np.diff(self.offsets)
        stays = np.arange(len(self.tokens)) >= np.repeat(ends - number, sizes)
        return Histories(self.tokens[stays], _bounds(np.minimum(sizes, number)), self.sessions)

    def matrix(self, items: int, known: NDArray[np.bool_] | None = None) -> Any:
        """Sparse f4[histories, items] whose rows are means: 1 / length at each item that is `known` (None: all are)."""
        from scipy import sparse

        rows = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        some = np.ones(len(rows), np.bool_) if known is None else known[self.tokens]
        sizes = np.bincount(rows[some], minlength=len(self.offsets) - 1)
        share = (1 / np.maximum(sizes, 1)).astype(np.float32)[rows[some]]
        return sparse.csr_matrix((share, (rows[some], self.tokens[some])), (len(self.offsets) - 1, items))


class ByVectors:
    """A table of vectors as a recommender.

    recent      the last so many items of a history count, 0: all; None: as the model was made
    popularity  how much a common item is preferred; None: as the model was made

    Raises ConfigError for vectors without those of their contexts.
    """

    def __init__(self, vectors: "Vectors", recent: int | None = None, popularity: float | None = None) -> None:
        if vectors.output is None:
            raise ConfigError(
                "There are no output vectors, and they are what recommends. Learn with loss='ns', and load the model "
                "as it was trained."
            )
        options = vectors.options("model")
        self.vectors = vectors
        self.recent = _whole(options.get("recent", 0) if recent is None else recent)
        self.popularity = _number(options.get("popularity", 0.0) if popularity is None else popularity)

    @property
    def items(self) -> Sequence[str]:
        """What histories and scores are numbered by."""
        return self.vectors.index_to_key

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items]; -inf for a key that is no item. Without a known item: how common each item is."""
        last = histories.last(self.recent)
        inputs, outputs = np.asarray(self.vectors.vectors), np.asarray(self.vectors.output)
        x = last.matrix(len(inputs)) @ inputs
        o = last.matrix(len(inputs), self._warm) @ outputs
        found: Floats = np.where(self._warm, np.float32(0.5), np.float32(1)) * (o @ inputs.T)
        found += np.float32(0.5) * (x @ outputs.T)
        found += np.float32(self.popularity) * self._common
        found[np.diff(last.offsets) == 0] = self._common
        found[:, self._features] = -np.inf
        return found

    @cached_property
    def _warm(self) -> NDArray[np.bool_]:
        """Which items some session held: those that have an output vector, and one that was learnt."""
        assert self.vectors.output is not None
        learnt: NDArray[np.bool_] = np.asarray(np.asarray(self.vectors.output).any(axis=1))
        return learnt if self.vectors.counts is None else learnt & (self.vectors.counts > 0)

    @cached_property
    def _common(self) -> Floats:
        counts = self.vectors.counts
        return np.zeros(len(self.items), np.float32) if counts is None else np.log(np.maximum(counts, 1), dtype="f4")

    @cached_property
    def _features(self) -> Ids:
        """The rows that stand for what is known of items, and not for items."""
        ids = self.vectors.key_to_index
        features = (self.vectors.config or {}).get("features", [])
        return np.array([ids[feature] for feature in features if feature in ids], np.int64)


def recommend(
    vectors: "Vectors",
    history: Iterable[Any],
    topn: int,
    exclude_seen: bool,
    where: Where,
    recent: int | None,
    popularity: float | None,
) -> Any:
    """`Vectors.recommend`."""
    if isinstance(history, str | bytes):
        raise ConfigError(f"A history is a list of items, not one str: [{history!r:.60}].")
    given = list(history)
    several = bool(given) and all(isinstance(each, list | tuple) for each in given)
    known = [_known(vectors, each) for each in (given if several else [given])]
    by = ByVectors(vectors, recent, popularity)
    scores = by.scores(histories_of(known))
    among = rows_where(vectors, where)
    if among is not None:
        others = np.ones(scores.shape[1], np.bool_)
        others[among] = False
        scores[:, others] = -np.inf
    answers = [
        _best(by.items, row, seen if exclude_seen else [], topn) for row, seen in zip(scores, known, strict=True)
    ]
    return answers if several else answers[0]


def histories_of(known: Sequence[Sequence[int]], sessions: Sequence[int] | None = None) -> Histories:
    """Lists of numbers of items as Histories."""
    tokens = np.array([token for each in known for token in each], np.int64)
    numbers = np.full(len(known), -1) if sessions is None else np.asarray(sessions)
    return Histories(tokens, _bounds(np.array([len(each) for each in known], np.int64)), numbers)


def _known(vectors: "Vectors", history: Iterable[Any]) -> list[int]:
    return [row for item in history if (row := vectors.get_index(item, -1)) >= 0]


def _best(items: Sequence[str], scores: Floats, seen: Sequence[int], topn: int) -> Scored:
    scores[np.array(seen, np.int64)] = -np.inf
    best = top(scores, max(0, topn))
    return [(items[row], float(scores[row])) for row in best.tolist() if np.isfinite(scores[row])]


def _bounds(sizes: NDArray[Any]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _whole(recent: Any) -> int:
    if isinstance(recent, bool) or not isinstance(recent, int | np.integer) or recent < 0:
        raise ConfigError(f"recent must be a whole number of items, 0 for all, not {recent!r}.")
    return int(recent)


def _number(popularity: Any) -> float:
    if isinstance(popularity, bool) or not isinstance(popularity, int | float) or not np.isfinite(popularity):
        raise ConfigError(f"popularity must be a number, not {popularity!r}.")
    return float(popularity)
