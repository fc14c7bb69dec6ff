"""The bars: what is known of the way is shown, and no more."""

import io

import pytest
from rich.console import Console

from firth.training.progress import Bars


@pytest.fixture
def bars() -> Bars:
    made = Bars()
    made._progress.live.console = Console(file=io.StringIO(), force_terminal=True, width=120)
    return made


def shown(bars: Bars) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(bars._progress)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_source_of_known_size_stays_on_show(bars) -> None:
    bars.reading(5_000_000, 10_000_000)
    assert "reading" in shown(bars) and "50%" in shown(bars) and "5 MB" in shown(bars)
    bars.training(10, 100, float("nan"))
    assert "reading" in shown(bars) and "10%" in shown(bars)


@pytest.mark.parametrize("then", ["training", "talk"])
def test_a_source_of_unknown_size_has_no_percentage_and_goes_when_it_is_read(bars, then: str) -> None:
    bars.reading(5_000_000, None)
    assert "5 MB" in shown(bars) and "%" not in shown(bars)
    if then == "training":
        bars.training(10, 100, 2.5)
        assert "loss 2.500" in shown(bars)
    else:
        bars.say("compiling")
    assert "reading" not in shown(bars)


def test_a_resumed_run_does_not_count_what_was_done_before(bars, monkeypatch) -> None:
    clock = iter([100.0, 100.0, 102.0])
    monkeypatch.setattr("firth.training.progress.time.monotonic", lambda: next(clock))
    bars.training(50_000_000, 100_000_000, 2.0)
    bars.training(54_000_000, 100_000_000, 2.0)
    assert "2.00 M words/s" in shown(bars)
