"""LINE and infer: every option, what each order makes alike, directions, new nodes, wrong input."""

import numpy as np
import pytest

import firth
from firth.config import field_docs, field_names
from firth.errors import ConfigError, InputError

RANDOM = np.random.default_rng(0)
GRAPH = firth.Graph(np.unique(RANDOM.integers(0, 40, (160, 2)), axis=0))
OTHER = {
    "dim": 10,
    "order": "second",
    "epochs": 4,
    "negatives": 2,
    "ns_exponent": 0.0,
    "lr": 0.1,
    "min_lr": 0.01,
    "seed": 2,
    "deterministic": True,
}


def fit(source=GRAPH, threads=1, **options):
    return firth.LINE(**{"dim": 8, "epochs": 3, **options}).fit(source, threads=threads)


@pytest.mark.parametrize("option", field_names(firth.LINE))
def test_every_option_does_something(option):
    plain, other = fit(), fit(**{option: OTHER[option]})
    assert plain.vectors.shape != other.vectors.shape or not np.array_equal(plain.vectors, other.vectors)
    assert other.config["model"][option] == OTHER[option]


def test_every_option_is_documented():
    assert set(field_docs(firth.LINE)) == set(field_names(firth.LINE))


def test_what_comes_back():
    first, second, both = (fit(order=order, dim=8) for order in ("first", "second", "both"))
    assert first.output is None and both.output is None and second.output.shape == (len(GRAPH), 8)
    assert len(both.provenance["epochs"]) == 2 * len(first.provenance["epochs"]) == 6
    halves = both.vectors.reshape(len(GRAPH), 2, 4)
    assert np.linalg.norm(halves, axis=2) == pytest.approx(1.0, abs=1e-5)
    alone = fit(order="first", dim=4).vectors
    assert halves[:, 0] == pytest.approx(alone / np.linalg.norm(alone, axis=1, keepdims=True), abs=1e-6)
    assert both.counts.tolist() == (GRAPH.degrees).tolist()


def test_what_each_order_makes_alike():
    """Two hubs with the same leaves and no edge between them: alike of second order, not of first."""
    edges = [(hub, f"leaf{i}") for hub in ("hub1", "hub2") for i in range(12)]
    edges += [("far", f"other{i}") for i in range(12)]
    first, second = (
        firth.LINE(order=order, dim=16, epochs=400, lr=0.05).fit(edges, threads=1) for order in ("first", "second")
    )
    assert second.similarity("hub1", "hub2") > 0.9 > second.similarity("hub1", "leaf0") + 0.3
    assert first.similarity("hub1", "leaf0") > first.similarity("hub1", "other3") + 0.3


def test_directions():
    """Of a directed graph a node is held against where its edges lead, and a sink learns nothing."""
    edges = [("a", "x"), ("b", "x"), ("a", "y"), ("b", "y"), ("c", "z"), ("d", "z"), ("c", "w"), ("d", "w")]
    graph = firth.Graph(edges, directed=True)
    vectors = fit(graph, order="second", epochs=600, lr=0.05)
    assert vectors.similarity("a", "b") > 0.9 > vectors.similarity("a", "c") + 0.3
    assert not vectors["x"].any()
    score = vectors["a"] @ vectors.output[vectors.key_to_index["x"]]
    assert score > vectors["a"] @ vectors.output[vectors.key_to_index["z"]] + 1
    assert not (vectors.output[vectors.key_to_index["a"]] @ vectors["b"]) > 0  # never a target, at most noise
    for order in ("first", "both"):
        with pytest.raises(ConfigError, match="a direction denies"):
            fit(graph, order=order)


def test_weights_matter():
    light = [("a", "b", 1.0), ("a", "c", 1.0), ("b", "c", 1.0), ("c", "d", 1.0), ("d", "a", 2.0)]
    heavy = [("a", "b", 50.0), *light[1:]]
    assert fit(light, dim=4).vectors.tobytes() != fit(heavy, dim=4).vectors.tobytes()
    assert fit(heavy, dim=4).counts.tolist() == [5, 5, 1, 1]


def test_bytes_repeat():
    assert fit().vectors.tobytes() == fit().vectors.tobytes()


def test_an_odd_dim_is_refused():
    with pytest.raises(ConfigError, match="dim must be even, not 7"):
        fit(dim=7)
    assert fit(dim=7, order="first").dim == 7


@pytest.mark.parametrize("stopped_in", [2, 5])
def test_checkpoints_of_both_orders(tmp_path, stopped_in):
    model, whole = firth.LINE(dim=8, epochs=3), fit()

    def stop(epoch):
        stop.count += 1
        if stop.count == stopped_in:
            raise KeyboardInterrupt

    stop.count = 0
    with pytest.raises(KeyboardInterrupt):
        model.fit(GRAPH, threads=1, workdir=tmp_path, checkpoint_every="1h", callbacks=[stop])
    resumed = model.fit(GRAPH, threads=1, workdir=tmp_path, resume=True)
    assert resumed.vectors.tobytes() == whole.vectors.tobytes()


def test_new_nodes_are_where_their_neighbours_are():
    known = firth.Vectors(["a", "b", "c"], [[2.0, 0], [0, 2.0], [0, 4.0]], config={"model": {"name": "node2vec"}})
    new = firth.infer(known, [("x", "a", 3.0), ("x", "b", 1.0), ("y", "x", 1.0), ("u", "v", 1.0), ("c", "z", 5.0)])
    assert new.index_to_key == ["x", "y", "u", "v", "z"]
    assert new["x"] / new["x"].sum() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert np.linalg.norm(new["x"]) == pytest.approx(2.0, abs=1e-3)
    assert new.similarity("x", "y") == pytest.approx(1.0, abs=1e-5)  # y hangs on x alone
    assert not new["u"].any() and not new["v"].any()
    assert new["z"].tolist() == [0.0, 4.0]
    assert new.config == known.config and new.counts.tolist() == [3, 1, 1, 1, 1]
    directed = firth.infer(known, firth.Graph([("a", "x"), ("x", "b")], directed=True))
    assert directed["x"][0] == pytest.approx(directed["x"][1])
    with pytest.raises(InputError, match="have vectors already"):
        firth.infer(known, [("a", "b")])
    with pytest.raises(InputError, match="None of the 2 nodes"):
        firth.infer(known, [("u", "v")])


def test_new_nodes_of_a_learnt_graph_join_their_community():
    groups = [[f"{side}{i}" for i in range(12)] for side in "ab"]
    edges = [(u, v) for group in groups for u in group for v in group if u < v] + [("a0", "b0")]
    vectors = firth.ProNE(dim=8).fit(edges)
    new = firth.infer(vectors, [("new", "a1"), ("new", "a2"), ("new", "a5")])
    near = vectors.similar_by_vector(new["new"], topn=8)
    assert all(key.startswith("a") for key, _ in near)
