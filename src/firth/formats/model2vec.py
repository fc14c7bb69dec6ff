"""model2vec's folder: config.json, tokenizer.json, and the table `embeddings` in model.safetensors.

The keys are the tokens, as the tokenizer writes them (`##ing`, `▁the`). https://github.com/MinishLab/model2vec
"""

import os
from typing import Any

from firth.errors import FormatError
from firth.formats import static_embedding as static
from firth.formats.signatures import Place
from firth.formats.static_embedding import needs
from firth.vectors.table import Vectors

__all__ = ["WRITTEN", "describe", "needs", "read", "recognise", "write"]

_CONFIG, _NAME = "config.json", "embeddings"
WRITTEN = frozenset({_CONFIG, static.TOKENIZER, static.TABLE})


def recognise(folder: Place) -> bool:
    """Whether a folder holds all three files, and the table has model2vec's name."""
    there = all(os.path.lexists(os.path.join(folder, name)) for name in WRITTEN)
    return there and static.holds(folder, _NAME)


def read(folder: Place) -> Vectors:
    """Read a folder; per-token weights and a quantised vocabulary are applied, so rows are what model2vec averages.

    Raises CorruptFileError for damage, FormatError for a folder of another kind.
    """
    _check(folder)
    return static.read(folder, _NAME)


def describe(folder: Place) -> dict[str, Any]:
    """Tokens, dim, and the files with their sizes."""
    _check(folder)
    rows, dim = static.shape(folder, _NAME)
    sizes = {name: os.path.getsize(os.path.join(folder, name)) for name in sorted(WRITTEN)}
    unknown = static.has_unknown(folder, _NAME)
    return {"rows": rows - unknown, "dim": dim, "files": sizes}


def _check(folder: Place) -> None:
    for name in sorted(WRITTEN):
        if not os.path.lexists(os.path.join(folder, name)):
            raise FormatError(f"{folder} is not a model2vec folder: it holds no {name}.")


def write(vectors: Vectors, folder: Place) -> None:
    """Write a new folder, each file synced; config.json last."""
    os.mkdir(folder)
    static.write(vectors, folder, _NAME)
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "normalize": False,
        "max_length": None,
        "embedding_dtype": "float32",
        "hidden_dim": vectors.dim,
    }
    static.write_json(os.path.join(folder, _CONFIG), config)
