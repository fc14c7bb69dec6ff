"""firth.tune: worlds where the best is known, budgets, and what it says."""

import json
import math
import shlex

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, DivergenceError, InputError
from firth.models.word2vec import Word2Vec
from firth.tuning import tune as tuning
from firth.tuning.metrics import METRICS, RANKED, Metric
from firth.tuning.subjects import OfSessions, OfText

BASE = firth.Word2Vec(dim=16, min_count=1, subsample=0, epochs=10, lr=0.05, shrink_windows=False, seed=1)
CHEAP = BASE.replace(epochs=1, dim=8)


def pairs_world(sentences=1500):
    """Words w<group>of<topic>. Beside each stands the mark of its group; around it, the words of its topic.

    People found words of one group similar, and words of one topic not: the first is seen in the nearest words only.
    """
    random = np.random.default_rng(0)
    text = []
    for _ in range(sentences):
        topic = random.integers(8)
        groups = random.integers(8, size=8)
        text.append([word for group in groups for word in (f"w{group}of{topic}", f"mark{group}")])
    rated = [f"w{n}of{topic} w{n}of{(topic + 3) % 8} 9" for n in range(8) for topic in range(8)]
    rated += [f"w{n}of{topic} w{(n + 3) % 8}of{topic} 1" for n in range(8) for topic in range(8)]
    return text, rated


def test_a_world_where_a_window_of_1_is_best():
    text, rated = pairs_world()
    found = firth.tune(
        text, BASE.replace(window=10), metric="similarity", question=rated, space={"window": [1, 10]}, trials=2
    )
    assert found.config.window == 1
    assert found.best.options == {"window": 1}
    assert found.best.score > 0.8 > found.trials[1].score


def test_a_world_where_two_dimensions_are_too_few():
    text, rated = pairs_world()
    base = BASE.replace(window=1, dim=2)
    found = firth.tune(text, base, metric="similarity", question=rated, space={"dim": [2, 16]}, trials=2)
    assert found.config.dim == 16
    assert found.best.score > found.trials[1].score


def test_analogies_and_functions_are_metrics_too():
    text = [["a", "b", "c", "d"]] * 30
    solved = firth.tune(text, CHEAP, metric="analogies", question=[": s", "a b c d"], space={"lr": [0.1]}, trials=2)
    assert {trial.score for trial in solved.trials} <= {0.0, 1.0}
    wide = firth.tune(text, CHEAP, metric=lambda vectors: vectors.dim, space={"dim": [4, 16, 24]}, trials=4)
    assert (wide.config.dim, wide.metric) == (24, "<lambda>")


def test_held_out_loss():
    text, _ = pairs_world(300)
    found = firth.tune(text, CHEAP, metric="loss", question=0.1, space={"lr": [1e-6, 0.05]}, trials=3)
    assert found.trials[-1].options == {"lr": 1e-6}  # it learns nothing
    assert found.best.score < 0
    again = CHEAP.fit(text, validation=0.1, threads=1).provenance["epochs"][-1]["validation"]
    as_given = next(trial for trial in found.trials if not trial.options)
    assert as_given.score == pytest.approx(-again, rel=0.1)


def test_a_seed_tries_the_same_in_the_same_order():
    seen = []
    for seed in (5, 5, 6):
        tried = []
        firth.tune(
            [["a", "b", "c"]] * 50,
            CHEAP,
            metric=lambda vectors: 1.0,
            space={"lr": (0.01, 0.1)},
            trials=4,
            seed=seed,
            report=lambda trial, tried=tried: tried.append(trial.options),
        )
        seen.append(tried)
    assert seen[0] == seen[1] != seen[2]
    assert seen[0][0] == {}


def test_ties_go_to_the_first():
    found = firth.tune([["a", "b"]] * 50, CHEAP, metric=lambda _: 1.0, space={"window": [1, 2, 3]}, trials=4)
    assert found.best.number == 0
    assert found.config == CHEAP


