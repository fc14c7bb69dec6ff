"""The three networks of the Transformer family: an encoder, a decoder, and an encoder with a decoder.

    MaskedLanguageModel   an encoder that sees both sides of a token, and guesses the masked ones: BERT, ALBERT
    CausalLanguageModel   a decoder that sees what is before a token, and guesses the next one: GPT
    EncoderDecoder        an encoder reads the source, a decoder writes the target: Vaswani et al. 2017

Shapes: ids i8[B, T]; present bool[B, T], False at padding, None where there is none; states f[B, T, D]; V words.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from firth.networks.layers import ACTIVATIONS, Activation, Cache, Norm, Stack, causal, initialise, mask_of, sinusoids
from firth.networks.nats import nats_of


class Embeddings(nn.Module):
    """The token's vector + its place's + its segment's; then, where they are asked for, LayerNorm and a projection.

    width  numbers of a token's vector; where it is not `dim`, or `project` says so, a linear map makes `dim` of it
    """

    def __init__(
        self,
        vocab_size: int,
        width: int,
        *,
        length: int,
        segments: int = 0,
        norm: bool = False,
        eps: float = 1e-5,
        project: int | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(length, width)
        self.segments = nn.Embedding(segments, width) if segments else None
        self.norm = nn.LayerNorm(width, eps) if norm else nn.Identity()
        self.project = nn.Linear(width, project) if project else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, ids: Tensor, segments: Tensor | None = None, positions: Tensor | None = None, start: int = 0
    ) -> Tensor:
        """ids i8[B, T] → f[B, T, dim]. `positions` i8[B, T]; None: from `start` on. `segments` None: all are 0."""
        x = self.tokens(ids)
        if self.segments is not None:  # a row for all is quicker, to read and to learn, than a look-up for each token
            x = x + (self.segments.weight[0] if segments is None else self.segments(segments))
        if positions is None:
            x = x + self.positions.weight[start : start + ids.shape[1]]
        else:
            x = x + self.positions(positions)
        return self.project(self.dropout(self.norm(x)))  # type: ignore[no-any-return]


class MaskedLanguageModel(nn.Module):
    """BERT (Devlin et al. 2018) and, with `width` and `shared`, ALBERT (Lan et al. 2019).

    Tokens, places and segments are added and normed; every layer sees the whole text; the output head gives each
    masked token a probability for every word, with the table of tokens for its weights. From the state of the first
    token, [CLS], `pooler` and `pair` tell how two segments belong together.

    width   numbers of a token's vector before it is projected to `dim`; None: `dim`, and no projection
    shared  all layers are one
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        layers: int,
        heads: int,
        dim: int,
        ffn_dim: int,
        length: int,
        segments: int = 2,
        width: int | None = None,
        shared: bool = False,
        activation: Activation = "gelu",
        dropout: float = 0.0,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.embed = Embeddings(
            vocab_size,
            width or dim,
            length=length,
            segments=segments,
            norm=True,
            eps=eps,
            project=dim if width else None,
            dropout=dropout,
        )
        self.stack = Stack(
            layers, dim, heads, ffn_dim, norm="post", activation=activation, dropout=dropout, eps=eps, shared=shared
        )
        self.head = MaskedHead(vocab_size, dim, width or dim, activation, eps)
        self.pooler = nn.Linear(dim, dim)
        self.pair = nn.Linear(dim, 2)
        initialise(self, dim)

    def forward(
        self,
        ids: Tensor,
        present: Tensor | None = None,
        segments: Tensor | None = None,
        *,
        positions: Tensor | None = None,
        states: list[Tensor] | None = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """The states of the last layer, f[B, T, D]; `states` and `weights` collect those of every layer."""
        x = self.embed(ids, segments, positions)
        mask = None if present is None else mask_of(present[:, None, None, :], x.dtype)
        return self.stack(x, mask, states=states, weights=weights)  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """For each state, f[…, D], a score of every word, f[…, V]: hand it those of masked tokens alone."""
        return functional.linear(self.head(states), self.embed.tokens.weight, self.head.bias)

    def pooled(self, states: Tensor) -> Tensor:
        """tanh(W h + b) of the first token's state, f[B, D]."""
        return self.pooler(states[:, 0]).tanh()  # type: ignore[no-any-return]

    def pair_logits(self, states: Tensor) -> Tensor:
        """f[B, 2]: 0, that the second segment follows the first (BERT) or that they are in order (ALBERT); 1, not."""
        return self.pair(self.pooled(states))  # type: ignore[no-any-return]


class MaskedHead(nn.Module):
    """LayerNorm(f(W h + b)): a state, f[…, D], back in the space of the token table, f[…, width]."""

    def __init__(self, vocab_size: int, dim: int, width: int, activation: Activation, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(dim, width)
        self.activation = ACTIVATIONS[activation]
        self.norm = nn.LayerNorm(width, eps)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, states: Tensor) -> Tensor:
        return self.norm(self.activation(self.dense(states)))  # type: ignore[no-any-return]


class GapLesson(nn.Module):
    """What a masked language model learns from: the nats of masked tokens, and of pairs that do not belong together."""

    def __init__(self, network: MaskedLanguageModel) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, ids: Tensor, targets: Tensor, segments: Tensor | None = None, pairs: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Summed nats. ids, segments, targets i8[B, T], negative where nothing is foretold; pairs i8[B].

        The output head, whose product with the token table is a quarter of a small network's work, is asked for the
        masked tokens alone.
        """
        states = self.network(ids, segments=segments)
        asked = targets >= 0
        network = self.network
        seen = network.head(states[asked])
        nats = {"mlm": nats_of(seen, network.embed.tokens.weight, network.head.bias, targets[asked])}
        if pairs is not None:
            nats["pair"] = functional.cross_entropy(self.network.pair_logits(states), pairs, reduction="sum")
        return nats


class CausalLanguageModel(nn.Module):
    """GPT-2 (Radford et al. 2019): pre-norm layers in which a token sees itself and what is before it.

    The scores of the next word are products with the table of tokens itself.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        layers: int,
        heads: int,
        dim: int,
        ffn_dim: int,
        length: int,
        activation: Activation = "gelu_tanh",
        dropout: float = 0.0,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.embed = Embeddings(vocab_size, dim, length=length, dropout=dropout)
        self.stack = Stack(layers, dim, heads, ffn_dim, norm="pre", activation=activation, dropout=dropout, eps=eps)
        std = initialise(self, dim)
        for block in self.stack.blocks:  # what adds to the residual stream: its variance does not grow with the depth
            for linear in (block.attention.out, block.ffn.down):  # type: ignore[union-attr]
                nn.init.normal_(linear.weight, std=std / math.sqrt(2 * layers))  # type: ignore[union-attr,arg-type]

    def forward(
        self,
        ids: Tensor,
        present: Tensor | None = None,
        *,
        positions: Tensor | None = None,
        cache: Cache | None = None,
        states: list[Tensor] | None = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """The states of the last layer, f[B, T, D].

        present    bool[B, cached + T]; padding may lie on the left, and then `positions` should not count it
        positions  i8[B, T]; None: from the number of cached tokens on
        cache      what was read before; the ids are put to it
        """
        before = 0 if cache is None else cache.length
        x = self.embed(ids, positions=positions, start=before)
        mask, triangle = causal_mask(ids.shape[1], before, present, x)
        return self.stack(x, mask, triangle=triangle, cache=cache, states=states, weights=weights)  # type: ignore[no-any-return]

    def logits(self, states: Tensor) -> Tensor:
        """For each state, f[…, D], a score of every next word, f[…, V]."""
        return functional.linear(states, self.embed.tokens.weight)


class NextLesson(nn.Module):
    """What a causal language model learns from: the nats of the token that follows each."""

    def __init__(self, network: CausalLanguageModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Summed nats. inputs, targets i8[B, T], negative where nothing is foretold."""
        states = self.network(inputs).flatten(0, 1)
        return {"lm": nats_of(states, self.network.embed.tokens.weight, None, targets.flatten())}


def causal_mask(tokens: int, before: int, present: Tensor | None, like: Tensor) -> tuple[Tensor | None, bool]:
    """How `tokens` after `before` others see: (the mask, whether a plain triangle does without one)."""
    if present is None and not before:
        return None, bool(tokens > 1)  # a number that is being exported is a symbol
    visible = causal(tokens, before + tokens, like.device) if tokens > 1 else None
    if present is not None:
        there = present[:, None, None, :]
        visible = there if visible is None else visible & there
    return None if visible is None else mask_of(visible, like.dtype), False


class EncoderDecoder(nn.Module):
    """The Transformer of "Attention Is All You Need": post-norm, sinusoids, one table of tokens for source, target and
    output. Queries come from the decoder, keys and values from what the encoder made of the source.

    target_size  words of the target where it has a table of its own; None: source and target share one
    bias         the score of every word of the target has a bias
    """

    def __init__(
        self,
        vocab_size: int,
        target_size: int | None = None,
        *,
        layers: int = 6,
        heads: int = 8,
        dim: int = 512,
        ffn_dim: int = 2048,
        norm: Norm = "post",
        activation: Activation = "relu",
        dropout: float = 0.1,
        eps: float = 1e-5,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.source = nn.Embedding(vocab_size, dim)
        self.target = self.source if target_size is None else nn.Embedding(target_size, dim)
        self.bias = nn.Parameter(torch.zeros(self.target.num_embeddings)) if bias else None
        self.dropout = nn.Dropout(dropout)
        self.encoder = Stack(layers, dim, heads, ffn_dim, norm=norm, activation=activation, dropout=dropout, eps=eps)
        self.decoder = Stack(
            layers, dim, heads, ffn_dim, norm=norm, activation=activation, dropout=dropout, eps=eps, cross=True
        )
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        for table in {self.source, self.target}:
            nn.init.normal_(table.weight, std=dim**-0.5)

    def forward(
        self,
        source: Tensor,
        target: Tensor,
        present: Tensor | None = None,
        target_present: Tensor | None = None,
        *,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """Teacher forcing: source i8[B, S], target i8[B, T] as it should come out → scores of next words f[B, T, V]."""
        memory = self.encode(source, present, weights=weights)
        return self.logits(self.decode(target, memory, present, target_present, weights=weights))

    def encode(self, source: Tensor, present: Tensor | None = None, *, weights: list[Tensor] | None = None) -> Tensor:
        """The memory f[B, S, D] of the source i8[B, S]."""
        mask = None if present is None else mask_of(present[:, None, None, :])
        return self.encoder(self._embedded(self.source, source, 0), mask, weights=weights)  # type: ignore[no-any-return]

    def decode(
        self,
        target: Tensor,
        memory: Tensor,
        present: Tensor | None = None,
        target_present: Tensor | None = None,
        *,
        cache: Cache | None = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """The states f[B, T, D] of the target so far; with a cache only of what is new in it."""
        before = 0 if cache is None else cache.length
        x = self._embedded(self.target, target, before)
        mask, triangle = causal_mask(target.shape[1], before, target_present, x)
        memory_mask = None if present is None else mask_of(present[:, None, None, :], x.dtype)
        return self.decoder(  # type: ignore[no-any-return]
            x, mask, triangle=triangle, memory=memory, memory_mask=memory_mask, cache=cache, weights=weights
        )

    def logits(self, states: Tensor) -> Tensor:
        """For each state, f[…, D], a score of every next word of the target, f[…, V]."""
        return functional.linear(states, self.target.weight, self.bias)

    def _embedded(self, table: nn.Embedding, ids: Tensor, start: int) -> Tensor:
        """√D times the tokens' vectors, and the sinusoids of their places."""
        places = sinusoids(ids.shape[1], self.dim, start).to(table.weight)
        return self.dropout(table(ids) * math.sqrt(self.dim) + places)  # type: ignore[no-any-return]
