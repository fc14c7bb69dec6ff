"""Word2Vec as its user meets it: every option does something, the right thing is learnt, wrong input is told apart."""

import dataclasses

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError, EmptyVocabularyError, InputError, MissingInputError

RANDOM = np.random.default_rng(0)
TEXT = [[f"w{int(i)}" for i in RANDOM.zipf(1.5, 30).clip(1, 60)] for _ in range(120)]


def fit(source=TEXT, **options):
    run = {name: options.pop(name) for name in ("vocabulary", "workdir", "callbacks") if name in options}
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
}
OF_CBOW = ("cbow_mean", "cbow_update", "position_weights")


@pytest.mark.parametrize("option", field_names(firth.Word2Vec))
def test_every_option_does_something(option):
    rest = {"architecture": "cbow"} if option in OF_CBOW else {}
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
    assert [epoch["epoch"] for epoch in vectors.provenance["epochs"]] == [1]
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
