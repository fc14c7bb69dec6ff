"""A saved classifier: a folder as firth's own (native.py), with all its tables in one file.

config.json             format, version, the options, the labels; size and checksums of every file
classifier.safetensors  keys (one UTF-8 blob) and their offsets, counts, rows of words and n-grams (`inputs`, or
                        `codes`, `centroids`, `norms` and their `lengths`), which buckets have rows (`kept`), `outputs`
                        (or `output_codes`, …), `label_counts`
provenance.json         what it was learnt from and how it went
README.md               the model card
"""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, InputError
from firth.formats import atomic, native, safetensors
from firth.formats.checksums import NewFile, check_blocks
from firth.formats.signatures import Place
from firth.vectors.keys import Keys

_ARRAYS, _CONFIG, _PROVENANCE, _CARD = native.CLASSIFIER, "config.json", "provenance.json", "README.md"
_PARTS = {"codes": ("U8", 2), "centroids": ("F32", 3), "norms": ("U8", 1), "lengths": ("F32", 1)}
_KINDS = {
    "inputs": ("F32", 2),
    "outputs": ("F32", 2),
    "kept": ("I32", 1),
    **_PARTS,
    **{f"output_{name}": kind for name, kind in _PARTS.items()},
}
"""The number type and the number of axes of an array."""
_OPEN = """## Use it

```python
import firth

classifier = firth.load("path/to/this/folder")
classifier.predict(["some text"])
```"""


class Saved(NamedTuple):
    """What a folder holds."""

    config: dict[str, Any]
    """`model`: the options; `labels`; `label_kind`; `text`."""
    words: list[str]
    arrays: dict[str, NDArray[Any]]
    provenance: dict[str, Any]


def save(
    path: Place, config: dict[str, Any], words: list[str], arrays: dict[str, NDArray[Any]], provenance: dict[str, Any]
) -> None:
    """Write a folder, atomically; `read` gives back what this is given.

    Raises FormatError where something else is at `path` (it is left alone), DiskFullError or SaveError where writing
    fails, ConfigError for labels that JSON cannot hold.
    """
    keys = Keys.of(words)
    needed = sum(array.nbytes for array in arrays.values()) + len(keys.blob) + 8 * len(keys) + (1 << 16)
    with atomic.replacing(path, needed=needed, check=native.check_replaceable) as new:
        os.mkdir(new)
        with NewFile(os.path.join(new, _ARRAYS)) as file:
            everything: dict[str, NDArray[Any]] = {"keys": keys.blob, "offsets": keys.offsets, **arrays}
            table = "inputs" if "inputs" in arrays else "codes"
            safetensors.write(file, everything, aligned=table, metadata={"format": "firth"})
        texts = {
            _PROVENANCE: native.as_json(provenance, "provenance"),
            _CARD: _card(config, words, provenance).encode(),
        }
        files = {_ARRAYS: file.record}
        files |= {name: native.write_text(text, os.path.join(new, name)) for name, text in texts.items()}
        described = {"format": "firth", "format_version": native.VERSION, **config, "files": files}
        native.write_text(native.seal(native.as_json(described, "config")), os.path.join(new, _CONFIG))


