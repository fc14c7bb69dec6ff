"""docs/ngram.md: its examples run, its table of options is the code's."""

import dataclasses
import doctest
from pathlib import Path

import pytest

import firth
from firth.config import field_docs

PAGE = Path(__file__).resolve().parents[2] / "docs/ngram.md"


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf8")
    assert tried >= 15
    assert not failed


def test_the_table_of_options_is_the_codes() -> None:
    docs = field_docs(firth.NGramLM)
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for field in dataclasses.fields(firth.NGramLM):
        shown = f"`{field.default!r}`".replace("'", '"')
        assert f"| `{field.name}` | {shown} | {' '.join(docs[field.name].split())} |" in lines
