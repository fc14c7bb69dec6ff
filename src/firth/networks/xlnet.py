"""XLNet: every word is foretold from any set of other words, in an order of factorisation that is drawn anew.

Yang, Dai, Yang, Carbonell, Salakhutdinov & Le 2019, "XLNet: Generalized Autoregressive Pretraining for Language
Understanding"; its relative positions and its memory are of Dai et al. 2019, "Transformer-XL".

Shapes: B texts of T tokens, M targets among them, R tokens remembered, S = R + T keys; D numbers a token, H heads of
d = D / H numbers each.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # its name in every text on torch

from firth.networks.layers import Activation, FeedForward, initialise


class View(NamedTuple):
    """What the queries of one stream see, and from where."""

    hidden: Tensor | None
    """bool[B, 1, T or M, S]: keys that a query does not see; None: it sees all."""
    other: Tensor | None
    """bool[B, 1, T or M, S]: keys in another segment than the query; None: segments are not told apart."""
    places: Tensor | None
    """i8[B, M]: the place of each query; None: they stand at 0 … T - 1."""


def distances(keys: int, tokens: int, dim: int) -> Tensor:
    """Sinusoids f[S + T, D] of the distances S, …, 1, 0, -1, …, 1 - T: all sines, then all cosines.

    A key that stands d places before the query has distance d. Dai et al. 2019, §3.3.
    """
    away = torch.arange(keys, -tokens, -1.0)
    frequencies = 10_000.0 ** (-torch.arange(0.0, dim, 2.0) / dim)
    angles = away[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def by_key(scores: Tensor, keys: int, places: Tensor | None) -> Tensor:
    """Scores by distance, f[B, H, T or M, S + T], become scores by key, f[B, H, T or M, S].

    The query at place i, after what is remembered, and key j are R + i - j apart, which is column T - i + j. Where the
    queries stand in a row that is one column to the left each time, and a change of shape does it (Dai et al. 2019,
    appendix B).
    """
    batch, heads, queries, columns = scores.shape
    if places is None:
        shifted = scores.reshape(batch, heads, columns, queries)[:, :, 1:]
        return shifted.reshape(batch, heads, queries, columns - 1)[..., :keys]
    column = (columns - keys - places)[:, :, None] + torch.arange(keys, device=scores.device)
    return scores.gather(3, column[:, None].expand(-1, heads, -1, -1))


def masked_softmax(scores: Tensor, hidden: Tensor | None) -> Tensor:
    """Softmax over the keys that are seen; all 0 where none is, so that nothing leaks to a query that sees nothing."""
    if hidden is None:
        return scores.softmax(-1)
    weights = scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(-1)
    return weights.masked_fill(hidden, 0.0)


class RelativeAttention(nn.Module):
    """Attention in which places are distances, and segments are the same or another (§2.4, §2.5).

        score(i, j) = ((q_i + u)·k_j + (q_i + v)·r_(i-j) + (q_i + b)·s_ij) / √d

    r is a linear map of the distance's sinusoids; s_ij = segments[0] where i and j are in one segment, else
    segments[1]; u, v and b are learnt, each for every head. The five maps are f[D, H, d], without a bias.
    """

    def __init__(self, dim: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        assert dim % heads == 0, f"{dim} numbers do not part into {heads} heads"
        size = dim // heads
        self.query, self.key, self.value, self.distance, self.out = (_fresh(dim, heads, size) for _ in range(5))
        self.key_bias, self.distance_bias, self.segment_bias = (_fresh(heads, size) for _ in range(3))
        self.segments = _fresh(2, heads, size)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        streams: Sequence[Tensor],
        context: Tensor,
        away: Tensor,
        views: Sequence[View],
        weights: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """The attention of each stream, f[B, T or M, D], to one context f[B, S, D], in the stream's shape.

        away     f[S + T, D]: the sinusoids of the distances
        weights  a list that the weights f[B, H, T or M, S] of the last stream are appended to
        """
        keys = torch.einsum("bsD, Dhd -> bhsd", context, self.key)
        values = torch.einsum("bsD, Dhd -> bhsd", context, self.value)
        places = torch.einsum("sD, Dhd -> hsd", away, self.distance)
        found, seen = [], context
        for x, view in zip(streams, views, strict=True):
            q = torch.einsum("btD, Dhd -> bhtd", x, self.query)
            scores = (q + self.key_bias[:, None]) @ keys.mT
            scores = scores + by_key((q + self.distance_bias[:, None]) @ places.mT, keys.shape[2], view.places)
            if view.other is not None:
                by_segment = torch.einsum("bhtd, nhd -> nbht", q + self.segment_bias[:, None], self.segments)
                same, other = by_segment.unsqueeze(-1)
                scores = scores + torch.where(view.other, other, same)
            seen = masked_softmax(scores * keys.shape[-1] ** -0.5, view.hidden)
            found.append(torch.einsum("bhtd, Dhd -> btD", self.dropout(seen) @ values, self.out))
        if weights is not None:
            weights.append(seen)
        return found


class RelativeBlock(nn.Module):
    """Relative attention, then a feed-forward network, each LayerNorm(x + f(x)); both streams share the weights."""

    def __init__(
        self, dim: int, heads: int, ffn_dim: int, *, activation: Activation, dropout: float, eps: float
    ) -> None:
        super().__init__()
        self.attention = RelativeAttention(dim, heads, dropout=dropout)
        self.attention_norm = nn.LayerNorm(dim, eps)
        self.ffn = FeedForward(dim, ffn_dim, activation)
        self.ffn_norm = nn.LayerNorm(dim, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        streams: Sequence[Tensor],
        context: Tensor,
        away: Tensor,
        views: Sequence[View],
        weights: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Each stream one layer further; the arguments as in `RelativeAttention`."""
        attended = self.attention(streams, context, away, views, weights)
        further = []
        for x, found in zip(streams, attended, strict=True):
            h = self.attention_norm(x + self.dropout(found))
            further.append(self.ffn_norm(h + self.dropout(self.ffn(h))))
        return further