class Clock:
    """Time that passes only when a model is fitted: `pace` seconds for a pass of the defaults over the whole text."""

    def __init__(self, monkeypatch, pace):
        self.now, self.fits = 0.0, []
        monkeypatch.setattr(tuning.time, "monotonic", lambda: self.now)

        def fit(config, text, callbacks=(), **run):
            words = text.size() / len("word ")
            once = tuning.cost(config.replace(epochs=1)) / tuning.cost(firth.Word2Vec(epochs=1))
            seconds = pace * once * words / self.words
            for _ in range(config.epochs):
                self.now += seconds
                for callback in callbacks:
                    callback(None)
            self.fits.append((config, words))
            return firth.Vectors(["a"], [[float(config.window)]], provenance={"epochs": [{"seconds": seconds}]})

        monkeypatch.setattr(Word2Vec, "fit", fit)


def long_text(tmp_path, clock, words=1_000_000):
    path = tmp_path / "text.txt"
    path.write_text(("word " * 20 + "\n") * (words // 20))
    clock.words = words
    return path


def window_of(vectors):
    return float(vectors.vectors[0, 0])


@pytest.mark.parametrize("minutes", [2, 20])
@pytest.mark.parametrize("pace", [1, 20, 500])
def test_the_budget_is_kept(monkeypatch, tmp_path, minutes, pace):
    clock = Clock(monkeypatch, pace)
    monkeypatch.setattr(OfText, "least", 1 << 15)
    path = long_text(tmp_path, clock)
    base = firth.Word2Vec(epochs=1)
    space = {"window": list(range(1, 60)), "negatives": list(range(1, 60))}
    found = firth.tune(path, base, metric=window_of, space=space, minutes=minutes)
    probe_and_one = 3 * pace  # what is never given up: the first look, and one trial
    assert clock.now <= 60 * minutes + probe_and_one
    assert found.best.score == max(trial.score for trial in found.trials if trial.rung == found.best.rung)
    if 60 * minutes > 30 * pace:
        assert clock.now > 20 * minutes  # and it is used
        assert len(found.rungs) > 1 and found.best.rung == len(found.rungs)


def test_samples_grow_with_the_rungs(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, 1.0)
    monkeypatch.setattr(OfText, "least", 1 << 17)
    path = long_text(tmp_path, clock)
    found = firth.tune(path, firth.Word2Vec(), metric=window_of, space={"window": list(range(1, 99))}, trials=27)
    assert [rung.trials for rung in found.rungs] == [27, 9, 3, 1]
    sizes = [words for _, words in clock.fits]
    expected = [1 / 27] * 27 + [1 / 9] * 9 + [1 / 3] * 3 + [1.0]
    assert [size / clock.words for size in sizes[1:]] == pytest.approx(expected, rel=0.1)
    assert found.best.options["window"] == max(config.window for config, _ in clock.fits)


def test_a_trial_that_takes_too_long_is_stopped(monkeypatch, tmp_path):
    clock = Clock(monkeypatch, 1.0)
    path = long_text(tmp_path, clock, 100_000)
    real = tuning.cost
    monkeypatch.setattr(tuning, "cost", lambda config: real(config.replace(epochs=1)))  # it knows nothing of passes
    found = firth.tune(
        path, firth.Word2Vec(epochs=1), metric=window_of, space={"epochs": [10_000]}, minutes=1, trials=2
    )
    assert found.trials[-1].note == "stopped: no time"
    assert found.best.number == 0
    assert clock.now < 70


def test_trials_that_diverge_lose(monkeypatch):
    real = Word2Vec.fit

    def fit(config, *given, **run):
        if config.lr == 50:
            raise DivergenceError("too fast")
        return real(config, *given, **run)

    monkeypatch.setattr(Word2Vec, "fit", fit)
    text = [["a", "b"]] * 50
    found = firth.tune(text, CHEAP, metric=lambda _: 1.0, space={"lr": [50.0]}, trials=2)
    assert (found.trials[-1].note, found.best.number) == ("diverged", 0)
    assert "diverged" in str(found)
    assert found.to_dict()["trials"][-1]["score"] is None


def test_no_score_at_all_is_an_error():
    with pytest.raises(DivergenceError, match="No trial has a score"):
        firth.tune([["a", "b"]] * 50, CHEAP, metric=lambda _: math.nan, space={"lr": [0.1]}, trials=2)


def test_a_question_about_other_words():
    with pytest.raises(InputError, match="known words"):
        firth.tune([["a", "b"]] * 50, CHEAP, metric="similarity", question=["king queen 9", "cat dog 8"], trials=2)


def test_a_sample_on_which_nothing_can_be_asked_grows(monkeypatch, tmp_path):
    """The rare words of the question are in the last tenth of the text only."""
    monkeypatch.setattr(OfText, "least", 1 << 12)
    path = tmp_path / "text.txt"
    path.write_text("the same words again\n" * 20_000 + "king queen cat dog\n" * 300)
    rated = ["king queen 9", "cat dog 8", "king dog 1"]
    found = firth.tune(path, CHEAP, metric="similarity", question=rated, space={"window": [1, 2]}, trials=2)
    assert not math.isnan(found.best.score)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metric": "taste"}, "There are: similarity, analogies, loss"),
        ({"metric": "similarity"}, "needs a question"),
        ({"metric": "loss", "space": {"negatives": [1, 2]}}, "negatives cannot be searched"),
        ({"metric": "loss", "space": {"window": [1, 2]}}, "losses would not compare"),
        ({"metric": "similarity", "question": ["a b 1"], "space": {"min_count": [1, 2]}}, "another vocabulary"),
        ({"metric": len, "minutes": 0}, "minutes"),
        ({"metric": len, "minutes": math.inf}, "minutes"),
        ({"metric": len, "trials": 0}, "trials"),
        ({"metric": len, "trials": 1.5}, "trials"),
        ({"metric": len, "space": {"size": [1]}}, "no option 'size'"),
    ],
)
def test_what_cannot_be(options, says):
    with pytest.raises(ConfigError, match=says):
        firth.tune([["a", "b"]] * 10, CHEAP, **options)


