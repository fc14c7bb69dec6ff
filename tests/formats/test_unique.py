"""Keys that come twice, against a set."""

from hypothesis import example, given
from hypothesis import strategies as st

from firth.formats.unique import first_repeated
from firth.vectors.keys import Keys


def slowly(keys: list[str]) -> int | None:
    return next((place for place, key in enumerate(keys) if key in keys[:place]), None)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=30))
@example(["", "a", ""])
@example(["x" * 64 + "a", "x" * 64 + "b", "x" * 64 + "a"])
@example(["x" * 64 + "a", "x" * 64 + "b"])
@example(["a", "a\0", "a\0\0"])
def test_the_first_repeated(keys: list[str]) -> None:
    assert first_repeated(Keys.of(keys)) == slowly(keys)
