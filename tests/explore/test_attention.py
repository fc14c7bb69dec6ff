"""Where a network looks, drawn."""

from pathlib import Path

import numpy as np
import pytest

from firth.errors import ConfigError
from firth.explore.attention import Attention

pytest.importorskip("matplotlib")

WEIGHTS = np.random.default_rng(1).dirichlet(np.ones(3), size=(2, 3, 4)).astype(np.float32)
SEEN = Attention(["to", "$be$", "</s>", "北京"], ["a", "b", "c"], WEIGHTS, "to be")


def test_layers_are_counted_from_one_or_from_the_last() -> None:
    assert np.array_equal(SEEN.layer(1), WEIGHTS[0]) and np.array_equal(SEEN.layer(-1), WEIGHTS[1])
    assert np.array_equal(SEEN.layer(-2), WEIGHTS[0])
    for layer in (0, 3, -3):
        with pytest.raises(ConfigError, match="from 1 to 2"):
            SEEN.layer(layer)


@pytest.mark.filterwarnings("ignore:No installed font")
@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_it_is_drawn(tmp_path: Path, ending: str, start: bytes) -> None:
    SEEN.save(tmp_path / f"seen.{ending}", layer=1)
    assert (tmp_path / f"seen.{ending}").read_bytes().startswith(start)


@pytest.mark.filterwarnings("ignore:No installed font")
def test_layer_and_head_choose_what_is_drawn(tmp_path: Path) -> None:
    SEEN.save(tmp_path / "all.png")
    SEEN.save(tmp_path / "one.png", layer=1, head=2)
    assert (tmp_path / "all.png").read_bytes() != (tmp_path / "one.png").read_bytes()
    assert (tmp_path / "all.png").read_bytes() == SEEN._repr_png_()
    with pytest.raises(ConfigError, match="head must be from 1 to 3"):
        SEEN.save(tmp_path / "one.png", head=4)
    with pytest.raises(ConfigError, match=r"\.png, \.svg or \.pdf"):
        SEEN.save(tmp_path / "seen.html")
