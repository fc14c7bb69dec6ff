"""word2vec files that are not what they say: HOSTILE row 10. strict names the place; strict=False skips and counts."""

import random
import re
import tracemalloc
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import ConfigError, CorruptFileError, EncodingError, FirthError, FormatError, InputError
from firth.formats import text_rows

GOOD = b"3 2\noak 1 2\nelm 3 4\nash 5 6\n"

MORE, FEWER = "line 4: .*3 rows.*promised 4", "line 4: .*3 rows.*promised 2"
SHORT, TWICE = "line 3: 1 numbers after.*'elm'", "line 4: key 'oak' is there twice.*line 2"

# What is wrong: (file, error, what it says, keys that are left with strict=False)
TEXT: dict[str, tuple[bytes, type[Exception], str, list[str] | None]] = {
    "too few rows": (GOOD.replace(b"3 2", b"4 2"), CorruptFileError, MORE, ["oak", "elm", "ash"]),
    "too many rows": (GOOD.replace(b"3 2", b"2 2"), CorruptFileError, FEWER, ["oak", "elm", "ash"]),
    "far too few rows": (GOOD.replace(b"3 2", b"9 2"), CorruptFileError, "line 1: 9 rows", ["oak", "elm", "ash"]),
    "2^63 rows": (GOOD.replace(b"3 2", b"9223372036854775808 2"), CorruptFileError, "line 1", ["oak", "elm", "ash"]),
    "a huge dim": (GOOD.replace(b"3 2", b"3 99999999999999999999"), CorruptFileError, "line 1", None),
    "dim 0": (b"3 0\noak\nelm\nash\n", CorruptFileError, "line 1: 3 rows of 0", None),
    "dim -1": (GOOD.replace(b"3 2", b"3 -1"), CorruptFileError, "line 1: 3 rows of -1", None),
    "rows -1": (GOOD.replace(b"3 2", b"-1 2"), CorruptFileError, "line 1: -1 rows", None),
    "another dim": (b"3 2\noak 1 2 3\nelm 1 2 3\nash 1 2 3\n", CorruptFileError, "line 2: 3 numbers", None),
    "a short row": (GOOD.replace(b"elm 3 4", b"elm 3"), CorruptFileError, SHORT, ["oak", "ash"]),
    "a long row": (GOOD.replace(b"elm 3 4", b"elm 3 4 5"), CorruptFileError, "line 3: 3 numbers", ["oak", "ash"]),
    "a key alone": (GOOD.replace(b"elm 3 4", b"elm"), CorruptFileError, "line 3: 0 numbers", ["oak", "ash"]),
    "a key with a blank": (GOOD.replace(b"elm", b"wych elm"), CorruptFileError, "line 3: 3 numbers", ["oak", "ash"]),
    "no key": (GOOD.replace(b"elm 3", b" 3"), CorruptFileError, "line 3: it begins with a blank", ["oak", "ash"]),
    "NaN": (GOOD.replace(b"elm 3", b"elm nan"), CorruptFileError, "line 3: not a finite.*'nan'", ["oak", "ash"]),
    "Inf": (GOOD.replace(b"elm 3", b"elm -inf"), CorruptFileError, "line 3: not a finite.*'-inf'", ["oak", "ash"]),
    "too large a number": (GOOD.replace(b"elm 3", b"elm 1e39"), CorruptFileError, "line 3: .*'1e39'", ["oak", "ash"]),
    "a word for a number": (GOOD.replace(b"elm 3", b"elm x"), CorruptFileError, "line 3: .*'x'", ["oak", "ash"]),
    "Python's 1_0": (GOOD.replace(b"elm 3", b"elm 1_0"), CorruptFileError, "line 3", ["oak", "ash"]),
    "hexadecimal": (GOOD.replace(b"elm 3", b"elm 0x10"), CorruptFileError, "line 3", ["oak", "ash"]),
    "a decimal comma": (GOOD.replace(b"elm 3", b"elm 3,5"), CorruptFileError, "line 3: .*'3,5'", ["oak", "ash"]),
    "no final line end": (GOOD[:-1], CorruptFileError, "line 4: the file ends in the middle", ["oak", "elm"]),
    "cut in a number": (GOOD[:-3], CorruptFileError, "line 4: the file ends in the middle", ["oak", "elm"]),
    "a key twice": (GOOD.replace(b"ash", b"oak"), CorruptFileError, TWICE, ["oak", "elm"]),
    "a token of 10 MB": (
        GOOD.replace(b"elm", b"e" * 10_000_000), CorruptFileError, "line 3: longer than any row", ["oak", "ash"]
    ),
    "a token of 1 MB": (
        GOOD.replace(b"elm", b"e" * 1_000_000), CorruptFileError, "line 3: a key of 1,000,000 bytes", ["oak", "ash"]
    ),
    "a last line of 40 MB": (
        GOOD + b"e" * 40_000_000, CorruptFileError, "line 5: longer than any row", ["oak", "elm", "ash"]
    ),
    "a lone \\r": (GOOD.replace(b"2\nelm", b"2\relm"), CorruptFileError, "line 2: 5 numbers", ["ash"]),
    "NULs": (GOOD + b"\0" * 100, CorruptFileError, "line 5", ["oak", "elm", "ash"]),
    "two files in one": (GOOD + GOOD[:4], CorruptFileError, "line 5: 1 numbers.*'3'", ["oak", "elm", "ash"]),
    "a header alone": (b"3 2\n", CorruptFileError, "line 1", None),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXT)
