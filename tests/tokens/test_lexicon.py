"""The words met so far: ids, counts, and what is forgotten when there are too many."""

import numpy as np
import pyarrow as pa

from firth.tokens.lexicon import Lexicon


def add(lexicon: Lexicon[str], *blocks: tuple[list[str], list[int]]) -> list[list[int]]:
    for i, (words, counts) in enumerate(blocks):
        lexicon.add(f"block {i}", pa.array(words, pa.string()), np.array(counts))
    tags, ids = zip(*((tag, ids.tolist()) for tag, ids in lexicon.settle()), strict=True)
    assert tags == tuple(f"block {i}" for i in range(len(blocks)))
    return list(ids)


def words(lexicon: Lexicon[str]) -> list[str]:
    return lexicon.words.to_pylist()  # type: ignore[no-any-return]


def test_ids_are_given_in_the_order_of_meeting_and_stay() -> None:
    lexicon: Lexicon[str] = Lexicon()
    assert add(lexicon, (["b", "a", "b"], [1, 2, 3]), (["c", "a"], [5, 5])) == [[0, 1, 0], [2, 1]]
    assert (words(lexicon), lexicon.counts.tolist(), lexicon.words_read) == (["b", "a", "c"], [4, 7, 5], 16)
    assert add(lexicon, (["d", "c"], [1, 1])) == [[3, 2]]
    assert lexicon.counts.tolist() == [4, 7, 6, 1]


def test_a_fixed_one_learns_nothing() -> None:
    lexicon: Lexicon[str] = Lexicon(["a", "b"], most=1)
    assert add(lexicon, (["b", "x", "b"], [1, 2, 3])) == [[1, -1, 1]]
    assert (words(lexicon), lexicon.counts.tolist(), lexicon.words_read) == (["a", "b"], [0, 4], 6)
    assert not lexicon.full()


def test_forgetting_frees_half_the_room_and_drops_no_more_than_it_must() -> None:
    lexicon: Lexicon[str] = Lexicon(most=4)
    add(lexicon, (list("abcdef"), [9, 1, 2, 3, 8, 2]))
    assert lexicon.full()
    assert lexicon.forget_rarest().tolist() == [0, -1, -1, -1, 1, -1]  # the two most frequent stay
    assert (words(lexicon), lexicon.counts.tolist()) == (["a", "e"], [9, 8])
    assert (lexicon.threshold, lexicon.forgotten, lexicon.tokens_forgotten) == (3, 4, 8)
    assert not lexicon.full()
    assert add(lexicon, (["f", "a"], [1, 1])) == [[2, 0]]
    assert lexicon.counts.tolist() == [10, 8, 1]


def test_the_threshold_is_what_is_needed_each_time() -> None:
    lexicon: Lexicon[str] = Lexicon(most=2)
    add(lexicon, (list("abc"), [5, 6, 7]))
    lexicon.forget_rarest()
    assert (words(lexicon), lexicon.threshold) == (["c"], 6)
    add(lexicon, (list("de"), [1, 2]))
    lexicon.forget_rarest()
    assert (words(lexicon), lexicon.threshold) == (["c"], 6)
    add(lexicon, (list("fg"), [7, 7]))
    lexicon.forget_rarest()
    assert (words(lexicon), lexicon.threshold) == ([], 7)
