"""Pictures and pages on the disk, whole or not at all."""

import os

from firth.errors import ConfigError, FormatError
from firth.formats import atomic
from firth.formats.checksums import NewFile

ENDINGS = ("png", "svg", "pdf", "html")


def ending(path: str | os.PathLike[str]) -> str:
    """One of ENDINGS. Raises ConfigError."""
    found = os.path.splitext(os.fspath(path))[1].lower().removeprefix(".")
    if found not in ENDINGS:
        raise ConfigError(f"{os.fspath(path)!r} must end in one of {', '.join(f'.{each}' for each in ENDINGS)}.")
    return found


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file by another. Raises SaveError, DiskFullError, FormatError for a folder."""
    with atomic.replacing(path, needed=len(data), check=_check_is_file) as new, NewFile(new) as file:
        file.write(data)


def _check_is_file(target: str) -> None:
    if os.path.isdir(target):
        raise FormatError(f"{target} is a folder. Give the name of a file in it.")
