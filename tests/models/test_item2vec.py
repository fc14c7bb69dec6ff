"""Item2Vec: every option does something, worlds whose answer is known, bytes repeat, a run goes on."""

from pathlib import Path

import numpy as np
import pytest

import firth
from firth import Sessions
from firth.config import field_docs, field_names
from firth.errors import ConfigError, EmptyVocabularyError, InputError
from firth.evaluate.baselines import ItemKNN, Popularity
from firth.evaluate.recommend import recommendations

RANDOM = np.random.default_rng(0)
LOG = [[f"i{int(i)}" for i in RANDOM.zipf(1.4, 9).clip(1, 50)] for _ in range(150)]
RUN = ("vocabulary", "init", "frozen", "validation", "workdir", "resume", "checkpoint_every", "callbacks", "threads")


def fit(source=LOG, **options):
    run = {"threads": 1} | {name: options.pop(name) for name in RUN if name in options}
    small = {"dim": 8, "epochs": 1, "subsample": 1e-2}
    return firth.Item2Vec(**{**small, **options}).fit(source, **run)


OTHER = {
    "dim": 9,
    "window": 2,
    "architecture": "cbow",
    "loss": "softmax",
    "negatives": 3,
    "min_count": 10,
    "max_vocab": 5,
    "subsample": 0.0,
    "ns_exponent": -1.0,
    "shrink_windows": True,
    "num_skips": 2,
    "epochs": 2,
    "lr": 0.1,
    "min_lr": 0.01,
    "seed": 2,
    "deterministic": True,
    "patience": 1,
}


