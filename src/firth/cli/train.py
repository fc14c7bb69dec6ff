"""`firth train MODEL SOURCE… -o DIR`: one command per model, its options made from the model's config."""

import dataclasses
import inspect
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

import firth
from firth.cli import categories, classify, graphs, items, language, networks, pairs, show
from firth.cli.learn_on import extended
from firth.cli.model_options import configured, with_options
from firth.cli.options import ConfigFile, Json, Output, Threads
from firth.cli.reading import Reading, Sources
from firth.cli.run import Run
from firth.config import Config
from firth.errors import ConfigError, SaveError

app = App(name="train", help="Learn vectors from a corpus.", help_format="plaintext")


def _train(
    model: type[Config],
    sources: Sources,
    /,
    *,
    output: Output,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    phrases: Annotated[
        bool, Parameter(group="Text", negative=(), help="Learn phrases first, and join them: new york → new_york.")
    ] = False,
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[
        Path | None, Parameter(group="Run", help="Keep the encoded corpus in this folder, and use it again next time.")
    ] = None,
    extend: Annotated[
        str | None, Parameter(name="--from", group="Run", help="A model to go on from, with the words that come new.")
    ] = None,
    run: Run = Run(),  # noqa: B008  # frozen
    **options: Any,
) -> None:
    target = Path(output)
    check_target(target)
    started = time.perf_counter()
    if extend is not None:
        others = {
            "config": config,
            "workdir": workdir,
            "phrases": phrases,
            "preset": options.pop("preset", None),
        }
        vectors = extended(extend, sources, reading, threads, options, {**others, **run.asked()})
        vectors.save(output)
        _tell(vectors, output, time.perf_counter() - started, json)
        return
    settings = configured(model, config, options)
    if run.is_finished(target, workdir, settings):
        tell_finished(output, json)
        return
    how = run.options(reading, settings)
    text = reading.text(sources)
    if phrases:
        text = _with_phrases(text, threads)
    with run.folder(target, workdir) as folder:
        vectors = settings.fit(text, threads=threads, workdir=folder, **how)
        vectors.save(output)
    _tell(vectors, output, time.perf_counter() - started, json)


def tell_finished(output: str, json: bool) -> None:
    """Say that a run that was to be resumed is over."""
    show.say("finished: nothing to do.")
    show.answer({"model": output, "finished": True}, [(output,)], as_json=json)


def _tell(vectors: firth.Vectors, output: str, seconds: float, json: bool) -> None:
    epochs = (vectors.provenance or {}).get("epochs", [])
    document = {"model": output, "words": len(vectors), "dim": vectors.dim, "seconds": seconds, "epochs": epochs}
    show.answer(document, [(output,)], as_json=json)
    show.say(f"{summary(vectors)}, {seconds:.1f} s in all. Try: firth nearest {output} {vectors.index_to_key[0]}")


def _with_phrases(text: firth.Text, threads: int | None) -> firth.Text:
    """The same text with phrases learnt from it, by the defaults."""
    if text.is_stdin():
        raise ConfigError("--phrases reads the text twice, and stdin can be read once. Save it to a file first.")
    learnt = firth.Phrases().fit(text, threads=threads)
    show.say(f"{len(learnt):,} phrases: {', '.join(phrase.key for phrase in learnt.table[:5])} …")
    return dataclasses.replace(text, phrases=learnt)


def summary(vectors: firth.Vectors) -> str:
    """What was learnt, how fast, and how well the last pass went."""
    return f"{len(vectors):,} words × {vectors.dim} numbers{told_epochs((vectors.provenance or {}).get('epochs'))}"


def told_epochs(epochs: list[dict[str, Any]] | None) -> str:
    """How fast, and how well the last pass went; nothing of a model without passes."""
    if not epochs:
        return ""
    fastest = max(epoch["words_per_second"] for epoch in epochs)
    held_out = epochs[-1].get("validation")
    judged = "" if held_out is None else f", held-out loss {held_out:.3f}"
    return f", {fastest / 1e6:.2f} M words/s, loss {epochs[-1]['loss']:.3f}{judged}"


def check_target(target: Path) -> None:
    """Refuse, before hours of training, a target that could not be written after them.

    Raises FormatError where it holds something else than a model, SaveError where the folder takes no new file.
    """
    from firth.formats import native

    native.check_replaceable(target)
    folder = next(parent for parent in target.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise SaveError(f"{folder} takes no new files, so {target} cannot be written. Choose another -o.")


def command(model: type[Config], train: Callable[..., None] = _train) -> Callable[..., None]:
    """The command that trains `model`: what every training takes, and an option per field of its config."""
    says = f"{inspect.cleandoc(model.__doc__ or '').splitlines()[0]} Prints the folder of the model."
    return with_options(model, train, says)


for _model in (firth.Word2Vec, firth.FastText, firth.GloVe):
    app.command(command(_model), name=_model.name)
app.command(with_options(firth.Item2Vec, items.train, items.SAYS), name=firth.Item2Vec.name)
app.command(with_options(firth.Pairs, pairs.train, pairs.SAYS), name=firth.Pairs.name)
_says = "Learn to classify texts, as fastText's supervised mode does. Prints the folder of the classifier."
app.command(with_options(firth.TextClassifier, classify.train, _says), name=firth.TextClassifier.name)
_says = "Count n-grams, and estimate how likely words are after others. Prints the folder of the language model."
app.command(with_options(firth.NGramLM, language.train, _says), name=firth.NGramLM.name)
for _of_nodes in (firth.Node2Vec, firth.ProNE, firth.LINE):
    app.command(command(_of_nodes, graphs.train), name=_of_nodes.name)
app.command(with_options(firth.CategoryEncoder, categories.train, categories.SAYS), name=firth.CategoryEncoder.name)
for _name, (_, _line) in networks.NETWORKS.items():
    app.command(f"firth.cli.networks:{_name}", name=_name, help=_line)
