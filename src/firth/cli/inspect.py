"""`firth inspect`: look at what training would see."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

import firth
from firth.cli import show
from firth.cli.options import Json, at_least_one
from firth.cli.reading import Reading, Sources
from firth.errors import InputError, UnknownKeyError

if TYPE_CHECKING:
    from firth.tokens.encoded import Encoded

app = App(name="inspect", help="Look at what training would see.", help_format="plaintext")

Lines = Annotated[int, Parameter(alias="-n", help="How many lines to show.")]
MinCount = Annotated[int, Parameter(help="Drop rarer words.")]
MaxVocab = Annotated[int | None, Parameter(help="Keep only this many of the most frequent words.")]


@Parameter(name="*", group="Model")  # its fields are options of the command
@dataclass(frozen=True, kw_only=True)
class Windows:
    """The options of Word2Vec that say what is learnt from, with the defaults that it has."""

    architecture: Annotated[
        Literal["skipgram", "cbow"], Parameter(help="skipgram: a line for each neighbour. cbow: for all together.")
    ] = "skipgram"
    window: Annotated[
        int | Literal["sentence"], Parameter(help="Context words on either side; sentence: all of its sentence.")
    ] = 5
    shrink_windows: Annotated[bool, Parameter(help="Draw each window's reach from 1 to `window`.")] = True
    num_skips: Annotated[int | None, Parameter(help="Draw so many of each window's context words.")] = None
    subsample: Annotated[float, Parameter(help="Thin out words whose share of the text is above this.")] = 1e-3
    min_count: MinCount = 5
    max_vocab: MaxVocab = None
    seed: Annotated[int, Parameter(help="Of what is drawn: the same as in training.")] = 1


@app.command
def tokens(
    sources: Sources,
    /,
    *,
    lines: Lines = 10,
    min_count: Annotated[int, Parameter(help="Drop rarer words, as training does.")] = 1,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show the first sentences, cut into words as training cuts them."""
    from firth.tokens.encoded import encode

    at_least_one(lines, "--lines")
    with encode(reading.text(sources), min_count=min_count) as encoded:
        keys = encoded.vocabulary.keys
        starts = encoded.sentences[: lines + 1].tolist()
        sentences = [[keys[id_] for id_ in encoded.tokens[start:end]] for start, end in pairwise(starts)]
    show.answer(sentences, [(" ".join(words),) for words in sentences], as_json=json)


