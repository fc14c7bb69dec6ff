"""FastText as its user meets it: every option does something, unseen words have vectors, fastText opens its files."""

from pathlib import Path

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError

RANDOM = np.random.default_rng(0)
TEXT = [[f"wörd{int(i)}" for i in RANDOM.zipf(1.5, 30).clip(1, 60)] for _ in range(120)]
RUN = ("vocabulary", "init", "frozen", "validation", "workdir", "resume", "checkpoint_every", "callbacks", "threads")


def fit(source=TEXT, **options):
    run = {"threads": 1} | {name: options.pop(name) for name in RUN if name in options}
    small = {"dim": 8, "epochs": 1, "min_count": 2, "buckets": 5000, "subsample": 1e-2}
    return firth.FastText(**{**small, **options}).fit(source, **run)


OTHER = {
    "dim": 9,
    "window": 2,
    "architecture": "cbow",
    "negatives": 3,
    "min_count": 10,
    "max_vocab": 5,
    "subsample": 0.0,
    "ns_exponent": 0.0,
    "shrink_windows": False,
    "epochs": 2,
    "lr": 0.1,
    "min_lr": 0.01,
    "seed": 2,
    "loss": "hs",
    "num_skips": 2,
    "deterministic": True,
    "patience": 1,
    "min_n": 2,
    "max_n": 4,
    "buckets": 300,
    "hash_count": 2,
}


@pytest.mark.parametrize("option", field_names(firth.FastText))
def test_every_option_does_something(option):
    rest = {"epochs": 6, "lr": 0.05, "min_lr": 0.05, "validation": 0.2} if option == "patience" else {}
    plain, other = fit(**rest), fit(**rest, **{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.FastText)) == set(field_names(firth.FastText))


def test_defaults_are_fasttexts():
    model = firth.FastText()
    found = (model.lr, model.min_lr, model.subsample, model.ns_exponent, model.min_n, model.max_n, model.buckets)
    assert found == (0.05, 0.0, 1e-4, 0.5, 3, 6, 2_000_000)
    assert firth.FastText.of(minn=2, maxn=5, bucket=100, ws=3) == firth.FastText(
        min_n=2, max_n=5, buckets=100, window=3
    )


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_equal_bytes_in_step(architecture):
    """One thread always, and any number of threads where `deterministic`."""
    same = {"architecture": architecture}
    assert fit(**same).vectors.tobytes() == fit(**same).vectors.tobytes()
    one, three = (fit(**same, deterministic=True, threads=threads) for threads in (1, 3))
    assert one.vectors.tobytes() == three.vectors.tobytes()
    assert np.array_equal(one.vectors_ngrams, three.vectors_ngrams)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path):
    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    whole = fit(epochs=4)
    source = tmp_path / "text"
    source.write_text("\n".join(map(" ".join, TEXT)), encoding="utf-8")
    run = {"epochs": 4, "workdir": tmp_path / "work", "checkpoint_every": 3600}
    with pytest.raises(KeyboardInterrupt):
        fit(source, **run, callbacks=[stop])
    assert fit(source, **run, resume=True).vectors.tobytes() == whole.vectors.tobytes()


def test_starting_from_vectors():
    first = fit(epochs=3)
    again = fit(init=first, lr=1e-9)
    np.testing.assert_allclose(again.vectors, first.vectors, atol=1e-5)
    np.testing.assert_allclose(again["unwörd"], first["unwörd"], atol=1e-5)
    plain = firth.Vectors(["wörd1"], np.full((1, 8), 2.0))
    assert np.allclose(fit(init=plain, lr=1e-9).vectors_vocab[0], 2.0)


@pytest.mark.parametrize("options", [{}, {"deterministic": True}, {"architecture": "cbow"}, {"max_n": 0}], ids=str)
def test_frozen_words_stay(options):
    first = fit(epochs=3, **options)
    more = TEXT + [["nëw1", "nëw2", "wörd1"]] * 30
    frozen = fit(more, init=first, frozen=True, **options)
    moved = fit(more, init=first, **options)
    assert len(frozen) == len(first) + 2
    np.testing.assert_array_equal(frozen[first.index_to_key], first.vectors)
    assert not np.allclose(moved[first.index_to_key], first.vectors, atol=1e-3)
    assert frozen["nëw1"].any() and not np.allclose(frozen["nëw1"], moved["nëw1"])


