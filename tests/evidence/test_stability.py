"""stability: fixed models whose agreement is known, and a real one."""

import dataclasses
import json
import warnings

import numpy as np
import pytest

import firth
from firth.errors import ConfigError
from firth.evidence.stability import stability

NUMBER = 60


@dataclasses.dataclass(frozen=True)
class Noisy:
    """A model whose frequent words are the same in every run, turned, and whose rare ones are noise."""

    seed: int = 3

    def replace(self, **changes: int) -> "Noisy":
        return dataclasses.replace(self, **changes)

    def fit(self, source: object, **run: object) -> firth.Vectors:
        fixed = np.random.default_rng(0).normal(size=(NUMBER, 6))
        rng = np.random.default_rng(self.seed)
        fixed[30:] = rng.normal(size=(30, 6))
        turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
        counts = [1000] * 30 + [3] * 30
        return firth.Vectors([f"w{place}" for place in range(NUMBER)], fixed @ turn, counts=counts)


def test_the_rare_are_not_trusted() -> None:
    found = stability(Noisy(), [], seeds=4, topn=3)
    rare, frequent = found.bands
    assert (rare.low, rare.high, frequent.low) == (3, 3, 1000)
    assert rare.kept < 0.3 < frequent.kept
    assert found.kept("w0") > found.kept("w59")
    assert found.steadiness("w0") > found.steadiness("w59")
    assert json.loads(json.dumps(found.to_dict()))["seeds"] == 4


def test_runs_are_turned_onto_the_first() -> None:
    class Turned(Noisy):
        def fit(self, source: object, **run: object) -> firth.Vectors:
            found = super().fit(source)
            return found.subset(where={"min_count": 10})

    found = stability(Turned(), [], seeds=(5, 9), topn=3)
    assert found.steadiness("w4") == pytest.approx(1, abs=1e-5)
    assert found.kept("w4") == 1
    assert found.trusted_from == 1000
    with warnings.catch_warnings(action="error"):
        near = found.neighbours("w4")
    assert [each.returns for each in near] == [1, 1, 1]
    first = found.runs[0].most_similar("w4", topn=3)
    assert [(each.key, round(each.similarity, 4)) for each in near] == [(key, round(s, 4)) for key, s in first]
    assert "Every band" in found.advice()


def test_words_that_are_too_frequent_are_not_too_rare() -> None:
    from firth.evidence.stability import Band, Stability

    bands = [Band(5, 9, 100, 0.3), Band(10, 99, 100, 0.6), Band(100, 100, 1, 0.2)]
    found = Stability(stability(Noisy(), [], seeds=2).runs, 3, tuple(bands))
    assert found.trusted_from == 10
    assert "fewer than 10 times" in found.advice()


def test_a_rare_word_is_warned_of() -> None:
    found = stability(Noisy(), [], seeds=3, topn=3)
    with pytest.warns(RuntimeWarning, match="'w59' comes 3 times, too rarely to trust"):
        near = found.neighbours("w59")
    assert min(each.returns for each in near) <= 2 / 3


def test_a_real_model_learns_once_for_each_seed(tmp_path) -> None:
    path = tmp_path / "text"
    path.write_text("the oak has leaves\nthe elm has leaves\na car has wheels\n" * 50)
    reported: list[str] = []
    found = stability(firth.Word2Vec(dim=8, min_count=1), path, seeds=3, threads=1, report=reported.append)
    assert reported[2] == "run 3 of 3, seed 3"
    assert len({run["oak"].tobytes() for run in found.runs}) == 3
    assert [run.options("model")["seed"] for run in found.runs] == [1, 2, 3]
    assert "3 seeds" in str(found)


@pytest.mark.parametrize("seeds", [1, [4], [2, 2]])
def test_one_run_compares_with_nothing(seeds: object) -> None:
    with pytest.raises(ConfigError, match="at least two different seeds"):
        stability(Noisy(), [], seeds=seeds)
