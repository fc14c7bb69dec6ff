"""A saved encoder of categories: a folder as firth's own (native.py), with the tables of all columns in one file.

config.json              format, version, the options, the columns' names; size and checksums of every file
categories.safetensors   for column 0, 1, …: `0.keys` (the values, one UTF-8 blob), `0.offsets` i8[levels + 1],
                         `0.counts` i8[levels], `0.table` f4[levels + 2, dim], whose last two rows are those of unseen
                         and of missing values
provenance.json          what it was learnt from and how it went
README.md                the model card
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

_ARRAYS, _CONFIG, _PROVENANCE, _CARD = native.CATEGORIES, "config.json", "provenance.json", "README.md"
_DTYPES = {"keys": ("U8", 1), "offsets": ("I64", 1), "counts": ("I64", 1), "table": ("F32", 2)}
_OPEN = """## Use it

```python
import firth

encoder = firth.load("path/to/this/folder")
encoder.transform(table)                       # scikit-learn's words; a frame with the columns below
encoder.embeddings_["column"].most_similar("a value")
```"""


class Column(NamedTuple):
    """A column: its values, how often each came, and their vectors."""

    name: str
    keys: list[str]
    counts: NDArray[np.int64]
    table: NDArray[np.float32]


class Saved(NamedTuple):
    """What a folder holds."""

    config: dict[str, Any]
    """`model`: the options; `named`: whether the columns had names; `supervised`."""
    columns: list[Column]
    provenance: dict[str, Any]


def save(saved: Saved, path: Place) -> None:
    """Write a folder, atomically; `read` gives back what this is given.

    Raises FormatError where something else is at `path` (it is left alone), DiskFullError or SaveError where writing
    fails.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for place, column in enumerate(saved.columns):  # the numbers of eight bytes first, the text last: all lie aligned
        keys = Keys.of(column.keys)
        arrays |= {f"{place}.offsets": keys.offsets, f"{place}.counts": column.counts, f"{place}.keys": keys.blob}
        arrays[f"{place}.table"] = column.table
    order = {"offsets": 0, "counts": 1, "table": 2, "keys": 3}
    arrays = dict(sorted(arrays.items(), key=lambda item: order[item[0].partition(".")[2]]))
    needed = sum(array.nbytes for array in arrays.values()) + (1 << 16)
    with atomic.replacing(path, needed=needed, check=native.check_replaceable) as new:
        os.mkdir(new)
        with NewFile(os.path.join(new, _ARRAYS)) as file:
            safetensors.write(file, arrays, aligned="0.offsets", metadata={"format": "firth"})
        texts = {_PROVENANCE: native.as_json(saved.provenance, "provenance"), _CARD: _card(saved).encode()}
        files = {_ARRAYS: file.record}
        files |= {name: native.write_text(text, os.path.join(new, name)) for name, text in texts.items()}
        names = [column.name for column in saved.columns]
        described = {
            "format": "firth",
            "format_version": native.VERSION,
            **saved.config,
            "columns": names,
            "files": files,
        }
        native.write_text(native.seal(native.as_json(described, "config")), os.path.join(new, _CONFIG))


def read(folder: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; the vectors are mapped.

    verify  "headers": sizes and values; "full": every byte of every file

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    header, config = native.read_config(folder, _ARRAYS)
    path = os.path.join(folder, _ARRAYS)
    data = native.mapped_file(folder, _ARRAYS, header)
    tensors = safetensors.read_header(path, data)
    names = _names(path, config)
    _check(path, tensors, len(names))
    check_blocks(path, data, header.files[_ARRAYS])
    if verify == "full":
        for name in header.files.keys() - {_ARRAYS}:
            check_blocks(os.path.join(folder, name), native.mapped_file(folder, name, header), header.files[name])
    columns = []
    for place, name in enumerate(names):
        part = {kind: tensors[f"{place}.{kind}"].of(data) for kind in _DTYPES}
        try:
            keys = Keys(part["keys"], part["offsets"]).tolist()
        except InputError as error:
            raise CorruptFileError(f"{path}: column {name!r}: {error} Copy the model again.") from error
        columns.append(Column(name, keys, part["counts"], part["table"]))
    return Saved(config, columns, native.read_provenance(folder, header))


def describe(folder: Place) -> dict[str, Any]:
    """What an encoder is, from its headers alone."""
    header, config = native.read_config(folder, _ARRAYS)
    path = os.path.join(folder, _ARRAYS)
    tensors = safetensors.read_header(path, native.mapped_file(folder, _ARRAYS, header))
    names = _names(path, config)
    _check(path, tensors, len(names))
    shapes = [tensors[f"{place}.table"].shape for place in range(len(names))]
    return {
        "format": "native",
        "format_version": header.format_version,
        "columns": {name: {"levels": rows - 2, "dim": dim} for name, (rows, dim) in zip(names, shapes, strict=True)},
        "files": {name: os.path.getsize(os.path.join(folder, name)) for name in (_CONFIG, *header.files)},
        "config": config,
        "provenance": native.read_provenance(folder, header),
    }


def _names(path: Place, config: dict[str, Any]) -> list[str]:
    names = config.get("columns")
    if (
        not isinstance(config.get("model"), dict)
        or not isinstance(names, list)
        or not {"named", "supervised"} <= config.keys()
    ):
        raise CorruptFileError(f"{path}: its config.json has no options and columns of an encoder. Copy it again.")
    return [str(name) for name in names]


def _check(path: Place, tensors: dict[str, safetensors.Tensor], columns: int) -> None:
    """Raise CorruptFileError where arrays are missing, or are not of the sizes that follow from one another."""
    for place in range(columns):
        for kind, (dtype, axes) in _DTYPES.items():
            tensor = tensors.get(f"{place}.{kind}")
            if tensor is None or tensor.dtype != dtype or len(tensor.shape) != axes:
                raise CorruptFileError(f"{path}: no array '{place}.{kind}' of {dtype} in {axes} axes. Copy it again.")
        levels = tensors[f"{place}.offsets"].shape[0] - 1
        if tensors[f"{place}.counts"].shape != (levels,) or tensors[f"{place}.table"].shape[0] != levels + 2:
            raise CorruptFileError(f"{path}: the arrays of column {place} do not fit each other. Copy it again.")


def _card(saved: Saved) -> str:
    """The model card: what it is, how to use it, how it was learnt."""
    from firth.formats.card import table

    options = {name: value for name, value in saved.config["model"].items() if name != "name"}
    sizes = {column.name: f"{len(column.keys):,} values, {column.table.shape[1]} numbers" for column in saved.columns}
    sections = [
        "---\nlibrary_name: firth\ntags: [tabular]\n---",
        f"# An encoder of {len(saved.columns):,} columns of categories",
        _OPEN,
        table("Columns", sizes),
        table("How it was learnt", options),
        table("What it was learnt from", saved.provenance),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"
