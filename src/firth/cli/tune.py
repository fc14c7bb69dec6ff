"""`firth tune MODEL SOURCE…`: the options that score best."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads
from firth.cli.reading import Reading, SessionReading, Sources
from firth.config import Config
from firth.errors import ConfigError

if TYPE_CHECKING:
    from firth.tuning.rungs import Trial

app = App(name="tune", help="Search for the options that score best on your questions.", help_format="plaintext")


@Parameter(name="*", group="Metric")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class Metric:
    """By what options are judged: one of these."""

    similarity: Annotated[str | None, Parameter(help="Score on a file of `a b rating` lines, as WordSim-353.")] = None
    analogies: Annotated[str | None, Parameter(help="Score on a file of `a b c d` lines in sections, as Google's.")] = (
        None
    )
    validation: Annotated[float | None, Parameter(help="Score by the loss on this share of the text, held out.")] = None

    def asked(self) -> tuple[str, Any]:
        """The name of the one metric that was asked for, and its question."""
        questions = {"similarity": self.similarity, "analogies": self.analogies, "loss": self.validation}
        asked = {name: question for name, question in questions.items() if question is not None}
        if len(asked) != 1:
            raise ConfigError("By what? Give one of --similarity FILE, --analogies FILE and --validation SHARE.")
        return next(iter(asked.items()))


Space = Annotated[
    list[str] | None,
    Parameter(
        group="Search",
        consume_multiple=True,
        help="Options to search: window=2,5,10 (these), ns_exponent=0..1 (between), lr=0.01..0.1:log.",
    ),
]
Minutes = Annotated[float, Parameter(group="Search", help="Time for everything.")]
Trials = Annotated[
    int | None, Parameter(group="Search", help="How many to begin with; as many as there is time for if not given.")
]
SearchSeed = Annotated[int, Parameter(group="Search", help="Of the draws; the same seed tries the same.")]


def _tune(
    model: type[Config],
    sources: Sources,
    /,
    *,
    metric: Metric = Metric(),  # frozen
    space: Space = None,
    minutes: Minutes = 10.0,
    trials: Trials = None,
    search_seed: SearchSeed = 1,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    name, question = metric.asked()
    search = {"space": space, "minutes": minutes, "trials": trials, "seed": search_seed, "threads": threads}
    _search(reading.text(sources), configured(model, config, options), name, question, json, search)


def _tune_items(
    model: type[Config],
    sources: Sources,
    /,
    *,
    metric: Annotated[
        Literal["hit_rate", "ndcg", "mrr"],
        Parameter(group="Metric", help="Of the last item of each session, which is not learnt; the first ten count."),
    ] = "hit_rate",
    space: Space = None,
    minutes: Minutes = 10.0,
    trials: Trials = None,
    search_seed: SearchSeed = 1,
    json: Json = False,
    reading: SessionReading = SessionReading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    search = {"space": space, "minutes": minutes, "trials": trials, "seed": search_seed, "threads": threads}
    _search(reading.sessions(sources), configured(model, config, options), metric, None, json, search)


def _search(source: Any, settings: Any, metric: str, question: Any, json: bool, search: dict[str, Any]) -> None:
    from firth.tuning.space import parsed

    space = search.pop("space")
    found = firth.tune(
        source,
        settings,
        metric=metric,
        question=question,
        space=parsed(space) if space else None,
        report=_say,
        **search,
    )
    heading = (found.metric, "seconds", "rung", "text", "trial", "options", "note")
    show.answer(found.to_dict(), found.rows(), as_json=json, heading=heading)
    show.say("", "The best on the whole source:", f"  {found.command}")


def _say(trial: "Trial") -> None:
    show.say(f"rung {trial.rung}, trial {trial.number}: {trial.score:.4f} {trial.note}".rstrip())


def _command(model: type[Config], function: Callable[..., None]) -> Callable[..., None]:
    name = inspect.cleandoc(model.__doc__ or "").splitlines()[0]
    return with_options(model, function, f"Search for the options that score best. {name}")


app.command(_command(firth.Word2Vec, _tune), name=firth.Word2Vec.name)
app.command(_command(firth.Item2Vec, _tune_items), name=firth.Item2Vec.name)
