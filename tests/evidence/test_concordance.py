"""The index: against a plain search, and against its readable twin; made once, and made again when it is damaged."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import firth
from firth.errors import ConfigError, MissingInputError, UnknownKeyError
from firth.evidence.concordance import Concordance
from firth.kernels import postings as kernels
from firth.reference import postings as twin
from firth.tokens.encoded import encode

TEXT = [["a", "b", "a"], ["c"], ["b", "a"]]


@given(st.lists(st.integers(0, 3), max_size=400), st.integers(0, 20_000_000))
def test_the_kernel_is_its_twin(tokens: list[int], far: int) -> None:
    ids = np.array(tokens, np.int32)
    half = len(ids) // 2
    sizes, last = np.zeros(4, np.int64), np.full(4, -1, np.int64)
    parts = ((ids[:half], 0), (ids[half:], half + far))  # a corpus with a gap, for distances of several bytes
    for part, start in parts:
        kernels.measure(part, start, last, sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    postings, ends = np.zeros(starts[-1], np.uint8), starts[:-1].copy()
    last[:] = -1
    for part, start in parts:
        kernels.write(part, start, last, ends, postings)
    np.testing.assert_array_equal(ends, starts[1:])
    places = np.concatenate([np.arange(half), np.arange(half, len(ids)) + far]).astype(int)
    for word in range(4):
        written = postings[starts[word] : starts[word + 1]]
        wanted = places[ids == word].tolist()
        found = np.zeros(len(wanted), np.int64)
        assert kernels.read(written, found) == len(wanted)
        assert found.tolist() == wanted == twin.read(bytes(written))
    if not far:
        assert b"".join(twin.write(tokens, 4)) == bytes(postings)


def test_places_and_sentences() -> None:
    found = Concordance.of(TEXT)
    assert {word: found.places(word).tolist() for word in "abc"} == {"a": [0, 2, 5], "b": [1, 4], "c": [3]}
    assert [found.sentence_at(place) for place in (0, 2, 3, 5)] == [(0, 0, 3), (0, 0, 3), (1, 3, 4), (2, 4, 6)]
    assert "a" in found
    with pytest.raises(UnknownKeyError, match="'d' does not stand in the corpus"):
        found.places("d")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("the cat sat\nthe dog sat\n" * 30)
    return path


def test_made_once(file: Path, tmp_path: Path) -> None:
    first = Concordance.of(file, tmp_path / "work")
    again = Concordance.of(file, tmp_path / "work")
    assert (first.reused, again.reused) == (False, True)
    assert again.places("sat").tolist() == first.places("sat").tolist() == [*range(2, 180, 3)]
    alone = Concordance.of(workdir=tmp_path / "work")
    assert alone.reused
    file.write_text("the cat sat\n" * 9)
    changed = Concordance.of(file, tmp_path / "work")
    assert not changed.reused
    assert len(changed.places("sat")) == 9


@pytest.mark.parametrize("name", ["postings.u8", "starts.i64", "concordance.json"])
def test_a_damaged_index_is_made_again(file: Path, tmp_path: Path, name: str) -> None:
    Concordance.of(file, tmp_path / "work")
    path = tmp_path / "work" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert not (again := Concordance.of(file, tmp_path / "work")).reused
    assert len(again.places("cat")) == 30
    assert not [*(tmp_path / "work").glob(".firth-new*")]


def test_what_fit_kept_is_used(file: Path, tmp_path: Path) -> None:
    vectors = firth.Word2Vec(dim=8, min_count=2).fit(file, workdir=tmp_path / "work", threads=1)
    assert Concordance.of(file, tmp_path / "work", vectors=vectors).corpus.reused
    assert Concordance.of(workdir=tmp_path / "work").corpus.vocabulary.keys == vectors.index_to_key


def test_no_text(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="keeps no encoded text"):
        Concordance.of(workdir=tmp_path)
    with pytest.raises(ConfigError, match="give the source"):
        Concordance.of()
    (tmp_path / "encoded.json").write_text("{")
    with pytest.raises(MissingInputError, match="keeps no encoded text"):
        Concordance.of(workdir=tmp_path)
    encode(TEXT, min_count=1, workdir=tmp_path / "nameless")
    with pytest.raises(MissingInputError, match="keeps no encoded text"):
        Concordance.of(workdir=tmp_path / "nameless")  # of a list: nobody can say that it is still the same
