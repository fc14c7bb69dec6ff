"""A text as one array of tokens, and rows of it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.errors import ConfigError, EmptyVocabularyError, InputError
from firth.examples.packing import Packed, Stream, Windows
from firth.examples.shuffle import shuffled
from firth.tokens.tokenizer import Tokenizer

SPECIAL = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}


@given(n=st.integers(1, 3000), seed=st.integers(0, 2**40), turn=st.integers(0, 99))
def test_a_shuffle_is_a_permutation_and_each_place_is_by_itself(n: int, seed: int, turn: int) -> None:
    places = np.arange(n)
    order = shuffled(places, n, seed, turn)
    assert np.array_equal(np.sort(order), places)
    assert np.array_equal(shuffled(places[n // 2 :], n, seed, turn), order[n // 2 :])


def test_a_shuffle_shuffles() -> None:
    n = 10_000
    first, second = (shuffled(np.arange(n), n, 1, turn) for turn in (0, 1))
    assert abs(np.corrcoef(np.arange(n), first)[0, 1]) < 0.05
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert (np.abs(np.diff(first)) == 1).mean() < 0.01


def packed(lines: list[str], **how: object) -> tuple[Packed, Tokenizer]:
    cutter = Tokenizer.train(lines, kind="words", special=SPECIAL)
    return Packed.of(lines, cutter, **how), cutter  # type: ignore[arg-type]


def words(found: Packed, cutter: Tokenizer) -> list[str]:
    return [cutter.tokens[i] for i in found.tokens.tolist()]


def test_ends_of_sentences_and_documents() -> None:
    lines = ["", "a b", "c", "", "", "d", ""]
    plain, cutter = packed(lines)
    assert words(plain, cutter) == ["a", "b", "c", "d"]
    assert (plain.sentences.tolist(), plain.documents.tolist()) == ([0, 2, 3, 4], [0, 2, 3])
    ended, cutter = packed(lines, end=2, end_document=1)
    assert words(ended, cutter) == ["a", "b", "</s>", "c", "</s>", "<s>", "d", "</s>", "<s>"]
    assert (ended.sentences.tolist(), ended.documents.tolist()) == ([0, 3, 6, 9], [0, 2, 3])


def test_line_ends_can_be_kept() -> None:
    cutter = Tokenizer.train(["ab", "c"], kind="bpe", special={"eos": "<end>"}, vocab_size=300)
    kept = Packed.of(["ab", "c", "", "ab"], cutter, newline="\n", end_document=0)
    assert cutter.text(kept.tokens.tolist()) == "ab\nc\n<end>ab\n<end>"


def test_many_tokens_go_through_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firth.examples.packing._BLOCK", 5)
    lines = [f"{i} {i + 1}" for i in range(40)]
    found, cutter = packed(lines)
    assert words(found, cutter) == " ".join(lines).split()
    assert found.checksum() != packed(lines[:-1])[0].checksum()


def test_no_token_is_an_error() -> None:
    cutter = Tokenizer.train(["a"], kind="words", special=SPECIAL)
    with pytest.raises(EmptyVocabularyError):
        Packed.of(["", " "], cutter)


def test_the_end_is_held_out() -> None:
    found, _ = packed(["a b", "c d", "", "e f", "g h"])
    front, end = found.split(0.25)
    assert (front.tokens.tolist(), end.tokens.tolist()) == (found.tokens[:6].tolist(), found.tokens[6:].tolist())
    assert (front.sentences.tolist(), end.sentences.tolist()) == ([0, 2, 4, 6], [0, 2])
    assert (front.documents.tolist(), end.documents.tolist()) == ([0, 2, 3], [0, 1])


@pytest.mark.parametrize("share", [0, 1, -1.0, 2])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="share"):
        packed(["a", "b"])[0].split(share)


def test_one_sentence_cannot_be_parted() -> None:
    with pytest.raises(InputError, match="nothing to learn"):
        packed(["a b c"])[0].split(0.5)


@given(n=st.integers(2, 60), length=st.integers(1, 9))
def test_a_stream_predicts_every_token_but_the_first_once(n: int, length: int) -> None:
    rows = Stream(Packed(np.arange(n, dtype=np.int32), np.array([0, n]), np.array([0, 1])), length)
    batch = rows.batch(np.arange(len(rows)), np.zeros(len(rows), np.int64))
    inputs, targets = batch.arrays["inputs"], batch.arrays["targets"]
    known = targets >= 0
    assert targets[known].tolist() == list(range(1, n))
    assert np.array_equal(inputs[known] + 1, targets[known])
    assert batch.counts == {"lm": n - 1} and inputs.shape == (len(rows), length)


def test_a_stream_of_one_token_predicts_nothing() -> None:
    with pytest.raises(InputError, match="one token"):
        Stream(Packed(np.zeros(1, np.int32), np.array([0, 1]), np.array([0, 1])), 4)


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=8), window=st.integers(1, 5))
def test_windows_are_what_a_loop_finds(lengths: list[int], window: int) -> None:
    ends = np.cumsum([0, *lengths])
    tokens = np.arange(1, ends[-1] + 1, dtype=np.int32)
    rows = Windows(Packed(tokens, ends, np.array([0, len(lengths)])), window, start=0)
    order = np.random.default_rng(0).permutation(len(rows))
    batch = rows.batch(order, np.zeros_like(order))
    expected = []
    for start, end in pairwise(ends.tolist()):
        for at in range(start, end):
            before = [0] * window + tokens[start:at].tolist()
            expected.append((before[-window:], int(tokens[at])))
    found = list(zip(batch.arrays["contexts"].tolist(), batch.arrays["targets"].tolist(), strict=True))
    assert found == [expected[row] for row in order]
