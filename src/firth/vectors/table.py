"""A table of vectors with a key for each row, and what one asks of it.

The names, the arguments and the (key, score) order are those of gensim 4's KeyedVectors. firth adds `nearest` (many
queries at once), `encode` (sentences) and `which`, the table that is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from firth.errors import ConfigError, InputError
from firth.vectors import sentences
from firth.vectors.analogy import Item, Key
from firth.vectors.lookup import Which, items_of
from firth.vectors.nearest import Floats, unit
from firth.vectors.neighbours import Neighbours, Scored
from firth.vectors.operations import Operations

if TYPE_CHECKING:
    import torch

    from firth.explore.picture import Picture
    from firth.vectors.axis import Axis
    from firth.vectors.clusters import Clusters
    from firth.vectors.documents import Document
    from firth.vectors.where import Where


class Vectors(Neighbours, Operations):
    """Keys and their vectors.

    keys        n strings, none twice; a packed `firth.vectors.keys.Keys` is decoded when first used
    array       f4[n, dim], kept as it is (a memory map stays on the disk); other numbers are converted; or a
                `firth.vectors.quantised.Quantised`
    output      f4[n, dim], the context side of word2vec, or None
    nodes       f4[n - 1, dim], the inner nodes of the Huffman tree that hierarchical softmax learnt, or None
    counts      i8[n], how often each key was seen, or None
    subwords    the rows of n-grams, a `firth.vectors.subwords.Subwords`, of which words that are not keys get vectors
                wherever one is asked for; `in`, iteration and `most_similar`'s answers know keys alone; or None
    config      {"model": options, "text": how the text was cut}, plain JSON values, or None
    provenance  what it was learnt from and how it went, plain JSON values, or None

    >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [0.8, 0.6], [0, 2]])
    >>> v["elm"]
    array([0.8, 0.6], dtype=float32)
    >>> [(key, round(score, 2)) for key, score in v.most_similar("oak")]
    [('elm', 0.8), ('car', 0.0)]

    Wherever a key stands, the number of a row may stand too, as in gensim; `in` and iteration know keys alone. `which`
    chooses the table: "input" (word vectors), "output" (context vectors) or "mean", half their sum. Similarity is the
    cosine; with a zero vector it is 0. Treat the arrays as read-only: lengths are computed once and kept. NaN and Inf
    are refused here, or, in a memory map, when lengths are first needed, so that opening a file does not read it.

    Raises InputError for keys, vectors, output and counts that do not fit together or are not what they should be.
    """

    def encode(
        self,
        texts: Sequence[str],
        pooling: sentences.Pooling = "mean",
        *,
        common: Floats | None = None,
        which: Which = "input",
    ) -> Floats:
        """Sentence vectors, f4[texts, dim]: the vectors of each text's words, put together.

        pooling  "mean" or "sum"; "sif" or "usif": the mean weighted by how rare words are, less what texts have in
                 common. Both need counts; formulas in `firth.vectors.sif`
        common   f4[c, dim], what "sif" and "usif" take out, as `common_directions` gives it; None: what these texts
                 have in common, so that a text's vector depends on the others

        Texts are cut as the training text was (config["text"]; by white space where that is not known). Unknown words
        are made of their n-grams where the table has `subwords`, else passed over; a text without a known word gets
        zeros.

        >>> Vectors(["oak", "elm"], [[1, 0], [0, 1]]).encode(["oak elm oak oak", "fir"])
        array([[0.75, 0.25],
               [0.  , 0.  ]], dtype=float32)

        Raises InputError where "sif" and "usif" have no counts, or fewer than two texts and no `common`.
        """
        table = np.asarray(self._table(which))
        unseen = self.subwords.of if self.subwords is not None and which == "input" else None
        taken = None if common is None else self._given(common, ndim=2)
        ids, cutting = self.key_to_index, self.options("text")
        return sentences.encode(texts, ids, table, cutting, pooling, unseen, self.counts, taken)

    def common_directions(
        self, texts: Sequence[str], pooling: Literal["sif", "usif"] = "sif", *, which: Which = "input"
    ) -> Floats:
        """What these texts have in common, f4[c, dim]: for `encode(…, common=…)` of others, one at a time even.

        c is 1 for "sif", up to 5 for "usif". Raises InputError as `encode` does.
        """
        from firth.vectors import sif

        if pooling not in ("sif", "usif"):
            raise ConfigError(f"pooling must be 'sif' or 'usif', not {pooling!r}: the others take nothing out.")
        nothing = np.zeros((1, self.dim), np.float32)
        return sif.common(self.encode(texts, pooling, common=nothing, which=which), pooling)

    def predict(self, context: Key | Iterable[Key], topn: int = 10) -> Scored:
        """The likeliest words beside the words of a context: (key, probability), `topn` of them; all sum to 1.

        For CBOW the word in their midst, for skip-gram a word near one of them; formulas in `firth.vectors.predict`.
        Raises UnknownKeyError, and ConfigError where the model holds nothing to predict with.

        >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [1, 0], [0, 1]], output=[[2, 0], [2, 0], [0, 2]])
        >>> [(key, round(p, 3)) for key, p in v.predict("oak")]
        [('oak', 0.468), ('elm', 0.468), ('car', 0.063)]
        """
        hidden = self[items_of(context)]
        from firth.vectors.predict import probabilities  # needs the Huffman tree, which opening a model does not

        found = probabilities(self, hidden)
        best = np.argsort(-found, kind="stable")[:topn]
        return [(self.index_to_key[row], float(found[row])) for row in best]

    def recommend(
        self,
        history: Iterable[Any],
        topn: int = 10,
        exclude_seen: bool = True,
        *,
        where: "Where" = None,
        recent: int | None = None,
        popularity: float | None = None,
    ) -> Any:
        """What comes next after the items of a history: (item, score), the best first; formulas in
        `firth.vectors.recommend`.

        history       keys, the latest last; unknown ones are passed over, and without a known one the most common
                      items are recommended. A list of lists: a list of answers
        exclude_seen  leave out what the history holds
        where         which items may be recommended, as for `most_similar`
        recent        the last so many items of the history count, 0: all; None: as the model was made
        popularity    how much common items are preferred, 0: not at all; None: as the model was made

        Raises ConfigError for vectors that came without those of their contexts.

        >>> v = Vectors(["tea", "milk", "nail"], [[1, 0], [1, 0], [0, 1]], output=[[2, 0], [2, 0], [0, 2]])
        >>> [(item, round(score, 2)) for item, score in v.recommend(["tea"])]
        [('milk', 2.0), ('nail', 0.0)]
        """
        from firth.vectors.recommend import recommend  # needs scipy, which opening a model does not

        return recommend(self, history, topn, exclude_seen, where, recent, popularity)

    def match(
        self, left: str | Sequence[str], candidates: Iterable[str | Sequence[str]] | None = None, topn: int = 10
    ) -> list[tuple[Any, float]]:
        """Which right sides go best with a left side, of a model that `firth.Pairs` learnt: (right side, score).

        left        a text, cut as the model was, or a list of words
        candidates  right sides to choose from; None: every key that right sides had
        score       the product of the means of both sides' rows; a candidate without a known word is left out

        Raises InputError for a left side without a known word, ConfigError for vectors of another model.
        """
        from firth.vectors import match

        return match.match(self, left, candidates, topn)

    def similar_by_text(
        self,
        text: str,
        topn: int = 10,
        restrict_vocab: int | None = None,
        *,
        pooling: sentences.Pooling = "mean",
        where: "Where" = None,
        which: Which = "input",
    ) -> Scored:
        """The keys nearest to a text's vector (`encode`), by the cosine; the text's own words are left out.

        >>> Vectors(["oak", "elm", "car"], [[1, 0], [0.8, 0.6], [0, 2]]).similar_by_text("an oak", topn=1)[0][0]
        'elm'

        Raises InputError where no word of the text is known.
        """
        own = {row for word in sentences.cut([text], self.options("text"))[0] if (row := self.get_index(word, -1)) >= 0}
        if not own:
            raise InputError(f"No word of {text!r:.60} is known, so nothing is near it. Give a text with known words.")
        (found,) = self.nearest(
            self.encode([text], pooling, which=which), topn + len(own), restrict_vocab, where=where, which=which
        )
        return [(key, score) for key, score in found if self.key_to_index[key] not in own][: max(0, topn)]

    def axis(self, positive: Iterable[Item], negative: Iterable[Item], *, which: Which = "input") -> "Axis":
        """The direction from some keys to others: mean of the positive unit vectors less that of the negative ones.

        >>> v = Vectors(
        ...     ["man", "woman", "king", "queen", "rock"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 0.5, 0]]
        ... )
        >>> gender = v.axis(["woman", "queen"], ["man", "king"])
        >>> [key for key, _ in gender.scores(["man", "rock", "woman"])]
        ['woman', 'rock', 'man']

        `firth.vectors.axis.Axis` says what else it can be asked. Raises UnknownKeyError, and ConfigError where both
        ends are the same. Kozlowski et al. 2019.
        """
        from firth.vectors.axis import Axis

        return Axis(self, items_of(positive), items_of(negative), which)

    def clusters(
        self,
        k: int,
        *,
        seed: int = 1,
        passes: int = 50,
        restrict_vocab: int | None = None,
        where: "Where" = None,
        which: Which = "input",
    ) -> "Clusters":
        """k groups of keys that lie together, the largest first: spherical k-means from a k-means++ start.

        seed                   the same one gives the same groups
        passes                 at most so many
        restrict_vocab, where  which keys to group, as for `most_similar`

        >>> v = Vectors(["oak", "elm", "car", "bus", "ash"], [[1, 0], [2, 0.1], [0, 1], [0.1, 3], [3, 0.2]])
        >>> [each["keys"] for each in v.clusters(2).to_dict()]
        [['elm', 'ash', 'oak'], ['car', 'bus']]

        Raises ConfigError for k below 1 or above the number of keys.
        """
        from firth.vectors import clusters

        return clusters.clusters(self, k, seed, passes, restrict_vocab, where, which)

    # ------------------------------------------------------------ texts

    def wmdistance(self, document1: "Document", document2: "Document", norm: bool = True) -> float:
        """Word Mover's Distance: the least Σ flow(i, j) |x_i - x_j| that turns one bag of words into the other.

        document1, document2  texts, cut as the training text was, or lists of words; unknown words are passed over
        norm                  scale vectors to length 1 first

        inf where either has no known word. Needs POT: `pip install 'firth[wmd]'`; MissingExtraError without.

        >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [0, 1], [-1, 0]])
        >>> v.wmdistance("the oak", ["car"]), v.wmdistance("oak elm", "elm oak")
        (2.0, 0.0)

        Kusner et al. 2015; gensim's numbers.
        """
        from firth.vectors import documents

        return documents.wmdistance(self, document1, document2, norm)

    def soft_cosine(
        self, document1: "Document", document2: "Document", *, exponent: float = 2.0, threshold: float = 0.0
    ) -> float:
        """a·Sb / √(a·Sa b·Sb), a and b the counts of the words, S how alike words are: cos^exponent.

        document1, document2  texts, cut as the training text was, or lists of words; unknown words are passed over
        threshold             cosines not above it count as 0

        0 where either has no known word. Sidorov et al. 2014; Charlet & Damnati 2017 for S.

        >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [0.8, 0.6], [0, 1]])
        >>> round(v.soft_cosine("oak", "elm"), 2), v.soft_cosine("oak", "car"), v.soft_cosine("oak", "oak")
        (0.64, 0.0, 1.0)
        """
        from firth.vectors import documents

        return documents.soft_cosine(self, document1, document2, exponent, threshold)

    # ------------------------------------------------------------ pairs

    def similarity(self, w1: Key, w2: Key, *, which: Which = "input") -> float:
        """Cosine of two keys' vectors, a·b / |a||b|; 0 with a zero vector. Raises UnknownKeyError."""
        return float(self.get_vector(w1, True, which=which) @ self.get_vector(w2, True, which=which))

    def distance(self, w1: Key, w2: Key, *, which: Which = "input") -> float:
        """1 - similarity."""
        return 1 - self.similarity(w1, w2, which=which)

    def distances(self, word_or_vector: Item, other_words: Iterable[Key] = (), *, which: Which = "input") -> Floats:
        """1 - cosine with each of `other_words`, f4[words], or, without any, with every key, f4[n]."""
        query, rows = self._unit(word_or_vector, which), self.rows(which)
        others = [self.get_vector(word, True, which=which) for word in items_of(other_words)]
        cosines = np.stack(others) @ query if others else rows.cosines(query)
        return np.subtract(1, cosines, dtype=np.float32)

    def n_similarity(self, ws1: Iterable[Key], ws2: Iterable[Key], *, which: Which = "input") -> float:
        """Cosine of the means of two lists of keys; unknown keys count for nothing. An empty list: ConfigError."""
        one, two = (
            self.get_mean_vector(words, pre_normalize=False, post_normalize=True, which=which) for words in (ws1, ws2)
        )
        return float(one @ two)

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key], *, which: Which = "input") -> Key:
        """The one of `keys_list` with the highest similarity to `key1`, the first of equals."""
        if not len(keys_list):
            raise ConfigError("keys_list is empty: give keys to choose from.")
        best: Key = max(keys_list, key=lambda key: self.similarity(key1, key, which=which))
        return best

    def doesnt_match(self, words: Iterable[Key], *, which: Which = "input") -> Key:
        """The key least similar to the mean of them all; unknown ones are passed over.

        >>> Vectors(["oak", "elm", "car"], [[1, 0], [0.8, 0.6], [0, 2]]).doesnt_match(["elm", "car", "oak"])
        'car'

        Raises ConfigError where none is known.
        """
        known = [word for word in items_of(words) if self._answers(word)]
        if not known:
            raise ConfigError("None of the words is known: give keys of this table.")
        units = np.stack([self.get_vector(word, True, which=which) for word in known])
        scores = units @ unit(units.mean(axis=0))
        worst: Key = min(zip(scores.tolist(), known, strict=True))[1]
        return worst

    def closer_than(self, key1: Key, key2: Key, *, which: Which = "input") -> list[str]:
        """Keys more similar to `key1` than `key2` is, in the table's order, without `key1`."""
        query, second = self._unit(key1, which), self.get_index(key2, -1)
        cosines = self.rows(which).cosines(query)
        bound = cosines[second] if second >= 0 else np.float32(self._unit(key2, which) @ query)
        first = self.get_index(key1, -1)
        return [self.index_to_key[place] for place in np.flatnonzero(cosines > bound).tolist() if place != first]

    def rank(self, key1: Key, key2: Key, *, which: Which = "input") -> int:
        """1 + the number of keys more similar to `key1` than `key2` is: 1 for the nearest neighbour."""
        return len(self.closer_than(key1, key2, which=which)) + 1

    # ------------------------------------------------------------ PyTorch

    def to_torch(
        self, freeze: bool = True, *, padding: bool = True, which: Which = "input"
    ) -> tuple["torch.nn.Embedding", dict[str, int]]:
        """A `torch.nn.Embedding` of the vectors, and the id of each key in it.

        freeze   False: the layer learns
        padding  row 0 is zeros and stays so (`padding_idx=0`), and ids begin at 1; False: ids are rows

        Needs the extra `lm`. `Vectors.from_torch` is the way back.
        """
        from firth.vectors import torch_layer

        return torch_layer.to_layer(self.index_to_key, np.asarray(self._table(which)), freeze, padding)

    @classmethod
    def from_torch(cls, layer: Any, ids: Mapping[str, int]) -> "Vectors":
        """The rows of a `torch.nn.Embedding` (or of a weight tensor) that have a key: ids[key] is its row."""
        from firth.vectors import torch_layer

        return cls(*torch_layer.from_layer(layer, ids))

    # ------------------------------------------------------------ files and scores (imported when asked)

    def plot(
        self,
        words: Iterable[str] | None = None,
        *,
        nearest_to: Iterable[str] | None = None,
        most_frequent: int | None = None,
        arrows: Iterable[tuple[str, str]] | None = None,
        topn: int = 10,
        method: Literal["pca", "tsne", "umap"] = "pca",
        seed: int = 1,
        which: Which = "input",
        title: str | None = None,
    ) -> "Picture":
        """Words on a plane; `.save("map.png")` (or .svg, .pdf, .html) draws them.

        words          these words
        nearest_to     and these, each with its `topn` nearest, in a colour of their own
        most_frequent  and so many first keys; 200 where nothing else is asked for
        arrows         pairs of words, (man, woman), to draw an arrow between
        method         "pca" keeps directions, so that arrows mean something; "tsne" and "umap" keep neighbours together

        Raises UnknownKeyError, and MissingExtraError without firth[explore].

        >>> v = Vectors(["man", "woman", "king", "queen"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]])
        >>> v.plot(arrows=[("man", "woman"), ("king", "queen")]).arrows.tolist()
        [[0, 1], [2, 3]]
        """
        from firth.explore.picture import picture

        return picture(
            self,
            words,
            nearest_to=nearest_to,
            most_frequent=most_frequent,
            arrows=arrows,
            topn=topn,
            method=method,
            seed=seed,
            which=which,
            title=title,
        )

    def save(self, path: str | PathLike[str], format: str = "native") -> None:
        """Write to `path`, a folder or a file by the format's kind; `firth.formats.FORMATS` names them. Atomic."""
        from firth import formats

        formats.save(self, path, format=format)

    @staticmethod
    def load(path: str | PathLike[str], **options: Any) -> "Vectors":
        """`firth.load`."""
        from firth import loading

        return loading.load_vectors(path, **options)

    def save_word2vec_format(self, fname: str | PathLike[str], binary: bool = False) -> None:
        """Write a word2vec file, text or binary."""
        self.save(fname, format="word2vec-binary" if binary else "word2vec")

    @classmethod
    def load_word2vec_format(
        cls, fname: str | PathLike[str], binary: bool = False, unicode_errors: str = "strict"
    ) -> "Vectors":
        """Read a word2vec file, text or binary; `unicode_errors` is "strict", "replace" or "ignore"."""
        return cls.load(fname, format="word2vec-binary" if binary else "word2vec", errors=unicode_errors)

    def evaluate_word_analogies(
        self,
        analogies: str | PathLike[str],
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        *,
        which: Which = "input",
    ) -> tuple[float, list[dict[str, Any]]]:
        """(accuracy, sections) as gensim gives them; `firth.evaluate.analogy.analogies` says more."""
        from firth.evaluate import analogy

        found = analogy.analogies(
            self,
            analogies,
            restrict_vocab=restrict_vocab,
            case_insensitive=case_insensitive,
            dummy4unknown=dummy4unknown,
            which=which,
        )
        sections = [
            {"section": part.name, "correct": [*part.correct], "incorrect": [*part.incorrect]}
            for part in (*found.sections, found.total)
        ]
        return found.accuracy, sections

    def evaluate_word_pairs(
        self,
        pairs: str | PathLike[str],
        delimiter: str | None = None,
        encoding: str = "utf8",
        restrict_vocab: int | None = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        *,
        which: Which = "input",
    ) -> tuple[tuple[float, float], tuple[float, float], float]:
        """((Pearson, p), (Spearman, p), percent unknown), as gensim; `firth.evaluate.similarity.pairs` says more."""
        from firth.evaluate import similarity

        found = similarity.pairs(
            self,
            pairs,
            delimiter=delimiter,
            encoding=encoding,
            restrict_vocab=restrict_vocab,
            case_insensitive=case_insensitive,
            dummy4unknown=dummy4unknown,
            which=which,
        )
        return (found.pearson, found.pearson_p), (found.spearman, found.spearman_p), 100 * (1 - found.coverage)
