"""Encoders of categories: what they learn, never their own row's target, every kind of value and table, files."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import firth
from firth.corpus import tables
from firth.errors import ConfigError, CorruptFileError, InputError, MissingInputError, NotFittedError

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


def shops(rows: int = 600, levels: int = 12, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Shops whose effect rises with their number, colours that say nothing, and a few missing values that say much."""
    draw = np.random.default_rng(seed)
    shop, colour = draw.integers(0, levels, rows), draw.integers(0, 4, rows)
    frame = pd.DataFrame(
        {"store": [f"s{i}" for i in shop], "colour": np.array(["red", "blue", "green", "grey"])[colour]}
    )
    effect = (shop - levels / 2) / levels * 4
    lost = draw.random(rows) < 0.1
    frame.loc[lost, "store"] = None
    effect[lost] = 4
    return frame, effect + 0.3 * draw.standard_normal(rows)


@pytest.fixture(scope="module", params=[0, 32], ids=["line", "network"])
def fitted(request: pytest.FixtureRequest) -> firth.CategoryEncoder:
    return firth.CategoryEncoder(dim=2, hidden=request.param, seed=1).fit(*shops())


# ---------------------------------------------------------------- what is learnt


def test_vectors_follow_what_the_values_mean(fitted: firth.CategoryEncoder) -> None:
    store = fitted.embeddings_["store"]
    effects = store[[f"s{i}" for i in range(12)]][:, 0]
    assert np.corrcoef(effects, range(12))[0, 1] > 0.98
    assert store["<missing>"][0] > effects.max() * 1.2  # it was there, and it said more than any shop
    assert abs(store["<unseen>"][0]) < np.abs(effects).max() / 2  # the mean of all
    colour = fitted.embeddings_["colour"]
    assert np.abs(colour.vectors).max() < np.abs(effects).max() / 10  # says nothing: its prior made it small
    assert store.index_to_key[-2:] == ["<unseen>", "<missing>"]
    assert store.get_vecattr("s1", "count") == (shops()[0]["store"] == "s1").sum()


def test_unseen_and_missing_values_have_vectors_of_their_own(fitted: firth.CategoryEncoder) -> None:
    rows = fitted.transform(pd.DataFrame({"store": ["never", "either", None], "colour": ["red", "red", np.nan]}))
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0, :2], rows[2, :2])
    assert rows[2, 0] != 0
    if fitted.hidden:
        assert rows[0, 0] != 0  # learnt; a straight line takes an unseen value for the mean of its column's prior
    else:
        assert rows[0].tolist() == [0, 0, 0, 0]


KINDS: dict[str, Any] = {
    "regression": lambda effect: effect,
    "binary": lambda effect: np.where(effect > 0, "yes", "no"),
    "multiclass": lambda effect: np.digitize(effect, [-1, 1]),
    "multilabel": lambda effect: np.stack([effect > -1, effect > 1], 1).astype(int),
}


@pytest.mark.parametrize("hidden", [0, 32])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_target(kind: str, hidden: int) -> None:
    frame, effect = shops()
    encoder = firth.CategoryEncoder(dim=2, hidden=hidden).fit(frame, KINDS[kind](effect))
    assert encoder.provenance_["target"] == kind
    assert encoder.provenance_["losses"][-1] < 0.8 * encoder.provenance_["losses"][0]
    effects = encoder.embeddings_["store"][[f"s{i}" for i in range(12)]]
    assert np.abs(np.corrcoef(effects[:, 0], range(12))[0, 1]) > 0.9


