"""docs/pairs.md: its examples run, its defaults are those of the code."""

import doctest
from pathlib import Path

import firth

PAGE = Path(__file__).resolve().parents[2] / "docs/pairs.md"


def test_the_examples_run():
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, encoding="utf8")
    assert tried >= 12 and not failed


def test_its_defaults_are_those_of_the_code():
    model, text = firth.Pairs(), PAGE.read_text(encoding="utf-8")
    for option in ("shared", "negatives", "ns_exponent"):
        assert f"| `{option}` | {getattr(model, option)} |" in text
    assert f"| {model.dim}, {model.epochs}, {model.lr}, {model.min_count}, {model.seed} |" in text
