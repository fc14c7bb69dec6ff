"""Node2Vec and ProNE: every option does something, communities and roles are found, bytes repeat, wrong input."""

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError, DivergenceError, InputError

RANDOM = np.random.default_rng(0)
GRAPH = firth.Graph(np.unique(RANDOM.integers(0, 40, (160, 2)), axis=0))
RUN = ("workdir", "resume", "checkpoint_every", "callbacks", "threads")
OTHER = {
    "dim": 9,
    "walks": 4,
    "length": 5,
    "p": 0.1,
    "q": 5.0,
    "window": 1,
    "shrink_windows": False,
    "loss": "hs",
    "subsample": 1e-3,
    "negatives": 2,
    "ns_exponent": 0.0,
    "lr": 0.1,
    "min_lr": 0.01,
    "seed": 2,
    "deterministic": True,
}


def two_communities(size: int = 12) -> list[tuple[str, str]]:
    """Two cliques and one bridge."""
    names = [[f"{side}{i}" for i in range(size)] for side in "ab"]
    inside = [(u, v) for group in names for u in group for v in group if u < v]
    return [*inside, (names[0][0], names[1][0])]


def fit(source=GRAPH, **options):
    run = {"threads": 1, **{name: options.pop(name) for name in RUN if name in options}}
    return firth.Node2Vec(**{"dim": 8, "walks": 3, "length": 10, "window": 3, **options}).fit(source, **run)


@pytest.mark.parametrize("option", sorted(set(field_names(firth.Node2Vec)) - {"metapath"}))
def test_every_option_does_something(option):
    plain, other = fit(), fit(**{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.Node2Vec)) == set(field_names(firth.Node2Vec))


def test_what_comes_back():
    heard = []
    vectors = fit(callbacks=[heard.append])
    assert vectors.index_to_key == GRAPH.keys
    assert vectors.vectors.shape == vectors.output.shape == (len(GRAPH), 8)
    assert (vectors.counts > 0).all() and vectors.counts.sum() == 10 * len(GRAPH)
    assert vectors.config["graph"] == {"directed": False, "weighted": False, "edges": GRAPH.edges}
    assert [epoch.number for epoch in heard] == [1, 2, 3]
    assert heard[0].words == 10 * len(GRAPH)
    assert heard[0].loss > heard[2].loss
    assert fit(loss="hs").output is None


@pytest.mark.parametrize("how", [{}, {"p": 0.25, "q": 4.0}, {"p": 4.0, "q": 0.25}, {"loss": "hs"}])
def test_communities_are_found(how):
    vectors = firth.Node2Vec(dim=16, walks=20, length=20, window=4, lr=0.05, **how).fit(two_communities(), threads=1)
    near = [key for key, _ in vectors.most_similar("a3", topn=10)]
    assert all(key.startswith("a") for key in near)


def test_a_seed_gives_equal_bytes():
    assert fit().vectors.tobytes() == fit().vectors.tobytes()
    assert fit(q=2.0).vectors.tobytes() == fit(q=2.0).vectors.tobytes()


@pytest.mark.parametrize("threads", [2, 3])
def test_deterministic_at_any_number_of_threads(threads):
    alone, together = (fit(deterministic=True, threads=n).vectors.tobytes() for n in (1, threads))
    assert alone == together


def test_weights_and_directions_matter():
    edges = [(u, v, 1.0 + (u + v) % 7) for u, v in np.unique(RANDOM.integers(0, 30, (90, 2)), axis=0).tolist()]
    found = [fit(firth.Graph(edges, **how)).vectors.tobytes() for how in ({}, {"weighted": False}, {"directed": True})]
    assert len(set(found)) == 3


def test_nodes_without_an_edge_have_zeros():
    graph = firth.Graph([("a", "b"), ("b", "c")], nodes=["lone", "a", "b", "c"])
    for vectors in (fit(graph), firth.ProNE(dim=2).fit(graph)):
        assert not vectors["lone"].any() and vectors["a"].any()
        assert vectors.get_vecattr("lone", "count") == 0


def test_dead_ends_do_not_stop_a_pass():
    chain = firth.Graph([(i, i + 1) for i in range(50)], directed=True)
    vectors = fit(chain, length=30)
    assert vectors.provenance["epochs"][-1]["examples"] > 0
    assert vectors["50"].any()  # nothing leads away from it, but walks come there


def test_metapaths():
    """Authors of one venue come together although authors are only ever beside papers."""
    edges, types = [], {}
    for venue in "xy":
        for i in range(12):
            paper = f"p{venue}{i}"
            edges += [(paper, venue), (paper, f"a{venue}{i % 6}"), (paper, f"a{venue}{(i + 1) % 6}")]
            types |= {paper: "paper", venue: "venue", f"a{venue}{i % 6}": "author"}
    edges += [("ax0", "ay0")]  # an edge that no metapath takes
    graph = firth.Graph(edges, types=types)
    path = ("author", "paper", "venue", "paper", "author")
    vectors = firth.Node2Vec(metapath=path, dim=8, walks=30, length=20, window=4, lr=0.05).fit(graph, threads=1)
    assert {key[:2] for key, _ in vectors.most_similar("ax1", topn=5, where={"prefix": "a"})} == {"ax"}
    for wrong, says in [
        ({"metapath": ("author", "paper")}, "ends with the type it begins with"),
        ({"metapath": ("author", "paprika", "author")}, "Did you mean 'paper'"),
        ({"metapath": path, "q": 2.0}, "leave p and q at 1"),
    ]:
        with pytest.raises(ConfigError, match=says):
            fit(graph, **wrong)
    with pytest.raises(ConfigError, match="needs the types"):
        fit(metapath=path)
    with pytest.raises(InputError, match="No edge leads from a node of type 'author' to one of type 'venue'"):
        fit(graph, metapath=("author", "venue", "author"))


class StoppedError(Exception):
    pass


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(tmp_path):
    def stop(epoch):
        if epoch.number == 2:
            raise StoppedError

    whole = fit(walks=4)
    with pytest.raises(StoppedError):
        fit(walks=4, workdir=tmp_path, checkpoint_every=1e-6, callbacks=[stop])
    heard = []
    resumed = fit(walks=4, workdir=tmp_path, resume=True, callbacks=[heard.append])
    assert [epoch.number for epoch in heard] == [3, 4]
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()
    with pytest.raises(ConfigError, match=r"another run: q was 1\.0, is 0\.5"):
        fit(walks=4, workdir=tmp_path, resume=True, q=0.5)
    with pytest.raises(ConfigError, match="lie in workdir"):
        fit(checkpoint_every="1h")


@pytest.mark.parametrize(
    "options",
    [
        {"p": 0},
        {"q": -1},
        {"p": float("nan")},
        {"length": 1},
        {"walks": 0},
        {"window": 0},
        {"loss": "softmax"},
        {"p": None},
    ],
)
def test_options_that_cannot_be(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        firth.Node2Vec(**options)


def test_peers_names():
    model = firth.Node2Vec.of(dimensions=5, num_walks=3, walk_length=7, negative=2)
    assert (model.dim, model.walks, model.length, model.negatives) == (5, 3, 7, 2)
    assert firth.Node2Vec.preset("deepwalk").loss == "hs"


def test_divergence_is_seen():
    with pytest.raises(DivergenceError, match="Lower lr"):
        fit(lr=1e6, walks=20)


def test_save_and_load(tmp_path):
    vectors = fit()
    vectors.save(tmp_path / "m")
    found = firth.load(tmp_path / "m")
    assert found.config == vectors.config
    assert np.array_equal(found.vectors, vectors.vectors)
