"""What these pages show is what happens."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["vectors.md", "search.md", "table.md", "evaluate.md", "evidence.md", "pictures.md"])
def test_the_examples_of_the_page_run(name: str) -> None:
    failed, tried = doctest.testfile(str(DOCS / name), module_relative=False, encoding="utf8")
    assert tried > 2
    assert not failed
