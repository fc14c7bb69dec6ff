"""ProNE: a factorised matrix, smoothed along the edges. No passes, no walks: seconds.

Zhang, Dong, Wang, Tang & Ding 2019, "ProNE: Fast and Scalable Network Representation Learning".
"""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import firth
from firth import machine
from firth.config import Config, config, option
from firth.corpus.graphs import Graph
from firth.errors import ConfigError, MemoryLimitError
from firth.vectors.table import Vectors

Floats = npt.NDArray[np.float32]


@config
class ProNE(Config):
    """Sparse factorisation, then spectral propagation.

    1. R = U_d Σ_d^½ of the truncated SVD of M, M_ij = ln(p_ij) - ln(λ P_j) on the edges, p_ij = A_ij / d_i,
       P_j ∝ (Σ_i p_ij)^ns_exponent (eq. 4 to 6)
    2. R ← (I + A) (R - g(L) R), g a Gaussian on the spectrum of the Laplacian L, as a Chebyshev series (eq. 9 to 12);
       then once more an SVD, so that the columns are orthogonal

    Edges are taken without their direction. Rows have length 1; nodes without an edge have zeros.

    >>> graph = Graph(["a b", "b c", "c a", "c d", "d e", "e f", "f d"])
    >>> vectors = ProNE(dim=2, seed=1).fit(graph)
    >>> [key for key, _ in vectors.most_similar("a", topn=2)]
    ['b', 'c']
    """

    name: ClassVar[str] = "prone"

    dim: int = option(default=128, at_least=1)
    """Numbers in a vector; fewer than there are nodes."""
    ns_exponent: float = option(default=1.0)
    """Flattens the distribution P that edges are held against, as word2vec's noise; 0.75 in the authors' program."""
    negatives: float = option(default=1.0, above=0)
    """λ: how many noise nodes an edge is held against."""
    order: int = option(default=10, at_least=1)
    """Terms of the Chebyshev series; 1: no propagation."""
    theta: float = option(default=0.5, above=0)
    """How narrow the band is: the Gaussian's sharpness."""
    mu: float = option(default=0.0)
    """The middle of the band, on the Laplacian's spectrum of 0 to 2; 0.2 in the authors' program."""
    power_iterations: int = option(default=5, at_least=0)
    """Of the randomised SVD: more are more exact."""
    seed: int = option(default=1, at_least=0)
    """Of the randomised SVD. The same seed gives the same numbers."""

    def fit(self, source: Any) -> Vectors:
        """A vector for every node of a `firth.Graph`, or of anything that one is made from, in its order.

        Raises ConfigError where `dim` is not below the number of nodes, MemoryLimitError, and what reading the source
        raises.
        """
        graph = Graph.of(source)
        nodes = len(graph)
        if self.dim >= nodes:
            raise ConfigError(f"dim must be less than the number of nodes, {nodes:,}, not {self.dim:,}.")
        _refuse_what_cannot_fit(nodes, self.dim, len(graph.targets))
        adjacency = graph.matrix if not graph.directed else graph.matrix.maximum(graph.matrix.T.tocsr())
        random = np.random.default_rng(self.seed)
        found = _scaled(*_truncated_svd(self._matrix(adjacency), self.dim, self.power_iterations, random))
        if self.order > 1:
            found = _orthogonal(_propagated(adjacency, found, self.order, self.mu, self.theta))
        degrees = np.diff(adjacency.indptr).astype(np.int64)
        found[degrees == 0] = 0.0  # what is there is rounding, stretched to length 1
        return Vectors(
            graph.keys,
            found,
            counts=degrees,
            config={"model": {"name": self.name, **self.to_dict()}, "graph": graph.options()},
            provenance={"firth": firth.__version__, "numpy": np.__version__, "nodes": nodes, "edges": graph.edges},
        )

    def _matrix(self, adjacency: Any) -> Any:
        """M, as sparse as the graph."""
        transitions = _row_stochastic(adjacency)
        noise = np.asarray(transitions.sum(axis=0), np.float64).reshape(-1) ** self.ns_exponent
        noise /= noise.sum()
        with np.errstate(divide="ignore"):  # a node that no edge leads to is in no cell
            chance = np.log(self.negatives * noise)
        matrix = transitions.copy()
        matrix.data = (np.log(transitions.data) - chance[transitions.indices]).astype(np.float32)
        return matrix


