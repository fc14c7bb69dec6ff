"""Word2Vec against its peers: the same text, the same settings, the same threads, in one run.

    python benchmarks/word2vec.py TEXT [--dim 100] [--architecture skipgram] [--runs 5]
        [--peers gensim fasttext] [--word2vec-c BINARY]
        [--analogies questions-words.txt] [--similarity ws353.tsv men3000.tsv]

TEXT has a sentence a line, words apart by blanks. Every training is a process of its own, so that its peak memory
is its own; firth and each peer take turns `--runs` times, and the figures are medians. Words are those of the vocabulary,
before subsampling. "training" leaves out start-up, reading and counting; "whole" is all of it. Machine code is
compiled, once, before
the first run.
"""

import argparse
import csv
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results.csv"
COLUMNS = ["date", "benchmark", "setting", "program", "measure", "value", "unit", "runs", "low", "high"]


def main() -> None:
    args = parse()
    if args.child:
        print(json.dumps(TRAINERS[args.child](args)))
        return
    programs = ["firth", *args.peers, *(["word2vec.c"] if args.word2vec_c else [])]
    train_apart(args, "firth", epochs=1, text=first_lines(args.text))  # compiles
    runs: dict[str, list[dict[str, float]]] = {program: [] for program in programs}
    for _ in range(args.runs):
        for program in programs:
            runs[program].append(train_apart(args, program, epochs=args.epochs, text=args.text))
            print(f"  {program}: {runs[program][-1]['speed'] / 1e6:.3f} M words/s", file=sys.stderr)
    report(args, runs)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--architecture", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negatives", type=int, default=5)
    parser.add_argument("--subsample", type=float, default=1e-3)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=["gensim"], choices=["gensim", "fasttext"])
    parser.add_argument("--word2vec-c", help="path of a word2vec binary built from the original C source")
    parser.add_argument("--analogies", help="scores the last run's vectors too")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {RESULTS.name}")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--output", help=argparse.SUPPRESS)
    return parser.parse_args()


def train_apart(args: argparse.Namespace, program: str, *, epochs: int, text: str) -> dict[str, float]:
    """Train in a process of its own; its peak memory comes from the operating system."""
    output = Path(tempfile.gettempdir()) / f"benchmark-{os.getpid()}-{program}.txt"
    keep = ["--output", str(output)] if (args.analogies or args.similarity) else []
    options = [f"--{name.replace('_', '-')}={getattr(args, name)}" for name in SETTINGS]
    binary = [f"--word2vec-c={args.word2vec_c}"] if args.word2vec_c else []
    command = [sys.executable, __file__, text, f"--epochs={epochs}", f"--child={program}", *options, *binary, *keep]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{program} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if keep:
        result |= scores(args, output)
        output.unlink()
    return result


SETTINGS = ["architecture", "dim", "window", "negatives", "subsample", "min_count", "threads"]


def train_firth(args: argparse.Namespace) -> dict[str, float]:
    import firth

    model = firth.Word2Vec(
        architecture=args.architecture,
        dim=args.dim,
        window=args.window,
        negatives=args.negatives,
        subsample=args.subsample,
        min_count=args.min_count,
        epochs=args.epochs,
    )
    epochs = []
    began = time.perf_counter()
    vectors = model.fit(args.text, threads=args.threads, callbacks=[epochs.append])
    whole = time.perf_counter() - began
    training = sum(epoch.seconds for epoch in epochs)
    if args.output:
        vectors.save_word2vec_format(args.output)
    windows = sum(epoch.examples for epoch in epochs)
    return {
        "speed": sum(epoch.words for epoch in epochs) / training,
        "whole": whole,
        "memory": peak_memory(),
        "tables": 2 * 4 * len(vectors) * args.dim,
        "gflops": windows * flops_per_window(args) / training / 1e9,
        "gemm": gemm_peak(args.threads),
    }


def train_gensim(args: argparse.Namespace) -> dict[str, float]:
    from gensim.models import Word2Vec

    began = time.perf_counter()
    model = Word2Vec(
        vector_size=args.dim,
        window=args.window,
        negative=args.negatives,
        sample=args.subsample,
        min_count=args.min_count,
        workers=args.threads,
        sg=int(args.architecture == "skipgram"),
        epochs=args.epochs,
    )
    model.build_vocab(corpus_file=args.text)
    start = time.perf_counter()
    sizes = {"total_words": model.corpus_total_words, "total_examples": model.corpus_count}
    model.train(corpus_file=args.text, epochs=args.epochs, **sizes)
    end = time.perf_counter()
    if args.output:
        model.wv.save_word2vec_format(args.output)
    words = sum(model.wv.get_vecattr(i, "count") for i in range(len(model.wv)))
    return {"speed": args.epochs * words / (end - start), "whole": end - began, "memory": peak_memory()}


def train_fasttext(args: argparse.Namespace) -> dict[str, float]:
    import fasttext

    settings = {"dim": args.dim, "ws": args.window, "neg": args.negatives, "t": args.subsample}
    model = "skipgram" if args.architecture == "skipgram" else "cbow"
    began = time.perf_counter()
    # maxn=0: no n-grams. Its words/s include reading, as it reads the text anew in every pass.
    trained = fasttext.train_unsupervised(
        args.text, model=model, epoch=args.epochs, minCount=args.min_count, maxn=0, thread=args.threads, **settings
    )
    whole = time.perf_counter() - began
    words, counts = trained.get_words(include_freq=True)
    if args.output:
        with open(args.output, "w", encoding="utf-8") as file:
            file.write(f"{len(words)} {args.dim}\n")
            for word in words:
                file.write(word + " " + " ".join(map(str, trained.get_word_vector(word))) + "\n")
    return {"speed": args.epochs * int(counts.sum()) / whole, "whole": whole, "memory": peak_memory()}


