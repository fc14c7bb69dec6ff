"""`firth train pairs`: both sides of pairs."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured
from firth.cli.options import ConfigFile, Json, Output, Threads

SAYS = "Learn vectors of both sides of pairs: `left TAB right` lines, or tables. Prints the folder of the model."


def train(
    model: type[firth.Pairs],
    sources: Annotated[list[str], Parameter(help="Files of `left TAB right` lines, or .csv and .parquet tables.")],
    /,
    *,
    output: Output,
    json: Json = False,
    left_column: Annotated[str | None, Parameter(group="Pairs", help="The column of the left side.")] = None,
    right_column: Annotated[str | None, Parameter(group="Pairs", help="The column of the right side.")] = None,
    validation: Annotated[
        str | None, Parameter(group="Run", help="A file of other pairs: how well do their sides find each other?")
    ] = None,
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    """Learn vectors of both sides of pairs."""
    from firth.cli.train import check_target
    from firth.corpus.two_sided import pairs

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options)
    source: Any = sources[0] if len(sources) == 1 else sources
    asked = None if validation is None else [*pairs(validation, left_column, right_column)]
    vectors = settings.fit(source, left=left_column, right=right_column, threads=threads)
    vectors.save(output)
    learnt = vectors.provenance or {}
    document: dict[str, Any] = {
        "model": output,
        "words": len(vectors),
        "dim": vectors.dim,
        "pairs": learnt["pairs"],
        "right_sides": learnt["right_sides"],
        "seconds": time.perf_counter() - began,
        "epochs": learnt["epochs"],
    }
    judged = ""
    if asked is not None:
        from firth.evaluate.match import matches

        found = matches(vectors, asked)
        document["validation"] = found.to_dict()
        judged = f", HR@10 {found.hit_rate:.4f}, MRR {found.mrr:.4f} of {len(asked):,} pairs"
    show.answer(document, [(output,)], as_json=json)
    show.say(
        f"{learnt['pairs']:,} pairs, {learnt['right_sides']:,} right sides, {len(vectors):,} words × {vectors.dim} "
        f"numbers, loss {learnt['epochs'][-1]['loss']:.3f}{judged}, {document['seconds']:.1f} s in all."
    )
