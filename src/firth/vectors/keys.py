"""Many short strings as one blob: opened in no time, decoded when somebody asks."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from firth.errors import EncodingError, InputError


class Keys(Sequence[str]):
    """A list of strings kept as UTF-8 bytes and offsets, the way a model file holds them.

    blob     bytes of all keys, one after the other, nothing between (bytes, memoryview, u1 array or memory map)
    offsets  i8[n + 1]; key i is blob[offsets[i]:offsets[i + 1]]

    Making one looks at the offsets alone. One key is decoded by itself; iterating decodes the whole blob once
    (about 10 ms for 70,000 keys) and keeps the list. Raises InputError for offsets that do not fit the blob; bytes
    that are not UTF-8 raise EncodingError when they are read, or in `check`.

    >>> keys = Keys.of(["北京", "", "oak"])
    >>> list(keys), keys[-1], keys.offsets.tolist()
    (['北京', '', 'oak'], 'oak', [0, 6, 6, 9])
    """

    def __init__(self, blob: Any, offsets: Any) -> None:
        self.blob: NDArray[np.uint8] = np.frombuffer(blob, np.uint8) if len(blob) else np.empty(0, np.uint8)
        self.offsets: NDArray[np.int64] = np.asarray(offsets, np.int64)
        _check_offsets(self.offsets, len(self.blob))

    @classmethod
    def of(cls, keys: Sequence[str]) -> "Keys":
        """Pack strings. Raises EncodingError for one that UTF-8 cannot hold (a lone surrogate)."""
        if isinstance(keys, Keys):
            return keys
        joined = "".join(keys)
        try:
            blob = joined.encode()
        except UnicodeEncodeError:
            raise EncodingError(_unencodable(keys)) from None
        sizes = map(len, keys) if len(blob) == len(joined) else (len(key.encode()) for key in keys)
        offsets = np.zeros(len(keys) + 1, np.int64)
        np.cumsum(np.fromiter(sizes, np.int64, len(keys)), out=offsets[1:])
        return cls(blob, offsets)

    def check(self) -> None:
        """Raise EncodingError where the bytes are not UTF-8 or a key is cut in mid-character. Makes no list."""
        _ = self._text, self._bounds

    def tolist(self) -> list[str]:
        """All keys; the list is made once."""
        return self._list

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return self._list[index]
        if "_list" in self.__dict__:
            return self._list[index]
        place = range(len(self))[index]
        start, end = self.offsets[place], self.offsets[place + 1]
        try:
            return self.blob[start:end].tobytes().decode()
        except UnicodeDecodeError as error:
            raise EncodingError(f"key {place:,} is not UTF-8 (byte {start + error.start:,} of the keys).") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._list)

    def __repr__(self) -> str:
        return f"Keys({len(self):,} keys, {len(self.blob):,} bytes)"

    @cached_property
    def _text(self) -> str:
        try:
            return self.blob.tobytes().decode()
        except UnicodeDecodeError as error:
            place = int(np.searchsorted(self.offsets, error.start, side="right")) - 1
            raise EncodingError(f"key {place:,} is not UTF-8 (byte {error.start:,} of the keys).") from None

    @cached_property
    def _bounds(self) -> NDArray[np.int64]:
        """Offsets in characters: the number of bytes before each that begin a character."""
        if len(self._text) == len(self.blob):
            return self.offsets
        begins = (self.blob & 0xC0) != 0x80  # UTF-8's later bytes are 10xxxxxx
        inner = self.offsets[self.offsets < len(begins)]
        if not begins[inner].all():
            place = int(np.argmin(begins[inner]))
            raise EncodingError(f"key {place:,} begins in mid-character (byte {inner[place]:,} of the keys).")
        before = np.zeros(len(begins) + 1, np.int64)
        np.cumsum(begins, out=before[1:])
        return before[self.offsets]

    @cached_property
    def _list(self) -> list[str]:
        text = self._text
        return [text[start:end] for start, end in pairwise(self._bounds.tolist())]


def _check_offsets(offsets: NDArray[np.int64], size: int) -> None:
    if offsets.ndim != 1 or not len(offsets):
        raise InputError(f"offsets of keys must be a list of keys + 1 numbers, not shape {offsets.shape}.")
    if offsets[0] != 0 or offsets[-1] != size:
        raise InputError(f"offsets of keys run from {offsets[0]:,} to {offsets[-1]:,}, not from 0 to {size:,} bytes.")
    if (offsets[1:] < offsets[:-1]).any():
        place = int(np.argmax(offsets[1:] < offsets[:-1]))
        raise InputError(f"key {place:,} ends at byte {offsets[place + 1]:,}, before it begins ({offsets[place]:,}).")


def _unencodable(keys: Sequence[str]) -> str:
    for place, key in enumerate(keys):
        try:
            key.encode()
        except UnicodeEncodeError:
            cure = "Read the text with errors='replace'."
            return f"key {place:,}, {key!r}, holds a lone surrogate, which UTF-8 cannot write. {cure}"
    raise AssertionError("every key can be encoded")
