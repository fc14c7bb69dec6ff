"""A probe: how much of a label can a straight line read off a text's mean vector?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from firth.errors import InputError, MissingExtraError
from firth.evaluate.interval import Interval, of_share
from firth.evaluate.lines import File, named, numbered
from firth.evaluate.score import Report, Score, shown

if TYPE_CHECKING:
    from firth.vectors.lookup import Which
    from firth.vectors.table import Vectors

_FOLDS = 5
_STEPS = 2000  # of the solver, at most; it needs a hundred or so


@dataclass(frozen=True, kw_only=True)
class Probe(Report):
    """What `probe` found.

    accuracy, interval   share of texts whose label was predicted, and its 95%
    guess                accuracy of always saying the most frequent label
    asked, questions     texts with a known word, and all; those without one count as wrong unless guessed right
    """

    accuracy: float
    interval: Interval
    guess: float
    labels: int

    def scores(self) -> list[Score]:
        """One line of a report."""
        return [Score("probe accuracy", self.file, "", self.accuracy, *self.interval, self.asked, self.questions)]

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.accuracy:.1%} of {self.labels:,} labels {shown(self.interval)}, {self.guess:.1%} by "
            f"guessing ({self.asked:,} of {self.questions:,} texts, coverage {self.coverage:.1%})"
        )


def probe(vectors: "Vectors", file: File, test: File | None = None, *, which: "Which" = "input") -> Probe:
    """Logistic regression from the mean vectors of texts to their labels.

    file   "label TAB text" lines; a path, or the lines
    test   what is predicted after learning from all of `file`; None: `file` itself in five parts, each predicted from
           the other four
    which  the table that is averaged

    Texts are cut as the training text was (`Vectors.encode`). Each number of the vectors is brought to mean 0 and
    variance 1 over the texts that are learnt from; then C = 1.

    >>> from firth import Vectors
    >>> v = Vectors(["good", "fine", "bad", "sad"], [[1, 0.2], [0.9, 0], [-1, 0.1], [-0.8, 0]])
    >>> texts = ["1\\tgood fine", "1\\tfine", "0\\tbad sad", "0\\tsad"] * 5
    >>> print(probe(v, texts))
    the lines given: 100.0% of 2 labels [1.000, 1.000], 50.0% by guessing (20 of 20 texts, coverage 100.0%)

    Needs scikit-learn (firth[tables]). Raises InputError, with the line, for a file that is something else, and where
    a label has too few texts. Conneau & Kiela 2018.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise MissingExtraError("A probe needs scikit-learn: pip install 'firth[tables]'.") from None
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_STEPS))
    labels, features = _encoded(vectors, file, which)
    kinds, sizes = np.unique(labels, return_counts=True)
    if len(kinds) < 2:
        raise InputError(f"{named(file)}: all its texts have the label {str(kinds[0])!r}; a probe needs two labels.")
    if test is None:
        if sizes.min() < _FOLDS:
            rare = str(kinds[sizes.argmin()])
            raise InputError(
                f"{named(file)}: {_FOLDS} texts of each label are needed to learn from some and predict others; "
                f"{rare!r} has {sizes.min()}."
            )
        folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
        truth, asked = labels, features
        predicted = cross_val_predict(model, features, labels, cv=folds)
    else:
        truth, asked = _encoded(vectors, test, which)
        predicted = model.fit(features, labels).predict(asked)
    right = int((predicted == truth).sum())
    return Probe(
        file=named(file if test is None else test),
        accuracy=right / len(truth),
        interval=of_share(right, len(truth)),
        guess=float((truth == kinds[sizes.argmax()]).mean()),
        labels=len(kinds),
        asked=int(asked.any(axis=1).sum()),
        questions=len(truth),
    )


def _encoded(vectors: "Vectors", file: File, which: "Which") -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Labels and mean vectors, f8[texts, dim]: in float32 the solver takes half as long again."""
    labels, texts = [], []
    for number, line in numbered(file):
        label, tab, text = line.partition("\t")
        if not tab and " " in line:  # a label alone has an empty text behind it
            raise InputError(f"{named(file)}, line {number:,}: no tab between label and text: {line!r:.80}")
        labels.append(label.strip())
        texts.append(text)
    if not texts:
        raise InputError(f"{named(file)} holds no texts (lines 'label TAB text').")
    return np.array(labels), vectors.encode(texts, which=which).astype(np.float64)