def train_word2vec_c(args: argparse.Namespace) -> dict[str, float]:
    output = args.output or os.devnull
    command = [args.word2vec_c, "-train", args.text, "-output", output, "-hs", "0", "-negative", args.negatives]
    command += ["-cbow", int(args.architecture == "cbow"), "-size", args.dim, "-window", args.window]
    command += ["-sample", args.subsample, "-min-count", args.min_count]
    command += ["-threads", args.threads, "-iter", args.epochs]
    if args.architecture == "cbow":
        command += ["-alpha", 0.025]  # its default is .05; all programs get the same
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    whole = time.perf_counter() - began
    speed = float(re.findall(r"Words/thread/sec: ([\d.]+)k", done.stdout)[-1]) * 1e3
    return {"speed": speed * args.threads, "whole": whole, "memory": peak_memory(children=True)}


TRAINERS = {
    "firth": train_firth,
    "gensim": train_gensim,
    "fasttext": train_fasttext,
    "word2vec.c": train_word2vec_c,
}


def scores(args: argparse.Namespace, output: Path) -> dict[str, float]:
    """Analogies over the 30,000 most frequent words, Spearman of word pairs: by firth's evaluation, for all programs."""
    import firth

    vectors = firth.load(output)
    found = {}
    if args.analogies:
        found["analogies"] = vectors.evaluate_word_analogies(args.analogies, restrict_vocab=30_000)[0]
    for file in args.similarity:
        found[Path(file).stem] = float(vectors.evaluate_word_pairs(file)[1][0])
    return found


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


def peak_memory(*, children: bool = False) -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss * 1024


def first_lines(text: str) -> str:
    """A small part of the text, for the run that compiles."""
    part = Path(tempfile.gettempdir()) / f"benchmark-{os.getpid()}-part.txt"
    with open(text, "rb") as source:
        part.write_bytes(source.read(1_000_000))
    return str(part)


def report(args: argparse.Namespace, runs: dict[str, list[dict[str, float]]]) -> None:
    def column(program: str, measure: str) -> list[float]:
        return [run[measure] for run in runs[program] if measure in run]

    setting = (
        f"{args.architecture} dim {args.dim}, window {args.window}, {args.negatives} negatives, {args.threads} threads"
    )
    measures = {"speed": (1e6, "M words/s"), "whole": (1, "s"), "memory": (2**20, "MiB")}
    quality = [name for name in runs["firth"][0] if name not in (*measures, "tables", "gflops", "gemm")]
    print(f"\n{setting}, {args.epochs} epochs, medians of {args.runs} (low–high)\n")
    print(
        f"{'program':<12}{'training M words/s':>24}{'firth ×':>9}{'whole s':>20}{'firth ×':>9}{'peak MiB':>10}", end=""
    )
    print("".join(f"{name:>14}" for name in quality))
    rows = []
    for program, theirs_all in runs.items():
        cells = []
        for measure, (unit, _) in measures.items():
            values = [value / unit for value in column(program, measure)]
            cells.append((statistics.median(values), min(values), max(values)))
        speed, whole, memory = cells
        pairs = list(zip(runs["firth"], theirs_all, strict=True))
        faster = statistics.median(ours["speed"] / theirs["speed"] for ours, theirs in pairs)
        sooner = statistics.median(theirs["whole"] / ours["whole"] for ours, theirs in pairs)
        print(f"{program:<12}{speed[0]:>10.3f} ({speed[1]:.2f}–{speed[2]:.2f}){faster:>9.2f}", end="")
        print(f"{whole[0]:>8.2f} ({whole[1]:.1f}–{whole[2]:.1f}){sooner:>9.2f}{memory[0]:>10.0f}", end="")
        print("".join(f"{statistics.median(column(program, name)):>14.4f}" for name in quality))
        for (measure, (_, unit)), (median, low, high) in zip(measures.items(), cells, strict=True):
            rows.append([program, measure, f"{median:.4g}", unit, args.runs, f"{low:.4g}", f"{high:.4g}"])
        rows.append([program, "firth is faster", f"{faster:.3g}", "×", args.runs, "", ""])
        for name in quality:
            rows.append([program, name, f"{statistics.median(column(program, name)):.4f}", "", args.runs, "", ""])
    share = statistics.median(run["gflops"] / run["gemm"] for run in runs["firth"])
    tables, memory = column("firth", "tables")[0], statistics.median(column("firth", "memory"))
    print(
        f"\nkernel: {statistics.median(column('firth', 'gflops')):.0f} GFLOP/s, {share:.0%} of this machine's", end=" "
    )
    print(f"f4 matrix product ({statistics.median(column('firth', 'gemm')):.0f} GFLOP/s)")
    print(f"memory: {(memory - 1.3 * tables) / 2**20:.0f} MiB beyond 1.3 × the two tables ({tables / 2**20:.0f} MiB)")
    if args.save:
        save(setting, rows)


def save(setting: str, rows: list[list[object]]) -> None:
    new = not RESULTS.exists()
    with open(RESULTS, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerows([time.strftime("%Y-%m-%d"), "word2vec", setting, *row] for row in rows)


if __name__ == "__main__":
    main()
