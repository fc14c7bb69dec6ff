"""Outliers: a world in which they are known, and both shapes of file."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from firth.errors import InputError
from firth.evaluate.outliers import outliers, read
from firth.vectors.table import Vectors

RNG = np.random.default_rng(3)
TREES = ["oak", "elm", "ash", "yew"]
VECTORS = Vectors(
    [*TREES, "new", "york", "car"],
    [[1, 0, 0], [0.9, 0.1, 0], [0.9, 0, 0.1], [0.8, 0.3, 0], [0, 1, 0.2], [0, 1, -0.2], [-1, 0, 0.1]],
)


def test_the_paper_by_hand() -> None:
    """Positions by the compactness of the others, as Camacho-Collados & Navigli (2016) define it."""
    keys = [f"w{place}" for place in range(9)]
    vectors = Vectors(keys, RNG.normal(size=(9, 5)))
    compactness = []
    for gone in keys:
        others = [key for key in keys if key != gone]
        compactness.append(np.mean([vectors.similarity(*pair) for pair in combinations(others, 2)]))
    position = sum(value < compactness[-1] for value in compactness[:-1])  # the outlier's absence: most compact
    found = outliers(vectors, [*keys[:8], "", "w8"])
    assert found.position == pytest.approx(position / 8)
    assert found.accuracy == (position == 8)


def test_a_stranger_is_found_and_a_member_is_not() -> None:
    found = outliers(VECTORS, [*TREES, "", "car"])
    assert (found.accuracy, found.position, found.asked, found.questions) == (1, 1, 1, 1)
    found = outliers(VECTORS, ["elm", "ash", "car", "", "oak"])
    assert found.accuracy == 0
    assert found.position == pytest.approx(2 / 3)


def test_one_that_is_as_typical_as_another_is_not_found() -> None:
    same = Vectors(["a", "b", "c", "d"], np.ones((4, 2)))
    assert outliers(same, ["a", "b", "c", "", "d"]).accuracy == 0


def test_words_of_several_parts_and_unknown_ones() -> None:
    found = outliers(VECTORS, [*TREES, "beech", "", "New_York", "Los_Angeles", "NEW york"])
    assert (found.accuracy, found.asked, found.questions) == (1, 2, 3)
    assert found.coverage == pytest.approx(2 / 3)
    assert outliers(VECTORS, [*TREES, "", "NEW_YORK", "car"], case_insensitive=False).asked == 1
    assert outliers(VECTORS, [*TREES, "", "york", "car"], restrict_vocab=6).asked == 1


def test_a_table_and_a_list(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(",category,outliers,words\n0,Trees,\"['car', \"\"l'orme\"\", '']\",\"['oak', 'elm', 'ash']\"\n")
    (group,) = read(table)
    assert (group.name, group.words, group.outliers) == ("Trees", ("oak", "elm", "ash"), ("car", "l'orme"))
    plain = tmp_path / "trees.txt"
    plain.write_text("oak\nelm\nash\n\ncar\n")
    (group,) = read(plain)
    assert (group.name, group.words, group.outliers) == ("trees", ("oak", "elm", "ash"), ("car",))


def test_the_report() -> None:
    found = outliers(VECTORS, [*TREES, "", "car", "new", "york"])
    assert json.loads(json.dumps(found.to_dict()))["accuracy"] == 1
    assert "of 3, coverage 100.0%" in str(found)
    assert [score.measure for score in found.scores()] == ["outliers found", "outlier position"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["oak", "elm", "ash", "car"], "neither a table"),
        (["oak", "elm", "", "car"], "at least 3 and 1"),
        (["category,outliers,words"], "holds no groups"),
        (["category,outliers,words", "Trees,car,oak"], "line 2: no lists"),
        (["category,outliers,words", 'Trees,"[1, 2]","[3]"'], "line 2: no lists"),
        (["category,outliers,words", f'Trees,"{"[" * 3000}","[3]"'], "line 2: no lists"),
        (["category,outliers,words", "Trees"], "line 2: no lists"),
        (["sky", "sea", "sun", "", "car"], "none of its 1 outliers"),
    ],
)
def test_what_is_something_else_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        outliers(VECTORS, lines)
