"""Tables made from tables: the right rows, the right numbers, and nothing of the old one changed."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import ConfigError, InputError, MissingInputError, UnknownKeyError
from firth.vectors import align

RNG = np.random.default_rng(8)
KEYS = ["oak", "Oak", "elm", "北京", "car"]


def a_table(rows: int = 5, dim: int = 4, *, extras: bool = True, seed: int = 1) -> Vectors:
    rng = np.random.default_rng(seed)
    keys = KEYS[:rows] if rows <= 5 else [f"key{row}" for row in range(rows)]
    array = rng.normal(size=(rows, dim)).astype(np.float32)
    if not extras:
        return Vectors(keys, array)
    return Vectors(
        keys,
        array,
        output=rng.normal(size=(rows, dim)).astype(np.float32),
        nodes=rng.normal(size=(max(1, rows - 1), dim)).astype(np.float32),
        counts=np.arange(rows, 0, -1) * 10,
        config={"text": {"tokenizer": "whitespace"}},
        provenance={"words": 3},
    )


@pytest.fixture
def v() -> Iterator[Vectors]:
    table = a_table()
    before = [table.vectors.copy(), table.output.copy(), table.counts.copy(), list(table)]
    yield table
    after = [table.vectors, table.output, table.counts, list(table)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert table.provenance == {"words": 3}


def test_subset_takes_every_part_along(v: Vectors) -> None:
    found = v.subset(["car", "oak"])
    assert list(found) == ["car", "oak"]
    for part in ("vectors", "output", "counts"):
        assert np.array_equal(getattr(found, part), getattr(v, part)[[4, 0]])
    assert found.nodes is None
    assert found.config == v.config
    assert found.provenance == {"words": 3, "operations": [{"name": "subset", "of": 5}]}
    assert list(v.subset(where={"prefix": ("o", "O")})) == ["oak", "Oak"]
    assert list(v.subset(range(3))) == ["oak", "Oak", "elm"]
    assert list(v.subset(["elm", "fir"], ignore_missing=True)) == ["elm"]
    assert len(v.subset([])) == 0


def test_rows_of_ngrams_come_along_where_they_still_fit() -> None:
    """A word that is not stored has the same vector (turned, where the space is), one that is stored its own row."""
    from firth.vectors.subwords import Subwords

    plain = a_table()
    parts = Subwords(RNG.normal(size=(50, 4)).astype(np.float32), min_n=2, max_n=3, own=plain.vectors)
    v = Vectors(list(plain), plain.vectors, subwords=parts)
    for found in (v.subset(["car", "oak"]), v.remove(["elm"]), v.rename(str.lower, repeated="first")):
        np.testing.assert_allclose(found["oaken"], v["oaken"], atol=1e-6)
        assert np.array_equal(found.vectors_vocab, found.vectors)
    there, rotation = turned(v)
    moved = v.align(there, [(key, key + "'") for key in v])
    np.testing.assert_allclose(moved["oaken"], v["oaken"] @ rotation, atol=1e-4)
    for found in (v.normalise(), v.reduce(2), v.quantise("int8"), v.merge(v)):
        assert found.subwords is None


def test_a_tree_stays_where_all_its_words_stay(v: Vectors) -> None:
    assert np.array_equal(v.subset(list(v)).nodes, v.nodes)
    assert np.array_equal(v.rename({"oak": "tree"}).nodes, v.nodes)
    assert v.subset(list(v)[::-1]).nodes is None
    assert v.remove(["car"]).nodes is None


def test_remove(v: Vectors) -> None:
    found = v.remove(["Oak", 4, "Oak"])
    assert list(found) == ["oak", "elm", "北京"]
    assert np.array_equal(found.output, v.output[[0, 2, 3]])
    assert list(v.remove(["fir"], ignore_missing=True)) == list(v)


def test_rename(v: Vectors) -> None:
    found = v.rename({"北京": "Peking", "oak": "Oak", "Oak": "oak"})  # two names change places
    assert list(found) == ["Oak", "oak", "elm", "Peking", "car"]
    assert np.array_equal(found.vectors, v.vectors)
    assert found.provenance["operations"] == [{"name": "rename", "renamed": 3}]
    first = v.rename(str.lower, repeated="first")
    assert list(first) == ["oak", "elm", "北京", "car"]
    assert first.counts.tolist() == [50 + 40, 30, 20, 10]
    assert np.array_equal(first.vectors, v.vectors[[0, 2, 3, 4]])
    assert np.array_equal(first.output, v.output[[0, 2, 3, 4]])


REFUSED = [
    (lambda v: v.subset(["fir"]), UnknownKeyError, "'fir'"),
    (lambda v: v.remove(["fir"]), UnknownKeyError, "'fir'"),
    (lambda v: v.rename({"fir": "tree"}), UnknownKeyError, "'fir'"),
    (lambda v: v.subset(), ConfigError, "either keys or where"),
    (lambda v: v.subset(["oak"], where={"prefix": "o"}), ConfigError, "either keys or where"),
    (lambda v: v.subset("oak"), ConfigError, "Give a list of keys"),
    (lambda v: v.subset(["oak", "oak"]), InputError, "comes twice"),
    (lambda v: v.rename(str.lower), InputError, "'oak' and 'Oak' would both be called 'oak'"),
    (lambda v: v.rename(["a"]), ConfigError, "dict of old and new"),
    (lambda v: v.rename(lambda key: 3), InputError, "not a string"),
    (lambda v: v.rename({}, repeated="last"), ConfigError, "repeated must be"),
    (lambda v: v.merge(a_table(dim=3)), InputError, r"reduce\(3\)"),
    (lambda v: v.merge(v, repeated="last"), ConfigError, "repeated must be"),
    (lambda v: v.reduce(0), ConfigError, "from 1 to 4"),
    (lambda v: v.reduce(5), ConfigError, "from 1 to 4"),
    (lambda v: v.all_but_the_top(1.5), ConfigError, "from 0 to 4"),
    (lambda v: v.subset([]).centre(), InputError, "no rows"),
    (lambda v: v.subset([]).reduce(2), InputError, "no rows"),
    (lambda v: v.align(a_table(dim=3)), InputError, "4 and 3 dimensions"),
    (lambda v: v.align(v.rename(lambda key: key + "x")), InputError, "no key in common"),
    (lambda v: v.align(v, [("fir", "oak")]), InputError, "1 pairs none has"),
    (lambda v: v.align(v, [("fir", "oak", "elm")]), ConfigError, "pairs"),
    (lambda v: v.align(v, "nowhere.txt"), MissingInputError, "no dictionary nowhere.txt"),
    (lambda v: v.align(v, refine=-1), ConfigError, "refine"),
    (lambda v: v.translate("fir", v), UnknownKeyError, "'fir'"),
    (lambda v: v.axis(["oak"], ["oak"]), ConfigError, "no direction"),
    (lambda v: v.axis(["oak"], ["fir"]), UnknownKeyError, "'fir'"),
    (lambda v: v.axis([], ["oak"]), ConfigError, "at least one key"),
]


@pytest.mark.parametrize(("ask", "error", "says"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(v: Vectors, ask, error, says: str) -> None:
    with pytest.raises(error, match=says):
        ask(v)


def test_merge(v: Vectors) -> None:
    other = Vectors(["fir", "elm"], RNG.normal(size=(2, 4)), output=RNG.normal(size=(2, 4)), counts=[7, 5])
    for repeated, elm in (("first", v["elm"]), ("second", other["elm"]), ("mean", (v["elm"] + other["elm"]) / 2)):
        found = v.merge(other, repeated=repeated)
        assert list(found) == [*v, "fir"]
        assert np.array_equal(found["elm"], elm)
        assert np.array_equal(found["fir"], other["fir"])
        assert np.array_equal(found.vectors[[0, 1, 3, 4]], v.vectors[[0, 1, 3, 4]])
        assert np.array_equal(found.output[5], other.output[0])
        assert found.counts.tolist() == [50, 40, 35, 20, 10, 7]
        assert found.nodes is None
    bare = v.merge(a_table(extras=False))
    assert bare.counts is None
    assert bare.output is None


def test_normalise_and_centre(v: Vectors) -> None:
    unit = v.normalise()
    np.testing.assert_allclose(np.linalg.norm(unit.vectors, axis=1), 1, rtol=1e-6)
    assert unit.similarity("oak", "elm") == pytest.approx(v.similarity("oak", "elm"), abs=1e-6)
    np.testing.assert_allclose(v.centre().vectors, v.vectors - v.vectors.mean(axis=0), atol=1e-6)
    for found in (unit, v.centre(), v.all_but_the_top(), v.reduce(2)):
        assert found.output is None
        assert found.nodes is None
        assert np.array_equal(found.counts, v.counts)
    assert np.array_equal(Vectors(["a"], [[0.0, 0]]).normalise().vectors, [[0, 0]])


def test_pca_is_that_of_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    v = a_table(300, 12)
    v = Vectors(list(v), v.vectors * np.linspace(0.5, 3, 12) + 5)
    theirs = decomposition.PCA(5, svd_solver="full").fit(v.vectors)
    ours = v.reduce(5)
    np.testing.assert_allclose(np.abs(ours.vectors), np.abs(theirs.transform(v.vectors)), atol=1e-4)
    kept = ours.provenance["operations"][0]["variance_kept"]
    assert kept == pytest.approx(theirs.explained_variance_ratio_.sum(), abs=1e-5)


def test_fewer_dimensions_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    v = a_table(300, 6)
    whole = v.reduce(3).vectors
    monkeypatch.setattr("firth.vectors.nearest._BLOCK", 60)
    np.testing.assert_allclose(v.reduce(3).vectors, whole, atol=1e-5)


def test_all_but_the_top_is_the_papers() -> None:
    """Mu & Viswanath 2018, algorithm 1, written out."""
    v = a_table(200, 8)
    away = v.vectors - v.vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(away, full_matrices=False)
    for components in (0, 1, 3):
        expected = away - sum((np.outer(away @ u, u) for u in directions[:components]), np.zeros(1))
        np.testing.assert_allclose(v.all_but_the_top(components).vectors, expected, atol=1e-4)
    assert v.all_but_the_top().provenance["operations"] == [{"name": "all_but_the_top", "components": 1}]


# ---------------------------------------------------------------- two spaces


def turned(v: Vectors, noise: float = 0.0, seed: int = 0) -> tuple[Vectors, np.ndarray]:
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(v.dim, v.dim)))
    array = v.vectors @ rotation + noise * rng.normal(size=v.vectors.shape)
    return Vectors([key + "'" for key in v], array), rotation.astype(np.float32)


def test_a_planted_rotation_is_found() -> None:
    v = a_table(100, 6)
    there, rotation = turned(v)
    found = v.align(there, [(key, key + "'") for key in list(v)[:20]])
    np.testing.assert_allclose(found.vectors, there.vectors, atol=1e-4)
    np.testing.assert_allclose(found.output, v.output @ rotation, atol=1e-4)
    np.testing.assert_allclose(found.nodes, v.nodes @ rotation, atol=1e-4)
    assert found.provenance["operations"][0]["anchors"] == 20
    assert found.provenance["operations"][0]["mean_cosine"] == pytest.approx(1, abs=1e-5)
    near = found.translate(list(v), there, topn=1)
    assert [pair[0][0] for pair in near] == list(there)


def test_alignment_is_scipys() -> None:
    from scipy.linalg import orthogonal_procrustes

    one, two = RNG.normal(size=(30, 5)), RNG.normal(size=(30, 5))
    theirs, _ = orthogonal_procrustes(one, two)
    np.testing.assert_allclose(align.procrustes(one.astype(np.float32), two.astype(np.float32)), theirs, atol=1e-5)


def test_without_a_dictionary_the_keys_in_both_are_the_pairs() -> None:
    v = a_table(50, 4)
    there, _ = turned(v)
    same = there.rename(lambda key: key[:-1] if key < "key3" else key)
    found = v.align(same)
    np.testing.assert_allclose(found.vectors, same.vectors, atol=1e-4)
    np.testing.assert_allclose(v.align(v).vectors, v.vectors, atol=1e-5)


def test_a_dictionary_in_a_file(tmp_path) -> None:
    v = a_table(50, 4)
    there, _ = turned(v)
    path = tmp_path / "dictionary.txt"
    path.write_text("".join(f"{key} {key}'\n" for key in list(v)[:10]) + "\nfir\tfir'\n", encoding="utf-8")
    assert v.align(there, path).provenance["operations"][0]["anchors"] == 10
    path.write_text("one two\nthree\n")
    with pytest.raises(InputError, match="line 2: 1 words"):
        v.align(there, path)
    path.write_bytes(b"caf\xe9 x\n")
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        v.align(there, path)


def test_refining_mends_a_poor_dictionary() -> None:
    """Eight of twenty pairs are wrong; what the others find by CSLS outvotes them.

    More pairs than dimensions: fewer leave the rotation open, and each LAPACK closes it in its own way.
    """
    v = a_table(400, 12)
    there, _ = turned(v, noise=0.1)
    keys = list(v)
    wrong = [(key, other + "'") for key, other in pairwise(keys[100:109])]
    pairs = [*((key, key + "'") for key in keys[:12]), *wrong]
    right = {}
    for refine in (0, 5):
        near = v.align(there, pairs, refine=refine).translate(list(v), there, topn=1)
        right[refine] = np.mean([found[0][0] == key + "'" for key, found in zip(v, near, strict=True)])
    assert right[5] > 0.95 > right[0]


def test_csls_is_its_formula() -> None:
    one, two = a_table(60, 5, seed=1), a_table(80, 5, seed=2)
    cosines = one.get_normed_vectors() @ two.get_normed_vectors().T
    here, there = (np.sort(cosines, axis=axis) for axis in (1, 0))
    exact = 2 * cosines - here[:, -10:].mean(axis=1)[:, None] - there[-10:].mean(axis=0)[None]
    found = one.translate(list(one), two, topn=80)
    for row, near in enumerate(found):
        assert [key for key, _ in near] == [two.index_to_key[place] for place in np.argsort(-exact[row])]
        np.testing.assert_allclose([score for _, score in near], np.sort(exact[row])[::-1], atol=1e-5)


def test_csls_passes_by_what_is_near_to_everything() -> None:
    """A key in the middle of a cloud is near to every other cloud around the same middle."""
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(2, 300, 30)) + 8 * np.eye(30)[0]
    here = Vectors([f"k{i}" for i in range(300)], clouds[0])
    there = Vectors([*here, "hub"], np.concatenate([clouds[1], 8 * np.eye(30)[:1]]))
    firsts = {
        csls: sum(found[0][0] == "hub" for found in here.translate(list(here), there, topn=1, csls=csls))
        for csls in (False, True)
    }
    assert firsts[False] > 30
    assert firsts[True] < firsts[False] / 4


# ---------------------------------------------------------------- an axis


def test_an_axis() -> None:
    """Size along one dimension, kind along others."""
    keys = ["ant", "mouse", "dog", "horse", "whale"]
    array = np.array([[-2, 1, 0], [-1, 0, 1], [0, 1, 1], [1, 0, 1], [2, 1, 0]], np.float32)
    v = Vectors(keys, array, output=array[::-1].copy())
    size = v.axis(["whale", "horse"], ["ant", "mouse"])
    np.testing.assert_allclose(size.direction, [1, 0, 0], atol=1e-6)
    assert [key for key, _ in size.scores(["dog", "ant", "whale"])] == ["whale", "dog", "ant"]
    assert dict(size.scores("whale"))["whale"] == pytest.approx(2 / np.sqrt(5))
    large, small = size.ends(topn=2)
    assert [key for key, _ in large] == ["whale", "horse"]
    assert [key for key, _ in small] == ["ant", "mouse"]
    assert small[0][1] == pytest.approx(-2 / np.sqrt(5))
    assert size.ends(topn=1, where=["dog", "mouse"])[0][0][0] == "dog"
    assert v.axis(["ant"], ["whale"], which="output").direction[0] > 0


def test_operations_on_an_opened_model(tmp_path, v: Vectors) -> None:
    v.save(tmp_path / "model")
    opened = load(tmp_path / "model")
    for found in (opened.subset(["elm"]), opened.normalise(), opened.reduce(2), opened.align(v), opened.merge(v)):
        found.save(tmp_path / "new")
        again = load(tmp_path / "new")
        assert again.provenance == found.provenance
        assert np.array_equal(again.vectors, found.vectors)
