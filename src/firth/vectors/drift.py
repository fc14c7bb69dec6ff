"""How far keys moved between two states of one space: before and after learning on."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from firth.errors import InputError
from firth.vectors.nearest import Floats, unit
from firth.vectors.table import Vectors


@dataclass(frozen=True)
class Moved:
    """A key that moved."""

    key: str
    cosine: float
    """With where it was."""
    lost: list[str]
    """Neighbours it had and has no more."""
    gained: list[str]


@dataclass(frozen=True)
class Drift:
    """How far the keys that both tables hold moved."""

    keys: int
    """In both tables."""
    new: int
    """In the second alone."""
    mean_cosine: float
    """Of a key with where it was; 1: nothing moved."""
    kept_neighbours: float
    """Share of the nearest neighbours that are still among them, over the keys looked at."""
    most_moved: list[Moved]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.keys:,} keys, mean cosine with before {self.mean_cosine:.3f}, {self.new:,} new"]
        lines += [f"{self.kept_neighbours:.0%} of neighbours kept"]
        for moved in self.most_moved:
            lost, gained = ", ".join(moved.lost), ", ".join(moved.gained)
            lines.append(f"  {moved.key}  {moved.cosine:.3f}  lost {lost}  gained {gained}")
        return "\n".join(lines)


def drift(old: Vectors, new: Vectors, *, topn: int = 10, most: int = 10, sample: int = 1000) -> Drift:
    """Compare two states of the same space; they are not aligned first.

    topn    neighbours that are compared
    most    how many of the most moved keys are listed
    sample  keys whose neighbours are compared, spread evenly over those in both

    Raises InputError where no key is in both, or they differ in dim.
    """
    both = in_both(old, new)
    moved = cosines(old, new, both)
    looked_at = [both[i] for i in np.unique(np.linspace(0, len(both) - 1, min(sample, len(both))).astype(int))]
    shares = [len(had & has) / max(1, len(had)) for had, has in _neighbours(old, new, looked_at, topn)]
    furthest = [both[i] for i in np.argsort(moved, kind="stable")[:most]]
    place = {key: i for i, key in enumerate(both)}
    return Drift(
        keys=len(both),
        new=len(new) - len(both),
        mean_cosine=float(moved.mean()),
        kept_neighbours=float(np.mean(shares)),
        most_moved=[
            Moved(key, float(moved[place[key]]), sorted(had - has), sorted(has - had))
            for key, (had, has) in zip(furthest, _neighbours(old, new, furthest, topn), strict=True)
        ],
    )


def in_both(old: Vectors, new: Vectors) -> list[str]:
    """The keys of both tables, in the order of the first. Raises InputError where there is nothing to compare."""
    both = [key for key in old.index_to_key if key in new.key_to_index]
    if not both or old.dim != new.dim:
        raise InputError(f"Nothing to compare: {len(both)} keys in both, {old.dim} and {new.dim} dimensions.")
    return both


def cosines(old: Vectors, new: Vectors, keys: list[str]) -> Floats:
    """Of each key's vectors in the two tables, f4[keys]."""
    before = unit(old.vectors[[old.key_to_index[key] for key in keys]])
    after = unit(new.vectors[[new.key_to_index[key] for key in keys]])
    return np.asarray(np.einsum("ij,ij->i", before, after))


def _neighbours(old: Vectors, new: Vectors, keys: list[str], topn: int) -> list[tuple[set[str], set[str]]]:
    pairs = zip(old.nearest(keys, topn), new.nearest(keys, topn), strict=True)
    return [({key for key, _ in had}, {key for key, _ in has}) for had, has in pairs]
