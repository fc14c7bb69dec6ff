"""nearest, analogy, similarity, predict."""

import pytest

import firth


def test_neighbours_of_one_word(run, model) -> None:
    ran = run("nearest", model, "oak", "--topn", 2)
    assert ran == (0, "elm\t0.9848\nash\t0.9063\n", "")
    assert run("nearest", model, "oak", "-n", 2) == ran
    assert len(run("nearest", model, "oak").rows) == 5  # ten, if there were so many


def test_neighbours_of_several_words_are_named(run, model) -> None:
    assert run("nearest", model, "oak", "bus", "-n", 1).rows == [["oak", "elm", "0.9848"], ["bus", "car", "0.9848"]]


def test_words_from_stdin(run, model) -> None:
    assert run("nearest", model, "-", "-n", 1, stdin="oak\n\nbus\r\n").rows == [
        ["oak", "elm", "0.9848"],
        ["bus", "car", "0.9848"],
    ]


def test_a_word_that_begins_with_a_dash(run, model) -> None:
    assert run("nearest", model, "-n", 1, "--", "-ing").rows == [["bus", "0.3420"]]


def test_neighbours_as_json(run, model) -> None:
    (found,) = run("nearest", model, "oak", "-n", 1, "--json").json
    assert found["word"] == "oak"
    assert found["nearest"] == [{"key": "elm", "score": pytest.approx(0.98481, abs=1e-5)}]


def test_restrict_vocab(run, model) -> None:
    assert run("nearest", model, "bus", "-n", 1, "--restrict-vocab", 3).rows[0][0] == "ash"
    assert run("analogy", model, "oak", "elm", "car", "-n", 1, "--restrict-vocab", 3).rows[0][0] == "ash"


@pytest.mark.parametrize("which", ["input", "output", "mean"])
def test_which_table(run, model, which: str) -> None:
    import firth

    vectors = firth.load(model)
    near = [[key, f"{score:.4f}"] for key, score in vectors.most_similar("oak", which=which)]
    assert run("nearest", model, "oak", "--which", which).rows == near
    solved = vectors.most_similar(["elm", "car"], ["oak"], topn=2, which=which)
    rows = run("analogy", model, "oak", "elm", "car", "-n", 2, "--which", which).rows
    assert rows == [[key, f"{score:.4f}"] for key, score in solved]
    assert run("similarity", model, "oak", "car", "--which", which).rows == [
        [f"{vectors.similarity('oak', 'car', which=which):.4f}"]
    ]


def test_analogy_turns_by_the_same_angle(run, model) -> None:
    assert run("analogy", model, "oak", "elm", "car", "-n", 1).rows[0][0] == "bus"
    document = run("analogy", model, "oak", "elm", "car", "--topn", 1, "--json").json
    assert (document["a"], document["b"], document["c"], document["nearest"][0]["key"]) == ("oak", "elm", "car", "bus")


def test_similarity(run, model) -> None:
    assert run("similarity", model, "oak", "ash") == (0, "0.9063\n", "")
    assert run("similarity", model, "oak", "ash", "--json").json == {
        "a": "oak",
        "b": "ash",
        "similarity": pytest.approx(0.90631, abs=1e-5),
    }


@pytest.mark.parametrize(
    "words", [["nearest", "oka"], ["analogy", "oak", "elm", "kar"], ["similarity", "oak", "amber"]], ids=lambda w: w[0]
)
def test_an_unknown_word_is_bad_input(run, model, words: list[str]) -> None:
    verb, *rest = words
    ran = run(verb, model, *rest)
    assert (ran.code, ran.out) == (3, "")
    assert repr(rest[-1]) in ran.err


def test_no_such_model(run, tmp_path) -> None:
    ran = run("nearest", tmp_path / "modle", "oak")
    assert ran.code == 3
    assert "modle" in ran.err


def test_predict(run, model) -> None:
    likely = firth.load(model).predict(["oak", "elm"], topn=3)
    assert run("predict", model, "oak", "elm", "-n", 3).rows == [[key, f"{chance:.4f}"] for key, chance in likely]
    document = run("predict", model, "-", "--topn", 3, "--json", stdin="oak\nelm\n").json
    assert document["context"] == ["oak", "elm"]
    assert [each["key"] for each in document["likely"]] == [key for key, _ in likely]
    assert run("predict", model, "oka").code == 3
    assert run("predict", model).code == 2


def test_only_some_words(run, model) -> None:
    assert run("nearest", model, "oak", "--prefix", "b").rows == [["bus", "-0.1736"]]
    assert run("nearest", model, "oak", "--regex", "^.a", "--min-count", 30).rows == [["car", "0.0000"]]
    assert run("nearest", model, "oak", "--regex", "(").code == 2


def test_other_metrics_and_methods(run, model) -> None:
    vectors = firth.load(model)
    near = vectors.most_similar("oak", topn=2, metric="euclidean")
    assert run("nearest", model, "oak", "-n", 2, "--metric", "euclidean").rows == [[k, f"{s:.4f}"] for k, s in near]
    solved = vectors.most_similar_cosmul(["elm", "car"], ["oak"], topn=2)
    rows = run("analogy", model, "oak", "elm", "car", "-n", 2, "--method", "mul").rows
    assert rows == [[key, f"{score:.4f}"] for key, score in solved]
    assert run("nearest", model, "oak", "--metric", "cosin").code == 2
