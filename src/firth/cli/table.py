"""The table as a whole: axis, clusters, index, quantise."""

from typing import Annotated, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, MinCount, Model, Prefix, Regex, RestrictVocab, Topn, Which, at_least_one, only


def axis(
    model: Model,
    /,
    *words: Annotated[str, Parameter(help="The words to place; without any, those furthest either way are shown.")],
    positive: Annotated[list[str], Parameter(consume_multiple=True, help="The words at one end.")],
    negative: Annotated[list[str], Parameter(consume_multiple=True, help="The words at the other.")],
    topn: Topn = 10,
    restrict_vocab: RestrictVocab = None,
    prefix: Prefix = None,
    regex: Regex = None,
    min_count: MinCount = None,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Show where words lie along the direction from some words to others, by the cosine."""
    at_least_one(topn, "--topn")
    direction = _vectors(model).axis(positive, negative, which=which)
    if words:
        placed = direction.scores(words)
    else:
        most, least = direction.ends(topn, restrict_vocab, where=only(prefix, regex, min_count))
        placed = most + least[::-1]
    document = {
        "positive": positive,
        "negative": negative,
        "words": [{"key": key, "score": score} for key, score in placed],
    }
    show.answer(document, placed, as_json=json)


def clusters(
    model: Model,
    /,
    *,
    k: Annotated[int, Parameter(alias="-k", help="How many groups.")],
    topn: Topn = 10,
    seed: Annotated[int, Parameter(help="The same one gives the same groups.")] = 1,
    restrict_vocab: RestrictVocab = 30_000,
    prefix: Prefix = None,
    regex: Regex = None,
    min_count: MinCount = None,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Group words that lie together (spherical k-means); of each group show the words nearest to its middle."""
    at_least_one(topn, "--topn")
    where = only(prefix, regex, min_count)
    found = _vectors(model).clusters(k, seed=seed, restrict_vocab=restrict_vocab, where=where, which=which)
    groups = found.to_dict(topn)
    rows = [(group["cluster"], group["size"], " ".join(group["keys"])) for group in groups]
    show.answer(groups, rows, as_json=json, heading=("", "words", "nearest to the middle"))


def index(
    model: Annotated[str, Parameter(help="A folder that `firth train` or `firth convert` wrote.")],
    /,
    *,
    recall: Annotated[float, Parameter(help="The share of the exact ten nearest that is to be found.")] = 0.95,
    connectivity: Annotated[int, Parameter(help="Ties of a word: more find more, and take more memory.")] = 16,
    expansion_add: Annotated[int, Parameter(help="More make a better index, and take longer to build.")] = 128,
    threads: Annotated[int | None, Parameter(help="Processors to use; all there are where not given.")] = None,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Build an HNSW index and save it with the model, for `firth nearest --index hnsw`."""
    from firth import formats
    from firth.errors import FormatError

    found = formats.recognise(model).name
    if found != "native":
        raise FormatError(
            f"{model} is {found}, which has no room for an index. Make a folder of it: firth convert {model} DIR --to "
            "native"
        )
    vectors = _vectors(model)
    options = {"recall": recall, "threads": threads, "which": which}
    built = vectors.build_index(connectivity=connectivity, expansion_add=expansion_add, **options)  # type: ignore[arg-type]
    vectors.save(model)
    show.answer({"path": model, **built.described()}, [(model,)], as_json=json)


def quantise(
    source: Annotated[str, Parameter(name="IN", help="A model or a vector file of any known format.")],
    target: Annotated[str, Parameter(name="OUT", help="The folder to write.")],
    /,
    *,
    to: Annotated[
        Literal["float16", "bfloat16", "int8", "pq"],
        Parameter(help="2 bytes a number, 2, 1; or product codes, 1 byte for several."),
    ] = "int8",
    numbers_per_byte: Annotated[int, Parameter(help="Of pq: how many numbers share a byte.")] = 4,
    seed: Annotated[int, Parameter(help="Of pq.")] = 1,
    json: Json = False,
) -> None:
    """Write a model in fewer bytes, and say how large the error is."""
    small = _vectors(source).quantise(to, numbers_per_byte=numbers_per_byte, seed=seed)
    small.save(target)
    done = (small.provenance or {})["operations"][-1]
    show.say(f"firth: {to}, relative error {done['relative_error']:.3g}")
    show.answer({"path": target, "vectors": len(small), **done}, [(target,)], as_json=json)


def _vectors(model: str) -> "firth.Vectors":
    from firth.loading import load_vectors  # `--help` is quick

    return load_vectors(model)
