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
    measures = [(row[0], Path(row[1]).name, row[3], row[4], row[5]) for row in rows]
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
