"""firth evaluate."""

from pathlib import Path

import pytest


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "questions.txt"
    path.write_text(": turns\noak elm car bus\noak elm bus oak\noak elm sky sea\n")
    return path


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    path = tmp_path / "rated.tsv"
    path.write_text("oak\telm\t9\noak\tcar\t2\ncar\tbus\t8\noak\tsky\t1\n")
    return path


def test_analogies_and_pairs(run, model, questions, rated) -> None:
    rows = run("evaluate", model, "--analogies", questions, "--similarity", rated).rows
    measures = [(row[0], Path(row[1]).name, row[3], row[6], row[7]) for row in rows]
    assert measures[0] == ("accuracy", "questions.txt", "0.5000", "2", "3")
    assert measures[-1][0:2] == ("spearman", "rated.tsv")
    assert measures[-1][3:] == ("3", "4")
    assert rows[0][2] == "turns"


def test_as_json(run, model, questions, rated) -> None:
    document = run("evaluate", model, "--analogies", questions, "--similarity", rated, rated, "--json").json
    assert document["analogies"][0]["accuracy"] == 0.5
    assert [each["n"] for each in document["similarity"]] == [3, 3]


def test_one_of_the_two_is_enough(run, model, questions, rated) -> None:
    assert {row[0] for row in run("evaluate", model, "--analogies", questions).rows} == {"accuracy"}
    assert {row[0] for row in run("evaluate", model, "--similarity", rated).rows} == {"spearman"}


def test_restrict_vocab(run, model, questions) -> None:
    document = run("evaluate", model, "--analogies", questions, "--restrict-vocab", 4, "--json").json
    assert document["analogies"][0]["unknown"] == 3


def test_which(run, model, rated) -> None:
    scores = {
        run("evaluate", model, "--similarity", rated, "--which", which).rows[0][3] for which in ("input", "output")
    }
    assert len(scores) == 2


def test_a_file_that_is_not_there_or_something_else(run, model, tmp_path, rated) -> None:
    ran = run("evaluate", model, "--analogies", tmp_path / "missing")
    assert ran.code == 3
    assert "missing" in ran.err
    ran = run("evaluate", model, "--analogies", rated)
    assert ran.code == 3
    assert "rated.tsv" in ran.err


def test_every_line_has_an_interval(run, model, questions, rated) -> None:
    for row in run("evaluate", model, "--analogies", questions, "--similarity", rated).rows:
        low, score, high = float(row[4]), float(row[3]), float(row[5])
        assert low <= score <= high


def test_a_suite(run, model, questions, rated, tmp_path) -> None:
    (tmp_path / "suite").mkdir()
    questions.rename(tmp_path / "suite/q.txt")
    rated.rename(tmp_path / "suite/r.tsv")
    (tmp_path / "suite/notes.md").write_text("These files are mine.\n")
    ran = run("evaluate", model, "--suite", tmp_path / "suite")
    assert [row[:3] for row in ran.rows] == [["accuracy", "q.txt", ""], ["spearman", "r.tsv", ""]]
    assert "not asked: " in ran.err
    assert "notes.md is of no kind" in ran.err
    document = run("evaluate", model, "--suite", tmp_path / "suite", "--json").json
    assert document["analogies"][0]["accuracy"] == 0.5
    assert len(document["skipped"]) == 1


def test_outliers_and_three_cos_mul(run, model, questions, tmp_path) -> None:
    (tmp_path / "outliers").write_text("oak\nelm\nash\n\ncar\nbus\n")
    rows = run("evaluate", model, "--outliers", tmp_path / "outliers").rows
    assert rows[0][0] == "outliers found"
    assert rows[0][3] == "1.0000"
    assert run("evaluate", model, "--analogies", questions, "--method", "mul").code == 0
    assert run("evaluate", model, "--analogies", questions, "--method", "no").code == 2


def test_nothing_to_score_on(run, model) -> None:
    ran = run("evaluate", model)
    assert ran.code == 2
    assert "--suite FOLDER" in ran.err
