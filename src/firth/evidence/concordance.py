"""Every place where every word stands: an index of an encoded corpus, made once, mapped from the disk.

    postings.u8        for each word, the distances between its places, 7 bits a byte: 1.7 bytes a word of English
    starts.i64         where the bytes of each word begin
    concordance.json   size and CRC32 of both, and of the corpus they index; written last

They lie beside the corpus that `fit(workdir=…)` keeps, or that is encoded here.
"""

import contextlib
import json
import os
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from firth.corpus.text import Text
from firth.errors import ConfigError, MissingInputError, UnknownKeyError
from firth.kernels import postings as kernels
from firth.tokens.encoded import Encoded, encode
from firth.tokens.kept import Kept
from firth.vectors.table import Vectors

_POSTINGS, _STARTS, _FACTS = "postings.u8", "starts.i64", "concordance.json"
_VERSION: Final = 1


@dataclass(frozen=True)
class Concordance:
    """A corpus in numbers, and for each word where it stands.

    >>> found = Concordance.of([["the", "cat", "sat"], ["the", "dog", "sat"]])
    >>> found.places("sat").tolist(), found.sentence_at(5)
    ([2, 5], (1, 3, 6))
    """

    corpus: Encoded
    ids: dict[str, int]
    """Of the corpus's words."""
    starts: NDArray[np.int64]
    postings: NDArray[np.uint8]
    reused: bool
    """Whether it was found in the folder and not made again."""

    @classmethod
    def of(
        cls,
        source: Any = None,
        workdir: str | PathLike[str] | None = None,
        *,
        vectors: Vectors | None = None,
        threads: int | None = None,
    ) -> Self:
        """Of a text, or of the encoded corpus that `workdir` keeps.

        source   what `firth.Text` takes; None: what lies in `workdir`, of whatever source it is
        workdir  keeps corpus and index, used again while the files are the same; None: neither is kept
        vectors  the text is cut, and rare words are dropped, as when these were learnt; None: every word counts

        Raises MissingInputError where neither text nor corpus is there, and what reading the text raises.
        """
        if source is None:
            corpus = _lying_in(workdir)
        else:
            options = vectors.options("model") if vectors else {}
            corpus = encode(
                Text.cut_like(source, vectors.options("text") if vectors else {}),
                min_count=options.get("min_count") or 1,
                max_vocab=options.get("max_vocab"),
                workdir=workdir,
                threads=threads,
            )
        ids = {key: number for number, key in enumerate(corpus.vocabulary.keys)}
        folder = Path(workdir) if workdir is not None and corpus.fingerprint else None
        found = _opened(folder, corpus) if folder else None
        if found:
            return cls(corpus, ids, *found, reused=True)
        return cls(corpus, ids, *(_kept(folder, corpus) if folder else _made(corpus)), reused=False)

    def __contains__(self, word: object) -> bool:
        return word in self.ids

    def places(self, word: str) -> NDArray[np.int64]:
        """i8[n], ascending, where in the corpus a word stands. Raises UnknownKeyError."""
        if word not in self.ids:
            raise UnknownKeyError(f"{word!r} does not stand in the corpus, or too rarely to be kept.")
        row = self.ids[word]
        found = np.empty(int(self.corpus.vocabulary.counts[row]), np.int64)
        kernels.read(np.asarray(self.postings[self.starts[row] : self.starts[row + 1]]), found)
        return found

    def sentence_at(self, place: int) -> tuple[int, int, int]:
        """(number from 0, first place, one past the last) of the sentence in which a place is."""
        ends = self.corpus.sentences
        number = int(np.searchsorted(ends, place, side="right")) - 1
        return number, int(ends[number]), int(ends[number + 1])


def _lying_in(workdir: str | PathLike[str] | None) -> Encoded:
    if workdir is None:
        raise ConfigError("Evidence comes from a text: give the source, or the workdir that keeps it encoded.")
    kept = Kept.lying_in(workdir)
    found = kept.found() if kept else None
    if not found:
        raise MissingInputError(
            f"{os.fspath(workdir)} keeps no encoded text. Give the text that the model learnt from."
        )
    return Encoded(**found, reused=True)


def _made(corpus: Encoded, file: Path | None = None) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Starts i8[words + 1] and postings u1[·], the latter mapped from `file` where that is given. Two passes."""
    words = len(corpus.vocabulary)
    sizes, last = np.zeros(words, np.int64), np.full(words, -1, np.int64)
    start = 0
    for ids, _ in corpus.blocks():
        kernels.measure(ids, start, last, sizes)
        start += len(ids)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    total = int(starts[-1])
    postings = np.memmap(file, np.uint8, "w+", shape=(total,)) if file else np.empty(total, np.uint8)
    ends = starts[:-1].copy()
    last[:], start = -1, 0
    for ids, _ in corpus.blocks():
        kernels.write(ids, start, last, ends, postings)
        start += len(ids)
    return starts, postings


def _kept(folder: Path, corpus: Encoded) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Made in the folder: under other names first, the facts last, so that nothing half-done is believed."""
    new = {name: folder / f".firth-new-{os.getpid()}-{name}" for name in (_POSTINGS, _STARTS, _FACTS)}
    try:
        starts, postings = _made(corpus, new[_POSTINGS])
        postings.flush()  # type: ignore[attr-defined]
        starts.tofile(new[_STARTS])
        files = {name: _checksum(new[name]) for name in (_POSTINGS, _STARTS)}
        facts = {"format": "firth-concordance", "format_version": _VERSION, "of": corpus.fingerprint, "files": files}
        new[_FACTS].write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (folder / _FACTS).unlink(missing_ok=True)
        for name, path in new.items():
            os.replace(path, folder / name)
    finally:
        for path in new.values():
            path.unlink(missing_ok=True)
    return starts, postings


def _opened(folder: Path, corpus: Encoded) -> tuple[NDArray[np.int64], NDArray[np.uint8]] | None:
    """What the folder keeps, if it is of this corpus and undamaged; else None, and it is made again."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        facts = json.loads((folder / _FACTS).read_bytes())
        files = {name: list(_checksum(folder / name)) for name in (_POSTINGS, _STARTS)}
        if facts["of"] == corpus.fingerprint and facts["format_version"] == _VERSION and facts["files"] == files:
            return np.fromfile(folder / _STARTS, np.int64), np.memmap(folder / _POSTINGS, np.uint8, "r")
    return None


def _checksum(path: Path) -> tuple[int, int]:
    checksum = size = 0
    with open(path, "rb") as file:
        while part := file.read(1 << 24):
            checksum, size = zlib.crc32(part, checksum), size + len(part)
    return size, checksum
