"""The loop that every network is learnt in: it reads in the order in which things happen.

    options      how long, how fast: fields of every network's config
    learn        the run: where it starts, its steps, its evaluations, its end
    one step     rows → batches → gradients → a move of AdamW
    evaluation   the loss on held-out rows; the best weights are kept
    state        what a checkpoint holds

Several processes (`torchrun`) share every batch: processes.py. Ctrl-C waits for the end of a step: interrupts.py.
A batch is a pure function of the step, and so is every random number (torch's generator is seeded by the step). So a
run that goes on from a checkpoint ends with the same bits, on a CPU, as one that was never stopped.

Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization" (AdamW).
"""

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firth import machine
from firth.config import Config, config, option
from firth.errors import ConfigError, DivergenceError, MemoryLimitError
from firth.examples.packing import Batch, Examples
from firth.examples.shuffle import shuffled
from firth.training.checkpoint import Checkpoints
from firth.training.course import checked_threads
from firth.training.interrupts import Interrupts
from firth.training.processes import Team, Where, laid_out_as, team_of, whole
from firth.training.progress import Silent
from firth.training.reports import Log, Report
from firth.training.schedule import Schedule, rate

Groups = list[dict[str, Any]]

_REPORTS, _EVALUATIONS = 100, 10  # in a run, where nothing else is asked for
_COPIES: Final = 4  # of the parameters: themselves, gradients, AdamW's two moments


# ---------------------------------------------------------------- options