@app.command
def vocabulary(
    sources: Sources,
    /,
    *,
    lines: Lines = 10,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show the most frequent words and how often each comes."""
    at_least_one(lines, "--lines")
    counted = firth.Vocabulary.count(reading.text(sources), min_count=min_count, max_vocab=max_vocab)
    rows = list(zip(counted.keys[:lines], counted.counts[:lines].tolist(), strict=True))
    document = {"words": len(counted), "tokens": counted.total, "most_frequent": dict(rows)}
    show.answer(document, rows, as_json=json)
    show.say(f"{len(counted):,} words are kept; they come {counted.total:,} times.")


@app.command
def examples(
    sources: Sources,
    /,
    *,
    lines: Lines = 20,
    windows: Windows = Windows(),
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show what the first pass of Word2Vec would learn from: context words, then the centre word they predict."""
    from firth.tokens.encoded import encode

    at_least_one(lines, "--lines")
    with encode(reading.text(sources), min_count=windows.min_count, max_vocab=windows.max_vocab) as encoded:
        shown = list(islice(_examples(encoded, windows), lines))
    document = [{"contexts": contexts, "centre": centre} for contexts, centre in shown]
    rows = [(" ".join(contexts), centre) for contexts, centre in shown]
    show.answer(document, rows, as_json=json, heading=("context", "centre"))
    if not shown:
        show.say("There is nothing to learn from: no word that is kept has a neighbour.")


@app.command
def tree(
    sources: Annotated[list[str], Parameter(help="Files, folders or patterns of text; or the folder of a model.")],
    /,
    *,
    word: Annotated[list[str] | None, Parameter(help="A word whose path to show; may be given again.")] = None,
    lines: Lines = 10,
    min_count: MinCount = 5,
    max_vocab: MaxVocab = None,
    reading: Reading = Reading(),  # noqa: B008  # frozen
    json: Json = False,
) -> None:
    """Show words' paths from the root of the Huffman tree, on which hierarchical softmax predicts them.

    A step is an inner node and the branch taken there, 1 the positive one.
    """
    import numpy as np

    from firth.huffman import HuffmanTree

    at_least_one(lines, "--lines")
    vocabulary = _of_model(sources) or firth.Vocabulary.count(
        reading.text(sources), min_count=min_count, max_vocab=max_vocab
    )
    huffman = HuffmanTree.of(vocabulary.counts)
    wanted = [_place(vocabulary, each) for each in word] if word else list(range(min(lines, len(vocabulary))))
    paths = [(vocabulary.keys[i], int(vocabulary.counts[i]), huffman.path(i)) for i in wanted]
    lengths = np.diff(huffman.offsets)
    size: dict[str, float] = {
        "words": len(vocabulary),
        "inner_nodes": len(vocabulary) - 1,
        "mean_path": float(np.average(lengths, weights=vocabulary.counts if vocabulary.total else None)),
        "longest_path": int(lengths.max()),
        "log2_words": float(np.log2(len(vocabulary))),
    }
    listed = [
        {"word": key, "count": count, "nodes": [node for node, _ in path], "branches": [branch for _, branch in path]}
        for key, count, path in paths
    ]
    rows = [(key, count, " ".join(f"{node}:{branch}" for node, branch in path)) for key, count, path in paths]
    show.answer({**size, "paths": listed}, rows, as_json=json, heading=("word", "count", "path"))
    show.say(
        f"{size['words']:,} words, {size['inner_nodes']:,} inner nodes; the root is {len(vocabulary) - 2}. A word of "
        f"the text takes {size['mean_path']:.2f} steps on average, at most {size['longest_path']}; "
        f"log2 of the words is {size['log2_words']:.2f}."
        if len(vocabulary) > 1
        else "One word alone needs no step."
    )


def _examples(encoded: "Encoded", windows: Windows) -> Iterator[tuple[list[str], str]]:
    """(contexts, centre) of every example of the first pass; a pair is an example of skip-gram."""
    import numpy as np

    from firth.reference import word2vec
    from firth.training.blocks import pass_key

    words, none = encoded.vocabulary, np.zeros((0, 0))  # tables are for learning
    options = firth.Word2Vec(**vars(windows))  # refuses what training refuses
    model = word2vec.Model(
        none,
        none,
        sentences=(encoded.tokens[start:end].tolist() for start, end in pairwise(encoded.sentences)),
        keep=words.keep_probability(options.subsample).tolist(),
        window=int(np.diff(encoded.sentences).max()) if options.window == "sentence" else options.window,
        shrink=options.shrink_windows and options.window != "sentence",
        skips=options.num_skips or 0,
    )
    for example in word2vec.examples(model, int(pass_key(options.seed, 1))):
        contexts, centre = [words.keys[word] for word in example.contexts], words.keys[example.centre]
        if options.architecture == "cbow":
            yield contexts, centre
        else:
            yield from (([context], centre) for context in contexts)


def _of_model(sources: list[str]) -> "firth.Vocabulary | None":
    """The words of a saved model; None where the sources are text. Raises InputError for a model without counts."""
    from firth.formats import native

    folder = Path(sources[0])
    if len(sources) > 1 or not folder.is_dir() or not native.recognise(folder):
        return None
    vectors = firth.load(folder)
    if vectors.counts is None:
        raise InputError(f"{folder} has no counts, and the tree is made of them. Give the text it was learnt from.")
    return firth.Vocabulary(vectors.index_to_key, vectors.counts)


def _place(vocabulary: "firth.Vocabulary", word: str) -> int:
    if word not in vocabulary:
        raise UnknownKeyError(f"{word!r} is not among the {len(vocabulary):,} words kept.")
    return vocabulary.ids[word]
