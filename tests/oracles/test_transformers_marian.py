"""The Transformer: the same numbers and the same texts as Hugging Face's Marian, for weights that moved; both ways."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import firth  # noqa: E402
from firth.errors import CorruptFileError, FormatError  # noqa: E402
from firth.formats import families, huggingface  # noqa: E402
from firth.models.transformer import Translator  # noqa: E402

PAIRS = [(" ".join(text), " ".join(text[::-1])) for size in (1, 2, 3) for text in product("abcd", repeat=size)]
TEXTS = ["a b c", "d", "c a", "b b b a d"]
SMALL: dict[str, Any] = {
    "units": "words", "layers": 2, "heads": 4, "dim": 32, "ffn_dim": 48, "length": 20, "batch_tokens": 320, "lr": 5e-3,
    "dropout": 0.0,
}  # fmt: skip
AGREE = {"atol": 1e-5, "rtol": 0}


def learnt(**options: Any) -> Translator:
    return firth.Transformer(**{**SMALL, "steps": 2, **options}).fit(PAIRS, threads=1, precision="fp32")


def perturbed(network: Any) -> Any:
    """Every weight, bias and norm away from where it begins; the output's bias too, which is no parameter there."""
    torch.manual_seed(0)
    learnt = [each for each in network.parameters() if each.requires_grad]  # and no sinusoids
    with torch.no_grad():
        for tensor in [*learnt, *(each for name, each in network.named_buffers() if name == "final_logits_bias")]:
            tensor.add_(torch.randn_like(tensor), alpha=0.15)
    return network.eval()


def config_there(**other: Any) -> Any:
    """Their Marian as the published ones are: pad begins a target. Ids are those of `learnt`'s words."""
    sizes = {f"{side}_{name}": size for side in ("encoder", "decoder") for name, size in [
        ("layers", 2), ("attention_heads", 4), ("ffn_dim", 48),
    ]}  # fmt: skip
    return transformers.MarianConfig(**{
        **sizes, "vocab_size": 10, "d_model": 32, "max_position_embeddings": 30, "activation_function": "swish",
        "scale_embedding": True, "pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 3,
        "forced_eos_token_id": 3, "bos_token_id": 2, **other,
    })  # fmt: skip


def folder_there(folder: Path, tokenizer: Path, **other: Any) -> Any:
    """A perturbed model of theirs, saved by them with the tokenizer in another folder; the model."""
    theirs = perturbed(transformers.MarianMTModel(config_there(**other)))
    theirs.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(tokenizer).save_pretrained(folder)
    return theirs


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ours, learnt for two steps."""
    path = tmp_path_factory.mktemp("few") / "model"
    learnt().save(path)
    return path


@pytest.fixture(scope="module")
def reverse() -> Translator:
    return learnt(steps=150)


def given(model: Translator) -> dict[str, Any]:
    """A batch with padding on both sides, as `EncoderDecoder.forward` takes it."""
    rows = model._sources(TEXTS)
    source, present = model._padded(rows)
    target, known = model._padded([[model.tokenizer.id_of("bos"), *row[:-1]] for row in rows])
    return {"source": source, "present": present, "target": target, "known": known}


@torch.no_grad()
def check_equal(ours: Translator, theirs: Any) -> None:
    """Scores of the next word at every place that is no padding, and the encoder's states."""
    batch = given(ours)
    source, present, target, known = batch.values()
    assert not present.all() and not known.all()
    memory = ours.network.encode(source, present)
    scores = ours.network.logits(ours.network.decode(target, memory, present))
    found = theirs(input_ids=source, attention_mask=present.long(), decoder_input_ids=target)
    assert torch.allclose(memory[present], found.encoder_last_hidden_state[present][:, halves(memory)], **AGREE)
    assert torch.allclose(scores[known], found.logits[known], **AGREE), (scores - found.logits)[known].abs().max()
    assert scores[known].std() > 0.1


def halves(states: Any) -> Any:
    """Where each number of ours is in theirs: sines first, then cosines."""
    width = states.shape[-1]
    return torch.arange(width) // 2 + torch.arange(width) % 2 * ((width + 1) // 2)


def written_there(theirs: Any, ours: Translator, longest: int = 12) -> list[list[int]]:
    """What they write greedily, without start and end; published ones have an end as the last token of all."""
    source, present = ours._padded(ours._sources(TEXTS))
    rows = theirs.generate(
        source, attention_mask=present.long(), do_sample=False, num_beams=1, max_new_tokens=longest + 1
    ).tolist()
    assert {row[0] for row in rows} == {ours.tokenizer.id_of("bos")}
    end = ours.tokenizer.id_of("eos")
    return [row[1 : row.index(end, 1) if end in row[1:] else None][:longest] for row in rows]


def written_here(ours: Translator, longest: int = 12) -> list[list[int]]:
    return [each[0].ids for each in ours.candidates(TEXTS, beams=1, longest=longest)]


