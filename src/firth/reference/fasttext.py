"""The slow twin of `kernels.word_bags`: fastText, a window at a time; the rest of it is `reference.word2vec`."""

from collections.abc import Sequence

import numpy as np

from firth.reference.noise import Noise
from firth.reference.word2vec import Example, Floats, Model, examples, sigmoid, softmax

SIX = 6  # outputs move so many at a time, as in `kernels.core`
MOST = 1.0  # of the sizes of a skip-gram window's errors together, as in `kernels.contexts`


def learn(
    model: Model,
    bags: Sequence[Sequence[int]],
    key: int,
    lr: float,
    number: int = 0,
    start: int = 0,
    end: int | None = None,
    divided: bool = False,
) -> list[float]:
    """One step of gradient descent for every window whose centre is one of the tokens start … end - 1.

    bags     for each word the rows of model.inputs it is made of
    divided  each of these rows gets its share of the gradient; else all of it, as in fastText

    Returns the loss of every window, in nats, and of skip-gram of all its contexts together.
    """
    losses, noise = [], Noise(model.noise, model.negatives, key, number)
    for example in examples(model, key, start, end):
        rows = [row for word in input_words(model, example) for row in bags[word]]
        hidden = model.inputs[rows].mean(axis=0)
        words = example.contexts if model.architecture == "skipgram" else [example.centre]
        if model.loss == "softmax":
            loss, gradient = _softmax(hidden, model.outputs, words, lr)
        else:
            targets, labels, weights = held_against(model, words, noise.draw() if model.loss == "ns" else [])
            bounded = model.loss == "ns" and model.architecture == "skipgram" and not divided
            loss, gradient = _logistic(hidden, model.outputs, targets, labels, weights, lr, bounded)
        np.add.at(model.inputs, rows, gradient / (len(rows) if divided else 1))
        losses.append(loss)
    return losses


def input_words(model: Model, example: Example) -> list[int]:
    """The words whose bags make the hidden vector: skip-gram's centre, CBOW's contexts."""
    return [example.centre] if model.architecture == "skipgram" else example.contexts


def held_against(model: Model, words: list[int], noise: list[int]) -> tuple[list[int], Floats, Floats]:
    """The output rows, their labels, and how much each counts: a noise word for every word that it is not.

    >>> model = Model(np.zeros((5, 1)), np.zeros((5, 1)), [], [])
    >>> targets, labels, weights = held_against(model, [0, 1, 0], [3, 0])
    >>> targets, labels.tolist(), weights.tolist()
    ([0, 1, 0, 3, 0], [1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 3.0, 1.0])
    """
    if model.tree is not None:
        path = [step for word in words for step in model.tree.path(word)]
        return [node for node, _ in path], np.array([float(code) for _, code in path]), np.ones(len(path))
    weights = [1.0] * len(words) + [float(sum(word != other for word in words)) for other in noise]
    return [*words, *noise], np.array([1.0] * len(words) + [0.0] * len(noise)), np.array(weights)


def _logistic(
    hidden: Floats, outputs: Floats, targets: list[int], labels: Floats, weights: Floats, lr: float, bounded: bool
) -> tuple[float, Floats]:
    """e_k = lr · weight_k · (label_k - s(h · o_k));  gradient = Σ_k e_k o_k;  o_k += e_k h, six by six.

    bounded  Σ |e_k| is at most `MOST`
    """
    scores = outputs[targets] @ hidden
    errors = lr * weights * (labels - sigmoid(scores))
    if bounded:
        errors *= MOST / max(MOST, np.abs(errors).sum())
    gradient = np.zeros_like(hidden)
    for at in range(0, len(targets), SIX):
        some = targets[at : at + SIX]
        gradient += errors[at : at + SIX] @ outputs[some]
        np.add.at(outputs, some, np.outer(errors[at : at + SIX], hidden))
    return float(np.logaddexp(0, (1 - 2 * labels) * scores) @ weights), gradient


def _softmax(hidden: Floats, outputs: Floats, words: list[int], lr: float) -> tuple[float, Floats]:
    """The sum over the words of what `softmax` does for one, all from the same tables."""
    before = outputs.copy()
    loss, gradient, moved = 0.0, np.zeros_like(hidden), np.zeros_like(outputs)
    for word in words:
        after = before.copy()
        one, step = softmax(hidden[None], after, word, lr)
        loss += float(one[0])
        gradient += step[0]
        moved += after - before
    outputs += moved
    return loss, gradient
