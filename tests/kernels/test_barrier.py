"""Threads that meet."""

import threading

import numpy as np
import pytest

from firth.kernels.barrier import meet
from firth.kernels.compiled import kernel


@kernel
def _rounds(barrier, notes, member, threads, rounds, idle):  # type: ignore[no-untyped-def]
    """Write the round's number, meet, count whose note is another, meet."""
    wrong, meetings = 0, 0
    x = np.float64(member)
    for number in range(1, rounds + 1):
        if member == 0:
            for _ in range(idle):  # the others have long given way
                x = np.sqrt(x + 1.0)
        notes[member, 0] = number
        meetings += 1
        meet(barrier, threads, meetings)
        for other in range(threads):
            wrong += notes[other, 0] != number
        meetings += 1
        meet(barrier, threads, meetings)
    return wrong + (x < 0)


@pytest.mark.parametrize(
    ("threads", "rounds", "idle"), [(1, 100, 0), (2, 5000, 0), (2, 200, 20_000), (5, 300, 0), (5, 30, 20_000)]
)
def test_nobody_leaves_before_all_have_come(threads, rounds, idle):
    barrier, notes, wrong = np.zeros(8, np.int64), np.zeros((threads, 8), np.int64), [-1] * threads

    def work(member: int) -> None:
        wrong[member] = _rounds(barrier, notes, member, threads, rounds, idle)

    crew = [threading.Thread(target=work, args=(member,), daemon=True) for member in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join(timeout=100)
    assert wrong == [0] * threads
    assert barrier[0] == 2 * threads * rounds
