"""firth train: where it starts, what it is judged on, and how it is stopped and gone on with."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import firth
from firth.cli import stopping


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `fit` was called with, instead of training."""
    calls: list[dict[str, Any]] = []

    def fit(self: firth.Word2Vec, source: firth.Text, **options: Any) -> firth.Vectors:
        calls.append(options)
        config = {"model": {"name": self.name, **self.to_dict()}}
        return firth.Vectors(["oak", "elm"], [[1, 0], [0, 1]], config=config)

    monkeypatch.setattr(firth.Word2Vec, "fit", fit)
    return calls


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--validation", "0.05"], "validation", 0.05),
        (["--validation", "{text}"], "validation", "{text}"),
        (["--checkpoint-every", "2m"], "checkpoint_every", 120.0),
        (["--resume"], "resume", True),
        (["--init", "{model}", "--frozen"], "frozen", True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_of_the_run(run, fitted, text, model, tmp_path, words: list[str], name: str, value: object) -> None:
    def filled(part: Any) -> Any:
        return part.format(text=text, model=model) if isinstance(part, str) else part

    run("train", "word2vec", text, "-o", tmp_path / "m")
    assert fitted.pop()[name] != filled(value)
    assert run("train", "word2vec", text, "-o", tmp_path / "other", *map(filled, words)).code == 0
    assert fitted[0][name] == filled(value)


def test_vectors_to_start_from(run, fitted, text, model, tmp_path) -> None:
    assert run("train", "word2vec", text, "-o", tmp_path / "m", "--init", model).code == 0
    assert fitted[0]["init"].index_to_key == firth.load(model).index_to_key


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--frozen"], 2, "give --init too"),
        (["--init", "nowhere"], 3, "nowhere"),
        (["--validation", "nowhere.txt"], 3, "nowhere.txt"),
        (["--validation", "1.5"], 2, "a share between 0 and 1, not 1.5"),
        (["--validation", "0"], 2, "a share between 0 and 1"),
        (["--checkpoint-every", "often"], 2, "a period such as '10m'"),
        (["--preset", "gensm"], 2, 'Did you mean "gensim"?'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_said_before_anything_is_read(
    run, fitted, text, tmp_path, words: list[str], code: int, says: str
) -> None:
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", *words)
    assert (ran.code, ran.out, fitted) == (code, "", [])
    assert says in ran.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt"]


def test_checkpoints_lie_beside_the_target_and_go_when_it_is_saved(run, fitted, text, tmp_path, monkeypatch) -> None:
    beside = tmp_path / "m.checkpoints"

    def writes(self: object, *rest: Any, workdir: Path, **options: Any) -> firth.Vectors:
        assert workdir == beside
        (workdir / "checkpoints/000001").mkdir(parents=True)
        (workdir / "checkpoints/000001/manifest.json").touch()
        (workdir / "tokens.i32").touch()
        return firth.Vectors(["oak"], [[1.0]])

    monkeypatch.setattr(firth.Word2Vec, "fit", writes)
    assert run("train", "word2vec", text, "-o", f"{tmp_path}/m/", "--checkpoint-every", "1m").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "text.txt"]
    beside.mkdir()
    (beside / "thesis.txt").write_text("mine")
    assert run("train", "word2vec", text, "-o", tmp_path / "m", "--checkpoint-every", "1m").code == 0
    assert [path.name for path in beside.iterdir()] == ["thesis.txt"]


def test_a_workdir_keeps_the_text_but_no_checkpoints(run, text, tmp_path) -> None:
    words = ("-o", tmp_path / "m", "--dim", 4, "--epochs", 1, "--checkpoint-every", "1h", "--workdir", tmp_path / "w")
    assert run("train", "word2vec", text, *words).code == 0
    kept = {path.name for path in (tmp_path / "w").iterdir()}
    assert kept == {"tokens.i32", "sentences.i64", "vocabulary.tsv", "encoded.json"}


def test_a_run_that_fails_before_its_first_checkpoint_leaves_nothing(run, tmp_path) -> None:
    (tmp_path / "rare.txt").write_text("a b c\n")
    ran = run("train", "word2vec", tmp_path / "rare.txt", "-o", tmp_path / "m", "--checkpoint-every", "1m")
    assert (ran.code, ran.out) == (3, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rare.txt"]


def test_to_resume_what_is_finished(run, fitted, text, tmp_path) -> None:
    train = ("train", "word2vec", text, "-o", tmp_path / "m", "--dim", 2)
    run(*train)
    before = (tmp_path / "m/config.json").stat().st_ino
    assert run(*train, "--resume") == (0, f"{tmp_path / 'm'}\n", "finished: nothing to do.\n")
    assert run(*train, "--resume", "--json").json == {"model": str(tmp_path / "m"), "finished": True}
    assert (tmp_path / "m/config.json").stat().st_ino == before
    ran = run(*train, "--resume", "--epochs", 9)
    assert ran.code == 2
    assert "epochs was 5, is 9" in ran.err
    assert len(fitted) == 1
    (tmp_path / "m.checkpoints").mkdir()  # a later run was stopped
    run(*train, "--resume", "--epochs", 9)
    assert len(fitted) == 2


def test_to_resume_what_never_began(run, text, tmp_path) -> None:
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--resume")
    assert (ran.code, ran.out) == (3, "")
    assert "There is no checkpoint" in ran.err


def test_starting_anew_over_checkpoints_is_said(run, fitted, text, tmp_path) -> None:
    (tmp_path / "m.checkpoints/checkpoints/000001").mkdir(parents=True)
    (tmp_path / "m.checkpoints/checkpoints/000001/manifest.json").touch()
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--checkpoint-every", "1m")
    assert "This one starts anew; --resume goes on" in ran.err


def test_the_held_out_loss_is_in_the_last_line_and_in_info(run, text, tmp_path) -> None:
    train = ("train", "word2vec", text, "-o", tmp_path / "m", "--dim", 4, "--epochs", 2, "--threads", 1)
    assert "held-out loss 3." in run(*train, "--validation", text).err
    rows = run("info", tmp_path / "m").rows
    epochs = firth.load(tmp_path / "m").provenance["epochs"]
    assert rows[-2:] == [
        [f"pass {e['number']}", f"{e['loss']:.4f}", f"{e['validation']:.4f}", str(round(e["words_per_second"]))]
        for e in epochs
    ]
    assert "held-out" not in run(*train).err
    assert run("info", tmp_path / "m").rows[-1][2] == ""


def test_learning_on_from_a_model(run, text, tmp_path) -> None:
    first, second = tmp_path / "m", tmp_path / "more"
    run("train", "word2vec", text, "-o", first, "--dim", 4, "--epochs", 2, "--threads", 1, "--lower")
    (tmp_path / "more.txt").write_text("the Fir and the OAK\n" * 20)
    ran = run("train", "word2vec", "--from", first, tmp_path / "more.txt", "-o", second, "--iter", 3, "--json")
    assert (ran.code, ran.json["model"], len(ran.json["epochs"])) == (0, str(second), 3)
    assert "--iter is called --epochs here." in ran.err
    assert "6 words went on, 1 are new." in ran.err
    before, after = firth.load(first), firth.load(second)
    assert after.index_to_key == [*before.index_to_key, "fir"]
    assert after.counts[after.key_to_index["oak"]] == 50 + 20
    assert after.config["model"]["dim"] == 4
    assert run("info", second).code == 0


@pytest.mark.parametrize(
    "words",
    [["--resume"], ["--validation", "0.1"], ["--lower"], ["--own-words", "f"], ["--phrases"], ["--phrases-from", "f"]],
    ids=lambda words: words[0],
)
def test_what_does_not_go_with_from(run, text, model, tmp_path, words: list[str]) -> None:
    ran = run("train", "word2vec", "--from", model, text, "-o", tmp_path / "more", *words)
    assert (ran.code, ran.out) == (2, "")
    assert f"{words[0]} does not go with --from" in ran.err


# Real processes

# As at a terminal, even where these tests run in the background: there, Ctrl-C would be ignored.
_HEARS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"


def started(*words: object, code: str = "from firth.__main__ import main; raise SystemExit(main())") -> Any:
    """A command line, or other code, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{_HEARS_CTRL_C}\n{code}", *map(str, words)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=600)
    finally:
        process.kill()
    assert "Traceback" not in err
    return process.returncode, out, err


def wait_for(there: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    for _ in range(12_000):
        if there():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("it never came")


def newest(checkpoints: Path) -> tuple[str, int]:
    """Its number, and when it was written: one that a signal breaks off is written again under its number."""
    return max((path.parent.name, path.stat().st_mtime_ns) for path in checkpoints.glob("*/manifest.json"))


@pytest.fixture
def long_text(tmp_path: Path) -> Path:
    draw = random.Random(1)
    words = [f"w{number}" for number in range(500)]
    path = tmp_path / "long.txt"
    path.write_text("\n".join(" ".join(draw.choices(words, k=20)) for _ in range(3000)))
    return path


TRAIN = ("--dim", 16, "--subsample", 0, "--epochs", 60, "--deterministic", "--threads", 2, "--validation", 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "says"),
    [
        (signal.SIGKILL, -signal.SIGKILL, ""),
        (signal.SIGTERM, 143, "firth: terminated.\n"),
        (signal.SIGINT, 130, "firth: interrupted.\n"),
    ],
    ids=["kill -9", "SIGTERM", "Ctrl-C"],
)
def test_a_stopped_run_resumed_gives_the_bytes_of_one_that_was_not(
    long_text, tmp_path, number: signal.Signals, code: int, says: str
) -> None:
    target, checkpoints = tmp_path / "m", tmp_path / "m.checkpoints/checkpoints"
    train = ("train", "word2vec", long_text, *TRAIN, "-o")
    process = started(*train, target, "--checkpoint-every", "0.2s")
    wait_for(lambda: list(checkpoints.glob("*/manifest.json")), process)
    before = newest(checkpoints)
    process.send_signal(number)
    returned, out, err = ended(process)
    assert (returned, out) == (code, "")
    assert err.endswith(says)
    assert not target.exists()
    if says:
        assert "To go on: the same command, with --resume." in err
        assert newest(checkpoints) > before
    assert ended(started(*train, target, "--resume"))[0] == 0
    assert ended(started(*train, tmp_path / "unbroken"))[0] == 0
    resumed, unbroken = ((folder / "vectors.safetensors").read_bytes() for folder in (target, tmp_path / "unbroken"))
    assert resumed == unbroken
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long.txt", "m", "unbroken"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_checkpoints_the_target_stays_as_it_was(long_text, model, tmp_path, number: signal.Signals) -> None:
    before = {path.name: path.read_bytes() for path in model.iterdir()}
    names = sorted(path.name for path in tmp_path.iterdir())
    words = ("--workdir", tmp_path / "w", "--epochs", 10**6)
    process = started("train", "word2vec", long_text, "-o", model, *words)
    wait_for((tmp_path / "w/encoded.json").exists, process)
    process.send_signal(number)
    code, out, err = ended(process)
    assert (code, out, err.count("\n")) == (128 + number, "", 1)
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "w"])


def test_ctrl_c_while_firth_is_loaded_says_nothing() -> None:
    code = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "firth.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from firth.__main__ import main
raise SystemExit(main())
"""
    assert ended(started("--version", code=code)) == (130, "", "")


@pytest.mark.parametrize("second", ["SIGINT", "SIGTERM"])
def test_the_second_signal_leaves_at_once(second: str) -> None:
    code = f"""
import os, signal
from firth.cli.stopping import stoppable
with stoppable():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        print("saving", flush=True)
        os.kill(os.getpid(), signal.{second})
    finally:
        print("still here", flush=True)
"""
    assert ended(started(code=code)) == (128 + getattr(signal, second), "saving\n", "")


def test_a_signal_that_a_callback_swallows_comes_again() -> None:
    code = """
import ctypes, os, signal, time
from firth.cli.stopping import Stopped, stoppable
callback = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGTERM))
try:
    with stoppable():
        callback()
        time.sleep(60)
except Stopped as stopped:
    print(stopped.exit_code)
"""
    assert ended(started(code=code)) == (0, "143\n", "")


def test_signals_are_as_before_afterwards_and_an_ignored_one_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with stopping.stoppable():
            os.kill(os.getpid(), signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        interrupt = signal.getsignal(signal.SIGINT)
        with stopping.stoppable():
            assert signal.getsignal(signal.SIGINT) is not interrupt or interrupt is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is interrupt
    finally:
        signal.signal(signal.SIGTERM, before)
