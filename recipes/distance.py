"""How far back does a network learn to look? Plain recurrent layer, LSTM, attention.

    python recipes/distance.py [--steps 300] [--picture distance.png]

Two answers for each distance, on a made task: the first symbol of a row must be said again at its end, with noise in
between. The first is the gradient of a fresh network: how long the derivative of the loss by the first symbol's vector
is, as a share of that by the last one's. In a recurrent layer every step between multiplies it; attention has one step
for any distance. The second is the share of rows answered rightly after learning for so many steps.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from firth.examples.packing import Batch, Examples
from firth.networks.layers import MultiHeadAttention
from firth.networks.rnn import layer_of
from firth.training.neural import Learning, learn
from firth.training.processes import Where

SYMBOLS, DIM = 8, 32
DISTANCES = [2, 4, 8, 16, 32, 64]


class Rows(Examples):
    """Symbols, of which the first is the answer at the end; the last one asks."""

    row_tokens = 1

    def __init__(self, distance: int, rows: int, seed: int) -> None:
        self.symbols = np.random.default_rng(seed).integers(1, SYMBOLS, (rows, distance))
        self.symbols[:, -1] = 0

    def __len__(self) -> int:
        return len(self.symbols)

    def batch(self, rows: Any, turns: Any) -> Batch:  # noqa: ARG002  # the same in every pass
        chosen = self.symbols[rows]
        return Batch({"ids": chosen, "answers": chosen[:, 0]}, {"copy": len(rows)})


class Attending(nn.Module):
    """One layer of attention with places: every symbol is one step away."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(longest, DIM) / DIM**0.5)
        self.attention = MultiHeadAttention(DIM, 4)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x + self.places[: x.shape[1]])


class Copying(nn.Module):
    """Symbols' vectors, a layer of the kind in question, and what it says at the end."""

    def __init__(self, kind: str, longest: int) -> None:
        super().__init__()
        self.table = nn.Embedding(SYMBOLS, DIM)
        self.layer = Attending(longest) if kind == "attention" else layer_of(kind, DIM, DIM)
        self.answer = nn.Linear(DIM, SYMBOLS)

    def forward(self, ids: Tensor, answers: Tensor) -> dict[str, Tensor]:
        return {"copy": self.loss(self.table(ids), answers)}

    def loss(self, x: Tensor, answers: Tensor) -> Tensor:
        return nn.functional.cross_entropy(self.said(x), answers, reduction="sum")

    def said(self, x: Tensor) -> Tensor:
        found = self.layer(x)
        states = found[0] if isinstance(found, tuple) else found
        return self.answer(states[:, -1])


def gradient_share(kind: str, distance: int, seed: int = 1) -> float:
    """|d loss / d first| / |d loss / d last| in a fresh network, mean over rows."""
    torch.manual_seed(seed)
    network = Copying(kind, max(DISTANCES))
    batch = Rows(distance, 64, seed).batch(np.arange(64), None)
    x = network.table(torch.from_numpy(batch.arrays["ids"])).detach().requires_grad_()
    network.loss(x, torch.from_numpy(batch.arrays["answers"])).backward()
    lengths = x.grad.norm(dim=-1)
    return float((lengths[:, 0] / lengths[:, -1]).mean())


def accuracy(kind: str, distance: int, steps: int, seed: int = 1) -> float:
    """The share of new rows that are answered rightly after learning."""
    torch.manual_seed(seed)
    network = Copying(kind, max(DISTANCES))
    options = Learning(steps=steps, batch_tokens=64, lr=5e-3, seed=seed)
    learn(network, Rows(distance, 4096, seed), options, where=Where(threads=1, device="cpu"))
    batch = Rows(distance, 512, seed + 1).batch(np.arange(512), None)
    with torch.no_grad():
        said = network.said(network.table(torch.from_numpy(batch.arrays["ids"]))).argmax(-1)
    return float((said.numpy() == batch.arrays["answers"]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {}
    print(f"{'':10} {'distance':>8} {'gradient':>10} {'accuracy':>9}")
    for kind in ("rnn", "lstm", "attention"):
        for distance in DISTANCES:
            row = gradient_share(kind, distance), accuracy(kind, distance, args.steps)
            found.setdefault(kind, []).append(row)
            print(f"{kind:10} {distance:8} {row[0]:10.2g} {row[1]:9.2f}", flush=True)
    if args.picture:
        draw(found, args.picture)


def draw(found: dict[str, list[tuple[float, float]]], path: Path) -> None:
    """Both figures against the distance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for kind, rows in found.items():
        left.loglog(DISTANCES, [gradient for gradient, _ in rows], marker="o", label=kind)
        right.semilogx(DISTANCES, [share for _, share in rows], marker="o", label=kind)
    for axes in (left, right):
        axes.set_xticks(DISTANCES, [str(distance) for distance in DISTANCES])
        axes.minorticks_off()
    left.set(xlabel="symbols back", ylabel="gradient, first / last")
    right.set(xlabel="symbols back", ylabel="answered rightly", ylim=(0, 1.05))
    left.legend()
    figure.savefig(path)


if __name__ == "__main__":
    main()
