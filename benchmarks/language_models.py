"""Perplexity of language models over one vocabulary: n-grams, networks, and their mixtures.

    python benchmarks/language_models.py TRAIN VALID TEST --models DIR… [--orders 3 5] [--save]

The networks are models that `firth train nnlm|rnnlm|elmo` wrote, of one vocabulary and one cutting; n-grams with
modified Kneser-Ney are estimated here from TRAIN over the same words. A mixture is λ p(network) + (1 - λ) p(n-gram of
the highest order), λ chosen on VALID among 0.1 … 0.9. Perplexities are over all words and ends of sentences; a word not
in the vocabulary counts as the unknown one, in every model. Tokens, minutes and tokens/s of a network are those
that its own provenance has.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import firth
import measuring
from firth.tokens.running import lines
from measuring import Summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("valid")
    parser.add_argument("test")
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--orders", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    models = {each: firth.load(each) for each in args.models}
    first = next(iter(models.values()))
    words = [token for token in first.tokenizer.tokens if token not in first.tokenizer.special.values()]
    parts = {name: list(lines(firth.Text.cut_like(path, first.text))) for name, path in vars(args).items()
             if name in ("valid", "test")}  # fmt: skip
    texts = {name: [line for line in found if line] for name, found in parts.items()}
    figures: list[tuple[str, str, Summary, str]] = []

    def tell(program: str, measure: str, value: float, unit: str = "") -> None:
        print(f"{program:44} {measure:16} {value:10.4g} {unit}", flush=True)
        figures.append((program, measure, Summary.of([value]), unit))

    counted: dict[str, list[float]] = {}
    for order in args.orders:
        ngram = firth.NGramLM(order=order).fit(
            firth.Text.cut_like(args.train, first.text), vocabulary=words, progress=False
        )
        counted = {name: ngram_logs(ngram, found) for name, found in texts.items()}
        tell(f"{order}-gram", "perplexity", perplexity(counted["test"]))
    for path, model in models.items():
        name = Path(path).name
        logs = {part: np.concatenate(model.line_log_probabilities(found)) for part, found in texts.items()}
        last = model.provenance["reports"][-1]
        tell(name, "perplexity", perplexity(logs["test"]))
        tell(name, "tokens", last["tokens"])
        tell(name, "minutes", last["seconds"] / 60)
        tell(name, "speed", last["tokens"] / last["seconds"], "tokens/s")
        shares = np.arange(1, 10) / 10
        best = min(shares, key=lambda share: perplexity(mixed(share, logs["valid"], counted["valid"])))
        mixture = f"{best:.1f} {name} + {1 - best:.1f} {args.orders[-1]}-gram"
        tell(mixture, "perplexity", perplexity(mixed(best, logs["test"], counted["test"])))
    if args.save:
        measuring.save("language_models", f"{len(words)} words, {first.text}", figures)


def ngram_logs(model: object, found: Sequence[str]) -> np.ndarray:
    """ln p of every word and end of the lines, f8[words + lines]."""
    return np.log([score.probability for line in found for score in model.word_scores(line.split())])


def mixed(share: float, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.logaddexp(np.log(share) + one, np.log(1 - share) + other)


def perplexity(logs: np.ndarray) -> float:
    return float(np.exp(-np.mean(logs)))


if __name__ == "__main__":
    main()
