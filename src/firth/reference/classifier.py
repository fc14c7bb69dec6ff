"""The slow twin of `kernels.bags`: a text classifier as its paper has it, in f8, a line for a formula.

Joulin, Grave, Bojanowski & Mikolov 2017. The objectives are those of reference/word2vec.py; `one_versus_all` is here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from firth.huffman import HuffmanTree
from firth.reference.noise import Noise
from firth.reference.word2vec import Floats, hierarchical_softmax, negative_sampling, sigmoid, softmax


@dataclass
class Model:
    """The tables, what is learnt from, and how."""

    inputs: Floats
    """f8[rows, dim]"""
    outputs: Floats
    """f8[labels, dim]; f8[labels - 1, dim] with a tree."""
    documents: list[list[int]]
    """The rows of each document."""
    labels: list[list[int]]
    """The labels of each; all but "ova" learn the first of them."""
    loss: str = "softmax"
    negatives: int = 5
    noise: list[int] = field(default_factory=list)
    tree: HuffmanTree | None = None


def learn(
    model: Model, order: Iterable[int], lr: float, fall: float = 0.0, key: int = 0, number: int = 0
) -> list[float]:
    """One step down the gradient for each document, at a rate that falls by `fall` from one to the next.

    `key` and `number` say where the noise begins. Returns the losses, in nats; a document without rows has none.
    """
    losses, noise = [], Noise(model.noise, model.negatives, key, number)
    for place, document in enumerate(order):
        rows, step = model.documents[document], lr - place * fall
        if not rows:
            continue
        hidden = model.inputs[rows].mean(axis=0, keepdims=True)
        loss, gradient = objective(model, hidden, document, noise.draw() if model.loss == "ns" else [], step)
        np.add.at(model.inputs, rows, gradient / len(rows))
        losses.append(float(loss[0]))
    return losses


def objective(model: Model, hidden: Floats, document: int, noise: list[int], lr: float) -> tuple[Floats, Floats]:
    """(loss f8[1], what the hidden vector moves by f8[1, dim]); moves the outputs."""
    labels = model.labels[document]
    if model.loss == "ova":
        return one_versus_all(hidden, model.outputs, labels, lr)
    if model.loss == "ns":
        return negative_sampling(hidden, model.outputs, [labels[0], *noise], lr)
    if model.loss == "hs":
        assert model.tree is not None
        return hierarchical_softmax(hidden, model.outputs, model.tree.path(labels[0]), lr)
    return softmax(hidden, model.outputs, labels[0], lr)


def one_versus_all(hidden: Floats, outputs: Floats, labels: Sequence[int], lr: float) -> tuple[Floats, Floats]:
    """-Σ log s(h·o) over the labels of the document, - Σ log s(-h·o) over all others.

    >>> loss, _ = one_versus_all(np.zeros((1, 4)), np.zeros((3, 4)), [0, 2], lr=0.1)
    >>> loss / np.log(2)  # three coins
    array([3.])
    """
    truth = np.zeros(len(outputs))
    truth[list(labels)] = 1.0
    scores = hidden @ outputs.T
    errors = lr * (truth - sigmoid(scores))
    gradient = errors @ outputs
    outputs += errors.T @ hidden
    return np.logaddexp(0, (1 - 2 * truth) * scores).sum(axis=1), gradient
