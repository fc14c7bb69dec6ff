"""CBOW or skip-gram for little text? Both on the first 1, 4 and 16 million words, rare words apart.

    python benchmarks/small_data.py TEXT --similarity ws353.tsv men3000.tsv [--analogies questions-words.txt]
        [--millions 1 4 16] [--epochs 5 15] [--seeds 3]

Mikolov's notes say that skip-gram suits small data and rare words, TensorFlow's tutorial that CBOW suits small data:
this shows what is true. The pairs of a file whose words are both known are cut into thirds by how often the rarer of
the two words comes; "rare" is the lowest third, "frequent" the highest. Figures are Spearman's correlation and the
share of analogies answered exactly, medians over seeds. Equal epochs give both the same text; CBOW, which has fewer
examples, may need more of them.
"""

import argparse
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import firth
import measuring
from firth.evaluate.similarity import pairs
from measuring import Summary

CHUNK = 50  # words of a line, where the text has no lines


def main() -> None:
    args = parse()
    print(f"{'M words':>8} {'epochs':>6} {'architecture':<12} {'score':<24} {'median (low–high)'}")
    for millions in args.millions:
        text = first_words(args.text, round(millions * 1e6))
        for epochs in args.epochs:
            for architecture in ("cbow", "skipgram"):
                runs = [learn_and_score(args, text, architecture, epochs, seed) for seed in range(1, args.seeds + 1)]
                figures = {name: Summary.of(run[name] for run in runs) for name in runs[0]}
                for name, figure in figures.items():
                    print(f"{millions:>8g} {epochs:>6} {architecture:<12} {name:<24} {figure}", flush=True)
                if args.save:
                    setting = f"{millions:g} M words, {epochs} epochs, dim {args.dim}"
                    measuring.save("small_data", setting, ((architecture, *row, "") for row in figures.items()))
        text.unlink()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--similarity", nargs="+", required=True)
    parser.add_argument("--analogies")
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 4, 16])
    parser.add_argument("--epochs", type=int, nargs="+", default=[5])
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def first_words(text: str, count: int) -> Path:
    """A file with the first `count` words of a text, its lines as they are; a giant line is cut into short ones."""
    part = measuring.scratch_file("part.txt")
    with open(text, encoding="utf-8") as source, open(part, "w", encoding="utf-8") as target:
        while count > 0 and (piece := source.readline(1 << 20)):
            if len(piece) == 1 << 20:  # inside a giant line: up to the next blank
                while not piece[-1].isspace() and (more := source.read(1)):
                    piece += more
            words = iter(piece.split()[:count])
            while line := list(islice(words, CHUNK if len(piece) >= 1 << 20 else None)):
                target.write(" ".join(line) + "\n")
                count -= len(line)
    return part


def learn_and_score(
    args: argparse.Namespace, text: Path, architecture: str, epochs: int, seed: int
) -> dict[str, float]:
    model = firth.Word2Vec(
        architecture=architecture, dim=args.dim, epochs=epochs, min_count=args.min_count, seed=seed
    )  # everything else as it comes: the rates differ, as in word2vec.c
    vectors = model.fit(text, threads=args.threads, progress=False)
    found: dict[str, float] = {}
    if args.analogies:
        found["analogies"] = vectors.evaluate_word_analogies(args.analogies, restrict_vocab=30_000)[0]
    for file in args.similarity:
        name, rated = Path(file).stem, known_pairs(vectors, file)
        third = len(rated) // 3
        for part, lines in {"all": rated, "rare": rated[:third], "frequent": rated[-third:]}.items():
            found[f"{name} {part}"] = pairs(vectors, lines, case_insensitive=False).spearman
    return found


def known_pairs(vectors: firth.Vectors, file: str) -> list[str]:
    """The lines of a file of pairs whose words are both known, the pair with the rarest word first."""
    counted: list[tuple[int, str]] = []
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if len(fields) != 3 or line.startswith("#"):
            continue
        words = [known(vectors, word) for word in fields[:2]]
        if all(words):
            rarer = min(int(vectors.get_vecattr(word, "count")) for word in words)
            counted.append((rarer, "\t".join([*words, fields[2]])))
    return [line for _, line in sorted(counted, key=lambda pair: pair[0])]


def known(vectors: firth.Vectors, word: str) -> str:
    """The word as the vectors have it, as written or in small letters; empty where they do not."""
    forms: Sequence[str] = (word, word.lower())
    return next((form for form in forms if form in vectors), "")


if __name__ == "__main__":
    main()
