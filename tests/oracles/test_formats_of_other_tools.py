"""Other libraries open what firth writes and give the same numbers, and firth opens what they write."""

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import CorruptFileError, EncodingError, FormatError
from firth.vectors.keys import Keys

KEYS = ["the", "北京", "na\u00efve", "a\u00a0b", "🙂", '"quoted"', "\\", "0.5", "</s>", "NOUN", "agent", "X", "[UNK]"]


def a_table(dim: int = 7, counts: bool = False) -> Vectors:
    random = np.random.default_rng(5)
    array = random.normal(size=(len(KEYS), dim)).astype(np.float32)
    return Vectors(KEYS, array, counts=np.arange(100, 100 - len(KEYS), -1) if counts else None)


def same(one: Vectors, keys: Any, array: Any, **close: float) -> None:
    assert one.index_to_key == list(keys)
    np.testing.assert_allclose(one.vectors, np.asarray(array), **({"rtol": 0, "atol": 1e-6} | close))


# Files whose refusal is right, and why; all others load, with the values that other tests compare.
REFUSED = {
    **dict.fromkeys(("cp852_fasttext.bin", "pang_lee_polarity_fasttext.bin"), EncodingError),
    **dict.fromkeys(("pang_lee_polarity_fasttext.vec", "w2v_keyedvectors_load_test.modeldata"), EncodingError),
    **{f"finalfusion/utf8-incomplete.{end}": EncodingError for end in ("bin", "dims", "txt")},
    "pretrained.vec": CorruptFileError,  # promises three rows, has one
    "similarities0-1.txt": CorruptFileError,  # a matrix without keys: the first column repeats
    "finalfusion/quantized_storage.bin": FormatError,  # one chunk without the file around it
}
NO_VECTORS = (".cor", "elmo/", "crime-and-punishment.txt", "fb-ngrams", "reproduce", "toy-data", ".vocab")


