"""Hugging Face's folders of models: their names for what our networks hold, one invertible table for each family.

    config.json             the family (`model_type`) and its options, under its own names; firth's own under "firth"
    model.safetensors       the numbers, under the family's own names; or several files and model.safetensors.index.json
    tokenizer.json          how text is cut
    tokenizer_config.json   which tokens have a part to play, and what the model is handed

Only names and arrays here: what they mean is `networks/transformer.py`. A pickle (`pytorch_model.bin`) is never opened.
Tied weights (the output head's, which is the table of tokens) are not written; the prefix of the family always is.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError
from firth.formats import safetensors
from firth.formats.plain_files import mapped, read_json
from firth.formats.signatures import Place

Arrays = dict[str, NDArray[Any]]

CONFIG, WEIGHTS, INDEX, TOKENIZER, TOKENIZER_CONFIG = (
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
)


class Name(NamedTuple):
    """An array of ours and theirs. `{}` is the number of a layer; `*` is weight, and bias."""

    ours: str
    theirs: str | tuple[str, ...]
    """Several: theirs are the parts of ours, one below the other."""
    turned: bool = False
    """Theirs has rows where ours has columns (GPT-2's Conv1D)."""
    optional: bool = False
    """A head, which a file may lack: it starts afresh."""
    width: int | None = None
    """The axis along which the numbers of a state lie, where theirs have another order: see `_halves`."""
    row: bool = False
    """Theirs is a table of one row."""


class Setting(NamedTuple):
    """An option of ours and theirs."""

    ours: str
    theirs: str
    default: Any
    """What a file means that does not have it."""
    same: bool = False
    """An earlier option of theirs is the same to us, and the two may not differ."""


class Family(NamedTuple):
    """How one kind of model is called by Hugging Face."""

    model_type: str
    ours: str
    """What firth calls the model."""
    prefix: str
    """Before the names of the network without its heads; old files may lack it."""
    settings: tuple[Setting, ...]
    names: tuple[Name, ...]
    only: Mapping[str, Any]
    """Options of theirs for which our networks know this value alone."""
    tied: Mapping[str, str]
    """Arrays that are another one, where a file has them at all."""
    architectures: Mapping[str, str]
    """Their classes, by what is on top: "pretraining", or the task of a fine-tuned model."""
    inputs: tuple[str, ...]
    """What their tokenizer hands the model."""
    also: Mapping[str, Any] = {}
    """Options that are written as they stand here."""
    absent: Mapping[str, Any] = {}
    """What a file means that lacks an option of `only`, where it is not the value that our networks know."""
    roles: Mapping[str, str] = {}
    """Roles of tokens, and the options that name their ids: as the network was taught, whatever the tokenizer says."""
    passed_over: tuple[str, ...] = ()
    """Ends of names of arrays that are no weights."""


_ACTIVATIONS: Final = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
_NOT_LEARNT: Final = ("position_ids", "token_type_ids")

_BERT_LAYER: Final = "bert.encoder.layer.{}."
BERT: Final = Family(
    model_type="bert",
    ours="bert",
    prefix="bert.",
    settings=(
        Setting("vocab_size", "vocab_size", 30522),
        Setting("dim", "hidden_size", 768),
        Setting("layers", "num_hidden_layers", 12),
        Setting("heads", "num_attention_heads", 12),
        Setting("ffn_dim", "intermediate_size", 3072),
        Setting("activation", "hidden_act", "gelu"),
        Setting("dropout", "hidden_dropout_prob", 0.1),
        Setting("dropout", "attention_probs_dropout_prob", 0.1),
        Setting("length", "max_position_embeddings", 512),
        Setting("segments", "type_vocab_size", 2),
        Setting("norm_eps", "layer_norm_eps", 1e-12),
    ),
    names=(
        Name("embed.tokens.weight", "bert.embeddings.word_embeddings.weight"),
        Name("embed.positions.weight", "bert.embeddings.position_embeddings.weight"),
        Name("embed.segments.weight", "bert.embeddings.token_type_embeddings.weight"),
        Name("embed.norm.*", "bert.embeddings.LayerNorm.*"),
        Name(
            "stack.blocks.{}.attention.project.*",
            tuple(f"{_BERT_LAYER}attention.self.{part}.*" for part in ("query", "key", "value")),
        ),
        Name("stack.blocks.{}.attention.out.*", f"{_BERT_LAYER}attention.output.dense.*"),
        Name("stack.blocks.{}.attention_norm.*", f"{_BERT_LAYER}attention.output.LayerNorm.*"),
        Name("stack.blocks.{}.ffn.up.*", f"{_BERT_LAYER}intermediate.dense.*"),
        Name("stack.blocks.{}.ffn.down.*", f"{_BERT_LAYER}output.dense.*"),
        Name("stack.blocks.{}.ffn_norm.*", f"{_BERT_LAYER}output.LayerNorm.*"),
        Name("pooler.*", "bert.pooler.dense.*", optional=True),
        Name("head.dense.*", "cls.predictions.transform.dense.*", optional=True),
        Name("head.norm.*", "cls.predictions.transform.LayerNorm.*", optional=True),
        Name("head.bias", "cls.predictions.bias", optional=True),
        Name("pair.*", "cls.seq_relationship.*", optional=True),
        Name("task.*", "classifier.*", optional=True),
    ),
    only={"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False},
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
    architectures={
        "pretraining": "BertForPreTraining",
        "states": "BertModel",
        "classify": "BertForSequenceClassification",
        "pair": "BertForSequenceClassification",
        "regress": "BertForSequenceClassification",
        "tag": "BertForTokenClassification",
    },
    inputs=("input_ids", "token_type_ids", "attention_mask"),
    passed_over=_NOT_LEARNT,
)

_ALBERT_LAYER: Final = "albert.encoder.albert_layer_groups.{}.albert_layers.0."
ALBERT: Final = Family(
    model_type="albert",
    ours="albert",
    prefix="albert.",
    settings=(
        Setting("vocab_size", "vocab_size", 30000),
        Setting("width", "embedding_size", 128),
        Setting("dim", "hidden_size", 4096),
        Setting("layers", "num_hidden_layers", 12),
        Setting("heads", "num_attention_heads", 64),
        Setting("ffn_dim", "intermediate_size", 16384),
        Setting("activation", "hidden_act", "gelu_new"),
        Setting("dropout", "hidden_dropout_prob", 0.0),
        Setting("dropout", "attention_probs_dropout_prob", 0.0),
        Setting("length", "max_position_embeddings", 512),
        Setting("segments", "type_vocab_size", 2),
        Setting("norm_eps", "layer_norm_eps", 1e-12),
    ),
    names=(
        Name("embed.tokens.weight", "albert.embeddings.word_embeddings.weight"),
        Name("embed.positions.weight", "albert.embeddings.position_embeddings.weight"),
        Name("embed.segments.weight", "albert.embeddings.token_type_embeddings.weight"),
        Name("embed.norm.*", "albert.embeddings.LayerNorm.*"),
        Name("embed.project.*", "albert.encoder.embedding_hidden_mapping_in.*"),
        Name(
            "stack.blocks.{}.attention.project.*",
            tuple(f"{_ALBERT_LAYER}attention.{part}.*" for part in ("query", "key", "value")),
        ),
        Name("stack.blocks.{}.attention.out.*", f"{_ALBERT_LAYER}attention.dense.*"),
        Name("stack.blocks.{}.attention_norm.*", f"{_ALBERT_LAYER}attention.LayerNorm.*"),
        Name("stack.blocks.{}.ffn.up.*", f"{_ALBERT_LAYER}ffn.*"),
        Name("stack.blocks.{}.ffn.down.*", f"{_ALBERT_LAYER}ffn_output.*"),
        Name("stack.blocks.{}.ffn_norm.*", f"{_ALBERT_LAYER}full_layer_layer_norm.*"),
        Name("pooler.*", "albert.pooler.*", optional=True),
        Name("head.dense.*", "predictions.dense.*", optional=True),
        Name("head.norm.*", "predictions.LayerNorm.*", optional=True),
        Name("head.bias", "predictions.bias", optional=True),
        Name("pair.*", "sop_classifier.classifier.*", optional=True),
        Name("task.*", "classifier.*", optional=True),
    ),
    only={"position_embedding_type": "absolute", "num_hidden_groups": 1, "inner_group_num": 1},
    tied={
        "predictions.decoder.weight": "albert.embeddings.word_embeddings.weight",
        "predictions.decoder.bias": "predictions.bias",
    },
    architectures={
        "pretraining": "AlbertForPreTraining",
        "states": "AlbertModel",
        "classify": "AlbertForSequenceClassification",
        "pair": "AlbertForSequenceClassification",
        "regress": "AlbertForSequenceClassification",
        "tag": "AlbertForTokenClassification",
    },
    inputs=("input_ids", "token_type_ids", "attention_mask"),
    also={"num_hidden_groups": 1, "inner_group_num": 1},
    passed_over=_NOT_LEARNT,
)

_GPT2_LAYER: Final = "transformer.h.{}."
GPT2: Final = Family(
    model_type="gpt2",
    ours="gpt",
    prefix="transformer.",
    settings=(
        Setting("vocab_size", "vocab_size", 50257),
        Setting("dim", "n_embd", 768),
        Setting("layers", "n_layer", 12),
        Setting("heads", "n_head", 12),
        Setting("ffn_dim", "n_inner", None),
        Setting("activation", "activation_function", "gelu_new"),
        Setting("dropout", "resid_pdrop", 0.1),
        Setting("dropout", "embd_pdrop", 0.1),
        Setting("dropout", "attn_pdrop", 0.1),
        Setting("length", "n_positions", 1024),
        Setting("norm_eps", "layer_norm_epsilon", 1e-5),
    ),
    names=(
        Name("embed.tokens.weight", "transformer.wte.weight"),
        Name("embed.positions.weight", "transformer.wpe.weight"),
        Name("stack.blocks.{}.attention_norm.*", f"{_GPT2_LAYER}ln_1.*"),
        Name("stack.blocks.{}.attention.project.*", f"{_GPT2_LAYER}attn.c_attn.*", turned=True),
        Name("stack.blocks.{}.attention.out.*", f"{_GPT2_LAYER}attn.c_proj.*", turned=True),
        Name("stack.blocks.{}.ffn_norm.*", f"{_GPT2_LAYER}ln_2.*"),
        Name("stack.blocks.{}.ffn.up.*", f"{_GPT2_LAYER}mlp.c_fc.*", turned=True),
        Name("stack.blocks.{}.ffn.down.*", f"{_GPT2_LAYER}mlp.c_proj.*", turned=True),
        Name("stack.norm.*", "transformer.ln_f.*"),
        Name("task.weight", "score.weight", optional=True),
        Name("task.*", "classifier.*", optional=True),
    ),
    only={
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
    },
    tied={"lm_head.weight": "transformer.wte.weight"},
    architectures={
        "pretraining": "GPT2LMHeadModel",
        "states": "GPT2Model",
        "classify": "GPT2ForSequenceClassification",
        "pair": "GPT2ForSequenceClassification",
        "regress": "GPT2ForSequenceClassification",
        "tag": "GPT2ForTokenClassification",
    },
    inputs=("input_ids", "attention_mask"),
    passed_over=(".attn.bias", ".attn.masked_bias"),
)

_XLNET_LAYER: Final = "transformer.layer.{}."
XLNET: Final = Family(
    model_type="xlnet",
    ours="xlnet",
    prefix="transformer.",
    settings=(
        Setting("vocab_size", "vocab_size", 32000),
        Setting("dim", "d_model", 1024),
        Setting("layers", "n_layer", 24),
        Setting("heads", "n_head", 16),
        Setting("ffn_dim", "d_inner", 4096),
        Setting("activation", "ff_activation", "gelu"),
        Setting("dropout", "dropout", 0.1),
        Setting("norm_eps", "layer_norm_eps", 1e-12),
    ),
    names=(
        Name("embed.tokens.weight", "transformer.word_embedding.weight"),
        Name("embed.query", "transformer.mask_emb"),
        Name("stack.blocks.{}.attention.query", f"{_XLNET_LAYER}rel_attn.q"),
        Name("stack.blocks.{}.attention.key", f"{_XLNET_LAYER}rel_attn.k"),
        Name("stack.blocks.{}.attention.value", f"{_XLNET_LAYER}rel_attn.v"),
        Name("stack.blocks.{}.attention.distance", f"{_XLNET_LAYER}rel_attn.r"),
        Name("stack.blocks.{}.attention.out", f"{_XLNET_LAYER}rel_attn.o"),
        Name("stack.blocks.{}.attention.key_bias", f"{_XLNET_LAYER}rel_attn.r_w_bias"),
        Name("stack.blocks.{}.attention.distance_bias", f"{_XLNET_LAYER}rel_attn.r_r_bias"),
        Name("stack.blocks.{}.attention.segment_bias", f"{_XLNET_LAYER}rel_attn.r_s_bias"),
        Name("stack.blocks.{}.attention.segments", f"{_XLNET_LAYER}rel_attn.seg_embed"),
        Name("stack.blocks.{}.attention_norm.*", f"{_XLNET_LAYER}rel_attn.layer_norm.*"),
        Name("stack.blocks.{}.ffn.up.*", f"{_XLNET_LAYER}ff.layer_1.*"),
        Name("stack.blocks.{}.ffn.down.*", f"{_XLNET_LAYER}ff.layer_2.*"),
        Name("stack.blocks.{}.ffn_norm.*", f"{_XLNET_LAYER}ff.layer_norm.*"),
        Name("bias", "lm_loss.bias", optional=True),
        Name("pooler.*", "sequence_summary.summary.*", optional=True),
        Name("task.*", "logits_proj.*", optional=True),
        Name("task.*", "classifier.*", optional=True),
    ),
    only={"attn_type": "bi", "bi_data": False, "clamp_len": -1, "same_length": False},
    tied={"lm_loss.weight": "transformer.word_embedding.weight"},
    architectures={
        "pretraining": "XLNetLMHeadModel",
        "states": "XLNetModel",
        "classify": "XLNetForSequenceClassification",
        "pair": "XLNetForSequenceClassification",
        "regress": "XLNetForSequenceClassification",
        "tag": "XLNetForTokenClassification",
    },
    inputs=("input_ids", "token_type_ids", "attention_mask"),
)

_MARIAN_ENCODER: Final = "model.encoder.layers.{}."
_MARIAN_DECODER: Final = "model.decoder.layers.{}."
MARIAN: Final = Family(
    model_type="marian",
    ours="transformer",
    prefix="model.",
    settings=(
        Setting("vocab_size", "vocab_size", 58101),
        Setting("dim", "d_model", 1024),
        Setting("layers", "encoder_layers", 12),
        Setting("layers", "decoder_layers", 12, same=True),
        Setting("heads", "encoder_attention_heads", 16),
        Setting("heads", "decoder_attention_heads", 16, same=True),
        Setting("ffn_dim", "encoder_ffn_dim", 4096),
        Setting("ffn_dim", "decoder_ffn_dim", 4096, same=True),
        Setting("activation", "activation_function", "gelu"),
        Setting("dropout", "dropout", 0.1),
        Setting("dropout", "attention_dropout", 0.0),
        Setting("length", "max_position_embeddings", 1024),
    ),
    names=(
        Name("source.weight", "model.shared.weight", width=1),
        Name(
            "encoder.blocks.{}.attention.project.*",
            tuple(f"{_MARIAN_ENCODER}self_attn.{part}_proj.*" for part in "qkv"),
            width=1,
        ),
        Name("encoder.blocks.{}.attention.out.*", f"{_MARIAN_ENCODER}self_attn.out_proj.*", width=0),
        Name("encoder.blocks.{}.attention_norm.*", f"{_MARIAN_ENCODER}self_attn_layer_norm.*", width=0),
        Name("encoder.blocks.{}.ffn.up.*", f"{_MARIAN_ENCODER}fc1.*", width=1),
        Name("encoder.blocks.{}.ffn.down.*", f"{_MARIAN_ENCODER}fc2.*", width=0),
        Name("encoder.blocks.{}.ffn_norm.*", f"{_MARIAN_ENCODER}final_layer_norm.*", width=0),
        Name(
            "decoder.blocks.{}.attention.project.*",
            tuple(f"{_MARIAN_DECODER}self_attn.{part}_proj.*" for part in "qkv"),
            width=1,
        ),
        Name("decoder.blocks.{}.attention.out.*", f"{_MARIAN_DECODER}self_attn.out_proj.*", width=0),
        Name("decoder.blocks.{}.attention_norm.*", f"{_MARIAN_DECODER}self_attn_layer_norm.*", width=0),
        Name(
            "decoder.blocks.{}.cross.project.*",
            tuple(f"{_MARIAN_DECODER}encoder_attn.{part}_proj.*" for part in "qkv"),
            width=1,
        ),
        Name("decoder.blocks.{}.cross.out.*", f"{_MARIAN_DECODER}encoder_attn.out_proj.*", width=0),
        Name("decoder.blocks.{}.cross_norm.*", f"{_MARIAN_DECODER}encoder_attn_layer_norm.*", width=0),
        Name("decoder.blocks.{}.ffn.up.*", f"{_MARIAN_DECODER}fc1.*", width=1),
        Name("decoder.blocks.{}.ffn.down.*", f"{_MARIAN_DECODER}fc2.*", width=0),
        Name("decoder.blocks.{}.ffn_norm.*", f"{_MARIAN_DECODER}final_layer_norm.*", width=0),
        Name("bias", "final_logits_bias", optional=True, row=True),
    ),
    only={
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True,
        "is_encoder_decoder": True,
        "is_decoder": False,
    },
    absent={"scale_embedding": False},
    tied=dict.fromkeys(
        ("lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"),
        "model.shared.weight",
    ),
    architectures={"pretraining": "MarianMTModel"},
    inputs=("input_ids", "attention_mask"),
    also={
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "is_encoder_decoder": True,
        "forced_eos_token_id": None,  # left out it would be 0
    },
    passed_over=("embed_positions.weight",),
    roles={"pad": "pad_token_id", "bos": "decoder_start_token_id", "eos": "eos_token_id"},
)

FAMILIES: Final[dict[str, Family]] = {family.model_type: family for family in (BERT, GPT2, ALBERT, XLNET, MARIAN)}
_OLD_NAMES: Final = ((".gamma", ".weight"), (".beta", ".bias"))  # of files converted from TensorFlow


# ---------------------------------------------------------------- options


def options_of(config: Mapping[str, Any], where: Place) -> tuple[Family, dict[str, Any]]:
    """The family of a config.json, and its options under our names.

    Raises FormatError for a family that firth does not know, or an option that its networks do not have.
    """
    model_type = config.get("model_type")
    family = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    if family is None:
        raise FormatError(f"{where} is of model_type {model_type!r}. firth knows: {', '.join(FAMILIES)}.")
    for name, value in family.only.items():
        if (found := config.get(name, family.absent.get(name, value))) != value:
            raise FormatError(f"{where} has {name}={found!r}, and firth's networks know {value!r} alone.")
    ours: dict[str, Any] = {}
    for setting in family.settings:  # of several of theirs for one of ours the first speaks
        found = config.get(setting.theirs, setting.default)
        known = ours.setdefault(setting.ours, found)
        if setting.same and found != known:
            first = next(other.theirs for other in family.settings if other.ours == setting.ours)
            raise FormatError(
                f"{where} has {setting.theirs}={found!r} and {first}={known!r}, and firth's networks know one for both."
            )
    if ours.get("ffn_dim", 0) is None:
        ours["ffn_dim"] = 4 * ours["dim"]
    activation = ours.get("activation")
    if activation is not None and activation not in _ACTIVATIONS:
        raise FormatError(f"{where} has the activation {activation!r}, and firth has {', '.join(_ACTIVATIONS)}.")
    return family, {**ours, **({"activation": _ACTIVATIONS[activation]} if activation else {})}


def config_of(family: Family, options: Mapping[str, Any], task: str = "pretraining") -> dict[str, Any]:
    """config.json's entries for our options; the inverse of `options_of`."""
    theirs = {setting.theirs: options[setting.ours] for setting in family.settings if setting.ours in options}
    for setting in family.settings:
        if setting.ours == "activation" and setting.theirs in theirs:
            theirs[setting.theirs] = "gelu_new" if options["activation"] == "gelu_tanh" else options["activation"]
    return {
        "model_type": family.model_type,
        "architectures": [family.architectures[task]],
        **theirs,
        **family.also,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def task_of(family: Family, task: str, classes: Sequence[str]) -> dict[str, Any]:
    """config.json's entries for what a model was taught; `classes` is empty where it foretells numbers."""
    names = {str(number): name for number, name in enumerate(classes)} or {"0": "LABEL_0"}
    problem = {} if task == "tag" else {"problem_type": "single_label_classification" if classes else "regression"}
    return {
        "architectures": [family.architectures[task]],
        "id2label": names,
        "label2id": {name: int(number) for number, name in names.items()},
        **problem,
    }


# ---------------------------------------------------------------- arrays


def _written_out(names: Iterable[Name], blocks: int) -> Iterator[Name]:
    """The table with every layer's number, and weight and bias, put in."""
    for name in names:
        theirs = (name.theirs,) if isinstance(name.theirs, str) else name.theirs
        for block in range(blocks) if "{}" in name.ours else (0,):
            for kind in ("weight", "bias") if "*" in name.ours else ("",):

                def put_in(text: str, block: int = block, kind: str = kind) -> str:
                    return text.replace("{}", str(block)).replace("*", kind)

                yield name._replace(ours=put_in(name.ours), theirs=tuple(map(put_in, theirs)))


def to_theirs(family: Family, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """Our arrays under the family's names. Raises KeyError for an array of ours that the table does not have."""
    left = dict(arrays)
    theirs: Arrays = {}
    for name in _written_out(family.names, _blocks(arrays, _layer_pattern(name.ours for name in family.names))):
        if name.ours not in left or (name.ours.startswith("task.") and _other_task(name, arrays)):
            continue
        whole = left.pop(name.ours)
        parts = np.split(whole, len(name.theirs)) if len(name.theirs) > 1 else [whole]
        for part, called in zip(parts, name.theirs, strict=True):
            theirs[called] = np.ascontiguousarray(_part_of_theirs(name, part))
    if left:
        raise KeyError(f"{family.model_type} has no names for {', '.join(sorted(left))}")
    return theirs


def _part_of_theirs(name: Name, part: NDArray[Any]) -> NDArray[Any]:
    if name.turned and part.ndim == 2:
        part = part.T
    if name.width is not None and name.width < part.ndim:
        part = part.take(_halves(part.shape[name.width]), axis=name.width)
    return part.reshape(1, -1) if name.row else part


def _part_of_ours(name: Name, part: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `_part_of_theirs`."""
    if name.row:
        part = part.reshape(-1)
    if name.width is not None and name.width < part.ndim:
        part = part.take(np.argsort(_halves(part.shape[name.width])), axis=name.width)
    return part.T if name.turned and part.ndim == 2 else part


def _halves(width: int) -> NDArray[np.int64]:
    """Which number of our states each of theirs is: ours have sine and cosine of a place in turn, as the paper writes
    them, Marian's all sines and then all cosines.

    To the rest of a network the order of a state's numbers makes no difference, where all that reads or writes states
    has the same: so the arrays are put in the other order, and what the network computes stays as it is.

    >>> _halves(5).tolist()
    [0, 2, 4, 1, 3]
    """
    return np.concatenate([np.arange(0, width, 2), np.arange(1, width, 2)])


def _other_task(name: Name, arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Of GPT-2's two layers for tasks "score" has no bias, "classifier" has one; XLNet's "logits_proj" has a pooler."""
    without_bias = name.theirs[0].startswith("score.") and "task.bias" in arrays
    return without_bias or (name.theirs[0].startswith("logits_proj.") and "pooler.weight" not in arrays)


def to_ours(family: Family, arrays: Mapping[str, NDArray[Any]], where: Place) -> Arrays:
    """A file's arrays under our names; the inverse of `to_theirs`. Heads that the file lacks are left out.

    Old names (gamma, beta) and files without the prefix are understood. Raises CorruptFileError where a part of the
    network is missing, FormatError where the file has parts that ours does not, or an output head of its own.
    """
    found = _today(family, arrays)
    for copy, original in family.tied.items():
        if copy in found and not np.array_equal(found[copy], found.setdefault(original, found[copy])):
            raise FormatError(f"{where}: {copy} is not {original}, and in firth's networks they are one.")
    blocks = _blocks(found, _layer_pattern(_all_theirs(family)))
    ours: Arrays = {}
    for name in _written_out(family.names, blocks):
        parts = [found.pop(called) for called in name.theirs if called in found]
        if len(parts) == len(name.theirs):
            parts = [_part_of_ours(name, part) for part in parts]
            ours[name.ours] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        elif not name.optional:
            missing = next(called for called in name.theirs if called not in arrays)
            raise CorruptFileError(f"{where} holds no array {missing!r}. Copy the model again from where it came.")
    strange = sorted(name for name in found if name.startswith(family.prefix) and name not in family.tied)
    if strange:
        raise FormatError(f"{where} has {strange[0]!r} ({len(strange)} such), which firth's network does not.")
    return ours


def _today(family: Family, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The arrays under today's names, without those that are no weights."""
    has_prefix = any(name.startswith(family.prefix) for name in arrays)
    firsts = {name.split(".")[1] for name in _all_theirs(family) if name.startswith(family.prefix)}
    found: Arrays = {}
    for name, array in arrays.items():
        if name.endswith(family.passed_over):
            continue
        called = name
        for old, new in _OLD_NAMES:
            called = called.removesuffix(old) + new if called.endswith(old) else called
        if not has_prefix and called.split(".")[0] in firsts:
            called = family.prefix + called
        found[called] = array
    return found


def _all_theirs(family: Family) -> Iterator[str]:
    for name in family.names:
        yield from (name.theirs,) if isinstance(name.theirs, str) else name.theirs


def _layer_pattern(names: Iterable[str]) -> str:
    """What finds the number of a layer, by the first of the names that has one."""
    first = next(name for name in names if "{}" in name)
    return "^" + re.escape(first[: first.index("{}")]) + r"(\d+)\."


def _blocks(names: Iterable[str], pattern: str) -> int:
    """One more than the greatest number of a layer."""
    return max((int(found[1]) + 1 for found in (re.match(pattern, name) for name in names) if found), default=0)


# ---------------------------------------------------------------- files


def recognise(folder: Place) -> bool:
    """Whether a folder holds a model of one of the families, whole or damaged."""
    try:
        config = read_json(os.path.join(folder, CONFIG))
    except (OSError, ValueError):
        return False
    model_type = config.get("model_type") if isinstance(config, dict) else None
    return isinstance(model_type, str) and model_type in FAMILIES


def is_theirs(folder: Place) -> bool:
    """Whether it is transformers that wrote a folder; what firth had said in one that it opened is still there then."""
    if not recognise(folder):
        return False
    config = read_json(os.path.join(folder, CONFIG))
    return "transformers_version" in config or "firth" not in config


def describe(folder: Place) -> dict[str, Any]:
    """What a model of theirs is, from its config.json and the headers of its arrays."""
    path = os.path.join(folder, CONFIG)
    family, options = options_of(read_json(path), path)
    tensors = [
        tensor
        for file in _weight_files(folder)
        for tensor in safetensors.read_header(os.path.join(folder, file), mapped(os.path.join(folder, file))).values()
    ]
    return {
        "format": "huggingface",
        "parameters": sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in tensors),
        "config": {"model": {"name": family.ours, **options}},
    }


def read_arrays(folder: Place) -> Arrays:
    """All arrays of model.safetensors, or of the files that its index names, as float32 where they are floats.

    Raises FormatError where there is only a pickle, or the index names a file that is not plainly in the folder.
    """
    arrays: Arrays = {}
    for file in _weight_files(folder):
        path = os.path.join(folder, file)
        data = mapped(path)
        for name, tensor in safetensors.read_header(path, data).items():
            array = safetensors.numbers(tensor, data)
            arrays[name] = array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array
    return arrays


def _weight_files(folder: Place) -> list[str]:
    if os.path.lexists(os.path.join(folder, WEIGHTS)):
        return [WEIGHTS]
    index = os.path.join(folder, INDEX)
    if not os.path.lexists(index):
        pickled = sorted(name for name in os.listdir(folder) if name.endswith((".bin", ".pt", ".ckpt", ".h5")))
        instead = f", only {pickled[0]}, which could run code when opened" if pickled else ""
        raise FormatError(
            f"{folder} holds no {WEIGHTS}{instead}. "
            "Save it from transformers with model.save_pretrained(folder, safe_serialization=True)."
        )
    found = read_json(index)
    files = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(files, dict) or not all(isinstance(file, str) for file in files.values()):
        raise CorruptFileError(f"{index} holds no weight_map of names to files. Copy it again from where it came.")
    for file in files.values():
        if file != os.path.basename(file) or not file.endswith(".safetensors") or "\\" in file or "\0" in file:
            raise FormatError(f"{index} lists {file!r}, which is no plain name of a .safetensors file. Not opened.")
    return sorted(set(files.values()))


def tokenizer_config(family: Family, special: Mapping[str, str], length: int) -> dict[str, Any]:
    """tokenizer_config.json: `special` has the tokens by their roles (pad, unk, cls, sep, mask, bos, eos)."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": list(family.inputs),
        "model_max_length": length,
        "clean_up_tokenization_spaces": False,
        **{f"{role}_token": token for role, token in special.items()},
    }
