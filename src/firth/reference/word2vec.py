"""The slow twin of `kernels.shallow`: Word2Vec as the papers have it, a line for a formula.

It draws the same random numbers as the kernels and computes in f8, so after a block its tables are theirs to
rounding. Read this to understand; run the kernels to train.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from firth.huffman import HuffmanTree
from firth.reference.noise import Noise
from firth.reference.rng import below, random_bits, uniform

Floats = npt.NDArray[np.float64]


@dataclass
class Model:
    """The tables, what is learnt from, and how."""

    inputs: Floats
    """f8[words, dim]"""
    outputs: Floats
    """f8[words, dim]; f8[words - 1, dim] with a tree."""
    sentences: Iterable[Sequence[int]]
    """The text as word ids."""
    keep: list[float]
    """Probability that an occurrence of each word is kept."""
    architecture: str = "skipgram"
    loss: str = "ns"
    window: int = 5
    shrink: bool = True
    skips: int = 0
    """Draw so many of a window's context words; 0: all."""
    negatives: int = 5
    noise: list[int] = field(default_factory=list)
    """Noise words in the order they are used."""
    tree: HuffmanTree | None = None
    mean: bool = True
    """CBOW's hidden vector: the mean of the context words' vectors, else their sum."""
    corrected: bool = False
    """CBOW's gradient is that of the mean, else it is not divided, as in word2vec.c."""
    positions: Floats | None = None
    """f8[2 · window, dim], CBOW's weights by position, or none."""


@dataclass(frozen=True)
class Example:
    """A centre word, the words around it, and where each stands: 0 … window - 1 before the centre, the rest after."""

    centre: int
    contexts: list[int]
    offsets: list[int]


def learn(model: Model, key: int, lr: float, number: int = 0, start: int = 0, end: int | None = None) -> list[float]:
    """One step of gradient descent for every window whose centre is one of the tokens start … end - 1.

    `key` is the random stream of the pass, `number` the block's. Returns the loss of every hidden vector, in nats.
    """
    losses, noise = [], Noise(model.noise, model.negatives, key, number)
    for example in examples(model, key, start, end):
        hidden = hidden_vectors(model, example)
        if model.loss == "ns":
            loss, gradient = negative_sampling(hidden, model.outputs, [example.centre, *noise.draw()], lr)
        elif model.loss == "hs":
            assert model.tree is not None
            loss, gradient = hierarchical_softmax(hidden, model.outputs, model.tree.path(example.centre), lr)
        else:
            loss, gradient = softmax(hidden, model.outputs, example.centre, lr)
        move_inputs(model, example, gradient)
        losses += loss.tolist()
    return losses


def examples(model: Model, key: int, start: int = 0, end: int | None = None) -> Iterator[Example]:
    """The windows of a part of the text. Subsampling drops words first; windows reach over what is left.

    >>> sentence = [0, 1, 2, 3, 4]  # 深度 学习 改变 了 世界
    >>> model = Model(np.zeros((5, 1)), np.zeros((5, 1)), [sentence], [1.0] * 5, window=2, shrink=False)
    >>> list(examples(model, key=0))[2]
    Example(centre=2, contexts=[0, 1, 3, 4], offsets=[0, 1, 2, 3])
    """
    place = 0
    for sentence in model.sentences:
        kept = []  # (place in the text, word, reach)
        for word in sentence:
            bits = random_bits(key, place)
            if uniform(bits) < model.keep[word]:
                kept.append((place, word, 1 + below(bits, model.window) if model.shrink else model.window))
            place += 1
        for i, (at, centre, reach) in enumerate(kept):
            before = range(max(0, i - reach), i)
            after = range(i + 1, min(len(kept), i + reach + 1))
            around = [(kept[j][1], model.window + j - i) for j in before]
            around += [(kept[j][1], model.window + j - i - 1) for j in after]
            around = some(around, model.skips, random_bits(key, 2**61 + at))
            if around and start <= at and (end is None or at < end):
                yield Example(centre, [word for word, _ in around], [offset for _, offset in around])


def some(around: list[tuple[int, int]], skips: int, key: int) -> list[tuple[int, int]]:
    """`skips` of them, drawn without replacement: the first steps of a Fisher–Yates shuffle. 0: all, as they stand.

    >>> len(set(some([(word, 0) for word in range(10)], 4, key=5)))
    4
    """
    if not 0 < skips < len(around):
        return around
    drawn = list(around)
    for j in range(skips):
        other = j + below(random_bits(key, j), len(drawn) - j)
        drawn[j], drawn[other] = drawn[other], drawn[j]
    return drawn[:skips]


