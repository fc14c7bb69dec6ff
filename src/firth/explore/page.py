"""Pictures as one page of HTML: plotly is inside it, nothing is fetched."""

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firth.errors import MissingExtraError
from firth.explore.drawing import COLOURS, colour

if TYPE_CHECKING:
    from firth.explore.curve import Curve
    from firth.explore.picture import Picture


def page(picture: "Picture") -> str:
    """A map to move about in: words come as one moves nearer, and can be looked up."""
    points = np.round(picture.points.astype(np.float64), 4)
    data = {
        "keys": picture.keys,
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "groups": picture.groups.tolist(),
        "names": picture.names,
        "colours": list(COLOURS),
        "arrows": picture.arrows.tolist(),
        "counts": None if picture.counts is None else picture.counts.tolist(),
        "title": picture.title,
    }
    return _filled("map.html", picture.title, data)


def curve_page(curve: "Curve") -> str:
    """The losses, with their numbers under the pointer."""
    lines = [
        {"name": line.name, "x": line.at, "y": line.loss, "colour": colour(line.run), "held_out": line.held_out}
        for line in curve.lines
    ]
    return _filled("curve.html", curve.title, {"lines": lines, "title": curve.title, "unit": curve.unit})


def _filled(template: str, title: str, data: dict[str, Any]) -> str:
    """The template with its data and plotly in it. In JSON no < is left, so no key can end the script it stands in."""
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise MissingExtraError("An HTML page needs plotly: pip install 'firth[explore]'.") from None
    text = Path(__file__).with_name(template).read_text(encoding="utf-8")
    safe = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    safe = safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # ends of lines to old browsers
    before, between, after = _cut(text)
    return "".join([before.replace("TITLE", html.escape(title)), get_plotlyjs(), between, safe, after])


def _cut(text: str) -> tuple[str, str, str]:
    before, _, rest = text.partition("/*PLOTLY*/")
    between, _, after = rest.partition("/*DATA*/")
    return before, between, after
