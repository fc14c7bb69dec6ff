"""Analogies on tables whose answers are planted; what every option does; files that are something else."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from firth.errors import ConfigError, EncodingError, InputError, MissingInputError
from firth.evaluate.analogy import analogies
from firth.vectors.table import Vectors

# Capitals are countries moved by (0, 0, 1): every question has its answer.
COUNTRIES = ["Greece", "Iraq", "Chile", "Cuba"]
CAPITALS = ["Athens", "Baghdad", "Santiago", "Havana"]
PLACES = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], np.float32)
PLANTED = Vectors(
    [*COUNTRIES, *CAPITALS],
    np.concatenate([PLACES, PLACES + np.array([0, 0, 1], np.float32)]),
    output=np.ones((8, 3)),
)
QUESTIONS = [
    ": capitals",
    "Athens Greece Baghdad Iraq",
    "Athens Greece Santiago Chile",
    ": countries",
    "Greece Athens Iraq Baghdad",
    "Greece Athens Iraq Havana",
    "Greece Athens Peru Lima",
]


def test_planted_answers_are_found_and_counted_per_section() -> None:
    found = analogies(PLANTED, QUESTIONS)
    assert [part.name for part in found.sections] == ["capitals", "countries"]
    assert [part.accuracy for part in found.sections] == [1, 0.5]
    assert [part.coverage for part in found.sections] == [1, pytest.approx(2 / 3)]
    assert found.sections[1].correct == (("GREECE", "ATHENS", "IRAQ", "BAGHDAD"),)
    assert found.sections[1].incorrect == (("GREECE", "ATHENS", "IRAQ", "HAVANA"),)
    assert (found.total.questions, found.total.unknown) == (5, 1)
    assert (found.accuracy, found.coverage) == (0.75, 0.8)


def test_the_report_is_a_table_and_a_plain_dict() -> None:
    found = analogies(PLANTED, QUESTIONS)
    assert str(found) == (
        "section         accuracy  correct    asked  coverage  95%\n"
        "capitals          100.0%        2        2    100.0%  [1.000, 1.000]\n"
        "countries          50.0%        1        2     66.7%  [.000, 1.000]\n"
        "Total accuracy     75.0%        3        4     80.0%  [.250, 1.000]"
    )
    plain = found.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["file"] == "the lines given"
    assert (plain["accuracy"], plain["coverage"], plain["correct"], plain["incorrect"]) == (0.75, 0.8, 3, 1)
    assert plain["sections"][1] == {
        "name": "countries",
        "accuracy": 0.5,
        "interval": [0, 1],
        "coverage": pytest.approx(2 / 3),
        "correct": 1,
        "incorrect": 1,
        "questions": 3,
        "unknown": 1,
    }


def test_a_file_is_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    for text in ("\n".join(QUESTIONS), "\r\n".join(["", *QUESTIONS, "", ""]), "\ufeff" + "\n".join(QUESTIONS)):
        path.write_bytes(text.encode())
        found = analogies(PLANTED, path)
        assert found.file == str(path)
        assert found.sections == analogies(PLANTED, QUESTIONS).sections


def test_unknown_words_are_wrong_answers_where_asked() -> None:
    found = analogies(PLANTED, QUESTIONS, dummy4unknown=True)
    assert found.accuracy == 3 / 5
    assert found.coverage == 0.8
    assert found.sections[1].incorrect[-1] == ("GREECE", "ATHENS", "PERU", "LIMA")


def test_case_matters_where_asked() -> None:
    lines = [": small", "athens greece baghdad iraq"]
    assert analogies(PLANTED, lines).accuracy == 1
    assert analogies(PLANTED, lines, case_insensitive=False).coverage == 0
    assert analogies(PLANTED, QUESTIONS, case_insensitive=False).sections[0].correct[0][0] == "Athens"


def test_restricted_words_are_neither_asked_nor_answered() -> None:
    assert analogies(PLANTED, QUESTIONS, restrict_vocab=5).coverage == 0
    assert analogies(PLANTED, QUESTIONS, restrict_vocab=6).coverage == pytest.approx(3 / 5 - 1 / 5)
    assert analogies(PLANTED, QUESTIONS, restrict_vocab=None) == analogies(PLANTED, QUESTIONS)
    # "Iraq" for the second question: with a decoy nearer to the answer's place, but beyond the limit
    decoy = Vectors(
        [*PLANTED.index_to_key, "decoy"], np.concatenate([PLANTED.vectors, [PLANTED["Iraq"] + np.float32(0.01)]])
    )
    exact = [": a", "Athens Greece Baghdad decoy"]
    assert analogies(decoy, exact).coverage == 1
    assert analogies(decoy, exact, restrict_vocab=8).coverage == 0


def test_which_table_answers() -> None:
    assert analogies(PLANTED, QUESTIONS, which="output").accuracy < analogies(PLANTED, QUESTIONS).accuracy


def test_the_words_of_the_question_are_no_answers_in_any_capitals() -> None:
    """b - a + c lies nearest to c's own variants; the answer is the next one."""
    keys = ["a", "b", "c", "C", "d"]
    vectors = Vectors(keys, [[0, 0, 1], [0.1, 0, 1], [1, 0, 0], [1, 0.01, 0], [0.9, 0.5, 0]])
    assert analogies(vectors, [": s", "a b c d"]).accuracy == 1
    assert analogies(vectors, [": s", "a b c d"], case_insensitive=False).accuracy == 0
    assert analogies(vectors, [": s", "a b c C"], case_insensitive=False).accuracy == 1


