"""The output layer of language models: a probability for every word, or, while learning, for a sample of them.

    p(w | h) = exp(W[w]·h + b[w]) / Σ_v exp(W[v]·h + b[v])

Sampled softmax replaces the sum by one over the true word and noise words that all rows of a batch share, each score
less the log of how often its word is expected in the sample (Bengio & Senécal 2003, 2008; Jean et al. 2015). Noise is
log-uniform in the id, as in ELMo's training: the tokenizer numbers words by how often they come, and Zipf's law says
the rest. Outside of training the softmax is always whole.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from torch import Tensor, nn


class Softmax(nn.Module):
    """inputs: numbers of h; words: of the vocabulary; samples: noise words drawn for a batch, None for all words."""

    def __init__(self, inputs: int, words: int, samples: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(words, inputs))  # W
        self.bias = nn.Parameter(torch.zeros(words))  # b
        self.samples = samples
        nn.init.uniform_(self.weight, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))

    def forward(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Summed nats of the true words: hidden f4[n, inputs], targets i8[n], where a negative one counts nothing."""
        if self.training and self.samples is not None:
            known = targets >= 0
            return self.sampled(hidden[known], targets[known])
        return F.cross_entropy(self.scores(hidden), targets, reduction="sum")

    def scores(self, hidden: Tensor) -> Tensor:
        """W h + b, f4[…, words]."""
        return F.linear(hidden, self.weight, self.bias)

    def sampled(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The same nats by a sample; torch's generator draws it."""
        assert self.samples is not None
        noise, expected = self.noise(self.samples, hidden.device)
        scores = F.linear(hidden, self.weight[noise], self.bias[noise]) - expected.log()
        scores = scores.masked_fill(noise == targets[:, None], -math.inf)  # the true word is no noise
        true = (hidden * self.weight[targets]).sum(-1) + self.bias[targets] - self.expected(targets).log()
        return (torch.logaddexp(true, scores.logsumexp(-1)) - true).sum()

    def noise(self, draws: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """The distinct words among `draws` ones, i8[k], and how often each was to be expected, f4[k]."""
        chance = torch.rand(draws, device=device)
        ids = (torch.exp(chance * math.log(len(self.bias) + 1)) - 1).long().clamp_(max=len(self.bias) - 1)
        noise: Tensor = torch.unique(ids)
        return noise, self.expected(noise)

    def expected(self, ids: Tensor) -> Tensor:
        """The chance of each word to be drawn: 1 - (1 - p)^draws, p = log((id + 2) / (id + 1)) / log(words + 1)."""
        assert self.samples is not None
        p = torch.log1p(1 / (ids.float() + 1)) / math.log(len(self.bias) + 1)
        return -torch.expm1(self.samples * torch.log1p(-p))
