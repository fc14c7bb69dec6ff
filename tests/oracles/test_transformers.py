"""The same numbers as Hugging Face's transformers, for weights that are all away from where they begin; both ways."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import firth  # noqa: E402
from firth.formats import families, huggingface, safetensors  # noqa: E402
from firth.formats.checksums import NewFile  # noqa: E402
from firth.networks.transformer import CausalLanguageModel, MaskedLanguageModel  # noqa: E402

CONFIGS: dict[str, Any] = {
    "bert": lambda: transformers.BertConfig(
        vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48,
        max_position_embeddings=20,
    ),
    "albert": lambda: transformers.AlbertConfig(
        vocab_size=60, embedding_size=8, hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=48, max_position_embeddings=20,
    ),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=60, n_embd=32, n_layer=2, n_head=4, n_inner=48, n_positions=20, bos_token_id=1, eos_token_id=1,
    ),
}  # fmt: skip
NETWORKS = {"bert": MaskedLanguageModel, "albert": MaskedLanguageModel, "gpt2": CausalLanguageModel}
AUTO = {"bert": "AutoModelForPreTraining", "albert": "AutoModelForPreTraining", "gpt2": "AutoModelForCausalLM"}
BOTH = ["bert", "albert"]
IDS = torch.arange(3, 17).view(2, 7) * 3 % 60
PRESENT = torch.tensor([[True] * 7, [True] * 4 + [False] * 3])
SEGMENTS = torch.tensor([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]])


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        yield


def perturb(network: Any) -> Any:
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return network.eval()


def theirs_of(kind: str) -> Any:
    """Hugging Face's model with heads, perturbed."""
    model = getattr(transformers, AUTO[kind]).from_config(CONFIGS[kind]())
    return perturb(model)


def network_of(kind: str, options: dict[str, Any]) -> Any:
    """Our network of those options, not trained."""
    sizes = {name: value for name, value in options.items() if name not in ("norm_eps", "vocab_size")}
    shared = {"shared": True} if kind == "albert" else {}
    return NETWORKS[kind](options["vocab_size"], **sizes, **shared, eps=options["norm_eps"])


def read(folder: Path) -> tuple[Any, dict[str, Any]]:
    """Our network from their folder."""
    family, options = huggingface.options_of(json.loads((folder / "config.json").read_text()), folder)
    network = network_of(family.model_type, options)
    arrays = huggingface.to_ours(family, huggingface.read_arrays(folder), folder)
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    return network.eval(), options


def write(network: Any, kind: str, options: dict[str, Any], folder: Path) -> None:
    """Their folder from our network."""
    family = families.FAMILIES[kind]
    folder.mkdir()
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    theirs = huggingface.to_theirs(family, arrays)
    with NewFile(folder / "model.safetensors") as file:
        safetensors.write(file, theirs, aligned=next(iter(theirs)), metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(huggingface.config_of(family, options)))


def check_equal(kind: str, ours: Any, theirs: Any) -> None:
    """States, scores of words and of pairs, without and with padding and segments."""
    for present, segments in [(None, None), (PRESENT, None), (PRESENT, SEGMENTS)]:
        mask = {} if present is None else {"attention_mask": present.long()}
        if kind == "gpt2":
            if segments is not None:
                continue
            found = theirs(IDS, **mask, output_hidden_states=True)
            states: list[Any] = []
            last = ours(IDS, present, states=states)
            pairs = [(ours.logits(last), found.logits), *zip(states[1:-1], found.hidden_states[1:-1], strict=True)]
        else:
            types = {} if segments is None else {"token_type_ids": segments}
            found = theirs(IDS, **mask, **types, output_hidden_states=True)
            states = []
            last = ours(IDS, present, segments, states=states)
            second = found.seq_relationship_logits if kind == "bert" else found.sop_logits
            pairs = [(ours.logits(last), found.prediction_logits), (ours.pair_logits(last), second)]
            pairs += [*zip(states[1:], found.hidden_states[1:], strict=True)]
        for mine, other in pairs:
            seen = ... if present is None or mine.dim() < 3 else present
            assert torch.allclose(mine[seen], other[seen], atol=1e-5), (mine - other)[seen].abs().max()
            assert mine[seen].std() > 0.05


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_model_of_theirs_gives_the_same_here(kind: str, tmp_path: Path) -> None:
    theirs = theirs_of(kind)
    theirs.save_pretrained(tmp_path)
    assert huggingface.recognise(tmp_path)
    ours, _ = read(tmp_path)
    check_equal(kind, ours, theirs)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_model_of_ours_gives_the_same_there(kind: str, tmp_path: Path) -> None:
    _, options = huggingface.options_of(CONFIGS[kind]().to_dict(), "")
    ours = perturb(network_of(kind, options))
    write(ours, kind, options, tmp_path / "model")
    auto = getattr(transformers, AUTO[kind])
    theirs, info = auto.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(info.values()), info
    check_equal(kind, ours, theirs.eval())
    _, info = transformers.AutoModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"], info


