"""Language models: `firth train ngram`, and what every kind of them is asked: perplexity, generate, fill-mask."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured
from firth.cli.options import ConfigFile, Json, Output, Threads, Topn, at_least_one
from firth.cli.reading import Reading, Sources
from firth.errors import ConfigError, FormatError
from firth.evaluate.perplexity import Surprise

# What a folder's config.json calls its model -> the commands that it answers. `firth.load` opens it; what a command
# calls is the method of its name: `score`, `generate`, `fill_mask`.
LANGUAGE_MODELS: dict[str, tuple[str, ...]] = {
    "ngram": ("perplexity", "generate", "fill-mask"),
    "nnlm": ("perplexity", "generate", "fill-mask"),
    "rnnlm": ("perplexity", "generate", "fill-mask"),
    "elmo": ("perplexity", "generate", "fill-mask"),
    "bert": ("perplexity", "fill-mask"),
    "albert": ("perplexity", "fill-mask"),
    "gpt": ("perplexity", "generate", "fill-mask"),
    "xlnet": ("perplexity", "generate", "fill-mask"),
}

LanguageModel = Annotated[
    str, Parameter(help="A folder that `firth train` wrote for a language model, or an ARPA file.")
]


def train(
    model: type[firth.NGramLM],
    sources: Sources,
    /,
    *,
    output: Output,
    json: Json = False,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    config: ConfigFile = None,
    threads: Threads = None,
    workdir: Annotated[
        Path | None, Parameter(group="Run", help="Keep the encoded corpus in this folder, and use it again next time.")
    ] = None,
    validation: Annotated[str | None, Parameter(group="Run", help="Say the perplexity of this text.")] = None,
    **options: Any,
) -> None:
    """Learn a language model of n-grams."""
    from firth.cli.train import check_target

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options)
    if validation is not None:
        reading.text([validation])  # is it there?
    learnt = settings.fit(reading.text(sources), threads=threads, workdir=workdir)
    learnt.save(output)
    seconds = time.perf_counter() - began
    judged = None if validation is None else learnt.score(reading.text([validation]), threads=threads)
    document = {
        "model": output,
        "words": len(learnt.words),
        "ngrams": learnt.provenance["ngrams"],
        "seconds": seconds,
        **({} if judged is None else {"validation": judged.to_dict()}),
    }
    show.answer(document, [(output,)], as_json=json)
    told = "" if judged is None else f", perplexity {judged.perplexity:.2f}"
    show.say(f"{learnt}{told}, {seconds:.1f} s in all. Try: firth generate {output}")


def perplexity(model: LanguageModel, sources: Sources, /, *, threads: Threads = None, json: Json = False) -> None:
    """Say how surprised a language model is by a text: exp of the mean -ln p of its words and sentence ends."""
    lm = _opened(model, "perplexity")
    found = lm.score(sources[0] if len(sources) == 1 else sources, **({} if threads is None else {"threads": threads}))
    document = {"perplexity": found.perplexity, **found._asdict()}
    if isinstance(found, Surprise):  # a model with a list of words says what those outside it cost
        document["without_unseen"] = found.without_unseen
    show.answer(document, document.items(), as_json=json)


def generate(
    model: LanguageModel,
    prompt: Annotated[str, Parameter(help="How the text begins.")] = "",
    /,
    *,
    count: Annotated[int, Parameter(alias="-n", help="How many to write.")] = 1,
    tokens: Annotated[int, Parameter(help="Words to add, at most.")] = 50,
    temperature: Annotated[
        float, Parameter(help="Below 1 likely words become likelier still; 0: always the likeliest.")
    ] = 1.0,
    topk: Annotated[int | None, Parameter(help="Draw among so many of the likeliest words alone.")] = None,
    topp: Annotated[
        float | None, Parameter(help="Draw among the likeliest alone that have this probability together (networks).")
    ] = None,
    seed: Annotated[int, Parameter(help="Of the draws.")] = 1,
    json: Json = False,
) -> None:
    """Let a language model write: words drawn one by one by how likely they are after those before."""
    at_least_one(count, "--count")
    lm = _opened(model, "generate")
    how: dict[str, Any] = {"tokens": tokens, "temperature": temperature, "topk": topk}
    streams = hasattr(lm, "stream")
    if topp is not None:
        if not streams:
            raise ConfigError(f"--topp is for models with a network, and {model} has none. Leave it out.")
        how["topp"] = topp
    if streams and count == 1 and not json:
        for piece in lm.stream(prompt, seed=seed, **how):
            print(piece, end="", flush=True)  # what is written is seen at once
        print()
        return
    texts = [lm.generate(prompt, seed=seed + number, **how) for number in range(count)]
    show.answer({"texts": texts}, [(text,) for text in texts], as_json=json)


def fill_mask(
    model: LanguageModel,
    /,
    *texts: Annotated[str, Parameter(help="Texts with a gap, [MASK]; `-` reads them from stdin, one a line.")],
    topn: Topn = 10,
    candidates: Annotated[
        list[str] | None,
        Parameter(
            help="Choose among these, of BERT and its kind; they may have several tokens.", consume_multiple=True
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what fits the gap [MASK] of a text, by what stands on both its sides, and how probable each word is."""
    at_least_one(topn, "--topn")
    if not texts:
        raise ConfigError("Which text? Type it after MODEL, with a gap, or `-` to read texts from stdin.")
    lm = _opened(model, "fill-mask")
    asked = [line.rstrip("\r\n") for line in sys.stdin if line.strip()] if texts == ("-",) else list(texts)
    how: dict[str, Any] = {"topn": topn}
    if candidates:
        if not _fills_with_candidates(lm):
            raise ConfigError(f"--candidates is for BERT and its kind, and {model} is none. Leave it out.")
        how["candidates"] = candidates
    found = [(text, [(_told(word), p) for word, p in lm.fill_mask(text, **how)]) for text in asked]
    document = [
        {"text": text, "words": [{"word": word, "probability": p} for word, p in likely]} for text, likely in found
    ]
    rows = [((word, p) if len(found) == 1 else (text, word, p)) for text, likely in found for word, p in likely]
    show.answer(document, rows, as_json=json)


def _fills_with_candidates(lm: Any) -> bool:
    if not hasattr(lm, "network"):
        return False
    from firth.models.masked_model import GapModel  # its torch is there: the model has a network

    return isinstance(lm, GapModel)


def _told(answer: str | tuple[str, ...]) -> str:
    """An answer, or those of several gaps."""
    return answer if isinstance(answer, str) else ", ".join(answer)


def _opened(path: str, command: str) -> Any:
    """The language model at a path. Raises FormatError for a model that does not answer the command."""
    from firth import formats

    described = formats.describe(path)
    model = (described.get("config") or {}).get("model") or {}
    name = "ngram" if described["format"] == "arpa" else model.get("name", described["format"])
    if command not in LANGUAGE_MODELS.get(name, ()):
        able = ", ".join(each for each, commands in LANGUAGE_MODELS.items() if command in commands)
        raise FormatError(f"{path} is of the model {name!r}, and firth {command} asks a language model: {able}.")
    return firth.load(path)
