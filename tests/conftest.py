"""What every test shares: where compiled kernels lie, how hypothesis runs, and where the measured data is."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parent.parent


def _kernels() -> str:
    """A hash of the kernels' sources: numba's own cache misses an edit in a function that another file calls."""
    digest = hashlib.sha256()
    for path in sorted((REPOSITORY / "src/firth/kernels").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


# Numba reads this when it is imported, so it is set here, before any test module is. Workers of
# pytest-xdist find it set.
_folder = Path(os.environ.get("NUMBA_CACHE_DIR", REPOSITORY / ".numba_cache"))
os.environ["NUMBA_CACHE_DIR"] = str(_folder if _folder.name == _kernels() else _folder / _kernels())

# A first call compiles for seconds, and a busy machine is slow: time is never what a property is about.
settings.register_profile("firth", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("firth")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("wordeval/en")` is a path into the data that measurements use; the test skips where it is absent.

    The data lies where the environment variable FIRTH_DATA says, else in `shared/data` beside the repository.
    """
    root = Path(os.environ.get("FIRTH_DATA", REPOSITORY.parent / "shared/data"))

    def find(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"no {path}: set FIRTH_DATA to the folder that holds {name}")
        return path

    return find
