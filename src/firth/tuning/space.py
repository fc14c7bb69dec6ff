"""Tuning: where options are drawn from, and in what order."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from firth.config import Config, did_you_mean, field_names, field_types
from firth.errors import ConfigError

Space = Mapping[str, Sequence[Any]]

SPACE: Final[dict[str, Sequence[Any]]] = {
    "window": [2, 3, 5, 8, 10, 15],
    "dim": [50, 100, 200, 300],
    "negatives": [3, 5, 8, 12, 20],
    "ns_exponent": (0.0, 1.0),
    "subsample": (1e-5, 1e-2, "log"),
    "lr": (0.01, 0.1, "log"),
    "epochs": [3, 5, 10, 15],
}
"""What is searched where nothing else is asked for, for words …"""
ITEM_SPACE: Final[dict[str, Sequence[Any]]] = {
    "window": ["session", 3, 5, 10, 20],
    "dim": [32, 64, 128],
    "negatives": [5, 10, 20],
    "ns_exponent": (-1.0, 1.0),
    "subsample": [0.0, 1e-4, 1e-3],
    "lr": (0.01, 0.1, "log"),
    "epochs": [10, 20, 50],
    "recent": [1, 3, 5, 10, 0],
    "popularity": (0.0, 1.0),
}
"""… and for items."""

_DIGITS = 3  # of a drawn number: a command should be short
_FRUITLESS = 1000  # draws in a row that were there before: then all have been


def drawn(space: Space, base: Config, seed: int) -> Iterator[dict[str, Any]]:
    """Options to try: first none (`base` itself), then random points of the space, none twice.

    A list is drawn from evenly; (low, high) evenly between; (low, high, "log") evenly in the logarithm. Whole numbers
    where the option is one. The same seed gives the same sequence.

    >>> from firth import Word2Vec
    >>> draws = drawn({"window": [1, 2], "lr": (0.01, 0.1, "log")}, Word2Vec(), seed=1)
    >>> next(draws), next(draws)
    ({}, {'window': 1, 'lr': 0.0892})
    """
    yield {}
    random = np.random.default_rng(seed)
    seen = {_key(base)}
    fruitless = 0
    while fruitless < _FRUITLESS:
        options = {name: _one_of(type(base), name, choices, random) for name, choices in space.items()}
        key = _key(base.replace(**options))
        if key in seen:
            fruitless += 1
            continue
        seen.add(key)
        fruitless = 0
        yield options


def checked(
    space: Space | None, base: Config, fixed: Mapping[str, str], usual: Space = SPACE
) -> dict[str, Sequence[Any]]:
    """The space, or ConfigError for an option or a value that cannot be.

    fixed  option → why it may not vary
    usual  what is searched where no space is given
    """
    if space is None:
        return {name: choices for name, choices in usual.items() if name not in fixed}
    given: object = space
    if not isinstance(given, Mapping) or not given:
        raise ConfigError(f"space must be a dict such as {{'window': [2, 5, 10]}}, not {space!r}.")
    for name, choices in space.items():
        if name not in field_names(type(base)):
            raise ConfigError(
                f"{type(base).__name__} has no option {name!r}.{did_you_mean(name, field_names(type(base)))}"
            )
        if name in fixed:
            raise ConfigError(f"{name} cannot be searched: {fixed[name]}. Leave it out.")
        for value in _ends(name, choices):
            base.replace(**{name: _whole(type(base), name, value)})
    return dict(space)


def parsed(texts: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The space that a command line wrote: "window=2,5,10", "ns_exponent=0..1", "lr=0.01..0.1:log".

    >>> parsed(["window=2,5", "lr=0.01..0.1:log"])
    {'window': [2, 5], 'lr': (0.01, 0.1, 'log')}
    """
    space: dict[str, Sequence[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not values:
            raise ConfigError(f"{text!r} is no part of a space: write window=2,5,10 or lr=0.01..0.1:log.")
        if ".." in values:
            ends, colon, scale = values.partition(":")
            low, _, high = ends.partition("..")
            numbers = (_value(low), _value(high))
            space[name.replace("-", "_")] = (*numbers, scale) if colon else numbers
        else:
            space[name.replace("-", "_")] = [_value(value) for value in values.split(",")]
    return space


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "none": None}.get(text, text)


def _ends(name: str, choices: Sequence[Any]) -> Sequence[Any]:
    """All values of a list; both ends of a range."""
    if isinstance(choices, list) and choices:
        return choices
    if isinstance(choices, tuple) and len(choices) in (2, 3) and choices[2:] in ((), ("log",)):
        low, high = choices[:2]
        numbers = all(isinstance(end, int | float) and math.isfinite(end) for end in (low, high))
        if numbers and low < high and (len(choices) == 2 or low > 0):
            return low, high
    raise ConfigError(
        f"The space of {name} must be a list of values, (low, high) or (low, high, 'log') with numbers low < high "
        f"(above 0 for 'log'), not {choices!r}."
    )


def _one_of(model: type, name: str, choices: Sequence[Any], random: np.random.Generator) -> Any:
    if isinstance(choices, list):
        return choices[int(random.integers(len(choices)))]
    low, high = choices[:2]
    at = random.random()
    value = low * (high / low) ** at if len(choices) == 3 else low + (high - low) * at
    return _whole(model, name, min(high, max(low, float(f"{value:.{_DIGITS}g}"))))


def _whole(model: type, name: str, value: Any) -> Any:
    """A drawn float as the whole number that the option takes."""
    takes = field_types(model)[name]
    floats = takes is float or float in getattr(takes, "__args__", ())
    return round(value) if isinstance(value, float) and not floats and math.isfinite(value) else value


def _key(config: Config) -> tuple[Any, ...]:
    return tuple(itertools.chain.from_iterable(config.to_dict().items()))
