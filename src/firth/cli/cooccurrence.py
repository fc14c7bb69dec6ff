"""`firth cooccurrence SOURCE… -o DIR`: how often words stand near each other."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads
from firth.cli.reading import Reading, Sources
from firth.config import Config


def _cooccurrence(
    model: type[Config],
    sources: Sources,
    /,
    *,
    output: Annotated[str, Parameter(alias="-o", group="Output", help="The folder to write the counts to.")],
    to: Annotated[
        Literal["native", "glove"],
        Parameter(group="Output", help="firth's own folder, or one with GloVe's cooccurrence.bin and vocab.txt."),
    ] = "native",
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    memory: Annotated[
        str | None,
        Parameter(group="Run", help="What counting may take, such as 4GB; the rest goes to temporary files."),
    ] = None,
    **options: Any,
) -> None:
    settings = configured(model, config, options)
    counts = settings.fit(reading.text(sources), threads=threads, memory=memory)
    counts.save(output, format=to)
    words, cells = len(counts.vocabulary), int(counts.matrix.nnz)
    document = {"counts": output, "format": to, "words": words, "cells": cells}
    show.answer(document, [(output,)], as_json=json)
    show.say(f"{words:,} words, {cells:,} cells.")


cooccurrence: Callable[..., None] = with_options(
    firth.Cooccurrence, _cooccurrence, "Count how often words stand near each other. Prints the folder of the counts."
)
