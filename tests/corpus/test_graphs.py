"""Graphs from anything: the same nodes and edges, whatever they were read from; what cannot be an edge is refused."""

import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse

from firth import Graph
from firth.errors import ConfigError, EncodingError, InputError, MissingInputError, UnknownKeyError

PAIRS = [("b", "a"), ("a", "c"), ("c", "d"), ("d", "b"), ("b", "c")]
TRIPLES = [(*pair, weight) for pair, weight in zip(PAIRS, [1.0, 2.5, 0.5, 4.0, 3.0], strict=True)]


def edges(graph: Graph) -> dict[tuple[str, str], float]:
    rows, columns, weights = graph.links()
    values = np.ones(len(rows)) if weights is None else weights
    names = graph.keys
    return {(names[u], names[v]): float(w) for u, v, w in zip(rows, columns, values, strict=True)}


def lines(rows) -> str:
    return "# a comment\n\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows)


def csv(rows, mark=",") -> str:
    return (
        mark.join(["from", "to", "weight"][: len(rows[0])])
        + "\n"
        + "".join(mark.join(map(str, r)) + "\n" for r in rows)
    )


def frame(rows):
    return pd.DataFrame(rows, columns=["from", "to", "weight"][: len(rows[0])])


@pytest.mark.parametrize("rows", [PAIRS, TRIPLES])
@pytest.mark.parametrize(
    "kind",
    ["lines", "gzip", "tabs", "csv", "tsv", "parquet", "parts", "pandas", "polars", "arrow", "pairs", "strings"],
)
def test_every_source_gives_the_same_graph(kind, rows, tmp_path):
    path, options = tmp_path / "g.edges", {}
    match kind:
        case "lines":
            path.write_text(lines(rows))
        case "gzip":
            path = tmp_path / "g.edges.gz"
            path.write_bytes(gzip.compress(lines(rows).encode()))
        case "tabs":
            path.write_text(lines(rows).replace(" ", "\t \t"))
        case "csv" | "tsv":
            path = tmp_path / f"g.{kind}"
            path.write_text(csv(rows, "," if kind == "csv" else "\t"))
        case "parquet":
            pq.write_table(pa.Table.from_pandas(frame(rows)), path)
        case "parts":
            (tmp_path / "parts").mkdir()
            path = tmp_path / "parts"
            (path / "1").write_text(lines(rows[:2]))
            (path / "2").write_text(lines(rows[2:]))
        case "pandas":
            path = frame(rows)
        case "polars":
            path = pl.from_pandas(frame(rows))
        case "arrow":
            path = pa.Table.from_pandas(frame(rows))
        case "pairs":
            path = iter(rows)
        case "strings":
            path = [" ".join(map(str, row)) for row in rows]
    graph = Graph(path, **options)
    assert graph.keys == ["b", "a", "c", "d"]
    expected = {(u, v): (w or [1.0])[0] for u, v, *w in rows}
    assert edges(graph) == expected | {(v, u): w for (u, v), w in expected.items()}
    assert edges(Graph(path if kind != "pairs" else rows, directed=True)) == expected
    assert (len(graph), graph.edges) == (4, 5)


def test_arrays_and_matrices():
    index = np.array([[0, 1, 7, 2**40], [1, 7, 2**40, 0]])
    graph = Graph(index)
    assert graph.keys == ["0", "1", "7", str(2**40)]
    for same in (index.T, (index[0], index[1]), [index[0], index[1]]):
        assert edges(Graph(same)) == edges(graph)
    assert edges(Graph(index, weights=[1, 2, 3, 4], directed=True))["7", str(2**40)] == 3.0
    assert Graph(index[:, :2], nodes=9).degrees.tolist() == [1, 2, 0, 0, 0, 0, 0, 1, 0]
    matrix = scipy.sparse.random_array((6, 6), density=0.5, rng=np.random.default_rng(1)).tocsr()
    for kind in (matrix, matrix.tocoo(), scipy.sparse.csc_matrix(matrix)):
        graph = Graph(kind, directed=True)
        assert np.array_equal(graph.matrix.toarray(), matrix.toarray().astype(np.float32))
    assert Graph(matrix, nodes=list("abcdef")).keys == list("abcdef")
    assert np.array_equal(
        Graph(matrix).matrix.toarray(), np.maximum(matrix.toarray(), matrix.toarray().T).astype(np.float32)
    )


