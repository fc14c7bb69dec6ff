"""Words on a plane: which ones, where, and joined by which arrows."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.explore.reduce import plane
from firth.vectors.nearest import Floats

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

_CALLED = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
MOST_FREQUENT = 200  # words, where nothing else is asked for


@dataclass(frozen=True)
class Picture:
    """Points with words; `save` draws it.

    keys     the words, the more frequent first
    points   f4[n, 2]
    groups   i8[n], 0 for words that are in none
    names    of the groups; the first is that of none
    arrows   i8[m, 2], from point to point
    counts   i8[n], or None
    title    what it shows
    """

    keys: list[str]
    points: Floats
    groups: NDArray[np.int64]
    names: list[str]
    arrows: NDArray[np.int64]
    counts: NDArray[np.int64] | None
    title: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture: .png, .svg or .pdf, or .html, one page that needs no network and can be moved about in.

        Raises ConfigError for another ending, MissingExtraError where matplotlib or plotly is missing. Warns where
        labels had no room, and where no font has their characters.
        """
        from firth.explore.files import ending, write

        if ending(path) == "html":
            from firth.explore.page import page

            write(path, page(self).encode())
        else:
            from firth.explore.drawing import drawn

            write(path, drawn(self, ending(path)))

    def _repr_png_(self) -> bytes:
        """Shown by notebooks."""
        from firth.explore.drawing import drawn

        return drawn(self, "png")


def picture(
    vectors: "Vectors",
    words: Iterable[str] | None = None,
    *,
    nearest_to: Iterable[str] | None = None,
    most_frequent: int | None = None,
    arrows: Iterable[tuple[str, str]] | None = None,
    topn: int = 10,
    method: str = "pca",
    seed: int = 1,
    which: "Which" = "input",
    title: str | None = None,
) -> Picture:
    """`Vectors.plot`."""
    chosen = _Chosen(vectors)
    for key in _strings(words, "words"):
        chosen.add(key)
    for asked in _strings(nearest_to, "nearest_to"):
        group = chosen.group(asked)
        chosen.add(asked, group)
        for key, _ in vectors.most_similar(asked, topn=topn, which=which):
            chosen.add(key, group)
    pairs = [_pair(pair) for pair in arrows or ()]
    for pair in pairs:
        for key in pair:
            chosen.add(key)
    if most_frequent is None and not chosen.rows:
        most_frequent = MOST_FREQUENT
    for key in vectors.index_to_key[: _checked(most_frequent)]:
        chosen.add(key)
    rows = np.array(list(chosen.rows), np.int64)
    order = np.argsort(rows, kind="stable")
    place = {int(row): number for number, row in enumerate(rows[order])}
    return Picture(
        keys=[vectors.index_to_key[row] for row in rows[order]],
        points=plane(vectors.rows(which).unit(rows[order]), method, seed),
        groups=np.array(list(chosen.rows.values()), np.int64)[order],
        names=chosen.names,
        arrows=np.array([[place[vectors.get_index(key)] for key in pair] for pair in pairs], np.int64).reshape(-1, 2),
        counts=None if vectors.counts is None else np.asarray(vectors.counts)[rows[order]],
        title=title if title is not None else f"{len(rows):,} words, {_CALLED[method]}",
    )


class _Chosen:
    """Rows in the picture and the group of each; the first group that names a row has it."""

    def __init__(self, vectors: "Vectors") -> None:
        self.vectors = vectors
        self.rows: dict[int, int] = {}
        self.names = [""]

    def group(self, name: str) -> int:
        self.names.append(name)
        return len(self.names) - 1

    def add(self, key: str, group: int = 0) -> None:
        row = self.vectors.get_index(key)
        self.rows[row] = self.rows.get(row) or group


def _strings(given: Iterable[str] | None, name: str) -> Sequence[str]:
    if isinstance(given, str):
        return [given]
    found = list(given or ())
    if not all(isinstance(word, str) for word in found):
        raise ConfigError(f"{name} must be words, not {found!r:.80}.")
    return found


def _pair(given: Any) -> tuple[str, str]:
    if isinstance(given, str) or len(pair := tuple(given)) != 2:
        raise ConfigError(f"An arrow is a pair of words, ('man', 'woman'), not {given!r:.80}.")
    return pair


def _checked(most_frequent: Any) -> int:
    if most_frequent is None:
        return 0
    if not isinstance(most_frequent, int | np.integer) or isinstance(most_frequent, bool) or most_frequent < 1:
        raise ConfigError(f"most_frequent must be a whole number, at least 1, not {most_frequent!r}.")
    return int(most_frequent)
