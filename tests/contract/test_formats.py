"""One suite for every format: what goes in comes out, and whatever a format does not keep is said in `FORMATS`."""

import ast
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import firth.formats
from firth import Vectors, load
from firth.errors import ConfigError, FormatError, InputError
from firth.formats import FORMATS, describe

ODD = st.sampled_from(
    [
        *(
            "\u00a0",
            "a\u00a0b",
            "\u3000",
            "\u2028",
            "\x85",
            "\u200b",
            "\u202eabc",
            "é",
            "e\u0301",
            "北京",
            "🙂",
            "\ufeff",
        ),
        *('"', "'", "\\", "\\n", "\x00", "\x1c", "#", "</s>", "0.5", "-1", "nan", "x" * 5000),
        *("1 2", "a\tb", "a\nb", "a\rb", ""),
    ]
)
KEYS = st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
NUMBERS = st.floats(-(2.0**59), 2.0**59, width=32)  # a table refuses rows whose length float32 cannot hold


def _blank(vectors: Vectors) -> bool:
    return any(not key or re.search(r"[\t\n\v\f\r ]", key) for key in vectors.index_to_key)


def _few(vectors: Vectors) -> bool:
    return not len(vectors) or vectors.dim < 2 or vectors.index_to_key[0].startswith("\ufeff")


