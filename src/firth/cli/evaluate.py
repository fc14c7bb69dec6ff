"""`firth evaluate`: scores on question files of every kind, or on a folder of them."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, Model, RestrictVocab, Which
from firth.errors import ConfigError

Files = list[str] | None


def evaluate(
    model: Model,
    /,
    *,
    analogies: Annotated[
        Files, Parameter(help="Files of `a b c d` lines in sections, as Google's, or of BATS.", consume_multiple=True)
    ] = None,
    similarity: Annotated[
        Files, Parameter(help="Files of `a b rating` lines, as WordSim-353.", consume_multiple=True)
    ] = None,
    outliers: Annotated[
        Files, Parameter(help="Files of words of a kind and words that are not, as 8-8-8.", consume_multiple=True)
    ] = None,
    categories: Annotated[
        Files, Parameter(help="Files of `word TAB category` lines, to be grouped and compared.", consume_multiple=True)
    ] = None,
    probe: Annotated[
        Files, Parameter(help="Files of `label TAB text` lines, predicted in five parts.", consume_multiple=True)
    ] = None,
    nodes: Annotated[
        Files, Parameter(help="Files of `node label label …` lines: node classification.", consume_multiple=True)
    ] = None,
    train: Annotated[float, Parameter(help="The share of --nodes that is learnt from.")] = 0.5,
    splits: Annotated[int, Parameter(help="How many random splits of --nodes.")] = 10,
    links: Annotated[
        Files, Parameter(help="Files of `u v 1` and `u v 0` lines: link prediction.", consume_multiple=True)
    ] = None,
    by: Annotated[Literal["cosine", "dot"], Parameter(help="How --links are scored.")] = "cosine",
    suite: Annotated[str | None, Parameter(help="A folder of such files: each is asked by what it holds.")] = None,
    labelled: Annotated[str | None, Parameter(help="A file of `__label__x text` lines, to score a classifier.")] = None,
    sessions: Annotated[
        str | None, Parameter(help="A log of sessions, whose last items are to be recommended: HR, NDCG, MRR.")
    ] = None,
    k: Annotated[int, Parameter(name="--k", help="So many recommendations count, with --sessions.")] = 10,
    baselines: Annotated[
        bool, Parameter(help="With --sessions, also what is common, what came together, what came next.", negative=())
    ] = False,
    method: Annotated[
        Literal["add", "mul"], Parameter(help="How --analogies are answered: by 3CosAdd or by 3CosMul.")
    ] = "add",
    restrict_vocab: RestrictVocab = 300_000,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Score vectors on questions whose answers are known, with what share was asked and 95% bootstrap intervals."""
    if labelled is not None:
        from firth.cli.classify import evaluate as score_labels

        score_labels(model, labelled, json)
        return
    if sessions is not None:
        from firth.cli.items import evaluate as score_recommendations

        score_recommendations(model, sessions, k, baselines, json)
        return
    from firth.evaluate import suite as suites
    from firth.evaluate.score import HEADING, Score

    asked = {
        "analogies": analogies,
        "similarity": similarity,
        "outliers": outliers,
        "categories": categories,
        "probe": probe,
    }
    if not (suite or nodes or links or any(asked.values())):
        given = ", ".join(f"--{kind} FILE" for kind in (*asked, "nodes", "links"))
        raise ConfigError(f"Nothing to score on. Give {given}, or --suite FOLDER.")
    vectors = firth.load(model)
    options: dict[str, Any] = {"restrict_vocab": restrict_vocab, "which": which}
    document: dict[str, Any] = {}
    rows: list[Score] = []
    for kind, files in asked.items():
        more = {"method": method} if kind == "analogies" else {}
        results = [suites.evaluated(kind, vectors, file, **options, **more) for file in files or []]
        document[kind] = [result.to_dict() for result in results]
        rows += [score for result in results for score in result.scores()]
    if nodes or links:
        from firth.cli.graphs import scored

        document |= scored(vectors, rows, nodes or [], links or [], train=train, splits=splits, by=by, which=which)
    if suite:
        found = suites.suite(vectors, suite, **options, method=method, report=lambda file: show.say(f"{file} …"))
        for kind, parts in found.to_dict().items():
            document[kind] = [*document.get(kind, []), *parts]
        rows += found.scores()
        show.say(*found.notes())
    show.answer(document, rows, as_json=json, heading=HEADING)
