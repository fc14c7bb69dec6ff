"""A place where the threads of a kernel meet, without leaving compiled code.

    meet(barrier, threads, meetings)    returns once all `threads` have come `meetings` times

`barrier` is i8[8] of zeros (a cache line); every thread counts its own `meetings` from 1. A waiting thread spins for a
moment, then gives its processor away at every look.
"""

import sys
from typing import Any

from llvmlite import ir
from numba import config as numba_config
from numba import types
from numba.extending import intrinsic

from firth.kernels.compiled import inlined

_SPINS = 2000

if numba_config.DISABLE_JIT:
    import threading
    import time

    _lock = threading.Lock()

    def _arrive(barrier: Any) -> None:
        with _lock:
            barrier[0] += 1

    def _arrived(barrier: Any) -> Any:
        return barrier[0]

    def _give_way() -> None:
        time.sleep(0)

else:
    _give_way = types.ExternalFunction("SwitchToThread" if sys.platform == "win32" else "sched_yield", types.int32())

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


@inlined
def meet(barrier, threads, meetings):  # type: ignore[no-untyped-def]
    """Wait until all `threads` have come to their meeting number `meetings`, the first being 1."""
    _arrive(barrier)
    looks = 0
    while _arrived(barrier) < threads * meetings:
        looks += 1
        if looks > _SPINS:
            _give_way()
