"""What a table of vectors may be made of."""

import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError
from firth.vectors.keys import Keys
from firth.vectors.nearest import Floats


def table(given: Any, name: str) -> Floats:
    """f4[n, dim], n ≥ 0, dim ≥ 1: the array itself where it is one, else converted. Raises InputError."""
    try:
        array = given if isinstance(given, np.memmap) else np.asarray(given)
    except ValueError as error:
        raise InputError(f"{name} must be an array of keys × dim numbers: {error}.") from None
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(f"{name} must be an array of keys × dim numbers (dim at least 1), not of shape {array.shape}.")
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name} must be numbers that fit float32, not {array.dtype}.")
    with np.errstate(over="ignore"):  # too large becomes Inf, and Inf is refused by name
        return array if array.dtype == np.float32 else array.astype(np.float32)


def is_mapped(array: Any) -> bool:
    """Whether the numbers lie in a file that is mapped, so that looking at them all would read it."""
    seen: Any = getattr(array, "codes", array)  # of a quantised table
    while seen is not None:
        if isinstance(seen, mmap.mmap):
            return True
        seen = seen.obj if isinstance(seen, memoryview) else getattr(seen, "base", None)
    return False


def keys(given: Any, rows: int) -> list[str] | Keys:
    """`rows` strings, as a list or as the packed `Keys` they came as. Raises InputError. Repeats are found later."""
    if isinstance(given, str | bytes):
        raise InputError(f"keys must be a list of strings, not the one string {given!r}.")
    try:
        found: Any = given if isinstance(given, Keys | list) else [*given]
    except TypeError:
        raise InputError(f"keys must be a list of strings, not {given!r}.") from None
    if len(found) != rows:
        raise InputError(f"{len(found):,} keys for {rows:,} vectors. Give one key for each row.")
    if isinstance(found, Keys):
        return found
    wrong = next((place for place, key in enumerate(found) if not isinstance(key, str)), None)
    if wrong is not None:
        raise InputError(f"key {wrong:,} is {found[wrong]!r}, not a string. Make the keys strings: map(str, keys).")
    return [str(key) for key in found]  # a copy that its giver cannot change; numpy's strings become Python's


def numbered(found: Sequence[str]) -> dict[str, int]:
    """Key to row. Raises InputError for a key that comes twice."""
    ids = dict(zip(found, range(len(found)), strict=True))
    if len(ids) == len(found):
        return ids
    for place, key in enumerate(found):
        if ids[key] != place:  # the last of its kind won
            raise InputError(
                f"key {key!r} comes twice, in rows {place:,} and {ids[key]:,}. Give each vector a key of its own."
            )
    raise AssertionError("some key comes twice")


def counts(given: Any, rows: int) -> NDArray[np.int64] | None:
    """i8[rows], none negative, or None. Raises InputError."""
    if given is None:
        return None
    found = np.asarray(given)
    if found.shape != (rows,) or (found.dtype.kind not in "iu" and rows):
        raise InputError(f"counts must be {rows:,} whole numbers, not an array of {found.dtype}, shape {found.shape}.")
    if rows and found.min() < 0:
        raise InputError(f"counts must be at least 0, not {found.min():,}.")
    return found if found.dtype == np.int64 else found.astype(np.int64)


def facts(given: Any, name: str) -> dict[str, Any] | None:
    """A dict of what is plain in JSON, or None. Raises InputError for another type."""
    if given is not None and not isinstance(given, dict):
        raise InputError(f"{name} must be a dict or None, not {type(given).__name__}.")
    return given
