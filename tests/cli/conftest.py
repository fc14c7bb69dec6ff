"""Run a command line in this process; a small model and a small text to run it on."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import firth
from firth.cli import main


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*words: object, stdin: str | None = None) -> Ran:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Six words in the plane, at angles that give every question a plain answer; the output table is turned by 90°."""
    angles = np.radians([0, 10, 25, 90, 100, 170])
    array = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    path = tmp_path / "model"
    firth.Vectors(
        ["oak", "elm", "ash", "car", "bus", "-ing"],
        array,
        output=array[[3, 0, 1, 2, 5, 4]],
        counts=np.array([60, 50, 40, 30, 20, 10]),
        config={"model": {"name": "word2vec", "dim": 2}, "text": {"tokenizer": "whitespace", "lower": False}},
    ).save(path)
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("the oak and the elm\nthe car and the bus\n" * 50, encoding="utf-8")
    return path