def test_without_a_target_values_that_keep_the_same_company_are_near() -> None:
    draw = np.random.default_rng(0)
    city = draw.integers(0, 6, 2000)
    where = np.array(["north", "south"])[city // 3]
    food = np.array([["reindeer", "cod"], ["olives", "figs"]])[city // 3, draw.integers(0, 2, 2000)]
    frame = pd.DataFrame({"city": [f"c{i}" for i in city], "where": where, "food": food})
    encoder = firth.CategoryEncoder(learn_from="columns", dim=2).fit(frame)
    assert not encoder.supervised_
    cities = encoder.embeddings_["city"]
    assert {cities.most_similar("c0", topn=1)[0][0], cities.most_similar("c1", topn=1)[0][0]} <= {"c0", "c1", "c2"}
    assert cities.similarity("c0", "c4") < 0 < cities.similarity("c3", "c4")
    same = firth.CategoryEncoder(learn_from="columns", dim=2).fit(frame, np.arange(2000))
    assert np.array_equal(encoder.transform(frame), same.transform(frame))  # y plays no part
    with pytest.raises(InputError, match="no other for its context"):
        firth.CategoryEncoder().fit(frame[["city"]])


@pytest.mark.parametrize("hidden", [0, 4])
def test_a_target_that_means_nothing_teaches_nothing(hidden: int) -> None:
    """Cross-fitted: a model on the encoded table finds nothing in it, though 400 values come 5 times each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"many": draw.integers(0, 400, 2000).astype(str)})
    y, later = draw.integers(0, 2, 2000), draw.integers(0, 2, 2000)
    encoder = firth.CategoryEncoder(dim=1, hidden=hidden, batch=200, seed=1)
    encoded = encoder.fit_transform(frame, y)
    model = LogisticRegression().fit(encoded, y)
    assert roc_auc_score(y, model.predict_proba(encoded)[:, 1]) < 0.55
    assert abs(roc_auc_score(later, model.predict_proba(encoder.transform(frame))[:, 1]) - 0.5) < 0.04


def test_a_straight_line_is_the_ridge_that_its_priors_make() -> None:
    """At the priors that were found the numbers are the solution of the normal equations."""
    frame, effect = shops()
    encoder = firth.CategoryEncoder().fit(frame, effect)
    columns = pd.get_dummies(frame.fillna("none"))
    many, few = encoder.provenance_["priors"]
    ridge = np.diag([0.0, *np.where(columns.columns.str.startswith("store"), many, few)])
    design = np.column_stack([np.ones(len(frame)), columns.to_numpy(float)])
    y = (effect - effect.mean()) / effect.std()
    exact = design @ np.linalg.solve(design.T @ design + ridge, design.T @ y)
    told = encoder.transform(frame).sum(1)
    assert np.corrcoef(told, exact)[0, 1] > 0.999  # but for the rounding to grains


def test_cross_fitting_uses_no_rows_own_target() -> None:
    frame, effect = shops(100)
    encoder = firth.CategoryEncoder(dim=1, epochs=2, cv=4)
    before = encoder.fit_transform(frame, effect)
    changed = effect.copy()
    changed[7] += 100
    after = firth.CategoryEncoder(dim=1, epochs=2, cv=4, target="regression").fit_transform(frame, changed)
    # standardising and turning onto the whole table's vectors touch every row by one factor
    assert np.corrcoef(before[:, 0], after[:, 0])[0, 1] != pytest.approx(1)
    assert not np.allclose(encoder.transform(frame), before)
    rows = np.flatnonzero(frame["store"] == frame["store"][7])
    assert len(np.unique(before[rows, 0])) > 1  # the same value, encoded by different networks


# ---------------------------------------------------------------- options


def test_numbers_in_a_vector_by_rule() -> None:
    frame = pd.DataFrame({"few": ["a", "b"] * 50, "many": [f"v{i % 81}" for i in range(100)]})
    line = firth.CategoryEncoder()
    assert line.fit(frame, np.arange(100) / 3).transform(frame).shape == (100, 2)  # it reads one number of each
    assert line.fit(frame, np.arange(100) % 4).transform(frame).shape == (100, 4)  # four classes: up to four
    encoder = firth.CategoryEncoder(epochs=1, hidden=4).fit(frame, range(100))
    assert {name: vectors.dim for name, vectors in encoder.embeddings_.items()} == {"few": 1, "many": 3}
    assert encoder.get_feature_names_out().tolist() == ["few_0", "many_0", "many_1", "many_2"]
    assert encoder.transform(frame).shape == (100, 4)


@pytest.mark.parametrize(
    "changed",
    [{"dim": 3}, {"min_count": 40}, {"hide": 0.3}, {"hidden": 3}, {"epochs": 3}, {"batch": 7}, {"lr": 0.3}, {"seed": 2},
     {"hidden": 0}, {"learn_from": "columns"}],
)  # fmt: skip
def test_every_option_does_something(changed: dict[str, Any]) -> None:
    frame, effect = shops(200)
    plain = {"dim": 2, "epochs": 2, "hidden": 8}
    one = firth.CategoryEncoder(**plain).fit(frame, effect).transform(frame)
    same = firth.CategoryEncoder(**plain).fit(frame, effect).transform(frame)
    other = firth.CategoryEncoder(**{**plain, **changed}).fit(frame, effect).transform(frame)
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_cv_and_target_do_something() -> None:
    frame, effect = shops(80)
    whole = np.round(effect).astype(int)
    two = firth.CategoryEncoder(dim=1, epochs=1, cv=2).fit_transform(frame, effect)
    assert not np.array_equal(two, firth.CategoryEncoder(dim=1, epochs=1, cv=4).fit_transform(frame, effect))
    classes = firth.CategoryEncoder(epochs=1).fit(frame, whole)
    numbers = firth.CategoryEncoder(epochs=1, target="regression").fit(frame, whole)
    assert (classes.provenance_["target"], numbers.provenance_["target"]) == ("multiclass", "regression")
    assert firth.CategoryEncoder(epochs=1, target="classification").fit(frame, effect > 0).supervised_


@pytest.mark.parametrize("wrong", [{"dim": 0}, {"cv": 1}, {"hide": 0.9}, {"learn_from": "rows"}, {"lr": 0}])
def test_options_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        firth.CategoryEncoder(**wrong).fit([["a", "b"]] * 3, [1, 2, 3])


# ---------------------------------------------------------------- tables


def test_tables_of_every_kind_are_one() -> None:
    rows = [["a", 1], ["b", 2], [None, 1], ["a", 3]] * 10
    y = [0.5, 1.5, 2.5, 0.7] * 10
    frame = pd.DataFrame(rows, columns=["x", "n"])
    found = [
        firth.CategoryEncoder(epochs=2).fit(table, y).transform(table)
        for table in (
            rows,
            np.array(rows, dtype=object),
            frame,
            frame.astype({"x": "category"}),
            pl.DataFrame(rows, schema=["x", "n"], orient="row"),
            pa.table({"x": [row[0] for row in rows], "n": [row[1] for row in rows]}),
        )
    ]
    for other in found[1:]:
        assert np.array_equal(found[0], other)


def test_a_value_is_its_text() -> None:
    """Whole numbers become floats in pandas as soon as one is missing."""
    encoder = firth.CategoryEncoder(epochs=1).fit(pd.DataFrame({"n": [1, 2, 3] * 5}), range(15))
    levels = encoder.embeddings_["n"].index_to_key
    assert levels[:3] == ["1", "2", "3"]
    for same in ([[1.0]], [["1"]], [[np.int8(1)]], pd.DataFrame({"n": ["1"]})):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # lists have no names of columns
            assert np.array_equal(encoder.transform(same), encoder.transform(pd.DataFrame({"n": [1]})))


def test_mixed_columns() -> None:
    mixed = pd.DataFrame({"m": [1, "1", 2.5, None, float("nan"), True, b"x", pd.NaT, ("a", 1), "2.5"]})
    column = tables.column(mixed["m"])
    assert set(column.keys) == {"1", "2.5", "True", "x", "('a', 1)"}
    assert (column.codes == -1).sum() == 3
    encoder = firth.CategoryEncoder(epochs=1).fit(mixed, range(10))
    assert np.isfinite(encoder.transform(mixed)).all()


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"gone": [None] * 20, "there": ["a", "b"] * 10}),  # a column without a value
        pd.DataFrame({"one": ["a"] * 20, "same": [1] * 20}),  # one level
        pd.DataFrame({"all": [f"v{i}" for i in range(20)], "x": ["a"] * 20}),  # every value once
        pd.DataFrame({"<missing>": ["<unseen>", "<missing>"] * 10, "empty": ["", " "] * 10}),  # names that are ours
    ],
    ids=["all missing", "one level", "all different", "our own names"],
)
@pytest.mark.parametrize(
    "y", [[1, 0] * 10, [3.5] * 20, ["a"] * 20, None], ids=["binary", "constant", "one class", "none"]
)
def test_hostile_columns_and_targets(frame: pd.DataFrame, y: Any) -> None:
    encoder = firth.CategoryEncoder(epochs=2)
    encoded = encoder.fit_transform(frame, y)
    assert encoded.shape == (20, sum(vectors.dim for vectors in encoder.embeddings_.values()))
    assert np.isfinite(encoded).all()
    assert np.isfinite(encoder.transform(frame)).all()
    assert len(encoder.vectors) == sum(map(len, encoder.embeddings_.values()))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (["a", "b"], "1D array"),
        ([], "array"),
        (np.zeros((0, 3)), "0 sample"),
        (np.zeros((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\)"),
        (np.zeros((2, 2, 2)), "3D array"),
        (np.zeros((2, 2), complex), "Complex"),
        ([["a", "b"], ["a"]], "differ in length"),
    ],
)
def test_tables_that_are_none(table: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        firth.CategoryEncoder().fit(table, [1, 2])


@pytest.mark.parametrize(
    ("y", "how", "says"),
    [
        ([1.5, float("nan"), 2], "auto", "NaN"),
        (["a", None, "b"], "auto", "missing"),
        ([1, 2], "auto", "Give one target for each row"),
        (["a", "b", "c"], "regression", "needs numbers"),
        ([[1, 2], [3, 4], [5, 6]], "auto", "0/1 matrix"),
    ],
)
def test_targets_that_cannot_be(y: Any, how: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        firth.CategoryEncoder(target=how).fit([["a"], ["b"], ["c"]], y)  # type: ignore[arg-type]


def test_a_target_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="needs a y"):
        firth.CategoryEncoder(learn_from="target").fit([["a"], ["b"]])


def test_other_columns_than_in_fit(fitted: firth.CategoryEncoder) -> None:
    frame, _ = shops(5)
    with pytest.raises(InputError, match="same order"):
        fitted.transform(frame[["colour", "store"]])
    with pytest.raises(InputError, match="unseen at fit time"):
        fitted.transform(frame.rename(columns={"store": "shop"}))
    with (
        pytest.warns(UserWarning, match="valid feature names"),
        pytest.raises(InputError, match="expecting 2 features"),
    ):
        fitted.transform(np.array([["a"]]))
    with pytest.raises(NotFittedError):
        firth.CategoryEncoder().transform(frame)
    with pytest.raises(NotFittedError):
        firth.CategoryEncoder().get_feature_names_out()


def test_too_many_values_are_refused_before_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    from firth import machine
    from firth.errors import MemoryLimitError

    monkeypatch.setattr(machine, "memory_available", lambda: 1000)
    with pytest.raises(MemoryLimitError, match="Raise min_count"):
        firth.CategoryEncoder().fit([[f"v{i}"] for i in range(100)], range(100))


# ---------------------------------------------------------------- frames, vectors, files


def test_set_output(fitted: firth.CategoryEncoder) -> None:
    frame, effect = shops(30)
    frame.index = range(100, 130)
    encoder = firth.CategoryEncoder(dim=1, epochs=1).set_output(transform="pandas")
    for found in (encoder.fit_transform(frame, effect), encoder.transform(frame)):
        assert isinstance(found, pd.DataFrame)
        assert (list(found.columns), list(found.index)) == (["store_0", "colour_0"], list(range(100, 130)))
    assert encoder.set_output(transform="polars").transform(frame).columns == ["store_0", "colour_0"]
    assert isinstance(encoder.set_output(transform="default").transform(frame), np.ndarray)
    with pytest.raises(ConfigError, match="polars"):
        encoder.set_output(transform="duckdb")  # type: ignore[arg-type]


def test_all_columns_in_one_table_of_vectors(fitted: firth.CategoryEncoder) -> None:
    every = fitted.vectors
    assert every.similarity("store=s1", "colour=red") == 0
    assert {key.partition("=")[0] for key, _ in every.most_similar("store=s1", topn=3)} == {"store"}
    row = fitted.transform(pd.DataFrame({"store": ["s1"], "colour": ["red"]}))[0]
    assert np.array_equal(every["store=s1"] + every["colour=red"], row)


def test_saved_and_opened(fitted: firth.CategoryEncoder, tmp_path: Path) -> None:
    frame, _ = shops(20)
    fitted.save(tmp_path / "shops")
    for verify in ("headers", "full"):
        again = firth.load(tmp_path / "shops", verify=verify)
        assert again.get_params() == fitted.get_params()
        assert np.array_equal(again.transform(frame), fitted.transform(frame))
        assert again.provenance_ == fitted.provenance_
        assert again.feature_names_in_.tolist() == ["store", "colour"]
    vectors = again.embeddings_["store"]
    vectors.save(tmp_path / "stores")
    assert firth.load(tmp_path / "stores").index_to_key[:1] == vectors.index_to_key[:1]
    file = tmp_path / "shops/categories.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptFileError, match="damaged between"):
        firth.load(tmp_path / "shops")


def test_only_a_network_needs_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['sklearn'] = None\n"
        "import firth\n"
        "table = [['a', 'x'], ['b', 'y']] * 20\n"
        "print(firth.CategoryEncoder(epochs=1).fit(table).transform(table).shape)\n"
        "print(firth.CategoryEncoder().fit(table, [1, 2] * 20).transform(table).shape)\n"
        "try: firth.CategoryEncoder(hidden=8).fit(table, [1, 2] * 20)\n"
        "except firth.errors.MissingExtraError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("(40, 2)\n(40, 2)\nA network (hidden=8) needs PyTorch")


def test_tables_in_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('x,n\n"a, b",1\n,2\n')
    table = tables.read(tmp_path / "a.csv")
    assert table.to_pydict() == {"x": ["a, b", None], "n": ["1", "2"]}
    (tmp_path / "a.tsv").write_text("x\tn\na,b\t1\n")
    assert tables.read(tmp_path / "a.tsv").to_pydict() == {"x": ["a,b"], "n": ["1"]}
    import pyarrow.parquet

    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert tables.read(tmp_path / "a.parquet").equals(table)
    assert tables.is_of_numbers(table["n"]) and not tables.is_of_numbers(table["x"])
    with pytest.raises(MissingInputError):
        tables.read(tmp_path / "none.csv")
    for name, text, says in (
        ("b.csv", "x,x\n1,2\n", "one name"),
        ("c.csv", "x,y\n1\n", "header"),
        ("d.csv", "", "empty"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=says):
            tables.read(tmp_path / name)
