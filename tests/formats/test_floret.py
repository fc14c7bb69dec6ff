"""floret's text file: what floret writes, what spaCy's tool reads, the round trip, damage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firth
from firth import Vectors, load
from firth.errors import CorruptFileError, FormatError
from firth.formats import describe, recognise

TEXT = [["the", "cat", "sat"], ["a", "dög", "ran"], ["北京", "欢迎", "你"]] * 20
WORDS = ["cat", "unseen", "北京", "dög", "</s>"]


def learnt(**options: Any) -> Vectors:
    options = {"hash_count": 2, "buckets": 40, "min_n": 2, "max_n": 3, "dim": 5, "min_count": 1, "lr": 0.5, **options}
    return firth.FastText(**options).fit(TEXT, threads=1)


@pytest.mark.parametrize("hash_count", [1, 2, 4])
@pytest.mark.parametrize(("min_n", "max_n"), [(2, 3), (4, 5)])
def test_what_floret_writes(tmp_path: Path, hash_count: int, min_n: int, max_n: int) -> None:
    floret = pytest.importorskip("floret")
    (tmp_path / "text").write_text("\n".join(map(" ".join, TEXT)) + "\n", encoding="utf-8")
    how = {"hashCount": hash_count, "bucket": 40, "minn": min_n, "maxn": max_n, "dim": 5, "minCount": 1, "lr": 0.5}
    model = floret.train_unsupervised(str(tmp_path / "text"), mode="floret", thread=1, verbose=0, **how)
    model.save_floret_vectors(str(tmp_path / "m.floret"))
    ours = load(tmp_path / "m.floret", keys=["cat", "sat"])
    assert ours.index_to_key == ["cat", "sat"]
    for word in WORDS[:-1]:
        np.testing.assert_allclose(ours[word], model.get_word_vector(word), atol=1e-4, rtol=1e-4)  # five digits
    assert recognise(tmp_path / "m.floret").name == "floret"
    facts = describe(tmp_path / "m.floret")
    assert facts["buckets"] == 40 and facts["hash_count"] == hash_count and facts["rows"] == 0
    assert len(load(tmp_path / "m.floret")) == 0


def test_every_bit_comes_back(tmp_path: Path) -> None:
    ours = learnt()
    ours.save(tmp_path / "m", format="floret")
    again = load(tmp_path / "m", keys=ours.index_to_key)
    for word in [*WORDS, *ours]:
        np.testing.assert_array_equal(again[word], ours[word])
    assert again.most_similar("cat") == ours.most_similar("cat")
    again.save(tmp_path / "m", format="floret")  # over itself
    first = (tmp_path / "m").read_text().split("\n")
    assert first[0] == "40 5 2 3 2 2166136261 < >" and first[1].startswith("0 ") and len(first) == 42
    load(tmp_path / "m").save(tmp_path / "native")  # no keys at all
    np.testing.assert_array_equal(load(tmp_path / "native")["unseen"], ours["unseen"])


def test_spacy_reads_it(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    vectors = pytest.importorskip("spacy.training.initialize")
    ours = learnt()
    ours.save(tmp_path / "m", format="floret")
    nlp = spacy.blank("en")
    vectors.convert_vectors(nlp, tmp_path / "m", truncate=-1, prune=-1, mode="floret")
    for word in WORDS[:-1]:
        np.testing.assert_allclose(nlp.vocab[word].vector, ours[word], atol=1e-5)


def test_what_it_cannot_hold(tmp_path: Path) -> None:
    for other in (Vectors(["a"], [[1.0]]), learnt(hash_count=0)):
        with pytest.raises(FormatError, match=r"train them with FastText\(hash_count=2\)"):
            other.save(tmp_path / "m", format="floret")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("line", "text", "error", "says"),
    [
        (0, "40 5 2 3 2 2166136261 [ ]", FormatError, "not < and >"),
        (0, "40 5 2 3 9 2166136261 < >", CorruptFileError, "9 hashes"),
        (0, "40 5 2 3 2 9999999999 < >", CorruptFileError, "seed 9,999,999,999"),
        (0, "40 0 2 3 2 2166136261 < >", CorruptFileError, "rows of 0 numbers"),
        (0, "2147483647 9 2 3 2 2166136261 < >", CorruptFileError, "the file was cut short"),
        (0, "39 5 2 3 2 2166136261 < >", CorruptFileError, "the header promised 39"),
        (0, "39 5", CorruptFileError, "the header promised 39"),  # word2vec's, then
        (7, "70 1 2 3 4 5", CorruptFileError, "line 8: row 6 is due here"),
        (7, "6 1 2 3 4", CorruptFileError, "line 8: 4 numbers"),
        (7, "6 1 2 3 4 nan", CorruptFileError, "line 8: not a finite number"),
    ],
)
def test_damage(tmp_path: Path, line: int, text: str, error: Any, says: str) -> None:
    learnt().save(tmp_path / "m", format="floret")
    lines = (tmp_path / "m").read_text().split("\n")
    lines[line] = text
    (tmp_path / "m").write_text("\n".join(lines))
    with pytest.raises(error, match=says):
        load(tmp_path / "m")


def test_a_file_that_was_cut_short(tmp_path: Path) -> None:
    learnt().save(tmp_path / "m", format="floret")
    whole = (tmp_path / "m").read_bytes()
    for end in [*range(0, 60, 3), *range(60, len(whole) - 1, 97)]:
        (tmp_path / "m").write_bytes(whole[:end])
        with pytest.raises((FormatError, CorruptFileError)):
            load(tmp_path / "m")
