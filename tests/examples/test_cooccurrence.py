"""Counting: equal to the ten-line twin whatever the threads and the memory; no file stays on the disk."""

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth import machine
from firth.errors import DiskFullError, MemoryLimitError
from firth.examples import cells as cells_module
from firth.examples.cooccurrence import counted, weights
from firth.reference.cooccurrence import cooccurrences
from firth.tokens.encoded import encode

RANDOM = np.random.default_rng(1)
TEXT = [[f"w{int(i)}" for i in RANDOM.zipf(1.4, int(RANDOM.integers(1, 60))).clip(1, 90)] for _ in range(300)]


def found(text, memory=None, threads=2, **options):
    """{(word, other): count} and the cells themselves."""
    with encode(text, min_count=1) as corpus:
        cells = counted(corpus, threads=threads, memory=memory, **options)
        keys = corpus.vocabulary.keys
        pairs = {}
        for part in cells.parts():
            t = 0
            for k, length in enumerate(part.lengths.tolist()):
                row = part.columns[t : t + length].tolist()
                assert row == sorted(row)
                for column, value in zip(row, part.values[t : t + length].tolist(), strict=True):
                    pairs[keys[part.first + k], keys[column]] = value
                t += length
        return pairs, cells


def assert_same(ours, twin):
    assert ours.keys() == twin.keys()
    assert list(ours.values()) == pytest.approx([twin[pair] for pair in ours], rel=1e-6)


@pytest.mark.parametrize("side", ["both", "left", "right"])
@pytest.mark.parametrize("weighting", ["distance", "flat"])
def test_counts_are_those_of_the_twin(side, weighting) -> None:
    how = {"window": 5, "side": side, "weighting": weighting}
    assert_same(found(TEXT, **how)[0], cooccurrences(TEXT, **how))


@settings(max_examples=60)
@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12), min_size=1, max_size=8),
    st.integers(1, 15),
    st.sampled_from(["both", "left", "right"]),
)
def test_any_text(text, window, side) -> None:
    assert_same(found(text, window=window, side=side)[0], cooccurrences(text, window, side))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_memory_change_nothing(threads) -> None:
    """With 20 kB the text is counted in segments, whose rows are merged from the disk: the same bits."""
    plain, kept = found(TEXT, window=7, threads=1)
    tight, spilt = found(TEXT, window=7, threads=threads, memory=20_000)
    assert not kept.is_on_disk
    assert spilt.is_on_disk
    assert plain == tight


def test_a_segment_may_end_inside_a_sentence() -> None:
    text = [[f"w{i % 23}" for i in range(20_000)]]
    assert found(text, window=9, memory=50_000)[0] == found(text, window=9)[0]


def test_sums_do_not_depend_on_the_order() -> None:
    assert weights(12, "distance")[1:] == pytest.approx(1 / np.arange(1, 13), rel=2e-9)
    assert (weights(12, "distance") * 2.0**32 % 1 == 0).all()


def test_a_word_alone_has_no_neighbours() -> None:
    assert found([["a"], ["b"], ["a"]], window=5)[0] == {}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_no_file_is_left(scratch) -> None:
    _, cells = found(TEXT, window=7, memory=20_000)
    assert cells.is_on_disk
    assert list(scratch.iterdir()) == []


def test_a_disk_that_is_too_small_is_refused_before(scratch, monkeypatch) -> None:
    usage = cells_module.shutil.disk_usage(scratch)
    monkeypatch.setattr(cells_module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DiskFullError, match=r"need about [\d,]+ bytes of disk, and .* has 1,000 free. Set TMPDIR"):
        found(TEXT, window=7, memory=20_000)
    assert list(scratch.iterdir()) == []


def test_a_disk_that_fills_up_is_said(scratch, monkeypatch) -> None:
    class Full:
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cells_module.tempfile, "TemporaryFile", lambda **_: Full())
    cells = cells_module.Cells(1, np.float32, most=0)
    part = cells_module.Part(0, np.ones(1, np.int64), np.zeros(1, np.int32), np.ones(1, np.float32))
    with pytest.raises(DiskFullError, match="is full"):
        cells.append(part)


def test_what_cannot_fit_is_refused(monkeypatch) -> None:
    with encode(TEXT, min_count=1) as corpus:
        monkeypatch.setattr(machine, "memory_available", lambda: 100)
        with pytest.raises(MemoryLimitError, match="Raise min_count"):
            counted(corpus, window=2, threads=2, memory=10_000)
