"""A classifier's options, texts and labels become what the kernel learns from: bags of rows, tables, an objective."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import firth
from firth.corpus.labelled import is_path, read
from firth.errors import ConfigError, EmptyVocabularyError, InputError
from firth.kernels.bags import Bags
from firth.kernels.core import Tables
from firth.kernels.objectives import OneVersusAll, Softmax
from firth.models.label_model import LabelModel
from firth.models.labels import Labels
from firth.tokens.documents import Documents, cut
from firth.tokens.features import Features
from firth.training.bags import Lesson
from firth.training.course import Epoch
from firth.training.objectives import Objective, hierarchical_softmax, negative_sampling
from firth.training.starting import matching_rows, start_from
from firth.training.tables import initialise, without_padding
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

if TYPE_CHECKING:
    from firth.models.classifier import TextClassifier

_NOISE_EXPONENT = 0.5  # fastText's, of labels


def given(options: "TextClassifier", texts: Any, y: Any) -> tuple[Any, Any]:
    """Texts and labels, from files where the texts are a path. Raises ConfigError where there are no labels."""
    if y is not None:
        return texts, y
    if not is_path(texts):
        raise ConfigError(
            "TextClassifier requires y to be passed, but the target y is None: fit(texts, labels), or fit(path) for a "
            "file whose lines begin with __label__."
        )
    found = read(texts, options.label_prefix)
    several = any(len(labels) > 1 for labels in found.labels)
    kept = [i for i, labels in enumerate(found.labels) if labels]
    return [found.texts[i] for i in kept], [found.labels[i] if several else found.labels[i][0] for i in kept]


def documents(options: "TextClassifier", texts: Any) -> Documents:
    """Texts, cut as the options say; a column of a frame, or a matrix of one column, are texts too."""
    if isinstance(texts, str | bytes):
        raise InputError(f"Texts are a list, not one text ({texts[:40]!r}). For one text: [text].")
    if getattr(texts, "ndim", 1) == 2 and texts.shape[1] == 1:
        texts = np.asarray(texts)[:, 0]
    if getattr(texts, "ndim", 1) != 1:
        raise InputError(f"Texts are a list or a column of texts, not an array of shape {texts.shape}.")
    try:
        each = iter(texts)
    except TypeError:
        raise InputError(f"Texts are a list, not {texts!r:.60} ({type(texts).__name__}).") from None
    return cut(each, {"tokenizer": options.tokenizer, "lower": options.lower})


def examples(options: "TextClassifier", texts: Any, y: Any) -> tuple[Documents, Labels]:
    """What is learnt from: the texts that have a label. Raises InputError where there is not a label for each."""
    texts, y = given(options, texts, y)
    labels, found = Labels.of(y), documents(options, texts)
    if len(found) != len(labels):
        raise InputError(f"There are {len(found):,} texts, but {len(labels):,} labels. Give one for each.")
    stays = np.diff(labels.offsets) > 0
    if stays.all():
        return found, labels
    tokens = found.tokens[np.repeat(stays, np.diff(found.offsets))]
    seen, numbers = np.unique(tokens, return_inverse=True)
    words = [found.words[i] for i in seen.tolist()]
    offsets, ends = (np.concatenate([[0], np.cumsum(np.diff(of)[stays])]) for of in (found.offsets, labels.offsets))
    return Documents(words, numbers.astype(np.int32), offsets), dataclasses.replace(labels, offsets=ends)


def features(
    options: "TextClassifier", found: Documents, start: Vectors | None
) -> tuple[Features, Bags, npt.NDArray[np.int64]]:
    """The rows there are, the bag of each document, and how often each word came: the most frequent first.

    Words of `start` that the documents lack follow: texts to come may have them.
    """
    ordered = sorted(zip((-found.counts).tolist(), found.words, strict=True))
    words = [word for count, word in ordered if -count >= options.min_count]
    counts = [-count for count, _ in ordered[: len(words)]]
    if start is not None:
        known = set(words)
        more = [word for word in start.index_to_key if word not in known]
        words, counts = words + more, counts + [0] * len(more)
    ngrams = {name: getattr(options, name) for name in ("word_ngrams", "min_n", "max_n", "buckets")}
    rows, bags = Features.filled(words, found, ngrams)
    if not len(bags.rows):
        raise EmptyVocabularyError(
            f"No word is left of {len(found.words):,}: none comes {options.min_count} times. Lower min_count."
        )
    return rows, Bags(bags.rows, bags.offsets, np.zeros(len(found), np.int32)), np.array(counts, np.int64)


def tables(options: "TextClassifier", rows: Features, labels: Labels, start: Vectors | None, frozen: bool) -> Tables:
    """What is learnt: a row for each word and filled bucket, and one for each label or inner node."""
    matching = None if start is None else matching_rows(start, rows.words, options.dim)
    if frozen and matching is None:
        raise ConfigError("frozen keeps the vectors of `init` as they are: give init too.")
    held = None
    if frozen and matching is not None:
        held = np.concatenate([matching >= 0, np.zeros(rows.size - len(matching), np.bool_)])
    targets = max(1, len(labels.classes) - 1) if options.loss == "hs" else len(labels.classes)
    made = initialise(rows.size, targets, options.dim, options.seed, held)
    made.inputs[:] *= 2  # uniform in ±1/dim, as fastText begins
    if start is not None and matching is not None:
        start_from(made, start, matching, outputs=False)
    return made


def of(options: "TextClassifier", made: Tables, bags: Bags, labels: Labels, tokens: int, counts: Any = None) -> Lesson:
    """The whole of it: a document with several labels is held against all (ova), or in each pass against one.

    `counts`: i8[labels], of which the tree (hs) and the noise (ns) are made; None: as they are among `labels`.
    """
    every = np.arange(len(labels), dtype=np.int32)
    held = labels.drawn if options.loss != "ova" else lambda _: every
    return Lesson(
        made,
        bags,
        held,
        _objective(options, labels, labels.counts if counts is None else counts),
        tokens,
        options.epochs,
        options.lr,
        options.seed,
    )


def again(
    options: "TextClassifier", model: LabelModel, classes: npt.NDArray[Any], texts: Any, y: Any
) -> tuple[Lesson, Documents]:
    """What learns on from a model with the rows that it has; `learnt` gives the model that comes of it."""
    assert isinstance(model.inputs, np.ndarray) and isinstance(model.outputs, np.ndarray), "codes do not learn"
    found, labels = examples(options, texts, y)
    labels = labels.among(classes)
    rows = model.features.rows(found)
    made = initialise(model.features.size, len(model.outputs), options.dim, options.seed)
    made.inputs[:, : options.dim], made.outputs[:, : options.dim] = model.inputs, model.outputs
    bags = Bags(rows.rows, rows.offsets, np.zeros(len(found), np.int32))
    return of(options, made, bags, labels, len(found.tokens), model.label_counts), found


def learnt(made: Tables, rows: int, dim: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The tables that were learnt, f4[rows, dim] and f4[targets, dim], without what padded them."""
    return without_padding(made.inputs, dim)[:rows], without_padding(made.outputs, dim)


def _objective(options: "TextClassifier", labels: Labels, counts: Any) -> Objective:
    counted = Vocabulary([str(i) for i in range(len(labels.classes))], counts)
    if options.loss == "ns":
        return negative_sampling(counted, options.negatives, _NOISE_EXPONENT, options.seed)
    if options.loss == "hs":
        return hierarchical_softmax(counted)
    if options.loss == "ova":
        return OneVersusAll(len(labels.classes), labels.offsets, labels.given)
    return Softmax(len(labels.classes))


def provenance(found: Documents, labels: Labels, epochs: Sequence[Epoch]) -> dict[str, Any]:
    """How the classifier came to be: what was read, and the loss of every pass."""
    return {
        "firth": firth.__version__,
        "numpy": np.__version__,
        "texts": len(found),
        "words_read": len(found.tokens),
        "labels": dict(zip(map(str, labels.classes.tolist()), labels.counts.tolist(), strict=True)),
        "epochs": [{**dataclasses.asdict(epoch), "words_per_second": epoch.words_per_second} for epoch in epochs],
    }
