"""The examples of docs/seq2seq.md and docs/xlnet.md say what comes out."""

import doctest
from pathlib import Path

import pytest

pytest.importorskip("torch")

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["seq2seq", "xlnet"])
def test_the_page_says_what_comes_out(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a picture is written
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False, optionflags=flags, encoding="utf-8")
    assert found.attempted > 4 and not found.failed
