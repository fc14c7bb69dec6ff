"""firth train: what is typed reaches the model, the text and the run; the target is checked before training starts."""

import dataclasses
import io
import sys
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import pytest

import firth
from firth.cli import train
from firth.config import ALIASES, field_types


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `fit` was called with, instead of training."""
    calls: list[dict[str, Any]] = []

    def fit(self: firth.Word2Vec, source: firth.Text, **options: Any) -> firth.Vectors:
        calls.append({"model": self, "text": source, **options})
        return firth.Vectors(["oak", "elm"], [[1, 0], [0, 1]])

    monkeypatch.setattr(firth.Word2Vec, "fit", fit)
    return calls


def another(field: "dataclasses.Field[Any]") -> object:
    """A value of the field's type that is not its default."""
    if isinstance(field.default, bool):
        return not field.default
    if isinstance(field.default, int | float) and field.default:
        return field.default * 2
    kinds = [field_types(firth.Word2Vec)[field.name]]
    kinds = list(get_args(kinds[0])) if get_origin(kinds[0]) is UnionType else kinds
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    return next((choice for choice in choices if choice != field.default), 0.5 if float in kinds else 7)


@pytest.mark.parametrize("field", dataclasses.fields(firth.Word2Vec), ids=lambda field: field.name)
def test_every_option_of_the_model(run, fitted, text, tmp_path, field: "dataclasses.Field[Any]") -> None:
    option, value = field.name.replace("_", "-"), another(field)
    words = {True: [f"--{option}"], False: [f"--no-{option}"]}.get(value, [f"--{option}", value])  # type: ignore[call-overload]
    assert run("train", "word2vec", text, "-o", tmp_path / "m", *words).code == 0
    assert fitted[0]["model"] == firth.Word2Vec(**{field.name: value})
    assert fitted[0]["model"] != firth.Word2Vec()


@pytest.mark.parametrize("peer", [peer for peer, name in ALIASES.items() if hasattr(firth.Word2Vec, name)])
def test_names_of_other_tools(run, fitted, text, tmp_path, peer: str) -> None:
    option = f"--{peer.replace('_', '-')}"
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", option, 3)
    assert ran.code == 0
    assert getattr(fitted[0]["model"], ALIASES[peer]) == 3
    assert f"{option} is called --{ALIASES[peer].replace('_', '-')} here." in ran.err
    assert option not in run("train", "word2vec", "--help").out.replace(ALIASES[peer], "").split()


def test_one_option_under_two_names(run, fitted, text, tmp_path) -> None:
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--dim", 3, "--size", 4)
    assert ran.code == 2
    assert "'dim' is given twice" in ran.err
    assert fitted == []


@pytest.mark.parametrize("head", ["", "[word2vec]\n"])
def test_a_config_file_and_what_is_typed_wins(run, fitted, text, tmp_path, head: str) -> None:
    file = tmp_path / "run.toml"
    file.write_text(head + "dim = 30\nws = 4\nepochs = 9\nshrink_windows = false\n")
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--config", file, "--window", 7, "--iter", 2)
    assert ran.code == 0
    assert fitted[0]["model"] == firth.Word2Vec(dim=30, window=7, epochs=2, shrink_windows=False)


def test_a_preset_and_what_wins_over_it(run, fitted, text, tmp_path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("lr = 0.07\nwindow = 3\n")
    train = ("train", "word2vec", text, "-o", tmp_path / "m", "--preset", "fasttext")
    assert run(*train).code == 0
    assert run(*train, "--epochs", 2).code == 0
    assert run(*train, "--config", file, "--ws", 4).code == 0
    assert [call["model"] for call in fitted] == [
        firth.Word2Vec.preset("fasttext"),
        firth.Word2Vec.preset("fasttext", epochs=2),
        firth.Word2Vec.preset("fasttext", lr=0.07, window=4),
    ]


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("dmi = 3", 2, "Did you mean 'dim'?"),
        ("dim = ", 3, "not a TOML file"),
        ("dim = 'x'", 2, "dim"),
        ("[word2vec]\ndim = 3\n[text]\nlower = true", 2, "has a table [text], which nothing reads"),
        ("[word2vce]\ndim = 3", 2, "Did you mean 'word2vec'?"),
        ("epochs = 2\n[word2vec]\ndim = 3", 2, "has 'epochs' outside [word2vec]"),
        ("word2vec = 3", 2, "must be a table"),
        (None, 3, "No config"),
    ],
)
def test_a_config_file_that_is_wrong(run, fitted, text, tmp_path, content: str | None, code: int, says: str) -> None:
    file = tmp_path / "run.toml"
    if content is not None:
        file.write_text(content)
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--config", file)
    assert (ran.code, fitted) == (code, [])
    assert says in ran.err


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["--tokenizer", "words"], "tokenizer", "words"),
        (["--lower"], "lower", True),
        (["--field", "body", "--format", "jsonl"], "field", "body"),
        (["--format", "lines"], "format", "lines"),
        (["--errors", "replace"], "errors", "replace"),
    ],
)
def test_every_option_of_the_text(run, fitted, text, tmp_path, words: list[str], name: str, value: object) -> None:
    assert run("train", "word2vec", text, "-o", tmp_path / "m", *words).code == 0
    assert getattr(fitted[0]["text"], name) == value
    assert getattr(firth.Text(str(text)), name) != value


