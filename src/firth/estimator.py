"""What scikit-learn asks of an estimator, by its names and without it: a mutable config whose checks come at `fit`."""

import dataclasses
import sys
import warnings
from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

from firth.config import Config, did_you_mean, field_names, option
from firth.errors import ConfigError, InputError

C = TypeVar("C")


@dataclass_transform(kw_only_default=True, field_specifiers=(option, dataclasses.field))
def estimator(cls: type[C]) -> type[C]:
    """A mutable, keyword-only dataclass; two of them are equal where they are one."""
    return dataclasses.dataclass(kw_only=True, eq=False)(cls)


class Estimator(Config):
    """A config that `fit` checks and fills with what it learnt, in attributes whose names end in "_"."""

    kind: ClassVar[Literal["classifier", "regressor", "transformer"]]
    """What scikit-learn calls it."""

    def __post_init__(self) -> None:
        """Nothing: parameters stay as they were given, as `sklearn.clone` expects."""

    def checked(self) -> Self:
        """A copy whose options have been checked, and are of the types they should be. Raises ConfigError."""
        copy = type(self)(**self.get_params())
        Config.__post_init__(copy)
        return copy

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002  # scikit-learn's signature
        """The options by name."""
        return {name: getattr(self, name) for name in field_names(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Change options; they are checked at `fit`. Raises ConfigError for a name that is none."""
        names = field_names(type(self))
        for name, value in params.items():
            if name not in names:
                raise ConfigError(f"{type(self).__name__} has no option {name!r}.{did_you_mean(name, names)}")
            setattr(self, name, value)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return any(name.endswith("_") and not name.startswith("_") for name in vars(self))


class Transformer(Estimator, ABC):
    """An estimator that turns a table into another: `fit`, `transform`, `set_output`, names of columns."""

    kind = "transformer"

    def set_output(self, *, transform: Literal["default", "pandas", "polars"] | None = None) -> Self:
        """What `transform` gives: "default" an array, "pandas" or "polars" a frame; None leaves it as it is.

        Raises ConfigError for another.
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise ConfigError(f"set_output knows transform='default', 'pandas' and 'polars', not {transform!r}.")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}  # where `sklearn.clone` looks for it
        return self

    @abstractmethod
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """The names of the columns that `transform` gives, an array of str objects."""

    def _framed(self, array: Any, table: Any) -> Any:
        """The result as `set_output` asks, or scikit-learn's own setting; a frame of pandas keeps the rows' index."""
        asked = getattr(self, "_sklearn_output_config", {}).get("transform")
        sklearn = sys.modules.get("sklearn")
        if asked is None and sklearn is not None:
            asked = sklearn.get_config()["transform_output"]
        if asked in (None, "default"):
            return array
        frames = import_module(asked)
        names = self.get_feature_names_out().tolist()
        if asked == "polars":
            return frames.DataFrame(array, schema=names, orient="row")
        return frames.DataFrame(array, columns=names, index=getattr(table, "index", None), copy=False)

    def _note_columns(self, names: list[str] | None, columns: int) -> None:
        """Remember the columns that `fit` saw: `n_features_in_`, and `feature_names_in_` where they have names."""
        import numpy as np

        self.n_features_in_ = columns
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)

    def _check_columns(self, names: list[str] | None, columns: int) -> None:
        """Raise InputError for other columns than `fit` saw; in scikit-learn's words, which its checks look for."""
        mine = type(self).__name__
        fitted: list[str] | None = None
        if hasattr(self, "feature_names_in_"):
            fitted = self.feature_names_in_.tolist()
        if names is None and fitted is not None:
            warnings.warn(
                f"X does not have valid feature names, but {mine} was fitted with feature names", stacklevel=4
            )
        elif names is not None and fitted is None:
            warnings.warn(f"X has feature names, but {mine} was fitted without feature names", stacklevel=4)
        elif names is not None and fitted is not None and names != fitted:
            raise InputError(_other_names(fitted, names))
        if columns != self.n_features_in_:
            raise InputError(
                f"X has {columns} features, but {mine} is expecting {self.n_features_in_} features as input."
            )


def _other_names(fitted: list[str], names: list[str]) -> str:
    message = "The feature names should match those that were passed during fit.\n"
    unseen, gone = sorted(set(names) - set(fitted)), sorted(set(fitted) - set(names))
    for title, some in (("unseen at fit time", unseen), ("seen at fit time, yet now missing", gone)):
        if some:
            message += f"Feature names {title}:\n" + "".join(f"- {name}\n" for name in some[:5])
            message += "- ...\n" * (len(some) > 5)
    if not unseen and not gone:
        message += "Feature names must be in the same order as they were in fit.\n"
    return message