# What a format may refuse to hold; one that is not named here holds any table.
REFUSED: dict[str, Callable[[Vectors], bool]] = {
    "word2vec": _blank,
    "word2vec-binary": _blank,
    "glove": lambda vectors: _blank(vectors) or _few(vectors),
    "fasttext": lambda vectors: any("\x00" in key for key in vectors.index_to_key),
    "npz": lambda vectors: any(key.endswith("\x00") for key in vectors.index_to_key),
    "projector": lambda vectors: (
        not len(vectors) or any(not key or re.search(r"[\t\n\r]", key) for key in vectors.index_to_key)
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> Vectors:
    """Odd keys, hard numbers, and all or none of what may come with them."""
    keys = draw(st.lists(KEYS, unique=True, max_size=8))
    shape = len(keys), draw(st.integers(1, 5))
    array = draw(hnp.arrays(np.float32, shape, elements=NUMBERS))
    if draw(st.booleans()):
        array = np.asfortranarray(array)
    if draw(st.booleans()):
        return Vectors(keys, array)
    return Vectors(
        keys,
        array,
        output=draw(hnp.arrays(np.float32, shape, elements=NUMBERS)),
        counts=draw(hnp.arrays(np.int64, len(keys), elements=st.integers(0, 2**62))),
        config={"model": {"name": "word2vec", "dim": shape[1]}, "text": {"lower": True}},
        provenance={"loss": draw(st.lists(NUMBERS, max_size=3)), "note": draw(KEYS)},
    )


@pytest.fixture(params=[name for name in FORMATS if name != "floret"])  # it has no keys: tests/formats/test_floret.py
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@given(vectors=tables())
@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_round_trip(name: str, tmp_path: Path, vectors: Vectors) -> None:
    path = tmp_path / "model"
    try:
        vectors.save(path, format=name)
    except FormatError:
        assert REFUSED[name](vectors)
        return
    for found in (load(path), load(path, format=name), load(path, verify="full")):
        assert found.index_to_key == vectors.index_to_key
        assert found.vectors.dtype == np.float32
        assert found.vectors.tobytes() == vectors.vectors.tobytes()  # every bit, the sign of zero included
        for part in ("output", "counts", "config", "provenance"):
            if name == "fasttext" and (part == "config" or not (len(vectors) and np.any(vectors.counts))):
                continue  # it says of any model how fastText would train it on; nothing looks like nothing counted
            kept = getattr(vectors, part) if part in FORMATS[name].keeps else None
            assert np.array_equal(getattr(found, part), kept) if kept is not None else getattr(found, part) is None, (
                part
            )
    facts = describe(path)
    assert (facts["rows"], facts["dim"]) == (len(vectors), vectors.dim)
    assert facts["format"] == name or not len(vectors)  # text and binary of no rows are the same bytes
    assert os.listdir(tmp_path) == ["model"]


def a_table(rows: int = 3, dim: int = 4) -> Vectors:
    return Vectors([f"key{row}" for row in range(rows)], np.arange(rows * dim, dtype=np.float32).reshape(rows, dim))


@pytest.mark.parametrize(("rows", "dim"), [(0, 1), (0, 7), (1, 1), (1, 300), (5000, 1), (3, 5000), (20_000, 17)])
def test_shapes(name: str, tmp_path: Path, rows: int, dim: int) -> None:
    vectors = a_table(rows, dim)
    if name in REFUSED and REFUSED[name](vectors):
        with pytest.raises(FormatError, match="Save as"):
            vectors.save(tmp_path / "model", format=name)
        return
    vectors.save(tmp_path / "model", format=name)
    found = load(tmp_path / "model")
    assert found.index_to_key == vectors.index_to_key
    assert found.vectors.shape == (rows, dim)
    assert np.array_equal(found.vectors, vectors.vectors)


def test_its_name_says_nothing(name: str, tmp_path: Path) -> None:
    for file in ("a.bin", "a.txt", "a.vec", "a.npz", "config.json", "a b", "é", "-"):
        a_table().save(tmp_path / file, format=name)
        assert load(tmp_path / file).index_to_key == a_table().index_to_key


def test_the_same_vectors_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    def content(path: Path) -> dict[str, bytes]:
        files = [file for file in sorted([path, *path.rglob("*")]) if file.is_file()]
        return {str(file.relative_to(path)): file.read_bytes() for file in files}

    for file in ("one", "two"):
        a_table().save(tmp_path / file, format=name)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_saving_again_replaces(name: str, tmp_path: Path) -> None:
    for rows in (3, 30, 2):
        a_table(rows).save(tmp_path / "deep" / "er" / "model", format=name)
        assert len(load(tmp_path / "deep" / "er" / "model")) == rows
    assert os.listdir(tmp_path / "deep" / "er") == ["model"]


def test_an_estimate_of_the_bytes_is_near(name: str, tmp_path: Path) -> None:
    vectors = Vectors([f"key{row}" for row in range(2000)], np.random.default_rng(0).normal(size=(2000, 50)))
    vectors.save(tmp_path / "model", format=name)
    written = sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert 0.9 * written <= FORMATS[name].needs(vectors) <= 1.3 * written


def test_unknown_options_are_refused(name: str, tmp_path: Path) -> None:
    a_table().save(tmp_path / "model", format=name)
    with pytest.raises(ConfigError, match="has no option 'colour'"):
        load(tmp_path / "model", colour="red")
    with pytest.raises(ConfigError, match="verify must be"):
        load(tmp_path / "model", verify="some")  # type: ignore[arg-type]


def test_a_format_asked_for_by_a_wrong_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'word2vec'"):
        a_table().save(tmp_path / "model", format="word2vek")
    with pytest.raises(ConfigError, match="no format 'xyz'"):
        load(tmp_path, format="xyz")
    assert os.listdir(tmp_path) == []


def test_one_format_read_as_another_is_an_error(name: str, tmp_path: Path) -> None:
    a_table().save(tmp_path / "model", format=name)
    for other in FORMATS.keys() - {name}:
        with pytest.raises(InputError):
            load(tmp_path / "model", format=other)


def test_every_module_that_reads_is_in_the_table() -> None:
    for path in Path(firth.formats.__file__).parent.glob("*.py"):
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        if {"recognise", "read", "write"} <= names:
            assert f"firth.formats.{path.stem}" in {each.module for each in FORMATS.values()}, path
    assert all(each.name == name for name, each in FORMATS.items())


def test_every_format_is_documented() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/formats.md"
    for format in FORMATS:
        assert f"`{format}`" in page.read_text(encoding="utf-8")
