"""Hugging Face's names and files where they are damaged, foreign, or not what firth's networks are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firth.errors import CorruptFileError, FormatError
from firth.formats import huggingface, safetensors
from firth.formats.checksums import NewFile

BERT = {"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2}


def arrays(layers: int = 1) -> dict[str, Any]:
    """A BERT's arrays without heads."""
    found = {}
    for name in huggingface._written_out(huggingface.BERT.names, layers):
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
        ({"hidden_act": "silu"}, "'silu'"),
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


def test_a_missing_array_and_one_too_many_are_named() -> None:
    found = arrays()
    del found["bert.encoder.layer.0.attention.self.key.bias"]
    with pytest.raises(CorruptFileError, match=r"attention\.self\.key|attention\.self\.query"):
        huggingface.to_ours(huggingface.BERT, found, "here")
    with pytest.raises(FormatError, match=r"crossattention"):
        huggingface.to_ours(
            huggingface.BERT, {**arrays(), "bert.encoder.layer.0.crossattention.self.key.bias": np.ones(4)}, "here"
        )


def test_an_output_head_of_its_own_is_refused_and_a_tied_one_taken() -> None:
    table = arrays()["bert.embeddings.word_embeddings.weight"]
    tied = {**arrays(), "cls.predictions.decoder.weight": table}
    assert "head.bias" not in huggingface.to_ours(huggingface.BERT, tied, "here")
    with pytest.raises(FormatError, match="they are one"):
        huggingface.to_ours(huggingface.BERT, {**tied, "cls.predictions.decoder.weight": table + 1}, "here")


def test_heads_of_other_tasks_are_passed_over() -> None:
    found = huggingface.to_ours(huggingface.BERT, {**arrays(), "qa_outputs.weight": np.ones((2, 4))}, "here")
    assert not any("qa" in name for name in found)


def test_an_array_without_a_name_is_our_mistake() -> None:
    with pytest.raises(KeyError, match="no names for strange"):
        huggingface.to_theirs(huggingface.BERT, {"strange": np.ones(1)})


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
