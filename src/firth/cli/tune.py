"""`firth tune MODEL SOURCE…`: the options that score best."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads
from firth.cli.reading import Reading, Sources
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


def _tune(
    model: type[Config],
    sources: Sources,
    /,
    *,
    metric: Metric = Metric(),  # frozen
    space: Annotated[
        list[str] | None,
        Parameter(
            group="Search",
            consume_multiple=True,
            help="Options to search: window=2,5,10 (these), ns_exponent=0..1 (between), lr=0.01..0.1:log.",
        ),
    ] = None,
    minutes: Annotated[float, Parameter(group="Search", help="Time for everything.")] = 10.0,
    trials: Annotated[
        int | None, Parameter(group="Search", help="How many to begin with; as many as there is time for if not given.")
    ] = None,
    search_seed: Annotated[int, Parameter(group="Search", help="Of the draws; the same seed tries the same.")] = 1,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    **options: Any,
) -> None:
    from firth.tuning.space import parsed

    name, question = metric.asked()
    found = firth.tune(
        reading.text(sources),
        configured(model, config, options),
        metric=name,
        question=question,
        space=parsed(space) if space else None,
        minutes=minutes,
        trials=trials,
        seed=search_seed,
        threads=threads,
        report=_say,
    )
    heading = (found.metric, "seconds", "rung", "text", "trial", "options", "note")
    show.answer(found.to_dict(), found.rows(), as_json=json, heading=heading)
    show.say("", "The best on the whole text:", f"  {found.command}")


def _say(trial: "Trial") -> None:
    show.say(f"rung {trial.rung}, trial {trial.number}: {trial.score:.4f} {trial.note}".rstrip())


def _command(model: type[Config]) -> Callable[..., None]:
    name = inspect.cleandoc(model.__doc__ or "").splitlines()[0]
    return with_options(model, _tune, f"Search for the options that score best. {name}")


for _model in (firth.Word2Vec,):
    app.command(_command(_model), name=_model.name)
