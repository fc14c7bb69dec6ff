"""`firth phrases SOURCE…`: which words belong together; the list of them, and the text with them joined."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads, at_least_one
from firth.cli.reading import Reading, Sources
from firth.config import Config
from firth.errors import ConfigError

if TYPE_CHECKING:
    from firth.tokens.encoded import Encoded


def _phrases(
    model: type[Config],
    sources: Sources,
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(alias="-o", group="Output", help="A file for all phrases, or a folder to write phrases.tsv in."),
    ] = None,
    text: Annotated[
        str | None, Parameter(group="Output", help="A file for the text with its phrases joined; `-` is stdout.")
    ] = None,
    topn: Annotated[int, Parameter(alias="-n", group="Output", help="How many of the best to show.")] = 20,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    from firth.tokens.encoded import encode

    at_least_one(topn, "--topn")
    if json and text == "-":
        raise ConfigError("stdout takes either the text (--text -) or the JSON document, not both.")
    settings = configured(model, config, options)
    source = reading.text(sources)
    with encode(source, min_count=1, threads=threads) as corpus:
        learnt = settings.fit(corpus, after=source.phrases, threads=threads)
        written = str(learnt.save(output)) if output else None
        if text:
            _write(Path(text), learnt.apply(corpus))
    best = learnt.table[:topn]
    rows = [(phrase.key, phrase.score, phrase.count, phrase.found_in) for phrase in best]
    names = ("phrase", "score", "count", "pass")
    document = {
        "phrases": len(learnt),
        "output": written,
        "text": text,
        "best": [dict(zip(names, row, strict=True)) for row in rows],
    }
    if text != "-":
        show.answer(document, rows, as_json=json, heading=names)
    use = f" Join them: firth train word2vec SOURCE --phrases-from {written} -o MODEL" if written else ""
    show.say(f"{len(learnt):,} phrases.{use}")


def _write(target: Path, corpus: "Encoded") -> None:
    """The corpus as lines of words: to stdout, or to a file that is there when it is whole."""
    from firth.formats import atomic
    from firth.formats.checksums import NewFile
    from firth.tokens.lines import lines

    if str(target) == "-":
        for part in lines(corpus):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    needed = 8 * len(corpus.tokens)  # about so many bytes have a word and its blank
    with atomic.replacing(target, needed=needed, check=_check_is_file) as new, NewFile(new) as file:
        for part in lines(corpus):
            file.write(part)


def _check_is_file(target: str) -> None:
    if os.path.isdir(target):
        raise ConfigError(f"--text {target} is a folder. Name a file.")


phrases = with_options(
    firth.Phrases, _phrases, "Learn which words of a text belong together, and show the best: new_york."
)
