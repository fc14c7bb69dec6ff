"""The recipe shows what it says it shows."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "recipes/sentiment.py"


def recipe():
    spec = importlib.util.spec_from_file_location("sentiment", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
def test_a_label_parts_what_context_joins(seed):
    found = recipe().similarities(seed=seed, number=3000)
    by_context, by_label = found["喜欢 讨厌"]
    assert by_context > 0.7
    assert by_label < -0.7
    assert min(found["喜欢 热爱"]) > 0.7
    assert min(found["忐 忑"]) > 0.7


def test_it_prints_a_table(capsys, monkeypatch):
    module = recipe()
    monkeypatch.setattr(module, "similarities", lambda: {"喜欢 讨厌": (0.9, -0.9)})
    module.main()
    assert capsys.readouterr().out.splitlines()[1].split() == ["喜欢", "讨厌", "0.90", "-0.90"]
