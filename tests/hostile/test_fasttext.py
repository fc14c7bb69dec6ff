"""Damaged fastText files: an error that names the byte, and nothing is allocated on a lie."""

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import CorruptFileError, FirthError, FormatError, InputError
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords

WORDS = ["</s>", "oak", "elm", "北京"]
HEADER = 8 + 56 + 28  # number and version, options, counts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    random = np.random.default_rng(0)
    parts = Subwords(random.normal(size=(7, 3)), 2, 4, own=random.normal(size=(4, 3)))
    path = tmp_path_factory.mktemp("whole") / "m.bin"
    vectors = Vectors(WORDS, parts.stored(Keys.of(WORDS)), subwords=parts, counts=[4, 3, 2, 1], output=np.ones((4, 3)))
    vectors.save(path, format="fasttext")
    return path.read_bytes()


def opened(tmp_path: Path, data: bytes) -> Vectors:
    path = tmp_path / "m.bin"
    path.write_bytes(data)
    try:
        return load(path, format="fasttext")
    finally:
        path.unlink()


def test_cut_at_every_byte(tmp_path: Path, whole: bytes) -> None:
    assert list(opened(tmp_path, whole)) == WORDS
    for size in range(len(whole)):
        with pytest.raises((CorruptFileError, FormatError)) as caught:
            opened(tmp_path, whole[:size])
        if size > 8:
            assert isinstance(caught.value, CorruptFileError), size
            assert "at byte" in str(caught.value)


def test_the_oldest_kind_cut_at_every_byte(tmp_path: Path, whole: bytes) -> None:
    entries = whole[HEADER : whole.index(b"\0" + struct.pack("<2q", 11, 3))]
    matrices = whole[HEADER + len(entries) :]
    inputs = matrices[1 : 17 + 11 * 12]
    old = whole[8 : HEADER - 8] + entries + inputs + matrices[len(inputs) + 2 :]
    assert list(opened(tmp_path, old)) == WORDS
    for size in range(len(old)):
        with pytest.raises((CorruptFileError, FormatError)):
            opened(tmp_path, old[:size])


def test_more_bytes_than_belong(tmp_path: Path, whole: bytes) -> None:
    with pytest.raises(CorruptFileError, match=rf"at byte {len(whole):,}: 3 bytes follow"):
        opened(tmp_path, whole + b"abc")


LIES = [
    (0, "<i", 1234567, FormatError, "is not a fastText file"),
    (4, "<i", 13, FormatError, "version 13"),
    (4, "<i", -1, FormatError, "version -1"),
    (8, "<i", -1, CorruptFileError, "dim is -1"),
    (8, "<i", 0, CorruptFileError, "dim is 0"),
    (8, "<i", 2**31 - 1, CorruptFileError, "dim is"),
    (8, "<i", 4, CorruptFileError, r"a matrix of 11 × 3 numbers, where dim is 4"),
    (8 + 24, "<i", 9, CorruptFileError, "not known"),
    (8 + 28, "<i", 0, CorruptFileError, "not known"),
    (8 + 32, "<i", -5, CorruptFileError, "bucket is -5"),
    (8 + 32, "<i", 2**31 - 1, CorruptFileError, "rows for 4 words and 2,147,483,647 n-grams"),
    (8 + 48, "<d", float("nan"), CorruptFileError, "t nan"),
    (64, "<i", 2**31 - 1, CorruptFileError, "2,147,483,647 entries"),
    (64, "<ii", (2**31 - 1, 2**31 - 1), CorruptFileError, "do not fit"),
    (68, "<i", -1, CorruptFileError, "cannot be -1 words"),
    (84, "<q", 2**62, CorruptFileError, "should follow"),
    (HEADER + 5, "<q", -3, CorruptFileError, "count -3"),
    (HEADER + 13, "<b", 7, CorruptFileError, "type 7"),
]


@pytest.mark.parametrize(("at", "layout", "value", "error", "said"), LIES)
def test_lies(tmp_path: Path, whole: bytes, at: int, layout: str, value: object, error: type, said: str) -> None:
    put = struct.pack(layout, *(value if isinstance(value, tuple) else (value,)))
    with pytest.raises(error, match=said):
        opened(tmp_path, whole[:at] + put + whole[at + len(put) :])


@pytest.mark.parametrize("rows", [-1, 2**62, 2**63 - 1, 12, 10])
def test_a_matrix_of_another_size(tmp_path: Path, whole: bytes, rows: int) -> None:
    at = whole.index(struct.pack("<2q", 11, 3))
    with pytest.raises(CorruptFileError, match="byte"):
        opened(tmp_path, whole[:at] + struct.pack("<q", rows) + whole[at + 8 :])


def test_any_byte_changed_opens_or_is_refused(tmp_path: Path, whole: bytes) -> None:
    random = np.random.default_rng(5)
    for at in range(len(whole)):
        data = bytearray(whole)
        data[at] ^= int(random.integers(1, 256))
        with contextlib.suppress(FirthError):
            opened(tmp_path, bytes(data))["unseen"]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n" + b"x" * 99, b"\x80\x04\x95" + b"x" * 99, b"\0" * 200]
)
def test_other_files(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError):
        opened(tmp_path, data)
