"""A saved classifier: a folder as firth's own (native.py), with all its tables in one file.

config.json             format, version, the options, the labels; size and checksums of every file
classifier.safetensors  keys (one UTF-8 blob) and their offsets, counts, rows of words and n-grams (`inputs`, or
                        `codes`, `centroids`, `norms` and their `lengths`), which buckets have rows (`kept`), `outputs`
                        (or `output_codes`, …), `label_counts`
provenance.json         what it was learnt from and how it went
README.md               the model card
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats import folder, native, safetensors
from firth.formats.folder import CARD, PROVENANCE
from firth.formats.signatures import Place
from firth.vectors.keys import Keys

_ARRAYS = native.CLASSIFIER
_SMALL = 1 << 26  # bytes of a table that are read at every opening, to be checked
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
    folder.write(
        path,
        _ARRAYS,
        {"keys": keys.blob, "offsets": keys.offsets, **arrays},
        aligned=_table(arrays),
        config=config,
        texts={
            PROVENANCE: native.as_json(provenance, "provenance"),
            CARD: _card(config, words, provenance).encode(),
        },
    )


def read(path: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; tables are mapped. `verify` as in native.py, though small tables are checked always.

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    found = folder.opened(path, _ARRAYS)
    _check(found.path, found.tensors, found.config)
    whole = verify == "full" or found.tensors[_table(found.tensors)].end < _SMALL
    found.check(upto=None if whole else max(found.tensors[name].end for name in ("keys", "offsets")))
    if verify == "full":
        found.check_beside()
    arrays = {name: tensor.of(found.data) for name, tensor in found.tensors.items() if name not in {"keys", "offsets"}}
    words = found.keys()
    _check_numbers(found.path, arrays, found.config)
    return Saved(found.config, words, arrays, found.provenance())


def describe(path: Place) -> dict[str, Any]:
    """What a classifier is, from its headers alone."""
    found = folder.opened(path, _ARRAYS)
    _check(found.path, found.tensors, found.config)
    return found.described(
        words=found.tensors["offsets"].shape[0] - 1,
        rows=found.tensors[_table(found.tensors)].shape[0],
        dim=found.config["model"]["dim"],
        labels=len(found.config["labels"]),
        quantised="codes" in found.tensors,
    )


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


def _table(tensors: Mapping[str, object]) -> str:
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
