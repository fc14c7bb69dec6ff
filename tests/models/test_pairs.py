"""Pairs: every option does something, worlds whose answer is known, every source, what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import firth
from firth.config import field_docs, field_names
from firth.corpus.two_sided import pairs
from firth.errors import ConfigError, EmptyVocabularyError, InputError, MissingInputError
from firth.evaluate.match import matches

RANDOM = np.random.default_rng(0)
CLICKS = [(f"W{int(w)} w{int(v)}", f"p{int(w) % 7} w{int(v) % 3}") for w, v in RANDOM.zipf(1.6, (200, 2)).clip(1, 30)]


def fit(source=CLICKS, threads=1, **options):
    return firth.Pairs(**{"dim": 8, "epochs": 2, **options}).fit(source, threads=threads)


OTHER = {
    "dim": 9,
    "left": "whole",
    "right": "whole",
    "shared": True,
    "negatives": 3,
    "ns_exponent": -1.0,
    "min_count": 10,
    "epochs": 3,
    "lr": 0.02,
    "tokenizer": "characters",
    "lower": True,
    "seed": 2,
}


@pytest.mark.parametrize("option", field_names(firth.Pairs))
def test_every_option_does_something(option):
    source = [(f"北{left}", right) for left, right in CLICKS] if option == "tokenizer" else CLICKS
    plain, other = fit(source), fit(source, **{option: OTHER[option]})
    different = plain.index_to_key != other.index_to_key or not np.array_equal(plain.vectors, other.vectors)
    assert different and other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.Pairs)) == set(field_names(firth.Pairs))


def test_one_thread_repeats_and_what_is_saved_matches_the_same(tmp_path: Path):
    one, two = fit(), fit()
    assert one.vectors.tobytes() == two.vectors.tobytes() and one.output.tobytes() == two.output.tobytes()
    one.save(tmp_path / "m")
    assert firth.load(tmp_path / "m").match("w1 W2") == one.match("w1 W2")
    assert fit(threads=2).vectors.shape == one.vectors.shape


def queries(seed=0, number=600, topics=8):
    """Queries of words of a topic, and items whose titles have other words of it."""
    random = np.random.default_rng(seed)
    found = []
    for topic in random.integers(topics, size=number):
        query = " ".join(f"q{topic}x{word}" for word in random.choice(6, 2, replace=False))
        title = " ".join(f"t{topic}x{word}" for word in random.choice(6, 3, replace=False))
        found.append((query, title))
    return found


def test_queries_find_titles_of_their_topic():
    vectors = firth.Pairs(dim=16, epochs=30).fit(queries(), threads=1)
    asked, others = queries(1, 100), [title for _, title in queries(2, 300)]
    for query, _ in asked[:20]:
        best = [title for title, _ in vectors.match(query, others, topn=10)]
        assert sum(f"t{query[1]}x" in title for title in best) >= 9
    titles = [" ".join(f"t{topic}x{word}" for word in range(6)) for topic in range(8)]
    whole = [(query, titles[int(query[1])]) for query, _ in asked]
    assert matches(vectors, whole, candidates=titles, k=1).hit_rate > 0.95


def test_a_document_gets_a_row_of_its_own():
    """Document and words: those about one thing lie together, and are found by words."""
    random = np.random.default_rng(0)
    words = [
        (f"doc {n}", " ".join(f"s{n % 4}w{word}" for word in random.choice(8, 4, replace=False)))
        for n in range(40)
        for _ in range(10)
    ]
    vectors = firth.Pairs(dim=16, epochs=40, left="whole").fit(words, threads=1)
    near = [key for key, _ in vectors.most_similar("doc 1", where={"prefix": "doc"}, topn=8)]
    assert sum(int(key.split()[1]) % 4 == 1 for key in near) >= 7
    assert vectors.match("doc 2")[0][0].startswith("s2")
    assert not vectors.vectors[vectors.key_to_index["s1w1"]].any()  # no left side has it
    assert not vectors.output[vectors.key_to_index["doc 1"]].any()


def test_node_relation_node():
    """(city, "in") → its country, (country, "capital") → its city: the relation decides."""
    facts = [([f"city{n}", "in"], [f"land{n % 5}"]) for n in range(20)]
    facts += [([f"land{n}", "capital"], [f"city{n}"]) for n in range(5)]
    vectors = firth.Pairs(dim=32, epochs=200, lr=0.5, negatives=5, ns_exponent=0).fit(facts * 5, threads=1)
    assert matches(vectors, facts, k=1).hit_rate == 1.0
    assert vectors.match(["land3", "capital"], topn=1)[0][0] == "city3"


def test_shared_rows_bring_equal_words_together():
    """Left and right have the same words: a text finds the one that shares them, also where the pair was never seen."""
    random = np.random.default_rng(0)

    def text():
        return [f"w{n}" for n in random.choice(40, 4, replace=False)]

    copies = [(words, words[::-1]) for words in (text() for _ in range(800))]
    vectors = firth.Pairs(dim=32, epochs=40, shared=True, lr=0.5).fit(copies, threads=1)
    assert vectors.output is None
    fresh = [(words[:3], words[1:]) for words in (text() for _ in range(100))]
    assert matches(vectors, fresh, k=5).hit_rate > 0.9


def test_matches_by_hand():
    vectors = firth.Vectors(
        ["a", "b", "c"],
        [[1, 0], [0, 1], [0, 0]],
        output=[[2, 0], [0, 2], [1, 1]],
        config={"model": {"name": "pairs"}},
    )
    assert vectors.match("a", ["a", "b", "c", "a c", "?"]) == [("a", 2), ("a c", 1.5), ("c", 1), ("b", 0)]
    assert vectors.match(["b"], topn=1) == [("b", 2.0)]
    found = matches(vectors, [("a", "a"), ("a", "c"), ("b", "a"), ("?", "a"), ("a", "?")], k=2)
    assert found.ranks.tolist() == [1, 2, 3 - 1, np.inf, np.inf] and found.known == 3
    assert matches(vectors, [("a", "c")], candidates=["a", "a c", "b"]).ranks.tolist() == [3]
    with pytest.raises(InputError, match="No word of 'c'"):
        vectors.match("c")
    with pytest.raises(ConfigError, match="Pairs learns such"):
        firth.Vectors(["a"], [[1.0]]).match("a")
    with pytest.raises(ConfigError, match="k must"):
        matches(vectors, [("a", "a")], k=0)
    with pytest.raises(InputError, match="no pair"):
        matches(vectors, [])


def test_every_source_gives_the_same_pairs(tmp_path: Path):
    expected = [("red wine", "glass"), ("nail", "hammer")]
    table = {"query": ["red wine", "nail"], "title": ["glass", "hammer"]}
    (tmp_path / "lines").write_text("red wine\tglass\n\nnail\thammer\n")
    pd.DataFrame(table).to_csv(tmp_path / "t.csv", index=False)
    for source in (tmp_path / "lines", [tmp_path / "lines"], tmp_path / "t.csv", pa.table(table), expected):
        assert [*pairs(source)] == expected
    named = pa.table({"x": ["nail"], "y": ["hammer"]})
    assert [*pairs(named, "x", "y")] == [("nail", "hammer")]
    assert firth.Pairs(dim=2).fit(named, left="x", right="y", threads=1).match("nail")


def test_what_cannot_be(tmp_path: Path):
    (tmp_path / "lines").write_text("a\tb\na b\n")
    for source, says in (
        (tmp_path / "lines", "line 2: 'a b' is no"),
        ([("a", "b"), ("a",)], "Pair 1"),
        ([("a", 3)], "A side of pair 0 is 3"),
        ([("a", [3])], "A side of pair 0"),
        (7, "not a int"),
        (pa.table({"left": ["a", None], "right": ["b", "c"]}), "row 2: the left is missing"),
    ):
        with pytest.raises(InputError, match=says):
            fit(source)
    with pytest.raises(MissingInputError):
        fit(tmp_path / "none.txt")
    with pytest.raises(ConfigError, match="which column is the left"):
        fit(pa.table({"x": ["a"], "y": ["b"]}))
    for source in ([], [("", "b")], [("a", " ")]):
        with pytest.raises(EmptyVocabularyError):
            fit(source)
    with pytest.raises(EmptyVocabularyError, match="min_count=999"):
        fit(min_count=999)
    with pytest.raises(ConfigError):
        firth.Pairs(left="page")
