"""How good recommendations are: where the item that came next stands among all items.

    HR@k    the share of questions whose answer is among the first k
    NDCG@k  the mean of 1 / log2(rank + 1), 0 beyond k: with one answer a question, the ideal is 1
    MRR     the mean of 1 / rank, over the whole catalogue

The catalogue is ranked whole. A sample of it gives other numbers, and other orders of models (Krichene & Rendle 2020).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.evaluate.interval import Interval, of_mean, of_share, plain
from firth.evaluate.score import Score, shown
from firth.vectors.nearest import Floats
from firth.vectors.recommend import ByVectors, Histories, histories_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firth.corpus.sessions import NextItems
    from firth.vectors.table import Vectors

_SCORES = 1 << 22  # at once: 16 MB


class Recommender(Protocol):
    """What can be asked: `Vectors`, or a baseline of `firth.evaluate.baselines`, or one's own."""

    @property
    def items(self) -> "Sequence[str]":
        """What histories and scores are numbered by."""

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items], the higher, the likelier."""


@dataclass(frozen=True)
class Recommendations:
    """What `recommendations` found."""

    name: str
    k: int
    ranks: NDArray[np.float64]
    """f8[questions], from 1: equal scores share the middle of their places; inf for an answer that is never given."""
    known: int
    """Questions whose answer the recommender knows, and may give."""

    @property
    def hit_rate(self) -> float:
        return float((self.ranks <= self.k).mean())

    @property
    def ndcg(self) -> float:
        return float(self._gains.mean())

    @property
    def mrr(self) -> float:
        return float((1 / self.ranks).mean())

    @property
    def file(self) -> str:
        return self.name

    @property
    def _gains(self) -> NDArray[np.float64]:
        return np.where(self.ranks <= self.k, 1 / np.log2(self.ranks + 1), 0.0)

    def intervals(self) -> dict[str, Interval]:
        """Bootstrap intervals of 95% of each measure."""
        return {
            f"HR@{self.k}": of_share(int((self.ranks <= self.k).sum()), len(self.ranks)),
            f"NDCG@{self.k}": of_mean(self._gains),
            "MRR": of_mean(1 / self.ranks),
        }

    def scores(self) -> list[Score]:
        """The lines of a report."""
        values = (self.hit_rate, self.ndcg, self.mrr)
        return [
            Score(measure, self.name, "", value, low, high, self.known, len(self.ranks))
            for value, (measure, (low, high)) in zip(values, self.intervals().items(), strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "k": self.k,
            "hit_rate": self.hit_rate,
            "ndcg": self.ndcg,
            "mrr": self.mrr,
            "questions": len(self.ranks),
            "known": self.known,
            "intervals": {measure: plain(interval) for measure, interval in self.intervals().items()},
        }


@dataclass(frozen=True)
class Comparison:
    """What `compare` found: `print` it for the table."""

    rows: tuple[Recommendations, ...]

    def __getitem__(self, name: str) -> Recommendations:
        return next(row for row in self.rows if row.name == name)

    def scores(self) -> list[Score]:
        return [score for row in self.rows for score in row.scores()]

    def __str__(self) -> str:
        k, wide = self.rows[0].k, max(len(row.name) for row in self.rows)
        lines = [f"{'':{wide}}  {f'HR@{k}':>6}  95%           {f'NDCG@{k}':>7}     MRR  known"]
        for row in self.rows:
            interval = shown(row.intervals()[f"HR@{k}"])
            known = f"{row.known:,}/{len(row.ranks):,}"
            lines.append(
                f"{row.name:{wide}}  {row.hit_rate:6.4f}  {interval}  {row.ndcg:7.4f}  {row.mrr:6.4f}  {known}"
            )
        return "\n".join(lines)


def recommendations(
    recommender: "Vectors | Recommender",
    questions: "NextItems",
    *,
    k: int = 10,
    exclude_seen: bool = True,
    name: str = "",
) -> Recommendations:
    """Where the answers stand among all items that the recommender knows.

    recommender   vectors, or what has `items` and `scores(histories)`
    questions     of `Sessions.leave_last_out` or `Sessions.split_by_time`
    exclude_seen  items of the history are not recommended; a question whose answer is one of them is then lost

    An answer that the recommender does not know is lost too, so that every recommender is asked the same questions.

    >>> from firth import Sessions
    >>> from firth.evaluate.baselines import Popularity
    >>> train, test = Sessions([["a", "b", "c"], ["a", "b"], ["c", "b", "d"]]).leave_last_out()
    >>> found = recommendations(Popularity(train), test, k=1)
    >>> round(found.hit_rate, 2), round(found.mrr, 2)
    (0.67, 0.83)

    Raises ConfigError for k below 1, or vectors without those of their contexts.
    """
    if k < 1:
        raise ConfigError(f"k must be a whole number of at least 1, not {k!r}.")
    by: Any = recommender if hasattr(recommender, "scores") else ByVectors(recommender)
    places = {item: place for place, item in enumerate(by.items)}
    ids = np.array([places.get(item, -1) for item in questions.items], np.int64)
    targets = ids[questions.targets]
    ranks = np.full(len(questions), np.inf)
    known = 0
    step = max(1, _SCORES // max(1, len(by.items)))
    for start in range(0, len(questions), step):
        some = slice(start, start + step)
        histories = _histories(questions, ids, some)
        found = np.asarray(by.scores(histories))
        if exclude_seen:
            rows = np.repeat(np.arange(len(found)), np.diff(histories.offsets))
            found[rows, histories.tokens] = -np.inf
        asked = np.flatnonzero(targets[some] >= 0)
        own = found[asked, targets[some][asked]]
        above = (found[asked] > own[:, None]).sum(axis=1)
        equal = (found[asked] == own[:, None]).sum(axis=1)
        answered = np.isfinite(own)
        known += int(answered.sum())
        ranks[start + asked[answered]] = (above + (equal + 1) / 2)[answered]
    return Recommendations(name or _named(recommender), k, ranks, known)


def compare(
    recommenders: "Mapping[str, Vectors | Recommender]",
    questions: "NextItems",
    *,
    k: int = 10,
    exclude_seen: bool = True,
) -> Comparison:
    """Several recommenders on the same questions, in one table."""
    return Comparison(
        tuple(
            recommendations(each, questions, k=k, exclude_seen=exclude_seen, name=name)
            for name, each in recommenders.items()
        )
    )


def _named(recommender: Any) -> str:
    options = recommender.options("model") if hasattr(recommender, "options") else {}
    return str(options.get("name") or type(recommender).__name__)


def _histories(questions: "NextItems", ids: NDArray[np.int64], some: slice) -> Histories:
    """The histories of some questions, without what the recommender does not know."""
    bounds = zip(questions.starts[some].tolist(), questions.ends[some].tolist(), strict=True)
    known = [(row := ids[questions.tokens[start:end]])[row >= 0].tolist() for start, end in bounds]
    return histories_of(known, questions.sessions[some].tolist())
