"""GloVe against the Stanford C programs: the same text, the same settings, the same threads, in one run.

    python benchmarks/glove.py TEXT --programs FOLDER [--dim 100] [--window 10] [--epochs 1] [--threads 2] [--runs 3]
        [--analogies questions-words.txt] [--similarity ws353.tsv men3000.tsv] [--save]

TEXT has a sentence a line, words apart by blanks; FOLDER holds vocab_count, cooccur, shuffle and glove. "counting" is
everything before the first pass: reading, vocabulary, co-occurrences, shuffling. "pass" is one pass over the cells, the
mean of all. Machine code is compiled, once, before the first run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring
from measuring import Summary

GIGABYTES = 8.0  # that the C programs may take; firth takes what it wants


def main() -> None:
    args = parse()
    part = measuring.first_bytes(args.text)
    firth_run(args, str(part), 1, None)  # compiles
    part.unlink()
    runs: dict[str, list[dict[str, float]]] = {"firth": [], "glove.c": []}
    for _ in range(args.runs):
        for program, train in (("firth", firth_run), ("glove.c", c_run)):
            if program in args.only:
                output = measuring.scratch_file("vectors.txt") if args.analogies or args.similarity else None
                runs[program].append(train(args, args.text, args.epochs, output))
                if output:
                    runs[program][-1] |= measuring.scores(output, args.analogies, args.similarity)
                    output.unlink()
                print(f"  {program}: {runs[program][-1]}", file=sys.stderr)
    report(args, {program: found for program, found in runs.items() if found})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--programs", type=Path, help="the folder of the C programs")
    parser.add_argument("--only", nargs="*", default=["firth", "glove.c"])
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=10)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--analogies")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def firth_run(args: argparse.Namespace, text: str, epochs: int, output: Path | None) -> dict[str, float]:
    told = {name: getattr(args, name) for name in ("dim", "window", "min_count", "threads")}
    return measuring.in_own_process(__file__, "--firth", text, json.dumps({**told, "epochs": epochs}), output or "")


def in_this_process(text: str, told: str, output: str) -> None:
    import firth

    options = json.loads(told)
    threads, epochs = options.pop("threads"), []
    began = time.perf_counter()
    vectors = firth.GloVe(**options).fit(text, threads=threads, callbacks=[epochs.append], progress=False)
    whole = time.perf_counter() - began
    passes = sum(epoch.seconds for epoch in epochs)
    found = {"counting": whole - passes, "pass": passes / len(epochs), "cost": epochs[-1].loss}
    found |= {"cells": epochs[-1].examples, "memory": measuring.peak_memory()}
    if output:
        vectors.save_word2vec_format(output)
    print(json.dumps(found))


def c_run(args: argparse.Namespace, text: str, epochs: int, output: Path | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        counting = f"""
            {args.programs}/vocab_count -min-count {args.min_count} -verbose 0 < {text} > {at}/vocab &&
            {args.programs}/cooccur -memory {GIGABYTES} -vocab-file {at}/vocab -verbose 0 -window-size {args.window} \
                -overflow-file {at}/overflow < {text} > {at}/cells &&
            {args.programs}/shuffle -memory {GIGABYTES} -verbose 0 -temp-file {at}/shuffle < {at}/cells > {at}/shuffled
        """
        began = time.perf_counter()
        subprocess.run(["bash", "-c", counting], check=True, capture_output=True)
        counted = time.perf_counter()
        cells = (at / "shuffled").stat().st_size // 16
        command = [args.programs / "glove", "-input-file", at / "shuffled", "-vocab-file", at / "vocab"]
        command += ["-save-file", at / "vectors", "-vector-size", args.dim, "-iter", epochs, "-threads", args.threads]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        learnt = time.perf_counter()
        costs = [float(line.split("cost: ")[1]) for line in done.stderr.splitlines() if "cost: " in line]
        if output:
            lines = [line for line in (at / "vectors.txt").read_text().splitlines() if not line.startswith("<unk> ")]
            output.write_text(f"{len(lines)} {args.dim}\n" + "\n".join(lines) + "\n")
        memory = measuring.peak_memory(children=True)
    return {
        "counting": counted - began,
        "pass": (learnt - counted) / epochs,  # with writing the vectors once
        "cost": costs[-1],
        "cells": cells,
        "memory": memory,
    }


def report(args: argparse.Namespace, runs: dict[str, list[dict[str, float]]]) -> None:
    setting = f"dim {args.dim}, window {args.window}, {args.epochs} epochs, {args.threads} threads"
    print(f"\n{setting}, medians of {args.runs} (low–high)\n")
    figures = []
    for program, found in runs.items():
        for measure in found[0]:
            unit = {"counting": "s", "pass": "s", "memory": "bytes"}.get(measure, "")
            value = Summary.of(run[measure] for run in found)
            figures.append((program, measure, value, unit))
            print(f"{program:<10}{measure:<12}{value} {unit}")
    if len(runs) == 2:
        for measure in ("counting", "pass"):
            ours, theirs = ([run[measure] for run in runs[program]] for program in ("firth", "glove.c"))
            faster = measuring.ratio(ours, theirs)
            figures.append(("firth", f"{measure} is faster", faster, "×"))
            print(f"firth is faster, {measure}: {faster}")
    if args.save:
        measuring.save("glove", setting, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--firth"]:
        in_this_process(*sys.argv[2:])
    else:
        main()
