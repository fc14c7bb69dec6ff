"""Pictures: what is in them, and that each kind of file is one."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, FormatError, InputError, UnknownKeyError
from firth.explore import fonts
from firth.explore.curve import losses

pytest.importorskip("matplotlib")
pytest.importorskip("plotly")

RNG = np.random.default_rng(4)
KEYS = ["man", "woman", "king", "queen", "北京", "$x^2$", "</script><b>", "a & b"]
VECTORS = firth.Vectors(
    KEYS,
    RNG.normal(size=(8, 5)),
    counts=[80, 70, 60, 50, 40, 30, 20, 10],
    provenance={
        "epochs": [{"number": 1, "loss": 3.0, "validation": 3.2}, {"number": 2, "loss": 2.0, "validation": None}]
    },
)
STARTS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "html": b"<!DOCTYPE html>"}


def test_words_that_were_asked_for() -> None:
    assert VECTORS.plot(["queen", "man", "queen"]).keys == ["man", "queen"]
    assert VECTORS.plot(most_frequent=3).keys == KEYS[:3]
    assert VECTORS.plot().keys == KEYS
    assert VECTORS.plot("king").keys == ["king"]
    near = VECTORS.plot(nearest_to=["king"], topn=2)
    assert set(near.keys) == {"king", *(key for key, _ in VECTORS.most_similar("king", topn=2))}
    assert near.names == ["", "king"]
    assert set(near.groups.tolist()) == {1}
    both = VECTORS.plot(["man"], arrows=[("king", "queen")], most_frequent=1)
    assert both.keys == ["man", "king", "queen"]
    assert [[both.keys[end] for end in arrow] for arrow in both.arrows] == [["king", "queen"]]
    assert both.counts.tolist() == [80, 60, 50]


def test_groups_have_colours_of_their_own() -> None:
    from firth.explore.drawing import COLOURS, colours

    found = VECTORS.plot(["man"], nearest_to=["king", "queen"], topn=1)
    shown = dict(zip(found.keys, colours(found), strict=True))
    assert [shown["king"], shown["queen"]] == [*COLOURS[:2]]
    assert shown["man"] not in COLOURS or found.groups[found.keys.index("man")]
    assert colours(VECTORS.plot(["man"])) == [COLOURS[0]]


def test_arrows_of_a_planted_offset_are_parallel() -> None:
    base = RNG.normal(size=(6, 10))
    offset = 0.2 * RNG.normal(size=10)
    rows = np.concatenate([base, base + offset])
    planted = firth.Vectors([f"w{place}" for place in range(12)], rows / np.linalg.norm(rows, axis=1).mean())
    found = planted.plot(arrows=[(f"w{place}", f"w{place + 6}") for place in range(6)])
    shafts = found.points[found.arrows[:, 1]] - found.points[found.arrows[:, 0]]
    directions = shafts / np.linalg.norm(shafts, axis=1, keepdims=True)
    assert found.arrows.shape == (6, 2)
    assert (directions @ directions.mean(axis=0)).min() > 0


@pytest.mark.parametrize("ending", STARTS)
def test_files(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"map.{ending}"
    path.write_text("an older picture")
    with warnings.catch_warnings(action="ignore"):
        VECTORS.plot(KEYS, arrows=[("man", "woman")]).save(path)
    assert path.read_bytes().startswith(STARTS[ending])
    assert [*tmp_path.iterdir()] == [path]
    losses(VECTORS).save(path)
    assert path.read_bytes().startswith(STARTS[ending])


def test_the_page_needs_nothing_and_no_key_ends_its_script(tmp_path: Path) -> None:
    VECTORS.plot(KEYS, title="<&>").save(tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*\b(?:src|href)=", page.replace(plotly(), "")) == []
    assert "default-src 'none'" in page
    assert page.count("</script>") - plotly().count("</script>") == 3
    data = page.split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["keys"] == KEYS
    assert "<title>&lt;&amp;&gt;</title>" in page


def plotly() -> str:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    for ending in ("png", "pdf"):
        for name in "ab":
            VECTORS.plot(["man", "woman"]).save(tmp_path / f"{name}.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_character_without_a_font_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "_installed", list)
    monkeypatch.setattr(fonts, "_look_again", lambda: None)
    with pytest.warns(RuntimeWarning, match="No installed font has '京北'.*fonts-noto-cjk"):
        VECTORS.plot(["man", "北京"]).save(tmp_path / "map.png")
    with warnings.catch_warnings(action="error"):
        VECTORS.plot(["man", "woman"]).save(tmp_path / "map.png")


def test_labels_without_room_are_said(tmp_path: Path) -> None:
    crowd = firth.Vectors([f"{'long' * 20}{place}" for place in range(400)], RNG.normal(size=(400, 3)))
    with pytest.warns(RuntimeWarning, match="of 400 labels had no room"):
        crowd.plot(most_frequent=400).save(tmp_path / "map.png")


def test_losses() -> None:
    found = losses({"one": VECTORS, "two": VECTORS})
    names = [(line.name, line.run, line.at, line.loss) for line in found.lines]
    assert names[:2] == [("one, training", 1, [1, 2], [3, 2]), ("one, held out", 1, [1], [3.2])]
    assert len(names) == 4
    with pytest.raises(InputError, match="does not say how its loss went"):
        losses(firth.Vectors(["a"], [[1.0]]))


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in one of \.png"):
        VECTORS.plot().save(tmp_path / "map.jpg")
    with pytest.raises(UnknownKeyError, match="emperor"):
        VECTORS.plot(["emperor"])
    with pytest.raises(ConfigError, match="pair of words"):
        VECTORS.plot(arrows=["man"])
    with pytest.raises(ConfigError, match="most_frequent must be a whole number"):
        VECTORS.plot(most_frequent=0)
    with pytest.raises(ConfigError, match="words must be words"):
        VECTORS.plot([3])
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FormatError, match="is a folder"):
        VECTORS.plot(["man"]).save(tmp_path / "folder.png")
