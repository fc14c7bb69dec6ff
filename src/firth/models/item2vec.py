"""Item2Vec: items that stand in the same sessions get similar vectors.

Barkan & Koenigstein 2016, "Item2Vec: Neural Item Embedding for Collaborative Filtering"; Caselles-Dupré, Lesaint &
Royo-Letelier 2018, "Word2Vec Applied to Recommendation: Hyperparameters Matter".
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from firth.config import config, option
from firth.corpus.sessions import Sessions
from firth.errors import ConfigError
from firth.kernels.architectures import ContinuousBag, SkipGram
from firth.kernels.shallow import Corpus
from firth.kernels.word_bags import CentreBag, ContextBags
from firth.models.catalogue import Catalogue
from firth.models.windows import WindowModel
from firth.tokens.encoded import Encoded, encoded_ids
from firth.training.blocks import Architecture, Setting, read_only
from firth.training.objectives import output_rows
from firth.training.starting import matching_rows, start_from
from firth.training.tables import aligned, initialise, padded, without_padding
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary


@config
class Item2Vec(WindowModel):
    """Item vectors from sessions, baskets or histories: skip-gram over items, with defaults for items.

    >>> sessions = [["bread", "butter"], ["bread", "butter", "jam"], ["nail", "hammer"], ["nail", "hammer", "saw"]] * 20
    >>> vectors = Item2Vec(dim=8, epochs=20, seed=1).fit(sessions, threads=1)
    >>> vectors.recommend(["bread", "jam"], topn=1)[0][0]
    'butter'

    Where the sessions come with metadata, an item's vector is the mean of its own row and the rows of its features, so
    an item that no session has still gets a vector: the mean of those of its features.
    """

    name: ClassVar[str] = "item2vec"

    window: int | Literal["session"] = option(default="session", at_least=1)  # type: ignore[assignment]
    """Context items on either side of the item, at most; session: all of its session."""
    loss: Literal["ns", "softmax"] = option(default="ns")
    """ns: negative sampling. softmax: over all items, exact and slow."""
    min_count: int = option(default=1, at_least=1)
    """Items that come less often than this are dropped."""
    subsample: float = option(default=1e-3, at_least=0)
    """Thin out items whose share of the events is above this; 0 keeps everything."""
    ns_exponent: float = option(default=0.5, at_least=-1, at_most=1)
    """Noise items are drawn in proportion to count to this power: 1 as in the log, 0 all alike, -1 rare ones most."""
    shrink_windows: bool = option(default=False)
    """Draw each window's reach from 1 to `window`, so that near items count more."""
    num_skips: int | None = option(default=20, at_least=1)
    """Draw so many of each item's context items, in each pass, without replacement; none: all."""
    epochs: int = option(default=50, at_least=1)
    """Passes over the sessions."""
    recent: int = option(default=10, at_least=0)
    """`recommend` looks at the last so many items of a history; 0: at all of them."""
    popularity: float = option(default=0.5)
    """How much `recommend` prefers common items: this times the logarithm of the count is added to each score."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "gensim": {
            "architecture": "cbow",
            "window": 5,
            "shrink_windows": True,
            "min_count": 5,
            "subsample": 1e-3,
            "ns_exponent": 0.75,
            "epochs": 5,
            "lr": 0.025,
        },
    }

    def setting(self, words: Vocabulary, corpus: Corpus, init: Any = None, frozen: bool = False) -> Setting:
        """The tables, what is learnt from, and how."""
        objective, window = self._objective(words), self._window(corpus)
        start = self._started(init, frozen)
        features = words.features if isinstance(words, Catalogue) else []
        if features and start is not None:
            raise ConfigError("With metadata an item is several rows, and init has one for each item. Leave one out.")
        rows = None if start is None else matching_rows(start, words.keys, self.dim)
        held = rows >= 0 if frozen and rows is not None else None
        inputs = len(words) + len(features)
        tables = initialise(inputs, output_rows(objective, len(words)), self.dim, self.seed, held)
        if start is not None and rows is not None:
            start_from(tables, start, rows, outputs=True)
        return Setting(
            tables=tables,
            corpus=corpus,
            window=window,
            architecture=self._architecture(words),
            objective=objective,
            epochs=self.epochs,
            lr=self.lr or (0.025 if self.architecture == "skipgram" else 0.05),
            min_lr=self.min_lr,
            seed=self.seed,
            deterministic=self.deterministic,
        )

    def vectors(self, setting: Setting, words: Vocabulary, text: Any, provenance: dict[str, Any]) -> Vectors:
        """What was learnt, without the padding; the tables of `setting` are used up."""
        keys, counts = words.keys, words.counts
        inputs, output = (without_padding(table, self.dim) for table in setting.tables[:2])
        config = {"model": {"name": self.name, **self.to_dict()}, "sessions": text.options}
        if isinstance(words, Catalogue):
            keys, counts = [*keys, *words.features], np.concatenate([counts, words.feature_counts()])
            inputs = words.rows_of(inputs)
            output = np.concatenate([output, np.zeros((len(words.features), self.dim), np.float32)])
            config["features"] = words.features
        return Vectors(keys, inputs[: len(keys)], output=output, counts=counts, config=config, provenance=provenance)

    def _architecture(self, words: Vocabulary) -> Architecture:
        if isinstance(words, Catalogue):
            bags = read_only(words.bags.offsets), read_only(words.bags.rows)
            return (CentreBag if self.architecture == "skipgram" else ContextBags)(*bags, divided=True)
        if self.architecture == "skipgram":
            return SkipGram(np.zeros(1, np.int32))
        return ContinuousBag(True, True, False, aligned(1, padded(self.dim)))

    def _opened(self, source: Any, like: Any = None) -> Sessions:
        return source if isinstance(source, Sessions) else Sessions(source, **(like.options if like else {}))

    def _encoded(self, text: Any, **how: Any) -> Encoded:
        ids = text.items, text.tokens, text.offsets[1:]
        kept = encoded_ids(*ids, min_count=self.min_count, max_vocab=self.max_vocab, vocabulary=how["vocabulary"])
        if text.metadata is None:
            return kept
        return dataclasses.replace(kept, vocabulary=Catalogue.of(kept.vocabulary, text.metadata))

    def _held_out(self, text: Any, **how: Any) -> Encoded:
        return encoded_ids(text.items, text.tokens, text.offsets[1:], vocabulary=how["vocabulary"])
