"""The graph of an approximate index beside a table: index.usearch in a native folder."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.formats.json_text import is_whole

if TYPE_CHECKING:
    from firth.vectors.index import Index
    from firth.vectors.table import Vectors

_NUMBERS = ("rows", "dim", "connectivity", "expansion_add", "expansion_search")


def needs(vectors: "Vectors") -> int:
    """Bytes of the graph. Raises InputError where it is of other vectors than these."""
    return int(_opened(vectors).serialized_length)


def graph_of(vectors: "Vectors") -> bytes:
    """The graph as usearch writes it."""
    return bytes(_opened(vectors).save(None))


def facts(found: Any) -> dict[str, Any] | None:
    """What config.json says of a graph. Raises ValueError for what says it in another way."""
    if found is None:
        return None
    if (
        not isinstance(found, dict)
        or not all(is_whole(found.get(name)) and found[name] >= 1 for name in _NUMBERS)
        or found.get("which") not in ("input", "output", "mean")
        or not isinstance(found.get("recall"), int | float)
        or not isinstance(found.get("fingerprint"), str)
        or len(found) != len(_NUMBERS) + 3
    ):
        raise ValueError(f"index is {str(found)[:80]}, which describes none")
    return found


def read(path: str, facts: dict[str, Any], data: NDArray[np.uint8], check: Callable[[], None]) -> "Index":
    """An index whose graph is opened when it is first asked, once `check` has compared its checksums."""
    from firth.vectors.index import File, Index

    return Index(**facts, file=File(path, data, check))


def _opened(vectors: "Vectors") -> Any:
    from firth.vectors.index import fingerprint, stale

    index = vectors.index
    assert index is not None
    rows = vectors.rows(index.which)
    if index.fingerprint != fingerprint(rows):
        raise stale()
    return index.opened(rows)
