"""How a training is run: what it starts from, what it is judged on, and how it goes on after it was stopped."""

import dataclasses
import inspect
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from firth.cli import show
from firth.cli.reading import Reading, SessionReading
from firth.config import Config
from firth.errors import ConfigError


@Parameter(name="*", group="Run")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class Run:
    """The options of `fit` beside the model's, with the defaults that they have there."""

    validation: Annotated[
        float | str | None,
        Parameter(help="Measure the loss after every pass on this share of the text (0.01: its end), or on this file."),
    ] = None
    init: Annotated[str | None, Parameter(help="A model or a vector file whose vectors to start from.")] = None
    frozen: Annotated[bool, Parameter(help="The vectors from --init stay as they are.", negative=())] = False
    checkpoint_every: Annotated[
        str | None, Parameter(help="Write a checkpoint so often (10m, 90s, 2h), and when the run is stopped.")
    ] = None
    resume: Annotated[
        bool, Parameter(help="Go on from the last checkpoint: type the same command again, and this.", negative=())
    ] = False

    def asked(self) -> dict[str, bool]:
        """Each option, and whether it was typed."""
        return {field.name: getattr(self, field.name) != field.default for field in dataclasses.fields(self)}

    def options(self, reading: Reading | SessionReading, settings: Config) -> dict[str, Any]:
        """What the model's `fit` is given. Raises now, and not after the text is read, for what cannot be."""
        from firth.loading import load_vectors
        from firth.training.checkpoint import seconds

        fit = inspect.signature(settings.fit).parameters  # type: ignore[attr-defined]  # every model has it
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in fit.values())
        asked = self.asked()
        takes = {name for name in asked if takes_all or name in fit}
        for name in asked.keys() - takes:
            if asked[name]:
                raise ConfigError(f"firth train {settings.name} has no --{name.replace('_', '-')}.")
        if isinstance(self.validation, str):
            reading.check(self.validation)
        elif self.validation is not None and not 0 < self.validation < 1:
            raise ConfigError(f"--validation must be a file, or a share between 0 and 1, not {self.validation!r}.")
        if self.frozen and self.init is None:
            raise ConfigError("--frozen keeps the vectors of --init as they are: give --init too.")
        found = {
            "validation": self.validation,
            "init": None if self.init is None else load_vectors(self.init),
            "frozen": self.frozen,
            "checkpoint_every": None if self.checkpoint_every is None else seconds(self.checkpoint_every),
            "resume": self.resume,
        }
        return {name: value for name, value in found.items() if name in takes}

    def is_finished(self, target: Path, workdir: Path | None, settings: Config) -> bool:
        """Whether there is nothing to resume, because the model is there and its checkpoints are gone.

        Raises ConfigError where the model that is there is another than the one that is asked for.
        """
        from firth import formats
        from firth.formats import native

        left = _beside(target) if workdir is None else _checkpoints(workdir)
        if not self.resume or left.exists() or not target.is_dir() or not native.recognise(target):
            return False
        saved = (formats.describe(target).get("config") or {}).get("model", {})
        asked = {"name": settings.name, **settings.to_dict()}
        differing = [name for name in asked if name in saved and saved[name] != asked[name]]
        if differing:
            then_now = ", ".join(f"{name} was {saved[name]!r}, is {asked[name]!r}" for name in differing)
            raise ConfigError(f"{target} is the finished model of another run: {then_now}. Start without --resume.")
        return True

    @contextmanager
    def folder(self, target: Path, workdir: Path | None) -> Iterator[Path | None]:
        """The folder for the encoded text and the checkpoints, for as long as they are needed.

        Checkpoints go when the block is done, and a folder made for them beside the target goes with them; both stay
        where the block was stopped and can be gone on with.
        """
        if not self.resume and self.checkpoint_every is None:
            yield workdir
            return
        folder = workdir or _beside(target)
        if not self.resume and _are_in(folder):
            show.say(f"{folder} has checkpoints of a run that was stopped. This one starts anew; --resume goes on.")
        try:
            yield folder
        except BaseException as error:
            if not _are_in(folder):
                self._clear(folder, workdir)
            elif isinstance(error, KeyboardInterrupt):
                show.say(f"A checkpoint is in {folder}. To go on: the same command, with --resume.")
            raise
        self._clear(folder, workdir)

    def _clear(self, folder: Path, workdir: Path | None) -> None:
        """Remove what a run put there, and nothing else; a folder that the person named keeps the encoded text."""
        from firth.tokens.kept import forget
        from firth.training.checkpoint import Checkpoints

        Checkpoints(_checkpoints(folder), {}).remove()
        if workdir is None:
            (folder / "log.jsonl").unlink(missing_ok=True)  # of a network; the model's provenance has it too
            shutil.rmtree(folder / "tensorboard", ignore_errors=True)
            forget(folder)


def _beside(target: Path) -> Path:
    named = target if target.name not in ("", "..") else target.resolve()
    return named.with_name(f"{named.name}.checkpoints")


def _checkpoints(folder: Path) -> Path:
    return folder / "checkpoints"


def _are_in(folder: Path) -> bool:
    return any(_checkpoints(folder).rglob("manifest.json"))
