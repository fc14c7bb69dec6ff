"""Why, and whether to believe it: explain, stability, compare."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Model, Threads, at_least_one
from firth.cli.reading import Reading, Sources
from firth.config import Config
from firth.errors import MissingInputError


def explain(
    model: Model,
    a: Annotated[str, Parameter(help="One word.")],
    b: Annotated[str, Parameter(help="Another.")],
    /,
    *,
    source: Annotated[
        list[str] | None, Parameter(help="The text that the model learnt from; once is enough.", consume_multiple=True)
    ] = None,
    workdir: Annotated[
        Path | None, Parameter(help="Where the encoded text and its index are kept; MODEL.evidence if not given.")
    ] = None,
    window: Annotated[int | None, Parameter(help="Words on either side; the model's if not given.")] = None,
    topn: Annotated[int, Parameter(alias="-n", help="How many contexts to show.")] = 10,
    quotes: Annotated[int, Parameter(help="How many places in the text to show for each.")] = 1,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Show the contexts that made two words neighbours, and where they stand in the text."""
    at_least_one(topn, "--topn")
    folder = workdir or Path(f"{model.rstrip('/')}.evidence")
    vectors = firth.load(model)
    if not source and not folder.exists():
        raise MissingInputError(
            f"{folder} is not there. Which text did the model learn from? Give --source FILE, once."
        )
    text = (source[0] if len(source) == 1 else source) if source else None
    found = firth.explain(vectors, a, b, text, workdir=folder, window=window, topn=topn, quotes=quotes, threads=threads)
    if json:
        show.answer(found.to_dict(), [], as_json=True)
    else:
        print(found)


def compare(
    a: Annotated[str, Parameter(help="A model or a vector file.")],
    b: Annotated[str, Parameter(help="Another, of as many dimensions: of another corpus, of another year.")],
    /,
    *words: Annotated[str, Parameter(help="Show these words, not the most shifted ones.")],
    most: Annotated[int, Parameter(help="How many of the most shifted words to show.")] = 20,
    topn: Annotated[int, Parameter(alias="-n", help="How many neighbours of each.")] = 5,
    min_count: Annotated[int | None, Parameter(help="Words that come so often in both; 20 if not given.")] = None,
    page: Annotated[str | None, Parameter(alias="-o", help="Write the comparison as one page, .html, too.")] = None,
    json: Json = False,
) -> None:
    """Show which words moved most from one model to another, and their neighbours then and now."""
    from firth.explore.files import ending

    if page:
        ending(page)
    names = (Path(a).name, Path(b).name)
    found = firth.compare(
        firth.load(a), firth.load(b), words or None, most=most, topn=topn, min_count=min_count, names=names
    )
    if page:
        found.save(page)
    show.answer(found.to_dict(), found.rows(), as_json=json, heading=("word", "cosine", "kept", *names))


def _stability(
    model: type[Config],
    sources: Sources,
    /,
    *,
    seeds: Annotated[int, Parameter(help="How many times to learn.")] = 5,
    words: Annotated[
        list[str] | None,
        Parameter(help="Show the neighbours of these, and how often each returns.", consume_multiple=True),
    ] = None,
    topn: Annotated[int, Parameter(alias="-n", help="How many neighbours to compare.")] = 10,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    settings = configured(model, config, options)
    found = firth.stability(settings, reading.text(sources), seeds, topn=topn, threads=threads, report=show.say)
    if not words:
        heading = ("count from", "to", "words", "neighbours kept")
        show.answer(found.to_dict(), found.rows(), as_json=json, heading=heading)
    else:
        near = {word: found.neighbours(word) for word in words}
        rows = [(word, each.key, each.returns, each.similarity) for word, found_ in near.items() for each in found_]
        document = {
            **found.to_dict(),
            "words": [
                {
                    "word": word,
                    "nearest": [{"key": e.key, "returns": e.returns, "similarity": e.similarity} for e in all_],
                }
                for word, all_ in near.items()
            ],
        }
        show.answer(document, rows, as_json=json, heading=("word", "near", "returns", "cosine"))
    show.say(found.advice())


stability: Callable[..., None] = with_options(
    firth.Word2Vec, _stability, "Learn Word2Vec with several seeds, and say which words' neighbours return."
)
