"""What model2vec's and sentence-transformers' folders share: tokenizer.json and a table in model.safetensors.

The tokenizer of a folder that firth writes cuts at ASCII white space and knows whole words; its last row, of zeros, is
for unknown words, and is left out when the folder is read.
"""

import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, InputError
from firth.formats import safetensors
from firth.formats.checksums import NewFile
from firth.formats.json_text import is_whole
from firth.formats.plain_files import mapped, read_json
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

TOKENIZER, TABLE = "tokenizer.json", "model.safetensors"
_LARGEST_TOKENIZER = 1 << 30
_UNKNOWN = "[UNK]"
_WORDS = {"type": "Split", "pattern": {"Regex": "[\\t\\n\\v\\f\\r ]+"}, "behavior": "Removed", "invert": False}


# ---------------------------------------------------------------- reading


def read(folder: Place, table: str) -> Vectors:
    """The table called so in model.safetensors, with the tokens of tokenizer.json as keys.

    model2vec's per-token weights, and its mapping of several tokens to one row, are applied.
    """
    path = os.path.join(folder, TABLE)
    data = mapped(path)
    tensors = safetensors.read_header(path, data)
    rows = _rows(path, tensors, data, table)
    keys, unknown = _tokens(os.path.join(folder, TOKENIZER))
    if len(keys) != len(rows):
        raise CorruptFileError(f"{folder}: {len(keys):,} tokens for {len(rows):,} vectors. Copy it again.")
    if unknown == len(keys) - 1 and not np.any(rows[unknown]):
        keys, rows = keys[:unknown], rows[:unknown]
    try:
        return Vectors(Keys.of(keys).tolist(), rows)
    except InputError as error:
        raise CorruptFileError(f"{folder}: {error}") from error


def shape(folder: Place, table: str) -> tuple[int, int]:
    """(tokens, dim) of a folder, from headers alone."""
    path = os.path.join(folder, TABLE)
    tensors = safetensors.read_header(path, mapped(path))
    found = _tensor(path, tensors, table)
    tokens = tensors.get("mapping", found).shape
    return tokens[0], found.shape[1]


def has_unknown(folder: Place, table: str) -> bool:
    """Whether the last row is the one for unknown words that `read` leaves out."""
    keys, unknown = _tokens(os.path.join(folder, TOKENIZER))
    path = os.path.join(folder, TABLE)
    data = mapped(path)
    rows = _rows(path, safetensors.read_header(path, data), data, table)
    return unknown == len(keys) - 1 == len(rows) - 1 and not np.any(rows[-1])


def holds(folder: Place, table: str) -> bool:
    """Whether the header of model.safetensors, whole or damaged, names such a table."""
    try:
        head = mapped(os.path.join(folder, TABLE))[: 1 << 16].tobytes()
    except (OSError, InputError):
        return False
    return json.dumps(table).encode() in head


def _tensor(path: Place, tensors: dict[str, safetensors.Tensor], name: str) -> safetensors.Tensor:
    found = tensors.get(name)
    if found is None or len(found.shape) != 2 or not found.shape[1] or found.dtype not in safetensors.NUMBERS:
        inside = ", ".join(f"{each} {tensors[each].dtype} {list(tensors[each].shape)}" for each in list(tensors)[:8])
        raise FormatError(f"{path} holds no table {name!r} of tokens × dim numbers, but {inside or 'nothing'}.")
    return found