def _row_stochastic(adjacency: Any) -> Any:
    """D^-1 A; rows of zeros stay."""
    sums = np.asarray(adjacency.sum(axis=1, dtype=np.float64)).reshape(-1)
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    found = adjacency.copy()
    found.data = (adjacency.data * np.repeat(scale, np.diff(adjacency.indptr))).astype(np.float32)
    return found


def _truncated_svd(matrix: Any, dim: int, iterations: int, random: np.random.Generator) -> tuple[Floats, Floats]:
    """U f4[n, dim] and Σ f4[dim] of a sparse matrix: Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1."""
    import scipy.linalg

    columns = min(dim + 10, matrix.shape[0])
    transposed = matrix.T.tocsr()
    basis = matrix @ random.standard_normal((matrix.shape[1], columns), dtype=np.float32)
    for _ in range(iterations):
        basis = _orthonormal(transposed @ _orthonormal(basis))
        basis = matrix @ basis
    basis = _orthonormal(basis)
    left, scales, _ = scipy.linalg.svd((transposed @ basis).T, full_matrices=False, check_finite=False)
    return (basis @ left[:, :dim]).astype(np.float32), scales[:dim].astype(np.float32)


def _orthonormal(table: Floats) -> Floats:
    import scipy.linalg

    found: Floats = scipy.linalg.qr(table, mode="economic", check_finite=False)[0]
    return found


def _scaled(left: Floats, scales: Floats) -> Floats:
    """U Σ^½ with rows of length 1, each column's largest number positive: the same on every machine."""
    found = left * np.sqrt(scales)
    found *= np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, np.float32(-1), np.float32(1))
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    rows: Floats = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return rows


def _orthogonal(table: Floats) -> Floats:
    import scipy.linalg

    left, scales, _ = scipy.linalg.svd(table, full_matrices=False, check_finite=False)
    return _scaled(left, scales)


def _propagated(adjacency: Any, table: Floats, order: int, mu: float, theta: float) -> Floats:
    """(I + A) (R - g(L) R), L = I - D^-1 (I + A).

    g(λ) = exp(-θ x) with x = ½ (λ - μ)² - 1, as the series Σ_i c_i (-1)^i I_i(θ) T_i(x): c_0 = 1 and c_i = 2, I_i the
    modified Bessel functions, T_i Chebyshev's polynomials, T_(i+1) = 2 x T_i - T_(i-1). As the authors' code has it.
    """
    import scipy.sparse
    from scipy.special import iv

    around = scipy.sparse.identity(adjacency.shape[0], dtype=np.float32, format="csr") + adjacency
    smoother = _row_stochastic(scipy.sparse.csr_array(around))

    def shifted(x: Floats) -> Floats:
        """(L - μ) x with L = I - D^-1 A."""
        found: Floats = np.float32(1 - mu) * x - smoother @ x
        return found

    before, term = table, np.float32(0.5) * shifted(shifted(table)) - table
    passed = np.float32(iv(0, theta)) * before - np.float32(2 * iv(1, theta)) * term
    for i in range(2, order):
        before, term = term, shifted(shifted(term)) - 2 * term - before
        passed += np.float32((-1) ** i * 2 * iv(i, theta)) * term
    smoothed: Floats = around @ (table - passed)
    return smoothed


def _refuse_what_cannot_fit(nodes: int, dim: int, links: int) -> None:
    size, room = 4 * nodes * (dim + 10) * 5 + 40 * links, machine.memory_available()
    if room is not None and size > room:
        raise MemoryLimitError(
            f"{nodes:,} nodes of dim {dim:,} need {size / 2**30:,.2f} GiB, but only {room / 2**30:,.2f} GiB of memory "
            "are left to this process. Lower dim."
        )
