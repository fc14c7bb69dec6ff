"""A small file that unpacks to much: refused before it is."""

import os

from firth.errors import FormatError
from firth.formats.signatures import Place

_ALWAYS = 1 << 27  # bytes that any file may unpack to
_GROWTH = 20  # vectors shrink to a half at best; whole numbers and zeros to less


def check_growth(path: Place, unpacked: int, growth: int = _GROWTH) -> None:
    """Raise FormatError where a file would unpack to over 128 MB and over `growth` times its own size."""
    packed = os.path.getsize(path)
    if unpacked > _ALWAYS and unpacked > growth * packed:
        raise FormatError(
            f"{path} has {packed:,} bytes and would unpack to {unpacked:,}: not opened, as vectors never shrink so "
            "much. If it is what you trust, unpack it with the tool that made it."
        )
