"""The Transformer as a model: it learns what has a known answer, writes it, and says where it looked."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, InputError

torch = pytest.importorskip("torch")

from firth.formats import language_model  # noqa: E402
from firth.models.language_model import LanguageModel  # noqa: E402
from firth.models.transformer import Taught, Transformer, Translator  # noqa: E402

SMALL: dict[str, Any] = {
    "units": "characters", "layers": 1, "heads": 2, "dim": 32, "ffn_dim": 32, "dropout": 0.0,
    "batch_tokens": 160, "lr": 5e-3,
}  # fmt: skip
LETTERS = "abcdef"


def reversals(number: int, seed: int) -> list[tuple[str, str]]:
    """Strings of 1 to 3 letters, and the same from behind."""
    chance = random.Random(seed)
    strings = ["".join(chance.choice(LETTERS) for _ in range(chance.randint(1, 3))) for _ in range(number)]
    return [(string, string[::-1]) for string in strings]


UNSEEN = [(a, b) for a, b in sorted(set(reversals(2000, 2)))[::5] if len(a) == 3]


def fit(pairs: Any, **options: Any) -> Translator:
    run = {name: options.pop(name) for name in ("validation", "init", "frozen", "tokenizer") if name in options}
    return Transformer(**{**SMALL, **options}).fit(pairs, threads=1, precision="fp32", **run)


@pytest.fixture(scope="module")
def reverse() -> Translator:
    seen = [pair for pair in reversals(3000, 1) if pair not in UNSEEN]
    return fit(seen, steps=1500)  # after 500 one of 40 is wrong on some processors


def test_it_learns_to_reverse_exactly(reverse: Translator) -> None:
    """Strings that it never saw, a fifth of all that there are."""
    assert len(UNSEEN) == 40
    assert reverse.exact(UNSEEN) == 1
    assert reverse.exact([(a, a) for a, b in UNSEEN if a != b][:20]) == 0
    assert reverse.translate(["abc", "e", "dcb"]) == ["cba", "e", "bcd"]
    assert reverse.translate(["abc", "e", "dcb"], beams=1) == ["cba", "e", "bcd"]


def test_what_is_written_is_likely(reverse: Translator) -> None:
    right, wrong = reverse.score([("abc", "cba")]), reverse.score([("abc", "abc")])
    assert right.tokens == wrong.tokens == 4  # the end is predicted too
    assert right.nats < 0.5 and wrong.nats > 3
    (found,) = reverse.candidates(["abc"], beams=3)
    assert len(found) == 3 and found[0].score >= found[1].score >= found[2].score
    assert found[0].nats == pytest.approx(right.nats, abs=1e-4)
    assert reverse.score([("abc", "cba")] * 70).nats == pytest.approx(70 * right.nats, rel=1e-4)


def test_options_of_writing(reverse: Translator) -> None:
    assert reverse.translate(["abc"], longest=2) == ["cb"]
    scores = [reverse.candidates(["abc"], alpha=alpha)[0][0].score for alpha in (0.0, 2.0)]
    assert scores[0] < scores[1] < 0
    for wrong in ({"beams": 0}, {"alpha": -1.0}, {"longest": 0}):
        with pytest.raises(ConfigError, match="translate needs"):
            reverse.translate(["a"], **wrong)
    with pytest.raises(InputError, match="strings"):
        reverse.translate([3])  # type: ignore[list-item]
    assert reverse.translate([]) == []


def test_texts_that_are_read_together_are_read_alone(reverse: Translator) -> None:
    texts = [source for source, _ in reversals(100, 5)]
    together = reverse.translate(texts)
    assert together == [reverse.translate([text])[0] for text in texts[:5]] + together[5:]
    assert np.allclose(
        reverse.encode(texts)[:3], np.stack([reverse.encode([text])[0] for text in texts[:3]]), atol=1e-5
    )
    assert reverse.encode(texts).shape == (100, 32)


def test_where_it_looks(reverse: Translator) -> None:
    """Writing the i-th letter from behind, it looks at the i-th letter from behind."""
    seen = reverse.attention("abc", "cba")
    assert seen.queries == ["<s>", "c", "b", "a"] and seen.keys == ["a", "b", "c", "</s>"]
    assert seen.weights.shape == (1, 2, 4, 4)
    assert np.allclose(seen.weights.sum(-1), 1, atol=1e-5)
    looked_at = seen.weights[-1].sum(0)[:3, :3].argmax(1)
    assert looked_at.tolist() == [2, 1, 0]
    within = reverse.attention("abc", of="decoder")
    assert within.queries == within.keys and np.allclose(np.triu(within.weights[0, 0], 1), 0), "a lower triangle"
    assert reverse.attention("abc", of="encoder").weights.shape == (1, 2, 4, 4)
    with pytest.raises(ConfigError, match="cross"):
        reverse.attention("abc", of="heads")


def test_it_is_saved_and_opens_again(reverse: Translator, tmp_path: Path) -> None:
    reverse.save(tmp_path / "model")
    again = firth.load(tmp_path / "model")
    assert isinstance(again, Translator) and again.options == reverse.options
    assert again.translate(["abc"]) == ["cba"]
    assert np.array_equal(again.table, reverse.table) and again.table.shape == (len(reverse.tokenizer), 32)
    assert firth.load(tmp_path / "model").token_vectors()["a"].shape == (32,)


def test_a_folder_with_our_own_names_opens(reverse: Translator, tmp_path: Path) -> None:
    """As they were written before they were Hugging Face's: without the options that came with it."""
    config = reverse.saved_config()
    del config["model"]["activation"], config["model"]["output_bias"]
    language_model.save(
        tmp_path / "old", config, LanguageModel.arrays(reverse), reverse.tokenizer.to_json(), reverse.provenance
    )
    again = firth.load(tmp_path / "old")
    assert again.options == reverse.options and again.translate(["abc"]) == ["cba"]


