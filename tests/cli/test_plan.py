"""firth plan."""

import pytest

from firth import machine


def test_plan_says_what_a_run_needs(run, text) -> None:
    ran = run("plan", text, "--min-count", 1, "--dim", 8, "--threads", 1)
    assert ran.code == 0
    rows = dict(row for row in ran.rows if row[0])
    assert rows["words"].startswith("500, 5.0 a sentence")
    assert rows["vocabulary"] == "6 words"
    assert "all of it" in rows["read"]
    assert "epochs=" in ran.err  # advice is talk


def test_plan_as_json(run, text, tmp_path) -> None:
    (tmp_path / "run.toml").write_text("dim = 16\n")
    document = run("plan", text, "--config", tmp_path / "run.toml", "--min-count", 1, "--json").json
    assert (document["config"]["dim"], document["vocabulary"], document["fits"]) == (16, 6, True)
    assert document["zipf_slope"] is None


def test_plan_takes_the_options_of_a_text_and_of_a_run(run, text, tmp_path) -> None:
    document = run("plan", text, "--tokenizer", "words", "--threads", 1, "--workdir", tmp_path, "--json").json
    assert document["threads"] == 1
    (tmp_path / "large.txt").write_text("some words of a line\n" * 50_000)
    assert run("plan", tmp_path / "large.txt", "--megabytes", 0.1, "--json").json["sampled"] < 0.2


def test_what_cannot_fit_is_shown_and_refused(run, text, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_available", lambda: 80 << 20)
    ran = run("plan", text, "--min-count", 1, "--dim", 10_000_000)
    assert ran.code == 4
    assert "not tried" in ran.out
    assert "max_vocab=" in ran.err


def test_stdin_is_refused(run) -> None:
    ran = run("plan", "-", stdin="a b c\n")
    assert ran.code == 3
    assert "only once" in ran.err
