"""ProNE: against the dense formulas, every option, communities, wrong input."""

import numpy as np
import pytest
from scipy.special import iv

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError

RANDOM = np.random.default_rng(0)
EDGES = [(u, v, 1.0 + (u * v) % 5) for u, v in np.unique(RANDOM.integers(0, 40, (160, 2)), axis=0).tolist()]
GRAPH = firth.Graph(EDGES)
OTHER = {
    "dim": 9,
    "ns_exponent": 0.0,
    "negatives": 5.0,
    "order": 4,
    "theta": 2.0,
    "mu": 0.7,
    "power_iterations": 0,
    "seed": 2,
}


def fit(source=GRAPH, **options):
    return firth.ProNE(**{"dim": 6, **options}).fit(source)


@pytest.mark.parametrize("option", field_names(firth.ProNE))
def test_every_option_does_something(option):
    plain, other = fit(), fit(**{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)


def test_every_option_is_documented():
    assert set(field_docs(firth.ProNE)) == set(field_names(firth.ProNE))


def dense(dim: int, order: int, exponent: float = 1.0, mu: float = 0.0, theta: float = 0.5) -> np.ndarray:
    """The paper's formulas on dense matrices; cosines of rows do not depend on signs and rotations."""
    a = GRAPH.matrix.toarray().astype(float)
    p = a / a.sum(axis=1, keepdims=True)
    noise = p.sum(axis=0) ** exponent
    noise /= noise.sum()
    m = np.zeros_like(a)
    m[a > 0] = (np.log(p, where=a > 0, out=np.zeros_like(p)) - np.log(noise))[a > 0]
    u, s, _ = np.linalg.svd(m)
    r = u[:, :dim] * np.sqrt(s[:dim])
    r /= np.linalg.norm(r, axis=1, keepdims=True)
    if order == 1:
        return r @ r.T
    around = np.eye(len(a)) + a
    laplacian = np.eye(len(a)) - around / around.sum(axis=1, keepdims=True)
    x = 0.5 * np.linalg.matrix_power(laplacian - mu * np.eye(len(a)), 2) - np.eye(len(a))
    terms = [np.eye(len(a)), x]
    while len(terms) < order:
        terms.append(2 * x @ terms[-1] - terms[-2])
    g = sum((1 if i == 0 else 2) * (-1) ** i * iv(i, theta) * term for i, term in enumerate(terms))
    u, s, _ = np.linalg.svd(around @ (r - g @ r), full_matrices=False)
    r = u * np.sqrt(s)
    r /= np.linalg.norm(r, axis=1, keepdims=True)
    return r @ r.T


@pytest.mark.parametrize("order", [1, 2, 10])
def test_it_is_the_paper_s(order):
    found = fit(order=order, power_iterations=60).vectors.astype(float)
    assert np.abs(found @ found.T - dense(6, order)).max() < 2e-4


def test_the_series_is_the_gaussian():
    """Σ c_i (-1)^i I_i(θ) T_i(x) = exp(-θ x)."""
    x = np.linspace(-1, 1, 9)
    series = iv(0, 0.5) + sum(2 * (-1) ** i * iv(i, 0.5) * np.cos(i * np.arccos(x)) for i in range(1, 10))
    assert series == pytest.approx(np.exp(-0.5 * x), abs=1e-6)


def test_communities_are_found():
    names = [[f"{side}{i}" for i in range(12)] for side in "ab"]
    edges = [(u, v) for group in names for u in group for v in group if u < v] + [("a0", "b0")]
    near = [key for key, _ in fit(edges).most_similar("a3", topn=10)]
    assert all(key.startswith("a") for key in near)


def test_bytes_repeat_and_direction_is_passed_over():
    assert fit().vectors.tobytes() == fit().vectors.tobytes()
    turned = firth.Graph([(v, u, w) for u, v, w in EDGES], nodes=GRAPH.keys, directed=True)
    straight = firth.Graph(EDGES, directed=True)
    assert fit(turned).vectors.tobytes() == fit(straight).vectors.tobytes()


def test_more_numbers_than_nodes_are_refused():
    with pytest.raises(ConfigError, match="dim must be less than the number of nodes, 3, not 128"):
        firth.ProNE().fit([("a", "b"), ("b", "c")])
