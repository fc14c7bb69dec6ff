"""A saved encoder of categories: a folder as firth's own (native.py), with the tables of all columns in one file.

config.json              format, version, the options, the columns' names; size and checksums of every file
categories.safetensors   for column 0, 1, …: `0.keys` (the values, one UTF-8 blob), `0.offsets` i8[levels + 1],
                         `0.counts` i8[levels], `0.table` f4[levels + 2, dim], whose last two rows are those of unseen
                         and of missing values
provenance.json          what it was learnt from and how it went
README.md                the model card
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats import folder, native, safetensors
from firth.formats.folder import CARD, PROVENANCE
from firth.formats.signatures import Place
from firth.vectors.keys import Keys

_ARRAYS = native.CATEGORIES
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
    folder.write(
        path,
        _ARRAYS,
        arrays,
        aligned="0.offsets",
        config={**saved.config, "columns": [column.name for column in saved.columns]},
        texts={PROVENANCE: native.as_json(saved.provenance, "provenance"), CARD: _card(saved).encode()},
    )


def read(path: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; the vectors are mapped.

    verify  "headers": sizes and values; "full": every byte of every file

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    found = folder.opened(path, _ARRAYS)
    names = _names(found.path, found.config)
    _check(found.path, found.tensors, len(names))
    found.check()
    if verify == "full":
        found.check_beside()
    columns = []
    for place, name in enumerate(names):
        counts, table = (found.tensors[f"{place}.{kind}"].of(found.data) for kind in ("counts", "table"))
        columns.append(Column(name, found.keys(f"{place}."), counts, table))
    return Saved(found.config, columns, found.provenance())


def describe(path: Place) -> dict[str, Any]:
    """What an encoder is, from its headers alone."""
    found = folder.opened(path, _ARRAYS)
    names = _names(found.path, found.config)
    _check(found.path, found.tensors, len(names))
    shapes = [found.tensors[f"{place}.table"].shape for place in range(len(names))]
    sizes = {name: {"levels": rows - 2, "dim": dim} for name, (rows, dim) in zip(names, shapes, strict=True)}
    return found.described(columns=sizes)


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
