"""The examples of docs/plan.md and docs/tune.md run."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["plan.md", "tune.md"])
def test_the_examples_of_the_page_run(page: str) -> None:
    ran = doctest.testfile(str(DOCS / page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert ran.failed == 0
    assert ran.attempted > 4
