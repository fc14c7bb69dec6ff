"""Items: `firth train item2vec`, `firth recommend`, and the scores of `firth evaluate --sessions`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured
from firth.cli.options import (
    ConfigFile,
    Json,
    MinCount,
    Model,
    Output,
    Prefix,
    Regex,
    Threads,
    Topn,
    at_least_one,
    only,
)
from firth.cli.reading import SessionReading, Sources
from firth.cli.run import Run
from firth.errors import ConfigError

if TYPE_CHECKING:
    from firth.evaluate.recommend import Comparison

SAYS = "Learn vectors of items from sessions, baskets or histories. Prints the folder of the model."


def train(
    model: type[firth.Item2Vec],
    sources: Sources,
    /,
    *,
    output: Output,
    json: Json = False,
    reading: SessionReading = SessionReading(),  # noqa: B008  # frozen
    leave_last_out: Annotated[
        bool,
        Parameter(
            group="Run",
            help="Do not learn the last item of each session, and say how well it is recommended, beside baselines.",
            negative=(),
        ),
    ] = False,
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[Path | None, Parameter(group="Run", help="Keep checkpoints in this folder.")] = None,
    run: Run = Run(),  # noqa: B008  # frozen
    **options: Any,
) -> None:
    """Learn vectors of items."""
    from firth.cli.train import check_target, tell_finished

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options)
    if run.is_finished(target, workdir, settings):
        tell_finished(output, json)
        return
    how = run.options(reading, settings)
    sessions, questions = reading.sessions(sources), None
    if leave_last_out:
        sessions, questions = sessions.leave_last_out()
    with run.folder(target, workdir) as folder:
        vectors = settings.fit(sessions, threads=threads, workdir=folder, **how)
        vectors.save(output)
    document: dict[str, Any] = {
        "model": output,
        "items": len(vectors),
        "dim": vectors.dim,
        "sessions": len(sessions),
        "events": len(sessions.tokens),
        "seconds": time.perf_counter() - began,
        "epochs": (vectors.provenance or {})["epochs"],
    }
    if questions is not None:
        found = _compared(vectors, sessions, questions)
        document["recommendations"] = [row.to_dict() for row in found.rows]
        show.say(str(found))
    show.answer(document, [(output,)], as_json=json)
    show.say(
        f"{len(vectors):,} items × {vectors.dim} numbers, loss {document['epochs'][-1]['loss']:.3f}, "
        f"{document['seconds']:.1f} s in all. Try: firth recommend {output} {vectors.index_to_key[0]!r}"
    )


def recommend(
    model: Model,
    /,
    *items: Annotated[str, Parameter(help="The items of a history, the latest last; `-` reads them from stdin.")],
    topn: Topn = 10,
    include_seen: Annotated[bool, Parameter(help="Recommend what the history holds, too.", negative=())] = False,
    recent: Annotated[int | None, Parameter(help="The last so many items count; 0: all of them.")] = None,
    popularity: Annotated[float | None, Parameter(help="How much common items are preferred; 0: not at all.")] = None,
    prefix: Prefix = None,
    regex: Regex = None,
    min_count: MinCount = None,
    json: Json = False,
) -> None:
    """Recommend what comes next after some items; without `--recent` and `--popularity` as the model was made."""
    from firth.cli.ask import typed
    from firth.loading import load_vectors

    at_least_one(topn, "--topn")
    history = typed(items)
    where: Any = only(prefix, regex, min_count)
    vectors = load_vectors(model)
    if unknown := [item for item in history if item not in vectors]:
        show.say(f"not known, passed over: {', '.join(unknown)}")
    found = vectors.recommend(history, topn, not include_seen, where=where, recent=recent, popularity=popularity)
    document = {"history": history, "recommended": [{"item": item, "score": score} for item, score in found]}
    show.answer(document, found, as_json=json, heading=("item", "score"))


def evaluate(model: str, file: str, k: int, beside: bool, json: bool) -> None:
    """How well the last item of each session of a log is recommended."""
    from firth.evaluate.recommend import compare
    from firth.evaluate.score import HEADING
    from firth.loading import load_vectors

    if k < 1:
        raise ConfigError(f"--k must be at least 1, not {k}.")
    vectors = load_vectors(model)
    reading = (vectors.config or {}).get("sessions") or {}
    sessions, questions = firth.Sessions(file, **reading).leave_last_out()
    found = _compared(vectors, sessions, questions, k) if beside else compare({model: vectors}, questions, k=k)
    document = {"recommendations": [row.to_dict() for row in found.rows]}
    show.answer(document, found.scores(), as_json=json, heading=HEADING)


def _compared(vectors: Any, sessions: Any, questions: Any, k: int = 10) -> "Comparison":
    from firth.evaluate.baselines import baselines
    from firth.evaluate.recommend import compare

    return compare({"item2vec": vectors, **baselines(sessions)}, questions, k=k)
