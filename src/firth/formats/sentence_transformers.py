"""sentence-transformers' folder with a StaticEmbedding: modules.json, and its folder with tokenizer.json and the table.

The keys are the tokens, as the tokenizer writes them. sentence-transformers counts an unknown word as a row of zeros
when it takes the mean, firth passes over it: of a text with unknown words the lengths differ, the directions do not.
https://sbert.net
"""

import os
from typing import Any

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats import static_embedding as static
from firth.formats.plain_files import read_json
from firth.formats.signatures import Place
from firth.formats.static_embedding import needs
from firth.vectors.table import Vectors

__all__ = ["WRITTEN", "describe", "needs", "read", "recognise", "write"]

_MODULES, _CONFIG, _INSIDE = "modules.json", "config_sentence_transformers.json", "0_StaticEmbedding"
_NAME = "embedding.weight"
_KIND = "sentence_transformers.models.StaticEmbedding"
WRITTEN = frozenset({_MODULES, _CONFIG, _INSIDE})
_LARGEST = 1 << 20  # bytes of modules.json


def recognise(folder: Place) -> bool:
    """Whether a folder's first module is a StaticEmbedding, and its table has the name that it has there."""
    try:
        return static.holds(_inside(folder), _NAME)
    except (OSError, InputError):
        return False


def read(folder: Place) -> Vectors:
    """Read a folder. Raises CorruptFileError for damage, FormatError for a folder of another kind."""
    return static.read(_inside(folder), _NAME)


def describe(folder: Place) -> dict[str, Any]:
    """Tokens, dim, and the files with their sizes."""
    inside = _inside(folder)
    rows, dim = static.shape(inside, _NAME)
    paths = [os.path.join(folder, _MODULES), *(os.path.join(inside, name) for name in (static.TOKENIZER, static.TABLE))]
    sizes = {os.path.relpath(path, folder): os.path.getsize(path) for path in paths}
    return {"rows": rows - static.has_unknown(inside, _NAME), "dim": dim, "files": sizes}


def _inside(folder: Place) -> str:
    """The folder of the StaticEmbedding."""
    path = os.path.join(folder, _MODULES)
    if not os.path.lexists(path):
        raise FormatError(f"{folder} is not a sentence-transformers folder: it holds no {_MODULES}.")
    match read_json(path, _LARGEST):
        case [{"type": str(kind), "path": str(name)}, *_] if kind.endswith(".StaticEmbedding"):
            pass
        case [{"type": str(kind)}, *_]:
            raise FormatError(f"{path}: firth reads a StaticEmbedding, and its first module is a {kind:.100}.")
        case _:
            raise CorruptFileError(f"{path} is no list of modules. Copy it again from where it came.")
    if name in {"", "."}:
        return os.fspath(folder)
    if name != os.path.basename(name) or name == ".." or "\\" in name or "\0" in name:
        raise FormatError(
            f"{path} names the folder {name!r:.100}, which is no plain name inside the model. Not opened."
        )
    inside = os.path.join(folder, name)
    if os.path.islink(inside):
        raise FormatError(f"{inside} is a symbolic link, not followed inside a model. Put the folder itself there.")
    return inside


def write(vectors: Vectors, folder: Place) -> None:
    """Write a new folder, each file synced; modules.json last."""
    inside = os.path.join(folder, _INSIDE)
    os.mkdir(folder)
    os.mkdir(inside)
    static.write(vectors, inside, _NAME)
    static.write_json(os.path.join(folder, _CONFIG), {"prompts": {}, "similarity_fn_name": "cosine"})
    static.write_json(os.path.join(folder, _MODULES), [{"idx": 0, "name": "0", "path": _INSIDE, "type": _KIND}])
