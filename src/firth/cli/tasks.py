"""Tasks: `firth fine-tune`, and what a network that was taught one answers to `firth classify` and `firth evaluate`."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Threads
from firth.config import Config
from firth.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from firth.models.fine_tuned import FineTuned

_LINES = 1 << 10  # answered at a time


def __getattr__(name: str) -> Any:
    """`fine_tune`, whose options are those of a class that needs torch: made when the command is asked for."""
    if name != "fine_tune":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from firth.models.fine_tuning import FineTuning

    return with_options(FineTuning, train, "Teach a language model a task by examples. Prints the folder of the model.")


def train(
    options_of: type[Config],
    model: Annotated[str, Parameter(help="A folder of firth's or of Hugging Face's: BERT, ALBERT, GPT, XLNet.")],
    file: Annotated[
        str,
        Parameter(help="Examples: `label TAB text`; of pairs two texts; of tags `word TAB tag`, blank lines between."),
    ],
    /,
    *,
    output: Annotated[str, Parameter(alias="-o", group="Output", help="The folder to write what was taught to.")],
    json: Json = False,
    config: ConfigFile = None,
    threads: Threads = None,
    validation: Annotated[
        float | str | None,
        Parameter(group="Run", help="A share (0.1) or a file of examples, to score on; the best weights are kept."),
    ] = None,
    init: Annotated[
        str | None, Parameter(group="Run", help="A model or a vector file that the table of tokens starts from.")
    ] = None,
    device: Annotated[str | None, Parameter(group="Run", help="cpu, cuda; a GPU is used where there is one.")] = None,
    precision: Annotated[
        Literal["fp32", "bf16"] | None, Parameter(group="Run", help="bf16: products in bfloat16, by autocast.")
    ] = None,
    **options: Any,
) -> None:
    """Teach a language model a task."""
    from firth.cli.train import check_target
    from firth.corpus import tasks

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(options_of, config, options)
    found = tasks.read(file, settings.task)
    held_out = tasks.read(validation, settings.task) if isinstance(validation, str) else validation
    learnt = firth.load(model)
    if not hasattr(learnt, "fine_tune"):
        raise FormatError(f"{model} holds no network in context that could be taught: firth train bert makes one.")
    run = {"validation": held_out, "init": init, "threads": threads, "device": device, "precision": precision}
    taught = learnt.fine_tune(found.texts, found.labels, **{**settings.to_dict(), **run})
    taught.save(output)
    scores = taught.evaluate(*held_out) if isinstance(held_out, tasks.Examples) else None
    seconds = time.perf_counter() - began
    document = {
        "model": output,
        "classes": taught.classes_,
        "seconds": seconds,
        **({} if not scores else {"scores": scores}),
    }
    show.answer(document, [(output,)], as_json=json)
    told = "" if scores is None else ", " + _told(scores)
    show.say(f"{taught}{told}, {seconds:.1f} s in all. Try: firth classify {output} -")


def is_taught(path: str) -> bool:
    """Whether a folder holds a network that was taught a task."""
    from firth.formats import language_model, native

    return native.is_language_model(path) and "task" in language_model.describe(path)["config"]


def classify(path: str, file: str, topk: int | None, threshold: float | None, json: bool) -> None:
    """A line for each text: its classes and how probable they are; a number; or word/tag of each word."""
    taught: FineTuned = firth.load(path)
    if taught.task in ("tag", "regress") and (topk is not None or threshold is not None):
        raise ConfigError(f"--topk and --threshold are for classes; {path} was taught to {taught.task}.")
    document: list[Any] = []
    for texts in _texts(file, taught):
        for text, answer in zip(texts, _answers(taught, texts, topk, threshold), strict=True):
            document.append({"text": text, "answer": answer})
            if not json:
                show.answer(None, [_row(answer)], as_json=False)
    if json:
        show.answer(document, [], as_json=True)


def evaluate(path: str, file: str, json: bool) -> None:
    """Scores on a file of examples."""
    from firth.corpus import tasks

    taught: FineTuned = firth.load(path)
    scores = taught.evaluate(*tasks.read(file, taught.task))
    show.answer({"labelled": scores}, scores.items(), as_json=json)


def _answers(taught: "FineTuned", texts: list[Any], topk: int | None, threshold: float | None) -> list[Any]:
    if taught.task == "tag":
        return [list(zip(words, tags, strict=True)) for words, tags in zip(texts, taught.predict(texts), strict=True)]
    if taught.task == "regress":
        return [float(number) for number in taught.predict(texts)]
    found = []
    for shares in taught.predict_proba(texts):
        order = shares.argsort()[::-1][: topk or (len(shares) if threshold is not None else 1)]
        likely = [(taught.classes_[number], float(shares[number])) for number in order.tolist()]
        found.append([{"label": label, "probability": p} for label, p in likely if p >= (threshold or 0)])
    return found


def _row(answer: Any) -> list[object]:
    if not isinstance(answer, list):
        return [answer]
    return [
        part
        for each in answer
        for part in ((each["label"], each["probability"]) if isinstance(each, dict) else (f"{each[0]}/{each[1]}",))
    ]


def _texts(file: str, taught: "FineTuned") -> Iterator[list[Any]]:
    """Some texts at a time: lines, pairs with a tab between them, words with blanks between them."""
    from firth.corpus.labelled import lines

    some: list[Any] = []
    for line in lines(file) if file != "-" else (line.rstrip("\r\n") for line in sys.stdin):
        if taught.task == "tag":
            some.append(line.split())
        else:
            some.append(tuple(line.split("\t")) if taught.task == "pair" else line)
        if len(some) == _LINES or (file == "-" and sys.stdin.isatty()):
            yield some
            some = []
    if some:
        yield some


def _told(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
