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
Topn = Annotated[int, Parameter(alias="-n", help="How many to show.")]
Prefix = Annotated[str | None, Parameter(help="Only words that begin so.")]
Regex = Annotated[str | None, Parameter(help="Only words in which this pattern is found.")]
MinCount = Annotated[int | None, Parameter(help="Only words that were seen so often.")]
ConfigFile = Annotated[
    Path | None, Parameter(group="Run", help="A TOML file with options of the model; options typed here win.")
]
Threads = Annotated[int | None, Parameter(group="Run", help="Processors to use; all there are where not given.")]
Output = Annotated[str, Parameter(alias="-o", group="Output", help="The folder to write the model to.")]
Json = Annotated[bool, Parameter(name="--json", negative=(), group="Output", help="Print one JSON document.")]


def at_least_one(number: int, name: str) -> None:
    """Raise ConfigError where an option that counts something is less than 1."""
    if number < 1:
        raise ConfigError(f"{name} must be at least 1, not {number}.")


def only(prefix: str | None, regex: str | None, min_count: int | None) -> dict[str, object] | None:
    """The conditions that were typed, as `where=` takes them."""
    typed = {"prefix": prefix, "regex": regex, "min_count": min_count}
    return {name: value for name, value in typed.items() if value is not None} or None
