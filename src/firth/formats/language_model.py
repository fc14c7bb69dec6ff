"""A saved language model: a folder as firth's own (native.py), and as Hugging Face's tools expect one.

config.json         format, version, the options, how text is cut; size and checksums of every file. Where a model is
                    also one of Hugging Face's, its own names stand at the top and all of firth's under "firth"
model.safetensors   the network's weights by name
tokenizer.json      the tokenizer, as Hugging Face's `tokenizers` write it; tokenizer_config.json names special tokens
provenance.json     what it was learnt from and how it went
README.md           the model card
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.config import did_you_mean
from firth.errors import CorruptFileError, FormatError
from firth.formats import folder, native, safetensors
from firth.formats.card import table
from firth.formats.folder import CARD, CONFIG, PROVENANCE
from firth.formats.signatures import Place

_ARRAYS, _TOKENIZER = native.NETWORK, "tokenizer.json"
_TOKENIZER_CONFIG = "tokenizer_config.json"
_OPEN = """## Use it

```python
import firth

model = firth.load("path/to/this/folder")
model.encode(["some text"])
```"""


class Saved(NamedTuple):
    """What a folder holds."""

    config: dict[str, Any]
    """`model`: its name and options; `text`; `tokenizer`: kind and special tokens; `huggingface`: their names."""
    arrays: dict[str, NDArray[Any]]
    """The weights, mapped."""
    tokenizer: bytes
    provenance: dict[str, Any]


def save(
    path: Place,
    config: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    tokenizer: bytes,
    provenance: Mapping[str, Any],
    *,
    huggingface: Mapping[str, Any] | None = None,
    tokenizer_config: Mapping[str, Any] | None = None,
) -> None:
    """Write a folder, atomically; `read` gives back what this is given.

    config       `model` (its `name` and options), `text`, `tokenizer` ({"kind", "special": {role: token}})
    huggingface  the names that config.json has at its top for Hugging Face's tools; firth's then stand under "firth"
    tokenizer_config  what tokenizer_config.json says; None: the special tokens

    Raises FormatError where something else is at `path` (it is left alone), DiskFullError or SaveError where writing
    fails.
    """
    folder.write(
        path,
        _ARRAYS,
        arrays,
        aligned=next(iter(arrays)),
        config=config,
        texts={
            _TOKENIZER: tokenizer,
            _TOKENIZER_CONFIG: native.as_json(
                dict(tokenizer_config or _tokenizer_config(config["tokenizer"]["special"])), "tokenizer"
            ),
            PROVENANCE: native.as_json(dict(provenance), "provenance"),
            CARD: _card(config, arrays, provenance).encode(),
        },
        made="pt",
        huggingface=huggingface,
    )


def read(path: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; the weights are mapped. `verify` as in native.py.

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    found = folder.opened(path, _ARRAYS)
    _check(path, found.config)
    if verify == "full":
        found.check()
        found.check_beside()
    arrays = {name: safetensors.numbers(tensor, found.data) for name, tensor in found.tensors.items()}
    there = _TOKENIZER in found.header.files
    tokenizer = native.read_text(path, _TOKENIZER, found.header).encode() if there else b""
    return Saved(found.config, arrays, tokenizer, found.provenance())


def describe(path: Place) -> dict[str, Any]:
    """What a language model is, from its headers alone."""
    found = folder.opened(path, _ARRAYS)
    _check(path, found.config)
    return found.described(
        model=found.config["model"]["name"],
        parameters=sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in found.tensors.values()),
    )


def fitted(path: Place, expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Raise CorruptFileError where the arrays of a folder are not those of the network that its options make."""
    for name, shape in expected.items():
        if name not in arrays:
            raise CorruptFileError(f"{path} holds no array {name!r}.{did_you_mean(name, arrays)} Copy the model again.")
        if tuple(arrays[name].shape) != shape and arrays[name].size != int(np.prod(shape, dtype=np.int64)):
            raise CorruptFileError(
                f"{path}: array {name!r} has shape {list(arrays[name].shape)}, and its options make it {list(shape)}. "
                "Copy the model again."
            )
    if strangers := sorted(arrays.keys() - expected.keys()):
        raise FormatError(f"{path} holds the array {strangers[0]!r}, which the model that it names has not.")


def _check(path: Place, config: dict[str, Any]) -> None:
    match config:
        case {"model": {"name": str()}, "text": dict(), "tokenizer": {"kind": str(), "special": dict()}}:
            return
    raise CorruptFileError(
        f"{os.path.join(path, CONFIG)} does not say what model this is, how text is cut and by which tokenizer. "
        "Copy it again from where it came."
    )


def _tokenizer_config(special: Mapping[str, str]) -> dict[str, Any]:
    """Hugging Face's names of the special tokens."""
    named = {f"{role}_token": token for role, token in special.items()}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **named}


def _card(config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], provenance: Mapping[str, Any]) -> str:
    """The model card: what it is, how to use it, how it was learnt."""
    options = {name: value for name, value in config["model"].items() if name != "name"}
    numbers = sum(array.size for array in arrays.values())
    sections = [
        "---\nlibrary_name: firth\ntags: [language-model]\n---",
        f"# A language model: {config['model']['name']}, {numbers:,} parameters",
        _OPEN,
        table("How it was learnt", options),
        table("How the text was cut", {**config["text"], **config["tokenizer"]}),
        table("What it was learnt from", dict(provenance)),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"
