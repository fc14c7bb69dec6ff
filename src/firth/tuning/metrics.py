"""Tuning: what makes one model better than another. One table; a new metric is a function and a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from firth.errors import ConfigError
from firth.evaluate.analogy import analogies
from firth.evaluate.recommend import recommendations
from firth.evaluate.similarity import pairs
from firth.vectors.table import Vectors

_HELD_OUT = 0.05  # of the words, where nothing else is asked for
_WORDS = "another vocabulary is asked other questions, and scores would not compare"


@dataclass(frozen=True)
class Metric:
    """A score of a model: the higher, the better."""

    score: Callable[[Vectors, Any], float]
    """(vectors, question) → score."""
    question: str
    """What it asks: said where it is missing; empty where it has a default."""
    fit: Callable[[Any], Mapping[str, Any]] = field(default=lambda _: {})
    """question → what `fit` must be told."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Options that may not vary, and why."""


def _similarity(vectors: Vectors, question: Any) -> float:
    """Spearman's correlation of cosines and ratings."""
    return pairs(vectors, question).spearman


def _analogies(vectors: Vectors, question: Any) -> float:
    """The share of analogies that are answered."""
    return analogies(vectors, question).accuracy


def _loss(vectors: Vectors, _: Any) -> float:
    """The held-out loss, with a minus."""
    return -float((vectors.provenance or {})["epochs"][-1]["validation"])


def _hit_rate(vectors: Vectors, question: Any) -> float:
    """The share of questions whose answer is among the ten that are recommended first."""
    return recommendations(vectors, question).hit_rate


def _ndcg(vectors: Vectors, question: Any) -> float:
    """The same, the higher the more."""
    return recommendations(vectors, question).ndcg


def _mrr(vectors: Vectors, question: Any) -> float:
    """The mean of one over the place of the answer."""
    return recommendations(vectors, question).mrr


_VOCABULARY = dict.fromkeys(("min_count", "max_vocab"), _WORDS)
_EXAMPLES = dict.fromkeys(
    ("architecture", "loss", "window", "negatives", "ns_exponent", "subsample", "shrink_windows", "num_skips"),
    "it changes what the loss is measured on, and losses would not compare",
)
METRICS: Final[dict[str, Metric]] = {
    "similarity": Metric(_similarity, "a file of 'word word rating' lines", fixed=_VOCABULARY),
    "analogies": Metric(_analogies, "a file of analogies", fixed=_VOCABULARY),
    "loss": Metric(
        _loss,
        "",
        fit=lambda share: {"validation": _HELD_OUT if share is None else share},
        fixed={**_VOCABULARY, **_EXAMPLES},
    ),
    "hit_rate": Metric(_hit_rate, ""),
    "ndcg": Metric(_ndcg, ""),
    "mrr": Metric(_mrr, ""),
}
RANKED: Final = ("hit_rate", "ndcg", "mrr")
"""The metrics of recommendations, which only sessions can be asked."""


def metric_named(metric: str | Callable[[Vectors], float], question: Any) -> Metric:
    """The metric of that name, or a function of one's own; ConfigError for an unknown name or a missing question."""
    if callable(metric):
        own = metric
        return Metric(lambda vectors, _: float(own(vectors)), "")
    if metric not in METRICS:
        raise ConfigError(f"There is no metric {metric!r}. There are: {', '.join(METRICS)}, or a function of vectors.")
    found = METRICS[metric]
    if found.question and question is None:
        raise ConfigError(f"metric={metric!r} needs a question: {found.question}.")
    return found
