"""Every kind of source and every option of Text: what it reads, and what it refuses."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from firth.corpus import blocks, stream
from firth.corpus.text import Text
from firth.errors import (
    ChangedInputError,
    ConfigError,
    CorruptFileError,
    EncodingError,
    FirthError,
    FormatError,
    InputError,
    MissingInputError,
)
from firth.tokens.encoded import encode

SENTENCES = [["the", "cat", "sat"], ["a", "dog"]]
LINES = b"the cat sat\n\na dog\n"


def read(source: Any, **options: Any) -> list[list[str]]:
    return list(Text(source, **options))


def zstandard(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as file:
        file.write(data)
    return bytes(packed.getvalue())


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard,
}


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """b.txt, a.txt, deep/c.txt and a hidden file."""
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.txt", "a.txt", "deep/c.txt", ".hidden", ".git/d.txt"):
        (tmp_path / name).write_text(f"from {Path(name).stem}")
    return tmp_path


def test_a_path_as_str_and_as_path(folder: Path) -> None:
    assert read(str(folder / "a.txt")) == read(folder / "a.txt") == [["from", "a"]]


def test_a_folder_is_its_files_by_name_hidden_ones_left_out(folder: Path) -> None:
    assert read(folder) == [["from", "a"], ["from", "b"], ["from", "c"]]


def test_a_pattern(folder: Path) -> None:
    assert read(f"{folder}/*.txt") == [["from", "a"], ["from", "b"]]
    assert read(folder / "**" / "?.txt") == [["from", "a"], ["from", "b"], ["from", "c"]]


def test_a_file_whose_name_is_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "odd[1]*.txt").write_text("it")
    assert read(tmp_path / "odd[1]*.txt") == [["it"]]


def test_a_list_keeps_its_order(folder: Path) -> None:
    assert read([folder / "b.txt", str(folder / "a.txt")]) == [["from", "b"], ["from", "a"]]
    assert read([f"{folder}/deep", f"{folder}/a.txt"]) == [["from", "c"], ["from", "a"]]
    assert read((str(folder / "b.txt"),)) == [["from", "b"]]


def test_home_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert read("~/a.txt") == [["from", "a"]]


def test_a_file_ends_a_sentence_even_without_a_newline(folder: Path) -> None:
    with encode([folder / "a.txt", folder / "b.txt"], min_count=1) as corpus:
        assert corpus.sentences.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.tx", r"Did you mean '.*a\.txt'"),
        ("dep/c.txt", r"Did you mean '.*deep'"),
        ("nothing-like-it.csv", "exists, but holds nothing of that name"),
        ("*.gz", "No file matches the pattern"),
    ],
)
def test_a_missing_path_names_the_nearest(folder: Path, name: str, says: str) -> None:
    with pytest.raises(MissingInputError, match=says) as caught:
        Text(f"{folder}/{name}")
    assert name in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_text_given_as_a_path_says_so() -> None:
    with pytest.raises(MissingInputError, match=r"A str is always a path; a text goes in a list"):
        Text("the cat sat on the mat")


def test_a_list_with_one_misspelt_path_is_no_list_of_sentences(folder: Path) -> None:
    for paths in ([f"{folder}/a.txt", f"{folder}/bb"], ["gone-2019.txt", "gone-2020.txt"], [Path("gone"), "b"]):
        with pytest.raises(MissingInputError):
            Text(paths)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="holds no file"):
        Text(tmp_path)


def test_an_empty_file_has_no_sentences(tmp_path: Path) -> None:
    for name in ("empty.txt", "empty.csv", "empty.tsv", "empty.jsonl", "empty.parquet"):
        (tmp_path / name).touch()
        assert read(tmp_path / name) == []


@pytest.mark.parametrize("source", [7, None, 1.5, {"a": 1}, b"bytes", object(), True])
def test_a_source_of_another_type_is_refused(source: object) -> None:
    with pytest.raises(InputError, match="A source is a path"):
        Text(source)


def test_crlf_bom_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbfone two\r\n\r\n \t\r\nthree\x0b\x0cfour")
    assert read(tmp_path / "t") == [["one", "two"], ["three", "four"]]


def test_a_stray_nul_is_a_character(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"a\x00b c\n")
    assert read(tmp_path / "t") == [["a\x00b", "c"]]


# ── stdin and pipes ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stdin(monkeypatch: pytest.MonkeyPatch, name: str, pack: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pack(LINES)), closed=False))
    text = Text(name)
    assert text.fingerprint() is None
    assert text.size() is None
    assert list(text) == SENTENCES
    assert not sys.stdin.buffer.closed
    with pytest.raises(InputError, match="read once"):
        list(text)


def test_stdin_from_a_shell(tmp_path: Path) -> None:
    code = "from firth import Text; print(list(Text('-')))"
    run = subprocess.run([sys.executable, "-c", code], input=LINES, capture_output=True, check=True)
    assert run.stdout.decode().strip() == str(SENTENCES)


def test_closed_stdin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="stdin is closed"):
        read("-")


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_a_pipe_that_is_written_to(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_WRITER_WAIT", 0.4)

    def write() -> None:
        with open(pipe, "wb", buffering=0) as file:
            time.sleep(0.8)  # longer than the reader waits for a writer; but there is one
            for byte in LINES:
                file.write(bytes([byte]))

    writer = threading.Thread(target=write)
    writer.start()
    assert read(pipe) == SENTENCES
    writer.join()


def test_a_pipe_that_nobody_writes_to_is_refused_in_time(pipe: Path) -> None:
    before = time.monotonic()
    with pytest.raises(InputError, match="nobody writes"):
        read(pipe)
    assert time.monotonic() - before < 5  # the promise of HOSTILE: no hang over 5 s


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices here")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(InputError, match="is a device"):
        Text(device)


def test_zeros_from_a_pipe_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(bytes(100000)), closed=False))
    with pytest.raises(InputError, match="NUL"):
        read("-")


# ── archives ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", PACKERS)
def test_archives_are_known_by_content_through_all_members(tmp_path: Path, kind: str) -> None:
    pack = PACKERS[kind]
    path = tmp_path / "no-ending"
    path.write_bytes(pack(LINES) + pack(b"tail of it\n") + pack(b"\xc3") + pack(b"\xa9t\xc3\xa9"))
    assert read(path) == [*SENTENCES, ["tail", "of", "it"], ["été"]]


@pytest.mark.parametrize("kind", PACKERS)
def test_a_damaged_archive_is_refused(tmp_path: Path, kind: str) -> None:
    data = PACKERS[kind](np.random.default_rng(0).integers(97, 123, 300_000).astype(np.uint8).tobytes())
    path = tmp_path / "it"
    damages = [data[: len(data) // 2], data[:-4], data[:1000] + bytes(50) + data[1050:]]
    for damaged in damages[:2] if kind == "zst" else damages:  # this zst has no checksum: what changed cannot be told
        path.write_bytes(damaged)
        with pytest.raises(CorruptFileError, match="damaged"):
            read(path)


@pytest.mark.parametrize("kind", PACKERS)
def test_an_archive_larger_than_a_block(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 10_000)
    (tmp_path / "it").write_bytes(PACKERS[kind](b"ab cd\n" * 50_000))
    told: list[tuple[int, int | None]] = []
    with encode(tmp_path / "it", report=lambda done, total: told.append((done, total))) as corpus:
        assert len(corpus.tokens) == 100_000
    size = (tmp_path / "it").stat().st_size
    assert told[-1][1] == size
    assert all(done <= size for done, _ in told)


# ── what is no text ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\n <!DOCTYPE html><html><body>hi</body></html>", "looks like HTML"),
        (b"<HTML>\n", "looks like HTML"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x80\x04\x95", "a Python pickle"),
        (bytes(257) + b"ustar" + bytes(250), "a tar archive"),
        (b"abc" + bytes(100) + b"xyz", "binary data"),
        (b"\x93NUMPY\x01", "a NumPy array"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "corpus.txt"
    for content in (data, gzip.compress(data)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=says) as caught:
            read(path)
        assert "corpus.txt" in str(caught.value)


def test_html_is_read_where_lines_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html> <b>hi</b>")
    assert read(tmp_path / "page.html", format="lines") == [["<html>", "<b>hi</b>"]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_with_the_cure(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "t").write_bytes("the cat sat on the mat\n".encode(encoding))
    with pytest.raises(EncodingError, match="iconv -f UTF-"):
        read(tmp_path / "t")


def test_errors(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"ok\nna\xefve \xe5\x8c\xe4\xba\xac\n")
    with pytest.raises(EncodingError, match=r"byte 5 \(line 2\): byte 0xef.*errors=\"replace\""):
        read(path)
    assert read(path, errors="replace") == [["ok"], ["na\ufffdve", "\ufffd京"]]
    assert read(path, errors="ignore") == [["ok"], ["nave", "京"]]


@settings(max_examples=100)
@given(
    data=st.lists(st.sampled_from([b"a", b" ", b"\n", b"\xff", b"\xc3", b"\xa9", "京".encode()[:2], b"\xed\xa0\x80"]))
)
@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_errors_are_those_of_python(data: list[bytes], errors: str) -> None:
    raw = b"".join(data)
    expected = [words for line in raw.decode("utf-8", errors).split("\n") if (words := line.split(" "))]
    expected = [kept for words in expected if (kept := [word for word in words if word])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"x\n" + raw), closed=False))
        assert read("-", errors=errors) == [["x"], *expected]


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = ["the cat sat", None, "a dog\nran", ""]
CUT = [["the", "cat", "sat"], ["a", "dog"], ["ran"]]


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_json_lines_by_name_and_by_content(tmp_path: Path) -> None:
    for name in ("t.jsonl", "t.ndjson", "t.json", "t.txt"):
        write_jsonl(tmp_path / name, [{"id": i, "body": row, "nested": {"x": [1]}} for i, row in enumerate(ROWS)])
        assert read(tmp_path / name) == CUT
        assert read(tmp_path / name, field="body") == CUT


def test_the_field_is_chosen_or_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write_jsonl(path, [{"title": "one", "text": "two"}, {"text": "three", "other": 5}, {"title": None}])
    assert read(path) == [["two"], ["three"]]
    assert read(path, field="title") == [["one"]]
    write_jsonl(path, [{"title": "one", "body": "two"}])
    with pytest.raises(ConfigError, match=r"several columns of text: 'title', 'body'. Say which: field='title'"):
        read(path)
    with pytest.raises(ConfigError, match=r"no column 'titel'. Did you mean 'title'"):
        read(path, field="titel")
    write_jsonl(path, [{"id": 3}])
    with pytest.raises(InputError, match="no column of text"):
        read(path)


def test_json_lines_of_lists(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "t.jsonl", [{"basket": ["red wine", "milk"]}, {"basket": None}, {"basket": ["milk"]}])
    assert read(tmp_path / "t.jsonl") == [["red wine", "milk"], ["milk"]]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{"text": "a"}\n\n{"text": "b"\n', "line 3"),
        ('{"text": "a"}\n{"text": 3}\n', "line 2"),
        ('{"text": "a"}\n{"text": "\\ud800"}\n', "line 2"),
        ('["a"]\n', "line 1: a JSON list"),
        ("nonsense\n", "line 1: not a JSON object"),
    ],
)
def test_broken_json_lines_are_named(tmp_path: Path, data: str, says: str) -> None:
    (tmp_path / "t.jsonl").write_text(data)
    with pytest.raises(InputError, match=says):
        read(tmp_path / "t.jsonl")


def test_json_lines_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    write_jsonl(tmp_path / "t.jsonl", [{"text": "ab cd " * 5000}, {"text": "ef"}] * 3)
    assert list(map(len, read(tmp_path / "t.jsonl"))) == [10000, 1] * 3
    (tmp_path / "t.jsonl").write_text('{"text": "a"}\n' * 500 + "{oops}\n")
    with pytest.raises(InputError, match="line 501"):
        read(tmp_path / "t.jsonl")


def test_csv_with_quotes_and_newlines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"id": [1, 2, 3, 4], "body, all of it": ROWS}).to_csv(path, index=False)
    assert read(path, field="body, all of it") == CUT
    path.write_text('text\n"say ""hi"", NA"\nNA\n')
    assert read(path) == [["say", '"hi",', "NA"], ["NA"]]


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text('id\ttext\n1\t"half a quote\n2\tb, c\n')
    assert read(tmp_path / "t.tsv") == [['"half', "a", "quote"], ["b,", "c"]]


def test_format_overrules_the_name(tmp_path: Path) -> None:
    path = tmp_path / "t.data"
    path.write_text("id,text\n1,a b\n")
    assert read(path) == [["id,text"], ["1,a", "b"]]
    assert read(path, format="csv") == [["a", "b"]]
    path = tmp_path / "t.csv"
    path.write_text("id\ttext\n1\ta b\n")
    assert read(path, format="tsv") == [["a", "b"]]
    assert read(path, format="lines") == [["id", "text"], ["1", "a", "b"]]
    path.write_text('{"x": "a b"}\n')
    assert read(path, format="jsonl") == [["a", "b"]]


def test_broken_csv_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,text\n1,a\n2\n")
    with pytest.raises(InputError, match=r"t\.csv.*Expected 2 columns, got 1"):
        read(path)
    with pytest.raises(ConfigError, match=r"no column 'txt'. Did you mean 'text'"):
        read(path, field="txt")
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    path.write_text('id,text\n1,"' + "a " * 5000 + '"\n')
    with pytest.raises(InputError, match="a row is longer than 1,000 bytes"):
        read(path)


@pytest.mark.parametrize(
    ("name", "pack"), [("t.csv.gz", gzip.compress), ("t.jsonl.zst", zstandard), ("t.TSV.XZ", lzma.compress)]
)
def test_packed_tables(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    data = {"csv": b"\xef\xbb\xbftext,n\na b,1\n", "jsonl": b'{"text": "a b"}\n', "tsv": b"text\tn\na b\t1\n"}
    (tmp_path / name).write_bytes(pack(data[name.split(".")[1].lower()]))
    assert read(tmp_path / name) == [["a", "b"]]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_bad_bytes_in_a_column(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "t.parquet":
        raw = pa.StringArray.from_buffers(1, pa.py_buffer(np.array([0, 5], np.int32)), pa.py_buffer(b"a b\xffc"))
        parquet.write_table(pa.table({"text": raw}), path)
    else:
        path.write_bytes(b"text\na b\xffc\n" if name == "t.csv" else b'{"text": "a b\xffc"}\n')
    with pytest.raises(EncodingError, match=name):
        read(path)
    assert read(path, errors="replace") == [["a", "b\ufffdc"]]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    rows = pa.array(ROWS).cast(kind)
    parquet.write_table(pa.table({"id": [1, 2, 3, 4], "body": rows}), tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet") == read(tmp_path / "t.parquet", field="body") == CUT
    with pytest.raises(InputError, match="'id' are int64"):
        read(tmp_path / "t.parquet", field="id")


def test_parquet_by_content_and_of_lists(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"basket": [["red wine", "milk"], None, [], ["milk", None]]}), tmp_path / "no-ending")
    assert read(tmp_path / "no-ending") == [["red wine", "milk"], ["milk"]]
    with pytest.raises(FormatError, match="is a parquet file"):
        read(tmp_path / "no-ending", format="lines")


def test_damaged_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("no parquet")
    with pytest.raises(FormatError, match="PAR1"):
        read(path)
    parquet.write_table(pa.table({"text": ["a b c"] * 1000}), path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptFileError, match=r"t\.parquet"):
        read(path)


FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame({"id": [1, 2, 3, 4], "text": ROWS}, index=list("wxyz")),
    "pandas series": lambda: pd.Series(ROWS),
    "pandas category": lambda: pd.Series(ROWS, dtype="category"),
    "polars": lambda: pl.DataFrame({"id": [1, 2, 3, 4], "text": ROWS}),
    "polars series": lambda: pl.Series(ROWS),
    "table": lambda: pa.table({"id": [1, 2, 3, 4], "text": ROWS}),
    "batch": lambda: pa.record_batch({"text": pa.array(ROWS)}),
    "reader": lambda: pa.table({"text": ROWS}).to_reader(),
    "array": lambda: pa.array(ROWS),
    "sliced array": lambda: pa.array(["no", *ROWS, "no"]).slice(1, 4),
    "chunked array": lambda: pa.chunked_array([ROWS[:1], [], ROWS[1:]]),
}


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("block", [1, 1 << 23])
def test_frames(kind: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    assert read(FRAMES[kind]()) == CUT


def test_frames_of_lists_and_their_options() -> None:
    baskets = [["red wine", "Milk"], ["milk"]]
    for frame in (
        pl.DataFrame({"b": baskets}),
        pd.DataFrame({"b": baskets}),
        pa.table({"b": baskets}),
        pl.Series(baskets),
    ):
        assert read(frame) == baskets
        assert read(frame, lower=True) == [["red wine", "milk"], ["milk"]]
    frame = pl.DataFrame({"a": ["x"], "b": ["y"], "n": [1]})
    assert read(frame, field="b") == [["y"]]
    with pytest.raises(ConfigError, match="several columns"):
        read(frame)
    with pytest.raises(InputError, match="'n' are int64"):
        read(frame, field="n")
    with pytest.raises(InputError, match="its values are int64"):
        read(pa.array([1, 2]))
    with pytest.raises(ConfigError, match="is one column"):
        read(pa.array(["a"]), field="a")


def test_a_reader_is_read_once() -> None:
    text = Text(pa.table({"text": ROWS}).to_reader())
    assert list(text) == CUT
    with pytest.raises(InputError, match="read once"):
        list(text)


# ── iterables ────────────────────────────────────────────────────────────────────────────────────────────────────────


def generator(items: list[Any]) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize(
    "source",
    [
        ["the cat sat", "a dog\nran", ""],
        ("the cat sat", "a dog\r\nran"),
        generator(["the cat sat", "a dog", "ran"]),
        np.array(["the cat sat", "a dog", "ran"]),
        np.array(["the cat sat", "a dog", "ran"], object),
        dict.fromkeys(["the cat sat", "a dog", "ran"]).keys(),
    ],
)
def test_iterables_of_texts(source: Any) -> None:
    assert read(source) == CUT


@pytest.mark.parametrize(
    "source",
    [
        [["a b", "c"], ["d"]],
        (sentence for sentence in [["a b", "c"], [], ["d"]]),
        [("a b", "c"), ("d",)],
        [np.array(["a b", "c"]), np.array(["d"])],
        [iter(["a b", "c"]), iter(["d"])],
        [["a b", "", "c"], [""], ["d"]],
    ],
)
def test_iterables_of_lists_of_words(source: Any) -> None:
    assert read(source) == [["a b", "c"], ["d"]]


def test_a_table_of_words() -> None:
    assert read(np.array([["a", "b"], ["c", "d"]])) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ([1, 2], r"Item 0 of the source is 1 \(int\)"),
        (["a", 2], r"Item 1 of the source is 2 \(int\), not a str as the first one is"),
        ([["a"], "b"], r"Item 1 of the source is 'b' \(str\), not a list of words"),
        (["a", None], r"Item 1 .* \(NoneType\)"),
        ([None, "a"], r"Item 0 .* \(NoneType\)"),
        ([b"a"], "item.decode"),
        ([{"text": "a"}], r"Item 0 .* \(dict\)"),
        ([["a", 3]], r"Word 1 of item 0 is 3 \(int\)"),
        ([["a"], ["b", None]], r"Word 1 of item 1 is None"),
        (np.array([1.5]), "float64"),
        (np.array("zero-dimensional"), "cannot be iterated"),
    ],
)
def test_items_of_another_type_are_named(source: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(source)


def test_a_generator_is_read_once_and_a_list_as_often_as_one_likes() -> None:
    text = Text(generator(["a b"]))
    assert list(text) == [["a", "b"]]
    with pytest.raises(InputError, match="read once"):
        list(text)
    text = Text(["a b"])
    assert list(text) == list(text) == [["a", "b"]]


def test_lone_surrogates_follow_errors() -> None:
    for source in (["ok", "a\ud800b c"], [["ok"], ["a\ud800b", "c"]]):
        with pytest.raises(EncodingError, match="0xed"):
            read(source)
        assert read(source, errors="ignore") == [["ok"], ["ab", "c"]]
        assert read(source, errors="replace") == [["ok"], ["a\ufffd\ufffd\ufffdb", "c"]]
        with (
            encode(source, min_count=1, vocabulary=["ab"])
            if False
            else encode(Text(source, errors="ignore"), min_count=1) as corpus
        ):
            assert corpus.bad_bytes == 3


def test_an_error_of_the_iterable_comes_through() -> None:
    def broken() -> Iterator[str]:
        yield "a"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        encode(broken())


def test_text_from_right_to_left_and_without_width() -> None:
    assert read(["שלום עולם a\u200bb \ufeffc"]) == [["שלום", "עולם", "a\u200bb", "\ufeffc"]]


# ── options ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tokenizer": "word"}, "Did you mean 'words'"),
        ({"errors": "strickt"}, "Did you mean 'strict'"),
        ({"format": "jsnl"}, "Did you mean 'jsonl'"),
        ({"lower": "yes"}, "lower must be True or False"),
        ({"field": 3}, "field must be"),
        ({"field": "text"}, "field='text' is for columns"),
        ({"format": "csv"}, "format='csv' is for files"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Text(["a"], **options)


def test_field_is_refused_where_there_are_no_columns(folder: Path) -> None:
    with pytest.raises(ConfigError, match="lines of text"):
        read(folder / "a.txt", field="text")


def test_a_tokenizer_is_refused_where_words_are_cut_already() -> None:
    with pytest.raises(ConfigError, match="holds lists of words"):
        read([["a-b"]], tokenizer="words")


def test_of_and_options() -> None:
    text = Text(["A"], lower=True, tokenizer="words", errors="ignore")
    assert Text.of(text) is text
    assert Text.of(["A"]).options() == Text(["A"]).options()
    assert json.loads(json.dumps(text.options())) == {
        "tokenizer": "words",
        "lower": True,
        "field": None,
        "format": None,
        "errors": "ignore",
    }


# ── files that change ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("change", ["grows", "is rewritten", "vanishes", "is cut"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 70_000)
    path = tmp_path / "t"
    path.write_text("a b c\n" * 100_000)

    blocks_read = 0

    def meddle(done: int, total: int | None) -> None:
        nonlocal blocks_read
        blocks_read += 1
        assert blocks_read < 20, "it runs after the end of a file that grows"
        if change == "grows":
            with open(path, "a") as file:
                file.write("more\n")
        elif change == "is rewritten":
            os.utime(path, ns=(1, 1))
        elif change == "is cut":
            os.truncate(path, 6000)
        else:
            path.unlink(missing_ok=True)

    with pytest.raises(ChangedInputError, match="while it was being read"):
        encode(path, report=meddle)


def test_a_file_that_cannot_be_opened_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match=r"a\.txt' cannot be read: Permission denied"):
        read(folder / "a.txt")


def test_a_bomb_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"\n" * (1 << 20)) * 40)
    assert read(tmp_path / "bomb.gz") == []
    monkeypatch.setattr(blocks, "LONGEST_WORD", 1 << 24)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"a" * (1 << 20)) * 40)
    with pytest.raises(FirthError, match="no white space"):
        read(tmp_path / "bomb.gz")


def test_the_identity_of_a_text_follows_its_files(folder: Path) -> None:
    first = Text(folder).fingerprint()
    assert first == Text(folder).fingerprint()
    assert first != Text(folder, lower=True).fingerprint()
    assert first != Text(folder / "a.txt").fingerprint()
    (folder / "e.txt").write_text("new")
    assert first != Text(folder).fingerprint()
    assert Text(["a"]).fingerprint() is None
    assert Text(folder / "e.txt").size() == 3
