"""Fine-tuning: a network that learnt from plain text is taught a task by labelled examples.

Howard & Ruder 2018, "Universal Language Model Fine-tuning" (rates by layer); Devlin et al. 2018, §3.2 (one linear layer
on top, everything learns).
"""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from firth.config import config, option
from firth.errors import ConfigError, InputError
from firth.examples.labelled_texts import Labelled, LabelledTexts
from firth.examples.packing import NO_TARGET
from firth.models.contextual import ContextModel
from firth.models.fine_tuned import FineTuned, TaskKind, TextPooling, class_order
from firth.training.neural import Groups, Learning, learn
from firth.training.processes import Precision, Where
from firth.training.progress import progress_display
from firth.training.reports import Report
from firth.training.schedule import Schedule


@config
class FineTuning(Learning):
    """How a network is taught a task."""

    name: ClassVar[str] = "fine-tune"
    usual_epochs: ClassVar[float] = 3.0

    task: TaskKind = option(default="classify")
    """classify: a class for each text. pair: a class for two texts. regress: a number. tag: a class for each word."""
    freeze: int | Literal["embeddings", "all"] | None = option(default=None, at_least=1)
    """Leave as they are: embeddings; the embeddings and so many layers from the bottom; all layers; none: nothing."""
    keep: int | Literal["nothing", "embeddings"] | None = option(default=None, at_least=1)
    """Take from what was learnt: embeddings; the embeddings and so many layers from the bottom, the others begin
    afresh; nothing; none: everything."""
    pooling: TextPooling = option(default="own")
    """What stands for a text: own, the model's summary, as Hugging Face's classes have it ([CLS] and its pooler, the
    last token); mean, of the states of its tokens, which is better where nothing taught that summary before."""
    layer_decay: float = option(default=1.0, above=0, at_most=1)
    """Each layer learns at so much of the rate of the layer above it."""
    dropout: float = option(default=0.1, at_least=0, at_most=0.95)
    """Share of the numbers that is left out at each step, in the network and before the task's layer."""
    batch_tokens: int = option(default=1024, at_least=1)
    """Tokens in a batch of texts of about one length, with what fills them up."""
    lr: float = option(default=3e-4, above=0)
    """The highest learning rate, at the top layer. Small networks like this one; BERT-base wants 3e-5."""
    warmup: float = option(default=0.1, at_least=0)
    """How long the learning rate rises: below 1 the share of the run, else a number of steps."""
    schedule: Schedule = option(default="linear")
    """How the learning rate falls afterwards: linear, cosine, onecycle, inverse_sqrt, constant."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task == "tag" and self.pooling == "mean":
            raise ConfigError("tag answers for each word, not for the mean of a text: leave pooling out.")


class Lesson(nn.Module):
    """The network, and one linear layer that answers from what stands for a text, or from its state of each token."""

    def __init__(self, page: ContextModel, network: nn.Module, head: nn.Linear, options: FineTuning) -> None:
        super().__init__()
        self.network, self.head, self.task, self.pooling = network, head, options.task, options.pooling
        self.dropout = nn.Dropout(options.dropout)
        self._page = page

    def answers(self, ids: Tensor, present: Tensor, segments: Tensor) -> Tensor:
        """f[B, answers], or of tags f[B, T, answers]."""
        states = self._page.states(self.network, ids, present, segments)[-1]
        by_token = self.task == "tag"
        seen = states if by_token else self._page.text_states(self.network, states, present, self.pooling)
        return self.head(self.dropout(seen))  # type: ignore[no-any-return]

    def forward(self, ids: Tensor, present: Tensor, segments: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The summed nats of the true classes, or half the squared differences of numbers."""
        answers = self.answers(ids, present, segments)
        if self.task == "regress":
            return {"task": 0.5 * (answers[:, 0] - targets).square().sum()}
        return {"task": functional.cross_entropy(answers.flatten(0, -2), targets.flatten(), reduction="sum")}


class _Answers(NamedTuple):
    """What answers mean: classes, or the mean and spread of numbers."""

    classes: list[Any]
    mean: float
    spread: float


