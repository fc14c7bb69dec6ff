"""Files of other tools that lie on purpose: HOSTILE rows 8, 9, 12, 13, 14. Refused before anything is allocated."""

import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import CorruptFileError, EncodingError, FormatError, InputError, MissingInputError
from firth.formats import npy

TABLE = Vectors(["oak", "elm", "ash"], np.arange(6, dtype=np.float32).reshape(3, 2))


def refused(path: Path, error: type[Exception], words: str, **options: Any) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(error, match=words):
            load(path, **options)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


# ---------------------------------------------------------------- npz, npy


def an_npz(path: Path, **arrays: Any) -> Path:
    with path.open("wb") as file:
        np.savez(file, **{"keys": np.array(TABLE.index_to_key), "vectors": TABLE.vectors} | arrays)
    return path


def test_arrays_of_objects(tmp_path: Path) -> None:
    objects = np.array(["oak", "elm", None], object)
    refused(an_npz(tmp_path / "a", keys=objects), FormatError, r"keys\.npy is an array of Python objects")
    refused(an_npz(tmp_path / "b", vectors=objects), FormatError, r"vectors\.npy is an array of Python objects")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 2), }", "is no type and shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (300000000000000000, 2), }", "does not fill"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-3, -2), }", "is no type and shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }", "does not fill"),
        ("{'descr': '<f999999999', 'fortran_order': False, 'shape': (3, 2), }", "unknown type"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2), }", "is no type and shape"),
        ("__import__('os').mkdir('canary')", "is no type and shape"),
    ],
)
def test_headers_of_arrays(tmp_path: Path, header: str, words: str) -> None:
    text = header.encode().ljust(117) + b"\n"
    data = npy.MAGIC + b"\1\0" + struct.pack("<H", len(text)) + text + TABLE.vectors.tobytes()
    with zipfile.ZipFile(an_npz(tmp_path / "old")) as old, zipfile.ZipFile(tmp_path / "model", "w") as new:
        new.writestr("keys.npy", old.read("keys.npy"))
        new.writestr("vectors.npy", data)
    refused(tmp_path / "model", InputError, words)
    assert not Path("canary").exists()


