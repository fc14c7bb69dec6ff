"""What several commands ask for in the same words."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from firth.errors import ConfigError

Model = Annotated[str, Parameter(help="A folder that `firth train` wrote, or a vector file of any known format.")]
RestrictVocab = Annotated[int | None, Parameter(help="Look only among this many of the most frequent words.")]
Which = Annotated[
    Literal["input", "output", "mean"],
    Parameter(help="The table that is asked: the words' vectors, those of their contexts, or the mean of both."),
]
ConfigFile = Annotated[
    Path | None, Parameter(group="Run", help="A TOML file with options of the model; options typed here win.")
]
Threads = Annotated[int | None, Parameter(group="Run", help="Processors to use; all there are where not given.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), group="Output", help="Print one JSON document.")]


def at_least_one(number: int, name: str) -> None:
    """Raise ConfigError where an option that counts something is less than 1."""
    if number < 1:
        raise ConfigError(f"{name} must be at least 1, not {number}.")
