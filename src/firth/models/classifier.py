"""TextClassifier: vectors of words and n-grams, learnt so that their mean tells a text's label.

Joulin, Grave, Bojanowski & Mikolov 2017, "Bag of Tricks for Efficient Text Classification": fastText's supervised mode.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from firth.config import option
from firth.errors import ConfigError, FormatError, InputError, MissingInputError, NotFittedError
from firth.estimator import Estimator, estimator
from firth.evaluate.classify import LabelScores, label_scores
from firth.loading import load_vectors
from firth.models import lesson
from firth.models.label_model import LabelModel
from firth.models.labels import Kind, Labels
from firth.tokens.words import checked_own_words
from firth.training.bags import passes
from firth.training.course import Epoch
from firth.training.progress import progress_display
from firth.vectors.table import Vectors

if TYPE_CHECKING:
    from firth.tuning.classify import Found

_LEAST_ROWS = 256
_Format = Literal["native", "fasttext"]
Init = Vectors | str | PathLike[str] | None


class _Learnt:
    """What `fit` adds; not options, so not fields."""

    classes_: npt.NDArray[Any]
    label_kind_: Kind
    model_: LabelModel
    provenance_: dict[str, Any]


@estimator
class TextClassifier(_Learnt, Estimator):
    """Classify texts by the mean of vectors of their words and n-grams, as fastText's supervised mode does.

    p(label | text) = softmax(W · mean of the rows of the text's words and n-grams)

    >>> texts = ["a fine film", "fine acting", "a dull film", "dull plot"] * 20
    >>> classifier = TextClassifier(dim=8, lr=0.5, seed=1).fit(texts, ["good", "good", "bad", "bad"] * 20, threads=1)
    >>> classifier.predict(["fine plot", "dull acting"]).tolist()
    ['good', 'bad']

    An estimator of scikit-learn's kind (clone, Pipeline, GridSearchCV) that does not need scikit-learn. `fit` adds:
    `classes_`, the labels in the order of `predict_proba`'s columns; `model_`, the tables; `provenance_`.
    """

    name: ClassVar[str] = "classifier"
    kind = "classifier"

    dim: int = option(default=100, at_least=1)
    """Numbers in a vector."""
    loss: Literal["softmax", "ova", "hs", "ns"] = option(default="softmax")
    """softmax: one label of all. ova: each label by itself, for texts with several. hs: a tree, for many thousand
    labels. ns: negative sampling."""
    word_ngrams: int = option(default=1, at_least=1)
    """The longest n-gram of words that has a vector; 1: words alone."""
    min_n: int = option(default=0, at_least=0)
    """The shortest n-gram of characters that has a vector."""
    max_n: int = option(default=0, at_least=0)
    """The longest n-gram of characters that has a vector; 0: none."""
    buckets: int = option(default=2_000_000, at_least=1, at_most=2**31 - 1)
    """N-grams are hashed into so many rows, of which only those that the training text fills take memory."""
    min_count: int = option(default=1, at_least=1)
    """Words that come less often than this are dropped; their n-grams stay."""
    negatives: int = option(default=5, at_least=1)
    """Noise labels that each text is held against (ns)."""
    epochs: int = option(default=5, at_least=1)
    """Passes over the texts."""
    lr: float = option(default=0.1, above=0)
    """Learning rate at the start; it declines in a straight line to 0."""
    threshold: float = option(default=0.5, at_least=0, at_most=1)
    """The least probability of a predicted label, where texts have several labels."""
    tokenizer: str = option(default="whitespace")
    """How a text is cut: whitespace, words, chinese, characters."""
    lower: bool = option(default=False)
    """Lower-case the texts first."""
    label_prefix: str = option(default="__label__")
    """How words that are labels begin, in files."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice. One thread with the same seed gives the same bytes."""

    # ------------------------------------------------------------ learning

    def fit(
        self,
        texts: Any,
        y: Any = None,
        *,
        init: Init = None,
        frozen: bool = False,
        threads: int | None = None,
        progress: bool | None = False,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
    ) -> Self:
        """Learn from texts and their labels, or from a file of both (`__label__good some text`); returns itself.

        texts      a list of texts or of lists of words; or the path of a file, a pattern, several
        y          a label for each text (strings or numbers), or a list of labels each, or a 0/1 matrix; none for files
        init       vectors, or a file of them in any known format, to start from; words that only they know stay known
        frozen     the vectors that `init` gave stay as they are
        threads    None: as many as this process may use. One thread with a seed gives the same bytes every time
        progress   True for a bar on stderr; None: where it is a terminal
        callbacks  each is called with an Epoch after every pass

        Texts without a label teach nothing. Raises ConfigError for an option that cannot be, InputError for texts and
        labels that do not fit, EmptyVocabularyError, DivergenceError where lr is too high.
        """
        options = self.checked()
        documents, labels = lesson.examples(options, texts, y)
        start = init if init is None or isinstance(init, Vectors) else load_vectors(init)
        features, bags, counts = lesson.features(options, documents, start)
        tables = lesson.tables(options, features, labels, start, frozen)
        learning = lesson.of(options, tables, bags, labels, len(documents.tokens))
        with progress_display(progress) as display:
            epochs = passes(learning, threads=threads, progress=display, callbacks=callbacks)
        inputs, outputs = lesson.learnt(tables, features.size, options.dim)
        self.classes_, self.label_kind_ = labels.classes, labels.kind
        self.model_ = LabelModel(features, counts, inputs, outputs, labels.counts, options.loss)
        self.provenance_ = lesson.provenance(documents, labels, epochs)
        return self

    def autotune(self, texts: Any, y: Any = None, **how: Any) -> "Found":
        """Search for the options that score best on held-out texts, as `firth.tuning.classify.autotune` says."""
        from firth.tuning.classify import autotune

        return autotune(self, texts, y, **how)

    def quantise(
        self,
        *,
        cutoff: int | None = None,
        retrain: Any = None,
        qout: bool = False,
        qnorm: bool = True,
        dsub: int = 2,
        threads: int | None = None,
    ) -> "TextClassifier":
        """The same classifier in a twentieth of the memory or less, as fastText's `quantize` makes it.

        cutoff   keep only so many of the longest rows of words and n-grams (Joulin et al. 2016); None: all
        retrain  (texts, labels), or a file of both: learn on from them with the rows that `cutoff` left, by the
                 options that this classifier has (`epochs`, `lr`), before these become codes; None: do not
        qout     codes for the rows of labels too: two numbers share a byte. For many thousand labels
        qnorm    the length of a row has a byte of its own
        dsub     numbers of a row that share a byte
        threads  of `retrain`, as in `fit`

        Raises ConfigError where it is quantised already, or for `retrain` without `cutoff`; what `fit` raises.
        """
        model = self._fitted()
        if not isinstance(model.inputs, np.ndarray):
            raise ConfigError("This classifier is quantised already. Quantise the one that was trained.")
        if retrain is not None and cutoff is None:
            raise ConfigError("retrain learns on with the rows that cutoff left: give cutoff too.")
        for name, value in {"cutoff": cutoff, "dsub": dsub}.items():
            if value is not None and value < 1:
                raise ConfigError(f"{name} must be at least 1, not {value!r}.")
        small = model if cutoff is None else model.pruned(cutoff)
        if retrain is not None:
            texts, y = retrain if isinstance(retrain, tuple) else (retrain, None)
            small = self._retrained(small, texts, y, threads)
        copy = self._like_me(small.quantised(dsub=dsub, qnorm=qnorm, qout=qout, seed=int(self.seed)))
        how = {"cutoff": cutoff, "retrain": retrain is not None, "qout": qout, "qnorm": qnorm, "dsub": dsub}
        copy.provenance_ = {**self.provenance_, "quantised": how}
        return copy

    def _retrained(self, model: LabelModel, texts: Any, y: Any, threads: int | None) -> LabelModel:
        options = self.checked()
        learning, _ = lesson.again(options, model, self.classes_, texts, y)
        passes(learning, threads=threads)
        inputs, outputs = lesson.learnt(learning.tables, model.features.size, options.dim)
        return replace(model, inputs=inputs, outputs=outputs)

    def within(self, size: int) -> "TextClassifier":
        """The same classifier, quantised, with as many of its longest rows as `size` bytes hold (see `nbytes`).

        Raises ConfigError where they hold fewer than 256, one for each code.
        """
        model = self._fitted()
        low, high = 0, model.features.size + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if model.pruned(middle).bytes_quantised() <= size else (low, middle)
        if low < min(_LEAST_ROWS, model.features.size):
            least = model.pruned(_LEAST_ROWS).bytes_quantised()
            raise ConfigError(f"{size:,} bytes hold {low:,} rows of words and n-grams. Give {least:,} or more.")
        return self.quantise(cutoff=low)

    @property
    def nbytes(self) -> int:
        """Bytes of the tables and words, as they are saved."""
        return self._fitted().nbytes

    # ------------------------------------------------------------ asking

    def predict(self, texts: Any, *, topk: int | None = None, threshold: float | None = None) -> Any:
        """The likeliest label of each text, as the labels were given.

        After labels in lists: those of at least `threshold` (None: the option) for each text, the likeliest first;
        after a 0/1 matrix: a matrix. With `topk` always lists, of so many labels at most.
        """
        probabilities = self.predict_proba(texts)
        if self.label_kind_ == "single" and topk is None and threshold is None:
            return self.classes_[probabilities.argmax(axis=1)]
        least = self.threshold if threshold is None and topk is None else threshold or 0.0
        if self.label_kind_ == "indicator" and topk is None:
            return (probabilities >= least).astype(np.int64)
        return [self.classes_[some].tolist() for some in _best(probabilities, topk, least)]

    def predict_proba(self, texts: Any) -> npt.NDArray[np.float32]:
        """The probability of each label, f4[texts, labels], in the order of `classes_`.

        With softmax and hs a row sums to 1; with ova and ns each label is judged by itself. A text without a known word
        has those of the mean vector 0.
        """
        model = self._fitted()
        return model.probabilities(lesson.documents(self, texts))

    def topk(self, texts: Any, k: int = 5, threshold: float = 0.0) -> list[list[tuple[Any, float]]]:
        """The `k` likeliest labels of each text with their probabilities, of at least `threshold`."""
        probabilities = self.predict_proba(texts)
        found = zip(_best(probabilities, k, threshold), probabilities, strict=True)
        return [list(zip(self.classes_[some].tolist(), row[some].tolist(), strict=True)) for some, row in found]

    def encode(self, texts: Any) -> npt.NDArray[np.float32]:
        """The hidden vector of each text, f4[texts, dim]: the mean of the vectors of its words and n-grams."""
        return self._fitted().hidden(lesson.documents(self, texts))

    def evaluate(
        self, texts: Any, y: Any = None, *, topk: int | None = None, threshold: float | None = None
    ) -> LabelScores:
        """Precision, recall and F1, of each label and of all, on labelled texts or a file of them.

        topk, threshold  which labels count as predicted; None: what `predict` gives

        Labels that were not there in training count as missed. Texts without a label are left out.
        """
        options = self.checked()
        texts, y = lesson.given(options, texts, y)
        labels = Labels.of(y)
        truth = [labels.classes[labels.given[a:b]].tolist() for a, b in pairwise(labels.offsets)]
        probabilities = self.predict_proba(texts)
        if len(truth) != len(probabilities):
            raise InputError(f"There are {len(probabilities):,} texts, but {len(truth):,} labels. Give one for each.")
        one = self.label_kind_ == "single" and topk is None and threshold is None
        least = self.threshold if threshold is None and topk is None else threshold or 0.0
        places = _best(probabilities, 1 if one else topk, 0.0 if one else least)
        return label_scores(truth, [self.classes_[some].tolist() for some in places])

    def score(self, texts: Any, y: Any = None) -> float:
        """The share of texts all of whose labels, and no others, are predicted: accuracy, as scikit-learn has it."""
        return self.evaluate(texts, y).accuracy

    @property
    def vectors(self) -> Vectors:
        """What was learnt for the words: a `Vectors`, whose `config` says that a classifier learnt it."""
        model = self._fitted()
        options = {"name": self.name, **self.to_dict()}
        text = {"tokenizer": self.tokenizer, "lower": self.lower}
        return Vectors(
            model.features.words,
            model.word_vectors(),
            counts=model.word_counts,
            config={"model": options, "text": text},
            provenance=self.provenance_,
        )

    # ------------------------------------------------------------ files

    def save(self, path: str | PathLike[str], format: _Format = "native") -> None:
        """Write what `firth.load` opens, atomically.

        format  "native": a folder with everything. "fasttext": the file that fastText opens, a .ftz where this is
                quantised, else a .bin, which has a row for every bucket. It does not keep how texts are cut:
                fastText cuts at blanks

        Raises FormatError where something else is there, or for words that the format cannot hold.
        """
        from firth.formats import classifier

        model = self._fitted()
        options = self.checked()
        if format not in get_args(_Format):
            raise ConfigError(f"A classifier is saved as {' or '.join(get_args(_Format))}, not as {format!r}.")
        if format == "fasttext":
            from firth.models import fasttext_classifier

            names = [f"{options.label_prefix}{label}" for label in self.classes_.tolist()]
            fasttext_classifier.write(path, options.to_dict(), names, model)
            return
        described = {"name": self.name, **options.to_dict()}
        text = {"tokenizer": options.tokenizer, "lower": options.lower}
        facts = {"model": described, "text": text, "labels": self.classes_.tolist(), "label_kind": self.label_kind_}
        classifier.save(path, facts, model.features.words, model.arrays(), self.provenance_)

    @classmethod
    def load(cls, path: str | PathLike[str], *, verify: Literal["headers", "full"] = "headers") -> "TextClassifier":
        """Open what `save` wrote (`firth.load` comes here), or a supervised .bin or .ftz of fastText's.

        Raises MissingInputError, FormatError for what is neither, CorruptFileError, with the byte, for damage.
        """
        from firth.formats import classifier, native

        if not os.path.isdir(path):
            return cls._of_fasttext(path)
        if not native.is_classifier(path):
            raise FormatError(f"{path} is no classifier. `firth train classifier` writes one.")
        saved = classifier.read(path, verify=verify)
        options = {name: value for name, value in saved.config["model"].items() if name != "name"}
        found = cls.from_dict(options).checked()
        found.classes_ = np.array(saved.config["labels"])
        found.label_kind_ = saved.config["label_kind"]
        found.model_ = LabelModel.of_arrays(saved.words, saved.arrays, found.to_dict())
        found.provenance_ = saved.provenance
        return found

    @classmethod
    def _of_fasttext(cls, path: str | PathLike[str]) -> "TextClassifier":
        from firth.models import fasttext_classifier

        if not os.path.exists(path):
            raise MissingInputError(f"No classifier {os.fspath(path)!r}.")
        options, labels, model = fasttext_classifier.read(path)
        found = cls(**options).checked()
        found.classes_, found.model_ = np.array(labels), model
        found.label_kind_ = "lists" if found.loss == "ova" else "single"
        found.provenance_ = {"fasttext": os.path.basename(path), "epochs": []}
        return found

    # ------------------------------------------------------------ inside

    def checked(self) -> Self:
        copy = super().checked()
        checked_own_words(copy.tokenizer, None, True, False)
        if copy.max_n and copy.min_n > copy.max_n:
            raise ConfigError(f"TextClassifier: min_n must be at most max_n ({copy.max_n}), not {copy.min_n}.")
        if not copy.label_prefix:
            raise ConfigError("TextClassifier: label_prefix must hold a character, or every word were a label.")
        return copy

    def _like_me(self, model: LabelModel) -> "TextClassifier":
        copy = type(self)(**self.get_params())
        copy.classes_, copy.label_kind_, copy.model_ = self.classes_, self.label_kind_, model
        return copy

    def _fitted(self) -> LabelModel:
        if not hasattr(self, "model_"):
            raise NotFittedError("This TextClassifier has learnt nothing yet: call fit(texts, labels) first.")
        return self.model_

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            classifier_tags=ClassifierTags(multi_label=True),
            regressor_tags=None,
            input_tags=InputTags(one_d_array=True, two_d_array=False, string=True),
        )


def _best(probabilities: npt.NDArray[np.float32], k: int | None, least: float) -> list[npt.NDArray[np.int64]]:
    """For each text the columns of the `k` greatest (None: all) that are at least `least`, the greatest first."""
    if k is not None and k < 1:
        raise ConfigError(f"topk must be at least 1, not {k!r}.")
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return [places[row[places] >= least] for places, row in zip(order, probabilities, strict=True)]
