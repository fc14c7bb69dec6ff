"""How surprised a language model is by a text."""

import math
from typing import NamedTuple


class Surprise(NamedTuple):
    """What a text costs under a model, in nats (-ln p).

    >>> once = Surprise(
    ...     tokens=4, sentences=1, unseen=1, nats=4 * math.log(10) + math.log(100), nats_of_unseen=math.log(100)
    ... )
    >>> round(once.perplexity, 2), round(once.without_unseen, 2)
    (31.62, 21.54)
    """

    tokens: int
    """Words, and an end for each sentence."""
    sentences: int
    unseen: int
    """Words that the model does not know."""
    nats: float
    nats_of_unseen: float
    """The part of `nats` that is due to them."""

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens): between so many equally likely words the model wavers, ends and unseen words included."""
        return _exp(self.nats / max(1, self.tokens))

    @property
    def without_unseen(self) -> float:
        """The same where words that the model does not know are passed over."""
        return _exp((self.nats - self.nats_of_unseen) / max(1, self.tokens - self.unseen))

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"perplexity": self.perplexity, "without_unseen": self.without_unseen, **self._asdict()}


def _exp(nats: float) -> float:
    return math.exp(nats) if nats < 700 else math.inf
