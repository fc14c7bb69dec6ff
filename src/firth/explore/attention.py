"""Where a network looks: the weights of its attention, from every token to every token."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError


@dataclass(frozen=True)
class Attention:
    """The weights of every layer and head; `save` draws those of one layer.

    >>> import numpy as np
    >>> seen = Attention(["a", "b"], ["x", "y", "z"], np.full((1, 2, 2, 3), 1 / 3, np.float32), "a b from x y z")
    >>> seen.layer(1).shape
    (2, 2, 3)
    """

    queries: Sequence[str]
    """The tokens that look, T of them."""
    keys: Sequence[str]
    """The tokens that are looked at, S of them."""
    weights: NDArray[np.float32]
    """f4[layers, heads, T, S]; each row sums to 1, or is 0 where a token sees nothing."""
    title: str = "Attention"

    def layer(self, number: int) -> NDArray[np.float32]:
        """f4[heads, T, S] of layer 1, 2, …, or of -1, the last. Raises ConfigError for one that is not there."""
        layers = len(self.weights)
        if number == 0 or not -layers <= number <= layers:
            raise ConfigError(f"layer must be from 1 to {layers}, or from -1 (the last) to {-layers}, not {number}.")
        found: NDArray[np.float32] = self.weights[number - 1 if number > 0 else number]
        return found

    def save(self, path: str | os.PathLike[str], *, layer: int = -1, head: int | None = None) -> None:
        """Draw one layer into a .png, .svg or .pdf: a row for each token that looks, a column for each looked at.

        layer  1, 2, …; -1 is the last
        head   1, 2, …; None: all of them, side by side

        Raises ConfigError for another ending, or a layer or head that is not there.
        """
        from firth.explore.drawing import drawn_attention
        from firth.explore.files import ending, write

        kind = ending(path)
        if kind == "html":
            raise ConfigError("Attention is drawn as .png, .svg or .pdf.")
        write(path, drawn_attention(self, kind, self._heads(layer, head)))

    def _heads(self, layer: int, head: int | None) -> list[tuple[str, NDArray[np.float32]]]:
        """What is drawn: the name and the weights [T, S] of each head."""
        heads = self.layer(layer)
        if head is not None and not 1 <= head <= len(heads):
            raise ConfigError(f"head must be from 1 to {len(heads)}, not {head}.")
        return [(f"head {number}", each) for number, each in enumerate(heads, 1) if head in (None, number)]

    def _repr_png_(self) -> bytes:
        """Shown by notebooks: the last layer."""
        from firth.explore.drawing import drawn_attention

        return drawn_attention(self, "png", self._heads(-1, None))
