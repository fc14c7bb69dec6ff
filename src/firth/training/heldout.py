"""Text that is kept back, to see what a model makes of words it did not learn from."""

import numpy as np

from firth.errors import ConfigError, InputError
from firth.kernels.shallow import Corpus
from firth.training.blocks import read_only


def split(corpus: Corpus, share: float) -> tuple[Corpus, Corpus]:
    """(the front, the end): the last sentences, `share` of all words, are held out; one long sentence is cut.

    The end, not a sample: sentences of one document lie together, and would tell of each other.
    Raises ConfigError for a share outside 0 … 1, InputError where one part would be empty.
    """
    if not 0 < share < 1:
        raise ConfigError(f"validation must be a share between 0 and 1, or a text, not {share!r}.")
    words, sentences = len(corpus.tokens), len(corpus.sentences) - 1
    at = words - round(share * words)
    first = int(np.searchsorted(corpus.sentences, at))  # the first sentence that begins there or later
    if 0 < first < sentences:
        at = int(corpus.sentences[first])
    if not 0 < at < words:
        raise InputError(f"validation={share} of {words:,} words leaves nothing to learn from, or nothing to test on.")
    return _part(corpus, 0, at), _part(corpus, at, words)


def _part(corpus: Corpus, start: int, end: int) -> Corpus:
    inside = corpus.sentences[(corpus.sentences > start) & (corpus.sentences < end)]
    bounds = np.concatenate([[start], inside, [end]]) - start
    return Corpus(read_only(corpus.tokens[start:end]), read_only(bounds), corpus.keep)
