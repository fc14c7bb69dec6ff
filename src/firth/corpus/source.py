"""Corpus stage, first step: what the caller names (a path, a pattern, a folder, "-") becomes a list of files."""

import difflib
import glob
import itertools
import os
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from firth.errors import ChangedInputError, InputError, MissingInputError

PathSource = str | PathLike[str]

_SAMPLE = 65536  # bytes at either end of a file that go into its identity
_LOOKED_AT = 1000  # items of a list that are asked whether they name a file
_ENDINGS = (
    *(".txt", ".text", ".md", ".log", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet"),
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".html", ".xml"),
)


@dataclass(frozen=True)
class File:
    """A file as it was found. Only regular files have a size and a time; a pipe has neither."""

    path: str
    size: int | None = None
    mtime_ns: int | None = None

    @classmethod
    def at(cls, path: str) -> "File":
        """Look at `path`, without opening it.

        Raises MissingInputError where nothing is there, InputError for a device, a socket or a closed door.
        """
        if path == "-":
            return cls(path)
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(path) from None
        except OSError as error:
            raise InputError(f"{path!r} cannot be read: {error.strerror}.") from error
        if stat.S_ISREG(found.st_mode):
            return cls(path, found.st_size, found.st_mtime_ns)
        if stat.S_ISFIFO(found.st_mode):
            return cls(path)
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device" if _is_device(found.st_mode) else "a socket"
        raise InputError(f"{path!r} is {kind}, not a text. Give a file, a folder of files, a pattern or '-' (stdin).")

    @property
    def regular(self) -> bool:
        return self.size is not None

    def check_unchanged(self) -> None:
        """Raise ChangedInputError where the file is not what it was when it was found."""
        if not self.regular:
            return
        try:
            now = File.at(self.path)
        except MissingInputError:
            raise ChangedInputError(f"{self.path!r} vanished while it was being read. Train on a copy.") from None
        if now != self:
            raise ChangedInputError(
                f"{self.path!r} changed while it was being read ({self.size:,} bytes before, {now.size or 0:,} after). "
                "Wait until it is written whole, or train on a copy."
            )

    def identity(self) -> list[str | int]:
        """Path, size, time and a checksum of both ends: what tells this content from another without reading it."""
        assert self.size is not None, "a pipe has no identity"
        with open(self.path, "rb") as file:
            checksum = zlib.crc32(file.read(_SAMPLE))
            file.seek(max(0, self.size - _SAMPLE))
            checksum = zlib.crc32(file.read(_SAMPLE), checksum)
        return [os.path.abspath(self.path), self.size, self.mtime_ns or 0, checksum]


def find(source: PathSource | Sequence[PathSource]) -> list[File]:
    """The files that `source` names, in order: patterns and folders sorted by path, hidden files left out.

    Raises MissingInputError for a path that is not there or a pattern that matches nothing, InputError for what is
    there and is not a file.
    """
    paths = [source] if isinstance(source, str | PathLike) else source
    return [file for path in paths for file in _find_one(os.fspath(path))]


def names_files(items: Sequence[object]) -> bool:
    """Whether a list is one of paths, not of sentences.

    It is where one of its items (of the first 1,000) is a `pathlib.Path`, names something that exists, or has no
    blank and an ending such as .txt. So a list with a misspelt path among good ones is an error, never a sentence.
    """
    return any(_names_a_file(item) for item in itertools.islice(items, _LOOKED_AT))


def _names_a_file(item: object) -> bool:
    if isinstance(item, PathLike):
        return True
    if not isinstance(item, str) or not 0 < len(item) < 1024 or "\0" in item or "\n" in item:
        return False
    has_ending = os.path.splitext(item)[1].lower() in _ENDINGS and len(item.split()) == 1
    return has_ending or os.path.exists(item)


def _find_one(path: str) -> list[File]:
    if path in ("-", "/dev/stdin"):
        return [File("-")]
    if not os.path.exists(path):
        if not glob.has_magic(path):
            home = os.path.expanduser(path)
            if home != path and os.path.exists(home):
                return _find_one(home)
            raise _missing(path)
        matches = [
            match for match in sorted(glob.glob(os.path.expanduser(path), recursive=True)) if os.path.isfile(match)
        ]
        if not matches:
            raise MissingInputError(f"No file matches the pattern {path!r}. Folders are searched with '**'.")
        return [File.at(match) for match in matches]
    if os.path.isdir(path):
        files = [File.at(inside) for inside in _files_under(path)]
        if not files:
            raise MissingInputError(f"The folder {path!r} holds no file (hidden files do not count).")
        return files
    return [File.at(path)]


def _files_under(folder: str) -> list[str]:
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(top, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _missing(path: str) -> MissingInputError:
    """MissingInputError that names the nearest thing that is there."""
    folder, name = os.path.split(os.path.abspath(os.path.expanduser(path)))
    while not os.path.isdir(folder):
        folder, name = os.path.split(folder)
    try:
        near = difflib.get_close_matches(name, os.listdir(folder), n=1)
    except OSError:
        near = []
    shown = os.path.join(os.path.dirname(path), near[0]) if near and name == os.path.basename(path) else ""
    found = shown or (os.path.join(folder, near[0]) if near else "")
    hint = f" Did you mean {found!r}?" if found else f" The folder {folder!r} exists, but holds nothing of that name."
    sentence = " A str is always a path; a text goes in a list: [text]." if " " in path or "\n" in path else ""
    shorter = path if len(path) <= 200 else path[:200] + "…"
    return MissingInputError(f"No file {shorter!r}.{hint}{sentence}")


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)
