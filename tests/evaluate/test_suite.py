"""A folder of files of every kind: each is seen for what it is, and none is passed over without a word."""

import json
from pathlib import Path

import numpy as np
import pytest

from firth.errors import InputError, MissingInputError
from firth.evaluate.suite import KINDS, kind_of, suite
from firth.vectors.table import Vectors

pytest.importorskip("sklearn")

KEYS = ["oak", "elm", "ash", "car", "bus", "van"]
VECTORS = Vectors(KEYS, np.random.default_rng(0).normal(size=(6, 4)))
LABELLED = "".join(f"{label}\t{words}\n" for label, words in [("t", "oak elm"), ("t", "ash oak"), ("v", "car bus")] * 9)

FILES = {
    "google.txt": ("analogies", ": a\noak elm car bus\n"),
    "bats.txt": ("analogies", "oak\telm/ash\ncar\tbus\nvan\tbus/car\n"),
    "bats without answers to choose from.txt": ("analogies", "oak elm\ncar bus\nvan car\n"),
    "tabs.tsv": ("similarity", "oak\telm\t9\ncar\tbus\t8.5\noak\tcar\t1\n"),
    "commas with a header.csv": ("similarity", "Word 1,Word 2,Human\noak,elm,9\ncar,bus,8\noak,bus,1\n"),
    "blanks with a comment.txt": ("similarity", "# mine\noak elm 9\ncar bus 8\noak bus 2\n"),
    "outliers.csv": ("outliers", ",category,outliers,words\n0,T,\"['car']\",\"['oak', 'elm', 'ash']\"\n"),
    "outliers.txt": ("outliers", "oak\nelm\nash\n\ncar\nbus\n"),
    "categories.tsv": ("categories", "oak\ttree\nelm\ttree\ncar\tvehicle\nbus\tvehicle\nash\ttree\nvan\tvehicle\n"),
    "labelled.tsv": ("probe", LABELLED),
    "labels of single words.tsv": ("probe", "1\toak\n1\telm\n1\tash\n2\tcar\n2\tbus\n2\tvan\n" * 3),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_seen_for_what_it_is(name: str, tmp_path: Path) -> None:
    kind, text = FILES[name]
    (tmp_path / name).write_text(text)
    assert kind_of(tmp_path / name) == kind


def test_every_kind_is_tried_here() -> None:
    assert {kind for kind, _ in FILES.values()} == set(KINDS)


def write(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_one_table_of_everything(tmp_path: Path) -> None:
    write(tmp_path, **{name: text for name, (_, text) in FILES.items()})
    write(tmp_path / "sub", **{"train.tsv": LABELLED, "test.tsv": LABELLED[:200], "valid.tsv": LABELLED})
    write(tmp_path, **{".hidden": "x", "readme.md": "What is this?\nA page of text.\n", "empty.txt": "\n"})
    found = suite(VECTORS, tmp_path)
    scores = found.scores()
    assert {score.file for score in scores} == {*FILES, "sub/test.tsv"}
    assert {Path(file).name for file, _ in found.skipped} == {"readme.md", "empty.txt"}
    assert all(score.low <= score.score <= score.high for score in scores if score.score == score.score)
    document = json.loads(json.dumps(found.to_dict()))
    assert [len(document[kind]) for kind in KINDS] == [3, 3, 2, 1, 3]
    shown = str(found)
    assert "sub/test.tsv" in shown
    assert "not asked:" in shown


def test_a_damaged_file_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, **{"good.txt": FILES["google.txt"][1], "bad.txt": ": a\noak elm car\n"})
    (tmp_path / "latin.txt").write_bytes("für\n".encode("latin-1"))
    found = suite(VECTORS, tmp_path)
    assert [score.file for score in found.scores()] == ["good.txt"]
    assert sorted(Path(file).name for file, _ in found.skipped) == ["bad.txt", "latin.txt"]


def test_options_reach_the_questions(tmp_path: Path) -> None:
    write(tmp_path, **{"a.txt": ": a\noak elm car bus\noak elm ash van\n"})
    assert suite(VECTORS, tmp_path, restrict_vocab=5).scores()[0].asked == 1
    reported: list[str] = []
    suite(VECTORS, tmp_path, report=reported.append)
    assert reported == [str(tmp_path / "a.txt")]


def test_nothing_to_ask(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to evaluate on among its 0 files"):
        suite(VECTORS, tmp_path)
    write(tmp_path, **{"a.txt": "Some text of no kind at all.\n"})
    with pytest.raises(InputError, match="of no kind that is known"):
        suite(VECTORS, tmp_path)
    with pytest.raises(MissingInputError, match="No folder"):
        suite(VECTORS, tmp_path / "no")
