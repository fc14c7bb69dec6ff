"""BERT and GPT: tokens learnt from in a second of one processor, against a plain loop over Hugging Face's networks.

    python benchmarks/transformer_speed.py [--layers 6] [--dim 256] [--length 128] [--rows 16] [--runs 15] [--save]

All learn from the same batch of random tokens, from the same weights, forward, backward, clipping and AdamW; the losses
of the last step are printed side by side. "default" is Hugging Face's configuration as it comes, with 10% dropout; the
others have none, as firth's models by default. In bf16 all compute under autocast, as Hugging Face's Trainer does; a
processor without instructions for bf16 is measured in fp32 alone. The share is that of the processor's own rate of
multiplying 2,048-wide matrices in the same precision. Each program is a process of its own, and they take turns, step
by step; seconds are those of the process.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
import transformers

import measuring
from firth import machine
from firth.formats import families, huggingface
from firth.networks.transformer import CausalLanguageModel, GapLesson, MaskedLanguageModel, NextLesson
from firth.training.processes import has_quick_bf16
from measuring import Summary

Step = Callable[[], float]

_HERE: dict[str, Any] = {}  # of a program's own process: its step, and what lasts as long as the process


def theirs(kind: str, args: argparse.Namespace, dropout: float) -> Any:
    sizes = {"vocab_size": args.vocab, "bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt":
        drops = {"resid_pdrop": dropout, "embd_pdrop": dropout, "attn_pdrop": dropout}
        shape = {"n_embd": args.dim, "n_layer": args.layers, "n_head": args.heads, "n_positions": args.length}
        return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **shape, **drops))
    drops = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    shape = {"hidden_size": args.dim, "num_hidden_layers": args.layers, "num_attention_heads": args.heads,
             "intermediate_size": 4 * args.dim, "max_position_embeddings": args.length}  # fmt: skip
    return transformers.BertForPreTraining(transformers.BertConfig(**sizes, **shape, **drops))


def batches(kind: str, args: argparse.Namespace) -> tuple[Any, Any]:
    chance = torch.Generator().manual_seed(1)
    ids = torch.randint(1, args.vocab, (args.rows, args.length), generator=chance)
    targets = ids.clone()
    if kind == "bert":
        targets[torch.rand(ids.shape, generator=chance) > 0.15] = -100
    return ids, targets


def their_step(kind: str, args: argparse.Namespace, network: Any, precision: str) -> Step:
    ids, targets = batches(kind, args)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    present = torch.ones_like(ids)

    def step() -> float:
        optimizer.zero_grad()
        with computing(precision):
            found = network(input_ids=ids, attention_mask=present, **({"labels": targets} if kind == "gpt" else {}))
            loss = found.loss
            if kind == "bert":  # as BertForMaskedLM: scores for all tokens, then the loss of the masked ones
                loss = torch.nn.functional.cross_entropy(found.prediction_logits.flatten(0, 1), targets.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def our_step(kind: str, args: argparse.Namespace, start: dict[str, Any], precision: str) -> Step:
    ids, targets = batches(kind, args)
    shape = {"layers": args.layers, "heads": args.heads, "dim": args.dim, "length": args.length}
    family = families.GPT2 if kind == "gpt" else families.BERT
    network: Any = (CausalLanguageModel if kind == "gpt" else MaskedLanguageModel)(
        args.vocab, ffn_dim=4 * args.dim, **shape
    )
    arrays = huggingface.to_ours(family, {name: tensor.numpy() for name, tensor in start.items()}, "")
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    lesson: Any = (NextLesson if kind == "gpt" else GapLesson)(network)
    if kind == "gpt":  # theirs shifts by itself
        given = {"inputs": ids, "targets": torch.cat([ids[:, 1:], torch.full_like(ids[:, :1], -100)], 1)}
    else:
        given = {"ids": ids, "targets": targets}
        for head in (network.pooler, network.pair):
            head.requires_grad_(requires_grad=False)
    count = int((given["targets"] >= 0).sum())
    moved = [one for one in lesson.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(moved, lr=1e-4, fused=True)
    _HERE["kept"] = ExitStack()
    _HERE["kept"].enter_context(machine.freed_memory_is_kept())

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with computing(precision):
            loss = sum(lesson(**given).values()) / count
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moved, 1.0)
        optimizer.step()
        return loss.item()

    return step


def computing(precision: str) -> Any:
    """Under autocast, or not."""
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")


def peak(precision: str) -> float:
    """Floating point operations in a second: the best of some products of square matrices."""
    a, best = torch.randn(2048, 2048).to(torch.bfloat16 if precision == "bf16" else torch.float32), float("inf")
    for _ in range(8):
        began = time.process_time()
        _ = a @ a
        best = min(best, time.process_time() - began)
    return float(2 * 2048**3 / best)


def operations(kind: str, args: argparse.Namespace) -> float:
    """Of a token, forward and backward: of all linear maps, of attention, and of those scores that are needed."""
    layers = args.layers * (12 * args.dim**2 + 2 * args.length * args.dim)
    head = args.dim * args.vocab if kind == "gpt" else 0.15 * args.dim * (args.vocab + args.dim)
    return float(6 * (layers + head))


PROGRAMS = ("transformers, default", "transformers", "firth")


def begin(kind: str, args: argparse.Namespace, program: str, precision: str) -> None:
    """Make the step of this process; all begin with the same weights."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    network = theirs(kind, args, 0.1 if program.endswith("default") else 0.0)
    _HERE["step"] = (
        our_step(kind, args, network.state_dict(), precision)
        if program == "firth"
        else their_step(kind, args, network, precision)
    )


