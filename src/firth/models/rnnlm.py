"""RNNLM: a language model that reads any number of words before the next, one at a time.

Mikolov, Karafiát, Burget, Černocký & Khudanpur 2010, "Recurrent neural network based language model".
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firth.config import config, option
from firth.errors import ConfigError
from firth.examples.packing import Examples, Packed, Stream
from firth.models.language_model import Floats, NextTokenModel, grouped
from firth.models.neural_model import NeuralModel
from firth.networks.rnn import Recurrent
from firth.tokens.tokenizer import Tokenizer


@config
class RNNLM(NeuralModel):
    """p(word | all words before), which a recurrent layer keeps in one vector.

    >>> lm = RNNLM(dim=8, hidden=16, length=8, steps=60, lr=0.02).fit(["the cat sat", "the dog ran"] * 20)
    >>> lm.fill_mask("the cat [MASK]", topn=1)[0][0]
    'sat'
    """

    name: ClassVar[str] = "rnnlm"

    cell: Literal["lstm", "rnn"] = option(default="lstm")
    """lstm: cells with gates, which remember for long. rnn: Elman's plain layer."""
    dim: int = option(default=200, at_least=1)
    """Numbers in a row of the look-up table."""
    hidden: int = option(default=200, at_least=1)
    """Numbers in the state of a layer."""
    layers: int = option(default=1, at_least=1)
    """Recurrent layers, one above the other."""
    length: int = option(default=32, at_least=1)
    """Words in a row that is learnt from: as far as gradients go back."""
    dropout: float = option(default=0.0, at_least=0, at_most=0.95)
    """Share of the numbers between layers that are left out at each step."""
    samples: int | None = option(default=None, at_least=1)
    """Hold the true word against so many noise words while learning (sampled softmax); none: against all words."""

    def network(self, tokenizer: Tokenizer) -> Recurrent:
        """The look-up table, the layers, the softmax."""
        return Recurrent(
            len(tokenizer),
            dim=self.dim,
            hidden=self.hidden,
            layers=self.layers,
            cell=self.cell,
            dropout=self.dropout,
            samples=self.samples,
        )

    def embedding(self, network: Recurrent) -> nn.Embedding:
        """The look-up table."""
        return network.table

    def packed(self, lines: Any, tokenizer: Tokenizer) -> Packed:
        """The text in tokens, each sentence between its marks."""
        return Packed.of(lines, tokenizer, start=tokenizer.id_of("bos"), end=tokenizer.id_of("eos"))

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Rows of words, from a state of zeros; where a sentence begins is not predicted."""
        return Stream(packed, self.length, unpredicted=tokenizer.id_of("bos"))

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "RecurrentModel":
        """What can be asked."""
        return RecurrentModel(self, network, tokenizer, text, provenance)


class RecurrentModel(NextTokenModel):
    """What `RNNLM.fit` returns."""

    options: RNNLM
    network: Recurrent

    @property
    def table(self) -> Floats:
        """The look-up table, f4[tokens, dim]."""
        found: Floats = self.network.table.weight.detach().numpy()
        return found

    def encode(self, texts: Sequence[str], *, pooling: Literal["mean", "last", "tokens"] = "mean") -> Any:
        """The state after each token of a text: f4[texts, hidden].

        pooling  "mean": of its tokens, 0 where it has none; "last": after the last one; "tokens": a list with
                 f4[tokens, hidden] for each text
        """
        if pooling not in ("mean", "last", "tokens"):
            raise ConfigError(f"pooling must be 'mean', 'last' or 'tokens', not {pooling!r}.")
        found = [states[1:] for states in self._states(self.tokens(texts))]
        if pooling == "tokens":
            return found
        if not found:
            return np.zeros((0, self.options.hidden), np.float32)
        nothing = np.zeros(self.options.hidden, np.float32)
        return np.stack([nothing if not len(one) else one[-1] if pooling == "last" else one.mean(0) for one in found])

    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """For each sentence of token ids the log p of each of them and of its end, f8[tokens + 1]."""
        end = self.tokenizer.id_of("eos")
        found = []
        for ids, states in zip(sentences, self._states(sentences), strict=True):
            targets = torch.tensor([*ids, end])
            with torch.no_grad():
                logs = self.network.softmax.scores(torch.from_numpy(states)).log_softmax(-1)
            found.append(logs.gather(1, targets[:, None])[:, 0].double().numpy())
        return found

    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning of a sentence, f4[sentences, tokens]."""
        last = np.stack([states[-1] for states in self._states(before)])
        with torch.no_grad():
            found: Floats = self.network.softmax.scores(torch.from_numpy(last)).log_softmax(-1).numpy()
        return found

    def _states(self, sentences: Sequence[Sequence[int]]) -> list[Floats]:
        """The state after the mark of the beginning, and after each token: f4[tokens + 1, hidden]."""
        begin = self.tokenizer.id_of("bos")
        found: list[Floats] = [np.zeros(0, np.float32)] * len(sentences)
        for some in grouped([len(ids) + 1 for ids in sentences]):
            rows = nn.utils.rnn.pad_sequence([torch.tensor([begin, *sentences[at]]) for at in some], batch_first=True)
            with torch.no_grad():
                states: Tensor = self.network.states(rows)
            for row, at in enumerate(some):
                found[at] = states[row, : len(sentences[at]) + 1].numpy().copy()
        return found
