"""`where=`: which keys may be an answer."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from firth.errors import ConfigError, InputError
from firth.vectors.nearest import Ids

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup

Where: TypeAlias = Mapping[str, Any] | Iterable[str | int] | None
"""Conditions by name, all of which must hold, or the keys (or numbers of rows) that may be an answer."""


def rows_where(vectors: "Lookup", where: Where) -> Ids | None:
    """The rows whose keys may be an answer, i8[m], rising; None where every one may.

    where   {"prefix": "new_"}        keys that begin so; a tuple of beginnings: with any of them
            {"regex": "^[a-z]+$"}     keys in which the pattern is found (`re.search`)
            {"keys": ["oak", "elm"]}  these keys; those that the table does not hold count for nothing
            {"min_count": 100}        keys that were seen so often
            several of these          all must hold
            ["oak", "elm"]            the same as {"keys": …}; numbers are rows, as everywhere

    >>> from firth import Vectors
    >>> v = Vectors(["oak", "elm", "oaks"], np.eye(3), counts=[9, 5, 2])
    >>> rows_where(v, {"prefix": "oak", "min_count": 3}).tolist(), rows_where(v, ["elm", "fir"]).tolist()
    ([0], [1])

    Raises ConfigError for a condition that there is not, and InputError for min_count without counts.
    """
    if where is None:
        return None
    if isinstance(where, str | bytes) or not isinstance(where, Iterable):
        raise ConfigError(
            f"where must be conditions, as {{'prefix': …}}, {{'regex': …}}, {{'min_count': …}}, or a list of keys, "
            f"not {where!r:.60}."
        )
    conditions = where if isinstance(where, Mapping) else {"keys": where}
    if not conditions:
        raise ConfigError(f"where is empty: give one of {', '.join(_CONDITIONS)}.")
    found: Ids | None = None
    for name, value in conditions.items():
        if name not in _CONDITIONS:
            from firth.config import did_you_mean

            nearest = did_you_mean(str(name), _CONDITIONS)
            raise ConfigError(f"where has no condition {name!r}.{nearest} There are {', '.join(_CONDITIONS)}.")
        rows = _CONDITIONS[name](vectors, value)
        found = rows if found is None else np.intersect1d(found, rows, assume_unique=True)
    return found


def _prefix(vectors: "Lookup", value: Any) -> Ids:
    begins = tuple(value) if isinstance(value, list) else value
    if not isinstance(begins, str) and not (
        isinstance(begins, tuple) and all(isinstance(each, str) for each in begins)
    ):
        raise ConfigError(f"where: prefix must be a string, or several, not {value!r:.60}.")
    return _those([key.startswith(begins) for key in vectors.index_to_key])


def _regex(vectors: "Lookup", value: Any) -> Ids:
    try:
        search = re.compile(value).search
    except (re.error, TypeError) as error:
        raise ConfigError(f"where: regex {value!r:.60} is no pattern ({error}).") from None
    return _those([search(key) is not None for key in vectors.index_to_key])


def _keys(vectors: "Lookup", value: Any) -> Ids:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(f"where: keys must be a list of keys, not {value!r:.60}.")
    rows = np.fromiter((vectors.get_index(key, -1) for key in value), np.int64)
    return np.unique(rows[rows >= 0])


def _min_count(vectors: "Lookup", value: Any) -> Ids:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ConfigError(f"where: min_count must be a whole number, not {value!r:.60}.")
    if vectors.counts is None:
        raise InputError("where: min_count needs counts, and these vectors came without. Leave min_count out.")
    return _those(vectors.counts >= value)


def _those(which: Any) -> Ids:
    return np.flatnonzero(np.asarray(which, bool)).astype(np.int64)


_CONDITIONS: dict[str, Callable[["Lookup", Any], Ids]] = {
    "prefix": _prefix,
    "regex": _regex,
    "keys": _keys,
    "min_count": _min_count,
}
