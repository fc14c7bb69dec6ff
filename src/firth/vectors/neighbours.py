"""Which keys are near: the questions of `Vectors` whose answers are (key, score) lists."""

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firth.errors import ConfigError
from firth.vectors.analogy import Item, Key, Side, is_key, terms, three_cos_mul
from firth.vectors.lookup import Lookup, Which, items_of
from firth.vectors.nearest import Floats, Ids, Metric, metric_of, top, unit

if TYPE_CHECKING:
    from firth.vectors.index import Index
    from firth.vectors.where import Where

Scored = list[tuple[str, float]]


class Neighbours(Lookup):
    """What is near a key, a vector, or a sum of those.

    What all these questions understand:

    topn            how many; less than 1: an empty list; None, where it may be: every score, f4[n], as gensim
    restrict_vocab  look among the first so many rows alone (the most frequent keys); None or 0: all
    where           which keys may be an answer: {"prefix": …}, {"regex": …}, {"min_count": …}, or a list of keys;
                    `firth.vectors.where.rows_where` says more. None: every key
    metric          "cosine"; "dot", the product of the vectors as they are; "euclidean", the distance between them as
                    they are, the nearest first
    index           None: look at every row; "hnsw": ask the index that `build_index` made, which may miss some

    Of equal scores the lower row comes first.
    """

    index: "Index | None" = None
    """The graph that `build_index` made, or that was saved with the table."""

    @overload
    def most_similar(
        self,
        positive: Side = ...,
        negative: Side = ...,
        topn: int = ...,
        restrict_vocab: int | None = ...,
        *,
        where: "Where" = ...,
        metric: Metric = ...,
        index: Literal["hnsw"] | None = ...,
        which: Which = ...,
    ) -> Scored: ...
    @overload
    def most_similar(
        self,
        positive: Side = ...,
        negative: Side = ...,
        *,
        topn: None,
        restrict_vocab: int | None = ...,
        where: "Where" = ...,
        metric: Metric = ...,
        which: Which = ...,
    ) -> Floats: ...
    def most_similar(
        self,
        positive: Side = None,
        negative: Side = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
        *,
        where: "Where" = None,
        metric: Metric = "cosine",
        index: Literal["hnsw"] | None = None,
        which: Which = "input",
    ) -> Scored | Floats:
        """The keys nearest to the sum of the positive less the negative ones (3CosAdd), best first.

        positive, negative  a key, a vector (numpy array), a (key or vector, weight) pair, or a list of those; for the
                            cosine keys' vectors are scaled to length 1 first, given vectors are not

        The given keys themselves are left out. The other arguments are those of the class.

        >>> from firth import Vectors
        >>> v = Vectors(
        ...     ["man", "woman", "king", "queen", "apple"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1], [0, -1, 0]]
        ... )
        >>> v.most_similar(positive=["woman", "king"], negative=["man"], topn=1)[0][0]
        'queen'
        >>> v.most_similar("king", topn=1, where={"regex": "^a"}), v.most_similar("king", topn=1, metric="euclidean")
        ([('apple', 0.0)], [('man', 1.0)])

        Raises UnknownKeyError, and ConfigError where neither side has an item.
        """
        if (topn := _count(topn)) == 0:
            return []
        items, weights = terms(positive, negative)
        if metric_of(metric) == "cosine":
            target = self.get_mean_vector(items, weights, post_normalize=True, ignore_missing=False, which=which)
        else:
            mean = self.get_mean_vector(items, weights, pre_normalize=False, ignore_missing=False, which=which)
            target = mean * np.float32(np.abs(weights).sum())
        given = {self.get_index(item, -1) for item in items if not isinstance(item, np.ndarray)}
        among = self._among(where)
        if topn is None:
            return self.rows(which).scores(target, _limit(restrict_vocab), among=among, metric=metric)
        search = self._search(restrict_vocab, among, metric, index, which)
        places, scores = search(target[None], topn + len(given))
        return self._scored(places[0], scores[0], given, topn)

    @overload
    def most_similar_cosmul(
        self,
        positive: Side = ...,
        negative: Side = ...,
        topn: int = ...,
        restrict_vocab: int | None = ...,
        *,
        where: "Where" = ...,
        which: Which = ...,
    ) -> Scored: ...
    @overload
    def most_similar_cosmul(
        self,
        positive: Side = ...,
        negative: Side = ...,
        *,
        topn: None,
        restrict_vocab: int | None = ...,
        where: "Where" = ...,
        which: Which = ...,
    ) -> Floats: ...
    def most_similar_cosmul(
        self,
        positive: Side = None,
        negative: Side = None,
        topn: int | None = 10,
        restrict_vocab: int | None = None,
        *,
        where: "Where" = None,
        which: Which = "input",
    ) -> Scored | Floats:
        """The keys with the highest Π s(x, positive) / (Π s(x, negative) + 10⁻⁶), s = (1 + cos) / 2: 3CosMul.

        No single one of several likenesses rules the sum, as it may in 3CosAdd. Arguments as those of `most_similar`;
        the given keys are left out. Weights have no place in a product: ConfigError. Levy & Goldberg 2014, eq. 4.

        >>> from firth import Vectors
        >>> v = Vectors(["man", "woman", "king", "queen"], [[1, 0, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1]])
        >>> v.most_similar_cosmul(positive=["woman", "king"], negative=["man"], topn=1)[0][0]
        'queen'
        """
        if (topn := _count(topn)) == 0:
            return []
        items, weights = terms(positive, negative)
        if not {*weights} <= {1.0, -1.0}:
            raise ConfigError("3CosMul multiplies and divides: it has no weights. Use most_similar for those.")
        if 1.0 not in weights:
            raise ConfigError("3CosMul needs something positive to be near to.")
        units = [
            self._given(item) if isinstance(item, np.ndarray) else self.get_vector(item, True, which=which)
            for item in items
        ]
        among, limit = self._among(where), _limit(restrict_vocab)
        scores = three_cos_mul(self.rows(which), np.array(units), np.array(weights) > 0, limit, among)
        if topn is None:
            return scores
        given = {self.get_index(item, -1) for item in items if not isinstance(item, np.ndarray)}
        places = top(scores, topn + len(given))
        return self._scored(places if among is None else among[places], scores[places], given, topn)

    def similar_by_key(
        self, key: Key, topn: int | None = 10, restrict_vocab: int | None = None, *, which: Which = "input"
    ) -> Scored | Floats:
        """`most_similar` of one key."""
        return self.most_similar([key], topn=topn, restrict_vocab=restrict_vocab, which=which)

    similar_by_word = similar_by_key

    def similar_by_vector(
        self, vector: ArrayLike, topn: int | None = 10, restrict_vocab: int | None = None, *, which: Which = "input"
    ) -> Scored | Floats:
        """`most_similar` of one vector f4[dim]; no key is left out."""
        return self.most_similar([np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab, which=which)

    def nearest(
        self,
        queries: Key | Iterable[Item] | Floats,
        topn: int = 10,
        restrict_vocab: int | None = None,
        *,
        where: "Where" = None,
        metric: Metric = "cosine",
        index: Literal["hnsw"] | None = None,
        which: Which = "input",
    ) -> list[Scored]:
        """The nearest keys of many queries at once, by blocked matrix products: a (key, score) list for each.

        queries  a list of keys and vectors, or an array f4[q, dim]; one key or vector f4[dim] is a list of one

        A query that is a key is left out of its own list. The other arguments are those of the class.

        >>> from firth import Vectors
        >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [0.8, 0.6], [0, 2]])
        >>> [near[0][0] for near in v.nearest(["oak", "car"], topn=1)]
        ['elm', 'elm']
        """
        wanted = _count(topn)
        if wanted is None:
            raise ConfigError("topn must be a whole number: for all cosines of one query ask most_similar(topn=None).")
        search = self._search(restrict_vocab, self._among(where), metric_of(metric), index, which)
        targets, given = self._targets(queries, metric, which)
        own = int(max(given, default=-1) >= 0)  # room for the query itself
        places, scores = search(targets, wanted + own if wanted else 0)
        answers = zip(places, scores, given, strict=True)
        return [self._scored(found, score, {query}, wanted) for found, score, query in answers]

    def build_index(
        self,
        *,
        recall: float = 0.95,
        connectivity: int = 16,
        expansion_add: int = 128,
        threads: int | None = None,
        which: Which = "input",
    ) -> "Index":
        """Build an HNSW graph over the rows, for `index="hnsw"`; saved with the table, and opened with it.

        recall         look at as few candidates a query as find this share of the exact ten nearest
        connectivity   ties of a row: more find more, and take more memory
        expansion_add  candidates while a row finds its place: more make a better graph, and take longer
        threads        None: as many as there are

        What it found is said on stderr and kept as `index`. Of a mapped model the graph is mapped too. Needs usearch:
        `pip install 'firth[ann]'`; MissingExtraError without. Malkov & Yashunin 2018.
        """
        from firth.vectors.index import build

        options = {"recall": recall, "connectivity": connectivity, "expansion_add": expansion_add}
        self.index = build(self, threads=threads, which=which, **options)  # type: ignore[arg-type]
        print(f"firth: {self.index}", file=sys.stderr)
        return self.index

    # ------------------------------------------------------------ inside

    def _targets(
        self, queries: Key | Iterable[Item] | Floats, metric: Metric, which: Which
    ) -> tuple[Floats, list[int]]:
        """The vectors to look for, f4[q, dim] (of length 1 for the cosine), and each one's own row, -1 for none."""
        if isinstance(queries, np.ndarray) and queries.ndim == 2:
            found, given = self._given(queries, ndim=2), [-1] * len(queries)
        else:
            items = items_of(queries)
            own = [self.get_vector(item, which=which) if is_key(item) else self._given(item) for item in items]
            found = np.array(own, np.float32).reshape(-1, self.dim)
            given = [-1 if isinstance(item, np.ndarray) else self.get_index(item, -1) for item in items]
        return unit(found) if metric == "cosine" else found, given

    def _search(
        self, restrict_vocab: Any, among: Ids | None, metric: Metric, index: Any, which: Which
    ) -> Callable[[Floats, int], tuple[Ids, Floats]]:
        """What finds the k nearest rows of f4[q, dim]."""
        limit = _limit(restrict_vocab)
        if index is None:
            rows = self.rows(which)
            return lambda queries, k: rows.nearest(queries, k, limit, among=among, metric=metric)
        if index != "hnsw":
            raise ConfigError(f"index must be None or 'hnsw', not {index!r}.")
        if limit is not None or among is not None or metric != "cosine":
            raise ConfigError(
                "The index finds the nearest of all keys by the cosine. For where=, restrict_vocab= or another metric "
                "leave index= out."
            )
        found = self.index
        if found is None or found.which != which:
            raise ConfigError(f"There is no index of the {which} vectors. Build one: build_index(which={which!r}).")
        return lambda queries, k: found.nearest(self.rows(which), queries, k)

    def _among(self, where: "Where") -> Ids | None:
        """The rows that may be an answer; None: all."""
        if where is None:
            return None
        from firth.vectors.where import rows_where

        return rows_where(self, where)

    def _scored(self, places: NDArray[np.int64], scores: Floats, given: set[int], topn: int) -> Scored:
        """(key, score) of the rows found, without the given ones."""
        keys = self.index_to_key
        pairs = zip(places.tolist(), scores.tolist(), strict=True)
        return [(keys[place], score) for place, score in pairs if place not in given][:topn]


def _count(topn: Any) -> int | None:
    """None, or a number, 0 for anything less."""
    if topn is None:
        return None
    if not isinstance(topn, int | np.integer) or isinstance(topn, bool):
        raise ConfigError(f"topn must be a whole number or None, not {topn!r}.")
    return max(0, int(topn))


def _limit(restrict_vocab: Any) -> int | None:
    """How many rows to look at; None: all."""
    if restrict_vocab is None:
        return None
    if not isinstance(restrict_vocab, int | np.integer) or isinstance(restrict_vocab, bool) or restrict_vocab < 0:
        raise ConfigError(f"restrict_vocab must be a whole number, at least 0, or None, not {restrict_vocab!r}.")
    return int(restrict_vocab) or None
