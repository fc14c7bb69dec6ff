"""What this machine lets this process use: processors and memory, as the kernel and its control groups say."""

import ctypes
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_TRIM, _MAP = -1, -3  # glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
_LARGEST_MAP = 32 << 20  # the highest that glibc takes
_ALL, _USUAL_TRIM = 2**31 - 1, 64 << 20


def processors() -> int:
    """Processors this process may use: its affinity, and the quota of its control group, rounded up."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        allowed = os.cpu_count() or 1
    quota = _processor_quota()
    return max(1, min(allowed, math.ceil(quota))) if quota else allowed


def memory_limit() -> int | None:
    """Bytes this process may use in all: physical memory or its control group's limit; None where unknown."""
    limits = [limit for limit in (_physical_memory(), *_group_memory_limits()) if limit]
    return min(limits) if limits else None


def memory_available() -> int | None:
    """Bytes that can still be allocated: the control group's limit less its use, and what the kernel says."""
    free = [room for room in (_kernel_available(), _group_memory_room()) if room is not None]
    return min(free) if free else None


@contextmanager
def freed_memory_is_kept() -> Iterator[None]:
    """Inside, memory that is freed stays with the process, and so its next owner gets pages that are there already.

    A step of a network takes and frees hundreds of megabytes, and glibc hands large pieces back to the kernel at once,
    which clears every page anew: a tenth to a third of the time of a small network's step on a processor. Outside all
    that is free is handed back. Does nothing without glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        yield
        return
    mallopt(_MAP, _LARGEST_MAP)
    mallopt(_TRIM, _ALL)
    try:
        yield
    finally:
        mallopt(_TRIM, _USUAL_TRIM)
        give_back_freed_memory()


def give_back_freed_memory() -> None:
    """Hand what the C library keeps of freed memory back to the kernel. Does nothing without glibc."""
    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _processor_quota() -> float | None:
    words = _read(_CGROUP / "cpu.max").split()  # control groups 2: "200000 100000" or "max 100000"
    if len(words) == 2 and words[0] != "max":
        return int(words[0]) / int(words[1])
    quota, period = _read(_CGROUP / "cpu/cpu.cfs_quota_us"), _read(_CGROUP / "cpu/cpu.cfs_period_us")
    if quota and period and int(quota) > 0:
        return int(quota) / int(period)
    return None


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _kernel_available() -> int | None:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return _physical_memory()


def _group_memory_limits() -> list[int]:
    texts = [_read(_CGROUP / "memory.max"), _read(_CGROUP / "memory/memory.limit_in_bytes")]
    return [int(text) for text in texts if text.isdigit()]


def _group_memory_room() -> int | None:
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        top, now = _read(_CGROUP / limit), _read(_CGROUP / used)
        if top.isdigit() and now.isdigit():
            return max(0, int(top) - int(now))
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
