"""One frozen dataclass per model, and its four faces: Python, command line, TOML, config.json.

    @config
    class Word2Vec(Config):
        dim: int = option(default=100, at_least=1)
        \"\"\"Numbers in a vector.\"\"\"

The names, types, bounds, defaults and the docstring under each field are written once, there; the help of the
command line, the comments of a config file and the checks all come from them.
"""

import ast
import dataclasses
import inspect
import operator
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from os import PathLike
from typing import Any, ClassVar, Literal, Self, TypeVar, Union, dataclass_transform

from firth.errors import ConfigError, InputError, MissingInputError

C = TypeVar("C")
T = TypeVar("T")

# Peers' names for the same thing. `of`, the command line and TOML accept them; the attributes are canonical.
ALIASES: dict[str, str] = {
    "vector_size": "dim",
    "size": "dim",
    "minn": "min_n",
    "maxn": "max_n",
    "bucket": "buckets",
    "ws": "window",
    "skip_window": "window",
    "negative": "negatives",
    "neg": "negatives",
    "sample": "subsample",
    "t": "subsample",
    "iter": "epochs",
    "epoch": "epochs",
    "alpha": "lr",
    "max_final_vocab": "max_vocab",
    "dimensions": "dim",
    "num_walks": "walks",
    "walk_length": "length",
}


def option(
    *,
    default: Any,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
) -> Any:
    """A field of a config with its bounds: `at_least <= value`, `above < value`, `value <= at_most`.

    Name `default`: type checkers see a default only in a keyword, and would ask for every field otherwise.
    """
    return dataclasses.field(default=default, metadata={"at_least": at_least, "above": above, "at_most": at_most})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option, dataclasses.field))
def config(cls: type[C]) -> type[C]:
    """A frozen, keyword-only dataclass whose fields are checked when it is made."""
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


