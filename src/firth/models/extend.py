"""Learning on: more text for vectors that are there, with the words that it brings."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from firth.corpus.text import Text
from firth.errors import ConfigError, EmptyVocabularyError
from firth.kernels.shallow import Corpus
from firth.models.windows import provenance
from firth.models.word2vec import Word2Vec
from firth.tokens.encoded import Encoded, encode
from firth.training.blocks import read_only
from firth.training.course import Epoch
from firth.training.progress import progress_display
from firth.training.shallow import passes
from firth.vectors.drift import drift
from firth.vectors.table import Vectors
from firth.vocabulary import Vocabulary


def extend(
    vectors: Vectors,
    source: Any,
    *,
    threads: int | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callable[[Epoch], object]] = (),
    **options: Any,
) -> Vectors:
    """Go on learning from more text: old words move on from where they are, new ones that come `min_count` times join.

    `options` change those that the model was trained with (`epochs`, `lr`, …); the text is cut as the first one was.
    Counts add up; old words keep their rows, new ones follow. How far the old words moved is in
    `provenance["drift"]`; `firth.drift(old, new)` says it of any two models.

    Raises ConfigError for vectors that firth's Word2Vec did not learn, EmptyVocabularyError where the text holds no
    word to learn from, and what `Word2Vec.fit` raises.
    """
    model, text = _model(vectors, options), Text.cut_like(source, vectors.options("text"))
    with progress_display(progress) as display, encode(text, min_count=1, threads=threads) as encoded:
        words, corpus = _joined(vectors, encoded, model)
        setting = model.setting(words, corpus, vectors)
        epochs = passes(setting, threads=threads, progress=display, callbacks=callbacks)
        extended = model.vectors(setting, words, text, provenance(encoded, epochs))
    return Vectors(
        extended.index_to_key,
        extended.vectors,
        output=extended.output,
        nodes=extended.nodes,
        counts=extended.counts,
        config=extended.config,
        provenance={
            **(extended.provenance or {}),
            "extends": vectors.provenance or {},
            "drift": drift(vectors, extended).to_dict(),
        },
    )


def _model(vectors: Vectors, options: dict[str, Any]) -> Word2Vec:
    trained = dict(vectors.options("model"))
    if vectors.subwords is not None:
        raise ConfigError(
            "Vectors with n-grams cannot be extended yet: new words bring n-grams that the model dropped. "
            "Start from them instead: FastText(dim=…).fit(source, init=vectors)."
        )
    if trained.pop("name", None) != Word2Vec.name or vectors.counts is None:
        raise ConfigError(
            "Only vectors that firth's Word2Vec learnt, with their counts, can be extended. "
            "For others: Word2Vec(dim=…).fit(source, init=vectors)."
        )
    if vectors.output is None and vectors.nodes is None:
        raise ConfigError(
            "These vectors were saved without their output side. Use Word2Vec(…).fit(source, init=vectors)."
        )
    return Word2Vec.from_dict(trained).replace(**options)


def _joined(vectors: Vectors, encoded: Encoded, model: Word2Vec) -> tuple[Vocabulary, Corpus]:
    """Old words, then the new ones that come often enough; and the new text in their ids."""
    fresh = encoded.vocabulary
    old = np.array([vectors.key_to_index.get(key, -1) for key in fresh.keys], np.int64)
    joining = np.flatnonzero((old < 0) & (fresh.counts >= model.min_count))
    ids = old.copy()
    ids[joining] = len(vectors) + np.arange(len(joining))
    counts = np.concatenate([np.asarray(vectors.counts), fresh.counts[joining]])
    counts[old[old >= 0]] += fresh.counts[old >= 0]
    tokens = ids[encoded.tokens].astype(np.int32)
    kept = tokens >= 0
    if not kept.any():
        raise EmptyVocabularyError(
            f"Of the {encoded.words_read:,} words read, none is known, and none comes {model.min_count} times "
            "(min_count). Lower min_count, or give more text."
        )
    before = np.concatenate([[0], np.cumsum(kept)])
    sentences = np.unique(before[encoded.sentences])
    words = Vocabulary([*vectors.index_to_key, *(fresh.keys[i] for i in joining)], counts)
    keep = words.keep_probability(model.subsample)
    return words, Corpus(read_only(tokens[kept]), read_only(sentences), keep)
