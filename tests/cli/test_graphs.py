"""firth train node2vec|prone, and firth evaluate --nodes --links."""

import pytest

import firth
from firth.cli.run import _are_in

SMALL = ["--dim", 4, "--walks", 2, "--length", 6, "--threads", 1]


@pytest.fixture
def edges(tmp_path):
    path = tmp_path / "g.edges"
    path.write_text(
        "".join(f"a{i} a{j} {1 + (i + j) % 3}\nb{i} b{j} 1\n" for i in range(8) for j in range(i)) + "a0 b0 1\n"
    )
    return path


def test_train_node2vec(run, edges, tmp_path):
    ran = run("train", "node2vec", edges, "-o", tmp_path / "m", *SMALL, "--q", 0.5)
    assert (ran.code, ran.rows) == (0, [[str(tmp_path / "m")]])
    assert "Graph(16 nodes, 57 edges, weighted)" in ran.err
    model = firth.Node2Vec(dim=4, walks=2, length=6, q=0.5)
    assert (firth.load(tmp_path / "m").vectors == model.fit(edges, threads=1).vectors).all()
    document = run(
        "train", "node2vec", edges, "-o", tmp_path / "n", *SMALL, "--directed", "--unweighted", "--json"
    ).json
    assert (document["nodes"], document["edges"], len(document["epochs"])) == (16, 57, 2)
    graph = firth.Graph(edges, directed=True, weighted=False)
    model = firth.Node2Vec(dim=4, walks=2, length=6)
    assert (firth.load(tmp_path / "n").vectors == model.fit(graph, threads=1).vectors).all()


def test_metapaths_on_the_command_line(run, tmp_path):
    (tmp_path / "g.csv").write_text("kind,from,to\nx,a1,p1\nx,a2,p1\nx,a1,p2\n")
    (tmp_path / "types").write_text("a1 author\na2 author\np1 paper\np2 paper\n")
    words = ["--columns", "from", "to", "--types", tmp_path / "types", "--metapath", "author", "--metapath", "paper"]
    ran = run("train", "node2vec", tmp_path / "g.csv", "-o", tmp_path / "m", *SMALL, *words, "--metapath", "author")
    assert ran.code == 0, ran.err
    assert firth.load(tmp_path / "m").config["model"]["metapath"] == ["author", "paper", "author"]


def test_checkpoints_and_resume(run, edges, tmp_path):
    assert run("train", "node2vec", edges, "-o", tmp_path / "m", *SMALL, "--checkpoint-every", "1h").code == 0
    ran = run("train", "node2vec", edges, "-o", tmp_path / "m", *SMALL, "--resume")
    assert (ran.code, "nothing to do" in ran.err) == (0, True)


def test_checkpoints_of_parts_are_seen(tmp_path):
    """LINE learns its two orders one after the other, each with checkpoints of its own."""
    assert not _are_in(tmp_path)
    (tmp_path / "checkpoints/second/000001").mkdir(parents=True)
    (tmp_path / "checkpoints/second/000001/manifest.json").write_text("{}")
    assert _are_in(tmp_path)


def test_train_prone(run, edges, tmp_path):
    ran = run("train", "prone", edges, "-o", tmp_path / "m", "--dim", 4, "--order", 3)
    assert (ran.code, ran.rows) == (0, [[str(tmp_path / "m")]])
    assert (firth.load(tmp_path / "m").vectors == firth.ProNE(dim=4, order=3).fit(edges).vectors).all()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("prone", ["--threads", 2]),
        ("prone", ["--workdir", "w"]),
        ("prone", ["--resume"]),
        ("node2vec", ["--init", "x"]),
    ],
)
def test_options_that_a_model_does_not_have(run, edges, tmp_path, model, words):
    ran = run("train", model, edges, "-o", tmp_path / "m", "--dim", 4, *words)
    assert (ran.code, f"firth train {model} has no {words[0]}." in ran.err) == (2, True)


def test_train_line_and_hold_edges_out(run, edges, tmp_path):
    words = ["--dim", 4, "--epochs", 3, "--order", "first", "--threads", 1, "--hold-out", 0.2]
    ran = run("train", "line", edges, "-o", tmp_path / "m", *words, "--json")
    assert "held out, the lines given: AUC" in ran.err
    split = firth.Graph(edges).without(0.2, seed=1)
    model = firth.LINE(dim=4, epochs=3, order="first")
    assert (firth.load(tmp_path / "m").vectors == model.fit(split.graph, threads=1).vectors).all()
    assert ran.json["links"]["questions"] == 2 * len(split.edges) == 2 * round(0.2 * 57)
    ran = run("train", "line", edges, "-o", tmp_path / "m", *words[:-1], 1)
    assert (ran.code, "between 0 and 1" in ran.err) == (2, True)


def test_evaluate(run, edges, tmp_path):
    run("train", "prone", edges, "-o", tmp_path / "m", "--dim", 4)
    (tmp_path / "labels").write_text("".join(f"{side}{i} {side}\n" for side in "ab" for i in range(8)))
    (tmp_path / "links").write_text("".join(f"a{i} a{i + 1} 1\na{i} b{i + 1} 0\n" for i in range(1, 6)))
    words = ["--nodes", tmp_path / "labels", "--links", tmp_path / "links", "--train", 0.75, "--splits", 3]
    ran = run("evaluate", tmp_path / "m", *words)
    assert ran.code == 0
    assert [row[0] for row in ran.rows] == [
        "micro f1",
        "macro f1",
        "honest micro f1",
        "honest macro f1",
        "accuracy",
        "link AUC",
    ]
    document = run("evaluate", tmp_path / "m", *words, "--by", "dot", "--json").json
    assert len(document["nodes"][0]["splits"]["accuracy"]) == 3
    assert document["nodes"][0]["train"] == 0.75
    assert document["links"][0]["auc"] > 0.9
    ran = run("evaluate", tmp_path / "m")
    assert (ran.code, "--nodes FILE" in ran.err) == (2, True)


def test_what_is_wrong_is_said(run, edges, tmp_path):
    assert run("train", "node2vec", tmp_path / "absent", "-o", tmp_path / "m").code == 3
    ran = run("train", "node2vec", edges, "-o", tmp_path / "m", "--p", 0)
    assert (ran.code, "p must be more than 0" in ran.err) == (2, True)
    ran = run("train", "prone", edges, "-o", tmp_path / "m")
    assert (ran.code, "dim must be less than" in ran.err) == (2, True)
