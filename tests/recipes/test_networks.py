"""The recipes of networks show what they say they show."""

import importlib.util
from pathlib import Path

import pytest

import firth

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def recipe(name):
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_gradients_by_distance(tmp_path):
    module = recipe("distance")
    near, far = (module.gradient_share("lstm", distance) for distance in (4, 32))
    assert far < 0.5 * near  # every step between weakens it
    near, far = (module.gradient_share("attention", distance) for distance in (4, 32))
    assert far > 0.05 * near  # it only shares out its weight among more symbols
    assert module.accuracy("lstm", 3, 60) > 0.9
    module.draw({"rnn": [(1.0, 0.5)] * len(module.DISTANCES)}, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


@pytest.mark.slow
def test_a_better_start(tmp_path):
    module = recipe("better_start")
    text = firth.Text([f"word{i % 50} stands near word{(i + 1) % 50} and word{(i + 2) % 50}" for i in range(600)])
    model = firth.NNLM(dim=16, hidden=16, steps=30, lr=5e-3, batch_tokens=256, evaluate_every=10)
    found = module.curves(text, model, 1)
    assert module.steps_to([(1, 3.0), (2, 2.0), (3, 1.0)], 2.5) == 2
    assert module.steps_to([(1, 3.0)], 2.5) is None
    assert {start: len(runs[0]) for start, runs in found.items()} == {"random": 3, "pretrained": 3}
    module.draw(found, tmp_path / "picture.png")
