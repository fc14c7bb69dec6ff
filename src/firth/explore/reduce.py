"""Many dimensions on a plane: PCA, t-SNE, UMAP. One table."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, MissingExtraError
from firth.vectors.nearest import Floats

_FIRST = 50  # dimensions that PCA leaves for t-SNE, as van der Maaten & Hinton did
_FEW = 1000  # points, whose labels need room in UMAP's clumps


def plane(rows: Floats, method: str = "pca", seed: int = 1) -> Floats:
    """f4[n, 2] for f4[n, dim]: PCA keeps directions and distances as they are, t-SNE and UMAP keep neighbours together.

    >>> plane(np.eye(3, dtype=np.float32)).shape
    (3, 2)

    Raises ConfigError for an unknown method, MissingExtraError where its package is missing.
    """
    if method not in METHODS:
        raise ConfigError(f"There is no method {method!r}. There are: {', '.join(METHODS)}.")
    if len(rows) < 4:  # too few to have neighbours
        return pca(rows, seed)
    return METHODS[method](rows, seed)


def pca(rows: Floats, seed: int = 1, dims: int = 2) -> Floats:
    """f4[n, dims], the directions of most variance: eigenvectors of the covariance of the columns, f8[dim, dim].

    Each direction points to where its largest number is positive, so that the picture does not flip from run to run;
    directions that the rows do not have are zeros. `seed` plays no part. Pearson 1901.
    """
    del seed
    if not len(rows):
        return np.zeros((0, dims), np.float32)
    mean = rows.mean(axis=0, dtype=np.float64)
    covariance = rows.T.astype(np.float64) @ rows - len(rows) * np.outer(mean, mean)
    _, directions = np.linalg.eigh(covariance)  # ascending
    chosen = directions[:, ::-1][:, :dims]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])
    flat = np.zeros((len(rows), dims), np.float32)
    flat[:, : chosen.shape[1]] = rows @ chosen - mean @ chosen
    return flat


def tsne(rows: Floats, seed: int = 1) -> Floats:
    """openTSNE, from PCA's picture. van der Maaten & Hinton 2008; Poličar et al. 2019."""
    try:
        from openTSNE import TSNE
    except ImportError:
        raise _missing("t-SNE", "openTSNE") from None
    perplexity = min(30.0, (len(rows) - 1) / 3)
    reduced = pca(rows, dims=_FIRST) if rows.shape[1] > _FIRST else rows
    model = TSNE(perplexity=perplexity, n_jobs=-1, random_state=seed, initialization=_small(pca(rows)))
    return _fitted(model.fit, reduced)


def umap(rows: Floats, seed: int = 1) -> Floats:
    """McInnes, Healy & Melville 2018; cosine distances, one thread, because it is seeded."""
    try:
        from umap import UMAP
    except ImportError:
        raise _missing("UMAP", "umap-learn") from None
    many = min(15, len(rows) - 1)
    start = pca(rows)
    apart = 0.5 if len(rows) < _FEW else 0.1
    init = 10 * _small(start) / 1e-4
    model = UMAP(n_neighbors=many, min_dist=apart, metric="cosine", random_state=seed, n_jobs=1, init=init)
    return _fitted(model.fit_transform, rows)


METHODS: Final[dict[str, Callable[[Floats, int], Floats]]] = {"pca": pca, "tsne": tsne, "umap": umap}


def _small(start: Floats) -> NDArray[np.float64]:
    """At the scale that t-SNE begins with: a standard deviation of 1e-4; equal points are told apart by a hair."""
    jitter = np.random.default_rng(0).normal(scale=1e-9, size=start.shape)
    return start / (start[:, 0].std() or 1) * 1e-4 + jitter


def _fitted(fit: Callable[[Floats], object], rows: Floats) -> Floats:
    """The picture; the packages' own warnings and prints are kept from the user, who asked for a picture."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(fit(rows), np.float32)


def _missing(what: str, package: str) -> MissingExtraError:
    return MissingExtraError(f"{what} needs {package}: pip install 'firth[explore]'. method='pca' needs nothing.")