def test_files_of_pairs(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in reversals(50, 1)))
    one, other = fit(tmp_path / "pairs.tsv", steps=3), fit(reversals(50, 1), steps=3)
    assert np.array_equal(one.table, other.table), "the same run"
    assert one.exact(tmp_path / "pairs.tsv") == other.exact(reversals(50, 1))
    lower = fit(firth.Text([("AB", "BA")], lower=True), steps=1)
    assert lower.tokenizer.tokens[4:] == ["a", "b"] and lower.tokens(["AB"]) == [[4, 5]]


def test_a_side_without_words_is_named() -> None:
    with pytest.raises(InputError, match=r"Pair 2 .*no word is left of its target"):
        fit(firth.Text([("a", "b"), ("c", "?!")], tokenizer="words"), steps=1)


def test_every_option_does_something() -> None:
    """Each changes the network, the loss, or what is learnt from."""
    pairs = reversals(40, 3)

    def learnt(**options: Any) -> tuple[Any, ...]:
        model = fit(pairs, **{"steps": 4, **options})
        reports = model.provenance["reports"]
        return reports[-1]["loss"], len(model.tokenizer), sum(one.numel() for one in model.network.parameters())

    usual = learnt()
    assert usual == learnt(), "and nothing else does"
    for options in (
        {"layers": 2}, {"heads": 4}, {"dim": 16}, {"ffn_dim": 16}, {"norm": "pre"}, {"dropout": 0.3},
        {"activation": "silu"}, {"output_bias": True},
        {"label_smoothing": 0.0}, {"length": 3}, {"units": "words"}, {"warmup": 0.5}, {"schedule": "constant"},
        {"beta2": 0.9}, {"weight_decay": 10.0}, {"lr": 1e-2}, {"seed": 2}, {"vocab_size": 7}, {"min_count": 30},
    ):  # fmt: skip
        assert learnt(**options) != usual, options


def test_options_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="3 heads cannot part dim=32"):
        Transformer(dim=32, heads=3)
    with pytest.raises(ConfigError, match="inverse_sqrt"):
        Transformer(warmup=0)
    with pytest.raises(InputError, match="Raise length"):
        fit([("abcdef", "fedcba")], length=3, steps=1)


def test_by_default_it_is_the_papers() -> None:
    paper = Transformer()
    assert (paper.layers, paper.heads, paper.dim, paper.ffn_dim) == (6, 8, 512, 2048)
    assert (paper.norm, paper.dropout, paper.label_smoothing, paper.beta2) == ("post", 0.1, 0.1, 0.98)
    assert (paper.activation, paper.output_bias) == ("relu", False)
    for step in (1, 1000, 4000, 16_000, 99_999):
        rate = 512**-0.5 * min(step**-0.5, step * 4000**-1.5)  # eq. 3
        assert paper.lr_at(step, 100_000, 0.0) == pytest.approx(rate, rel=5e-3 if step > 1 else 0.6)


def test_smoothed_labels_are_learnt_and_plain_ones_measured() -> None:
    torch.manual_seed(1)
    network = Taught(9, smoothing=0.3, layers=1, heads=2, dim=8, ffn_dim=8, dropout=0.0)
    given = {
        "source": torch.tensor([[5, 6, 3]]), "present": torch.ones(1, 3, dtype=torch.bool),
        "inputs": torch.tensor([[2, 6, 0]]), "targets": torch.tensor([[6, 3, -100]]),
    }  # fmt: skip
    logs = network.logits(network.decode(given["inputs"], network.encode(given["source"]))).log_softmax(-1)[0].detach()
    plain = -float(logs[0, 6] + logs[1, 3])
    smooth = 0.7 * plain - 0.3 * float(logs[:2].mean(-1).sum())
    assert float(network(**given)["lm"].detach()) == pytest.approx(smooth, rel=1e-5)
    assert float(network.eval()(**given)["lm"]) == pytest.approx(plain, rel=1e-5)


def test_held_out_pairs_and_given_vectors() -> None:
    model = fit(reversals(60, 1), validation=0.2, steps=4)
    assert model.provenance["reports"][-1]["validation"] is not None
    assert fit(reversals(60, 1), validation=firth.Text([("ab", "ba")]), steps=2).provenance["reports"][-1]["validation"]
    vectors = firth.Vectors(["a", "b"], np.full((2, 32), 0.5, np.float32))
    frozen = fit(reversals(60, 1), init=vectors, frozen=True, steps=2)
    assert np.allclose(frozen.token_vectors()["a"], 0.5) and not np.allclose(frozen.token_vectors()["c"], 0.5)
