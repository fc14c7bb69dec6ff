"""fastText's binary files: .bin, read and written, and .ftz, read.

They hold every word's own row and a row for each bucket of character n-grams, so unseen words have vectors too. A
supervised model is read as the vectors of its words. Bojanowski et al. 2017.
"""

import os
from itertools import pairwise
from typing import Any

import numpy as np

from firth.errors import CorruptFileError, EncodingError, FormatError, InputError
from firth.formats.fasttext_file import (
    LOSSES,
    MODELS,
    Args,
    Entries,
    FastTextFile,
    looks_so,
    read_file,
    read_header,
)
from firth.formats.fasttext_quantised import decoded
from firth.formats.fasttext_writing import NO_ENTRIES, Rows, check_entries, write_file
from firth.formats.rows import Errors
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.nearest import Floats
from firth.vectors.subwords import Subwords
from firth.vectors.table import Vectors

_TREE = 1  # the loss hs


def recognise(head: bytes) -> bool:
    """Whether a file's first bytes are fastText's."""
    return looks_so(head)


# ---------------------------------------------------------------- reading


def read(path: Place, *, errors: Errors = "strict") -> Vectors:
    """Read a file of any version; its matrices stay on the disk, mapped.

    errors  "strict", "replace" or "ignore", for words that are not UTF-8; their n-grams are those of their bytes

    Raises CorruptFileError, with the byte, and EncodingError.
    """
    found = read_file(path)
    found = found._replace(inputs=decoded(path, found.inputs), outputs=decoded(path, found.outputs))
    assert isinstance(found.inputs, np.ndarray), "decoded just now"
    rows = len(found.words.counts)
    array, subwords = found.inputs[:rows], None
    keys = Keys(found.words.blob, found.words.offsets)
    if found.args.maxn > 0:
        table = found.inputs[rows : rows + (found.args.bucket if found.places is None else len(found.inputs))]
        subwords = Subwords(table, found.args.minn, found.args.maxn, own=array, places=found.places)
        array = subwords.stored(keys, line_ends=not found.version)
    names = _decoded(path, keys, errors)
    try:
        return Vectors(
            names,
            array,
            subwords=subwords,
            counts=found.words.counts if found.words.counts.any() else None,
            config={"model": options(found)},
            output=_outputs(found) if found.args.loss != _TREE else None,
            nodes=_nodes(found) if found.args.loss == _TREE else None,
        )
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def options(found: FastTextFile) -> dict[str, Any]:
    """The options of a file by firth's names."""
    args = found.args
    return {
        "name": "fasttext",
        "architecture": MODELS[args.model],
        "loss": LOSSES[args.loss],
        "dim": args.dim,
        "window": args.ws,
        "negatives": args.neg,
        "epochs": args.epoch,
        "min_count": args.min_count,
        "subsample": args.t,
        "ns_exponent": 0.5,
        "min_n": args.minn if args.maxn > 0 else 0,
        "max_n": args.maxn,
        "buckets": args.bucket,
    }


def _decoded(path: Place, keys: Keys, errors: Errors) -> Keys | list[str]:
    """The words; where decoding makes two alike, the second keeps its bytes as escapes."""
    decoded: list[str] = []
    try:
        keys.check()
    except EncodingError as error:
        if errors == "strict":
            raise EncodingError(f"{path}: {error} Pass errors='replace' to read it as far as it goes.") from None
        bounds = keys.offsets.tolist()
        names = [keys.blob[start:end].tobytes() for start, end in pairwise(bounds)]
        taken: set[str] = set()
        for place, name in enumerate(names):
            read = name.decode("utf-8", errors)
            decoded.append(read if read not in taken else name.decode("utf-8", "backslashreplace"))
            taken.add(decoded[place])
        return decoded
    return keys


def _outputs(found: FastTextFile) -> Floats | None:
    """The context side, a row a word; None where it is labels, or was left out."""
    outputs = found.outputs
    same = MODELS[found.args.model] != "supervised" and len(outputs) == len(found.words.counts) > 0
    return outputs if same and isinstance(outputs, np.ndarray) else None


