"""firth tune."""

import pytest


@pytest.fixture
def rated(tmp_path):
    path = tmp_path / "rated.tsv"
    path.write_text("oak elm 9\ncar bus 8\noak bus 1\nelm car 1\n")
    return path


def tune(run, text, *words):
    return run("tune", "word2vec", text, "--dim", 8, "--epochs", 1, "--threads", 1, *words)


def test_tune_shows_a_table_and_the_command(run, text, rated) -> None:
    ran = tune(run, text, "--similarity", rated, "--space", "window=1,2", "lr=0.01..0.1:log", "--trials", 3)
    assert ran.code == 0
    assert len(ran.rows) == 3
    assert {row[4] for row in ran.rows} == {"0", "1", "2"}
    assert any("as given" in row for row in ran.rows)
    assert f"firth train word2vec {text} -o MODEL --dim 8" in ran.err
    assert "rung 1, trial 0:" in ran.err


def test_tune_as_json(run, text, rated, tmp_path) -> None:
    words = ("--similarity", rated, "--space", "window=1,2,3", "--trials", 2, "--json")
    document = tune(run, text, *words).json
    assert document["metric"] == "similarity"
    assert document["best"]["dim"] == 8
    one, other = (
        [
            trial["options"]
            for trial in sorted(tune(run, text, *words, "--search-seed", seed).json["trials"], key=number)
        ]
        for seed in (1, 1)
    )
    assert one == other
    (tmp_path / "run.toml").write_text("dim = 4\nepochs = 1\n")
    ran = run("tune", "word2vec", text, "--config", tmp_path / "run.toml", *words)
    assert ran.json["best"]["dim"] == 4


def number(trial):
    return trial["number"]


def test_other_seeds_try_others(run, text, rated) -> None:
    words = ("--similarity", rated, "--space", "lr=0.01..0.1", "--trials", 3, "--json")
    tried = [
        sorted(str(trial["options"]) for trial in tune(run, text, *words, "--search-seed", seed).json["trials"])
        for seed in (1, 2)
    ]
    assert tried[0] != tried[1]


def test_analogies_and_held_out_loss(run, text, tmp_path) -> None:
    (tmp_path / "q.txt").write_text(": s\noak elm car bus\n")
    words = ("--space", "lr=0.05", "--trials", 1, "--json")
    assert tune(run, text, "--analogies", tmp_path / "q.txt", *words).json["metric"] == "analogies"
    assert tune(run, text, "--validation", 0.2, *words).json["trials"][0]["score"] < 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "By what?"),
        (["--validation", 0.1, "--similarity", "F"], "By what?"),
        (["--validation", 0.1, "--space", "lr"], "no part of a space"),
        (["--validation", 0.1, "--space", "window=1,2"], "cannot be searched"),
        (["--validation", 0.1, "--minutes", 0], "minutes"),
    ],
)
def test_usage(run, text, words, says) -> None:
    ran = tune(run, text, *words)
    assert ran.code == 2
    assert says in ran.err
