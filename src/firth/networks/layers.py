"""What networks of attention are made of; each piece as its paper writes it.

Shapes: B texts of T tokens (queries) look at S tokens (keys); D numbers a token, H heads of d = D / H numbers each.
A mask is added to the scores of attention: 0 where a token may be seen, the lowest float where it may not, of any shape
that broadcasts to [B, H, T, S].
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["post", "pre"]
Activation = Literal["gelu", "gelu_tanh", "relu", "silu"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,  # x Φ(x), exact: BERT
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),  # GPT-2, ALBERT
    "relu": functional.relu,  # Vaswani et al.
    "silu": functional.silu,  # x σ(x), "swish": Marian
}


# ---------------------------------------------------------------- masks


def mask_of(visible: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """A mask from booleans: True may be seen. A token that may see nothing sees everything alike, and no NaN comes."""
    return torch.zeros_like(visible, dtype=dtype).masked_fill_(~visible, torch.finfo(dtype).min)


def causal(queries: int, keys: int | None = None, device: torch.device | None = None) -> Tensor:
    """Booleans [T, S]: a lower triangle. The queries are the last of the keys, and each sees itself and what is before.

    >>> causal(2, 3).int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    keys = queries if keys is None else keys
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


# ---------------------------------------------------------------- attention


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, dropout: float = 0.0
) -> tuple[Tensor, Tensor]:
    """softmax(Q Kᵀ / √d + mask) V, and the weights: every query takes the mean of the values, weighed by its keys.

    q f[B, H, T, d] · k, v f[B, H, S, d] → f[B, H, T, d], weights f[B, H, T, S], whose rows sum to 1.
    Dividing by √d gives the scores of independent unit vectors the variance 1. Vaswani et al. 2017, eq. 1.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    return functional.dropout(weights, dropout, dropout > 0) @ v, weights


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, triangle: bool = False, dropout: float = 0.0
) -> Tensor:
    """`attention` without its weights, by the fastest way there is; `triangle`: each sees itself and what is before.

    torch's fused attention is slower than the formula on a CPU in bfloat16, and where weights are dropped there.
    """
    if q.device.type == "cpu" and (q.dtype == torch.bfloat16 or dropout > 0):
        if triangle:
            mask = mask_of(causal(q.shape[-2], k.shape[-2], q.device), q.dtype)
        return attention(q, k, v, mask, dropout)[0]
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=triangle)


class MultiHeadAttention(nn.Module):
    """H times attention, each head in its own d = D / H directions of the whole x; then one linear map of all heads.

        head_h = attention(x W_h^Q, m W_h^K, m W_h^V)        out = [head_1 … head_H] W^O

    Vaswani et al. 2017, §3.2.2. m is x itself, or the memory: what an encoder made of the source. `project` holds W^Q,
    W^K and W^V one below the other, f[3 D, D], so that one product makes all three.
    """

    def __init__(self, dim: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        assert dim % heads == 0, f"{dim} numbers do not part into {heads} heads"
        self.dim, self.heads, self.dropout = dim, heads, dropout
        self.project = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        triangle: bool = False,
        memory: Tensor | None = None,
        cache: "KeyValues | None" = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """x f[B, T, D] → f[B, T, D].

        memory   f[B, S, D]  what is looked at; None: x
        cache    keys and values of what came before x; those of x are put to them. With a memory: that memory's
        weights  a list that the weights f[B, H, T, S] are appended to
        """
        q, k, v = self.queries_keys_values(x, memory, cache)
        dropout = self.dropout if self.training else 0.0
        if weights is None:
            mixed = attend(q, k, v, mask, triangle=triangle, dropout=dropout)
        else:
            if triangle:
                mask = mask_of(causal(q.shape[-2], k.shape[-2], q.device), q.dtype)
            mixed, seen = attention(q, k, v, mask, dropout)
            weights.append(seen)
        return self.out(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def queries_keys_values(
        self, x: Tensor, memory: Tensor | None, cache: "KeyValues | None"
    ) -> tuple[Tensor, Tensor, Tensor]:
        """f[B, H, T, d] of the queries, f[B, H, S, d] of keys and values."""
        if memory is None:
            q, k, v = self._parted(self.project(x), 3)
            return (q, k, v) if cache is None else (q, *cache.extended(k, v))
        weight, bias, dim = self.project.weight, self.project.bias, self.dim
        (q,) = self._parted(functional.linear(x, weight[:dim], bias[:dim]), 1)
        if cache is not None and cache.length:
            return (q, *cache.held())
        k, v = self._parted(functional.linear(memory, weight[dim:], bias[dim:]), 2)
        return (q, k, v) if cache is None else (q, *cache.extended(k, v))

    def _parted(self, flat: Tensor, parts: int) -> tuple[Tensor, ...]:
        """f[B, T, parts · D] → parts times f[B, H, T, d]."""
        batch, tokens, _ = flat.shape
        return flat.view(batch, tokens, parts, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)


class KeyValues:
    """The keys and values that one attention has made: the room for them is taken once, and filled token by token."""

    def __init__(self, room: int) -> None:
        self.room, self.length = room, 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def extended(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep k, v f[B, H, T, d]; all that are kept."""
        if self._keys is None or self._values is None:
            room = max(self.room, k.shape[2])
            self._keys = k.new_empty(*k.shape[:2], room, k.shape[3])
            self._values = torch.empty_like(self._keys)
        start, self.length = self.length, self.length + k.shape[2]
        assert self.length <= self._keys.shape[2], f"{self.length} tokens in the room of {self._keys.shape[2]}"
        self._keys[:, :, start : self.length] = k
        self._values[:, :, start : self.length] = v
        return self.held()

    def held(self) -> tuple[Tensor, Tensor]:
        """All keys and values kept, f[B, H, length, d]."""
        assert self._keys is not None and self._values is not None
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]

    def select(self, rows: Tensor) -> None:
        """Go on with these of the B texts, in this order: what a beam search keeps."""
        if self._keys is not None and self._values is not None:
            self._keys, self._values = self._keys[rows], self._values[rows]


