"""Items and what is known of them, as rows: each has one of its own, and each of its features has one."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from firth.corpus.metadata import Metadata
from firth.tokens.subwords import Bags
from firth.vectors.subwords import means
from firth.vocabulary import Vocabulary


class Catalogue(Vocabulary):
    """The items that are kept, with how often each came; then, with a count of 0, others that have features.

    features  the features that can be learnt: those of two items at least, of which one came
    bags      the rows of each item: its own, which is its id, and those of its features, which follow the items'; of an
              item that never came those of its features alone

    >>> known = Metadata.of({"a": {"kind": "x"}, "b": {"kind": "x"}, "new": {"kind": "x"}, "odd": {"kind": "y"}})
    >>> made = Catalogue.of(Vocabulary(["b", "a"], [5, 3]), known)
    >>> made.keys, made.counts.tolist(), made.features
    (['b', 'a', 'new'], [5, 3, 0], ['kind=x'])
    >>> made.bags.offsets.tolist(), made.bags.rows.tolist()
    ([0, 2, 4, 5], [0, 3, 1, 3, 3])
    """

    def __init__(self, keys: Sequence[str], counts: npt.ArrayLike, features: list[str], bags: Bags) -> None:
        super().__init__(keys, counts)
        self.features, self.bags = features, bags

    @classmethod
    def of(cls, items: Vocabulary, metadata: Metadata) -> Self:
        """The items, and those of the metadata that have a feature which can be learnt."""
        ids = items.ids
        known = np.array([ids.get(item, -1) for item in metadata.items], np.int64)
        sizes = np.diff(metadata.offsets)
        came = np.repeat((known >= 0) & (items.counts[known] > 0), sizes)
        width = len(metadata.features)
        learnt = (np.bincount(metadata.numbers, minlength=width) > 1) & (
            np.bincount(metadata.numbers[came], minlength=width) > 0
        )
        places = np.cumsum(learnt) - 1
        own: list[list[int]] = [[place] for place in range(len(items))]
        new: dict[str, list[int]] = {}
        for place, item in enumerate(metadata.items):
            some = metadata.numbers[metadata.offsets[place] : metadata.offsets[place + 1]]
            rows = places[some[learnt[some]]].tolist()
            if known[place] >= 0:
                own[known[place]] += rows
            elif rows:
                new[item] = rows
        total = len(items) + len(new)
        lists = [[row, *(total + at for at in rest)] for row, *rest in own]
        lists += [[total + at for at in rows] for rows in new.values()]
        offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
        bags = Bags(offsets, np.array([row for rows in lists for row in rows], np.int32))
        features = [metadata.features[place] for place in np.flatnonzero(learnt).tolist()]
        counts = np.concatenate([items.counts, np.zeros(len(new), np.int64)])
        return cls([*items.keys, *new], counts, _apart(features, {*items.keys, *new}), bags)

    def feature_counts(self) -> npt.NDArray[np.int64]:
        """How often the items of each feature came, i8[features]."""
        inside = self.bags.rows >= len(self)
        weights = np.repeat(self.counts, np.diff(self.bags.offsets))[inside]
        found = np.bincount(self.bags.rows[inside] - len(self), weights, len(self.features))
        return found.astype(np.int64)

    def rows_of(self, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The vectors of items and of features, f4[items + features, dim], from what was learnt, of the same shape."""
        return np.concatenate([means(inputs, self.bags), inputs[len(self) : len(self) + len(self.features)]])


def _apart(features: list[str], items: set[str]) -> list[str]:
    """The names of the features, other than those of items."""
    return [f"{feature} (feature)" if feature in items else feature for feature in features]
