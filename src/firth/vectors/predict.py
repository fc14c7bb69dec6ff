"""What a model expects: the probability of every word beside the words of a context."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, InputError
from firth.huffman import HuffmanTree
from firth.vectors.nearest import Floats

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Probabilities = NDArray[np.float64]


def probabilities(vectors: "Lookup", context: Floats) -> Probabilities:
    """p(word | context) for every word, f8[n], summing to 1; h is the mean of the context's vectors f4[k, dim] (the sum
    where the model sums).

    softmax, and models of other tools    p(w) ∝ e^(h·o_w)
    negative sampling                     p(w) ∝ q(w) e^(h·o_w), q the noise: its scores tend to log p/q + const
    hierarchical softmax                  p(w) = Π s(±h·node) over w's path in the Huffman tree

    Levy & Goldberg 2014 for the second. Raises InputError for an empty context, ConfigError where the model was saved
    without what is needed.
    """
    if not context.size:
        raise InputError("A context holds at least one word.")
    options = vectors.options("model")
    hidden = context.astype(np.float64)
    h = hidden.sum(axis=0) if options.get("cbow_mean") is False else hidden.mean(axis=0)
    if vectors.nodes is not None:
        return _along_paths(vectors, h)
    if vectors.output is None:
        raise ConfigError("There are no output vectors, and they are what predicts. Load the model as it was trained.")
    logits = np.asarray(vectors.output @ h.astype(np.float32), np.float64)
    if options.get("loss") == "ns" and vectors.counts is not None:
        with np.errstate(divide="ignore"):
            logits = logits + float(options["ns_exponent"]) * np.log(vectors.counts)
    e = np.exp(logits - logits.max())
    return np.asarray(e / e.sum())


def _along_paths(vectors: "Lookup", h: NDArray[np.float64]) -> Probabilities:
    if vectors.counts is None or vectors.nodes is None:
        raise ConfigError("The Huffman tree is made of the counts, and there are none. Load the model as trained.")
    tree = HuffmanTree.of(vectors.counts)
    scores = np.asarray(vectors.nodes @ h.astype(np.float32), np.float64)[tree.nodes]
    steps = -np.logaddexp(0, (1 - 2 * tree.codes) * scores)  # log s(±score)
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(np.exp(logs[tree.offsets[1:]] - logs[tree.offsets[:-1]]))