def test_a_source_that_can_be_read_once():
    with pytest.raises(InputError, match="only once"):
        firth.tune(iter([["a"]]), CHEAP, metric=len, trials=1)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_whole(name):
    metric = METRICS[name]
    assert isinstance(metric, Metric)
    if name not in RANKED:  # an item that is not known is lost: all are asked the same
        assert set(metric.fixed) >= {"min_count", "max_vocab"}
    assert all(metric.fixed.values())


def test_threads_are_handed_on(monkeypatch):
    seen = set()
    real = Word2Vec.fit
    monkeypatch.setattr(Word2Vec, "fit", lambda c, *g, threads=None, **run: seen.add(threads) or real(c, *g, **run))
    firth.tune([["a", "b"]] * 50, CHEAP, metric=lambda _: 1.0, space={"lr": [0.1]}, trials=1, threads=1)
    assert seen == {1}


def test_the_command_says_what_differs(tmp_path):
    path = tmp_path / "my text.txt"
    path.write_text("A b\n" * 10)
    text = firth.Text(path, tokenizer="words", lower=True)
    config = firth.Word2Vec(dim=50, lr=0.07, shrink_windows=False, deterministic=True)
    words = shlex.split(OfText(text, "").command(config))
    assert words[:6] == ["firth", "train", "word2vec", str(path), "-o", "MODEL"]
    assert " ".join(words[6:]) == "--tokenizer words --lower --dim 50 --no-shrink-windows --lr 0.07 --deterministic"
    assert OfText(firth.Text(["a b"]), "").command(config).startswith("firth.Word2Vec(dim=50, shrink_windows=False")


def test_the_command_is_understood_and_trains_the_best(tmp_path, monkeypatch):
    from firth.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("a b c d\n" * 100)
    found = firth.tune("text.txt", CHEAP, metric=lambda v: v.dim, space={"dim": [4, 12]}, trials=3)
    assert main(shlex.split(found.command)[1:]) == 0
    saved = firth.load("MODEL").config["model"]
    assert saved == {"name": "word2vec", **found.config.to_dict()}


