"""docs/items.md: its examples run, its defaults are those of the code."""

import doctest
from pathlib import Path

import firth

PAGE = Path(__file__).resolve().parents[2] / "docs/items.md"


def test_the_examples_run():
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf8")
    assert tried > 15 and not failed


def test_its_defaults_are_those_of_the_code():
    model, text = firth.Item2Vec(), PAGE.read_text(encoding="utf-8")
    for option in ("min_count", "epochs", "ns_exponent"):
        assert f"| `{option}` | {getattr(model, option)}" in text
    assert "| `subsample` | 1e-3 |" in text and model.subsample == 1e-3
    assert f"`recent` ({model.recent}; 0: all) and `popularity` ({model.popularity})" in text
