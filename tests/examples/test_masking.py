"""Masking: how many tokens, which, and what becomes of them; pairs that belong together and pairs that do not."""

import numpy as np
import pytest

from firth.errors import InputError
from firth.examples.masking import Marks, Masked, masked
from firth.examples.packing import NO_TARGET, Packed
from firth.tokens.tokenizer import Tokenizer

MARKS = Marks(cls=2, sep=3, mask=4, ordinary=np.arange(5, 1005))
SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}


def numbered(tokens: int = 1000, sentence: int = 10, document: int = 5) -> Packed:
    """Token i is 5 + i; sentences of 10, documents of 5 sentences."""
    sentences = np.arange(0, tokens + 1, sentence)
    return Packed(np.arange(5, 5 + tokens, dtype=np.int32), sentences, np.arange(0, len(sentences), document))


def test_fifteen_of_a_hundred_are_foretold_and_eighty_ten_ten() -> None:
    batch = Masked(numbered(), 102, MARKS).batch(np.arange(10).repeat(60), np.tile(np.arange(60), 10))
    ids, targets = batch.arrays["ids"], batch.arrays["targets"]
    asked = targets != NO_TARGET
    assert (asked.sum(1) == 15).all() and batch.counts == {"mlm": 15 * 600}
    assert not asked[:, [0, -1]].any() and (ids[:, 0] == 2).all() and (ids[:, -1] == 3).all()
    assert (ids[~asked][:, None] != 4).all()
    shares = [(ids[asked] == 4).mean(), (ids[asked] == targets[asked]).mean()]
    assert shares == pytest.approx([0.8, 0.1], abs=0.02)
    other = ids[asked][(ids[asked] != 4) & (ids[asked] != targets[asked])]
    assert other.min() >= 5 and len(np.unique(other)) > 400
    each = asked[:, 1:-1].mean(0)
    assert each == pytest.approx(np.full(100, 0.15), abs=0.06)
    true = np.where(asked, targets, ids)[:, 1:-1]
    assert (np.diff(true, axis=1) == 1).all()


def test_a_batch_is_a_function_of_row_and_turn() -> None:
    rows = Masked(numbered(), 22, MARKS)
    one = rows.batch(np.array([3, 7]), np.array([0, 1])).arrays
    two = rows.batch(np.array([7, 3]), np.array([1, 0])).arrays
    assert (one["ids"] == two["ids"][::-1]).all() and (one["targets"] == two["targets"][::-1]).all()
    again = rows.batch(np.array([3, 7]), np.array([1, 2])).arrays
    assert (one["targets"] != again["targets"]).any(1).all()
    seeded = Masked(numbered(), 22, MARKS, seed=2).batch(np.array([3, 7]), np.array([0, 1])).arrays
    assert (one["targets"] != seeded["targets"]).any()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 10), (0.0, 1)])
def test_the_share_says_how_many(share: float, expected: int) -> None:
    batch = Masked(numbered(), 22, MARKS, share=share).batch(np.arange(5), np.zeros(5, int))
    assert ((batch.arrays["targets"] != NO_TARGET).sum(1) == expected).all()


def test_whole_words_are_masked_together() -> None:
    packed = numbered()
    words = Packed(packed.tokens, packed.sentences, packed.documents, begins=np.arange(1000) % 3 == 0)
    batch = Masked(words, 62, MARKS, share=0.2).batch(np.arange(16).repeat(5), np.tile(np.arange(5), 16))
    asked = batch.arrays["targets"] != NO_TARGET
    assert (asked.sum(1) == 12).all()
    words_of = asked[:, 1:-1].reshape(80, 20, 3).sum(2)
    assert set(np.unique(words_of)) == {0, 3}
    alone = Masked(packed, 62, MARKS, share=0.2).batch(np.arange(16), np.zeros(16, int)).arrays["targets"]
    assert ((alone[:, 1:-1] != NO_TARGET).reshape(16, 20, 3).sum(2) == 1).any()


