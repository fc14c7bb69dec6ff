"""FastText: a word is its character n-grams, so rare words lean on their parts and unseen ones have vectors.

Bojanowski, Grave, Joulin & Mikolov 2017, "Enriching Word Vectors with Subword Information";
floret mode: Serrà & Karatzoglou 2017, "Getting Deep Recommenders Fit"; Explosion's floret, 2021.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from firth.config import config, option
from firth.corpus.text import Text
from firth.errors import ConfigError
from firth.kernels.shallow import Corpus
from firth.kernels.word_bags import CentreBag, ContextBags
from firth.models.windows import WindowModel
from firth.training.blocks import Setting, read_only
from firth.training.objectives import output_rows
from firth.training.shallow import learnt
from firth.training.starting import matching_rows, start_from
from firth.training.subwords import WordRows, are_alike, start_rows, word_rows
from firth.training.tables import initialise, without_padding
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary

_SPREAD = 1.0  # inputs begin in ±1/dim, as fastText's do


@config
class FastText(WindowModel):
    """Skip-gram and CBOW over words made of character n-grams, with fastText's defaults.

    A word's vector is the mean of its own row and the rows of its n-grams; `vectors[unseen]` is the mean of the latter.

    >>> text = [["walk", "walked", "walking", "talk", "talked", "talking"]] * 30
    >>> vectors = FastText(dim=8, min_count=1, buckets=1000).fit(text, threads=1)
    >>> "stalking" in vectors, vectors["stalking"].shape
    (False, (8,))
    """

    name: ClassVar[str] = "fasttext"

    subsample: float = option(default=1e-4, at_least=0)
    """Thin out words whose share of the text is above this; 0 keeps everything."""
    ns_exponent: float = option(default=0.5)
    """Noise words are drawn in proportion to count to this power: 1 as in the text, 0 all alike (ns)."""
    lr: float = option(default=0.05, above=0)
    """Learning rate at the start; it declines in a straight line."""
    min_lr: float = option(default=0.0, at_least=0)
    """Learning rate at the end."""
    min_n: int = option(default=3, at_least=1)
    """Characters in the shortest n-gram; the brackets of <word> count."""
    max_n: int = option(default=6, at_least=0, at_most=1000)
    """Characters in the longest n-gram; 0: words have no n-grams."""
    buckets: int = option(default=2_000_000, at_least=1, at_most=2**31 - 1)
    """N-grams are hashed into so many rows."""
    hash_count: int = option(default=0, at_least=0, at_most=4)
    """0: fastText's n-grams. 1 to 4: floret, where words and n-grams share the buckets and have so many rows each."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gensim": {"architecture": "cbow", "lr": 0.025, "min_lr": 1e-4, "subsample": 1e-3, "ns_exponent": 0.75},
        "floret": {"hash_count": 2, "buckets": 50_000, "min_n": 4, "max_n": 5},
    }

    def setting(self, words: Vocabulary, corpus: Corpus, init: Any = None, frozen: bool = False) -> Setting:
        """The tables, what is learnt from, and how."""
        start = self._started(init, frozen)
        rows, objective = self._rows(words), self._objective(words)
        targets = output_rows(objective, len(words))
        tables = initialise(rows.rows, targets, self.dim, self.seed, spread=_SPREAD, empty=1)
        if start is not None:
            if frozen:
                self._check_frozen(rows, start)
            held = np.zeros(len(tables.inputs), np.bool_)
            own = start if start.vectors_vocab is None else Vectors(start.index_to_key, start.vectors_vocab)
            if not self.hash_count:
                matching = matching_rows(own, words.keys, self.dim)
                start_from(tables, own, matching, outputs=False)
                held[: len(words)] = matching >= 0
            held[rows.own + start_rows(tables.inputs, rows, start.subwords, self.dim)] = True
            tables = tables._replace(frozen=held) if frozen else tables
            if self.loss != "hs" and start.output is not None:
                there = matching_rows(start, words.keys, self.dim)
                tables.outputs[there >= 0, : self.dim] = start.output[there[there >= 0]]
        bags = read_only(rows.bags.offsets), read_only(rows.bags.rows)
        return Setting(
            tables=tables,
            corpus=corpus,
            window=self._window(corpus),
            architecture=(CentreBag if self.architecture == "skipgram" else ContextBags)(*bags, divided=False),
            objective=objective,
            epochs=self.epochs,
            lr=self.lr,
            min_lr=self.min_lr,
            seed=self.seed,
            deterministic=self.deterministic,
        )

    def vectors(self, setting: Setting, words: Vocabulary, text: Text, provenance: dict[str, Any]) -> Vectors:
        """What was learnt, without the padding; the tables of `setting` are used up."""
        inputs, outputs = (without_padding(learnt(setting)[name], self.dim) for name in ("inputs", "outputs"))
        parts = self._rows(words).subwords(inputs)
        return Vectors(
            words.keys,
            inputs[: len(words)] if parts is None else parts.stored(Keys.of(words.keys)),
            subwords=parts,
            output=None if self.loss == "hs" else outputs,
            nodes=outputs if self.loss == "hs" else None,
            counts=words.counts,
            config={"model": {"name": self.name, **self.to_dict()}, "text": text.options()},
            provenance=provenance,
        )

    def _check_frozen(self, rows: WordRows, start: Vectors) -> None:
        """Raise ConfigError where the vectors that `start` gave would move, or nothing would be left to learn."""
        if self.hash_count:
            raise ConfigError("frozen keeps every row of floret's buckets, which are all there is. Leave it out.")
        if len(rows.used) and not are_alike(rows, start.subwords):
            raise ConfigError(
                "frozen keeps the vectors of `init` where it was learnt with the same min_n, max_n and buckets: others "
                "lack n-grams that their words have here. Leave it out, or set max_n=0."
            )

    def _rows(self, words: Vocabulary) -> WordRows:
        return word_rows(words, self.min_n, self.max_n, self.buckets, self.hash_count)