def test_networkx():
    networkx = pytest.importorskip("networkx")
    made = networkx.DiGraph()
    made.add_weighted_edges_from([(1, "b", 2.0), ("b", 3, 0.5)])
    made.add_node("lone")
    graph = Graph(made)
    assert (graph.keys, graph.directed) == (["1", "b", "3", "lone"], True)
    assert edges(graph) == {("1", "b"): 2.0, ("b", "3"): 0.5}
    assert not Graph(made, directed=False).directed
    made.add_edge("1", 1)
    with pytest.raises(InputError, match="both '1' as text"):
        Graph(made)


def test_what_weights_and_repeats_mean():
    assert edges(Graph([("a", "b", 1), ("a", "b", 2), ("b", "a", 5), ("a", "c", 0)], directed=True)) == {
        ("a", "b"): 3.0,
        ("b", "a"): 5.0,
    }
    graph = Graph([("a", "b", 1), ("a", "b", 2), ("b", "a", 5), ("a", "c", 0), ("b", "d", 4)])
    assert edges(graph) == {("a", "b"): 5.0, ("b", "a"): 5.0, ("b", "d"): 4.0, ("d", "b"): 4.0}
    assert graph.degrees.tolist() == [1, 2, 0, 1]  # c is a node, without an edge
    assert edges(Graph([("a", "b"), ("b", "a"), ("a", "b")])) == {("a", "b"): 1.0, ("b", "a"): 1.0}
    assert Graph(TRIPLES, weighted=False).weights is None
    assert Graph([("a", "a"), ("a", "b")]).edges == 2
    assert Graph([("a", "b", 2.0), ("b", "c", 2.0)]).weights is None  # all alike


def test_options_of_nodes_and_types(tmp_path):
    graph = Graph(PAIRS, nodes=["d", "c", "b", "a", "z"], types=dict.fromkeys("abcdz", "letter"))
    assert graph.keys == ["d", "c", "b", "a", "z"]
    assert edges(graph) == edges(Graph(PAIRS))
    (tmp_path / "types").write_text("# types\n" + "".join(f"{key} t{key}\n" for key in "abcd"))
    assert Graph(PAIRS, types=tmp_path / "types").types["c"] == "tc"
    table = pd.DataFrame({"n": [1, 2], "x": ["a", "b"], "y": ["b", "c"], "w": [1.0, 2.0]})
    assert edges(Graph(table, columns=["x", "y", "w"], directed=True)) == {("a", "b"): 1.0, ("b", "c"): 2.0}


def test_what_can_be_asked():
    graph = Graph(PAIRS)
    assert graph.neighbours("b") == ["a", "c", "d"]
    assert "b" in graph and "z" not in graph
    assert list(graph) == graph.keys
    assert Graph.of(graph) is graph
    with pytest.raises(UnknownKeyError, match="none of the 4 nodes"):
        graph.neighbours("z")


@pytest.mark.parametrize("directed", [False, True])
def test_edges_taken_out_for_link_prediction(directed):
    random = np.random.default_rng(0)
    graph = Graph(np.unique(random.integers(0, 60, (300, 2)), axis=0), directed=directed)
    split = graph.without(0.3, seed=4)
    assert split.graph.keys == graph.keys
    assert split.graph.edges + len(split.edges) == graph.edges
    assert len(split.edges) == len(set(split.edges)) == round(0.3 * graph.edges)
    left, whole = edges(split.graph), edges(graph)
    assert all(pair in whole and pair not in left for pair in split.edges)
    assert len(split.others) == len(set(split.others)) == len(split.edges)
    assert all(pair not in whole for pair in split.others)
    connected = split.graph.matrix + split.graph.matrix.T
    assert (connected.sum(axis=1) > 0).all()
    assert graph.without(0.3, seed=4).edges == split.edges != graph.without(0.3, seed=5).edges
    with pytest.raises(ConfigError, match="between 0 and 1"):
        graph.without(1.0)
    with pytest.raises(InputError, match="nothing to tell apart"):
        Graph([("a", "b"), ("b", "c"), ("a", "c")]).without(0.5)


