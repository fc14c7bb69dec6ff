"""How the learning of a network goes: reports, and the file that they are written to."""

import contextlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Report:
    """How learning goes: of the steps since the report before."""

    step: int
    """Steps done."""
    epoch: float
    """Passes done."""
    tokens: int
    """Predictions learnt from, in all."""
    seconds: float
    """Time spent learning, in all; evaluation apart."""
    loss: float
    """Mean nats per prediction (the sum of the means, where there are several losses)."""
    losses: dict[str, float]
    """Each of them by its name."""
    lr: float
    gradient_norm: float
    """Before clipping, at the last step."""
    tokens_per_second: float
    validation: float | None = None
    """The loss on held-out text; None where it was not measured here."""
    validations: dict[str, float] = field(default_factory=dict)
    """Each held-out loss by its name."""


class Log:
    """A line of JSON for each report, and TensorBoard's files where that is installed."""

    def __init__(self, path: Path | None, step: int) -> None:
        self.path, self.board, self.file = path, None, None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if step and _step_of(line) <= step]  # of the run that goes on
        self.file = open(path, "w", encoding="utf-8")  # noqa: SIM115  # closed by __exit__
        self.file.writelines(line + "\n" for line in kept)
        with contextlib.suppress(ImportError):
            from torch.utils.tensorboard import SummaryWriter

            self.board = SummaryWriter(str(path.parent / "tensorboard"), purge_step=step)

    def write(self, report: Report) -> None:
        if self.file is None:
            return
        plain = {name: _json_number(value) for name, value in asdict(report).items()}
        self.file.write(json.dumps(plain) + "\n")
        self.file.flush()
        if self.board is not None:
            for name in ("loss", "lr", "gradient_norm", "tokens_per_second", "validation"):
                if plain[name] is not None:
                    self.board.add_scalar(name, plain[name], report.step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
        if self.board is not None:
            self.board.close()


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):  # a line that was cut short by a crash
        return 1 << 62


def _json_number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
