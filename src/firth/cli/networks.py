"""Models with a network: `firth train` for each of them, and `firth encode`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Model, Output, Threads
from firth.cli.reading import Reading, Sources
from firth.cli.run import Run
from firth.config import Config
from firth.errors import ConfigError

# Command -> the public name of its options, and its line of help. Their modules need torch, so each is imported when
# its command is asked for, and no sooner: `__getattr__` makes the commands.
NETWORKS: dict[str, tuple[str, str]] = {
    "nnlm": ("NNLM", "Learn a look-up table of words and the probability of the next one."),
    "rnnlm": ("RNNLM", "Learn a language model with a recurrent network."),
    "elmo": ("ELMo", "Learn vectors of words in context, from two language models."),
    "bert": ("BERT", "Learn vectors of tokens in context, by filling gaps."),
    "albert": ("ALBERT", "Learn vectors of tokens in context with one narrow layer, from gaps and order."),
    "gpt": ("GPT", "Learn to write on, and vectors of tokens from what is before them."),
    "xlnet": ("XLNet", "Learn vectors of tokens in context, by foretelling them in orders that are drawn."),
    "transformer": ("Transformer", "Learn to write one text for another: lines 'source TAB target'."),
}
_LINES = 1 << 10  # encoded at a time


def __getattr__(name: str) -> Any:
    """The command that trains the network of that name."""
    if name not in NETWORKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    public, says = NETWORKS[name]
    return with_options(getattr(firth, public), train, f"{says} Prints the folder of the model.")


def train(
    model: type[Config],
    sources: Sources,
    /,
    *,
    output: Output,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[
        Path | None, Parameter(group="Run", help="Keep checkpoints and log.jsonl in this folder, not beside the model.")
    ] = None,
    device: Annotated[str | None, Parameter(group="Run", help="cpu, cuda; a GPU is used where there is one.")] = None,
    precision: Annotated[
        Literal["fp32", "bf16"] | None, Parameter(group="Run", help="bf16: products in bfloat16, by autocast.")
    ] = None,
    shard: Annotated[
        bool, Parameter(group="Run", help="Under torchrun: cut the network among the processes (FSDP2).", negative=())
    ] = False,
    run: Run = Run(),  # noqa: B008  # frozen
    **options: Any,
) -> None:
    """Learn a model with a network."""
    from firth.cli.train import check_target
    from firth.training.processes import is_first_process

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options)
    if run.is_finished(target, workdir, settings):
        show.say("finished: nothing to do.")
        show.answer({"model": output, "finished": True}, [(output,)], as_json=json)
        return
    how = run.options(reading, settings) | {"device": device, "precision": precision, "shard": shard}
    with run.folder(target, workdir) as folder:
        learnt = settings.fit(reading.text(sources), threads=threads, workdir=folder, **how)
        if is_first_process():
            learnt.save(output)
    if is_first_process():
        _tell(learnt, output, time.perf_counter() - began, json)


def _tell(learnt: Any, output: str, seconds: float, json: bool) -> None:
    reports = learnt.provenance["reports"]
    parameters = sum(array.size for array in learnt.arrays().values())
    document = {
        "model": output,
        "tokens": len(learnt.tokenizer),
        "parameters": parameters,
        "seconds": seconds,
        "reports": reports,
    }
    show.answer(document, [(output,)], as_json=json)
    held_out = [report["validation"] for report in reports if report["validation"] is not None]
    judged = f", held-out loss {min(held_out):.3f}" if held_out else ""
    last, verb = reports[-1], "translate" if learnt.options.name == "transformer" else "encode"
    speed = last["tokens"] / max(last["seconds"], 1e-9)
    show.say(
        f"{len(learnt.tokenizer):,} tokens, {parameters:,} parameters, {speed:,.0f} tokens/s, loss {last['loss']:.3f}"
        f"{judged}, {seconds:.1f} s in all. Try: firth {verb} {output} -"
    )


def encode(
    model: Model,
    file: Annotated[str, Parameter(help="Texts, one a line; `-` is stdin.")] = "-",
    /,
    *,
    pooling: Annotated[
        str | None, Parameter(help="How a text's tokens become one vector (mean, …); tokens: a vector for each.")
    ] = None,
    layers: Annotated[
        str | None, Parameter(help="Of models in context: mean of all layers, or the number of one; -1 is the highest.")
    ] = None,
    attention: Annotated[
        Path | None, Parameter(help="Draw where the tokens of the first text look: .png, .svg or .pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Write the vector of each text: a line of numbers, with tabs between them."""
    from firth.loading import load

    found = load(model)
    if attention is not None and not hasattr(found, "attention"):
        raise ConfigError(f"--attention is for models of attention, and {model} is {type(found).__name__}.")
    how: dict[str, Any] = {name: value for name, value in (("pooling", pooling), ("layers", layers)) if value}
    if "layers" in how and how["layers"].lstrip("-").isdigit():
        how["layers"] = int(how["layers"])
    document: list[Any] = []
    for texts in _texts(file):
        if attention is not None:
            found.attention(texts[0]).save(attention)
            attention = None
        try:
            vectors = found.encode(texts, **how)
        except TypeError as error:
            raise ConfigError(f"{model} takes no --{' and no --'.join(how)}: {error}.") from None
        if json:
            document += [np.asarray(each).tolist() for each in vectors]
        else:
            show.answer(None, [row for each in vectors for row in np.atleast_2d(each).tolist()], as_json=False)
    if json:
        show.answer(document, [], as_json=True)


def _texts(file: str) -> Any:
    """The lines of a file, some at a time."""
    from firth.corpus.labelled import lines

    some: list[str] = []
    for line in lines(file) if file != "-" else (line.rstrip("\r\n") for line in sys.stdin):
        some.append(line)
        if len(some) == _LINES:
            yield some
            some = []
    if some:
        yield some
