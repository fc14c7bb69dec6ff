"""The loss of a run, pass by pass, as it was written down in provenance.json."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from firth.errors import InputError

if TYPE_CHECKING:
    from firth.vectors.table import Vectors


@dataclass(frozen=True)
class Line:
    """The loss on one text in one run."""

    name: str
    run: int
    """From 1."""
    held_out: bool
    at: list[float]
    loss: list[float]


@dataclass(frozen=True)
class Curve:
    """The losses of runs; `save` draws them."""

    lines: list[Line]
    title: str
    unit: str = "passes over the text"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture, .png, .svg or .pdf, or .html, a page that needs no network. Raises ConfigError."""
        from firth.explore.files import ending, write

        if ending(path) == "html":
            from firth.explore.page import curve_page

            write(path, curve_page(self).encode())
        else:
            from firth.explore.drawing import drawn_curve

            write(path, drawn_curve(self, ending(path)))

    def _repr_png_(self) -> bytes:
        """Shown by notebooks."""
        from firth.explore.drawing import drawn_curve

        return drawn_curve(self, "png")


def losses(models: "Vectors | Mapping[str, Vectors]", title: str = "Loss") -> Curve:
    """The loss curve of a model, or of several by their names, training text and held-out text apart.

    >>> import firth
    >>> vectors = firth.Vectors(["a"], [[1.0]], provenance={"epochs": [{"number": 1, "loss": 2.5, "validation": 2.6}]})
    >>> [(line.name, line.loss) for line in losses(vectors).lines]
    [('training', [2.5]), ('held out', [2.6])]

    Raises InputError for a model that does not say how its loss went. Losses compare between runs where the same
    objective learnt from the same examples.
    """
    named: Mapping[str, Vectors] = models if isinstance(models, Mapping) else {"": models}
    lines: list[Line] = []
    for run, (name, vectors) in enumerate(named.items(), 1):
        passes = _passes(name, vectors)
        for held_out, field in ((False, "loss"), (True, "validation")):
            found = [(each.get("number", place), each.get(field)) for place, each in enumerate(passes, 1)]
            known = [(float(at), float(value)) for at, value in found if isinstance(value, int | float)]
            if known:
                what = "held out" if held_out else "training"
                at, loss = (list(column) for column in zip(*known, strict=True))
                lines.append(Line(f"{name}, {what}" if name else what, run, held_out, at, loss))
    if not lines:
        raise InputError("The passes of this model were written down without a loss.")
    return Curve(lines, title)


def _passes(name: str, vectors: "Vectors") -> Sequence[Mapping[str, Any]]:
    passes = (vectors.provenance or {}).get("epochs")
    if not isinstance(passes, list) or not passes or not all(isinstance(each, dict) for each in passes):
        raise InputError(
            f"{name or 'This model'} does not say how its loss went (provenance.json has no passes): it was not "
            "trained by firth, or was converted."
        )
    return passes
