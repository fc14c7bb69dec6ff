"""What is at a path, and what a file that is not a model looks like."""

import os
import stat
from itertools import islice
from typing import TypeAlias

from firth.errors import MissingInputError

Place: TypeAlias = str | os.PathLike[str]
"""Where a file or a folder is. Reading keeps to `os.path`: importing pathlib takes half as long as opening a model."""

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

_STARTS: list[tuple[bytes, str]] = [
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip: unpack it first (gunzip)"),
    (b"BZh", "bzip2: unpack it first (bunzip2)"),
    (b"\xfd7zXZ", "xz: unpack it first (unxz)"),
    (b"\x28\xb5\x2f\xfd", "zstandard: unpack it first (unzstd)"),
    (b"\x7fELF", "a program"),
    (b"\x89HDF\r\n", "HDF5"),
    (b"\x93NUMPY", "a numpy array"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "an Arrow file"),
    (b"FiFu", "finalfusion"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
    (b"[", "JSON"),
]
_PICKLED_TEXT = (b"(dp", b"(lp", b"(i", b"cnumpy", b"ccopy_reg", b"cbuiltins", b"c__builtin__", b"cos\n", b"cposix\n")


def looks_like(head: bytes) -> str | None:
    """What a file's first bytes say it is, in words; None where they say nothing.

    >>> looks_like(b"<!DOCTYPE html><title>404</title>")
    'HTML'
    """
    if not head:
        return "nothing: it is empty"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "HTML"
    # Protocols 2 to 5 begin with 0x80 and their number; the older ones are text that names a module.
    if (head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or head.startswith(_PICKLED_TEXT):
        return "a pickle, which can run any program when it is opened, so firth never does"
    for start, what in _STARTS:
        if head.startswith(start):
            return what
    if not head.strip(b"\0"):
        return "zeros"
    return None


def is_arpa(head: bytes) -> bool:
    r"""Whether a file's first bytes are those of an ARPA file: `\data\` begins a line, after comments at most.

    >>> is_arpa(b"made by hand\n\\data\\\nngram 1=3")
    True
    """
    return head.startswith(b"\\data\\") or b"\n\\data\\" in head


def kind_of(path: Place) -> str:
    """What is at a path: "a file", "a folder", "a named pipe", "a device", "a socket".

    Raises MissingInputError, naming the nearest that is there.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise MissingInputError(f"There is nothing at {os.fspath(path)!r}.{_nearest(path)}") from None
    return _KINDS.get(stat.S_IFMT(mode), "of an unknown kind")


def _nearest(path: Place) -> str:
    """' Did you mean …?' where the folder holds a name like it."""
    folder, name = os.path.split(os.path.normpath(path))
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = [entry.name for entry in islice(entries, 10_000) if not entry.name.startswith(".")]
    except OSError:
        return f" There is no folder {folder!r} either."
    import difflib  # only now that nothing is there

    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f" Did you mean {os.path.join(folder, near[0])!r}?" if near else ""
