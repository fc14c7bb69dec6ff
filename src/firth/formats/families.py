"""Hugging Face's names for the arrays and options of our networks: one table for each family of models."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


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
    """The axis along which the numbers of a state lie, where theirs have another order: see `huggingface._halves`."""
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


ACTIVATIONS: Final = {
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