def _nodes(found: FastTextFile) -> Floats | None:
    """The inner nodes of the Huffman tree; None where fastText, which takes words as they stand, built another one."""
    outputs, counts = _outputs(found), found.words.counts
    if outputs is None or (counts[1:] > counts[:-1]).any():
        return None
    return outputs[: max(1, len(outputs) - 1)]


def describe(path: Place) -> dict[str, Any]:
    """Rows and dim as the header says, what kind of model it is, and the file's size."""
    header = read_header(path)
    return {
        "rows": header.words,
        "dim": header.args.dim,
        "bytes": os.path.getsize(path),
        "version": header.version,
        "model": MODELS[header.args.model],
        "loss": LOSSES[header.args.loss],
        "labels": header.labels,
        "n-grams": [header.args.minn, header.args.maxn] if header.args.maxn > 0 else None,
        "buckets": header.args.bucket,
    }


# ---------------------------------------------------------------- writing


def write(vectors: Vectors, path: Place) -> None:
    """Write a .bin that fastText opens, synced. Without counts, or without output vectors, it cannot train on."""
    keys = Keys.of(vectors.index_to_key)
    counts = np.zeros(len(keys), np.int64) if vectors.counts is None else vectors.counts
    parts = vectors.subwords
    own = vectors.vectors if parts is None or parts.own is None else parts.own
    inputs: list[Any] = [own] if parts is None else [own, Rows(parts.table, parts.places, parts.buckets)]
    outputs: list[Any] = [table for table in (vectors.output, vectors.nodes) if table is not None]
    if vectors.nodes is not None and len(vectors.nodes) < len(keys):
        outputs.append(np.zeros((1, vectors.dim), np.float32))  # the root's number is the last but one
    words = Entries(keys.blob.tobytes(), keys.offsets, counts)
    write_file(path, _args(vectors), words, NO_ENTRIES, inputs, outputs)


def _args(vectors: Vectors) -> Args:
    """The options of the model by fastText's names; its defaults where the model has no such option."""
    model, parts = vectors.options("model"), vectors.subwords

    def number(name: str, otherwise: float) -> Any:
        value = model.get(name)
        return value if isinstance(value, int | float) and 0 <= value < 1 << 31 else otherwise

    losses, models = ({name: number for number, name in table.items()} for table in (LOSSES, MODELS))
    loss = "hs" if vectors.nodes is not None else "softmax" if model.get("loss") == "softmax" else "ns"
    return Args(
        dim=vectors.dim,
        ws=int(number("window", 5)),
        epoch=int(number("epochs", 5)),
        min_count=int(number("min_count", 1)),
        neg=int(number("negatives", 5)),
        word_ngrams=1,
        loss=losses[loss],
        model=models["cbow" if model.get("architecture") == "cbow" else "skipgram"],
        bucket=0 if parts is None else parts.buckets,
        minn=0 if parts is None else parts.min_n,
        maxn=0 if parts is None else parts.max_n,
        lr_update_rate=100,
        t=float(number("subsample", 1e-4)),
    )


def needs(vectors: Vectors) -> int:
    """The bytes of `write`. Raises FormatError for what a fastText file cannot hold."""
    parts, keys = vectors.subwords, Keys.of(vectors.index_to_key)
    pruned = parts is not None and parts.places is not None and bool((parts.places < 0).any())
    if parts is not None and (parts.hash_count or pruned or parts.own is None):
        kind = "floret's hash" if parts.hash_count else "pruned n-grams" if pruned else "no own rows"
        raise FormatError(f"fastText's .bin cannot hold a model with {kind}. Save as 'native'.")
    check_entries(keys, "key")
    rows = sum(len(table) for table in (vectors.vectors, vectors.output, vectors.nodes) if table is not None)
    rows += 0 if parts is None else parts.buckets
    return 4 * vectors.dim * rows + len(keys.blob) + 10 * len(keys) + 130
