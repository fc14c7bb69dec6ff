"""Bengio's network: a look-up table, a hidden layer, a softmax over all words.

    x = (Q[w₁], …, Q[wₙ])            the words before, side by side
    h = tanh(W₁ x + b₁)
    p = softmax(W₂ h + b₂ [+ D x])   D: the direct connections, which may be left out

Bengio, Ducharme, Vincent & Jauvin 2003, "A Neural Probabilistic Language Model", eq. 1; there Q is C, W₁ is H, b₁ is d,
W₂ is U, b₂ is b, D is W.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from torch import Tensor, nn


class NeuralProbabilistic(nn.Module):
    """words: of the vocabulary; dim: numbers of a row of Q; window: words before; hidden: units of the hidden layer."""

    def __init__(self, words: int, *, dim: int, window: int, hidden: int, direct: bool, dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(words, dim)  # Q
        self.hidden = nn.Linear(window * dim, hidden)  # W₁, b₁
        self.output = nn.Linear(hidden, words)  # W₂, b₂
        self.direct = nn.Linear(window * dim, words, bias=False) if direct else None  # D
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.table.weight, std=1 / math.sqrt(dim))
        if self.direct is not None:
            nn.init.zeros_(self.direct.weight)

    def forward(self, contexts: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Summed nats of the true words: contexts i8[b, window], targets i8[b]."""
        return {"lm": F.cross_entropy(self.logits(contexts), targets, reduction="sum")}

    def activity(self, contexts: Tensor) -> Tensor:
        """The hidden layer, f4[b, hidden], of contexts i8[b, window]."""
        return torch.tanh(self.hidden(self.table(contexts).flatten(-2)))

    def logits(self, contexts: Tensor) -> Tensor:
        """Scores of every word, f4[b, words], after contexts i8[b, window]."""
        x = self.dropout(self.table(contexts).flatten(-2))
        scores: Tensor = self.output(self.dropout(torch.tanh(self.hidden(x))))
        return scores if self.direct is None else scores + self.direct(x)
