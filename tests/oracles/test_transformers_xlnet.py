"""XLNet: the same numbers as Hugging Face's transformers, for weights away from where they begin; both ways."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from firth.errors import FormatError  # noqa: E402
from firth.examples.permutation import draw, hidden_by  # noqa: E402
from firth.formats import huggingface, safetensors  # noqa: E402
from firth.formats.checksums import NewFile  # noqa: E402
from firth.networks.xlnet import PermutationLanguageModel, remember  # noqa: E402

T = 9
IDS = torch.arange(3, 3 + 2 * T).view(2, T) * 7 % 60
PRESENT = torch.tensor([[False] * 3 + [True] * (T - 3), [True] * T])
SEGMENTS = torch.tensor([[0] * 5 + [1] * 3 + [2], [0] * 2 + [1] * 6 + [2]])


def config_there() -> Any:
    return transformers.XLNetConfig(
        vocab_size=60, d_model=32, n_layer=3, n_head=4, d_inner=48, dropout=0.0, mem_len=None
    )


def perturbed(network: Any) -> Any:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.15)
    return network.eval()


@pytest.fixture(scope="module")
def theirs() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return perturbed(transformers.XLNetLMHeadModel(config_there()))


@pytest.fixture(scope="module")
def ours(theirs: Any, tmp_path_factory: pytest.TempPathFactory) -> PermutationLanguageModel:
    """Our network from their folder."""
    folder = tmp_path_factory.mktemp("theirs")
    theirs.save_pretrained(folder)
    family, options = huggingface.options_of(json.loads((folder / "config.json").read_text()), folder)
    network = network_of(options)
    arrays = huggingface.to_ours(family, huggingface.read_arrays(folder), folder)
    given = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    assert network.load_state_dict(given, strict=False).missing_keys == ["pooler.weight", "pooler.bias"]
    return network.eval()


def network_of(options: dict[str, Any]) -> PermutationLanguageModel:
    sizes = {name: value for name, value in options.items() if name not in ("norm_eps", "vocab_size")}
    return PermutationLanguageModel(options["vocab_size"], **sizes, eps=options["norm_eps"])


def of_z(many: int, seed: int = 1) -> dict[str, Any]:
    """An order of factorisation in which the last `many` places are foretold."""
    chance = np.random.default_rng(seed)
    targets = np.stack([draw(np.ones(T, bool), T // many, chance) for _ in range(2)])
    return {"hidden": torch.from_numpy(hidden_by(targets, T)), "targets": torch.from_numpy(targets)}


CASES: dict[str, dict[str, Any]] = {
    "content stream": {},
    "left padding": {"present": PRESENT},
    "right padding": {"present": PRESENT.flip(1)},
    "segments": {"segments": SEGMENTS},
    "two streams": of_z(3),
    "two streams, one target": of_z(1),
    "two streams, segments, padding": {**of_z(4, seed=3), "segments": SEGMENTS, "present": PRESENT},
    "left to right": {
        "hidden": torch.from_numpy(hidden_by(np.arange(1, T)[None].repeat(2, 0), T)),
        "targets": torch.arange(1, T).expand(2, -1),
    },
}


@torch.no_grad()
@pytest.mark.parametrize("remembered", [0, 2 * T, 5])
@pytest.mark.parametrize("case", CASES)
def test_both_networks_say_the_same(case: str, remembered: int, ours: Any, theirs: Any) -> None:
    given, there = CASES[case], {}
    memory = None
    if remembered:
        states: list[Any] = []
        ours(IDS.flip(1), states=states)
        memory = remember(states, None, remembered)
        states = []
        ours(IDS.flip(0), memory=memory, states=states)
        memory = remember(states, memory, remembered)
        assert memory[0].shape[1] == remembered
        there["mems"] = [each.transpose(0, 1) for each in memory]
    if "present" in given:
        there["attention_mask"] = given["present"].float()
    if "segments" in given:
        there["token_type_ids"] = given["segments"]
    if "hidden" in given:
        there["perm_mask"] = given["hidden"].float()
        there["target_mapping"] = torch.nn.functional.one_hot(given["targets"], T).float()
    states, weights = [], []
    last = ours(IDS, **given, memory=memory, states=states, weights=weights)
    expected = theirs(IDS, **there, use_mems=True, output_attentions=True, output_hidden_states=True)
    rows = given.get("present", torch.ones(2, T, dtype=torch.bool))
    if "targets" in given:
        rows = rows.gather(1, given["targets"])
        hidden = expected.hidden_states[::2]
        seen = [streams[1].gather(2, _at(given["targets"], streams[1])) for streams in expected.attentions]
    else:
        hidden, seen = expected.hidden_states, expected.attentions
    assert torch.allclose(ours.logits(last)[rows], expected.logits[rows], atol=1e-5)
    assert ours.logits(last).std() > 0.1
    for mine, other in zip(states, hidden, strict=True):
        assert torch.allclose(mine, other, atol=1e-5)
    for mine, other in zip(weights, seen, strict=True):
        assert torch.allclose(mine, other, atol=1e-5)
    kept = remember(states, memory, 10_000)
    for mine, other in zip(kept, expected.mems, strict=True):
        assert torch.allclose(mine, other.transpose(0, 1), atol=1e-5)


def _at(targets: Any, weights: Any) -> Any:
    return targets[:, None, :, None].expand(-1, weights.shape[1], -1, weights.shape[3])


@torch.no_grad()
def test_a_model_of_ours_gives_the_same_there(tmp_path: Path) -> None:
    family, options = huggingface.options_of(config_there().to_dict(), "")
    torch.manual_seed(1)
    network = perturbed(network_of(options))
    kept = {name: tensor.numpy() for name, tensor in network.state_dict().items() if not name.startswith("pooler")}
    arrays = huggingface.to_theirs(family, kept)
    with NewFile(tmp_path / "model.safetensors") as file:
        safetensors.write(file, arrays, aligned=next(iter(arrays)), metadata={"format": "pt"})
    (tmp_path / "config.json").write_text(json.dumps(huggingface.config_of(family, options)))
    for auto in (transformers.AutoModelForPreTraining, transformers.AutoModelForCausalLM):
        there, info = auto.from_pretrained(tmp_path, output_loading_info=True)
        assert not any(info.values()), info
    given = of_z(3)
    mapping = torch.nn.functional.one_hot(given["targets"], T).float()
    expected = there.eval()(IDS, perm_mask=given["hidden"].float(), target_mapping=mapping).logits
    assert torch.allclose(network.logits(network(IDS, **given)), expected, atol=1e-5)
    body, info = transformers.AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info
    assert torch.allclose(network(IDS), body.eval()(IDS).last_hidden_state, atol=1e-5)


@torch.no_grad()
def test_classes_of_texts_are_theirs() -> None:
    """The pooler, of the last token: transformers fills rows up on the left."""
    torch.manual_seed(2)
    there = perturbed(transformers.XLNetForSequenceClassification(config_there()))
    family, options = huggingface.options_of(config_there().to_dict(), "")
    arrays = huggingface.to_ours(family, {name: each.numpy() for name, each in there.state_dict().items()}, "")
    head = [torch.from_numpy(arrays.pop(f"task.{kind}")) for kind in ("weight", "bias")]
    network = network_of(options).eval()
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, strict=False)
    states = network(IDS, PRESENT, SEGMENTS)
    found = torch.nn.functional.linear(network.pooled(states[:, -1]), *head)
    expected = there(IDS, attention_mask=PRESENT.float(), token_type_ids=SEGMENTS).logits
    assert torch.allclose(found, expected, atol=1e-5) and found.std() > 0.05


def test_names_and_options_come_back() -> None:
    family, options = huggingface.options_of(config_there().to_dict(), "")
    assert huggingface.options_of(huggingface.config_of(family, options), "")[1] == options
    arrays = {name: tensor.numpy() for name, tensor in network_of(options).state_dict().items()}
    back = huggingface.to_ours(family, huggingface.to_theirs(family, arrays), "")
    assert back.keys() == arrays.keys() and all(np.array_equal(back[name], arrays[name]) for name in arrays)


def test_what_our_network_is_not_is_refused() -> None:
    """Transformer-XL's left-to-right attention, distances that are clamped."""
    for name, value in {"attn_type": "uni", "clamp_len": 8, "bi_data": True, "same_length": True}.items():
        with pytest.raises(FormatError, match=name):
            huggingface.options_of({**config_there().to_dict(), name: value}, "folder")
