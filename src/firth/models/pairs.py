"""Pairs: the two sides of a pair get similar vectors: a query and what was clicked, a document and its words.

Wu, Fisch, Chopra, Adams, Bordes & Weston 2018, "StarSpace: Embed All The Things!"; the loss is negative sampling's
(Mikolov et al. 2013b), over right sides.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

import firth
from firth.config import Config, config, option
from firth.corpus.two_sided import Side, pairs
from firth.errors import EmptyVocabularyError
from firth.kernels.bags import Bags as Documents
from firth.kernels.core import Tables
from firth.tokens.subwords import Bags
from firth.tokens.words import split
from firth.training import pairs as training
from firth.training.bags import Lesson
from firth.training.blocks import read_only
from firth.training.course import Epoch
from firth.training.objectives import negative_sampling
from firth.training.progress import progress_display
from firth.training.tables import initialise, without_padding
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

Cut = Literal["words", "whole"]


@config
class Pairs(Config):
    """Vectors for both sides of pairs, whatever they are: bags of words, ids, node and relation.

    p(right | left) rises with the product of the means of their rows: h·c, h = mean of x over the left side's words,
    c = mean of o over the right side's.

    >>> clicks = [("red wine", "glass"), ("white wine", "glass"), ("iron nail", "hammer"), ("long nail", "hammer")] * 30
    >>> vectors = Pairs(dim=8, epochs=20, lr=0.2).fit(clicks, threads=1)
    >>> vectors.match("cheap wine", topn=1)[0][0]
    'glass'
    """

    name: ClassVar[str] = "pairs"

    dim: int = option(default=100, at_least=1)
    """Numbers in a vector."""
    left: Cut = option(default="words")
    """words: the left side is a text, and its words have rows. whole: it is one thing, with a row of its own."""
    right: Cut = option(default="words")
    """The same of the right side."""
    shared: bool = option(default=False)
    """A word has one row on both sides, as in StarSpace; else one on each."""
    negatives: int = option(default=10, at_least=1)
    """Right sides of other pairs that each pair is held against."""
    ns_exponent: float = option(default=0.5, at_least=-1, at_most=1)
    """They are drawn in proportion to count to this power: 1 as they come, 0 all alike."""
    min_count: int = option(default=1, at_least=1)
    """Words that come less often than this on their side are dropped."""
    epochs: int = option(default=10, at_least=1)
    """Passes over the pairs."""
    lr: float = option(default=0.1, above=0)
    """Learning rate at the start; it declines in a straight line to 0."""
    tokenizer: str = option(default="whitespace")
    """How a side is cut into words: whitespace, words, chinese, characters."""
    lower: bool = option(default=False)
    """Lower-case the words first."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice. One thread with the same seed gives the same bytes."""

    def fit(
        self,
        source: Any,
        *,
        left: str | None = None,
        right: str | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        callbacks: Sequence[Callable[[Epoch], object]] = (),
    ) -> Vectors:
        """Learn from pairs: what `firth.corpus.two_sided.pairs` takes; a side that is a list is taken as it is cut.

        left, right  the columns of a table; None: those with usual names
        threads      None: as many as this process may use
        progress     True or False for bars on stderr; None: where it is a terminal
        callbacks    each is called with an Epoch after every pass

        The keys of the Vectors are the words of both sides; `vectors` are the rows of the left side, `output` those of
        the right (None where `shared`), zeros for a word that its side does not have. `Vectors.match` asks them.

        Raises EmptyVocabularyError where no pair is left, DivergenceError where lr is too high, MemoryLimitError, and
        what reading the source raises.
        """
        lefts, rights = self._sides(source, left, right)
        known = _Known.of(lefts, rights, self.min_count, self.shared)
        distinct, held, counts = _distinct(known.rights)
        rows = len(known.keys)
        inputs, outputs, none = initialise(rows, 1 if self.shared else rows, self.dim, self.seed)
        tables = Tables(inputs, inputs if self.shared else outputs, none)
        objective = negative_sampling(
            Vocabulary([str(number) for number in range(len(counts))], counts),
            self.negatives,
            self.ns_exponent,
            self.seed,
        )
        lesson = Lesson(
            tables,
            Documents(known.lefts.rows, known.lefts.offsets, held),
            lambda _: held,
            objective,
            len(known.lefts.rows) + len(known.rights.rows),
            self.epochs,
            self.lr,
            self.seed,
        )
        with progress_display(progress) as display:
            epochs = training.passes(lesson, distinct, threads=threads, progress=display, callbacks=callbacks)
        return self._vectors(known, tables, len(counts), epochs)

    def _sides(self, source: Any, left: str | None, right: str | None) -> tuple[list[list[str]], list[list[str]]]:
        found = [*pairs(source, left, right)]
        one, other = [pair[0] for pair in found], [pair[1] for pair in found]
        return self._cut(one, self.left), self._cut(other, self.right)

    def _cut(self, sides: Sequence[Side], how: Cut) -> list[list[str]]:
        """The words of each side: a list as it is."""
        if how == "whole":
            return [[side] if isinstance(side, str) else [*side] for side in sides]
        texts = [side for side in sides if isinstance(side, str)]
        words = iter(split(texts, tokenizer=self.tokenizer, lower=self.lower))
        return [next(words) if isinstance(side, str) else [*side] for side in sides]

    def _vectors(self, known: "_Known", tables: Tables, distinct: int, epochs: Sequence[Epoch]) -> Vectors:
        vectors = without_padding(tables.inputs, self.dim)
        output = None if self.shared else without_padding(tables.outputs, self.dim)
        vectors[: len(known.keys)][~known.on_left] = 0.0
        passed = [{**dataclasses.asdict(epoch), "words_per_second": epoch.words_per_second} for epoch in epochs]
        return Vectors(
            known.keys,
            vectors[: len(known.keys)],
            output=output,
            counts=known.counts,
            config={
                "model": {"name": self.name, **self.to_dict()},
                "text": {"tokenizer": self.tokenizer, "lower": self.lower},
            },
            provenance={
                "firth": firth.__version__,
                "numpy": np.__version__,
                "pairs": len(known.lefts.offsets) - 1,
                "right_sides": distinct,
                "epochs": passed,
            },
        )


