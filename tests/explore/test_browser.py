"""The page in a real browser, without a network. Skips where there is no chromium."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import firth

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no chromium here")]


def rendered(page: Path, tmp_path: Path) -> str:
    """What the page is after its scripts ran, on a machine whose every host is unreachable."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_the_map_names_its_words(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    keys = ["oak", "elm", "北京", "<b>bold</b>", "</script>"]
    vectors = firth.Vectors(keys, np.random.default_rng(0).normal(size=(5, 4)))
    vectors.plot(arrows=[("oak", "elm")], most_frequent=5).save(tmp_path / "map.html")
    page = rendered(tmp_path / "map.html", tmp_path)
    assert 'data-ready="yes"' in page
    shown = set(re.findall(r"<text[^>]*>([^<]+)</text>", page))
    assert {"oak", "elm", "北京", "&lt;b&gt;bold&lt;/b&gt;", "&lt;/script&gt;"} <= shown


def test_the_curve(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    from firth.explore.curve import losses

    passes = [{"number": place, "loss": 3 / place, "validation": None} for place in (1, 2, 3)]
    losses(firth.Vectors(["a"], [[1.0]], provenance={"epochs": passes})).save(tmp_path / "loss.html")
    assert 'data-ready="yes"' in rendered(tmp_path / "loss.html", tmp_path)
