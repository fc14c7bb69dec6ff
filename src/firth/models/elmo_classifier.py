"""A task on top of ELMo: texts and their labels, by a mixture of its layers that the task learns.

    p(label | text) = softmax(V · mean over words of γ Σ_j s_j h_j + c)

Peters et al. 2018, eq. 1. ELMo itself stays as it is (`freeze`), as the paper has it, or learns on with the task.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from torch import Tensor, nn

from firth.config import config, option
from firth.errors import CorruptFileError, InputError
from firth.examples.packing import Batch, Examples, Rows
from firth.models.elmo import Contextual, ELMo
from firth.models.language_model import grouped
from firth.networks.elmo import BidirectionalModel, ScalarMix
from firth.tokens.tokenizer import Tokenizer
from firth.training.neural import Groups, Learning, as_arrays, learn
from firth.training.processes import Precision, Where
from firth.training.progress import progress_display

if TYPE_CHECKING:
    from firth.formats.language_model import Saved


@config
class ELMoClassifier(Learning):
    """How a task is learnt on top of ELMo: the options of `lm.fine_tune`."""

    name: ClassVar[str] = "elmo-classifier"
    usual_epochs: ClassVar[float] = 10.0

    batch_tokens: int = option(default=32, at_least=1)
    """Texts in a batch."""
    lr: float = option(default=1e-2, above=0)
    """The highest learning rate, of the mixture and the layer above it."""
    freeze: bool = option(default=True)
    """ELMo stays as it is; else it learns on with the task."""
    tune_lr: float = option(default=0.02, above=0)
    """Learning rate of ELMo itself, as a share of lr, where it learns on."""
    dropout: float = option(default=0.2, at_least=0, at_most=0.95)
    """Share of the numbers of a text that are left out at each step."""

    def opened(self, path: Any, saved: "Saved", tokenizer: Tokenizer) -> "ELMoLabels":
        """The classifier in a folder. Raises CorruptFileError where it does not say of which ELMo and which labels."""
        match saved.config:
            case {"elmo": dict(elmo), "labels": list(labels)} if labels:
                options = ELMo.from_dict({name: value for name, value in elmo.items() if name != "name"})
            case _:
                raise CorruptFileError(f"{path} does not say which labels it knows. Copy it again.")
        network = TaskNetwork(options.network(tokenizer), options.layers + 1, options.dim, len(labels), self.dropout)
        options.filled(network, saved.arrays, path)
        return ELMoLabels(self, options.model(network.elmo, tokenizer, saved.config["text"], {}), network, labels,
                          saved.provenance)  # fmt: skip


class TaskNetwork(nn.Module):
    """ELMo, the mixture of its layers, and a linear layer on their mean over a text's words."""

    def __init__(self, elmo: BidirectionalModel, layers: int, dim: int, labels: int, dropout: float) -> None:
        super().__init__()
        self.elmo, self.mix = elmo, ScalarMix(layers)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(dim, labels)

    def forward(self, forms: Tensor, places: Tensor, lengths: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Summed nats of the true labels."""
        return {"task": F.cross_entropy(self.scores(forms, places, lengths), labels, reduction="sum")}

    def scores(self, forms: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
        """f4[b, labels]; the marks at both ends of a sentence are no words."""
        mixed = self.mix(self.elmo.layers(self.elmo.vectors(forms)[places], lengths))
        at = torch.arange(mixed.shape[1], device=mixed.device)
        inside = ((at > 0) & (at < lengths[:, None] - 1))[..., None]
        mean = (mixed * inside).sum(1) / inside.sum(1).clamp(min=1)
        found: Tensor = self.head(self.dropout(mean))
        return found


class _Labelled(Examples):
    """A row is a text and its label."""

    row_tokens = 1

    def __init__(self, elmo: Contextual, words: list[list[str]], labels: npt.NDArray[np.int64]) -> None:
        self.elmo, self.words, self.labels = elmo, words, labels

    def __len__(self) -> int:
        return len(self.words)

    def batch(self, rows: Rows, turns: Rows) -> Batch:  # noqa: ARG002  # the same in every pass
        forms, places, lengths = self.elmo.spelled([self.words[row] for row in rows.tolist()])
        arrays = {"forms": forms.numpy(), "places": places.numpy(), "lengths": lengths.numpy()}
        return Batch({**arrays, "labels": self.labels[rows]}, {"task": len(rows)})


class ELMoLabels:
    """What `lm.fine_tune` returns: labels of texts.

    >>> import firth
    >>> texts = ["a fine film", "fine acting", "a dull film", "dull acting"] * 10
    >>> lm = firth.ELMo(dim=16, hidden=16, filters=(4, 8), length=8, steps=20).fit(texts, threads=1)
    >>> found = lm.fine_tune(texts, ["good", "good", "bad", "bad"] * 10, steps=80, threads=1)
    >>> found.predict(["a fine film", "dull acting"])
    ['good', 'bad']
    >>> found.mixture.shape  # how much of each layer the task wants
    (3,)
    """

    def __init__(
        self,
        options: ELMoClassifier,
        elmo: Contextual,
        network: TaskNetwork,
        labels: Sequence[Any],
        provenance: Mapping[str, Any],
    ) -> None:
        self.options, self.elmo, self.network = options, elmo, network.eval()
        self.labels, self.provenance = list(labels), dict(provenance)

    @property
    def mixture(self) -> npt.NDArray[np.float32]:
        """γ s_j: what `encode(layers=…)` takes, f4[layers + 1]."""
        with torch.no_grad():
            found: npt.NDArray[np.float32] = (self.network.mix.gamma * self.network.mix.a.softmax(0)).numpy()
        return found

    def predict_proba(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The probability of every label, f4[texts, labels], in the order of `labels`."""
        words = self.elmo.words(texts)
        found = np.zeros((len(words), len(self.labels)), np.float32)
        for some in grouped([len(each) + 2 for each in words]):
            with torch.no_grad():
                scores = self.network.scores(*self.elmo.spelled([words[at] for at in some]))
            found[some] = scores.softmax(-1).numpy()
        return found

    def predict(self, texts: Sequence[str]) -> list[Any]:
        """The likeliest label of each text, as it was given."""
        return [self.labels[place] for place in self.predict_proba(texts).argmax(1).tolist()]

    def score(self, texts: Sequence[str], labels: Sequence[Any]) -> float:
        """The share of texts whose label is predicted."""
        return float(np.mean([one == other for one, other in zip(self.predict(texts), labels, strict=True)]))

    def save(self, path: str | PathLike[str]) -> None:
        """Write a folder that `firth.load` opens; atomic. Raises FormatError where something else is there."""
        from firth.formats import language_model

        cutter = self.elmo.tokenizer
        described = {
            "model": {"name": self.options.name, **self.options.to_dict()},
            "text": self.elmo.text,
            "tokenizer": {"kind": cutter.kind, "special": dict(cutter.special)},
            "elmo": {"name": self.elmo.options.name, **self.elmo.options.to_dict()},
            "labels": self.labels,
        }
        language_model.save(path, described, as_arrays(self.network), cutter.to_json(), self.provenance)


def fine_tune(
    elmo: Contextual,
    texts: Sequence[str],
    labels: Sequence[Any],
    options: ELMoClassifier,
    *,
    validation: tuple[Sequence[str], Sequence[Any]] | None,
    threads: int | None,
    device: str | None,
    precision: Precision | None,
    progress: bool | None,
) -> ELMoLabels:
    """`Contextual.fine_tune` with its options made."""
    words, known = elmo.words(texts), sorted(set(labels), key=str)
    if len(words) != len(labels):
        raise InputError(f"There are {len(words):,} texts, but {len(labels):,} labels. Give one for each.")
    if len(known) < 2:
        raise InputError(f"A task needs two labels at least, and here there is {len(known)}.")
    numbers = {label: number for number, label in enumerate(known)}
    torch.manual_seed(options.seed)
    own = elmo.options.network(elmo.tokenizer)  # the model that is asked stays as it is
    own.load_state_dict(elmo.network.state_dict())
    network = TaskNetwork(own, elmo.options.layers + 1, elmo.options.dim, len(known), options.dropout)
    network.elmo.requires_grad_(not options.freeze)
    copy = elmo.options.model(own, elmo.tokenizer, elmo.text, {})
    held_out = None
    if validation is not None:
        others, theirs = validation
        if strangers := set(theirs) - numbers.keys():
            raise InputError(f"validation has the label {strangers.pop()!r}, which is not among those to learn.")
        held_out = _Labelled(elmo, elmo.words(others), np.array([numbers[each] for each in theirs]))
    with progress_display(progress) as display:
        reports = learn(
            network,
            _Labelled(elmo, words, np.array([numbers[label] for label in labels])),
            options,
            held_out=held_out,
            where=Where(threads, device, precision),
            groups=lambda network: _groups(network, options),
            progress=display,
        )
    provenance = {"texts": len(words), "reports": [vars(report) for report in reports]}
    return ELMoLabels(options, copy, network, known, provenance)


def _groups(network: Any, options: ELMoClassifier) -> Groups:
    """The mixture and the layer above it learn quickly, ELMo slowly or not at all."""
    above: Groups = [
        {"params": [network.head.weight]},
        {"params": [network.head.bias, *network.mix.parameters()], "weight_decay": 0.0},
    ]
    return above if options.freeze else [*above, {"params": list(network.elmo.parameters()), "lr": options.tune_lr}]
