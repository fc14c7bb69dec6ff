"""Files that are damaged, malicious, or something else altogether: HOSTILE rows 6, 7, 8, 11, 12, 14, 15."""

import os
import pickle
import random
import re
import shutil
import socket
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import CorruptFileError, EncodingError, FormatError, InputError, MissingInputError
from firth.formats import FORMATS, describe, native
from firth.formats.checksums import BLOCK

# ---------------------------------------------------------------- 6: cut


def test_a_model_cut_anywhere(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    path = place / "vectors.safetensors"
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    rng = random.Random(1)
    for size in [*range(header + 1), *(rng.randrange(header, len(whole)) for _ in range(200))]:
        path.write_bytes(whole[:size])
        with pytest.raises(CorruptFileError, match=rf"vectors\.safetensors was cut short at byte {size:,}:"):
            load(place)


def test_a_config_cut_anywhere(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    path = place / "config.json"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(CorruptFileError, match=r"config\.json was cut short or altered"):
            load(place)


def test_a_cut_that_the_config_agrees_with(
    tmp_path: Path, model: Callable[[int], Vectors], write_record: Callable[[Path], None]
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    path = place / "vectors.safetensors"
    whole = path.read_bytes()
    for size in range(0, len(whole), 13):
        path.write_bytes(whole[:size])
        write_record(place)
        with pytest.raises(CorruptFileError, match="damaged at byte"):
            load(place)


def test_a_file_that_grew(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    with open(place / "vectors.safetensors", "ab") as file:
        file.write(b"\0")
    with pytest.raises(CorruptFileError, match="has bytes after byte"):
        load(place)


@pytest.mark.parametrize("name", ["config.json", "vectors.safetensors", "provenance.json"])
def test_a_file_that_is_gone(tmp_path: Path, model: Callable[[int], Vectors], name: str) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    (place / name).unlink()
    with pytest.raises(MissingInputError, match=name):
        load(place)


# ---------------------------------------------------------------- 7: flipped


def test_one_flipped_bit_anywhere(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    rng = random.Random(2)
    for path in sorted(place.iterdir()):
        whole = path.read_bytes()
        for byte in rng.sample(range(len(whole)), min(len(whole), 150)):
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(CorruptFileError, match=path.name.replace(".", r"\.")):
                load(place, verify="full")
            if path.name in {"config.json", "provenance.json"}:
                with pytest.raises(CorruptFileError):
                    load(place)
        path.write_bytes(whole)
    load(place, verify="full")


def test_keys_are_checked_and_vectors_only_in_full(tmp_path: Path) -> None:
    place = tmp_path / "model"
    vectors = Vectors([f"key{row}" for row in range(200)], np.ones((200, 5 * BLOCK // 1600), np.float32))
    vectors.save(place)
    path = place / "vectors.safetensors"
    whole = path.read_bytes()

    def flip(byte: int) -> None:
        path.write_bytes(whole[:byte] + bytes([whole[byte] ^ 1]) + whole[byte + 1 :])

    flip(whole.index(b"key7"))
    with pytest.raises(CorruptFileError, match=f"between byte 0 and byte {BLOCK:,}"):
        load(place)
    flip(len(whole) - 1)
    assert load(place).index_to_key == vectors.index_to_key
    with pytest.raises(CorruptFileError, match=f"between byte {2 * BLOCK:,} and"):
        load(place, verify="full")


# ---------------------------------------------------------------- 8: lies


def entry(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(entries: dict[str, Any]) -> None:
        entries[name] |= changes

    return change


def shifted(name: str, begin: int, end: int) -> Callable[[dict[str, Any]], None]:
    def change(entries: dict[str, Any]) -> None:
        entries[name]["data_offsets"] = [
            entries[name]["data_offsets"][0] + begin,
            entries[name]["data_offsets"][1] + end,
        ]

    return change


def offsets(*numbers: int) -> dict[str, Any]:
    return {"offsets": np.array(numbers, np.int64)}


TRUE = (0, 3, 9, 15, 18, 24, 29)
LIES: dict[str, dict[str, Any]] = {
    "2^63 rows": {"header": entry("vectors", shape=[2**63, 3])},
    "2^64 rows": {"header": entry("vectors", shape=[2**64, 3])},
    "rows × dim beyond 64 bits": {"header": entry("vectors", shape=[2**62, 2**62])},
    "a shape of a million": {"header": entry("vectors", shape=[2**60] * 100_000)},
    "negative rows": {"header": entry("vectors", shape=[-1, 3])},
    "dim 0": {"arrays": {"vectors": np.zeros((6, 0), np.float32), "output": None}},
    "2^62 rows of dim 0": {
        "arrays": {"vectors": np.zeros((6, 0), np.float32), "output": None},
        "header": entry("vectors", shape=[2**62, 0]),
    },
    "dim -1": {"header": entry("vectors", shape=[6, -1])},
    "dim true": {"header": entry("vectors", shape=[18, True])},
    "nine dimensions": {"header": entry("vectors", shape=[6, 3, *[1] * 7])},
    "dim a fraction": {"header": entry("vectors", shape=[6, 3.5])},
    "one dimension": {"header": entry("vectors", shape=[18])},
    "three dimensions": {"header": entry("vectors", shape=[6, 3, 1])},
    "rows of other arrays": {"arrays": {"vectors": np.zeros((5, 3), np.float32), "output": None}},
    "output of another dim": {"arrays": {"output": np.zeros((6, 2), np.float32)}},
    "counts of other rows": {"arrays": {"counts": np.ones(5, np.int64)}},
    "negative counts": {"arrays": {"counts": np.array([1, 1, 1, 1, 1, -1])}},
    "counts as floats": {"header": entry("counts", dtype="F32", shape=[12])},
    "vectors as whole numbers": {"arrays": {"vectors": np.ones((6, 3), np.int64), "output": None}},
    "fewer bytes than the shape": {
        "arrays": {"vectors": np.zeros((6, 2), np.float32), "output": None},
        "header": entry("vectors", shape=[6, 3]),
    },
    "overlap that fits": {"header": shifted("counts", -8, -8)},
    "a gap that fits": {"header": shifted("counts", 8, 8)},
    "an unknown type": {"header": entry("vectors", dtype="Q3")},
    "a field too many": {"header": entry("vectors", extra=1)},
    "overlap": {"header": shifted("offsets", -1, 0)},
    "a gap": {"header": shifted("offsets", 1, 0)},
    "end before begin": {"header": entry("keys", data_offsets=[5, 2])},
    "beyond the file": {"header": shifted("output", 0, 4)},
    "far beyond the file": {"header": entry("output", data_offsets=[0, 2**63 - 1])},
    "trailing bytes": {"data": lambda body: body + b"\0"},
    "missing bytes": {"data": lambda body: body[:-1]},
    "no vectors": {"arrays": {"vectors": None}},
    "no keys": {"arrays": {"keys": None}},
    "no offsets": {"arrays": {"offsets": None}},
    "an entry that is no object": {"header": lambda entries: entries.update(vectors=7)},
    "offsets that fall": {"arrays": offsets(0, 3, 15, 9, 18, 24, 29)},
    "offsets beyond the keys": {"arrays": offsets(*TRUE[:-1], 30)},
    "offsets short of the keys": {"arrays": offsets(*TRUE[:-1], 28)},
    "offsets from 1": {"arrays": offsets(1, *TRUE[1:])},
    "a negative offset": {"arrays": offsets(0, -(2**63), *TRUE[2:])},
    "a huge offset": {"arrays": offsets(0, 2**62, *TRUE[2:])},
    "a key cut in mid-character": {"arrays": offsets(0, 3, 8, *TRUE[3:])},
    "keys that are not UTF-8": {"arrays": {"keys": np.frombuffer(b"oak" + b"\xff" * 26, np.uint8)}},
    "duplicate keys": {"arrays": {"keys": np.frombuffer(b"oakelmoak123", np.uint8), **offsets(0, 3, 6, 9, 10, 11, 12)}},
    "two empty keys": {"arrays": {"keys": np.frombuffer(b"abcd", np.uint8), **offsets(0, 0, 0, 1, 2, 3, 4)}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_in_the_header_is_found_before_anything_is_allocated(craft: Callable[..., Path], lie: str) -> None:
    place = craft(**LIES[lie])
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError, match=r"vectors\.safetensors"):
            load(place)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_the_crafted_model_without_a_lie_loads(craft: Callable[..., Path], model: Callable[[int], Vectors]) -> None:
    assert load(craft(), verify="full").index_to_key == model(1).index_to_key
    assert load(craft(arrays=offsets(*TRUE))).index_to_key == model(1).index_to_key


@pytest.mark.parametrize(
    "start",
    [b"", b"\0" * 8, b"\xff" * 8, b"\xff" * 7 + b"\x7f", (2).to_bytes(8, "little") + b"[]", b"\x10" + b"\0" * 7],
)
def test_a_header_that_is_none(
    tmp_path: Path, model: Callable[[int], Vectors], write_record: Callable[[Path], None], start: bytes
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    (place / "vectors.safetensors").write_bytes(start)
    write_record(place)
    with pytest.raises(CorruptFileError, match=r"vectors\.safetensors is damaged at byte"):
        load(place)


def test_json_as_deep_as_a_well(
    tmp_path: Path, model: Callable[[int], Vectors], write_record: Callable[[Path], None]
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    deep = b'{"vectors":' + b"[" * 500_000
    (place / "vectors.safetensors").write_bytes(len(deep).to_bytes(8, "little") + deep)
    write_record(place)
    with pytest.raises(CorruptFileError):
        load(place)
    (place / "config.json").write_bytes(native.seal(b'{"format": "firth", "a": ' + b"[" * 500_000 + b"}"))
    with pytest.raises(CorruptFileError):
        load(place)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"format": "other"}, FormatError, "format 'other'"),
        ({"format_version": 3}, FormatError, "Upgrade firth"),
        ({"format_version": "1"}, CorruptFileError, "cannot be read"),
        ({"files": {}}, CorruptFileError, r"lists no vectors\.safetensors"),
        ({"files": {"vectors.safetensors": {"size": -1, "crc32": []}}}, CorruptFileError, "bytes were saved"),
        ({"files": {"vectors.safetensors": {"size": 1.5, "crc32": []}}}, CorruptFileError, "cannot be read"),
        ({"files": None}, CorruptFileError, "cannot be read"),
    ],
)
def test_a_config_that_lies(
    tmp_path: Path, model: Callable[[int], Vectors], change: dict[str, Any], error: type[Exception], words: str
) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    path = place / "config.json"
    config = msgspec.json.decode(path.read_bytes())
    del config["checksum"]
    path.write_bytes(native.seal(msgspec.json.encode(config | change)))
    with pytest.raises(error, match=words):
        load(place)


def test_a_record_with_too_few_checksums(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    path = place / "config.json"
    config = msgspec.json.decode(path.read_bytes())
    del config["checksum"]
    config["files"]["vectors.safetensors"]["crc32"] = []
    path.write_bytes(native.seal(msgspec.json.encode(config)))
    with pytest.raises(CorruptFileError, match="0 checksums"):
        load(place)


# ---------------------------------------------------------------- 11: something else


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "a")


STRANGERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "HTML": (lambda path: path.write_text("<!DOCTYPE html>\n<html><title>404</title></html>"), "HTML"),
    "HTML after blanks": (lambda path: path.write_text("\n\n  <HTML>"), "HTML"),
    "zip": (a_zip, "a zip archive"),
    "npz": (lambda path: np.savez(path.open("wb"), a=np.ones(3)), "it holds a, not keys and vectors"),
    "npy": (lambda path: np.save(path.open("wb"), np.ones(3)), "a numpy array"),
    "PNG": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "a PNG picture"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b\x08" + bytes(100)), "unpack it first"),
    "nothing": (lambda path: path.write_bytes(b""), "it is empty"),
    "zeros": (lambda path: path.write_bytes(bytes(10_000)), "zeros"),
    "prose": (lambda path: path.write_text("It was a dark and stormy night.\n"), "is not a model"),
    "JSON": (lambda path: path.write_text('{"a": 1}'), "JSON"),
    "UTF-16": (lambda path: path.write_text("2 3\na 1 2 3\nb 1 2 3\n", encoding="utf-16"), "UTF-16"),
    "noise": (lambda path: path.write_bytes(random.Random(3).randbytes(5000)), "is not a model"),
    "one line of 20 MB": (lambda path: path.write_bytes(b"a" * (20 << 20)), "is not a model"),
    "a named pipe": (os.mkfifo, "a named pipe"),
    "an empty folder": (lambda path: path.mkdir(), "the folder is empty"),
    "a folder of files": (lambda path: (path.mkdir(), (path / "a.txt").write_text("a")), r"but a\.txt"),
    "a folder of another program": (
        lambda path: (path.mkdir(), (path / "config.json").write_text('{"model_type": "resnet"}')),
        "of another program",
    ),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_model(tmp_path: Path, stranger: str) -> None:
    make, words = STRANGERS[stranger]
    path = tmp_path / "model"
    make(path)
    with pytest.raises(FormatError, match=words):
        load(path)
    for name in FORMATS:
        with pytest.raises(InputError):
            load(path, format=name)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_devices(device: str) -> None:
    if not os.path.exists(device):
        pytest.skip(f"no {device}")
    for name in (None, *FORMATS):
        with pytest.raises(FormatError, match="a device"):
            load(device, format=name)
    with pytest.raises(FormatError, match="a device"):
        describe(device)


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("model")
        with pytest.raises(FormatError, match="a socket"):
            load("model")


@pytest.mark.parametrize("name", ["config.json", "vectors.safetensors", "provenance.json"])
def test_a_pipe_inside_a_model(tmp_path: Path, model: Callable[[int], Vectors], name: str) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    (place / name).unlink()
    os.mkfifo(place / name)
    with pytest.raises(FormatError, match="not a plain file"):
        load(place)
    if name == "config.json":
        with pytest.raises(FormatError, match="not overwritten"):
            model(2).save(place)


def test_nothing_there_names_the_nearest(tmp_path: Path, model: Callable[[int], Vectors]) -> None:
    model(1).save(tmp_path / "news-vectors")
    with pytest.raises(MissingInputError, match=r"Did you mean '.*news-vectors'"):
        load(tmp_path / "news-vector")
    with pytest.raises(MissingInputError, match="no folder"):
        load(tmp_path / "no" / "such")
    for name in FORMATS:
        with pytest.raises(MissingInputError, match="nothing at"):
            load(tmp_path / "no", format=name)
    with pytest.raises(MissingInputError, match="nothing at"):
        describe(tmp_path / "no")
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        load(tmp_path / ("x" * 300))
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    with pytest.raises(MissingInputError):
        load(tmp_path / "dangling")


# ---------------------------------------------------------------- 12: pickles


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["model", "model.bin", "model.txt", "model.vec", "model.safetensors", "model.npz"])
def test_a_pickle_is_never_opened(tmp_path: Path, name: str, protocol: int) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Canary(canary), protocol))
    with pytest.raises(FormatError, match="pickle"):
        load(path)
    for format in FORMATS:
        with pytest.raises(InputError):
            load(path, format=format)
    assert not canary.exists()


@pytest.mark.parametrize(
    "file", ["config.json", "vectors.safetensors", "provenance.json", "vocabulary.tsv", "README.md"]
)
def test_a_pickle_inside_a_model(
    tmp_path: Path, model: Callable[[int], Vectors], write_record: Callable[[Path], None], file: str
) -> None:
    canary, place = tmp_path / "canary", tmp_path / "model"
    model(1).save(place)
    (place / file).write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(CorruptFileError):
        load(place, verify="full")
    if file in {"vectors.safetensors", "provenance.json"}:
        write_record(place)
        with pytest.raises(CorruptFileError):
            load(place, verify="full")
    assert not canary.exists()


def test_no_code_path_reaches_pickle() -> None:
    for path in Path(native.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert not re.search(r"import pickle\b", text)
        assert "np.load" not in text
        assert "allow_pickle" not in text


# ---------------------------------------------------------------- 14: names


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/b", "..", ".", "", "..\\secret", "a\0b", "config.json"]
)
def test_names_that_leave_the_folder(tmp_path: Path, model: Callable[[int], Vectors], name: str) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    (tmp_path / "secret").write_text("secret")
    path = place / "config.json"
    config = msgspec.json.decode(path.read_bytes())
    del config["checksum"]
    config["files"][name] = {"size": 6, "crc32": ["00000000"]}
    path.write_bytes(native.seal(msgspec.json.encode(config)))
    for verify in ("headers", "full"):
        with pytest.raises(FormatError, match="no plain name"):
            load(place, verify=verify)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["config.json", "vectors.safetensors", "provenance.json"])
def test_links_inside_a_model(tmp_path: Path, model: Callable[[int], Vectors], name: str) -> None:
    place = tmp_path / "model"
    model(1).save(place)
    shutil.move(place / name, tmp_path / name)
    (place / name).symlink_to(tmp_path / name)
    with pytest.raises(FormatError, match="symbolic link"):
        load(place)


# ---------------------------------------------------------------- 15: text


@pytest.mark.parametrize("key", ["\ud800", "a\udcffb"])
@pytest.mark.parametrize("format", [name for name in FORMATS if name != "floret"])  # it holds no keys
def test_a_lone_surrogate_cannot_be_saved(tmp_path: Path, key: str, format: str) -> None:
    with pytest.raises(EncodingError, match="lone surrogate"):
        Vectors([key], [[1.0]]).save(tmp_path / "model", format)
    assert os.listdir(tmp_path) == []
