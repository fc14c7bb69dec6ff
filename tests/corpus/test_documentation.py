"""The documentation of the installed Python as a text."""

from pathlib import Path

import pytest

from firth.corpus import documentation


def test_docstrings_of_every_depth(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""Module."""\nclass A:\n    "Class."\n    def f(self):\n        """Method."""\n        x = "no"\n'
    )
    assert list(documentation.docstrings(file)) == ["Method.", "Class.", "Module."]


def test_nothing_is_run(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text('"""Doc."""\nraise SystemExit("run")\n')
    assert list(documentation.docstrings(file)) == ["Doc."]


@pytest.mark.parametrize("content", [b"print 'two'", b"\0", b"# coding: nonesuch\n", b"x = '\xff'", b"(" * 10_000])
def test_what_cannot_be_parsed_is_passed_over(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "module.py"
    file.write_bytes(content)
    assert list(documentation.docstrings(file)) == []
    assert list(documentation.docstrings(tmp_path / "missing.py")) == []


def test_paragraphs_are_lines_and_end_when_there_are_enough() -> None:
    lines = list(documentation.paragraphs(30_000))
    words = sum(len(line.split()) for line in lines)
    assert 30_000 <= words < 60_000
    assert all(line == " ".join(line.split()) and line for line in lines)


def test_tests_are_left_out_but_not_for_where_they_lie(tmp_path: Path, monkeypatch) -> None:
    root = tmp_path / "site-packages"
    for name in ("tests/a.py", "b.py"):
        (root / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "pack" / name).write_text(f'"""Of {name}."""')
    monkeypatch.setattr(documentation, "_roots", lambda: [root])
    found = list(documentation.paragraphs())
    assert "Of b.py." in found
    assert "Of tests/a.py." not in found
