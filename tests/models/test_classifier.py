"""TextClassifier: every option does something, bytes repeat, what is saved comes back, wrong input is refused."""

import gzip
import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firth
from firth.errors import (
    ConfigError,
    CorruptFileError,
    DivergenceError,
    EmptyVocabularyError,
    EncodingError,
    FirthError,
    FormatError,
    InputError,
    MissingInputError,
    NotFittedError,
)

GOOD, BAD = ["fine", "great", "lovely"], ["dull", "poor", "awful"]


def reviews(texts=200, seed=0):
    """Texts whose one telling word says the label."""
    random = np.random.default_rng(seed)
    found, labels = [], []
    for _ in range(texts):
        good = random.random() < 0.5
        words = [f"w{random.integers(40)}" for _ in range(6)]
        words[random.integers(6)] = (GOOD if good else BAD)[random.integers(3)]
        found.append(" ".join(words))
        labels.append("good" if good else "bad")
    return found, labels


def learnt(**options):
    return firth.TextClassifier(**{"dim": 8, "lr": 0.5, "epochs": 10, **options}).fit(*reviews(), threads=1)


def same(one, other):
    return np.array_equal(one.model_.inputs, other.model_.inputs) and np.array_equal(
        one.model_.outputs, other.model_.outputs
    )


@pytest.mark.parametrize("loss", ["softmax", "ova", "hs", "ns"])
def test_a_word_that_tells_the_label_is_learnt(loss):
    classifier = learnt(loss=loss)
    texts, labels = reviews(seed=1)
    assert classifier.score(texts, labels) > 0.97
    assert classifier.predict(["a great w1"]).tolist() == ["good"]
    assert classifier.classes_.tolist() == ["bad", "good"]
    proba = classifier.predict_proba(texts)
    assert proba.shape == (200, 2) and proba.dtype == np.float32
    if loss in ("softmax", "hs"):
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    assert ((proba > 0) & (proba < 1)).all()


def test_more_labels_than_six_and_numbers_come_back_as_they_were():
    random = np.random.default_rng(3)
    y = random.integers(10, 30, 600)
    texts = [f"x{random.integers(9)} number{label} x{random.integers(9)}" for label in y]
    for loss in ("softmax", "hs", "ova"):
        classifier = firth.TextClassifier(dim=16, lr=1.0, epochs=20, loss=loss).fit(texts, y, threads=1)
        predicted = classifier.predict(texts)
        assert predicted.dtype == y.dtype
        assert (predicted == y).mean() > 0.98
        assert np.array_equal(classifier.classes_, np.unique(y))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    assert same(learnt(), learnt())
    assert not same(learnt(), learnt(seed=2))


def test_threads_learn_the_same_thing():
    texts, labels = reviews(400)
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=10).fit(texts, labels, threads=3)
    assert classifier.score(*reviews(seed=1)) > 0.97


