"""Corpus stage, second step: a file becomes a stream of bytes: decompressed, without a BOM, and known to be text."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import select
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, Final, cast

from firth.corpus.source import File
from firth.errors import ChangedInputError, CorruptFileError, EncodingError, InputError

HEAD: Final = 65536  # bytes looked at to tell what a file is
_WRITER_WAIT = 3.0  # seconds that a pipe may have no writer


class Stream(io.RawIOBase):
    """The bytes of one file, its first ones already read.

    `head` is what the file begins with (up to 64 KB), decompressed; `read` gives it again. `consumed()` counts the
    bytes taken from the file itself, compressed as they are.
    """

    def __init__(
        self, name: str, read: Callable[[int], bytes], consumed: Callable[[], int], closes: Callable[[], None]
    ):
        self.name = name
        self.consumed = consumed
        self._source = read
        self._closes = closes
        self.head = self._ahead = _fill(read, HEAD)
        self.skipped = 0

    def skip(self, count: int) -> None:
        """Forget the first bytes of the head (a BOM)."""
        self.head = self._ahead = self._ahead[count:]
        self.skipped += count

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""
        if size < 0:
            return b"".join(iter(lambda: self.read(HEAD), b""))
        if not self._ahead:
            return _fill(self._source, size)
        part, self._ahead = self._ahead[:size], self._ahead[size:]
        return part if len(part) == size else part + _fill(self._source, size - len(part))

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._closes()
        super().close()


@contextlib.contextmanager
def opened(file: File) -> Iterator[Stream]:
    """Open a file as a stream of text bytes; closed when the block ends.

    gzip, bzip2, xz and zstandard are known by their first bytes, and read through all their members. Raises
    CorruptFileError for a damaged archive, EncodingError for UTF-16 and UTF-32, InputError for what is no text at all.
    """
    raw, first = _open_raw(file)
    name = "stdin" if file.path == "-" else repr(file.path)
    closes = _nothing if file.path == "-" else raw.close  # stdin is not ours to close
    plain = Stream(name, _careful(name, raw.read, first, file.size), _position(raw), closes)
    stream = plain
    try:
        stream = _decompressed(plain)
        _check_is_text(stream)
        if stream.head.startswith(b"\xef\xbb\xbf"):
            stream.skip(3)
        yield stream
    finally:
        stream.close()
        plain.close()


def begins_with(file: File, magic: bytes) -> bool:
    with _open_raw(file)[0] as raw:
        return _fill(raw.read, len(magic)) == magic


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is one of the archives that are opened as they are read."""
    return any(head.startswith(magic) for magic in _COMPRESSED)


def kind_of_binary(head: bytes) -> str | None:
    """What a file that begins so is, where it is no text: 'a PNG image', 'binary data', …; None for text."""
    for magic, kind in _MAGIC.items():
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head.count(0) > max(
        8, len(head) // 100
    ):  # a stray NUL is a character like any other; one in a hundred is no text
        return "binary data (full of NUL bytes)"
    return None


_MAGIC: Final = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program",
    b"PAR1": "a parquet file",
    b"ARROW1": "an Arrow file",
    b"\x93NUMPY": "a NumPy array",
    b"SQLite format 3\0": "an SQLite database",
    b"7z\xbc\xaf\x27\x1c": "a 7-zip archive",
    b"Rar!": "a RAR archive",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
}
_WIDE = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_HTML = re.compile(rb"\s*(<!doctype\s+html|<html[\s>])", re.IGNORECASE)


def looks_like_html(head: bytes) -> bool:
    return _HTML.match(head) is not None


def _check_is_text(stream: Stream) -> None:
    head, name = stream.head, stream.name
    for mark, encoding in _WIDE.items():
        if head.startswith(mark):
            raise _not_utf8(name, encoding)
    if _is_unmarked_utf16(head):
        raise _not_utf8(name, "utf-16")
    kind = kind_of_binary(head)
    if kind:
        raise InputError(f"{name} is {kind}, not a text. Give its text as UTF-8 lines, JSON lines, CSV or parquet.")