def test_every_file_of_the_real_tools_loads_or_is_refused_for_a_reason(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("formats")
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        name = path.relative_to(root).as_posix()
        error = REFUSED.get(name, FormatError if any(part in name for part in NO_VECTORS) else None)
        if error is None:
            assert len(load(path)) > 0, name
        else:
            with pytest.raises(error):
                load(path)


# ---------------------------------------------------------------- GloVe text


@pytest.mark.parametrize("file", ["test_glove.txt", "finalfusion/embeddings.txt"])
def test_glove_text(shared_data: Callable[[str], Path], file: str) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    path = shared_data("formats") / file
    theirs = keyed.load_word2vec_format(str(path), binary=False, no_header=True)
    same(load(path), theirs.index_to_key, theirs.vectors)


def test_gensim_opens_glove_text(tmp_path: Path) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    a_table().save(tmp_path / "glove.txt", "glove")
    theirs = keyed.load_word2vec_format(str(tmp_path / "glove.txt"), binary=False, no_header=True)
    same(a_table(), theirs.index_to_key, theirs.vectors)


def test_keys_with_blanks_as_the_published_file_has_them(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_bytes(b"the 1 2\n. . . 3 4\nat name@domain.com 5 6\n3 4 5\n")
    assert load(path).index_to_key == ["the", ". . .", "at name@domain.com", "3"]
    path.write_bytes(b"the 1 2\noak 3 4 5\n")
    with pytest.raises(CorruptFileError, match="line 2: 3 numbers after the key 'oak', not 2"):
        load(path)


# ---------------------------------------------------------------- finalfusion


@pytest.mark.parametrize("file", ["embeddings", "ff_buckets", "simple_vocab", "similarity", "pq", "pq-check"])
def test_finalfusion(shared_data: Callable[[str], Path], file: str) -> None:
    finalfusion = pytest.importorskip("finalfusion")
    path = shared_data("formats") / f"finalfusion/{file}.fifu"
    theirs = finalfusion.load_finalfusion(str(path))
    ours = load(path)
    same(ours, theirs.vocab.words, [theirs[word] for word in theirs.vocab.words])
    if theirs.norms is not None:
        long = load(path, norms=True)
        same(long, theirs.vocab.words, ours.vectors * theirs.norms[: len(ours), None])
    else:
        with pytest.raises(FormatError, match="holds no norms"):
            load(path, norms=True)


def test_all_vocabularies_of_finalfusion(tmp_path: Path) -> None:
    finalfusion = pytest.importorskip("finalfusion")
    from finalfusion.storage import NdArray
    from finalfusion.subword import FastTextIndexer, FinalfusionHashIndexer
    from finalfusion.vocab import FastTextVocab, FinalfusionBucketVocab

    buckets = FinalfusionBucketVocab(KEYS, FinalfusionHashIndexer(5))
    for vocabulary in (FastTextVocab(KEYS, FastTextIndexer(50)), buckets):
        table = np.random.default_rng(1).normal(size=(vocabulary.upper_bound, 3)).astype(np.float32)
        metadata = finalfusion.metadata.Metadata({"made": "here", "count": 3})
        model = finalfusion.Embeddings(NdArray(table), vocabulary, metadata=metadata)
        model.write(str(tmp_path / "model.fifu"))
        found = load(tmp_path / "model.fifu")
        same(found, KEYS, table[: len(KEYS)])
        assert found.provenance == {"metadata": {"made": "here", "count": 3}}
        if isinstance(vocabulary, FastTextVocab):
            for unseen in ("agents", "南京"):
                given = found[unseen] / np.linalg.norm(found[unseen])
                np.testing.assert_allclose(given, model[unseen], atol=1e-6)  # finalfusion scales to length 1


def test_explicit_ngrams_of_finalfusion(tmp_path: Path) -> None:
    """As the format's page has them; the Python package writes a length that leaves the n-grams' numbers out."""
    words = b"".join(struct.pack("<I", len(word)) + word for word in (b"oak", b"elm"))
    ngrams = b"".join(struct.pack("<I4sQ", 4, ngram, place) for place, ngram in enumerate([b"<oak", b"lm>>"]))
    content = struct.pack("<QQII", 2, 2, 4, 4) + words + ngrams
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    head = b"FiFu" + struct.pack("<IIII", 0, 2, 8, 2) + struct.pack("<IQ", 8, len(content)) + content
    padding = 4 - (len(head) + 28) % 4
    dense = struct.pack("<IQQII", 2, 16 + padding + table.nbytes, 4, 2, 10) + bytes(padding) + table.tobytes()
    (tmp_path / "model").write_bytes(head + dense)
    same(load(tmp_path / "model"), ["oak", "elm"], table[:2])


def test_finalfusion_opens_what_firth_writes(tmp_path: Path) -> None:
    finalfusion = pytest.importorskip("finalfusion")
    a_table().save(tmp_path / "model.fifu", "finalfusion")
    for mapped in (True, False):
        theirs = finalfusion.load_finalfusion(str(tmp_path / "model.fifu"), mmap=mapped)
        same(a_table(), theirs.vocab.words, theirs.storage)


@pytest.mark.parametrize(
    ("file", "error", "words"),
    [
        ("quantized_storage.bin", FormatError, "is not a model"),
        ("utf8-incomplete.txt", EncodingError, "line 2: .*not UTF-8"),
        ("utf8-incomplete.bin", EncodingError, "not UTF-8"),
    ],
)
def test_finalfusion_files_that_are_refused(
    shared_data: Callable[[str], Path], file: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        load(shared_data("formats") / "finalfusion" / file)


# ---------------------------------------------------------------- gensim


def trained(kind: str) -> Any:
    models = pytest.importorskip("gensim.models")
    sentences = [["the", "北京", "oak", "the"], ["elm", "the", "oak"], ["elm", "北京"]] * 20
    options: dict[str, Any] = {"min_count": 1, "vector_size": 6, "epochs": 2, "workers": 1, "seed": 1}
    if kind == "FastText":
        options["bucket"] = 40
    return getattr(models, kind)(sentences, **options)


@pytest.mark.parametrize("kind", ["Word2Vec", "FastText"])
@pytest.mark.parametrize("apart", [False, True], ids=["in one file", "arrays beside it"])
def test_models_that_gensim_saved(tmp_path: Path, kind: str, apart: bool) -> None:
    model = trained(kind)
    model.save(str(tmp_path / "model"), sep_limit=1 if apart else 10**9)
    found = load(tmp_path / "model")
    same(found, model.wv.index_to_key, model.wv.vectors, atol=0 if kind == "Word2Vec" else 1e-7)
    if kind == "FastText":
        for unseen in ("theoak", "北", "x"):
            np.testing.assert_allclose(found[unseen], model.wv[unseen], atol=1e-7)
    assert found.output is not None
    assert np.array_equal(found.output, model.syn1neg)
    assert found.counts is not None
    assert found.counts.tolist() == [model.wv.get_vecattr(key, "count") for key in model.wv.index_to_key]
    model.wv.save(str(tmp_path / "vectors"), sep_limit=1 if apart else 10**9)
    same(load(tmp_path / "vectors"), model.wv.index_to_key, model.wv.vectors, atol=1e-7)
    assert any(tmp_path.glob("vectors.*.npy")) == apart


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle(tmp_path: Path, protocol: int) -> None:
    model = trained("Word2Vec")
    model.wv.save(str(tmp_path / "vectors"), pickle_protocol=protocol)
    same(load(tmp_path / "vectors"), model.wv.index_to_key, model.wv.vectors, atol=0)


def test_a_model_of_gensim_3(shared_data: Callable[[str], Path]) -> None:
    models = pytest.importorskip("gensim.models")
    path = shared_data("formats") / "compatible-hash-true.model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = models.FastText.load(str(path)).wv
    found = load(path)
    same(found, theirs.index_to_key, theirs.vectors)
    assert found.subwords is not None  # rows of the n-grams that were met, which gensim 4 no longer finds
    np.testing.assert_allclose(found.subwords.stored(Keys.of(found.index_to_key)), found.vectors, atol=1e-6)
    assert found["anarchy"].any()
    assert found.get_vecattr("anarchism", "count") == theirs.get_vecattr("anarchism", "count")


@pytest.mark.parametrize("counts", [False, True])
def test_gensim_loads_what_firth_writes(tmp_path: Path, counts: bool) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    vectors = a_table(counts=counts)
    vectors.save(tmp_path / "model.kv", "gensim")
    theirs = keyed.load(str(tmp_path / "model.kv"))
    same(vectors, theirs.index_to_key, theirs.vectors, atol=0)
    if counts:
        assert theirs.get_vecattr("北京", "count") == 99
    near = theirs.most_similar("the", topn=3)
    assert [key for key, _ in near] == [key for key, _ in vectors.most_similar("the", topn=3)]
    theirs.add_vector("new", np.ones(vectors.dim, np.float32))  # the array is gensim's own, and can be changed
    theirs.save(str(tmp_path / "again.kv"))
    assert load(tmp_path / "again.kv").index_to_key == [*KEYS, "new"]


def test_more_than_a_thousand_keys(tmp_path: Path) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    for rows in (999, 1000, 1001, 2500):
        vectors = Vectors([f"key{row}" for row in range(rows)], np.arange(rows * 3, dtype=np.float32).reshape(rows, 3))
        vectors.save(tmp_path / "model.kv", "gensim")
        theirs = keyed.load(str(tmp_path / "model.kv"))
        assert theirs.key_to_index == vectors.key_to_index
        assert np.array_equal(theirs.vectors, vectors.vectors)


# ---------------------------------------------------------------- model2vec, sentence-transformers

TEXTS = ["the 北京", "agent X NOUN the", "a\u00a0b", "0.5 \\"]


def test_model2vec_opens_what_firth_writes(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    a_table().save(tmp_path / "model", "model2vec")
    theirs = model2vec.StaticModel.from_pretrained(str(tmp_path / "model"))
    np.testing.assert_allclose(theirs.encode(TEXTS), a_table().encode(TEXTS), atol=1e-6)
    np.testing.assert_allclose(theirs.encode(["the unseen"]), a_table().encode(["the"]), atol=1e-6)
    theirs.save_pretrained(str(tmp_path / "again"))
    same(load(tmp_path / "again"), KEYS, a_table().vectors, atol=0)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int8])
@pytest.mark.parametrize("folded", [False, True], ids=["a row for each token", "weights and a mapping"])
def test_firth_opens_what_model2vec_writes(tmp_path: Path, kind: type, folded: bool) -> None:
    model2vec = pytest.importorskip("model2vec")
    random = np.random.default_rng(2)
    vocabulary = {token: number for number, token in enumerate(["[UNK]", "the", "##re", "oak"])}
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    table = (random.normal(size=(3 if folded else 4, 5)) * 9).astype(kind)
    parts = {"weights": random.random(4), "token_mapping": np.array([0, 1, 1, 2])} if folded else {}
    theirs = model2vec.StaticModel(table, tokenizer, **parts)
    theirs.save_pretrained(str(tmp_path / "model"))
    found = load(tmp_path / "model")
    assert found.index_to_key == list(vocabulary)
    for key, text in (("the", "the"), ("oak", "oak")):
        np.testing.assert_allclose(found[key], theirs.encode([text])[0], atol=1e-2 if kind == np.float16 else 1e-6)
    np.testing.assert_allclose((found["the"] + found["##re"]) / 2, theirs.encode(["there"])[0], atol=1e-2)


def test_sentence_transformers(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    a_table().save(tmp_path / "model", "sentence-transformers")
    theirs = library.SentenceTransformer(str(tmp_path / "model"), device="cpu")
    np.testing.assert_allclose(theirs.encode(TEXTS), a_table().encode(TEXTS), atol=1e-6)
    theirs.save(str(tmp_path / "again"))
    same(load(tmp_path / "again"), KEYS, a_table().vectors, atol=0)


def test_a_lower_cased_text_is_cut_so_by_other_libraries(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    vectors = Vectors(["oak", "elm"], [[1, 0], [0, 1]], config={"text": {"tokenizer": "whitespace", "lower": True}})
    vectors.save(tmp_path / "model", "model2vec")
    theirs = model2vec.StaticModel.from_pretrained(str(tmp_path / "model"))
    np.testing.assert_allclose(theirs.encode(["Oak ELM"]), vectors.encode(["Oak ELM"]))


# ---------------------------------------------------------------- spaCy


def test_spacy_opens_what_firth_writes(tmp_path: Path) -> None:
    vocab = pytest.importorskip("spacy.vocab")
    a_table().save(tmp_path / "vocab", "spacy")
    theirs = vocab.Vocab().from_disk(tmp_path / "vocab")
    for key in KEYS:
        assert theirs.has_vector(key)
        assert np.array_equal(theirs.get_vector(key), a_table()[key])
    theirs.to_disk(tmp_path / "again")
    found = load(tmp_path / "again")
    assert found.index_to_key == KEYS
    assert np.array_equal(found.vectors, a_table().vectors)


def test_firth_opens_a_pipeline_of_spacy_with_pruned_vectors(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    for key in KEYS:
        pipeline.vocab.set_vector(key, a_table()[key])
    pipeline.vocab.prune_vectors(5)
    pipeline.to_disk(tmp_path / "pipeline")
    for place in (tmp_path / "pipeline", tmp_path / "pipeline/vocab"):
        found = load(place)
        assert set(found.index_to_key) == set(KEYS)
        for key in KEYS:
            assert np.array_equal(found[key], pipeline.vocab.get_vector(key))


def test_numbers_of_spacy() -> None:
    strings = pytest.importorskip("spacy.strings")
    from firth.formats.spacy_hash import SYMBOLS, numbers

    words = [*KEYS, *SYMBOLS, *("x" * size for size in range(1, 40)), *("京" * size for size in range(1, 20))]
    assert numbers(Keys.of(words)).tolist() == [strings.StringStore()[word] for word in words]


def test_a_table_in_floret_mode_is_refused(tmp_path: Path) -> None:
    vectors = pytest.importorskip("spacy.vectors")
    vocab = pytest.importorskip("spacy.vocab")
    table = vectors.Vectors(data=np.ones((8, 3), np.float32), mode="floret", minn=2, maxn=3, hash_count=2)
    whole = vocab.Vocab()
    whole.vectors = table
    whole.to_disk(tmp_path / "vocab")
    with pytest.raises(FormatError, match="floret"):
        load(tmp_path / "vocab")


# ---------------------------------------------------------------- numpy, Parquet, Arrow, the projector


def test_numpy_opens_what_firth_writes(tmp_path: Path) -> None:
    a_table(counts=True).save(tmp_path / "model.npz", "npz")
    with np.load(tmp_path / "model.npz", allow_pickle=False) as file:
        assert file["keys"].tolist() == KEYS
        assert np.array_equal(file["vectors"], a_table().vectors)
        assert file["counts"][0] == 100


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "<i2"])
def test_firth_opens_what_numpy_writes(tmp_path: Path, save: Callable[..., None], kind: str) -> None:
    array = np.asfortranarray((a_table().vectors * 100).astype(kind))
    save(tmp_path / "model.npz", words=np.array(KEYS), embeddings=array)
    same(load(tmp_path / "model.npz"), KEYS, array.astype(np.float32), atol=0)
    save(tmp_path / "model.npz", keys=np.array([key.encode() for key in KEYS]), vectors=array)
    assert load(tmp_path / "model.npz").index_to_key == KEYS


def test_pandas_and_polars_open_what_firth_writes(tmp_path: Path) -> None:
    a_table(counts=True).save(tmp_path / "model.parquet", "parquet")
    for name in ("pandas", "polars"):
        frame = pytest.importorskip(name).read_parquet(tmp_path / "model.parquet")
        assert list(frame["key"]) == KEYS
        assert list(frame["count"]) == list(range(100, 100 - len(KEYS), -1))
        assert np.array_equal(np.stack([np.asarray(row) for row in frame["vector"]]), a_table().vectors)


def test_firth_opens_frames_of_other_tools(tmp_path: Path) -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    array = a_table().vectors
    lists = pandas.DataFrame({"word": KEYS, "embedding": list(array.astype(np.float64)), "note": ["x"] * len(KEYS)})
    wide = pandas.DataFrame(array, columns=[f"d{column}" for column in range(array.shape[1])]).assign(token=KEYS)
    frame = polars.DataFrame({"sku": KEYS, "features": list(array)})
    path = tmp_path / "model"
    for write in (lists.to_parquet, lists.to_feather, wide.to_parquet, frame.write_parquet, frame.write_ipc):
        write(path)
        same(load(path), KEYS, array, atol=0)
    lists.rename(columns={"word": "sku", "embedding": "features"}).to_parquet(path)
    with pytest.raises(FormatError, match=r"sku \(.*string\).*Say which: key=…, vector=…"):
        load(path)
    same(load(path, key="sku", vector="features"), KEYS, array, atol=0)
    with pytest.raises(FormatError, match="has no column 'skuu'"):
        load(path, key="skuu")


def test_the_projector_of_gensim(tmp_path: Path) -> None:
    script = pytest.importorskip("gensim.scripts.word2vec2tensor")
    a_table().save(tmp_path / "model.txt", "word2vec")
    folder = tmp_path / "pair"
    folder.mkdir()
    script.word2vec2tensor(str(tmp_path / "model.txt"), str(folder / "news"))
    assert sorted(path.name for path in folder.iterdir()) == ["news_metadata.tsv", "news_tensor.tsv"]
    same(load(folder), KEYS, a_table().vectors)


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("freeze", [True, False])
def test_a_layer_of_torch_and_back(freeze: bool, padding: bool) -> None:
    torch = pytest.importorskip("torch")
    vectors = a_table()
    layer, ids = vectors.to_torch(freeze=freeze, padding=padding)
    assert (layer.padding_idx, layer.weight.requires_grad) == (0 if padding else None, not freeze)
    assert ids["the"] == int(padding)
    rows = layer(torch.tensor([ids[key] for key in KEYS]))
    assert np.array_equal(rows.detach().numpy(), vectors.vectors)
    for given in (layer, layer.weight):
        same(Vectors.from_torch(given, ids), KEYS, vectors.vectors, atol=0)
    if padding:
        assert not layer(torch.tensor(0)).any()
    if not freeze:
        layer(torch.tensor([ids["the"], 0])).sum().backward()
        assert layer.weight.grad[ids["the"]].any()
        assert not padding or not layer.weight.grad[0].any()
        with torch.no_grad():
            layer.weight += 1
        assert np.array_equal(vectors.vectors, a_table().vectors)  # a copy


def test_what_is_no_layer_of_torch() -> None:
    torch = pytest.importorskip("torch")
    from firth.errors import InputError

    with pytest.raises(InputError, match=r"Give a torch\.nn\.Embedding"):
        Vectors.from_torch([[1.0]], {"a": 0})
    with pytest.raises(InputError, match="ids must be 0 to 1, not up to 2"):
        Vectors.from_torch(torch.nn.Embedding(2, 3), {"a": 2})