def test_what_it_says():
    found = firth.tune([["a", "b"]] * 50, CHEAP, metric=lambda v: v.dim, space={"dim": [4, 12]}, trials=3)
    table = str(found).splitlines()
    assert len(table) == 1 + 3 + 1 + 1
    assert "dim=12" in table[1] and "as given" in str(found)
    assert table[-1] == found.command
    document = json.loads(json.dumps(found.to_dict()))
    assert document["best"]["dim"] == 12
    assert [trial["score"] for trial in document["trials"]] == [12, 8, 4]


def test_temporary_files_vanish(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "text.txt").write_text("a b c d\n" * 100)
    firth.tune(tmp_path / "text.txt", CHEAP, metric=lambda v: v.dim, space={"dim": [4]}, trials=2)
    assert list((tmp_path / "tmp").iterdir()) == []


def items_world(tmp_path=None, sessions=120):
    """Pairs of neighbours: what comes next is known from the last item alone."""
    random = np.random.default_rng(0)
    log = []
    for _ in range(sessions):
        groups = random.integers(6, size=3)
        log.append([item for group in groups for item in (f"g{group}a", f"g{group}b")])
    return log


ITEMS = firth.Item2Vec(dim=8, epochs=15, subsample=0, lr=0.05, popularity=0.0, window=1)


def test_items_by_the_hit_rate():
    """Only who looks at the last item knows what comes next."""
    space = {"recent": [0, 1]}
    found = firth.tune(items_world(), ITEMS.replace(recent=0), metric="mrr", space=space, trials=2, threads=1)
    assert found.config.recent == 1 and found.best.score > found.trials[1].score > 0
    assert found.command.startswith("firth.Item2Vec(") and "recent=1" in found.command
    for metric in ("hit_rate", "ndcg"):
        (one,) = firth.tune(items_world(), ITEMS, metric=metric, space={"lr": [0.01]}, trials=1, threads=1).trials
        assert 0 < one.score <= 1


def test_items_without_a_space_vary_what_matters_for_items():
    found = firth.tune(items_world(30), ITEMS, metric="hit_rate", trials=3, threads=1)
    assert {*found.trials[-1].options, *found.trials[0].options, *found.trials[1].options} >= {"recent", "popularity"}


def test_items_are_sampled_by_whole_sessions(monkeypatch):
    monkeypatch.setattr(OfSessions, "least", 100)
    subject = OfSessions(items_world(), "hit_rate")
    with subject.part(200) as part, subject.part(10**9) as whole:
        assert 0.2 < part.share < 0.5 and {len(session) for session in part.source} == {5}
        assert whole.source is subject.log and subject.size() == 600
    found = firth.tune(items_world(), ITEMS, metric="hit_rate", space={"lr": (0.01, 0.1)}, trials=4, threads=1)
    assert {trial.rung for trial in found.trials} == {1, 2}


def test_what_items_cannot_be_asked(tmp_path):
    with pytest.raises(ConfigError, match="Leave question out"):
        firth.tune(items_world(), ITEMS, metric="mrr", question=3)
    with pytest.raises(ConfigError, match="Tune Item2Vec"):
        firth.tune([["a", "b"]], CHEAP, metric="hit_rate")
    with pytest.raises(ConfigError, match="knows word2vec, item2vec"):
        firth.tune([["a", "b"]], firth.FastText(), metric="loss")
    (tmp_path / "log.csv").write_text("u,i\n1,a\n1,b\n")
    (tmp_path / "known.csv").write_text("item,x\na,1\nb,1\n")
    log = firth.Sessions(tmp_path / "log.csv", session="u", item="i", metadata=tmp_path / "known.csv")
    words = shlex.split(OfSessions(log, "mrr").command(firth.Item2Vec(recent=3)))
    assert words[:6] == ["firth", "train", "item2vec", str(tmp_path / "log.csv"), "-o", "MODEL"]
    assert words[6:] == [
        "--session", "u", "--item", "i", "--metadata", str(tmp_path / "known.csv"), "--recent", "3",
    ]  # fmt: skip
    unnamed = firth.Sessions(tmp_path / "log.csv", session="u", item="i", metadata={"a": {"x": 1}})
    assert OfSessions(unnamed, "mrr").command(firth.Item2Vec()) == "firth.Item2Vec().fit(source)"