class Starts(nn.Module):
    """What the streams start from: a word's vector, and for every place that is foretold one and the same vector, w."""

    def __init__(self, vocab_size: int, dim: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, dim)
        self.query = _fresh(1, 1, dim)


class RelativeStack(nn.Module):
    """Blocks, one after the other."""

    def __init__(
        self, layers: int, dim: int, heads: int, ffn_dim: int, *, activation: Activation, dropout: float, eps: float
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            RelativeBlock(dim, heads, ffn_dim, activation=activation, dropout=dropout, eps=eps) for _ in range(layers)
        )

    def forward(
        self,
        streams: list[Tensor],
        away: Tensor,
        views: Sequence[View],
        *,
        memory: Sequence[Tensor] | None = None,
        states: list[Tensor] | None = None,
        weights: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """The streams after the last layer; the arguments as in `PermutationLanguageModel`."""
        for layer, block in enumerate(self.blocks):
            if states is not None:
                states.append(streams[0])
            context = torch.cat([memory[layer], streams[0]], 1) if memory else streams[0]
            streams = block(streams, context, away, views, weights)
        if states is not None:
            states.append(streams[0])
        return streams


class PermutationLanguageModel(nn.Module):
    """XLNet: a content stream sees the words; a query stream knows the place it foretells, but not its word (§2.3).

    >>> network = PermutationLanguageModel(10, layers=2, dim=8, heads=2, ffn_dim=16)
    >>> ids = torch.tensor([[1, 2, 3, 4]])
    >>> network(ids).shape
    torch.Size([1, 4, 8])
    >>> later = torch.ones(1, 4, 4, dtype=torch.bool).triu()  # from left to right: i does not see j >= i
    >>> network.logits(network(ids, hidden=later, targets=torch.tensor([[2, 3]]))).shape
    torch.Size([1, 2, 10])
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        layers: int,
        heads: int,
        dim: int,
        ffn_dim: int,
        activation: Activation = "gelu",
        dropout: float = 0.0,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.embed = Starts(vocab_size, dim)
        self.stack = RelativeStack(layers, dim, heads, ffn_dim, activation=activation, dropout=dropout, eps=eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))
        self.pooler = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        initialise(self, dim)

    def forward(
        self,
        ids: Tensor,
        present: Tensor | None = None,
        segments: Tensor | None = None,
        *,
        hidden: Tensor | None = None,
        targets: Tensor | None = None,
        memory: Sequence[Tensor] | None = None,
        states: list[Tensor] | None = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """The last layer's states: of the content stream, f[B, T, D]; with targets, of the query stream, f[B, M, D].

        present   bool[B, T], False at padding, on either side; None: there is none
        segments  i8[B, T], the segment of each token; None: they are not told apart
        hidden    bool[B, T, T], True at [i, j] where i does not see j, which is not before it in the order of
                  factorisation; a token always sees itself in the content stream, and never in the query stream
        targets   i8[B, M], the places to foretell
        memory    of each layer f[B, R, D], what `remember` kept of the text before; all of it is seen, as segment 0
        states    a list that the content stream's states are appended to: layers + 1 in all
        weights   a list for the weights f[B, H, T or M, S] of every layer, of the stream that is returned
        """
        batch, tokens = ids.shape
        remembered = memory[0].shape[1] if memory else 0
        itself = torch.eye(tokens, dtype=torch.bool, device=ids.device).expand(batch, -1, -1)
        if present is not None:
            absent = ~present[:, None, :].expand(-1, tokens, -1)
            hidden = absent if hidden is None else hidden | absent
        other = None if segments is None else segments[:, :, None] != F.pad(segments, (remembered, 0))[:, None, :]
        streams = [self.dropout(self.embed.tokens(ids))]
        views = [View(None if hidden is None else _of_all_keys(hidden & ~itself, remembered), _of_heads(other), None)]
        if targets is not None:
            streams.append(self.dropout(self.embed.query.expand(*targets.shape, -1)))
            unseen = _of_all_keys(itself if hidden is None else hidden | itself, remembered)
            views.append(View(_rows(unseen, targets), _rows(_of_heads(other), targets), targets))
        away = distances(remembered + tokens, tokens, streams[0].shape[-1]).to(streams[0])
        streams = self.stack(streams, self.dropout(away), views, memory=memory, states=states, weights=weights)
        return self.dropout(streams[-1])  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """For each state, f[…, D], a score of every word, f[…, V]: products with the table of tokens, and a bias."""
        return F.linear(states, self.embed.tokens.weight, self.bias)

    def pooled(self, states: Tensor) -> Tensor:
        """tanh(W h + b) of the states f[B, D] that stand for whole texts."""
        return self.pooler(states).tanh()  # type: ignore[no-any-return]


class PermutationLesson(nn.Module):
    """What XLNet learns from: the nats of the targets, each foretold from what stands before it in its row's order."""

    def __init__(self, network: PermutationLanguageModel) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, ids: Tensor, segments: Tensor, targets: Tensor, hidden: Tensor, before: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Summed nats. ids, segments i8[B, T], targets i8[B, M], hidden bool[B, T, T].

        before  i8[B, R]: tokens that are read first, all at once and without learning, and then remembered
        """
        memory = None
        if before is not None:
            states: list[Tensor] = []
            with torch.no_grad():
                self.network(before, states=states)
            memory = remember(states, None, before.shape[1])
        found = self.network(ids, segments=segments, hidden=hidden, targets=targets, memory=memory)
        scores = self.network.logits(found).float()
        return {"plm": F.cross_entropy(scores.flatten(0, 1), ids.gather(1, targets).flatten(), reduction="sum")}


def remember(states: Sequence[Tensor], memory: Sequence[Tensor] | None, many: int) -> list[Tensor]:
    """The last `many` of what each layer has read: the memory of the text that follows. It is not learnt through.

    states  what the network's `states` collected of this text, f[B, T, D] each
    memory  what was remembered of the text before it
    """
    read = [state.detach() for state in states[:-1]]  # what the last layer gave is nobody's input
    if memory:
        read = [torch.cat([old, new], 1) for old, new in zip(memory, read, strict=True)]
    return [each[:, max(0, each.shape[1] - many) :] for each in read]


def _fresh(*shape: int) -> nn.Parameter:
    """Numbers from a normal distribution, as those of `initialise`."""
    return nn.Parameter(torch.randn(shape) * 0.02)


def _of_heads(pairs: Tensor | None) -> Tensor | None:
    """[B, T, S] → [B, 1, T, S]: the same for all heads."""
    return None if pairs is None else pairs[:, None]


def _of_all_keys(pairs: Tensor, remembered: int) -> Tensor:
    """bool[B, T, T] → bool[B, 1, T, S]: what is remembered is seen."""
    return F.pad(pairs, (remembered, 0))[:, None]


def _rows(pairs: Tensor | None, places: Tensor) -> Tensor | None:
    """The rows [B, 1, M, S] of [B, 1, T, S] at places i8[B, M]."""
    return None if pairs is None else pairs.gather(2, places[:, None, :, None].expand(-1, -1, -1, pairs.shape[-1]))
