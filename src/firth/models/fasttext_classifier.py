"""fastText's supervised models, .bin and .ftz, as classifiers, and back: the same rows, the same probabilities."""

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.errors import FormatError
from firth.models.label_model import LabelModel
from firth.tokens.features import Features
from firth.vectors.product import ProductTable

_PREFIX = "__label__"
Table = npt.NDArray[np.float32] | ProductTable


def read(path: str | PathLike[str]) -> tuple[dict[str, Any], list[str], LabelModel]:
    """(options, labels, tables). A quantised model stays so; labels come without `__label__` where all have it.

    Raises FormatError for a file of another kind or an unsupervised model, CorruptFileError for damage.
    """
    from firth.formats.fasttext_file import LOSSES, MODELS, read_file
    from firth.vectors.keys import Keys

    found = read_file(path)
    args = found.args
    if MODELS[args.model] != "supervised":
        raise FormatError(
            f"{path} is fastText's {MODELS[args.model]}, which has no labels. firth.load opens its vectors."
        )
    words = Keys(found.words.blob, found.words.offsets).tolist()
    names = Keys(found.labels.blob, found.labels.offsets).tolist()
    if len(found.outputs) != len(names):
        raise FormatError(f"{path} has {len(names):,} labels, but outputs for {len(found.outputs):,}. Train it again.")
    uses_buckets = args.maxn > 0 or args.word_ngrams > 1
    rows, kept = _rows(len(words), found.inputs, found.places, args.bucket if uses_buckets else 0)
    options: dict[str, Any] = {
        "dim": args.dim,
        "loss": LOSSES[args.loss],
        "word_ngrams": max(1, args.word_ngrams),
        "min_n": args.minn if args.maxn > 0 else 0,
        "max_n": max(0, args.maxn),
        "buckets": max(1, args.bucket),
        "min_count": max(1, args.min_count),
        "negatives": max(1, args.neg),
        "epochs": max(1, args.epoch),
    }
    ngrams = {name: options[name] for name in ("word_ngrams", "min_n", "max_n", "buckets")}
    nodes = np.arange(max(1, len(names) - 1))
    outputs = _only(found.outputs, nodes) if options["loss"] == "hs" else found.outputs
    features = Features(words, kept=kept, **ngrams)
    model = LabelModel(features, found.words.counts, rows, outputs, found.labels.counts, options["loss"])
    if all(name.startswith(_PREFIX) for name in names):
        names = [name.removeprefix(_PREFIX) for name in names]
    return options, names, model


def _rows(
    words: int, inputs: Table, places: npt.NDArray[np.int32] | None, buckets: int
) -> tuple[Table, npt.NDArray[np.int32] | None]:
    """The rows of words and of the buckets that have one, in ascending order of these; and which they are."""
    if not buckets:
        return _only(inputs, slice(words)), np.zeros(0, np.int32)
    if places is None:
        return _only(inputs, slice(words + buckets)), None
    kept = np.flatnonzero(places >= 0).astype(np.int32)
    return _only(inputs, np.concatenate([np.arange(words), words + places[kept]])), kept


def _only(table: Table, rows: Any) -> Table:
    return table.only(rows) if isinstance(table, ProductTable) else table[rows]


def write(path: str | PathLike[str], options: dict[str, Any], labels: list[str], model: LabelModel) -> None:
    """Write the file that fastText opens, atomically: a .ftz of a quantised classifier, else a .bin.

    A .bin has a row for every bucket, of zeros where training met no n-gram: fastText counts such a row in a text's
    mean, and firth passes it over. Raises FormatError for words or labels that the file cannot hold, or what else is
    at `path`.
    """
    from firth import formats
    from firth.formats import atomic
    from firth.formats.fasttext_file import LOSSES, MODELS, Args, Entries
    from firth.formats.fasttext_writing import Rows, check_entries, write_file
    from firth.vectors.keys import Keys

    order = np.argsort(-model.label_counts, kind="stable")  # fastText's tree (hs) is built of labels that are sorted so
    words, names = Keys.of(model.features.words), Keys.of([labels[place] for place in order.tolist()])
    check_entries(words, "word")
    check_entries(names, "label")
    features, dim, buckets = model.features, int(options["dim"]), _buckets(model.features)
    inputs, kept = model.inputs, features.kept if buckets else None
    outputs: Any = _with_root(model.outputs) if options["loss"] == "hs" else _only(model.outputs, order)
    dense: list[Any] = []
    if not isinstance(inputs, ProductTable):
        grams = inputs[len(features.words) :]
        dense = [inputs[: len(features.words)], Rows(grams, None if kept is None else features.places, buckets)]
    args = Args(
        dim=dim,
        ws=5,
        epoch=options["epochs"],
        min_count=options["min_count"],
        neg=options["negatives"],
        word_ngrams=options["word_ngrams"],
        loss={name: number for number, name in LOSSES.items()}[options["loss"]],
        model=next(number for number, name in MODELS.items() if name == "supervised"),
        bucket=buckets,
        minn=options["min_n"],
        maxn=options["max_n"],
        lr_update_rate=100,
        t=1e-4,
    )
    size = sum(4 * len(table) * dim for table in dense) + (inputs.nbytes if not dense else 0)
    size += outputs.nbytes + len(words.blob) + len(names.blob) + 10 * (len(words) + len(names)) + 200
    with atomic.replacing(path, needed=size, check=formats.check_replaceable_file) as new:
        write_file(
            new,
            args,
            Entries(words.blob.tobytes(), words.offsets, model.word_counts),
            Entries(names.blob.tobytes(), names.offsets, model.label_counts[order]),
            inputs if isinstance(inputs, ProductTable) else dense,
            outputs if isinstance(outputs, ProductTable) else [outputs],
            None if dense else kept,
        )


def _buckets(features: Features) -> int:
    return features.buckets if features.max_n > 0 or features.word_ngrams > 1 else 0


def _with_root(nodes: Table) -> Table:
    """As many rows as there are labels, as fastText has it: the last one is used by nothing."""
    rows = np.minimum(np.arange(len(nodes) + 1), len(nodes) - 1)
    return _only(nodes, rows)
