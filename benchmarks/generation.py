"""GPT writes 255 tokens with a cache of keys and values, and without: how many times as fast, and the same tokens.

python benchmarks/generation.py [--layers 6] [--dim 256] [--runs 3] [--save]
"""

import argparse
import time
from collections.abc import Iterator
from itertools import islice

import firth
import measuring
from firth.models.language_model import NextTokenModel
from measuring import Summary

_LENGTH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    size = {"layers": args.layers, "dim": args.dim, "length": _LENGTH, "units": "characters"}
    lm = firth.GPT(**size, steps=1, batch_tokens=256).fit(["to be or not to be"] * 50, threads=1)
    seconds: dict[str, list[float]] = {"cache": [], "no cache": []}
    written: dict[str, list[int]] = {}
    for _ in range(args.runs):
        for name, scores in (("cache", type(lm).next_scores), ("no cache", NextTokenModel.next_scores)):
            ids = lm.tokens(["t"])[0]
            began = time.process_time()
            grown(ids, scores(lm, ids))
            seconds[name].append(time.process_time() - began)
            written[name] = ids
    assert written["cache"] == written["no cache"], "the cache changes what is written"
    gain = measuring.ratio(seconds["cache"], seconds["no cache"])
    speeds = {name: Summary.of((_LENGTH - 1) / value for value in values) for name, values in seconds.items()}
    print(f"{_LENGTH - 1} tokens: {speeds['cache']} tokens/s with a cache, {speeds['no cache']} without: {gain} times")
    if args.save:
        figures = [(name, "tokens written per CPU second", speed, "tokens/s") for name, speed in speeds.items()]
        measuring.save("generation", f"{args.layers} layers, {args.dim} wide, to length {_LENGTH}", figures)


def grown(ids: list[int], scores: Iterator[object]) -> None:
    """The likeliest token again and again; of equals the first."""
    for found in islice(scores, _LENGTH - 1):
        ids.append(int(found.round(3).argmax()))  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
