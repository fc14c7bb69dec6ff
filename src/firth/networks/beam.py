"""Beam search: the likeliest text that a decoder can write, or nearly so.

At every step each of the best beginnings is continued by every word, and the best of all these are kept. One beam is
the greedy way: always the likeliest next word.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from firth.networks.layers import Cache
from firth.networks.transformer import EncoderDecoder


class Written(NamedTuple):
    """A text that the decoder wrote."""

    ids: list[int]
    """Its tokens, without start and end."""
    nats: float
    """-log p of them and of the end."""
    score: float
    """log p / penalty(length): what the search ranks by; the higher the better."""


def penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6)^alpha, so that a long text is not the worse for being long; 1 where alpha is 0.

    Wu et al. 2016, "Google's Neural Machine Translation System", eq. 14; Vaswani et al. 2017 take alpha = 0.6.
    """
    return float(((5 + length) / 6) ** alpha)


@torch.no_grad()
def beam_search(
    network: EncoderDecoder,
    source: Tensor,
    present: Tensor | None = None,
    *,
    start: int,
    end: int,
    longest: int,
    beams: int = 4,
    alpha: float = 0.6,
) -> list[list[Written]]:
    """For each source i8[B, S] up to `beams` texts, the best first; a text is over when so many have come to their end.

    start    the token that a target begins with; `end`: the one that it ends with
    longest  tokens that are written at most, the end among them; what is not over then is cut off
    """
    batch, width = len(source), beams
    memory = network.encode(source, present).repeat_interleave(width, 0)
    seen = None if present is None else present.repeat_interleave(width, 0)
    cache = Cache(network.decoder.layers, longest)
    ids = torch.full((batch, width, 1), start)
    totals = torch.full((batch, width), -torch.inf)
    totals[:, 0] = 0.0  # all beams of a text begin alike: only one may go on
    over: list[list[Written]] = [[] for _ in range(batch)]
    first = torch.arange(batch)[:, None] * width
    for length in range(1, longest + 1):
        states = network.decode(ids.flatten(0, 1)[:, -1:], memory, seen, cache=cache)
        logs = network.logits(states[:, -1]).float().log_softmax(-1)
        words = logs.shape[-1]
        best, place = (totals[:, :, None] + logs.view(batch, width, words)).flatten(1).topk(min(2, words) * width)
        beam, word = place // words, place % words
        ends = word == end
        for text, rank in (ends[:, :width] & best[:, :width].isfinite()).nonzero().tolist():
            if len(over[text]) < width:
                written = ids[text, beam[text, rank], 1:].tolist()
                over[text].append(_written(written, float(best[text, rank]), length, alpha))
        if all(len(done) == width for done in over):
            break
        totals, kept = best.masked_fill(ends, -torch.inf).topk(width)
        beam, word = beam.gather(1, kept), word.gather(1, kept)
        ids = torch.cat([ids.gather(1, beam[:, :, None].expand(-1, -1, ids.shape[-1])), word[:, :, None]], -1)
        for own in cache.own:  # what the encoder made is the same for all beams of a text
            own.select((first + beam).flatten())
    for text, done in enumerate(over):
        for rank in range(width - len(done)):
            if totals[text, rank].isfinite():
                done.append(_written(ids[text, rank, 1:].tolist(), float(totals[text, rank]), longest, alpha))
        done.sort(key=lambda each: -each.score)
    return over


def _written(ids: list[int], log_p: float, length: int, alpha: float) -> Written:
    return Written(ids, -log_p, log_p / penalty(length, alpha))
