"""A folder of Hugging Face's as one of firth's models: its options, its tokenizer, its weights."""

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from firth.corpus.text import Text
from firth.errors import CorruptFileError, FormatError
from firth.models.language_model import MODELS, LanguageModel, Place
from firth.tokens.tokenizer import Kind, Tokenizer

if TYPE_CHECKING:
    from firth.formats.families import Family
    from firth.models.contextual import ContextOptions
    from firth.models.transformer import Transformer

_KINDS: dict[str, Kind] = {"WordPiece": "wordpiece", "BPE": "bpe", "Unigram": "unigram", "WordLevel": "words"}
_ROLES = ("pad", "unk", "cls", "sep", "mask", "bos", "eos")


def opened(folder: Place) -> LanguageModel:
    """The model in a folder that transformers' `save_pretrained` wrote, of one of the families firth knows.

    Heads that the folder lacks (that of a plain `BertModel`) start afresh. Raises FormatError for a family or an option
    that firth's networks do not have, for a pickle, and where there is no tokenizer.json; CorruptFileError for damage.
    """
    from firth.formats import huggingface
    from firth.formats.plain_files import read_json, read_small

    path = os.path.join(folder, huggingface.CONFIG)
    config = read_json(path)
    family, given = huggingface.options_of(config, path)
    module, name = MODELS[family.ours].split(":")
    page: type[ContextOptions | Transformer] = getattr(import_module(module), name)
    file = os.path.join(folder, huggingface.TOKENIZER)
    if not os.path.lexists(file):
        raise FormatError(
            f"{folder} holds no {huggingface.TOKENIZER}. Save it from transformers: "
            "AutoTokenizer.from_pretrained(folder).save_pretrained(folder)."
        )
    kind = _kind(read_json(file), file)
    tokenizer = Tokenizer.from_json(read_small(file), kind, _special(folder), file)
    usual = {  # an old folder does not say which tokens are special
        role: token
        for role, token in page.special.items()
        if role not in tokenizer.special and tokenizer.backend.token_to_id(token) is not None
    }
    tokenizer = replace(
        tokenizer, special={**tokenizer.special, **usual, **_named_by_id(family, config, tokenizer, path)}
    )
    options = page(**{**given, "units": kind})
    arrays = huggingface.to_ours(family, huggingface.read_arrays(folder), folder)
    rows = len(arrays[family.names[0].ours])  # the table of tokens is the first of every family
    if len(tokenizer) > rows:
        raise CorruptFileError(
            f"{file} has {len(tokenizer):,} tokens, and the network {rows:,}. Are they of one model?"
        )
    text = Text([""]).options()
    return options.with_arrays(folder, arrays, tokenizer, text, {"opened_from": os.fspath(folder)})


def _kind(found: Any, file: str) -> Kind:
    """What the tokens are. Raises FormatError for a tokenizer of another kind."""
    model = found.get("model") if isinstance(found, dict) else None
    kind = model.get("type") if isinstance(model, dict) else None
    if kind not in _KINDS:
        raise FormatError(f"{file} is a tokenizer of the kind {kind!r}, and firth knows {', '.join(_KINDS)}.")
    return _KINDS[kind]


def _named_by_id(family: "Family", config: Mapping[str, Any], tokenizer: Tokenizer, path: str) -> dict[str, str]:
    """The tokens with a role whose ids config.json gives. Raises FormatError where one is not the id of a token."""
    tokens = {number: token for token, number in tokenizer.backend.get_vocab().items()}
    found: dict[str, str] = {}
    for role, option in family.roles.items():
        number = config.get(option)
        token = tokens.get(number) if isinstance(number, int) else None
        if token is None:
            raise FormatError(f"{path} has {option}={number!r}, and no token in tokenizer.json has that id.")
        found[role] = token
    return found


def _special(folder: Place) -> dict[str, str]:
    """The special tokens by their roles, of tokenizer_config.json and special_tokens_map.json."""
    from firth.formats import huggingface
    from firth.formats.plain_files import read_json

    special: dict[str, str] = {}
    for name in (huggingface.TOKENIZER_CONFIG, "special_tokens_map.json"):
        path = os.path.join(folder, name)
        found = read_json(path) if os.path.lexists(path) else {}
        for role in _ROLES:
            token = found.get(f"{role}_token") if isinstance(found, dict) else None
            token = token.get("content") if isinstance(token, dict) else token
            if isinstance(token, str):
                special.setdefault(role, token)
    return special