@pytest.mark.parametrize(
    "changed",
    [
        {"dim": 9},
        {"loss": "ova"},
        {"word_ngrams": 2},
        {"min_n": 2, "max_n": 3},
        {"min_count": 40},
        {"epochs": 3},
        {"lr": 0.1},
        {"lower": True},
        {"tokenizer": "characters"},
        {"seed": 5},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_option_does_something(changed):
    texts, labels = reviews()
    texts = [text.replace("w1", "W1!") for text in texts]
    base = {"dim": 8, "lr": 0.5, "epochs": 5}
    one = firth.TextClassifier(**base).fit(texts, labels, threads=1)
    other = firth.TextClassifier(**{**base, **changed}).fit(texts, labels, threads=1)
    assert one.model_.inputs.shape != other.model_.inputs.shape or not same(one, other)


def test_negatives_and_buckets_do_something():
    assert not same(learnt(loss="ns"), learnt(loss="ns", negatives=2))
    assert learnt(word_ngrams=2, buckets=50).model_.features.size < learnt(word_ngrams=2).model_.features.size


def test_n_grams_of_words_tell_what_words_cannot():
    texts = ["not good", "not bad", "very good", "very bad"] * 50
    y = ["bad", "good", "good", "bad"] * 50
    words = firth.TextClassifier(dim=8, lr=0.5, epochs=30).fit(texts, y, threads=1)
    pairs = firth.TextClassifier(dim=8, lr=0.5, epochs=30, word_ngrams=2).fit(texts, y, threads=1)
    assert words.score(texts, y) < 0.8
    assert pairs.score(texts, y) == 1.0


def test_n_grams_of_characters_know_unseen_words():
    texts = ["joyful", "joyless", "hopeful", "hopeless", "useful", "useless", "graceful", "graceless"] * 30
    y = ["+", "-"] * 120
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=30, min_n=3, max_n=5).fit(texts, y, threads=1)
    assert classifier.predict(["helpful", "helpless"]).tolist() == ["+", "-"]
    assert classifier.vectors["joyful"].shape == (8,)


def test_buckets_that_nothing_fills_take_no_memory():
    model = learnt(word_ngrams=3, buckets=2_000_000).model_
    assert len(model.inputs) == model.features.size < 5_000


# ---------------------------------------------------------------- several labels


def several():
    texts, labels = [], []
    for text, label in zip(*reviews(300), strict=True):
        loud = "LOUD" in text or len(texts) % 3 == 0
        texts.append(text + " LOUD" if loud else text)
        labels.append([label, "loud"] if loud else [label])
    return texts, labels


def test_lists_of_labels():
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=20, loss="ova").fit(*several(), threads=1)
    found = classifier.predict(["a great LOUD w1", "awful w2", "poor LOUD w3"])
    assert [set(labels) for labels in found] == [{"good", "loud"}, {"bad"}, {"bad", "loud"}]
    assert classifier.evaluate(*several()).f1 > 0.97
    assert [len(labels) for labels in classifier.predict(["great LOUD"], topk=1)] == [1]
    assert classifier.predict(["w1"], threshold=1.0) == [[]]
    assert len(classifier.predict(["great"], threshold=0.0)[0]) == 3


def test_a_matrix_of_labels_comes_back_as_a_matrix():
    texts, labels = several()
    matrix = np.array([[label in row for label in ("bad", "good", "loud")] for row in labels], int)
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=20, loss="ova").fit(texts, matrix, threads=1)
    assert (classifier.predict(texts) == matrix).mean() > 0.97


def test_texts_without_a_label_teach_nothing():
    texts, labels = several()
    more = firth.TextClassifier(dim=8, loss="ova").fit(["what", *texts], [[], *labels], threads=1)
    assert "what" not in more.vectors
    assert same(more, firth.TextClassifier(dim=8, loss="ova").fit(texts, labels, threads=1))


def test_topk_gives_labels_with_probabilities():
    (found,) = learnt().topk(["a great w1"], 5)
    assert [label for label, _ in found] == ["good", "bad"]
    assert sum(p for _, p in found) == pytest.approx(1, abs=1e-5)
    assert learnt().topk(["great"], 2, threshold=0.9)[0][0][0] == "good"


# ---------------------------------------------------------------- where texts come from


def test_a_file_is_the_same_as_arrays(tmp_path):
    texts, labels = reviews()
    lines = "".join(f"__label__{label} {text}\n" for text, label in zip(texts, labels, strict=True))
    (tmp_path / "train.txt").write_text(lines)
    (tmp_path / "train.txt.gz").write_bytes(gzip.compress(lines.encode()))
    options = {"dim": 8, "lr": 0.5, "epochs": 10}
    for name in ("train.txt", "train.txt.gz"):
        from_file = firth.TextClassifier(**options).fit(tmp_path / name, threads=1)
        assert same(from_file, learnt())
        assert from_file.evaluate(str(tmp_path / name)).accuracy > 0.97


