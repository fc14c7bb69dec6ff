"""Labels that do not collide: where each word stands beside its point, or that there is no room for it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Places to try: direction of the label's centre from the point, in half widths and half heights, and the gap between.
_DIRECTIONS = [(1, 0), (0, 1), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
_GAPS = (3.0, 9.0, 18.0, 30.0, 44.0, 60.0)  # pixels; from the second on a line leads to the point
_CELL = 64.0  # pixels of the squares in which neighbours are sought


class Place(NamedTuple):
    """The middle of a label, in pixels, and whether it is so far off that a line should lead to its point."""

    x: float
    y: float
    led: bool


class _Boxes:
    """Rectangles on the plane; which of them are met by another is found without looking at all."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[tuple[float, float, float, float]]] = {}

    def _over(self, box: tuple[float, float, float, float]) -> list[tuple[int, int]]:
        left, bottom, right, top = (int(edge // _CELL) for edge in box)
        return [(x, y) for x in range(left, right + 1) for y in range(bottom, top + 1)]

    def add(self, box: tuple[float, float, float, float]) -> None:
        for cell in self._over(box):
            self.cells.setdefault(cell, []).append(box)

    def meets(self, box: tuple[float, float, float, float]) -> bool:
        left, bottom, right, top = box
        return any(
            left < other[2] and other[0] < right and bottom < other[3] and other[1] < top
            for cell in self._over(box)
            for other in self.cells.get(cell, ())
        )


def placed(
    points: NDArray[np.float64],
    sizes: NDArray[np.float64],
    frame: tuple[float, float],
    radius: float,
    obstacles: NDArray[np.float64] | None = None,
) -> list[Place | None]:
    """A place for the label of each point, in the order of the points; None where every place is taken.

    points     f8[n, 2], pixels; the first ones have the first choice
    sizes      f8[n, 2], width and height of the labels
    frame      width and height of the picture; labels stay inside it
    radius     of the dots, which no label covers
    obstacles  f8[m, 2], other points that no label covers: those on arrows, say

    >>> first, second = placed(np.array([[50.0, 50.0], [52.0, 50.0]]), np.array([[20.0, 10.0]] * 2), (100, 100), 2)
    >>> first, second
    (Place(x=65.0, y=50.0, led=False), Place(x=52.0, y=60.0, led=False))

    Every label in turn tries eight sides, near first, and takes the first that is free (Christensen, Marks & Shieber
    1995, greedy).
    """
    boxes = _Boxes()
    for x, y in points if obstacles is None else np.concatenate([points, obstacles]):
        boxes.add((x - radius, y - radius, x + radius, y + radius))
    found: list[Place | None] = []
    for (x, y), (width, height) in zip(points.tolist(), sizes.tolist(), strict=True):
        place = _first_free(boxes, (x, y), (width / 2, height / 2), frame, radius)
        if place:
            boxes.add(_box(place, width / 2, height / 2))
        found.append(place)
    return found


def _first_free(
    boxes: _Boxes, point: tuple[float, float], half: tuple[float, float], frame: tuple[float, float], radius: float
) -> Place | None:
    for number, gap in enumerate(_GAPS):
        for across, up in _DIRECTIONS:
            slant = 0.7 if across and up else 1.0
            x = point[0] + across * (half[0] + (radius + gap) * slant)
            y = point[1] + up * (half[1] + (radius + gap) * slant)
            place = Place(x, y, led=number > 0)
            box = _box(place, *half)
            if box[0] >= 0 and box[1] >= 0 and box[2] <= frame[0] and box[3] <= frame[1] and not boxes.meets(box):
                return place
    return None


def _box(place: Place, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    return place.x - half_width, place.y - half_height, place.x + half_width, place.y + half_height
