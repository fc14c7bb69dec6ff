"""Autotune: the same seed finds the same, better options are found, a size is kept, wrong questions are refused."""

import dataclasses
import re

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, DivergenceError, FirthError, InputError
from firth.tuning.classify import autotune, bytes_of


def pairs(texts=240, seed=0):
    """Texts whose label lies in two words that follow each other, and in neither of them alone."""
    random = np.random.default_rng(seed)
    found, labels = [], []
    for _ in range(texts):
        first, second = random.integers(2, size=2)
        noise = [f"w{random.integers(20)}" for _ in range(3)]
        found.append(" ".join([*noise, ("not", "very")[first], ("good", "bad")[second]]))
        labels.append("+" if first != second else "-")
    return found, labels


def search(trials=10, threads=2, **how):
    base = firth.TextClassifier(dim=16, epochs=10)
    return autotune(base, *pairs(), trials=trials, threads=threads, **how)


def without_times(found):
    return [dataclasses.replace(trial, seconds=0) for trial in found.trials]


def test_the_same_seed_finds_the_same_at_any_number_of_threads():
    one, again, alone = search(), search(), search(threads=1)
    assert without_times(one) == without_times(again) == without_times(alone)
    for other in (again, alone):
        np.testing.assert_array_equal(one.classifier.model_.inputs, other.classifier.model_.inputs)
        assert one.classifier.to_dict() == other.classifier.to_dict()
    assert without_times(one) != without_times(search(seed=2))


def test_it_finds_that_words_go_in_pairs():
    found = search()
    first = next(trial for trial in found.trials if trial.number == 0)
    assert first.options["word_ngrams"] == 1
    assert found.best.options["word_ngrams"] > 1
    assert found.best.score > first.score + 0.2
    assert found.classifier.score(*pairs(seed=1)) > 0.95
    assert found.best.score == max(trial.score for trial in found.trials)


def test_options_that_were_set_stay():
    for trial in search(trials=6).trials:
        assert set(trial.options) == {"lr", "max_n", "min_n", "word_ngrams"}
    found = autotune(firth.TextClassifier(dim=16, epochs=3, lr=0.3, word_ngrams=2, max_n=2), *pairs(), trials=2)
    assert [trial.options for trial in found.trials] == [{}, {}]


def test_a_size_is_kept():
    found = search(trials=6, size_limit="30K")
    assert found.classifier.nbytes == found.best.bytes <= 30_000
    assert all(trial.bytes <= 30_000 for trial in found.trials)
    with pytest.raises(DivergenceError, match="larger size_limit"):
        search(trials=1, size_limit=500)


def test_metrics_and_validation(tmp_path):
    texts, labels = pairs(100, seed=3)
    (tmp_path / "valid.txt").write_text("".join(f"__label__{y} {x}\n" for x, y in zip(texts, labels, strict=True)))
    for metric in ("f1", "accuracy", "macro_f1", "f1:+"):
        of_file = search(trials=1, metric=metric, validation=str(tmp_path / "valid.txt"))
        of_pair = search(trials=1, metric=metric, validation=(texts, labels))
        assert without_times(of_file) == without_times(of_pair)
        scores = of_pair.classifier.evaluate(texts, labels)
        expected = scores.labels[0].f1 if metric == "f1:+" else getattr(scores, metric)
        assert of_pair.best.score == expected


def test_the_method_and_the_report():
    seen = []
    found = firth.TextClassifier(dim=16, epochs=2).autotune(*pairs(), trials=3, report=seen.append)
    assert sorted(trial.number for trial in seen) == [0, 1, 2]
    assert found.to_dict()["metric"] == "f1"
    assert len(found.to_dict()["trials"]) == 3


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"metric": "f2"}, ConfigError, "no metric 'f2'"),
        ({"metric": "f1:?"}, InputError, "no held-out text has the label '?'"),
        ({"trials": 0}, ConfigError, "trials must be"),
        ({"validation": 1.5}, ConfigError, "share between 0 and 1"),
        ({"size_limit": "2 apples"}, ConfigError, "size_limit must be a size"),
        ({"validation": "nowhere.txt"}, FirthError, "nowhere.txt"),
    ],
)
def test_what_cannot_be_searched(how, error, says):
    with pytest.raises(error, match=re.escape(says)):
        search(**{"trials": 1, **how})


@pytest.mark.parametrize(("size", "bytes_"), [("500K", 500_000), ("2MB", 2_000_000), ("1.5g", 1_500_000_000), (7, 7)])
def test_sizes(size, bytes_):
    assert bytes_of(size) == bytes_