def hidden_vectors(model: Model, example: Example) -> Floats:
    """Skip-gram: each context word's vector, f8[contexts, dim]. CBOW: their mean or sum, f8[1, dim].

    >>> model = Model(np.eye(4), np.zeros((4, 4)), [], [], architecture="cbow")
    >>> hidden_vectors(model, Example(0, [1, 3], [4, 5]))
    array([[0. , 0.5, 0. , 0.5]])
    >>> model.mean = False
    >>> hidden_vectors(model, Example(0, [1, 3], [4, 5]))
    array([[0., 1., 0., 1.]])
    """
    rows = model.inputs[example.contexts]
    if model.architecture == "skipgram":
        return rows
    if model.positions is not None:
        rows = rows * model.positions[example.offsets]
    return np.asarray(rows.mean(axis=0, keepdims=True) if model.mean else rows.sum(axis=0, keepdims=True))


def move_inputs(model: Model, example: Example, gradient: Floats) -> None:
    """The gradient of the hidden vectors goes back to the rows they were made of."""
    if model.architecture == "skipgram":
        np.add.at(model.inputs, example.contexts, gradient)
        return
    exact = 1 / len(example.contexts) if model.mean else 1.0
    share = exact if model.corrected else 1.0
    for word, offset in zip(example.contexts, example.offsets, strict=True):
        x = model.inputs[word].copy()
        if model.positions is None:
            model.inputs[word] += share * gradient[0]
        else:
            model.inputs[word] += share * gradient[0] * model.positions[offset]
            model.positions[offset] += exact * gradient[0] * x


def negative_sampling(hidden: Floats, outputs: Floats, targets: list[int], lr: float) -> tuple[Floats, Floats]:
    """-log s(h·o_true) - Σ log s(-h·o_noise), Mikolov et al. 2013b, eq. 4; noise that is the true word does not count.

    hidden f8[m, dim]; targets: the true word, then the noise. Moves outputs[targets] in place down the gradient.
    Returns (loss f8[m], what each hidden vector moves by f8[m, dim]).

    >>> loss, _ = negative_sampling(np.zeros((1, 4)), np.zeros((9, 4)), [0, 3, 7], lr=0.1)
    >>> loss / np.log(2)  # three coins
    array([3.])
    """
    labels = np.array([1.0] + [0.0] * (len(targets) - 1))
    counted = np.array([1.0] + [float(word != targets[0]) for word in targets[1:]])
    return _logistic(hidden, outputs, targets, labels, counted, lr)


def hierarchical_softmax(
    hidden: Floats, outputs: Floats, path: list[tuple[int, int]], lr: float
) -> tuple[Floats, Floats]:
    """-log p(word), p(word) = Π s(±h·node) over the path from the root, + where the code is 1. Morin & Bengio 2005."""
    nodes = [node for node, _ in path]
    codes = np.array([float(code) for _, code in path])
    return _logistic(hidden, outputs, nodes, codes, np.ones(len(path)), lr)


def softmax(hidden: Floats, outputs: Floats, word: int, lr: float) -> tuple[Floats, Floats]:
    """-log p(word), p = e^(h·o) / Σ e^(h·o) over all words. Mikolov et al. 2013b, eq. 2."""
    scores = hidden @ outputs.T
    top = scores.max(axis=1, keepdims=True)
    probabilities = np.exp(scores - top)
    mass = probabilities.sum(axis=1, keepdims=True)
    probabilities /= mass
    errors = -lr * probabilities
    errors[:, word] += lr
    gradient = errors @ outputs
    outputs += errors.T @ hidden
    return (top + np.log(mass))[:, 0] - scores[:, word], gradient


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _logistic(
    hidden: Floats, outputs: Floats, targets: list[int], labels: Floats, counted: Floats, lr: float
) -> tuple[Floats, Floats]:
    """e_jk = lr · (label_k - s(h_j · o_k));  h_j += Σ_k e_jk o_k;  o_k += Σ_j e_jk h_j."""
    rows = outputs[targets]
    scores = hidden @ rows.T
    errors = lr * (labels - sigmoid(scores)) * counted
    np.add.at(outputs, targets, errors.T @ hidden)
    return np.logaddexp(0, (1 - 2 * labels) * scores) @ counted, errors @ rows
