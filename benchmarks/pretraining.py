"""What pretraining on plain text is worth: BERT (ALBERT, GPT, XLNet) learns from a text, is taught SST-2, and so is the
same network from random weights.

    python benchmarks/pretraining.py TEXT SST2 [--model bert] [--steps 1500] [--seeds 5] [--texts 6920]
        [--picture curve.png] [--save]

The table of tokens begins with vectors that Word2Vec learns from the same text in some twenty seconds, which count.
TEXT is read as it is; SST2 is a folder with train.tsv, valid.tsv and test.tsv of `label TAB text` lines. Seconds are of
this process's processor, whatever else runs. The scores are accuracies on test.tsv, of the weights that were best on
valid.tsv.
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

NETWORK: dict[str, Any] = {"layers": 4, "heads": 4, "dim": 128, "length": 64, "vocab_size": 8000, "lower": True}
MODELS: dict[str, Any] = {
    "bert": lambda **how: firth.BERT(**NETWORK, mask_share=0.4, next_sentence=True, **how),
    "albert": lambda **how: firth.ALBERT(**NETWORK, width=64, units="wordpiece", mask_share=0.4, **how),
    "gpt": lambda **how: firth.GPT(**NETWORK, **how),
    "xlnet": lambda **how: firth.XLNet(**NETWORK, **how),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("sst2")
    parser.add_argument("--model", choices=[*MODELS], default="bert")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch-tokens", type=int, default=1024)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--task-lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--texts", type=int, nargs="*", default=[6920], help="labelled texts to learn from")
    parser.add_argument("--keep", help="a folder that keeps the pretrained network, and is used where it is there")
    parser.add_argument("--picture", help="draw the loss on valid.tsv, step by step: .png, .svg")
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    began = time.process_time()
    if args.keep and Path(args.keep).exists():
        lm = firth.load(args.keep)
    else:
        config = MODELS[args.model](steps=args.steps, batch_tokens=args.batch_tokens, lr=args.lr, warmup=0.05)
        cutter, vectors = beginning(config, args.text)
        run = {"tokenizer": cutter, "init": vectors, "threads": 1, "progress": False}
        lm = config.fit(args.text, **run, callbacks=[tell(began)])
        if args.keep:
            lm.save(args.keep)
    print(lm, f"{time.process_time() - began:.0f} CPU seconds", flush=True)
    parts = {name: tasks.read(Path(args.sst2) / f"{name}.tsv", "classify") for name in ("train", "valid", "test")}
    figures = []
    for texts in args.texts:
        found: dict[str, list[float]] = {"pretrained": [], "random": []}
        curves: dict[str, list[list[tuple[int, float]]]] = {"pretrained": [], "random": []}
        for seed in range(1, args.seeds + 1):
            for start, keep in (("pretrained", None), ("random", "nothing")):
                curve: list[tuple[int, float]] = []
                taught = lm.fine_tune(
                    *(part[:texts] for part in parts["train"]),
                    validation=tuple(parts["valid"]),
                    keep=keep,
                    seed=seed,
                    epochs=args.epochs * 6920 / texts if texts < 2000 else args.epochs,
                    lr=args.task_lr,
                    threads=1,
                    callbacks=[along(curve)],
                )
                curves[start].append(curve)
                found[start].append(100 * taught.evaluate(*parts["test"])["accuracy"])
                print(texts, seed, start, f"{found[start][-1]:.2f}", flush=True)
        gains = [one - other for one, other in zip(found["pretrained"], found["random"], strict=True)]
        for start, values in (*found.items(), ("gain", gains)):
            summary = Summary.of(values)
            figures.append((start, f"accuracy, {texts} texts", summary, "%"))
            print(f"{texts} texts, {start}: {summary}")
        if args.picture:
            draw(curves, args.picture)
    if args.save:
        measuring.save("pretraining", f"{args.model}, {args.steps} steps, SST-2", figures)


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


def along(curve: list[tuple[int, float]]) -> Any:
    """A callback that keeps (step, loss on valid.tsv)."""

    def keep(report: Any) -> None:
        if report.validation is not None:
            curve.append((report.step, report.validation))

    return keep


def draw(curves: dict[str, list[list[tuple[int, float]]]], path: str) -> None:
    """A line for each seed: the loss on valid.tsv while the task is learnt."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="steps of fine-tuning", ylabel="loss on valid.tsv")
    for (start, runs), colour in zip(curves.items(), ("tab:blue", "tab:orange"), strict=True):
        for number, run in enumerate(runs):
            axes.plot(*zip(*run, strict=True), color=colour, alpha=0.7, label=start if number == 0 else None)
    axes.legend()
    figure.savefig(path)


def tell(began: float) -> Any:
    def told(report: Any) -> None:
        seconds = time.process_time() - began
        print(f"step {report.step}, loss {report.loss:.3f}, {seconds:.0f} CPU seconds", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    main()
