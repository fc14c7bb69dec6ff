"""`firth plan`: what a run would need, before it starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads
from firth.cli.reading import Reading, Sources
from firth.config import Config


def _plan(
    model: type[Config],
    sources: Sources,
    /,
    *,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[
        Path | None, Parameter(group="Run", help="The folder for the encoded corpus: is its disk large enough?")
    ] = None,
    megabytes: Annotated[float, Parameter(group="Run", help="How much of the text to look at, at most.")] = 32.0,
    **options: Any,
) -> None:
    settings = configured(model, config, options)
    found = firth.plan(reading.text(sources), settings, threads=threads, workdir=workdir, megabytes=megabytes)
    show.answer(found.to_dict(), [row for row in found.rows() if any(row)], as_json=json)
    if found.advice:
        show.say("", *(f"- {line}" for line in found.advice))
    found.check()


plan: Callable[..., None] = with_options(
    firth.Word2Vec, _plan, "Say what training would need: memory, time, disk; and refuse what cannot fit (exit 4)."
)