@pytest.mark.parametrize(
    ("source", "options", "error", "says"),
    [
        ("a b\nc\n", {}, InputError, r"line 2: 1 field \('c'\)"),
        ("a b\n\n# x\na b c d\n", {}, InputError, "line 4: 4 fields"),
        ("a b 1\na c\n", {}, InputError, "line 2: 2 fields"),
        ("a b 1\na c x\n", {}, InputError, "line 2: the weight 'x' is no number"),
        ("a b 1\na c -2\n", {}, InputError, "Edge 2, from 'a' to 'c', has the weight -2.0"),
        ("a b nan\n", {}, InputError, "has the weight nan"),
        ("a b inf\n", {}, InputError, "has the weight inf"),
        ("a b 1e38\n" * 9 + "a c 1\n", {}, InputError, "leave the range of float32"),
        ("", {}, InputError, "no edge"),
        ("# nothing\n", {}, InputError, "no edge"),
        ("a b 0\n", {}, InputError, "no edge that weighs more than 0"),
        ("a b\n", {"weighted": True}, InputError, "have no weights"),
        ("a b\n", {"format": "csv"}, InputError, "has the columns 'a b'"),
        ("1,2\n3,4\n", {"format": "csv"}, ConfigError, "looks like an edge"),
        ("u,v\n1,2\n", {"columns": ["u", "w"]}, ConfigError, "no column 'w'"),
        ("u,v\n1,\n", {"format": "csv"}, InputError, "line 2: no node in 'v'"),
        ("a b\n", {"nodes": ["a"]}, InputError, "names the node 'b', which is not in nodes="),
        ("a b\n", {"nodes": ["a", "a", "b"]}, InputError, "names 'a' twice"),
        ("a b\n", {"types": {"a": "x"}}, InputError, "1 of 2 nodes have no type, 'b' for one"),
        ("a b\n", {"format": "gml"}, ConfigError, "Unknown format 'gml'"),
        ("a b\n", {"format": "parquet"}, InputError, "no parquet file"),
        ("a b\n", {"directed": "yes"}, ConfigError, "directed must be"),
        ("a b\n", {"columns": "ab"}, ConfigError, "columns names two"),
        ("a b\n", {"nodes": 0}, ConfigError, "nodes must be"),
        ("a b\n", {"weights": [1]}, ConfigError, "weights= goes with arrays"),
    ],
)
def test_what_is_wrong_is_said(source, options, error, says, tmp_path):
    path = tmp_path / "g"
    path.write_text(source)
    with pytest.raises(error, match=says):
        Graph(path, **options)


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        (7, InputError, "not 7"),
        ([("a",)], InputError, "Edge 1 is"),
        ([("a", "b"), ("a", "b", 1)], InputError, "Edge 2 is"),
        ([("a", None)], InputError, "names the node None"),
        ([("a", 1.5)], InputError, "names the node 1.5"),
        ([("a", "b", "x")], InputError, "the weight 'x' is no number"),
        (np.zeros((3, 3), int), InputError, r"not \[3, 3\]"),
        (np.zeros((2, 3)), InputError, "whole numbers, not float64"),
        (scipy.sparse.eye_array(2, 3), InputError, "square"),
        (pd.DataFrame({"u": [1.5], "v": [2.0]}), InputError, "are double; nodes are text"),
        (pd.DataFrame({"u": ["a"], "v": [None]}), InputError, "no node in 'v'|nodes are text"),
        ("absent.edges", MissingInputError, "No file"),
    ],
)
def test_what_is_no_graph(source, error, says):
    with pytest.raises(error, match=says):
        Graph(source)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "g").write_bytes(b"a b\nc \xff\n")
    with pytest.raises(EncodingError, match="line 2: not UTF-8"):
        Graph(tmp_path / "g")
    (tmp_path / "png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match="a PNG image"):
        Graph(tmp_path / "png")


def test_odd_keys_survive(tmp_path):
    keys = ["北京", "e\u0301", "\u200b", "🙂", "x" * 5000, "-1", "nan"]
    (tmp_path / "g").write_text("".join(f"{key} {keys[0]}\n" for key in keys[1:]), encoding="utf-8")
    assert set(Graph(tmp_path / "g").keys) == set(keys)