def fine_tune(
    model: ContextModel,
    texts: Sequence[Any],
    labels: Sequence[Any],
    options: FineTuning,
    *,
    validation: float | tuple[Sequence[Any], Sequence[Any]] | None = None,
    init: Any = None,
    workdir: Any = None,
    threads: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    progress: bool | None = None,
    callbacks: Sequence[Callable[[Report], object]] = (),
) -> FineTuned:
    """`ContextModel.fine_tune` with its options made."""
    answers = _answers(options.task, labels, None if not isinstance(validation, tuple) else validation[1])
    examples, held_out = _examples(model, texts, labels, options, answers, validation)
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        network = _network(model, options)
        head = nn.Linear(model.options.dim, len(answers.classes) or 1, bias=model.has_task_bias(options.task))
        nn.init.normal_(head.weight, std=0.02)
        _set_dropout(network, options.dropout)
        lesson = Lesson(model, network, head, options)
        model.options.started(lesson, model.tokenizer, init, frozen=False)
        _freeze(lesson, options, model)
        with progress_display(progress) as display:
            reports = learn(
                lesson,
                examples,
                options,
                held_out=held_out,
                where=Where(threads, device, precision),
                groups=lambda lesson: _groups(lesson, options, model.options.layers),
                log=None if workdir is None else Path(workdir) / "log.jsonl",
                progress=display,
                callbacks=callbacks,
            )
    _set_dropout(network, model.options.dropout)
    network.requires_grad_(requires_grad=True)
    history = {**model.provenance, "fine_tuning": [vars(report) for report in reports]}
    taught = type(model)(model.options, network, model.tokenizer, model.text, history)
    return FineTuned(taught, head, options.task, answers.classes, answers.mean, answers.spread, options.pooling)


# ---------------------------------------------------------------- texts and labels


def _answers(task: TaskKind, labels: Sequence[Any], others: Sequence[Any] | None) -> _Answers:
    """The classes in order, or how numbers lie. Raises InputError for labels that the task does not have."""
    everything = [*labels, *(others or ())]
    if task == "regress":
        if not all(isinstance(label, int | float | np.number) and np.isfinite(label) for label in everything):
            raise InputError("regress learns numbers: every label must be one, and finite.")
        numbers = np.array(labels, np.float64)
        return _Answers([], float(numbers.mean()), float(numbers.std()) or 1.0)
    if task == "tag":
        if any(isinstance(tags, str) or not isinstance(tags, Sequence) for tags in everything):
            raise InputError("tag learns a class for each word: every label must be a list, one entry a word.")
        everything = [tag for tags in everything for tag in tags]
    everything = [label.item() if isinstance(label, np.generic) else label for label in everything]
    if strange := [label for label in everything if not isinstance(label, str | int | bool)]:
        raise InputError(f"A class is a str, an int or a bool, not {strange[0]!r} ({type(strange[0]).__name__}).")
    classes: set[Hashable] = set(everything)
    if len(classes) < 2:
        raise InputError(f"There is one class alone, {next(iter(classes), None)!r}: nothing to tell apart.")
    return _Answers(sorted(classes, key=class_order), 0.0, 1.0)