def test_options_of_the_run(run, fitted, text, tmp_path) -> None:
    run("train", "word2vec", text, "-o", tmp_path / "m")
    run("train", "word2vec", text, "-o", tmp_path / "m", "--threads", 2, "--workdir", tmp_path / "work")
    assert [(call["threads"], call["workdir"]) for call in fitted] == [(None, None), (2, tmp_path / "work")]


def test_several_sources_and_stdin(run, fitted, text, tmp_path) -> None:
    run("train", "word2vec", text, text, "-o", tmp_path / "m")
    run("train", "word2vec", "-", "-o", tmp_path / "m")
    assert [call["text"].source for call in fitted] == [[str(text)] * 2, "-"]


def test_the_result_is_the_folder(run, fitted, text, tmp_path) -> None:
    ran = run("train", "word2vec", text, "-o", tmp_path / "m")
    assert ran.out == f"{tmp_path / 'm'}\n"
    assert "2 words × 2 numbers" in ran.err
    assert f"firth nearest {tmp_path / 'm'} oak" in ran.err
    assert len(firth.load(tmp_path / "m")) == 2
    document = run("train", "word2vec", text, "-o", tmp_path / "m", "--json").json
    assert (document["model"], document["words"], document["dim"]) == (str(tmp_path / "m"), 2, 2)


def test_a_real_run(run, text, tmp_path) -> None:
    ran = run("train", "word2vec", text, "-o", tmp_path / "m", "--dim", 4, "--epochs", 2, "--threads", 1, "--json")
    assert ran.code == 0
    assert [epoch["number"] for epoch in ran.json["epochs"]] == [1, 2]
    vectors = firth.load(tmp_path / "m")
    assert set(vectors.index_to_key) == {"the", "oak", "and", "elm", "car", "bus"}
    assert vectors.config["model"]["epochs"] == 2
    assert "M words/s" in ran.err


def test_a_real_run_on_stdin(run, text, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.read_bytes())))
    ran = run("train", "word2vec", "-", "-o", tmp_path / "m", "--dim", 4, "--epochs", 1, "--threads", 1)
    assert ran.code == 0, ran.err
    assert len(firth.load(tmp_path / "m")) == 6


@pytest.mark.parametrize("what", ["a file", "a folder of something else", "a file as its parent"])
def test_a_target_that_cannot_be_is_refused_before_training(run, fitted, text, tmp_path, what: str) -> None:
    target = tmp_path / "precious"
    if what == "a folder of something else":
        target.mkdir()
        (target / "thesis.txt").write_text("mine")
    else:
        target.write_text("mine")
        target.chmod(0o755)  # a file that may be executed is no folder either
    ran = run("train", "word2vec", text, "-o", target / "m" if "parent" in what else target)
    assert ran.code in (1, 3)
    assert "precious" in ran.err
    assert fitted == []
    assert (target / "thesis.txt" if target.is_dir() else target).read_text() == "mine"


def test_a_folder_that_takes_no_files_is_refused_before_training(run, fitted, text, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(train.os, "access", lambda path, mode: False)  # root may write anywhere
    ran = run("train", "word2vec", text, "-o", tmp_path / "m")
    assert (ran.code, fitted) == (1, [])
    assert "takes no new files" in ran.err


def test_a_model_may_be_replaced(run, fitted, text, model) -> None:
    assert run("train", "word2vec", text, "-o", model).code == 0
    assert len(firth.load(model)) == 2


def test_interrupted_training_writes_nothing(run, text, tmp_path, monkeypatch) -> None:
    def fit(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(firth.Word2Vec, "fit", fit)
    assert run("train", "word2vec", text, "-o", tmp_path / "m") == (130, "", "firth: interrupted.\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt"]


@pytest.mark.parametrize(
    ("content", "words", "code", "says"),
    [
        ("", [], 3, "no word"),
        ("a b c\n", [], 3, "min_count"),
        ("a b\n", ["--dim", "0"], 2, "dim must be at least 1"),
        ("a b\n", ["--tokenizer", "word"], 2, "Did you mean 'words'?"),
        ("a b\n", ["--threads", "0"], 2, "threads"),
        (None, [], 3, "missing.txt"),
    ],
)
def test_bad_input(run, tmp_path, content: str | None, words: list[str], code: int, says: str) -> None:
    source = Path(tmp_path, "missing.txt")
    if content is not None:
        source.write_text(content)
    ran = run("train", "word2vec", source, "-o", tmp_path / "m", *words)
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err
    assert not (tmp_path / "m").exists()


def test_no_model_escapes_the_command_line() -> None:
    """Every public config is a command of `firth train`, but those of phrases and counts, which are no vectors."""
    from firth.config import Config

    public = [getattr(firth, name) for name in firth.__all__]
    models = {kind.name for kind in public if isinstance(kind, type) and issubclass(kind, Config)}
    assert models - {"phrases", "cooccurrence"} == {name for name in train.app if not name.startswith("-")}