def test_text(tmp_path: Path, case: str) -> None:
    content, error, words, left = TEXT[case]
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with pytest.raises(error, match=words):
        load(path, format="word2vec")
    if left is None:
        with pytest.raises(CorruptFileError):
            load(path, format="word2vec", strict=False)
        return
    skipped = 0 if words in (MORE, FEWER) or "line 1" in words else 1
    with pytest.warns(UserWarning, match=rf"{skipped} rows left out") as seen:
        found = load(path, format="word2vec", strict=False)
    assert found.index_to_key == left
    assert [found[key].tolist() for key in left] == [{"oak": [1, 2], "elm": [3, 4], "ash": [5, 6]}[key] for key in left]
    assert len(seen) == 1
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(b"\n", b" \n"),
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b" ", b"\t"),
        GOOD.replace(b"elm 3 4", b"elm   3  4 "),
        GOOD.replace(b"elm 3 4\n", b"elm 3 4 \n"),
        GOOD.replace(b"oak 1 2\n", b"oak 1 2 \n"),
        GOOD.replace(b"elm", b"\nelm") + b"\n\n",
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"3 2", b" 3  2 "),
        GOOD.replace(b"3 4", b"3.000 4E0").replace(b"1 2", b"+1 .2e1"),
    ],
)
def test_text_that_is_only_unusual(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load(path)
    assert found.index_to_key == ["oak", "elm", "ash"]
    assert found.vectors.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_bad_line_among_many_is_named_and_alone_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_rows, "_BLOCK", 10_000)
    lines = [b"20000 3"] + [b"k%d %d 0.25 -1e-3" % (row, row) for row in range(20_000)]
    path = tmp_path / "vectors.txt"
    for bad in (1, 9_999, 20_000):
        path.write_bytes(b"\n".join([*lines[:bad], b"k%d 1 x 1" % (bad - 1), *lines[bad + 1 :]]) + b"\n")
        with pytest.raises(CorruptFileError, match=f"line {bad + 1:,}: .*'x'"):
            load(path)
    with pytest.warns(UserWarning, match="1 rows left out"):
        found = load(path, strict=False)
    assert len(found) == 19_999
    assert np.array_equal(found.vectors, [[row, np.float32(0.25), np.float32(-1e-3)] for row in range(19_999)])


def test_a_row_that_is_too_long_for_a_cosine(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"2 2\noak 1 2\nelm 3e38 3e38\n")
    with pytest.raises(CorruptFileError, match=r"vectors\.txt: .*'elm'"):
        load(path)


def test_keys_that_are_not_utf_8(tmp_path: Path) -> None:
    text = tmp_path / "vectors.txt"
    text.write_bytes(GOOD.replace(b"elm", b"el\xffm"))
    binary = tmp_path / "vectors.bin"
    binary.write_bytes(b"2 1\noak \0\0\0\0\nel\xffm \0\0\0\0\n")
    for path, place in ((text, "line 3"), (binary, "byte 13")):
        for strict in (True, False):
            with pytest.raises(EncodingError, match=rf"{place}: .*errors='replace'"):
                load(path, strict=strict)
        assert "el\ufffdm" in load(path, errors="replace")
        assert "elm" in load(path, errors="ignore")
        with pytest.raises(ConfigError, match="errors must be one of"):
            load(path, errors="lenient")


def test_a_header_that_lies_allocates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    for content in (
        b"9223372036854775807 1048576\noak 1 2\n",
        b"9 999999999999\noak 1 2\n",
        b"1 1048576\noak \0\0\0\0",
    ):
        path.write_bytes(content)
        for name in ("word2vec", "word2vec-binary"):
            for strict in (True, False):
                tracemalloc.start()
                with pytest.raises(InputError):
                    load(path, format=name, strict=strict)
                assert tracemalloc.get_traced_memory()[1] < 64 << 20  # two blocks of the reader
                tracemalloc.stop()


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.bin"
    keys = ["oak", "elm", "ash", "北京"]
    Vectors(keys, np.arange(12, dtype=np.float32).reshape(4, 3)).save(path, "word2vec-binary")
    return path


