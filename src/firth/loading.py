"""`firth.load`: open any known file; what it is is seen from its content, never from its name."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal

from firth import formats
from firth.errors import ConfigError, FormatError
from firth.formats import atomic, native
from firth.formats.signatures import Place, kind_of
from firth.vectors.table import Vectors


def _is_of_others(module: str) -> Callable[[Place], bool]:
    """Whether a format's module recognises a path; not imported for folders of firth."""
    return lambda path: not native.recognise(path) and bool(import_module(module).recognise(path))


# What is no table of vectors: how it is recognised -> who opens it.
_MODELS: dict[Callable[[Place], bool], str] = {
    formats.is_classifier: "firth.models.classifier:TextClassifier",
    native.is_encoder: "firth.models.category_encoder:CategoryEncoder",
    native.is_language_model: "firth.models.language_model:LanguageModel",
    formats.is_ngrams: "firth.models.ngram_model:NGramModel",
    _is_of_others("firth.formats.huggingface"): "firth.models.language_model:LanguageModel",
}


def load(
    path: Place,
    *,
    format: str | None = None,
    verify: Literal["headers", "full"] = "headers",
    **options: Any,
) -> Any:
    """Open saved vectors, a `Vectors`; a classifier, a `TextClassifier`; a `CategoryEncoder`, or a language
    model, Hugging Face's too.

    path     a firth folder, a file in any of the formats of `firth.formats.FORMATS`, or an ARPA file; fastText's
             supervised files are classifiers
    format   its name there; None finds it by the content. With a name, what comes is always a `Vectors`
    verify   "headers" opens a firth folder in milliseconds: its headers, its keys and the sizes are checked; "full"
             reads everything and compares every checksum. Other formats have none and are always read whole
    options  what the format's reader takes besides: `strict` and `errors` for word2vec files

    Raises MissingInputError where nothing is there, FormatError for anything that is not vectors ("looks like HTML"),
    CorruptFileError, with the byte or the line, for damage, ConfigError for an option that the format does not have.

    >>> import tempfile, firth
    >>> vectors = firth.Vectors(["oak", "elm"], [[1.0, 0.0], [0.0, 1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vectors.save(folder + "/trees")
    ...     firth.load(folder + "/trees")["elm"].tolist()
    [0.0, 1.0]
    """
    if verify not in ("headers", "full"):
        raise ConfigError(f"verify must be 'headers' or 'full', not {verify!r}.")
    chosen = None if format is None else formats.of_name(format)

    def read() -> Any:
        openers = (opener for is_one, opener in _MODELS.items() if is_one(path))
        if chosen is None and not options and (opener := next(openers, None)):
            module, name = opener.split(":")  # imported now: serving vectors needs no trainer
            return getattr(import_module(module), name).load(path, verify=verify)
        if chosen is None and not options and _is_of_others("firth.formats.elmo")(path):
            from firth.models.elmo import ELMo

            return ELMo.published(path)
        found = formats.recognise(path) if chosen is None else _as_asked(path, chosen)
        checked = {"verify": verify} if "verify" in found.options else {}
        return found.read(path, **options, **checked)

    return atomic.steady(path, read)


def load_vectors(path: Place, **options: Any) -> Vectors:
    """What `load` gives, or the vectors of its words where that is a classifier or a language model.

    Raises FormatError for a model that has no vectors.
    """
    if "format" not in options and not native.is_classifier(path) and formats.is_classifier(path):
        options["format"] = "fasttext"  # whose words have n-grams too
    found = load(path, **options)
    if isinstance(found, Vectors):
        return found
    vectors = found.token_vectors() if hasattr(found, "token_vectors") else getattr(found, "vectors", None)
    if not isinstance(vectors, Vectors):
        raise FormatError(f"{path} is a model without vectors ({type(found).__name__}).")
    return vectors


def _as_asked(place: Place, asked: formats.Format) -> formats.Format:
    """The format asked for, if what is there can be that at all."""
    what = kind_of(place)
    if what != f"a {asked.kind}":
        raise FormatError(f"{place} is {what}, and {asked.name} is a {asked.kind}. Leave format out to have it found.")
    return asked
