"""Bengio's network: a look-up table, a hidden layer, a softmax over all words.

    x = (Q[w₁], …, Q[wₙ])            the words before, side by side
    h = tanh(W₁ x + b₁)
    p = softmax(W₂ h + b₂ [+ D x])   D: the direct connections, which may be left out

Bengio, Ducharme, Vincent & Jauvin 2003, "A Neural Probabilistic Language Model", eq. 1; there Q is C, W₁ is H, b₁ is d,
W₂ is U, b₂ is b, D is W.
"""

import math

import torch
from torch import Tensor, nn

from firth.networks.softmax import Softmax


class NeuralProbabilistic(nn.Module):
    """words: of the vocabulary; dim: numbers of a row of Q; window: words before; hidden: units of the hidden layer."""

    def __init__(
        self, words: int, *, dim: int, window: int, hidden: int, direct: bool, dropout: float, samples: int | None
    ) -> None:
        super().__init__()
        self.table = nn.Embedding(words, dim)  # Q
        self.hidden = nn.Linear(window * dim, hidden)  # W₁, b₁
        self.output = Softmax(hidden + window * dim * direct, words, samples)  # (W₂ D), b₂
        self.direct = direct
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.table.weight, std=1 / math.sqrt(dim))

    def forward(self, contexts: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Summed nats of the true words: contexts i8[b, window], targets i8[b]."""
        return {"lm": self.output(self.features(contexts), targets)}

    def features(self, contexts: Tensor) -> Tensor:
        """What the softmax sees: h, and x beside it where there are direct connections."""
        x = self.dropout(self.table(contexts).flatten(-2))
        h: Tensor = self.dropout(torch.tanh(self.hidden(x)))
        return torch.cat([h, x], -1) if self.direct else h

    def activity(self, contexts: Tensor) -> Tensor:
        """h, f4[b, hidden], of contexts i8[b, window]."""
        return torch.tanh(self.hidden(self.table(contexts).flatten(-2)))

    def logits(self, contexts: Tensor) -> Tensor:
        """Scores of every word, f4[b, words], after contexts i8[b, window]."""
        scores: Tensor = self.output.scores(self.features(contexts))
        return scores
