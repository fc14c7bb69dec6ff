"""Spherical k-means: planted groups, the sum that it makes small, repeats."""

import numpy as np
import pytest

from firth import Vectors
from firth.errors import ConfigError
from firth.vectors.clusters import assigned, lloyd, seeds
from firth.vectors.nearest import unit

RNG = np.random.default_rng(5)


def planted(groups: int = 6, each: int = 40, dim: int = 10, noise: float = 0.15) -> Vectors:
    middles = np.linalg.qr(RNG.normal(size=(dim, dim)))[0][:groups]
    sizes = [each + 3 * group for group in range(groups)]
    array = np.concatenate(
        [middle + noise * RNG.normal(size=(size, dim)) for middle, size in zip(middles, sizes, strict=True)]
    )
    keys = [f"{'甲乙丙丁戊己'[group]}{place}" for group, size in enumerate(sizes) for place in range(size)]
    return Vectors(keys, array * RNG.uniform(0.1, 9, (len(array), 1)), counts=np.arange(len(keys), 0, -1))


V = planted()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_planted_groups_are_found(seed: int) -> None:
    best = min((V.clusters(6, seed=seed + 10 * again) for again in range(4)), key=lambda found: found.spread)
    groups = [{key[0] for key in each["keys"]} for each in best.to_dict()]
    assert all(len(group) == 1 for group in groups)
    assert best.sizes.tolist() == [55, 52, 49, 46, 43, 40]


def test_the_same_seed_gives_the_same_groups() -> None:
    one, two = V.clusters(7, seed=4), V.clusters(7, seed=4)
    assert np.array_equal(one.labels, two.labels)
    assert np.array_equal(one.centres, two.centres)
    assert any(not np.array_equal(one.labels, V.clusters(7, seed=seed).labels) for seed in range(5, 9))


def test_every_pass_makes_the_sum_smaller() -> None:
    spreads = [V.clusters(9, seed=1, passes=passes).spread for passes in (1, 2, 4, 30)]
    assert spreads == sorted(spreads, reverse=True)
    assert spreads[0] > spreads[-1]


def test_everybody_is_with_the_nearest_centre() -> None:
    found = V.clusters(5, seed=1)
    cosines = V.get_normed_vectors() @ found.centres.T
    np.testing.assert_allclose(
        np.take_along_axis(cosines, found.labels[:, None], 1)[:, 0], cosines.max(axis=1), atol=1e-5
    )
    np.testing.assert_allclose(found.cosines, cosines.max(axis=1), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-5)
    assert found.members(0, 3) == sorted(found.members(0), key=lambda pair: -pair[1])[:3]


def test_means_are_those_of_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    points = unit(V.vectors)
    start = seeds(points, 6, np.random.default_rng(0))
    ours = lloyd(points, start, 30)
    theirs = cluster.KMeans(6, init=start, n_init=1, max_iter=30, tol=0, algorithm="lloyd").fit(points)
    np.testing.assert_allclose(ours, theirs.cluster_centers_, atol=1e-4)
    assert np.array_equal(assigned(points, ours)[0], theirs.labels_)


def test_seeds_are_far_from_each_other() -> None:
    """Two groups of very unequal size: by k-means++ the small one is nearly always met."""
    points = np.concatenate([np.zeros((1000, 2)), np.full((3, 2), 100.0)]).astype(np.float32)
    points[:1000] += RNG.normal(size=(1000, 2)).astype(np.float32)
    met = [seeds(points, 2, np.random.default_rng(seed)).max() > 50 for seed in range(40)]
    assert np.mean(met) > 0.9


def test_a_group_that_is_nobodys_gets_the_lonely() -> None:
    points = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    centres = lloyd(unit(points), unit(np.array([[1, 0], [-1, -1], [-1, -0.9]], np.float32)), 5, spherical=True)
    assert set(assigned(unit(points), centres)[0].tolist()) == {0, 1, 2}


def test_some_keys_alone() -> None:
    found = V.clusters(2, where={"prefix": ["甲", "乙"]})
    assert {key[0] for key in found.keys} == {"甲", "乙"}
    assert len(V.clusters(2, restrict_vocab=10).keys) == 10
    assert "keys in 2 clusters" in str(found)


@pytest.mark.parametrize(("v", "k"), [(V, 0), (V, 10_000), (V, 2.0), (V, True), (V, "3")])
def test_a_k_that_cannot_be_is_refused(v: Vectors, k: int) -> None:
    with pytest.raises(ConfigError, match="k must be"):
        v.clusters(k)


def test_odd_tables() -> None:
    assert V.subset([]).clusters(1).keys == []
    same = Vectors(["a", "b", "c"], np.ones((3, 2)))
    assert len(same.clusters(3).labels) == 3
    zeros = Vectors(["a", "b", "c"], np.zeros((3, 2)))
    assert np.isfinite(zeros.clusters(2).cosines).all()
