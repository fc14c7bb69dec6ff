"""firth inspect."""


def test_tokens_are_those_that_training_sees(run, text) -> None:
    assert run("inspect", "tokens", text, "--lines", 2).out == "the oak and the elm\nthe car and the bus\n"
    assert run("inspect", "tokens", text, "-n", 1, "--min-count", 100).out == "the and the\n"
    assert run("inspect", "tokens", text, "-n", 1, "--json").json == [["the", "oak", "and", "the", "elm"]]
    assert len(run("inspect", "tokens", text).rows) == 10


def test_tokens_take_the_options_of_a_text(run, tmp_path) -> None:
    path = tmp_path / "t.txt"
    path.write_text("Oaks, elms.\n")
    assert run("inspect", "tokens", path).out == "Oaks, elms.\n"
    assert run("inspect", "tokens", path, "--tokenizer", "words", "--lower").out == "oaks elms\n"


def test_vocabulary(run, text) -> None:
    ran = run("inspect", "vocabulary", text, "--lines", 3)
    assert ran.rows == [["the", "200"], ["and", "100"], ["bus", "50"]]
    assert "6 words are kept" in ran.err
    document = run("inspect", "vocabulary", text, "--min-count", 60, "--json").json
    assert document == {"words": 2, "tokens": 300, "most_frequent": {"the": 200, "and": 100}}
    assert run("inspect", "vocabulary", text, "--max-vocab", 1).rows == [["the", "200"]]


def test_nothing_left_to_show(run, text) -> None:
    ran = run("inspect", "vocabulary", text, "--min-count", 1000)
    assert ran.code == 3
    assert "min_count" in ran.err
