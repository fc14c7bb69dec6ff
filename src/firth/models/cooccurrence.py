"""Cooccurrence: how often words stand near each other, and the classic vectors that come of it.

Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word Embeddings";
Church & Hanks 1990, "Word Association Norms, Mutual Information, and Lexicography".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse

import firth
from firth import machine
from firth.config import Config, config, did_you_mean, option
from firth.corpus.text import Text
from firth.errors import ConfigError, MemoryLimitError
from firth.examples.cells import Cells, Part
from firth.examples.cooccurrence import counted
from firth.tokens.encoded import Encoded, encode
from firth.training.course import checked_threads
from firth.training.progress import progress_display
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

_AT_ONCE = 1 << 20  # cells


@dataclass(frozen=True)
class Cooccurrences:
    """Counted co-occurrences: what `Cooccurrence.fit` gives."""

    vocabulary: Vocabulary
    matrix: Any
    """scipy.sparse.csr_array, f4[words, words]: X_ij, how much of word j stands near word i."""
    config: dict[str, Any]
    """{"model": the options of counting, "text": how the text was cut}; empty where that is not known."""

    def __repr__(self) -> str:
        return f"Cooccurrences({len(self.vocabulary):,} words, {self.matrix.nnz:,} cells)"

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """X of two words; 0 for a pair that was never seen. Raises UnknownKeyError."""
        return float(self.matrix[self._id(pair[0]), self._id(pair[1])])

    def most_frequent(self, key: str, topn: int = 10) -> list[tuple[str, float]]:
        """The words that stand near a word most: (word, count), `topn` of them. Raises UnknownKeyError."""
        row = slice(*self.matrix.indptr[self._id(key) :][:2].tolist())
        columns, values = self.matrix.indices[row], self.matrix.data[row]
        best = np.argsort(-values, kind="stable")[:topn]
        return [(self.vocabulary.keys[columns[t]], float(values[t])) for t in best.tolist()]

    def ppmi(self, *, shift: float = 1.0, smoothing: float = 0.75) -> Any:
        """Positive pointwise mutual information, a scipy.sparse.csr_array f4[words, words].

            max(0, ln(p(i, j) / (p(i) p(j))) - ln shift),  p(j) ∝ (Σ_i X_ij)^smoothing

        shift      what a pair must be above to count: k = 5 is what 5 negatives do in word2vec; 1: chance
        smoothing  flattens the contexts' distribution, so that rare ones do not win; 1: none

        >>> Cooccurrence(window=1, min_count=1).fit([["a", "b"], ["c", "d"]]).ppmi(smoothing=1).toarray().round(2)
        array([[0.  , 1.39, 0.  , 0.  ],
               [1.39, 0.  , 0.  , 0.  ],
               [0.  , 0.  , 0.  , 1.39],
               [0.  , 0.  , 1.39, 0.  ]], dtype=float32)

        Raises ConfigError for a shift that is not above 0, or a smoothing that is no number.
        """
        if not (np.isfinite(shift) and shift > 0 and np.isfinite(smoothing)):
            raise ConfigError(f"shift must be above 0 and smoothing a number, not {shift!r} and {smoothing!r}.")
        counts = self.matrix
        of_word = np.asarray(counts.sum(axis=1, dtype=np.float64)).reshape(-1)
        of_context = np.asarray(counts.sum(axis=0, dtype=np.float64)).reshape(-1)
        with np.errstate(divide="ignore", invalid="ignore"):  # a word that nothing stands near has no cells
            chance = smoothing * np.log(of_context)
            top = chance.max(initial=-np.inf)
            chance -= top + np.log(np.exp(chance - top).sum()) - np.log(shift)
            rows = np.log(of_word)
        scores = np.log(counts.data)
        for first, last in _row_ranges(counts.indptr):
            cells = slice(int(counts.indptr[first]), int(counts.indptr[last]))
            lengths = np.diff(counts.indptr[first : last + 1])
            scores[cells] -= np.repeat(rows[first:last], lengths) + chance[counts.indices[cells]]
        np.maximum(scores, 0, out=scores)
        found = scipy.sparse.csr_array((scores, counts.indices.copy(), counts.indptr.copy()), counts.shape)
        found.eliminate_zeros()
        return found

    def svd(
        self, dim: int = 100, *, shift: float = 1.0, smoothing: float = 0.75, power: float = 0.5, seed: int = 1
    ) -> Vectors:
        """Vectors from the truncated singular value decomposition of the PPMI: U S^power, f4[words, dim].

        power  1: their products are those of the PPMI; 0.5 and 0 judge similarity better (Levy et al. 2015)
        seed   of the vector that Lanczos' iteration starts from; the same one gives the same numbers

        Raises ConfigError where `dim` is not below the number of words.
        """
        from scipy.sparse.linalg import svds

        words = len(self.vocabulary)
        if not 1 <= dim < words:
            raise ConfigError(f"dim must be from 1 to {words - 1:,}, fewer than the {words:,} words, not {dim!r}.")
        table = self.ppmi(shift=shift, smoothing=smoothing).astype(np.float64)
        start = np.random.default_rng(seed).normal(size=words)
        if table.nnz:
            left, scales, _ = svds(table, k=dim, v0=start, solver="arpack")
        else:
            left, scales = np.zeros((words, dim)), np.zeros(dim)
        order = np.argsort(-scales)
        found = left[:, order] * np.maximum(scales[order], 0) ** power
        signs = np.where(found[np.abs(found).argmax(axis=0), np.arange(dim)] < 0, -1.0, 1.0)
        how = {"name": "svd", "dim": dim, "shift": shift, "smoothing": smoothing, "power": power, "seed": seed}
        return Vectors(
            self.vocabulary.keys,
            (found * signs).astype(np.float32),
            counts=self.vocabulary.counts,
            config={**self.config, "model": {**self.config.get("model", {}), **how}},
            provenance={
                "firth": firth.__version__,
                "cells": int(self.matrix.nnz),
                "singular_values": scales[order].tolist(),
            },
        )

    def save(self, path: str | PathLike[str], format: Literal["native", "glove"] = "native") -> None:
        """Write a folder, whole or not at all: firth's own, or `cooccurrence.bin` and `vocab.txt` as GloVe's programs.

        Raises FormatError where something else is there, or GloVe's files cannot hold a key; DiskFullError, SaveError.
        """
        from firth.formats import cooccurrence as files

        if format not in files.FORMATS:
            raise ConfigError(f"Co-occurrences have no format {format!r}.{did_you_mean(str(format), files.FORMATS)}")
        found = self.matrix
        starts, columns = found.indptr.astype(np.int64), found.indices.astype(np.int32, copy=False)
        files.save(files.Matrix(self.vocabulary, starts, columns, found.data, self.config), path, format)

    def cells(self) -> Cells:
        """The matrix as training takes it."""
        cells = Cells(len(self.vocabulary), np.float32, 1 << 62)
        for first, last in _row_ranges(self.matrix.indptr):
            part = slice(int(self.matrix.indptr[first]), int(self.matrix.indptr[last]))
            lengths = np.diff(self.matrix.indptr[first : last + 1]).astype(np.int64)
            cells.append(Part(first, lengths, self.matrix.indices[part], self.matrix.data[part]))
        return cells

    def _id(self, key: str) -> int:
        from firth.errors import UnknownKeyError

        if key not in self.vocabulary:
            raise UnknownKeyError(f"{key!r} is not among the {len(self.vocabulary):,} words that were counted.")
        return self.vocabulary.ids[key]


@config
class Cooccurrence(Config):
    """Counts how often words stand near each other.

    >>> counts = Cooccurrence(window=2, min_count=1).fit([["a", "rose", "is", "a", "rose"]])
    >>> counts
    Cooccurrences(3 words, 6 cells)
    >>> counts["a", "rose"]
    2.5
    """

    name: ClassVar[str] = "cooccurrence"

    window: int = option(default=10, at_least=1)
    """Words on a side that are near."""
    side: Literal["both", "left", "right"] = option(default="both")
    """Which neighbours of a word count: both gives a symmetric matrix; left: those before it; right: those after it."""
    weighting: Literal["distance", "flat"] = option(default="distance")
    """distance: a word d words away counts 1/d. flat: 1."""
    min_count: int = option(default=5, at_least=1)
    """Words that come less often than this are dropped."""
    max_vocab: int | None = option(default=None, at_least=1)
    """Keep only this many of the most frequent words; none: all."""

    @classmethod
    def _translate(cls, name: str, value: Any) -> dict[str, Any]:
        return glove_names(name, value) or super()._translate(name, value)

    def fit(
        self,
        source: Any,
        *,
        vocabulary: Sequence[str] | None = None,
        memory: str | float | None = None,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Cooccurrences:
        """Count the source: anything that `firth.Text` takes, or a `Text`.

        vocabulary  the words to count, in this order, instead of those that come `min_count` times
        memory      "4GB", or bytes: what the text and the cells may take while they are counted; the rest goes to
                    temporary files. None: half of what is left to this process
        threads     None: as many as this process may use
        progress    True or False for a bar on stderr; None: where it is a terminal

        Raises EmptyVocabularyError where no word is left, MemoryLimitError, DiskFullError, and what reading the
        source raises.
        """
        room, threads, text = bytes_of(memory), checked_threads(threads), Text.of(source)
        with (
            progress_display(progress) as display,
            encode(
                text,
                min_count=self.min_count,
                max_vocab=self.max_vocab,
                vocabulary=vocabulary,
                threads=threads,
                report=display.reading,
            ) as corpus,
        ):
            cells = counted(
                corpus,
                window=self.window,
                side=self.side,
                weighting=self.weighting,
                threads=threads,
                memory=room,
                report=display.counting,
            )
            return Cooccurrences(corpus.vocabulary, _as_csr(cells), self._saved(corpus, text))

    def _saved(self, corpus: Encoded, text: Text) -> dict[str, Any]:
        words = {"words_read": corpus.words_read, "words_kept": len(corpus.tokens)}
        return {"model": {"name": self.name, **self.to_dict()}, "text": text.options(), "counted": words}

    @staticmethod
    def load(path: str | PathLike[str]) -> Cooccurrences:
        """Open what `Cooccurrences.save` wrote, or a folder with GloVe's `cooccurrence.bin` and `vocab.txt`.

        Raises MissingInputError, FormatError for anything else, CorruptFileError for damage.
        """
        from firth.formats import cooccurrence as files

        found = files.load(path)
        return Cooccurrences(found.vocabulary, _csr(found.values, found.columns, found.starts), found.config)


def glove_names(name: str, value: Any) -> dict[str, Any] | None:
    """Options of GloVe's C programs that stand for one of ours with another value."""
    name = name.replace("-", "_")
    if name == "symmetric" and value in (0, 1):
        return {"side": "both" if value else "right"}
    if name == "distance_weighting" and value in (0, 1):
        return {"weighting": "distance" if value else "flat"}
    if name == "window_size":
        return {"window": value}
    return None


