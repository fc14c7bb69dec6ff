"""The loop of all networks: what it learns, how it goes on, what every option does."""

import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from firth.errors import ConfigError, DivergenceError, InputError, MemoryLimitError
from firth.examples.packing import Batch, Examples
from firth.training import neural, processes
from firth.training.checkpoint import Checkpoints
from firth.training.neural import Learning, learn
from firth.training.processes import Where
from firth.training.reports import Report
from firth.training.schedule import rate

ONE = Where(threads=1, device="cpu", precision="fp32")


class Line(Examples):
    """y = 2x + 1 with two columns: rows whose answer a linear layer finds."""

    row_tokens = 1

    def __init__(self, rows: int = 64) -> None:
        self.x = np.random.default_rng(7).normal(size=(rows, 2)).astype(np.float32)

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, rows: Any, turns: Any) -> Batch:
        return Batch(
            {"x": self.x[rows], "y": (self.x[rows] @ [2.0, -1.0] + 1).astype(np.float32)}, {"square": len(rows)}
        )


class Linear(nn.Module):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layer, self.dropout = nn.Linear(2, 1), nn.Dropout(dropout)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.training:
            self.seen += 1
        return {"square": (self.layer(self.dropout(x))[:, 0] - y).square().sum()}


def learnt(options: Learning, network: nn.Module | None = None, **how: Any) -> tuple[nn.Module, list[Report]]:
    network = network or Linear()
    return network, learn(network, Line(), options, where=how.pop("where", ONE), **how)


def weights(network: nn.Module) -> list[np.ndarray]:
    return [each.detach().numpy().copy() for each in network.state_dict().values()]


def same(one: nn.Module, other: nn.Module) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


QUICK = Learning(epochs=4, batch_tokens=8, lr=0.1)


def test_it_learns_and_says_so() -> None:
    network, reports = learnt(Learning(epochs=40, batch_tokens=16, lr=0.1, schedule="cosine", warmup=0.1))
    assert reports[-1].loss < 1e-3 < reports[0].loss
    assert network.layer.weight[0].tolist() == pytest.approx([2.0, -1.0], abs=0.05)  # type: ignore[union-attr, index]
    last = reports[-1]
    assert (last.step, last.epoch, last.tokens) == (160, 40.0, 2560)
    assert last.losses == {"square": last.loss} and last.validation is None
    assert last.tokens_per_second > 0 and last.seconds > 0 and last.gradient_norm > 0
    assert not network.training


def test_the_same_seed_gives_the_same_bits_and_another_others() -> None:
    first, again = learnt(QUICK, Linear(0.5))[0], learnt(QUICK, Linear(0.5))[0]
    assert same(first, again)
    assert not same(first, learnt(QUICK.replace(seed=2), Linear(0.5))[0])


class StopAtError(Exception):
    pass


@pytest.mark.parametrize("stop", [2, 7, 20])
def test_resume_is_bit_equal_to_the_unbroken_run(tmp_path: Path, stop: int) -> None:
    """Dropout, moments, held-out best and reports go on as if nothing had been."""
    options = QUICK.replace(patience=100)
    whole, reports = learnt(options, Linear(0.3), held_out=Line(16))

    checkpoints = Checkpoints(tmp_path, {}, every=0)

    def stopping(report: Report) -> None:
        if report.step == stop:
            raise StopAtError

    with pytest.raises(StopAtError):
        learnt(options, Linear(0.3), held_out=Line(16), checkpoints=checkpoints, callbacks=[stopping])
    network, resumed = learnt(options, Linear(0.3), held_out=Line(16), checkpoints=checkpoints, resume=True)
    assert same(network, whole)
    measured = ("step", "loss", "lr", "gradient_norm", "validation", "tokens")
    assert [[getattr(each, name) for name in measured] for each in resumed] == [
        [getattr(each, name) for name in measured] for each in reports
    ]


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {}, every=math.inf)
    first, reports = learnt(QUICK, checkpoints=checkpoints)
    again, same_reports = learnt(QUICK, checkpoints=checkpoints, resume=True)
    assert same(first, again) and same_reports == reports


def test_resume_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        learnt(QUICK, checkpoints=Checkpoints(tmp_path, {}), resume=True)


