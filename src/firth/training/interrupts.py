"""Ctrl-C and SIGTERM wait for the end of a step, so that what is saved is of one step."""

import signal
import threading
from typing import Any, Self


class Interrupts:
    """Ctrl-C and SIGTERM wait for the end of a step; a second one is handled as it was before.

    Does nothing outside the main thread, which alone gets signals; a signal that is ignored stays so.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.before: dict[int, Any] = {}

    @property
    def came(self) -> bool:
        return self.number is not None

    def raise_again(self) -> None:
        """Do now what the signal would have done; under torchrun another process may have got it."""
        number = self.number or signal.SIGINT
        handler = self.before.get(number)
        if callable(handler):
            handler(number, None)
        raise KeyboardInterrupt

    def _note(self, number: int, frame: Any) -> None:
        if self.number is not None:
            handler = self.before[number]
            if callable(handler):
                handler(number, frame)
            raise KeyboardInterrupt
        self.number = number

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None):
                    self.before[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
