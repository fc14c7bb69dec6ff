"""Tables at the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firth

pytest.importorskip("torch")
Run = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rows = [f"s{i % 5},{['red', 'blue'][i % 2]},{i},{(i % 5) * 1.5}\n" for i in range(100)]
    path = tmp_path / "sales.csv"
    path.write_text("store,colour,number,revenue\n" + "".join(rows) + ",red,1,2.5\n")
    return path


def test_train_from_a_target(run: Run, file: Path, tmp_path: Path) -> None:
    ran = run("train", "categories", file, "-o", tmp_path / "m", "--y", "revenue", "--dim", 2, "--epochs", 5, "--json")
    assert ran.code == 0
    assert ran.json["columns"] == {"store": {"values": 5, "dim": 2}, "colour": {"values": 2, "dim": 2}}  # no numbers
    assert firth.load(tmp_path / "m").provenance_["target"] == "regression"
    near = run("nearest", tmp_path / "m", "store=s1", "-n", 1)
    assert {key.partition("=")[0] for key, _ in near.rows} == {"store"}
    assert run("info", tmp_path / "m", "--json").json["columns"]["store"]["levels"] == 5


def test_single_numbers_are_not_offered_as_neighbours(run: Run, file: Path, tmp_path: Path) -> None:
    ran = run("train", "categories", file, "-o", tmp_path / "m", "--y", "revenue")
    assert "One number a value" in ran.err and "firth nearest" not in ran.err


def test_train_without_a_target_on_named_columns(run: Run, file: Path, tmp_path: Path) -> None:
    ran = run("train", "categories", file, "-o", tmp_path / "m", "--columns", "store", "number", "--seed", 3)
    assert ran.out.strip() == str(tmp_path / "m")
    assert "firth nearest" in ran.err
    model = firth.load(tmp_path / "m")
    assert (model.columns_, model.supervised_, model.seed) == (["store", "number"], False, 3)


def test_what_cannot_be(run: Run, file: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "m")
    assert run("train", "categories", file, *out, "--y", "revenues").code == 2
    assert "'revenue'" in run("train", "categories", file, *out, "--y", "revenues").err
    assert run("train", "categories", tmp_path / "none.csv", *out).code == 3
    assert run("train", "categories", file, *out, "--y", "colour", "--target", "regression").code == 3
    numbers = tmp_path / "n.csv"
    numbers.write_text("a,b\n1,2\n")
    assert "--columns" in run("train", "categories", numbers, *out).err
