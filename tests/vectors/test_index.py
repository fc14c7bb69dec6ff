"""The approximate index: what it finds, saved and opened with the table, and every way in which it may not fit."""

import builtins
import json
from pathlib import Path

import numpy as np
import pytest

from firth import Vectors, load
from firth.errors import ConfigError, CorruptFileError, FormatError, InputError, MissingExtraError
from firth.formats import describe, native

pytest.importorskip("usearch")

RNG = np.random.default_rng(9)


def a_table(rows: int = 3000, dim: int = 16) -> Vectors:
    array = RNG.normal(size=(rows, dim)).astype(np.float32)
    return Vectors([f"键{row}" for row in range(rows)], array, output=array[::-1].copy(), counts=np.arange(rows, 0, -1))


@pytest.fixture(scope="module")
def indexed() -> Vectors:
    v = a_table()
    v.build_index()
    return v


def test_it_finds_what_it_says_and_scores_are_exact(indexed: Vectors) -> None:
    assert indexed.index.recall >= 0.95
    keys = [f"键{row}" for row in range(0, 3000, 17)]
    exact, found = indexed.nearest(keys), indexed.nearest(keys, index="hnsw")
    hits = [
        len({key for key, _ in one} & {key for key, _ in other}) / 10 for one, other in zip(exact, found, strict=True)
    ]
    assert np.mean(hits) > 0.93
    for key, near in zip(keys, found, strict=True):
        assert len(near) == 10
        assert key not in {other for other, _ in near}
        scores = [score for _, score in near]
        assert scores == sorted(scores, reverse=True)
        for other, score in near:
            assert score == pytest.approx(indexed.similarity(key, other), abs=1e-5)


def test_one_question_and_many_are_answered_alike(indexed: Vectors) -> None:
    one = indexed.most_similar("键5", topn=4, index="hnsw")
    many = indexed.nearest(["键5", "键6"], topn=4, index="hnsw")[0]
    assert [key for key, _ in one] == [key for key, _ in many]
    assert len(indexed.most_similar(["键5", "键6"], ["键7"], index="hnsw")) == 10
    assert indexed.most_similar("键5", topn=0, index="hnsw") == []
    assert indexed.nearest(np.empty((0, 16), np.float32), index="hnsw") == []


def test_more_than_there_are(indexed: Vectors) -> None:
    few = a_table(7)
    few.build_index()
    assert few.most_similar("键1", topn=50, index="hnsw") == [
        (key, pytest.approx(score, abs=1e-6)) for key, score in few.most_similar("键1", topn=50)
    ]
    assert len(indexed.most_similar("键1", topn=5000, index="hnsw")) == 2999  # where the walk falls short: all rows


def test_recall_is_printed_and_rises_with_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    v = a_table(2000, 40)  # no structure at all: the hardest there is
    low = v.build_index(recall=0.3, connectivity=4, expansion_add=16)
    said = capsys.readouterr()
    assert said.out == ""
    assert f"recall@10 {low.recall:.3f}" in said.err
    high = v.build_index(recall=0.9, connectivity=4, expansion_add=16)
    assert high.recall > low.recall
    assert high.expansion_search > low.expansion_search
    asked = np.unique(np.linspace(0, 1999, 1000).astype(int)).tolist()
    exact, found = v.nearest(asked), v.nearest(asked, index="hnsw")
    hits = [
        len({key for key, _ in one} & {key for key, _ in other}) / 10 for one, other in zip(exact, found, strict=True)
    ]
    assert np.mean(hits) == pytest.approx(high.recall, abs=1e-6)


def test_saved_and_opened_with_the_model(indexed: Vectors, tmp_path: Path) -> None:
    indexed.save(tmp_path / "model")
    for verify in ("headers", "full"):
        opened = load(tmp_path / "model", verify=verify)
        assert opened.index.graph is None  # not before it is asked
        assert opened.index.described() == indexed.index.described()
        assert opened.most_similar("键5", index="hnsw") == indexed.most_similar("键5", index="hnsw")
    assert describe(tmp_path / "model")["index"]["rows"] == 3000
    opened.save(tmp_path / "model")  # over the file that is mapped
    again = load(tmp_path / "model")
    assert again.most_similar("键5", index="hnsw") == opened.most_similar("键5", index="hnsw")
    again.index = None
    again.save(tmp_path / "model")
    assert not (tmp_path / "model" / "index.usearch").exists()
    assert load(tmp_path / "model").index is None


def test_a_quantised_table_has_an_index_too(tmp_path: Path) -> None:
    small = a_table(800).quantise("int8")
    small.build_index()
    small.save(tmp_path / "model")
    opened = load(tmp_path / "model")
    assert opened.most_similar("键5", index="hnsw") == small.most_similar("键5", index="hnsw")
    assert "vectors" not in opened.__dict__


def test_the_output_table_has_one_of_its_own(indexed: Vectors) -> None:
    v = a_table(300)
    v.build_index(which="output")
    assert v.most_similar("键5", topn=1, index="hnsw", which="output")[0] == (
        v.most_similar("键5", topn=1, which="output")[0][0],
        pytest.approx(v.most_similar("键5", topn=1, which="output")[0][1], abs=1e-6),
    )
    with pytest.raises(ConfigError, match=r"no index of the input vectors.*which='input'"):
        v.most_similar("键5", index="hnsw")


