"""Every file format of vectors, read and written: one file each, one table.

A format's module has `recognise`, `read`, `needs`, `write` and `describe`; `FORMATS` says which module that is.
"""

import inspect
import os
from importlib import import_module
from typing import Any, Literal, NamedTuple

from firth.errors import ConfigError, FormatError
from firth.formats import atomic, native
from firth.formats.plain_files import LITTER
from firth.formats.signatures import Place, is_arpa, kind_of, looks_like
from firth.vectors.table import Vectors

_HEAD = 1 << 16  # bytes by which a file is recognised


class Format(NamedTuple):
    """A format: its name, what it is on the disk, what it keeps, and the module that knows it."""

    name: str
    kind: Literal["file", "folder"]
    keeps: frozenset[str]
    """Which of keys, vectors, output, counts, subwords, config, provenance come back."""
    module: str
    """Imported when it is needed, and not before: a firth folder opens without the readers of other formats."""

    def recognise(self, found: Place | bytes) -> bool:
        """Whether this format's reader should have it, whole or damaged: a folder's path, or a file's first bytes."""
        return bool(self._module.recognise(found))

    def read(self, path: Place, **options: Any) -> Vectors:
        """Read it. Raises ConfigError for an option that this format does not have."""
        for name in options:
            if name not in self.options:
                from firth.config import did_you_mean

                raise ConfigError(f"Format {self.name!r} has no option {name!r}.{did_you_mean(name, self.options)}")
        vectors: Vectors = self._module.read(path, **options)
        return vectors

    def needs(self, vectors: Vectors) -> int:
        """About how many bytes `write` will write. Raises FormatError where the format cannot hold these vectors."""
        return int(self._module.needs(vectors))

    def write(self, vectors: Vectors, path: Place) -> None:
        """Write a new file or folder, synced; `save` makes that atomic."""
        self._module.write(vectors, path)

    def describe(self, path: Place) -> dict[str, Any]:
        """What is there, from its header alone."""
        return {"format": self.name, **self._module.describe(path)}

    @property
    def options(self) -> tuple[str, ...]:
        """The keyword options that `read` takes."""
        return tuple(inspect.signature(self._module.read).parameters)[1:]

    @property
    def written(self) -> frozenset[str] | None:
        """The names in a folder that `write` makes; None for firth's own, which lists them in its config.json."""
        found: frozenset[str] | None = getattr(self._module, "WRITTEN", None)
        return found

    @property
    def _module(self) -> Any:
        return import_module(self.module)


_TABLE = frozenset({"keys", "vectors"})
_COUNTED = _TABLE | {"counts"}
_EVERYTHING = _COUNTED | {"output", "subwords", "config", "provenance"}

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("native", "folder", _EVERYTHING, "firth.formats.native"),
        Format("word2vec", "file", _TABLE, "firth.formats.word2vec"),
        Format("word2vec-binary", "file", _TABLE, "firth.formats.word2vec_binary"),
        Format("glove", "file", _TABLE, "firth.formats.glove"),
        Format("npz", "file", _COUNTED | {"output"}, "firth.formats.npz"),
        Format("parquet", "file", _COUNTED | {"output"}, "firth.formats.parquet"),
        Format("finalfusion", "file", _TABLE, "firth.formats.finalfusion"),
        Format("gensim", "file", _COUNTED, "firth.formats.gensim"),
        Format("model2vec", "folder", _TABLE, "firth.formats.model2vec"),
        Format("sentence-transformers", "folder", _TABLE, "firth.formats.sentence_transformers"),
        Format("spacy", "folder", _TABLE, "firth.formats.spacy"),
        Format("projector", "folder", _COUNTED, "firth.formats.projector"),
        Format("fasttext", "file", _TABLE | {"output", "counts", "subwords"}, "firth.formats.fasttext"),
        Format("floret", "file", frozenset({"subwords"}), "firth.formats.floret"),
    )
}


_ALSO = {"fasttext-vec": "word2vec"}  # the same file under another name


def of_name(name: str) -> Format:
    """A format by its name. Raises ConfigError, naming the nearest one."""
    name = _ALSO.get(name, name)
    if name not in FORMATS:
        from firth.config import did_you_mean  # takes as long to import as a model to open

        raise ConfigError(f"There is no format {name!r}.{did_you_mean(str(name), FORMATS)}")
    return FORMATS[name]


