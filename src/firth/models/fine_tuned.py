"""A network that was taught a task: what it answers, how well, and its files.

Those are Hugging Face's too: `BertForSequenceClassification`, `GPT2ForTokenClassification` and their kind open them.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from firth.errors import CorruptFileError, InputError
from firth.evaluate.classify import label_scores
from firth.models.language_model import Floats, Place

if TYPE_CHECKING:
    from firth.formats.language_model import Saved
    from firth.models.contextual import ContextModel

TaskKind = Literal["classify", "pair", "regress", "tag"]
TextPooling = Literal["own", "mean"]

_PRETRAINING = ("head.", "pair.", "bias")  # what learns from plain text alone


class FineTuned:
    """What `fine_tune` returns, and `firth.load`.

    >>> import firth
    >>> lines = ["the cat sat on the mat", "the dog ran in the park"] * 20
    >>> bert = firth.BERT(units="words", layers=1, dim=32, heads=2, length=12, steps=20, batch_tokens=128).fit(lines)
    >>> taught = bert.fine_tune(["the cat sat", "the dog ran"] * 20, ["cat", "dog"] * 20, steps=30, lr=0.01)
    >>> taught.predict(["the cat sat", "the dog ran"])
    ['cat', 'dog']
    """

    def __init__(
        self,
        model: "ContextModel",
        head: nn.Linear,
        task: TaskKind,
        classes: Sequence[Any],
        mean: float,
        spread: float,
        pooling: TextPooling = "own",
    ) -> None:
        self.model = model
        """The network, with all that it can be asked: `encode`, …"""
        self.head = head.eval()
        self.task: TaskKind = task
        self.classes_ = list(classes)
        """The classes in the order of `predict_proba`'s columns; of numbers none."""
        self.mean, self.spread = mean, spread
        self.pooling: TextPooling = pooling
        """What stands for a text: the model's own summary, or the mean of its tokens' states."""

    def __repr__(self) -> str:
        answers = f"{len(self.classes_):,} classes" if self.classes_ else "numbers"
        return f"FineTuned({self.model.options.name}, {self.task}, {answers})"

    def encode(self, texts: Sequence[str], **options: Any) -> Any:
        """The network's vectors of texts, as `ContextModel.encode` gives them."""
        return self.model.encode(texts, **options)

    def predict(self, texts: Sequence[Any]) -> Any:
        """The likeliest class of each text, as labels were given; numbers f8[texts]; for words a list for each text.

        texts  str; two of them for each pair, (a, b); for tags lists of words
        """
        if self.task == "tag":
            return [[self.classes_[number] for number in found.argmax(1).tolist()] for found in self._of_words(texts)]
        found = self._of_texts(texts)
        if self.task == "regress":
            return self.mean + self.spread * found[:, 0].astype(np.float64)
        return [self.classes_[number] for number in found.argmax(1).tolist()]

    def predict_proba(self, texts: Sequence[Any]) -> Any:
        """The probability of each class, f4[texts, classes], as `classes_`; for tags a list of f4[words, classes].

        Raises InputError where numbers are foretold.
        """
        if self.task == "regress":
            raise InputError("Numbers have no probabilities: predict gives them.")
        if self.task == "tag":
            return [_softmax(found) for found in self._of_words(texts)]
        return _softmax(self._of_texts(texts))

    def evaluate(self, texts: Sequence[Any], labels: Sequence[Any]) -> dict[str, float]:
        """How good the answers are: accuracy, macro_f1 and matthews of classes; pearson, spearman and mse of numbers.

        Tags are counted word by word. Raises InputError where texts and labels are not equally many.
        """
        if len(texts) != len(labels) or not len(texts):
            raise InputError(f"There are {len(texts):,} texts and {len(labels):,} labels: one for each, please.")
        found = self.predict(texts)
        if self.task == "regress":
            return number_scores(np.array(labels, np.float64), found)
        truth = [tag for tags in labels for tag in tags] if self.task == "tag" else list(labels)
        said = [tag for tags in found for tag in tags] if self.task == "tag" else found
        if len(said) != len(truth):
            raise InputError(f"There are {len(said):,} words and {len(truth):,} tags: one for each, please.")
        scores = label_scores([[label] for label in truth], [[label] for label in said])
        return {"accuracy": scores.accuracy, "macro_f1": scores.macro_f1, "matthews": matthews(truth, said)}

    # ------------------------------------------------------------ answers

    def _of_texts(self, texts: Sequence[Any]) -> Floats:
        """f4[texts, answers]."""
        rows = self.model.text_rows(texts, self.task)
        found = np.zeros((len(rows), self.head.out_features), np.float32)
        segments = {number: row[1] for number, row in enumerate(rows)}
        with torch.inference_mode():
            for numbers, ids, present in self.model._batches([row[0] for row in rows]):
                kinds = torch.zeros_like(ids)
                for row, number in enumerate(numbers):
                    kinds[row, : len(segments[number])] = torch.tensor(segments[number])
                states = self.model.states(self.model.network, ids, present, kinds)[-1]
                pooled = self.model.text_states(self.model.network, states, present, self.pooling)
                found[numbers] = self.head(pooled).numpy()
        return found

    def _of_words(self, texts: Sequence[Any]) -> list[Floats]:
        """For each text f4[words, answers]."""
        rows = self.model.word_rows(texts)
        found: list[Any] = [None] * len(rows)
        with torch.inference_mode():
            for numbers, ids, present in self.model._batches([ids for ids, _ in rows]):
                states = self.model.states(self.model.network, ids, present, torch.zeros_like(ids))[-1]
                answers = self.head(states).numpy()
                for row, number in enumerate(numbers):
                    found[number] = answers[row, : len(rows[number][1])][np.array(rows[number][1], bool)]
        return found

    # ------------------------------------------------------------ files

    def save(self, path: Place) -> None:
        """Write a folder that `firth.load` opens, and transformers' AutoModelForSequenceClassification; atomic.

        Transformers has no class that takes the mean of a text's states: with `pooling="mean"` AutoModel opens the
        network alone, and the task's layer is for firth.
        """
        from firth.formats import families, huggingface, language_model

        model, family = self.model, families.FAMILIES[self.model.options.family]
        task: dict[str, Any] = {"kind": self.task, "classes": self.classes_, "mean": self.mean, "spread": self.spread}
        told = huggingface.task_of(family, self.task, [str(label) for label in self.classes_])
        if self.pooling == "mean":
            task["pooling"], told["architectures"] = self.pooling, [family.architectures["states"]]
        dropped = (*_PRETRAINING, *(("pooler.",) if self.task == "tag" else ()))
        arrays = {
            **{name: array for name, array in model.own_arrays().items() if not name.startswith(dropped)},
            **{f"task.{name}": tensor.detach().numpy() for name, tensor in self.head.state_dict().items()},
        }
        language_model.save(
            path,
            {**model.saved_config(), "task": task},
            huggingface.to_theirs(family, arrays),
            model.tokenizer.to_json(),
            model.provenance,
            huggingface={**model.huggingface(), **told},
            tokenizer_config=model.tokenizer_config(),
        )

    def save_onnx(self, path: Place) -> None:
        """Write network and task as an ONNX file; the same inputs as `ContextModel.save_onnx`, and its errors.

        → logits f4[batch, classes], in the order of `classes_`; for tags f4[batch, tokens, classes]; of numbers one,
        which `mean` + `spread` · logit makes the number.
        """
        from firth.formats import onnx
        from firth.models.contextual import Exported

        by_token = self.task == "tag"
        onnx.write(path, Exported(self.model, self.head, by_token=by_token, pooling=self.pooling), "logits")

    @classmethod
    def reopened(cls, path: Place, model: Any, saved: "Saved") -> "FineTuned":
        """What `save` wrote, around its network. Raises CorruptFileError where the task's part is missing or odd."""
        from firth.formats import families, huggingface

        arrays = huggingface.to_ours(families.FAMILIES[model.options.family], saved.arrays, path)
        match saved.config["task"]:
            case {"kind": ("classify" | "pair" | "regress" | "tag") as kind, "classes": list(classes)} as task if (
                "task.weight" in arrays and arrays["task.weight"].shape == (len(classes) or 1, model.options.dim)
            ):
                head = nn.Linear(model.options.dim, len(classes) or 1, bias="task.bias" in arrays)
                head.load_state_dict(
                    {
                        name.removeprefix("task."): torch.from_numpy(np.array(array))
                        for name, array in arrays.items()
                        if name.startswith("task.")
                    }
                )
                mean, spread = float(task.get("mean", 0)), float(task.get("spread", 1))
                if (pooling := task.get("pooling", "own")) in ("own", "mean"):
                    return cls(model, head, cast(TaskKind, kind), classes, mean, spread, pooling)
        raise CorruptFileError(f"{path}: its task is not one that its network answers. Copy the model again.")


