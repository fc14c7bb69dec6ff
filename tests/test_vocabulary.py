"""The vocabulary: its file, its two distributions, and what it refuses."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.errors import (
    ConfigError,
    CorruptFileError,
    EmptyVocabularyError,
    EncodingError,
    InputError,
    MissingInputError,
)
from firth.vocabulary import Vocabulary

KEYS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\t\n\r\\\x00\x85\u2028\ufefftnr"), max_size=8
)


@given(table=st.dictionaries(KEYS, st.integers(0, 2**62)))
def test_its_file_round_trips_whatever_the_keys(table: dict[str, int]) -> None:
    vocabulary = Vocabulary(list(table), np.array(list(table.values()), np.int64))
    data = vocabulary.to_bytes()
    assert data.count(b"\n") == len(table)
    assert Vocabulary.from_bytes(data, "it") == vocabulary


def test_save_and_load(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["the", "a\tb", "\\n", "北京"], [9, 3, 2, 0])
    vocabulary.save(tmp_path / "vocabulary.tsv")
    assert (tmp_path / "vocabulary.tsv").read_text("utf-8") == "the\t9\na\\tb\t3\n\\\\n\t2\n北京\t0\n"
    assert Vocabulary.load(tmp_path / "vocabulary.tsv") == vocabulary


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a\t1\nb 2\n", "line 2"),
        (b"a\t1\nb\t-2\n", "line 2"),
        (b"a\t1\nb\t2.5\n", "line 2"),
        (b"a\t1\nb\t99999999999999999999\n", "line 2"),
        (b"a\tb\t1\n", "line 1"),
        (b"a\t1\nb\t2", "cut short"),
        (b"a\t1\na\t2\n", "twice"),
        (b"a\\x\t1\n", "unknown escape"),
        (b"a\\\t1\n", "unknown escape"),
        (b"ok\t1\n\xff\t1\n", "line 2: not UTF-8 at byte 5"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "v.tsv").write_bytes(data)
    with pytest.raises(CorruptFileError, match=says) as caught:
        Vocabulary.load(tmp_path / "v.tsv")
    assert "v.tsv" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere"):
        Vocabulary.load(tmp_path / "nowhere")
    with pytest.raises(InputError, match="folder"):
        Vocabulary.load(tmp_path)


def test_a_lone_surrogate_cannot_be_saved() -> None:
    with pytest.raises(EncodingError, match=r"'b\\ud800'"):
        Vocabulary(["a", "b\ud800"], [1, 1]).to_bytes()


@given(counts=st.lists(st.integers(1, 10**9), min_size=1, max_size=20), subsample=st.floats(1e-9, 1))
def test_keep_probability_is_that_of_word2vec(counts: list[int], subsample: float) -> None:
    keep = Vocabulary([str(i) for i in range(len(counts))], counts).keep_probability(subsample)
    total = sum(counts)
    # word2vec.c: ran = (sqrt(cn / (sample * train_words)) + 1) * (sample * train_words) / cn
    expected = [((c / (subsample * total)) ** 0.5 + 1) * (subsample * total) / c for c in counts]
    np.testing.assert_allclose(keep, np.minimum(1, expected), rtol=1e-6)
    assert keep.dtype == np.float32


def test_subsample_zero_keeps_everything_and_a_negative_one_is_refused() -> None:
    vocabulary = Vocabulary(["a", "b", "c"], [1000, 1, 0])
    assert vocabulary.keep_probability(0).tolist() == [1, 1, 1]
    assert vocabulary.keep_probability(1e-3)[2] == 1
    assert vocabulary.keep_probability(1e-4)[0] < vocabulary.keep_probability(1e-3)[0] < 1
    with pytest.raises(ConfigError, match="subsample"):
        vocabulary.keep_probability(-1)


@given(counts=st.lists(st.integers(1, 10**6), min_size=1, max_size=20), exponent=st.floats(-3, 3))
def test_noise_is_count_to_the_exponent(counts: list[int], exponent: float) -> None:
    noise = Vocabulary([str(i) for i in range(len(counts))], counts).noise_probability(exponent)
    weight = np.array(counts, np.float64) ** exponent
    np.testing.assert_allclose(noise, weight / weight.sum(), rtol=1e-9)


def test_noise_never_draws_what_never_came() -> None:
    vocabulary = Vocabulary(["a", "b", "c"], [4, 0, 4])
    for exponent in (0.75, 0, -1, 300):
        assert vocabulary.noise_probability(exponent).tolist() == [0.5, 0, 0.5]
    assert Vocabulary(["a", "b"], [0, 0]).noise_probability(0.75).tolist() == [0.5, 0.5]
    with pytest.raises(ConfigError, match="ns_exponent"):
        vocabulary.noise_probability(float("nan"))


def test_count_is_what_encode_keeps() -> None:
    vocabulary = Vocabulary.count(["b a b", "c b a"], min_count=2)
    assert (vocabulary.keys, vocabulary.counts.tolist()) == (["b", "a"], [3, 2])
    assert Vocabulary.count(["b a b", "c b a"], min_count=1, max_vocab=1).keys == ["b"]
    with pytest.raises(EmptyVocabularyError, match="min_count=5"):
        Vocabulary.count(["a"])


def test_looking_up() -> None:
    vocabulary = Vocabulary(["b", "a"], [3, 2])
    assert vocabulary.ids == {"b": 0, "a": 1}
    assert "a" in vocabulary
    assert "z" not in vocabulary
    assert list(vocabulary) == ["b", "a"]
    assert (len(vocabulary), vocabulary.total) == (2, 5)
    assert vocabulary != Vocabulary(["a", "b"], [3, 2])
    assert vocabulary != Vocabulary(["b", "a"], [3, 3])


@pytest.mark.parametrize(
    ("keys", "counts", "says"),
    [
        (["a", "a"], [1, 1], "'a' comes twice"),
        (["a", 3], [1, 1], "Key 1"),
        ("ab", [1, 1], "not one str"),
        (None, [1], "NoneType"),
        (["a"], [1, 2], "one count per key"),
        (["a"], [-1], "whole numbers"),
        (["a"], [1.5], "whole numbers"),
    ],
)
def test_what_is_no_vocabulary_is_refused(keys: object, counts: list[int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Vocabulary(keys, counts)  # type: ignore[arg-type]


def test_importing_it_imports_no_pyarrow() -> None:
    code = (
        "import sys, firth.vocabulary; print([m for m in ('pyarrow', 'numba', 'torch', 'pandas') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