def recognise(path: Place) -> Format:
    """The format of what is at `path`, by its content: a folder's names, the first 64 KB of a file.

    Raises FormatError that says what it looks like instead, MissingInputError where nothing is there. Never waits,
    whatever the path is.
    """
    what = kind_of(path)
    if what not in ("a file", "a folder"):
        raise FormatError(f"{path} is not a model: it is {what}.")
    found = path if what == "a folder" else _head(path)
    for each in FORMATS.values():
        if what == f"a {each.kind}" and each.recognise(found):
            return each
    foreign = looks_like(found) if isinstance(found, bytes) else None
    instead = _contents(path) if foreign is None else f" (it looks like {foreign})"
    raise FormatError(f"{path} is not a model{instead}. firth reads: {', '.join(FORMATS)}.")


def is_classifier(path: Place) -> bool:
    """Whether there is a classifier, whole or damaged: firth's folder, or fastText's supervised file."""
    if native.is_classifier(path):
        return True
    if kind_of(path) != "a file":
        return False
    from firth.formats.fasttext_file import is_supervised  # a firth folder opens without it

    return is_supervised(_head(path))


def save(vectors: Vectors, path: Place, format: str = "native") -> None:
    """Write vectors at `path`; what an earlier save wrote there stays until the new one is whole.

    Raises FormatError where something else is at `path` (it is left alone) or the format cannot hold a key;
    DiskFullError or SaveError where writing fails.
    """
    chosen = of_name(format)
    check = _check_replaceable_folder if chosen.kind == "folder" else check_replaceable_file
    with atomic.replacing(path, needed=chosen.needs(vectors), check=check) as new:
        chosen.write(vectors, new)


def describe(path: Place) -> dict[str, Any]:
    """What is at `path`, from its header alone: format, rows, dim, bytes, and what else the format says of itself."""
    return atomic.steady(path, lambda: {"path": os.fspath(path), **_described(path)})


def is_ngrams(path: Place) -> bool:
    """Whether a folder or an ARPA file holds a language model of n-grams, whole or damaged."""
    return native.is_ngrams(path) or (os.path.isfile(path) and is_arpa(_head(path)))


def _described(path: Place) -> dict[str, Any]:
    if native.is_classifier(path):  # no format of vectors: it holds them and more
        from firth.formats import classifier

        return classifier.describe(path)
    from firth.formats import huggingface  # here, so that vectors open without it

    if huggingface.is_theirs(path):
        return huggingface.describe(path)
    if native.is_language_model(path):
        from firth.formats import language_model

        return language_model.describe(path)
    if native.is_encoder(path):
        from firth.formats import categories

        return categories.describe(path)
    if native.is_ngrams(path):
        from firth.formats import ngrams

        return ngrams.describe(path)
    if is_ngrams(path):
        from firth.formats import arpa

        return arpa.describe(path)
    return recognise(path).describe(path)


def check_replaceable_file(target: Place) -> None:
    """Raise FormatError where `target` is neither absent, nor an empty file, nor a file of vectors."""
    if os.path.isdir(target):
        raise FormatError(f"{target} is a folder; a file cannot take its place. Save to another name.")
    if not os.path.lexists(target) or (os.path.isfile(target) and not os.path.getsize(target)):
        return
    try:
        recognise(target)
    except FormatError as error:
        raise FormatError(f"{target} is not overwritten, as it holds no vectors. Save elsewhere. ({error})") from None


def _check_replaceable_folder(target: Place) -> None:
    """Raise FormatError where `target` is neither absent, nor an empty folder, nor a folder of vectors alone."""
    try:
        found = recognise(target).written if os.path.isdir(target) else None
    except FormatError:
        found = None
    if found is None:  # native's own check, which explains what else may be there
        native.check_replaceable(target)
    elif strangers := sorted(set(os.listdir(target)) - LITTER - found):
        raise FormatError(
            f"{target} holds vectors and also {', '.join(strangers[:3])}, which would be lost. "
            "Move that away, or save elsewhere."
        )


def _head(path: Place) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD)


def _contents(path: Place) -> str:
    """What a folder that no format knows holds, for an error."""
    if not os.path.isdir(path):
        return ""
    names = sorted(os.listdir(path))
    if not names:
        return ": the folder is empty"
    if "config.json" in names:
        return ": its config.json is of another program"
    return f": the folder holds no config.json, but {', '.join(names[:3])}{', …' * (len(names) > 3)}"
