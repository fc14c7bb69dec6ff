"""Character n-grams and n-grams of words: against the slow twin, fastText itself, and a file that it wrote."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.reference import subwords as slow
from firth.tokens import subwords
from firth.tokens.floret import floret_rows
from firth.tokens.subwords import Bags, character_ngrams, ngrams, packed, with_words, word_hashes, word_ngrams

ODD_WORDS = [
    "",
    "a",
    "at",
    "the",
    "</s>",
    "</S>",
    "Zürich",
    "北京",
    "欢迎你们",
    "🙂🙂",
    "e\u0301",
    "<",
    ">",
    "<>",
    "\x80",
    "x" * 400,
]
RANGES = [(3, 6), (1, 1), (1, 3), (2, 2), (5, 5), (0, 3), (4, 3), (3, 0)]


def bag(bags: Bags, thing: int) -> list[int]:
    return bags.rows[bags.offsets[thing] : bags.offsets[thing + 1]].tolist()


@pytest.mark.parametrize(("min_n", "max_n"), RANGES)
def test_equal_to_the_slow_twin(min_n: int, max_n: int) -> None:
    bags = character_ngrams(*packed(ODD_WORDS), min_n, max_n, 1999)
    assert len(bags.offsets) == len(ODD_WORDS) + 1
    for thing, word in enumerate(ODD_WORDS):
        expected = list(slow.character_ngrams(word.encode(), min_n, max_n))
        assert bag(bags, thing) == [slow.fnv(piece) % 1999 for piece in expected], word
        assert [piece.encode() for piece in ngrams(word, min_n, max_n)] == expected


@given(words=st.lists(st.binary(max_size=9), max_size=9), min_n=st.integers(1, 4), more=st.integers(0, 4))
def test_any_bytes_are_a_word(words: list[bytes], min_n: int, more: int) -> None:
    """fastText files hold words that are no UTF-8."""
    offsets = np.cumsum([0, *map(len, words)])
    bags = character_ngrams(np.frombuffer(b"".join(words), np.uint8), offsets, min_n, min_n + more, 2_000_000)
    for thing, word in enumerate(words):
        pieces = slow.character_ngrams(word, min_n, min_n + more)
        assert bag(bags, thing) == [slow.fnv(piece) % 2_000_000 for piece in pieces]


def test_many_words_are_cut_into_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = character_ngrams(*packed(ODD_WORDS), 2, 4, 97)
    monkeypatch.setattr(subwords, "_WORDS", 3)
    parts = character_ngrams(*packed(ODD_WORDS), 2, 4, 97)
    assert [array.tolist() for array in parts] == [array.tolist() for array in whole]


def test_ngrams_of_words_equal_the_slow_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subwords, "_TOKENS", 4)
    texts = [["not", "bad", "at", "all"], [], ["one"], ["我", "喜欢", "你"], ["a"] * 9]
    words = [word for text in texts for word in text]
    starts = np.cumsum([0, *map(len, texts)])
    hashes = word_hashes(*packed(words))
    assert hashes.tolist() == np.array([slow.fnv(word.encode()) for word in words], np.uint32).view(np.int32).tolist()
    for most in (1, 2, 3, 5, 20):
        bags = word_ngrams(hashes, starts, most, 1013)
        for place, text in enumerate(texts):
            assert bag(bags, place) == slow.word_ngrams([word.encode() for word in text], most, 1013)


def test_words_come_before_ngrams() -> None:
    bags = with_words(Bags(np.array([0, 1, 1, 3]), np.array([4, 0, 9], np.int32)), words=50, own=[7, 8, 9])
    assert [bag(bags, thing) for thing in range(3)] == [[7, 54], [8], [9, 50, 59]]


def test_the_ngrams_that_fasttext_prints(shared_data: Callable[[str], Path]) -> None:
    blocks = shared_data("formats/fb-ngrams.txt").read_text(encoding="utf-8").split("<start>\n")[1:]
    assert len(blocks) > 2
    for block in blocks:
        word, itself, *lines = block.split("<end>")[0].splitlines()
        assert itself.startswith(f"{word} ")
        printed = [line.rsplit(" ", 6)[0] for line in lines]  # five numbers and a blank
        assert ngrams(word, 3, 6) == printed


def test_fasttext_itself(tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    words = [word for word in ODD_WORDS if word.strip() and word != "\x80"]
    (tmp_path / "text").write_text("\n".join([" ".join(words)] * 3) + "\n", encoding="utf-8")
    model = fasttext.train_unsupervised(
        str(tmp_path / "text"), minCount=1, dim=2, bucket=5003, epoch=1, thread=1, verbose=0, minn=2, maxn=5
    )
    asked = [*words, "unseen", "没见过"]
    kept = model.get_words()
    own = character_ngrams(*packed(asked), 2, 5, 5003)
    for thing, word in enumerate(asked):
        _, rows = model.get_subwords(word)
        shift = [kept.index(word)] if word in kept else []
        assert rows.tolist() == shift + [len(kept) + row for row in bag(own, thing)]


@pytest.mark.parametrize(("min_n", "max_n", "count"), [(3, 6, 2), (1, 3, 1), (5, 5, 4)])
def test_floret_itself(tmp_path: Path, min_n: int, max_n: int, count: int) -> None:
    floret = pytest.importorskip("floret")
    words = [word for word in ODD_WORDS if word.strip() and word not in {"\x80", "</s>"}]
    (tmp_path / "text").write_text("\n".join([" ".join(words)] * 3) + "\n", encoding="utf-8")
    options = {"minn": min_n, "maxn": max_n, "hashCount": count, "bucket": 503, "mode": "floret"}
    model = floret.train_unsupervised(
        str(tmp_path / "text"), minCount=1, dim=2, epoch=1, thread=1, verbose=0, **options
    )
    asked = [*words, "unseen", "没见过"]
    own = floret_rows(*packed(asked), min_n, max_n, 503, count, 2166136261)
    for thing, word in enumerate(asked):
        assert (model.get_subwords(word)[1] - len(model.get_words())).tolist() == bag(own, thing), word