def test_labels_anywhere_in_a_line_under_any_prefix(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("#a one two #b\n\nthree #c\nfour\n" * 20)
    classifier = firth.TextClassifier(dim=8, label_prefix="#", loss="ova").fit(path, threads=1)
    assert classifier.classes_.tolist() == ["a", "b", "c"]
    assert sorted(classifier.vectors.index_to_key) == ["</s>", "one", "three", "two"]


def test_documents_may_be_lists_of_words():
    texts, labels = reviews()
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=10).fit([t.split() for t in texts], labels, threads=1)
    assert same(classifier, learnt())


def test_chinese():
    texts = ["我喜欢这部电影", "我讨厌这部电影", "真好看", "真难看"] * 30
    y = [1, 0, 1, 0] * 30
    classifier = firth.TextClassifier(dim=8, lr=0.5, epochs=20, tokenizer="characters").fit(texts, y, threads=1)
    assert classifier.predict(["喜欢", "讨厌", "好"]).tolist() == [1, 0, 1]


# ---------------------------------------------------------------- pretrained vectors


def test_it_starts_from_vectors_and_knows_their_words():
    random = np.random.default_rng(0)
    keys = [*GOOD, *BAD, "superb", "dire"]
    signs = np.array([1, 1, 1, -1, -1, -1, 1, -1])
    start = firth.Vectors(keys, (signs[:, None] + random.normal(0, 0.1, (8, 8))).astype(np.float32))
    classifier = firth.TextClassifier(dim=8, lr=0.5).fit(*reviews(), init=start, threads=1)
    assert classifier.predict(["superb", "dire"]).tolist() == ["good", "bad"]
    frozen = firth.TextClassifier(dim=8, lr=0.5).fit(*reviews(), init=start, frozen=True, threads=1)
    np.testing.assert_array_equal(frozen.vectors[keys], start[keys])
    assert not np.array_equal(classifier.vectors["fine"], start["fine"])
    assert frozen.score(*reviews(seed=1)) > 0.97
    assert frozen.vectors.get_vecattr("superb", "count") == 0


def test_it_starts_from_a_file(tmp_path):
    firth.Vectors(GOOD, np.ones((3, 8))).save(tmp_path / "vectors.txt", format="word2vec")
    classifier = firth.TextClassifier(dim=8).fit(*reviews(), init=tmp_path / "vectors.txt", frozen=True, threads=1)
    np.testing.assert_array_equal(classifier.vectors["great"], np.ones(8))


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("options", [{}, {"loss": "hs", "word_ngrams": 2}, {"min_n": 2, "max_n": 3}])
@pytest.mark.parametrize("small", [False, True])
def test_what_is_saved_comes_back(tmp_path, options, small):
    classifier = learnt(**options)
    classifier = classifier.quantise(cutoff=300) if small else classifier
    classifier.save(tmp_path / "model")
    texts, _ = reviews(seed=1)
    for verify in ("headers", "full"):
        again = firth.load(tmp_path / "model", verify=verify)
        assert isinstance(again, firth.TextClassifier)
        assert again.to_dict() == classifier.to_dict()
        np.testing.assert_array_equal(again.predict_proba(texts), classifier.predict_proba(texts))
        np.testing.assert_array_equal(again.predict(texts), classifier.predict(texts))
    assert again.vectors.index_to_key == classifier.vectors.index_to_key
    assert again.provenance_ == classifier.provenance_
    assert "good" in (tmp_path / "model/README.md").read_text()
    again.save(tmp_path / "model")  # over itself


@settings(max_examples=10)
@given(
    labels=st.lists(st.one_of(st.text(min_size=1, max_size=5), st.just("é \n")), min_size=1, max_size=4, unique=True)
)
def test_any_labels_come_back(tmp_path_factory, labels):
    labels = [label for label in labels if not re.search("[\ud800-\udfff]|\0$", label)] or ["x"]
    path = tmp_path_factory.mktemp("model") / "m"
    classifier = firth.TextClassifier(dim=8, epochs=1).fit(["a b"] * len(labels), labels, threads=1)
    classifier.save(path)
    assert firth.load(path).classes_.tolist() == sorted(labels)


