"""firth's own format: a folder that opens in milliseconds, is checked, and is readable by people and by other tools.

    config.json          format, version, the model's options, how the text was cut; size and checksums of every file
    vectors.safetensors  keys (one UTF-8 blob) and their offsets, counts, vectors, output vectors, and of a model with
                         subwords the rows of n-grams and the keys' own; memory-mapped
    vocabulary.tsv       key TAB count, for people (0 where nothing was counted)
    provenance.json      what it was learnt from and how it went
    phrases.tsv          the phrases that were joined in the text, where some were; config.json has its name in "text"
    index.usearch        the graph of `build_index`, where there is one; config.json says of what, under "index"
    README.md            the model card

config.json is written last and ends with a checksum of itself.
"""

import os
import zlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError, CorruptFileError, FirthError, FormatError, InputError
from firth.formats import index_file, quantised, safetensors
from firth.formats.checksums import NewFile, Record, check_blocks, check_size, recorded
from firth.formats.json_text import is_whole, parse
from firth.formats.plain_files import LITTER, mapped, open_plain, read_small
from firth.formats.signatures import Place
from firth.formats.unique import first_repeated
from firth.vectors.keys import Keys
from firth.vectors.table import Vectors

if TYPE_CHECKING:
    from firth.vectors.index import Index
    from firth.vectors.subwords import Subwords

Verify = Literal["headers", "full"]

VERSION, _WITH_SUBWORDS = 1, 2  # an older firth would open the second without its n-grams, so it must not know it
_CONFIG, _VECTORS, _VOCABULARY, _PROVENANCE, _CARD = (
    "config.json",
    "vectors.safetensors",
    "vocabulary.tsv",
    "provenance.json",
    "README.md",
)
_PHRASES, _INDEX = "phrases.tsv", "index.usearch"
CLASSIFIER = "classifier.safetensors"
"""The arrays of a folder that holds a classifier."""
NETWORK = "model.safetensors"
"""The weights of a folder that holds a language model with a network."""
CATEGORIES = "categories.safetensors"
"""The arrays of a folder that holds an encoder of categories."""
NGRAMS = "ngrams.safetensors"
"""The arrays of a folder that holds a language model of n-grams."""
_NESTED = "firth"  # under which all of firth's names stand where the top of config.json is another tool's
# names in config.json that are not the model's
_OURS = {"format", "format_version", "files", "checksum", "subwords", "index"}
_CUTTING = ("min_n", "max_n", "hash_count", "hash_seed")  # of `Subwords`


class Header(NamedTuple):
    """What firth itself needs to know from config.json; the other names in it are the model's."""

    format: str
    format_version: int
    files: dict[str, Record]
    subwords: dict[str, int] | None
    """How a word is cut into n-grams; None: it is not."""
    graph: dict[str, Any] | None
    """What the graph in index.usearch is of; None: there is none."""


def is_classifier(folder: Place) -> bool:
    """Whether a folder holds a classifier (formats/classifier.py), whole or damaged."""
    return os.path.lexists(os.path.join(folder, CLASSIFIER))


def is_language_model(folder: Place) -> bool:
    """Whether a folder holds a language model of firth's (formats/language_model.py), whole or damaged."""
    return os.path.lexists(os.path.join(folder, NETWORK)) and recognise(folder)


def is_encoder(folder: Place) -> bool:
    """Whether a folder holds an encoder of categories (formats/categories.py), whole or damaged."""
    return os.path.lexists(os.path.join(folder, CATEGORIES))


def is_ngrams(folder: Place) -> bool:
    """Whether a folder holds a language model of n-grams (formats/ngrams.py), whole or damaged."""
    return os.path.lexists(os.path.join(folder, NGRAMS))


def recognise(folder: Place) -> bool:
    """Whether a folder holds a firth model, whole or damaged."""
    try:
        with open(open_plain(os.path.join(folder, _CONFIG)), "rb") as file:
            start = file.read(4096)
    except (OSError, FirthError):
        start = b""
    return b'"format": "firth"' in start or os.path.lexists(os.path.join(folder, _VECTORS))


