"""What scikit-learn asks of an estimator, by its names and without it: a mutable config whose checks come at `fit`."""

import dataclasses
from typing import Any, ClassVar, Literal, Self, TypeVar, dataclass_transform

from firth.config import Config, did_you_mean, field_names, option
from firth.errors import ConfigError

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
