"""Hugging Face's names and files where they are damaged, foreign, or not what firth's networks are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firth.errors import CorruptFileError, FormatError
from firth.formats import families, huggingface, safetensors
from firth.formats.checksums import NewFile

MARIAN = {"model_type": "marian", "d_model": 8, "scale_embedding": True}
BERT = {"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2}


def arrays(layers: int = 1) -> dict[str, Any]:
    """A BERT's arrays without heads."""
    found = {}
    for name in huggingface._written_out(families.BERT.names, layers):
        if not name.optional:
            for called in name.theirs:
                found[called] = np.random.default_rng(len(found)).random((4, 4), np.float32)
    return found


def save(folder: Path, found: dict[str, Any], file: str = "model.safetensors") -> None:
    with NewFile(folder / file) as new:
        safetensors.write(new, found, aligned=next(iter(found)), metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"model_type": "llama"}, "model_type 'llama'.*bert"),
        ({"model_type": None}, "model_type None"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key'"),
        ({"is_decoder": True}, "is_decoder=True"),
        ({"hidden_act": "mish"}, "'mish'.*silu"),
    ],
)
def test_what_our_networks_do_not_have_is_refused(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(FormatError, match=says):
        huggingface.options_of({**BERT, **entry}, "here")


def test_options_that_are_left_out_are_those_of_the_family() -> None:
    family, options = huggingface.options_of(BERT, "here")
    assert family.model_type == "bert"
    assert options["ffn_dim"] == 3072 and options["norm_eps"] == 1e-12 and options["dim"] == 4
    assert huggingface.options_of({"model_type": "gpt2", "n_embd": 8}, "")[1]["ffn_dim"] == 32


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"decoder_layers": 3}, "decoder_layers=3 and encoder_layers=12.*one for both"),
        ({"encoder_ffn_dim": 9}, "decoder_ffn_dim=4096 and encoder_ffn_dim=9"),
        ({"share_encoder_decoder_embeddings": False}, "share_encoder_decoder_embeddings=False.*True alone"),
        ({"is_encoder_decoder": False}, "is_encoder_decoder=False.*True alone"),
    ],
)
def test_a_marian_of_another_shape_is_refused(entry: dict[str, Any], says: str) -> None:
    assert huggingface.options_of(MARIAN, "here")[1]["dim"] == 8
    with pytest.raises(FormatError, match=says):
        huggingface.options_of({**MARIAN, **entry}, "here")


def test_what_is_left_out_is_what_the_family_means_by_it() -> None:
    """Marian's tokens are scaled where its config says so alone, and ours always."""
    with pytest.raises(FormatError, match=r"scale_embedding=False.*True alone"):
        huggingface.options_of({"model_type": "marian"}, "here")


@pytest.mark.parametrize("width", [6, 7])
def test_halves_are_put_in_turn_along_the_width_alone(width: int) -> None:
    """What reads a state has it in its columns, what writes one in its rows; heads keep their order."""
    ours = {
        "source.weight": np.arange(width)[None],
        "encoder.blocks.0.attention.project.weight": np.tile(np.arange(width), (3 * width, 1)),
        "encoder.blocks.0.attention.project.bias": np.arange(3 * width),
        "encoder.blocks.0.attention.out.weight": np.tile(np.arange(width)[:, None], width),
        "encoder.blocks.0.attention.out.bias": np.arange(width),
        "bias": np.arange(9),
    }
    theirs = huggingface.to_theirs(families.MARIAN, ours)
    halves = [*range(0, width, 2), *range(1, width, 2)]
    layer = "model.encoder.layers.0.self_attn"
    assert theirs["model.shared.weight"].tolist() == [halves]
    assert theirs[f"{layer}.k_proj.weight"].tolist() == [halves] * width
    assert theirs[f"{layer}.k_proj.bias"].tolist() == list(range(width, 2 * width))
    assert theirs[f"{layer}.out_proj.weight"].T.tolist() == [halves] * width
    assert theirs[f"{layer}.out_proj.bias"].tolist() == halves
    assert theirs["final_logits_bias"].tolist() == [list(range(9))]


def test_a_missing_array_and_one_too_many_are_named() -> None:
    found = arrays()
    del found["bert.encoder.layer.0.attention.self.key.bias"]
    with pytest.raises(CorruptFileError, match=r"attention\.self\.key|attention\.self\.query"):
        huggingface.to_ours(families.BERT, found, "here")
    with pytest.raises(FormatError, match=r"crossattention"):
        huggingface.to_ours(
            families.BERT, {**arrays(), "bert.encoder.layer.0.crossattention.self.key.bias": np.ones(4)}, "here"
        )


def test_an_output_head_of_its_own_is_refused_and_a_tied_one_taken() -> None:
    table = arrays()["bert.embeddings.word_embeddings.weight"]
    tied = {**arrays(), "cls.predictions.decoder.weight": table}
    assert "head.bias" not in huggingface.to_ours(families.BERT, tied, "here")
    with pytest.raises(FormatError, match="they are one"):
        huggingface.to_ours(families.BERT, {**tied, "cls.predictions.decoder.weight": table + 1}, "here")


def test_heads_of_other_tasks_are_passed_over() -> None:
    found = huggingface.to_ours(families.BERT, {**arrays(), "qa_outputs.weight": np.ones((2, 4))}, "here")
    assert not any("qa" in name for name in found)


def test_an_array_without_a_name_is_our_mistake() -> None:
    with pytest.raises(KeyError, match="no names for strange"):
        huggingface.to_theirs(families.BERT, {"strange": np.ones(1)})


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(FormatError, match=r"pytorch_model\.bin, which could run code.*safe_serialization"):
        huggingface.read_arrays(tmp_path)


@pytest.mark.parametrize("file", ["../other.safetensors", "/etc/x.safetensors", "a/b.safetensors", "a.bin"])
def test_an_index_names_plain_files_alone(file: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": file}}))
    with pytest.raises(FormatError, match="no plain name"):
        huggingface.read_arrays(tmp_path)


def test_an_index_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": [1]}')
    with pytest.raises(CorruptFileError, match="no weight_map"):
        huggingface.read_arrays(tmp_path)


def test_halves_become_floats(tmp_path: Path) -> None:
    save(tmp_path, {"x": np.array([1.5, -2], np.float16)})
    found = huggingface.read_arrays(tmp_path)["x"]
    assert found.dtype == np.float32 and found.tolist() == [1.5, -2]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"model_type": "llama"}', '{"model_type": ["bert"]}'])
def test_other_folders_are_not_recognised(text: str, tmp_path: Path) -> None:
    assert not huggingface.recognise(tmp_path)
    (tmp_path / "config.json").write_text(text)
    assert not huggingface.recognise(tmp_path)