class Cache:
    """What a decoder has read, layer by layer: one more token costs one token's work, not that of the whole text.

    room  tokens that the decoder will read, at most
    """

    def __init__(self, layers: int, room: int) -> None:
        self.own = [KeyValues(room) for _ in range(layers)]
        self.memory = [KeyValues(0) for _ in range(layers)]

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.own[0].length

    def select(self, rows: Tensor) -> None:
        """Go on with these of the texts, in this order."""
        for each in (*self.own, *self.memory):
            each.select(rows)


# ---------------------------------------------------------------- a layer, and a stack of them


class FeedForward(nn.Module):
    """W₂ f(W₁ x + b₁) + b₂, for each token by itself. Vaswani et al. 2017, §3.3."""

    def __init__(self, dim: int, ffn_dim: int, activation: Activation) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(dim, ffn_dim), nn.Linear(ffn_dim, dim)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """Self-attention, in a decoder attention to the memory, and a feed-forward network; each is added to what it reads.

    norm  "post": LayerNorm(x + f(x)), as Vaswani et al. and BERT. "pre": x + f(LayerNorm(x)), as GPT-2
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        ffn_dim: int,
        *,
        norm: Norm = "post",
        activation: Activation = "gelu",
        dropout: float = 0.0,
        eps: float = 1e-5,
        cross: bool = False,
    ) -> None:
        super().__init__()
        self.pre = norm == "pre"
        self.attention = MultiHeadAttention(dim, heads, dropout=dropout)
        self.attention_norm = nn.LayerNorm(dim, eps)
        if cross:
            self.cross = MultiHeadAttention(dim, heads, dropout=dropout)
            self.cross_norm = nn.LayerNorm(dim, eps)
        self.ffn = FeedForward(dim, ffn_dim, activation)
        self.ffn_norm = nn.LayerNorm(dim, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        triangle: bool = False,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: Cache | None = None,
        layer: int = 0,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """x f[B, T, D] → f[B, T, D]; the others as in `MultiHeadAttention`."""
        own = None if cache is None else cache.own[layer]
        x = self._add(
            x,
            lambda y: self.attention(y, mask, triangle=triangle, cache=own, weights=weights),
            self.attention_norm,
        )
        if memory is not None:
            known = None if cache is None else cache.memory[layer]
            x = self._add(
                x,
                lambda y: self.cross(y, memory_mask, memory=memory, cache=known, weights=weights),
                self.cross_norm,
            )
        return self._add(x, self.ffn, self.ffn_norm)

    def _add(self, x: Tensor, sublayer: Callable[[Tensor], Tensor], norm: nn.Module) -> Tensor:
        if self.pre:
            return x + self.dropout(sublayer(norm(x)))  # type: ignore[no-any-return]
        return norm(x + self.dropout(sublayer(x)))  # type: ignore[no-any-return]


class Stack(nn.Module):
    """Blocks, one after the other; `shared`: one block, gone through again and again (Lan et al. 2019). A pre-norm
    stack ends with a LayerNorm of its own."""

    def __init__(
        self,
        layers: int,
        dim: int,
        heads: int,
        ffn_dim: int,
        *,
        norm: Norm = "post",
        activation: Activation = "gelu",
        dropout: float = 0.0,
        eps: float = 1e-5,
        cross: bool = False,
        shared: bool = False,
    ) -> None:
        super().__init__()
        self.layers = layers
        self.blocks = nn.ModuleList(
            Block(dim, heads, ffn_dim, norm=norm, activation=activation, dropout=dropout, eps=eps, cross=cross)
            for _ in range(1 if shared else layers)
        )
        self.norm = nn.LayerNorm(dim, eps) if norm == "pre" else nn.Identity()

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        triangle: bool = False,
        memory: Tensor | None = None,
        memory_mask: Tensor | None = None,
        cache: Cache | None = None,
        states: list[Tensor] | None = None,
        weights: list[Tensor] | None = None,
    ) -> Tensor:
        """x f[B, T, D] → f[B, T, D].

        states   a list that x and the output of every layer are appended to: layers + 1 in all
        weights  a list for the weights of every attention: one a layer, two where there is a memory
        """
        for layer in range(self.layers):
            if states is not None:
                states.append(x)
            block = self.blocks[layer % len(self.blocks)]
            x = block(
                x,
                mask,
                triangle=triangle,
                memory=memory,
                memory_mask=memory_mask,
                cache=cache,
                layer=layer,
                weights=weights,
            )
        x = self.norm(x)
        if states is not None:
            states.append(x)
        return x


# ---------------------------------------------------------------- positions


def sinusoids(length: int, dim: int, start: int = 0) -> Tensor:
    """f[length, dim] of PE(p, 2i) = sin(p w_i), PE(p, 2i + 1) = cos(p w_i), w_i = 10000^(-2i/dim), for p from `start`.

    PE(p + k) is a linear function of PE(p): each pair (sin, cos) is turned by the angle k w_i.
    Vaswani et al. 2017, §3.5.

    >>> sinusoids(2, 4)[0].tolist()
    [0.0, 1.0, 0.0, 1.0]
    """
    frequency = torch.exp(torch.arange(0, dim, 2, dtype=torch.float64) * (-math.log(10_000.0) / dim))
    angles = torch.arange(start, start + length, dtype=torch.float64)[:, None] * frequency
    table = torch.zeros(length, dim, dtype=torch.float64)
    table[:, 0::2], table[:, 1::2] = angles.sin(), angles.cos()[:, : dim // 2]
    return table.float()


# ---------------------------------------------------------------- many vectors made one


def mean_over(states: Tensor, present: Tensor) -> Tensor:
    """f[B, D]: the mean of the tokens f[B, T, D] that are present, bool[B, T]; 0 where none is."""
    there = present.to(states.dtype).unsqueeze(-1)
    return (states * there).sum(1) / there.sum(1).clamp(min=1)


def last_of(states: Tensor, present: Tensor) -> Tensor:
    """f[B, D]: the last token f[B, T, D] that is present, bool[B, T]; the first where none is."""
    places = torch.arange(present.shape[1], device=present.device)
    last = (present * places).amax(1)
    return states[torch.arange(states.shape[0], device=states.device), last]  # len() would fix it in an export


class ScalarMix(nn.Module):
    """γ Σ_j softmax(s)_j h_j: one state for each token out of those of all layers, s and γ learnt by the task.

    Peters et al. 2018, eq. 1. At first the plain mean: s = 0, γ = 1.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(layers))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, states: list[Tensor]) -> Tensor:
        """As many states, all of one shape, as there are layers → one of that shape."""
        shares = self.scores.softmax(0)
        mixed = shares[0] * states[0]
        for share, state in zip(shares[1:], states[1:], strict=True):
            mixed = mixed + share * state
        return self.scale * mixed


# ---------------------------------------------------------------- first weights


def initialise(network: nn.Module, dim: int) -> float:
    """Weights and tables from a normal distribution, biases 0, norms 1; gives its standard deviation.

    That is BERT's and GPT-2's 0.02 at their width of 768, and grows as 1 / √D for narrower networks: with 0.02 the
    scores of attention would begin so near to 0 there that it learns to look anywhere only late.
    """
    std = 0.02 * math.sqrt(768 / dim)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return std
