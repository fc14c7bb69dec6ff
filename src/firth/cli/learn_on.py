"""`firth train MODEL --from DIR more.txt`: learning on from a model that is there."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import firth
from firth.cli import show
from firth.cli.model_options import dashed, name_ours
from firth.cli.reading import Reading
from firth.errors import ConfigError


def extended(
    folder: str,
    sources: Sequence[str],
    reading: Reading,
    threads: int | None,
    options: dict[str, Any],
    not_for_this: dict[str, object],
) -> firth.Vectors:
    """The model in `folder` after more text, cut as its first one was; says how far its words moved.

    Raises ConfigError where one of `not_for_this` is asked for (by its value), and what `firth.extend` raises.
    """
    cutting = {name: value != getattr(Reading(), name) for name, value in asdict(reading).items()}
    cutting["phrases-from"] = cutting.pop("phrases")
    asked = [name for name, is_asked in {**not_for_this, **cutting}.items() if is_asked]
    if asked:
        raise ConfigError(
            f"--{dashed(asked[0])} does not go with --from: text is cut, and words are learnt, as the model in "
            f"{folder} says. Options of the model (--epochs, --lr, …) do."
        )
    name_ours(options)
    vectors = firth.load(folder)
    source = sources[0] if len(sources) == 1 else list(sources)
    grown = firth.extend(vectors, source, threads=threads, **options)
    moved = (grown.provenance or {})["drift"]
    show.say(
        f"{moved['keys']:,} words went on, {moved['new']:,} are new. With before, a word has mean cosine "
        f"{moved['mean_cosine']:.3f}, and {moved['kept_neighbours']:.0%} of its neighbours."
    )
    for each in moved["most_moved"][:3]:
        show.say(f"  {each['key']}: cosine {each['cosine']:.3f}; gained {', '.join(each['gained'][:5]) or 'nothing'}")
    return grown
