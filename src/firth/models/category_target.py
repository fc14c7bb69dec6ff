"""What a column of targets is: numbers to be met, or classes to be told apart."""

from typing import Any, Literal

import numpy as np

from firth.errors import InputError
from firth.training.categories import Target


def target_of(y: Any, how: Literal["auto", "regression", "classification"], rows: int) -> Target:
    """The target of a table's rows.

    y    numbers or labels [rows]; numbers [rows, outputs]; a 0/1 matrix [rows, labels], several of which may hold
    how  "auto": numbers that are not all whole are met (regression), all else are classes

    Numbers are standardised: mean 0, deviation 1. Raises InputError for missing or infinite values, for classes where
    numbers are asked for, and for another number of rows.
    """
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or len(array) != rows:
        raise InputError(f"y has shape {list(np.shape(y))}, and the table {rows:,} rows. Give one target for each row.")
    if array.dtype.kind == "c":
        raise InputError("Complex data not supported: y holds numbers or classes.")
    numbers = _numbers(array, how == "regression")
    if numbers is not None and not np.isfinite(numbers).all():
        raise InputError("Input y contains NaN or infinity. Leave rows without a target out.")
    if numbers is None and any(value is None or value != value for value in array.ravel().tolist()):
        raise InputError("Input y contains a missing value (None, NaN). Leave rows without a target out.")
    if how == "regression" or (how == "auto" and numbers is not None and (numbers != np.round(numbers)).any()):
        assert numbers is not None
        return _regression(numbers.reshape(rows, -1))
    if array.ndim == 2:
        if numbers is None or not np.isin(numbers, (0, 1)).all():
            raise InputError(
                "y has several columns and is no 0/1 matrix. For several numbers give target='regression'."
            )
        return Target("multilabel", numbers.astype(np.float32), array.shape[1])
    classes, labels = np.unique(array if numbers is not None else array.astype(str), return_inverse=True)
    if len(classes) <= 2:  # one: a target that never changes
        return Target("binary", (labels == len(classes) - 1).astype(np.float32)[:, None], 1)
    return Target("multiclass", labels.astype(np.int64), len(classes))


def _numbers(array: Any, needed: bool) -> Any:
    """The targets as f8, None where they are no numbers."""
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    try:
        if array.dtype.kind == "O" and all(isinstance(value, int | float | np.number) for value in array.ravel()):
            return array.astype(np.float64)
        if needed:
            return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("target='regression' needs numbers in y.") from None
    return None


def _regression(numbers: Any) -> Target:
    spread = numbers.std(0)
    scaled = (numbers - numbers.mean(0)) / np.where(spread > 0, spread, 1)
    return Target("regression", scaled.astype(np.float32), scaled.shape[1])


def part(target: Target, rows: Any) -> Target:
    """The target of some of the rows."""
    return target._replace(values=target.values[rows])
