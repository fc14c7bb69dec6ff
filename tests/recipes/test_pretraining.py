"""The recipe shows what it says, in small."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("torch")

PATH = Path(__file__).resolve().parents[2] / "recipes/pretraining.py"


@pytest.mark.slow  # pretrains a network
def test_pretraining_is_worth_something():
    spec = importlib.util.spec_from_file_location("pretraining", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pretrained, fresh = module.compared(1)
    assert pretrained > fresh + 0.2
