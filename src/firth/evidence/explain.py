"""Why are two words neighbours? Because they stand beside the same words: which ones, how often, and where."""

from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError
from firth.evidence.concordance import Concordance
from firth.vectors.table import Vectors

_MOST = 50_000  # places of a word that are looked at, spread evenly over all of them
_SMOOTHED = 0.75  # word2vec's noise: contexts are as frequent as count^0.75 makes them
_SEEN = 2  # times that a context must stand beside each of the two to count as evidence
_AROUND = 8  # words of a sentence shown on either side


@dataclass(frozen=True)
class Quote:
    """A place in the corpus; words that were too rare to be kept are missing in it."""

    sentence: int
    """Number from 1."""
    position: int
    """Of the word in its sentence, from 1."""
    words: str
    """With the word itself in [brackets]."""


@dataclass(frozen=True)
class Shared:
    """A word that stands beside both."""

    word: str
    share: float
    """Of all that makes the two alike; over all shared contexts these sum to 1."""
    with_a: int
    """How often it stands in a's window."""
    with_b: int
    quotes: tuple[Quote, ...]
    """With a, then with b."""


@dataclass(frozen=True)
class Explanation:
    """What `explain` found; `print` it."""

    a: str
    b: str
    similarity: float
    """What the model says: the cosine of the vectors."""
    alike: float
    """What the text says: the cosine of the two rows of positive pointwise mutual information."""
    counts: tuple[int, int]
    window: int
    shared: int
    """Contexts of both."""
    contexts: tuple[Shared, ...]
    """Those that say most."""
    together: int
    """How often b stands in a's window."""
    beside: tuple[Quote, ...]
    """Places where it does."""
    subwords: tuple[str, ...]
    """n-grams that both are made of, where the model has n-grams; the longest first."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def rows(self) -> list[tuple[object, ...]]:
        """(context, share, beside a, beside b, quote) of the contexts that say most."""
        return [
            (each.word, each.share, each.with_a, each.with_b, each.quotes[0].words if each.quotes else "")
            for each in self.contexts
        ]

    def __str__(self) -> str:
        a, b = self.a, self.b
        lines = [
            f"{a} ({self.counts[0]:,} times) and {b} ({self.counts[1]:,} times)",
            f"cosine {self.similarity:.3f} in the model, {self.alike:.3f} in the text",
            f"{self.shared:,} words stand within {self.window} of both; these say most:",
        ]
        for each in self.contexts:
            lines.append(f"  {each.share:5.1%}  {each.word}  ({each.with_a:,} × {a}, {each.with_b:,} × {b})")
            lines += [f"          sentence {q.sentence:,}, word {q.position:,}: {q.words}" for q in each.quotes]
        lines.append(f"{b} stands within {self.window} of {a} {self.together:,} times")
        lines += [f"          sentence {q.sentence:,}, word {q.position:,}: {q.words}" for q in self.beside]
        if self.subwords:
            lines.append(f"both are made of {', '.join(self.subwords)}")
        return "\n".join(lines)


def explain(
    vectors: Vectors,
    a: str,
    b: str,
    source: Any = None,
    *,
    workdir: str | PathLike[str] | None = None,
    window: int | None = None,
    topn: int = 10,
    quotes: int = 1,
    threads: int | None = None,
) -> Explanation:
    """The contexts that made two words neighbours, with their places in the text.

    source   the text that was learnt from, or a `Concordance` of it; None: what `workdir` keeps
    workdir  keeps the encoded text and its index: made once, then opened. `fit(workdir=…)` leaves half of it there
    window   words on either side; None: the model's, or 5
    topn     contexts that are listed
    quotes   places that are shown for each of them and each word

    Word2vec factorises, by and large, the matrix of pointwise mutual information (Levy & Goldberg 2014), so that matrix
    is asked: PPMI(w, c) = max(0, log n(w, c) N / (n(w) n'(c))), n(w, c) the places of c in w's windows, near ones
    counting more where the model's windows shrink, n' proportional to count^0.75; times n(w, c) / (n(w, c) + 1),
    because a few places prove little (Pantel & Lin 2002). A context's share is its part of the two rows' scalar
    product. Contexts that stand less than twice beside either are no evidence. Of a
    word with more than 50,000 places so many are looked at, spread evenly.

    >>> import firth
    >>> text = [["the", "oak", "has", "leaves"], ["the", "elm", "has", "leaves"], ["a", "car", "has", "wheels"]] * 20
    >>> vectors = firth.Word2Vec(dim=8, min_count=1, subsample=0).fit(text, threads=1)
    >>> found = firth.explain(vectors, "oak", "elm", text)
    >>> sorted(context.word for context in found.contexts), found.contexts[-1].word
    (['has', 'leaves', 'the'], 'has')

    Raises UnknownKeyError for a word that neither stands in the text nor is made of n-grams, MissingInputError where
    there is no text, ConfigError for a window or a number below 1.
    """
    for name, number in (("window", window or 1), ("topn", topn)):
        if number < 1:
            raise ConfigError(f"{name} must be at least 1, not {number}.")
    similarity = vectors.similarity(a, b)
    concordance = (
        source if isinstance(source, Concordance) else Concordance.of(source, workdir, vectors=vectors, threads=threads)
    )
    model = vectors.options("model")
    if window is None:
        window = model["window"] if isinstance(model.get("window"), int) else 5
    text = _Windows(concordance, window, bool(model.get("shrink_windows")))
    sides = [text.of(word, vectors) for word in (a, b)]
    weights = [text.associations(side) for side in sides]
    products = weights[0] * weights[1] * (sides[0].seen >= _SEEN) * (sides[1].seen >= _SEEN)
    lengths = float(np.linalg.norm(weights[0]) * np.linalg.norm(weights[1]))
    best = [place for place in np.argsort(-products, kind="stable")[:topn].tolist() if products[place] > 0]
    contexts = [
        Shared(
            concordance.corpus.vocabulary.keys[place],
            float(products[place] / products.sum()),
            int(sides[0].seen[place]),
            int(sides[1].seen[place]),
            tuple(quote for side in sides for quote in text.quotes(side, place, quotes)),
        )
        for place in best
    ]
    other = concordance.ids.get(b, -1)
    return Explanation(
        a=a,
        b=b,
        similarity=similarity,
        alike=float(weights[0] @ weights[1]) / lengths if lengths else 0.0,
        counts=(sides[0].count, sides[1].count),
        window=window,
        shared=int(((sides[0].seen > 0) & (sides[1].seen > 0)).sum()),
        contexts=tuple(contexts),
        together=int(sides[0].seen[other]) if other >= 0 else 0,
        beside=tuple(text.quotes(sides[0], other, quotes)) if other >= 0 else (),
        subwords=_shared_subwords(vectors, a, b),
    )


@dataclass(frozen=True)
class _Side:
    """A word and all that stands in its windows."""

    count: int
    centres: NDArray[np.int64]
    """i8[n], the place of the word, once for each neighbour."""
    neighbours: NDArray[np.int64]
    """i8[n], its id."""
    seen: NDArray[np.int64]
    """i8[words], how often each stands there."""
    weighted: NDArray[np.float64]
    """f8[words], the same, near ones counting more."""


class _Windows:
    """The windows of words in a corpus."""

    def __init__(self, concordance: Concordance, window: int, shrink: bool) -> None:
        self.concordance, self.window, self.shrink = concordance, window, shrink
        smoothed = np.asarray(concordance.corpus.vocabulary.counts, np.float64) ** _SMOOTHED
        self.noise = smoothed / smoothed.sum()

    def of(self, word: str, vectors: Vectors) -> _Side:
        """Raises UnknownKeyError for a word that does not stand in the text, unless n-grams made its vector."""
        words = len(self.noise)
        if word not in self.concordance and vectors.subwords is not None:
            nowhere = np.zeros(0, np.int64)
            return _Side(0, nowhere, nowhere, np.zeros(words, np.int64), np.zeros(words))
        every = self.concordance.places(word)
        places = every[np.linspace(0, len(every) - 1, min(len(every), _MOST)).astype(np.int64)]
        corpus = self.concordance.corpus
        sentence = np.searchsorted(corpus.sentences, places, side="right") - 1
        first, end = corpus.sentences[sentence], corpus.sentences[sentence + 1]
        centres, neighbours, weights = [], [], []
        for offset in (*range(-self.window, 0), *range(1, self.window + 1)):
            beside = places + offset
            inside = (beside >= first) & (beside < end)
            centres.append(places[inside])
            neighbours.append(np.asarray(corpus.tokens[beside[inside]], np.int64))
            weight = (self.window + 1 - abs(offset)) / self.window if self.shrink else 1.0
            weights.append(np.full(len(centres[-1]), weight))
        ids = np.concatenate(neighbours)
        return _Side(
            len(every),
            np.concatenate(centres),
            ids,
            np.bincount(ids, minlength=words),
            np.bincount(ids, np.concatenate(weights), minlength=words).astype(np.float64),
        )

    def associations(self, side: _Side) -> NDArray[np.float64]:
        """PPMI of the word with every context, discounted where that was seldom seen, f8[words]."""
        total = side.weighted.sum()
        expected = self.noise * total
        ratio = np.divide(side.weighted, expected, where=expected > 0, out=np.zeros_like(expected))
        return np.asarray(np.log(np.maximum(ratio, 1)) * side.seen / (side.seen + 1))

    def quotes(self, side: _Side, context: int, number: int) -> list[Quote]:
        """Places, spread over the text, where a context stands in the word's window."""
        found = np.unique(side.centres[side.neighbours == context])
        chosen = found[np.unique(np.linspace(0, len(found) - 1, min(number, len(found))).astype(np.int64))]
        return [self._quote(place) for place in chosen.tolist()]

    def _quote(self, place: int) -> Quote:
        number, first, end = self.concordance.sentence_at(place)
        corpus = self.concordance.corpus
        low, high = max(first, place - _AROUND), min(end, place + _AROUND + 1)
        words = [corpus.vocabulary.keys[word] for word in corpus.tokens[low:high].tolist()]
        words[place - low] = f"[{words[place - low]}]"
        dots = ("… " if low > first else "", " …" if high < end else "")
        return Quote(number + 1, place - first + 1, f"{dots[0]}{' '.join(words)}{dots[1]}")


def _shared_subwords(vectors: Vectors, a: str, b: str) -> tuple[str, ...]:
    if vectors.subwords is None:
        return ()
    from firth.tokens.subwords import ngrams

    low, high = vectors.subwords.min_n, vectors.subwords.max_n
    both = set(ngrams(a, low, high)) & set(ngrams(b, low, high))
    return tuple(sorted(both, key=lambda ngram: (-len(ngram), ngram)))
