"""Pairs of texts: lines with a tab, or pairs from Python."""

import gzip
from pathlib import Path

import pytest

import firth
from firth.corpus.parallel import pairs
from firth.errors import ConfigError, EncodingError, InputError


def test_files_lines_and_pairs(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("to be\teb ot\r\n\n你好\t好你\n", encoding="utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"x y\t y x \n"))
    expected = [("to be", "eb ot"), ("你好", "好你")]
    assert list(pairs(tmp_path / "a.tsv")) == expected
    assert list(pairs([str(tmp_path / "a.tsv"), str(tmp_path / "b.txt.gz")])) == [*expected, ("x y", "y x")]
    assert list(pairs(firth.Text(str(tmp_path / "a.tsv"), tokenizer="characters"))) == expected
    assert list(pairs(expected)) == list(pairs(iter(expected))) == expected
    assert list(pairs([["a\nb", "c"]])) == [("a b", "c")]


@pytest.mark.parametrize(
    ("line", "said"),
    [("no tab", "line 2 is 'no tab'"), ("a\tb\tc", "line 2 is"), ("a\t ", "empty target"), ("\ta", "empty source")],
)
def test_what_is_no_pair_is_named_by_its_line(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(f"a\tb\n{line}\n")
    with pytest.raises(InputError, match=said) as caught:
        list(pairs(tmp_path / "a.tsv"))
    assert "a.tsv" in str(caught.value)


def test_other_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1 is"):
        list(pairs([("a", "b", "c")]))
    with pytest.raises(InputError, match="line 1 is"):
        list(pairs([("a", 1)]))
    (tmp_path / "a.tsv").write_bytes(b"a\tb\n\xff\tc\n")
    with pytest.raises(EncodingError, match="line 2"):
        list(pairs(tmp_path / "a.tsv"))
    with pytest.raises(ConfigError, match="field and format"):
        list(pairs(firth.Text(str(tmp_path / "a.tsv"), format="tsv")))
