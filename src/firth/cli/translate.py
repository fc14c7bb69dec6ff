"""`firth translate`: what a Transformer writes for each text."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from firth.cli import show
from firth.cli.options import Json
from firth.errors import FormatError

_AT_ONCE = 256  # lines that are translated together


def translate(
    model: Annotated[str, Parameter(help="A folder that `firth train transformer` wrote.")],
    file: Annotated[str, Parameter(help="Texts, one a line; `-` is stdin.")] = "-",
    /,
    *,
    beams: Annotated[
        int, Parameter(help="Beginnings that are kept at every step; 1: the likeliest token each time.")
    ] = 4,
    alpha: Annotated[float, Parameter(help="How much longer texts are favoured; 0: not at all.")] = 0.6,
    longest: Annotated[
        int | None, Parameter(help="Tokens that are written at most; 50 more than the text has where not given.")
    ] = None,
    attention: Annotated[
        Path | None, Parameter(help="Draw where it looks while it writes the first text: .png, .svg or .pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a text for each text: a line for a line."""
    from firth.loading import load
    from firth.models.transformer import Translator

    translator = load(model)
    if not isinstance(translator, Translator):
        raise FormatError(
            f"{model} is no Transformer, but {type(translator).__name__}. Train one: firth train transformer."
        )
    document = []
    for texts in _some(file):
        found = translator.candidates(texts, beams=beams, alpha=alpha, longest=longest)
        told = [translator.tokenizer.text(each[0].ids, special=False) for each in found]
        if attention is not None:
            translator.attention(texts[0], told[0]).save(attention)
            attention = None
        if json:
            parts = zip(texts, told, found, strict=True)
            document += [{"text": text, "translation": said, "nats": each[0].nats} for text, said, each in parts]
        else:
            show.answer(None, [(said,) for said in told], as_json=False)
    if json:
        show.answer(document, [], as_json=True)


def _some(file: str) -> Iterator[list[str]]:
    """The lines of a file, some at a time."""
    from firth.corpus.labelled import lines

    found = lines(file)
    while some := list(islice(found, _AT_ONCE)):
        yield some
