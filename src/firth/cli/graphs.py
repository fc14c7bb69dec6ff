"""`firth train node2vec|prone|line EDGES…`: nodes of a graph; `firth evaluate --nodes --links`: how good they are."""

import inspect
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured
from firth.cli.options import ConfigFile, Json, Output, Threads
from firth.cli.reading import Reading
from firth.cli.run import Run
from firth.config import Config
from firth.errors import ConfigError
from firth.evaluate.score import Score

Edges = Annotated[
    list[str], Parameter(help="Files of `u v` or `u v weight` lines, CSV or parquet, compressed or not; `-` is stdin.")
]


def train(
    model: type[Config],
    sources: Edges,
    /,
    *,
    output: Output,
    json: Json = False,
    directed: Annotated[bool, Parameter(group="Graph", negative=(), help="An edge leads one way only.")] = False,
    unweighted: Annotated[
        bool, Parameter(group="Graph", negative=(), help="Pass over the weights: all edges are alike.")
    ] = False,
    columns: Annotated[
        list[str] | None,
        Parameter(group="Graph", consume_multiple=True, help="The columns of both ends, and of the weight, by name."),
    ] = None,
    format: Annotated[
        Literal["lines", "csv", "tsv", "parquet"] | None,
        Parameter(group="Graph", help="What the files are; seen from their names and content where not given."),
    ] = None,
    types: Annotated[str | None, Parameter(group="Graph", help="A file of `node type` lines, for --metapath.")] = None,
    hold_out: Annotated[
        float | None,
        Parameter(
            group="Run", help="Do not learn this share of the edges, and say how well they are told from other pairs."
        ),
    ] = None,
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[Path | None, Parameter(group="Run", help="Keep the checkpoints in this folder.")] = None,
    run: Run = Run(),  # noqa: B008  # frozen
    **options: Any,
) -> None:
    """Train `model` on a graph."""
    from firth.cli.train import check_target, tell_finished, told_epochs

    target = Path(output)
    check_target(target)
    started = time.perf_counter()
    settings: Any = configured(model, config, options)
    if run.is_finished(target, workdir, settings):
        tell_finished(output, json)
        return
    how = {**run.options(Reading(), settings), "threads": threads}
    takes = inspect.signature(settings.fit).parameters
    for name, value in {"threads": threads, "workdir": workdir}.items():
        if value is not None and name not in takes:
            raise ConfigError(f"firth train {settings.name} has no --{name}.")
    graph = firth.Graph(
        sources[0] if len(sources) == 1 else list(sources),
        directed=directed,
        weighted=False if unweighted else None,
        columns=columns,
        format=format,
        types=types,
    )
    show.say(f"{graph!r}")
    split = None if hold_out is None else graph.without(hold_out, seed=settings.seed)
    with run.folder(target, workdir) as folder:
        given = {name: value for name, value in {**how, "workdir": folder}.items() if name in takes}
        vectors = settings.fit(graph if split is None else split.graph, **given)
        vectors.save(output)
    seconds = time.perf_counter() - started
    epochs = (vectors.provenance or {}).get("epochs", [])
    document: dict[str, Any] = {
        "model": output,
        "nodes": len(vectors),
        "edges": graph.edges,
        "dim": vectors.dim,
        "seconds": seconds,
    }
    if split is not None:
        from firth.evaluate.links import link_prediction

        found = link_prediction(vectors, split.edges, split.others)
        document["links"] = found.to_dict()
        show.say(f"held out, {found}")
    show.answer({**document, "epochs": epochs}, [(output,)], as_json=json)
    show.say(f"{len(vectors):,} nodes × {vectors.dim} numbers{told_epochs(epochs)}, {seconds:.1f} s in all.")


def scored(
    vectors: "firth.Vectors",
    rows: list[Score],
    nodes: Sequence[str],
    links: Sequence[str],
    *,
    train: float,
    splits: int,
    by: Literal["cosine", "dot"],
    which: Literal["input", "output", "mean"],
) -> dict[str, Any]:
    """What the files of labelled nodes and of links say, as a document; their lines are added to `rows`."""
    from firth.evaluate.links import link_prediction
    from firth.evaluate.nodes import node_classification

    classified = [node_classification(vectors, file, train=train, splits=splits, which=which) for file in nodes]
    predicted = [link_prediction(vectors, file, by=by, which=which) for file in links]
    for each in (classified, predicted):
        rows += [score for found in each for score in found.scores()]
    return {"nodes": [found.to_dict() for found in classified], "links": [found.to_dict() for found in predicted]}
