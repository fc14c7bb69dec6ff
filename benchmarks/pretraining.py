"""What pretraining on plain text is worth: BERT (ALBERT, GPT, XLNet) learns from a text, is taught SST-2, and so is the
same network from random weights.

    python benchmarks/pretraining.py TEXT SST2 [--model bert] [--steps 3000] [--seeds 5] [--texts 250 1000 6920]
        [--picture curve.png] [--save]

The table of tokens is what Word2Vec learns from the same text in a minute, which counts, and stays while the network
learns above it (one that moved scored no higher: docs/log.md); the task may move it. TEXT is read as it
is; SST2 is a folder with train.tsv, valid.tsv and test.tsv of `label TAB text` lines. Seconds are of this process's
processor, whatever else runs. A text stands for itself by the mean of its states (`--pooling own`: by
the model's own summary); both starts are taught in the same way. The scores are accuracies on test.tsv, of the weights
that were best on valid.tsv; the picture shows them by the number of labelled texts.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import firth
import measuring
from firth.corpus import tasks
from measuring import Summary

NETWORK: dict[str, Any] = {"heads": 4, "dim": 128, "length": 64, "vocab_size": 24000, "lower": True}
MODELS: dict[str, Any] = {
    "bert": lambda **how: firth.BERT(**NETWORK, mask_share=0.4, **how),
    "albert": lambda **how: firth.ALBERT(**NETWORK, width=64, units="wordpiece", mask_share=0.4, **how),
    "gpt": lambda **how: firth.GPT(**NETWORK, **how),
    "xlnet": lambda **how: firth.XLNet(**NETWORK, **how),
}
STARTS = (("pretrained", None), ("random", "nothing"))
Accuracies = dict[str, list[float]]


def main() -> None:
    args = parse()
    began = time.process_time()
    lm = pretrained(args, began)
    print(lm, f"{time.process_time() - began:.0f} CPU seconds", flush=True)
    parts = {name: tasks.read(Path(args.sst2) / f"{name}.tsv", "classify") for name in ("train", "valid", "test")}
    found = {texts: taught(lm, parts, texts, args) for texts in args.texts}
    figures = []
    for texts, accuracies in found.items():
        pairs = zip(*accuracies.values(), strict=True)
        for start, values in (*accuracies.items(), ("gain", [one - other for one, other in pairs])):
            summary = Summary.of(values)
            figures.append((start, f"accuracy, {texts} texts", summary, "%"))
            print(f"{texts} texts, {start}: {summary}, mean {np.mean(values):.2f}")
    if args.picture:
        draw(found, args.picture)
    if args.save:
        measuring.save("pretraining", f"{args.model}, {args.steps} steps, SST-2", figures)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("sst2")
    parser.add_argument("--model", choices=[*MODELS], default="bert")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--pooling", choices=["own", "mean"], default="mean")
    parser.add_argument("--task-lr", type=float, default=5e-4)
    parser.add_argument("--epochs", type=float, default=4, help="over all of SST-2; more over fewer texts")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--texts", type=int, nargs="*", default=[6920], help="labelled texts to learn from")
    parser.add_argument("--keep", help="a folder that keeps the pretrained network, and is used where it is there")
    parser.add_argument("--picture", help="draw the accuracies by the number of texts: .png, .svg")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    return parser.parse_args()


def pretrained(args: argparse.Namespace, began: float) -> Any:
    """The network that learnt from the text."""
    if args.keep and Path(args.keep).exists():
        return firth.load(args.keep)
    how = {"layers": args.layers, "steps": args.steps, "batch_tokens": args.batch_tokens, "lr": args.lr, "warmup": 0.05}
    config = MODELS[args.model](**how)
    cutter, vectors = beginning(config, args.text)
    run = {"tokenizer": cutter, "init": vectors, "frozen": True, "threads": 1, "progress": False}
    lm = config.fit(args.text, **run, callbacks=[tell(began)])
    if args.keep:
        lm.save(args.keep)
    return lm


def taught(lm: Any, parts: dict[str, Any], texts: int, args: argparse.Namespace) -> Accuracies:
    """Accuracies on the test texts after learning from so many labelled ones, of each start, seed by seed."""
    found: Accuracies = {start: [] for start, _ in STARTS}
    for seed in range(1, args.seeds + 1):
        some = np.random.default_rng(seed).permutation(len(parts["train"][0]))[:texts]
        for start, keep in STARTS:
            model = lm.fine_tune(
                *([part[number] for number in some] for part in parts["train"]),
                validation=tuple(parts["valid"]),
                keep=keep,
                seed=seed,
                epochs=args.epochs * (6920 / texts) ** 0.5,
                lr=args.task_lr,
                pooling=args.pooling,
                threads=1,
                progress=False,
            )
            found[start].append(100 * model.evaluate(*parts["test"])["accuracy"])
            print(texts, seed, start, f"{found[start][-1]:.2f}", flush=True)
    return found


def beginning(config: Any, text: str) -> tuple[Any, firth.Vectors]:
    """The tokenizer, and vectors of its tokens by Word2Vec over the same text, as long as the table's rows begin."""
    lines = [line for line in Path(text).read_text(encoding="utf-8").splitlines() if line.strip()]
    cutter = config.tokenizer(lines)
    cut = [[cutter.tokens[token] for token in ids] for ids in cutter.ids(lines)]
    table = config.embedding(config.network(cutter)).weight.detach().norm(dim=1).mean().item()
    width = getattr(config, "width", config.dim)
    learnt = firth.Word2Vec(dim=width, epochs=8, min_count=1).fit(cut, threads=1, progress=False)
    scale = table / float(np.linalg.norm(learnt.vectors, axis=1).mean())
    return cutter, firth.Vectors(learnt.index_to_key, learnt.vectors * np.float32(scale))


def draw(found: dict[int, Accuracies], path: str) -> None:
    """The mean over seeds by the number of texts, and every seed as a dot."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="labelled texts", ylabel="accuracy on test.tsv, %", xscale="log")
    for (start, _), colour in zip(STARTS, ("tab:blue", "tab:orange"), strict=True):
        axes.plot([*found], [np.mean(each[start]) for each in found.values()], color=colour, label=start)
        for texts, each in found.items():
            axes.plot([texts] * len(each[start]), each[start], ".", color=colour, alpha=0.6)
    axes.set_xticks([*found], [f"{texts:,}" for texts in found], minor=False)
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path)


def tell(began: float) -> Any:
    def told(report: Any) -> None:
        seconds = time.process_time() - began
        print(f"step {report.step}, loss {report.loss:.3f}, {seconds:.0f} CPU seconds", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    main()