@config
class Learning(Config):
    """How a network is learnt: options that every network has."""

    usual_epochs: ClassVar[float] = 3.0
    """Passes, where neither steps nor epochs nor minutes are given."""

    steps: int | None = option(default=None, at_least=1)
    """Batches to learn from. Give steps, epochs or minutes; none of them: the model's usual number of epochs."""
    epochs: float | None = option(default=None, above=0)
    """Passes over the text; 0.5 is the half of one."""
    minutes: float | None = option(default=None, above=0)
    """Learn for so long."""
    batch_tokens: int = option(default=4096, at_least=1)
    """Tokens in a batch: of all its rows, in all processes."""
    accumulate: int = option(default=1, at_least=1)
    """Cut each batch into so many parts, one after the other: less memory, the same step."""
    lr: float = option(default=1e-3, above=0)
    """The highest learning rate."""
    warmup: float = option(default=0.02, at_least=0)
    """How long the learning rate rises: below 1 the share of the run, else a number of steps."""
    schedule: Schedule = option(default="cosine")
    """How the learning rate falls afterwards: linear, cosine, onecycle (which also rises in a curve), inverse_sqrt (as
    1 / √step), constant."""
    weight_decay: float = option(default=0.01, at_least=0)
    """How much of a weight AdamW takes off at a step, times the learning rate; not of biases and norms."""
    beta2: float = option(default=0.999, above=0, at_most=1)
    """How slowly AdamW forgets squared gradients."""
    clip: float | None = option(default=1.0, above=0)
    """Gradients longer than this are shortened to it; none: never."""
    evaluate_every: int | None = option(default=None, at_least=1)
    """Measure the held-out loss after so many steps; none: ten times in a run. Needs validation."""
    patience: int | None = option(default=None, at_least=1)
    """Stop when the held-out loss has not fallen in so many evaluations; needs validation; none: never."""
    seed: int = option(default=1, at_least=0)
    """Of every random choice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [name for name in ("steps", "epochs", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{type(self).__name__}: {' and '.join(given)} say the same thing. Give one of them.")
        if self.minutes and self.warmup >= 1:
            raise ConfigError("With minutes, warmup is a share of the run: below 1, such as 0.02.")
        if self.schedule == "inverse_sqrt" and not self.warmup:
            raise ConfigError(
                "schedule='inverse_sqrt' falls from the end of the warm-up on: give warmup, such as 0.04."
            )

    def steps_of(self, examples: Examples) -> int | None:
        """Steps of the whole run; None where the clock decides."""
        if self.minutes:
            return None
        return self.steps or -(-self.last_place(examples) // self.rows(examples))

    def rows(self, examples: Examples) -> int:
        """Rows in a batch."""
        return max(1, self.batch_tokens // examples.row_tokens)

    def last_place(self, examples: Examples) -> int:
        """Rows to learn from in the whole run."""
        if self.steps:
            return self.steps * self.rows(examples)
        if self.minutes:
            return 1 << 62
        return max(1, round((self.epochs or self.usual_epochs) * len(examples)))

    def lr_at(self, step: int, steps: int | None, seconds: float) -> float:
        """The learning rate of a step (0 is the first)."""
        if steps is None:
            return self.lr * rate(self.schedule, seconds / (60 * (self.minutes or 1)), self.warmup)
        # half a step on: the first step moves, and so does the last
        share = self.warmup if self.warmup < 1 else min(1.0, self.warmup / steps)
        return self.lr * rate(self.schedule, (step + 0.5) / steps, share)


# ---------------------------------------------------------------- the run


def learn(
    network: nn.Module,
    examples: Examples,
    options: Learning,
    *,
    held_out: Examples | None = None,
    where: Where = Where(),  # noqa: B008  # frozen
    groups: Callable[[nn.Module], Groups] | None = None,
    held: Mapping[str, npt.NDArray[np.int64]] | None = None,
    checkpoints: Checkpoints | None = None,
    resume: bool = False,
    log: Path | None = None,
    progress: Silent | None = None,
    callbacks: Sequence[Callable[[Report], object]] = (),
) -> list[Report]:
    """Learn: `network(**batch.arrays)` gives the summed nats of each loss by its name, as `batch.counts` counts them.

    The gradient is that of the sum of the means. The network is left where the held-out loss was lowest, or where the
    run ended, on the CPU.

    held_out     what the loss is measured on; the best weights are kept
    groups       gives the parameters in groups with options of their own, as torch's optimizers take them ("lr" is a
                 factor); None: all trainable ones, biases and norms without decay
    held         rows, by the name of their parameter, that stay as they are
    checkpoints  where and how often the state is written; at a signal and at the end too
    resume       go on from the newest of them
    log          a file that gets a line of JSON for each report; TensorBoard's files lie beside it, where that is
                 installed
    callbacks    each is called with every Report

    Raises DivergenceError where the loss is no number any more, MemoryLimitError where it would not fit,
    KeyboardInterrupt (or what the handler of the signal raises) after a signal.
    """
    if options.patience and held_out is None:
        raise ConfigError("patience waits for the held-out loss to fall: give fit a validation share or text.")
    if len(examples) == 0:
        raise ConfigError("There is nothing to learn from: the text gives no row. Give a longer text.")
    torch.set_num_threads(checked_threads(where.threads))
    with team_of(where) as team, Interrupts() as signals, machine.freed_memory_is_kept():
        _check_memory(network, team)
        if held and where.shard:
            raise ConfigError("frozen rows and shard do not go together: rows are cut among the processes.")
        run = _Run(network, examples, options, held_out, team, groups, held or {})
        if resume and checkpoints:
            run.restore(*checkpoints.newest())
        run.start(where.shard)
        with Log(log if team.is_first else None, run.state.step) as written:
            tell = _told(progress or Silent(), written, callbacks, team)
            try:
                while not run.is_over():
                    run.step()
                    if team.any(signals.came):
                        if checkpoints:
                            run.save(checkpoints)
                        signals.raise_again()
                    if run.report_is_due():
                        tell(run, run.report())
                    else:
                        tell(run, None)
                    if checkpoints and team.any(checkpoints.due()):
                        run.save(checkpoints)
                if checkpoints:
                    run.save(checkpoints)
                run.take()
            finally:
                network.to("cpu").eval()
    return run.state.reports


def _told(
    progress: Silent, log: Log, callbacks: Sequence[Callable[[Report], object]], team: Team
) -> Callable[["_Run", Report | None], None]:
    """What is done after each step: the display, and of a report the log and the callbacks."""

    def tell(run: "_Run", report: Report | None) -> None:
        state = run.state
        if report is not None:
            log.write(report)
            for callback in callbacks:
                callback(report)
        if team.is_first:
            last = state.reports[-1] if state.reports else None
            minutes = run.options.minutes
            done = state.step / run.steps if run.steps else state.seconds / (60 * (minutes or 1))
            known = [each.validation for each in state.reports if each.validation is not None]
            progress.learning(
                min(1.0, done),
                state.tokens / max(state.seconds, 1e-9),
                math.nan if last is None else last.loss,
                known[-1] if known else None,
            )

    return tell


@dataclass
class _State:
    """How far a run is, in plain values."""

    step: int = 0
    seconds: float = 0.0
    tokens: int = 0
    since: int = 0
    """Steps since the last report, and below: what was added up since."""
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    since_seconds: float = 0.0
    gradient_norm: float = 0.0
    lr: float = 0.0
    best: float | None = None
    """The lowest held-out loss."""
    worse: int = 0
    """Evaluations since then."""
    reports: list[Report] = field(default_factory=list)


class _Run:
    """One run of `learn`: what it learns, and how far it is."""

    def __init__(
        self,
        network: nn.Module,
        examples: Examples,
        options: Learning,
        held_out: Examples | None,
        team: Team,
        groups: Callable[[nn.Module], Groups] | None,
        held: Mapping[str, npt.NDArray[np.int64]],
    ) -> None:
        self.original = self.network = network
        self.examples, self.options, self.held_out, self.team = examples, options, held_out, team
        self.groups = groups
        named = dict(network.named_parameters())
        self.held = [(named[name], torch.from_numpy(rows)) for name, rows in held.items()]
        self.steps = options.steps_of(examples)
        self.state = _State()
        self.best: dict[str, Tensor] = {}
        self.moments: dict[str, dict[str, Tensor]] = {}
        self.wrapped: nn.Module = network

    def start(self, shard: bool) -> None:
        """Put everything where it is learnt."""
        if shard:
            self.network = copy.deepcopy(self.original)  # what is cut stays so
        self.network.to(self.team.device).train()
        self.wrapped = self.team.wrapped(self.network, shard)
        self.optimizer = torch.optim.AdamW(
            self.groups_of_parameters(), betas=(0.9, self.options.beta2), eps=1e-8, fused=True
        )
        self._restore_moments()

    def groups_of_parameters(self) -> Groups:
        """What AdamW is given: each with its factor of the learning rate, "factor"."""
        if self.groups is not None:
            groups = self.groups(self.network)
        else:
            trainable = [one for one in self.network.parameters() if one.requires_grad]
            groups = [
                {"params": [one for one in trainable if one.dim() >= 2]},
                {"params": [one for one in trainable if one.dim() < 2], "weight_decay": 0.0},
            ]
        usual = {"weight_decay": self.options.weight_decay}
        return [
            {**usual, **group, "factor": group.get("lr", 1.0), "lr": self.options.lr}
            for group in groups
            if group["params"]
        ]

    # ------------------------------------------------------------ one step

    def step(self) -> None:
        """Rows → batches → gradients → a move."""
        began, state, options = time.perf_counter(), self.state, self.options
        torch.manual_seed(_mixed_seed(options.seed, state.step, self.team.rank))
        batches = self.batches_of(state.step)
        counts = self.team.summed({name: sum(batch.counts[name] for batch in batches) for name in batches[0].counts})
        self.optimizer.zero_grad(set_to_none=True)
        nats: dict[str, Tensor] = {}
        for number, batch in enumerate(batches):
            with self.team.gradients_stay(self.wrapped, number < len(batches) - 1):
                found = self.nats_of(self.wrapped, batch)
                loss = torch.stack([value / max(1, counts[name]) for name, value in found.items()]).sum()
                (loss * self.team.size).backward()  # type: ignore[no-untyped-call]  # DDP takes the mean of gradients
            for name, value in found.items():
                nats[name] = nats.get(name, 0.0) + value.detach().double()
        self.move()
        sums = self.team.summed({name: float(value) for name, value in nats.items()})
        state.step += 1
        state.since += 1
        state.tokens += max(counts.values())
        state.seconds += time.perf_counter() - began
        state.since_seconds += time.perf_counter() - began
        for name, value in sums.items():
            state.sums[name] = state.sums.get(name, 0.0) + value
            state.counts[name] = state.counts.get(name, 0) + counts[name]
        self.check_divergence(sums, counts)

    def batches_of(self, step: int) -> list[Batch]:
        """This process's parts of a batch: a pure function of the step."""
        options, examples = self.options, self.examples
        rows = options.rows(examples)
        places = np.arange(step * rows, min((step + 1) * rows, options.last_place(examples)))
        turns, at = np.divmod(places, len(examples))
        chosen = np.empty_like(at)
        for turn in np.unique(turns).tolist():
            chosen[turns == turn] = shuffled(at[turns == turn], len(examples), options.seed, turn)
        team = self.team
        parts = team.size * min(options.accumulate, max(1, len(places) // team.size))
        rows_of, turns_of = np.array_split(chosen, parts), np.array_split(turns, parts)
        batches = [
            examples.batch(rows_of[part], turns_of[part])
            for part in range(team.rank, parts, team.size)
            if len(rows_of[part])
        ]
        if (
            not batches
        ):  # the run's last batch has fewer rows than there are processes: one takes part, and counts nothing
            spare = examples.batch(chosen[:1], turns[:1])
            batches = [Batch(spare.arrays, dict.fromkeys(spare.counts, 0))]
        return batches

    def nats_of(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The summed nats of each loss."""
        device = self.team.device
        tensors = {name: torch.from_numpy(array).to(device) for name, array in batch.arrays.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=self.team.precision == "bf16"):
            found: dict[str, Tensor] = network(**tensors)
        return {name: value.float() * (batch.counts[name] > 0) for name, value in found.items()}

    def move(self) -> None:
        """AdamW's step, by the learning rate of now."""
        state, options = self.state, self.options
        parameters = [one for group in self.optimizer.param_groups for one in group["params"]]
        kept = [(one, rows, one.detach()[rows].clone()) for one, rows in self.held]
        for one, rows, _ in kept:
            if one.grad is not None:
                one.grad[rows] = 0.0
        norm = nn.utils.clip_grad_norm_(parameters, options.clip or math.inf)
        state.gradient_norm = float(norm)
        state.lr = options.lr_at(state.step, self.steps, state.seconds)
        for group in self.optimizer.param_groups:
            group["lr"] = group["factor"] * state.lr
        if math.isfinite(state.gradient_norm):  # else the weights stay as they were, and the run ends
            self.optimizer.step()
        with torch.no_grad():
            for one, rows, before in kept:  # weight decay moves rows without a gradient too
                one[rows] = before

    def check_divergence(self, sums: Mapping[str, float], counts: Mapping[str, int]) -> None:
        state = self.state
        bad = [name for name, value in sums.items() if not math.isfinite(value)]
        if bad or not math.isfinite(state.gradient_norm):
            what = f"the loss {bad[0]!r} is {sums[bad[0]]}" if bad else f"the gradient is {state.gradient_norm}"
            raise DivergenceError(
                f"Training diverged at step {state.step:,} ({self.epoch():.2f} passes): {what} in a batch of "
                f"{max(counts.values()):,} predictions. Lower lr ({self.options.lr:g}), or lengthen warmup."
            )

    # ------------------------------------------------------------ evaluation

    def is_over(self) -> bool:
        """Whether all is learnt, or patience is at its end."""
        state, options = self.state, self.options
        if options.patience and state.worse >= options.patience:
            return True
        if self.steps is None:
            return self.team.any(state.seconds >= 60 * (options.minutes or 0))
        return state.step >= self.steps

    def report_is_due(self) -> bool:
        """Whether it is time for a report: a hundredth of the run since the last one, an evaluation, or the end."""
        state = self.state
        if self.steps is None:
            due = state.since_seconds >= 60 * (self.options.minutes or 0) / _REPORTS
            return self.team.any(due or state.seconds >= 60 * (self.options.minutes or 0))
        every = max(1, self.steps // _REPORTS)
        return state.since >= every or state.step == self.steps or self.evaluation_is_due()

    def evaluation_is_due(self) -> bool:
        """Whether the held-out loss is to be measured now."""
        state, options = self.state, self.options
        if self.held_out is None:
            return False
        if options.evaluate_every:
            return state.step % options.evaluate_every == 0 or state.step == self.steps
        if self.steps is None:
            whole = 60 * (options.minutes or 0)
            done = sum(1 for report in state.reports if report.validation is not None)
            return self.team.any(state.seconds >= min(1.0, (done + 1) / _EVALUATIONS) * whole)
        every = max(1, self.steps // _EVALUATIONS)
        return state.step % every == 0 or state.step == self.steps

    def report(self) -> Report:
        """What the steps since the last report did; measures the held-out loss where that is due."""
        state = self.state
        losses = {name: value / max(1, state.counts[name]) for name, value in state.sums.items()}
        speed = max(state.counts.values(), default=0) / max(state.since_seconds, 1e-9)
        report = Report(
            step=state.step,
            epoch=self.epoch(),
            tokens=state.tokens,
            seconds=state.seconds,
            loss=sum(losses.values()),
            losses=losses,
            lr=state.lr,
            gradient_norm=state.gradient_norm,
            tokens_per_second=speed,
        )
        if self.evaluation_is_due():
            found = self.evaluate()
            report = replace(report, validation=sum(found.values()), validations=found)
            self.keep_best(sum(found.values()))
        state.reports.append(report)
        state.since, state.since_seconds, state.sums, state.counts = 0, 0.0, {}, {}
        return report

    def evaluate(self) -> dict[str, float]:
        """Mean nats per prediction on the held-out rows, all of them, added up in float64."""
        assert self.held_out
        sums: dict[str, float] = {}
        counts: dict[str, int] = {}
        rows = max(1, self.options.rows(self.examples) // self.options.accumulate)
        self.network.eval()
        torch.manual_seed(self.options.seed)
        with torch.no_grad():
            for start in range(self.team.rank * rows, len(self.held_out), self.team.size * rows):
                some = np.arange(start, min(start + rows, len(self.held_out)))
                batch = self.held_out.batch(some, np.zeros_like(some))
                for name, value in self.nats_of(self.network, batch).items():
                    sums[name] = sums.get(name, 0.0) + float(value.double())
                    counts[name] = counts.get(name, 0) + batch.counts[name]
        self.network.train()
        names = self.team.names(sums)
        sums = self.team.summed({name: sums.get(name, 0.0) for name in names})
        counts = self.team.summed({name: counts.get(name, 0) for name in names})
        return {name: value / max(1, counts[name]) for name, value in sums.items()}

    def keep_best(self, loss: float) -> None:
        """Keep the weights, where the held-out loss was never lower."""
        state = self.state
        state.worse += 1
        if state.best is None or loss < state.best:
            state.best, state.worse = loss, 0
            self.best = {name: tensor.clone() for name, tensor in self.weights().items()}

    def epoch(self) -> float:
        return min(self.state.step * self.options.rows(self.examples), self.options.last_place(self.examples)) / len(
            self.examples
        )

    # ------------------------------------------------------------ state

    def weights(self) -> dict[str, Tensor]:
        """Parameters and buffers by name, each once and whole, on the CPU."""
        return {name: whole(tensor.detach()).cpu() for name, tensor in saved_tensors(self.network)}

    def save(self, checkpoints: Checkpoints) -> None:
        """Write a checkpoint: weights, moments, the best weights, how far the run is. The first process writes."""
        arrays = {f"network {name}": tensor for name, tensor in self.weights().items()}
        for name, parameter in self.network.named_parameters():
            for key, moment in self.optimizer.state.get(parameter, {}).items():
                arrays[f"{key} {name}"] = whole(moment).cpu()
        arrays |= {f"best {name}": tensor for name, tensor in self.best.items()}
        if self.team.is_first:
            checkpoints.save({name: _numpy(tensor) for name, tensor in arrays.items()}, asdict(self.state))
        checkpoints.put_off()
        self.team.wait()

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]], state: Mapping[str, Any]) -> None:
        """Be where a checkpoint was."""
        known = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
        with torch.no_grad():
            for name, tensor in saved_tensors(self.network):
                tensor.copy_(known[f"network {name}"].reshape(tensor.shape))
                if f"best {name}" in known:
                    self.best[name] = known[f"best {name}"]
        for name, _ in self.network.named_parameters():
            self.moments[name] = {
                key: known[f"{key} {name}"] for key in ("step", "exp_avg", "exp_avg_sq") if f"{key} {name}" in known
            }
        reports = [Report(**_with_nan(report)) for report in state["reports"]]
        self.state = _State(**{**_with_nan(state), "reports": reports})

    def _restore_moments(self) -> None:
        for name, parameter in self.network.named_parameters():
            if moments := self.moments.get(name):
                self.optimizer.state[parameter] = {
                    "step": moments["step"].reshape(()),
                    **{
                        key: laid_out_as(moments[key].to(self.team.device), parameter)
                        for key in ("exp_avg", "exp_avg_sq")
                    },
                }
        self.moments = {}

    def take(self) -> None:
        """Give the network the best weights, or the last ones where none were measured."""
        final = self.best or self.weights()
        with torch.no_grad():
            for name, tensor in saved_tensors(self.original):
                tensor.copy_(final[name].reshape(tensor.shape))


def saved_tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    """What makes a network, by name: parameters, those that are shared once, and the buffers that belong to it."""
    belongs = network.state_dict().keys()
    return [*network.named_parameters(), *((name, each) for name, each in network.named_buffers() if name in belongs)]


def as_arrays(network: nn.Module) -> dict[str, npt.NDArray[Any]]:
    """What makes a network, as arrays, of one number at least: what a file holds."""
    return {name: _numpy(tensor.detach().cpu()) for name, tensor in saved_tensors(network)}


def _mixed_seed(seed: int, step: int, rank: int) -> int:
    """A seed of its own for every step and process."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)


def _numpy(tensor: Tensor) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = tensor.reshape(tensor.shape or (1,)).contiguous().numpy()
    return found


def _with_nan(state: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN, and says null."""
    numbers = {"loss", "gradient_norm", "lr"}
    return {name: math.nan if value is None and name in numbers else value for name, value in state.items()}


def _check_memory(network: nn.Module, team: Team) -> None:
    """Refuse, before anything is allocated, what could not be learnt in this machine's memory."""
    needed = _COPIES * sum(one.numel() * one.element_size() for one in network.parameters() if one.requires_grad)
    room = machine.memory_available()
    if team.device.type == "cpu" and room is not None and needed * team.size > room:
        raise MemoryLimitError(
            f"Learning this network needs at least {needed * team.size / 1e9:.1f} GB (weights, gradients and AdamW's "
            f"moments), and {room / 1e9:.1f} GB are free. Take a smaller dim, fewer layers, or a smaller vocab_size."
        )