def test_what_the_index_cannot_do_is_refused(indexed: Vectors) -> None:
    for options in ({"where": {"prefix": "键1"}}, {"restrict_vocab": 10}, {"metric": "dot"}):
        with pytest.raises(ConfigError, match="leave index= out"):
            indexed.nearest("键5", index="hnsw", **options)
    with pytest.raises(ConfigError, match=r"Build one: build_index\(which='input'\)"):
        a_table(5).most_similar("键1", index="hnsw")
    for options in ({"recall": 0}, {"recall": 1.5}, {"connectivity": 1}, {"expansion_add": 0}):
        with pytest.raises(ConfigError, match="must be"):
            indexed.build_index(**options)
    with pytest.raises(InputError, match="no rows"):
        a_table(5).subset([]).build_index()


def test_tables_made_from_this_one_have_no_index(indexed: Vectors) -> None:
    assert indexed.subset(range(5)).index is None
    assert indexed.normalise().index is None
    assert indexed.index is not None


# ---------------------------------------------------------------- an index that does not fit


def test_vectors_that_changed_under_it_are_noticed(tmp_path: Path) -> None:
    v = a_table(500)
    v.build_index()
    v.vectors[:] = RNG.normal(size=v.vectors.shape)
    v._measured.clear()
    with pytest.raises(InputError, match=r"other vectors than these.*build_index\(\)"):
        v.most_similar("键5", index="hnsw")
    with pytest.raises(InputError, match="other vectors than these"):
        v.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def forge(folder: Path, change) -> None:
    """Change config.json and seal it again: what a careful hand could do."""
    config = json.loads((folder / "config.json").read_bytes())
    del config["checksum"]
    change(config)
    (folder / "config.json").write_bytes(native.seal(json.dumps(config).encode()))


@pytest.fixture
def saved(indexed: Vectors, tmp_path: Path) -> Path:
    indexed.save(tmp_path / "model")
    return tmp_path / "model"


def test_the_index_of_another_model(saved: Path, tmp_path: Path) -> None:
    """Its file and its record are moved over: everything agrees but the vectors."""
    other = a_table()
    other.build_index()
    other.save(tmp_path / "other")
    theirs = json.loads((tmp_path / "other" / "config.json").read_bytes())
    (saved / "index.usearch").write_bytes((tmp_path / "other" / "index.usearch").read_bytes())

    def change(config: dict) -> None:
        config["files"]["index.usearch"] = theirs["files"]["index.usearch"]
        config["index"] = theirs["index"]

    forge(saved, change)
    with pytest.raises(InputError, match="other vectors than these"):
        load(saved).most_similar("键5", index="hnsw")


@pytest.mark.parametrize("place", [0, 3, 70, 5000, -1])
def test_one_changed_byte_is_damage(saved: Path, place: int) -> None:
    data = bytearray((saved / "index.usearch").read_bytes())
    data[place] ^= 0x40
    (saved / "index.usearch").write_bytes(data)
    opened = load(saved)  # what is not asked is not read
    assert len(opened.most_similar("键5")) == 10
    with pytest.raises(CorruptFileError, match=r"index\.usearch is damaged between byte"):
        opened.most_similar("键5", index="hnsw")
    with pytest.raises(CorruptFileError, match=r"index\.usearch is damaged"):
        load(saved, verify="full")


def test_a_file_cut_short_or_missing_or_linked(saved: Path) -> None:
    data = (saved / "index.usearch").read_bytes()
    (saved / "index.usearch").write_bytes(data[:-1])
    with pytest.raises(CorruptFileError, match="was cut short"):
        load(saved)
    (saved / "index.usearch").unlink()
    with pytest.raises(InputError, match=r"index\.usearch is missing"):
        load(saved)
    (saved / "index.usearch").symlink_to("/dev/zero")
    with pytest.raises(FormatError, match="symbolic link"):
        load(saved)


WRONG = [
    lambda config: config["index"].update(rows=2999),
    lambda config: config["index"].update(dim=15),
]


@pytest.mark.parametrize("change", WRONG)
def test_numbers_that_do_not_fit_the_file(saved: Path, change) -> None:
    forge(saved, change)
    with pytest.raises(InputError, match=r"Build it again"):
        load(saved).most_similar("键5", index="hnsw")


REFUSED = [
    lambda config: config["index"].update(rows=-1),
    lambda config: config["index"].update(rows="3000"),
    lambda config: config["index"].update(which="both"),
    lambda config: config["index"].pop("recall"),
    lambda config: config["index"].update(more=1),
    lambda config: config.update(index=[]),
    lambda config: config["files"].pop("index.usearch"),
]


@pytest.mark.parametrize("change", REFUSED, ids=range(len(REFUSED)))
def test_a_record_that_describes_no_index_is_damage(saved: Path, change) -> None:
    forge(saved, change)
    with pytest.raises(CorruptFileError):
        load(saved)


def test_a_missing_extra_is_named(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **more: object) -> object:
        if name.startswith("usearch"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    opened = load(saved)
    assert len(opened.most_similar("键5")) == 10
    for ask in (lambda: opened.most_similar("键5", index="hnsw"), lambda: a_table(5).build_index()):
        with pytest.raises(MissingExtraError, match=r"pip install 'firth\[ann\]'"):
            ask()
