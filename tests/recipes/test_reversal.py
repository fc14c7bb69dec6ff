"""The recipe's pairs are right."""

import importlib.util
import random
from datetime import date
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "recipes/reversal.py"


def recipe():
    spec = importlib.util.spec_from_file_location("reversal", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_are_right():
    module, chance = recipe(), random.Random(1)
    assert all(a == b[::-1] and 3 <= len(a) <= 5 for a, b in module.reversals(50, 3, 5, chance))
    for form in module.FORMATS:
        for written, iso in module.dates(20, form, chance):
            assert written == date.fromisoformat(iso).strftime(form)