def _rows(path: Place, tensors: dict[str, safetensors.Tensor], data: NDArray[np.uint8], name: str) -> NDArray[Any]:
    """A row for each token: f4[tokens, dim]; mapped where the file has it so."""
    rows = safetensors.numbers(_tensor(path, tensors, name), data)
    for part in ("mapping", "weights"):
        if part not in tensors:
            continue
        if len(tensors[part].shape) != 1 or tensors[part].dtype not in safetensors.NUMBERS:
            raise CorruptFileError(f"{path}: {part!r} must be one number for each token.")
    if "mapping" in tensors:
        places = safetensors.numbers(tensors["mapping"], data).astype(np.int64)
        if len(places) and not 0 <= places.min() <= places.max() < len(rows):
            raise CorruptFileError(f"{path}: 'mapping' names a row beyond the {len(rows):,} that there are.")
        rows = rows[places]
    if "weights" in tensors:
        weights = safetensors.numbers(tensors["weights"], data)
        if len(weights) != len(rows):
            raise CorruptFileError(f"{path}: {len(weights):,} weights for {len(rows):,} tokens.")
        rows = (rows * weights[:, None]).astype(np.float32)
    return rows


def _tokens(path: Place) -> tuple[list[str], int | None]:
    """The tokens in the order of their numbers, and the number of the one for unknown words where all are words."""
    found = read_json(path, _LARGEST_TOKENIZER)
    model = found.get("model") if isinstance(found, dict) else None
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if model is None or not isinstance(vocabulary, list | dict):
        raise CorruptFileError(f"{path} holds no model with a vocab. Copy it again from where it came.")
    pairs: list[tuple[Any, Any]]
    if isinstance(vocabulary, list):  # Unigram: [token, score] pairs in order
        pairs = [(pair[0], place) for place, pair in enumerate(vocabulary) if isinstance(pair, list) and pair]
    else:
        pairs = [*vocabulary.items()]
    added = found.get("added_tokens")
    pairs += [(each.get("content"), each.get("id")) for each in added or [] if isinstance(each, dict)]
    by_number: dict[int, str] = {}
    for token, number in pairs:
        if not isinstance(token, str) or not is_whole(number) or by_number.setdefault(number, token) != token:
            raise CorruptFileError(
                f"{path}: token {str(token)[:40]!r} has the number {str(number)[:40]}. Copy it again."
            )
    if sorted(by_number) != list(range(len(by_number))):
        raise CorruptFileError(f"{path}: its {len(by_number):,} tokens are not numbered one after the other.")
    keys = [by_number[number] for number in range(len(by_number))]
    whole_words = model.get("type") == "WordLevel" and keys and model.get("unk_token") == keys[-1]
    return keys, len(keys) - 1 if whole_words else None


# ---------------------------------------------------------------- writing


def write(vectors: Vectors, folder: Place, table: str) -> None:
    """Write both files, synced, into a folder that is there."""
    text = json.dumps(_tokenizer(vectors), ensure_ascii=False, separators=(",", ":")).encode()
    with NewFile(os.path.join(folder, TOKENIZER)) as file:
        file.write(text)
    rows, dim = vectors.vectors.shape
    whole = {table: np.broadcast_to(np.float32(0), (rows + 1, dim))}  # with the row for unknown words; takes no memory
    with NewFile(os.path.join(folder, TABLE)) as file:
        file.write(safetensors.header(whole, aligned=table, metadata={"format": "pt"}))
        safetensors.write_rows(file, vectors.vectors)
        file.write(bytes(4 * dim))


def write_json(path: Place, value: Any) -> None:
    """Write a JSON file for people and programs, synced."""
    with NewFile(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")


def needs(vectors: Vectors) -> int:
    """About the bytes of `write`. Raises EncodingError for a lone surrogate."""
    keys = Keys.of(vectors.index_to_key)
    return vectors.vectors.nbytes + len(keys.blob) + 10 * len(keys) + 4 * vectors.dim + 2048


def _tokenizer(vectors: Vectors) -> dict[str, Any]:
    """tokenizer.json of words cut at white space, in lower case where the text was."""
    keys = Keys.of(vectors.index_to_key).tolist()
    vocabulary = {key: number for number, key in enumerate(keys)}
    unknown = _UNKNOWN
    while unknown in vocabulary:
        unknown += "_"
    vocabulary[unknown] = len(keys)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"} if vectors.options("text").get("lower") else None,
        "pre_tokenizer": _WORDS,
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": unknown},
    }
