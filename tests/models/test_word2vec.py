"""Word2Vec as its user meets it: every option does something, the right thing is learnt, wrong input is told apart."""

import dataclasses

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError, EmptyVocabularyError, InputError, MissingInputError

RANDOM = np.random.default_rng(0)
TEXT = [[f"w{int(i)}" for i in RANDOM.zipf(1.5, 30).clip(1, 60)] for _ in range(120)]


RUN = ("vocabulary", "init", "frozen", "validation", "workdir", "resume", "checkpoint_every", "callbacks")


def fit(source=TEXT, **options):
    run = {name: options.pop(name) for name in RUN if name in options}
    return firth.Word2Vec(**{"dim": 8, "epochs": 1, "min_count": 2, **options}).fit(source, threads=1, **run)


OTHER = {
    "dim": 9,
    "window": 2,
    "architecture": "cbow",
    "negatives": 3,
    "min_count": 10,
    "max_vocab": 5,
    "subsample": 0,
    "ns_exponent": 0.0,
    "shrink_windows": False,
    "epochs": 2,
    "lr": 0.1,
    "min_lr": 0.01,
    "seed": 2,
    "loss": "hs",
    "num_skips": 2,
    "cbow_mean": False,
    "cbow_update": "corrected",
    "position_weights": True,
    "deterministic": True,
    "patience": 1,
}
OF_CBOW = ("cbow_mean", "cbow_update", "position_weights")


@pytest.mark.parametrize("option", field_names(firth.Word2Vec))
def test_every_option_does_something(option):
    rest = {"architecture": "cbow"} if option in OF_CBOW else {}
    if option == "patience":  # at this rate the held-out loss goes up at once, and the run stops
        rest = {"epochs": 6, "lr": 0.1, "min_lr": 0.1, "validation": 0.2}
    plain, other = fit(**rest), fit(**rest, **{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.Word2Vec)) == set(field_names(firth.Word2Vec))


def test_one_thread_and_a_seed_give_equal_bytes():
    assert fit().vectors.tobytes() == fit().vectors.tobytes()


def test_what_comes_back():
    vectors = fit(dim=7)
    assert vectors.vectors.shape == vectors.output.shape == (len(vectors), 7)
    assert vectors.vectors.dtype == vectors.output.dtype == np.float32
    assert vectors.get_vecattr("w1", "count") == sum(sentence.count("w1") for sentence in TEXT)
    assert list(vectors.counts) == sorted(vectors.counts, reverse=True)
    assert vectors.config["text"]["tokenizer"] == "whitespace"
    assert vectors.provenance["words_read"] == 120 * 30
    assert [epoch["number"] for epoch in vectors.provenance["epochs"]] == [1]
    assert vectors.provenance["epochs"][0]["loss"] > 0


def test_a_given_vocabulary_fixes_keys_and_ids():
    vectors = fit([["北", "京", "欢", "迎", "你", "好"]] * 30, vocabulary=["北", "京", "欢", "迎", "你"])
    assert vectors.index_to_key == ["北", "京", "欢", "迎", "你"]


def test_workdir_keeps_the_encoded_text(tmp_path):
    source = tmp_path / "text.txt"
    source.write_text("\n".join(" ".join(sentence) for sentence in TEXT))
    first = fit(source, workdir=tmp_path / "work")
    assert any((tmp_path / "work").iterdir())
    assert fit(source, workdir=tmp_path / "work").vectors.tobytes() == first.vectors.tobytes()


def test_callbacks_hear_of_every_pass():
    heard = []
    fit(epochs=3, callbacks=[heard.append])
    assert [epoch.number for epoch in heard] == [1, 2, 3]


def test_words_of_equal_contexts_come_together():
    """我 喜欢 吃 FOOD and 我 喜欢 喝 DRINK: what is planted is found."""
    random = np.random.default_rng(3)
    foods, drinks = ["苹果", "面包", "米饭", "鱼"], ["水", "茶", "咖啡", "牛奶"]
    sentences = [
        ["我", "喜欢", "吃", str(random.choice(foods))] if i % 2 else ["我", "喜欢", "喝", str(random.choice(drinks))]
        for i in range(3000)
    ]
    for architecture in ("skipgram", "cbow"):
        vectors = fit(sentences, architecture=architecture, dim=16, window=2, subsample=0, epochs=8, lr=0.05)
        for group in (foods, drinks):
            for word in group:
                assert {near for near, _ in vectors.most_similar(word, topn=3)} == set(group) - {word}


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
@pytest.mark.parametrize(
    "sentences",
    [
        [["a"]],
        [["a", "b"]],
        [["a"], ["b"], ["a", "a", "a"]],
        [["a", "b", "c"]] * 3,
    ],
)
def test_tiny_texts_train(sentences, architecture):
    vectors = fit(sentences, min_count=1, dim=1, window=50, architecture=architecture)
    assert np.isfinite(vectors.vectors).all()


