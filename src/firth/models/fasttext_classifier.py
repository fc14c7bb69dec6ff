"""fastText's supervised models, .bin and .ftz, as classifiers: the same rows, the same probabilities."""

from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.errors import FormatError
from firth.models.label_model import LabelModel
from firth.tokens.features import Features

_PREFIX = "__label__"


def read(path: str | PathLike[str]) -> tuple[dict[str, Any], list[str], LabelModel]:
    """(options, labels, tables). A quantised model is decoded; labels come without `__label__` where all have it.

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
    outputs = found.outputs[: max(1, len(names) - 1)] if options["loss"] == "hs" else found.outputs
    features = Features(words, kept=kept, **ngrams)
    model = LabelModel(features, found.words.counts, rows, outputs, found.labels.counts, options["loss"])
    if all(name.startswith(_PREFIX) for name in names):
        names = [name.removeprefix(_PREFIX) for name in names]
    return options, names, model


def _rows(
    words: int, inputs: npt.NDArray[np.float32], places: npt.NDArray[np.int32] | None, buckets: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32] | None]:
    """The rows of words and of the buckets that have one, in ascending order of these; and which they are."""
    if not buckets:
        return inputs[:words], np.zeros(0, np.int32)
    if places is None:
        return inputs[: words + buckets], None
    kept = np.flatnonzero(places >= 0).astype(np.int32)
    return np.concatenate([inputs[:words], inputs[words + places[kept]]]), kept
