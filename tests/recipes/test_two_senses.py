"""The recipe shows what it says it shows: context tells the sense of a word, a static vector does not."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "recipes/two_senses.py"


@pytest.mark.slow
def test_context_tells_the_sense():
    spec = importlib.util.spec_from_file_location("two_senses", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.senses(seed=1, steps=500)
    assert set(found) == {"bank", "apple", "苹果", "银行"}
    for static, context, cosine in found.values():
        assert static == 0.5
        assert context > 0.9
        assert -1 <= cosine < 0.98
