"""FastText against fastText's own C++ program: the same text, defaults, epochs and threads, in one run.

    python benchmarks/fasttext.py TEXT BINARY [--architecture skipgram] [--epochs 1] [--runs 3] [--threads 2]
        [--analogies questions-words.txt] [--similarity ws353.tsv men3000.tsv] [--save]

TEXT has a sentence a line, words apart by blanks; BINARY is `fasttext`, built with -O3 -march=native. Both train with
fastText's defaults (dim 100, window 5, 5 negatives, n-grams 3–6, 2 million buckets); they take turns `--runs` times.
Speed is words of the text a second in training alone, as the C++ program counts them. Scores are Spearman correlations
with people's ratings: of the words' vectors, and, as "unseen", of the vectors that n-grams alone give the same words,
as if the text had none of them. "agreement" is the correlation of both programs' cosines over all pairs of the rated
words, seen and unseen.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import measuring
from measuring import Summary


def main() -> None:
    args = parse()
    if args.part:
        print(json.dumps(train_firth(args.text, args.architecture, args.epochs, args.threads, args.part)))
        return
    warm = measuring.first_bytes(args.text)
    run_firth(args, str(warm), 1, None)  # compiles
    warm.unlink()
    runs: dict[str, list[dict[str, float]]] = {"firth": [], "fastText C++": []}
    for turn in range(args.runs):
        last = turn == args.runs - 1 and (args.analogies or args.similarity)
        models = {name: measuring.scratch_file(f"{place}.bin") for place, name in enumerate(runs)}
        runs["firth"].append(run_firth(args, args.text, args.epochs, models["firth"] if last else None))
        runs["fastText C++"].append(run_cpp(args, models["fastText C++"]))
        for name in runs:
            print(f"  {name}: {runs[name][-1]['speed'] / 1e6:.3f} M words/s", file=sys.stderr)
        if last:
            report_scores(args, models)
        for model in models.values():
            model.unlink(missing_ok=True)
            model.with_suffix(".vec").unlink(missing_ok=True)
    report(args, runs)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("binary")
    parser.add_argument("--architecture", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--analogies")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    parser.add_argument("--part", help=argparse.SUPPRESS)  # the model to write, in the process that trains
    return parser.parse_args()


def run_firth(args: argparse.Namespace, text: str, epochs: int, model: Path | None) -> dict[str, float]:
    how = ("--architecture", args.architecture, "--epochs", epochs, "--threads", args.threads)
    return measuring.in_own_process(__file__, text, args.binary, *how, "--part", model or "-")


def train_firth(text: str, architecture: Any, epochs: int, threads: int, model: str) -> dict[str, float]:
    import firth

    began, passes = time.perf_counter(), []
    learnt = firth.FastText(architecture=architecture, epochs=epochs)
    vectors = learnt.fit(text, threads=threads, callbacks=[passes.append], progress=False)
    whole, memory = time.perf_counter() - began, measuring.peak_memory()
    if model != "-":
        vectors.save(model, format="fasttext")
    seconds = sum(each.seconds for each in passes)
    return {"speed": sum(each.words for each in passes) / seconds, "whole": whole, "memory": memory}


def run_cpp(args: argparse.Namespace, model: Path) -> dict[str, float]:
    options = {"-input": args.text, "-output": model.with_suffix(""), "-epoch": args.epochs, "-thread": args.threads}
    command = [args.binary, args.architecture, *(str(word) for pair in options.items() for word in pair)]
    began = time.perf_counter()
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    per_thread = re.findall(r"words/sec/thread:\s*(\d+)", told.stdout + told.stderr)[-1]
    whole = time.perf_counter() - began
    return {"speed": int(per_thread) * args.threads, "whole": whole, "memory": measuring.peak_memory(children=True)}


def report_scores(args: argparse.Namespace, models: dict[str, Path]) -> None:
    """Scores of both, and how far they agree."""
    from scipy.stats import spearmanr

    import firth

    opened = {name: firth.load(path) for name, path in models.items()}
    for name, vectors in opened.items():
        if args.analogies:
            print(f"{name}: analogies {vectors.evaluate_word_analogies(args.analogies, restrict_vocab=30_000)[0]:.3f}")
        for file in args.similarity:
            first, second, rating = rated(file)
            one, two = (of_ngrams(vectors, words) for words in (first, second))
            unseen = spearmanr((one * two).sum(axis=1), rating)[0]
            seen = vectors.evaluate_word_pairs(file)[1][0]
            print(f"{name}: {Path(file).stem} {seen:.3f}, unseen {unseen:.3f}")
    ours, theirs = opened.values()
    for file in args.similarity:
        first, second, _ = rated(file)
        words = [word for word in dict.fromkeys([*first, *second]) if word in ours and word in theirs]
        upper = np.triu_indices(len(words), 1)
        for what, rows in (("seen", of_rows), ("unseen", of_ngrams)):
            one, two = ((rows(each, words) @ rows(each, words).T)[upper] for each in (ours, theirs))
            print(f"{Path(file).stem}, agreement, {what} words: {np.corrcoef(one, two)[0, 1]:.3f}")


def rated(file: str) -> tuple[list[str], list[str], list[float]]:
    lines = (line.split() for line in Path(file).read_text(encoding="utf-8").lower().splitlines())
    rows = [line for line in lines if len(line) > 2 and re.fullmatch(r"[\d.]+", line[2])]
    return [row[0] for row in rows], [row[1] for row in rows], [float(row[2]) for row in rows]


def of_ngrams(vectors: Any, words: list[str]) -> Any:
    found = vectors.subwords.of(words)[0]
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def of_rows(vectors: Any, words: list[str]) -> Any:
    return np.stack([vectors.get_vector(word, norm=True) for word in words])


def report(args: argparse.Namespace, runs: dict[str, list[dict[str, float]]]) -> None:
    setting = f"{args.architecture}, n-grams 3–6, {args.epochs} epochs, {args.threads} threads"
    print(f"\n{setting}, medians of {args.runs} (low–high)\n")
    units = {"speed": (1e6, "M words/s"), "whole": (1.0, "s"), "memory": (2.0**20, "MiB")}
    for measure, (scale, unit) in units.items():
        figures = {name: Summary.of(run[measure] / scale for run in told) for name, told in runs.items()}
        print(f"{measure}: " + ", ".join(f"{name} {figure} {unit}" for name, figure in figures.items()))
        if args.save:
            rows = [(name, measure, figure, unit) for name, figure in figures.items()]
            measuring.save("fasttext", setting, rows)
    ratio = measuring.ratio(*([run["speed"] for run in runs[name]] for name in ("fastText C++", "firth")))
    print(f"firth is {ratio} times as fast")


if __name__ == "__main__":
    main()
