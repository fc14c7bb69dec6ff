"""What the benchmarks share: medians, processes of their own, the file of results, scores."""

import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results.csv"
COLUMNS = ["date", "benchmark", "setting", "program", "measure", "value", "unit", "runs", "low", "high"]


class Summary(NamedTuple):
    """Several runs of one thing."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> "Summary":
        found = list(values)
        return cls(statistics.median(found), min(found), max(found), len(found))

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g}–{self.high:.3g})"


def save(benchmark: str, setting: str, figures: Iterable[tuple[str, str, Summary, str]]) -> None:
    """Append (program, measure, summary, unit) rows to results.csv."""
    new = not RESULTS.exists()
    with open(RESULTS, "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        for program, measure, (median, low, high, runs), unit in figures:
            values = [f"{median:.4g}", unit, runs, f"{low:.4g}", f"{high:.4g}"]
            writer.writerow([time.strftime("%Y-%m-%d"), benchmark, setting, program, measure, *values])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """theirs / ours, run by run: how many times less ours is."""
    return Summary.of(their / our for our, their in zip(ours, theirs, strict=True))


def in_own_process(script: str | Path, *arguments: object) -> dict[str, float]:
    """Run a script of Python, whose last line of output is a JSON object: its memory and its imports are its own."""
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nfailed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_memory(*, children: bool = False) -> int:
    """Bytes that this process, or the largest of its children, ever held at once."""
    return resource.getrusage(resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF).ru_maxrss * 1024


def scratch_file(name: str) -> Path:
    """A path of this process's own for a temporary file."""
    return Path(tempfile.gettempdir()) / f"benchmark-{os.getpid()}-{name}"


def first_bytes(text: str | Path, size: int = 1_000_000) -> Path:
    """A small part of a text, for the run that compiles."""
    part = scratch_file("part.txt")
    with open(text, "rb") as source:
        part.write_bytes(source.read(size))
    return part


def scores(vectors: Path, analogies: str | None, similarity: Sequence[str]) -> dict[str, float]:
    """Analogies among the 30,000 most frequent words, Spearman of word pairs: by firth's evaluation, whoever learnt."""
    import firth

    table = firth.load(vectors)
    found: dict[str, float] = {}
    if analogies:
        found["analogies"] = table.evaluate_word_analogies(analogies, restrict_vocab=30_000)[0]
    for file in similarity:
        found[Path(file).stem] = float(table.evaluate_word_pairs(file)[1][0])
    return found
