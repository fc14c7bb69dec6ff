"""A recurrent language model: what was read is one vector, which every word changes.

    rnn    h' = tanh(W x + U h + b)
    lstm   i, f, g, o = W x + U h + b;   c' = σ(f) c + σ(i) tanh(g);   h' = σ(o) tanh(c')
    p      = softmax(V h' + d)

Elman 1990, "Finding Structure in Time"; Mikolov, Karafiát, Burget, Černocký & Khudanpur 2010, "Recurrent neural network
based language model"; Hochreiter & Schmidhuber 1997, "Long Short-Term Memory"; dropout after Zaremba, Sutskever &
Vinyals 2014.
"""

import math

import torch
from torch import Tensor, nn

from firth.networks.softmax import Softmax


class Recurrent(nn.Module):
    """words: of the vocabulary; dim: numbers of a word; hidden: of a layer's state; cell: "rnn" or "lstm"."""

    def __init__(
        self, words: int, *, dim: int, hidden: int, layers: int, cell: str, dropout: float, samples: int | None
    ) -> None:
        super().__init__()
        self.table = nn.Embedding(words, dim)
        sizes = [dim, *[hidden] * layers]
        self.layers = nn.ModuleList(layer_of(cell, below, hidden) for below in sizes[:-1])
        self.softmax = Softmax(hidden, words, samples)
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.table.weight, std=1 / math.sqrt(dim))

    def forward(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Summed nats: inputs i8[b, t], and the token that follows each, i8[b, t]; a negative one is not predicted."""
        return {"lm": self.softmax(self.dropout(self.states(inputs)).flatten(0, 1), targets.flatten())}

    def states(self, inputs: Tensor) -> Tensor:
        """The highest layer after each token, f4[b, t, hidden]."""
        x: Tensor = self.table(inputs)
        for layer in self.layers:
            x, _ = layer(self.dropout(x))
        return x


def layer_of(cell: str, inputs: int, hidden: int) -> nn.RNNBase:
    """A recurrent layer as it begins: gradients keep their length on the way back, and an LSTM remembers.

    The bias of 1 on the forget gate is Jozefowicz, Zaremba & Sutskever's (2015).
    """
    layer = (nn.LSTM if cell == "lstm" else nn.RNN)(inputs, hidden, batch_first=True)
    weights = dict(layer.named_parameters())
    recurrent = weights["weight_hh_l0"]
    for start in range(0, len(recurrent), hidden):
        nn.init.orthogonal_(recurrent[start : start + hidden])
    if cell == "lstm":
        with torch.no_grad():
            weights["bias_ih_l0"][hidden : 2 * hidden] = 1.0
    return layer