@dataclasses.dataclass(frozen=True)
class _Known:
    """The words that are kept, and each side of each pair in rows; pairs with an empty side are gone."""

    keys: list[str]
    counts: npt.NDArray[np.int64]
    on_left: npt.NDArray[np.bool_]
    """Which keys some left side has, or, where rows are shared, any side."""
    lefts: Bags
    rights: Bags

    @classmethod
    def of(cls, lefts: list[list[str]], rights: list[list[str]], min_count: int, shared: bool) -> "_Known":
        sides = [_counted(lefts), _counted(rights)]
        if shared:
            both = {word: sides[0].get(word, 0) + sides[1].get(word, 0) for side in sides for word in side}
            sides = [both, both]
        kept = [{word for word, count in side.items() if count >= min_count} for side in sides]
        total = {word: sides[0].get(word, 0) + (0 if shared else sides[1].get(word, 0)) for word in kept[0] | kept[1]}
        keys = sorted(total, key=lambda word: (-total[word], word))
        ids = {word: row for row, word in enumerate(keys)}
        numbered = [
            [[ids[word] for word in side if word in kept[place]] for side in given]
            for place, given in enumerate((lefts, rights))
        ]
        filled = [pair for pair in zip(*numbered, strict=True) if pair[0] and pair[1]]
        if not filled:
            raise EmptyVocabularyError(
                f"None of the {len(lefts):,} pairs has words on both sides that come min_count={min_count} times. "
                "Lower min_count or give more pairs."
            )
        on_left = np.array([word in kept[0] for word in keys], np.bool_)
        counts = np.array([total[word] for word in keys], np.int64)
        one, other = (_bags([pair[side] for pair in filled]) for side in (0, 1))
        return cls(keys, counts, on_left, one, other)


def _counted(sides: Iterable[list[str]]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for side in sides:
        for word in side:
            counts[word] = counts.get(word, 0) + 1
    return counts


def _bags(lists: Sequence[Sequence[int]]) -> Bags:
    offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in lists])]).astype(np.int64)
    return Bags(offsets, read_only(np.array([row for rows in lists for row in rows], np.int32)))


def _distinct(rights: Bags) -> tuple[Bags, npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """(the distinct bags, the number of each bag's, how often each comes); the order inside a bag tells nothing."""
    numbers: dict[bytes, int] = {}
    first: list[int] = []
    held = np.zeros(len(rights.offsets) - 1, np.int32)
    for place, (start, end) in enumerate(zip(rights.offsets[:-1].tolist(), rights.offsets[1:].tolist(), strict=True)):
        key = np.sort(rights.rows[start:end]).tobytes()
        if key not in numbers:
            numbers[key] = len(numbers)
            first.append(place)
        held[place] = numbers[key]
    bags = _bags([rights.rows[rights.offsets[place] : rights.offsets[place + 1]].tolist() for place in first])
    return bags, held, np.bincount(held).astype(np.int64)