def bytes_of(size: str | float | None) -> int | None:
    """A size as bytes: a number, or "500MB", "4GB".

    >>> bytes_of("4GB")
    4000000000

    Raises ConfigError for anything else.
    """
    if size is None:
        return None
    text = str(size).strip().upper().removesuffix("B")
    scale = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1:], 1.0)
    try:
        found = float(text[:-1] if text[-1:] in "KMGT" else text) * scale
    except ValueError:
        found = np.nan
    if not 1 <= found < 2**63:
        raise ConfigError(f"memory must be a size such as '4GB', '500MB' or a number of bytes, not {size!r}.")
    return int(found)


def _as_csr(cells: Cells) -> Any:
    size, room = 8 * len(cells), machine.memory_available()
    if room is not None and size > room:
        raise MemoryLimitError(
            f"The {len(cells):,} cells need {size / 2**30:,.2f} GiB, but only {room / 2**30:,.2f} GiB are left. "
            "Raise min_count, set max_vocab, or take a smaller window."
        )
    columns, values = np.empty(len(cells), np.int32), np.empty(len(cells), np.float32)
    at = 0
    for part in cells.parts():
        columns[at : at + len(part.columns)] = part.columns
        values[at : at + len(part.values)] = part.values
        at += len(part.columns)
    starts = np.concatenate([[0], np.cumsum(cells.lengths)])
    return _csr(values, columns, starts)


def _csr(values: npt.NDArray[Any], columns: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> Any:
    """The arrays as a square matrix, not copied: scipy would widen the columns to the type of the starts."""
    kind = np.int32 if starts[-1] < 2**31 else np.int64
    return scipy.sparse.csr_array((values, columns, starts.astype(kind)), (len(starts) - 1, len(starts) - 1))


def _row_ranges(starts: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Ranges of rows with about a million cells, one row at least."""
    found, first = [], 0
    while first < len(starts) - 1:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + _AT_ONCE, "right")) - 1)
        found.append((first, last))
        first = last
    return found