def read(folder: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; tables are mapped. `verify` as in native.py, though small tables are checked always.

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    header, config = native.read_config(folder, _ARRAYS)
    path = os.path.join(folder, _ARRAYS)
    data = native.mapped_file(folder, _ARRAYS, header)
    tensors = safetensors.read_header(path, data)
    _check(path, tensors, config)
    table = tensors[_table(tensors)]
    before = max(tensors[name].end for name in ("keys", "offsets"))
    check_blocks(path, data, header.files[_ARRAYS], None if verify == "full" or table.end < 1 << 26 else before)
    if verify == "full":
        for name in header.files.keys() - {_ARRAYS}:
            check_blocks(os.path.join(folder, name), native.mapped_file(folder, name, header), header.files[name])
    arrays = {name: tensor.of(data) for name, tensor in tensors.items() if name not in {"keys", "offsets"}}
    try:
        words = Keys(tensors["keys"].of(data), tensors["offsets"].of(data)).tolist()
    except InputError as error:
        raise CorruptFileError(f"{path} from byte {tensors['keys'].begin:,}: {error} Copy the model again.") from error
    _check_numbers(path, arrays, config)
    return Saved(config, words, arrays, native.read_provenance(folder, header))


def describe(folder: Place) -> dict[str, Any]:
    """What a classifier is, from its headers alone."""
    header, config = native.read_config(folder, _ARRAYS)
    tensors = safetensors.read_header(os.path.join(folder, _ARRAYS), native.mapped_file(folder, _ARRAYS, header))
    _check(os.path.join(folder, _ARRAYS), tensors, config)
    table = tensors[_table(tensors)]
    return {
        "format": "native",
        "format_version": header.format_version,
        "words": tensors["offsets"].shape[0] - 1,
        "rows": table.shape[0],
        "dim": config["model"]["dim"],
        "labels": len(config["labels"]),
        "quantised": "codes" in tensors,
        "files": {name: os.path.getsize(os.path.join(folder, name)) for name in (_CONFIG, *header.files)},
        "config": config,
        "provenance": native.read_provenance(folder, header),
    }


def _check(path: Place, tensors: dict[str, safetensors.Tensor], config: dict[str, Any]) -> None:
    """Raise CorruptFileError where arrays are missing, or are not of the sizes that follow from one another."""
    model, labels = config.get("model"), config.get("labels")
    if not isinstance(model, dict) or not isinstance(labels, list) or not isinstance(model.get("dim"), int):
        raise CorruptFileError(f"{path}: its config.json has no options and labels of a classifier. Copy it again.")
    if missing := sorted({"keys", "offsets", "counts", "label_counts"} - tensors.keys()):
        raise CorruptFileError(f"{path} holds no array {missing[0]!r}. Copy the model again from where it came.")
    for name, (dtype, axes) in _KINDS.items():
        tensor = tensors.get(name)
        if tensor is not None and (tensor.dtype != dtype or len(tensor.shape) != axes):
            raise _wrong(path, name, tensor)
    words = tensors["offsets"].shape[0] - 1
    kept = tensors["kept"].shape[0] if "kept" in tensors else int(model.get("buckets", 0))
    outputs = max(1, len(labels) - 1) if model.get("loss") == "hs" else len(labels)
    for name, rows in {"counts": words, "label_counts": len(labels)}.items():
        if tensors[name].shape != (rows,):
            raise _wrong(path, name, tensors[name])
    _check_table(path, tensors, "inputs", "", (words + kept, model["dim"]))
    _check_table(path, tensors, "outputs", "output_", (outputs, model["dim"]))


def _check_table(
    path: Place, tensors: dict[str, safetensors.Tensor], name: str, prefix: str, shape: tuple[int, int]
) -> None:
    """A table of f4[rows, dim], or the parts of its quantised form."""
    if name in tensors:
        if tensors[name].shape != shape:
            raise _wrong(path, name, tensors[name])
        return
    parts = {part: tensors[prefix + part] for part in _PARTS if prefix + part in tensors}
    norms = {"norms", "lengths"}
    if missing := sorted(({"codes", "centroids"} | (norms if norms & parts.keys() else set())) - parts.keys()):
        raise CorruptFileError(f"{path} holds no array {prefix + missing[0]!r}. Copy the model again from its source.")
    (rows, dim), (_, count) = shape, parts["codes"].shape
    _, _, width = parts["centroids"].shape
    expected = {"codes": (rows, count), "centroids": (count, 256, width), "norms": (rows,), "lengths": (256,)}
    for part, tensor in parts.items():
        if tensor.shape != expected[part]:
            raise _wrong(path, prefix + part, tensor)
    if not (count - 1) * width < dim <= count * width:
        raise _wrong(path, f"{prefix}centroids", parts["centroids"])


def _table(tensors: dict[str, safetensors.Tensor]) -> str:
    """The array with a row for each word and n-gram."""
    return "inputs" if "inputs" in tensors else "codes"


def _check_numbers(path: Place, arrays: dict[str, NDArray[Any]], config: dict[str, Any]) -> None:
    """Raise CorruptFileError for buckets that are none, or stand out of order."""
    kept = arrays.get("kept")
    if kept is None or not len(kept):
        return
    if kept[0] < 0 or kept[-1] >= int(config["model"].get("buckets", 0)) or (np.diff(kept) <= 0).any():
        raise CorruptFileError(f"{path}: 'kept' are no buckets in ascending order. Copy the model again.")


def _wrong(path: Place, name: str, tensor: safetensors.Tensor) -> CorruptFileError:
    return CorruptFileError(
        f"{path} at byte {tensor.begin:,}: {name!r} is {tensor.dtype} {list(tensor.shape)}, which does not fit the "
        "rest. Copy the model again from where it came."
    )


def _card(config: dict[str, Any], words: list[str], provenance: dict[str, Any]) -> str:
    """The model card: what it is, how to use it, how it was learnt."""
    from firth.formats.card import table

    labels = config["labels"]
    shown = ", ".join(f"`{label}`" for label in labels[:8]) + (", …" if len(labels) > 8 else "")
    options = {name: value for name, value in config["model"].items() if name != "name"}
    sections = [
        "---\nlibrary_name: firth\ntags: [text-classification]\n---",
        f"# A classifier of texts: {len(labels):,} labels, {len(words):,} words",
        f"Labels: {shown}.",
        _OPEN,
        table("How it was learnt", options),
        table("What it was learnt from", provenance),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"
