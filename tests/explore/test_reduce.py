"""The plane: PCA against the singular values, neighbours kept by the others."""

import numpy as np
import pytest

from firth.errors import ConfigError
from firth.explore.reduce import METHODS, pca, plane

RNG = np.random.default_rng(0)


def test_pca_is_the_singular_value_decomposition() -> None:
    rows = RNG.normal(size=(60, 8)).astype(np.float32) + 3
    centred = rows - rows.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    found = pca(rows)
    np.testing.assert_allclose(np.abs(found), np.abs(left[:, :2] * sizes[:2]), atol=1e-4)
    np.testing.assert_allclose(pca(rows[::-1])[::-1], found, atol=1e-4)  # nor is it mirrored


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 1), (3, 2), (5, 1)])
def test_few_points_and_dimensions(shape: tuple[int, int]) -> None:
    rows = np.ones(shape, np.float32)
    for method in METHODS:
        if len(rows) < 4:
            assert plane(rows, method).shape == (shape[0], 2)
    assert np.isfinite(pca(rows)).all() if len(rows) else True


@pytest.mark.slow
@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_clumps_stay_together_and_the_seed_repeats(method: str) -> None:
    pytest.importorskip({"tsne": "openTSNE", "umap": "umap"}[method])
    centres = np.repeat(10 * np.eye(4, 12), 15, axis=0)
    rows = (centres + RNG.normal(size=centres.shape)).astype(np.float32)
    found = plane(rows, method)
    nearest = np.linalg.norm(found[:, None] - found[None], axis=2).argsort(axis=1)[:, 1]
    assert (nearest // 15 == np.arange(60) // 15).mean() > 0.9
    np.testing.assert_array_equal(plane(rows, method), found)


def test_an_unknown_method() -> None:
    with pytest.raises(ConfigError, match="There are: pca, tsne, umap"):
        plane(np.eye(3, dtype=np.float32), "mds")
