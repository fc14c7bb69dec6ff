"""Random or pretrained: how many steps to the same loss?

    python recipes/better_start.py TEXT [--seeds 3] [--picture start.png]

Vectors of words are learnt by Word2Vec from TEXT, in seconds. Then an NNLM learns from the same text, once from a
random table and once from those vectors, with three seeds each. Both end near the same held-out loss; what is asked is
when the one that had the vectors came to where the other one ended.
"""

import argparse
from pathlib import Path

import firth


def curves(text: firth.Text, model: firth.NNLM, seeds: int) -> dict[str, list[list[tuple[int, float]]]]:
    """(steps, held-out loss) of every run, by what it started from."""
    vectors = firth.Word2Vec(dim=model.dim, epochs=5, min_count=2).fit(text, progress=False)
    found: dict[str, list[list[tuple[int, float]]]] = {"random": [], "pretrained": []}
    for seed in range(1, seeds + 1):
        for start, init in (("random", None), ("pretrained", vectors)):
            lm = model.replace(seed=seed).fit(text, init=init, validation=0.1, progress=False)
            reports = [each for each in lm.provenance["reports"] if each["validation"] is not None]
            found[start].append([(each["step"], each["validation"]) for each in reports])
    return found


def steps_to(curve: list[tuple[int, float]], loss: float) -> int | None:
    """The first evaluation at which the loss was no more than this."""
    return next((step for step, value in curve if value <= loss), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    text = firth.Text(args.text, tokenizer="words", lower=True)
    model = firth.NNLM(
        vocab_size=5000, dim=100, hidden=200, samples=500, batch_tokens=1024, lr=2e-3, steps=args.steps,
        evaluate_every=max(1, args.steps // 20),
    )  # fmt: skip
    found = curves(text, model, args.seeds)
    for seed, (random, pretrained) in enumerate(zip(found["random"], found["pretrained"], strict=True), 1):
        last = random[-1]
        print(
            f"seed {seed}: random ends at {last[1]:.3f} after {last[0]} steps, pretrained at {pretrained[-1][1]:.3f}; "
            f"it is at {last[1]:.3f} after {steps_to(pretrained, last[1])}"
        )
    if args.picture:
        draw(found, args.picture)


def draw(found: dict[str, list[list[tuple[int, float]]]], path: Path) -> None:
    """The held-out loss of every run against its steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for (start, runs), colour in zip(found.items(), ("C0", "C1"), strict=True):
        for number, run in enumerate(runs):
            axes.plot(*zip(*run, strict=True), color=colour, label=None if number else start)
    axes.set(xlabel="steps", ylabel="held-out loss, nats a word")
    axes.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
