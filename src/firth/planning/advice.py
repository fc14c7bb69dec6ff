"""Planning, last step: what an experienced person would change, each in a line, where the text gives reason to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from firth import machine
from firth.corpus.text import Text
from firth.models.word2vec import Word2Vec
from firth.planning.growth import Floats, smallest_count
from firth.tokens.encoded import Encoded

if TYPE_CHECKING:
    from firth.planning.plan import Plan

_SMALL, _LARGE, _HUGE = 2_000_000, 100_000_000, 1_000_000_000  # words
_MANY = 1_000_000  # vectors
_KEYS = 100_000  # words that are looked at
_NOT_WORDS = tuple(".,;:!?)\"'»”’…。，、；：！？）」』")


@dataclass(frozen=True)
class Facts:
    """What advice is drawn from."""

    plan: "Plan"
    config: Word2Vec
    text: Text
    counts: Floats
    """The predicted counts of the vocabulary, descending."""
    punctuated: float
    """The share of running words that end in a mark of punctuation."""
    capitals: float
    """The share of distinct words that would be one with another, were all in lower case."""

    @classmethod
    def of(cls, plan: "Plan", text: Text, encoded: Encoded, counts: Floats) -> Self:
        config = plan.config
        assert isinstance(config, Word2Vec)
        keys, seen = encoded.vocabulary.keys[:_KEYS], encoded.vocabulary.counts[:_KEYS]
        ends = np.fromiter((key.endswith(_NOT_WORDS) and len(key) > 1 for key in keys), bool, len(keys))
        lowered = len({key.lower() for key in keys})
        return cls(plan, config, text, counts, float(seen[ends].sum() / seen.sum()), 1 - lowered / len(keys))


def advice(facts: Facts) -> Iterator[str]:
    """Lines of advice, the weightiest first."""
    yield from _about_the_text(facts)
    yield from _about_its_words(facts)
    yield from _about_the_model(facts)
    yield from _about_the_machine(facts)


def _about_the_text(facts: Facts) -> Iterator[str]:
    plan, seen = facts.plan, facts.plan.look
    if plan.bad_bytes and facts.text.errors == "strict":
        yield (
            f"{plan.bad_bytes:,} bytes of the sample are not UTF-8, and would stop the run. Convert the text, or "
            'read it with errors="replace".'
        )
    if not plan.spread:
        yield "The sample is the beginning of the source, and the rest may differ: a packed file opens nowhere else."
    if seen.endless:
        yield (
            "The text has no lines to speak of, so contexts run from one sentence into the next. One sentence "
            "on a line is better where you can have it."
        )
    if seen.duplicates > 0.1:
        yield (
            f"{seen.duplicates:.0%} of the lines repeat another one: vectors would learn the repetition. Drop them "
            "first (sort -u)."
        )
    if facts.config.window == "sentence" and plan.look.endless:
        yield 'window="sentence" pairs all words of a line: with lines so long, give a number.'


def _about_its_words(facts: Facts) -> Iterator[str]:
    plan, cut = facts.plan, facts.text.tokenizer
    if plan.look.unspaced and cut in ("whitespace", "words"):
        yield 'Chinese without blanks between its words: tokenizer="chinese" cuts it.'
    elif facts.punctuated > 0.05 and cut == "whitespace":
        yield (
            f'{facts.punctuated:.0%} of the words end in punctuation, so "king" and "king," become two words: '
            'tokenizer="words".'
        )
    if facts.capitals > 0.1 and not facts.text.lower:
        yield (
            f"{facts.capitals:.0%} of the words are another one with capitals. lower=True makes them one, where names "
            "need no vectors of their own."
        )


def _about_the_model(facts: Facts) -> Iterator[str]:
    plan, config = facts.plan, facts.config
    if plan.words < _SMALL and not plan.look.unspaced:
        if config.min_count > 2 and plan.vocabulary < 10_000:
            yield f"A small text: min_count=2 keeps more than these {plan.vocabulary:,} words."
        if config.epochs < 10:
            yield f"A small text: epochs={20 if plan.words > _SMALL // 10 else 50} learns more from it."
        if config.dim > 100:
            yield f"A small text: dim={config.dim} has more numbers than it can fill; 50 to 100 are enough."
        if plan.learnt < 0.5:
            yield f"A small text: subsample={config.subsample:g} leaves {plan.learnt:.0%} of it; 1e-2 wastes less."
    if plan.vocabulary > _MANY:
        least = smallest_count(facts.counts, _MANY)
        yield f"{plan.vocabulary:,} words are many, most of them rare: min_count={least} leaves a million."
    if plan.words > _LARGE and config.dim < 200:
        yield f"A large text fills more numbers than dim={config.dim}: 200 to 300."
    if plan.words > _HUGE and config.subsample >= 1e-4:
        yield f"A huge text can spare more of its frequent words: subsample=1e-5 (now {plan.learnt:.0%} are used)."
    if config.loss == "softmax" and plan.vocabulary > 10_000:
        yield f"loss='softmax' scores all {plan.vocabulary:,} words for every one: 'ns' and 'hs' are far quicker."


def _about_the_machine(facts: Facts) -> Iterator[str]:
    plan, there = facts.plan, machine.processors()
    if plan.threads > there:
        yield f"threads={plan.threads} share {there} processor{'s'[: there - 1]}: more than {there} gain nothing."
    if plan.threads < there:
        yield f"threads={plan.threads} of {there} processors: all of them would be faster."
    room = plan.memory_room
    if plan.fits and room is not None and plan.memory.needed + plan.encoded_bytes > room:
        yield "The text does not fit in memory beside the vectors: it is read from the disk again in every pass."
