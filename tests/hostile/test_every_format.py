"""Damage, lies and pickles in files of every format: HOSTILE rows 8 to 14. A typed error each time; nothing runs."""

import ast
import os
import pickle
import random
import shutil
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth.formats
from firth import Vectors, load
from firth.errors import FirthError, FormatError, InputError
from firth.formats import FORMATS, describe

KEYS = ["oak", "北京", "na\u00efve", "NOUN", "\u202ertl", "z\u200bw"]
# Files without a header that says how many rows there are: cut at the end of a line, they are whole.
MAY_LOSE_ROWS = {"glove"}


def a_table() -> Vectors:
    array = np.random.default_rng(1).normal(size=(len(KEYS), 3)).astype(np.float32)
    return Vectors(KEYS, array, counts=np.arange(6, 0, -1))


@pytest.fixture(params=[name for name in FORMATS if name not in ("native", "floret")])  # which have files of their own
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(tmp_path: Path, name: str) -> Path:
    a_table().save(tmp_path / "model", format=name)
    return tmp_path / "model"


def files(model: Path) -> list[Path]:
    return [path for path in sorted([model, *model.rglob("*")]) if path.is_file()]


def opened(model: Path, name: str) -> Vectors | None:
    """What comes, or None for one of firth's errors; any other error fails, and so does a long wait."""
    found, start = None, time.monotonic()
    with warnings.catch_warnings(), suppress(FirthError):
        warnings.simplefilter("ignore")
        describe(model)
    with suppress(FirthError):
        found = load(model)
    with suppress(FirthError):
        load(model, format=name)
    assert time.monotonic() - start < 15  # three openings, on a machine that may be busy
    return found


# ---------------------------------------------------------------- 8, 9, 10: damage


def test_cut_anywhere(model: Path, name: str) -> None:
    for path in files(model):
        whole = path.read_bytes()
        rng = random.Random(1)
        for size in {0, 1, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(50))}:
            path.write_bytes(whole[:size])
            found = opened(model, name)
            if found is not None:
                expected = a_table().index_to_key
                rows = len(found) if name in MAY_LOSE_ROWS else len(expected)
                assert found.index_to_key == expected[:rows], f"{path.name} cut at byte {size}"
                assert np.array_equal(found.vectors, a_table().vectors[:rows]), f"{path.name} cut at byte {size}"
        path.write_bytes(whole)
    assert opened(model, name) is not None


def test_flipped_bits(model: Path, name: str) -> None:
    for path in files(model):
        whole = path.read_bytes()
        rng = random.Random(2)
        for byte in rng.sample(range(len(whole)), min(len(whole), 100)):
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            opened(model, name)
        path.write_bytes(whole)


def test_bytes_set_to_the_largest(model: Path, name: str) -> None:
    """Counts and lengths become huge or negative; nothing is allocated for them."""
    for path in files(model):
        whole = path.read_bytes()
        rng = random.Random(3)
        for start in rng.sample(range(len(whole)), min(len(whole), 30)):
            for value in (b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\0" * 8):
                path.write_bytes(whole[:start] + value + whole[start + 8 :])
                tracemalloc.start()
                opened(model, name)
                assert tracemalloc.get_traced_memory()[1] < 64 << 20, f"{path.name} at byte {start}"
                tracemalloc.stop()
        path.write_bytes(whole)


def test_bytes_after_the_end(model: Path, name: str) -> None:
    if name in {"npz", "spacy", "model2vec", "sentence-transformers", "projector", "gensim"}:
        return  # zip, JSON, text and pickle end where they say
    path = files(model)[0]
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    with pytest.raises(InputError):
        load(model, format=name)


# ---------------------------------------------------------------- 11: something else


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"<html></html>", random.Random(4).randbytes(5000)])
def test_something_else_in_the_place_of_each_file(model: Path, name: str, content: bytes) -> None:
    for path in files(model):
        whole = path.read_bytes()
        path.write_bytes(content)
        found = opened(model, name)
        if found is not None:  # a file that is for other programs alone
            assert found.index_to_key == KEYS
        path.write_bytes(whole)


def test_a_pipe_in_the_place_of_each_file(model: Path, name: str) -> None:
    if model.is_file():
        return
    for path in files(model):
        whole = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        found = opened(model, name)
        assert found is None or found.index_to_key == KEYS
        path.unlink()
        path.write_bytes(whole)


