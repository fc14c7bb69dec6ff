"""Rated pairs: the correlations, every option, every shape of file."""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from firth.errors import InputError, MissingInputError
from firth.evaluate.similarity import pairs
from firth.vectors.table import Vectors

# Unit vectors at 0°, 10°, 40°, 90°: cosines are known.
ANGLES = np.radians([0, 10, 40, 90])
KEYS = ["a", "b", "c", "d"]
VECTORS = Vectors(KEYS, np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), output=np.eye(4)[:, :2] + 0.5)
RATED = ["a b 9", "a c 5", "a d 2", "b c 7"]
COSINES = [math.cos(math.radians(angle)) for angle in (10, 40, 90, 30)]


def ranks(numbers: list[float]) -> list[float]:
    """1 for the smallest; the mean rank where some tie."""
    return [(1 + len(numbers) + sum(o < n for o in numbers) - sum(o > n for o in numbers)) / 2 for n in numbers]


def test_the_correlations_are_those_of_the_books() -> None:
    found = pairs(VECTORS, RATED)
    assert found.pearson == pytest.approx(np.corrcoef([9, 5, 2, 7], COSINES)[0, 1], abs=1e-6)
    assert found.spearman == pytest.approx(1)
    swapped = pairs(VECTORS, ["a b 9", "a c 5", "a d 5", "b c 1"])
    assert swapped.spearman == pytest.approx(np.corrcoef(ranks([9, 5, 5, 1]), ranks(COSINES))[0, 1], abs=1e-6)
    assert 0 < swapped.spearman_p < 1
    assert 0 < swapped.pearson_p < 1
    assert (found.n, found.questions, found.coverage) == (4, 4, 1)


def test_words_paired_with_themselves_tie() -> None:
    rng = np.random.default_rng(0)
    vectors = Vectors([f"w{place}" for place in range(50)], rng.normal(size=(50, 7)))
    lines = [f"w{place} w{place} 10" for place in range(50)] + ["w0 w1 1", "w1 w2 1"]
    assert pairs(vectors, lines[:-1]).spearman == pytest.approx(1)


@pytest.mark.parametrize("length", [1e-15, 1e15])
def test_the_length_of_vectors_does_not_matter(length: float) -> None:
    scaled = Vectors(KEYS, VECTORS.vectors * np.float32(length))
    assert pairs(scaled, RATED).pearson == pytest.approx(pairs(VECTORS, RATED).pearson)


def test_a_zero_vector_has_cosine_zero() -> None:
    vectors = Vectors(["a", "b", "zero"], [[1, 0], [1, 1], [0, 0]])
    ours = pairs(vectors, ["a b 3", "a zero 1", "b zero 2"]).pearson
    assert ours == pytest.approx(np.corrcoef([3, 1, 2], [0.5**0.5, 0, 0])[0, 1], abs=1e-6)


def test_the_report_is_a_line_and_a_plain_dict() -> None:
    found = pairs(VECTORS, [*RATED, "a unknown 4"])
    assert (
        str(found)
        == f"the lines given: Spearman 1.000 [1.000, 1.000], Pearson {found.pearson:.3f} (4 of 5 pairs, coverage 80.0%)"
    )
    plain = found.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == [
        "file",
        "spearman",
        "spearman_p",
        "pearson",
        "pearson_p",
        "n",
        "questions",
        "coverage",
        "interval",
    ]


def test_one_side_that_does_not_vary_has_no_correlation() -> None:
    with warnings.catch_warnings(action="error"):
        found = pairs(VECTORS, ["a b 3", "a c 3"])
    assert math.isnan(found.spearman)
    assert math.isnan(found.pearson)
    assert found.to_dict()["spearman"] is None
    json.dumps(found.to_dict(), allow_nan=False)


# ---------------------------------------------------------------- options


def test_unknown_pairs_are_left_out_or_count_as_zero() -> None:
    lines = [*RATED, "a unknown 8"]
    assert pairs(VECTORS, lines).pearson == pairs(VECTORS, RATED).pearson
    dummy = pairs(VECTORS, lines, dummy4unknown=True)
    assert dummy.pearson == pytest.approx(np.corrcoef([9, 5, 2, 7, 8], [*COSINES, 0])[0, 1], abs=1e-6)
    assert (dummy.n, dummy.coverage) == (5, 0.8)
    assert pairs(VECTORS, lines).n == 4


