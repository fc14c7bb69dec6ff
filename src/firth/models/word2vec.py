"""Word2Vec: words that stand in the same contexts get similar vectors.

Mikolov, Chen, Corrado & Dean 2013a, "Efficient Estimation of Word Representations in Vector Space";
Mikolov, Sutskever, Chen, Corrado & Dean 2013b, "Distributed Representations of Words and Phrases".
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from firth.config import config, option
from firth.corpus.text import Text
from firth.kernels.architectures import ContinuousBag, SkipGram
from firth.kernels.shallow import Corpus, Window
from firth.models.windows import WindowModel
from firth.training.blocks import Setting
from firth.training.objectives import output_rows
from firth.training.shallow import learnt
from firth.training.starting import matching_rows, start_from
from firth.training.tables import aligned, initialise, padded, without_padding
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary


@config
class Word2Vec(WindowModel):
    """Skip-gram and CBOW, with negative sampling, hierarchical softmax or full softmax.

    >>> vectors = Word2Vec(dim=8, min_count=1, seed=1).fit([["a", "rose", "is", "a", "rose"]] * 20, threads=1)
    >>> vectors
    Vectors(3 keys, dim 8, word2vec, output vectors, counts)
    """

    name: ClassVar[str] = "word2vec"

    cbow_mean: bool = option(default=True)
    """The neighbours' vectors are averaged, else summed (cbow)."""
    cbow_update: Literal["classic", "corrected"] = option(default="classic")
    """classic: every neighbour gets the whole gradient, as in word2vec.c. corrected: its share of it (cbow)."""
    position_weights: bool = option(default=False)
    """Learn how much each place in the window weighs in each dimension (cbow)."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "word2vec-c": {"architecture": "cbow", "lr": 0.05, "min_lr": 0.05 * 1e-4},
        "gensim": {"architecture": "cbow", "lr": 0.025},
        "fasttext": {"lr": 0.05, "min_lr": 0.0, "subsample": 1e-4, "ns_exponent": 0.5},
        "items": {
            "window": "sentence",
            "min_count": 1,
            "subsample": 1e-4,
            "ns_exponent": 0.5,
            "shrink_windows": False,
            "epochs": 50,
        },
    }

    def setting(self, words: Vocabulary, corpus: Corpus, init: Any = None, frozen: bool = False) -> Setting:
        """The tables, what is learnt from, and how."""
        objective, window = self._objective(words), self._window(corpus)
        start = self._started(init, frozen)
        rows = None if start is None else matching_rows(start, words.keys, self.dim)
        held = rows >= 0 if frozen and rows is not None else None
        tables = initialise(len(words), output_rows(objective, len(words)), self.dim, self.seed, held)
        if start is not None and rows is not None:
            start_from(tables, start, rows, outputs=self.loss != "hs")
        return Setting(
            tables=tables,
            corpus=corpus,
            window=window,
            architecture=self._architecture(window),
            objective=objective,
            epochs=self.epochs,
            lr=self.lr or (0.025 if self.architecture == "skipgram" else 0.05),
            min_lr=self.min_lr,
            seed=self.seed,
            deterministic=self.deterministic,
        )

    def vectors(self, setting: Setting, words: Vocabulary, text: Text, provenance: dict[str, Any]) -> Vectors:
        """What was learnt, without the padding; the tables of `setting` are used up."""
        outputs = without_padding(learnt(setting)["outputs"], self.dim)
        return Vectors(
            words.keys,
            without_padding(setting.tables.inputs, self.dim)[: len(words)],
            output=None if self.loss == "hs" else outputs,
            nodes=outputs if self.loss == "hs" else None,
            counts=words.counts,
            config={"model": {"name": self.name, **self.to_dict()}, "text": text.options()},
            provenance=provenance,
        )

    def _architecture(self, window: Window) -> SkipGram | ContinuousBag:
        if self.architecture == "skipgram":
            return SkipGram(np.zeros(1, np.int32))
        positions = aligned(2 * window.size if self.position_weights else 1, padded(self.dim))
        positions[:, : self.dim] = 1.0
        return ContinuousBag(self.cbow_mean, self.cbow_update == "corrected", self.position_weights, positions)