def test_one_long_sentence_is_not_cut():
    """Two threads' blocks meet inside it; the words on either side of a border are still neighbours."""
    words = [f"x{i % 50}" for i in range(20_000)]
    seen = []
    firth.Word2Vec(dim=4, epochs=1, subsample=0, window=1, shrink_windows=False).fit(
        [words], threads=2, callbacks=[seen.append]
    )
    assert seen[0].examples == 20_000


def test_starting_from_vectors_and_keeping_them():
    given = fit(seed=5)
    some = firth.Vectors(given.index_to_key[:10], given.vectors[:10])
    started, frozen = fit(init=some), fit(init=some, frozen=True)
    for word in some.index_to_key:
        assert np.array_equal(frozen[word], some[word])
        assert not np.array_equal(started[word], some[word])
    assert not np.array_equal(frozen[given.index_to_key[12]], started[given.index_to_key[12]])
    assert len(frozen) == len(started) == len(fit())
    again = fit(init=given, lr=1e-9, min_lr=0)
    np.testing.assert_allclose(again.vectors, given.vectors, atol=1e-6)
    np.testing.assert_allclose(again.output, given.output, atol=1e-6)


def test_starting_from_a_file(tmp_path):
    given = fit(seed=5)
    given.save_word2vec_format(tmp_path / "given.txt")
    assert np.array_equal(fit(init=tmp_path / "given.txt", frozen=True).vectors, given.vectors)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_frozen_rows_stay_in_a_deterministic_run(architecture):
    given = fit(seed=5)
    kept = fit(init=given, frozen=True, architecture=architecture, deterministic=True)
    assert np.array_equal(kept.vectors, given.vectors)
    assert not np.array_equal(kept.output, given.output)


def test_what_cannot_be_started_from():
    with pytest.raises(ConfigError, match=r"have 8 dimensions, the model 9. Set dim=8"):
        fit(dim=9, init=fit())
    with pytest.raises(InputError, match="None of the"):
        fit(init=firth.Vectors(["other"], np.ones((1, 8), np.float32)))
    with pytest.raises(ConfigError, match="frozen keeps the vectors of `init`"):
        fit(frozen=True)


def test_held_out_loss_is_of_text_that_was_not_learnt(tmp_path):
    heard = []
    fit(validation=0.25, epochs=2, callbacks=[heard.append])
    whole = []
    fit(epochs=2, callbacks=[whole.append])
    assert heard[0].words == pytest.approx(0.75 * whole[0].words, rel=0.02)
    assert all(0 < epoch.validation < 6 for epoch in heard)
    other = tmp_path / "other.txt"
    other.write_text("\n".join(" ".join(sentence) for sentence in TEXT[:30]))
    from_file = []
    fit(validation=other, epochs=2, callbacks=[from_file.append])
    assert from_file[0].words == whole[0].words
    assert from_file[0].validation != heard[0].validation


def test_patience_stops_at_the_lowest_held_out_loss():
    heard = []
    stopped = fit(validation=0.2, patience=2, epochs=30, lr=0.1, min_lr=0.1, callbacks=[heard.append])
    losses = [epoch.validation for epoch in heard]
    assert len(losses) < 30
    assert int(np.argmin(losses)) == len(losses) - 3
    until = int(np.argmin(losses)) + 1
    shorter = fit(validation=0.2, epochs=until, lr=0.1, min_lr=0.1)
    assert np.array_equal(stopped.vectors, shorter.vectors)


def test_patience_needs_something_to_wait_for():
    with pytest.raises(ConfigError, match="give fit a validation"):
        fit(patience=2)


@pytest.mark.parametrize("share", [0, 1, -0.5, 1e-9])
def test_a_share_that_leaves_nothing(share):
    with pytest.raises((ConfigError, InputError), match="validation"):
        fit(validation=share)


class StoppedError(Exception):
    pass


def stop_after(passes):
    def stop(epoch):
        if epoch.number == passes:
            raise StoppedError

    return stop


@pytest.mark.parametrize("options", [{"deterministic": True}, {"architecture": "cbow", "position_weights": True}])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path, options):
    whole = fit(epochs=4, **options)
    with pytest.raises(StoppedError):
        fit(epochs=4, workdir=tmp_path, checkpoint_every=1e-6, callbacks=[stop_after(2)], **options)
    heard = []
    resumed = fit(epochs=4, workdir=tmp_path, resume=True, callbacks=[heard.append], **options)
    assert [epoch.number for epoch in heard] == [3, 4]
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()
    assert resumed.output.tobytes() == whole.output.tobytes()
    losses = [[epoch["loss"] for epoch in vectors.provenance["epochs"]] for vectors in (whole, resumed)]
    assert losses[0] == losses[1]


