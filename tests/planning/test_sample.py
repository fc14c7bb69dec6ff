"""A sample: from all over the source, of whole lines, and it says what share it is."""

import bz2
import gzip
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import firth
from firth.errors import EncodingError, InputError
from firth.planning.sample import sampled

LINES = 60_000
SIZE = 1 << 17


def numbered(lines=LINES):
    return [f"line {number} of the text" for number in range(lines)]


def numbers(sample):
    return [int(sentence[1]) for sentence in sample.text]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(numbered()) + "\n")
    return path


def check_spread(found, share):
    assert len(set(found)) == len(found)  # no line twice
    assert min(found) < LINES * 0.2 and max(found) > LINES * 0.8
    assert len(found) / LINES == pytest.approx(share, rel=0.1)


def test_lines_come_whole_and_from_all_over(path):
    with sampled(firth.Text(path), SIZE) as sample:
        assert all(len(sentence) == 5 for sentence in sample.text)
        assert sample.spread
        check_spread(numbers(sample), sample.share)


def test_a_small_source_is_read_whole(path):
    with sampled(firth.Text(path), 1 << 30) as sample:
        assert (sample.share, sample.spread) == (1.0, True)
        assert len(numbers(sample)) == LINES


def test_several_files_as_if_they_were_one(tmp_path):
    lines = numbered()
    for part in range(10):
        (tmp_path / f"{part}.txt").write_text("\n".join(lines[part * 6000 : part * 6000 + 6000]) + "\n")
    with sampled(firth.Text(tmp_path), SIZE) as sample:
        check_spread(numbers(sample), sample.share)


def test_a_text_of_one_line(tmp_path):
    path = tmp_path / "line.txt"
    path.write_text(" ".join(f"word{number:06}" for number in range(100_000)))
    with sampled(firth.Text(path), SIZE) as sample:
        words = [word for sentence in sample.text for word in sentence]
    assert all(len(word) == 10 for word in words)  # none is cut
    assert max(words) > "word080000"
    assert len(words) / 100_000 == pytest.approx(sample.share, rel=0.05)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_give_their_beginning(tmp_path, pack):
    path = tmp_path / "text"
    path.write_bytes(pack("\n".join(numbered()).encode()))
    with sampled(firth.Text(path), SIZE) as sample:
        found = numbers(sample)
    assert found == list(range(len(found)))
    assert not sample.spread
    assert sample.unpacking > 0
    assert 0 < sample.share < 1


def test_a_packed_file_that_fits_is_read_whole(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"a b c\nd e\n"))
    with sampled(firth.Text(path), SIZE) as sample:
        assert list(sample.text) == [["a", "b", "c"], ["d", "e"]]
        assert (sample.share, sample.spread) == (1.0, True)


def test_json_lines_are_never_cut(tmp_path):
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(json.dumps({"id": n, "body": line}) + "\n" for n, line in enumerate(numbered())))
    with sampled(firth.Text(path, field="body"), SIZE) as sample:
        check_spread(numbers(sample), sample.share)


@pytest.mark.parametrize("more", range(0, 36, 5))
def test_csv_keeps_its_header_and_its_quoted_newlines(tmp_path, more):
    path = tmp_path / "posts.csv"
    path.write_text("id,text\n" + "".join(f'{n},"line {n} of\nthe text"\n' for n in range(10_000)))
    with sampled(firth.Text(path, field="text"), SIZE + more) as sample:
        sentences = list(sample.text)
    assert sentences[:2] == [["line", "0", "of"], ["the", "text"]]
    assert sentences[-1] == ["the", "text"]
    assert not sample.spread


def test_lines_longer_than_the_gap_between_places_come_once(tmp_path):
    path = tmp_path / "books.jsonl"
    books = [{"text": f"book {number} " + "word " * 80_000} for number in range(30)]
    path.write_text("".join(json.dumps(book) + "\n" for book in books))
    with sampled(firth.Text(path), 64 << 14) as sample:
        found = numbers(sample)
    assert len(set(found)) == len(found) > 1


def test_parquet_frames_series_and_lists(tmp_path):
    table = pa.table({"text": numbered(), "n": range(LINES)})
    pa.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=1000)
    sources = [firth.Text(tmp_path / "t.parquet"), firth.Text(table), firth.Text(table.column("text")), numbered()]
    sources += [firth.Text(table.to_pandas()), [line.split() for line in numbered()]]
    for source in sources:
        with sampled(firth.Text.of(source), SIZE) as sample:
            check_spread(numbers(sample), len(numbers(sample)) / LINES)
            assert 0 < sample.share < 0.5
            if not isinstance(source, firth.Text) or source.field is None:
                assert len(numbers(sample)) / LINES == pytest.approx(sample.share, rel=0.1)


def test_options_of_the_text_stay(path):
    with sampled(firth.Text(path, tokenizer="words", lower=True), SIZE) as sample:
        assert sample.text.tokenizer == "words"
        assert sample.text.lower


def test_what_is_not_utf8_is_replaced_but_utf16_refused(tmp_path):
    path = tmp_path / "latin1.txt"
    path.write_bytes("café au lait\n".encode("latin1") * 100)
    with sampled(firth.Text(path), 1 << 20) as sample:
        assert next(iter(sample.text))[0] == "caf�"
    path.write_bytes("ein Text\n".encode("utf-16") * 100_000)
    with pytest.raises(EncodingError, match="UTF-16"), sampled(firth.Text(path), SIZE):
        pass


@pytest.mark.parametrize("source", [iter(["a b"]), (line for line in ["a b"]), "-"])
def test_what_can_be_read_once_is_refused(source):
    with pytest.raises(InputError, match="only once"), sampled(firth.Text(source), SIZE):
        pass


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_no_crash(tmp_path, content):
    path = tmp_path / "empty.txt"
    path.write_bytes(content)
    with pytest.raises(InputError):
        firth.plan(path)
