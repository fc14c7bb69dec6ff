"""Which rows a table has, and what they are called: subset, rename, remove, merge."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import numpy as np

from firth.errors import ConfigError, InputError
from firth.vectors.analogy import Key
from firth.vectors.nearest import Floats, Ids
from firth.vectors.quantised import Quantised
from firth.vectors.where import Where, rows_where

if TYPE_CHECKING:
    from firth.vectors.lookup import Lookup
    from firth.vectors.subwords import Subwords

Table = TypeVar("Table", bound="Lookup")
Repeated = Literal["first", "second", "mean"]


def subset(vectors: Table, keys: Iterable[Key] | None, where: Where, ignore_missing: bool) -> Table:
    """`Vectors.subset`."""
    if (keys is None) == (where is None):
        raise ConfigError("Give either keys or where: which rows are to stay?")
    rows = rows_where(vectors, where) if keys is None else _rows(vectors, keys, ignore_missing)
    assert rows is not None
    return _picked(vectors, rows, {"name": "subset", "of": len(vectors)})


def remove(vectors: Table, keys: Iterable[Key], ignore_missing: bool) -> Table:
    """`Vectors.remove`."""
    gone = np.unique(_rows(vectors, keys, ignore_missing))
    rows = np.setdiff1d(np.arange(len(vectors)), gone, assume_unique=True)
    return _picked(vectors, rows, {"name": "remove", "of": len(vectors)})


def rename(
    vectors: Table, names: Mapping[str, str] | Callable[[str], str], repeated: Literal["error", "first"]
) -> Table:
    """`Vectors.rename`."""
    if repeated not in ("error", "first"):
        raise ConfigError(f"repeated must be 'error' or 'first', not {repeated!r}.")
    old = vectors.index_to_key
    new: list[Any]
    if isinstance(names, Mapping):
        for key in names:
            vectors.get_index(key)  # an unknown one is an error
        new = [names.get(key, key) for key in old]
    elif callable(names):
        new = [names(key) for key in old]
    else:
        raise ConfigError(f"Give a dict of old and new names, or a function, not {names!r:.60}.")
    wrong = next((key for key in new if not isinstance(key, str)), None)
    if wrong is not None:
        raise InputError(f"A new name is {wrong!r:.60}, not a string. Make the names strings: map(str, names).")
    done = {"name": "rename", "renamed": sum(one != other for one, other in zip(old, new, strict=True))}
    first: dict[str, int] = {}
    owner = np.array([first.setdefault(key, row) for row, key in enumerate(new)], np.int64)
    rows = np.unique(owner)
    if len(rows) == len(new):
        return vectors.changed(
            done,
            new,
            vectors.stored,
            output=vectors.output,
            nodes=vectors.nodes,
            counts=vectors.counts,
            subwords=vectors.subwords,
        )
    if repeated == "error":
        row = int(np.flatnonzero(owner != np.arange(len(new)))[0])
        raise InputError(
            f"{old[owner[row]]!r} and {old[row]!r} would both be called {new[row]!r}. Choose another name, or keep the "
            "first of them: repeated='first'."
        )
    counts = None
    if vectors.counts is not None:
        counts = np.zeros(len(new), np.int64)
        np.add.at(counts, owner, vectors.counts)
        counts = counts[rows]
    output = None if vectors.output is None else vectors.output[rows]
    return vectors.changed(
        done,
        [new[row] for row in rows.tolist()],
        _only(vectors.stored, rows),
        output=output,
        counts=counts,
        subwords=_parts(vectors, rows),
    )


def merge(one: Table, other: "Lookup", repeated: Repeated) -> Table:
    """`Vectors.merge`."""
    if repeated not in get_args(Repeated):
        raise ConfigError(f"repeated must be 'first', 'second' or 'mean', not {repeated!r}.")
    if one.dim != other.dim:
        raise InputError(
            f"Vectors of {one.dim} and of {other.dim} numbers cannot be rows of one table. "
            f"Bring the longer ones down first: reduce({min(one.dim, other.dim)})."
        )
    ids, theirs = one.key_to_index, other.index_to_key
    place = np.array([ids.get(key, -1) for key in theirs], np.int64)
    shared, fresh = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)

    def joined(mine: Any, others: Any) -> Any:
        if mine is None or others is None:
            return None
        table = np.concatenate([mine, others[fresh]])
        if repeated == "second":
            table[place[shared]] = others[shared]
        elif repeated == "mean":
            table[place[shared]] = (mine[place[shared]] + others[shared]) / 2
        return table

    counts = None
    if one.counts is not None and other.counts is not None:
        counts = np.concatenate([one.counts, other.counts[fresh]])
        counts[place[shared]] += other.counts[shared]
    done = {"name": "merge", "keys": [len(one), len(other)], "in_both": len(shared), "repeated": repeated}
    keys = [*one.index_to_key, *(theirs[row] for row in fresh.tolist())]
    return one.changed(
        done, keys, joined(one.vectors, other.vectors), output=joined(one.output, other.output), counts=counts
    )


def _rows(vectors: "Lookup", keys: Iterable[Key], ignore_missing: bool) -> Ids:
    if isinstance(keys, str) or not isinstance(keys, Iterable):
        raise ConfigError(f"Give a list of keys, not {keys!r:.60}.")
    rows = np.fromiter((vectors.get_index(key, -1 if ignore_missing else None) for key in keys), np.int64)
    return rows[rows >= 0]


def _parts(vectors: "Lookup", rows: Ids) -> "Subwords | None":
    """The rows of n-grams, with the own rows of these keys."""
    parts = vectors.subwords
    return parts if parts is None or parts.own is None else replace(parts, own=parts.own[rows])


def _only(table: "Floats | Quantised", rows: Ids) -> "Floats | Quantised":
    return table.only(rows) if isinstance(table, Quantised) else table[rows]


def _picked(vectors: Table, rows: Ids, done: dict[str, Any]) -> Table:
    """These rows, in this order. A tree's inner nodes are no rows of words: they stay behind, unless all rows stay."""
    keys, stay = vectors.index_to_key, len(rows) == len(vectors) and bool((rows == np.arange(len(rows))).all())
    return vectors.changed(
        done,
        [keys[row] for row in rows.tolist()],
        _only(vectors.stored, rows),
        output=None if vectors.output is None else vectors.output[rows],
        nodes=vectors.nodes if stay else None,
        counts=None if vectors.counts is None else vectors.counts[rows],
        subwords=_parts(vectors, rows),
    )
