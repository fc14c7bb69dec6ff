"""Words as bytes."""

from hypothesis import given
from hypothesis import strategies as st

from firth.tokens.letters import PADDING, WORD_BEGINS, WORD_ENDS, letters


@given(words=st.lists(st.text(min_size=1, max_size=5).filter(lambda word: word not in ("<s>", "</s>"))))
def test_letters_are_the_bytes_of_the_word(words: list[str]) -> None:
    for word, row in zip(words, letters(words, 12).tolist(), strict=True):
        data = list(word.encode("utf-8", "ignore"))[:10]
        assert row == [WORD_BEGINS, *data, WORD_ENDS, *[PADDING] * (10 - len(data))]
