"""compare: one word moved, all others only turned."""

import json
from pathlib import Path

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, InputError, UnknownKeyError

RNG = np.random.default_rng(2)
NUMBER = 80
KEYS = [f"w{place}" for place in range(NUMBER - 1)] + ["<b>&"]
TABLE = RNG.normal(size=(NUMBER, 8))
FAR = int((TABLE[:-1] @ TABLE[5] / np.linalg.norm(TABLE[:-1], axis=1)).argmin())  # the word least like w5


def tables() -> tuple[firth.Vectors, firth.Vectors]:
    """w5 moved to where the word least like it is; the second space is turned, reordered, and has a word of its own."""
    moved = TABLE.copy()
    moved[5] = TABLE[FAR] + 0.05 * RNG.normal(size=8)
    turn, _ = np.linalg.qr(RNG.normal(size=(8, 8)))
    order = RNG.permutation(NUMBER)
    new = np.concatenate([(moved @ turn)[order], RNG.normal(size=(1, 8))])
    counts = [100] * NUMBER
    return (
        firth.Vectors(KEYS, TABLE, counts=counts),
        firth.Vectors([*(KEYS[row] for row in order), "new"], new, counts=[*counts, 100]),
    )


def test_what_moved_is_found_behind_the_turn() -> None:
    found = firth.compare(*tables(), most=3, topn=4, names=("1990", "2020"))
    first, second, _ = found.shifted
    assert first.key == "w5"
    assert first.cosine < 0.8
    assert second.cosine > 0.95
    assert first.now[0][0] == f"w{FAR}"
    assert f"w{FAR}" not in [key for key, _ in first.then]
    assert (found.keys, first.counts) == (NUMBER, (100, 100))
    assert json.loads(json.dumps(found.to_dict()))["shifted"][0]["key"] == "w5"
    assert f"  2020: w{FAR}, " in str(found)
    assert found.rows()[0][0] == "w5"


def test_chosen_keys_and_rare_ones() -> None:
    one, two = tables()
    assert {each.key for each in firth.compare(one, two, ["w7", "w5"]).shifted} == {"w5", "w7"}
    assert firth.compare(one, two, ["w7", "w5"]).shifted[0].key == "w5"
    with pytest.raises(UnknownKeyError, match="new"):
        firth.compare(one, two, ["new"])
    with pytest.raises(InputError, match="0 keys come 101 times in both"):
        firth.compare(one, two, min_count=101)
    bare = firth.Vectors(one.index_to_key, one.vectors)
    assert firth.compare(bare, two).keys == NUMBER
    with pytest.raises(InputError, match="needs counts"):
        firth.compare(bare, two, min_count=5)
    with pytest.raises(ConfigError, match="at least 1"):
        firth.compare(one, two, most=0)
    with pytest.raises(InputError, match="dimensions"):
        firth.compare(one, firth.Vectors(["w5"], [[1.0]]))


def test_the_page(tmp_path: Path) -> None:
    found = firth.compare(*tables(), most=NUMBER, names=("<old>", "new & newer"))
    found.save(tmp_path / "shift.html")
    page = (tmp_path / "shift.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == NUMBER + 1
    assert "&lt;b&gt;&amp;" in page
    assert "&lt;old&gt; → new &amp; newer" in page
    assert "<b>&" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<!--" not in page.replace("<!DOCTYPE", "")
    with pytest.raises(ConfigError, match=r"\.html"):
        found.save(tmp_path / "shift.png")
