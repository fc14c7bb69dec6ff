"""Two models side by side, two corpora or two years: which words mean something else, and beside what they stand."""

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from firth.errors import ConfigError, InputError
from firth.vectors.drift import cosines, in_both
from firth.vectors.neighbours import Scored
from firth.vectors.table import Vectors

_FREQUENT = 20  # times that a word must come in both, unless told otherwise: rare words move for no reason


@dataclass(frozen=True)
class Shifted:
    """A key, and what is near it in each of the two."""

    key: str
    cosine: float
    """Between its two vectors, once the second space is turned onto the first; 1: it did not move."""
    kept: float
    """Share of its nearest that are so in both."""
    counts: tuple[int | None, int | None]
    then: Scored
    now: Scored


@dataclass(frozen=True)
class Comparison:
    """What `compare` found; `print` it, or save it as a page."""

    names: tuple[str, str]
    keys: int
    """Compared: in both, and frequent enough."""
    mean_cosine: float
    shifted: tuple[Shifted, ...]
    """The most shifted first."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[object, ...]]:
        """(key, cosine, share kept, neighbours then, neighbours now) of each."""
        return [(each.key, each.cosine, each.kept, _listed(each.then), _listed(each.now)) for each in self.shifted]

    def __str__(self) -> str:
        one, two = self.names
        lines = [f"{self.keys:,} keys compared, mean cosine {self.mean_cosine:.3f}; the most shifted:"]
        for each in self.shifted:
            lines.append(f"{each.key}  {each.cosine:.3f}")
            lines += [f"  {one}: {_listed(each.then)}", f"  {two}: {_listed(each.now)}"]
        return "\n".join(lines)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one page of HTML that needs no network. Raises ConfigError for another ending than .html."""
        from firth.explore.files import ending, write

        if ending(path) != "html":
            raise ConfigError(f"A comparison is saved as one page, .html, not as {str(path)!r}.")
        write(path, self.to_html().encode("utf-8", "replace"))

    def to_html(self) -> str:
        """The page that `save` writes."""
        rows = []
        for each in self.shifted:
            then, now = ({key for key, _ in side} for side in (each.then, each.now))
            cells = (
                f"<td>{html.escape(each.key)}</td><td>{each.cosine:.3f}</td><td>{each.kept:.0%}</td>"
                f"<td>{_marked(each.then, now, 'lost')}</td><td>{_marked(each.now, then, 'gained')}</td>"
            )
            rows.append(f"<tr>{cells}</tr>")
        template = Path(__file__).with_name("comparison.html").read_text(encoding="utf-8")
        values = {
            "ONE": html.escape(self.names[0]),
            "TWO": html.escape(self.names[1]),
            "KEYS": f"{self.keys:,}",
            "MEAN": f"{self.mean_cosine:.3f}",
        }
        for name, value in values.items():
            template = template.replace(f"<!--{name}-->", value)
        before, _, after = template.partition("<!--ROWS-->")
        return before + "\n".join(rows) + after


def compare(
    a: Vectors,
    b: Vectors,
    keys: Sequence[str] | None = None,
    *,
    most: int = 50,
    topn: int = 10,
    min_count: int | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Turn the second space onto the first, and list the keys that are furthest from where they were.

    keys       these keys, in the order of their shift; None: the `most` shifted of all
    topn       neighbours that are shown, among the keys that are compared
    min_count  keys that come so often in both are compared; None: 20, or all where a table has no counts
    names      of the two, in the report

    min |BR - A| over rotations R, on the unit vectors of the keys compared (orthogonal Procrustes); a key's shift is
    1 less the cosine. Hamilton, Leskovec & Jurafsky 2016. What two runs on one text would differ by, `stability` says.

    >>> import firth
    >>> words = ["oak", "elm", "car", "bus", "cell"]
    >>> old = firth.Vectors(words, [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0.1], [0, 0.9, 0], [0.5, 0, 1]])
    >>> new = firth.Vectors(words, [[0, 1, 0], [0, 0.9, 0.1], [0.1, 0, 1], [0, 0, 0.9], [0.2, 0, 1]])
    >>> firth.compare(old, new, most=1).shifted[0].key
    'cell'

    Raises InputError where no key is in both, or the two differ in dim; UnknownKeyError for a key that is not in both.
    """
    if most < 1 or topn < 1:
        raise ConfigError(f"most and topn must be at least 1, not {most} and {topn}.")
    shared = _frequent(a, b, in_both(a, b), min_count)
    one = a.subset(shared)
    two = b.subset(shared).align(one, restrict_vocab=None)
    found = cosines(one, two, shared)
    if keys is None:
        chosen = np.argsort(found, kind="stable")[:most]
    else:
        chosen = np.array([one.get_index(key) for key in keys], np.int64)
        chosen = chosen[np.argsort(found[chosen], kind="stable")]
    asked = [shared[row] for row in chosen.tolist()]
    near = zip(asked, chosen.tolist(), one.nearest(asked, topn), two.nearest(asked, topn), strict=True)
    shifted = [
        Shifted(
            key,
            float(found[row]),
            len({other for other, _ in then} & {other for other, _ in now}) / max(1, len(then)),
            (_count(one, row), _count(two, row)),
            then,
            now,
        )
        for key, row, then, now in near
    ]
    return Comparison(names, len(shared), float(found.mean()), tuple(shifted))


def _frequent(a: Vectors, b: Vectors, keys: list[str], min_count: int | None) -> list[str]:
    least = _FREQUENT if min_count is None else min_count
    for table in (a, b):
        if table.counts is not None:
            keys = [key for key in keys if table.counts[table.key_to_index[key]] >= least]
        elif min_count is not None:
            raise InputError("min_count needs counts, and one of the two tables has none. Leave it out.")
    if len(keys) < 2:
        raise InputError(f"{len(keys)} keys come {least} times in both: nothing to compare. Lower min_count.")
    return keys


def _count(table: Vectors, row: int) -> int | None:
    return None if table.counts is None else int(table.counts[row])


def _listed(near: Scored) -> str:
    return ", ".join(key for key, _ in near)


def _marked(near: Scored, other: set[str], kind: str) -> str:
    """The neighbours, those that the other side lacks in bold."""
    return ", ".join(
        html.escape(key) if key in other else f'<b class="{kind}">{html.escape(key)}</b>' for key, _ in near
    )
