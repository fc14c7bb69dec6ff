"""Questions to a model: nearest, analogy, similarity, predict."""

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, MinCount, Model, Prefix, Regex, RestrictVocab, Topn, Which, at_least_one, only
from firth.errors import ConfigError


def nearest(
    model: Model,
    /,
    *words: Annotated[str, Parameter(help="The words to look up; `-` reads them from stdin, one a line.")],
    topn: Topn = 10,
    restrict_vocab: RestrictVocab = None,
    prefix: Prefix = None,
    regex: Regex = None,
    min_count: MinCount = None,
    metric: Annotated[
        Literal["cosine", "dot", "euclidean"],
        Parameter(help="What is near: the angle; the product, or the distance, of the vectors as they are."),
    ] = "cosine",
    index: Annotated[
        Literal["hnsw"] | None, Parameter(help="Ask the index that `firth index` built: quicker, may miss some.")
    ] = None,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Show the nearest neighbours of words."""
    at_least_one(topn, "--topn")
    asked = typed(words)
    vectors = _vectors(model)
    where = only(prefix, regex, min_count)
    near = vectors.nearest(asked, topn, restrict_vocab, where=where, metric=metric, index=index, which=which)
    found = [*zip(asked, near, strict=True)]
    document = [{"word": word, "nearest": _scored(near)} for word, near in found]
    alone = len(found) == 1
    rows = [((key, score) if alone else (word, key, score)) for word, near in found for key, score in near]
    show.answer(document, rows, as_json=json)


def analogy(
    model: Model,
    a: Annotated[str, Parameter(help="A is to B …")],
    b: Annotated[str, Parameter(help="… as C is to what?")],
    c: Annotated[str, Parameter(help="The word whose partner is sought.")],
    /,
    *,
    method: Annotated[
        Literal["add", "mul"], Parameter(help="3CosAdd, nearest to B - A + C; or 3CosMul, B times C over A.")
    ] = "add",
    topn: Topn = 5,
    restrict_vocab: RestrictVocab = None,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Answer: A is to B as C is to what? The words nearest to B - A + C."""
    at_least_one(topn, "--topn")
    vectors = _vectors(model)
    if method == "add":
        near = vectors.most_similar([b, c], [a], topn=topn, restrict_vocab=restrict_vocab, which=which)
    else:
        near = vectors.most_similar_cosmul([b, c], [a], topn=topn, restrict_vocab=restrict_vocab, which=which)
    show.answer({"a": a, "b": b, "c": c, "nearest": _scored(near)}, near, as_json=json)


def similarity(
    model: Model,
    a: Annotated[str, Parameter(help="One word.")],
    b: Annotated[str, Parameter(help="Another.")],
    /,
    *,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Show the cosine similarity of two words: 1 the same direction, 0 unrelated, -1 opposite."""
    score = float(_vectors(model).similarity(a, b, which=which))
    show.answer({"a": a, "b": b, "similarity": score}, [(score,)], as_json=json)


def predict(
    model: Model,
    /,
    *words: Annotated[str, Parameter(help="The words of a context; `-` reads them from stdin, one a line.")],
    topn: Topn = 10,
    json: Json = False,
) -> None:
    """Show the likeliest words in the midst of a context (cbow), or beside its words (skipgram), and how likely."""
    at_least_one(topn, "--topn")
    context = typed(words)
    likely = _vectors(model).predict(context, topn=topn)
    document = {
        "context": context,
        "likely": [{"key": key, "probability": float(probability)} for key, probability in likely],
    }
    show.answer(document, likely, as_json=json, heading=("word", "probability"))


def _vectors(model: str) -> "firth.Vectors":
    from firth.loading import load_vectors  # `--help` is quick

    return load_vectors(model)


def typed(words: tuple[str, ...]) -> list[str]:
    """The words typed, or stdin's lines for `-`."""
    if not words:
        raise ConfigError("Which words? Type them after MODEL, or `-` to read them from stdin.")
    if "-" not in words:
        return list(words)
    if words != ("-",):
        raise ConfigError("Give words, or `-` alone to read them from stdin, not both.")
    return [line.rstrip("\r\n") for line in sys.stdin if line.strip()]


def _scored(near: list[tuple[str, float]]) -> list[dict[str, object]]:
    return [{"key": key, "score": float(score)} for key, score in near]