def test_binary_cut_anywhere(binary: Path) -> None:
    whole = binary.read_bytes()
    for size in range(len(whole) - 1):  # without its last byte, a line end, it is whole
        binary.write_bytes(whole[:size])
        with pytest.raises(InputError):
            load(binary, format="word2vec-binary")
    binary.write_bytes(whole[:-1])
    assert len(load(binary)) == 4
    binary.write_bytes(whole[:50])
    with pytest.raises(CorruptFileError, match=r"4 rows take at least|byte \d+: the file ends within row"):
        load(binary)
    with pytest.warns(UserWarning, match="the file ends within row 3 of 4"):
        assert load(binary, strict=False).index_to_key == ["oak", "elm"]


@pytest.mark.parametrize("content", [b"1 1\noak X{[q\n", b"1 1\noak X{[q", b"2 2\noak X{[qabcd\nelm wxyzABCD\n"])
def test_a_binary_file_that_could_be_read_aloud(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.bin"
    path.write_bytes(content)
    assert load(path)["oak"][0] == np.frombuffer(b"X{[q", "<f4")[0]


BINARY: dict[str, tuple[bytes, str]] = {
    "one row too few": (b"3 1\noak \0\0\0\0\nelm \0\0\0\0\nab", "byte 21: the file ends within row 3"),
    "trailing bytes": (b"1 1\noak \0\0\0\0\nelm \0\0\0\0\n", "byte 12: bytes after the 1 rows"),
    "NaN": (b"2 1\noak \0\0\0\0\nelm \0\0\xc0\x7f\n", "byte 13: not a finite number.*elm"),
    "no key": (b"2 1\noak \0\0\0\0\n \0\0\0\0\n ", "byte 13: a row without a key"),
    "a key twice": (b"2 1\noak \0\0\0\0\noak \0\0\0\0\n", "byte 13: key 'oak' is there twice"),
    "a key without an end": (b"2 1\noak \0\0\0\0\n" + b"e" * 20_000_000, "byte 12: no key ends within"),
    "2^63 rows": (b"9223372036854775808 1\noak \0\0\0\0\n", "line 1"),
    "dim 0": (b"1 0\noak \n", "line 1"),
    "dim -1": (b"1 -1\noak \0\0\0\0\n", "line 1"),
}


@pytest.mark.parametrize("case", BINARY)
def test_binary(tmp_path: Path, case: str) -> None:
    content, words = BINARY[case]
    path = tmp_path / "vectors.bin"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=words):
        load(path, format="word2vec-binary")
    if "line 1" not in words:
        with pytest.warns(UserWarning, match="rows left out"):
            assert load(path, format="word2vec-binary", strict=False).index_to_key[0] == "oak"


def test_flipped_bits_never_escape_as_other_errors(tmp_path: Path, binary: Path) -> None:
    rng = random.Random(4)
    text = tmp_path / "vectors.txt"
    load(binary).save(text, "word2vec")
    for path in (binary, text):
        whole = path.read_bytes()
        for byte in range(len(whole)):
            damaged = bytearray(whole)
            damaged[byte] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            for strict in (True, False):
                with warnings.catch_warnings(), suppress(FirthError):
                    warnings.simplefilter("ignore")
                    load(path, strict=strict)


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary"])
@pytest.mark.parametrize("key", ["new york", "a\tb", "a\nb", "a\rb", " a", "a ", "\x0b", "x\x0cy"])
def test_a_key_with_a_blank_is_refused_with_the_cure(tmp_path: Path, name: str, key: str) -> None:
    with pytest.raises(FormatError, match=re.escape(f"{key!r} holds a blank") + ".*'_'.*'native'"):
        Vectors(["oak", key], [[1.0], [2.0]]).save(tmp_path / "vectors", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(tmp_path: Path, name: str, number: float) -> None:
    vectors = Vectors([f"key{row}" for row in range(70_000)], np.zeros((70_000, 1), np.float32))
    vectors.vectors[69_999] = number
    with pytest.raises(FormatError, match="The vector of 'key69999' is not finite"):
        vectors.save(tmp_path / "vectors", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary"])
def test_keys_of_no_or_too_many_bytes_are_refused(tmp_path: Path, name: str) -> None:
    for key in ("", "x" * ((1 << 15) + 1)):
        with pytest.raises(FormatError, match=f"Key 1 has {len(key):,} bytes"):
            Vectors(["oak", key], [[1.0], [2.0]]).save(tmp_path / "vectors", name)
    long = "x" * (1 << 15)
    for keys in (["oak", long], [long, "oak"]):
        Vectors(keys, [[1.0], [2.0]]).save(tmp_path / "vectors", name)
        assert load(tmp_path / "vectors").index_to_key == keys
