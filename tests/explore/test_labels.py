"""Labels: none lies on another, none on a dot, none outside."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firth.explore.labels import placed

FRAME = (300.0, 200.0)


@given(st.integers(0, 60), st.integers(0, 2**32 - 1))
def test_none_collides(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (number, 2)) * FRAME
    sizes = rng.uniform([8, 8], [70, 14], (number, 2))
    places = placed(points, sizes, FRAME, 2)
    assert len(places) == number
    boxes = [
        (place.x - w / 2, place.y - h / 2, place.x + w / 2, place.y + h / 2)
        for place, (w, h) in zip(places, sizes.tolist(), strict=True)
        if place
    ]
    assert all(left >= 0 and bottom >= 0 and right <= 300 and top <= 200 for left, bottom, right, top in boxes)
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            assert not (one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])
        for x, y in points.tolist():
            assert not (one[0] < x < one[2] and one[1] < y < one[3])


def test_the_first_has_the_first_choice_and_no_room_is_said() -> None:
    points = np.tile([[50.0, 50.0]], (100, 1))
    places = placed(points, np.tile([[40.0, 12.0]], (100, 1)), (120, 100), 2)
    assert places[0] == (75, 50, False)
    assert places[-1] is None


def test_obstacles_are_kept_free() -> None:
    point, size = np.array([[50.0, 50.0]]), np.array([[40.0, 12.0]])
    (free,) = placed(point, size, (200, 200), 2)
    (moved,) = placed(point, size, (200, 200), 2, np.array([[75.0, 50.0]]))
    assert free != moved
