"""fastText's .bin and .ftz: its own files of every version, what the library reads of ours, unseen words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firth import TextClassifier, Vectors, load
from firth.errors import EncodingError, FormatError, UnknownKeyError
from firth.formats import describe
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords

Data = Callable[[str], Path]
UNSEEN = ["unseenword", "北京", "zz", "Zürich"]


def fasttext() -> Any:
    module = pytest.importorskip("fasttext")
    module.FastText.eprint = lambda *_: None
    return module


def mean_of_rows(model: Any, word: str) -> np.ndarray:
    _, rows = model.get_subwords(word)
    return np.mean([model.get_input_vector(row) for row in rows], axis=0)


def a_model(keys: int = 6, dim: int = 5, buckets: int = 40, **more: Any) -> Vectors:
    random = np.random.default_rng(2)
    words = ["</s>", "oak", "elm", "北京", "a b", "Zürich", *(f"w{i}" for i in range(50))][:keys]
    own, table = (random.normal(size=(rows, dim)).astype(np.float32) for rows in (keys, buckets))
    parts = Subwords(table, 2, 4, own=own)
    output = random.normal(size=(keys, dim)).astype(np.float32)
    counts = np.arange(keys, 0, -1)
    return Vectors(words, parts.stored(Keys.of(words)), subwords=parts, **{"output": output, "counts": counts, **more})


@pytest.mark.parametrize("name", ["lee_fasttext", "crime-and-punishment", "toy-model", "pang_lee_polarity_fasttext"])
def test_the_vectors_that_fasttext_wrote_beside(shared_data: Data, name: str) -> None:
    """`.vec` has five digits. The first of these files is older than versions, the last one is supervised."""
    ours = load(shared_data(f"formats/{name}.bin"), errors="replace")
    text = load(shared_data(f"formats/{name}.vec"), errors="ignore")
    both = [key for key in text if key in ours]
    assert len(both) > 0.9 * len(text) > 15
    theirs = np.stack([text[key] for key in both])
    np.testing.assert_allclose(ours[both], theirs, atol=6e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["lee_fasttext_new", "crime-and-punishment", "toy-model", "toy-model-pretrained"])
def test_unseen_words_are_those_of_the_library(shared_data: Data, name: str) -> None:
    path = shared_data(f"formats/{name}.bin")
    ours, model = load(path), fasttext().load_model(str(path))
    for word in [*UNSEEN, *ours.index_to_key[:50]]:
        np.testing.assert_allclose(ours[word], mean_of_rows(model, word), atol=1e-6)
    assert describe(path)["rows"] == len(ours) == len(model.get_words())
    np.testing.assert_array_equal(ours.output, model.get_output_matrix())


def test_words_that_are_no_utf8(shared_data: Data) -> None:
    path = shared_data("formats/cp852_fasttext.bin")
    with pytest.raises(EncodingError, match="errors='replace'"):
        load(path)
    ours = load(path, errors="replace")
    assert len(ours) == 171
    assert any("\\x" in key for key in ours)  # two that replacing made alike
    assert load(shared_data("formats/non_ascii_fasttext.bin"))["který"].shape == (2,)


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_what_the_library_trained(tmp_path: Path, architecture: str, loss: str) -> None:
    text = "\n".join(["the oak and the elm grow in 北京 and 上海"] * 30)
    (tmp_path / "text").write_text(text + "\n", encoding="utf-8")
    options = {"model": architecture, "loss": loss, "dim": 4, "minCount": 1, "bucket": 100, "epoch": 2, "thread": 1}
    model = fasttext().train_unsupervised(str(tmp_path / "text"), verbose=0, **options)
    model.save_model(str(tmp_path / "m.bin"))
    ours = load(tmp_path / "m.bin")
    assert ours.options("model")["loss"] == loss
    assert (ours.options("model")["architecture"], ours.options("model")["max_n"]) == (architecture, 6)
    outputs = ours.nodes if loss == "hs" else ours.output
    np.testing.assert_array_equal(outputs, model.get_output_matrix()[: len(outputs)])
    for word in UNSEEN:
        np.testing.assert_allclose(ours[word], mean_of_rows(model, word), atol=1e-6)
    ours.save(tmp_path / "again.bin", format="fasttext")
    same_as_the_library(ours, tmp_path / "again.bin")
    expected = (tmp_path / "m.bin").read_bytes()
    assert (tmp_path / "again.bin").read_bytes()[64:] == expected[64:]  # all after the options, bit by bit


def same_as_the_library(ours: Vectors, path: Path) -> None:
    model = fasttext().load_model(str(path))
    assert model.get_words() == ours.index_to_key
    assert ours.subwords is not None
    rows = np.concatenate([ours.subwords.own, ours.subwords.table])
    np.testing.assert_array_equal(model.get_input_matrix(), rows)
    for word in [*UNSEEN, *ours.index_to_key]:
        np.testing.assert_allclose(ours[word], mean_of_rows(model, word), atol=1e-6)


@pytest.mark.parametrize("more", [{}, {"output": None}, {"counts": None}, {"output": None, "nodes": np.ones((5, 5))}])
def test_the_library_opens_what_is_written(tmp_path: Path, more: dict[str, Any]) -> None:
    ours = a_model(**more)
    ours.save(tmp_path / "m.bin", format="fasttext")
    same_as_the_library(ours, tmp_path / "m.bin")
    again = load(tmp_path / "m.bin")
    for part in ("vectors", "output", "nodes", "counts"):
        kept, found = getattr(ours, part), getattr(again, part)
        assert np.array_equal(kept, found) if kept is not None else found is None, part


@pytest.mark.parametrize("qnorm", [False, True])
@pytest.mark.parametrize("cutoff", [0, 300])
def test_quantised_models(tmp_path: Path, cutoff: int, qnorm: bool) -> None:
    random = np.random.default_rng(1)
    words = [f"word{i}" for i in range(300)]
    lines = [f"__label__{i % 2} " + " ".join(random.choice(words[i % 2 :: 2], 12)) for i in range(400)]
    (tmp_path / "text").write_text("\n".join(lines) + "\n")
    options = {"dim": 7, "minn": 3, "maxn": 4, "bucket": 1000, "epoch": 1, "thread": 1, "verbose": 0}
    model = fasttext().train_supervised(str(tmp_path / "text"), **options)
    model.quantize(input=str(tmp_path / "text"), qnorm=qnorm, cutoff=cutoff, retrain=False, dsub=2)
    model.save_model(str(tmp_path / "m.ftz"))
    ours = load(tmp_path / "m.ftz", format="fasttext")
    assert isinstance(load(tmp_path / "m.ftz"), TextClassifier)
    assert ours.index_to_key == model.get_words()
    assert ours.output is None  # it is of labels
    for word in ["word1", "word12", "unword1", "word3000", *ours.index_to_key[:5]]:
        found = model.get_subwords(word)[1]
        if len(found):
            np.testing.assert_allclose(ours[word], mean_of_rows(model, word), atol=1e-6)
    if cutoff:
        with pytest.raises(FormatError, match="pruned"):
            ours.save(tmp_path / "m.bin", format="fasttext")
        ours.save(tmp_path / "native")
        np.testing.assert_array_equal(load(tmp_path / "native")["unword1"], ours["unword1"])


def test_a_native_folder_keeps_subwords(tmp_path: Path) -> None:
    ours = a_model()
    ours.save(tmp_path / "m")
    again = load(tmp_path / "m", verify="full")
    assert repr(again) == "Vectors(6 keys, dim 5, output vectors, counts, n-grams 2–4)"
    for word in [*UNSEEN, *ours]:
        np.testing.assert_array_equal(again[word], ours[word])
    assert again.vectors_ngrams is not None
    assert np.array_equal(again.vectors_ngrams, ours.vectors_ngrams)
    assert '"format_version": 2' in (tmp_path / "m/config.json").read_text()
    Vectors(["a"], [[1.0]]).save(tmp_path / "plain")
    assert '"format_version": 1' in (tmp_path / "plain/config.json").read_text()  # an older firth opens it


def test_a_word_without_ngrams(tmp_path: Path) -> None:
    ours = a_model()
    ours.save(tmp_path / "m.bin", format="fasttext")
    with pytest.raises(UnknownKeyError, match=r"'</t>' is not stored, and n-grams make input vectors alone"):
        ours.get_vector("</t>", which="output")
    long = Subwords(np.ones((9, 2)), 5, 6, own=np.ones((1, 2)))
    with pytest.raises(UnknownKeyError, match=r"'a' is not stored, and <a> has no n-grams of 5 to 6 characters"):
        Vectors(["oak"], [[1, 1]], subwords=long)["a"]


def test_what_a_bin_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="NUL"):
        Vectors(["a\0b"], [[1.0]]).save(tmp_path / "m", format="fasttext")
    with pytest.raises(FormatError, match="floret"):
        Vectors([], np.empty((0, 2)), subwords=Subwords(np.ones((9, 2)), 3, 4, hash_count=2)).save(
            tmp_path / "m", format="fasttext"
        )
