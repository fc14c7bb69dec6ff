"""firth inspect."""

import dataclasses

import pytest

import firth
from firth.cli.inspect import Windows

WHOLE = ("--min-count", 1, "--subsample", 0)  # every word as it stands
FIXED = (*WHOLE, "--window", 2, "--no-shrink-windows", "--lines", 100)


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


@pytest.fixture
def apple(tmp_path):
    path = tmp_path / "apple.txt"
    path.write_text("There is an apple on the table\n")
    return path


def test_examples_of_skipgram_are_pairs(run, apple) -> None:
    rows = run("inspect", "examples", apple, *FIXED).rows
    assert len(rows) == 22
    assert [context for context, centre in rows if centre == "apple"] == ["is", "an", "on", "the"]
    assert run("inspect", "examples", apple, *FIXED, "--json").json[0] == {"contexts": ["is"], "centre": "There"}


def test_examples_of_cbow_are_bags(run, apple) -> None:
    rows = run("inspect", "examples", apple, *FIXED, "--architecture", "cbow").rows
    assert len(rows) == 7
    assert ["is an on the", "apple"] in rows


def test_every_option_of_examples_does_something(run, apple, text) -> None:
    def shown(path, *flags, **changes):
        options = {"min_count": 1, "subsample": 0, "window": 2, "lines": 10_000, **changes}
        typed = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        return run("inspect", "examples", path, *flags, *typed).rows

    fixed = "--no-shrink-windows"
    assert len(shown(apple, fixed, num_skips=2)) == 14
    assert len(shown(apple, fixed, window=1)) == 12
    assert len(shown(apple, window="sentence")) == 7 * 6
    assert len(shown(apple, fixed, lines=3)) == 3
    assert shown(text) == shown(text) != shown(text, seed=2)
    assert len(shown(text, fixed, subsample=1e-3)) < len(shown(text, fixed)) == 100 * 14
    assert {word for row in shown(text, fixed, min_count=60) for word in row} == {"the", "and"}
    assert {word for row in shown(text, fixed, max_vocab=1) for word in row} == {"the"}


def test_examples_are_those_of_the_first_pass(run, text) -> None:
    """Subsampling and shrinking draw what training draws: as many windows are shown as are learnt from."""
    learnt = []
    model = firth.Word2Vec(architecture="cbow", dim=4, epochs=1, subsample=0.01, seed=5)
    model.fit(text, threads=1, callbacks=[lambda epoch: learnt.append(epoch.examples)])
    options = ("--architecture", "cbow", "--subsample", 0.01, "--seed", 5, "--lines", 10_000)
    assert learnt == [len(run("inspect", "examples", text, *options).rows)]
    assert 0 < learnt[0] < 500


def test_examples_refuse_what_training_refuses(run, apple) -> None:
    ran = run("inspect", "examples", apple, *WHOLE, "--window", 0)
    assert (ran.code, "window must be at least 1" in ran.err) == (2, True)
    assert run("inspect", "examples", apple, "--lines", 0).code == 2


def test_nothing_to_learn_from(run, tmp_path) -> None:
    path = tmp_path / "lonely.txt"
    path.write_text("alone\n" * 5)
    ran = run("inspect", "examples", path)
    assert (ran.code, ran.out, "nothing to learn from" in ran.err) == (0, "", True)


def test_the_options_of_windows_have_the_defaults_of_the_model() -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(firth.Word2Vec)}
    for field in dataclasses.fields(Windows):
        assert field.default == defaults[field.name], field.name


def test_tree_of_a_text(run, text) -> None:
    ran = run("inspect", "tree", text)
    assert ran.rows[0] == ["the", "200", "4:0"]
    assert [row[2].split()[0][:2] for row in ran.rows] == ["4:"] * 6  # the root is above all
    assert "6 words, 5 inner nodes; the root is 4" in ran.err
    document = run("inspect", "tree", text, "--json", "--word", "and").json
    assert document["paths"] == [{"word": "and", "count": 100, "nodes": [4, 3], "branches": [1, 0]}]
    assert document["mean_path"] == pytest.approx((200 * 1 + 100 * 2 + 200 * 4) / 500)
    assert len(run("inspect", "tree", text, "--lines", 2).rows) == 2
    assert len(run("inspect", "tree", text, "--min-count", 60).rows) == 2
    assert len(run("inspect", "tree", text, "--max-vocab", 3).rows) == 3


def test_tree_of_a_model(run, model, tmp_path) -> None:
    ran = run("inspect", "tree", model)
    assert [row[:2] for row in ran.rows][:2] == [["oak", "60"], ["elm", "50"]]
    firth.Vectors(["a", "b"], [[1.0], [2.0]]).save(tmp_path / "uncounted")
    ran = run("inspect", "tree", tmp_path / "uncounted")
    assert (ran.code, "no counts" in ran.err) == (3, True)


def test_tree_of_one_word(run, text) -> None:
    ran = run("inspect", "tree", text, "--max-vocab", 1)
    assert (ran.code, ran.rows) == (0, [["the", "200", ""]])


def test_a_word_that_the_tree_does_not_hold(run, text) -> None:
    ran = run("inspect", "tree", text, "--word", "fir")
    assert (ran.code, "'fir' is not among the 6 words" in ran.err) == (3, True)


def test_chinese_takes_its_options(run, tmp_path) -> None:
    pytest.importorskip("rjieba")
    path, own = tmp_path / "t.txt", tmp_path / "own.txt"
    path.write_text("他来到网易杭研大厦。我爱量子机器狗！\n")
    own.write_text("量子机器狗\n")
    inspect = ("inspect", "tokens", path, "--tokenizer", "chinese")
    assert run(*inspect).out == "他 来到 网易 杭研 大厦 我 爱 量子 机器 狗\n"
    assert run(*inspect, "--no-hmm").out == "他 来到 网易 杭 研 大厦 我 爱 量子 机器 狗\n"
    assert run(*inspect, "--own-words", own).out == "他 来到 网易 杭研 大厦 我 爱 量子机器狗\n"
    assert run(*inspect, "--split-sentences").out == "他 来到 网易 杭研 大厦\n我 爱 量子 机器 狗\n"
    assert run("inspect", "tokens", path, "--tokenizer", "characters", "-n", 1).out.startswith("他 来 到")
    wrong = run("inspect", "tokens", path, "--no-hmm")
    assert (wrong.code, wrong.out) == (2, "")
    assert "tokenizer='chinese'" in wrong.err
