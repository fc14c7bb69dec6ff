"""Neighbours: exact against gensim and numpy, an HNSW index against exact, int8 against float32.

    python benchmarks/search.py exact [--rows 200000 --dim 300 --queries 1000 --runs 3]
    python benchmarks/search.py index MODEL [--recall 0.95]
    python benchmarks/search.py int8 MODEL [--analogies F] [--similarity F…]

`exact` draws vectors at random; gensim is asked one query at a time, as it must be, for `--sample` of them, and its
time is scaled up. numpy is a product and `argpartition`, in blocks of 100 queries, so that the scores fit into memory.
`index` and `int8` take a folder of trained vectors; an index that is saved with it is used.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import firth
import measuring
from measuring import Summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claim", choices=["exact", "index", "int8"])
    parser.add_argument("model", nargs="?", help="a folder of trained vectors")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=300)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--sample", type=int, default=100, help="queries that gensim is asked")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--analogies")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    if args.claim != "exact" and not args.model:
        parser.error("which MODEL? A folder that firth trained.")
    {"exact": exact, "index": index, "int8": int8}[args.claim](args)


def exact(args: argparse.Namespace) -> None:
    """Seconds for the ten nearest of all queries."""
    from gensim.models import KeyedVectors

    table = np.random.default_rng(1).normal(size=(args.rows, args.dim)).astype(np.float32)
    keys = [str(row) for row in range(args.rows)]
    ours, theirs = firth.Vectors(keys, table), KeyedVectors(args.dim)
    theirs.add_vectors(keys, table)
    units = ours.get_normed_vectors()
    queries = keys[: args.queries]
    programs: dict[str, Callable[[], float]] = {
        "firth": lambda: timed(lambda: ours.nearest(queries)),
        "gensim": lambda: (
            timed(lambda: [theirs.most_similar(key) for key in queries[: args.sample]]) * (args.queries / args.sample)
        ),
        "numpy": lambda: timed(lambda: bare(units, units[: args.queries])),
    }
    ours.nearest(queries[:20]), theirs.most_similar("0")
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(args.runs):
        for name, run in programs.items():
            seconds[name].append(run())
    rows: list[tuple[str, str, Summary, str]] = []
    for name, found in seconds.items():
        ratio = measuring.ratio(seconds["firth"], found)
        print(f"{name}: {Summary.of(found)} s; {ratio} times firth's")
        rows += [(name, "top 10", Summary.of(found), "s"), (name, "times firth's", ratio, "×")]
    if args.save:
        measuring.save("search", f"{args.queries} queries, {args.rows} × {args.dim}", rows)


def bare(units: Any, queries: Any) -> list[Any]:
    """What one would write: a product, and a partial sort of its rows."""
    found = []
    for start in range(0, len(queries), 100):
        scores = queries[start : start + 100] @ units.T
        best = np.argpartition(scores, -11, axis=1)[:, -11:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1)
        found.append(np.take_along_axis(best, order, 1))
    return found


def index(args: argparse.Namespace) -> None:
    """Milliseconds of one question, exact and by the index; how many of the exact ten it finds."""
    vectors = firth.Vectors.load(args.model)
    if vectors.index is None or vectors.index.recall < args.recall:
        print(f"built in {timed(lambda: vectors.build_index(recall=args.recall)):.0f} s")
        vectors.save(args.model)
    print(vectors.index)
    keys = [vectors.index_to_key[row] for row in np.random.default_rng(1).permutation(len(vectors))[:300].tolist()]
    vectors.nearest(keys[:3], index="hnsw"), vectors.nearest(keys[:3])
    milliseconds: dict[str, list[float]] = {"exact": [], "hnsw": []}
    for _ in range(args.runs):
        milliseconds["exact"].append(10 * timed(lambda: [vectors.most_similar(key) for key in keys[:100]]))
        milliseconds["hnsw"].append(timed(lambda: [vectors.most_similar(key, index="hnsw") for key in keys]) / 0.3)
    pairs = zip(vectors.nearest(keys), vectors.nearest(keys, index="hnsw"), strict=True)
    recall = np.mean([len({k for k, _ in best} & {k for k, _ in some}) / 10 for best, some in pairs])
    ratio = measuring.ratio(milliseconds["hnsw"], milliseconds["exact"])
    exact_time, quick = (Summary.of(milliseconds[name]) for name in ("exact", "hnsw"))
    print(f"exact {exact_time} ms, index {quick} ms: {ratio} times as fast; recall@10 {recall:.3f}")
    if args.save:
        rows = [("firth", "exact, one question", exact_time, "ms"), ("firth", "hnsw, one question", quick, "ms")]
        measured = [("firth", "hnsw: times as fast", ratio, "×"), ("firth", "recall@10", Summary.of([recall]), "")]
        measuring.save("search-index", Path(args.model).name, [*rows, *measured])


def int8(args: argparse.Namespace) -> None:
    """Scores and bytes of a model, as it is and in each smaller kind."""
    vectors = firth.Vectors.load(args.model)
    bare = vectors.changed({}, vectors.index_to_key, np.asarray(vectors.vectors), counts=vectors.counts)
    whole = scores(bare, args)
    for kind in ("float32", "float16", "bfloat16", "int8", "pq"):
        small = bare if kind == "float32" else bare.quantise(kind)
        with tempfile.TemporaryDirectory() as folder:
            small.save(f"{folder}/model")
            size = sum(path.stat().st_size for path in Path(folder, "model").iterdir())
        error = (small.provenance or {})["operations"][-1].get("relative_error", 0.0)
        table = small.stored.nbytes
        kept = {name: value / whole[name] for name, value in scores(small, args).items()}
        print(f"{kind}: table {table:,} bytes, folder {size:,}, relative error {error:.2g}, ", end="")
        print(", ".join(f"{name} {share:.1%}" for name, share in kept.items()))


def scores(vectors: firth.Vectors, args: argparse.Namespace) -> dict[str, float]:
    found = {Path(file).stem: float(vectors.evaluate_word_pairs(file)[1][0]) for file in args.similarity}
    if args.analogies:
        found["analogies"] = vectors.evaluate_word_analogies(args.analogies, restrict_vocab=30_000)[0]
    return found


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
