"""Why the loss of training may rise while the vectors get better: the same text in order and with its lines shuffled.

    python benchmarks/online_loss.py TEXT [--lines 60000] [--epochs 7]

The loss of training is measured just before each window is learnt from, so at a high rate the model still remembers the
passage it is in, and natural text goes on about the same thing. Held-out text is measured with tables that stand still.
"""

import argparse
from itertools import islice

import numpy as np

import firth


def main() -> None:
    args = parse()
    with open(args.text, encoding="utf-8") as source:
        lines = [line.split() for line in islice(source, args.lines)]
    held_out, lines = lines[-len(lines) // 15 :], lines[: -len(lines) // 15]
    for order in ("as it stands", "lines shuffled"):
        if order != "as it stands":
            np.random.default_rng(0).shuffle(lines)
        print(f"{order}: pass, learning rate at its end, loss of training, of held-out text")
        model = firth.Word2Vec(dim=args.dim, epochs=args.epochs, lr=args.lr)
        model.fit(lines, validation=firth.Text(held_out), threads=args.threads, callbacks=[tell], progress=False)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", help="a sentence a line, words apart by blanks")
    parser.add_argument("--lines", type=int, default=60_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--lr", type=float, default=0.025)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def tell(epoch: object) -> None:
    number, lr, loss, held_out = (getattr(epoch, name) for name in ("number", "lr", "loss", "validation"))
    print(f"{number:>4} {lr:.4f} {loss:.4f} {held_out:.4f}", flush=True)


if __name__ == "__main__":
    main()