def one_step() -> tuple[float, float]:
    """Seconds of the processor, and the loss."""
    began = time.process_time()
    loss = _HERE["step"]()
    return time.process_time() - began, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in {
        "layers": 6,
        "heads": 4,
        "dim": 256,
        "length": 128,
        "vocab": 8192,
        "rows": 16,
        "runs": 15,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--save", action="store_true", help=f"append the figures to {measuring.RESULTS.name}")
    args = parser.parse_args()
    torch.set_num_threads(1)
    precisions = ("fp32", "bf16") if has_quick_bf16() else ("fp32",)
    figures = []
    for kind in ("bert", "gpt"):
        figures += compare(kind, args, precisions)
    if args.save:
        measuring.save("transformers", f"{args.layers} layers, {args.dim} wide, {args.length} long", figures)


def compare(kind: str, args: argparse.Namespace, precisions: tuple[str, ...]) -> list[tuple[str, str, Summary, str]]:
    """All programs in turns: what disturbs one disturbs all."""
    names = [f"{program}, {precision}" for precision in precisions for program in PROGRAMS]
    speeds: dict[str, list[float]] = {name: [] for name in names}
    losses: dict[str, float] = {}
    with ExitStack() as stack:
        spawn = get_context("spawn")
        pools = {name: stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for name in names}
        for name, pool in pools.items():
            pool.submit(begin, kind, args, *name.rsplit(", ", 1)).result()
        for run in range(args.runs + 2):
            for name, pool in pools.items():
                seconds, losses[name] = pool.submit(one_step).result()
                if run > 1:  # the first ones fill caches
                    speeds[name].append(args.rows * args.length / seconds)
    best = {precision: peak(precision) for precision in precisions}
    print("GEMM peak, GFLOP/s: " + ", ".join(f"{name} {value / 1e9:.0f}" for name, value in best.items()))
    figures = []
    for name, values in speeds.items():
        share = 100 * Summary.of(values).median * operations(kind, args) / best[name.split(", ")[-1]]
        print(f"{kind} {name:28} {Summary.of(values)} tokens/s, {share:.0f}% of the peak, loss {losses[name]:.4f}")
        figures.append((name, f"{kind} tokens per CPU second", Summary.of(values), "tokens/s"))
    ours = f"firth, {precisions[-1]}"
    for name in [one for one in names if one.startswith("transformers")]:
        gain = Summary.of(a / b for a, b in zip(speeds[ours], speeds[name], strict=True))
        print(f"{kind}: {ours} is {gain} times {name}")
        figures.append((name, f"{kind}: {ours} is so many times as fast", gain, "×"))
    return figures


if __name__ == "__main__":
    main()
