"""How a command reads a corpus: the sources and the options of `firth.Text`, shared by `train` and `inspect`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

import firth

Sources = Annotated[list[str], Parameter(help="Files, folders or patterns, compressed or not; `-` is stdin.")]


@Parameter(name="*", group="Text")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class Reading:
    """The options of a text, with the defaults that `firth.Text` has."""

    tokenizer: Annotated[str, Parameter(help="How a line is cut: whitespace, words, chinese, characters.")] = (
        "whitespace"
    )
    lower: Annotated[bool, Parameter(help="Lower-case the text first.", negative=())] = False
    field: Annotated[str | None, Parameter(help="The column that holds the text.")] = None
    format: Annotated[
        Literal["lines", "jsonl", "csv", "tsv", "parquet"] | None,
        Parameter(help="What the files are; seen from their names and content where not given."),
    ] = None
    errors: Annotated[
        Literal["strict", "replace", "ignore"], Parameter(help="What to do about bytes that are not UTF-8.")
    ] = "strict"
    own_words: Annotated[
        str | None, Parameter(help="A file of words, one a line, that `--tokenizer chinese` shall know.")
    ] = None
    hmm: Annotated[bool, Parameter(help="Let `--tokenizer chinese` guess words that no dictionary has.")] = True
    split_sentences: Annotated[
        bool, Parameter(help="Chinese marks (。！？；…) end a sentence too, not lines only.", negative=())
    ] = False
    phrases: Annotated[
        str | None,
        Parameter(name="--phrases-from", help="A file that `firth phrases` wrote: its phrases are joined in the text."),
    ] = None

    def text(self, sources: Sequence[str]) -> "firth.Text":
        """The sources as one text."""
        return firth.Text(sources[0] if len(sources) == 1 else list(sources), **asdict(self))
