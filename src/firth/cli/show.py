"""How answers look: one JSON document, a table for people, or lines with tabs for programs. Talk goes to stderr."""

import json
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_OWN = Path(__file__).parents[1]


def answer(
    document: object, rows: Iterable[Sequence[object]], *, as_json: bool, heading: Sequence[str] | None = None
) -> None:
    """Print `document` as JSON, or else its `rows`: under a `heading` on a terminal, separated by tabs elsewhere."""
    if as_json:
        print(json.dumps(_finite(document), ensure_ascii=False, indent=2))
    elif sys.stdout.isatty():
        _table(rows, heading)
    else:
        for row in rows:
            print(*map(_cell, row), sep="\t")


def say(*lines: str) -> None:
    """A word to the person at the terminal, beside the results."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


@contextmanager
def warnings_in_a_line() -> Iterator[None]:
    """Warnings of firth's own are said as failures are, without the line of code that they come from."""
    with warnings.catch_warnings():
        plain = warnings.showwarning

        def tell(message: Any, category: Any, filename: str, *where: Any, **more: Any) -> None:
            if Path(filename).is_relative_to(_OWN):
                say(f"firth: {message}")
            else:
                plain(message, category, filename, *where, **more)

        warnings.showwarning = tell
        yield


def failure(message: str, exit_code: int) -> int:
    """Say why the run failed; returns its exit code."""
    say(f"firth: {message}")
    return exit_code


def _table(rows: Iterable[Sequence[object]], heading: Sequence[str] | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=heading is not None, header_style="dim", pad_edge=False)
    for row in rows:
        while (column := len(table.columns)) < len(row):
            number = isinstance(row[column], int | float)
            name = heading[column] if heading else ""
            table.add_column(name, justify="right" if number else "left", overflow="fold")
        table.add_row(*(Text(_cell(value)) for value in row))
    Console(highlight=False).print(table)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) and sys.stdout.isatty() else str(value)


def _finite(value: object) -> object:
    """The same document; JSON has no NaN and no infinity, so they become null."""
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
