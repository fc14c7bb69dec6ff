"""A table as PyTorch's `nn.Embedding`, and back.

Row 0 of the layer is padding: zeros, and no gradient reaches it. So the id of a key is its row in the table plus 1, and
0 is free to fill up short sentences with.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from firth.errors import InputError, MissingExtraError
from firth.vectors.nearest import Floats

if TYPE_CHECKING:
    from torch.nn import Embedding


def to_layer(keys: Sequence[str], table: Floats, freeze: bool, padding: bool) -> tuple["Embedding", dict[str, int]]:
    """The layer, and the id of each key in it. Raises MissingExtraError without torch."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("An nn.Embedding needs PyTorch: pip install 'firth[lm]'") from None
    first = int(padding)
    weight = torch.empty(len(table) + first, table.shape[1])
    weight[:first] = 0
    weight[first:].numpy()[:] = table
    padding_idx = 0 if padding else None
    layer = torch.nn.Embedding.from_pretrained(weight, freeze=freeze, padding_idx=padding_idx)  # type: ignore[no-untyped-call]
    return layer, dict(zip(keys, range(first, len(table) + first), strict=True))


def from_layer(layer: Any, ids: Mapping[str, int]) -> tuple[list[str], Floats]:
    """Keys in the order of their ids, and their rows. Raises InputError for what is no layer or has not those ids."""
    weight = getattr(layer, "weight", layer)
    try:
        table = np.asarray(weight.detach().float().cpu().numpy())
    except (AttributeError, RuntimeError, TypeError):
        raise InputError(f"Give a torch.nn.Embedding (or its weight), not {type(layer).__name__}.") from None
    keys = sorted(ids, key=ids.__getitem__)
    rows = np.array([ids[key] for key in keys], np.int64)
    if table.ndim != 2 or (len(rows) and not 0 <= rows.min() <= rows.max() < len(table)):
        raise InputError(
            f"The layer has weights of shape {table.shape}; ids must be 0 to {len(table) - 1:,}, "
            f"not up to {rows.max(initial=-1):,}."
        )
    return keys, table[rows]
