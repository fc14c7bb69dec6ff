"""What holds for every command: help, exit codes, one clear line for what is wrong."""

import dataclasses
import errno
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

import firth
from firth import cli, errors, loading
from firth.cli import show

DOCS = (Path(__file__).resolve().parents[2] / "docs/cli.md").read_text(encoding="utf-8")


def commands(app: App = cli.app, above: str = "") -> Iterator[tuple[str, App]]:
    """(what is typed, its app) of every command, those inside groups too."""
    for name in app:
        if not name.startswith("-"):
            inner = app[name]
            yield f"{above}{name}", inner
            yield from commands(inner, f"{above}{name} ")


def options(app: App) -> Iterator[tuple[str, str]]:
    """(name, help) of everything that a command shows."""
    if app.default_command is not None:
        for argument in app.assemble_argument_collection(parse_docstring=True):
            if argument.show:
                yield argument.name, argument.parameter.help or ""


COMMANDS = dict(commands())


def test_every_verb_is_there() -> None:
    assert {name.split()[0] for name in COMMANDS} == set(cli.COMMANDS)
    assert {"train word2vec", "inspect tokens", "inspect vocabulary"} < set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help_and_is_documented(name: str) -> None:
    app = COMMANDS[name]
    assert app.help.strip()
    assert re.search(rf"firth {name.partition(' ')[0]}\b", DOCS)
    for option, help_text in options(app):
        assert help_text, f"{name} {option} has no help"
        if option.startswith("--"):
            assert f"`{option}`" in DOCS or f" {option}" in DOCS, f"docs/cli.md does not say what {option} is"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(name: str, run) -> None:
    ran = run(*name.split(), "--help")
    assert ran.code == 0
    assert f"firth {name}" in ran.out


def test_help_lists_the_verbs(run) -> None:
    for words in ([], ["--help"], ["-h"]):
        ran = run(*words)
        assert ran.code == 0
        assert all(f" {verb} " in ran.out for verb in cli.COMMANDS)