def _softmax(scores: Floats) -> Floats:
    shares = np.exp(scores - scores.max(1, keepdims=True))
    found: Floats = shares / shares.sum(1, keepdims=True)
    return found


def class_order(label: Any) -> tuple[bool, Any]:
    """Numbers before words."""
    return isinstance(label, str), label


def matthews(truth: Sequence[Any], said: Sequence[Any]) -> float:
    """The correlation of two lists of classes: 1 where they agree, about 0 by chance, 0 where one has a single class.

    Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".

    >>> matthews(["a", "b", "a", "b"], ["a", "b", "a", "a"])
    0.577...
    """
    classes = {label: number for number, label in enumerate(sorted({*truth, *said}, key=class_order))}
    one, other = (np.eye(len(classes))[[classes[label] for label in labels]] for labels in (truth, said))
    covariance = [
        float(((a - a.mean(0)) * (b - b.mean(0))).sum()) for a, b in ((one, other), (one, one), (other, other))
    ]
    return covariance[0] / math.sqrt(covariance[1] * covariance[2]) if covariance[1] and covariance[2] else 0.0


def number_scores(truth: npt.NDArray[np.float64], said: npt.NDArray[np.float64]) -> dict[str, float]:
    """pearson and spearman, NaN where one side does not vary, and the mean squared error."""
    from scipy.stats import rankdata

    def correlation(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
        a, b = a - a.mean(), b - b.mean()
        norms = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / norms if norms else float("nan")

    return {
        "pearson": correlation(truth, said),
        "spearman": correlation(rankdata(truth), rankdata(said)),
        "mse": float(((truth - said) ** 2).mean()),
    }
