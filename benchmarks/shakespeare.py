"""GPT on tiny shakespeare, as nanoGPT trains it on a processor: characters, 4 layers, 128 wide, 64 long, 12 rows.

    python benchmarks/shakespeare.py TINYSHAKESPEARE [--steps 2000] [--lr 1e-3] [--seed 1] [--threads 1] [--save]

The last tenth of the text is held out, as there. nanoGPT's README gives a held-out loss of 1.88 after 2,000 steps.
"""

import argparse
import time

import firth
import measuring
from measuring import Summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    gpt = firth.GPT(
        units="characters",
        blank_lines="text",
        layers=4,
        heads=4,
        dim=128,
        length=64,
        batch_tokens=12 * 64,
        steps=args.steps,
        lr=args.lr,
        warmup=min(100, args.steps // 20 + 1),
        weight_decay=0.1,
        beta2=0.99,
        evaluate_every=max(1, args.steps // 2),
        seed=args.seed,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    lm = gpt.fit(args.text, validation=0.1, threads=args.threads, progress=False)
    seconds, busy = time.perf_counter() - wall, time.process_time() - cpu
    losses = [report["validation"] for report in lm.provenance["reports"] if report["validation"] is not None]
    print(
        lm,
        f"held-out loss {losses[-1]:.4f} (before: {losses[:-1]})",
        f"{seconds:.0f} s, {busy:.0f} CPU seconds",
        sep="\n",
    )
    print(lm.generate("ROMEO:\n", tokens=200, temperature=0.8))
    if args.save:
        figures = [
            ("firth", "held-out loss", Summary.of([losses[-1]]), "nats"),
            ("firth", "CPU", Summary.of([busy]), "s"),
        ]
        measuring.save("shakespeare", f"{args.steps} steps, lr {args.lr:g}, seed {args.seed}", figures)


if __name__ == "__main__":
    main()
