"""ELMo and RNNLM: what they learn, what every option does, their folders, the published format."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import firth
from firth.errors import ConfigError, CorruptFileError, FormatError, InputError
from firth.models.elmo import Contextual

TEXT = ["the bank lends money", "we sat on the bank of the river", "the bank of money", "the river runs"] * 10
SMALL = {"dim": 16, "hidden": 16, "length": 8, "batch_tokens": 64, "lr": 0.02}
QUICK = firth.ELMo(**SMALL, filters=(4, 8), character_dim=4, steps=80, dropout=0.0)
RNN = firth.RNNLM(**SMALL, steps=80)


@pytest.fixture(scope="module")
def lm() -> Contextual:
    found = QUICK.fit(TEXT, threads=1, progress=False)
    assert isinstance(found, Contextual)
    return found


def test_it_learns_both_ways(lm: Contextual) -> None:
    losses = lm.provenance["reports"][-1]["losses"]
    assert set(losses) == {"forward", "backward"} and max(losses.values()) < 0.9
    assert lm.perplexity(TEXT) < 3
    assert lm.generate("we sat", temperature=0).startswith("we sat on the bank")
    assert lm.fill_mask("we [MASK] on the bank", topn=1)[0][0] == "sat"
    assert lm.fill_mask("the bank [MASK] money", topn=2)[0][0] in ("lends", "of")


def test_a_word_has_a_vector_for_each_place(lm: Contextual) -> None:
    money, river = lm.encode(["the bank lends money", "the bank of the river"], pooling="tokens")
    assert money.shape == (4, 16) and river.shape == (5, 16)
    assert np.abs(money[1] - river[1]).max() > 0.01
    static = [
        each[1] for each in lm.encode(["the bank lends money", "the bank of the river"], pooling="tokens", layers=0)
    ]
    np.testing.assert_allclose(static[0], static[1], atol=1e-6)


def test_layers_and_pooling(lm: Contextual) -> None:
    (every,) = lm.encode(["the bank lends"], layers="all", pooling="tokens")
    assert every.shape == (3, 3, 16)
    for layers, expected in (
        ("mean", every.mean(0)),
        (0, every[0]),
        (-1, every[2]),
        ([0.0, 1.0, 0.0], every[1]),
        ([0.5, 0.5, 0.0], (every[0] + every[1]) / 2),
    ):
        (found,) = lm.encode(["the bank lends"], layers=layers, pooling="tokens")
        np.testing.assert_allclose(found, expected, atol=1e-6)
    pooled = lm.encode(["the bank lends", ""])
    np.testing.assert_allclose(pooled[0], every.mean(0).mean(0), atol=1e-6)
    assert not pooled[1].any() and lm.encode([]).shape == (0, 16)
    assert lm.encode(["a", "b"], layers="all").shape == (3, 2, 16)
    for wrong in ({"layers": "top"}, {"layers": 3}, {"layers": [1.0]}, {"pooling": "cls"}):
        with pytest.raises(ConfigError):
            lm.encode(["a"], **wrong)


def test_batching_changes_nothing(lm: Contextual) -> None:
    alone = [lm.encode([text], pooling="tokens")[0] for text in TEXT[:4]]
    for one, other in zip(lm.encode(TEXT[:4], pooling="tokens"), alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_unseen_words_are_read_by_their_letters(lm: Contextual) -> None:
    first, second = lm.encode(["the banks", "the zebra"], pooling="tokens", layers=0)
    assert np.abs(first[1] - second[1]).max() > 0.01
    assert lm.score(["the zebra"]).tokens == 3


def test_sentences_are_scored_as_steps(lm: Contextual) -> None:
    ids = lm.tokens(["the bank of money"])[0]
    (whole,) = lm.log_probabilities([ids])
    ended = [*ids, lm.tokenizer.id_of("eos")]
    steps = [lm.next_log_probabilities([ids[:at]])[0][token] for at, token in enumerate(ended)]
    np.testing.assert_allclose(whole, steps, atol=1e-4)
    assert lm.score(["the bank of money"]).nats == pytest.approx(-whole.sum(), rel=1e-4)


def test_token_vectors_are_the_words_by_themselves(lm: Contextual) -> None:
    (layer,) = lm.encode(["river"], layers=0, pooling="tokens")
    np.testing.assert_allclose(lm.token_vectors()["river"], layer[0, :8], atol=1e-6)


def test_the_folder(lm: Contextual, tmp_path: Path) -> None:
    lm.save(tmp_path / "elmo")
    again = firth.load(tmp_path / "elmo")
    assert again.options == lm.options
    np.testing.assert_array_equal(again.encode(TEXT[:2]), lm.encode(TEXT[:2]))


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 14},
        {"hidden": 20},
        {"layers": 1},
        {"length": 5},
        {"character_dim": 3},
        {"filters": (4, 7)},
        {"highway": 0},
        {"longest": 5},
        {"samples": 3},
        {"dropout": 0.5},
        {"cell_clip": 0.01},
        {"proj_clip": 0.01},
        {"input": "words"},
        {"units": "characters"},
    ],
    ids=str,
)
def test_every_option_of_elmo_does_something(change: dict[str, Any]) -> None:
    usual, other = (
        QUICK.replace(steps=2, **how).fit(TEXT[:8], threads=1, progress=False).arrays() for how in ({}, change)
    )
    assert any(
        name not in usual or usual[name].shape != array.shape or not np.array_equal(usual[name], array)
        for name, array in other.items()
    )


@pytest.mark.parametrize("change", [{"dim": 15}, {"hidden": 8}, {"filters": ()}, {"filters": (0, 0)}], ids=str)
def test_options_that_cannot_be(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        QUICK.replace(**change)


def test_words_may_come_from_a_table() -> None:
    start = firth.Vectors(["bank", "river"], np.eye(2, 8, dtype=np.float32))
    model = QUICK.replace(input="words", steps=3)
    frozen = model.fit(TEXT, init=start, frozen=True, threads=1, progress=False)
    np.testing.assert_array_equal(frozen.token_vectors()["bank"], start["bank"])
    assert frozen.encode(["bank zebra"], pooling="tokens")[0].shape == (2, 16)
    with pytest.raises(ConfigError, match='input="words"'):
        QUICK.fit(TEXT, init=start, threads=1)


def test_resume_is_bit_equal(tmp_path: Path) -> None:
    model = QUICK.replace(steps=6, dropout=0.3, samples=4)
    whole = model.fit(TEXT, threads=1, validation=0.2, progress=False).arrays()

    class StopError(Exception):
        pass

    def stop(report: Any) -> None:
        if report.step == 4:
            raise StopError

    how: dict[str, Any] = {"threads": 1, "validation": 0.2, "workdir": tmp_path, "progress": False}
    with pytest.raises(StopError):
        model.fit(TEXT, checkpoint_every=1e-9, callbacks=[stop], **how)
    resumed = model.fit(TEXT, resume=True, **how).arrays()
    assert all(np.array_equal(array, resumed[name]) for name, array in whole.items())


# ---------------------------------------------------------------- a task

OPINIONS = ["a fine film", "fine acting", "a dull film", "dull acting"] * 5
LABELS = ["good", "good", "bad", "bad"] * 5


@pytest.mark.parametrize("freeze", [True, False])
def test_a_task_learns_a_mixture_and_leaves_the_model(lm: Contextual, tmp_path: Path, freeze: bool) -> None:
    before = lm.arrays()
    before = {name: array.copy() for name, array in before.items()}
    found = lm.fine_tune(OPINIONS, LABELS, validation=(OPINIONS[:4], LABELS[:4]), freeze=freeze, steps=80, threads=1)
    assert found.predict(["fine acting", "a dull film"]) == ["good", "bad"]
    assert found.score(OPINIONS, LABELS) == 1.0 and found.labels == ["bad", "good"]
    assert found.mixture.shape == (3,) and np.ptp(found.mixture) > 1e-3
    assert all(np.array_equal(array, before[name]) for name, array in lm.arrays().items())
    moved = any(not np.array_equal(array, before[name]) for name, array in found.elmo.arrays().items())
    assert moved is not freeze
    found.save(tmp_path / "task")
    again = firth.load(tmp_path / "task")
    np.testing.assert_array_equal(again.predict_proba(OPINIONS), found.predict_proba(OPINIONS))
    np.testing.assert_allclose(found.predict_proba(OPINIONS).sum(1), 1, atol=1e-5)


def test_labels_that_do_not_fit(lm: Contextual) -> None:
    for labels, says in ((LABELS[:3], "one for each"), (["one"] * 20, "two labels")):
        with pytest.raises(InputError, match=says):
            lm.fine_tune(OPINIONS, labels)
    with pytest.raises(InputError, match="'odd'"):
        lm.fine_tune(OPINIONS, LABELS, validation=(["a"], ["odd"]))
    with pytest.raises(ConfigError, match="freese"):
        lm.fine_tune(OPINIONS, LABELS, freese=True)


# ---------------------------------------------------------------- published models


def test_the_published_model_gives_its_expected_outputs(shared_data: Any) -> None:
    """Three streams of ten sentences, states handed on from each to the next, as the file of outputs was made."""
    h5py = pytest.importorskip("h5py")
    folder = shared_data("formats/elmo")
    lm = firth.load(folder)
    words = (folder / "vocab_test.txt").read_text().split()
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file, torch.no_grad():
        found = lm.network.vectors(lm._forms(words)).numpy()
        np.testing.assert_allclose(found, file["embedding"][...], atol=1e-5)
    sentences = json.loads((folder / "sentences.json").read_text())
    files = [h5py.File(folder / f"lm_embeddings_{k}.hdf5") for k in range(3)]
    states = None
    for number in range(10):
        cut = [stream[number].split() for stream in sentences]
        forms, places, lengths = lm.spelled(cut)
        with torch.no_grad():
            layers, states = lm.network.layers_from(lm.network.vectors(forms)[places], lengths, states)
        for row, (file, sentence) in enumerate(zip(files, cut, strict=True)):
            expected = np.concatenate(file[str(number)][...], -1)
            np.testing.assert_allclose(layers[-1, row, 1 : len(sentence) + 1], expected, atol=1e-5)


def test_a_published_model_encodes_is_saved_and_predicts_nothing(shared_data: Any, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder = shared_data("formats/elmo")
    lm = firth.load(folder)
    assert lm.encode(["What a World Cup ."], pooling="tokens", layers="all")[0].shape == (3, 5, 32)
    with pytest.raises(ConfigError, match="no softmax"):
        lm.perplexity(["What a World Cup ."])
    lm.save(tmp_path / "elmo")
    np.testing.assert_array_equal(firth.load(tmp_path / "elmo").encode(["a b"]), lm.encode(["a b"]))
    by_files = firth.ELMo.published(folder / "options.json", folder / "lm_weights.hdf5")
    np.testing.assert_array_equal(by_files.encode(["a b"]), lm.encode(["a b"]))


def test_published_models_that_are_damaged_or_of_another_kind(shared_data: Any, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    folder = shared_data("formats/elmo")
    options, weights = (folder / "options.json").read_text(), (folder / "lm_weights.hdf5").read_bytes()
    (tmp_path / "options.json").write_text(options)
    (tmp_path / "lm_weights.hdf5").write_bytes(weights[:-5000])
    with pytest.raises(CorruptFileError):
        firth.load(tmp_path)
    (tmp_path / "lm_weights.hdf5").write_bytes(weights)
    for old, new, kind in (
        ('"relu"', '"tanh"', FormatError),
        ('"dim": 64', '"dim": 65', CorruptFileError),
        ('"lstm"', '"gru"', FormatError),
        ("{", "[", CorruptFileError),
    ):
        (tmp_path / "options.json").write_text(options.replace(old, new, 1))
        with pytest.raises(kind):
            firth.load(tmp_path)
    (tmp_path / "options.json").write_text(options)
    (tmp_path / "other_weights.hdf5").write_bytes(weights)
    with pytest.raises(FormatError, match="one file of weights"):
        firth.load(tmp_path)


# ---------------------------------------------------------------- RNNLM


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_a_recurrent_model_learns(cell: Any, tmp_path: Path) -> None:
    lm = RNN.replace(cell=cell).fit(TEXT, threads=1, progress=False)
    assert lm.perplexity(TEXT) < 3
    assert lm.generate("we sat", temperature=0).startswith("we sat on the bank")
    (tokens,) = lm.encode(["we sat on"], pooling="tokens")
    assert tokens.shape == (3, 16)
    np.testing.assert_allclose(lm.encode(["we sat on"])[0], tokens.mean(0), atol=1e-6)
    np.testing.assert_allclose(lm.encode(["we sat on", ""], pooling="last"), [tokens[2], np.zeros(16)], atol=1e-6)
    ids = lm.tokens(["we sat"])[0]
    steps = [lm.next_log_probabilities([ids[:at]])[0][token] for at, token in enumerate(ids)]
    np.testing.assert_allclose(lm.log_probabilities([ids])[0][:-1], steps, atol=1e-5)
    lm.save(tmp_path / "rnn")
    assert firth.load(tmp_path / "rnn").perplexity(TEXT) == lm.perplexity(TEXT)
    with pytest.raises(ConfigError, match="pooling"):
        lm.encode(["a"], pooling="max")


@pytest.mark.parametrize(
    "change",
    [{"cell": "rnn"}, {"dim": 15}, {"hidden": 15}, {"layers": 2}, {"length": 5}, {"dropout": 0.5}, {"samples": 3}],
    ids=str,
)
def test_every_option_of_a_recurrent_model_does_something(change: dict[str, Any]) -> None:
    usual, other = (
        RNN.replace(steps=2, **how).fit(TEXT[:8], threads=1, progress=False).arrays() for how in ({}, change)
    )
    assert any(
        name not in usual or usual[name].shape != array.shape or not np.array_equal(usual[name], array)
        for name, array in other.items()
    )


def test_the_gap_of_elmo_must_be_there_once(lm: Contextual) -> None:
    with pytest.raises(InputError, match="once"):
        lm.fill_mask("no gap")
