"""Packed keys are the list they were made from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firth.errors import EncodingError, InputError
from firth.vectors.keys import Keys

words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), max_size=12)


@given(words)
def test_packing_and_unpacking_is_the_identity(keys: list[str]) -> None:
    packed = Keys.of(keys)
    again = Keys(packed.blob.tobytes(), packed.offsets.tolist())
    assert len(again) == len(keys)
    assert [again[place] for place in range(len(keys))] == keys  # one by one, before anything is decoded whole
    assert list(again) == again.tolist() == keys == again[:]
    assert b"".join(key.encode() for key in keys) == packed.blob.tobytes()


@given(words.filter(len))
def test_negative_places_and_slices_are_a_lists(keys: list[str]) -> None:
    packed = Keys.of(keys)
    assert packed[-1] == keys[-1]
    assert packed[::-2] == keys[::-2]
    with pytest.raises(IndexError):
        packed[len(keys)]


def test_packed_keys_are_not_packed_again() -> None:
    packed = Keys.of(["oak"])
    assert Keys.of(packed) is packed


def test_a_blob_may_be_any_buffer() -> None:
    for blob in (b"oakelm", bytearray(b"oakelm"), memoryview(b"oakelm"), np.frombuffer(b"oakelm", np.uint8)):
        assert list(Keys(blob, [0, 3, 6])) == ["oak", "elm"]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([], "keys \\+ 1 numbers"),
        ([[0, 3]], "keys \\+ 1 numbers"),
        ([0, 2], "from 0 to 2, not from 0 to 3"),
        ([1, 3], "from 1 to 3"),
        ([0, 3, 2, 3], "key 1 ends at byte 2, before it begins"),
        ([0, -1, 3], "key 0 ends at byte -1"),
    ],
)
def test_offsets_that_do_not_fit_are_refused(offsets: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Keys(b"oak", offsets)


@pytest.mark.parametrize(
    ("blob", "offsets", "message"),
    [
        (b"oak\xff\xfe", [0, 3, 5], "key 1 is not UTF-8 \\(byte 3"),
        ("é!".encode(), [0, 1, 3], "key 1 begins in mid-character \\(byte 1"),
    ],
)
def test_bytes_that_are_no_text_are_found_by_check_and_by_reading(
    blob: bytes, offsets: list[int], message: str
) -> None:
    with pytest.raises(EncodingError, match=message):
        Keys(blob, offsets).check()
    with pytest.raises(EncodingError, match=message):
        list(Keys(blob, offsets))
    with pytest.raises(EncodingError, match="not UTF-8"):
        Keys(blob, offsets)[1]


def test_a_lone_surrogate_is_refused_with_its_place() -> None:
    with pytest.raises(EncodingError, match=r"key 1, '\\udcff', holds a lone surrogate"):
        Keys.of(["oak", "\udcff"])


def test_its_repr_is_short() -> None:
    assert repr(Keys.of(["oak", "elm"])) == "Keys(2 keys, 6 bytes)"