@pytest.mark.parametrize("option", OTHER)
def test_every_option_of_learning_does_something(option):
    rest = {"epochs": 6, "lr": 0.05, "min_lr": 0.05, "validation": 0.2} if option == "patience" else {}
    rest |= {"window": 3} if option == "shrink_windows" else {}
    plain, other = fit(**rest), fit(**rest, **{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented_and_tested():
    assert set(field_docs(firth.Item2Vec)) == set(field_names(firth.Item2Vec)) == {*OTHER, "recent", "popularity"}


def test_options_of_recommending_do_something():
    history = ["i3", "i9", "i5", "i2"]
    plain = fit(epochs=5).recommend(history)
    for option, value in (("recent", 1), ("popularity", -0.5)):
        assert fit(epochs=5, **{option: value}).recommend(history) != plain
        assert fit(epochs=5).recommend(history, **{option: value}) == fit(epochs=5, **{option: value}).recommend(
            history
        )


def test_one_thread_and_deterministic_runs_repeat():
    assert fit().vectors.tobytes() == fit().vectors.tobytes()
    one, two = (fit(deterministic=True, threads=threads) for threads in (1, 2))
    assert one.vectors.tobytes() == two.vectors.tobytes()


def test_a_saved_model_recommends_the_same(tmp_path: Path):
    vectors = fit(epochs=3, recent=2, popularity=0.2)
    vectors.save(tmp_path / "m")
    assert firth.load(tmp_path / "m").recommend(["i1", "i4"]) == vectors.recommend(["i1", "i4"])


def test_a_run_that_was_stopped_goes_on(tmp_path: Path):
    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    run = {"epochs": 4, "workdir": tmp_path, "checkpoint_every": 3600}
    with pytest.raises(KeyboardInterrupt):
        fit(**run, callbacks=[stop])
    assert fit(**run, resume=True).vectors.tobytes() == fit(epochs=4).vectors.tobytes()


def test_starting_from_vectors_and_frozen_ones():
    start = firth.Vectors(["i1", "i2"], np.full((2, 8), 0.5), output=np.full((2, 8), 0.25))
    found = fit(init=start, frozen=True)
    assert np.allclose(found["i1"], 0.5) and not np.allclose(found["i3"], 0.5)
    assert np.allclose(fit(init=start, lr=1e-9).output[found.key_to_index["i2"]], 0.25, atol=1e-4)


def test_held_out_sessions_are_read_as_the_others(tmp_path: Path):
    (tmp_path / "more").write_text("i1,i2\ni1,i3\n")
    (tmp_path / "log").write_text("\n".join(map(",".join, LOG)))
    log = Sessions(tmp_path / "log", separator=",")
    by_path = fit(log, validation=tmp_path / "more", subsample=0)
    by_lists = fit(log, validation=Sessions([["i1", "i2"], ["i1", "i3"]]), subsample=0)
    losses = [found.provenance["epochs"][-1]["validation"] for found in (by_path, by_lists)]
    assert losses[0] == losses[1] > 0


def test_what_cannot_be():
    with pytest.raises(EmptyVocabularyError, match="min_count=9999"):
        fit(min_count=9999)
    with pytest.raises(InputError, match="0 items"):
        fit([])
    with pytest.raises(ConfigError, match="pairs every two"):
        fit([[f"i{n}" for n in range(10_001)]])
    for wrong in ({"ns_exponent": 1.5}, {"ns_exponent": -1.1}, {"window": "sentence"}, {"loss": "hs"}, {"recent": -1}):
        with pytest.raises(ConfigError):
            firth.Item2Vec(**wrong)
    assert len(fit([["a"], ["b"]])) == 2  # no pair to learn from: random vectors, no endless loop


def checkerboard(groups=6, size=8, sessions=600, seed=0):
    """Each session has items of one group alone, common to all groups alike; `common` items are in every one."""
    random = np.random.default_rng(seed)
    return [
        [f"g{group}i{item}" for item in random.choice(size, 4, replace=False)] + ["bag"]
        for group in random.integers(groups, size=sessions)
    ]


def test_a_checkerboard():
    train, test = Sessions([session[::-1] for session in checkerboard()]).leave_last_out()
    vectors = firth.Item2Vec(dim=16, epochs=30, subsample=0, lr=0.05).fit(train, threads=1)
    for group in range(6):
        near = [item for item, _ in vectors.recommend([f"g{group}i0", f"g{group}i1"], 5) if item != "bag"]
        assert all(item.startswith(f"g{group}") for item in near), near
    found = recommendations(vectors, test, k=5)
    assert found.hit_rate > 0.9
    assert recommendations(Popularity(train), test, k=5).hit_rate < 0.3
    assert found.hit_rate >= recommendations(ItemKNN(train), test, k=5).hit_rate - 0.05


def test_the_last_items_count():
    """Sessions drift from group to group: who looks at all of them is led astray."""
    random = np.random.default_rng(1)
    log = [
        [f"g{(start + step) % 5}i{item}" for step in range(3) for item in random.choice(6, 4, replace=False)]
        for start in random.integers(5, size=400)
    ]
    train, test = Sessions(log).leave_last_out()
    vectors = firth.Item2Vec(dim=16, epochs=30, window=3, subsample=0, lr=0.05).fit(train, threads=1)
    near, far = (
        recommendations(firth.Vectors(
            vectors.index_to_key, vectors.vectors, output=vectors.output, counts=vectors.counts,
            config={"model": {"recent": recent}},
        ), test, k=3).hit_rate
        for recent in (3, 0)
    )  # fmt: skip
    assert near > far + 0.1


def planted(seed=0, groups=6, size=8, sessions=500):
    """The checkerboard, whose items say what group they are of; two of each group are in no session."""
    log = [session[:-1] for session in checkerboard(groups, size, sessions, seed)]
    items = {f"g{group}i{item}": {"kind": f"k{group}"} for group in range(groups) for item in range(size + 2)}
    return log, {item: {**known, "name": item} for item, known in items.items()}


LEARNT = {"dim": 16, "epochs": 30, "subsample": 0, "lr": 0.05}


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_items_without_events_are_recommended_by_their_metadata(architecture):
    log, known = planted()
    vectors = firth.Item2Vec(**LEARNT, architecture=architecture).fit(Sessions(log, metadata=known), threads=1)
    assert vectors.config["features"] == [f"kind=k{group}" for group in range(6)]  # a name tells of one item alone
    for group in range(6):
        found = [item for item, _ in vectors.recommend([f"g{group}i0", f"g{group}i1"], 8, popularity=0.0)]
        assert {f"g{group}i8", f"g{group}i9"} <= set(found), found
        near = [key for key, _ in vectors.most_similar(f"g{group}i9", topn=8)]
        assert all(key.startswith((f"g{group}", f"kind=k{group}")) for key in near)
    first = vectors.recommend(["kind=k3"], 5, popularity=0.0)
    assert all(item.startswith("g3") for item, _ in first)
    assert not [item for item, _ in vectors.recommend(["g1i1"], 99) if item.startswith("kind")]


def test_metadata_lifts_the_hit_rate_of_cold_items():
    """Sessions whose last item came nowhere in training: without metadata nobody could know it."""
    log, known = planted()
    cold = {f"g{group}i{item}" for group in range(6) for item in (6, 7)}
    train = [[item for item in session if item not in cold] for session in log]
    asked = [[*session, f"g{session[0][1]}i7"] for session in train if len(session) > 1]
    questions = Sessions(asked).leave_last_out()[1]
    rates = [
        recommendations(
            firth.Item2Vec(**LEARNT, popularity=0.0).fit(Sessions(train, metadata=metadata), threads=1), questions, k=10
        ).hit_rate
        for metadata in (known, None)
    ]
    assert rates[0] > 0.8 and rates[1] == 0.0


def test_the_vectors_of_items_are_means_of_rows():
    log, known = planted(sessions=40)
    vectors = firth.Item2Vec(dim=8, epochs=2, min_count=4).fit(Sessions(log, metadata=known), threads=1)
    kept = [key for key, count in zip(vectors.index_to_key, vectors.counts, strict=True) if count and "=" not in key]
    assert 0 < len(kept) < 48
    assert np.allclose(vectors["g0i9"], vectors["kind=k0"])  # of an item without events the features alone
    assert np.allclose(vectors["g0i8"], vectors["g0i9"]) and not np.allclose(vectors[kept[0]], vectors["g0i9"])
    total = sum(int(vectors.get_vecattr(key, "count")) for key in kept if key.startswith("g0"))
    assert vectors.get_vecattr("kind=k0", "count") == total


def test_a_feature_called_as_an_item_and_what_cannot_go_with_metadata():
    log = [["a", "b"], ["b", "a"]] * 9
    known = {"a": {"b": True, "x": 1}, "b": {"b": True}, "c": {"x": 1}, "d": {"y": 1}}
    vectors = fit(Sessions(log, metadata=known))
    assert vectors.index_to_key[2:] == ["c", "b (feature)", "x=1"] and "d" not in vectors
    for run in ({"init": vectors}, {"init": vectors, "frozen": True}):
        with pytest.raises(ConfigError, match="metadata"):
            fit(Sessions(log, metadata=known), **run)
    validated = fit(Sessions(log, metadata=known), validation=Sessions([["a", "c"], ["a", "b"]]))
    assert validated.provenance["epochs"][-1]["validation"] is not None
    train, _ = Sessions(log, metadata=known).leave_last_out()
    assert train.metadata is not None


def test_metadata_is_learnt_the_same_by_one_thread_and_in_step(tmp_path: Path):
    log, known = planted(sessions=60)
    made = [fit(Sessions(log, metadata=known)) for _ in range(2)]
    assert made[0].vectors.tobytes() == made[1].vectors.tobytes()
    made[0].save(tmp_path / "m")
    assert firth.load(tmp_path / "m").recommend(["g1i1"]) == made[0].recommend(["g1i1"])
