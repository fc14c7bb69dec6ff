"""Chinese: what cutting costs beside rjieba's own time, and how good the vectors are beside gensim's.

    python benchmarks/chinese.py TEXT [--runs 3] [--threads 2]
    python benchmarks/chinese.py TEXT --train [--seeds 1 2 3] [--similarity F…] [--analogies F…]

The first compares `encode` (reading, cutting in processes, counting, ids on disk) with `rjieba.cut` over the lines of
the same text in one thread, in turn; lines are in memory before rjieba begins, and its words are dropped at once. The
second cuts the text once, writes it as lines of words apart by blanks, and has both programs learn from that file.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import firth
import measuring
from measuring import Summary

SETTINGS = {"dim": 100, "window": 5, "negatives": 5, "min_count": 5, "subsample": 1e-3, "epochs": 5}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    parser.add_argument("--train", action="store_true", help="learn vectors and score them instead")
    parser.add_argument("--split-sentences", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--similarity", nargs="*", default=[])
    parser.add_argument("--analogies", nargs="*", default=[])
    args = parser.parse_args()
    if args.train:
        score(args)
    else:
        compare(args)


def compare(args: argparse.Namespace) -> None:
    """Seconds of both, in turn."""
    import rjieba

    from firth.tokens.encoded import encode

    lines = whole(args.text).decode().split("\n")
    characters = sum(map(len, lines))

    def ours() -> None:
        encode(firth.Text(args.text, tokenizer="chinese"), threads=args.threads).close()

    def theirs() -> None:
        for line in lines:
            rjieba.cut(line)

    theirs_seconds, ours_seconds = [], []
    for _ in range(args.runs):
        theirs_seconds.append(timed(theirs))
        ours_seconds.append(timed(ours))
    part = Summary.of(our / their for our, their in zip(ours_seconds, theirs_seconds, strict=True))
    print(f"{characters / 1e6:.1f} M characters; rjieba, one thread: {Summary.of(theirs_seconds)} s")
    print(f"firth, encode, {args.threads} threads: {Summary.of(ours_seconds)} s, {part} of rjieba's")
    if args.save:
        rows = [("rjieba", "cut", Summary.of(theirs_seconds), "s"), ("firth", "encode", Summary.of(ours_seconds), "s")]
        setting = f"{Path(args.text).name}, {args.threads} threads"
        measuring.save("chinese", setting, [*rows, ("firth", "encode: share of rjieba's time", part, "×")])


def score(args: argparse.Namespace) -> None:
    """Both programs on the same lines of words: what they score, seed by seed."""
    cut = measuring.scratch_file("cut.txt")
    with open(cut, "w", encoding="utf-8") as file:
        for words in firth.Text(args.text, tokenizer="chinese", split_sentences=args.split_sentences):
            file.write(" ".join(words) + "\n")
    programs: dict[str, Callable[[Path, int, int], Any]] = {"firth": learn, "gensim": learn_by_gensim}
    for seed in args.seeds:
        for program, learning in programs.items():
            vectors = learning(cut, seed, args.threads)
            figures = [f"{Path(f).stem} {vectors.evaluate_word_pairs(f)[1][0]:.3f}" for f in args.similarity]
            for f in args.analogies:
                from firth.evaluate.analogy import analogies

                found = analogies(vectors, f)
                figures.append(f"{Path(f).stem} {found.accuracy:.4f} (coverage {found.coverage:.0%})")
            print(f"{program}, seed {seed}: {', '.join(figures)}", flush=True)
    cut.unlink()


def learn(cut: Path, seed: int, threads: int) -> Any:
    return firth.Word2Vec(**SETTINGS, seed=seed).fit(cut, threads=threads)


def learn_by_gensim(cut: Path, seed: int, threads: int) -> Any:
    from gensim.models import Word2Vec

    options = {"vector_size": 100, "window": 5, "negative": 5, "min_count": 5, "sample": 1e-3, "epochs": 5}
    found = Word2Vec(corpus_file=str(cut), sg=1, workers=threads, seed=seed, **options).wv
    return firth.Vectors(found.index_to_key, found.vectors)


def whole(path: str) -> bytes:
    """All bytes of a text, unpacked."""
    return b"\n".join(bytes(block.data) for block in firth.Text(path, tokenizer="characters").blocks())


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