@pytest.mark.parametrize(
    "options", [{}, {"activation": "silu", "output_bias": True}, {"dim": 30, "heads": 2}, {"dim": 27, "heads": 3}]
)
def test_a_model_of_ours_gives_the_same_there(options: dict[str, Any], tmp_path: Path) -> None:
    """An odd width has one sine more than cosines."""
    ours = learnt(**options)
    perturbed(ours.network)
    ours.save(tmp_path / "model")
    theirs, info = transformers.MarianMTModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(info.values()), info
    check_equal(ours, theirs.eval())
    assert written_here(ours) == written_there(theirs, ours)
    _, info = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(info.values()), info
    again = firth.load(tmp_path / "model")
    assert again.options == ours.options
    mine, other = ours.network.state_dict(), again.network.state_dict()
    assert mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)


@pytest.mark.parametrize("activation", ["swish", "relu", "gelu"])
def test_a_model_of_theirs_gives_the_same_here(activation: str, few: Path, tmp_path: Path) -> None:
    theirs = folder_there(tmp_path / "theirs", few, activation_function=activation)
    assert theirs.final_logits_bias.std() > 0.05
    ours = firth.load(tmp_path / "theirs")
    assert isinstance(ours, Translator) and ours.options.output_bias
    assert ours.tokenizer.id_of("bos") == ours.tokenizer.id_of("pad") == 0, "a target begins with pad"
    check_equal(ours, theirs)
    assert written_here(ours) == written_there(theirs, ours)
    assert ours.table.shape == (len(ours.tokenizer), 32), "rows without a token are left out"


def test_the_same_is_written_to_the_same_end(reverse: Translator, tmp_path: Path) -> None:
    """A model that has learnt to reverse, and so ends its texts."""
    reverse.save(tmp_path / "model")
    theirs = transformers.MarianMTModel.from_pretrained(tmp_path / "model").eval()
    found = written_there(theirs, reverse)
    assert found == written_here(reverse)
    assert [len(row) for row in found[:3]] == [3, 1, 2] and all(len(row) < 12 for row in found)
    assert written_there(theirs, reverse, 2) == written_here(reverse, 2)
    for config in (theirs.config, theirs.generation_config):
        assert config.forced_eos_token_id is None, "what is cut off has no end here"
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    rows = theirs.generate(**tokenizer(TEXTS[:1], return_tensors="pt"), max_new_tokens=12)
    assert tokenizer.batch_decode(rows, skip_special_tokens=True) == reverse.translate(TEXTS[:1], beams=1) == ["c b a"]


def test_what_they_learnt_is_written_here(few: Path, tmp_path: Path) -> None:
    """Their Marian, taught to reverse by their loss, its targets begun by pad; the random bias of the output stays."""
    theirs = folder_there(tmp_path / "theirs", few).train()
    ours = firth.load(tmp_path / "theirs")
    source, present = ours._padded(ours._sources([source for source, _ in PAIRS]))
    target, known = ours._padded(ours._sources([target for _, target in PAIRS]))
    taught = {"input_ids": source, "attention_mask": present.long(), "labels": target.masked_fill(~known, -100)}
    optimiser = torch.optim.AdamW([each for each in theirs.parameters() if each.requires_grad], lr=3e-3)
    for _ in range(150):
        theirs(**taught).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    theirs.eval().save_pretrained(tmp_path / "theirs")
    ours = firth.load(tmp_path / "theirs")
    check_equal(ours, theirs)
    assert ours.exact(PAIRS) > 0.9
    assert written_here(ours) == written_there(theirs, ours)


def test_arrays_and_options_come_back(few: Path, tmp_path: Path) -> None:
    """Read and written, and read and written by them: the same arrays, to the bit."""
    theirs = folder_there(tmp_path / "theirs", few)
    ours = firth.load(tmp_path / "theirs")
    ours.save(tmp_path / "ours")
    first = huggingface.read_arrays(tmp_path / "theirs")
    second = huggingface.read_arrays(tmp_path / "ours")
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) and first[name].shape == second[name].shape for name in first)
    again = transformers.MarianMTModel.from_pretrained(tmp_path / "ours")
    mine, other = again.state_dict(), theirs.state_dict()
    assert mine.keys() == other.keys() and all(torch.equal(mine[name], other[name]) for name in mine)
    for option in (
        "d_model", "vocab_size", "encoder_layers", "decoder_layers", "decoder_attention_heads", "encoder_ffn_dim",
        "pad_token_id", "eos_token_id", "decoder_start_token_id", "max_position_embeddings", "scale_embedding",
    ):  # fmt: skip
        assert getattr(again.config, option) == getattr(theirs.config, option), option
    family, options = huggingface.options_of(theirs.config.to_dict(), "")
    assert huggingface.options_of(huggingface.config_of(family, options), "")[1] == options


def test_a_folder_that_both_wrote_opens(few: Path, tmp_path: Path) -> None:
    """Ours, opened and saved by them: their config.json says nothing of ours."""
    transformers.MarianMTModel.from_pretrained(few).save_pretrained(tmp_path / "again")
    with pytest.raises(FormatError, match=r"holds no tokenizer\.json.*save_pretrained"):
        firth.load(tmp_path / "again")
    transformers.AutoTokenizer.from_pretrained(few).save_pretrained(tmp_path / "again")
    one, other = firth.load(few), firth.load(tmp_path / "again")
    assert other.tokenizer.special == one.tokenizer.special and other.options.length == one.options.length
    assert [each[0].ids for each in one.candidates(TEXTS)] == [each[0].ids for each in other.candidates(TEXTS)]


