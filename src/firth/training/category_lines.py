"""What each value of a table's columns adds to a target in a straight line: a number for each output, learnt exactly.

    output = Σ_columns s[value] + b

Newton's method, its steps found by conjugate gradients: some hundred sweeps over the table. A normal prior on each
column's numbers is re-estimated after each step by MacKay's rule, as `training.categories` does for networks: these are
the random effects of a mixed model, at their mode.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.training.categories import I4, Learnt, Target, determined

F8 = npt.NDArray[np.float64]

_FIRST = 10.0  # the priors' precision to begin with
_ROUNDS, _SWEEPS = 15, 30  # Newton's steps; conjugate gradients' in each
_CLOSE = 1e-2  # of a step, relative: the next one corrects it
_GRAIN = 1.5  # deviations: a compromise, finer is better for lines and coarser for trees (docs/log.md)


def learn_lines(codes: I4, rows: Any, dims: Any, target: Target) -> Learnt:
    """A table f4[rows, dim] for each column, on the principal axes of its numbers; values that were not seen are 0.

    codes  i4[n, columns];  rows, dims  of each column's table
    """
    firsts = np.concatenate(([0], np.cumsum(rows)))
    parts = list(pairwise(firsts.tolist()))
    places = (codes + firsts[:-1]).astype(np.int64)
    counts = np.bincount(places.ravel(), minlength=firsts[-1]).astype(np.float64)
    wanted = _wanted(target)
    effects = np.zeros((firsts[-1], target.outputs))
    outputs = np.repeat(_start(wanted, target.kind)[None], len(codes), 0)
    priors, losses = [_FIRST] * len(parts), [_loss(outputs, wanted, target.kind)]
    for _ in range(_ROUNDS):
        foretold, curvature = _foretold(outputs, target.kind)
        strength = np.repeat(priors, rows)[:, None]
        slope = _gathered(places, wanted - foretold, len(effects)) - strength * effects
        known = _gathered(places, curvature, len(effects))
        step = _solved(partial(_product, places, curvature, strength), slope, known + strength)
        effects += step
        outputs += _spread(places, step)
        foretold, curvature = _foretold(outputs, target.kind)
        outputs += (wanted - foretold).sum(0) / curvature.sum(0)  # the bias
        losses.append(_loss(outputs, wanted, target.kind))
        priors = [
            determined(effects[a:b], known[a:b], counts[a:b] > 0, prior)
            for (a, b), prior in zip(parts, priors, strict=True)
        ]
    noise = 2 * losses[-1] / target.outputs if target.kind == "regression" else 1.0
    tables = [_turned(effects[a:b], counts[a:b], dim) for (a, b), dim in zip(parts, dims, strict=True)]
    grains = [
        _grain(counts[a:b], known[a:b].mean(1), prior, noise) for (a, b), prior in zip(parts, priors, strict=True)
    ]
    return Learnt(tables, losses, priors, grains)


def _grain(counts: npt.NDArray[Any], known: npt.NDArray[Any], prior: float, noise: float) -> float:
    """Times the deviation of a number that chance alone makes, √(h noise) / (h + λ), at a row of the table on average.

    known  h, the curvature of the loss at the rows of each value;  noise  of a row's target: 1 for classes
    """
    return _GRAIN * math.sqrt(noise * np.average(known / (known + prior) ** 2, weights=counts)) + 1e-12


def _product(places: Any, curvature: F8, strength: F8, step: F8) -> F8:
    """The second derivative times a step."""
    return _gathered(places, curvature * _spread(places, step), len(step)) + strength * step


def _spread(places: Any, effects: F8) -> F8:
    """f8[n, outputs]: the sum over the columns."""
    found: F8 = effects[places[:, 0]]
    for column in places.T[1:]:
        found += effects[column]
    return found


def _gathered(places: Any, values: F8, size: int) -> F8:
    """f8[size, outputs]: the sum of the rows of each value."""
    found = np.zeros((size, values.shape[1]))
    for column in places.T:
        for output in range(values.shape[1]):
            found[:, output] += np.bincount(column, values[:, output], size)
    return found


def _solved(product: Callable[[F8], F8], wanted: F8, diagonal: F8) -> F8:
    """product(found) = wanted, by conjugate gradients with the diagonal for a preconditioner."""
    found, left = np.zeros_like(wanted), wanted.copy()
    towards = scaled = left / diagonal
    length = float((left * scaled).sum())
    enough = _CLOSE**2 * length
    for _ in range(_SWEEPS):
        if length <= enough or length == 0:
            break
        image = product(towards)
        share = length / float((towards * image).sum())
        found, left = found + share * towards, left - share * image
        scaled = left / diagonal
        before, length = length, float((left * scaled).sum())
        towards = scaled + length / before * towards
    return found


def _wanted(target: Target) -> F8:
    """f8[n, outputs]; classes as columns of 0 and 1."""
    if target.kind == "multiclass":
        return np.asarray(np.eye(target.outputs)[target.values])
    return target.values.astype(np.float64)


def _start(wanted: F8, kind: str) -> F8:
    """The bias that foretells the mean."""
    mean: F8 = wanted.mean(0)
    if kind == "regression":
        return mean
    mean = mean.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(mean) if kind == "multiclass" else np.log(mean / (1 - mean)))


def _foretold(outputs: F8, kind: str) -> tuple[F8, F8]:
    """What the outputs foretell, and how much it moves with them."""
    if kind == "regression":
        return outputs, np.ones_like(outputs)
    if kind == "multiclass":
        powers = np.exp(outputs - outputs.max(1, keepdims=True))
        shares = powers / powers.sum(1, keepdims=True)
        return shares, np.full_like(shares, 0.5)  # never less than it is (Böhning 1992): each step goes down
    shares = 1 / (1 + np.exp(-outputs.clip(-30, 30)))
    return shares, (shares * (1 - shares)).clip(1e-6)


def _loss(outputs: F8, wanted: F8, kind: str) -> float:
    if kind == "regression":
        return float(np.square(outputs - wanted).sum(1).mean() / 2)
    if kind == "multiclass":
        return float((np.logaddexp.reduce(outputs, 1) - (outputs * wanted).sum(1)).mean())
    return float((np.logaddexp(0, outputs) - outputs * wanted).sum(1).mean())


def _turned(effects: F8, counts: F8, dim: int) -> npt.NDArray[np.float32]:
    """The table in the principal axes of its rows, the first along which it is longest; dim axes of them, or zeros."""
    if effects.shape[1] > 1:
        _, axes = np.linalg.eigh((effects * counts[:, None]).T @ effects)
        axes = axes[:, ::-1]
        effects = effects @ (axes * np.where(axes.sum(0) < 0, -1, 1))
    found = np.zeros((len(effects), dim), np.float32)
    found[:, : effects.shape[1]] = effects[:, :dim]
    return found
