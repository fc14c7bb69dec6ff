"""Logistic regression of many labels at once, one against the rest."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS = 2000  # of the solver, at most; it needs a hundred or so


def fitted(features: npt.ArrayLike, labels: npt.ArrayLike, penalty: float = 1.0) -> tuple[Floats, Floats]:
    """Weights f8[labels, dim] and intercepts f8[labels] with the least penalty · Σ log-loss + ½ Σ weights².

    features  f8[n, dim];  labels  b1[n, labels]
    penalty   scikit-learn's C

    Every label is a problem by itself, and all are solved together: one product of matrices a step in place of one of a
    matrix and a vector for each label. L-BFGS, as in scikit-learn's LogisticRegression.

    >>> weights, intercepts = fitted([[0.0], [1.0], [2.0], [3.0]], [[False], [False], [True], [True]])
    >>> bool(weights[0, 0] > 0 > intercepts[0])
    True
    """
    from scipy.optimize import minimize

    x = np.asarray(features, np.float64)
    signs = np.where(np.asarray(labels, np.bool_), 1.0, -1.0)
    n, dim = x.shape
    kinds = signs.shape[1]
    share = penalty * n  # the cost is divided by it, so that the solver's tolerance is of the mean loss

    def cost(flat: Floats) -> tuple[float, Floats]:
        weights, intercepts = flat[: kinds * dim].reshape(kinds, dim), flat[kinds * dim :]
        margins = signs * (x @ weights.T + intercepts)
        loss = np.logaddexp(0.0, -margins).sum() / n + 0.5 * float((weights**2).sum()) / share
        pull = -signs * np.exp(-np.logaddexp(0.0, margins)) / n
        return loss, np.concatenate([(pull.T @ x + weights / share).reshape(-1), pull.sum(axis=0)])

    start = np.zeros(kinds * (dim + 1))
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "gtol": 1e-5, "ftol": 1e-10})
    return found.x[: kinds * dim].reshape(kinds, dim), found.x[kinds * dim :]


def scores(features: npt.ArrayLike, weights: Floats, intercepts: Floats) -> Floats:
    """f8[n, labels]: above 0 where a label's probability is above one half."""
    found: Floats = np.asarray(features, np.float64) @ weights.T + intercepts
    return found