def test_of_words_in_several_capitals_the_first_row_counts() -> None:
    vectors = Vectors(["Apple", "apple", "b", "c", "d"], np.eye(5) + 0.1)
    first = Vectors(["apple", "b", "c", "d"], (np.eye(5) + 0.1)[[0, 2, 3, 4]])
    lines = [": s", "b APPLE c d", "apple b c d", "c d b apple"]
    assert analogies(vectors, lines).accuracy == analogies(first, lines).accuracy


def test_a_section_that_was_not_asked_has_no_interval() -> None:
    plain = analogies(PLANTED, [*QUESTIONS, ": none", "x y z a"]).to_dict()
    assert plain["sections"][-1]["interval"] == [None, None]


def plain_three_cos_mul(vectors: Vectors, a: str, b: str, c: str) -> str:
    """Levy & Goldberg 2014, eq. 4, word by word."""
    scores = {
        key: (1 + vectors.similarity(key, b))
        * (1 + vectors.similarity(key, c))
        / (1 + vectors.similarity(key, a) + 2e-6)
        for key in vectors
        if key not in (a, b, c)
    }
    return max(scores, key=scores.__getitem__)


def test_three_cos_mul_is_its_formula() -> None:
    rng = np.random.default_rng(8)
    keys = [f"W{place}" for place in range(40)]
    vectors = Vectors(keys, rng.normal(size=(40, 5)))
    asked = [rng.choice(keys, 3, replace=False).tolist() for _ in range(60)]
    answers = [plain_three_cos_mul(vectors, *words) for words in asked]
    lines = [": s", *(" ".join([*words, answer]) for words, answer in zip(asked, answers, strict=True))]
    assert analogies(vectors, lines, method="mul").accuracy == 1
    assert analogies(vectors, lines).accuracy < 1
    with pytest.raises(ConfigError, match="method must be 'add' or 'mul'"):
        analogies(vectors, lines, method="multiply")


def test_three_cos_mul_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [": many", *QUESTIONS[1:3] * 20]
    whole = analogies(PLANTED, lines, method="mul")
    monkeypatch.setattr("firth.evaluate.analogy._TILE", 1)
    monkeypatch.setattr("firth.evaluate.analogy._QUERIES", 3)
    assert analogies(PLANTED, lines, method="mul") == whole


BATS = ["Greece\tAthens/Sparta", "Iraq\tBabylon/Baghdad", "Cuba\tHavana"]


def test_bats_asks_every_pair_of_lines_and_takes_any_answer(tmp_path: Path) -> None:
    path = tmp_path / "E01 [country - capital].txt"
    path.write_text("\n".join(BATS) + "\n")
    found = analogies(PLANTED, path)
    assert [section.name for section in found.sections] == ["E01 [country - capital]"]
    assert found.total.questions == 6
    assert found.coverage == 1
    asked = {*found.total.correct, *found.total.incorrect}
    assert ("GREECE", "ATHENS", "IRAQ", "BABYLON/BAGHDAD") in asked
    assert ("IRAQ", "BAGHDAD", "GREECE", "ATHENS/SPARTA") in asked  # Babylon is unknown: Baghdad stands for it
    google = [": s", "Greece Athens Iraq Baghdad", "Iraq Baghdad Greece Athens"]
    assert analogies(PLANTED, BATS[:2]).accuracy == analogies(PLANTED, google).accuracy
    assert analogies(PLANTED, ["Greece\tAthens", "Atlantis\tnowhere", "Cuba\tnothing"]).coverage == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Greece\tAthens"], "one pair"),
        (["Greece\tAthens", "Cuba"], "line 2: 1 fields"),
        (["Greece\tAthens", "Cuba /"], "line 2: 'Cuba' has no answer"),
    ],
)
def test_what_is_no_relation_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        analogies(PLANTED, lines)


def test_more_questions_than_a_block() -> None:
    lines = [": many", *QUESTIONS[1:3] * 700]
    assert analogies(PLANTED, lines).total.correct == analogies(PLANTED, QUESTIONS).sections[0].correct * 700


def test_fewer_rows_than_candidates() -> None:
    three = Vectors(["a", "b", "c"], np.eye(3))
    assert analogies(three, [": s", "a b c a"]).accuracy == 0
    assert analogies(three, [": s", "x y z a"]).coverage == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Athens Greece Baghdad Iraq"], "line 1: a question before the first section"),
        ([": s", "Athens Greece Baghdad Iraq", "", "Athens Greece"], "line 4: 2 words, not four .* 'Athens Greece'"),
        ([": s", "a b c d e"], "line 2: 5 words"),
        ([], "holds no questions"),
        ([": s", ": t"], "holds no questions"),
        (["# nothing"], "line 1: 2 words"),
    ],
)
def test_what_is_no_question_file_is_refused_with_its_line(lines: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("\n".join(lines))
    for file in (lines, tmp_path / "file"):
        with warnings.catch_warnings(action="error"), pytest.raises(InputError, match=message):
            analogies(PLANTED, file)
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        analogies(PLANTED, tmp_path / "file")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"No file '.*nowhere'"):
        analogies(PLANTED, tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot be read"):
        analogies(PLANTED, tmp_path)
    (tmp_path / "bytes").write_bytes(b": s\na b c d\na b \xff d\n")
    with pytest.raises(EncodingError, match=r"bytes, line 3: not utf8 \(byte 16"):
        analogies(PLANTED, tmp_path / "bytes")


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "all"])
def test_a_limit_that_is_none_is_refused(limit: object) -> None:
    with pytest.raises(ConfigError, match="restrict_vocab must be a whole number, at least 1"):
        analogies(PLANTED, QUESTIONS, restrict_vocab=limit)