def test_each_file_gone(model: Path, name: str) -> None:
    for path in files(model) if model.is_dir() else ():
        whole = path.read_bytes()
        path.unlink()
        found = opened(model, name)
        assert found is None or found.index_to_key == KEYS
        path.write_bytes(whole)


# ---------------------------------------------------------------- 12: pickles


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


SEEN: list[str] = []
WATCHED = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
)
_hooked = False


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was unpickled, run or connected to since; a hook cannot be taken away again, so there is one for all."""
    global _hooked  # noqa: PLW0603
    if not _hooked:
        sys.addaudithook(lambda event, arguments: SEEN.append(event) if event in WATCHED else None)
        _hooked = True

    def refuse(*_: Any, **__: Any) -> None:
        SEEN.append("pickle.load")

    import _pickle

    for module in (pickle, _pickle):
        for function in ("load", "loads", "Unpickler"):
            monkeypatch.setattr(module, function, refuse)
    SEEN.clear()
    yield SEEN
    SEEN.clear()


def test_the_hook_sees_what_it_should(watched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(Canary(Path("never")))
    pickle.loads(data)
    assert watched == ["pickle.load"]
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        pickle.loads(pickle.dumps(Canary(Path("no/such/folder"))))
    assert watched == ["pickle.load", "pickle.find_class"]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_in_the_place_of_each_file(
    tmp_path: Path, model: Path, name: str, protocol: int, watched: list[str]
) -> None:
    canary = tmp_path / "canary"
    for path in files(model):
        whole = path.read_bytes()
        for content in (pickle.dumps(Canary(canary), protocol), whole + pickle.dumps(Canary(canary), protocol)):
            path.write_bytes(content)
            opened(model, name)
        path.write_bytes(whole)
    assert watched == []
    assert not canary.exists()


def test_damaged_files_of_all_formats_run_nothing(model: Path, name: str, watched: list[str]) -> None:
    for path in files(model):
        whole = path.read_bytes()
        rng = random.Random(5)
        for byte in rng.sample(range(len(whole)), min(len(whole), 60)):
            path.write_bytes(whole[:byte] + bytes([rng.randrange(256)]) + whole[byte + 1 :])
            opened(model, name)
        path.write_bytes(whole)
    assert watched == []


def test_no_module_that_reads_imports_a_pickle() -> None:
    """Walks the imports from the readers on: none of ours names a module that could run what a file says."""
    seen, waiting = set[str](), ["firth.loading", *(each.module for each in FORMATS.values())]
    root = Path(firth.formats.__file__).parents[2]
    while waiting:
        module = waiting.pop()
        path = root / (module.replace(".", "/") + ".py")
        path = path if path.exists() else path.with_suffix("") / "__init__.py"
        if module in seen or not path.exists():
            continue
        seen.add(module)
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
            assert not {name.split(".")[0] for name in names} & {
                "pickle",
                "_pickle",
                "dill",
                "joblib",
                "shelve",
                "marshal",
            }
            waiting += [name for name in names if name.startswith("firth")]
    assert {"firth.formats.gensim", "firth.formats.pickled", "firth.vectors.table"} <= seen


# ---------------------------------------------------------------- 14: names


def test_links_inside_a_folder(tmp_path: Path, model: Path, name: str) -> None:
    if model.is_file():
        return
    for path in files(model):
        shutil.move(path, tmp_path / "outside")
        path.symlink_to(tmp_path / "outside")
        found = opened(model, name)
        assert found is None or path.suffix == ".pbtxt" or path.name.startswith("config"), path
        path.unlink()
        shutil.move(tmp_path / "outside", path)
    assert opened(model, name) is not None


# ---------------------------------------------------------------- saving over something


def test_a_folder_with_a_stranger_in_it_is_not_replaced(model: Path, name: str) -> None:
    if model.is_file():
        return
    (model / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match=r"also notes\.txt, which would be lost"):
        a_table().save(model, name)
    assert (model / "notes.txt").read_text() == "mine"
    (model / "notes.txt").unlink()
    a_table().save(model, name)


def test_no_format_takes_the_place_of_what_holds_no_vectors(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine"
    make: Callable[[], Any] = path.mkdir if FORMATS[name].kind == "folder" else lambda: path.write_text("mine\n")
    make()
    if path.is_dir():
        (path / "notes.txt").write_text("mine")
    with pytest.raises(FormatError, match="not overwritten"):
        a_table().save(path, name)