def _examples(
    model: ContextModel,
    texts: Sequence[Any],
    labels: Sequence[Any],
    options: FineTuning,
    answers: _Answers,
    validation: Any,
) -> tuple[LabelledTexts, LabelledTexts | None]:
    """What is learnt from, and what the loss is measured on."""
    size = max(1, options.batch_tokens // options.accumulate)
    found = labelled(model, texts, labels, options.task, answers.classes, answers.mean, answers.spread)
    if validation is None:
        return LabelledTexts(found, size, options.seed), None
    if isinstance(validation, tuple):
        kept_texts, kept_labels = validation
        other = labelled(model, kept_texts, kept_labels, options.task, answers.classes, answers.mean, answers.spread)
        return LabelledTexts(found, size, options.seed), LabelledTexts(other, size)
    if not 0 < validation < 1:
        raise ConfigError(f"validation must be a share between 0 and 1, or (texts, labels), not {validation!r}.")
    order = np.random.default_rng(options.seed).permutation(len(found)).tolist()
    held = max(1, round(validation * len(found)))
    rest, kept = [found[number] for number in order[held:]], [found[number] for number in order[:held]]
    return LabelledTexts(rest, size, options.seed), LabelledTexts(kept, size)


def labelled(
    model: ContextModel,
    texts: Sequence[Any],
    labels: Sequence[Any],
    task: TaskKind,
    classes: Sequence[Any],
    mean: float,
    spread: float,
) -> list[Labelled]:
    """Texts in tokens, with their targets. Raises InputError where they do not fit the task or each other."""
    if len(texts) != len(labels):
        raise InputError(f"There are {len(texts):,} texts and {len(labels):,} labels: one for each, please.")
    numbers = {label: number for number, label in enumerate(classes)}
    if task == "tag":
        rows = model.word_rows(texts)
        return [
            Labelled(ids, [0] * len(ids), _tags(begins, [numbers[tag] for tag in tags], number))
            for number, ((ids, begins), tags) in enumerate(zip(rows, labels, strict=True))
        ]
    targets = [(float(label) - mean) / spread if task == "regress" else numbers[_plain(label)] for label in labels]
    pairs = model.text_rows(texts, task)
    return [Labelled(*row, target) for row, target in zip(pairs, targets, strict=True)]


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _tags(begins: Sequence[bool], tags: Sequence[int], number: int) -> list[int]:
    """The tag of each word at its first token."""
    if sum(begins) != len(tags):
        raise InputError(f"Text {number} has {sum(begins):,} words and {len(tags):,} tags: one for each, please.")
    left = iter(tags)
    return [next(left) if begin else NO_TARGET for begin in begins]


# ---------------------------------------------------------------- the network


def _network(model: ContextModel, options: FineTuning) -> Any:
    """A copy of the network; of what is not kept, a new one's."""
    learnt = model.network.state_dict()
    rows = model.network.embed.tokens.num_embeddings
    network: Any = model.options.built(rows).network
    if options.keep == "nothing":
        return network
    if options.keep is not None:
        layers = 0 if options.keep == "embeddings" else _own_layers(model, "keep", options.keep)
        learnt = {name: tensor for name, tensor in learnt.items() if 0 <= depth(name) <= layers}
    network.load_state_dict(learnt, strict=False)
    return network


def _own_layers(model: ContextModel, asked: str, layers: int) -> int:
    """How many layers; ConfigError where they are more than there are, or all are one."""
    blocks = len(model.network.stack.blocks)
    if layers > model.options.layers:
        raise ConfigError(f"{asked}={layers}, and the network has {model.options.layers} layers.")
    if blocks < model.options.layers:
        raise ConfigError(f"{asked}={layers}, and all layers of this network are one. Take 'embeddings' or none.")
    return layers


def depth(name: str) -> int:
    """0 for the embeddings, 1 … for the layers, -1 for what is above them: by the name of a parameter.

    >>> depth("embed.tokens.weight"), depth("stack.blocks.2.ffn.up.bias"), depth("pooler.weight")
    (0, 3, -1)
    """
    if name.startswith("embed."):
        return 0
    return int(name.split(".")[2]) + 1 if name.startswith("stack.blocks.") else -1


def _freeze(lesson: Lesson, options: FineTuning, model: ContextModel) -> None:
    """Let everything move that is not to stay, and that an answer depends on."""
    if options.freeze is None:
        layers = -1
    elif options.freeze == "embeddings":
        layers = 0
    else:
        layers = model.options.layers if options.freeze == "all" else _own_layers(model, "freeze", options.freeze)
    used = model.used_by("tag" if options.pooling == "mean" else options.task)
    for name, parameter in lesson.network.named_parameters():
        above = depth(name) < 0
        parameter.requires_grad_((above or depth(name) > layers) and (not above or name.startswith(used)))


def _groups(lesson: nn.Module, options: FineTuning, layers: int) -> Groups:
    """The parameters by their layer, each with its share of the learning rate; biases and norms without decay."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in lesson.named_parameters():
        if parameter.requires_grad:
            at = depth(name.removeprefix("network.")) if name.startswith("network.") else -1
            factor = 1.0 if at < 0 else options.layer_decay ** (layers + 1 - at)
            groups.setdefault((factor, parameter.dim() >= 2), []).append(parameter)
    return [
        {"params": params, "lr": factor, **({} if decays else {"weight_decay": 0.0})}
        for (factor, decays), params in groups.items()
    ]


def _set_dropout(network: Any, share: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        elif hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = share