# ---------------------------------------------------------------- writing


def needs(vectors: Vectors) -> int:
    """About how many bytes `write` will write: the arrays, and the keys twice."""
    keys = Keys.of(vectors.index_to_key)
    parts = vectors.subwords
    others = (vectors.output, vectors.nodes, *((parts.table, parts.own, parts.places) if parts else ()))
    return int(
        vectors.stored.nbytes
        + (0 if vectors.index is None else index_file.needs(vectors))
        + sum(table.nbytes for table in others if table is not None)
        + 2 * len(keys.blob)
        + 24 * len(keys)
        + (1 << 14)
    )


def write(vectors: Vectors, folder: Place) -> None:
    """Write a new folder, each file synced; config.json last."""
    from firth.formats.card import card  # neither of them is needed to read
    from firth.vocabulary import Vocabulary

    os.mkdir(folder)
    config = vectors.config or {}
    if taken := _OURS & config.keys():
        raise ConfigError(f"config: {', '.join(sorted(taken))} is firth's own name in config.json. Choose another.")
    keys = Keys.of(vectors.index_to_key)
    counts = np.zeros(len(keys), np.int64) if vectors.counts is None else vectors.counts
    config, phrases = _phrases_apart(config)
    texts = {
        _VOCABULARY: Vocabulary(keys.tolist(), counts).to_bytes(),
        _PROVENANCE: as_json(vectors.provenance or {}, "provenance"),
        _CARD: card(vectors, config).encode(),
    }
    if phrases is not None:
        texts[_PHRASES] = phrases.encode()
    files = {_VECTORS: _write_arrays(vectors, keys, os.path.join(folder, _VECTORS))}
    files |= {name: write_text(text, os.path.join(folder, name)) for name, text in texts.items()}
    described = {"format": "firth", "format_version": VERSION, **config, "files": files}
    if (index := vectors.index) is not None:
        files[_INDEX] = write_text(index_file.graph_of(vectors), os.path.join(folder, _INDEX))
        described["index"] = index.described()
    if (parts := vectors.subwords) is not None:
        cutting = {name: getattr(parts, name) for name in _CUTTING}
        described |= {"format_version": _WITH_SUBWORDS, "subwords": cutting}
    write_text(seal(as_json(described, "config")), os.path.join(folder, _CONFIG))


