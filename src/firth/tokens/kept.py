"""Tokens stage: an encoded corpus that stays in a folder, and is used again while it fits.

tokens.i32 and sentences.i64 are the arrays as they lie in memory, vocabulary.tsv is for people too, and encoded.json,
written last, has the fingerprint and the size and CRC32 of the other three. Whatever does not fit is made again.
"""

import contextlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import IO, Any, Final, Self

import numpy as np

from firth.errors import ConfigError, FirthError, InputError
from firth.tokens.draft import Ends, Ids
from firth.vocabulary import Vocabulary

FORMAT: Final = "firth-encoded"
FORMAT_VERSION: Final = 1
_TOKENS, _SENTENCES, _VOCABULARY, _FACTS = "tokens.i32", "sentences.i64", "vocabulary.tsv", "encoded.json"
_STEP: Final = 1 << 24  # bytes checked at a time
_NEW: Final = ".firth-new"


@dataclass(frozen=True)
class Kept:
    """The encoded corpus of one source with one set of options, in a folder."""

    folder: Path
    fingerprint: str | None
    """None: a source without one (stdin, an iterable); what lies in the folder never fits it."""

    @classmethod
    def at(cls, folder: str | PathLike[str], fingerprint: str | None) -> Self:
        """Make the folder where it is missing. Raises InputError where that cannot be."""
        try:
            path = Path(folder)
            path.mkdir(parents=True, exist_ok=True)
        except TypeError:
            raise ConfigError(f"workdir must be the path of a folder, not {folder!r}.") from None
        except OSError as error:
            raise InputError(f"workdir={os.fspath(folder)!r} cannot be a folder: {error.strerror}.") from error
        return cls(path, fingerprint)

    @classmethod
    def lying_in(cls, folder: str | PathLike[str]) -> Self | None:
        """Whatever encoded corpus of files a folder keeps; None where there is none."""
        try:
            fingerprint = json.loads((Path(folder) / _FACTS).read_bytes())["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(Path(folder), fingerprint) if isinstance(fingerprint, str) else None

    def found(self) -> dict[str, Any] | None:
        """What the folder keeps, if it is of this source and options and undamaged; else None."""
        try:
            facts = json.loads((self.folder / _FACTS).read_bytes())
            if self.fingerprint is None or facts["fingerprint"] != self.fingerprint or facts["format"] != FORMAT:
                return None
            with contextlib.ExitStack() as files:
                opened = {name: files.enter_context(open(self.folder / name, "rb")) for name in facts["files"]}
                if any(_checksum(opened[name]) != tuple(known) for name, known in facts["files"].items()):
                    return None
                return {
                    "vocabulary": Vocabulary.from_bytes(opened[_VOCABULARY].read(), _VOCABULARY),
                    "tokens": np.memmap(opened[_TOKENS], np.int32, "r"),
                    "sentences": np.memmap(opened[_SENTENCES], np.int64, "r"),
                    "fingerprint": self.fingerprint,
                    **{name: int(facts[name]) for name in ("words_read", "bad_bytes", "pruned")},
                }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, FirthError):
            return None  # missing, damaged or of another version: it is made again

    @contextlib.contextmanager
    def new_files(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Two files to fill, under other names, for `keep` to put in place; removed where it does not come to that."""
        self._remove_orphans()
        paths = [self._new(_TOKENS), self._new(_SENTENCES)]
        try:
            with open(paths[0], "w+b", buffering=0) as tokens, open(paths[1], "w+b", buffering=0) as sentences:
                yield tokens, sentences
        finally:
            for name in (_TOKENS, _SENTENCES, _VOCABULARY, _FACTS):
                self._new(name).unlink(missing_ok=True)

    def keep(
        self, vocabulary: Vocabulary, tokens: Ids, sentences: Ends, words_read: int, bad_bytes: int, pruned: int
    ) -> None:
        """Put the filled files in place: the old facts go first, the new ones come last, so nothing half-done fits.

        Nothing is synced: what a power cut leaves fails its checksum, and is made again.
        """
        self._new(_VOCABULARY).write_bytes(vocabulary.to_bytes())
        names = (_TOKENS, _SENTENCES, _VOCABULARY)
        checksums = {}
        for name in names:
            with open(self._new(name), "rb") as file:
                checksums[name] = _checksum(file)
        facts = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "fingerprint": self.fingerprint,
            "words": len(vocabulary),
            "tokens": len(tokens),
            "sentences": len(sentences) - 1,
            "words_read": words_read,
            "bad_bytes": bad_bytes,
            "pruned": pruned,
            "files": checksums,
        }
        self._new(_FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (self.folder / _FACTS).unlink(missing_ok=True)
        for name in (*names, _FACTS):
            os.replace(self._new(name), self.folder / name)

    def _new(self, name: str) -> Path:
        return self.folder / f"{_NEW}-{os.getpid()}-{name}"

    def _remove_orphans(self) -> None:
        """Remove what a killed run left: files of processes that are no more."""
        for path in self.folder.glob(f"{_NEW}-*"):
            process = path.name.removeprefix(f"{_NEW}-").partition("-")[0]
            if process.isdigit() and not _is_alive(int(process)):
                path.unlink(missing_ok=True)


def forget(folder: Path) -> None:
    """Remove the encoded corpus that lies in a folder, and the folder if that was all."""
    for name in (_FACTS, _TOKENS, _SENTENCES, _VOCABULARY):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # missing, or something else is in it
        folder.rmdir()


def _checksum(file: IO[bytes]) -> tuple[int, int]:
    """Size and CRC32 of an open file, which is then at its start again."""
    checksum = size = 0
    while part := file.read(_STEP):
        checksum, size = zlib.crc32(part, checksum), size + len(part)
    file.seek(0)
    return size, checksum


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
