"""A real text that every machine with Python has: the documentation of Python itself and of what is installed.

The language reference that `help()` shows, then the docstrings of the standard library, then those of installed
packages: English about one subject, so that a small model learns it. Files are parsed, never imported or run.
"""

import ast
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SKIPPED = {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "_vendor"}


def paragraphs(words: int = 1_500_000) -> Iterator[str]:
    """Paragraphs, each on one line, until about `words` words have come; fewer where fewer are installed.

    >>> next(paragraphs()).startswith("The")
    True
    """
    seen = 0
    for text in _texts():
        for block in text.split("\n\n"):
            cut = block.split()
            if cut:
                seen += len(cut)
                yield " ".join(cut)
        if seen >= words:
            return


def _texts() -> Iterator[str]:
    with suppress(ImportError):  # some distributions leave it out
        from pydoc_data.topics import topics

        yield from topics.values()
    for root in _roots():
        for file in sorted(root.rglob("*.py")):
            if _SKIPPED.isdisjoint(file.relative_to(root).parts):
                yield from docstrings(file)


def _roots() -> list[Path]:
    """The standard library, then each folder of installed packages."""
    paths = sysconfig.get_paths()
    installed = [path for path in sys.path if Path(path).name in {"site-packages", "dist-packages"}]
    return [Path(path) for path in dict.fromkeys([paths["stdlib"], paths["purelib"], paths["platlib"], *installed])]


def docstrings(file: Path) -> Iterator[str]:
    """The docstrings of a Python file: of its classes and functions, then its own. None where it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's escapes
            tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from _of(tree)


def _of(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _of(child)
    text = ast.get_docstring(node)
    if text:
        yield text
