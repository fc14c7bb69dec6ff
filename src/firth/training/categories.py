"""How vectors of categories are learnt from a target: batches, Adam, and a prior for every column that tunes itself."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.errors import DivergenceError

F4 = npt.NDArray[np.float32]
I4 = npt.NDArray[np.int32]
Kind = Literal["regression", "binary", "multiclass", "multilabel"]

_HARDEST = 1e6  # of a prior: the column says nothing


class Target(NamedTuple):
    """What is to be foretold."""

    kind: Kind
    values: npt.NDArray[Any]
    """f4[rows, outputs]; i8[rows] for multiclass."""
    outputs: int


class Lesson(NamedTuple):
    """What is learnt from, and how."""

    codes: I4
    """i4[rows, columns]; in each column the last two rows of its table are those of unseen and of missing values."""
    rows: Sequence[int]
    """Rows of each column's table."""
    epochs: int
    lr: float
    batch: int
    hide: float
    """Share of the values that are taken for unseen ones, or missing ones where the column has none."""
    seed: int


class Learnt(NamedTuple):
    """What came of it."""

    tables: list[F4]
    """f4[rows, dim] for each column; turned so that the first axis is the one that the target follows most."""
    losses: list[float]
    """Mean loss of each pass, or before and after each step, in nats (regression: half the squared error in standard
    deviations)."""
    priors: list[float]
    """The precision of each column's prior after the last pass."""
    grains: list[float]
    """How finely each column's numbers are known: what differs by less may be by chance; 0: nobody can say."""


def learn(network: Any, lesson: Lesson, target: Target) -> Learnt:
    """Minimise loss + Σ_columns λ/2 Σ_levels |e|² / rows, by Adam, whose rate declines along a cosine.

    network: a `CategoryNetwork` of as many columns, and outputs as the target has; it is moved.

    λ is the precision of a normal prior of a column's vectors, and re-estimated after each pass by MacKay's rule:
    λ = γ / Σ|e|², γ = dim · Σ_levels h / (h + λ), h = the level's rows · the curvature of the loss / dim. Where levels
    say nothing of the target it grows, and the vectors shrink to 0. (MacKay 1992, "Bayesian interpolation".)

    Raises DivergenceError where the numbers left the range of floats.
    """
    import torch

    rows = len(lesson.codes)
    columns = zip(lesson.codes.T, lesson.rows, strict=True)
    counts = [np.bincount(column, minlength=size).astype(np.float64) for column, size in columns]
    missing = [bool(count[-1]) for count in counts]
    for count, has in zip(counts, missing, strict=True):  # how often they will come, in the mean
        count[-2:] += lesson.hide * rows * np.array([1, 0] if has else [0.5, 0.5])
    draw = torch.Generator().manual_seed(lesson.seed)
    codes = torch.from_numpy(lesson.codes.astype(np.int64))
    values = torch.from_numpy(target.values)
    shares = [torch.from_numpy((1 / np.maximum(count, 1)).astype(np.float32)) for count in counts]
    priors = [1.0] * len(lesson.rows)
    steps = lesson.epochs * math.ceil(rows / lesson.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=lesson.lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    hidden_as = [(size - 2, size - 2 if has else size - 1) for size, has in zip(lesson.rows, missing, strict=True)]
    special = torch.tensor(hidden_as)
    losses = []
    for _ in range(lesson.epochs):
        total = 0.0
        for some in torch.split(torch.randperm(rows, generator=draw), lesson.batch):
            seen = codes[some]
            chance = torch.rand(seen.shape, generator=draw)
            seen = torch.where(chance < lesson.hide, special[:, 0], seen)
            seen = torch.where(chance < lesson.hide / 2, special[:, 1], seen)
            vectors = network.vectors(seen)
            loss = _loss(network(vectors), values[some], target.kind)
            total += float(loss.detach()) * len(some)
            for place, (vector, prior) in enumerate(zip(vectors, priors, strict=True)):
                weights = shares[place][seen[:, place]] * (prior / 2)
                loss = loss + (weights * vector.square().sum(1)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        losses.append(total / rows)
        if not math.isfinite(losses[-1]):
            raise DivergenceError(f"The loss is no number any more in pass {len(losses)}. Lower lr ({lesson.lr:g}).")
        priors = [
            _prior(table, count, prior, _curvature(target))
            for table, count, prior in zip(network.arrays(), counts, priors, strict=True)
        ]
    lines = [line.detach().numpy() for line in network.lines]
    tables = [_turned(table, line) for table, line in zip(network.arrays(), lines, strict=True)]
    return Learnt(tables, losses, priors, [0.0] * len(tables))


def _loss(outputs: Any, values: Any, kind: Kind) -> Any:
    from torch.nn import functional

    if kind == "multiclass":
        return functional.cross_entropy(outputs, values)
    if kind == "regression":
        return (outputs - values).square().sum(1).mean() / 2
    return functional.binary_cross_entropy_with_logits(outputs, values, reduction="none").sum(1).mean()


def _curvature(target: Target) -> float:
    """The second derivative of the loss of a row by its output, on average: p (1 - p), or 1."""
    if target.kind == "regression":
        return 1.0
    if target.kind == "multiclass":
        shares = np.bincount(target.values, minlength=target.outputs) / len(target.values)
        return float((shares * (1 - shares)).mean()) + 1e-6
    shares = target.values.mean(0)
    return float((shares * (1 - shares)).mean()) + 1e-6


def _prior(table: F4, counts: npt.NDArray[Any], prior: float, curvature: float) -> float:
    """MacKay's rule, for the levels that were seen."""
    known = np.repeat((counts * curvature / table.shape[1])[:, None], table.shape[1], 1)
    return determined(table, known, counts > 0, prior)


def determined(table: npt.NDArray[Any], known: npt.NDArray[Any], seen: npt.NDArray[np.bool_], prior: float) -> float:
    """MacKay's rule: as many numbers as the rows determine, over the squares of all. known: the rows' curvature."""
    numbers = float((known[seen] / (known[seen] + prior)).sum())
    length = float(np.square(table[seen], dtype=np.float64).sum())
    return float(min(_HARDEST, numbers / max(length, 1e-12)))


def rounded(table: F4, grain: float) -> F4:
    """The table in whole grains; 0: as it is.

    What was learnt from other parts of the rows then mostly agrees on a value. Where it does not, trees tell the parts
    apart by it and, knowing the value by other columns, read off the difference what a row's own target was.
    """
    return (np.round(table / grain) * grain).astype(np.float32) if grain else table


def _turned(table: F4, line: F4) -> F4:
    """The table in the axes of the line's singular vectors: the first is the one that the target follows most."""
    _, _, axes = np.linalg.svd(line, full_matrices=True)
    sides = np.where((line @ axes.T).sum(0) < 0, -1, 1)  # more along the first axis is more of the target
    return np.ascontiguousarray(table @ (axes.T * sides)).astype(np.float32)


def aligned(table: F4, onto: F4, weights: npt.NDArray[Any]) -> F4:
    """The table turned or mirrored onto another of the same levels: orthogonal Procrustes, by weighted rows.

    Two networks that learnt the same say it in other axes.
    """
    u, _, v = np.linalg.svd((table * weights[:, None]).T @ onto)
    return np.ascontiguousarray(table @ (u @ v)).astype(np.float32)