def _phrases_apart(config: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The config with the name of a file in place of the text of its phrases; and that text, None where it has none."""
    text = config.get("text")
    if not isinstance(text, dict) or not isinstance(phrases := text.get("phrases"), str):
        return config, None
    return {**config, "text": {**text, "phrases": _PHRASES}}, phrases


def _write_arrays(vectors: Vectors, keys: Keys, path: Place) -> Record:
    """Write vectors.safetensors. What is read at load comes first, so that few of its checksums cover it."""
    arrays: dict[str, NDArray[Any] | None] = {
        "keys": keys.blob,
        "offsets": keys.offsets,
        "counts": vectors.counts,
        **quantised.arrays(vectors.stored),
        "output": vectors.output,
        "nodes": vectors.nodes,
    }
    if (parts := vectors.subwords) is not None:
        arrays |= {"ngrams": parts.table, "own": parts.own, "places": parts.places}
    present = {name: array for name, array in arrays.items() if array is not None}
    metadata = {"format": "firth", "format_version": str(VERSION)}
    with NewFile(path) as file:
        safetensors.write(file, present, aligned="vectors", metadata=metadata)
    return file.record


def write_text(text: bytes, path: Place) -> Record:
    """Write a file, synced; its size and checksums."""
    with NewFile(path) as file:
        file.write(text)
    return file.record


def check_replaceable(target: Place) -> None:
    """Raise FormatError where `target` holds anything that is not a firth model, or more than one."""
    if not os.path.lexists(target):
        return
    if not os.path.isdir(target):
        raise FormatError(f"{target} is a file, not a firth model; it is not overwritten. Save elsewhere.")
    there = set(os.listdir(target)) - LITTER
    if not there:
        return
    try:
        header, _ = _parted(read_small(os.path.join(target, _CONFIG)))
    except (OSError, FirthError, ValueError):
        header = None
    if header is None or header.format != "firth":
        raise FormatError(f"{target} holds something that is not a firth model; it is not overwritten. Save elsewhere.")
    if strangers := sorted(there - header.files.keys() - {_CONFIG}):
        raise FormatError(
            f"{target} holds a firth model and also {', '.join(strangers[:3])}, which would be lost. "
            "Move that away, or save elsewhere."
        )


def seal(text: bytes) -> bytes:
    """A JSON object with its own CRC32 as its last entry, so that no bit of config.json can change unnoticed."""
    body = text.rstrip().removesuffix(b"}").rstrip()
    return body + _seal_of(body)


def as_json(value: Any, what: str) -> bytes:
    """A value as JSON for people; `what` is for the error. Raises ConfigError for a value that JSON cannot hold."""
    import msgspec  # not where a model is opened

    try:
        return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"{what} holds a value that JSON cannot ({error}). Use numbers, text, lists, dicts."
        ) from error


def nested(ours: dict[str, Any]) -> dict[str, Any]:
    """config.json where its top is another tool's: all of firth's names under one."""
    return {_NESTED: ours}


def _seal_of(body: bytes) -> bytes:
    return b',\n  "checksum": "%08x"\n}\n' % zlib.crc32(body)


# ---------------------------------------------------------------- reading


def read(folder: Place, *, verify: Verify = "headers") -> Vectors:
    """Open a model; the vectors are mapped and come from the disk when they are used.

    verify  "headers": config.json, provenance.json and the keys are checked whole, the vectors' size and place;
            "full": every byte of every file is read and checked

    Raises CorruptFileError, with the byte, for damage; FormatError for a newer version, a link or a name outside the
    folder.
    """
    header, config = read_config(folder)
    config = _with_phrases(config, folder, header)
    path = os.path.join(folder, _VECTORS)
    data = mapped_file(folder, _VECTORS, header)
    tensors = safetensors.read_header(path, data)
    _shape(path, tensors)
    # Keys, offsets and counts are read now, so now their blocks are checked; they lie before the vectors.
    read_now = max(tensors[name].end for name in ("keys", "offsets", "counts") if name in tensors)
    check_blocks(path, data, header.files[_VECTORS], None if verify == "full" else read_now)
    if verify == "full":
        for name in header.files.keys() - {_VECTORS}:
            check_blocks(os.path.join(folder, name), mapped_file(folder, name, header), header.files[name])
    keys = _keys(path, tensors, data)
    arrays = {name: tensor.of(data) for name, tensor in tensors.items() if name not in {"keys", "offsets"}}
    provenance = read_provenance(folder, header)
    try:
        vectors = Vectors(
            keys,
            quantised.table(tensors, data),
            output=arrays.get("output"),
            nodes=arrays.get("nodes"),
            counts=arrays.get("counts"),
            subwords=_subwords(path, header, arrays),
            config=config or None,
            provenance=provenance or None,
        )
    except InputError as error:
        raise CorruptFileError(f"{path}: {error} Copy the model again.") from error
    vectors.index = _index(folder, header)
    return vectors


def _index(folder: Place, header: Header) -> "Index | None":
    """The graph, still in its file. Raises CorruptFileError where that is missing."""
    if header.graph is None:
        return None
    path = os.path.join(folder, _INDEX)
    if _INDEX not in header.files:
        raise CorruptFileError(f"{folder} speaks of an index and lists no {_INDEX}. Copy the model again.")
    data = mapped_file(folder, _INDEX, header)
    return index_file.read(path, header.graph, data, lambda: check_blocks(path, data, header.files[_INDEX]))


def _subwords(path: Place, header: Header, arrays: dict[str, NDArray[Any]]) -> "Subwords | None":
    """The rows of n-grams. Raises CorruptFileError where config.json speaks of them and they are not there."""
    if header.subwords is None:
        return None
    if "ngrams" not in arrays:
        raise CorruptFileError(f"{path} holds no array 'ngrams'. Copy the model again from where it came.")
    from firth.vectors.subwords import Subwords

    return Subwords(arrays["ngrams"], own=arrays.get("own"), places=arrays.get("places"), **header.subwords)


def describe(folder: Place) -> dict[str, Any]:
    """What a model is, from its headers alone."""
    header, config = read_config(folder)
    data = mapped_file(folder, _VECTORS, header)
    tensors = safetensors.read_header(os.path.join(folder, _VECTORS), data)
    rows, dim = _shape(os.path.join(folder, _VECTORS), tensors)
    return {
        "format_version": header.format_version,
        "rows": rows,
        "dim": dim,
        **quantised.described(tensors),
        "counts": "counts" in tensors,
        "output": "output" in tensors,
        "files": {
            name: os.path.getsize(os.path.join(folder, name))
            for name in (_CONFIG, *header.files)
            if os.path.exists(os.path.join(folder, name))
        },
        "index": header.graph,
        "config": config,
        "provenance": read_provenance(folder, header),
    }


def read_config(folder: Place, arrays: str = _VECTORS) -> tuple[Header, dict[str, Any]]:
    """What firth needs, and what the model says of itself; the file `arrays` must be listed. Raises FormatError."""
    path = os.path.join(folder, _CONFIG)
    text = read_small(path)
    body = text[: -len(_seal_of(b""))]
    if text != body + _seal_of(body):
        raise CorruptFileError(
            f"{path} was cut short or altered: its {len(text):,} bytes do not end with their checksum. "
            "Copy the model again from where it came."
        )
    try:
        header, config = _parted(text)
    except ValueError as error:
        raise CorruptFileError(f"{path} cannot be read: {error}. Copy the model again from where it came.") from error
    if header.format != "firth":
        raise FormatError(f"{path} says format {header.format!r}, not 'firth'.")
    if header.format_version not in (VERSION, _WITH_SUBWORDS):
        raise FormatError(
            f"{path} is of version {header.format_version}, and this firth reads versions {VERSION} and "
            f"{_WITH_SUBWORDS}. Upgrade firth."
        )
    for name in header.files:
        if name != os.path.basename(name) or name in {"", ".", "..", _CONFIG} or "\\" in name or "\0" in name:
            raise FormatError(f"{path} lists {name!r}, which is no plain name of a file in the folder. Not opened.")
    if arrays not in header.files:
        raise CorruptFileError(f"{path} lists no {arrays}. Copy the model again from where it came.")
    return header, config


def _parted(text: bytes) -> tuple[Header, dict[str, Any]]:
    """config.json as firth's own part and the model's. Raises ValueError for what is neither."""
    outer = parse(text)
    found, theirs = outer, {}
    if isinstance(outer, dict) and isinstance(outer.get(_NESTED), dict):
        found = outer[_NESTED]
        theirs = {"huggingface": {name: outer[name] for name in outer if name not in (_NESTED, "checksum")}}
    match found:
        case {"format": str(name), "format_version": version, "files": dict(files)} if is_whole(version):
            records = {file: recorded(record) for file, record in files.items()}
            graph = index_file.facts(found.get("index"))
            own = {name: found[name] for name in found if name not in _OURS}
            return Header(name, version, records, _cutting(found.get("subwords")), graph), own | theirs
    raise ValueError("it holds no format, format_version and files")


def _cutting(found: Any) -> dict[str, int] | None:
    """How words are cut into n-grams. Raises ValueError for what says that in another way."""
    if found is None:
        return None
    if not isinstance(found, dict) or found.keys() != {*_CUTTING} or not all(map(is_whole, found.values())):
        raise ValueError(f"subwords are {', '.join(_CUTTING)}, whole numbers, not {str(found)[:80]}")
    return found


def read_provenance(folder: Place, header: Header) -> dict[str, Any]:
    """How a model came to be; empty where it does not say."""
    if _PROVENANCE not in header.files:
        return {}
    data = mapped_file(folder, _PROVENANCE, header)
    check_blocks(os.path.join(folder, _PROVENANCE), data, header.files[_PROVENANCE])
    try:
        found = parse(data.tobytes())
    except ValueError as error:
        raise CorruptFileError(f"{os.path.join(folder, _PROVENANCE)} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise CorruptFileError(f"{os.path.join(folder, _PROVENANCE)} cannot be read: it holds no object.")
    return found


def _with_phrases(config: dict[str, Any], folder: Place, header: Header) -> dict[str, Any]:
    """The config as it was before `_phrases_apart`."""
    text = config.get("text")
    if not isinstance(text, dict) or text.get("phrases") is None:
        return config
    if text["phrases"] != _PHRASES or _PHRASES not in header.files:
        raise CorruptFileError(
            f"{os.path.join(folder, _CONFIG)} names the phrases {text['phrases']!r:.60}, which are not in the model. "
            "Copy it again."
        )
    return {**config, "text": {**text, "phrases": read_text(folder, _PHRASES, header)}}


def read_text(folder: Place, name: str, header: Header) -> str:
    """A text file of the folder. Raises CorruptFileError for damage."""
    data = mapped_file(folder, name, header)
    check_blocks(os.path.join(folder, name), data, header.files[name])
    try:
        return data.tobytes().decode()
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            f"{os.path.join(folder, name)} is not UTF-8 at byte {error.start:,}. Copy the model again."
        ) from None


def _shape(path: Place, tensors: dict[str, safetensors.Tensor]) -> tuple[int, int]:
    """(rows, dim) of a model whose arrays are all there and agree."""
    table = tensors.get("vectors")
    if table is None or len(table.shape) != 2 or table.shape[1] < 1:
        found = None if table is None else list(table.shape)
        raise CorruptFileError(f"{path}: 'vectors' must have shape [rows, dim] with dim at least 1, not {found}.")
    rows, dim = quantised.shape(path, tensors)
    parts = quantised.expected(tensors, dim)
    expected: dict[str, tuple[str, tuple[int, ...] | None]] = {
        **parts,
        "output": ("F32", (rows, dim)),
        "nodes": ("F32", (max(1, rows - 1), dim)),
        "counts": ("I64", (rows,)),
        "offsets": ("I64", (rows + 1,)),
        "keys": ("U8", None),
        "own": ("F32", (rows, dim)),
        "ngrams": ("F32", (tensors["ngrams"].shape[0], dim) if "ngrams" in tensors else None),
        "places": ("I32", None),
    }
    for name, (dtype, shape) in expected.items():
        tensor = tensors.get(name)
        if tensor is None:
            if name in {"keys", "offsets", *parts}:
                raise CorruptFileError(f"{path} holds no array {name!r}. Copy the model again from where it came.")
        elif tensor.dtype != dtype or (shape is not None and tensor.shape != shape):
            raise CorruptFileError(
                f"{path} at byte {tensor.begin:,}: {name!r} is {tensor.dtype} {list(tensor.shape)}, "
                f"not {dtype} {list(shape or ())} as {rows:,} rows of {dim:,} need."
            )
    return rows, dim


def _keys(path: Place, tensors: dict[str, safetensors.Tensor], data: NDArray[np.uint8]) -> Keys:
    """The keys, checked: their offsets, their UTF-8, and that none comes twice."""
    begin = tensors["keys"].begin
    try:
        keys = Keys(tensors["keys"].of(data), tensors["offsets"].of(data))
        keys.check()
    except InputError as error:
        raise CorruptFileError(f"{path} from byte {begin:,}: {error} Copy the model again.") from error
    if (twice := first_repeated(keys)) is not None:
        raise CorruptFileError(f"{path} from byte {begin:,}: key {twice:,}, {keys[twice]!r}, is there twice.")
    return keys


def mapped_file(folder: Place, name: str, header: Header) -> NDArray[np.uint8]:
    """A file of the folder as bytes in memory, of the size that config.json says."""
    path = os.path.join(folder, name)
    return mapped(path, lambda size: check_size(path, size, header.files[name]))
