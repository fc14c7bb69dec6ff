"""Questions about words that no table holds."""

import numpy as np
import pytest

from firth import Vectors
from firth.errors import InputError, UnknownKeyError
from firth.vectors.keys import Keys
from firth.vectors.subwords import Subwords

KEYS = ["oak", "oaks", "elm", "car"]


@pytest.fixture
def trees() -> Vectors:
    random = np.random.default_rng(3)
    parts = Subwords(random.normal(size=(50, 8)), 3, 5, own=random.normal(size=(4, 8)))
    return Vectors(KEYS, parts.stored(Keys.of(KEYS)), subwords=parts, output=random.normal(size=(4, 8)))


def test_only_stored_keys_are_in(trees: Vectors) -> None:
    assert "oaky" not in trees
    assert list(trees) == KEYS
    assert trees["oaky"].shape == (8,)
    assert trees[["oaky", "oak"]].shape == (2, 8)
    with pytest.raises(UnknownKeyError, match="no row 17"):
        trees.get_vector(17)


def test_every_question_takes_unseen_words(trees: Vectors) -> None:
    """Each answer is that of the vector itself."""
    vector = trees["oaky"]
    cosines = trees.get_normed_vectors() @ (vector / np.linalg.norm(vector))
    assert trees.similarity("oaky", "elm") == pytest.approx(cosines[2], abs=1e-6)
    np.testing.assert_allclose(trees.distances("oaky"), 1 - cosines, atol=1e-6)
    np.testing.assert_allclose(trees.distances("elm", ["oaky", "oak"])[0], 1 - cosines[2], atol=1e-6)
    best = [KEYS[place] for place in np.argsort(-cosines)]
    assert [key for key, _ in trees.most_similar("oaky")] == best
    assert [key for key, _ in trees.nearest(["oaky"])[0]] == best
    assert trees.closer_than("oaky", best[2]) == [key for key in KEYS if key in best[:2]]
    assert trees.rank("oaky", best[2]) == 3
    assert trees.most_similar_to_given("oaky", ["oakx", "car"]) in {"oakx", "car"}
    assert trees.n_similarity(["oaky"], ["oaky"]) == pytest.approx(1)
    assert trees.doesnt_match(["oaky", "oaky", "car"]) == "car"
    np.testing.assert_allclose(trees.get_vector("oaky", norm=True), vector / np.linalg.norm(vector), atol=1e-6)
    assert len(trees.predict(["oaky", "elm"], topn=2)) == 2


def test_encode_counts_unseen_words(trees: Vectors) -> None:
    found = trees.encode(["oaky elm oaky", "", "北", "oak"])
    np.testing.assert_allclose(found[0], (2 * trees["oaky"] + trees["elm"]) / 3, atol=1e-6)
    np.testing.assert_allclose(found[2], trees["北"], atol=1e-6)
    np.testing.assert_array_equal(found[[1, 3]], [np.zeros(8), trees["oak"]])
    assert not trees.encode(["oaky"], which="output").any()  # n-grams have no context side


def test_many_bags_are_worked_on_in_parts(trees: Vectors, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["oaky", "a" * 40, "", "elms", "北京欢迎你"] * 7
    whole, _ = trees.subwords.of(words)  # type: ignore[union-attr]
    monkeypatch.setattr("firth.vectors.subwords._FLOATS", 100)
    parts, known = trees.subwords.of(words)  # type: ignore[union-attr]
    np.testing.assert_array_equal(whole, parts)
    assert known.tolist() == [word != "" for word in words]
    for word, vector in zip(words, parts, strict=True):
        np.testing.assert_array_equal(trees[word] if word else np.zeros(8), vector)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (Subwords(np.ones((9, 3)), 3, 6, own=np.ones((4, 3))), "do not fit"),
        (Subwords(np.ones((9, 8)), 3, 6, own=np.ones((3, 8))), "do not fit"),
    ],
)
def test_parts_that_do_not_fit(parts: Subwords, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Vectors(KEYS, np.ones((4, 8)), subwords=parts)
    with pytest.raises(InputError, match="own rows 2"):
        Subwords(np.ones((9, 3)), 3, 6, own=np.ones((4, 2)))
    with pytest.raises(InputError, match="row 9 of a table of 9"):
        Subwords(np.ones((9, 3)), 3, 6, places=np.array([9], np.int32))
