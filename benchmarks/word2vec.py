"""Word2Vec against its peers: the same text, the same settings, the same threads, in one run.

    python benchmarks/word2vec.py TEXT [--dim 100] [--architecture skipgram] [--loss ns] [--runs 5]
        [--peers gensim fasttext] [--word2vec-c BINARY]
        [--analogies questions-words.txt] [--similarity ws353.tsv men3000.tsv]

TEXT has a sentence a line, words apart by blanks. Every training is a process of its own, so that its peak memory
is its own; firth and each peer take turns `--runs` times, and the figures are medians. Words are those of the
vocabulary, before subsampling. "training" leaves out start-up, reading and counting; "whole" is all of it. Machine
code is compiled, once, before the first run.
"""

import argparse
import statistics
import sys
import time
from dataclasses import fields, replace

import measuring
from measuring import Summary
from programs import PEERS, Training, can, train

Runs = dict[str, list[dict[str, float]]]

MEASURES = {"speed": (1e6, "M words/s"), "whole": (1.0, "s"), "memory": (2.0**20, "MiB")}
NOT_SCORES = {*MEASURES, "tables", "windows"}


def main() -> None:
    args = parse()
    training = Training(**{field.name: getattr(args, field.name) for field in fields(Training)})
    programs = ["firth", *(peer for peer in args.peers if can(peer, args.loss))]
    if args.word2vec_c and can("word2vec.c", args.loss):
        programs.append("word2vec.c")
    part = measuring.first_bytes(args.text)
    train("firth", replace(training, text=str(part), epochs=1))  # compiles
    part.unlink()
    runs: Runs = {program: [] for program in programs}
    for _ in range(args.runs):
        for program in programs:
            runs[program].append(train_and_score(args, program, training))
            print(f"  {program}: {runs[program][-1]['speed'] / 1e6:.3f} M words/s", file=sys.stderr)
    report(args, training, runs)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--architecture", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--loss", choices=["ns", "hs", "softmax"], default="ns")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negatives", type=int, default=5)
    parser.add_argument("--subsample", type=float, default=1e-3)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=["gensim"], choices=PEERS)
    parser.add_argument("--word2vec-c", help="path of a word2vec binary built from the original C source")
    parser.add_argument("--analogies", help="scores the vectors too")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def train_and_score(args: argparse.Namespace, program: str, training: Training) -> dict[str, float]:
    if not (args.analogies or args.similarity):
        return train(program, training)
    output = measuring.scratch_file(f"{program}.txt")
    result = train(program, training, output)
    result |= measuring.scores(output, args.analogies, args.similarity)
    output.unlink()
    return result


def report(args: argparse.Namespace, training: Training, runs: Runs) -> None:
    print(f"\n{training}, {args.epochs} epochs, medians of {args.runs} (low–high)\n")
    quality = [name for name in runs["firth"][0] if name not in NOT_SCORES]
    heads = ["training M words/s", "firth ×", "whole s", "firth ×", "peak MiB", *quality]
    print(f"{'program':<12}" + "".join(f"{head:>22}" for head in heads))
    figures = []
    for program, found in runs.items():
        cells = {name: Summary.of(run[name] / unit for run in found) for name, (unit, _) in MEASURES.items()}
        faster = measuring.ratio(column(runs, program, "speed"), column(runs, "firth", "speed"))
        sooner = measuring.ratio(column(runs, "firth", "whole"), column(runs, program, "whole"))
        scored = {name: Summary.of(column(runs, program, name)) for name in quality}
        row = [cells["speed"], f"{faster.median:.2f}", cells["whole"], f"{sooner.median:.2f}"]
        row += [f"{cells['memory'].median:.0f}", *(f"{score.median:.4f}" for score in scored.values())]
        print(f"{program:<12}" + "".join(f"{cell!s:>22}" for cell in row))
        figures += [(program, name, cells[name], unit) for name, (_, unit) in MEASURES.items()]
        figures += [(program, "firth is faster", faster, "×"), (program, "firth is sooner", sooner, "×")]
        figures += [(program, name, score, "") for name, score in scored.items()]
    figures += kernel_and_memory(args, runs)
    if args.save:
        measuring.save("word2vec", str(training), figures)


def kernel_and_memory(args: argparse.Namespace, runs: Runs) -> list[tuple[str, str, Summary, str]]:
    """How much of what the machine could do the kernel does, and what firth needs beside its tables."""
    tables, memory = column(runs, "firth", "tables")[0], statistics.median(column(runs, "firth", "memory"))
    print(f"\nmemory: {(memory - 1.3 * tables) / 2**20:.0f} MiB beyond 1.3 × the tables ({tables / 2**20:.0f} MiB)")
    if args.loss != "ns":
        return []
    peak = gemm_peak(args.threads)
    reached = Summary.of(rate * flops_per_window(args) / 1e9 for rate in column(runs, "firth", "windows"))
    share = reached.median / peak
    print(f"kernel: {reached.median:.0f} GFLOP/s, {share:.0%} of this machine's f4 matrix product ({peak:.0f} GFLOP/s)")
    return [("firth", "kernel", reached, "GFLOP/s"), ("numpy", "matrix product", Summary.of([peak]), "GFLOP/s")]


def column(runs: Runs, program: str, measure: str) -> list[float]:
    return [run[measure] for run in runs[program]]


def flops_per_window(args: argparse.Namespace) -> float:
    """Multiplications and additions of one window far from a sentence's ends: 6 · dim per (hidden vector, output)."""
    contexts = args.window + 1 if args.architecture == "skipgram" else 1
    return 6.0 * args.dim * contexts * (1 + args.negatives)


def gemm_peak(threads: int) -> float:
    """GFLOP/s of NumPy's f4 matrix product on this machine: the best of five."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
    with threadpool_limits(threads):
        seconds = []
        for _ in range(5):
            began = time.perf_counter()
            a @ a
            seconds.append(time.perf_counter() - began)
    return float(2 * 2048**3 / min(seconds) / 1e9)


if __name__ == "__main__":
    main()