def test_parts_of_a_batch_make_the_same_step() -> None:
    whole, parts = learnt(QUICK)[0], learnt(QUICK.replace(accumulate=3))[0]
    for a, b in zip(weights(whole)[1:], weights(parts)[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert int(parts.seen) == 3 * int(whole.seen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"lr": 0.05},
        {"warmup": 0.5},
        {"warmup": 10.0},
        {"schedule": "linear"},
        {"schedule": "onecycle"},
        {"schedule": "constant"},
        {"weight_decay": 0.5},
        {"beta2": 0.9},
        {"clip": 0.1},
        {"clip": None},
        {"batch_tokens": 16},
        {"epochs": 2.0},
        {"epochs": None, "steps": 9},
        {"epochs": None},
        {"seed": 5},
    ],
    ids=str,
)
def test_every_option_changes_what_is_learnt(change: dict[str, Any]) -> None:
    assert not same(learnt(QUICK)[0], learnt(QUICK.replace(**change))[0])


def test_minutes_end_a_run() -> None:
    _, reports = learnt(Learning(minutes=0.005, batch_tokens=8), held_out=Line(8))
    assert reports[-1].seconds >= 0.3
    assert len(reports) > 5 and len([each for each in reports if each.validation is not None]) == 10
    assert reports[-1].lr < 1e-4  # the clock decides how far the rate has fallen


def test_the_best_weights_are_kept_and_patience_ends_the_run() -> None:
    options = Learning(steps=200, batch_tokens=8, lr=0.5, schedule="constant", warmup=0, evaluate_every=5, patience=3)
    network, reports = learnt(options, held_out=Line(16))
    losses = [each.validation for each in reports if each.validation is not None]
    assert all(each.step % 5 == 0 for each in reports if each.validation is not None)
    best = int(np.argmin(losses))
    assert len(losses) == best + 4 and reports[-1].step < 200
    batch = Line(16).batch(np.arange(16), np.zeros(16))
    with torch.no_grad():
        found = network(**{name: torch.from_numpy(array) for name, array in batch.arrays.items()})
    assert float(found["square"]) / 16 == pytest.approx(losses[best], rel=1e-6)


def test_patience_needs_something_to_measure() -> None:
    with pytest.raises(ConfigError, match="validation"):
        learnt(QUICK.replace(patience=2))


def test_rows_that_are_held_stay() -> None:
    before = Linear().layer.weight.detach().numpy().copy()
    network, _ = learnt(QUICK.replace(weight_decay=0.5), held={"layer.weight": np.array([0])})
    assert np.array_equal(network.layer.weight.detach().numpy(), before)  # type: ignore[union-attr]
    assert not np.array_equal(network.layer.bias.detach().numpy(), Linear().layer.bias.detach().numpy())  # type: ignore[union-attr]


def test_groups_have_options_of_their_own() -> None:
    def groups(network: Any) -> neural.Groups:
        return [{"params": [network.layer.weight], "lr": 0.0}, {"params": [network.layer.bias]}]

    network, _ = learnt(QUICK, groups=groups)
    assert np.array_equal(network.layer.weight.detach().numpy(), Linear().layer.weight.detach().numpy())  # type: ignore[union-attr]
    assert not np.array_equal(network.layer.bias.detach().numpy(), Linear().layer.bias.detach().numpy())  # type: ignore[union-attr]


def test_divergence_ends_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, {}, every=0)
    with pytest.raises(DivergenceError, match=r"diverged at step .* Lower lr"):
        learnt(Learning(steps=500, batch_tokens=8, lr=1e30, clip=None, warmup=0), checkpoints=checkpoints)
    arrays, _ = checkpoints.newest()
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_more_than_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firth.machine.memory_available", lambda: 40)
    with pytest.raises(MemoryLimitError, match="smaller dim"):
        learnt(QUICK)


