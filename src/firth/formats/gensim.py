"""gensim's own files: pickled KeyedVectors, and the word vectors of pickled Word2Vec, FastText and Doc2Vec models.

The pickle is never opened as one: `pickled.read` takes it apart, and here the names of attributes and of numpy's array
are looked for in what it found. Large arrays lie beside the model, in NAME.vectors.npy or NAME.wv.vectors.npy, and are
mapped. Written is a KeyedVectors of gensim 4, in the few opcodes that it takes. https://radimrehurek.com/gensim
"""

import math
import os
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, EncodingError, FormatError, InputError
from firth.formats import npy, pickled
from firth.formats.checksums import NewFile
from firth.formats.pickled import Name, Thing
from firth.formats.plain_files import mapped
from firth.formats.signatures import Place
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords
from firth.vectors.table import Vectors

_ARRAY_NAMES = {
    *(Name(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *(Name(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    *(Name("numpy", name) for name in ("ndarray", "dtype")),
    Name("_codecs", "encode"),
}
# Named in a model, and of no use to its vectors: options, random numbers, defaults of dictionaries.
_PASSED_OVER = {
    *(
        Name(module, name)
        for module in ("builtins", "__builtin__")
        for name in ("hash", "int", "long", "object", "set", "frozenset")
    ),
    *(Name(module, "_reconstructor") for module in ("copyreg", "copy_reg")),
    *(Name("collections", name) for name in ("defaultdict", "OrderedDict")),
    *(
        Name("numpy.random._pickle", name)
        for name in ("__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor")
    ),
    *(Name(module, "__RandomState_ctor") for module in ("numpy.random", "mtrand", "numpy.random.mtrand")),
    *(Name("numpy.random._mt19937", "MT19937"), Name("gensim.utils", "call_on_class_only")),
}
_MODELS = {
    "keyedvectors": (
        *("KeyedVectors", "Word2VecKeyedVectors", "EuclideanKeyedVectors", "WordEmbeddingsKeyedVectors", "Vocab"),
        *("FastTextKeyedVectors", "Doc2VecKeyedVectors", "BaseKeyedVectors", "CompatVocab", "KeyedVectorsBase"),
    ),
    "word2vec": ("Word2Vec", "Word2VecVocab", "Word2VecTrainables", "Vocab"),
    "fasttext": ("FastText", "FastTextVocab", "FastTextTrainables", "FastTextKeyedVectors"),
    "doc2vec": ("Doc2Vec", "Doc2VecVocab", "Doc2VecTrainables", "DocvecsArray", "Doctag"),
}
_KNOWN = (
    _ARRAY_NAMES
    | _PASSED_OVER
    | {Name(f"gensim.models.{module}", name) for module, names in _MODELS.items() for name in names}
)
_VECTORS, _KEYS = ("vectors", "syn0"), ("index_to_key", "index2word", "index2entity")
_LONGEST_NGRAM = 1 << 10  # characters
_MOST_BUCKETS = 1 << 24  # gensim's own number is 2 million
_HEAD = 256  # bytes within which a model's class is named
_PIECE = 1 << 24


def recognise(head: bytes) -> bool:
    """Whether a file begins as a pickle of one of gensim's classes."""
    return head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5") and b"gensim." in head[:_HEAD]


def read(path: Place) -> Vectors:
    """Read the word vectors of a saved model, with their counts; the output vectors, too, where it has some.

    Raises FormatError for a pickle that holds anything but vectors, MissingInputError where a file beside it is
    missing, CorruptFileError, with the byte, for damage.
    """
    root = _root(path)
    owner, beside = _owner(path, root)
    keys = Keys.of(_keys(path, owner))
    vectors = _attribute(path, owner, beside, *_VECTORS)
    subwords = _subwords(path, owner, beside, len(keys))
    if vectors is None and subwords is not None:
        vectors = subwords.stored(keys)  # FastText saves what they are made of
    if vectors is None or vectors.ndim != 2 or len(vectors) < len(keys):
        shape = None if vectors is None else vectors.shape
        raise CorruptFileError(f"{path}: {len(keys):,} keys, and vectors of shape {shape}. Save it from gensim again.")
    vectors = vectors[: len(keys)]
    output = _output(path, root)
    if output is not None and output.shape != vectors.shape:
        output = None  # of hierarchical softmax, or of a model whose vocabulary grew
    names = keys.tolist()
    counts = _counts(path, owner, names)
    try:
        return Vectors(names, vectors, output=output, counts=counts, subwords=subwords)
    except EncodingError:
        raise
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def describe(path: Place) -> dict[str, Any]:
    """The class, rows, dim, and the file's size. A pickle has no header: it is taken apart for this."""
    root = _root(path)
    owner, beside = _owner(path, root)
    vectors = _attribute(path, owner, beside, *_VECTORS, "vectors_vocab")
    shape = (0, 0) if vectors is None else vectors.shape
    rows = len(_keys(path, owner))
    return {"rows": rows, "dim": shape[-1], "class": str(root.kind), "bytes": os.path.getsize(path)}


def _root(path: Place) -> Thing:
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if not recognise(head):
        raise FormatError(f"{path} is no file that gensim saved: it begins with no class of gensim's.")
    root = pickled.read(path, _KNOWN)
    if not isinstance(root, Thing) or not root.kind.module.startswith("gensim."):
        raise FormatError(f"{path} is a pickle of something else than a model of gensim's. Not opened.")
    return root


def _owner(path: Place, root: Thing) -> tuple[Thing, str]:
    """What holds the keys and the vectors, and how the files of its large arrays begin."""
    inner = root.get("wv")
    return (inner, f"{os.fspath(path)}.wv") if isinstance(inner, Thing) else (root, os.fspath(path))


# ---------------------------------------------------------------- keys and counts


def _keys(path: Place, owner: Thing) -> list[str]:
    found = owner.get(*_KEYS)
    if not isinstance(found, list):
        places = owner.get("key_to_index") or {key: _place(each) for key, each in _vocabulary(owner).items()}
        if not isinstance(places, dict) or not all(isinstance(place, int) for place in places.values()):
            raise FormatError(f"{path} is a model of gensim's without keys. firth opens its word vectors.")
        found = sorted(places, key=places.__getitem__)
    return [_text(path, key) for key in found]


def _text(path: Place, key: Any) -> str:
    """A key as text: gensim takes numbers, too, and Python 2 had bytes."""
    try:
        if isinstance(key, bytes):
            return key.decode()
    except UnicodeDecodeError:
        raise EncodingError(f"{path}: the key {key[:80]!r} is not UTF-8.") from None
    if isinstance(key, str | int):
        return str(key)
    raise CorruptFileError(f"{path}: a key is neither text nor a number.")


def _vocabulary(owner: Thing) -> dict[Any, Any]:
    found = owner.get("vocab")
    return found if isinstance(found, dict) else {}


def _place(entry: Any) -> Any:
    return entry.get("index") if isinstance(entry, Thing) else None


def _counts(path: Place, owner: Thing, keys: list[str]) -> NDArray[np.int64] | None:
    expandos = owner.get("expandos")
    if isinstance(expandos, dict) and "count" in expandos:
        counts = _array(path, expandos["count"])
        good = counts is not None and counts.shape == (len(keys),) and counts.dtype.kind in "iu"
        return counts.astype(np.int64) if good and counts is not None else None
    vocabulary = _vocabulary(owner)
    found = [entry.get("count") if isinstance(entry := vocabulary.get(key), Thing) else None for key in keys]
    if not found or not all(isinstance(count, int) and 0 <= count < 1 << 63 for count in found):
        return None
    return np.array(found, np.int64)


# ---------------------------------------------------------------- arrays


def _output(path: Place, root: Thing) -> NDArray[Any] | None:
    """The output vectors of negative sampling, of the model itself or of its `trainables` (gensim 3)."""
    trained = root.get("trainables")
    if isinstance(trained, Thing):
        return _attribute(path, trained, f"{os.fspath(path)}.trainables", "syn1neg")
    return _attribute(path, root, os.fspath(path), "syn1neg")


def _subwords(path: Place, owner: Thing, beside: str, rows: int) -> Subwords | None:
    """The n-grams of FastText; None for another model, and where the hash is not fastText's (gensim before 3.8)."""
    own, table = (_attribute(path, owner, beside, name) for name in ("vectors_vocab", "vectors_ngrams"))
    min_n, max_n = owner.get("min_n"), owner.get("max_n")
    if own is None or table is None or owner.get("compatible_hash") is not True:
        return None
    if not isinstance(min_n, int) or not isinstance(max_n, int) or not 0 < min_n <= max_n <= _LONGEST_NGRAM:
        return None
    places = _places(owner, len(table))
    if own.ndim != 2 or table.ndim != 2 or len(own) != rows or (places is None and len(table) != owner.get("bucket")):
        return None
    try:
        return Subwords(table, min_n, max_n, own=own, places=places)
    except InputError as error:
        raise CorruptFileError(f"{path}: {error}") from error


def _places(owner: Thing, rows: int) -> NDArray[np.int32] | None:
    """gensim 3 kept rows for the n-grams that it met alone: i4[buckets], the row of each, or -1. None: it has all."""
    found, buckets = owner.get("hash2index"), owner.get("bucket")
    if not isinstance(found, dict) or not isinstance(buckets, int) or not 0 < buckets <= _MOST_BUCKETS:
        return None
    if not all(isinstance(each, int) for pair in found.items() for each in pair) or len(found) != rows:
        return None
    places = np.full(buckets, -1, np.int32)
    for bucket, row in found.items():
        if not (0 <= bucket < buckets and 0 <= row < rows):
            return None
        places[bucket] = row
    return places


def _attribute(path: Place, owner: Thing, beside: str, *names: str) -> NDArray[Any] | None:
    """An array among the attributes, or in the file beside the model that gensim moved it to."""
    apart = owner.get("__numpys")
    for name in names:
        if isinstance(apart, list) and name in [each for each in apart if isinstance(each, str)]:
            return _beside(f"{beside}.{name}.npy")
        if (found := owner.get(name)) is not None:
            return _array(path, found)
    return None


def _beside(path: str) -> NDArray[Any]:
    data = mapped(path)
    header = npy.read_header(path, data[: npy.LONGEST_HEADER].tobytes())
    if header.start + header.size != len(data):
        raise CorruptFileError(
            f"{path} has {len(data):,} bytes, and its header promises {header.start + header.size:,}. Copy it again."
        )
    return np.require(header.of(data[header.start :]), requirements="A")


def _array(path: Place, found: Any) -> NDArray[Any] | None:
    """numpy's array as a pickle has it: (version, shape, type, Fortran's order?, bytes). None for another thing."""
    if not isinstance(found, Thing) or found.kind not in _ARRAY_NAMES:
        return None
    if found.kind.name == "_frombuffer" and len(found.args) == 4:
        data, kind, shape, order = found.args
        fortran = order == "F"
    elif isinstance(found.state, tuple) and len(found.state) == 5:
        _, shape, kind, fortran, data = found.state
    else:
        raise CorruptFileError(f"{path}: an array that is not as numpy saves one.")
    dtype, data = _dtype(path, kind), _bytes(data)
    if not isinstance(shape, tuple) or not all(type(size) is int and 0 <= size < 1 << 48 for size in shape):
        raise CorruptFileError(f"{path}: an array of no shape.")
    if data is None or len(shape) > 8 or math.prod(shape) * dtype.itemsize != len(data):
        has = "no" if data is None else f"{len(data):,}"
        raise CorruptFileError(f"{path}: an array of {dtype}, shape {shape[:8]}, with {has} bytes of content.")
    header = npy.Header(dtype, shape, bool(fortran), 0)
    return np.require(header.of(data), requirements="A")  # what the file has at an odd byte is copied


def _dtype(path: Place, found: Any) -> np.dtype[Any]:
    """A type of numbers: `numpy.dtype("f4", …)` with a state that says "<" or ">"."""
    if isinstance(found, Thing) and found.kind == Name("numpy", "dtype") and found.args:
        code, state = _plain(found.args[0]), found.state
        order = _plain(state[1]) if isinstance(state, tuple) and len(state) > 1 else "<"
        if code in {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"} and order in {"<", ">", "|", "="}:
            return np.dtype(f"{order}{code}")
    raise FormatError(f"{path} holds an array of something else than numbers. Not opened.")


def _plain(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(found: Any) -> Any:
    """The content of an array; protocol 2 has it as text that is encoded as Latin-1."""
    if isinstance(found, Thing) and found.kind == Name("_codecs", "encode") and found.args:
        text = found.args[0]
        try:
            return text.encode("latin-1") if isinstance(text, str) else None
        except UnicodeEncodeError:
            return None
    return found if isinstance(found, bytes | bytearray | memoryview) else None


# ---------------------------------------------------------------- writing


def write(vectors: Vectors, path: Place) -> None:
    """Write a new file, synced: a KeyedVectors that gensim 4 loads."""
    with NewFile(path) as file:
        place = 0
        for piece in _pickle(vectors):
            data = piece if isinstance(piece, bytes) else piece(place)
            file.write(data)
            place += len(data)


def _pickle(vectors: Vectors) -> Iterator[Any]:
    """The opcodes of protocol 4. A function among them is given the byte it begins at."""
    keys = Keys.of(vectors.index_to_key).tolist()
    yield b"\x80\x04" + _global("gensim.models.keyedvectors", "KeyedVectors") + b")\x81}("
    yield _string("vector_size") + _number(vectors.dim) + _string("next_index") + _number(len(keys))
    yield _string("index_to_key") + b"]("
    for start in range(0, len(keys), 1000):
        yield (
            b"".join(_string(key) + b"\x94" for key in keys[start : start + 1000]) + b"e("
        )  # the memo: key i is number i
    yield b"e" + _string("key_to_index") + b"}("
    for start in range(0, len(keys), 1000):
        rows = range(start, min(len(keys), start + 1000))
        yield b"".join(b"j" + struct.pack("<I", row) + _number(row) for row in rows) + b"u("
    yield b"u" + _string("norms") + b"N" + _string("mapfile_path") + b"N" + _string("vectors")
    yield from _pickled_array(vectors.vectors)
    yield _string("expandos") + b"}"
    if vectors.counts is not None:
        yield _string("count")
        yield from _pickled_array(vectors.counts)
        yield b"s"
    for name in ("__numpys", "__scipys", "__ignoreds", "__recursive_saveloads", "lifecycle_events"):
        yield _string(name) + b"]"
    yield b"ub."


def _pickled_array(array: NDArray[Any]) -> Iterator[Any]:
    """numpy.ndarray.__new__(numpy.ndarray, (0,)), and the state that makes it this array."""
    yield _global("numpy", "ndarray") + b"K\0\x85\x85\x81(K\x01"
    yield b"".join(_number(size) for size in array.shape) + (b"\x86" if array.ndim == 2 else b"\x85")
    yield _global("numpy", "dtype") + _string(array.dtype.str[1:]) + b"\x89\x88\x87R"
    yield b"(K\x03" + _string("<") + b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K\0tb\x89"
    yield _aligned
    yield b"\x8e" + struct.pack("<Q", array.nbytes)
    rows = max(1, _PIECE // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows], array.dtype.newbyteorder("<")).tobytes()
    yield b"tb"


def _aligned(place: int) -> bytes:
    """Values that are dropped again, so that what follows the next nine bytes begins at a multiple of 8: mapped."""
    missing = -(place + 9) % 8
    return b"K\x000" * (missing % 2) + b"N0" * ((missing + 8 - 3 * (missing % 2)) % 8 // 2)


def _global(module: str, name: str) -> bytes:
    return _string(module) + _string(name) + b"\x93"


def _string(text: str) -> bytes:
    data = text.encode()
    return (b"\x8c" + bytes([len(data)]) if len(data) < 256 else b"X" + struct.pack("<I", len(data))) + data


def _number(number: int) -> bytes:
    """A whole number of at least 0."""
    if number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    data = number.to_bytes(9, "little")
    return b"\x8a" + bytes([len(data)]) + data


def needs(vectors: Vectors) -> int:
    """The bytes of `write`, near enough."""
    keys = Keys.of(vectors.index_to_key)
    counts = 0 if vectors.counts is None else vectors.counts.nbytes
    return vectors.vectors.nbytes + counts + len(keys.blob) + 14 * len(keys) + 1024