def _not_utf8(name: str, encoding: str) -> EncodingError:
    upper = encoding.upper()
    return EncodingError(f"{name} is {upper}; firth reads UTF-8. Convert it: iconv -f {upper} -t UTF-8 OLD > NEW")


def _is_unmarked_utf16(head: bytes) -> bool:
    """Latin text in UTF-16 without a BOM: every second byte is NUL, the others hardly ever."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    return half >= 8 and max(even, odd) > 0.7 * half and min(even, odd) < 0.05 * half


def _nothing() -> None:
    pass


def _open_raw(file: File) -> tuple[IO[bytes], bytes]:
    """The open file, and what had to be read from it to know that it is alive."""
    if file.path == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise InputError("'-' means stdin, but stdin is closed.")
        return sys.stdin.buffer, b""
    try:
        return _open_pipe(file.path) if not file.regular else (open(file.path, "rb", buffering=0), b"")
    except FileNotFoundError:
        raise ChangedInputError(f"{file.path!r} vanished before it was read. Train on a copy.") from None
    except OSError as error:
        raise InputError(f"{file.path!r} cannot be read: {error.strerror}.") from error


def _open_pipe(path: str) -> tuple[IO[bytes], bytes]:
    """Open a named pipe; raise InputError where nobody writes to it for three seconds, instead of waiting for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    first = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if not poll.poll(_WRITER_WAIT * 1000):
        try:
            first = os.read(descriptor, 1)
        except BlockingIOError:
            pass  # a writer is there, and slow: wait for it as long as it takes
        else:
            if not first:
                os.close(descriptor)
                raise InputError(f"{path!r} is a pipe that nobody writes to. Start the writer first.")
    os.set_blocking(descriptor, True)
    return open(descriptor, "rb", buffering=0), first


def _careful(name: str, read: Callable[[int], bytes], first: bytes, most: int | None) -> Callable[[int], bytes]:
    """`read` with `first` before it, its errors as InputError, and an end after `most` bytes: a log may never stop."""
    ahead = [first] if first else []
    left = most or sys.maxsize  # the system's own files say they have 0 bytes

    def reading(size: int) -> bytes:
        nonlocal left
        try:
            part = ahead.pop() if ahead else read(min(size, left))
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
        left -= len(part)
        return part

    return reading


def _decompressed(plain: Stream) -> Stream:
    """The stream that `plain` is the archive of, or `plain` itself."""
    for magic, (kind, opener) in _COMPRESSED.items():
        if plain.head.startswith(magic):
            read = opener(plain).read

            def reading(size: int, kind: str = kind, read: Callable[[int], bytes] = read) -> bytes:
                try:
                    return read(size)
                except InputError:
                    raise
                except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                    at = plain.consumed()
                    raise CorruptFileError(
                        f"{plain.name}: damaged {kind} data near byte {at:,} ({error}). Fetch or pack the file again."
                    ) from error

            return Stream(plain.name, reading, plain.consumed, _nothing)
    return plain


def _zstandard(plain: Stream) -> Any:
    import pyarrow as pa  # here, so that plain files do not need it

    return pa.CompressedInputStream(pa.PythonFile(plain, "r"), "zstd")


_COMPRESSED: Final[dict[bytes, tuple[str, Callable[[Stream], Any]]]] = {
    b"\x1f\x8b": ("gzip", lambda plain: gzip.GzipFile(fileobj=plain)),
    b"BZh": ("bzip2", lambda plain: bz2.BZ2File(plain, "rb")),
    b"\xfd7zXZ\0": ("xz", lambda plain: lzma.LZMAFile(cast(IO[bytes], plain), "rb")),  # noqa: SIM115 - nothing of its own is open
    b"\x28\xb5\x2f\xfd": ("zstandard", _zstandard),
}


def _position(raw: IO[bytes]) -> Callable[[], int]:
    return lambda: raw.tell() if raw.seekable() else 0


def _fill(read: Callable[[int], bytes], size: int) -> bytes:
    """`size` bytes, however few each call of `read` gives; fewer only at the end."""
    part = read(size)
    if len(part) == size or not part:
        return part
    parts, missing = [part], size - len(part)
    while missing and (part := read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
