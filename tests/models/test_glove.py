"""GloVe as its user meets it: every option does something, the right thing is learnt, bytes repeat, wrong input."""

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError, DivergenceError, InputError, MemoryLimitError

RANDOM = np.random.default_rng(0)
TEXT = [[f"w{int(i)}" for i in RANDOM.zipf(1.5, 30).clip(1, 60)] for _ in range(120)]
RUN = (
    "vocabulary",
    "init",
    "frozen",
    "validation",
    "workdir",
    "resume",
    "checkpoint_every",
    "callbacks",
    "memory",
    "threads",
)
OTHER = {
    "dim": 9,
    "window": 2,
    "side": "right",
    "weighting": "flat",
    "min_count": 10,
    "max_vocab": 5,
    "x_max": 10.0,
    "alpha": 0.5,
    "epochs": 2,
    "lr": 0.1,
    "seed": 2,
    "patience": 1,
}


def fit(source=TEXT, **options):
    run = {"threads": 1, **{name: options.pop(name) for name in RUN if name in options}}
    return firth.GloVe(**{"dim": 8, "epochs": 3, "min_count": 2, **options}).fit(source, **run)


@pytest.mark.parametrize("option", field_names(firth.GloVe))
def test_every_option_does_something(option):
    more = {"validation": 0.3, "epochs": 60, "lr": 0.3} if option == "patience" else {}
    plain, other = fit(**more), fit(**more, **{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.GloVe)) == set(field_names(firth.GloVe))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_a_seed_gives_equal_bytes_at_any_number_of_threads(threads):
    assert fit(threads=threads).vectors.tobytes() == fit().vectors.tobytes()


def test_memory_changes_nothing():
    assert fit(memory=20_000).vectors.tobytes() == fit().vectors.tobytes()


def test_what_comes_back():
    heard = []
    vectors = fit(dim=7, callbacks=[heard.append])
    assert vectors.vectors.shape == (len(vectors), 7)
    assert vectors.vectors.dtype == np.float32
    assert vectors.output is None
    assert vectors.get_vecattr("w1", "count") == sum(sentence.count("w1") for sentence in TEXT)
    assert vectors.config["text"]["tokenizer"] == "whitespace"
    assert vectors.provenance["words_read"] == 120 * 30
    assert [epoch["number"] for epoch in vectors.provenance["epochs"]] == [1, 2, 3]
    assert [epoch.examples for epoch in heard] == [vectors.provenance["cells"]] * 3
    assert heard[0].loss > heard[1].loss > heard[2].loss > 0
    assert heard[0].words == vectors.provenance["words_kept"]


def test_products_become_logarithms_of_counts():
    """The cost falls."""
    first, *_, last = fit(dim=20, epochs=60).provenance["epochs"]
    assert last["loss"] < 0.2 * first["loss"]


def test_words_of_one_subject_come_together():
    """Sentences are mostly of food or mostly of drink: words of one subject are nearer."""
    random = np.random.default_rng(3)
    groups = [["苹果", "面包", "米饭", "鱼", "鸡蛋"], ["水", "茶", "咖啡", "牛奶", "果汁"]]
    text = [
        random.choice(groups[0] + groups[1], 6, p=np.repeat([[0.18, 0.02], [0.02, 0.18]][subject], 5)).tolist()
        for _ in range(1500)
        for subject in (0, 1)
    ]
    vectors = fit(text, dim=4, window=5, epochs=60)
    within, across = (vectors.n_similarity([groups[0][0]], group) for group in (groups[0][1:], groups[1]))
    assert within > across


def test_counts_that_are_there_are_learnt_from():
    counts = firth.Cooccurrence(window=3, min_count=4).fit(TEXT)
    found, plain = fit(counts), fit(window=3, min_count=4)
    assert found.vectors.tobytes() == plain.vectors.tobytes()
    assert found.config == plain.config
    with pytest.raises(ConfigError, match="have their words already"):
        fit(counts, vocabulary=["w1"])


def test_starting_from_vectors():
    first = fit(epochs=20)
    again = fit(init=first, lr=1e-9)
    np.testing.assert_allclose(again.vectors, first.vectors, atol=1e-6)
    frozen = fit(init=first.subset(["w1", "w3"]), frozen=True, epochs=20)
    np.testing.assert_array_equal(frozen[["w1", "w3"]], first[["w1", "w3"]])
    assert not np.allclose(frozen["w2"], fit(epochs=20)["w2"], atol=1e-3)
    assert frozen.provenance["epochs"][-1]["loss"] < 0.5 * frozen.provenance["epochs"][0]["loss"]
    with pytest.raises(ConfigError, match="give init too"):
        fit(frozen=True)
    with pytest.raises(ConfigError, match="Set dim=8"):
        fit(init=first, dim=9)


