"""Tokens stage: a text as running lines, for tokenizers that were learnt (`tokenizer.py`).

Word vectors need words and nothing else; a network may want the text as it is, with its marks, and where a document
ends. So a line stays a line here, and a blank one says that a document is over.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import IO, Any, Final, Self

from firth.corpus.blocks import TextBlock, TokenBlock
from firth.corpus.text import Text
from firth.errors import EmptyVocabularyError
from firth.tokens import words
from firth.tokens.cutters import Spacing, spacing_for
from firth.tokens.phrases import LearntPhrases
from firth.tokens.pieces import NotUTF8Error, as_strings, as_utf8, encoding_error, warn_where_blanks_lack

_OPTIONS: Final = ("tokenizer", "lower", "own_words", "hmm", "split_sentences", "phrases")
_BLANKS: Final = " \t\v\f\r"
_LONGEST: Final = 1 << 22  # characters; a line without end is cut there


def lines(text: Text, *, by_words: bool = False) -> Iterator[str]:
    r"""The lines of a text: as they are where its tokenizer is "whitespace", else its words with a blank between them.

    A blank line ends a document; a line whose words are all left out (marks alone) is no line.

    >>> list(lines(Text(["To be,\nor not.\n\nThat is it."], tokenizer="words", lower=True)))
    ['to be', 'or not', '', 'that is it']

    by_words  warn where Chinese has no blanks and the tokenizer cuts at blanks

    Raises EncodingError that names file, byte and line, and what reading the text raises.
    """
    before: dict[str, int] = {}
    first = True
    open_line: list[str] = []  # of a line that goes on in the next block
    try:
        with spacing_for(text) as space:
            for block in text.blocks():
                if first and by_words:
                    warn_where_blanks_lack(block, text.tokenizer)
                first = False
                if isinstance(block, TokenBlock):
                    found = _sentences(block, text)
                else:
                    before[block.name] = before.get(block.name, 0) + bytes(block.data).count(b"\n")
                    found = _lines(block, text, space)
                *whole, rest = found
                for line in whole:
                    open_line.append(line)
                    yield from _cut("".join(open_line), text)
                    open_line.clear()
                open_line.append(rest)
                if sum(map(len, open_line)) > _LONGEST:
                    yield from _cut("".join(open_line), text)
                    open_line.clear()
            if rest := "".join(open_line):
                yield from _cut(rest, text)
    except NotUTF8Error as error:
        raise encoding_error(error, before.get(error.block.name, 0) + 1) from None


def _lines(block: TextBlock, text: Text, space: Spacing | None) -> list[str]:
    """The lines of a block; the last one may go on in the next."""
    data, _ = as_utf8(block, text.errors)
    found = str(space(data) if space else data, "utf-8").split("\n")
    if text.split_sentences:  # a mark at the end of a line makes a blank one, which ends no document
        return [*filter(str.strip, found[:-1]), found[-1]]
    return found


def _sentences(block: TokenBlock, text: Text) -> list[str]:
    """The same of sentences that are cut already; one that goes on ends in a blank."""
    found = as_strings(block, block.tokens, text.errors)[0].to_pylist()
    bounds = [0, *block.ends.tolist(), len(found)]
    sentences = [" ".join(filter(None, found[a:b])) for a, b in pairwise(bounds)]
    return [*sentences[:-1], sentences[-1] and sentences[-1] + " "]


def _cut(line: str, text: Text) -> Iterator[str]:
    bare = line.strip(_BLANKS)
    if not bare:
        yield ""
    elif text.tokenizer == "whitespace" and not text.phrases:
        yield bare.lower() if text.lower else bare
    elif sentence := [word for cut in words.cut(words.pieces_of(bare), text.tokenizer, text.lower) for word in cut]:
        yield " ".join(text.phrases.apply(sentence) if text.phrases else sentence)


def cut_alike(texts: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Each text as one line, cut as `lines` cuts; `options`: what `Text.options` said of the text that was learnt from.

    >>> cut_alike(["To be,\\nor not."], {"tokenizer": "words", "lower": True})
    ['to be or not']
    """
    how = {name: options[name] for name in _OPTIONS if options.get(name) is not None}
    if how.get("phrases"):
        how["phrases"] = LearntPhrases.from_text(how["phrases"], "the model's list")
    elif how.get("tokenizer", "whitespace") == "whitespace":
        flat = [text.replace("\n", " ").strip(_BLANKS) for text in texts]
        return [text.lower() for text in flat] if how.get("lower") else flat
    return [" ".join(found) for found in words.split(texts, **how)]


class Spool:
    """Lines in a temporary file: cut once, read as often as one likes.

    >>> with Spool(lines(Text(["b a", "a"]))) as spool:
    ...     list(spool), list(spool)
    (['b a', 'a'], ['b a', 'a'])

    Raises EmptyVocabularyError for a text without a word.
    """

    def __init__(self, found: Iterable[str]) -> None:
        self._file: IO[str] = tempfile.TemporaryFile("w+", prefix="firth-", encoding="utf-8", newline="\n")  # noqa: SIM115
        said = False
        try:
            for line in found:
                said = said or bool(line)
                self._file.write(line + "\n")
            if not said:
                raise EmptyVocabularyError("The text holds no word. Is it the file that was meant?")
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line[:-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
