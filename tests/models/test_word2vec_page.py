"""docs/word2vec.md and docs/training.md: their examples run, their tables are those of the code."""

import dataclasses
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest

import firth
from firth.config import ALIASES, field_docs

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(("name", "least"), [("word2vec.md", 20), ("training.md", 5)])
def test_the_examples_of_the_page_run(name: str, least: int) -> None:
    failed, tried = doctest.testfile(str(DOCS / name), module_relative=False, encoding="utf8")
    assert tried >= least
    assert not failed


def shown(value: object) -> str:
    return f"`{value!r}`".replace("'", '"')


def options() -> Iterator[str]:
    yield "| option | default | |"
    yield "|---|---|---|"
    docs = field_docs(firth.Word2Vec)
    for field in dataclasses.fields(firth.Word2Vec):
        yield f"| `{field.name}` | {shown(field.default)} | {docs[field.name]} |"


def aliases() -> Iterator[str]:
    yield "| firth | others |"
    yield "|---|---|"
    own = {field.name for field in dataclasses.fields(firth.Word2Vec)}
    for name in dict.fromkeys(name for name in ALIASES.values() if name in own):
        yield f"| `{name}` | {', '.join(f'`{peer}`' for peer, ours in ALIASES.items() if ours == name)} |"


def presets() -> Iterator[str]:
    yield "| preset | |"
    yield "|---|---|"
    for name, values in firth.Word2Vec.presets.items():
        yield f"| `{name}` | {', '.join(f'`{option}` {shown(value)}' for option, value in values.items())} |"


@pytest.mark.parametrize("table", [options, aliases, presets])
def test_a_table_of_the_page_is_that_of_the_code(table) -> None:
    page, expected = (DOCS / "word2vec.md").read_text("utf-8"), "\n".join(table())
    assert f"\n{expected}\n\n" in page, f"docs/word2vec.md should hold:\n\n{expected}\n"


def test_a_preset_names_only_what_differs() -> None:
    """Else its row would say more than it does; lr may name what the architecture would bring anyway."""
    defaults = {field.name: field.default for field in dataclasses.fields(firth.Word2Vec)}
    for name, values in firth.Word2Vec.presets.items():
        assert all(value != defaults[option] for option, value in values.items()), name