def test_left_padding_is_theirs_with_positions() -> None:
    theirs = theirs_of("gpt2")
    family, options = huggingface.options_of(theirs.config.to_dict(), "")
    ours = network_of("gpt2", options)
    arrays = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    ours.load_state_dict({k: torch.from_numpy(v) for k, v in huggingface.to_ours(family, arrays, "").items()})
    present = torch.tensor([[False, False, *[True] * 5], [True] * 7])
    positions = (present.long().cumsum(1) - 1).clamp(min=0)
    expected = theirs(IDS, attention_mask=present.long(), position_ids=positions).logits
    found = ours.eval().logits(ours(IDS, present, positions=positions))
    assert torch.allclose(found[present], expected[present], atol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_names_and_options_come_back(kind: str) -> None:
    family, options = huggingface.options_of(CONFIGS[kind]().to_dict(), "")
    again = huggingface.options_of(huggingface.config_of(family, options), "")[1]
    assert again == options
    arrays = {name: tensor.numpy() for name, tensor in network_of(kind, options).state_dict().items()}
    back = huggingface.to_ours(family, huggingface.to_theirs(family, arrays), "")
    assert back.keys() == arrays.keys()
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)


def test_shards_old_names_and_files_without_prefix_are_read(tmp_path: Path) -> None:
    theirs = theirs_of("bert")
    theirs.save_pretrained(tmp_path / "whole", max_shard_size="30KB")
    assert len(list((tmp_path / "whole").glob("*.safetensors"))) > 1
    ours, options = read(tmp_path / "whole")
    check_equal("bert", ours, theirs)
    body = theirs.bert
    body.save_pretrained(tmp_path / "body")
    alone = huggingface.read_arrays(tmp_path / "body")
    assert "embeddings.word_embeddings.weight" in alone
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): array
        for name, array in alone.items()
    }
    found = huggingface.to_ours(families.BERT, old, tmp_path)
    network = network_of("bert", options)
    missing = network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in found.items()}, strict=False)
    assert {name.split(".")[0] for name in missing.missing_keys} == {"head", "pair"}
    expected = body(IDS, attention_mask=PRESENT.long()).last_hidden_state
    assert torch.allclose(network.eval()(IDS, PRESENT)[PRESENT], expected[PRESENT], atol=1e-5)


# ---------------------------------------------------------------- whole models


LINES = ["the cat sat on the mat .", "the dog lay on the rug .", "a bird flew over 河岸 the house ."] * 8
SMALL: dict[str, Any] = {"layers": 1, "dim": 32, "heads": 2, "length": 16, "batch_tokens": 64, "steps": 2}


