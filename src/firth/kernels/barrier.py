"""A place where the threads of a kernel meet, without leaving compiled code.

    meet(barrier, threads, meetings)    returns once all `threads` have come `meetings` times

`barrier` is i8[8] of zeros (a cache line); every thread counts its own `meetings` from 1. A waiting thread spins for a
moment, then sleeps until the last one wakes it. Where Linux's futex is not to be had it gives its processor away at
every look instead, which is slow where other programs want it too: it comes back when those have had their turn.
"""

import platform
import sys
from typing import Any

from llvmlite import ir
from numba import config as numba_config
from numba import types
from numba.extending import intrinsic

from firth.kernels.compiled import inlined

_SPINS = 2000
_LINUX = {"x86_64": 202, "aarch64": 98}  # the number of the system call futex
_FUTEX = _LINUX.get(platform.machine()) if sys.platform == "linux" else None
_WAIT, _WAKE, _ALL = 128, 129, 0x7FFFFFFF  # FUTEX_WAIT and FUTEX_WAKE within this process, INT_MAX sleepers

if numba_config.DISABLE_JIT:
    import threading
    import time

    _lock = threading.Lock()

    def _arrive(barrier: Any) -> None:
        with _lock:
            barrier[0] += 1

    def _arrived(barrier: Any) -> Any:
        return barrier[0]

    def _sleep(barrier: Any, seen: Any) -> None:
        time.sleep(0)

    def _wake(barrier: Any) -> None:
        pass

else:

    def _address(context: Any, builder: Any, array_type: Any, array: Any) -> Any:
        return context.make_array(array_type)(context, builder, array).data

    @intrinsic
    def _arrive(typing: Any, barrier: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = _address(context, builder, signature.args[0], args[0])
            builder.atomic_rmw("add", address, ir.Constant(ir.IntType(64), 1), "seq_cst")
            return context.get_dummy_value()

        return types.void(barrier), code

    @intrinsic
    def _arrived(typing: Any, barrier: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = _address(context, builder, signature.args[0], args[0])
            return builder.load_atomic(address, ordering="seq_cst", align=8)

        return types.int64(barrier), code

    if _FUTEX:
        _call = types.ExternalFunction("syscall", types.int64(*[types.int64] * 7))

        @intrinsic
        def _place(typing: Any, barrier: Any) -> Any:
            def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
                return builder.ptrtoint(_address(context, builder, signature.args[0], args[0]), ir.IntType(64))

            return types.int64(barrier), code

        @inlined
        def _sleep(barrier: Any, seen: Any) -> None:
            """Until it is woken; not at all if the barrier is no longer as it was seen (its lower 32 bits)."""
            _call(_FUTEX, _place(barrier), _WAIT, seen, 0, 0, 0)

        @inlined
        def _wake(barrier: Any) -> None:
            _call(_FUTEX, _place(barrier), _WAKE, _ALL, 0, 0, 0)

    else:
        _give_way = types.ExternalFunction(
            "SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32()
        )

        @inlined
        def _sleep(barrier: Any, seen: Any) -> None:
            _give_way()

        @inlined
        def _wake(barrier: Any) -> None:
            pass


@inlined
def meet(barrier, threads, meetings):  # type: ignore[no-untyped-def]
    """Wait until all `threads` have come to their meeting number `meetings`, the first being 1."""
    _arrive(barrier)
    seen = _arrived(barrier)
    if seen >= threads * meetings:
        _wake(barrier)
    looks = 0
    while seen < threads * meetings:
        looks += 1
        if looks > _SPINS:
            _sleep(barrier, seen)
        seen = _arrived(barrier)
