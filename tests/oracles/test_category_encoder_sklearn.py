"""scikit-learn's own checks of an estimator, and its tools around it."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import firth

sklearn = pytest.importorskip("sklearn")
torch = pytest.importorskip("torch")

# Cross-fitted: a table is encoded otherwise while it is learnt from than later.
CROSS_FITTED = {
    "check_transformer_general": "fit_transform(X, y) is cross-fitted",
    "check_transformer_data_not_an_array": "fit_transform(X, y) is cross-fitted",
}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["target", "network", "columns"])
def test_check_estimator(how: str) -> None:
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    encoder = firth.CategoryEncoder(learn_from="columns" if how == "columns" else "auto", epochs=1)
    encoder.hidden = 32 if how == "network" else 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {} if how == "columns" else CROSS_FITTED
        results = checks.check_estimator(encoder, on_fail=None, on_skip=None, expected_failed_checks=expected)
    failed = [(each["check_name"], str(each["exception"])) for each in results if each["status"] == "failed"]
    assert failed == []
    assert sum(each["status"] == "passed" for each in results) > 30


def table() -> tuple[pd.DataFrame, Any]:
    draw = np.random.default_rng(0)
    shop = draw.integers(0, 30, 400)
    frame = pd.DataFrame({"store": [f"s{i}" for i in shop], "size": draw.random(400)})
    return frame, (shop % 2 == 0) ^ (draw.random(400) < 0.1)


def test_column_transformer_pipeline_and_grid_search() -> None:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    frame, y = table()
    encoded = make_column_transformer((firth.CategoryEncoder(dim=1, hidden=32), ["store"]), remainder="passthrough")
    encoded.set_output(transform="pandas")
    search = GridSearchCV(
        make_pipeline(encoded, LogisticRegression()), {"columntransformer__categoryencoder__epochs": [1, 15]}, cv=2
    )
    search.fit(frame, y)
    assert search.best_params_ == {"columntransformer__categoryencoder__epochs": 15}
    assert search.best_score_ > 0.8
    names = search.best_estimator_[0].get_feature_names_out().tolist()
    assert names == ["categoryencoder__store_0", "remainder__size"]


def test_clone_and_global_output() -> None:
    from sklearn.base import clone

    frame, y = table()
    encoder = firth.CategoryEncoder(dim=1, epochs=1).set_output(transform="pandas")
    other = clone(encoder)
    assert other.get_params() == encoder.get_params()
    assert isinstance(other.fit(frame[["store"]], y).transform(frame[["store"]]), pd.DataFrame)
    with sklearn.config_context(transform_output="polars"):
        found = firth.CategoryEncoder(dim=1, epochs=1).fit(frame[["store"]], y).transform(frame[["store"]])
    assert type(found).__module__.startswith("polars")
