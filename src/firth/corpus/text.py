"""Corpus stage, as the caller sees it: where text comes from and how it is cut."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from dataclasses import field as dataclass_field
from os import PathLike
from typing import Any, Final

from firth.config import did_you_mean
from firth.corpus import blocks, stream
from firth.corpus import source as sources
from firth.corpus.blocks import TextBlock, TokenBlock
from firth.corpus.source import File
from firth.errors import ConfigError, FormatError, InputError
from firth.tokens import chinese
from firth.tokens.phrases import LearntPhrases
from firth.tokens.words import checked_own_words

FORMATS: Final = ("lines", "jsonl", "csv", "tsv", "parquet")
ERRORS: Final = ("strict", "replace", "ignore")


@dataclass(frozen=True)
class Text:
    r"""A corpus: a source of text, and how it is cut into sentences of words.

    >>> text = Text(["The cat sat.", "A dog\nran."], tokenizer="words", lower=True)
    >>> [sentence for sentence in text]
    [['the', 'cat', 'sat'], ['a', 'dog'], ['ran']]

    A line is a sentence, whatever its length; so is a row or an item, and each line inside one.
    Raises MissingInputError for a path that is not there, InputError for a source of another type, ConfigError for an
    unknown option.
    """

    source: Any
    """A path, a pattern (`news-*.gz`, `**` searches folders), a folder, a list of those, "-" (stdin), a data frame or
    series (pandas, polars, Arrow, …), or an iterable of str or of lists of words. A str is always a path; a list of
    str is one of paths where one of them names a file or ends as a file does (.txt, .gz, …), else of sentences."""
    _: KW_ONLY
    tokenizer: str = "whitespace"
    """"whitespace": between ASCII blanks, as word2vec.c cuts. "words": runs of letters, marks and digits. "chinese":
    words found by rjieba. "characters": every Han character and kana by itself, the rest as by "words"."""
    lower: bool = False
    """Lower-case every word, by Unicode's full rules."""
    field: str | None = None
    """The column or JSON field with the text; None where only one has text, or one is called 'text'."""
    format: str | None = None
    """"lines", "jsonl", "csv", "tsv" (both with a header), "parquet"; None to tell by each file's name and content."""
    errors: str = "strict"
    """What to do with bytes that are not UTF-8: "strict" refuses them, "replace" puts U+FFFD, "ignore" drops them."""
    own_words: Any = None
    """Words that tokenizer="chinese" shall know beside its dictionary: a list, or a file with one a line, each "word",
    "word count" or "word count tag" (jieba's format). Kept as a tuple."""
    hmm: bool = True
    """Whether tokenizer="chinese" guesses words that no dictionary has, by a hidden Markov model."""
    split_sentences: bool = False
    """Whether 。！？；… end a sentence too, with tokenizer="chinese" or "characters"."""
    phrases: Any = None
    """Phrases that are joined when the text is cut (new york → new_york): what `firth.Phrases().fit(…)` gave, or the
    path of its file."""
    _once: list[bool] = dataclass_field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        entries = checked_own_words(self.tokenizer, self.own_words, self.hmm, self.split_sentences)
        object.__setattr__(self, "own_words", entries)
        if self.phrases is not None:
            object.__setattr__(self, "phrases", LearntPhrases.of(self.phrases))
        _check_one_of("format", self.format, (None, *FORMATS))
        _check_one_of("errors", self.errors, ERRORS)
        if not isinstance(self.lower, bool):
            raise ConfigError(f"lower must be True or False, not {self.lower!r}.")
        if self.field is not None and not isinstance(self.field, str):
            raise ConfigError(f"field must be the name of a column, not {self.field!r}.")
        if self.names_files():
            sources.find(self.source)
        else:
            _check_is_source(self.source)
            if self.format is not None:
                raise ConfigError(
                    f"format={self.format!r} is for files; the source is {_kind(self.source)}. Leave it out."
                )
            if self.field is not None and not _speaks_arrow(self.source):
                raise ConfigError(
                    f"field={self.field!r} is for columns; the source is {_kind(self.source)}. Leave it out."
                )

    @classmethod
    def of(cls, source: Any) -> "Text":
        """A Text as it is; anything else as the source of one."""
        return source if isinstance(source, Text) else cls(source)

    @classmethod
    def cut_like(cls, source: Any, options: Mapping[str, Any]) -> "Text":
        """A Text as it is; another source cut as a model's `options` say, wherever and in whatever format it lies."""
        if isinstance(source, Text):
            return source
        known = {field.name for field in fields(cls)} - {"source", "field", "format"}
        cutting = {name: value for name, value in options.items() if name in known}
        if cutting.get("phrases"):
            cutting["phrases"] = LearntPhrases.from_text(cutting["phrases"], "the model's list")
        return cls(source, **cutting)

    def options(self) -> dict[str, Any]:
        """How the text is cut and read, in plain values: what a saved model needs to cut other text alike."""
        return {
            "tokenizer": self.tokenizer,
            "lower": self.lower,
            "field": self.field,
            "format": self.format,
            "errors": self.errors,
            **({"own_words": list(self.own_words), "hmm": self.hmm} if self.tokenizer == "chinese" else {}),
            **({"split_sentences": True} if self.split_sentences else {}),
            **({"phrases": self.phrases.to_text()} if self.phrases else {}),
        }

    def __iter__(self) -> Iterator[list[str]]:
        """The sentences, cut: slow, for looking at. Training reads `blocks`."""
        from firth.tokens.pieces import sentences

        found = sentences(self)
        return map(self.phrases.apply, found) if self.phrases else found

    def fingerprint(self) -> str | None:
        """A hash of the files (path, size, time, both ends) and the options; None where the source is not all files."""
        files = sources.find(self.source) if self.names_files() else []
        if not files or not all(file.regular for file in files):
            return None
        facts = [self.options(), [file.identity() for file in files]]
        if self.tokenizer == "chinese":
            facts.append(chinese.version())  # another dictionary, another cut
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def size(self) -> int | None:
        """Bytes of all files, compressed as they are; None where the source is not all files."""
        sizes = [file.size for file in sources.find(self.source)] if self.names_files() else [None]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def blocks(self) -> Iterator[TextBlock | TokenBlock]:
        """The text in blocks that can be cut independently; one pass. Raises InputError and its kind."""
        self._note_reading()
        if self.names_files():
            yield from self._file_blocks()
        elif _speaks_arrow(self.source):
            from firth.corpus import columns

            yield from _column_blocks(columns.of_frame(self.source, self.field), f"the {type(self.source).__name__}")
        else:
            from firth.corpus.items import item_blocks

            yield from item_blocks(self.source)

    def _file_blocks(self) -> Iterator[TextBlock | TokenBlock]:
        before = 0
        for file in sources.find(self.source):
            if self._is_parquet(file):
                from firth.corpus import columns

                yield from _column_blocks(columns.of_parquet(file, self.field), repr(file.path))
            else:
                with stream.opened(file) as opened:
                    yield from self._stream_blocks(opened, before)
            file.check_unchanged()
            before += file.size or 0

    def _stream_blocks(self, opened: stream.Stream, before: int) -> Iterator[TextBlock | TokenBlock]:
        kind = self.format or sniffed(opened)
        if kind != "lines":
            from firth.corpus import columns

            if kind == "jsonl":
                arrays = columns.of_json_lines(opened, self.field)
            else:
                arrays = columns.of_csv(opened, kind, self.field)
            yield from _column_blocks(arrays, opened.name)
            return
        if self.field is not None:
            raise ConfigError(f"field={self.field!r} names a column, but {opened.name} is lines of text. Leave it out.")
        parts = iter(lambda: opened.read(blocks.BLOCK), b"")
        marks = chinese.SENTENCE_ENDS if self.tokenizer in ("chinese", "characters") else ()
        for offset, data in blocks.cut(parts, opened.name, marks):
            yield TextBlock(data, opened.name, opened.skipped + offset, before + opened.consumed())

    def _is_parquet(self, file: File) -> bool:
        if not file.regular:
            if self.format == "parquet":
                raise InputError(f"{file.path!r} is a pipe; parquet is read from its end. Save it to a file first.")
            return False
        is_one = stream.begins_with(file, b"PAR1")
        if is_one and self.format not in (None, "parquet"):
            raise FormatError(f"{file.path!r} is a parquet file, but format={self.format!r}. Leave format out.")
        if not is_one and (self.format == "parquet" or file.path.lower().endswith(".parquet")) and file.size:
            raise FormatError(f"{file.path!r} is no parquet file: it does not begin with PAR1.")
        return is_one

    def names_files(self) -> bool:
        """Whether the source is a path or a list of paths."""
        if isinstance(self.source, str | PathLike):
            return True
        return isinstance(self.source, list | tuple) and sources.names_files(self.source)

    def _note_reading(self) -> None:
        """Refuse to read a second time what can be read only once: it would be empty, without a word."""
        if not self._once:
            self._once.append(True)
        elif isinstance(self.source, Iterator) or type(self.source).__name__ == "RecordBatchReader" or self.is_stdin():
            raise InputError(
                f"The source ({_kind(self.source)}) can be read once, and was. Give a list or a file, or a new one."
            )

    def is_stdin(self) -> bool:
        """Whether the source, or a part of it, is stdin, which can be read once."""
        return self.names_files() and any(file.path == "-" for file in sources.find(self.source))


