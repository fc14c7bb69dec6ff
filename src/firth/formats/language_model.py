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
from firth.formats import atomic, native, safetensors
from firth.formats.card import table
from firth.formats.checksums import NewFile, check_blocks
from firth.formats.signatures import Place

_ARRAYS, _TOKENIZER, _CONFIG, _PROVENANCE, _CARD = (
    native.NETWORK,
    "tokenizer.json",
    "config.json",
    "provenance.json",
    "README.md",
)
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
    needed = sum(array.nbytes for array in arrays.values()) + len(tokenizer) + (1 << 16)
    with atomic.replacing(path, needed=needed, check=native.check_replaceable) as new:
        os.mkdir(new)
        with NewFile(os.path.join(new, _ARRAYS)) as file:
            safetensors.write(file, arrays, aligned=next(iter(arrays)), metadata={"format": "pt"})
        texts = {
            _TOKENIZER: tokenizer,
            _TOKENIZER_CONFIG: native.as_json(
                dict(tokenizer_config or _tokenizer_config(config["tokenizer"]["special"])), "tokenizer"
            ),
            _PROVENANCE: native.as_json(dict(provenance), "provenance"),
            _CARD: _card(config, arrays, provenance).encode(),
        }
        files = {_ARRAYS: file.record}
        files |= {name: native.write_text(text, os.path.join(new, name)) for name, text in texts.items()}
        ours = {"format": "firth", "format_version": native.VERSION, **config, "files": files}
        described = ours if huggingface is None else {**native.nested(ours), **huggingface}
        native.write_text(native.seal(native.as_json(described, "config")), os.path.join(new, _CONFIG))


def read(folder: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; the weights are mapped. `verify` as in native.py.

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    header, config = native.read_config(folder, _ARRAYS)
    path = os.path.join(folder, _ARRAYS)
    data = native.mapped_file(folder, _ARRAYS, header)
    tensors = safetensors.read_header(path, data)
    _check(folder, config)
    if verify == "full":
        for name in header.files:
            check_blocks(os.path.join(folder, name), native.mapped_file(folder, name, header), header.files[name])
    arrays = {name: safetensors.numbers(tensor, data) for name, tensor in tensors.items()}
    tokenizer = native.read_text(folder, _TOKENIZER, header).encode() if _TOKENIZER in header.files else b""
    return Saved(config, arrays, tokenizer, native.read_provenance(folder, header))


def describe(folder: Place) -> dict[str, Any]:
    """What a language model is, from its headers alone."""
    header, config = native.read_config(folder, _ARRAYS)
    _check(folder, config)
    tensors = safetensors.read_header(os.path.join(folder, _ARRAYS), native.mapped_file(folder, _ARRAYS, header))
    return {
        "format": "native",
        "format_version": header.format_version,
        "model": config["model"]["name"],
        "parameters": sum(int(np.prod(tensor.shape, dtype=np.int64)) for tensor in tensors.values()),
        "files": {name: os.path.getsize(os.path.join(folder, name)) for name in (_CONFIG, *header.files)},
        "config": config,
        "provenance": native.read_provenance(folder, header),
    }


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


def _check(folder: Place, config: dict[str, Any]) -> None:
    match config:
        case {"model": {"name": str()}, "text": dict(), "tokenizer": {"kind": str(), "special": dict()}}:
            return
    raise CorruptFileError(
        f"{os.path.join(folder, _CONFIG)} does not say what model this is, how text is cut and by which tokenizer. "
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