def test_a_word_finds_its_place_among_frozen_ones():
    random = np.random.default_rng(3)
    groups = [[f"food{i}" for i in range(6)], [f"drink{i}" for i in range(6)]]
    chances = np.repeat([[0.15, 1 / 60], [1 / 60, 0.15]], 6, axis=1)
    text = [random.choice(groups[0] + groups[1], 6, p=chances[i % 2]).tolist() for i in range(2000)]
    old = fit(text, dim=4, window=5, epochs=60).remove(["food0"])
    new = fit(text, dim=4, window=5, epochs=60, init=old, frozen=True, seed=7)
    np.testing.assert_array_equal(new[old.index_to_key], old.vectors)
    assert new.n_similarity(["food0"], groups[0][1:]) > 0.9
    assert new.n_similarity(["food0"], groups[1]) < 0


def test_held_out_pairs():
    heard = []
    fit(validation=0.25, epochs=30, callbacks=[heard.append])
    cells = fit().provenance["cells"]
    assert heard[0].examples == pytest.approx(0.75 * cells, rel=0.1)
    assert heard[-1].validation > 1.2 * heard[-1].loss  # they were not learnt from
    assert heard[-1].validation < heard[0].validation
    stopped = fit(validation=0.25, epochs=200, patience=2, lr=0.2)
    losses = [epoch["validation"] for epoch in stopped.provenance["epochs"]]
    assert len(losses) < 200 and int(np.argmin(losses)) == len(losses) - 3
    for threads in (2, 3):
        assert fit(validation=0.25, threads=threads).vectors.tobytes() == fit(validation=0.25).vectors.tobytes()
    for wrong in (0, 1.0, "text", -0.5):
        with pytest.raises(ConfigError, match="holds out a share"):
            fit(validation=wrong)
    with pytest.raises(ConfigError, match="patience waits"):
        fit(patience=1)
    with pytest.raises(InputError, match="holds none out"):
        fit(validation=1e-9)


def test_a_given_vocabulary_fixes_keys_and_ids():
    assert fit(vocabulary=["w3", "w1", "w2"]).index_to_key == ["w3", "w1", "w2"]


class StoppedError(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path):
    def stop(epoch):
        if epoch.number == 2:
            raise StoppedError

    whole = fit(epochs=4)
    with pytest.raises(StoppedError):
        fit(epochs=4, workdir=tmp_path, checkpoint_every=1e-6, callbacks=[stop], threads=2)
    heard = []
    resumed = fit(epochs=4, workdir=tmp_path, resume=True, callbacks=[heard.append])
    assert [epoch.number for epoch in heard] == [3, 4]
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()
    with pytest.raises(ConfigError, match=r"another run: alpha was 0\.75, is 0\.5"):
        fit(epochs=4, workdir=tmp_path, resume=True, alpha=0.5)
    with pytest.raises(ConfigError, match="lie in workdir"):
        fit(checkpoint_every="1h")


def test_stopped_inside_a_pass(tmp_path):
    """A checkpoint that is due after every tile: threads end what they hold back, and the rest is done once."""
    whole = fit(epochs=2)
    kept = fit(epochs=2, workdir=tmp_path, checkpoint_every=1e-9, threads=3)
    assert kept.vectors.tobytes() == whole.vectors.tobytes()


def test_divergence_is_found():
    with pytest.raises(DivergenceError, match=r"diverged in pass \d, .*Lower lr \(it is 1e\+06\)"):
        fit(lr=1e6, epochs=20)


@pytest.mark.parametrize("text", [[["a"]], [["a"], ["b"]]])
def test_nothing_to_learn(text):
    with pytest.raises(InputError, match="nothing to learn"):
        fit(text, min_count=1)


@pytest.mark.parametrize("text", [[["a", "b"]], [["a", "a"]], [["a", "b", "c"]] * 3])
def test_tiny_texts_train(text):
    vectors = fit(text, min_count=1, dim=1, window=50, threads=2)
    assert np.isfinite(vectors.vectors).all()


def test_what_cannot_fit_is_refused(monkeypatch):
    from firth import machine

    counts = firth.Cooccurrence(min_count=1).fit(TEXT)
    monkeypatch.setattr(machine, "memory_available", lambda: 1000)
    with pytest.raises(MemoryLimitError, match="Lower dim"):
        fit(counts, dim=500)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_max": 0}, "x_max must be more than 0"),
        ({"alpha": -1}, "alpha must be at least 0"),
        ({"lr": 0}, "lr must be more than 0"),
        ({"side": "up"}, "'both' or 'left' or 'right'"),
    ],
)
def test_a_wrong_option_is_told_apart(options, message):
    with pytest.raises(ConfigError, match=message):
        firth.GloVe(**options)


def test_names_of_the_c_programs():
    ours = firth.GloVe(dim=50, window=15, epochs=9, lr=0.1, side="right", alpha=0.6)
    of = firth.GloVe.of(vector_size=50, window_size=15, iter=9, eta=0.1, symmetric=0, alpha=0.6)
    assert of == ours
    assert firth.GloVe.preset("glove-c").dim == 50


def test_config_goes_through_every_face(tmp_path):
    config = firth.GloVe(**OTHER)
    assert firth.GloVe.from_dict(config.to_dict()) == config
    (tmp_path / "run.toml").write_text(config.to_toml())
    assert firth.GloVe.from_toml(tmp_path / "run.toml") == config
