"""JSON is read as strictly as the records in it are checked."""

from typing import Any

import pytest

from firth.formats.checksums import recorded
from firth.formats.json_text import is_whole, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, -2.5, 1e300, true, null, "\\u00e9"]}', {"a": [1, -2.5, 1e300, True, None, "é"]}),
        ('"北京"'.encode(), "北京"),
        (b'"\\ud83d\\ude00"', "😀"),
    ],
)
def test_what_is_json(text: bytes, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{} {}",
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e999",
        b"9" * 5_000,
        b'"\\ud800"',
        b'{"\\udc00": 1}',
        b'"\xff"',
        b'"a\nb"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 500_000,
        b'{"a":' * 500_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_not(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(
    ("value", "whole"), [(0, True), (-1, True), (True, False), (1.0, False), ("1", False), (2**63, False)]
)
def test_whole_numbers(value: Any, whole: bool) -> None:
    assert is_whole(value) is whole


def test_a_record() -> None:
    assert recorded({"size": 1, "crc32": ["0"]}) == {"size": 1, "crc32": ["0"]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"size": 1},
        {"size": 1, "crc32": "00000000"},
        {"size": 1, "crc32": [0]},
        {"size": True, "crc32": []},
        {"size": 1.0, "crc32": []},
        {"size": 1, "crc32": [], "more": 0},
    ],
    ids=repr,
)
def test_what_is_no_record(value: Any) -> None:
    with pytest.raises(ValueError, match="no size with checksums"):
        recorded(value)
