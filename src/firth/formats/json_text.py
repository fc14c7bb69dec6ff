"""JSON as others may have written it, read strictly. Opening a model takes no more time than importing msgspec does."""

import json
import math
from typing import Any


def parse(text: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises ValueError for anything else, and for what Python's own reader lets pass: NaN, numbers that no float can
    hold, halves of surrogate pairs, and lists as deep as a well.

    >>> parse(b'{"dim": 2}')
    {'dim': 2}
    """
    try:
        value = json.loads(text.decode(), parse_constant=_finite, parse_float=_finite)
        if b"\\u" in text:  # the one way to write half of a pair
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    return value


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number that fits eight bytes; JSON's true and false are none."""
    return type(value) is int and -(2**63) <= value < 2**63


def _finite(number: str) -> float:
    found = float(number)
    if not math.isfinite(found):
        raise ValueError(f"{number:.40} is not a finite number")
    return found
