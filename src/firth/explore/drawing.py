"""Pictures by matplotlib: PNG, SVG, PDF."""

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import MissingExtraError
from firth.explore.fonts import families, quiet_about_fonts
from firth.explore.labels import placed

if TYPE_CHECKING:
    from firth.explore.attention import Attention
    from firth.explore.curve import Curve
    from firth.explore.picture import Picture

_INCHES = (10.0, 7.5)
_DPI = 160
_INK, _PALE = "#222222", "#9aa0a6"
COLOURS = ("#4c78a8", "#e45756", "#54a24b", "#f58518", "#b279a2", "#72b7b2", "#9d755d", "#eeca3b", "#ff9da6", "#79706e")
"""Of the groups, again from the first after the last."""


def drawn(picture: "Picture", ending: str) -> bytes:
    """The file of a picture: "png", "svg" or "pdf". Warns where labels had no room."""
    figure, canvas = _figure()
    fonts = families(picture.keys)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.92))
    axes.set_title(picture.title, color=_INK, fontfamily=families([picture.title]), parse_math=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#dddddd")
    many = len(picture.keys)
    size = float(np.clip(4000 / max(many, 1), 1.5, 22))  # points², the area of a dot
    axes.scatter(*picture.points.T, s=size, c=colours(picture), linewidths=0)
    axes.margins(0.08)
    _draw_arrows(axes, picture)
    fontsize = 10.0 if many <= 60 else 8.0 if many <= 300 else 6.0
    with quiet_about_fonts():
        canvas.draw()  # now the axes know where points lie in pixels
        left_out = _draw_labels(canvas, axes, picture, fonts, fontsize, radius=size**0.5)
    if left_out:
        warnings.warn(
            f"{left_out:,} of {many:,} labels had no room and were left out. Ask for fewer words, or save as .html, "
            "where more come as one moves nearer.",
            RuntimeWarning,
            stacklevel=3,
        )
    return _printed(figure, ending)


def drawn_curve(curve: "Curve", ending: str) -> bytes:
    """The file of a loss curve."""
    figure, _ = _figure()
    axes = figure.add_axes((0.09, 0.09, 0.88, 0.84))
    fonts = families([curve.title, *(line.name for line in curve.lines)])
    axes.set_title(curve.title, color=_INK, fontfamily=fonts, parse_math=False)
    for number, line in enumerate(curve.lines):
        style = {"linestyle": "--"} if line.held_out else {}
        axes.plot(line.at, line.loss, marker="o", markersize=4, color=colour(line.run), label=f"{number}", **style)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(curve.unit)
    axes.set_ylabel("loss (nats)")
    axes.grid(color="#eeeeee")
    legend = axes.legend(frameon=False, prop={"family": fonts})
    for text, line in zip(legend.get_texts(), curve.lines, strict=True):
        text.set_parse_math(False)
        text.set_text(line.name)
    return _printed(figure, ending)


def drawn_attention(attention: "Attention", ending: str, heads: list[tuple[str, NDArray[np.float32]]]) -> bytes:
    """The file of some heads' weights, each a square of T rows and S columns: the darker, the more is looked at."""
    figure, _ = _figure()
    fonts = families([attention.title, *attention.queries, *attention.keys])
    figure.suptitle(attention.title, color=_INK, fontfamily=fonts, parse_math=False)
    across = int(np.ceil(len(heads) ** 0.5))
    all_axes = figure.subplots(-(-len(heads) // across), across, squeeze=False).ravel()
    for axes, (name, weights) in zip(all_axes, heads, strict=False):
        axes.imshow(weights, cmap="Blues", vmin=0.0, vmax=max(1e-6, float(weights.max())), aspect="auto")
        axes.set_title(name, fontsize=9, color=_INK)
        small = float(np.clip(9 - 0.6 * across - 0.05 * max(len(attention.keys), len(attention.queries)), 4, 9))
        for axis, tokens, turn in ((axes.xaxis, attention.keys, 90), (axes.yaxis, attention.queries, 0)):
            axis.set_ticks(range(len(tokens)))
            axis.set_ticklabels([str(token) for token in tokens], fontsize=small, fontfamily=fonts, rotation=turn)
            axis.set_tick_params(length=0)
            for label in axis.get_ticklabels():
                label.set_parse_math(False)
    for axes in all_axes[len(heads) :]:
        axes.set_axis_off()
    with quiet_about_fonts():
        figure.tight_layout()
    return _printed(figure, ending)


def colour(group: int) -> str:
    """Of a group, or of a run: 1 has the first."""
    return COLOURS[(group - 1) % len(COLOURS)]


def colours(picture: "Picture") -> list[str]:
    """Of each point; where there are groups, those in none are grey."""
    alone = colour(1) if len(picture.names) == 1 else _PALE
    return [colour(group) if group else alone for group in picture.groups.tolist()]


def _figure() -> tuple[Any, Any]:
    """A figure that no window system knows of, and its canvas, which measures text."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("Pictures need matplotlib: pip install 'firth[explore]'.") from None
    figure = Figure(figsize=_INCHES, dpi=_DPI)
    return figure, FigureCanvasAgg(figure)


def _draw_arrows(axes: Any, picture: "Picture") -> None:
    for start, end in picture.arrows.tolist():
        style = {"arrowstyle": "-|>", "color": _PALE, "shrinkA": 4, "shrinkB": 4, "linewidth": 1.2}
        axes.annotate("", picture.points[end], picture.points[start], arrowprops=style)


def _draw_labels(canvas: Any, axes: Any, picture: "Picture", fonts: list[str], fontsize: float, radius: float) -> int:
    """Write the labels that have room, and return how many have none. Ends of arrows are placed first."""
    from matplotlib.font_manager import FontProperties

    properties = FontProperties(family=fonts, size=fontsize)
    measure = canvas.get_renderer()
    ends = set(picture.arrows.ravel().tolist())
    order = np.array(sorted(range(len(picture.keys)), key=lambda place: place not in ends), np.int64)
    corner, far = axes.transAxes.transform([(0, 0), (1, 1)])
    pixels = axes.transData.transform(picture.points[order]) - corner
    sizes = np.array([measure.get_text_width_height_descent(picture.keys[i], properties, False)[:2] for i in order])
    height = 1.15 * fontsize * _DPI / 72
    sizes = np.stack([sizes[:, 0] + 4, np.maximum(sizes[:, 1], height)], axis=1)
    shafts = _on_arrows(picture, axes) - corner
    places = placed(pixels, sizes, tuple(far - corner), radius * _DPI / 72 / 2, shafts)
    back = axes.transData.inverted()
    for i, place, pixel in zip(order.tolist(), places, pixels, strict=True):
        if place is None:
            continue
        at = back.transform(np.array([place.x, place.y]) + corner)
        if place.led:
            axes.plot(*np.stack([back.transform(pixel + corner), at]).T, color="#cccccc", linewidth=0.5, zorder=0.5)
        axes.text(*at, picture.keys[i], ha="center", va="center", font=properties, color=_INK, parse_math=False)
    return sum(place is None for place in places)


def _on_arrows(picture: "Picture", axes: Any) -> NDArray[np.float64]:
    """Points along the arrows in pixels, close enough that no label lies on a shaft: f8[m, 2]."""
    ends = axes.transData.transform(picture.points[picture.arrows.ravel()]).reshape(-1, 2, 2)
    shafts = [start + (end - start) * np.linspace(0, 1, _steps(start, end))[:, None] for start, end in ends]
    return np.concatenate(shafts) if shafts else np.zeros((0, 2))


def _steps(start: NDArray[np.float64], end: NDArray[np.float64]) -> int:
    return 2 + int(np.hypot(*(end - start)) / 8)


def _printed(figure: Any, ending: str) -> bytes:
    """Without the date, so that the same picture is the same file; characters without a glyph were warned of."""
    file = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(ending)
    with quiet_about_fonts():
        figure.savefig(file, format=ending, metadata=metadata)
    return file.getvalue()
