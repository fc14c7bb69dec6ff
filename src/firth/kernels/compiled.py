"""How the hot loops are compiled: the one place with the flags, their reasons, and the folder of the machine code."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])

_FLAGS: dict[str, Any] = {
    # Sums may be reordered and products fused: a dot product then fills the vector registers.
    # NaN stays NaN (no "nnan"), so that a diverging run can be seen.
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "boundscheck": False,
    "error_model": "numpy",  # no branch for division by zero
    # No reference counting: atomic increments in the hot loop cost a fifth of the speed. A kernel must not allocate.
    "_nrt": False,
}


def kernel(function: F) -> F:
    """Compile an entry point: threads run it side by side (no GIL), and its machine code is kept on disk."""
    # Numba notices a change of the file that holds the kernel, not of the files it calls into;
    # a folder named by the hash of all of them never holds stale code.
    chosen = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(machine_code_folder())
    try:
        return numba.njit(nogil=True, cache=True, **_FLAGS)(function)  # type: ignore[no-any-return]
    finally:
        numba.config.CACHE_DIR = chosen


def inlined(function: F) -> F:
    """Compile a piece of a kernel: it costs no call, and constants reach into it."""
    return numba.njit(forceinline=True, **_FLAGS)(function)  # type: ignore[no-any-return]


def is_compiled(function: Any) -> bool:
    """Whether machine code for this kernel is in memory or on disk already."""
    if numba.config.DISABLE_JIT or function.signatures:
        return True
    return any(machine_code_folder().rglob(f"*{function.__name__}-*.nbi"))


@cache
def machine_code_folder() -> Path:
    """A folder for these very sources: under NUMBA_CACHE_DIR, the user's cache, or else a temporary one."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    homes = [os.environ.get("NUMBA_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME") or "~/.cache"]
    for home in filter(None, homes):
        folder = Path(home).expanduser() / "firth" / name
        with contextlib.suppress(OSError, RuntimeError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.mkdtemp(prefix="firth-"))  # for this process only: a shared place could be planted with code