def test_version(run) -> None:
    assert run("--version") == (0, f"firth {firth.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nearst"], 'Did you mean "nearest"?'),
        (["train", "wordvec", "x"], 'Did you mean "word2vec"?'),
        (["nearest", "m", "w", "--topm", "3"], "Did you mean --topn?"),
        (["train", "word2vec", "x", "-o", "y", "--dmi", "3"], "Did you mean --dim?"),
        (["nearest", "m", "w", "--topn", "many"], "many"),
        (["nearest", "m", "w", "--topn", "0"], "--topn must be at least 1, not 0"),
        (["nearest", "m", "w", "--which", "both"], '"output"'),
        (["nearest"], "nearest needs MODEL"),
        (["nearest", "m"], "Which words?"),
        (["nearest", "m", "w", "-"], "not both"),
        (["similarity", "m", "a"], "similarity needs B"),
        (["similarity", "m", "a", "b", "c"], "does not know what to do with 'c'"),
        (["train", "word2vec", "x"], "train word2vec needs --output"),
        (["convert", "a", "b"], "convert needs --to"),
        (["evaluate", "m"], "Give --analogies FILE, --similarity FILE, --outliers FILE"),
        (["inspect", "tokens", "t", "--lines", "0"], "--lines must be at least 1"),
        (["inspect", "vocabulary", "t", "--lines", "0"], "--lines must be at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_exit_2(run, words: list[str], says: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert err.startswith("firth: ")
    assert err.count("\n") == 1
    assert cli._DASH not in err


def raises(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `firth similarity a b c` raise `error`."""

    def load(path: str) -> None:
        raise error

    monkeypatch.setattr(loading, "load_vectors", load)


TYPED = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FirthError)]


@pytest.mark.parametrize("kind", TYPED, ids=lambda kind: kind.__name__)
def test_an_error_of_firth_is_said_and_gives_its_exit_code(run, monkeypatch, kind: type[errors.FirthError]) -> None:
    raises(monkeypatch, kind("what came, and the cure"))
    assert run("similarity", "a", "b", "c") == (kind.exit_code, "", "firth: what came, and the cure\n")


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 4, "out of memory"),
        (OSError(errno.ENOSPC, "No space left on device"), 4, "No space left"),
        (OSError(errno.EIO, "Input/output error", "x.bin"), 1, "Input/output error: 'x.bin'."),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "x"), 3, "No such file or directory: 'x'."),
        (OSError(errno.EXDEV, "Invalid link", "a", None, "b"), 1, "'a' → 'b'"),
    ],
)
def test_what_the_system_says(run, monkeypatch, error: BaseException, code: int, says: str) -> None:
    raises(monkeypatch, error)
    ran = run("similarity", "a", "b", "c")
    assert ran.code == code
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_a_mistake_of_ours_keeps_its_traceback(run, monkeypatch) -> None:
    raises(monkeypatch, AssertionError("ours"))
    with pytest.raises(AssertionError, match="ours"):
        run("similarity", "a", "b", "c")


def process(*words: object, **how: Any) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "firth", *map(str, words)]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.run(command, check=False, text=True, timeout=60, encoding="utf-8", **how)


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    code = "import sys; from firth.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert "similarity" in ran.stdout
    assert set(ran.stderr.split()).isdisjoint({"numpy", "numba", "scipy", "pyarrow", "torch", "rich.progress"})


def test_a_process_of_its_own(model: Path) -> None:
    ran = process("nearest", model, "oak", "--topn", 1)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "elm\t0.9848\n", "")
    ran = process("nearest", model, "oka")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "Did you mean 'oak'?" in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout(model: Path) -> None:
    with open("/dev/full", "w") as full:
        ran = process("nearest", model, "oak", stdout=full)
    assert ran.returncode == 4
    assert ran.stderr == "firth: No space left on device.\n"


def test_a_reader_that_goes_away_is_no_error(model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = process("nearest", model, "oak", stdout=writing)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_key_that_the_terminal_cannot_show(tmp_path: Path) -> None:
    firth.Vectors(["oak", "树"], [[1, 0], [1, 1]]).save(tmp_path / "m")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = process("nearest", tmp_path / "m", "oak", env=environment)
    assert (ran.returncode, ran.stdout) == (0, "\\u6811\t0.7071\n")


def test_json_has_no_nan(capsys) -> None:
    show.answer({"a": float("nan"), "b": [float("inf"), 1.5]}, [], as_json=True)
    assert capsys.readouterr().out.split() == ["{", '"a":', "null,", '"b":', "[", "null,", "1.5", "]", "}"]


def test_a_terminal_gets_aligned_columns_under_a_heading(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")  # no colours
    show.answer(None, [("[bold]oak", 0.5), ("树", 12345)], as_json=False, heading=("key", "score"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["key", "score"], ["[bold]oak", "0.5000"], ["树", "12,345"]]
    assert lines[1].index("0.5") + 6 == lines[2].index("12,345") + 6 + 1  # right-aligned; 树 is two wide, one character


def test_every_exit_code_is_documented() -> None:
    codes = {kind.exit_code for kind in TYPED} | {0, 2, 130, 143, *cli._EXIT_CODES.values()}
    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \|", DOCS, re.MULTILINE)}


def test_every_option_of_the_model_is_documented() -> None:
    for field in dataclasses.fields(firth.Word2Vec):
        assert f"`--{field.name.replace('_', '-')}`" in DOCS


def test_a_warning_is_one_line(run, tmp_path) -> None:
    (tmp_path / "zh.txt").write_text("今天天气很好我们去公园散步\n昨天下雨他们在家里看书\n" * 50, encoding="utf-8")
    ran = run("train", "word2vec", tmp_path / "zh.txt", "-o", tmp_path / "m", "--epochs", 1, "--dim", 4)
    told = [line for line in ran.err.splitlines() if "looks like Chinese" in line]
    assert len(told) == 1 and told[0].startswith("firth: ")
    assert ".py" not in ran.err


def test_a_warning_of_another_package_keeps_its_line(capsys, monkeypatch) -> None:
    plain = []
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: plain.append(str(message)))
    with show.warnings_in_a_line():
        warnings.showwarning(RuntimeWarning("few words"), RuntimeWarning, show.__file__, 3)
        warnings.showwarning(DeprecationWarning("old"), DeprecationWarning, "/elsewhere/other.py", 3)
    assert plain == ["old"]
    assert capsys.readouterr().err == "firth: few words\n"