def test_patience_remembers_the_lowest_over_a_stop(tmp_path):
    heard = []
    options = {"patience": 3, "epochs": 30, "lr": 0.1, "min_lr": 0.1, "validation": 0.2}
    whole = fit(callbacks=[heard.append], **options)
    lowest = 1 + int(np.argmin([epoch.validation for epoch in heard]))
    with pytest.raises(StoppedError):
        fit(workdir=tmp_path, checkpoint_every=1e-6, callbacks=[stop_after(lowest + 1)], **options)
    resumed = fit(workdir=tmp_path, resume=True, **options)
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()
    assert len(resumed.provenance["epochs"]) == len(heard)


def test_a_run_that_is_over_has_nothing_left_to_do(tmp_path):
    whole = fit(workdir=tmp_path, checkpoint_every="1h")
    heard = []
    again = fit(workdir=tmp_path, resume=True, callbacks=[heard.append])
    assert not heard
    assert again.vectors.tobytes() == whole.vectors.tobytes()


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    with pytest.raises(StoppedError):
        fit(epochs=4, workdir=tmp_path, checkpoint_every=1e-6, callbacks=[stop_after(3)], deterministic=True)
    folders = sorted((tmp_path / "checkpoints").iterdir())
    assert len(folders) == 2
    damaged = folders[-1] / "arrays.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-5] ^= 4
    damaged.write_bytes(data)
    with pytest.warns(RuntimeWarning, match="is passed over"):
        resumed = fit(epochs=4, workdir=tmp_path, resume=True, deterministic=True)
    assert resumed.vectors.tobytes() == fit(epochs=4, deterministic=True).vectors.tobytes()


def test_without_a_whole_checkpoint_nothing_starts_afresh(tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        fit(workdir=tmp_path, resume=True)
    fit(workdir=tmp_path, checkpoint_every="1h")
    for manifest in tmp_path.glob("checkpoints/*/manifest.json"):
        manifest.write_bytes(manifest.read_bytes()[:40])
    with pytest.raises(InputError, match="None of the"), pytest.warns(RuntimeWarning):
        fit(workdir=tmp_path, resume=True)


def test_checkpoints_of_another_run_are_refused(tmp_path):
    fit(workdir=tmp_path, checkpoint_every="1h")
    with pytest.raises(ConfigError, match=r"another run: lr was None, is 0\.5"):
        fit(workdir=tmp_path, resume=True, lr=0.5)
    with pytest.raises(ConfigError, match="another run: frozen was 0, is "):
        fit(workdir=tmp_path, resume=True, init=fit(), frozen=True)
    with pytest.raises(ConfigError, match="another run: tokens was"):
        fit(workdir=tmp_path, resume=True, validation=0.3)
    with pytest.raises(ConfigError, match="lie in workdir"):
        fit(checkpoint_every="1h")
    with pytest.raises(ConfigError, match="such as '10m'"):
        fit(workdir=tmp_path, checkpoint_every="often")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim must be at least 1"),
        ({"dim": 2.5}, "dim must be a whole number, not 2.5"),
        ({"dim": "100"}, "dim must be a whole number, not '100'"),
        ({"lr": 0}, "lr must be more than 0"),
        ({"lr": float("nan")}, "lr must be"),
        ({"architecture": "skip-gram"}, "'skipgram' or 'cbow'"),
        ({"subsample": -1}, "subsample must be at least 0"),
        ({"max_vocab": 0}, "max_vocab must be at least 1"),
        ({"shrink_windows": 1}, "shrink_windows must be True or False"),
    ],
)
def test_a_wrong_option_is_told_apart(options, message):
    with pytest.raises(ConfigError, match=message):
        firth.Word2Vec(**options)


def test_an_unknown_option_names_the_nearest():
    with pytest.raises(ConfigError, match=r"no option 'colour'. It has: dim, window"):
        firth.Word2Vec.of(colour=3)
    with pytest.raises(ConfigError, match="Did you mean 'window'"):
        firth.Word2Vec.of(windw=3)


def test_peers_names_are_understood():
    assert firth.Word2Vec.of(vector_size=50, ws=3, iter=2) == firth.Word2Vec(dim=50, window=3, epochs=2)
    with pytest.raises(ConfigError, match="'dim' is given twice"):
        firth.Word2Vec.of(dim=50, size=50)


def test_config_goes_through_every_face(tmp_path):
    config = firth.Word2Vec(**OTHER)
    assert firth.Word2Vec.from_dict(config.to_dict()) == config
    file = tmp_path / "run.toml"
    file.write_text(config.to_toml())
    assert firth.Word2Vec.from_toml(file) == config
    assert firth.Word2Vec.from_toml(file, dim=33) == dataclasses.replace(config, dim=33)
    assert config.replace(window=3).window == 3


def test_bad_input_is_told_apart(tmp_path):
    with pytest.raises(MissingInputError, match="nowhere"):
        fit(tmp_path / "nowhere.txt")
    empty = tmp_path / "empty.txt"
    empty.touch()
    with pytest.raises(EmptyVocabularyError):
        fit(empty)
    with pytest.raises(EmptyVocabularyError, match="min_count"):
        fit([["once", "only"]], min_count=5)
    with pytest.raises((InputError, ConfigError)):
        fit(42)
