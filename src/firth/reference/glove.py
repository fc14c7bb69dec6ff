"""The slow twin of `kernels.glove`: the cost of one cell, and one step of AdaGrad on it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]


class Side(NamedTuple):
    """A word, or a context: its vector and its bias, and the sums of squares of both, which begin at 1."""

    vector: Vector
    bias: Vector
    """f8[1]"""
    vector_squares: Vector
    bias_squares: Vector


def weight(x: float, x_max: float = 100.0, alpha: float = 0.75) -> float:
    """f(x) = min(1, (x / x_max)^alpha): Pennington et al. 2014, eq. 9.

    >>> weight(100 / 16), weight(1000)
    (0.125, 1.0)
    """
    return min(1.0, float((x / x_max) ** alpha))


def off(word: Side, context: Side, x: float) -> float:
    """w·c + a + b - ln x."""
    return float(word.vector @ context.vector + word.bias[0] + context.bias[0] - np.log(x))


def cost(word: Side, context: Side, x: float, x_max: float = 100.0, alpha: float = 0.75) -> float:
    """f(x) (w·c + a + b - ln x)² / 2: eq. 8, halved as in glove.c."""
    return 0.5 * weight(x, x_max, alpha) * off(word, context, x) ** 2


def step(word: Side, context: Side, x: float, lr: float, x_max: float = 100.0, alpha: float = 0.75) -> float:
    """Moves both sides in place, each by the other as it was; returns the cost before."""
    before = cost(word, context, x, x_max, alpha)
    pull = weight(x, x_max, alpha) * off(word, context, x)
    gradients = pull * context.vector, pull * word.vector
    for side, gradient in zip((word, context), gradients, strict=True):
        _move(side.vector, side.vector_squares, lr * gradient)
        _move(side.bias, side.bias_squares, np.array([lr * pull]))
    return before


def _move(numbers: Vector, squares: Vector, gradient: Vector) -> None:
    numbers -= gradient / np.sqrt(squares)
    squares += gradient**2
