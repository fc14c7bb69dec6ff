"""`firth evaluate`: scores on analogies and on pairs of words that people rated."""

from typing import Annotated

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, Model, RestrictVocab, Which
from firth.errors import ConfigError


def evaluate(
    model: Model,
    /,
    *,
    analogies: Annotated[
        list[str] | None, Parameter(help="Files of `a b c d` lines in sections, as Google's.", consume_multiple=True)
    ] = None,
    similarity: Annotated[
        list[str] | None, Parameter(help="Files of `a b rating` lines, as WordSim-353.", consume_multiple=True)
    ] = None,
    restrict_vocab: RestrictVocab = 300_000,
    which: Which = "input",
    json: Json = False,
) -> None:
    """Score vectors: the share of analogies answered, and the rank correlation with people's ratings of pairs."""
    from firth.evaluate.analogy import analogies as solve
    from firth.evaluate.similarity import pairs

    if not analogies and not similarity:
        raise ConfigError("Nothing to score on. Give --analogies FILE, --similarity FILE, or both.")
    vectors = firth.load(model)
    solved = [solve(vectors, file, restrict_vocab=restrict_vocab, which=which) for file in analogies or []]
    rated = [pairs(vectors, file, restrict_vocab=restrict_vocab, which=which) for file in similarity or []]
    document = {"analogies": [each.to_dict() for each in solved], "similarity": [each.to_dict() for each in rated]}
    rows: list[tuple[object, ...]] = []
    for result in solved:
        for part in (*result.sections, result.total):
            known = part.questions - part.unknown
            rows.append(("accuracy", result.file, part.name, part.accuracy, known, part.questions))
    rows += [("spearman", each.file, "", each.spearman, each.n, each.questions) for each in rated]
    show.answer(document, rows, as_json=json, heading=("measure", "file", "section", "score", "asked", "of"))
