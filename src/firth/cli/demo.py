"""`firth demo`: the whole way, from a text that every machine with Python has to its neighbours."""

import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.options import Json
from firth.cli.train import check_target, summary

_WORDS = 1_500_000
_ASKED = ("tuple", "file", "column", "maximum", "true", "write", "thread", "character")
# a is to b as c is to what?
_ANALOGIES = (
    ("max", "maximum", "min"),
    ("read", "reading", "write"),
    ("str", "string", "dict"),
    ("small", "smaller", "large"),
)
_FREQUENT = 3_000  # rarer words are not shown: so short a text says little about them


def demo(
    *,
    output: Annotated[str, Parameter(alias="-o", help="The folder to write the model to.")] = "demo-model",
    json: Json = False,
) -> None:
    """Learn word vectors from the documentation of this Python and of what is installed, and ask them questions."""
    check_target(Path(output))
    began = time.perf_counter()
    text = _read()
    show.say(f"  {sum(len(line.split()) for line in text):,} words in {time.perf_counter() - began:.1f} s")
    show.say("", "Learning skip-gram vectors (the first time, the kernels are compiled for this processor)")
    model = firth.Word2Vec(min_count=20, epochs=10)
    vectors = model.fit(firth.Text(iter(text), tokenizer="words", lower=True))
    vectors.save(output)
    show.say(f"  {summary(vectors)}", f"  {time.perf_counter() - began:.1f} s in all", "")

    near = {word: _found(vectors, [word], topn=6) for word in _ASKED if word in vectors}
    asked = [words for words in _ANALOGIES if all(word in vectors for word in words)]
    solved = [(a, b, c, _found(vectors, [b, c], [a], topn=1)[0]) for a, b, c in asked]
    document = {"model": output, "words": len(vectors), "nearest": near, "analogies": solved}
    if json:
        show.answer(document, (), as_json=True)
    else:
        show.say("Nearest neighbours")
        show.answer(document, [(f"  {word}", "  ".join(keys)) for word, keys in near.items()], as_json=False)
        show.say("", "Analogies")
        show.answer(document, [(f"  {a} → {b}", f"{c} → {d}") for a, b, c, d in solved], as_json=False)
    show.say("", f"The model is in {output}. What to type next:", *_next(output))


def _read() -> list[str]:
    from firth.corpus.documentation import paragraphs

    version = ".".join(map(str, sys.version_info[:2]))
    show.say(f"Reading the documentation of Python {version} and of the packages beside it")
    return list(paragraphs(_WORDS))


def _found(vectors: firth.Vectors, positive: list[str], negative: list[str] | None = None, *, topn: int) -> list[str]:
    near = vectors.most_similar(positive=positive, negative=negative or [], topn=topn, restrict_vocab=_FREQUENT)
    return [key for key, _ in near]


def _next(output: str) -> list[str]:
    return [
        f"  firth nearest {output} string error array",
        f"  firth analogy {output} read reading write",
        f"  firth info {output}",
        "  firth train word2vec YOUR-TEXT.txt -o MODEL",
    ]
