"""Which right sides go with a left side: the product of the means of their rows, as `firth.Pairs` learns it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from firth.errors import ConfigError, InputError
from firth.vectors.nearest import Floats, top

if TYPE_CHECKING:
    from firth.vectors.table import Vectors

Side = str | Sequence[str]


def match(vectors: "Vectors", left: Side, candidates: Iterable[Side] | None, topn: int) -> list[tuple[Any, float]]:
    """`Vectors.match`."""
    (hidden,), (known,) = means(vectors, [left], "left")
    if not known:
        raise InputError(f"No word of {left!r:.60} is known on the left side. Give a side with known words.")
    table = right_table(vectors)
    if candidates is None:
        sides: list[Any] = [*vectors.index_to_key]
        scores = np.where(table.any(axis=1), table @ hidden, -np.inf)
    else:
        sides = [*candidates]
        found, usable = means(vectors, sides, "right")
        scores = np.where(usable, found @ hidden, -np.inf)
    best = top(scores.astype(np.float32), max(0, topn))
    return [(sides[row], float(scores[row])) for row in best.tolist() if np.isfinite(scores[row])]


def means(vectors: "Vectors", sides: Sequence[Side], which: str) -> tuple[Floats, np.ndarray[Any, np.dtype[np.bool_]]]:
    """(the mean of the rows of each side f4[sides, dim], whether it has a known word); cut as the model was."""
    table = right_table(vectors) if which == "right" else np.asarray(vectors.vectors)
    found = np.zeros((len(sides), vectors.dim), np.float32)
    known = np.zeros(len(sides), np.bool_)
    ids = vectors.key_to_index
    for place, words in enumerate(_cut(vectors, sides, which)):
        rows = [row for word in words if (row := ids.get(word, -1)) >= 0 and table[row].any()]
        if rows:
            found[place], known[place] = table[rows].mean(axis=0), True
    return found, known


def right_table(vectors: "Vectors") -> Floats:
    """The rows of the right side. Raises ConfigError for vectors that have no sides."""
    if vectors.options("model").get("name") != "pairs":
        raise ConfigError("These vectors have no left and right side. firth.Pairs learns such.")
    return np.asarray(vectors.vectors if vectors.output is None else vectors.output)


def _cut(vectors: "Vectors", sides: Sequence[Side], which: str) -> list[list[str]]:
    from firth.vectors import sentences

    if vectors.options("model").get(which) == "whole":
        return [[side] if isinstance(side, str) else [*side] for side in sides]
    texts = iter(sentences.cut([side for side in sides if isinstance(side, str)], vectors.options("text")))
    return [next(texts) if isinstance(side, str) else [*side] for side in sides]