def test_what_cannot_be_frozen():
    first = fit()
    with pytest.raises(ConfigError, match="give init too"):
        fit(frozen=True)
    with pytest.raises(ConfigError, match="the same min_n, max_n and buckets"):
        fit(init=first, frozen=True, buckets=77)
    with pytest.raises(ConfigError, match="floret"):
        fit(init=fit(hash_count=2), frozen=True, hash_count=2)


def test_few_words_at_a_high_rate():
    """Shared noise weighs as much as all contexts: where steps are not bounded, this diverges in its first pass."""
    vectors = fit(TEXT * 3, lr=0.5, min_lr=0.5, subsample=0, epochs=3)
    losses = [epoch["loss"] for epoch in vectors.provenance["epochs"]]
    assert np.isfinite(vectors.vectors).all() and max(losses) < 6 * np.log(2)


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_fasttext_opens_it(tmp_path: Path, architecture: str, loss: str):
    library = pytest.importorskip("fasttext")
    library.FastText.eprint = lambda *_: None
    vectors = fit(architecture=architecture, loss=loss, epochs=2)
    vectors.save(tmp_path / "m.bin", format="fasttext")
    model = library.load_model(str(tmp_path / "m.bin"))
    assert model.get_words() == vectors.index_to_key
    for word in [*vectors.index_to_key, "unwörd", "没见过"]:
        rows = model.get_subwords(word)[1]
        mean = np.mean([model.get_input_vector(row) for row in rows], axis=0)
        np.testing.assert_allclose(vectors[word], mean, atol=1e-6)
    outputs = vectors.nodes if loss == "hs" else vectors.output
    np.testing.assert_array_equal(model.get_output_matrix()[: len(outputs)], outputs)
    args = model.f.getArgs()
    assert (args.dim, args.ws, args.minn, args.maxn, args.bucket) == (8, 5, 3, 6, 5000)
    vectors.save(tmp_path / "native")
    np.testing.assert_array_equal(firth.load(tmp_path / "native")["unwörd"], vectors["unwörd"])


def test_unseen_words_lie_near_their_kin():
    """Stems have contexts of their own; a form of a stem that the text lacks is known by its n-grams."""
    random = np.random.default_rng(1)
    stems = {"walk": ["road", "path", "shoe"], "cook": ["salt", "soup", "oven"], "北京": ["城市", "长城", "故宫"]}
    text = []
    for _ in range(1500):
        stem = str(random.choice(list(stems)))
        form = stem + ("人" if stem == "北京" else str(random.choice(["ed", "er", "s"])))
        text.append([str(random.choice(stems[stem])), form, str(random.choice(stems[stem]))])
    for mode in ({}, {"architecture": "cbow"}, {"hash_count": 2, "buckets": 500}):
        vectors = fit(text, dim=16, min_n=2, epochs=8, subsample=0, **mode)
        for unseen, stem in (("walking", "walk"), ("cooking", "cook"), ("北京话", "北京")):
            assert unseen not in vectors
            near = [key for key, _ in vectors.most_similar(unseen, topn=2)]
            assert any(key.startswith(stem) or key in stems[stem] for key in near), (mode, unseen, near)


def test_floret_mode_has_no_rows_of_words():
    vectors = fit(hash_count=2, buckets=500)
    assert vectors.vectors_ngrams.shape == (500, 8)
    assert vectors.vectors_vocab is None
    np.testing.assert_allclose(vectors.subwords.of(["wörd1"])[0][0], vectors["wörd1"], atol=1e-6)


def test_without_ngrams_it_is_word2vec():
    vectors = fit(max_n=0)
    assert vectors.subwords is None
    with pytest.raises(firth.errors.UnknownKeyError):
        vectors["unwörd"]


def test_extend_says_what_to_do():
    with pytest.raises(ConfigError, match=r"FastText\(dim=…\).fit\(source, init=vectors\)"):
        firth.extend(fit(), TEXT)
