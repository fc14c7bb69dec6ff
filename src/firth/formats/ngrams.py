"""A saved language model of n-grams: a folder as firth's own (native.py), with its tables in one file.

config.json         format, version, the options, how the text was cut; size and checksums of every file
ngrams.safetensors  keys (the words, one UTF-8 blob) and their offsets, firsts i8[order + 1], ngrams i8[rows],
                    starts i8[contexts + 1], suffixes i4[rows], counts i4[rows], log10 f4[rows], backoff f4[contexts]
provenance.json     what it was learnt from and how it went
README.md           the model card

What the tables mean is said in kernels/ngrams.py. They are mapped: a model opens in milliseconds.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError
from firth.formats import folder, native, safetensors
from firth.formats.folder import CARD, PROVENANCE
from firth.formats.signatures import Place
from firth.vectors.keys import Keys

_ARRAYS = native.NGRAMS
_DTYPES = {
    "firsts": "I64",
    "ngrams": "I64",
    "starts": "I64",
    "suffixes": "I32",
    "counts": "I32",
    "log10": "F32",
    "backoff": "F32",
}
_NEEDED = {"keys", "offsets", "firsts", "ngrams", "starts", "suffixes"}
_OPEN = """## Use it

```python
import firth

lm = firth.load("path/to/this/folder")
lm.perplexity("text.txt")
lm.fill_mask("a text with a [MASK] in it")
lm.generate("how it begins")
```"""


class Saved(NamedTuple):
    """What a folder holds."""

    config: dict[str, Any]
    """`model`: the options; `text`: how it was cut."""
    words: list[str]
    arrays: dict[str, NDArray[Any]]
    provenance: dict[str, Any]


def save(saved: Saved, path: Place) -> None:
    """Write a folder, atomically; `read` gives back what this is given.

    Raises FormatError where something else is at `path` (it is left alone), DiskFullError or SaveError where writing
    fails.
    """
    keys = Keys.of(saved.words)
    tables = {name: saved.arrays[name] for name in _DTYPES if name in saved.arrays}  # the widest numbers first
    folder.write(
        path,
        _ARRAYS,
        {"keys": keys.blob, "offsets": keys.offsets, **tables},
        aligned="firsts",
        config=saved.config,
        texts={PROVENANCE: native.as_json(saved.provenance, "provenance"), CARD: _card(saved).encode()},
    )


def read(path: Place, *, verify: native.Verify = "headers") -> Saved:
    """Open what `save` wrote; tables are mapped.

    verify  "headers": sizes, words, and whether the tables fit each other; "full": every byte of every file

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside.
    """
    found = folder.opened(path, _ARRAYS)
    _check(found.path, found.tensors, found.config)
    read_now = max(found.tensors[name].end for name in ("keys", "offsets", "firsts"))
    found.check(upto=None if verify == "full" else read_now)
    if verify == "full":
        found.check_beside()
    arrays = {name: tensor.of(found.data) for name, tensor in found.tensors.items() if name not in {"keys", "offsets"}}
    words = found.keys()
    _check_numbers(found.path, arrays, len(words), whole=verify == "full")
    return Saved(found.config, words, arrays, found.provenance())


def describe(path: Place) -> dict[str, Any]:
    """What a model is, from its headers alone."""
    found = folder.opened(path, _ARRAYS)
    _check(found.path, found.tensors, found.config)
    firsts = found.tensors["firsts"]
    return found.described(
        words=found.tensors["offsets"].shape[0] - 1,
        order=firsts.shape[0] - 1,
        ngrams=np.diff(firsts.of(found.data)).tolist(),
    )


def _check(path: Place, tensors: dict[str, safetensors.Tensor], config: dict[str, Any]) -> None:
    """Raise CorruptFileError where arrays are missing, or are not of the sizes that follow from one another."""
    if not isinstance(config.get("model"), dict):
        raise CorruptFileError(f"{path}: its config.json has no options of a model. Copy it again.")
    needed = _NEEDED | ({"counts"} if "log10" not in tensors else {"backoff"})
    if missing := sorted(needed - tensors.keys()):
        raise CorruptFileError(f"{path} holds no array {missing[0]!r}. Copy the model again from where it came.")
    for name, dtype in _DTYPES.items():
        if name in tensors and (tensors[name].dtype != dtype or len(tensors[name].shape) != 1):
            raise _wrong(path, name, tensors[name])
    rows, contexts = tensors["ngrams"].shape[0], tensors["starts"].shape[0] - 1
    for name, size in {"suffixes": rows, "counts": rows, "log10": rows, "backoff": contexts}.items():
        if name in tensors and tensors[name].shape != (size,):
            raise _wrong(path, name, tensors[name])


def _check_numbers(path: Place, arrays: dict[str, NDArray[Any]], words: int, *, whole: bool) -> None:
    """Raise CorruptFileError where rows would lead outside the tables; `whole` looks at every row."""
    firsts, starts = arrays["firsts"], arrays["starts"]
    rows, contexts = len(arrays["ngrams"]), len(starts) - 1
    good = len(firsts) >= 2 and firsts[0] == 0 and firsts[1] == words + 3 and firsts[-1] == rows
    good = good and (np.diff(firsts) >= 0).all() and contexts == firsts[-2] and starts[0] == firsts[1]
    good = good and starts[-1] == rows
    if good and whole:
        suffixes = arrays["suffixes"]
        good = bool((np.diff(starts) >= 0).all() and (np.diff(arrays["ngrams"]) > 0).all())
        good = good and bool((suffixes[: firsts[1]] == -1).all() and (suffixes[firsts[1] :] >= 0).all())
        good = good and bool((suffixes < np.maximum(contexts, 1)).all())
    if not good:
        raise CorruptFileError(f"{path}: its tables do not fit each other. Copy the model again from where it came.")


def _wrong(path: Place, name: str, tensor: safetensors.Tensor) -> CorruptFileError:
    return CorruptFileError(
        f"{path} at byte {tensor.begin:,}: {name!r} is {tensor.dtype} {list(tensor.shape)}, which does not fit the "
        "rest. Copy the model again from where it came."
    )


def _card(saved: Saved) -> str:
    """The model card: what it is, how to use it, how it was learnt."""
    from firth.formats.card import table

    order = len(saved.arrays["firsts"]) - 1
    options = {name: value for name, value in saved.config["model"].items() if name != "name"}
    sections = [
        "---\nlibrary_name: firth\ntags: [language-model]\n---",
        f"# A language model of n-grams: order {order}, {len(saved.words):,} words",
        _OPEN,
        table("How it was learnt", options),
        table("How the text was cut", saved.config.get("text") or {}),
        table("What it was learnt from", saved.provenance),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"
