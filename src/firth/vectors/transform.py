"""The same keys with other numbers: normalise, centre, all-but-the-top, fewer dimensions.

What these give is for asking: output vectors and inner nodes, which predict beside the numbers they were learnt with,
stay behind.
"""

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, InputError
from firth.vectors.nearest import Floats, blocks

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Table = TypeVar("Table", bound="Lookup")


def normalise(vectors: Table) -> Table:
    """`Vectors.normalise`."""
    return _with(vectors, {"name": "normalise"}, vectors.get_normed_vectors())


def centre(vectors: Table) -> Table:
    """`Vectors.centre`."""
    _refuse_empty(vectors)
    mean, _ = moments(vectors.rows().array)
    return _with(vectors, {"name": "centre"}, _projected(vectors, mean, None))


def all_but_the_top(vectors: Table, components: int | None) -> Table:
    """`Vectors.all_but_the_top`."""
    _refuse_empty(vectors)
    components = max(1, round(vectors.dim / 100)) if components is None else components
    _check(components, "components", 0, vectors.dim)
    mean, covariance = moments(vectors.rows().array)
    _, directions = principal(covariance, components)
    done = {"name": "all_but_the_top", "components": components}
    return _with(vectors, done, _projected(vectors, mean, np.eye(vectors.dim) - directions.T @ directions))


def reduce(vectors: Table, dim: int) -> Table:
    """`Vectors.reduce`."""
    _refuse_empty(vectors)
    _check(dim, "dim", 1, vectors.dim)
    mean, covariance = moments(vectors.rows().array)
    shares, directions = principal(covariance, dim)
    done = {"name": "reduce", "from": vectors.dim, "to": dim, "variance_kept": float(shares.sum())}
    return _with(vectors, done, _projected(vectors, mean, directions.T))


def moments(table: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean f8[dim] of the rows and their covariance f8[dim, dim], block by block."""
    rows, dim = table.shape
    mean = sum((table[part].sum(axis=0, dtype=np.float64) for part in blocks(rows, dim)), np.zeros(dim)) / rows
    covariance = np.zeros((dim, dim))
    for part in blocks(rows, dim):
        away = table[part] - mean.astype(np.float32)  # products in float32: a share of a spread, not a sum of it
        covariance += away.T @ away
    return mean, covariance / rows


def principal(covariance: NDArray[np.float64], k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The k directions of most variance, f8[k, dim], most first, and each one's share of the whole, f8[k].

    A direction and its opposite are the same axis; of the two, the one whose largest number is positive is taken.
    """
    values, columns = np.linalg.eigh(covariance)
    order = np.argsort(-values, kind="stable")[:k]
    directions = columns[:, order].T
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], 1)
    whole = values.sum()
    return values[order] / (whole if whole > 0 else 1), directions * np.where(largest < 0, -1.0, 1.0)


def _projected(vectors: "Lookup", mean: NDArray[np.float64], matrix: NDArray[np.float64] | None) -> Floats:
    """(x - mean) · matrix for every row."""
    table = vectors.rows().array
    found = np.empty((len(vectors), vectors.dim if matrix is None else matrix.shape[1]), np.float32)
    for part in blocks(*table.shape):
        away = table[part] - mean.astype(np.float32)
        found[part] = away if matrix is None else away @ matrix.astype(np.float32)
    return found


def _with(vectors: Table, done: dict[str, Any], array: Floats) -> Table:
    return vectors.changed(done, vectors.index_to_key, array, counts=vectors.counts)


def _check(number: Any, name: str, least: int, most: int) -> None:
    if not isinstance(number, int | np.integer) or isinstance(number, bool) or not least <= number <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most:,} (the vectors' dim), not {number!r}.")


def _refuse_empty(vectors: "Lookup") -> None:
    if not len(vectors):
        raise InputError("The table has no rows, so it has no mean. Give one with keys in it.")
