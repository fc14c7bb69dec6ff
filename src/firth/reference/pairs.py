"""The slow twin of `kernels.pairs`: two-sided bags with negative sampling, a pair at a time, in f8."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from firth.reference.noise import Noise
from firth.reference.word2vec import Floats, negative_sampling


@dataclass
class Model:
    """The tables, what is learnt from, and how."""

    inputs: Floats
    """f8[rows, dim]"""
    outputs: Floats
    """f8[rows, dim]; the same array where both sides share rows."""
    lefts: list[list[int]]
    """The rows of each pair's left side."""
    held: list[int]
    """The right side of each pair, a number in `rights`."""
    rights: list[list[int]]
    """The rows of each distinct right side."""
    negatives: int = 5
    noise: list[int] = field(default_factory=list)
    """Right sides, drawn."""


def learn(
    model: Model, order: Iterable[int], lr: float, fall: float = 0.0, key: int = 0, number: int = 0
) -> list[float]:
    """One step down the gradient for each pair, at a rate that falls by `fall` from one to the next.

    `key` and `number` say where the noise begins. Returns the losses, in nats.
    """
    losses, noise = [], Noise(model.noise, model.negatives, key, number)
    for place, pair in enumerate(order):
        rows, step = model.lefts[pair], lr - place * fall
        held = [model.held[pair], *noise.draw()]
        hidden = model.inputs[rows].mean(axis=0, keepdims=True)
        means = np.array([model.outputs[model.rights[right]].mean(axis=0) for right in held])
        loss, gradient, moved = held_against(hidden, means, held, step)
        np.add.at(model.inputs, rows, gradient / len(rows))
        for right, move in zip(held, moved, strict=True):
            np.add.at(model.outputs, model.rights[right], move / len(model.rights[right]))
        losses.append(loss)
    return losses


def held_against(hidden: Floats, means: Floats, held: list[int], lr: float) -> tuple[float, Floats, Floats]:
    """(loss, what the hidden vector moves by f8[1, dim], what each mean moves by f8[n, dim]).

    Noise that is the true right side counts for nothing.

    >>> loss, _, moved = held_against(np.ones((1, 2)), np.zeros((3, 2)), [4, 7, 4], lr=0.1)
    >>> float(loss / np.log(2)), moved.tolist()  # two coins
    (2.0, [[0.05, 0.05], [-0.05, -0.05], [0.0, 0.0]])
    """
    after = means.copy()
    others = [0, *(k for k in range(1, len(held)) if held[k] != held[0])]
    part = means[others]
    loss, gradient = negative_sampling(hidden, part, [*range(len(others))], lr)
    after[others] = part
    return float(loss[0]), gradient, after - means