def test_damage_is_found(tmp_path):
    learnt(word_ngrams=2).save(tmp_path / "model")
    file = tmp_path / "model/classifier.safetensors"
    whole = file.read_bytes()
    for at in range(0, len(whole), 997):
        file.write_bytes(whole[:at])
        with pytest.raises(CorruptFileError):
            firth.load(tmp_path / "model")
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(FirthError):
            firth.load(tmp_path / "model")
    file.unlink()
    shutil.copy(__file__, tmp_path / "model/vectors.safetensors")
    with pytest.raises(FirthError):
        firth.load(tmp_path / "model")


def test_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(FormatError, match="not overwritten"):
        learnt().save(tmp_path / "thesis.doc", format="fasttext")
    with pytest.raises(ConfigError, match="saved as native or fasttext"):
        learnt().save(tmp_path / "model", format="glove")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/thesis.doc").write_text("years of work")
    with pytest.raises(FormatError, match="not overwritten"):
        learnt().save(tmp_path / "model")
    assert (tmp_path / "model/thesis.doc").read_text() == "years of work"


def test_a_quantised_classifier_is_small_and_nearly_as_good():
    classifier = learnt(dim=32)
    small = classifier.quantise()
    texts, labels = reviews(seed=1)
    assert small.score(texts, labels) > 0.95
    assert small.model_.inputs.codes.shape == (classifier.model_.features.size, 16)
    cut = classifier.quantise(cutoff=8)
    assert set(cut.vectors.index_to_key) >= {*GOOD, *BAD}
    assert cut.score(texts, labels) > 0.95
    with pytest.raises(ConfigError, match="quantised already"):
        small.quantise()


def test_a_cut_classifier_learns_on():
    texts, labels = reviews()
    classifier = learnt(dim=16, word_ngrams=2)
    cut = classifier.quantise(cutoff=300)
    again = classifier.quantise(cutoff=300, retrain=(texts, labels), threads=1)
    assert again.model_.features.size == cut.model_.features.size == 300
    assert again.vectors.index_to_key == cut.vectors.index_to_key and "</s>" in again.vectors
    probabilities = [each.predict_proba(texts) for each in (cut, again)]
    truth = np.array([[label == name for name in classifier.classes_] for label in labels])
    losses = [-np.log(found[truth]).mean() for found in probabilities]
    assert losses[1] < 0.9 * losses[0]
    assert classifier.quantise(cutoff=300, retrain=(texts, labels), threads=1).predict_proba(texts).tolist() == (
        probabilities[1].tolist()
    )
    with pytest.raises(InputError, match="'new' is none of the 2 that were learnt"):
        classifier.quantise(cutoff=300, retrain=(["fine"], ["new"]))
    with pytest.raises(ConfigError, match="give cutoff too"):
        classifier.quantise(retrain=(texts, labels))


@pytest.mark.parametrize("loss", ["softmax", "hs"])
def test_codes_for_the_rows_of_labels(tmp_path, loss):
    random = np.random.default_rng(0)
    labels = [f"topic {i % 300}" for i in range(3000)]
    texts = [f"w{i % 300} w{random.integers(300)}" for i in range(3000)]
    classifier = firth.TextClassifier(dim=16, lr=0.2, epochs=30, loss=loss).fit(texts, labels, threads=1)
    plain, small = classifier.quantise(), classifier.quantise(qout=True)
    assert small.model_.outputs.codes.shape == (300 if loss == "softmax" else 299, 8)
    assert small.score(texts, labels) > classifier.score(texts, labels) - 0.05
    assert not np.array_equal(small.predict_proba(texts), plain.predict_proba(texts))
    small.save(tmp_path / "m")
    np.testing.assert_array_equal(firth.load(tmp_path / "m").predict_proba(texts), small.predict_proba(texts))


