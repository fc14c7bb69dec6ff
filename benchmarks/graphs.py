"""Graphs: the speed of walks, whole runs of node2vec, and F1 of node classification, beside PecanPy with gensim.

    python benchmarks/graphs.py walks EDGES [--p 0.25] [--q 4] [--nodes 1000000] [--threads 2] [--runs 3] [--save]
    python benchmarks/graphs.py whole EDGES [--walks 10] [--length 80] [--dim 128] [--window 10] [--p 1] [--q 1] …
    python benchmarks/graphs.py scores EDGES LABELS [--models node2vec prone line peer] [--train 0.5] [--p 1] [--q 1] …

EDGES has lines "u v"; LABELS lines "node label …". "walks" makes walks and stores them, nothing else; firth's machine
code is there before, and PecanPy's, which is made anew in every run, is made on ten walks before the clock runs.
"whole" is from the file to the vectors. PecanPy walks in `SparseOTF` mode, in memory of the order of the edges as
firth does, or for p = q = 1 in `FirstOrderUnweighted`; then gensim's Word2Vec as PecanPy calls it. Its walks have one
node more.

PecanPy: pip install --no-deps pecanpy numba-progress.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import measuring
from measuring import Summary

WALKS_AT_ONCE = 1 << 18


def main() -> None:
    args = parse()
    {"walks": walks, "whole": whole, "scores": scores}[args.what](args)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["walks", "whole", "scores"])
    parser.add_argument("edges")
    parser.add_argument("labels", nargs="?")
    for name, value in {"walks": 10, "length": 80, "dim": 128, "window": 10, "threads": 2, "runs": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--p", type=float, default=1.0)
    parser.add_argument("--q", type=float, default=1.0)
    parser.add_argument("--train", type=float, default=0.5)
    parser.add_argument("--nodes", type=int, help="of a random graph too large for the caches, 10 links a node")
    parser.add_argument("--models", nargs="*", default=["node2vec", "prone", "line", "peer"])
    parser.add_argument("--option", nargs="*", default=[], help="of firth's models, as name=value")
    parser.add_argument("--without-peer", action="store_true")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


# ---------------------------------------------------------------- walks alone


def walks(args: argparse.Namespace) -> None:
    graphs = {Path(args.edges).stem: args.edges}
    if args.nodes:
        graphs[f"random, {args.nodes:,} nodes"] = str(args.nodes)
    figures = []
    for name, source in graphs.items():
        for p, q in ((1.0, 1.0), (args.p, args.q)):
            told = json.dumps({**_told(args), "p": p, "q": q})
            programs = {"firth": "--walk"} | (
                {} if args.without_peer or source.isdigit() else {"pecanpy": "--peer-walk"}
            )
            runs = {program: [] for program in programs}
            for _ in range(args.runs):
                for program, flag in programs.items():
                    runs[program].append(measuring.in_own_process(__file__, flag, source, told))
            setting = f"{name}, p {p:g}, q {q:g}, {args.threads} threads"
            print(f"\n{setting}, medians of {args.runs} (low–high)")
            for program, found in runs.items():
                speed = Summary.of(run["steps"] / run["seconds"] for run in found)
                memory = Summary.of(run["memory"] for run in found)
                figures += [
                    (program, f"{setting}: steps", speed, "1/s"),
                    (program, f"{setting}: memory", memory, "bytes"),
                ]
                print(f"  {program:<10}{speed} steps/s, {memory.median / 1e6:,.0f} MB")
            if len(runs) == 2:
                faster = Summary.of(
                    ours["steps"] / ours["seconds"] / (theirs["steps"] / theirs["seconds"])
                    for ours, theirs in zip(runs["firth"], runs["pecanpy"], strict=True)
                )
                figures.append(("firth", f"{setting}: faster", faster, "×"))
                print(f"  firth is faster: {faster}")
    if args.save:
        measuring.save("graphs", f"{args.walks} walks of {args.length}", figures)


def walk(source: str, told: str) -> None:
    """firth's walks; for a number, on a random graph of so many nodes."""
    import threading

    import numpy as np

    from firth import Graph
    from firth.examples.walks import new_page
    from firth.examples.walks import walks as made

    options = json.loads(told)
    if source.isdigit():
        ends = np.random.default_rng(1).integers(0, int(source), (2, 5 * int(source)))
        graph = Graph(ends, nodes=int(source))
    else:
        graph = Graph(source)
    rows = (graph.offsets, graph.targets, graph.weights)
    text = made(*rows, directed=False, length=options["length"], p=options["p"], q=options["q"])
    begun = text.begin(1, 1)
    size = max(64, min(WALKS_AT_ONCE // options["length"], text.units // 16))
    pages = [new_page(text, size) for _ in range(options["threads"])]
    text.fill(pages[0], begun, 0, min(size, text.units))  # compiles
    times = max(1, round(options["walks"])) if not source.isdigit() else 1
    parts = iter([(first, min(first + size, text.units)) for _ in range(times) for first in range(0, text.units, size)])
    lock, steps = threading.Lock(), [0] * options["threads"]

    def work(member: int) -> None:
        while True:
            with lock:
                part = next(parts, None)
            if part is None:
                return
            steps[member] += text.fill(pages[member], begun, *part) - (part[1] - part[0])

    workers = [threading.Thread(target=work, args=(member,)) for member in range(options["threads"])]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    print(json.dumps({"steps": sum(steps), "seconds": seconds, "memory": measuring.peak_memory()}))


def peer_graph(source: str, p: float, q: float, threads: int):  # PecanPy's
    import sys
    import types

    import numba

    class Anything:
        """PecanPy takes its annotations from nptyping, which ends with an error under numpy 2; they do nothing."""

        def __class_getitem__(cls, _):
            return cls

    sys.modules["nptyping"] = types.SimpleNamespace(
        **dict.fromkeys(
            ("Bool", "Float32", "Float64", "UInt32", "UInt64", "Int", "Float", "NDArray", "Shape"), Anything
        )
    )
    from pecanpy import pecanpy

    numba.set_num_threads(threads)
    mode = pecanpy.FirstOrderUnweighted if p == q == 1 else pecanpy.SparseOTF
    graph = mode(p=p, q=q, workers=threads, random_state=1)
    graph.read_edg(source, weighted=False, directed=False, delimiter=" ")
    return graph


def peer_walk(source: str, told: str) -> None:
    import numpy as np
    from numba_progress import ProgressBar

    options = json.loads(told)
    graph = peer_graph(source, options["p"], options["q"], options["threads"])
    graph._preprocess_transition_probs()
    starts = np.concatenate([np.arange(graph.num_nodes, dtype=np.uint32)] * options["walks"])
    np.random.default_rng(1).shuffle(starts)
    how = (graph.get_has_nbrs(), graph.get_move_forward())

    def run(some):
        with ProgressBar(total=len(some), disable=True) as bar:
            return graph._random_walks(len(some), options["length"] - 1, 1, some, *how, bar)

    run(starts[:10])  # compiles
    began = time.perf_counter()
    found = run(starts)
    seconds = time.perf_counter() - began
    steps = int((found[:, -1] - 1).sum())
    print(json.dumps({"steps": steps, "seconds": seconds, "memory": measuring.peak_memory()}))


# ---------------------------------------------------------------- from the file to the vectors


def whole(args: argparse.Namespace) -> None:
    told = json.dumps(_told(args))
    runs = {"firth": [], "pecanpy + gensim": []}
    for _ in range(args.runs):
        runs["firth"].append(measuring.in_own_process(__file__, "--train", args.edges, "node2vec", told, ""))
        if not args.without_peer:
            runs["pecanpy + gensim"].append(measuring.in_own_process(__file__, "--train", args.edges, "peer", told, ""))
    setting = (
        f"{Path(args.edges).stem}, {args.walks} × {args.length}, dim {args.dim}, window {args.window}, p {args.p:g}, "
    )
    setting += f"q {args.q:g}, {args.threads} threads"
    print(f"\n{setting}, medians of {args.runs} (low–high)")
    figures = []
    for program, found in runs.items():
        for measure in found[0] if found else ():
            figures.append((program, measure, Summary.of(run[measure] for run in found), "s"))
            print(f"  {program:<18}{measure:<10}{figures[-1][2]}")
    if runs["pecanpy + gensim"]:
        faster = measuring.ratio(*([run["seconds"] for run in found] for found in runs.values()))
        figures.append(("firth", "faster", faster, "×"))
        print(f"  firth is faster: {faster}")
    if args.save:
        measuring.save("graphs", setting, figures)


def train(source: str, model: str, told: str, output: str) -> None:
    """One run; its vectors go to `output` where that is named."""
    options = json.loads(told)
    began = time.perf_counter()
    if model == "peer":
        found = peer_train(source, options)
        seconds = time.perf_counter() - began
        if output:
            found.pop("vectors").save_word2vec_format(output)
        found.pop("vectors", None)
        print(json.dumps({"seconds": seconds, **found}))
        return
    import firth

    kinds = {"node2vec": firth.Node2Vec, "prone": firth.ProNE, "line": firth.LINE}
    names = {"node2vec": ("walks", "length", "window", "p", "q", "dim")}.get(model, ("dim",))
    made = kinds[model](**{name: options[name] for name in names}, **options["options"])
    vectors = made.fit(source) if model == "prone" else made.fit(source, threads=options["threads"], progress=False)
    seconds = time.perf_counter() - began
    if output:
        vectors.save_word2vec_format(output)
    print(json.dumps({"seconds": seconds, "memory": measuring.peak_memory()}))


def peer_train(source: str, options: dict) -> dict:
    from gensim.models import Word2Vec

    graph = peer_graph(source, options["p"], options["q"], options["threads"])
    began = time.perf_counter()
    walks = graph.simulate_walks(num_walks=options["walks"], walk_length=options["length"])
    walked = time.perf_counter()
    model = Word2Vec(
        walks,
        vector_size=options["dim"],
        window=options["window"],
        sg=1,
        min_count=0,
        workers=options["threads"],
        epochs=1,
        seed=1,
    )
    learnt = time.perf_counter() - walked
    memory = measuring.peak_memory()
    return {"walking": walked - began, "learning": learnt, "memory": memory, "vectors": model.wv}


# ---------------------------------------------------------------- how good they are


def scores(args: argparse.Namespace) -> None:
    import firth
    from firth.evaluate.nodes import node_classification

    setting = f"{Path(args.edges).stem}, dim {args.dim}, {args.train:.0%} labelled"
    print(
        f"\n{setting}: means of ten splits\n{'':<12}{'s':>8}  micro-F1  macro-F1  honest micro  honest macro  accuracy"
    )
    figures = []
    for model in args.models:
        output = measuring.scratch_file("vectors.txt")
        ran = measuring.in_own_process(__file__, "--train", args.edges, model, json.dumps(_told(args)), output)
        found = node_classification(firth.load(output), args.labels, train=args.train).means()
        output.unlink()
        figures += [(model, name, Summary.of([value]), "") for name, value in found.items()]
        cells = "".join(
            f"{value:>{width}.4f}" for value, width in zip(found.values(), (10, 10, 14, 14, 10), strict=True)
        )
        print(f"{model:<12}{ran['seconds']:>8.1f}{cells}", flush=True)
    if args.save:
        measuring.save("graphs", setting, figures)


def _told(args: argparse.Namespace) -> dict:
    names = ("walks", "length", "dim", "window", "p", "q", "threads")
    own = {name: json.loads(value) for name, value in (option.split("=", 1) for option in args.option)}
    return {**{name: getattr(args, name) for name in names}, "options": own}


if __name__ == "__main__":
    ways = {"--walk": walk, "--peer-walk": peer_walk, "--train": train}
    if sys.argv[1] in ways:
        ways[sys.argv[1]](*sys.argv[2:])
    else:
        main()