@pytest.mark.parametrize("units", ["words", "characters", "bpe", "unigram", "wordpiece"])
def test_their_tokenizer_gives_the_same_ids(units: str, tmp_path: Path) -> None:
    ours = learnt(units=units, **({"vocab_size": 12} if units == "unigram" else {}))
    ours.save(tmp_path / "model")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    texts = [*TEXTS, "z ? a"]
    found = theirs(texts, padding=True, return_tensors="pt")
    source, present = ours._padded(ours._sources(texts))
    assert found.keys() == {"input_ids", "attention_mask"}
    assert torch.equal(found["input_ids"], source) and torch.equal(found["attention_mask"].bool(), present)
    for role in ("pad", "bos", "eos", "unk"):
        assert getattr(theirs, f"{role}_token_id") == ours.tokenizer.id_of(role)


def test_a_body_without_its_head_and_old_copies_of_the_table_are_read(few: Path, tmp_path: Path) -> None:
    theirs = folder_there(tmp_path / "whole", few)
    theirs.model.save_pretrained(tmp_path / "body")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "body" / file).write_bytes((tmp_path / "whole" / file).read_bytes())
    assert "shared.weight" in huggingface.read_arrays(tmp_path / "body")
    body = firth.load(tmp_path / "body")
    theirs.final_logits_bias.zero_()
    assert not body.options.output_bias
    check_equal(body, theirs)
    arrays = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    assert len(arrays.keys() - huggingface.read_arrays(tmp_path / "whole").keys()) == 5, "copies, and sinusoids"
    found = huggingface.to_ours(families.MARIAN, arrays, "")
    assert np.array_equal(found["source.weight"], body.network.source.weight.detach().numpy())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("scale_embedding", False),
        ("share_encoder_decoder_embeddings", False),
        ("tie_word_embeddings", False),
        ("decoder_layers", 1),
        ("decoder_ffn_dim", 32),
        ("decoder_attention_heads", 2),
        ("activation_function", "tanh"),
    ],
)
def test_what_our_network_is_not_is_refused(option: str, value: Any, few: Path, tmp_path: Path) -> None:
    folder_there(tmp_path / "theirs", few, **{option: value})
    with pytest.raises(FormatError, match=f"{option.partition('_')[0]}.*{value}.*firth"):
        firth.load(tmp_path / "theirs")


@pytest.mark.parametrize("option", ["decoder_start_token_id", "eos_token_id", "pad_token_id"])
@pytest.mark.parametrize("value", [99, None, [3, 0], -1])
def test_a_token_that_is_none_is_named(option: str, value: Any, few: Path, tmp_path: Path) -> None:
    folder_there(tmp_path / "theirs", few)
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), option: value}))
    with pytest.raises(FormatError, match=rf"{option}=.*tokenizer\.json"):
        firth.load(tmp_path / "theirs")


def test_a_published_folder_has_another_tokenizer(tmp_path: Path) -> None:
    """Those have SentencePiece files and vocab.json."""
    transformers.MarianMTModel(config_there()).save_pretrained(tmp_path)
    for file in ("source.spm", "target.spm", "vocab.json"):
        (tmp_path / file).write_bytes(b"{}")
    with pytest.raises(FormatError, match=r"holds no tokenizer\.json"):
        firth.load(tmp_path)


def test_arrays_that_are_missing_or_too_many_are_named(few: Path) -> None:
    arrays = huggingface.read_arrays(few)
    name = "model.decoder.layers.1.encoder_attn.q_proj.bias"
    with pytest.raises(CorruptFileError, match=name):
        huggingface.to_ours(families.MARIAN, {key: array for key, array in arrays.items() if key != name}, "here")
    deeper = name.replace("1", "2")
    with pytest.raises(FormatError, match=deeper):
        huggingface.to_ours(families.MARIAN, {**arrays, deeper: arrays[name]}, "here")
    own = {**arrays, "lm_head.weight": arrays["model.shared.weight"] + 1}
    with pytest.raises(FormatError, match=r"lm_head\.weight is not model\.shared\.weight"):
        huggingface.to_ours(families.MARIAN, own, "here")
    ours = firth.load(few)
    found = huggingface.to_ours(families.MARIAN, arrays, "here")
    with pytest.raises(CorruptFileError, match="no array 'bias'"):
        replace(ours.options, output_bias=True).with_arrays("here", found, ours.tokenizer, ours.text, {})


def test_a_network_that_is_normed_before_has_names_of_ours(tmp_path: Path) -> None:
    """Marian has none such: the folder is firth's alone."""
    ours = learnt(norm="pre")
    ours.save(tmp_path / "model")
    assert "model_type" not in json.loads((tmp_path / "model" / "config.json").read_text())
    again = firth.load(tmp_path / "model")
    assert again.options.norm == "pre" and np.array_equal(again.table, ours.table)
