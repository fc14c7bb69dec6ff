"""Which words a window's hidden vectors are held against: its centre, or, where the centre predicts, its contexts.

    held_against(architecture, objective, word, contexts, at, scratch)    as `objectives.targets`
    faults(architecture, objective, word, contexts, m, n, lr, measure, scratch)    as `objectives.errors`
    examples(architecture, m, contexts)    how many (hidden, word) pairs a window is
    sides(architecture, following, entering)    which words the next window needs: (input side, output side)
    prefetch_inputs(architecture, left, right, inputs, word)    ask for the input rows of a word

For all other architectures these are `objectives`' own functions. With a CentreBag one hidden vector h meets every
context word c of the window at once: the loss is the sum over them of what one would have. Noise is drawn once for
the window and weighs as much as there are contexts, so its gradient has the mean that a draw for each would have.

So one step may be as large as some sixty of fastText's, taken from scores of before the first: on a vocabulary of a
few words, or at a high rate, it would turn every score over and beyond, further each time. Where the rows of a bag get
the whole gradient, the errors of a window are therefore scaled down to a sum of `_MOST`.
"""

from typing import Any

import numpy as np
from numba.extending import overload

from firth.kernels.compiled import inlined
from firth.kernels.core import TILE, chunks, fill_last_tile, prefetch_row, set_label, silence
from firth.kernels.noise import next_draw, noise_word
from firth.kernels.objectives import (
    HierarchicalSoftmax,
    NegativeSampling,
    Softmax,
    errors,
    logistic_errors,
    logistic_loss,
    softmax_errors,
    targets,
)
from firth.kernels.word_bags import CentreBag, ContextBags, prefetch_bag

_MOST = np.float32(1.0)  # of Σ |error|, the rate included: by then a score of s becomes -s at the worst

# ---------------------------------------------------------------- negative sampling


@inlined
def _targets_sampling(objective, contexts, at, scratch):  # type: ignore[no-untyped-def]
    n = contexts + objective.negatives
    at = next_draw(objective, at, 2 * (1 + objective.negatives))
    for k in range(contexts):
        scratch.targets[k] = scratch.contexts[k]
        set_label(k, 1.0, scratch)
    for k in range(contexts, n):
        scratch.targets[k] = noise_word(objective, at + k - contexts)
        set_label(k, 0.0, scratch)
    fill_last_tile(n, scratch.contexts[0], scratch)
    return n, at + objective.negatives


