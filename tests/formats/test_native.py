"""The native folder: what other programs see of it, what is mapped, and the card."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import safetensors.numpy

import firth
from firth import Vectors, Vocabulary
from firth.errors import ConfigError
from firth.formats import describe


@pytest.fixture
def trees() -> Vectors:
    return Vectors(
        ["oak", "北京", "a\tb"],
        np.arange(15, dtype=np.float32).reshape(3, 5),
        output=np.ones((3, 5), np.float32),
        counts=np.array([7, 5, 2]),
        config={"model": {"name": "word2vec", "dim": 5, "epochs": 3}, "text": {"tokenizer": "whitespace"}},
        provenance={"words": 1_234_567, "loss": [3.5, 2.25, 2.125], "by|whom": "me\nand you"},
    )


def test_the_files(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    names = {"README.md", "config.json", "provenance.json", "vectors.safetensors", "vocabulary.tsv"}
    assert {path.name for path in (tmp_path / "m").iterdir()} == names
    config = msgspec.json.decode((tmp_path / "m/config.json").read_bytes())
    assert list(config) == ["format", "format_version", "model", "text", "files", "checksum"]
    assert (config["format"], config["format_version"]) == ("firth", 1)
    assert config["model"] == {"name": "word2vec", "dim": 5, "epochs": 3}
    assert config["files"].keys() == names - {"config.json"}
    for name, record in config["files"].items():
        assert record["size"] == (tmp_path / "m" / name).stat().st_size
        assert len(record["crc32"]) == 1
    assert Vocabulary.load(tmp_path / "m/vocabulary.tsv") == Vocabulary(trees.index_to_key, [7, 5, 2])
    assert msgspec.json.decode((tmp_path / "m/provenance.json").read_bytes()) == trees.provenance


def test_the_safetensors_library_reads_it(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    found = safetensors.numpy.load_file(tmp_path / "m/vectors.safetensors")
    assert found.keys() == {"keys", "offsets", "counts", "vectors", "output"}
    assert np.array_equal(found["vectors"], trees.vectors)
    assert np.array_equal(found["output"], trees.output)
    assert np.array_equal(found["counts"], trees.counts)
    blob, offsets = found["keys"].tobytes(), found["offsets"].tolist()
    assert [blob[a:b].decode() for a, b in pairwise(offsets)] == trees.index_to_key


@pytest.mark.parametrize("keys", [["a"], ["ab"], ["abc", "d"], ["a" * 61, "é"]])
def test_arrays_are_mapped_and_aligned(tmp_path: Path, keys: list[str]) -> None:
    vectors = Vectors(keys, np.ones((len(keys), 3), np.float32), counts=np.ones(len(keys), np.int64))
    vectors.save(tmp_path / "m")
    found = firth.load(tmp_path / "m")
    assert isinstance(found.vectors, np.memmap)
    assert not found.vectors.flags.writeable
    assert found.vectors.flags.aligned
    assert found.vectors.ctypes.data % 64 == 0
    assert found.counts is not None
    assert found.counts.flags.aligned
    assert found.counts.ctypes.data % 8 == 0


def test_the_card(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    card = (tmp_path / "m/README.md").read_text(encoding="utf-8")
    for line in (
        "# 3 vectors of 5 numbers, learnt by firth's word2vec",
        "The first keys and their counts: `oak` (7), `北京` (5), `a\tb` (2).",
        'vectors = firth.load("path/to/this/folder")',
        "| epochs | 3 |",
        "| tokenizer | whitespace |",
        "| words | 1,234,567 |",
        "| loss | 3.5, 2.25, 2.125 |",
        "| by\\|whom | me and you |",
    ):
        assert line in card.splitlines()
    Vectors(["a"], [[1.0]]).save(tmp_path / "m")
    assert "learnt" not in (tmp_path / "m/README.md").read_text(encoding="utf-8")


def test_facts_without_the_table(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    facts = describe(tmp_path / "m")
    assert facts["counts"] is facts["output"] is True
    assert facts["config"] == trees.config
    assert facts["provenance"] == trees.provenance
    assert facts["files"]["vectors.safetensors"] == (tmp_path / "m/vectors.safetensors").stat().st_size
    (tmp_path / "m/vocabulary.tsv").unlink()
    assert "vocabulary.tsv" not in describe(tmp_path / "m")["files"]


def test_what_is_for_people_may_be_edited(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    (tmp_path / "m/README.md").write_text("My own words.")
    (tmp_path / "m/vocabulary.tsv").unlink()
    assert firth.load(tmp_path / "m").index_to_key == trees.index_to_key
    with pytest.raises(firth.errors.InputError):
        firth.load(tmp_path / "m", verify="full")
    trees.save(tmp_path / "m")
    firth.load(tmp_path / "m", verify="full")


@pytest.mark.parametrize(
    "given",
    [
        {"config": {"format": "mine"}},
        {"config": {"files": {}}},
        {"config": {"model": {"a": object()}}},
        {"provenance": {"a": {1, 2}.__iter__()}},
        {"provenance": {"a": "\ud800"}},
    ],
)
def test_what_json_cannot_hold(tmp_path: Path, given: dict[str, dict[str, object]]) -> None:
    with pytest.raises(ConfigError, match=r"config|provenance"):
        Vectors(["a"], [[1.0]], **given).save(tmp_path / "m")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_other_names_in_config_come_back(tmp_path: Path) -> None:
    config = {"model": {"name": "x"}, "text": {}, "mine": [1, {"a": None}]}
    Vectors(["a"], [[1.0]], config=config).save(tmp_path / "m")
    assert firth.load(tmp_path / "m").config == config


def test_opening_a_model_imports_no_arrow_numba_or_torch(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    code = f"import sys, firth; firth.load({str(tmp_path / 'm')!r}); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "firth.formats.native" in modules
    assert not {"pyarrow", "numba", "torch", "scipy", "firth.formats.word2vec"} & set(modules)


# What opening may import besides what NumPy and safetensors have. All the rest costs every program time at its start:
# msgspec 6 ms, pathlib 4, tomllib and shutil 2 each, dataclasses and difflib 1 each, where opening itself takes 6.
NEEDED_TO_OPEN = {
    *("firth", "firth.errors", "firth.loading", "firth.formats", "firth.vectors"),
    *(f"firth.formats.{name}" for name in ("atomic", "checksums", "json_text", "native", "plain_files", "safetensors")),
    *(
        "firth.formats.signatures",
        "firth.formats.unique",
        "firth.vectors.analogy",
        "firth.vectors.checks",
        "firth.vectors.keys",
    ),
    *(f"firth.vectors.{name}" for name in ("lookup", "nearest", "sentences", "table", "unknown")),
    *(f"firth.vectors.{name}" for name in ("neighbours", "operations", "quantised")),
    *(f"firth.formats.{name}" for name in ("index_file", "quantised")),
    *("errno", "fcntl", "json", "mmap", "numpy.typing", "zlib"),
}


def test_opening_a_model_imports_little(tmp_path: Path, trees: Vectors) -> None:
    trees.save(tmp_path / "m")
    code = f"""
import sys, numpy, safetensors
before = set(sys.modules)
import firth
firth.load({str(tmp_path / "m")!r})
print(*sys.modules.keys() - before)
"""
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "firth.formats.native" in modules
    beside = {name for name in modules if name.split(".")[0] not in {"json", "numpy"} and not name.startswith("_")}
    assert beside - NEEDED_TO_OPEN == set()
