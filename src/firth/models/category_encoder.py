"""CategoryEncoder: a vector for every value of a table's columns of categories.

From a target: what each value adds to it, in a straight line, or by a network (Guo & Berkhahn 2016, "Entity Embeddings
of Categorical Variables"). Without one the columns of a row are each other's context, for the engine of Word2Vec.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

import firth
from firth import machine
from firth.config import option
from firth.corpus import tables
from firth.errors import ConfigError, InputError, MemoryLimitError, MissingExtraError, NotFittedError
from firth.estimator import Transformer, estimator
from firth.models.category_levels import Coded, Levels, coded
from firth.models.category_target import part, target_of
from firth.training.categories import Learnt, Lesson, Target, aligned, learn, rounded
from firth.training.category_lines import learn_lines
from firth.vectors.table import Vectors

F4 = npt.NDArray[np.float32]
_COPIES = 4  # of the tables while they are learnt: themselves, gradients, and Adam's two moments


class _Learnt:
    """What `fit` adds; not options, so not fields."""

    levels_: list[Levels]
    tables_: list[F4]
    columns_: list[str]
    supervised_: bool
    provenance_: dict[str, Any]
    n_features_in_: int


@estimator
class CategoryEncoder(_Learnt, Transformer):
    """Turn columns of categories into columns of numbers: a learnt vector for every value of every column.

    >>> colours = [["red"], ["blue"], ["green"], ["blue"]] * 30
    >>> encoder = CategoryEncoder(dim=1, seed=1).fit(colours, [1.0, 0.2, 1.1, 0.1] * 30)
    >>> encoder.transform([["red"], ["blue"], ["never seen"], [None]]).shape
    (4, 1)
    >>> red, green, blue = encoder.transform([["red"], ["green"], ["blue"]])[:, 0].tolist()
    >>> abs(red - green) < abs(red - blue)
    True

    A transformer of scikit-learn's kind (ColumnTransformer, Pipeline, GridSearchCV, `set_output`). `fit` adds
    `embeddings_`, a `Vectors` for each column; `levels_` and `tables_`, what they are made of; `provenance_`.
    """

    name: ClassVar[str] = "categories"

    dim: int | None = option(default=None, at_least=1)
    """Numbers in a vector of every column; none: the fourth root of how many values the column has, at least 1, and
    without hidden units no more than a straight line reads: one for each number, label or class, one for two classes
    (target)."""
    learn_from: Literal["auto", "target", "columns"] = option(default="auto")
    """target: to tell y. columns: the values of a row are each other's context, without y. auto:
    target where there is a y."""
    target: Literal["auto", "regression", "classification"] = option(default="auto")
    """What y is; auto: numbers that are not all whole are a regression's, and all else are classes."""
    min_count: int = option(default=1, at_least=1)
    """Values that come less often than this are taken for unseen ones."""
    hide: float = option(default=0.02, at_least=0, at_most=0.5)
    """Share of the values that learning takes for unseen or missing ones, so that those have vectors too (network,
    columns)."""
    cv: int = option(default=5, at_least=2)
    """Parts of the table in `fit_transform`: each is encoded by what the others taught (target)."""
    hidden: int = option(default=0, at_least=0)
    """Hidden units of a network, which adds what takes two columns together; 0: none, a straight line (target)."""
    epochs: int = option(default=10, at_least=1)
    """Passes over the table (network, columns)."""
    batch: int | None = option(default=None, at_least=1)
    """Rows of a step (network); none: a hundredth of the table, 32 to 1,024."""
    lr: float | None = option(default=None, above=0)
    """Learning rate at the start; none: 0.02 (network), 0.025 (columns)."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice."""

    # ------------------------------------------------------------ learning

    def fit(self, X: Any, y: Any = None) -> "CategoryEncoder":  # noqa: N803  # scikit-learn's name
        """Learn a vector for every value of every column; returns itself.

        X  a frame (pandas, polars, Arrow), a two-dimensional array, or a list of rows; all columns are categories
        y  what is to be foretold: numbers, labels, or a 0/1 matrix; None: the columns are each other's context

        Raises ConfigError for an option that cannot be, InputError for a table or a target that cannot be used,
        MissingExtraError where PyTorch is needed and not there, MemoryLimitError, DivergenceError.
        """
        self._learn(X, y)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:  # noqa: N803
        """Learn, and encode the table itself.

        With a target it is cross-fitted: each of `cv` parts is encoded by a network that did not see its rows, so that
        no row is encoded by its own y, and what comes next is not misled. It is not `fit(X, y).transform(X)`.
        """
        options, given, target, whole = self._learn(X, y)
        rows, dims = len(given.codes), [table.shape[1] for table in self.tables_]
        if target is None or whole is None or rows < 2:
            return self._framed(self._looked_up(given.codes, self.tables_), X)
        found = np.empty((rows, sum(dims)), np.float32)
        for fold in _folds(target, min(options.cv, rows), options.seed):
            others = ~fold
            learnt = _supervised(options, given.codes[others], self.levels_, part(target, others), dims)
            turned = [
                rounded(aligned(table, onto, np.bincount(column, minlength=len(onto))), grain)
                for table, onto, column, grain in zip(
                    learnt.tables, whole.tables, given.codes[others].T, whole.grains, strict=True
                )
            ]
            found[fold] = self._looked_up(_known(given.codes[fold], given.codes[others], self.levels_), turned)
        return self._framed(found, X)

    def _learn(self, X: Any, y: Any) -> tuple["CategoryEncoder", Coded, Target | None, Learnt | None]:  # noqa: N803
        options = self.checked()
        table = tables.of(X)
        if not table.rows:
            raise InputError(_no_rows(len(table.columns)))
        if options.learn_from == "target" and y is None:
            raise ConfigError(
                "learn_from='target' needs a y: the target of each row. Without one: learn_from='columns'."
            )
        supervised = y is not None and options.learn_from != "columns"
        target = target_of(y, options.target, table.rows) if supervised else None
        given = coded(table, options.min_count)
        dims = _dims(options, given.levels, target)
        _check_memory(given.levels, dims)
        whole = None if target is None else _supervised(options, given.codes, given.levels, target, dims)
        if target is not None and whole is not None:
            found = [rounded(table, grain) for table, grain in zip(whole.tables, whole.grains, strict=True)]
            told = {"target": target.kind, "losses": whole.losses, "priors": whole.priors, "grains": whole.grains}
        else:
            found, told = _self_supervised(options, given, dims)
        self._note_columns(table.names, len(table.columns))
        self.columns_ = table.names or [f"x{place}" for place in range(len(table.columns))]
        self.levels_, self.tables_, self.supervised_ = given.levels, found, supervised
        self.provenance_ = {"firth": firth.__version__, "numpy": np.__version__, "rows": table.rows, **told}
        return options, given, target, whole

    # ------------------------------------------------------------ asking

    def transform(self, X: Any) -> Any:  # noqa: N803
        """The vectors of a table's values, one column beside the other: f4[rows, Σ dims], or as `set_output` asks.

        Values that were not there in `fit` get their column's vector of unseen ones, None and NaN that of missing ones.
        Raises NotFittedError, InputError for other columns than in `fit`.
        """
        self._check_fitted()
        table = tables.of(X)
        self._check_columns(table.names, len(table.columns))
        if not table.rows:
            raise InputError(_no_rows(len(table.columns)))
        codes = [
            levels.encode(tables.column(values)) for levels, values in zip(self.levels_, table.columns, strict=True)
        ]
        return self._framed(self._looked_up(np.stack(codes, 1), self.tables_), X)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """`store_0`, `store_1`, … for each column. Raises InputError for other columns than in `fit`."""
        self._check_fitted()
        if input_features is not None:
            given = [str(name) for name in input_features]
            if hasattr(self, "feature_names_in_") and given != self.feature_names_in_.tolist():
                raise InputError("input_features is not equal to feature_names_in_")
            if len(given) != len(self.columns_):
                raise InputError(
                    f"input_features should have length equal to number of features ({len(self.columns_)})."
                )
        names = self.columns_ if input_features is None else given
        found = [f"{name}_{i}" for name, each in zip(names, self.tables_, strict=True) for i in range(each.shape[1])]
        return np.array(found, dtype=object)

    @property
    def embeddings_(self) -> dict[str, Vectors]:
        """A `Vectors` for each column: its values, the most frequent first, and "<unseen>" and "<missing>"."""
        self._check_fitted()
        return {
            name: Vectors(
                levels.names(),
                table,
                counts=np.concatenate((levels.counts, [0, 0])),
                config={"model": {"name": self.name, **self.to_dict()}, "column": name},
            )
            for name, levels, table in zip(self.columns_, self.levels_, self.tables_, strict=True)
        }

    @property
    def vectors(self) -> Vectors:
        """All columns in one `Vectors`: keys `column=value`, with numbers in their own column's places, 0 elsewhere.

        A row of `transform` is the sum of its values' vectors; values of different columns have cosine 0.
        """
        each = self.embeddings_
        keys = [f"{name}={key}" for name, vectors in each.items() for key in vectors.index_to_key]
        array = np.zeros((len(keys), sum(vectors.dim for vectors in each.values())), np.float32)
        row = place = 0
        for vectors in each.values():
            array[row : row + len(vectors), place : place + vectors.dim] = vectors.vectors
            row, place = row + len(vectors), place + vectors.dim
        counts = np.concatenate([vectors.counts for vectors in each.values() if vectors.counts is not None])
        config = {"model": {"name": self.name, **self.to_dict()}}
        return Vectors(keys, array, counts=counts, config=config, provenance=self.provenance_)

    # ------------------------------------------------------------ files

    def save(self, path: str | PathLike[str]) -> None:
        """Write a folder that `firth.load` opens; atomic. Raises FormatError where something else is there."""
        from firth.formats import categories

        self._check_fitted()
        columns = [
            categories.Column(name, levels.keys, levels.counts, table)
            for name, levels, table in zip(self.columns_, self.levels_, self.tables_, strict=True)
        ]
        options = {"name": self.name, **self.checked().to_dict()}
        facts = {"model": options, "named": hasattr(self, "feature_names_in_"), "supervised": self.supervised_}
        categories.save(categories.Saved(facts, columns, self.provenance_), path)

    @classmethod
    def load(cls, path: str | PathLike[str], *, verify: Literal["headers", "full"] = "headers") -> "CategoryEncoder":
        """Open what `save` wrote; `firth.load` comes here. Raises FormatError, CorruptFileError, with the byte."""
        from firth.formats import categories

        saved = categories.read(path, verify=verify)
        options = {name: value for name, value in saved.config["model"].items() if name != "name"}
        found = cls.from_dict(options).checked()
        found.columns_ = [column.name for column in saved.columns]
        found.levels_ = [Levels(column.keys, column.counts) for column in saved.columns]
        found.tables_ = [column.table for column in saved.columns]
        found.supervised_, found.provenance_ = bool(saved.config["supervised"]), saved.provenance
        found._note_columns(found.columns_ if saved.config["named"] else None, len(found.columns_))
        return found

    # ------------------------------------------------------------ inside

    @staticmethod
    def _looked_up(codes: npt.NDArray[np.int32], parts: Sequence[F4]) -> F4:
        return np.concatenate([table[column] for column, table in zip(codes.T, parts, strict=True)], 1)

    def _check_fitted(self) -> None:
        if not hasattr(self, "tables_"):
            raise NotFittedError("This CategoryEncoder has learnt nothing yet: call fit(X, y) first.")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(
                required=self.learn_from == "target", multi_output=True, two_d_labels=True, one_d_labels=True
            ),
            transformer_tags=TransformerTags(preserves_dtype=[]),
            classifier_tags=None,
            regressor_tags=None,
            input_tags=InputTags(two_d_array=True, categorical=True, string=True, allow_nan=True),
        )