def test_how_codes_are_made():
    classifier = learnt(dim=32)
    rows = classifier.model_.features.size
    assert classifier.quantise(dsub=4).model_.inputs.codes.shape == (rows, 8)
    assert classifier.quantise(qnorm=False).model_.inputs.norms is None
    assert classifier.quantise().model_.inputs.norms.shape == (rows,)


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"dim": 0}, "dim must be at least 1"),
        ({"loss": "hinge"}, "loss must be 'softmax'"),
        ({"lr": 0}, "lr must be more than 0"),
        ({"min_n": 4, "max_n": 3}, "min_n must be at most max_n"),
        ({"tokenizer": "wods"}, "Did you mean 'words'"),
        ({"label_prefix": ""}, "label_prefix"),
        ({"threshold": 2}, "threshold must be at most 1"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
    ],
)
def test_options_are_checked_by_fit_and_not_before(option, says):
    classifier = firth.TextClassifier(**option)
    with pytest.raises(ConfigError, match=re.escape(says)):
        classifier.fit(["a"], ["b"])


@pytest.mark.parametrize(
    ("texts", "y", "error", "says"),
    [
        (["a", "b"], ["x"], InputError, "2 texts, but 1 labels"),
        (["a", 3], ["x", "y"], InputError, "Document 1 is 3"),
        (["a", ["b", 3]], ["x", "y"], InputError, "Document 1 holds 3"),
        (["a", "b"], ["x", None], InputError, "label of text 1 is None"),
        (["a", "b"], ["x", float("nan")], InputError, "label of text 1 is nan"),
        (["a", "b"], ["x", 1], InputError, "strings and some are numbers"),
        (["a", "b"], [["x"], "y"], InputError, "Labels of text 1: 'y' is no list"),
        (["a", "b"], "xy", InputError, "not 'xy'"),
        ([], [], InputError, "no labels"),
        (["a", "b"], [[], []], InputError, "no labels"),
        (["a"], np.array([[2, 0]]), InputError, "0 and 1"),
        (np.zeros((3, 2)), [1, 2, 3], InputError, "shape (3, 2)"),
        (["a", "b"], None, ConfigError, "requires y"),
        ("nowhere.txt", None, MissingInputError, "nowhere.txt"),
        (b"bytes", ["x"], InputError, "not one text"),
    ],
)
def test_texts_and_labels_that_do_not_fit(texts, y, error, says):
    with pytest.raises(error, match=re.escape(says)):
        firth.TextClassifier(dim=8).fit(texts, y)


def test_files_that_are_no_labelled_texts(tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("no labels at all\n")
    with pytest.raises(InputError, match="none of 1 lines has a word that begins with '__label__'"):
        firth.TextClassifier().fit(plain)
    plain.write_bytes(b"__label__a fine\n__label__b \xff\n")
    with pytest.raises(EncodingError, match="line 2"):
        firth.TextClassifier().fit(plain)


def test_what_cannot_be_asked():
    with pytest.raises(NotFittedError, match="call fit"):
        firth.TextClassifier().predict(["a"])
    with pytest.raises(EmptyVocabularyError, match="min_count"):
        firth.TextClassifier(min_count=100).fit(["a", "b"], [1, 2])
    with pytest.raises(InputError, match="For one text"):
        learnt().predict("great")
    with pytest.raises(ConfigError, match="topk must be at least 1"):
        learnt().topk(["great"], 0)
    with pytest.raises(ConfigError, match="Did you mean 'word_ngrams'"):
        firth.TextClassifier().set_params(word_ngram=2)
    with pytest.raises(ConfigError, match="give init too"):
        firth.TextClassifier().fit(["a"], ["b"], frozen=True)
    with pytest.raises(DivergenceError, match="Lower lr"):
        firth.TextClassifier(dim=8, lr=1e30, epochs=30).fit(*reviews(), threads=1)


def test_a_text_that_is_unknown_or_empty_has_the_prior_of_no_words():
    classifier = learnt()
    proba = classifier.predict_proba(["", "quux"])
    np.testing.assert_array_equal(proba[0], proba[1])
    assert classifier.predict_proba([]).shape == (0, 2)
    assert classifier.predict([]).tolist() == []
