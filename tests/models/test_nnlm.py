"""NNLM: Bengio's formula, what it learns, what can be asked, its folder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import firth
from firth.errors import ConfigError, CorruptFileError, FormatError, InputError
from firth.models.language_model import LanguageModel
from firth.models.nnlm import NextWord

TEXT = ["i like to eat rice", "i like to eat bread", "i like to drink tea", "i like to drink milk"] * 20
QUICK = firth.NNLM(dim=8, hidden=16, window=4, steps=120, batch_tokens=128, lr=0.02, seed=2)


@pytest.fixture(scope="module")
def lm() -> NextWord:
    found = QUICK.fit(TEXT, progress=False, threads=1)
    assert isinstance(found, NextWord)
    return found


def test_the_formula_of_the_paper() -> None:
    """softmax(W₂ tanh(W₁ x + b₁) + b₂ + D x) in NumPy, with the rows of Q looked up by one-hot products."""
    for direct in (False, True):
        lm = QUICK.replace(direct=direct, steps=10).fit(TEXT, progress=False, threads=1)
        arrays = lm.arrays()
        ids = lm.tokens(["i like to eat"])[0]
        hot = np.eye(len(lm.tokenizer), dtype=np.float32)[ids]
        x = (hot @ arrays["table.weight"]).ravel()
        h = np.tanh(arrays["hidden.weight"] @ x + arrays["hidden.bias"])
        w2, d = arrays["output.weight"][:, :16], arrays["output.weight"][:, 16:]
        scores = w2 @ h + arrays["output.bias"] + (d @ x if direct else 0)
        log_p = scores - np.log(np.exp(scores).sum())
        np.testing.assert_allclose(lm.next_log_probabilities([ids])[0], log_p, atol=1e-5)


def test_foods_are_eaten_and_drinks_are_drunk(lm: NextWord) -> None:
    assert {word for word, _ in lm.fill_mask("i like to eat [MASK]", topn=2)} == {"rice", "bread"}
    assert {word for word, _ in lm.fill_mask("i like to drink [MASK]", topn=2)} == {"tea", "milk"}
    assert lm.fill_mask("i like to [MASK] tea", topn=1)[0][0] == "drink"  # the right side decides
    assert lm.fill_mask("i like to [MASK] rice", topn=1)[0][0] == "eat"


def test_perplexity_is_what_sentences_say(lm: NextWord) -> None:
    """Four sentences, each as probable as the next: 4 in all, over six predictions."""
    assert lm.perplexity(TEXT) == pytest.approx(4 ** (1 / 6), rel=0.05)
    logs = lm.sentence_log_probability(TEXT[:4])
    assert lm.score(TEXT[:4]).nats == pytest.approx(-logs.sum()) and lm.score(TEXT[:4]).tokens == 24
    assert np.exp(logs).sum() == pytest.approx(1, abs=0.05)
    one = lm.log_probabilities(lm.tokens(["i like to eat rice"]))[0]
    stepwise = [
        lm.next_log_probabilities([ids])[0][token]
        for ids, token in _prefixes([*lm.tokens(["i like to eat rice"])[0], lm.tokenizer.id_of("eos")])
    ]
    np.testing.assert_allclose(one, stepwise, atol=1e-5)


def _prefixes(ids: list[int]) -> list[tuple[list[int], int]]:
    return [(ids[:at], ids[at]) for at in range(len(ids))]


def test_generating(lm: NextWord) -> None:
    assert lm.generate(temperature=0) in TEXT
    assert {lm.generate("i like to", seed=seed) for seed in range(20)} == set(TEXT)
    assert lm.generate("i like", tokens=1) == "i like to"
    assert lm.generate("i like to", topk=1, seed=5) == lm.generate("i like to", temperature=0)
    assert lm.generate("i", seed=3) == lm.generate("i", seed=3)
    with pytest.raises(ConfigError, match="temperature"):
        lm.generate(temperature=-1)


def test_the_table_is_vectors(lm: NextWord) -> None:
    vectors = lm.token_vectors()
    assert isinstance(vectors, firth.Vectors) and vectors.dim == 8
    assert np.array_equal(vectors["rice"], lm.table[lm.tokenizer.tokens.index("rice")])


def test_encode_gives_the_hidden_layer(lm: NextWord) -> None:
    found = lm.encode(["i like", "like", ""])
    assert found.shape == (3, 16) and not found[2].any()
    start, like = lm.tokenizer.id_of("bos"), lm.tokens(["like"])[0][0]
    with torch.no_grad():
        expected = lm.network.activity(torch.tensor([[start, start, start, like]]))[0]
    np.testing.assert_allclose(found[1], expected.numpy(), atol=1e-6)


def test_a_gap_must_be_there_once(lm: NextWord) -> None:
    for text in ("no gap", "[MASK] and [MASK]"):
        with pytest.raises(InputError, match="once"):
            lm.fill_mask(text)


def test_texts_are_strings(lm: NextWord) -> None:
    with pytest.raises(InputError, match="int"):
        lm.encode([3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "change",
    [
        {"dim": 7},
        {"hidden": 15},
        {"window": 2},
        {"direct": True},
        {"samples": 4},
        {"dropout": 0.5},
        {"units": "characters"},
        {"vocab_size": 8},
        {"min_count": 30},
    ],
    ids=str,
)
def test_every_option_does_something(change: dict[str, Any]) -> None:
    usual, other = (QUICK.replace(steps=3, **how).fit(TEXT, progress=False, threads=1).arrays() for how in ({}, change))
    assert any(name not in usual or not np.array_equal(usual[name], array) for name, array in other.items())


def test_starting_from_vectors() -> None:
    keys = ["rice", "tea", "stone"]
    start = firth.Vectors(keys, np.eye(3, 8, dtype=np.float32))
    model = QUICK.replace(steps=3)
    tuned = model.fit(TEXT, init=start, progress=False, threads=1).token_vectors()
    assert not np.array_equal(tuned["rice"], start["rice"]) and np.abs(tuned["rice"] - start["rice"]).max() < 0.2
    frozen = model.fit(TEXT, init=start, frozen=True, progress=False, threads=1).token_vectors()
    assert np.array_equal(frozen["rice"], start["rice"]) and np.array_equal(frozen["tea"], start["tea"])
    fresh = QUICK.replace(steps=1, lr=1e-12).fit(TEXT, progress=False, threads=1).token_vectors()
    assert not np.array_equal(frozen["milk"], fresh["milk"])
    with pytest.raises(ConfigError, match="init"):
        model.fit(TEXT, frozen=True)
    with pytest.raises(ConfigError, match="dim=3"):
        model.fit(TEXT, init=firth.Vectors(keys, np.eye(3, dtype=np.float32)))


def test_validation_resume_and_the_log(tmp_path: Path) -> None:
    model = QUICK.replace(steps=20)
    whole = model.fit(TEXT, validation=0.25, progress=False, threads=1)

    class StopError(Exception):
        pass

    def stop(report: Any) -> None:
        if report.step == 9:
            raise StopError

    with pytest.raises(StopError):
        model.fit(TEXT, validation=0.25, workdir=tmp_path, checkpoint_every=1e-9, callbacks=[stop], threads=1)
    resumed = model.fit(TEXT, validation=0.25, workdir=tmp_path, resume=True, threads=1)
    assert all(np.array_equal(array, resumed.arrays()[name]) for name, array in whole.arrays().items())
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 20
    with pytest.raises(ConfigError, match="another run: dim was 8, is 9"):
        model.replace(dim=9).fit(TEXT, validation=0.25, workdir=tmp_path, resume=True, threads=1)
    with pytest.raises(ConfigError, match="workdir"):
        model.fit(TEXT, checkpoint_every="1m")
    again = model.fit(TEXT, validation=TEXT[-20:], progress=False, threads=1)
    assert all(np.array_equal(array, again.arrays()[name]) for name, array in whole.arrays().items()) is False


# ---------------------------------------------------------------- the folder


def test_the_folder_opens_again(lm: NextWord, tmp_path: Path) -> None:
    lm.save(tmp_path / "lm")
    again = firth.load(tmp_path / "lm", verify="full")
    assert isinstance(again, NextWord) and again.options == lm.options and again.text == lm.text
    assert again.perplexity(TEXT[:4]) == lm.perplexity(TEXT[:4])
    assert again.provenance == json.loads(json.dumps(lm.provenance))
    names = {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "provenance.json",
        "README.md",
    }
    assert {path.name for path in (tmp_path / "lm").iterdir()} == names
    lm.save(tmp_path / "lm")  # over itself
    assert firth.loading.load_vectors(tmp_path / "lm")["tea"].tolist() == lm.token_vectors()["tea"].tolist()
    described = firth.formats.describe(tmp_path / "lm")
    assert described["model"] == "nnlm" and described["parameters"] == sum(a.size for a in lm.arrays().values())


def test_other_libraries_read_its_files(lm: NextWord, tmp_path: Path) -> None:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    lm.save(tmp_path / "lm")
    arrays = load_file(tmp_path / "lm/model.safetensors")
    assert np.array_equal(arrays["table.weight"], lm.table)
    assert Tokenizer.from_file(str(tmp_path / "lm/tokenizer.json")).encode("eat rice").ids == lm.tokens(["eat rice"])[0]


def test_text_is_cut_as_it_was(tmp_path: Path) -> None:
    text = firth.Text(["The cat, the CAT.", "a dog!"] * 10, tokenizer="words", lower=True)
    lm = QUICK.replace(steps=5).fit(text, progress=False, threads=1)
    lm.save(tmp_path / "lm")
    again = firth.load(tmp_path / "lm")
    assert again.tokens(["CAT, dog"]) == [[again.tokenizer.tokens.index("cat"), again.tokenizer.tokens.index("dog")]]


def test_damage_is_found(lm: NextWord, tmp_path: Path) -> None:
    lm.save(tmp_path / "lm")
    path = tmp_path / "lm/model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    with pytest.raises(CorruptFileError, match="cut short"):
        firth.load(tmp_path / "lm")
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    with pytest.raises(CorruptFileError, match="checksum"):
        firth.load(tmp_path / "lm", verify="full")
    for name in ("config.json", "tokenizer.json", "provenance.json"):
        lm.save(tmp_path / "other")
        (tmp_path / "other" / name).unlink()
        with pytest.raises((CorruptFileError, FormatError, InputError)):
            firth.load(tmp_path / "other")
        import shutil

        shutil.rmtree(tmp_path / "other")


def test_weights_of_another_network_are_refused(lm: NextWord, tmp_path: Path) -> None:
    lm.save(tmp_path / "lm")
    lm_of_9 = NextWord(QUICK.replace(dim=9), lm.network, lm.tokenizer, lm.text)
    lm_of_9.save(tmp_path / "lm")
    with pytest.raises(CorruptFileError, match="shape"):
        firth.load(tmp_path / "lm")


def test_vectors_are_no_language_model(tmp_path: Path) -> None:
    firth.Vectors(["a"], [[1.0]]).save(tmp_path / "v")
    with pytest.raises(FormatError, match="no language model"):
        LanguageModel.load(tmp_path / "v")


def test_a_config_makes_the_round_trip(tmp_path: Path) -> None:
    model = firth.NNLM(dim=7, minutes=3.0, warmup=0.5, direct=True, clip=None)
    assert firth.NNLM.from_dict(json.loads(json.dumps(model.to_dict()))) == model
    path = tmp_path / "nnlm.toml"
    path.write_text(model.to_toml())
    assert firth.NNLM.from_toml(path) == model.replace(clip=1.0)  # TOML has no null, and a default says nothing


def test_characters_of_two_languages() -> None:
    lm = QUICK.replace(units="characters", steps=150).fit(["我喜欢学习", "we like it"] * 20, progress=False, threads=1)
    assert lm.generate("我", temperature=0) == "我喜欢学习"
    assert lm.tokens(["喜欢"])[0][0] == lm.tokenizer.tokens.index("喜")
