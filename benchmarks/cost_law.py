"""What a prediction costs as the vocabulary grows: full softmax ∝ V, hierarchical softmax ∝ log V, negatives flat.

    python benchmarks/cost_law.py [--words 1000 10000 100000 500000] [--output cost_law]

The texts are made up: V words by Zipf's law, every one of them at least once, in sentences of 20, nothing left out and
windows fixed, so that the number of examples is known. An example is a pair of skip-gram, or a centre word of CBOW. The
time is that of a second pass, without start-up, the median of `--runs`. Softmax learns from few words, or it would take
days. Writes OUTPUT.csv, and OUTPUT.svg where matplotlib is installed.
"""

import argparse
import csv
import math
from pathlib import Path
from typing import Any

import numpy as np

import firth
import measuring
from firth.huffman import HuffmanTree
from measuring import Summary

LOSSES = {"softmax": "full softmax", "hs": "hierarchical softmax", "ns": "negative sampling"}
LENGTH = 20  # words of a sentence
SOFTMAX_OUTPUTS = 4e7  # output rows that softmax may visit for a pass, over all words of its text


def main() -> None:
    args = parse()
    rows: list[dict[str, float]] = []
    for words in args.words:
        keys = [str(i) for i in range(words)]
        row: dict[str, float] = {"words": words, "log2_words": math.log2(words)}
        for loss in LOSSES:
            ids = text_of(words, args.tokens, loss)
            found = Summary.of(microseconds(args, keys, ids, loss) for _ in range(args.runs))
            row |= {loss: found.median, f"{loss}_low": found.low, f"{loss}_high": found.high}
            if loss == "hs":
                row["mean_path"] = mean_path(np.bincount(ids, minlength=words))
        rows.append(row)
        times = ", ".join(f"{name} {row[loss]:.3g} µs" for loss, name in LOSSES.items())
        print(f"{words:>9,} words: {times}; a path is {row['mean_path']:.1f} nodes, log2 {row['log2_words']:.1f}")
    write(args, rows)
    law(rows)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--words", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000, 250_000, 500_000]
    )
    parser.add_argument("--tokens", type=int, default=1_000_000, help="of a text, beside one for every word")
    parser.add_argument("--architecture", choices=["skipgram", "cbow"], default="skipgram")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negatives", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("cost_law"), help="path of the files, without a suffix")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def text_of(words: int, tokens: int, loss: str) -> Any:
    """Word ids, whole sentences of them; by Zipf's law, and every word once where there is room for it."""
    random = np.random.default_rng(words)
    if loss == "softmax":
        tokens, each = max(LENGTH, int(SOFTMAX_OUTPUTS / words)), 0
    else:
        each = words
    share = 1 / np.arange(1, words + 1)
    drawn = np.searchsorted(np.cumsum(share / share.sum()), random.random(tokens)).clip(0, words - 1)
    ids = random.permutation(np.concatenate([drawn, np.arange(each)]))
    return ids[: len(ids) // LENGTH * LENGTH]


def microseconds(args: argparse.Namespace, keys: list[str], ids: Any, loss: str) -> float:
    """The time of an example in the second of two passes."""
    model = firth.Word2Vec(
        loss=loss,
        architecture=args.architecture,
        dim=args.dim,
        window=args.window,
        negatives=args.negatives,
        shrink_windows=False,
        subsample=0,
        epochs=2,
    )
    sentences = [[keys[id_] for id_ in sentence] for sentence in ids.reshape(-1, LENGTH).tolist()]
    epochs: list[Any] = []
    model.fit(sentences, vocabulary=keys, threads=args.threads, callbacks=[epochs.append], progress=False)
    pairs = sum(min(i, args.window) + min(LENGTH - 1 - i, args.window) for i in range(LENGTH))
    examples = epochs[1].examples * (pairs / LENGTH if args.architecture == "skipgram" else 1)
    return float(epochs[1].seconds / examples * 1e6)


def mean_path(counts: Any) -> float:
    """Inner nodes that a word of the text passes, on average."""
    return float(np.average(np.diff(HuffmanTree.of(counts).offsets), weights=counts))


def write(args: argparse.Namespace, rows: list[dict[str, float]]) -> None:
    with open(args.output.with_suffix(".csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        print("matplotlib is not installed: no picture.")
    else:
        figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
        for loss, name in LOSSES.items():
            axes.loglog([row["words"] for row in rows], [row[loss] for row in rows], marker="o", label=name)
        axes.set(xlabel="words of the vocabulary", ylabel="µs an example")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(args.output.with_suffix(".svg"))
    if args.save:
        setting = f"{args.architecture} dim {args.dim}, window {args.window}, {args.threads} threads"
        for row in rows:
            figures = [(f"firth {loss}", "time of an example", summary(row, loss, args), "µs") for loss in LOSSES]
            measuring.save("cost_law", f"{setting}, {row['words']:.0f} words", figures)


def summary(row: dict[str, float], loss: str, args: argparse.Namespace) -> Summary:
    return Summary(row[loss], row[f"{loss}_low"], row[f"{loss}_high"], args.runs)


def law(rows: list[dict[str, float]]) -> None:
    """The exponent of V in each cost (1: ∝ V, 0: does not grow), and the price of a node on the path."""
    if len(rows) < 2:
        return
    words = np.log([row["words"] for row in rows])
    for loss, name in LOSSES.items():
        print(f"{name}: ∝ V^{np.polyfit(words, np.log([row[loss] for row in rows]), 1)[0]:.2f}")
    price, rest = np.polyfit([row["mean_path"] for row in rows], [row["hs"] for row in rows], 1)
    print(f"hierarchical softmax: {price * 1e3:.0f} ns a node of the path, {rest * 1e3:.0f} ns besides")


if __name__ == "__main__":
    main()