def test_a_zip_bomb(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("vectors.npy", "w") as file:
        file.write(npy.header(np.dtype("<f4"), (1 << 19, 128)))
        for _ in range(256):
            file.write(bytes(1 << 20))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("keys.npy", npy.header(np.dtype("<U1"), (1 << 19,)) + bytes(1 << 21), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    refused(path, FormatError, "would unpack to .*not opened")


def test_an_archive_of_a_hundred_thousand_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model", "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.npy", b"")
    refused(tmp_path / "model", FormatError, "an archive of very many files")


def test_other_archives(tmp_path: Path) -> None:
    refused(an_npz(tmp_path / "a", vectors=np.ones(3)), FormatError, "are no table")
    refused(an_npz(tmp_path / "b", keys=np.array(["oak", "elm"])), FormatError, "are no table")
    refused(an_npz(tmp_path / "c", keys=np.arange(3)), FormatError, "keys must be strings, not int64")
    refused(an_npz(tmp_path / "d", keys=np.array(["oak", "elm", "oak"])), CorruptFileError, "'oak' comes twice")
    refused(an_npz(tmp_path / "e", keys=np.array([b"oak", b"\xff", b"elm"])), CorruptFileError, "a key is no text")
    nan = np.array([[0, 1], [np.nan, 1], [1, 1]])
    refused(an_npz(tmp_path / "f", vectors=nan), CorruptFileError, "'elm'.*NaN or Inf")
    wrong = np.array([0x110000, 1, 2], "<u4").view("<U1")
    refused(an_npz(tmp_path / "g", keys=wrong), CorruptFileError, "a key is no text")
    surrogate = np.array([0xD800, 1, 2], "<u4").view("<U1")
    refused(an_npz(tmp_path / "h", keys=surrogate), EncodingError, "lone surrogate")


# ---------------------------------------------------------------- Parquet, Arrow


def test_a_parquet_bomb(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows, dim = 1_500_000, 32
    flat = pa.DictionaryArray.from_arrays(pa.array(np.zeros(dim, np.int8)), pa.array([1.5], pa.float32()))
    one = pa.FixedSizeListArray.from_arrays(flat.dictionary_decode(), dim)
    schema = pa.schema([("key", pa.string()), ("vector", one.type)])
    with parquet.ParquetWriter(tmp_path / "model", schema, use_dictionary=True) as writer:
        for _ in range(rows // 50_000):
            columns = [
                pa.array(["a"] * 50_000),
                pa.FixedSizeListArray.from_arrays(pa.array(np.full(50_000 * dim, 1.5, "f4")), dim),
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    assert (tmp_path / "model").stat().st_size < 1 << 20
    refused(tmp_path / "model", FormatError, "would unpack to 192,000,000")


def test_a_long_key_again_and_again(tmp_path: Path) -> None:
    """A dictionary of one string of 1 MB, and 100,000 rows that point to it: 100 GB."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    keys = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), pa.array(["x" * (1 << 20)]))
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(100_000, "f4")), 1)
    parquet.write_table(pa.table({"key": keys, "vector": vectors}), tmp_path / "model")
    refused(tmp_path / "model", CorruptFileError, "a key of the column 'key' is there twice")


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_an_arrow_bomb(tmp_path: Path, compression: str) -> None:
    pa, feather = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.feather")
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(1 << 26, "f4")), 1 << 10)
    table = pa.table({"key": pa.array([str(row) for row in range(1 << 16)]), "vector": vectors})
    feather.write_feather(table, tmp_path / "model", compression=compression)
    assert (tmp_path / "model").stat().st_size < 4 << 20
    refused(tmp_path / "model", FormatError, "would unpack to 26")


def test_a_key_twice_in_a_plain_column(tmp_path: Path) -> None:
    feather, pa = pytest.importorskip("pyarrow.feather"), pytest.importorskip("pyarrow")
    feather.write_feather(pa.table({"key": ["a", "b", "a"], "vector": [[1.0], [2.0], [3.0]]}), tmp_path / "model")
    refused(tmp_path / "model", CorruptFileError, "'a' comes twice")


def test_tables_that_are_none(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "model"

    def table(**columns: Any) -> None:
        parquet.write_table(pa.table(columns), path)

    table(key=["a", "b"], vector=[[1.0, 2.0], [1.0]])
    refused(path, CorruptFileError, "lists of 'vector' are not all of 2 numbers")
    table(key=["a", "b", "c"], vector=[[1.0, 2.0], [1.0], [1.0, 2.0, 3.0]])
    refused(path, CorruptFileError, "lists of 'vector' are not all of 2 numbers")
    table(key=["a", None], vector=[[1.0], [1.0]])
    refused(path, CorruptFileError, "a row has no 'key'")
    table(key=["a", "b"], vector=[[1.0], None])
    refused(path, CorruptFileError, "a row has no 'vector'")
    table(key=["a", "b"], vector=[[1.0], [None]])
    refused(path, CorruptFileError, "not all of 1 numbers")
    table(key=["a", "b"], vector=[[1.0], [float("nan")]])
    refused(path, CorruptFileError, "'b'.*NaN or Inf")
    table(name=[1, 2], value=[3, 4])
    refused(path, FormatError, r"name \(int64\), value \(int64\)\. Say which")


# ---------------------------------------------------------------- finalfusion


def a_fifu(*chunks: tuple[int, bytes], kinds: list[int] | None = None, version: int = 0) -> bytes:
    kinds = [kind for kind, _ in chunks] if kinds is None else kinds
    head = b"FiFu" + struct.pack(f"<II{len(kinds)}I", version, len(kinds), *kinds)
    return head + b"".join(struct.pack("<IQ", kind, len(content)) + content for kind, content in chunks)


def words(*keys: bytes, count: int | None = None) -> tuple[int, bytes]:
    listed = b"".join(struct.pack("<I", len(key)) + key for key in keys)
    return 1, struct.pack("<Q", len(keys) if count is None else count) + listed


def dense(rows: int, dim: int, kind: int = 10, size: int = 64) -> tuple[int, bytes]:
    return 2, struct.pack("<QII", rows, dim, kind) + bytes(size)


LIES: dict[str, tuple[bytes, type[Exception], str]] = {
    "2^63 words": (a_fifu(words(b"oak", count=1 << 63), dense(1, 1)), CorruptFileError, "words do not fit"),
    "a word too many": (a_fifu(words(b"oak", count=2), dense(2, 1)), CorruptFileError, "2 words"),
    "a word too few": (a_fifu(words(b"oak", b"elm", count=1), dense(1, 1)), CorruptFileError, "1 words end at byte"),
    "a word twice": (a_fifu(words(b"oak", b"oak"), dense(2, 1)), CorruptFileError, "a word is there twice"),
    "no UTF-8": (a_fifu(words(b"oak", b"\xff"), dense(2, 1)), EncodingError, "not UTF-8"),
    "2^63 rows": (a_fifu(words(b"oak"), dense(1 << 63, 1)), CorruptFileError, "vectors for 1 words"),
    "rows beyond the chunk": (a_fifu(words(b"a", b"b"), dense(2, 1000)), CorruptFileError, "does not fit its chunk"),
    "dim 0": (a_fifu(words(b"oak"), dense(1, 0)), CorruptFileError, "vectors of 0 numbers"),
    "dim 2^32 - 1": (a_fifu(words(b"oak"), dense(1, (1 << 32) - 1)), CorruptFileError, "vectors of 4,294,967,295"),
    "bytes for floats": (a_fifu(words(b"oak"), dense(1, 1, kind=1)), CorruptFileError, "numbers of type 1, not 10"),
    "version 1": (a_fifu(words(b"oak"), dense(1, 1), version=1), FormatError, "version 1"),
    "2^32 chunks": (b"FiFu" + struct.pack("<II", 0, (1 << 32) - 1), CorruptFileError, "4,294,967,295 chunks"),
    "no chunks": (b"FiFu" + struct.pack("<II", 0, 0), CorruptFileError, "0 chunks"),
    "an unknown chunk": (a_fifu((77, b"abc")), CorruptFileError, "a chunk of kind 77"),
    "no vocabulary": (a_fifu(dense(1, 1)), FormatError, "without a vocabulary"),
    "no table": (a_fifu(words(b"oak")), FormatError, "without a table"),
    "two tables": (a_fifu(words(b"oak"), dense(1, 1), dense(1, 1)), CorruptFileError, "cannot be there"),
    "a chunk promised": (a_fifu(words(b"oak"), dense(1, 1), kinds=[1, 2, 5]), CorruptFileError, "cut short"),
    "metadata that is none": (a_fifu(words(b"oak"), dense(1, 1), (5, b"= = =")), CorruptFileError, "metadata"),
    "codes beyond": (
        a_fifu(words(b"a"), (4, struct.pack("<IIIIIQII", 0, 0, 1, 1, 1, 1, 1, 10) + bytes(4 + 4) + b"\x01")),
        CorruptFileError,
        "number|code|end",
    ),
    "a bomb of codes": (
        a_fifu((1, struct.pack("<Q", 200) + b"".join(struct.pack("<I3s", 3, b"%03d" % row) for row in range(200))),
               (4, struct.pack("<IIIIIQII", 0, 0, 1, 1 << 18, 1, 200, 1, 10) + bytes(4 + (4 << 18) + 200))),
        FormatError,
        "would unpack to",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_finalfusion(tmp_path: Path, lie: str) -> None:
    content, error, says = LIES[lie]
    (tmp_path / "model").write_bytes(content)
    refused(tmp_path / "model", error, says)


# ---------------------------------------------------------------- gensim's pickles


KEYED = b"\x80\x04\x8c\x1agensim.models.keyedvectors\x8c\x0cKeyedVectors\x93"
DANGERS: dict[str, tuple[bytes, str]] = {
    "os.system": (KEYED + b"0cos\nsystem\n\x8c\x02ls\x85R.", r"names os\.system"),
    "eval": (KEYED + b"0\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", r"names builtins\.eval"),
    "getattr by a dotted name": (KEYED + b"0\x8c\x05numpy\x8c\x10ndarray.__init__\x93)R.", "names numpy.ndarray"),
    "a class of gensim that loads": (KEYED + b"0cgensim.utils\nunpickle\n.", r"names gensim\.utils\.unpickle"),
    "persistent ids": (KEYED + b"Q.", "the instruction BINPERSID"),
    "extensions": (KEYED + b"\x82\x01.", "the instruction EXT1"),
    "INST": (KEYED + b"(ios\nsystem\n.", "the instruction INST"),
    "OBJ": (KEYED + b"(o.", "the instruction OBJ"),
    "buffers from elsewhere": (KEYED + b"\x97.", "the instruction NEXT_BUFFER"),
    "a class and nothing of it": (KEYED + b".", "something else than a model"),
    "a million million keys": (KEYED + b")\x81}\x8c\x03abc\x8d" + b"\xff" * 7 + b"\x7f.", "damaged at byte"),
    "bytes beyond the file": (KEYED + b")\x81\x8e" + b"\xff" * 7 + b"\x7f.", "damaged at byte"),
    "negative bytes": (KEYED + b")\x81B\xff\xff\xff\xff.", "damaged at byte"),
    "an empty stack": (KEYED + b"000.", "damaged at byte"),
    "a mark that was never set": (KEYED + b"t.", "damaged at byte"),
    "a memo that was never written": (KEYED + b"h\x07.", "damaged at byte"),
    "a key that is a list": (KEYED + b")\x81}](]K\x01u.", "damaged at byte"),
    "an end that never comes": (KEYED + b")\x81", "damaged at byte"),
    "a state for a name": (KEYED + b"}b.", "damaged at byte"),
}  # fmt: skip


@pytest.mark.parametrize("danger", DANGERS)
def test_pickles_that_would_run_or_break(tmp_path: Path, danger: str) -> None:
    content, says = DANGERS[danger]
    (tmp_path / "model").write_bytes(content)
    refused(tmp_path / "model", InputError, says)


def test_a_pickle_that_hides_behind_a_class_of_gensim(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim")
    canary = tmp_path / "canary"

    class Canary:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(canary),)

    model = gensim.models.KeyedVectors(2)
    model.add_vectors(["oak"], np.ones((1, 2), np.float32))
    model.mapfile_path = Canary()
    (tmp_path / "model").write_bytes(pickle.dumps(model))
    refused(tmp_path / "model", FormatError, r"names posix\.mkdir, which no vectors")
    assert not canary.exists()


BOMBS = {
    "nothings": b"N",
    "lists": b"]",
    "marks": b"(",
    "dicts in dicts": b"}\x94",
    "tuples": b"\x85",
    "copies": b"\x94",
    "numbers": b"K\x00",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_pickles_that_grow(tmp_path: Path, bomb: str) -> None:
    """Some bytes of a file become some hundreds in memory: refused when far more come than a model has."""
    (tmp_path / "model").write_bytes(KEYED + b")" + BOMBS[bomb] * (500_000 // len(BOMBS[bomb])) + b".")
    tracemalloc.start()
    with pytest.raises(InputError):
        load(tmp_path / "model")
    assert tracemalloc.get_traced_memory()[1] < 48 << 20
    tracemalloc.stop()


def array_of(shape: tuple[int, ...], content: bytes, kind: str = "f4") -> bytes:
    """A KeyedVectors of one key whose array claims a shape."""
    sizes = b"".join(b"\x8a\x09" + size.to_bytes(9, "little", signed=True) for size in shape)
    dtype = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c" + bytes([len(kind)]) + kind.encode() + b"\x89\x88\x87R"
    array = b"\x8c\x05numpy\x8c\x07ndarray\x93K\0\x85\x85\x81(K\x01(" + sizes + b"t" + dtype + b"\x89"
    array += b"\x8e" + struct.pack("<Q", len(content)) + content + b"tb"
    return KEYED + b")\x81}(\x8c\x0cindex_to_key](\x8c\x03oake\x8c\x07vectors" + array + b"ub."


@pytest.mark.parametrize(
    ("shape", "content", "kind", "says"),
    [
        ((1 << 46, 2), b"12345678", "f4", "an array of float32"),
        ((1 << 62, 2), b"12345678", "f4", "an array of no shape"),
        ((-1, 2), b"12345678", "f4", "an array of no shape"),
        ((1, 3), b"12345678", "f4", "with 8 bytes of content"),
        ((1,) * 9, b"1234", "f4", "an array of float32"),
        ((1, 2), b"12345678", "O8", "something else than numbers"),
        ((1, 2), b"\0\0\xc0\x7f1234", "f4", "NaN or Inf"),
        ((0, 2), b"", "f4", r"1 keys, and vectors of shape \(0, 2\)"),
    ],
)
def test_arrays_in_pickles(tmp_path: Path, shape: tuple[int, ...], content: bytes, kind: str, says: str) -> None:
    (tmp_path / "model").write_bytes(array_of(shape, content, kind))
    with pytest.raises(InputError, match=says):
        load(tmp_path / "model")["oak"]
    good = array_of((1, 2), b"\0\0\x80?\0\0\0@")
    (tmp_path / "model").write_bytes(good.replace(b"\x8c\x03oak", b"\x8c\x03oak\x8c\x03oak"))
    with pytest.raises(InputError):
        load(tmp_path / "model")
    (tmp_path / "model").write_bytes(good)
    assert load(tmp_path / "model")["oak"].tolist() == [1, 2]


def test_the_files_beside_a_model_of_gensim(tmp_path: Path) -> None:
    gensim = pytest.importorskip("gensim")
    model = gensim.models.KeyedVectors(2)
    model.add_vectors(["oak", "elm"], np.ones((2, 2), np.float32))
    path, beside = tmp_path / "model", tmp_path / "model.vectors.npy"

    def saved() -> None:
        model.save(str(path), sep_limit=1)

    saved()
    beside.rename(tmp_path / "elsewhere")
    with pytest.raises(MissingInputError, match=r"model\.vectors\.npy is missing"):
        load(path)
    beside.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FormatError, match="symbolic link"):
        load(path)
    beside.unlink()
    for content in (
        b"",
        beside_of(np.ones((2, 2)))[:-1],
        beside_of(np.ones((2, 2))) + b"\0",
        beside_of(np.ones((1, 2))),
    ):
        beside.write_bytes(content)
        with pytest.raises(CorruptFileError):
            load(path)
    np.save(beside.open("wb"), np.array([[None]], object), allow_pickle=True)
    with pytest.raises(FormatError, match="an array of Python objects"):
        load(path)


def beside_of(array: np.ndarray[Any, Any]) -> bytes:
    return npy.header(array.dtype, array.shape) + array.tobytes()


# ---------------------------------------------------------------- folders


def changed(path: Path, change: Callable[[Any], Any]) -> None:
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


@pytest.mark.parametrize("name", ["../elsewhere", "/etc", "..", "a/b", "a\\b", "a\0b"])
def test_a_module_outside_the_folder(tmp_path: Path, name: str) -> None:
    TABLE.save(tmp_path / "model", "sentence-transformers")
    TABLE.save(tmp_path / "elsewhere", "model2vec")
    changed(tmp_path / "model/modules.json", lambda modules: [modules[0] | {"path": name}])
    with pytest.raises(FormatError, match="no plain name inside the model"):
        load(tmp_path / "model", format="sentence-transformers")


def test_a_folder_by_a_link(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "model", "sentence-transformers")
    (tmp_path / "model/0_StaticEmbedding").rename(tmp_path / "elsewhere")
    (tmp_path / "model/0_StaticEmbedding").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FormatError, match="symbolic link"):
        load(tmp_path / "model", format="sentence-transformers")


def test_a_transformer_is_no_static_embedding(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "model", "sentence-transformers")
    kind = "sentence_transformers.models.Transformer"
    changed(tmp_path / "model/modules.json", lambda modules: [modules[0] | {"type": kind}])
    with pytest.raises(FormatError, match=r"first module is a sentence_transformers\.models\.Transformer"):
        load(tmp_path / "model", format="sentence-transformers")
    with pytest.raises(FormatError, match="is not a model"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("vocabulary", "says"),
    [
        ({"oak": 0, "elm": 1}, "2 tokens for 4 vectors"),
        ({"oak": 0, "elm": 1, "ash": 2, "x": 4}, "not numbered one after the other"),
        ({"oak": 0, "elm": 1, "ash": 2, "x": 2}, "token 'x' has the number 2"),
        ({"oak": 0, "elm": -1, "ash": 2, "x": 3}, "not numbered"),
        ({"oak": 0, "elm": 1.5, "ash": 2, "x": 3}, r"token 'elm' has the number 1\.5"),
        ({"oak": 0, "elm": 2**70, "ash": 2, "x": 3}, "token 'elm'"),
        ([["oak", 0], ["elm", 0], ["ash", 0]], "3 tokens for 4 vectors"),
        ([["oak", 0], 7, ["ash", 0], ["x", 0]], "not numbered"),
        ("oak", "holds no model with a vocab"),
    ],
)
def test_tokenizers(tmp_path: Path, vocabulary: Any, says: str) -> None:
    TABLE.save(tmp_path / "model", "model2vec")
    changed(tmp_path / "model/tokenizer.json", lambda whole: whole | {"model": whole["model"] | {"vocab": vocabulary}})
    refused(tmp_path / "model", CorruptFileError, says)


def test_rows_of_spacy(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "model", "spacy")
    rows = msgspec.msgpack.decode((tmp_path / "model/key2row").read_bytes())
    for wrong in (dict.fromkeys(rows, 3), dict.fromkeys(rows, -1), dict.fromkeys(rows, "a"), [1, 2], {1.5: 0}):
        (tmp_path / "model/key2row").write_bytes(msgspec.msgpack.encode(wrong))
        refused(tmp_path / "model", CorruptFileError, "key2row")
    (tmp_path / "model/key2row").write_bytes(b"\x81" * 100_000)
    refused(tmp_path / "model", CorruptFileError, "key2row")
    (tmp_path / "model/key2row").write_bytes(msgspec.msgpack.encode(rows | {12345678901: 0}))
    refused(tmp_path / "model", CorruptFileError, "lacks the words of 1 vectors")


def test_pairs_of_the_projector(tmp_path: Path) -> None:
    TABLE.save(tmp_path / "model", "projector")
    vectors, labels = tmp_path / "model/vectors.tsv", tmp_path / "model/metadata.tsv"
    for content, says in (
        (b"0\t1\n2\t3\n", "line 2: the last row, and .* has labels for 3"),
        (b"0\t1\n2\t3\n4\t5\n6\t7\n", "line 4: a row beyond the 3 labels"),
        (b"0\t1\n2\n4\t5\n", "line 2: 1 numbers, not 2"),
        (b"0\t1\n2\tx\n4\t5\n", "line 2: not a finite number: 'x'"),
        (b"0\t1\n\n4\t5\n", "line 2: 1 numbers, not 2"),
        (b"oak\t1\n", "does not begin with numbers"),
    ):
        vectors.write_bytes(content)
        refused(tmp_path / "model", InputError, says)
    vectors.write_bytes(b"0\t1\r\n2\t3\r\n4\t5\r\n")
    labels.write_bytes(b"word\tcount\r\noak\t5\r\nelm\t4\r\nash\t3\r\n")
    found = load(tmp_path / "model")
    assert (found.index_to_key, found["ash"].tolist()) == (["oak", "elm", "ash"], [4, 5])
    assert found.get_vecattr("elm", "count") == 4
    labels.write_bytes(b"word\tcount\noak\t5\nelm\tx\nash\t3\n")
    refused(tmp_path / "model", CorruptFileError, "a count is no whole number")
    labels.write_bytes(b"oak\noak\nash\n")
    refused(tmp_path / "model", CorruptFileError, "'oak' is there twice")
