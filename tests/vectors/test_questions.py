"""What one asks of a table, where gensim has no say: `nearest`, `which`, `encode`, zeros, errors, permutations."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.errors import ConfigError, InputError, UnknownKeyError
from firth.vectors.table import Vectors


def words(number: int) -> list[str]:
    return [f"w{place}" for place in range(number)]


def random_vectors(seed: int = 0, number: int = 40, dim: int = 6, **more: object) -> Vectors:
    rng = np.random.default_rng(seed)
    output = rng.normal(size=(number, dim)).astype(np.float32)
    return Vectors(words(number), rng.normal(size=(number, dim)).astype(np.float32), output=output, **more)


def same(found: list[tuple[str, float]], expected: list[tuple[str, float]]) -> None:
    assert [key for key, _ in found] == [key for key, _ in expected]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in expected], atol=1e-6)


# ---------------------------------------------------------------- nearest


def test_nearest_of_many_keys_is_most_similar_of_each() -> None:
    vectors = random_vectors()
    for query, found in zip(["w3", "w0", "w3"], vectors.nearest(["w3", "w0", "w3"], topn=5), strict=True):
        same(found, vectors.most_similar(query, topn=5))
        assert query not in dict(found)


def test_nearest_of_an_array_is_similar_by_vector_of_each_row() -> None:
    vectors = random_vectors()
    queries = np.random.default_rng(1).normal(size=(7, 6))
    for query, found in zip(queries, vectors.nearest(queries, topn=4), strict=True):
        same(found, vectors.similar_by_vector(query, topn=4))
    assert vectors.nearest(vectors.vectors, topn=1)[5][0][0] == "w5"  # a vector leaves nothing out


def test_nearest_takes_one_query_and_mixed_lists_too() -> None:
    vectors = random_vectors()
    assert vectors.nearest("w3") == vectors.nearest(["w3"])
    assert vectors.nearest(vectors["w3"])[0][0][0] == "w3"
    mixed = vectors.nearest(["w3", vectors["w4"], 5], topn=2)
    assert mixed[0][0][0] != "w3"
    assert mixed[1][0][0] == "w4"
    assert [len(found) for found in mixed] == [2, 2, 2]
    assert vectors.nearest([]) == []


def test_nearest_obeys_topn_and_restrict_vocab() -> None:
    vectors = random_vectors()
    assert [len(found) for found in vectors.nearest(["w1", "w2"], topn=3)] == [3, 3]
    assert [len(found) for found in vectors.nearest(["w1", "w2"], topn=1000)] == [39, 39]
    assert vectors.nearest(["w1", "w2"], topn=0) == vectors.nearest(["w1", "w2"], topn=-3) == [[], []]
    assert len(vectors.nearest(["w1"])[0]) == 10
    inside = vectors.nearest(["w1", "w30"], topn=9, restrict_vocab=6)
    assert [sorted(dict(found)) for found in inside] == [["w0", "w2", "w3", "w4", "w5"], words(6)]
    assert vectors.nearest(["w1"], restrict_vocab=0) == vectors.nearest(["w1"])


def test_permuting_keys_changes_nothing() -> None:
    vectors = random_vectors()
    order = np.random.default_rng(2).permutation(40)
    shuffled = Vectors([words(40)[place] for place in order], vectors.vectors[order], output=vectors.output[order])
    for one, other in zip(vectors.nearest(words(40)), shuffled.nearest(words(40)), strict=True):
        same(one, other)
    same(
        vectors.most_similar(["w1", "w2"], ["w3"], which="mean"),
        shuffled.most_similar(["w1", "w2"], ["w3"], which="mean"),
    )
    assert vectors.doesnt_match(words(9)) == shuffled.doesnt_match(words(9))
    assert vectors.rank("w1", "w2") == shuffled.rank("w1", "w2")
    assert set(vectors.closer_than("w1", "w2")) == set(shuffled.closer_than("w1", "w2"))
    np.testing.assert_allclose(vectors.encode(["w1 w2"]), shuffled.encode(["w1 w2"]))


def test_equal_scores_come_in_the_order_of_the_table() -> None:
    vectors = Vectors(["a", "b", "c", "d"], [[0, 1], [1, 0], [2, 0], [3, 0]])
    assert [key for key, _ in vectors.most_similar("a")] == ["b", "c", "d"]
    assert [key for key, _ in vectors.most_similar("c")] == ["b", "d", "a"]


# ---------------------------------------------------------------- which


QUESTIONS = {
    "most_similar": lambda v, **o: v.most_similar("w1", **o),
    "most_similar all": lambda v, **o: v.most_similar("w1", topn=None, **o).tolist(),
    "similar_by_key": lambda v, **o: v.similar_by_key("w1", **o),
    "similar_by_word": lambda v, **o: v.similar_by_word("w1", **o),
    "similar_by_vector": lambda v, **o: v.similar_by_vector(np.ones(6), **o),
    "nearest": lambda v, **o: v.nearest(["w1", "w2"], **o),
    "nearest array": lambda v, **o: v.nearest(np.eye(6), **o),
    "similarity": lambda v, **o: v.similarity("w1", "w2", **o),
    "distance": lambda v, **o: v.distance("w1", "w2", **o),
    "distances": lambda v, **o: v.distances("w1", **o).tolist(),
    "n_similarity": lambda v, **o: v.n_similarity(["w1", "w2"], ["w3"], **o),
    "doesnt_match": lambda v, **o: [v.doesnt_match(words(n), **o) for n in range(3, 30)],
    "most_similar_to_given": lambda v, **o: [v.most_similar_to_given(w, words(9)[::-1], **o) for w in words(40)[10:]],
    "rank": lambda v, **o: v.rank("w1", "w2", **o),
    "closer_than": lambda v, **o: v.closer_than("w1", "w2", **o),
    "get_vector": lambda v, **o: v.get_vector("w1", **o).tolist(),
    "get_vector norm": lambda v, **o: v.get_vector("w1", norm=True, **o).tolist(),
    "get_mean_vector": lambda v, **o: v.get_mean_vector(["w1", "w2"], **o).tolist(),
    "get_normed_vectors": lambda v, **o: v.get_normed_vectors(**o).tolist(),
    "encode": lambda v, **o: v.encode(["w1 w2 w2"], **o).tolist(),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_which_asks_that_table(name: str) -> None:
    ask, vectors = QUESTIONS[name], random_vectors()
    tables = {
        "input": vectors.vectors,
        "output": vectors.output,
        "mean": (vectors.vectors.astype(np.float64) + vectors.output) / 2,
    }
    answers = {which: ask(vectors, which=which) for which in tables}
    for which, table in tables.items():
        _close(answers[which], ask(Vectors(words(40), table)))
    assert ask(vectors) == answers["input"]
    assert answers["input"] != answers["output"] != answers["mean"] != answers["input"]


def _close(one: object, other: object) -> None:
    """Equal, numbers to 1e-6."""
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for part, opposite in zip(one, other, strict=True):
            _close(part, opposite)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=1e-6)
    else:
        assert one == other


def test_a_table_that_is_not_there_is_said_so() -> None:
    vectors = Vectors(["a"], [[1.0]])
    for which in ("output", "mean"):
        with pytest.raises(ConfigError, match="no output table"):
            vectors.get_vector("a", which=which)
    with pytest.raises(ConfigError, match="'input', 'output' or 'mean', not 'context'"):
        vectors.most_similar("a", which="context")


# ---------------------------------------------------------------- encode


VOCABULARY = ["oak", "elm", "Fir"]
ROWS = np.array([[1, 0], [0, 1], [4, 4]], np.float32)


@given(
    texts=st.lists(st.lists(st.sampled_from([*VOCABULARY, "ash", "fir"]), max_size=8), max_size=6),
    pooling=st.sampled_from(["mean", "sum"]),
)
def test_encode_is_a_loop_over_words(texts: list[list[str]], pooling: str) -> None:
    found = Vectors(VOCABULARY, ROWS).encode([" ".join(text) for text in texts], pooling=pooling)
    assert found.shape == (len(texts), 2)
    assert found.dtype == np.float32
    for text, row in zip(texts, found, strict=True):
        known = [ROWS[VOCABULARY.index(word)] for word in text if word in VOCABULARY]
        total = sum(known, np.zeros(2))
        np.testing.assert_allclose(row, total / len(known) if known and pooling == "mean" else total, rtol=1e-6)


def test_encode_cuts_as_the_training_text_was_cut() -> None:
    text = "Oak, elm\tFIR"
    plain = Vectors(["Oak,", "elm", "FIR"], np.eye(3))
    assert plain.encode([text], pooling="sum").tolist() == [[1, 1, 1]]
    by_words = Vectors(["Oak", "elm", "FIR"], np.eye(3), config={"text": {"tokenizer": "words", "lower": False}})
    assert by_words.encode([text], pooling="sum").tolist() == [[1, 1, 1]]
    lowered = Vectors(["oak", "elm", "fir"], np.eye(3), config={"text": {"tokenizer": "words", "lower": True}})
    assert lowered.encode([text], pooling="sum").tolist() == [[1, 1, 1]]
    assert Vectors(["oak", "elm", "fir"], np.eye(3)).encode([text], pooling="sum").tolist() == [[0, 1, 0]]


def test_encode_takes_a_list_and_says_so() -> None:
    vectors = Vectors(VOCABULARY, ROWS)
    assert vectors.encode([]).shape == (0, 2)
    assert vectors.encode(text for text in ["oak", ""]).tolist() == [[1, 0], [0, 0]]
    with pytest.raises(ConfigError, match=r"encode\(\[text\]\)\[0\]"):
        vectors.encode("oak elm")
    with pytest.raises(ConfigError, match="text 1 is 7, not a string"):
        vectors.encode(["oak", 7])
    with pytest.raises(ConfigError, match="'sif' or 'usif', not 'max'"):
        vectors.encode(["oak"], pooling="max")


# ---------------------------------------------------------------- zeros, bad questions


def test_the_cosine_of_a_zero_vector_is_zero() -> None:
    vectors = Vectors(["zero", "one", "two"], [[0, 0], [3, 4], [0, 1]])
    assert vectors.similarity("zero", "one") == 0
    assert vectors.distance("zero", "one") == 1
    assert vectors.distances("zero").tolist() == [1, 1, 1]
    assert vectors.distances("one").tolist() == pytest.approx([1, 0, 0.2], abs=1e-6)
    assert vectors.n_similarity(["zero"], ["one"]) == 0
    assert vectors.most_similar("zero") == [("one", 0.0), ("two", 0.0)]
    assert vectors.nearest(["one"])[0][1] == ("zero", 0.0)
    assert vectors.get_vector("zero", norm=True).tolist() == [0, 0]
    assert vectors.get_normed_vectors()[0].tolist() == [0, 0]
    assert vectors.similar_by_vector(np.zeros(2), topn=1) == [("zero", 0.0)]
    assert vectors.rank("zero", "one") == 1


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda v: v.most_similar(), ConfigError, "Nothing to compare with"),
        (lambda v: v.most_similar([], []), ConfigError, "Nothing to compare with"),
        (lambda v: v.most_similar("w99"), UnknownKeyError, "Did you mean 'w9'"),
        (lambda v: v.most_similar("w1", topn=2.5), ConfigError, "topn must be a whole number or None, not 2.5"),
        (lambda v: v.most_similar("w1", topn=True), ConfigError, "topn"),
        (lambda v: v.most_similar("w1", restrict_vocab=-1), ConfigError, "restrict_vocab .* not -1"),
        (lambda v: v.most_similar("w1", restrict_vocab=1.5), ConfigError, "restrict_vocab .* not 1.5"),
        (lambda v: v.most_similar([["w1"]]), ConfigError, "neither a key, nor a vector"),
        (lambda v: v.most_similar([0.5, 0.5]), ConfigError, "neither a key, nor a vector"),
        (lambda v: v.most_similar(3.5), ConfigError, "not 3.5"),
        (lambda v: v.most_similar(np.ones(5)), InputError, r"6 numbers; what came has shape \(5,\)"),
        (lambda v: v.most_similar([np.ones((2, 6))]), InputError, r"6 numbers; what came has shape \(2, 6\)"),
        (lambda v: v.similar_by_vector([0, 0, np.nan, 0, 0, 0]), InputError, "must be finite"),
        (lambda v: v.similar_by_vector(["a"] * 6), InputError, "6 numbers, not"),
        (lambda v: v.similar_by_vector(np.full(6, 1e300)), InputError, "must be finite"),
        (lambda v: v.nearest(np.ones((2, 5))), InputError, r"6 numbers; what came has shape \(2, 5\)"),
        (lambda v: v.nearest(np.full((2, 6), np.inf)), InputError, "must be finite"),
        (lambda v: v.nearest(["w1", "w99"]), UnknownKeyError, "w99"),
        (lambda v: v.nearest(["w1"], topn=None), ConfigError, "topn must be a whole number"),
        (lambda v: v.nearest(None), ConfigError, "Give a key or a list of keys, not None"),
        (lambda v: v.n_similarity([], ["w1"]), ConfigError, "at least one key"),
        (lambda v: v.get_mean_vector([]), ConfigError, "at least one key"),
        (lambda v: v.get_mean_vector(["w1", "w2"], weights=[1]), ConfigError, "one weight for each of the 2 keys"),
        (lambda v: v.get_mean_vector(["w99"], ignore_missing=False), UnknownKeyError, "w99"),
        (lambda v: v.doesnt_match([]), ConfigError, "None of the words is known"),
        (lambda v: v.doesnt_match(["w99"]), ConfigError, "None of the words is known"),
        (lambda v: v.most_similar_to_given("w1", []), ConfigError, "keys_list is empty"),
        (lambda v: v.get_vecattr("w1", "count"), InputError, "without counts"),
        (lambda v: v.get_vecattr("w1", "sample_int"), ConfigError, "'count' and no other, not 'sample_int'"),
        (lambda v: v.rank("w1", "w99"), UnknownKeyError, "w99"),
        (lambda v: v.distances("w1", ["w99"]), UnknownKeyError, "w99"),
    ],
)
def test_bad_questions_get_clear_answers(ask: object, error: type[Exception], message: str) -> None:
    with warnings.catch_warnings(action="error"), pytest.raises(error, match=message):
        ask(random_vectors())


def test_one_key_is_not_taken_for_its_letters() -> None:
    vectors = Vectors(["w", "oak", "ow"], np.eye(3))
    assert vectors.n_similarity("ow", "ow") == 1
    assert vectors.doesnt_match("oak") == "oak"
    assert vectors.get_mean_vector("oak").tolist() == [0, 1, 0]
    assert vectors.distances("oak", "ow").tolist() == [1]


# ---------------------------------------------------------------- files


def test_files_and_back(tmp_path: Path) -> None:
    pytest.importorskip("firth.loading")
    vectors = random_vectors(counts=range(40, 0, -1))
    vectors.save(tmp_path / "native")
    again = Vectors.load(tmp_path / "native")
    np.testing.assert_array_equal(again.vectors, vectors.vectors)
    np.testing.assert_array_equal(again.output, vectors.output)
    assert again.index_to_key == vectors.index_to_key
    assert again.get_vecattr("w0", "count") == 40
    vectors.save(tmp_path / "named", format="word2vec")
    vectors.save_word2vec_format(tmp_path / "text")
    vectors.save_word2vec_format(tmp_path / "binary", binary=True)
    assert (tmp_path / "text").read_text().startswith("40 6\nw0 ")
    assert (tmp_path / "named").read_bytes() == (tmp_path / "text").read_bytes() != (tmp_path / "binary").read_bytes()
    for name, binary in (("text", False), ("binary", True)):
        read = Vectors.load_word2vec_format(tmp_path / name, binary=binary)
        assert read.index_to_key == vectors.index_to_key
        np.testing.assert_array_equal(read.vectors, vectors.vectors)
        with pytest.raises(InputError):
            Vectors.load_word2vec_format(tmp_path / name, binary=not binary)


def test_a_word2vec_file_with_broken_letters_is_read_as_asked(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"2 2\noak\xff 1 0\nelm 0 1\n")
    with pytest.raises(InputError):
        Vectors.load_word2vec_format(tmp_path / "text")
    read = Vectors.load_word2vec_format(tmp_path / "text", unicode_errors="replace")
    assert read.index_to_key == ["oak\ufffd", "elm"]
