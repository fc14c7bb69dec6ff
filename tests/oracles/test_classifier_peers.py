"""The classifier against its peers: fastText's probabilities and loss for given weights; scikit-learn's rules."""

import inspect
import warnings

import numpy as np
import pytest

import firth
from firth.errors import FormatError
from firth.kernels.bags import Bags
from firth.models import lesson
from firth.models.labels import Labels
from firth.training import bags as training

TEXTS = ["the cat sat on the mat", "a dog ran in the park", "the cat ran", "a dog sat", "fish swim", "cats and dogs"]
LABELS = ["cat", "dog", "cat", "dog", "fish", "both"]


def fasttext():
    return pytest.importorskip("fasttext")


def trained(tmp_path, **options):
    path = tmp_path / "train.txt"
    lines = [f"__label__{label} {text}" for text, label in zip(TEXTS, LABELS, strict=True)]
    path.write_text("\n".join(lines * 20) + "\n")
    how = {"dim": 12, "epoch": 20, "lr": 0.5, "thread": 1, "verbose": 0, "minn": 0, "maxn": 0, **options}
    model = fasttext().train_supervised(str(path), **how)
    model.save_model(str(tmp_path / "model.bin"))
    return model


def theirs(model, texts, labels):
    """fastText's probabilities, f8[texts, labels], in our order. It adds 1e-5 before it takes a logarithm,
    leaves out what is less (hs), and reads sigmoids (hs, ns, ova) off a table of 512."""
    found = []
    for text in texts:
        names, values = model.predict(text, k=-1)
        scored = dict(zip((name.removeprefix("__label__") for name in names), values, strict=True))
        found.append([scored.get(label, 0.0) for label in labels])
    return np.array(found)


