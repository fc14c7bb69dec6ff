"""Files of examples of a task."""

from pathlib import Path

import pytest

from firth.corpus import tasks
from firth.errors import InputError, MissingInputError


@pytest.mark.parametrize(
    ("task", "text", "texts", "labels"),
    [
        ("classify", "good\twell done\n\nbad\ttoo long", ["well done", "too long"], ["good", "bad"]),
        ("classify", "__label__good well done\n", ["well done"], ["good"]),
        ("pair", "yes\ta b\tc\n", [("a b", "c")], ["yes"]),
        ("regress", "1.5\ta\n-2\tb\n", ["a", "b"], [1.5, -2.0]),
        ("regress", "3\ta\tb\n", [("a", "b")], [3.0]),
        ("tag", "the\tD\ncat\tN\n\n\nsat\tV", [["the", "cat"], ["sat"]], [["D", "N"], ["V"]]),
    ],
)
def test_files_are_read(tmp_path: Path, task: str, text: str, texts: list[object], labels: list[object]) -> None:
    (tmp_path / "x").write_text(text)
    assert tasks.read(tmp_path / "x", task) == (texts, labels)


@pytest.mark.parametrize(
    ("task", "text", "says"),
    [
        ("classify", "good\ta\nno tab here", "line 2.*label TAB text"),
        ("classify", "a\tb\tc", "line 1"),
        ("pair", "yes\tonly one", "TAB text TAB text"),
        ("regress", "high\ta", "'high' is no number"),
        ("regress", "nan\ta", "no number"),
        ("tag", "the D", "word TAB tag"),
        ("classify", "\n\n", "holds no example"),
    ],
)
def test_other_lines_are_named(tmp_path: Path, task: str, text: str, says: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(InputError, match=says):
        tasks.read(tmp_path / "x", task)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        tasks.read(tmp_path / "none", "classify")
