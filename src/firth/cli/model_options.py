"""The options of a model on the command line, made from its config: for training it, planning it, tuning it."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from firth.cli import show
from firth.config import ALIASES, Config, field_docs, field_types


def with_options(model: type[Config], function: Callable[..., None], doc: str) -> Callable[..., None]:
    """`function(model, …, **options)` as a command that has an option for each field of the model's config.

    Only options that were typed arrive, so a config file fills in the others. Peers' names are understood, not listed.
    """

    def command(*given: Any, **options: Any) -> None:
        function(model, *given, **options)

    _, *common, _ = inspect.signature(function).parameters.values()  # without `model` and `options`
    command.__signature__ = inspect.Signature([*common, *_parameters(model)])  # type: ignore[attr-defined]
    command.__doc__ = doc
    return command


def configured(model: type[Config], config: Any, options: dict[str, Any]) -> Any:
    """The model that the options ask for, over those of a config file, over those of a preset."""
    name_ours(options)
    preset = options.pop("preset", None)
    if config:
        return model.from_toml(config, preset=preset, **options)
    return model.preset(preset, **options) if preset else model.of(**options)


def name_ours(options: dict[str, Any]) -> None:
    """Say what the options that were typed under peers' names are called here."""
    for name in options.keys() & ALIASES.keys():
        show.say(f"--{dashed(name)} is called --{dashed(ALIASES[name])} here.")


def dashed(name: str) -> str:
    return name.replace("_", "-")


def _parameters(model: type[Config]) -> list[inspect.Parameter]:
    docs, hints = field_docs(model), field_types(model)
    annotated: Any = Annotated  # with types that are only known now

    def option(name: str, field: "dataclasses.Field[Any]", **how: Any) -> inspect.Parameter:
        how |= {"name": f"--{dashed(name)}", "help": docs.get(field.name, ""), "group": "Model"}
        kind = annotated[hints[field.name], Parameter(**how)]
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kind)

    fields = {field.name: field for field in dataclasses.fields(model)}  # type: ignore[arg-type]  # a config is one
    canonical = [option(name, field) for name, field in fields.items()]
    peers = [
        option(peer, fields[name], show=False)
        for peer, name in ALIASES.items()
        if name in fields and peer not in fields
    ]
    return [*_preset(model), *canonical, *peers]


def _preset(model: type[Config]) -> list[inspect.Parameter]:
    if not model.presets:
        return []
    names: Any = Literal[tuple(model.presets)]
    how = Parameter(name="--preset", help="Start from these defaults; other options win.", group="Model")
    kind: Any = Annotated[names | None, how]
    return [inspect.Parameter("preset", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)]
