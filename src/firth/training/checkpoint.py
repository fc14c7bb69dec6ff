"""A run that was stopped goes on from its last checkpoint: the tables, and how far it was.

    FOLDER/000042/arrays.safetensors    the tables
    FOLDER/000042/manifest.json         what they are of, sizes and checksums; written last: without it there is none

The last two are kept. A damaged one is passed over with a warning, for the one before it.
"""

import shutil
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from firth.errors import ConfigError, CorruptFileError, FirthError, InputError
from firth.formats import safetensors
from firth.formats.checksums import NewFile, Record, check_blocks, check_size

_KEPT = 2
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class _Manifest(msgspec.Struct, forbid_unknown_fields=True):
    run: dict[str, Any]
    state: dict[str, Any]
    arrays: Record


class Checkpoints:
    """The checkpoints of one run in `folder`, one every `every` seconds; `run` says which run (plain values only)."""

    def __init__(self, folder: Path, run: Mapping[str, Any], every: float = float("inf")) -> None:
        self.folder, self.run, self.every = folder, msgspec.to_builtins(dict(run)), every
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for the next one."""
        return time.monotonic() - self._last >= self.every

    def put_off(self) -> None:
        """Somebody else wrote it: the next one is due after another period."""
        self._last = time.monotonic()

    def save(self, arrays: Mapping[str, npt.NDArray[Any]], state: Mapping[str, Any]) -> None:
        """Write a checkpoint, then remove those that are older than the last two. Raises what writing raises."""
        self.folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(folder.name) for folder in self._folders()), default=0)
        place = self.folder / f"{number:06d}"
        place.mkdir()
        try:
            with NewFile(place / "arrays.safetensors") as file:
                safetensors.write(file, arrays, aligned=next(iter(arrays)), metadata={})
            manifest = _Manifest(self.run, dict(state), file.record)
            with NewFile(place / "manifest.json") as written:
                written.write(msgspec.json.encode(manifest))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        for old in self._folders()[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        self.put_off()

    def newest(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
        """The newest checkpoint that is whole: (arrays, mapped into memory, state).

        Raises InputError where there is none, CorruptFileError where none is whole, ConfigError where they are of
        another run.
        """
        folders = self._folders()
        if not folders:
            raise InputError(f"There is no checkpoint in {str(self.folder)!r} to resume from. Start without resume.")
        for folder in reversed(folders):
            try:
                manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=_Manifest)
                arrays = _read(folder / "arrays.safetensors", manifest.arrays)
            except (OSError, ValueError, msgspec.DecodeError, FirthError) as damage:
                warnings.warn(f"The checkpoint {folder} is passed over: {damage}", RuntimeWarning, stacklevel=2)
                continue
            self._refuse_another(manifest.run)
            return arrays, manifest.state
        raise CorruptFileError(f"None of the {len(folders)} checkpoints in {str(self.folder)!r} is whole.")

    def are_there(self) -> bool:
        """Whether there is one, whole or not."""
        return bool(self._folders())

    def remove(self) -> None:
        """The run is over: they are not needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(folder for folder in self.folder.glob("[0-9]" * 6) if folder.is_dir())

    def _refuse_another(self, run: dict[str, Any]) -> None:
        differing = [name for name in {**run, **self.run} if run.get(name) != self.run.get(name)]
        if differing:
            then_now = ", ".join(f"{name} was {run.get(name)!r}, is {self.run.get(name)!r}" for name in differing)
            raise ConfigError(f"The checkpoints in {str(self.folder)!r} are of another run: {then_now}.")


def _read(path: Path, record: Record) -> dict[str, npt.NDArray[Any]]:
    data: npt.NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    check_size(path, len(data), record)
    check_blocks(path, data, record)
    return {name: tensor.of(data) for name, tensor in safetensors.read_header(path, data).items()}


def seconds(period: str | float) -> float:
    """A period as seconds: a number, or "90s", "10m", "2h".

    >>> seconds("10m")
    600.0

    Raises ConfigError for anything else.
    """
    text = str(period).strip()
    number, unit = text.rstrip("smh"), text[len(text.rstrip("smh")) :]
    try:
        found = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        found = np.nan
    if not found > 0:
        raise ConfigError(f"checkpoint_every must be a period such as '10m', '90s' or '2h', not {period!r}.")
    return found
