"""Claim: TextClassifier classifies as well as fastText's supervised mode, and trains at least twice as fast.

    python benchmarks/classifier.py DATA [--fasttext PATH] [--threads 2] [--seeds 10] [--save]

DATA holds sst2, trec and zh, as `label TAB text`; Chinese is cut into characters, for both alike. Both programs have
the same threads, epochs, rate, dim and n-grams. fastText is its own binary where PATH is given, else its package.

Accuracy: the mean over seeds, on the test part. Speed: seconds of a pass, from the difference of a long training and a
short one, so that neither program's start, reading and allocation count; and of the whole short training. In turns.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import firth
import measuring
from firth.corpus.labelled import Labelled, read

SETS = {
    "sst2": ("sst2/train.tsv", "sst2/test.tsv"),
    "trec": ("trec/train.tsv", "trec/test.tsv"),
    "thucnews": ("zh/thucnews_titles_train10k.tsv", "zh/thucnews_titles_test10k.tsv"),
}
EPOCHS, MORE = 5, 100  # of the quality, and of the long training


def labelled(source: Path, target: Path, characters: bool) -> Path:
    """The set as lines of `__label__x text`."""
    lines = []
    for line in source.read_text(encoding="utf-8").splitlines():
        label, text = line.split("\t", 1)
        lines.append(f"__label__{label} {' '.join(''.join(text.split())) if characters else text}\n")
    target.write_text("".join(lines), encoding="utf-8")
    return target


class FastText:
    """The binary, or the package."""

    def __init__(self, binary: str | None, folder: Path) -> None:
        self.binary, self.model = binary, folder / "theirs"

    def train(self, train: Path, epochs: int, lr: float, ngrams: int, threads: int, seed: int) -> float:
        """Seconds of a training."""
        began = time.perf_counter()
        if self.binary:
            options = {"epoch": epochs, "lr": lr, "wordNgrams": ngrams, "thread": threads, "seed": seed, "verbose": 0}
            options |= {} if ngrams == 1 else {"bucket": 200_000}
            words = [word for name, value in options.items() for word in (f"-{name}", str(value))]
            command = [self.binary, "supervised", "-input", str(train), "-output", str(self.model), *words]
            subprocess.run(command, check=True, capture_output=True)
        else:
            import fasttext

            bucket = {} if ngrams == 1 else {"bucket": 200_000}
            how = {"epoch": epochs, "lr": lr, "wordNgrams": ngrams, "thread": threads, "verbose": 0, **bucket}
            self.fitted = fasttext.train_supervised(str(train), seed=seed, **how)
        return time.perf_counter() - began

    def accuracy(self, test: Path) -> float:
        if not self.binary:
            return float(self.fitted.test(str(test))[1])
        done = subprocess.run(
            [self.binary, "test", f"{self.model}.bin", str(test)], check=True, capture_output=True, text=True
        )
        return float(next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("P@1")))


def ours(data: Labelled, epochs: int, lr: float, ngrams: int, threads: int, seed: int) -> tuple[float, object]:
    """Seconds of a training, and the classifier."""
    began = time.perf_counter()
    classifier = firth.TextClassifier(epochs=epochs, lr=lr, word_ngrams=ngrams, buckets=200_000, seed=seed)
    classifier.fit(data.texts, [labels[0] for labels in data.labels], threads=threads)
    return time.perf_counter() - began, classifier


def quality(train: Path, test: Path, peer: FastText, lr: float, ngrams: int, options: argparse.Namespace) -> tuple:
    """Accuracies by seed: (firth's, fastText's)."""
    data, held_out = read(train), read(test)
    truth = [labels[0] for labels in held_out.labels]
    own, theirs = [], []
    for seed in range(1, options.seeds + 1):
        own.append(ours(data, EPOCHS, lr, ngrams, options.threads, seed)[1].score(held_out.texts, truth))
        peer.train(train, EPOCHS, lr, ngrams, options.threads, seed)
        theirs.append(peer.accuracy(test))
    return own, theirs


def speed(train: Path, peer: FastText, lr: float, ngrams: int, options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds by run, of a pass and of the short training, in turns."""
    data = read(train)
    found: dict[str, list[float]] = {name: [] for name in ("own pass", "their pass", "own whole", "their whole")}
    for seed in range(1, options.runs + 1):
        short, long = (ours(data, epochs, lr, ngrams, options.threads, seed)[0] for epochs in (EPOCHS, MORE))
        found["own pass"].append((long - short) / (MORE - EPOCHS))
        found["own whole"].append(short)
        short, long = (peer.train(train, epochs, lr, ngrams, options.threads, seed) for epochs in (EPOCHS, MORE))
        found["their pass"].append((long - short) / (MORE - EPOCHS))
        found["their whole"].append(short)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--fasttext", help="its binary")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    parser.add_argument("--only", choices=["quality", "speed"], help="one half of the claim")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--ngrams", type=int, nargs="*", default=[1, 2])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        peer = FastText(options.fasttext, folder)
        for which in options.sets:
            train, test = (
                labelled(options.data / part, folder / f"{which}{i}", which == "thucnews")
                for i, part in enumerate(SETS[which])
            )
            for ngrams in options.ngrams:
                report(which, train, test, peer, ngrams, options)


def report(which: str, train: Path, test: Path, peer: FastText, ngrams: int, options: argparse.Namespace) -> None:
    """One set with one length of n-grams: print, and append to results.csv."""
    lr = 0.5
    setting = f"{which}, dim 100, lr {lr}, {EPOCHS} epochs, word n-grams {ngrams}, {options.threads} threads"
    ours(read(train), 1, lr, ngrams, options.threads, 1)  # compiles
    rows = []
    if options.only != "speed":
        own, theirs = quality(train, test, peer, lr, ngrams, options)
        gap = statistics.mean(own) - statistics.mean(theirs)
        print(f"{setting}: accuracy {statistics.mean(own):.4f} ± {statistics.stdev(own):.4f}, "
              f"fastText {statistics.mean(theirs):.4f} ± {statistics.stdev(theirs):.4f}, gap {gap:+.4f}")  # fmt: skip
        rows += [
            ("firth", "accuracy", measuring.Summary.of(own), ""),
            ("fastText", "accuracy", measuring.Summary.of(theirs), ""),
        ]
    if options.only != "quality":
        found = speed(train, peer, lr, ngrams, options)
        for what in ("pass", "whole"):
            times = measuring.ratio(found[f"own {what}"], found[f"their {what}"])
            print(f"{setting}: {what} {measuring.Summary.of(found[f'own {what}'])} s, "
                  f"fastText {measuring.Summary.of(found[f'their {what}'])} s: {times} times")  # fmt: skip
            rows.append(("firth", f"times fastText's speed, {what}", times, "×"))
    sys.stdout.flush()
    if options.save:
        measuring.save("classifier", setting, rows)


if __name__ == "__main__":
    main()
