"""What is asked of the machine."""

import ctypes
import resource

import numpy as np
import pytest

from firth import machine


def faults() -> int:
    """Pages that the kernel had to give for 100 MB, which are freed at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    kept = [np.ones(3_000_000) for _ in range(4)]
    del kept
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library than GNU's")
def test_freed_memory_is_kept_and_then_given_back() -> None:
    with machine.freed_memory_is_kept():
        first, again = faults(), faults()
    assert again < first / 10
    assert faults() > first / 10
