"""Phrases: words that stand together far oftener than chance would have it become one word.

Mikolov, Sutskever, Chen, Corrado & Dean 2013b, "Distributed Representations of Words and Phrases", eq. 6;
Bouma 2009, "Normalized (Pointwise) Mutual Information in Collocation Extraction".
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth import machine
from firth.config import Config, config, option
from firth.corpus.items import strings
from firth.corpus.text import Text
from firth.errors import ConfigError
from firth.tokens.collocations import BYTES_A_PAIR, Collocations
from firth.tokens.encoded import Encoded, encode
from firth.tokens.joined import Joined
from firth.tokens.pairs import Connectors
from firth.tokens.phrases import LearntPhrases, Phrase
from firth.training.progress import progress_display

Numbers = npt.NDArray[np.float64]

CONNECTORS: Final[Mapping[str, frozenset[str]]] = {
    "english": frozenset(
        ["a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "without"]
    ),  # gensim's
}
"""Lists of connectors, by the language."""


class Counts(NamedTuple):
    """What a score is made of."""

    a: Numbers
    """f8[k]: how often the first word comes, for each of k pairs."""
    b: Numbers
    """f8[k]: how often the last word comes."""
    together: Numbers
    """f8[k]: how often they come as this pair."""
    min_count: int
    distinct: int
    """Distinct words and pairs."""
    words: int
    """Words in the text."""


def original(counts: Counts) -> Numbers:
    """(n_ab - min_count) / (n_a · n_b) · distinct words and pairs: eq. 6, scaled as gensim does."""
    return (counts.together - counts.min_count) / (counts.a * counts.b) * counts.distinct


def word2phrase(counts: Counts) -> Numbers:
    """(n_ab - min_count) / n_a / n_b · words in the text: eq. 6, scaled as word2phrase.c does."""
    return (counts.together - counts.min_count) / counts.a / counts.b * counts.words


def npmi(counts: Counts) -> Numbers:
    """ln(p_ab / (p_a · p_b)) / -ln p_ab, p = n / words in the text: from -1 (never together) to 1 (only together)."""
    a, b, together = counts.a / counts.words, counts.b / counts.words, counts.together / counts.words
    scores: Numbers = np.log(together / (a * b)) / -np.log(together)
    return np.where(counts.together >= counts.min_count, scores, -np.inf)


# name: the score, and the threshold that its authors chose
SCORINGS: Final[Mapping[str, tuple[Callable[[Counts], Numbers], float]]] = {
    "original": (original, 10.0),
    "word2phrase": (word2phrase, 100.0),
    "npmi": (npmi, 0.5),
}


@config
class Phrases(Config):
    """Learns which words of a text belong together: new york → new_york.

    >>> text = ["she lives in new york now", "new york is big", "a new plan for york"] * 10
    >>> phrases = Phrases(threshold=0.1, min_count=15).fit(text)
    >>> phrases
    LearntPhrases(1: new_york)
    >>> phrases.apply("from new york with love".split())
    ['from', 'new_york', 'with', 'love']
    """

    name: ClassVar[str] = "phrases"

    min_count: int = option(default=5, at_least=1)
    """Taken off the count of a pair, so that rare chance meetings score nothing; npmi: rarer pairs are none."""
    threshold: float | None = option(default=None)
    """Pairs that score more than this are phrases; none: 10 (original), 100 (word2phrase), 0.5 (npmi)."""
    scoring: Literal["original", "word2phrase", "npmi"] = option(default="original")
    """original: as gensim; word2phrase: as the C program; npmi: from -1 to 1, comparable between texts."""
    connectors: str | tuple[str, ...] = option(default=())
    """Words that may stand inside a phrase, not at its ends; 'english' stands for of, the, and the like."""
    passes: int = option(default=1, at_least=1)
    """Passes over the text; each joins what the one before has joined to longer phrases."""
    delimiter: str = option(default="_")
    """What stands between the words of a phrase."""
    max_vocab: int | None = option(default=None, at_least=1)
    """Pairs that may be held while counting, the rarest are forgotten; none: a quarter of the memory's worth."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.delimiter or not self.delimiter.isprintable() or " " in self.delimiter:
            raise ConfigError(f"Phrases: delimiter must be characters that show, such as '_', not {self.delimiter!r}.")
        low, high = {"npmi": (-1.0, 1.0)}.get(self.scoring, (0.0, float("inf")))
        if self.threshold is not None and not low <= self.threshold <= high:
            raise ConfigError(
                f"Phrases: threshold must be from {low:g} to {high:g} with scoring={self.scoring!r}, "
                f"not {self.threshold!r}."
            )

    @classmethod
    def _translate(cls, name: str, value: Any) -> dict[str, Any]:
        """gensim's names."""
        name = name.replace("-", "_")
        if name == "scoring" and value == "default":
            return {"scoring": "original"}
        if name in ("connector_words", "common_terms"):
            return {"connectors": value if isinstance(value, str) else tuple(sorted(value))}
        return super()._translate({"max_vocab_size": "max_vocab"}.get(name, name), value)

    def connector_words(self) -> frozenset[str]:
        """The connectors, with the lists that they name; a str is words with blanks between."""
        given = self.connectors.split() if isinstance(self.connectors, str) else self.connectors
        return frozenset().union(*(CONNECTORS.get(word, {word}) for word in given))

    def fit(
        self,
        source: Any,
        *,
        after: LearntPhrases | None = None,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> LearntPhrases:
        """Learn the phrases of the source: anything that `firth.Text` takes, a `Text`, or an encoded corpus.

        An encoded corpus should hold every word (`encode(…, min_count=1)`): those that were dropped do not part their
        neighbours.

        after     phrases that are joined in an encoded corpus already; a Text says so itself. They become a part of
                  the result, and what is learnt here is sought in what they leave
        threads   None: as many as this process may use
        progress  True or False for a bar on stderr; None: where it is a terminal

        Finding none is no error. Raises EmptyVocabularyError for a source without a word, ConfigError where `after` has
        another delimiter or other connectors, and what reading the source raises. Warns (RuntimeWarning) where rare
        pairs had to be forgotten to stay within memory.
        """
        if not isinstance(source, Encoded):
            text = Text.of(source)
            self._check_follows(text.phrases)
            with (
                progress_display(progress) as display,
                encode(text, min_count=1, threads=threads, report=display.reading) as corpus,
            ):
                return self.fit(corpus, after=text.phrases, threads=threads)
        self._check_follows(after)
        before = after.table if after else ()
        first = 1 + max((phrase.found_in for phrase in before), default=0)
        found: list[Phrase] = []
        for number in range(self.passes):
            more = self._pass(source, self._learnt(found), first + number, threads)
            if not more:
                break
            found += more
        return self._learnt([*before, *found])

    def _check_follows(self, before: LearntPhrases | None) -> None:
        if before and (before.delimiter, before.connectors) != (self.delimiter, self.connector_words()):
            raise ConfigError(
                "The text joins phrases already, with another delimiter or other connectors. Learn further ones with "
                f"delimiter={before.delimiter!r} and connectors={tuple(sorted(before.connectors))!r}."
            )

    def _learnt(self, table: list[Phrase]) -> LearntPhrases:
        return LearntPhrases(tuple(table), self.delimiter, self.connector_words(), self.to_dict())

    def _pass(self, corpus: Encoded, known: LearntPhrases, number: int, threads: int | None) -> list[Phrase]:
        """What one pass finds where the phrases that are known are joined, the best first."""
        threads = threads or machine.processors()
        joined = Joined(known, strings(corpus.vocabulary.keys), threads)
        keys: list[str] = joined.words.to_pylist()
        connectors = Connectors(joined.connectors, len(keys))
        most = self.max_vocab or _most_pairs()
        counted = Collocations.count(joined.blocks(corpus.blocks()), connectors, most=most, threads=threads)
        if counted.forgotten:
            _warn_of_pruning(counted, self)
        pairs, counts, scores = self._best(counted)
        runs, parts = connectors.runs(), zip(*(part.tolist() for part in connectors.pairs(pairs)), strict=True)
        words = [tuple(keys[i] for i in (a, *runs[run], b)) for run, a, b in parts]
        table = [
            Phrase(self.delimiter.join(each), each, score, count, number)
            for each, score, count in zip(words, scores.tolist(), counts.tolist(), strict=True)
        ]
        return sorted(table, key=lambda phrase: (-phrase.score, -phrase.count, phrase.words))

    def _best(self, counted: Collocations) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Numbers]:
        """Keys, counts and scores of the pairs above the threshold."""
        keys, counts = counted.pairs()
        often = np.flatnonzero(counts >= self.min_count)  # the others score 0 or less, or nothing
        keys, counts = keys[often], counts[often]
        _, a, b = counted.connectors.pairs(keys)
        scoring, threshold = SCORINGS[self.scoring]
        of_words = counted.words.astype(np.float64)
        scores = scoring(
            Counts(
                of_words[a],
                of_words[b],
                counts.astype(np.float64),
                self.min_count,
                counted.distinct(),
                int(counted.words.sum()),
            )
        )
        chosen = scores > (threshold if self.threshold is None else self.threshold)
        return keys[chosen], counts[chosen], scores[chosen]


def _most_pairs() -> int:
    """Pairs that may be held while counting: a quarter of the memory that this process may use."""
    return max(1_000_000, (machine.memory_limit() or 1 << 32) // 4 // BYTES_A_PAIR)


def _warn_of_pruning(counted: Collocations, model: Phrases) -> None:
    allowed = "max_vocab" if model.max_vocab else "what memory"
    warnings.warn(
        f"More distinct pairs of words came than {allowed} allows while counting; {counted.forgotten:,} rare ones were "
        f"forgotten, each seen at most {counted.threshold:,} times by then. Phrases that are rare may be missing.",
        RuntimeWarning,
        stacklevel=4,
    )
