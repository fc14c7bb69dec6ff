"""docs/categories.md: its examples run, its table of options is the code's."""

import dataclasses
import doctest
from pathlib import Path

import pytest

import firth
from firth.config import field_docs

PAGE = Path(__file__).resolve().parents[2] / "docs/categories.md"


def test_the_examples_of_the_page_run() -> None:
    for needed in ("torch", "sklearn", "pandas"):
        pytest.importorskip(needed)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf8")
    assert tried >= 10
    assert not failed


def test_the_table_of_options_is_the_codes() -> None:
    docs = field_docs(firth.CategoryEncoder)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for field in dataclasses.fields(firth.CategoryEncoder):
        shown = f"`{field.default!r}`".replace("'", '"')
        assert f"| `{field.name}` | {shown} | {' '.join(docs[field.name].split())} |" in lines
