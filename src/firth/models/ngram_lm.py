"""NGramLM: how likely a word is after the words before it, by how often that was seen.

Interpolated modified Kneser-Ney (Chen & Goodman 1999) as KenLM estimates it (Heafield et al. 2013), add-k, and maximum
likelihood.
"""

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Literal

import numpy as np

import firth
from firth.config import Config, config, option
from firth.corpus.text import Text
from firth.errors import ConfigError, EmptyVocabularyError
from firth.examples import ngrams
from firth.models.kneser_ney import estimate
from firth.models.ngram_model import NGramModel, checked_words, trie_of
from firth.tokens.encoded import Encoded, encode
from firth.training.progress import progress_display


@config
class NGramLM(Config):
    """A language model that counts n-grams; smoothed by Kneser and Ney's method.

    >>> lm = NGramLM(order=2, smoothing="mle").fit(["the cat sat", "the dog sat"])
    >>> lm.probability("cat", "the"), lm.probability("sat", "the cat"), round(lm.perplexity(["the cat sat"]), 4)
    (0.5, 1.0, 1.1892)
    """

    name: ClassVar[str] = "ngram"

    order: int = option(default=5, at_least=1, at_most=30)
    """Words in the longest n-gram: a word is judged by order - 1 words before it."""
    smoothing: Literal["kneser-ney", "add-k", "mle"] = option(default="kneser-ney")
    """kneser-ney: interpolated, modified. add-k: every n-gram as if seen k times more. mle: as often as it was seen."""
    k: float = option(default=1.0, above=0)
    """What add-k adds; 1 is Laplace's rule."""
    discount: float | None = option(default=None, above=0, at_most=1)
    """One discount for all n-grams (kneser-ney); none: three for each length, from the counts."""
    min_count: int = option(default=1, at_least=1)
    """Words that come less often than this are taken for unseen ones, all alike."""
    max_vocab: int | None = option(default=None, at_least=1)
    """Keep only this many of the most frequent words, and take the others for unseen ones; none: all."""

    def fit(
        self,
        source: Any,
        *,
        vocabulary: Sequence[str] | None = None,
        workdir: str | PathLike[str] | None = None,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> NGramModel:
        """Count the n-grams of a source, and estimate: anything that `firth.Text` takes, or a `Text`.

        vocabulary  the words to know, instead of those that come `min_count` times; others are taken for unseen ones
        workdir     a folder that keeps the encoded text, and uses it again
        threads     for reading; None: as many as this process may use
        progress    True or False for bars on stderr; None: where it is a terminal

        A sentence is a line, with `<s>` before it and `</s>` after it. Raises InputError where the text holds one of
        these two as a word, EmptyVocabularyError where no word is left, MemoryLimitError for more than 2^31 words, and
        what reading the source raises.
        """
        if vocabulary is not None and (self.min_count > 1 or self.max_vocab is not None):
            raise ConfigError(
                "vocabulary= fixes the words; min_count and max_vocab would choose them. Give one of both."
            )
        text = Text.of(source)
        with (
            progress_display(progress) as display,
            encode(text, min_count=1, workdir=workdir, threads=threads, report=display.reading) as corpus,
        ):
            words, ids = self._words(corpus, vocabulary)
            unknown, start, end = (len(words) + special for special in range(3))
            tokens = ngrams.with_bounds(ids[corpus.tokens], corpus.sentences, start, end)
            provenance = {
                "firth": firth.__version__,
                "numpy": np.__version__,
                "words_read": corpus.words_read,
                "sentences": len(corpus.sentences) - 1,
                "words_kept": corpus.words_read - int((tokens == unknown).sum()),
            }
        table = ngrams.count(tokens, len(words) + 3, self.order, end)
        provenance["ngrams"] = np.diff(table.firsts).tolist()
        log10 = backoff = None
        if self.smoothing == "kneser-ney":
            log10, backoff, provenance["discounts"] = estimate(table, start, self.discount)
        trie = trie_of(table.ngrams, table.starts, table.suffixes, log10, backoff)
        return NGramModel(words, trie, table.firsts, table.counts, self, text=text.options(), provenance=provenance)

    def _words(self, corpus: Encoded, vocabulary: Sequence[str] | None) -> tuple[list[str], Any]:
        """The words that are known, and the id of each word of the corpus: i4[words of the corpus]."""
        there = checked_words(corpus.vocabulary.keys)
        if vocabulary is None:  # the rare ones stand last
            kept = min(int((corpus.vocabulary.counts >= self.min_count).sum()), self.max_vocab or len(there))
            if not kept:
                raise _none_left(self.min_count, len(there))
            return there[:kept], np.minimum(np.arange(len(there), dtype=np.int32), np.int32(kept))
        words = checked_words(firth.Vocabulary(vocabulary, [0] * len(vocabulary)).keys)
        of_word = dict(zip(words, range(len(words)), strict=True))
        return words, np.array([of_word.get(word, len(words)) for word in there], np.int32)


def _none_left(min_count: int, words: int) -> EmptyVocabularyError:
    return EmptyVocabularyError(f"None of the {words:,} words comes {min_count:,} times. Lower min_count.")
