"""What happens to a model while it is saved: HOSTILE rows 1, 2, 3, two processes at one path, a read-only folder.

In all of them the folder is wholly the old model or wholly the new one, and nothing else is left.
"""

import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import DiskFullError, FirthError, MissingInputError, SaveError
from firth.formats import FORMATS
from firth.vectors.subwords import Subwords

CALLS = ("write", "fsync", "rename")
FAILURES = [(name, *how) for name in FORMATS for how in ((True, errno.ENOSPC), (False, errno.EIO))] + [
    ("native", True, errno.EIO),
    ("native", False, errno.ENOSPC),
]

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="forks, signals and locks of POSIX"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


@contextmanager
def at_call(n: int, act: Callable[..., Any], names: tuple[str, ...] = CALLS) -> Iterator[list[str]]:
    """Put `act(real, *args)` in place of the n-th of the system calls; give the list of those made so far."""
    made: list[str] = []
    real = {name: getattr(os, name) for name in names}

    def shim(name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            made.append(name)
            return act(real[name], *args) if len(made) == n else real[name](*args)

        return call

    for name in names:
        setattr(os, name, shim(name))
    try:
        yield made
    finally:
        for name in names:
            setattr(os, name, real[name])


def fail(number: int) -> Callable[..., NoReturn]:
    def act(real: Callable[..., Any], *args: Any) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return act


def die(real: Callable[..., Any], *args: Any) -> NoReturn:
    """End the process at once, a write half done: a power cut."""
    if real.__name__ == "write":
        real(args[0], args[1][: len(args[1]) // 2])
    os._exit(9)


def in_a_child(action: Callable[[], Any]) -> int:
    """Run `action` in a forked process; return its pid."""
    child = os.fork()
    if not child:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def plain(vectors: Vectors) -> Vectors:
    """The model with keys that every format can hold, and with rows of hashed n-grams, which floret's file holds."""
    parts = Subwords(vectors.vectors, 2, 3, hash_count=2)
    keys = [key.replace(" ", "_") for key in vectors.index_to_key]
    return Vectors(keys, vectors.vectors, subwords=parts)


def given(format: str, vectors: Vectors) -> Vectors:
    """What is saved: fastText's file does not hold n-grams that are hashed as floret's are."""
    found = plain(vectors)
    return Vectors(found.index_to_key, found.vectors) if format == "fasttext" else found


def held(vectors: Vectors) -> "np.ndarray[Any, Any]":
    """The numbers of a table that was saved: of its keys, or, where a file has none, of its n-grams."""
    if len(vectors):
        return vectors.vectors
    assert vectors.subwords is not None
    return vectors.subwords.table


@pytest.mark.parametrize(("format", "before", "number"), FAILURES)
def test_every_failing_call_leaves_the_old_model(
    tmp_path: Path, model: Callable[[int], Vectors], format: str, before: bool, number: int
) -> None:
    place = tmp_path / "model"
    old, new = given(format, model(1)), given(format, model(2))
    for n in range(1, 200):
        if before:
            old.save(place, format)
        elif place.exists():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        error: FirthError | None = None
        with at_call(n, fail(number)) as made:
            try:
                new.save(place, format)
            except FirthError as raised:
                error = raised
        if error is None:
            break
        assert isinstance(error, DiskFullError if number == errno.ENOSPC else SaveError)
        assert str(place) in str(error)
        assert os.listdir(tmp_path) == (["model"] if before else []), f"call {n}, {made[n - 1]}"
        if before:
            assert (held(load(place)) == old.vectors).all()
    else:
        pytest.fail("saving never succeeded")
    assert set(made) == set(CALLS)
    assert n > 4
    assert (held(load(place)) == new.vectors).all()
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("format", FORMATS)
def test_death_at_every_call_leaves_one_whole_model(
    tmp_path: Path, model: Callable[[int], Vectors], format: str
) -> None:
    place = tmp_path / "model"
    old, new = given(format, model(1)), given(format, model(2))
    for n in range(1, 200):
        old.save(place, format)

        def action(n: int = n) -> None:
            with at_call(n, die):
                new.save(place, format)

        _, status = os.waitpid(in_a_child(action), 0)
        found = held(load(place, verify="full"))
        assert (found == old.vectors).all() or (found == new.vectors).all(), f"call {n}"
        if os.waitstatus_to_exitcode(status) == 0:
            break
    assert os.waitstatus_to_exitcode(status) == 0
    old.save(place, format)
    assert os.listdir(tmp_path) == ["model"]


def test_everything_is_synced_before_it_moves(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    """A power cut may undo what was not synced: each file, its folder, the one above, the swap, the one above."""
    for format in FORMATS:
        place = tmp_path / format
        given(format, model(1)).save(place, format)
        with at_call(0, die) as made:
            given(format, model(2)).save(place, format)
        order = "".join({"write": "w", "fsync": "s", "rename": "r"}[name] for name in made)
        there = [place, *place.rglob("*")]
        files, folders = sum(path.is_file() for path in there), sum(path.is_dir() for path in there)
        renames = "rr" if folders else "r"
        assert re.fullmatch(rf"(w+s){{{files}}}s{{{folders + 1}}}{renames}s", order), (format, order)


def test_death_of_the_first_save_leaves_nothing_that_loads(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"

    def action() -> None:
        with at_call(3, die):
            model(1).save(place)

    os.waitpid(in_a_child(action), 0)
    assert os.listdir(tmp_path)
    with pytest.raises(MissingInputError):
        load(place)
    model(2).save(place)
    assert os.listdir(tmp_path) == ["model"]


def test_kill_at_random_moments(
    tmp_path: Path, model: Callable[[int], Vectors], same: Callable[[Vectors, Vectors], bool]
) -> None:
    place = tmp_path / "model"
    two = model(1), model(2)
    two[0].save(place)

    def forever() -> None:
        while True:
            for each in two:
                each.save(place)

    rng = random.Random(7)
    for _ in range(50):
        child = in_a_child(forever)
        time.sleep(rng.uniform(0.002, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = load(place, verify="full")
        assert same(two[0], found) or same(two[1], found)
    two[0].save(place)
    assert os.listdir(tmp_path) == ["model"]


def test_two_processes_save_and_a_third_reads(
    tmp_path: Path, model: Callable[[int], Vectors], same: Callable[[Vectors, Vectors], bool]
) -> None:
    place = tmp_path / "model"
    two = model(1), model(2)
    two[0].save(place)
    children = [in_a_child(lambda each=each: [each.save(place) for _ in range(25)]) for each in two]  # type: ignore[misc]
    ended: list[int] = []
    while len(ended) < 2:
        found = load(place, verify="full")
        assert same(two[0], found) or same(two[1], found)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            assert pid in children
            ended.append(os.waitstatus_to_exitcode(status))
    assert ended == [0, 0]
    assert os.listdir(tmp_path) == ["model"]


def test_a_save_waits_for_another(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    going, go_on = os.pipe()

    def slowly() -> None:
        def pause(real: Callable[..., Any], *args: Any) -> Any:
            os.read(going, 1)
            return real(*args)

        with at_call(1, pause, ("rename",)):
            model(1).save(place)

    children = [in_a_child(slowly)]
    while not (tmp_path / ".model.new").exists():
        time.sleep(0.001)
    children.append(in_a_child(lambda: model(2).save(place)))
    time.sleep(0.05)
    assert load(place).provenance == model(1).provenance
    os.write(go_on, b"x")
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    assert load(place, verify="full").provenance == model(2).provenance
    assert os.listdir(tmp_path) == ["model"]


def test_a_system_that_writes_little_or_nothing(
    tmp_path: Path,
    model: Callable[[int], Vectors],
    monkeypatch: pytest.MonkeyPatch,
    same: Callable[[Vectors, Vectors], bool],
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:5]))
    model(1).save(tmp_path / "model")
    assert same(model(1), load(tmp_path / "model", verify="full"))
    monkeypatch.setattr(os, "write", lambda file, data: 0)
    with pytest.raises(SaveError):
        model(2).save(tmp_path / "model")
    assert os.listdir(tmp_path) == ["model"]


def test_interrupting_with_the_keyboard_leaves_the_old_model(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    def interrupt(real: Callable[..., Any], *args: Any) -> NoReturn:
        raise KeyboardInterrupt

    place = tmp_path / "model"
    model(1).save(place)
    for n in (1, 5, 12):
        with pytest.raises(KeyboardInterrupt), at_call(n, interrupt):
            model(2).save(place)
        assert os.listdir(tmp_path) == ["model"]
        assert load(place, verify="full").provenance == model(1).provenance


@pytest.mark.parametrize("format", FORMATS)
def test_too_little_room_is_refused_before_anything_is_written(
    tmp_path: Path, model: Callable[[int], Vectors], monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    place = tmp_path / "model"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 1, 99))  # type: ignore[attr-defined]
    with (
        pytest.raises(DiskFullError, match=r"needs about [\d,]+ bytes, and the disk has 99 free"),
        at_call(0, die) as made,
    ):
        given(format, model(1)).save(place, format)
    assert "write" not in made
    assert os.listdir(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, check=False
        )
    except OSError as error:
        pytest.skip(f"no mount: {error}")
    if made.returncode:
        pytest.skip(f"may not mount a tmpfs: {made.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk(
    small_disk: Path,
    model: Callable[[int], Vectors],
    same: Callable[[Vectors, Vectors], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = small_disk / "model"
    model(1).save(place)
    large = Vectors([f"key{row}" for row in range(3000)], [[float(row)] * 50 for row in range(3000)])
    with pytest.raises(DiskFullError, match="needs about"):
        large.save(place)
    # Another program took the room between the check and the writing.
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40))  # type: ignore[attr-defined]
    with pytest.raises(DiskFullError, match="filled up"):
        large.save(place)
    assert same(model(1), load(place, verify="full"))
    assert os.listdir(small_disk) == ["model"]


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that this process may read and not write. Root may write everywhere, so root steps down."""
    folder = Path(tempfile.mkdtemp())  # pytest's own is closed to everyone but root
    user = os.geteuid()
    yield folder
    os.seteuid(user)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_folder(
    read_only: Path, model: Callable[[int], Vectors], same: Callable[[Vectors, Vectors], bool]
) -> None:
    place = read_only / "model"
    model(1).save(place)
    read_only.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)
    assert same(model(1), load(place, verify="full"))
    with pytest.raises(SaveError, match="Permission denied"):
        model(2).save(place)
    assert same(model(1), load(place, verify="full"))
    assert os.listdir(read_only) == ["model"]


def test_what_is_not_ours_is_never_overwritten(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    folder, file = tmp_path / "thesis", tmp_path / "notes.txt"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("It was a dark night.")
    file.write_text("Remember the milk.")
    other = tmp_path / "bert"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "bert"}')
    for format in FORMATS:
        for place in (folder, file, other):
            with pytest.raises(FirthError, match=r"not overwritten|cannot take its place"):
                given(format, model(1)).save(place, format)
    assert (folder / "chapter1.tex").read_text() == "It was a dark night."
    assert file.read_text() == "Remember the milk."
    assert sorted(os.listdir(tmp_path)) == ["bert", "notes.txt", "thesis"]


def test_a_model_folder_with_somebody_s_notes_in_it_is_not_replaced(
    tmp_path: Path, model: Callable[[int], Vectors]
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    (place / ".DS_Store").write_text("litter")
    model(2).save(place)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(FirthError, match=r"also notes\.txt"):
        model(1).save(place)
    assert (place / "notes.txt").read_text() == "mine"


def test_saving_through_a_link_keeps_the_link(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place, link = tmp_path / "model", tmp_path / "latest"
    model(1).save(place)
    link.symlink_to(place)
    model(2).save(link)
    assert link.is_symlink()
    assert load(place).provenance == load(link).provenance == model(2).provenance


def test_saving_a_mapped_model_over_itself(
    tmp_path: Path, model: Callable[[int], Vectors], same: Callable[[Vectors, Vectors], bool]
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    mapped = load(place)
    mapped.save(place)
    assert same(model(1), mapped)
    assert same(model(1), load(place, verify="full"))
