"""Ctrl-C and SIGTERM: the first ends the run in good order, the second at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_LATER: Final = 0.05  # seconds
_SHOW_CURSOR: Final = "\x1b[?25h"  # bars hide it


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end; raised wherever the main thread was."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise Stopped at the first Ctrl-C or SIGTERM in the block; at the second, leave without looking back.

    A signal that is ignored (a job in the background, `nohup`) stays so. Does nothing outside the main thread, which
    alone gets signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def stop(number: int, _: Any) -> None:
        if seen:
            leave(number)
        seen.append(number)
        raise Stopped(number)

    def lost(unraisable: Any) -> None:
        """Python drops what is raised in a callback (of a compiler, a destructor): then it has to be raised later."""
        if not isinstance(unraisable.exc_value, Stopped):
            usual(unraisable)
            return
        seen.clear()
        number = unraisable.exc_value.exit_code - 128
        threading.Timer(_LATER, os.kill, [os.getpid(), number]).start()

    usual = sys.unraisablehook
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in ours:
            signal.signal(number, stop)
        sys.unraisablehook = lost
        yield
    finally:
        sys.unraisablehook = usual
        for number in ours:
            signal.signal(number, before[number])


def leave(number: int) -> None:
    """End the process here and now, as a shell expects it of one that a signal ended."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), f"{_SHOW_CURSOR}\n".encode())
    os._exit(128 + number)