def _column_blocks(arrays: Iterator[Any], name: str) -> Iterator[TextBlock | TokenBlock]:
    """Blocks of the column that the arrays are parts of: rows of text, or lists of words."""
    from firth.corpus import columns

    first = next(arrays, None)
    if first is None:
        return
    everything = itertools.chain([first], arrays)
    if columns.are_lists(first.type):
        yield from columns.token_blocks(everything, name)
        return
    for offset, data in blocks.cut(blocks.gathered(columns.joined(everything)), name):
        yield TextBlock(data, name, offset, offset + len(data), counts="row")


def sniffed(opened: stream.Stream) -> str:
    """The format of a text file, by its name and what it begins with."""
    name = opened.name.strip("'\"").lower()
    for packed in (".gz", ".bz2", ".xz", ".zst"):
        name = name.removesuffix(packed)
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    if stream.looks_like_html(opened.head):
        raise InputError(
            f"{opened.name} looks like HTML, not a text. Take its text out first; format='lines' reads it as it is."
        )
    return "jsonl" if _begins_with_object(opened.head) else "lines"


_ENDINGS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "tsv"}


def _begins_with_object(head: bytes) -> bool:
    line = head.lstrip().split(b"\n", 1)[0]
    if not line.startswith(b'{"'):
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _check_one_of(option: str, value: object, choices: Iterable[str | None]) -> None:
    choices = list(choices)
    if value not in choices:
        names = [choice for choice in choices if choice is not None]
        raise ConfigError(f"{option} cannot be {value!r}.{did_you_mean(str(value), names)}")


def _check_is_source(source: object) -> None:
    if isinstance(source, bytes | bytearray | memoryview | Mapping) or not (
        _speaks_arrow(source) or isinstance(source, Iterable)
    ):
        raise InputError(
            f"A source is a path, a list of paths, '-', a data frame, or an iterable of texts or of lists of words; "
            f"not {_kind(source)}."
        )


def _speaks_arrow(source: object) -> bool:
    return hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")


def _kind(source: object) -> str:
    return "None" if source is None else f"a {type(source).__name__}"