def test_case_matters_where_asked() -> None:
    upper = [line.upper() for line in RATED]
    assert pairs(VECTORS, upper).n == 4
    with pytest.raises(InputError, match="0 of 4 pairs"):
        pairs(VECTORS, upper, case_insensitive=False)
    cased = Vectors(["A", "a", "b", "c"], [[0, 1], [1, 0], [1, 1], [1, 2]])
    lines = ["a b 1", "a c 2"]
    assert pairs(cased, lines).pearson == pytest.approx(1)
    assert pairs(cased, lines, case_insensitive=False).pearson == pytest.approx(-1)


def test_only_the_first_keys_are_known() -> None:
    assert pairs(VECTORS, RATED, restrict_vocab=3).n == 3
    assert pairs(VECTORS, RATED, restrict_vocab=None).n == 4


def test_which_table_is_asked() -> None:
    output = Vectors(KEYS, VECTORS.output)
    assert (
        pairs(VECTORS, RATED, which="output").pearson == pairs(output, RATED).pearson != pairs(VECTORS, RATED).pearson
    )


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    "lines",
    [
        [line.replace(" ", "\t") for line in RATED],
        [line.replace(" ", ",") for line in RATED],
        [line.replace(" ", ", ") for line in RATED],
        [line.replace(" ", "   ") for line in RATED],
        ["Word 1,Word 2,Human (mean)", *(line.replace(" ", ",") for line in RATED)],
        ["word1\tword2\tPOS\tscore", *(line.replace(" ", "\t") for line in RATED)],
        ["# comment", "", *RATED[:2], "  ", "# another, with a comma", *RATED[2:]],
        ["#\ta", "word word score", *RATED],
    ],
)
def test_tabs_commas_blanks_headers_and_comments(lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(("\ufeff" + "\r\n".join(lines)).encode())
    found = pairs(VECTORS, tmp_path / "file")
    assert found.to_dict() == {**pairs(VECTORS, RATED).to_dict(), "file": str(tmp_path / "file")}
    assert pairs(VECTORS, lines) == pairs(VECTORS, RATED)


def test_a_given_delimiter_is_the_one() -> None:
    lines = [line.replace(" ", ";") for line in RATED]
    assert pairs(VECTORS, lines, delimiter=";") == pairs(VECTORS, RATED)
    with pytest.raises(InputError, match="line 2"):
        pairs(VECTORS, lines)
    phrase = Vectors(["new york", "b"], np.eye(2) + 0.5)
    assert pairs(phrase, ["new york\tb\t1", "b\tb\t2"]).n == 2
    with pytest.raises(InputError, match="line 2"):  # the first could be a header
        pairs(phrase, ["new york\tb\t1", "b\tb\t2"], delimiter=" ")


def test_the_encoding_of_a_file(tmp_path: Path) -> None:
    vectors = Vectors(["é", "b", "c"], [[1, 0], [1, 1], [0, 1]])
    (tmp_path / "file").write_bytes("é b 2\né c 1\n".encode("latin-1"))
    assert pairs(vectors, tmp_path / "file", encoding="latin-1").n == 2
    (tmp_path / "wide").write_bytes("é b 2\né c 1\n".encode("utf-16"))
    assert pairs(vectors, tmp_path / "wide", encoding="utf-16").n == 2
    with pytest.raises(InputError, match="line 1: not utf8"):
        pairs(vectors, tmp_path / "file")
    with pytest.raises(InputError, match="no encoding 'klingon'"):
        pairs(vectors, tmp_path / "file", encoding="klingon")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*RATED, "a b"], "line 5: not 'word word rating'"),
        ([*RATED, "a b c"], "line 5: not 'word word rating'"),
        ([*RATED, "a b 1 2"], "line 5"),
        (["a b 1 2"], "line 1"),
        (["a b nan", *RATED], "line 1"),
        ([*RATED, "a b inf"], "line 5"),
        ([], "holds no pairs"),
        (["only a header"], "holds no pairs"),
        (["a b 3"], "1 of 1 pairs have known words; a correlation needs two"),
        (["x y 3", "y z 4"], "0 of 2 pairs"),
    ],
)
def test_what_is_no_pairs_file_is_refused_with_its_line(lines: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        pairs(VECTORS, lines)
    with pytest.raises(InputError, match=str(tmp_path / "file")):
        pairs(VECTORS, tmp_path / "file")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="nowhere"):
        pairs(VECTORS, tmp_path / "nowhere")


def test_chinese_pairs(shared_data) -> None:
    file = shared_data("wordeval/zh/wordsim-240.tsv")
    words = sorted({word for line in file.read_text("utf8").splitlines() for word in line.split("\t")[:2]})
    vectors = Vectors(words, np.random.default_rng(0).normal(size=(len(words), 20)))
    found = pairs(vectors, file)
    assert found.coverage == 1
    assert found.n == found.questions == 240