CASES = [
    {"loss": "softmax"},
    {"loss": "ova"},
    {"loss": "hs"},
    {"loss": "ns"},
    {"loss": "softmax", "wordNgrams": 3, "bucket": 1000},
    {"loss": "hs", "minn": 2, "maxn": 4, "bucket": 1000, "wordNgrams": 2},
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_a_supervised_bin_gives_fasttexts_probabilities(tmp_path, options):
    model = trained(tmp_path, **options)
    ours = firth.TextClassifier.load(tmp_path / "model.bin")
    texts = [*TEXTS, "the unknown fish sat on dogs", "", "quux"]
    if options["loss"] == "softmax":
        assert ours.predict(texts[:6]).tolist() == LABELS
    np.testing.assert_allclose(
        ours.predict_proba(texts[:7]), theirs(model, texts[:7], ours.classes_.tolist()), atol=5e-3
    )
    assert ours.classes_.tolist() == [name.removeprefix("__label__") for name in model.labels]


@pytest.mark.parametrize("options", CASES[:3], ids=str)
def test_loss_for_given_weights_is_fasttexts(tmp_path, options):
    """-log p of its own probabilities against what the kernel measures on its weights, at no learning rate."""
    model = trained(tmp_path, **options, epoch=4, lr=0.2)
    ours = firth.TextClassifier.load(tmp_path / "model.bin")
    probabilities = theirs(model, TEXTS, ours.classes_.tolist())
    truth = np.array([[label == name for name in ours.classes_] for label in LABELS])
    terms = np.where(truth, np.log(probabilities), np.log1p(-probabilities) if options["loss"] == "ova" else 0)
    assert measured(ours) == pytest.approx(-terms.sum() / len(TEXTS), rel=0.02)


def measured(classifier):
    """The mean loss of TEXTS that the kernel measures on a classifier's weights."""
    model = classifier.model_
    documents = lesson.documents(classifier, TEXTS)
    found = model.features.rows(documents)
    places = np.array([classifier.classes_.tolist().index(label) for label in LABELS], np.int32)
    labels = Labels("single", classifier.classes_, places, np.arange(len(places) + 1))
    tables = lesson.tables(classifier, model.features, labels, None, False)
    tables.inputs[: model.features.size, : classifier.dim] = model.inputs
    tables.outputs[:, : classifier.dim] = model.outputs
    made = lesson.of(
        classifier, tables, Bags(found.rows, found.offsets, places), labels, len(documents.tokens), model.label_counts
    )
    still = training.Lesson(made.tables, made.bags, made.held, made.objective, made.tokens, 1, 1e-30, 1)
    return training.passes(still, threads=1)[0].loss


def test_a_quantised_model_of_fasttext(tmp_path):
    random = np.random.default_rng(0)
    words = [f"w{i}" for i in range(400)]
    lines = [f"__label__{i % 2} " + " ".join(random.choice(words[i % 2 :: 2], 8)) for i in range(400)]
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    model = fasttext().train_supervised(
        str(tmp_path / "train.txt"), dim=11, epoch=20, wordNgrams=2, bucket=900, verbose=0
    )
    model.quantize(cutoff=500, qnorm=True)
    model.save_model(str(tmp_path / "model.ftz"))
    ours = firth.TextClassifier.load(tmp_path / "model.ftz")
    texts = [line.split(" ", 1)[1] for line in lines[:50]]
    np.testing.assert_allclose(ours.predict_proba(texts), theirs(model, texts, ours.classes_.tolist()), atol=1e-3)
    ours.save(tmp_path / "ours")
    np.testing.assert_array_equal(firth.load(tmp_path / "ours").predict(texts), ours.predict(texts))


@pytest.mark.parametrize("small", [{}, {"cutoff": 60}, {"cutoff": 60, "qout": True, "qnorm": False, "dsub": 5}, None])
@pytest.mark.parametrize(
    "options",
    [
        {"loss": "softmax"},
        {"loss": "ova", "word_ngrams": 3, "buckets": 1000},
        {"loss": "hs", "min_n": 2, "max_n": 4, "buckets": 1000, "word_ngrams": 2},
        {"loss": "ns", "word_ngrams": 2, "buckets": 1000},
    ],
    ids=str,
)
def test_fasttext_opens_what_is_written(tmp_path, options, small):
    """.ftz where it is quantised, .bin where not; in a .bin, n-grams that training never met count as zeros."""
    texts, labels = TEXTS * 20 + ["eels swim"] * 50, LABELS * 20 + ["fish"] * 50
    ours = firth.TextClassifier(dim=12, lr=0.5, epochs=10, **options).fit(texts, labels, threads=1)
    ours = ours if small is None else ours.quantise(**small)
    path = tmp_path / ("m.bin" if small is None else "m.ftz")
    ours.save(path, format="fasttext")
    model = fasttext().load_model(str(path))
    assert model.is_quantized() is (small is not None)
    assert model.get_labels() == ["__label__fish", "__label__cat", "__label__dog", "__label__both"]
    asked = [*TEXTS, "eels swim"] if small is None else [*TEXTS, "the unknown fish sat on dogs", "quux eels ran"]
    np.testing.assert_allclose(ours.predict_proba(asked), theirs(model, asked, ours.classes_.tolist()), atol=1e-2)
    again = firth.load(path)
    np.testing.assert_allclose(
        again.predict_proba(asked)[:, [again.classes_.tolist().index(label) for label in ours.classes_]],
        ours.predict_proba(asked),
        atol=1e-6,
    )


def test_a_written_model_is_quantised_by_fasttext(tmp_path):
    """Both ways of making it small give the same labels."""
    ours = firth.TextClassifier(dim=12, lr=0.5, epochs=10, word_ngrams=2, buckets=1000)
    ours.fit(TEXTS * 20, LABELS * 20, threads=1).save(tmp_path / "m.bin", format="fasttext")
    model = fasttext().load_model(str(tmp_path / "m.bin"))
    model.quantize(qnorm=True)
    assert [model.predict(text)[0][0] for text in TEXTS] == [f"__label__{label}" for label in LABELS]


def test_an_unsupervised_model_has_no_labels(tmp_path):
    (tmp_path / "text").write_text("the cat sat on the mat\n" * 50)
    fasttext().train_unsupervised(str(tmp_path / "text"), dim=4, verbose=0).save_model(str(tmp_path / "u.bin"))
    with pytest.raises(FormatError, match="skipgram, which has no labels"):
        firth.TextClassifier.load(tmp_path / "u.bin")
    (tmp_path / "page.html").write_text("<!DOCTYPE html><html></html>")
    with pytest.raises(FormatError, match="not a fastText file"):
        firth.TextClassifier.load(tmp_path / "page.html")


# ---------------------------------------------------------------- scikit-learn

X = np.array(TEXTS * 10, dtype=object)
Y = np.array(LABELS * 10)


def test_clone_and_parameters():
    base = pytest.importorskip("sklearn.base")
    one = firth.TextClassifier(dim=8, lr=0.5).fit(X, Y, threads=1)
    other = base.clone(one)
    assert not hasattr(other, "model_")
    assert other.get_params() == one.get_params() == {**firth.TextClassifier().get_params(), "dim": 8, "lr": 0.5}
    assert base.is_classifier(one)
    utils = pytest.importorskip("sklearn.utils.validation")
    utils.check_is_fitted(one)
    with pytest.raises(ValueError, match="not fitted"):
        utils.check_is_fitted(other)


def test_pipeline_grid_search_and_cross_validation():
    model_selection = pytest.importorskip("sklearn.model_selection")
    pipeline = pytest.importorskip("sklearn.pipeline").Pipeline([("classify", firth.TextClassifier(dim=8, epochs=20))])
    search = model_selection.GridSearchCV(pipeline, {"classify__lr": [0.001, 1.0]}, cv=2)
    search.fit(X, Y, classify__threads=1)
    assert search.best_params_ == {"classify__lr": 1.0}
    assert search.predict(X[:6]).tolist() == LABELS
    scores = model_selection.cross_val_score(
        firth.TextClassifier(dim=8, lr=1.0, epochs=20), X, Y, cv=2, scoring="neg_log_loss"
    )
    assert (scores > -0.5).all()


def test_check_estimator_runs_what_it_can_for_texts():
    """Its checks of fitting hand over tables of numbers; for an estimator of texts it leaves them out, and says so."""
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = checks.check_estimator(firth.TextClassifier(), on_fail=None, on_skip=None)
    by_name = {result["check_name"]: result["status"] for result in results}
    assert set(by_name.values()) <= {"passed", "skipped"}
    assert by_name["check_estimator_cloneable"] == "passed"


@pytest.mark.parametrize(
    "name",
    [
        "check_estimator_repr",
        "check_no_attributes_set_in_init",
        "check_valid_tag_types",
        "check_estimator_tags_renamed",
        "check_parameters_default_constructible",
        "check_get_params_invariance",
        "check_set_params",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_mixin_order",
    ],
)
def test_checks_that_need_no_table(name):
    check = getattr(pytest.importorskip("sklearn.utils.estimator_checks"), name)
    check("TextClassifier", firth.TextClassifier())


def test_fit_and_score_take_y_by_its_name():
    for method in (firth.TextClassifier.fit, firth.TextClassifier.score):
        assert [*inspect.signature(method).parameters][2] == "y"


def test_multilabel_scores_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    matrix = np.array([[label == name or i % 2 for i, name in enumerate(["cat", "dog", "fish"])] for label in Y], int)
    classifier = firth.TextClassifier(dim=8, lr=1.0, epochs=30, loss="ova").fit(X, matrix, threads=1)
    scores = classifier.evaluate(X, matrix)
    predicted = classifier.predict(X)
    assert scores.f1 == pytest.approx(metrics.f1_score(matrix, predicted, average="micro"))
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(matrix, predicted))
    report = metrics.precision_recall_fscore_support(matrix, predicted, zero_division=0)
    for label in scores.labels:
        ours = (label.precision, label.recall, label.f1, label.texts)
        assert ours == pytest.approx(tuple(column[label.label] for column in report))


def test_without_scikit_learn_it_works_all_the_same():
    import subprocess
    import sys

    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import firth\n"
        "c = firth.TextClassifier(dim=8, lr=1.0, epochs=20).fit(['a fine film', 'a dull film'] * 20, [1, 0] * 20)\n"
        "print(c.predict(['fine', 'dull']).tolist(), c)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[1, 0] TextClassifier(dim=8")
