"""firth plot."""

import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")


def test_words_arrows_and_neighbours(run, model, tmp_path) -> None:
    path = tmp_path / "map.png"
    ran = run("plot", model, "oak", "elm", "-o", path)
    assert ran.rows == [[str(path)]]
    assert path.stat().st_size > 1000
    ran = run("plot", model, "--arrows", "oak:elm", "car:bus", "--nearest-to", "ash", "-n", 2, "-o", path, "--json")
    assert ran.json == {"path": str(path), "words": 5}
    assert run("plot", model, "--most-frequent", 3, "-o", tmp_path / "m.html", "--json").json["words"] == 3


def test_the_loss_of_a_run(run, text, tmp_path) -> None:
    small = ("--dim", 8, "--min-count", 1, "--epochs", 2, "--threads", 1)
    assert run("train", "word2vec", text, "-o", tmp_path / "new", *small).code == 0
    assert run("plot", tmp_path / "new", "--loss", "-o", tmp_path / "loss.svg").code == 0
    assert "held out" not in (tmp_path / "loss.svg").read_text()


def test_what_cannot_be_drawn(run, model, tmp_path) -> None:
    ran = run("plot", model, "--loss", "-o", tmp_path / "loss.png")
    assert ran.code == 3
    assert "does not say how its loss went" in ran.err
    ran = run("plot", model, "oak", "-o", tmp_path / "map.gif")
    assert ran.code == 2
    assert ".png, .svg, .pdf, .html" in ran.err
    ran = run("plot", model, "--arrows", "oak", "-o", tmp_path / "map.png")
    assert ran.code == 2
    assert "man:woman" in ran.err
    assert run("plot", model, "oak", "--loss", "-o", tmp_path / "map.png").code == 2
    assert run("plot", model, "sky", "-o", tmp_path / "map.png").code == 3
    assert run("plot", model, "oak").code == 2
