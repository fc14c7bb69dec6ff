"""`firth inspect`: look at what training would see."""

from itertools import pairwise
from typing import Annotated

from cyclopts import App, Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, at_least_one
from firth.cli.reading import Reading, Sources

app = App(name="inspect", help="Look at what training would see.", help_format="plaintext")

Lines = Annotated[int, Parameter(alias="-n", help="How many lines to show.")]


@app.command
def tokens(
    sources: Sources,
    /,
    *,
    lines: Lines = 10,
    min_count: Annotated[int, Parameter(help="Drop rarer words, as training does.")] = 1,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show the first sentences, cut into words as training cuts them."""
    from firth.tokens.encoded import encode

    at_least_one(lines, "--lines")
    with encode(reading.text(sources), min_count=min_count) as encoded:
        keys = encoded.vocabulary.keys
        starts = encoded.sentences[: lines + 1].tolist()
        sentences = [[keys[id_] for id_ in encoded.tokens[start:end]] for start, end in pairwise(starts)]
    show.answer(sentences, [(" ".join(words),) for words in sentences], as_json=json)


@app.command
def vocabulary(
    sources: Sources,
    /,
    *,
    lines: Lines = 10,
    min_count: Annotated[int, Parameter(help="Drop rarer words.")] = 5,
    max_vocab: Annotated[int | None, Parameter(help="Keep only this many of the most frequent words.")] = None,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show the most frequent words and how often each comes."""
    at_least_one(lines, "--lines")
    counted = firth.Vocabulary.count(reading.text(sources), min_count=min_count, max_vocab=max_vocab)
    rows = list(zip(counted.keys[:lines], counted.counts[:lines].tolist(), strict=True))
    document = {"words": len(counted), "tokens": counted.total, "most_frequent": dict(rows)}
    show.answer(document, rows, as_json=json)
    show.say(f"{len(counted):,} words are kept; they come {counted.total:,} times.")
