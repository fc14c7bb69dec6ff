"""The examples of docs/corpus.md and docs/chinese.md run."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", ["corpus.md", "chinese.md"])
def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "chinese.md":
        pytest.importorskip("rjieba")
    monkeypatch.chdir(tmp_path)
    page = (
        (DOCS / name).read_text("utf-8").replace("```", "")
    )  # a fence behind an example would be taken for its output
    examples = doctest.DocTestParser().get_doctest(page, {}, name, str(DOCS / name), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE)
    assert runner.run(examples).failed == 0
    assert len(examples.examples) > 15