def _no_rows(columns: int) -> str:
    return f"Found array with 0 sample(s) (shape=(0, {columns})) while a minimum of 1 is required."


def _dims(options: CategoryEncoder, levels: Sequence[Levels], target: Target | None) -> list[int]:
    """Numbers in a vector of each column."""
    if options.dim is not None:
        return [options.dim] * len(levels)
    roots = [max(1, round(len(each.keys) ** 0.25)) for each in levels]
    if target is None or options.hidden:
        return roots
    return [min(root, target.outputs) for root in roots]  # a straight line reads no more


def _check_memory(levels: Sequence[Levels], dims: Sequence[int]) -> None:
    needed = 4 * _COPIES * sum(each.rows * dim for each, dim in zip(levels, dims, strict=True))
    room = machine.memory_available()
    if room is not None and needed > room:
        most = max(each.rows for each in levels)
        raise MemoryLimitError(
            f"Vectors of {most:,} values and the others need about {needed / 1e9:.1f} GB to be learnt, and "
            f"{room / 1e9:.1f} GB are free. Raise min_count, or lower dim."
        )


def _supervised(
    options: CategoryEncoder, codes: Any, levels: Sequence[Levels], target: Target, dims: Sequence[int]
) -> Learnt:
    rows = [each.rows for each in levels]
    if not options.hidden:
        return learn_lines(codes, rows, dims, target)
    try:
        import torch

        from firth.networks.categories import CategoryNetwork
    except ImportError:
        raise MissingExtraError(
            f"A network (hidden={options.hidden}) needs PyTorch: pip install 'firth[lm]'. A straight line (hidden=0) "
            "does not."
        ) from None
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        torch.manual_seed(options.seed)
        network = CategoryNetwork(rows, dims, options.hidden, target.outputs)
    lesson = Lesson(
        codes=codes,
        rows=rows,
        epochs=options.epochs,
        lr=options.lr or 0.02,
        batch=options.batch or min(1024, max(32, len(codes) // 100)),
        hide=options.hide,
        seed=options.seed,
    )
    return learn(network, lesson, target)


def _folds(target: Target, cv: int, seed: int) -> list[npt.NDArray[np.bool_]]:
    """Which rows are in each part; classes are shared out evenly."""
    rows = len(target.values)
    order = np.random.default_rng(seed).permutation(rows)
    if target.kind in ("binary", "multiclass"):
        order = order[np.argsort(target.values.reshape(rows)[order], kind="stable")]
    fold = np.empty(rows, np.int64)
    fold[order] = np.arange(rows) % cv
    return [fold == number for number in range(cv)]


def _known(codes: Any, others: Any, levels: Sequence[Levels]) -> Any:
    """The rows of a part, where values that only this part has are unseen ones: their own rows learnt nothing."""
    found = codes.copy()
    for place, each in enumerate(levels):
        there = np.bincount(others[:, place], minlength=each.rows) > 0
        there[-2:] = True
        found[~there[codes[:, place]], place] = each.rows - 2
    return found


def _self_supervised(options: CategoryEncoder, given: Coded, dims: Sequence[int]) -> tuple[list[F4], dict[str, Any]]:
    """Word2Vec on rows as sentences: "column=value" words, a window over the whole row."""
    from firth.training.category_rows import learn_rows

    if given.codes.shape[1] < 2:
        raise InputError(
            "One column (1 feature(s)) has no other for its context, and no y is given. Give y, or a table with more "
            "columns: a minimum of 2 is required."
        )
    sizes = [each.rows for each in given.levels]
    lr = options.lr or 0.025
    return learn_rows(given.codes, sizes, dims, hide=options.hide, epochs=options.epochs, lr=lr, seed=options.seed)
