"""A probe: what can be read off is read off, what is noise is not."""

import json

import numpy as np
import pytest

from firth.errors import InputError
from firth.evaluate.probe import probe
from firth.vectors.table import Vectors

pytest.importorskip("sklearn")

RNG = np.random.default_rng(1)
WORDS = [f"w{place}" for place in range(60)]
VECTORS = Vectors(WORDS, RNG.normal(size=(60, 8)), output=np.zeros((60, 8)))


def texts(number: int, label: object, seed: int = 2) -> list[str]:
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(WORDS, 4) for _ in range(number)]
    return [f"{label(words)}\t{' '.join(words)}" for words in drawn]


def by_first_number(words: list[str]) -> str:
    return "high" if VECTORS[list(words)].mean(axis=0)[0] > 0 else "low"


def test_a_label_that_is_a_plane_is_found() -> None:
    found = probe(VECTORS, texts(300, by_first_number))
    assert found.accuracy > 0.93
    assert found.interval[0] < found.accuracy < found.interval[1]
    assert 0.4 < found.guess < 0.65


def test_noise_is_guessed() -> None:
    coin = np.random.default_rng(3)
    found = probe(VECTORS, texts(400, lambda words: coin.integers(2)))
    assert 0.4 < found.accuracy < 0.6


def test_learnt_from_one_file_and_asked_on_another() -> None:
    found = probe(VECTORS, texts(300, by_first_number), texts(200, by_first_number, seed=9))
    assert found.accuracy > 0.9
    assert found.questions == 200
    nothing = probe(VECTORS, texts(300, by_first_number), texts(200, by_first_number, seed=9), which="output")
    assert nothing.asked == 0
    assert abs(nothing.accuracy - 0.5) < 0.15


def test_texts_without_a_known_word_lower_the_coverage() -> None:
    found = probe(VECTORS, [*texts(90, by_first_number), *["low\tsky sea"] * 10])
    assert (found.asked, found.questions, found.coverage) == (90, 100, 0.9)
    assert json.loads(json.dumps(found.to_dict()))["coverage"] == 0.9


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1 good"], "line 1: no tab"),
        ([], "holds no texts"),
        (["1\tw0"] * 9, "all its texts have the label '1'"),
        (["1\tw0"] * 9 + ["0\tw1"], "'0' has 1"),
    ],
)
def test_what_cannot_be_learnt_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        probe(VECTORS, lines)
