"""SIF and uSIF against their formulas, written out."""

import numpy as np
import pytest

from firth import Vectors
from firth.errors import ConfigError, InputError

RNG = np.random.default_rng(12)
WORDS = ["the", "of", "cat", "dog", "tree", "树"]
COUNTS = np.array([5000, 3000, 40, 30, 20, 2])
V = Vectors(WORDS, RNG.normal(size=(6, 4)), counts=COUNTS)
TEXTS = ["the cat of the tree", "dog of dog", "树 the", "nothing known", "tree"]


def known(text: str) -> list[str]:
    return [word for word in text.split() if word in V]


def sif() -> np.ndarray:
    means = []
    for text in TEXTS:
        terms = [1e-3 / (1e-3 + COUNTS[V.get_index(w)] / COUNTS.sum()) * V[w] for w in known(text)]
        means.append(sum(terms, np.zeros(4)) / max(1, len(terms)))
    array = np.array(means)
    u = np.linalg.svd(array[[0, 1, 2, 4]])[2][0]
    return array - np.outer(array @ u, u)


def usif() -> np.ndarray:
    p = COUNTS / COUNTS.sum()
    alpha = np.sum(p > 1 - (1 - 1 / 6) ** 11) / 6 or 1 / 6
    a = (1 - alpha) / (alpha * 3)
    means = []
    for text in TEXTS:
        if not known(text):
            means.append(np.zeros(4))
            continue
        vectors = np.array([V[w] for w in known(text)], np.float64)
        vectors = vectors / np.linalg.norm(vectors, axis=0)
        weights = np.array([a / (a / 2 + p[V.get_index(w)]) for w in known(text)])
        means.append((weights[:, None] * vectors).mean(axis=0))
    array = np.array(means)
    _, sigma, directions = np.linalg.svd(array[[0, 1, 2, 4]])
    shares = sigma[:5] ** 2 / (sigma[:5] ** 2).sum()
    return array - sum(share * np.outer(array @ u, u) for share, u in zip(shares, directions, strict=False))


@pytest.mark.parametrize(("pooling", "written_out"), [("sif", sif), ("usif", usif)])
def test_the_formula(pooling: str, written_out) -> None:
    found = V.encode(TEXTS, pooling)
    np.testing.assert_allclose(found, written_out(), atol=1e-5)
    assert not found[3].any()


@pytest.mark.parametrize("pooling", ["sif", "usif"])
def test_one_text_at_a_time_with_what_others_have_in_common(pooling: str) -> None:
    common = V.common_directions(TEXTS, pooling)
    assert len(common) == (1 if pooling == "sif" else 4)
    whole = V.encode(TEXTS, pooling)
    for text, vector in zip(TEXTS, whole, strict=True):
        np.testing.assert_allclose(V.encode([text], pooling, common=common)[0], vector, atol=1e-5)
    assert V.similar_by_text("the cat", topn=1)[0][0] in WORDS


def test_frequent_words_count_for_little() -> None:
    nothing = np.zeros((1, 4))
    plain, smooth = (V.encode(["the of the cat"], pooling, common=nothing)[0] for pooling in ("mean", "sif"))
    cosines = [vector @ V["cat"] / np.linalg.norm(vector) / np.linalg.norm(V["cat"]) for vector in (plain, smooth)]
    assert cosines[1] > 0.99 > cosines[0]


def test_what_is_refused() -> None:
    for pooling in ("sif", "usif"):
        with pytest.raises(InputError, match="at least two"):
            V.encode(["the cat"], pooling)
        with pytest.raises(InputError, match="without counts"):
            Vectors(WORDS, V.vectors).encode(TEXTS, pooling)
    with pytest.raises(ConfigError, match="'mean', 'sum', 'sif' or 'usif'"):
        V.encode(TEXTS, "max")
    with pytest.raises(ConfigError, match="take nothing out"):
        V.common_directions(TEXTS, "mean")
    with pytest.raises(InputError, match="has 4 numbers"):
        V.encode(TEXTS, "sif", common=np.zeros((1, 3)))