class Config:
    """What every model's config can do."""

    name: ClassVar[str]
    """How the model is called on the command line and in config.json."""
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Other tools' defaults, by the tool's name: what differs from ours."""

    def __post_init__(self) -> None:
        hints = field_types(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = _checked(type(self).__name__, field, hints[field.name], getattr(self, field.name))
            object.__setattr__(self, field.name, value)

    @classmethod
    def of(cls, **options: Any) -> Self:
        """Make a config from canonical or peers' names (`vector_size`, `ws`, `iter`, …).

        Raises ConfigError for an unknown name, naming the nearest one, and for two names of one option.
        """
        return cls(**cls._canonical(options))

    @classmethod
    def _canonical(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """The same options under canonical names, none twice."""
        canonical: dict[str, Any] = {}
        for name, value in options.items():
            for known, worth in cls._translate(name, value).items():
                if known in canonical:
                    raise ConfigError(f"{cls.__name__}: {known!r} is given twice (once as {name!r}). Give it once.")
                canonical[known] = worth
        return canonical

    @classmethod
    def _translate(cls, name: str, value: Any) -> dict[str, Any]:
        """The canonical options that one name, canonical or a peer's, stands for. Models add their own."""
        names = field_names(cls)
        known = name.replace("-", "_")
        if known not in names:
            known = ALIASES.get(known, known)
        if known not in names:
            raise ConfigError(f"{cls.__name__} has no option {name!r}.{did_you_mean(name, names)}")
        return {known: value}

    @classmethod
    def preset(cls, preset: str, /, **options: Any) -> Self:
        """Start from a tool's defaults; `options` win. Raises ConfigError for a preset that is not known."""
        known = cls.presets
        if preset not in known:
            raise ConfigError(f"{cls.__name__} has no preset {preset!r}.{did_you_mean(preset, known)}")
        return cls(**{**known[preset], **cls._canonical(options)})

    @classmethod
    def from_toml(cls, path: str | PathLike[str], *, preset: str | None = None, **overrides: Any) -> Self:
        """Read options from a TOML file: at its top, or under a table with the model's name.

        They win over those of `preset`, and `overrides` win over both. Raises MissingInputError, InputError for what
        is no TOML, ConfigError for an option or a table that is not known.
        """
        import tomllib

        try:
            with open(path, "rb") as file:
                read = tomllib.load(file)
        except FileNotFoundError:
            raise MissingInputError(f"No config file {str(path)!r}.") from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path}: not a TOML file ({error}).") from error
        given = cls._canonical(cls._own_options(path, read))
        options = {**given, **cls._canonical(overrides)}
        return cls.preset(preset, **options) if preset else cls(**options)

    @classmethod
    def _own_options(cls, path: str | PathLike[str], read: dict[str, Any]) -> dict[str, Any]:
        """The options in a TOML file; ConfigError for a table that would be passed over, or options in both places."""
        for name, value in read.items():
            if isinstance(value, dict) and name != cls.name:
                raise ConfigError(
                    f"{path} has a table [{name}], which nothing reads.{did_you_mean(name, [cls.name])} "
                    f"Options of the model stand under [{cls.name}]; all others are typed."
                )
        own = read.pop(cls.name, None)
        if own is None:
            return read
        if not isinstance(own, dict):
            raise ConfigError(f"{path}: {cls.name} must be a table, [{cls.name}], not {own!r}.")
        if read:
            raise ConfigError(f"{path} has {next(iter(read))!r} outside [{cls.name}]. Put all options under it.")
        return own

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The config that `to_dict` gave; keys that an older firth did not write keep that firth's behaviour."""
        return cls.of(**{**cls.missing_in_old_files(), **saved})

    @classmethod
    def missing_in_old_files(cls) -> dict[str, Any]:
        """Values for options that came later than a saved file, where they differ from today's defaults."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Plain values only: what config.json and TOML hold."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def to_toml(self) -> str:
        """A config file with every option, each under its documentation."""
        docs = field_docs(type(self))
        lines = [f"[{self.name}]"]
        for name, value in self.to_dict().items():
            lines += [f"# {line}" for line in textwrap.wrap(docs.get(name, ""), 98)]
            lines += [f"# {name} =" if value is None else f"{name} = {_toml(value)}", ""]
        return "\n".join(lines)

    def replace(self, **changes: Any) -> Self:
        """The same config with some options changed."""
        same = {name: getattr(self, name) for name in field_names(type(self))}
        return type(self)(**{**same, **self._canonical(changes)})


def _once_per_class(function: Callable[[type], T]) -> Callable[[type], T]:
    """`functools.cache`; it alone hides from mypy that classes can be hashed."""
    return cache(function)


@_once_per_class
def field_names(cls: type) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


@_once_per_class
def field_types(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


@_once_per_class
def field_docs(cls: type) -> dict[str, str]:
    """The string under each field of a class, base classes first; Python itself forgets them."""
    docs: dict[str, str] = {}
    for kind in reversed(cls.__mro__):
        if kind is object or not dataclasses.is_dataclass(kind):
            continue
        try:
            body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        except (OSError, TypeError):  # no source at hand: a frozen application
            continue
        assert isinstance(body, ast.ClassDef)
        for line, below in zip(body.body, body.body[1:], strict=False):
            if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)):
                continue
            if (
                isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                docs[line.target.id] = inspect.cleandoc(below.value.value)
    return docs


def did_you_mean(name: str, known: typing.Iterable[str]) -> str:
    """' Did you mean …?', or the list where nothing is near."""
    import difflib  # only for an error

    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(known)}."


def _checked(owner: str, field: "dataclasses.Field[Any]", hint: Any, value: Any) -> Any:
    """`value` as its type, or ConfigError that says what was expected."""
    converted, fits = _fit(hint, value)
    if not fits:
        raise ConfigError(f"{owner}: {field.name} must be {_describe(hint)}, not {value!r} ({type(value).__name__}).")
    if isinstance(converted, int | float) and not isinstance(converted, bool):
        bounds = field.metadata
        low, above, high = bounds.get("at_least"), bounds.get("above"), bounds.get("at_most")
        if converted != converted or (low is not None and converted < low):
            raise ConfigError(f"{owner}: {field.name} must be at least {low}, not {value!r}.")
        if above is not None and converted <= above:
            raise ConfigError(f"{owner}: {field.name} must be more than {above}, not {value!r}.")
        if high is not None and converted > high:
            raise ConfigError(f"{owner}: {field.name} must be at most {high}, not {value!r}.")
    return converted


def _fit(hint: Any, value: Any) -> tuple[Any, bool]:
    """(value as `hint`, True), or (value, False) where it is of another type. A bool is not a number here."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        for part in typing.get_args(hint):
            converted, fits = _fit(part, value)
            if fits:
                return converted, True
        return value, False
    if origin is Literal:
        return value, isinstance(value, str) and value in typing.get_args(hint)
    if origin is tuple:
        parts = [_fit(typing.get_args(hint)[0], part) for part in value] if isinstance(value, list | tuple) else []
        return tuple(part for part, _ in parts), isinstance(value, list | tuple) and all(fits for _, fits in parts)
    if hint is type(None):
        return value, value is None
    if hint is bool:
        return value, isinstance(value, bool)
    if hint is int and not isinstance(value, bool):
        try:
            return operator.index(value), True
        except TypeError:
            return value, False
    if hint is float and not isinstance(value, bool | str):
        try:
            return float(value), True
        except (TypeError, ValueError):
            return value, False
    return value, hint is str and isinstance(value, str)


def _describe(hint: Any) -> str:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_describe(part) for part in typing.get_args(hint))
    if origin is Literal:
        return " or ".join(repr(choice) for choice in typing.get_args(hint))
    if origin is tuple:
        return f"a list, each {_describe(typing.get_args(hint)[0])}"
    plain = {int: "a whole number", float: "a number", bool: "True or False", str: "a string", type(None): "None"}
    return plain.get(hint, str(hint))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    return repr(value)
