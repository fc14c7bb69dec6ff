"""The same text, three objectives × two architectures: words a second and scores, peers beside them where they can.

    python benchmarks/objectives.py TEXT [--vocabulary 5000] [--words 2000000] [--peers gensim]
        [--word2vec-c BINARY] [--analogies questions-words.txt] [--similarity ws353.tsv men3000.tsv]

Full softmax visits every word of the vocabulary for every example, so the text is cut to its first `--words` words and
its `--vocabulary` most frequent ones, the same for all programs: the others are taken out beforehand. `--losses ns hs`
with `--words 0 --vocabulary 0` leaves the text as it is. gensim and word2vec.c have no full softmax.
"""

import argparse
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import measuring
from measuring import Summary
from programs import PEERS, Training, can, train

CHUNK = 1000  # words of a line at most, as gensim and word2vec.c cut longer ones


def main() -> None:
    args = parse()
    text = reduced(args.text, args.words, args.vocabulary)
    part = measuring.first_bytes(text, 200_000)
    programs = ["firth", *args.peers, *(["word2vec.c"] if args.word2vec_c else [])]
    for loss in args.losses:
        for architecture in ("skipgram", "cbow"):
            training = Training(
                text=str(text), architecture=architecture, loss=loss, dim=args.dim, epochs=args.epochs,
                threads=args.threads, min_count=args.min_count, word2vec_c=args.word2vec_c,
            )  # fmt: skip
            train("firth", replace(training, text=str(part), min_count=1, epochs=1))  # compiles
            able = [program for program in programs if can(program, loss)]
            measure(args, training, able)
    part.unlink()
    text.unlink()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--losses", nargs="+", choices=["ns", "hs", "softmax"], default=["ns", "hs", "softmax"])
    parser.add_argument("--words", type=int, default=2_000_000, help="of the text, from its start; 0: all")
    parser.add_argument("--vocabulary", type=int, default=5_000, help="its most frequent words; 0: all")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["gensim"], choices=PEERS)
    parser.add_argument("--word2vec-c", help="path of a word2vec binary built from the original C source")
    parser.add_argument("--analogies")
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def reduced(text: str, count: int, vocabulary: int) -> Path:
    """A file with the first `count` words of a text, those that are not among the most frequent taken out; 0: all."""
    with open(text, encoding="utf-8") as source:
        lines = []
        left = count or -1
        while left and (line := source.readline()):
            words = line.split()[: left if left > 0 else None]
            left -= len(words) if left > 0 else 0
            lines.append(words)
    kept = {word for word, _ in Counter(word for line in lines for word in line).most_common(vocabulary or None)}
    part = measuring.scratch_file("reduced.txt")
    with open(part, "w", encoding="utf-8") as target:
        for line in lines:
            words = (word for word in line if word in kept)
            while chunk := list(islice(words, CHUNK)):
                target.write(" ".join(chunk) + "\n")
    return part


def measure(args: argparse.Namespace, training: Training, programs: list[str]) -> None:
    """All programs in turn, `--runs` times; prints a line for each."""
    runs: dict[str, list[dict[str, float]]] = {program: [] for program in programs}
    output = measuring.scratch_file("vectors.txt")
    for _ in range(args.runs):
        for program in programs:
            found = train(program, training, output)
            runs[program].append(found | measuring.scores(output, args.analogies, args.similarity))
            output.unlink()
    scored = [name for name in runs["firth"][0] if name not in ("speed", "whole", "memory", "tables", "windows")]
    print(f"\n{training}, {args.epochs} epochs")
    figures = []
    for program, found in runs.items():
        speeds = [run["speed"] for run in found]
        speed = Summary.of(value / 1e6 for value in speeds)
        faster = measuring.ratio(speeds, [run["speed"] for run in runs["firth"]])
        scores = {name: Summary.of(run[name] for run in found) for name in scored}
        said = "".join(f"  {name} {score.median:.3f}" for name, score in scores.items())
        print(f"  {program:<12} {speed} M words/s, firth × {faster.median:.2f}{said}", flush=True)
        figures += [(program, "speed", speed, "M words/s"), (program, "firth is faster", faster, "×")]
        figures += [(program, name, score, "") for name, score in scores.items()]
    if args.save:
        size = f"{args.words:,} words, {args.vocabulary:,} distinct" if args.words else "whole text"
        measuring.save("objectives", f"{training}, {args.epochs} epochs, {size}", figures)


if __name__ == "__main__":
    main()
