"""What a table may be made of, and what is said where it may not."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from firth.errors import ConfigError, FirthError, InputError, UnknownKeyError
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

KEYS = ["oak", "elm", "fir"]
TABLE = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_arrays_of_float32_are_kept_and_others_converted() -> None:
    assert Vectors(KEYS, TABLE).vectors is TABLE
    for kind in (np.float64, np.int32, np.float16, ">f4"):
        converted = Vectors(KEYS, TABLE.astype(kind)).vectors
        assert converted.dtype == np.float32
        np.testing.assert_array_equal(converted, TABLE)
    assert Vectors(KEYS, TABLE.tolist())["elm"].tolist() == [4, 5, 6, 7]


def test_keys_may_be_any_iterable_of_strings() -> None:
    for keys in (KEYS, tuple(KEYS), iter(KEYS), np.array(KEYS), dict.fromkeys(KEYS), Keys.of(KEYS)):
        vectors = Vectors(keys, TABLE)
        assert vectors.index_to_key == KEYS
        assert {type(key) for key in vectors.index_to_key} == {str}
        assert vectors.key_to_index == {"oak": 0, "elm": 1, "fir": 2}


def test_later_changes_to_the_list_of_keys_do_not_matter() -> None:
    keys = [*KEYS]
    vectors = Vectors(keys, TABLE)
    keys[0] = "ash"
    assert vectors.index_to_key == KEYS


def test_what_was_given_is_there() -> None:
    config = {"model": {"name": "word2vec", "min_count": 5}, "text": {"tokenizer": "words"}}
    vectors = Vectors(KEYS, TABLE, output=-TABLE, counts=[9, 5, 1], config=config, provenance={"words_read": 15})
    assert (vectors.dim, vectors.vector_size, len(vectors)) == (4, 4, 3)
    np.testing.assert_array_equal(vectors.output, -TABLE)
    assert vectors.counts.tolist() == [9, 5, 1]
    assert vectors.counts.dtype == np.int64
    assert vectors.config == config
    assert vectors.provenance == {"words_read": 15}
    assert vectors.wv is vectors
    assert list(vectors) == KEYS
    assert "oak" in vectors
    assert "ash" not in vectors
    assert 0 not in vectors
    assert None not in vectors
    assert repr(vectors) == "Vectors(3 keys, dim 4, word2vec, output vectors, counts)"
    assert repr(Vectors(KEYS, TABLE)) == "Vectors(3 keys, dim 4)"


def test_an_empty_table_is_a_table() -> None:
    empty = Vectors([], np.empty((0, 4), np.float32))
    assert len(empty) == 0
    assert empty.most_similar(np.ones(4, np.float32)) == []
    assert empty.nearest(np.ones((2, 4), np.float32)) == [[], []]
    with pytest.raises(UnknownKeyError, match="the 0 keys"):
        _ = empty["oak"]


NAN = TABLE.copy()
NAN[1, 2] = np.nan


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((KEYS, TABLE[0]), {}, r"keys × dim numbers .*not of shape \(4,\)"),
        ((KEYS, TABLE[None]), {}, r"not of shape \(1, 3, 4\)"),
        ((KEYS, np.empty((3, 0))), {}, r"dim at least 1"),
        ((KEYS, [[1, 2], [3], [4, 5]]), {}, r"keys × dim numbers"),
        ((KEYS, [["a", "b"]] * 3), {}, "numbers that fit float32"),
        ((KEYS, TABLE * 1j), {}, "numbers that fit float32, not complex"),
        ((KEYS[:2], TABLE), {}, "2 keys for 3 vectors"),
        (([*KEYS, "ash"], TABLE), {}, "4 keys for 3 vectors"),
        ((["oak", "elm", "oak"], TABLE), {}, "'oak' comes twice, in rows 0 and 2"),
        ((["oak", 7, "elm"], TABLE), {}, "key 1 is 7, not a string"),
        ((["oak", b"elm", "fir"], TABLE), {}, "key 1 is b'elm', not a string"),
        (("oak", TABLE), {}, "the one string 'oak'"),
        ((None, TABLE), {}, "keys must be a list of strings"),
        ((KEYS, NAN), {}, "vector of 'elm' .row 1. holds NaN or Inf"),
        ((KEYS, TABLE.astype(np.float64) * 1e39), {}, "holds NaN or Inf"),
        ((KEYS, np.full((3, 4), 1e300)), {}, "holds NaN or Inf"),
        ((KEYS, TABLE), {"output": NAN}, "output vector of 'elm'"),
        ((KEYS, TABLE), {"output": TABLE[:2]}, r"shape \(2, 4\), the vectors \(3, 4\)"),
        ((KEYS, TABLE), {"counts": [1, 2]}, "counts must be 3 whole numbers"),
        ((KEYS, TABLE), {"counts": [1.5, 2, 3]}, "counts must be 3 whole numbers, not an array of float64"),
        ((KEYS, TABLE), {"counts": [1, -2, 3]}, "at least 0, not -2"),
        ((KEYS, TABLE), {"config": "word2vec"}, "config must be a dict or None, not str"),
        ((KEYS, TABLE), {"provenance": []}, "provenance must be a dict or None, not list"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple, options: dict, message: str) -> None:
    with warnings.catch_warnings(action="error"), pytest.raises(InputError, match=message):
        Vectors(*arguments, **options)


def test_packed_keys_that_repeat_are_refused_when_first_used() -> None:
    vectors = Vectors(Keys.of(["oak", "elm", "oak"]), TABLE)
    with pytest.raises(InputError, match="'oak' comes twice"):
        _ = vectors["oak"]


def test_nan_in_a_mapped_file_is_found_by_the_first_question_not_by_opening(tmp_path: Path) -> None:
    NAN.tofile(tmp_path / "rows")
    mapped = np.memmap(tmp_path / "rows", np.float32, "r", shape=(3, 4))
    vectors = Vectors(KEYS, mapped)
    assert vectors.vectors is mapped
    assert vectors.similarity("oak", "fir") > 0  # looks at two rows alone
    with pytest.raises(InputError, match=r"'elm' \(row 1\)"):
        vectors.similarity("oak", "elm")
    with pytest.raises(InputError, match=r"'elm' \(row 1\)"):
        vectors.most_similar("oak")
    with pytest.raises(InputError, match=r"'elm' \(row 1\)"):  # a view of the map, as a reader of files may pass
        Vectors(KEYS, np.asarray(mapped)).get_normed_vectors()


def test_rows_of_a_mapped_file_are_plain_arrays(tmp_path: Path) -> None:
    TABLE.tofile(tmp_path / "rows")
    vectors = Vectors(KEYS, np.memmap(tmp_path / "rows", np.float32, "r", shape=(3, 4)))
    assert type(vectors["elm"]) is np.ndarray
    assert type(vectors[["elm", "oak"]]) is np.ndarray
    assert type(vectors.get_normed_vectors()) is np.ndarray
    assert vectors["elm"].tolist() == [4, 5, 6, 7]


def test_rows_cannot_be_written_to() -> None:
    vectors = Vectors(KEYS, TABLE)
    for row in (vectors["oak"], vectors.get_vector("oak", norm=True)):
        with pytest.raises(ValueError, match="read-only"):
            row[0] = 7
    assert TABLE.flags.writeable


CONFIG = {"model": {"name": "word2vec", "min_count": 5}}


@pytest.mark.parametrize(
    ("key", "facts", "message"),
    [
        ("aok", {}, "'aok' is not among the 4 keys of this table. Did you mean 'aak'?"),
        ("oka", {}, "'oka' is not among the 4 keys of this table. Did you mean 'oak'?"),
        ("OAK", {}, "'OAK' is not among the 4 keys of this table. Did you mean 'oak'?"),
        ("london", {}, "'london' is not among the 4 keys of this table. Did you mean 'London'?"),
        ("", {}, "'' is not among the 4 keys of this table."),
        ("zzz", {}, "'zzz' is not among the 4 keys of this table."),
        ("zzz", {"config": {"model": {"min_count": 1}}}, "'zzz' is not among the 4 keys of this table."),
        ("zzz", {"config": {"model": "a string"}}, "'zzz' is not among the 4 keys of this table."),
        (
            "zzz",
            {"config": CONFIG},
            "'zzz' is not among the 4 words kept (min_count=5). A lower min_count keeps rarer words.",
        ),
        (
            "elms",
            {"config": CONFIG, "provenance": {"words_dropped": 180_213}},
            (
                "'elms' is not among the 4 words kept (min_count=5 dropped 180,213). Did you mean 'elm'?"
                " A lower min_count keeps rarer words."
            ),
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_spelling(key: str, facts: dict, message: str) -> None:
    vectors = Vectors(["oak", "elm", "London", "aak"], np.eye(4, dtype=np.float32), **facts)
    with pytest.raises(UnknownKeyError) as caught:
        _ = vectors[key]
    assert str(caught.value) == message
    assert isinstance(caught.value, KeyError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == message


def test_a_message_that_nobody_reads_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from firth.vectors import unknown

    asked = []
    monkeypatch.setattr(unknown, "nearest_spelling", lambda *given: asked.append(given))
    vectors = Vectors(KEYS, TABLE)
    with pytest.raises(UnknownKeyError) as caught:
        _ = vectors["ash"]
    assert not asked
    assert "Did you mean" not in str(caught.value)
    assert asked


def test_a_key_of_a_million_letters_makes_a_short_message() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        _ = Vectors(KEYS, TABLE)["a" * 1_000_000]
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("key", [None, 1.0, True, b"oak", slice(0, 2), {"oak": 1}.items()])
def test_what_is_no_key_is_said_so(key: object) -> None:
    vectors = Vectors(KEYS, TABLE)
    with pytest.raises(ConfigError, match=r"[Kk]ey"):
        vectors.get_vector(key)
    with pytest.raises(FirthError):
        _ = vectors[key]


def test_numbers_of_rows_stand_for_keys() -> None:
    vectors = Vectors(KEYS, TABLE)
    assert vectors[1].tolist() == vectors["elm"].tolist() == vectors[np.int64(1)].tolist()
    assert vectors[np.array([2, 0])].tolist() == TABLE[[2, 0]].tolist()
    assert vectors.similarity(0, 2) == vectors.similarity("oak", "fir")
    assert vectors.most_similar(0) == vectors.most_similar("oak")
    assert vectors.nearest([0]) == vectors.nearest(["oak"])
    for wrong in (3, -1):
        with pytest.raises(UnknownKeyError, match="numbered from 0 to 2"):
            _ = vectors[wrong]


def test_importing_the_table_pulls_neither_numba_nor_pyarrow_nor_torch_nor_scipy() -> None:
    code = "import firth.vectors.table, sys; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    )
    assert "numpy" in loaded
    assert loaded.isdisjoint({"numba", "pyarrow", "torch", "scipy"})
