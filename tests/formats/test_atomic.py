"""The states that an interrupted swap can leave, one by one."""

import errno
import os
from pathlib import Path

import pytest

from firth import Vectors, load
from firth.formats import atomic


def table(number: float) -> Vectors:
    return Vectors(["oak"], [[number]])


@pytest.fixture(params=["native", "word2vec"])
def format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_between_the_two_renames(tmp_path: Path, format: str) -> None:
    table(1).save(tmp_path / ".model.old", format)
    table(2).save(tmp_path / ".model.new", format)
    assert load(tmp_path / "model").vectors == 1
    assert load(tmp_path / "model").vectors == 1
    table(3).save(tmp_path / "model", format)
    assert load(tmp_path / "model").vectors == 3
    assert names(tmp_path) == ["model"]


def test_after_the_second_rename(tmp_path: Path, format: str) -> None:
    table(1).save(tmp_path / ".model.old", format)
    table(2).save(tmp_path / "model", format)
    assert load(tmp_path / "model").vectors == 2
    table(3).save(tmp_path / "model", format)
    assert names(tmp_path) == ["model"]


def test_before_the_first_rename(tmp_path: Path, format: str) -> None:
    table(1).save(tmp_path / "model", format)
    (tmp_path / ".model.new").mkdir()
    (tmp_path / ".model.new" / "vectors.safetensors").write_bytes(b"half")
    (tmp_path / ".model.lock").touch()
    assert load(tmp_path / "model").vectors == 1
    table(2).save(tmp_path / "model", format)
    assert load(tmp_path / "model").vectors == 2
    assert names(tmp_path) == ["model"]


def test_leftovers_of_the_other_kind(tmp_path: Path, format: str) -> None:
    (tmp_path / ".model.new").symlink_to(tmp_path)
    (tmp_path / ".model.old").write_text("half")
    table(1).save(tmp_path / "other", format)
    os.rename(tmp_path / "other", tmp_path / "model")
    table(2).save(tmp_path / "model", format)
    assert names(tmp_path) == ["model"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    for number in (1, 2):
        table(number).save(tmp_path / "model", "word2vec")
        assert load(tmp_path / "model").vectors == number
    assert names(tmp_path) == ["model"]


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*args: object) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    table(1).save(tmp_path / "model")
    assert names(tmp_path) == ["model"]


def test_a_file_never_leaves_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "model"
    table(1).save(place, "word2vec")
    real = os.rename

    def watched(source: Path, target: Path) -> None:
        assert place.exists()
        real(source, target)
        assert place.exists()

    monkeypatch.setattr(os, "rename", watched)
    table(2).save(place, "word2vec")
    assert load(place).vectors == 2


def test_a_read_is_repeated_when_the_model_changes_under_it(tmp_path: Path) -> None:
    place = tmp_path / "model"
    table(1).save(place)
    seen = []

    def read() -> float:
        if not seen:
            seen.append(float(load(place).vectors[0, 0]))
            table(2).save(place)
            raise FileNotFoundError("the old one went away")
        return float(load(place).vectors[0, 0])

    assert atomic.steady(place, read) == 2
    assert seen == [1]


def test_file_descriptors_are_given_back(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        table(1).save(tmp_path / "model")
        table(1).save(tmp_path / "file", "word2vec")
        load(tmp_path / "file")
        load(tmp_path / "model")
    assert len(os.listdir("/proc/self/fd")) <= before + 1
