"""The look-up table is a linear layer on a one-hot input.

A word's number i becomes the vector e_i, all 0 but a 1 at place i. A linear layer without bias multiplies it by its
weights W[words, dim], and every product but those with row i is 0, so

    e_i W = W[i]

Word vectors are the weights of that layer. A table is looked up because the product would spend words × dim
multiplications to copy one row; nothing else differs, the gradient included: it, too, touches row i alone.

>>> words = ["北", "京", "欢", "迎", "你"]
>>> one_hot(words.index("京"), len(words))
array([0., 1., 0., 0., 0.], dtype=float32)
>>> W = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9], [1.0, 1.1, 1.2], [1.3, 1.4, 1.5]], np.float32)
>>> linear(one_hot(words.index("京"), len(words)), W)
array([0.4, 0.5, 0.6], dtype=float32)
>>> look_up(words.index("京"), W)
array([0.4, 0.5, 0.6], dtype=float32)

One-hot vectors say nothing of likeness: two different ones are at right angles, so their cosine is 0. The rows of W
are free to come near each other, and learning makes them.

>>> float(one_hot(words.index("北"), 5) @ one_hot(words.index("京"), 5))
0.0
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


def one_hot(ids: ArrayLike, words: int) -> Floats:
    """f4[..., words]: a 1 at the place of each id, 0 elsewhere. Raises IndexError for an id that is not 0 … words - 1.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]], dtype=float32)
    """
    places = np.asarray(ids)
    if ((places < 0) | (places >= words)).any():
        raise IndexError(f"ids must lie in 0 … {words - 1}, not {places.min()} … {places.max()}.")
    hot: Floats = (places[..., None] == np.arange(words)).astype(np.float32)
    return hot


def linear(inputs: Floats, weights: Floats) -> Floats:
    """A linear layer without bias: f4[..., words] times f4[words, dim]."""
    outputs: Floats = inputs @ weights
    return outputs


def look_up(ids: ArrayLike, table: Floats) -> Floats:
    """Rows of f4[words, dim]: the same numbers as `linear(one_hot(ids, words), table)`, without the product."""
    rows: Floats = table[np.asarray(ids)]
    return rows


def linear_gradient(inputs: Floats, upstream: Floats) -> Floats:
    """The gradient of `linear` by its weights, inputsᵀ · upstream: f4[words, dim].

    Rows of words that were not put in get 0; a word put in twice gets the sum. This is why training touches only the
    rows of the words at hand.

    >>> linear_gradient(one_hot([1, 1, 3], 4), np.array([[1, 2], [10, 20], [5, 6]], np.float32))
    array([[ 0.,  0.],
           [11., 22.],
           [ 0.,  0.],
           [ 5.,  6.]], dtype=float32)
    """
    gradient: Floats = inputs.T @ upstream
    return gradient