@pytest.fixture(scope="module")
def learnt() -> dict[str, Any]:
    with torch.random.fork_rng(), torch.enable_grad():
        return {
            "bert": firth.BERT(vocab_size=80, next_sentence=True, **SMALL).fit(LINES, threads=1),
            "albert": firth.ALBERT(vocab_size=40, width=8, **SMALL).fit(LINES, threads=1),
            "gpt2": firth.GPT(vocab_size=280, **SMALL).fit(LINES, threads=1),
        }


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_saved_model_opens_there_with_its_tokenizer(kind: str, learnt: dict[str, Any], tmp_path: Path) -> None:
    model = learnt[kind]
    model.save(tmp_path / "lm")
    theirs, info = getattr(transformers, AUTO[kind]).from_pretrained(tmp_path / "lm", output_loading_info=True)
    assert not any(info.values()), info
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "lm")
    texts = ["the cat sat", "a 河岸"]
    for text, row in zip(texts, model.rows(texts), strict=True):
        found = tokenizer(text)
        assert found["input_ids"] == row
        assert ("token_type_ids" in found) == (kind != "gpt2")
    if kind != "gpt2":
        pair = tokenizer("the", "a")
        ((row, segments),) = model.text_rows([("the", "a")], "pair")
        assert (pair["input_ids"], pair["token_type_ids"]) == (row, segments)
        assert tokenizer.mask_token_id == model.tokenizer.id_of("mask")
    ids = tokenizer(texts[0], return_tensors="pt")
    states = theirs.eval()(**ids, output_hidden_states=True).hidden_states[-1][0].numpy()
    assert np.allclose(model.encode(texts[:1], pooling="tokens")[0], states, atol=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_folder_of_theirs_opens_here(kind: str, learnt: dict[str, Any], tmp_path: Path) -> None:
    learnt[kind].save(tmp_path / "lm")
    theirs = perturb(getattr(transformers, AUTO[kind]).from_pretrained(tmp_path / "lm"))
    theirs.save_pretrained(tmp_path / "theirs")
    transformers.AutoTokenizer.from_pretrained(tmp_path / "lm").save_pretrained(tmp_path / "theirs")
    ours = firth.load(tmp_path / "theirs")
    (tmp_path / "theirs" / "tokenizer_config.json").unlink()
    assert firth.load(tmp_path / "theirs").tokenizer.special.items() >= learnt[kind].tokenizer.special.items()
    assert type(ours) is type(learnt[kind]) and ours.tokenizer.kind == learnt[kind].tokenizer.kind
    ids = torch.tensor(ours.rows(["the cat sat"]))
    expected = theirs(input_ids=ids, output_hidden_states=True).hidden_states[-1][0].numpy()
    assert np.allclose(ours.encode(["the cat sat"], pooling="tokens")[0], expected, atol=1e-5)
    ours.save(tmp_path / "again")
    again = getattr(transformers, AUTO[kind]).from_pretrained(tmp_path / "again")
    mine, other = again.state_dict(), theirs.state_dict()
    assert mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)
    with torch.enable_grad():
        assert ours.pretrain(LINES, learning={"steps": 1}, threads=1).options.steps == 1


@pytest.mark.parametrize("task", ["classify", "regress", "tag", "pair"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_what_was_taught_opens_there(kind: str, task: Any, learnt: dict[str, Any], tmp_path: Path) -> None:
    texts = {"tag": [["the", "cat"], ["a", "bird"]], "pair": [("the cat", "sat"), ("a bird", "flew")]}
    some = texts.get(task, ["the cat sat", "a bird flew over"]) * 4
    labels = {"regress": [1.5, 3.0], "tag": [["D", "N"], ["D", "N"]]}.get(task, ["good", "bad"]) * 4
    with torch.enable_grad():
        taught = learnt[kind].fine_tune(some, labels, task=task, steps=3, lr=0.01, threads=1)
    taught.save(tmp_path / "taught")
    auto = "AutoModelForTokenClassification" if task == "tag" else "AutoModelForSequenceClassification"
    theirs, info = getattr(transformers, auto).from_pretrained(tmp_path / "taught", output_loading_info=True)
    assert not any(info.values()), info
    if task == "tag":
        row, begins = taught.model.word_rows(some[:1])[0]
        logits = theirs.eval()(input_ids=torch.tensor([row])).logits[0][torch.tensor(begins)]
        assert np.allclose(taught.predict_proba(some[:1])[0], logits.softmax(-1).numpy(), atol=1e-5)
        return
    ((row, segments),) = taught.model.text_rows(some[:1], task)
    types = {} if kind == "gpt2" else {"token_type_ids": torch.tensor([segments])}
    logits = theirs.eval()(input_ids=torch.tensor([row]), **types).logits
    if task == "regress":
        assert taught.predict(some[:1])[0] == pytest.approx(taught.mean + taught.spread * logits.item(), abs=1e-4)
    else:
        assert np.allclose(taught.predict_proba(some[:1]), logits.softmax(-1).numpy(), atol=1e-5)
        assert [theirs.config.id2label[n] for n in range(2)] == taught.classes_