def test_a_word_longer_than_the_share_is_masked_all_the_same() -> None:
    ids, may = np.array([[2, 5, 6, 7, 3]]), np.array([[False, True, True, True, False]])
    begins = np.array([[True, True, False, False, True]])
    _, targets = masked(ids, may, begins, np.zeros((3, 1, 5)), MARKS, 0.15)
    assert targets.tolist() == [[NO_TARGET, 5, 6, 7, NO_TARGET]]


def test_words_of_chinese_are_those_between_blanks() -> None:
    lines = ["我 喜欢 北京 unbelievably", "我们 在 北京。"]
    cutter = Tokenizer.train([*lines, "un be lie", "##"] * 3, kind="wordpiece", special=SPECIAL, vocab_size=60)
    packed = Packed.of(lines, cutter, whole_words=True)
    assert packed.begins is not None
    words: list[str] = []
    for token, begins in zip(packed.tokens.tolist(), packed.begins.tolist(), strict=True):
        words = [*words, ""] if begins else words
        words[-1] += cutter.tokens[token].removeprefix("##")
    assert words == ["我", "喜欢", "北京", "unbelievably", "我们", "在", "北京", "。"]
    first, second = packed.split(0.4)
    assert first.begins is not None and second.begins is not None
    assert first.begins.tolist() + second.begins.tolist() == packed.begins.tolist()
    assert Packed.of(lines, cutter).begins is None


@pytest.mark.parametrize("pair", ["next", "order"])
def test_pairs_belong_together_half_of_the_time(pair: str) -> None:
    rows = Masked(numbered(), 33, MARKS, share=0.0, pair=pair)  # type: ignore[arg-type]
    assert rows.row_tokens == 33
    batch = rows.batch(np.arange(33).repeat(20), np.tile(np.arange(20), 33))
    ids, segments, apart = (batch.arrays[name] for name in ("ids", "segments", "pairs"))
    assert batch.counts["pair"] == 660
    assert 0.42 < apart.mean() < 0.58
    ids = np.where(batch.arrays["targets"] != NO_TARGET, batch.arrays["targets"], ids)
    inside_document = 0
    for row, segment, is_apart in zip(ids.tolist(), segments.tolist(), apart.tolist(), strict=True):
        assert row[0] == 2 and row.count(3) == 2 and row[-1] == 3
        middle = row.index(3)
        assert segment == [0] * (middle + 1) + [1] * (len(row) - middle - 1)
        a, b = row[1:middle], row[middle + 1 : -1]
        assert (np.diff(a) == 1).all() and (np.diff(b) == 1).all() and len(a) + len(b) == 30
        follows = b[0] == a[-1] + 1
        assert follows == (not is_apart)
        cut = (max(a[0], b[0]) if pair == "order" else a[-1] + 1) - 5
        assert cut % 10 == 0
        inside_document += cut % 50 != 0
        if pair == "order" and is_apart:
            assert a[0] == b[-1] + 1
        if pair == "next" and is_apart:
            assert b[0] > a[-1] + len(b) or b[-1] < a[0]
    assert inside_document == 660


def test_a_row_without_the_end_of_a_sentence_is_parted_in_the_middle() -> None:
    packed = numbered(100, sentence=100)
    ids = Masked(packed, 23, MARKS, share=0.0, pair="order").batch(np.arange(5), np.zeros(5, int)).arrays["ids"]
    assert (ids[:, 11] == 3).all()


def test_rows_cover_the_text_and_are_full() -> None:
    rows = Masked(numbered(95, sentence=5), 12, MARKS, share=0.0)
    assert len(rows) == 10
    arrays = rows.batch(np.arange(10), np.zeros(10, int)).arrays
    ids = np.where(arrays["targets"] != NO_TARGET, arrays["targets"], arrays["ids"])
    assert set(ids[:, 1:-1].flatten().tolist()) == set(range(5, 100))
    short = Masked(numbered(6, sentence=3), 12, MARKS)
    assert len(short) == 1 and short.row_tokens == 8
    with pytest.raises(InputError, match="nothing to learn from"):
        Masked(numbered(1, sentence=1), 12, MARKS)
