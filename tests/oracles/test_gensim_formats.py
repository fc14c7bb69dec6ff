"""gensim opens what firth writes, firth opens what gensim writes, and the files of the real tools open right."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import CorruptFileError, EncodingError, FormatError

gensim = pytest.importorskip("gensim")
KeyedVectors = gensim.models.KeyedVectors

FORMATS = {"word2vec": False, "word2vec-binary": True}
KEYS = ["the", "北京", "na\u00efve", "a\u00a0b", "\u3000", "🙂", '"quoted"', "\\", "0.5", "</s>", "\u2028x"]


@pytest.fixture(params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def numbers(rows: int, dim: int) -> np.ndarray:
    random = np.random.default_rng(5)
    return (random.normal(size=(rows, dim)) * 10.0 ** random.integers(-38, 17, (rows, dim))).astype(np.float32)


@pytest.mark.parametrize("dim", [1, 2, 100, 301])
def test_gensim_opens_what_firth_writes(tmp_path: Path, name: str, dim: int) -> None:
    vectors = Vectors(KEYS, numbers(len(KEYS), dim))
    vectors.save(tmp_path / "vectors", name)
    found = KeyedVectors.load_word2vec_format(str(tmp_path / "vectors"), binary=FORMATS[name])
    assert found.index_to_key == KEYS
    assert np.array_equal(found.vectors, vectors.vectors)


@pytest.mark.parametrize("dim", [1, 2, 100, 301])
def test_firth_opens_what_gensim_writes(tmp_path: Path, name: str, dim: int) -> None:
    theirs = KeyedVectors(dim)
    theirs.add_vectors(KEYS, numbers(len(KEYS), dim))
    theirs.save_word2vec_format(str(tmp_path / "vectors"), binary=FORMATS[name])
    found = load(tmp_path / "vectors")
    assert found.index_to_key == KEYS
    assert np.array_equal(found.vectors, theirs.vectors)


@pytest.mark.parametrize(
    ("file", "binary"),
    [
        ("word2vec_pre_kv_c", False),
        ("euclidean_vectors.bin", True),
        ("high_precision.kv.txt", False),
        ("high_precision.kv.bin", True),
        ("lee_fasttext.vec", False),
        ("crime-and-punishment.vec", False),
        ("toy-model.vec", False),
        ("EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt", False),
        ("finalfusion/embeddings.w2v", True),
        ("finalfusion/embeddings.dims.txt", False),
    ],
)
def test_files_of_the_real_tools(shared_data: Callable[[str], Path], file: str, binary: bool) -> None:
    path = shared_data("formats") / file
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    found = load(path)
    assert found.index_to_key == theirs.index_to_key
    np.testing.assert_allclose(found.vectors, theirs.vectors, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("file", "binary"),
    [
        ("finalfusion/utf8-incomplete.dims", False),
        ("finalfusion/utf8-incomplete.bin", True),
        ("pang_lee_polarity_fasttext.vec", False),
        ("w2v_keyedvectors_load_test.modeldata", False),
    ],
)
def test_files_with_broken_keys(shared_data: Callable[[str], Path], file: str, binary: bool) -> None:
    path = shared_data("formats") / file
    with pytest.raises(EncodingError, match=r"(line|byte) [\d,]+: .*not UTF-8"):
        load(path)
    for errors in ("replace", "ignore"):
        theirs = KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors=errors)
        with warnings.catch_warnings():  # two broken keys may become one; gensim, too, keeps the first
            warnings.simplefilter("ignore")
            found = load(path, errors=errors, strict=False)
        assert found.index_to_key == theirs.index_to_key[: len(found)]
        assert len(found) == len(theirs.key_to_index)
        np.testing.assert_allclose(found.vectors, theirs.vectors[: len(found)], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("file", "error", "words"),
    [
        ("pretrained.vec", CorruptFileError, "1 rows begins here, and the header promised 3"),
        ("lee.cor", FormatError, "is not a model"),
        ("elmo/lm_weights.hdf5", FormatError, "HDF5"),
        ("elmo/options.json", FormatError, "JSON"),
    ],
)
def test_files_that_are_something_else(
    shared_data: Callable[[str], Path], file: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        load(shared_data("formats") / file)
