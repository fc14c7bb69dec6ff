"""Language models of n-grams: words estimated and scored in a second, perplexity by order, and a peer on the same file.

    python benchmarks/ngram.py TRAIN TEST [--runs 3] [--order 5] [--tokenizer words] [--lower] [--max-vocab N] [--save]

"estimate" is from the text file to the model; "score" from a text file to its perplexity, of TRAIN again (millions of
words, so that starting does not rule) and of TEST. Where the `kenlm` module is installed, it reads our ARPA file and
scores TEST: its perplexity must be ours.
"""

import argparse
import sys
import time

import firth
import measuring
from measuring import Summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--tokenizer", default="whitespace")
    parser.add_argument("--lower", action="store_true")
    parser.add_argument("--max-vocab", type=int)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    cut = {"tokenizer": args.tokenizer, "lower": args.lower}
    firth.NGramLM().fit(["compiles the kernels"], progress=False).perplexity(["once"])
    figures: list[tuple[str, str, Summary, str]] = []
    lm = None
    for order in range(1, args.order + 1):
        speeds: dict[str, list[float]] = {"estimate": [], "score train": [], "score test": []}
        for _ in range(args.runs if order == args.order else 1):
            began = time.perf_counter()
            lm = firth.NGramLM(order=order, max_vocab=args.max_vocab).fit(firth.Text(args.train, **cut), progress=False)
            seconds = time.perf_counter() - began
            speeds["estimate"].append((lm.provenance["words_read"] + lm.provenance["sentences"]) / seconds)
            for name, file in (("score train", args.train), ("score test", args.test)):
                began = time.perf_counter()
                found = lm.score(file)
                speeds[name].append(found.tokens / (time.perf_counter() - began))
        figures += [(f"order {order}", name, Summary.of(found), "tokens/s") for name, found in speeds.items()]
        of_each = {"perplexity": found.perplexity, "without unseen": found.without_unseen}
        figures += [(f"order {order}", name, Summary.of([value]), "") for name, value in of_each.items()]
        if args.max_vocab is None and order > 1:  # KenLM wants pairs at least
            figures += kenlm(lm, args.test, cut, f"kenlm, order {order}")
    for program, measure, summary, unit in figures:
        print(f"{program:18} {measure:15} {summary} {unit}")
    print(lm, found, file=sys.stderr)
    if args.save:
        setting = f"{args.tokenizer}{' lower' * args.lower}, max_vocab {args.max_vocab}"
        measuring.save("ngram", setting, figures)


def kenlm(lm: object, test: str, cut: dict[str, object], program: str) -> list[tuple[str, str, Summary, str]]:
    """What KenLM makes of the same ARPA file; nothing where it is not installed."""
    try:
        import kenlm as peer
    except ImportError:
        return []
    path = measuring.scratch_file("model.arpa")
    lm.save(path, format="arpa")  # type: ignore[attr-defined]
    theirs = peer.Model(str(path))
    path.unlink()
    sentences = [" ".join(words) for words in firth.Text(test, **cut) if words]  # type: ignore[arg-type]
    began = time.perf_counter()
    log10 = sum(theirs.score(sentence) for sentence in sentences)
    tokens = sum(len(sentence.split(" ")) + 1 for sentence in sentences)
    speed = tokens / (time.perf_counter() - began)
    return [
        (program, "perplexity", Summary.of([10 ** (-log10 / tokens)]), ""),
        (program, "score test", Summary.of([speed]), "tokens/s"),
    ]


if __name__ == "__main__":
    main()
