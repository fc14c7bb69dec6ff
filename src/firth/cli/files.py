"""Files of vectors: info, convert."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, Model
from firth.errors import ConfigError, FormatError

# The names of `firth.formats.FORMATS`, which is not imported for the sake of a help text; a test compares them.
_WRITTEN = (
    "native, word2vec, word2vec-binary, glove, finalfusion, gensim, model2vec, sentence-transformers, npz, parquet, "
    "projector, spacy, fasttext, floret"
)
_CURVE = ("loss", "held-out loss", "words/s")


def info(
    model: Model,
    /,
    *,
    json: Json = False,
) -> None:
    """Say what a model or a vector file holds: its size, how it was trained, how its text was cut."""
    from firth import formats

    document = formats.describe(model)
    facts, passes = _without_passes(document)
    show.answer(document, _flat(facts), as_json=json)
    if passes and not json:
        show.answer(None, [_pass(each) for each in passes], as_json=False, heading=("", *_CURVE))


def convert(
    source: Annotated[str, Parameter(name="IN", help="A model or a vector file of any known format; `-` is stdin.")],
    target: Annotated[str, Parameter(name="OUT", help="Where to write; `-` is stdout, for formats of one file.")],
    /,
    *,
    to: Annotated[
        str,
        Parameter(
            help=f"The format to write: {_WRITTEN}. For a language model of n-grams: native, arpa. For one of "
            "attention: onnx."
        ),
    ],
    json: Json = False,
) -> None:
    """Write vectors in another format; a classifier as its own two (native, fasttext), or the vectors of its words.

    A language model of n-grams has its own two (native, arpa); one of attention, or what it was taught, is also written
    as the onnx file of its network.
    """
    from firth import formats
    from firth.loading import load_vectors

    if json and target == "-":
        raise ConfigError("stdout takes either the vectors (OUT is `-`) or the JSON document, not both.")
    with _from_stdin(source) as path:
        if formats.is_ngrams(path):
            _language_model(path, target, to, json)
            return
        if to == "onnx":
            _network(path, target, json)
            return
        whole = to in ("native", "fasttext") and formats.is_classifier(path)
        found: Any = firth.load(path) if whole else load_vectors(path)
        if target == "-":
            _to_stdout(found, to)
        else:
            found.save(target, format=to)
            count = len(found.classes_) if whole else len(found)
            document = {"path": target, "format": to, "labels" if whole else "vectors": count}
            show.answer(document, [(target,)], as_json=json)


def _language_model(source: str, target: str, to: str, json: bool) -> None:
    if target == "-":
        raise ConfigError("A language model is written to a file or a folder: give OUT a name.")
    model = firth.load(source)
    model.save(target, to)
    show.answer({"path": target, "format": to, "words": len(model.words)}, [(target,)], as_json=json)


def _network(source: str, target: str, json: bool) -> None:
    if target == "-":
        raise ConfigError("An ONNX file is no stream: give OUT a name.")
    model = firth.load(source)
    if not hasattr(model, "save_onnx"):
        raise FormatError(f"ONNX files hold networks of attention, and {source} is {type(model).__name__}.")
    model.save_onnx(target)
    show.answer({"path": target, "format": "onnx"}, [(target,)], as_json=json)


def _without_passes(document: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same document without the passes over the text, and those: they are a table of their own."""
    provenance = dict(document.get("provenance") or {})
    passes = provenance.pop("epochs", [])
    if not passes:  # a network says how it goes a hundred times
        passes = [report for report in provenance.pop("reports", []) if report.get("validation") is not None]
    return ({**document, "provenance": provenance}, passes) if passes else (document, [])


def _pass(epoch: dict[str, Any]) -> tuple[object, ...]:
    speed = epoch.get("words_per_second")
    speed = epoch.get("tokens_per_second") if speed is None else speed
    figures = (epoch.get("loss"), epoch.get("validation"), None if speed is None else round(speed))
    return f"pass {epoch['number']}" if "number" in epoch else f"step {epoch.get('step', '')}", *(
        "" if figure is None else figure for figure in figures
    )


def _flat(document: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """name, value; what is inside something has a dotted name; what is not known is left out."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, list):
            for number, part in enumerate(value, 1):
                yield f"{above}{name}.{number}", _short(part)
        elif value is not None:
            yield f"{above}{name}", str(value)


def _short(part: object) -> str:
    """One entry of a list on one line: the numbers of an epoch, say."""
    if not isinstance(part, dict):
        return str(part)
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in part.items()
    )


@contextmanager
def _from_stdin(source: str) -> Iterator[str]:
    """The path itself; for `-`, a temporary file with what stdin holds: formats are told apart by looking twice."""
    if source != "-":
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="firth-") as folder:
        path = Path(folder, "stdin")
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield str(path)


def _to_stdout(found: Any, to: str) -> None:
    with tempfile.TemporaryDirectory(prefix="firth-") as folder:
        path = Path(folder, "stdout")
        found.save(path, format=to)
        if path.is_dir():
            raise ConfigError(
                f"Format {to!r} is a folder, which stdout cannot be. Name one: firth convert IN OUT --to {to}"
            )
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
