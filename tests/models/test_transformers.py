"""BERT, ALBERT and GPT: they learn, fill, write, give vectors; every option does something; files come back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import firth
from firth.errors import ConfigError, InputError
from firth.models.contextual import ContextModel
from firth.models.gpt import TextModel, window_start
from firth.models.language_model import NextTokenModel, drawn

SENTENCES = ["the cat sat on the mat .", "the dog lay on the rug .", "a bird flew over the house .", ""]
# in no order, so that a place in a row tells nothing
CATS = [SENTENCES[which] for which in np.random.default_rng(1).choice(4, 200, p=[0.3, 0.3, 0.3, 0.1]).tolist()]
SMALL: dict[str, Any] = {"layers": 1, "dim": 32, "heads": 2, "length": 16, "batch_tokens": 128, "lr": 0.01}
SEEDED = {"seed": 3}


@pytest.fixture(scope="module")
def bert() -> Any:
    return firth.BERT(
        units="words", **{**SMALL, "steps": 250, "lr": 0.005, "mask_share": 0.3, "batch_tokens": 256}
    ).fit(CATS, threads=1)


@pytest.fixture(scope="module")
def gpt() -> Any:
    return firth.GPT(units="characters", steps=150, **{**SMALL, "layers": 2}).fit(CATS, threads=1)


@pytest.fixture(scope="module")
def albert() -> Any:
    return firth.ALBERT(units="words", width=8, steps=100, **SMALL).fit(CATS, threads=1)


# ---------------------------------------------------------------- options


def weights(model: Any) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in model.network.state_dict().items()}


def same(one: Any, other: Any) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(a[name].shape == b[name].shape and torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (firth.BERT, {"layers": 2}),
        (firth.BERT, {"heads": 4}),
        (firth.BERT, {"dim": 16}),
        (firth.BERT, {"ffn_dim": 8}),
        (firth.BERT, {"length": 12}),
        (firth.BERT, {"dropout": 0.5}),
        (firth.BERT, {"activation": "relu"}),
        (firth.BERT, {"norm_eps": 0.1}),
        (firth.BERT, {"mask_share": 0.5}),
        (firth.BERT, {"next_sentence": True}),
        (firth.BERT, {"segments": 3}),
        (firth.BERT, {"seed": 4}),
        (firth.BERT, {"vocab_size": 9}),
        (firth.BERT, {"units": "wordpiece", "lower": True}),
        (firth.ALBERT, {"width": 16}),
        (firth.ALBERT, {"sentence_order": False}),
        (firth.ALBERT, {"activation": "gelu"}),
        (firth.GPT, {"blank_lines": "text"}),
        (firth.GPT, {"activation": "gelu"}),
        (firth.GPT, {"norm_eps": 0.1}),
        (firth.GPT, {"units": "words"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.name,
)
def test_every_option_does_something(model: Any, options: dict[str, Any]) -> None:
    usual = {"units": "characters" if model is firth.GPT else "words", "steps": 3, **SMALL}
    first = model(**usual).fit(CATS, threads=1)
    assert same(first, model(**usual).fit(CATS, threads=1))
    assert not same(first, model(**{**usual, **options}).fit(CATS, threads=1))


def test_whole_words_change_what_is_learnt() -> None:
    options = {**SMALL, "units": "wordpiece", "vocab_size": 40, "steps": 3}
    assert not same(
        firth.BERT(**options).fit(CATS, threads=1), firth.BERT(**options, whole_words=True).fit(CATS, threads=1)
    )


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="3 heads cannot part dim=32"):
        firth.BERT(dim=32, heads=3)
    with pytest.raises(ConfigError, match="at least"):
        firth.GPT(length=2)


def test_upper_case_is_lowered_by_the_tokenizer_itself() -> None:
    lowered = firth.BERT(units="wordpiece", lower=True, steps=1, **SMALL).fit(CATS, threads=1)
    assert lowered.tokens(["The CAT"]) == lowered.tokens(["the cat"])
    assert lowered.tokenizer.id_of("unk") not in lowered.tokens(["The CAT"])[0]


# ---------------------------------------------------------------- gaps


def shares(lm: Any, text: str, *words: str) -> list[float]:
    found = dict(lm.fill_mask(text, topn=100))
    return [found[word] for word in words]


def test_bert_fills_a_gap_from_both_sides(bert: Any) -> None:
    cat, dog = shares(bert, "the [MASK] sat on the mat .", "cat", "dog")
    assert cat > dog
    cat, dog = shares(bert, "the [MASK] lay on the rug .", "cat", "dog")
    assert dog > cat
    mat, rug = shares(bert, "the cat sat on the [MASK] .", "mat", "rug")
    assert mat > rug
    found = bert.fill_mask("the cat sat on the [MASK] .", topn=100)
    assert sum(p for _, p in found) == pytest.approx(1, abs=0.05)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert all(not answer.startswith("[") for answer, _ in found) and len(found) == len(bert.tokenizer) - 5


def test_several_gaps(bert: Any) -> None:
    answers = bert.fill_mask("the [MASK] [MASK] on the mat .", topn=3)
    assert len(answers) == 3 and answers[0][1] >= answers[1][1] >= answers[2][1]
    apart = bert.fill_mask("the [MASK] sat on the [MASK] .", topn=2)
    assert len(apart) == 2 and all(isinstance(answer, tuple) and len(answer) == 2 for answer, _ in apart)
    row, mask = bert.tokens(["the cat sat on the mat ."])[0], bert.tokenizer.id_of("mask")
    ids = bert.row([row[0], mask, mask, *row[3:]])[0]
    found = dict(bert.fill_mask("the [MASK] [MASK] on the mat .", topn=200))
    first = bert._log_p([ids], [2])[0][row[1]]
    ids[2] = row[1]
    assert found["cat sat"] == pytest.approx(np.exp(first + bert._log_p([ids], [3])[0][row[2]]))


def test_candidates(bert: Any) -> None:
    found = bert.fill_mask("the [MASK] on the rug .", candidates=["dog lay", "cat", "mat rug"])
    assert found[0][0] in ("dog lay", "cat") and len(found) == 3
    assert sum(p for _, p in found) == pytest.approx(1)
    (one, p), (other, q) = bert.fill_mask("the [MASK] sat on the mat .", candidates=["dog", "cat"])
    assert (one, other) == ("cat", "dog")
    cat, dog = shares(bert, "the [MASK] sat on the mat .", "cat", "dog")
    assert p / q == pytest.approx(cat / dog)
    assert len(bert.fill_mask("the [MASK] sat .", candidates=["cat", "dog"], topn=1)) == 1
    with pytest.raises(InputError, match="one gap, and the text has 2"):
        bert.fill_mask("[MASK] sat [MASK]", candidates=["cat"])
    with pytest.raises(InputError, match="has no token"):
        bert.fill_mask("[MASK] sat", candidates=[" "])


def test_texts_that_cannot_be_filled(bert: Any) -> None:
    with pytest.raises(InputError, match="no gap"):
        bert.fill_mask("the cat sat")
    with pytest.raises(InputError, match="reads 14"):
        bert.fill_mask("[MASK] " + "the " * 30)


def test_answers_of_several_chinese_characters() -> None:
    capitals = ["巴黎 是 法国 的 首都", "北京 是 中国 的 首都", "东京 是 日本 的 首都"]
    lines = [capitals[which] for which in np.random.default_rng(1).choice(3, 200).tolist()]
    options = {**SMALL, "units": "wordpiece", "whole_words": True, "steps": 200, "mask_share": 0.3, "lr": 0.005}
    lm = firth.BERT(**options).fit(lines, threads=1)
    of_france = dict(lm.fill_mask("[MASK][MASK]是法国的首都", candidates=["巴黎", "北京"]))
    of_china = dict(lm.fill_mask("[MASK][MASK]是中国的首都", candidates=["巴黎", "北京"]))
    assert of_france["巴黎"] > of_china["巴黎"]
    answers = [answer for answer, _ in lm.fill_mask("[MASK][MASK]是中国的首都", topn=5)]
    assert all(len(answer) == 2 for answer in answers) and {"巴黎", "北京", "东京"} & set(answers)


def test_a_text_that_was_learnt_from_surprises_less(bert: Any) -> None:
    known, strange = bert.perplexity(["the cat sat on the mat ."]), bert.perplexity(["mat the . on cat sat the"])
    assert known < strange
    score = bert.score(["the cat sat on the mat .", "a bird flew"])
    assert score.tokens == 10
    row = bert.row(bert.tokens(["a bird flew"])[0])[0]
    nats = 0.0
    for place in range(1, 4):
        masked = [*row[:place], bert.tokenizer.id_of("mask"), *row[place + 1 :]]
        nats -= bert._log_p([masked], [place])[0][row[place]]
    alone = bert.score(["a bird flew"])
    assert alone.nats == pytest.approx(nats, abs=1e-5) and alone.tokens == 3  # rows one by one: f4 rounds otherwise


# ---------------------------------------------------------------- writing


def test_gpt_writes_what_it_learnt(gpt: Any) -> None:
    assert gpt.generate("the cat", temperature=0, tokens=17).startswith("the cat sat on the ")
    assert gpt.generate("a bird flew", temperature=0, tokens=17) == "a bird flew over the house ."


@pytest.mark.parametrize("prompt", ["the cat", "the cat sat on the mat .\nthe dog lay"])
def test_the_cache_changes_no_token(gpt: Any, prompt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_cache = gpt.generate(prompt, tokens=40, seed=5)
    ids, plain = gpt.tokens([prompt])[0], []
    for scores in NextTokenModel.next_scores(gpt, ids):
        plain.append(scores)
        if len(plain) == 40:
            break
        ids.append(len(plain) % 9 + 2)
    ids = gpt.tokens([prompt])[0]
    for number, scores in enumerate(gpt.next_scores(ids)):
        assert np.allclose(scores, plain[number], atol=1e-5)
        if number == 39:
            break
        ids.append((number + 1) % 9 + 2)
    monkeypatch.setattr(TextModel, "next_scores", NextTokenModel.next_scores)
    assert gpt.generate(prompt, tokens=40, seed=5) == with_cache


def test_windows_go_on_by_halves() -> None:
    starts = [window_start(tokens, 16) for tokens in range(60)]
    assert all(tokens - start <= 16 for tokens, start in enumerate(starts))
    assert all(tokens - start >= 8 for tokens, start in enumerate(starts) if tokens > 16)
    assert set(starts) == {0, 8, 16, 24, 32, 40, 48}


def test_seeds_temperature_topk_topp(gpt: Any) -> None:
    assert gpt.generate("the", seed=1) == gpt.generate("the", seed=1)
    many = {gpt.generate("the ", seed=seed, temperature=2.0, tokens=5) for seed in range(6)}
    assert len(many) > 2
    greedy = gpt.generate("the ", temperature=0)
    assert {gpt.generate("the ", seed=seed, topk=1) for seed in range(4)} == {greedy}
    assert {gpt.generate("the ", seed=seed, topp=1e-6) for seed in range(4)} == {greedy}
    assert "".join(gpt.stream("the ", seed=4, temperature=1.5)) == gpt.generate("the ", seed=4, temperature=1.5)
    assert len(list(gpt.stream("the ", temperature=0, tokens=5))) == 6
    for bad in ({"tokens": 0}, {"temperature": -1}, {"topk": 0}, {"topp": 0.0}, {"topp": 1.5}):
        with pytest.raises(ConfigError, match="generate needs"):
            gpt.generate("the", **bad)


def test_a_token_is_drawn_by_its_probability() -> None:
    scores, chance = np.log(np.array([0.5, 0.3, 0.15, 0.05])), np.random.default_rng(1)
    draw = lambda **how: np.bincount(  # noqa: E731
        [drawn(scores, **{"temperature": 1.0, "topk": None, "topp": 1.0, **how}, chance=chance) for _ in range(4000)],
        minlength=4,
    ) / 4000  # fmt: skip
    assert draw() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.03)
    assert draw(topk=2) == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    assert draw(topp=0.79) == pytest.approx([0.625, 0.375, 0, 0], abs=0.03)
    assert draw(topp=0.81) == pytest.approx([0.526, 0.316, 0.158, 0], abs=0.03)
    assert draw(temperature=0.5)[0] == pytest.approx(0.25 / 0.365, abs=0.03)
    assert draw(temperature=0.0)[0] == 1


def test_pieces_of_a_character_wait_for_the_rest() -> None:
    lm = firth.GPT(units="bpe", vocab_size=260, steps=60, **SMALL).fit(["猫猫猫"] * 30, threads=1)
    pieces = list(lm.stream("猫", temperature=0, tokens=6))
    assert "".join(pieces).count("猫") > 1 and not any("\ufffd" in piece for piece in pieces)


def test_log_p_is_one_number_however_it_is_asked(gpt: Any) -> None:
    text = "the cat sat on the mat ."
    (logs,) = gpt.log_probabilities(gpt.tokens([text]))
    ids, end = gpt.tokens([text])[0], gpt.tokenizer.id_of("eos")
    assert len(logs) == len(ids) + 1
    whole = [end, *ids, end]
    for place in range(1, 12):
        step = gpt.next_log_probabilities([whole[:place]])[0][whole[place]]
        assert step == pytest.approx(logs[place - 1], abs=1e-4)
    assert gpt.sentence_log_probability([text])[0] == pytest.approx(logs.sum())
    assert gpt.fill_mask("the [MASK]at sat", topn=1)[0][0] == "c"


def test_gpt_keeps_line_ends_and_marks_documents(gpt: Any) -> None:
    assert gpt.tokenizer.text(gpt.tokens(["the cat\nsat"])[0]) == "the cat\nsat"
    options = firth.GPT(units="characters", **SMALL)
    with_ends = options.packed(["ab", "", "b"], cutter := options.tokenizer(["ab"]))
    shown = [cutter.tokens[token] for token in with_ends.tokens.tolist()]
    assert shown == ["a", "b", "\n", "<|endoftext|>", "b", "\n", "<|endoftext|>"]
    plain = firth.GPT(units="characters", blank_lines="text", **SMALL).packed(["ab", "", "b"], cutter)
    assert [cutter.tokens[token] for token in plain.tokens.tolist()] == ["a", "b", "\n", "\n", "b", "\n", "\n"]


def test_a_text_that_gpt_learnt_surprises_less(gpt: Any) -> None:
    assert gpt.perplexity(CATS) < 3 < gpt.perplexity(["zzz qqq xxx"])
    score = gpt.score(CATS)
    packed = gpt.options.packed(CATS, gpt.tokenizer)
    assert score.tokens == len(packed.tokens) - 1


# ---------------------------------------------------------------- vectors


@pytest.mark.parametrize("name", ["bert", "albert", "gpt"])
def test_vectors_of_texts(name: str, request: pytest.FixtureRequest) -> None:
    lm: ContextModel = request.getfixturevalue(name)
    texts = ["the cat sat", "a bird flew over the house .", "", "the"]
    means, tokens = lm.encode(texts), lm.encode(texts, pooling="tokens")
    assert means.shape == (4, 32) and means.dtype == np.float32
    for mean, states, row in zip(means, tokens, lm.rows(texts), strict=True):
        assert states.shape == (len(row), 32)
        assert np.allclose(states.mean(0), mean, atol=1e-5)
    alone = np.concatenate([lm.encode([text]) for text in texts])
    assert np.allclose(alone, means, atol=1e-5)
    below, last = lm.encode(texts, layers=0), lm.encode(texts, layers=lm.options.layers)
    assert np.allclose(last, means) and not np.allclose(below, last)
    assert np.allclose(lm.encode(texts, layers=[0, -1]), (below + last) / 2, atol=1e-5)
    assert lm.encode(texts, pooling="last4").shape == (4, 32 * lm.options.layers)
    assert lm.encode([]).shape == (0, 32)
    assert np.allclose(lm.encode("the cat"), lm.encode(["the cat"]))
    with pytest.raises(InputError, match="Texts are strings, not int"):
        lm.encode([3])  # type: ignore[list-item]
    assert -1 <= lm.similarity("the cat", "the dog") <= 1.0001
    assert lm.similarity("the cat", "the cat") == pytest.approx(1)
    if name != "gpt":
        first = lm.encode(texts, pooling="cls")
        assert np.allclose(first[0], tokens[0][0], atol=1e-5)
    with pytest.raises(ConfigError, match="pooling"):
        lm.encode(texts, pooling="max")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="layers go from 0"):
        lm.encode(texts, layers=3)
    with pytest.raises(ConfigError, match="which layers"):
        lm.encode(texts, pooling="last4", layers=1)


def test_gpt_has_no_first_token_of_its_own(gpt: Any) -> None:
    with pytest.raises(ConfigError, match="puts no token before"):
        gpt.encode(["a"], pooling="cls")


def test_static_vectors_are_means_of_contexts(bert: Any) -> None:
    assert bert.token_vectors().vectors.shape == (len(bert.tokenizer), 32)
    found = bert.token_vectors(SENTENCES)
    assert found.get_vecattr("the", "count") == 5
    states = bert.encode([SENTENCES[2]], pooling="tokens")[0]
    assert np.allclose(found["flew"], states[3], atol=1e-5)
    assert "[MASK]" not in found
    lower = bert.token_vectors(SENTENCES, layers=0)
    assert not np.allclose(lower["flew"], found["flew"])
    with pytest.raises(InputError, match="no token"):
        bert.token_vectors([""])


# ---------------------------------------------------------------- files, and learning on


@pytest.mark.parametrize("name", ["bert", "albert", "gpt"])
def test_models_come_back(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    lm = request.getfixturevalue(name)
    lm.save(tmp_path / "lm")
    again = firth.load(tmp_path / "lm", verify="full")
    assert type(again) is type(lm) and again.options == lm.options and same(again, lm)
    assert np.array_equal(again.encode(["the cat"]), lm.encode(["the cat"]))
    assert again.text == lm.text and again.tokenizer.special == lm.tokenizer.special
    lm.save(tmp_path / "lm")
    (tmp_path / "lm" / "config.json").write_text("{}")
    with pytest.raises(firth.errors.FirthError):
        firth.load(tmp_path / "lm")


def test_learning_goes_on_in_another_text(bert: Any) -> None:
    before = weights(bert)
    other = ["the fish swam in the mat ."] * 20
    on = bert.pretrain(other, learning={"steps": 60}, threads=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(bert).items())
    assert on.perplexity(other) < bert.perplexity(other)
    assert on.options.steps == 60 and on.tokenizer is bert.tokenizer


def test_vectors_to_start_from(bert: Any) -> None:
    start = firth.Vectors(["cat", "dog"], np.ones((2, 32), np.float32))
    options = firth.BERT(units="words", steps=2, **SMALL)
    learnt = options.fit(CATS, init=start, frozen=True, threads=1)
    assert np.array_equal(learnt.token_vectors()["cat"], np.ones(32, np.float32))
    assert not np.array_equal(options.fit(CATS, init=start, threads=1).token_vectors()["cat"], np.ones(32, np.float32))


def test_albert_is_one_layer(albert: Any) -> None:
    assert len(albert.network.stack.blocks) == 1
    assert albert.token_vectors()["cat"].shape == (8,)
    assert albert.perplexity(CATS[:9]) < 10 < len(albert.tokenizer)


# ---------------------------------------------------------------- where it looks


@pytest.mark.parametrize("name", ["bert", "albert", "gpt"])
def test_where_it_looks(name: str, request: pytest.FixtureRequest) -> None:
    lm: ContextModel = request.getfixturevalue(name)
    seen = lm.attention("the cat", "a dog")
    row = lm.row(*lm.tokens(["the cat", "a dog"]))[0]
    assert seen.queries == seen.keys == [lm.tokenizer.tokens[token] for token in row]
    assert seen.weights.shape == (lm.options.layers, lm.options.heads, len(row), len(row))
    assert np.allclose(seen.weights.sum(-1), 1, atol=1e-5)
    later = np.triu(np.ones((len(row), len(row)), bool), 1)
    assert bool((seen.weights[:, :, later] == 0).all()) == (name == "gpt")
