"""`firth plot`: words on a plane, or the loss of a run."""

from typing import Annotated, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, Model, Which, at_least_one
from firth.errors import ConfigError


def plot(
    model: Model,
    /,
    *words: Annotated[str, Parameter(help="The words to show.")],
    output: Annotated[str, Parameter(alias="-o", help="The file to write: .png, .svg, .pdf, or .html, one page.")],
    most_frequent: Annotated[int | None, Parameter(help="Show so many of the most frequent words (200).")] = None,
    nearest_to: Annotated[
        list[str] | None, Parameter(help="Show these words and their nearest.", consume_multiple=True)
    ] = None,
    topn: Annotated[int, Parameter(alias="-n", help="How many of the nearest.")] = 10,
    arrows: Annotated[
        list[str] | None,
        Parameter(help="Show pairs with an arrow between: man:woman king:queen.", consume_multiple=True),
    ] = None,
    method: Annotated[
        Literal["pca", "tsne", "umap"],
        Parameter(help="pca keeps directions; tsne and umap keep neighbours together."),
    ] = "pca",
    seed: Annotated[int, Parameter(help="Of tsne and umap.")] = 1,
    which: Which = "input",
    title: Annotated[str | None, Parameter(help="What stands above the picture.")] = None,
    loss: Annotated[bool, Parameter(help="Draw the loss of the run, pass by pass, instead.", negative=())] = False,
    json: Json = False,
) -> None:
    """Draw words as points on a plane, with arrows between pairs; or the loss of the run that learnt them."""
    from firth.explore import files
    from firth.explore.curve import losses

    files.ending(output)
    at_least_one(topn, "--topn")
    if loss and (words or nearest_to or arrows or most_frequent):
        raise ConfigError("--loss draws the run, not words: leave the words out.")
    vectors = firth.load(model)
    if loss:
        losses(vectors, title or "Loss").save(output)
    else:
        picture = vectors.plot(
            words,
            nearest_to=nearest_to,
            most_frequent=most_frequent,
            arrows=[_pair(pair) for pair in arrows or []],
            topn=topn,
            method=method,
            seed=seed,
            which=which,
            title=title,
        )
        picture.save(output)
    points = 0 if loss else len(picture.keys)
    show.answer({"path": output, "words": points}, [(output,)], as_json=json)


def _pair(typed: str) -> tuple[str, str]:
    """man:woman, cut at the first colon."""
    start, mark, end = typed.partition(":")
    if not (start and mark and end):
        raise ConfigError(f"An arrow is two words with a colon between, man:woman, not {typed!r}.")
    return start, end