@inlined
def _errors_sampling(architecture, objective, contexts, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    """-Σ_c [log s(h·o_c) + Σ_k log s(-h·o_k)], k the noise words that are not c; errors are bounded together."""
    loss = 0.0
    if measure:
        for k in range(n):
            weight = 1 if k < contexts else _weight(contexts, k, scratch)
            loss += weight * _softplus(scratch.errors[k // TILE, k % TILE], k < contexts)
    logistic_errors(1, n, lr, scratch)
    for k in range(contexts, n):
        scratch.errors[k // TILE, k % TILE] *= np.float32(_weight(contexts, k, scratch))
    if not architecture.divided:
        _bound(n, scratch)
    for k in range(n, TILE * chunks(n)):
        silence(1, k, scratch)
    return loss


@inlined
def _bound(n, scratch):  # type: ignore[no-untyped-def]
    """Scale the errors of n outputs so that their sizes sum to `_MOST` or less."""
    size = np.float32(0.0)
    for k in range(n):
        size += abs(scratch.errors[k // TILE, k % TILE])
    if size > _MOST:
        for k in range(n):
            scratch.errors[k // TILE, k % TILE] *= _MOST / size


@inlined
def _weight(contexts, k, scratch):  # type: ignore[no-untyped-def]
    """For how many of the context words target k is noise: for those that it is not itself."""
    noise = contexts
    for j in range(contexts):
        if scratch.targets[j] == scratch.targets[k]:
            noise -= 1
    return noise


@inlined
def _softplus(score, positive):  # type: ignore[no-untyped-def]
    """-log s(±score), in f8."""
    x = -np.float64(score) if positive else np.float64(score)
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


# ---------------------------------------------------------------- hierarchical softmax


@inlined
def _targets_tree(objective, contexts, at, scratch):  # type: ignore[no-untyped-def]
    """The paths of all context words, one after the other; the nodes near the root come several times."""
    n = 0
    for j in range(contexts):
        word = scratch.contexts[j]
        for place in range(objective.offsets[word], objective.offsets[word + 1]):
            scratch.targets[n] = objective.nodes[place]
            set_label(n, objective.codes[place], scratch)
            n += 1
    fill_last_tile(n, 0, scratch)
    return n, at


@inlined
def _errors_tree(architecture, objective, contexts, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    loss = logistic_loss(1, n, -1, scratch) if measure else 0.0
    logistic_errors(1, n, lr, scratch)
    for k in range(n, TILE * chunks(n)):
        silence(1, k, scratch)
    return loss


# ---------------------------------------------------------------- full softmax


@inlined
def _targets_softmax(objective, contexts, at, scratch):  # type: ignore[no-untyped-def]
    return objective.words, at


@inlined
def _errors_softmax(architecture, objective, contexts, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    """-Σ_c log p(c): the gradient of word k is how often it stands there, less `contexts` · p(k)."""
    loss = 0.0
    for j in range(contexts):
        word = scratch.contexts[j]
        loss -= np.float64(scratch.errors[word // TILE, word % TILE]) if measure else 0.0
        set_label(word, scratch.labels[word // TILE, word % TILE] + np.float32(1.0), scratch)
    loss += contexts * softmax_errors(1, n, lr, contexts, measure, scratch)
    for j in range(contexts):
        set_label(scratch.contexts[j], 0.0, scratch)
    return loss


# ---------------------------------------------------------------- the choice, when the kernel is compiled

_TARGETS = {NegativeSampling: _targets_sampling, HierarchicalSoftmax: _targets_tree, Softmax: _targets_softmax}
_ERRORS = {NegativeSampling: _errors_sampling, HierarchicalSoftmax: _errors_tree, Softmax: _errors_softmax}


def held_against(architecture: Any, objective: Any, word: Any, contexts: Any, at: Any, scratch: Any) -> Any:
    if isinstance(architecture, CentreBag):
        return _TARGETS[type(objective)](objective, contexts, at, scratch)
    return targets(objective, word, at, scratch)


def faults(
    architecture: Any, objective: Any, word: Any, contexts: Any, m: Any, n: Any, lr: Any, measure: Any, scratch: Any
) -> Any:
    if isinstance(architecture, CentreBag):
        return _ERRORS[type(objective)](architecture, objective, contexts, n, lr, measure, scratch)
    return errors(objective, word, m, n, lr, measure, scratch)


def examples(architecture: Any, m: Any, contexts: Any) -> Any:
    return contexts if isinstance(architecture, CentreBag) else m


def sides(architecture: Any, following: Any, entering: Any) -> Any:
    return (following, entering) if isinstance(architecture, CentreBag) else (entering, following)


def prefetch_inputs(architecture: Any, left: Any, right: Any, inputs: Any, word: Any) -> Any:
    if isinstance(architecture, CentreBag | ContextBags):
        return prefetch_bag(left, right, inputs, architecture, word)
    return prefetch_row(left, right, inputs, word)


@overload(held_against, inline="always")
def _choose_targets(architecture, objective, word, contexts, at, scratch):  # type: ignore[no-untyped-def]
    if architecture.instance_class is CentreBag:
        chosen = _TARGETS[objective.instance_class]
        return lambda architecture, objective, word, contexts, at, scratch: chosen(objective, contexts, at, scratch)
    return lambda architecture, objective, word, contexts, at, scratch: targets(objective, word, at, scratch)


@overload(faults, inline="always")
def _choose_errors(architecture, objective, word, contexts, m, n, lr, measure, scratch):  # type: ignore[no-untyped-def]
    if architecture.instance_class is CentreBag:
        chosen = _ERRORS[objective.instance_class]
        return lambda architecture, objective, word, contexts, m, n, lr, measure, scratch: chosen(
            architecture, objective, contexts, n, lr, measure, scratch
        )
    return lambda architecture, objective, word, contexts, m, n, lr, measure, scratch: errors(
        objective, word, m, n, lr, measure, scratch
    )


@overload(examples, inline="always")
def _choose_examples(architecture, m, contexts):  # type: ignore[no-untyped-def]
    if architecture.instance_class is CentreBag:
        return lambda architecture, m, contexts: contexts
    return lambda architecture, m, contexts: m


@overload(sides, inline="always")
def _choose_sides(architecture, following, entering):  # type: ignore[no-untyped-def]
    if architecture.instance_class is CentreBag:
        return lambda architecture, following, entering: (following, entering)
    return lambda architecture, following, entering: (entering, following)


@overload(prefetch_inputs, inline="always")
def _choose_prefetch(architecture, left, right, inputs, word):  # type: ignore[no-untyped-def]
    if architecture.instance_class in (CentreBag, ContextBags):
        return lambda architecture, left, right, inputs, word: prefetch_bag(left, right, inputs, architecture, word)
    return lambda architecture, left, right, inputs, word: prefetch_row(left, right, inputs, word)