def test_the_log_has_a_line_of_json_for_each_report(tmp_path: Path) -> None:
    log = tmp_path / "run/log.jsonl"
    _, reports = learnt(QUICK, log=log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [each.step for each in reports]
    assert lines[-1]["loss"] == reports[-1].loss


def test_a_resumed_run_goes_on_in_its_log(tmp_path: Path) -> None:
    log, checkpoints = tmp_path / "log.jsonl", Checkpoints(tmp_path / "c", {}, every=0)

    def stopping(report: Report) -> None:
        if report.step == 7:
            raise StopAtError

    with pytest.raises(StopAtError):
        learnt(QUICK, log=log, checkpoints=checkpoints, callbacks=[stopping])
    log.write_text(log.read_text() + '{"step": 9')  # cut short
    learnt(QUICK, log=log, checkpoints=checkpoints, resume=True)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == list(range(1, 33))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_the_step_and_a_checkpoint(tmp_path: Path, number: int) -> None:
    checkpoints = Checkpoints(tmp_path, {}, every=math.inf)

    def kill(report: Report) -> None:
        if report.step == 5:
            signal.raise_signal(number)  # comes to this thread; os.kill may take its time in another

    before = signal.signal(number, signal.default_int_handler)  # where tests run in the background SIGINT is ignored
    try:
        with pytest.raises(KeyboardInterrupt):
            learnt(QUICK, checkpoints=checkpoints, callbacks=[kill])
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert checkpoints.newest()[1]["step"] == 6
    assert same(learnt(QUICK, checkpoints=checkpoints, resume=True)[0], learnt(QUICK)[0])


def test_bfloat16_rounds_and_learns_nevertheless() -> None:
    exact = learnt(QUICK)[0]
    rounded, reports = learnt(QUICK, where=Where(threads=1, device="cpu", precision="bf16"))
    assert not same(exact, rounded)
    assert reports[-1].loss < reports[0].loss


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (Where(device="quantum"), "no device"),
        (Where(device="mps"), "cannot be learnt"),
        (Where(device="cpu", precision="fp8"), "precision"),  # type: ignore[arg-type]
        (Where(device="cpu", shard=True), "torchrun"),
        (Where(threads=0), "threads"),
    ],
)
def test_what_cannot_be_is_refused(where: Where, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        learnt(QUICK, where=where)


@pytest.mark.parametrize("given", [{"steps": 3, "epochs": 1.0}, {"minutes": 1.0, "warmup": 5.0}])
def test_options_that_contradict_each_other_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Learning(**given)


def test_bf16_by_itself_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(processes, "has_quick_bf16", lambda has=has: has)
        assert processes.precision_of(None, torch.device("cpu")) == expected


@pytest.mark.parametrize("warmup", [0.3, 0.1])
def test_one_cycle_is_that_of_torch(warmup: float) -> None:
    steps = 50
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    # torch's cycle has its highest rate at step warmup · steps - 1, and ends at steps - 1
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, steps, pct_start=warmup)
    top = warmup * steps - 1
    for step in range(steps):
        rising = step <= top
        share = step / top * warmup if rising else warmup + (step - top) / (steps - 1 - top) * (1 - warmup)
        assert rate("onecycle", share, warmup) == pytest.approx(theirs.get_last_lr()[0], rel=1e-9)
        optimizer.step()
        theirs.step()


PROCESSES = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from test_neural import *
options = Learning(epochs=4, batch_tokens=7, lr=0.1, accumulate=2)
where = Where(threads=1, device="cpu", precision="fp32", shard={shard})
network, reports = learnt(options, held_out=Line(9), where=where)
if processes.is_first_process():
    losses = dict(loss=[r.loss for r in reports], held=reports[-1].validation)
    np.savez(sys.argv[2], *[x for x in weights(network)[1:]], **losses)
"""


@pytest.mark.slow
@pytest.mark.parametrize("shard", [False, True])
def test_two_processes_are_one_with_the_whole_batch(tmp_path: Path, shard: bool) -> None:
    """DDP and FSDP2; 7 rows of 64, so that parts are unequal and the last batch is of one row."""
    script = tmp_path / "run.py"
    script.write_text(PROCESSES.format(shard=shard))
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    where = [str(script), str(Path(__file__).parent), str(tmp_path / "two.npz")]
    subprocess.run([*command, "--standalone", *where], check=True, capture_output=True, timeout=120)
    network, reports = learnt(Learning(epochs=4, batch_tokens=7, lr=0.1, accumulate=2), held_out=Line(9))
    two = np.load(tmp_path / "two.npz")
    np.testing.assert_allclose(two["loss"], [each.loss for each in reports], atol=1e-6)
    np.testing.assert_allclose(two["held"], reports[-1].validation, atol=1e-6)
    for name, array in zip(("arr_0", "arr_1"), weights(network)[1:], strict=True):
        np.testing.assert_allclose(two[name], array, atol=1e-6)
