"""The nats of true words under a softmax over all of them, without a table of every score: in parts that fit the cache.

The scores of 2,048 tokens for 8,192 words are 64 MB, which the usual way writes, reads and writes again, forward and
backward: a seventh of a small GPT's step on a processor. Here a part's scores are made, turned into their gradient in
place, and multiplied back, and the next part takes the same memory.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_AT_ONCE = 256  # rows of scores: 8 MB for 8,192 words


def nats_of(states: Tensor, table: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Σ -log softmax(table · h + bias)[target]: one number.

    states f[n, D] · table f[V, D] · bias f[V] · targets i8[n], negative where nothing is foretold

    >>> states, table = torch.eye(2), torch.zeros(4, 2)
    >>> round(nats_of(states, table, None, torch.tensor([3, -100])).item(), 4)
    1.3863
    """
    needs = torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in (states, table, bias))
    found: Tensor = _Nats.apply(states, table, bias, targets, needs)  # type: ignore[no-untyped-call]
    return found


class _Nats(torch.autograd.Function):
    """The gradients are made on the way forward, when the scores are there: softmax(scores) - 1 at the target."""

    @staticmethod
    def forward(
        ctx: Any, states: Tensor, table: Tensor, bias: Tensor | None, targets: Tensor, needs_gradients: bool
    ) -> Tensor:
        low = low_precision(states)
        total = torch.zeros((), dtype=torch.float32, device=states.device)
        of_states = torch.empty_like(states) if needs_gradients else None
        of_table = torch.zeros_like(table) if needs_gradients else None
        of_bias = torch.zeros_like(bias) if needs_gradients and bias is not None else None
        read, words = states.to(low), table.to(low)
        for start in range(0, len(states), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            some, known = read[part], targets[part] >= 0
            true = targets[part].clamp(min=0)[:, None]
            scores = functional.linear(some, words, None if bias is None else bias.to(low))
            logs = scores.log_softmax(1, dtype=torch.float32)
            total -= (logs.gather(1, true)[:, 0] * known).sum()
            if of_states is None or of_table is None:
                continue
            gradient = logs.exp_().scatter_add_(1, true, logs.new_full(true.shape, -1.0))
            if not bool(known.all()):
                gradient.mul_(known[:, None])
            if of_bias is not None:
                of_bias += gradient.sum(0)
            gradient = gradient.to(low)
            of_states[part] = gradient @ words
            of_table += gradient.t() @ some
        ctx.save_for_backward(*(one for one in (of_states, of_table, of_bias) if one is not None))
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        of_states, of_table, *of_bias = (one * gradients[0].to(one.dtype) for one in ctx.saved_tensors)
        return of_states, of_table, (of_bias[0] if of_bias else None), None, None


def low_precision(like: Tensor) -> torch.dtype:
    """What products are made in: under autocast its type, else that of the tensor. Each part is turned into it once."""
    kind = like.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else like.dtype
