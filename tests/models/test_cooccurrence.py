"""Co-occurrences as their user meets them: counts, PPMI, its singular vectors, files, wrong input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firth
from firth.config import field_docs, field_names
from firth.errors import (
    ConfigError,
    CorruptFileError,
    FormatError,
    MemoryLimitError,
    MissingInputError,
    UnknownKeyError,
)
from firth.models.cooccurrence import bytes_of
from firth.reference import cooccurrence as slow

RANDOM = np.random.default_rng(2)
TEXT = [[f"w{int(i)}" for i in RANDOM.zipf(1.5, 25).clip(1, 40)] for _ in range(100)]
OTHER = {"window": 2, "side": "left", "weighting": "flat", "min_count": 20, "max_vocab": 7}


def fit(source=TEXT, **options):
    return firth.Cooccurrence(**{"window": 4, "min_count": 1, **options}).fit(source, threads=2)


@pytest.mark.parametrize("option", field_names(firth.Cooccurrence))
def test_every_option_does_something(option):
    plain, other = fit(), fit(**{option: OTHER[option]})
    assert plain.matrix.shape != other.matrix.shape or abs(plain.matrix - other.matrix).max() > 0
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.Cooccurrence)) == set(field_names(firth.Cooccurrence))


def test_names_of_the_c_programs():
    ours = firth.Cooccurrence(side="right", weighting="flat", window=3)
    assert firth.Cooccurrence.of(symmetric=0, distance_weighting=0, window_size=3) == ours


def test_questions():
    counts = fit([["我", "喜欢", "吃", "苹果"], ["我", "喜欢", "喝", "茶"]], window=1)
    assert counts["我", "喜欢"] == counts["喜欢", "我"] == 2
    assert counts["苹果", "茶"] == 0
    assert counts.most_frequent("喜欢", topn=1) == [("我", 2.0)]
    with pytest.raises(UnknownKeyError, match="'她' is not among the 6 words"):
        counts["她", "我"]


def test_both_sides_are_the_sum_of_each():
    both, left, right = (fit(side=side).matrix for side in ("both", "left", "right"))
    assert abs(both - left - right).max() < 1e-4
    assert abs(left - right.T).max() == 0


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=9), min_size=1, max_size=6),
    st.sampled_from([1.0, 2.0, 5.0]),
    st.sampled_from([1.0, 0.75, 0.5]),
)
def test_ppmi_is_that_of_the_twin(text, shift, smoothing):
    counts = fit(text)
    twin = slow.ppmi(slow.cooccurrences(text, 4), shift, smoothing)
    found = counts.ppmi(shift=shift, smoothing=smoothing).toarray()
    expected = np.zeros_like(found)
    for (i, j), score in twin.items():
        expected[counts.vocabulary.ids[i], counts.vocabulary.ids[j]] = score
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize(("power", "shift", "smoothing"), [(0.5, 1.0, 0.75), (1.0, 1.0, 1.0), (0.0, 2.0, 0.75)])
def test_svd_is_that_of_numpy(power, shift, smoothing):
    """Oracle: the whole decomposition. Vectors may be turned where singular values are equal: products are compared."""
    counts = fit()
    left, scales, _ = np.linalg.svd(counts.ppmi(shift=shift, smoothing=smoothing).toarray().astype(np.float64))
    found = counts.svd(5, power=power, shift=shift, smoothing=smoothing)
    expected = left[:, :5] * scales[:5] ** power
    np.testing.assert_allclose(found.vectors @ found.vectors.T, expected @ expected.T, atol=1e-4)
    assert found.provenance["singular_values"] == pytest.approx(scales[:5].tolist(), rel=1e-5)
    assert np.array_equal(found.vectors, counts.svd(5, power=power, shift=shift, smoothing=smoothing).vectors)


def test_words_of_equal_contexts_come_together():
    """忐 and 忑 stand side by side only; foods are eaten and drinks are drunk: what is planted is found."""
    random = np.random.default_rng(3)
    groups = {"吃": ["苹果", "面包", "米饭", "鱼"], "喝": ["水", "茶", "咖啡", "牛奶"]}
    text = [["我", "喜欢", verb, str(random.choice(words))] for _ in range(500) for verb, words in groups.items()]
    vectors = fit(text, window=2).svd(3)
    for words in groups.values():
        for word in words:
            assert {near for near, _ in vectors.most_similar(word, topn=3)} == set(words) - {word}


@pytest.mark.parametrize("format", ["native", "glove"])
def test_what_is_saved_is_loaded(tmp_path, format):
    counts = fit()
    counts.save(tmp_path / "counts", format=format)
    counts.save(tmp_path / "counts", format=format)  # over itself
    loaded = firth.Cooccurrence.load(tmp_path / "counts")
    assert loaded.vocabulary == counts.vocabulary
    assert abs(loaded.matrix - counts.matrix).max() == 0
    assert loaded.config == (counts.config if format == "native" else {})
    assert loaded.svd(4).vectors.tobytes() == counts.svd(4).vectors.tobytes()
    vectors = [firth.GloVe(dim=4, epochs=2, window=4).fit(each, threads=1).vectors for each in (counts, loaded)]
    assert np.array_equal(*vectors)


def test_the_file_of_the_c_programs(tmp_path):
    """Records of 16 bytes: int, int, double, words from 1."""
    fit([["a", "b"], ["a", "b"]]).save(tmp_path / "c", format="glove")
    assert (tmp_path / "c/vocab.txt").read_text() == "a 2\nb 2\n"
    records = np.fromfile(tmp_path / "c/cooccurrence.bin", [("i", "<i4"), ("j", "<i4"), ("x", "<f8")])
    assert records.tolist() == [(1, 2, 2.0), (2, 1, 2.0)]
    shuffled = np.concatenate([records[::-1], records])  # any order; twice is added up
    shuffled.tofile(tmp_path / "c/cooccurrence.bin")
    assert firth.Cooccurrence.load(tmp_path / "c")["a", "b"] == 4


def test_damage_is_found(tmp_path):
    fit().save(tmp_path / "n")
    whole = {path: path.read_bytes() for path in (tmp_path / "n").iterdir()}
    for path, data in whole.items():
        checked = 500 if path.suffix == ".safetensors" else len(data)  # values are mapped, and read when used
        for at in range(0, checked, 37):
            changed = bytearray(data)
            changed[at] ^= 4
            path.write_bytes(changed)
            with pytest.raises((CorruptFileError, FormatError)):
                firth.Cooccurrence.load(tmp_path / "n")
        path.write_bytes(data[:-3])
        with pytest.raises((CorruptFileError, FormatError)):
            firth.Cooccurrence.load(tmp_path / "n")
        path.write_bytes(data)
    assert firth.Cooccurrence.load(tmp_path / "n").matrix.nnz


def test_damage_of_the_c_programs_files(tmp_path):
    folder = tmp_path / "c"
    fit([["a", "b"]]).save(folder, format="glove")
    good = (folder / "cooccurrence.bin").read_bytes()
    for data, message in [
        (good[:-3], "cut short: 13 bytes"),
        (np.array([9, 1], "<i4").tobytes() + good[8:], r"record 0 \(byte 0\).*from 1 to 2"),
        (good[:8] + np.array([np.nan]).tobytes(), "record 0"),
    ]:
        (folder / "cooccurrence.bin").write_bytes(data)
        with pytest.raises(CorruptFileError, match=message):
            firth.Cooccurrence.load(folder)
    (folder / "vocab.txt").write_text("a 1\nb\n")
    with pytest.raises(CorruptFileError, match="line 2: expected 'word count'"):
        firth.Cooccurrence.load(folder)


def test_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("…")
    with pytest.raises(FormatError, match="not overwritten"):
        fit().save(tmp_path / "mine")
    with pytest.raises(FormatError, match="holds no co-occurrences"):
        firth.Cooccurrence.load(tmp_path / "mine")
    with pytest.raises(MissingInputError):
        firth.Cooccurrence.load(tmp_path / "absent")
    with pytest.raises(FormatError, match="blank"):
        fit([["new york", "b"]]).save(tmp_path / "c", format="glove")
    with pytest.raises(ConfigError, match="no format 'Glove'"):
        fit().save(tmp_path / "c", format="Glove")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda counts: counts.svd(0), "dim must be from 1 to"),
        (lambda counts: counts.svd(len(counts.vocabulary)), "dim must be from 1 to"),
        (lambda counts: counts.ppmi(shift=0), "shift must be above 0"),
        (lambda counts: counts.ppmi(smoothing=float("nan")), "shift must be above 0"),
        (lambda _: firth.Cooccurrence(window=0), "window must be at least 1"),
        (lambda _: firth.Cooccurrence(side="middle"), "'both' or 'left' or 'right'"),
        (lambda _: firth.Cooccurrence().fit(TEXT, memory="much"), "such as '4GB'"),
        (lambda _: firth.Cooccurrence().fit(TEXT, memory=0), "such as '4GB'"),
    ],
)
def test_a_wrong_option_is_told_apart(ask, message):
    with pytest.raises(ConfigError, match=message):
        ask(fit())


def test_sizes():
    assert [bytes_of(size) for size in ("1.5k", "2MB", 3e9, None)] == [1500, 2_000_000, 3_000_000_000, None]


def test_counts_that_would_not_fit_are_refused(monkeypatch):
    from firth import machine

    rooms = iter([1 << 30, 100])
    monkeypatch.setattr(machine, "memory_available", lambda: next(rooms))
    with pytest.raises(MemoryLimitError, match="cells need"):
        firth.Cooccurrence(min_count=1).fit(TEXT, memory="1GB")
