"""How a command reads a corpus: the sources, and the options of `firth.Text` or `firth.Sessions`."""

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

    def check(self, source: str) -> None:
        """Raise MissingInputError where a source is not there."""
        self.text([source])

    def text(self, sources: Sequence[str]) -> "firth.Text":
        """The sources as one text."""
        return firth.Text(sources[0] if len(sources) == 1 else list(sources), **asdict(self))


@Parameter(name="*", group="Sessions")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class SessionReading:
    """The options of sessions, with the defaults that `firth.Sessions` has."""

    session: Annotated[str | None, Parameter(help="The column with the id of the session, the user or the basket.")] = (
        None
    )
    item: Annotated[str | None, Parameter(help="The column with the id of the item.")] = None
    time: Annotated[str | None, Parameter(help="The column that orders a session.")] = None
    separator: Annotated[str | None, Parameter(help="Between the items on a line; blanks where not given.")] = None
    format: Annotated[
        Literal["lines", "csv", "tsv", "parquet"] | None,
        Parameter(help="What the files are; lines: a session on each. Seen from their names where not given."),
    ] = None
    metadata: Annotated[
        str | None, Parameter(help="A table with a row for each item, whose other columns tell what is known of it.")
    ] = None

    def check(self, source: str) -> None:
        """Raise MissingInputError where a source is not there."""
        from firth.corpus.source import find

        find(source)

    def sessions(self, sources: Sequence[str]) -> "firth.Sessions":
        """The sources as one log of sessions."""
        return firth.Sessions(sources[0] if len(sources) == 1 else list(sources), **asdict(self))
