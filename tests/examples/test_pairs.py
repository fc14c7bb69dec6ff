"""Pairs of sentences as rows: what the decoder is shown, and what it foretells."""

import numpy as np
import pytest

from firth.errors import InputError
from firth.examples.pairs import Pairs, Parallel
from firth.tokens.tokenizer import Tokenizer

pytest.importorskip("tokenizers")

LINES = ["a b c\tc b a", "b\tb", "c c\tc c", "a a a a\ta"]


@pytest.fixture(scope="module")
def packed() -> Parallel:
    sides = [side for line in LINES for side in line.split("\t")]
    cutter = Tokenizer.train(sides, kind="words", special={"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>"})
    return Parallel.of_lines(LINES, cutter, end=3)


def test_the_target_stands_one_place_to_the_right(packed: Parallel) -> None:
    batch = Pairs(packed, start=2, pad=0).batch(np.arange(4), np.zeros(4, np.int64))
    inputs, targets = batch.arrays["inputs"], batch.arrays["targets"]
    for row, line in enumerate(LINES):
        words = len(line.split("\t")[1].split())
        assert inputs[row, 0] == 2 and targets[row, words] == 3
        assert inputs[row, 1 : words + 1].tolist() == targets[row, :words].tolist()
        assert set(targets[row, words + 1 :].tolist()) <= {-100} and set(inputs[row, words + 1 :].tolist()) <= {0}
        assert batch.arrays["present"][row].sum() == len(line.split("\t")[0].split()) + 1
    assert batch.counts == {"lm": 3 + 1 + 2 + 1 + 4}
    assert batch.arrays["source"].shape == (4, 5)
    assert Pairs(packed, start=2, pad=0).batch(np.array([1]), np.array([0])).arrays["source"].shape == (1, 2)


def test_long_pairs_are_left_out(packed: Parallel) -> None:
    assert (len(Pairs(packed, start=2, pad=0)), Pairs(packed, start=2, pad=0).row_tokens) == (4, 5)
    short = Pairs(packed, start=2, pad=0, longest=3)
    assert (len(short), short.row_tokens) == (2, 3)
    with pytest.raises(InputError, match="None of 4 pairs"):
        Pairs(packed, start=2, pad=0, longest=1)


def test_both_sides_are_held_out_together(packed: Parallel) -> None:
    front, end = packed.split(0.4)
    assert isinstance(front, Parallel) and isinstance(end, Parallel)
    assert len(front.source.sentences) == len(front.sentences) and len(end.source.sentences) == len(end.sentences)
    assert np.concatenate([front.source.tokens, end.source.tokens]).tolist() == packed.source.tokens.tolist()
    assert len({part.checksum() for part in (front, end, packed)}) == 3
