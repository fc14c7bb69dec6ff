"""The learning rate over a run: it rises from nothing, then falls."""

import math
from collections.abc import Callable
from typing import Final, Literal

Schedule = Literal["linear", "cosine", "onecycle", "inverse_sqrt", "constant"]

_CYCLE_START, _CYCLE_END = 25.0, 1e4  # of the highest rate, and of the first one: as torch's OneCycleLR


def rate(schedule: Schedule, done: float, warmup: float) -> float:
    """The share of the highest learning rate, when `done` (0 … 1) of a run is over, of which `warmup` rises.

    linear        falls in a straight line to 0
    cosine        falls as half a wave of the cosine, to 0 (Loshchilov & Hutter 2017)
    onecycle      rises from a 25th and falls to nearly nothing, both as half a wave (Smith & Topin 2019)
    inverse_sqrt  falls as 1 / √step, from the end of the warm-up on; not to 0 (Vaswani et al. 2017, eq. 3)
    constant      stays

    >>> [round(rate("linear", done, 0.2), 3) for done in (0.1, 0.2, 0.6, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    return _FALLS[schedule](min(max(done, 0.0), 1.0), warmup)


def _half_wave(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _one_cycle(done: float, warmup: float) -> float:
    first = 1 / _CYCLE_START
    if done < warmup:
        return _half_wave(first, 1.0, done / warmup)
    return _half_wave(1.0, first / _CYCLE_END, (done - warmup) / max(1 - warmup, 1e-9))


def _warmed(fall: Callable[[float], float]) -> Callable[[float, float], float]:
    """A straight rise, then `fall` of the share of what is left."""

    def found(done: float, warmup: float) -> float:
        return done / warmup if done < warmup else fall((done - warmup) / max(1 - warmup, 1e-9))

    return found


_FALLS: Final[dict[str, Callable[[float, float], float]]] = {
    "linear": _warmed(lambda share: 1 - share),
    "cosine": _warmed(lambda share: _half_wave(1.0, 0.0, share)),
    "onecycle": _one_cycle,
    "inverse_sqrt": lambda done, warmup: done / warmup if done < warmup else math.sqrt(warmup / done),
    "constant": _warmed(lambda _: 1.0),
}
