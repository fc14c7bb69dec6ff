"""NNLM: the first language model with word vectors, learnt together with the probability of the next word.

Bengio, Ducharme, Vincent & Jauvin 2003, "A Neural Probabilistic Language Model".
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from firth.config import config, option
from firth.examples.packing import Examples, Packed, Windows
from firth.models.language_model import Floats, NextTokenModel
from firth.models.neural_model import NeuralModel
from firth.networks.nnlm import NeuralProbabilistic
from firth.tokens.tokenizer import Tokenizer

_AT_ONCE = 2048  # contexts whose scores of all words are in memory together


@config
class NNLM(NeuralModel):
    """p(word | the `window` words before) = softmax(W₂ tanh(W₁ x + b₁) + b₂), x = their rows of Q, side by side.

    >>> lm = NNLM(dim=8, hidden=16, window=2, steps=100, lr=0.02).fit(["the cat sat", "the dog ran"] * 20)
    >>> lm
    NextWord(nnlm, 8 tokens, 472 parameters)
    >>> lm.perplexity(["the cat sat"]) < 2
    True
    >>> lm.token_vectors()["cat"].shape
    (8,)
    """

    name: ClassVar[str] = "nnlm"

    dim: int = option(default=100, at_least=1)
    """Numbers in a row of the look-up table Q."""
    hidden: int = option(default=200, at_least=1)
    """Units of the hidden layer."""
    window: int = option(default=4, at_least=1)
    """Words before the one that is predicted: 4 make it a model of order 5."""
    direct: bool = option(default=False)
    """Also connect the words before with the scores directly, past the hidden layer."""
    dropout: float = option(default=0.0, at_least=0, at_most=0.95)
    """Share of the numbers before the two layers that are left out at each step."""

    samples: int | None = option(default=None, at_least=1)
    """Hold the true word against so many noise words while learning (sampled softmax); none: against all words."""

    def network(self, tokenizer: Tokenizer) -> NeuralProbabilistic:
        """Q, the hidden layer, the output layer."""
        return NeuralProbabilistic(
            len(tokenizer),
            dim=self.dim,
            window=self.window,
            hidden=self.hidden,
            direct=self.direct,
            dropout=self.dropout,
            samples=self.samples,
        )

    def embedding(self, network: NeuralProbabilistic) -> nn.Embedding:
        """Q."""
        return network.table

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Every word, with the words before it in its sentence."""
        return Windows(packed, self.window, tokenizer.id_of("bos"))

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "NextWord":
        """What can be asked."""
        return NextWord(self, network, tokenizer, text, provenance)


class NextWord(NextTokenModel):
    """What `NNLM.fit` returns."""

    options: NNLM
    network: NeuralProbabilistic

    @property
    def table(self) -> Floats:
        """Q, f4[tokens, dim]."""
        found: Floats = self.network.table.weight.detach().numpy()
        return found

    def encode(self, texts: Sequence[str]) -> Floats:
        """The mean of the hidden layer over the words of each text, f4[texts, hidden]; 0 where it has none."""
        found = np.zeros((len(texts), self.options.hidden), np.float32)
        for row, ids in zip(found, self.tokens(texts), strict=True):
            if ids:
                contexts = self._contexts([*ids, self.tokenizer.id_of("eos")])[1:]  # each ends in a word of the text
                with torch.no_grad():
                    row[:] = self.network.activity(torch.from_numpy(contexts)).mean(0).numpy()
        return found

    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """For each sentence of token ids the log p of each of them and of its end, f8[tokens + 1]."""
        ended = [[*ids, self.tokenizer.id_of("eos")] for ids in sentences]
        contexts = np.concatenate([self._contexts(ids) for ids in ended]) if ended else np.zeros((0, 1), np.int64)
        targets = torch.tensor([token for ids in ended for token in ids])
        found = np.zeros(len(targets), np.float64)
        for start in range(0, len(targets), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            with torch.no_grad():
                logs = self.network.logits(torch.from_numpy(contexts[part])).log_softmax(-1)
            found[part] = logs.gather(1, targets[part, None])[:, 0].double().numpy()
        values = iter(found.tolist())
        return [np.array(list(islice(values, len(ids)))) for ids in ended]

    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning of a sentence, f4[sentences, tokens]."""
        contexts = np.concatenate([self._contexts([*ids, 0])[-1:] for ids in before])
        with torch.no_grad():
            found: Floats = self.network.logits(torch.from_numpy(contexts)).log_softmax(-1).numpy()
        return found

    def _contexts(self, ids: Sequence[int]) -> npt.NDArray[np.int64]:
        """The `window` tokens before each, i8[tokens, window]."""
        window = self.options.window
        padded = np.array([self.tokenizer.id_of("bos")] * window + list(ids), np.int64)
        return np.lib.stride_tricks.sliding_window_view(padded, window)[: len(ids)].copy()
