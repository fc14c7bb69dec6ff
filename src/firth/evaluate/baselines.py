"""What any recommender has to beat: how common items are, what was had together, what came next."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, MissingExtraError
from firth.vectors.nearest import Floats
from firth.vectors.recommend import Histories

if TYPE_CHECKING:
    from firth.corpus.sessions import Sessions


class Popularity:
    """score(c) = count_c, whatever the history."""

    def __init__(self, sessions: "Sessions") -> None:
        self.items = sessions.items
        self.counts = sessions.counts

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items]"""
        found: Floats = np.tile(self.counts.astype(np.float32), (len(histories.offsets) - 1, 1))
        return found


class ItemKNN:
    """score(c) = Σ_{j in history} |sessions of c and j| / √(|sessions of c| |sessions of j|): the cosine of columns.

    recent      the last so many items of a history count; 0: all
    neighbours  each item's so many nearest alone count; 0: all

    Sarwar, Karypis, Konstan & Riedl 2001; Deshpande & Karypis 2004.
    """

    def __init__(self, sessions: "Sessions", *, recent: int = 0, neighbours: int = 0) -> None:
        self.items = sessions.items
        self.recent = recent
        held = _matrix(sessions)
        together = (held.T @ held).astype(np.float64).tocsr()
        lengths = np.sqrt(np.maximum(together.diagonal(), 1))
        together.setdiag(0)
        together.eliminate_zeros()
        scale = _diagonal(1 / lengths)
        self.cosines: Any = (scale @ together @ scale).astype(np.float32).tocsr()
        if neighbours:
            self.cosines = _nearest_alone(self.cosines, neighbours)

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items]"""
        return _dense(histories.last(self.recent).matrix(len(self.items)) @ self.cosines)


class Bigrams:
    """score(c) = how often c came right after the last item of the history; of equals, the more common one."""

    def __init__(self, sessions: "Sessions") -> None:
        from scipy import sparse

        self.items = sessions.items
        inside = np.ones(len(sessions.tokens), np.bool_)
        inside[sessions.offsets[1:] - 1] = False
        first = np.flatnonzero(inside)
        pairs = sessions.tokens[first], sessions.tokens[first + 1]
        shape = (len(self.items), len(self.items))
        self.after = sparse.csr_matrix((np.ones(len(first), np.float32), pairs), shape)
        self.common = (0.5 * sessions.counts / max(1, sessions.counts.max())).astype(np.float32)

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items]"""
        found: Floats = _dense(histories.last(1).matrix(len(self.items)) @ self.after) + self.common
        return found


class ImplicitBPR:
    """Matrix factorisation by Bayesian personalised ranking, as `implicit` does it; Rendle et al. 2009.

    It has a vector for each session of the training log, so it answers for those alone: others get popularity.
    Needs `implicit`: MissingExtraError without.
    """

    def __init__(self, sessions: "Sessions", *, threads: int = 1, seed: int = 1, **options: Any) -> None:
        try:
            from implicit.bpr import BayesianPersonalizedRanking
        except ImportError:
            raise MissingExtraError("This baseline needs implicit: pip install implicit") from None
        self.items = sessions.items
        self.common = (sessions.counts / max(1, sessions.counts.max())).astype(np.float32)
        model = BayesianPersonalizedRanking(random_state=seed, num_threads=threads, **options)
        model.fit(_matrix(sessions), show_progress=False)
        self.users, self.factors = np.asarray(model.user_factors), np.asarray(model.item_factors)

    def scores(self, histories: Histories) -> Floats:
        """f4[histories, items]"""
        found: Floats = self.users[np.maximum(histories.sessions, 0)] @ self.factors.T
        found[histories.sessions < 0] = self.common
        return found


def baselines(sessions: "Sessions", names: str = "popularity,item-knn,bigrams,bpr") -> dict[str, Any]:
    """The baselines of these names, learnt from the training sessions; "bpr" is left out where implicit is missing.

    Raises ConfigError for a name that is not one of BASELINES.
    """
    found: dict[str, Any] = {}
    for name in names.split(","):
        if name not in BASELINES:
            raise ConfigError(f"There is no baseline {name!r}. There are: {', '.join(BASELINES)}.")
        try:
            found[name] = BASELINES[name](sessions)
        except MissingExtraError:
            if name != "bpr":
                raise
    return found


BASELINES: dict[str, Any] = {"popularity": Popularity, "item-knn": ItemKNN, "bigrams": Bigrams, "bpr": ImplicitBPR}


def _matrix(sessions: "Sessions") -> Any:
    """Sparse f4[sessions, items], 1 where a session has an item."""
    from scipy import sparse

    rows = np.repeat(np.arange(len(sessions)), np.diff(sessions.offsets))
    held = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, sessions.tokens)), (len(sessions), len(sessions.items))
    )
    held.data[:] = 1
    return held


def _diagonal(values: NDArray[np.float64]) -> Any:
    from scipy import sparse

    return sparse.diags(values)


def _nearest_alone(cosines: Any, neighbours: int) -> Any:
    """Each row's highest cosines, the others 0."""
    for row in range(cosines.shape[0]):
        part = slice(cosines.indptr[row], cosines.indptr[row + 1])
        values = cosines.data[part]
        if len(values) > neighbours:
            values[np.argsort(-values, kind="stable")[neighbours:]] = 0
    cosines.eliminate_zeros()
    return cosines


def _dense(product: Any) -> Floats:
    found: Floats = product.toarray().astype(np.float32)
    return found
