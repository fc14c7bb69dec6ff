"""What a person sees while a model is learnt: nothing, or bars on the terminal."""

import sys
import time
from typing import Any, Self


class Silent:
    """No output. Also the list of what a progress display is told."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """The display is taken down."""

    def say(self, text: str) -> None:
        """A line of talk."""

    def reading(self, done: int, total: int | None) -> None:
        """`done` of `total` bytes are read; None where the size is not known beforehand."""

    def counting(self, done: int, total: int) -> None:
        """The neighbours of `done` of `total` words are counted."""

    def training(self, done: int, total: int, loss: float) -> None:
        """`done` of `total` words are learnt from; `loss` is the latest mean, NaN before there is one."""

    def learning(self, done: float, speed: float, loss: float, validation: float | None) -> None:
        """`done` (0 … 1) of a network's run is over, at `speed` tokens a second; losses as `training` has them."""


class Bars(Silent):
    """Bars on stderr, by rich: bytes read, words counted, then words learnt from with words/s, time left and loss.

    The bar of a source whose size is not known moves to and fro, and goes when all is read.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            refresh_per_second=8,
        )
        self._reading: Any = None
        self._counting: Any = None
        self._training: Any = None
        self._since, self._before = 0.0, 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._end_reading()
        self._progress.console.print(text, style="dim", highlight=False)

    def reading(self, done: int, total: int | None) -> None:
        if self._reading is None:
            self._reading = self._progress.add_task("reading", total=total, note="")
        self._progress.update(self._reading, completed=done, total=total, note=f"{done / 1e6:,.0f} MB")

    def counting(self, done: int, total: int) -> None:
        if self._counting is None:
            self._end_reading()
            self._counting = self._progress.add_task("counting", total=total, note="")
        self._progress.update(self._counting, completed=done, note=f"{done / 1e6:,.1f} M words")

    def training(self, done: int, total: int, loss: float) -> None:
        if self._training is None:
            self._end_reading()
            self._training = self._progress.add_task("training", total=total, note="")
            self._since, self._before = time.monotonic(), done  # a resumed run has some behind it
        speed = (done - self._before) / max(time.monotonic() - self._since, 1e-9)
        note = f"{speed / 1e6:.2f} M words/s" + (f", loss {loss:.3f}" if loss == loss else "")
        self._progress.update(self._training, completed=done, note=note)

    def learning(self, done: float, speed: float, loss: float, validation: float | None) -> None:
        if self._training is None:
            self._end_reading()
            self._training = self._progress.add_task("training", total=1.0, note="")
        told = [f"{speed:,.0f} tokens/s", *([f"loss {loss:.3f}"] if loss == loss else [])]
        told += [] if validation is None else [f"held-out {validation:.3f}"]
        self._progress.update(self._training, completed=done, note=", ".join(told))

    def _end_reading(self) -> None:
        if self._reading is not None and self._progress.tasks[0].total is None:
            self._progress.update(self._reading, visible=False)


def progress_display(wanted: bool | None) -> Silent:
    """Bars where wanted; `None` means where stderr is a terminal."""
    return Bars() if wanted or (wanted is None and sys.stderr.isatty()) else Silent()
