r"""ARPA files of back-off language models: what SRILM, KenLM and MITLM write and read.

    \data\
    ngram 1=5
    ngram 2=7

    \1-grams:
    -0.8  word  -0.3          log10 p, the words, log10 of the back-off weight (0 where it is left out)
    …
    \end\
"""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firth.errors import CorruptFileError, EncodingError, FormatError
from firth.formats import atomic
from firth.formats.checksums import NewFile
from firth.formats.signatures import Place, is_arpa, kind_of, looks_like

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
_DATA, _STOP = b"\\data\\", b"\\end\\"
_BLANK, _TAB = (pa.scalar(mark, pa.large_string()) for mark in (" ", "\t"))
_AT_ONCE = 1 << 18  # lines
_HEAD = 1 << 12  # bytes by which a file is recognised


class Grams(NamedTuple):
    """The n-grams of one length."""

    ids: NDArray[np.int32]
    """i4[m, n], places in the list of words."""
    log10: NDArray[np.float32]
    """f4[m], log10 p(last word | the others)."""
    backoff: NDArray[np.float32] | None
    """f4[m], log10 of the back-off weight; None for the longest n-grams."""


class Arpa(NamedTuple):
    """What a file holds."""

    words: list[str]
    """In the order of the file; <unk>, <s> and </s> where they are in it."""
    grams: list[Grams]


# ---------------------------------------------------------------- writing


def save(arpa: Arpa, path: Place) -> None:
    """Write a file, atomically.

    Raises FormatError for a word that is empty or holds a blank, and where something else is at `path`.
    """
    for word in arpa.words:
        if word.split() != [word]:
            raise FormatError(f"The word {word!r} is empty or holds a blank, which an ARPA file cannot keep.")
    needed = sum((16 + 8 * grams.ids.shape[1]) * len(grams.ids) for grams in arpa.grams)
    with atomic.replacing(path, needed=needed, check=_check_replaceable) as new, NewFile(new) as file:
        sizes = "".join(f"ngram {n}={len(grams.ids)}\n" for n, grams in enumerate(arpa.grams, 1))
        file.write(f"\\data\\\n{sizes}".encode())
        names = pa.array(arpa.words, pa.large_string())
        for n, grams in enumerate(arpa.grams, 1):
            file.write(f"\n\\{n}-grams:\n".encode())
            for lines in _lines(names, grams):
                file.write(lines)
        file.write(b"\n" + _STOP + b"\n")


def _lines(names: Any, grams: Grams) -> Iterator[bytes]:
    for first in range(0, len(grams.ids), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        words = [names.take(pa.array(np.ascontiguousarray(column))) for column in grams.ids[some].T]
        columns = [_numbers(grams.log10[some]), pc.binary_join_element_wise(*words, _BLANK)]
        if grams.backoff is not None:
            columns.append(_numbers(grams.backoff[some]))
        joined = pc.binary_join_element_wise(*columns, _TAB)
        yield ("\n".join(joined.to_pylist()) + "\n").encode()


def _numbers(values: NDArray[np.float32]) -> Any:
    """The shortest decimals that give the same floats; -99 for log10 0, which the format cannot say."""
    return pa.array(np.where(np.isneginf(values), np.float32(-99), values)).cast(pa.large_string())


def _check_replaceable(target: str) -> None:
    if os.path.isdir(target):
        raise FormatError(f"{target} is a folder; a file cannot take its place. Save to another name.")
    if not os.path.lexists(target) or not os.path.getsize(target):
        return
    with open(target, "rb") as file:
        if not is_arpa(file.read(_HEAD)):
            raise FormatError(f"{target} is not overwritten, as it is no ARPA file. Save elsewhere.")


# ---------------------------------------------------------------- reading


def read(path: Place) -> Arpa:
    """Read a file whole.

    Raises FormatError for anything else, EncodingError for what is not UTF-8, CorruptFileError, with the line, for a
    file that was cut short or is at odds with itself.
    """
    if kind_of(path) != "a file":
        raise FormatError(f"{path} is {kind_of(path)}, and an ARPA file is a file.")
    with open(path, "rb") as file:
        data = file.read()
    if not is_arpa(data[:_HEAD]):
        what = looks_like(data[:_HEAD])
        raise FormatError(
            f"{path} is no ARPA file: no line of it is \\data\\." + (f" It looks like {what}." if what else "")
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise EncodingError(f"{path} is not UTF-8 at byte {error.start:,}. ARPA files are read as UTF-8.") from None
    place = _Place(path, data)
    sizes, at = _sizes(place, data.index(_DATA) + len(_DATA))
    names: Any = None
    words: list[str] = []
    grams = []
    for n, size in enumerate(sizes, 1):
        at, lines = _section(place, at, n)
        found = _parsed(place, lines, n, size, last=n == len(sizes))
        if n == 1:
            names = found[0]
            words = names.to_pylist()
            if len(set(words)) != len(words):
                twice = next(word for number, word in enumerate(words) if word in words[:number])
                raise CorruptFileError(f"{path}: the word {twice!r} comes twice among its 1-grams.")
        grams.append(_grams(place, found, lines, names, n))
    if not data[at:].lstrip().startswith(_STOP):
        raise CorruptFileError(f"{path}, {place.line(at)}: expected \\end\\. Was the file cut short?")
    return Arpa(words, grams)


def describe(path: Place) -> dict[str, Any]:
    """How many n-grams there are, by the head of the file alone."""
    with open(path, "rb") as file:
        place = _Place(path, file.read(_HEAD))
    sizes, _ = _sizes(place, place.data.index(_DATA) + len(_DATA))
    return {"format": "arpa", "order": len(sizes), "ngrams": sizes}


class _Place(NamedTuple):
    """A file, and where in it something is."""

    path: Place
    data: bytes

    def line(self, at: int) -> str:
        above = self.data.count(b"\n", 0, at)
        return f"line {above + 1:,}"


class _Lines(NamedTuple):
    at: int
    """Byte of the first."""
    lines: Any
    """pa.Array of str, none of them empty."""


def _sizes(place: _Place, at: int) -> tuple[list[int], int]:
    """How many n-grams of each length there are, by the head of the file; and where that ends."""
    found: list[int] = []
    while True:
        stop = place.data.find(b"\n", at)
        line = place.data[at : stop if stop >= 0 else None].strip()
        if line.startswith(b"\\") or stop < 0:
            break
        if line:
            name, _, number = line.partition(b"=")
            if name.split() != [b"ngram", str(len(found) + 1).encode()] or not number.strip().isdigit():
                raise CorruptFileError(
                    f"{place.path}, {place.line(at)}: expected 'ngram {len(found) + 1}=…', found {_shown(line)}."
                )
            found.append(int(number))
        at = stop + 1
    if not found:
        raise CorruptFileError(f"{place.path}, {place.line(at)}: expected 'ngram 1=…', found {_shown(line)}.")
    return found, at


def _section(place: _Place, at: int, n: int) -> tuple[int, _Lines]:
    """The lines of a section, and where the next one begins."""
    heading = f"\\{n}-grams:".encode()
    stop = place.data.find(b"\n", at)
    if stop < 0 or place.data[at:stop].strip() != heading:
        found = place.data[at : stop if stop >= 0 else None]
        raise CorruptFileError(f"{place.path}, {place.line(at)}: expected {heading.decode()}, found {_shown(found)}.")
    following = place.data.find(b"\n\\", stop)
    if following < 0:
        raise CorruptFileError(f"{place.path} ends in its {n}-grams: it was cut short.")
    text = pa.scalar(place.data[stop + 1 : following + 1], pa.large_binary()).cast(pa.large_string())
    lines = pc.split_pattern(pa.array([text.as_py()], pa.large_string()), "\n").values
    lines = pc.utf8_trim_whitespace(lines)
    return following + 1, _Lines(stop + 1, lines.filter(pc.greater(pc.binary_length(lines), 0)))


def _parsed(place: _Place, lines: _Lines, n: int, size: int, *, last: bool) -> tuple[Any, Any, Any]:
    """(words, log10, backoff) of a section's lines: str[m · n], f4[m], f4[m]."""
    if len(lines.lines) != size:
        raise CorruptFileError(
            f"{place.path}, {place.line(lines.at)}: {size:,} {n}-grams are announced, and {len(lines.lines):,} follow."
        )
    parts = pc.ascii_split_whitespace(lines.lines)
    offsets = parts.offsets.to_numpy() - parts.offsets[0].as_py() if size else np.zeros(1, np.int64)
    lengths = np.diff(offsets)
    good = lengths == n + 1
    if not last:
        good |= lengths == n + 2
    _check_lines(place, lines, good, f"log10, {n} words, and a weight")
    flat = parts.flatten()
    begins = offsets[:-1]
    log10 = _floats(place, lines, flat.take(pa.array(begins)))
    weights = np.zeros(size, np.float32)
    has = lengths == n + 2
    weights[has] = _floats(place, lines, flat.take(pa.array(begins[has] + n + 1)))
    _check_lines(place, lines, log10 <= 0, "a log10 of a probability, at most 0,")
    _check_lines(place, lines, weights < np.inf, "a weight that is a number")
    words = flat.take(pa.array((begins[:, None] + np.arange(1, n + 1)).ravel()))
    return words, log10, weights


def _floats(place: _Place, lines: _Lines, texts: Any) -> NDArray[np.float32]:
    try:
        return np.asarray(texts.cast(pa.float32()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid as error:
        raise CorruptFileError(f"{place.path}, after {place.line(lines.at)}: {error}") from None


def _grams(place: _Place, found: tuple[Any, Any, Any], lines: _Lines, names: Any, n: int) -> Grams:
    words, log10, weights = found
    ids = pc.index_in(words, value_set=names).fill_null(-1).to_numpy(zero_copy_only=False)
    table = np.asarray(ids, np.int32).reshape(-1, n)
    _check_lines(place, lines, np.asarray((table >= 0).all(1)), "words that are among the 1-grams")
    return Grams(table, log10, weights)


def _check_lines(place: _Place, lines: _Lines, good: NDArray[Any], expected: str) -> None:
    """Raise CorruptFileError that names the first line that is not good."""
    if good.all():
        return
    line = lines.lines[int(np.argmin(good))].as_py()
    at = place.data.find(line.encode(), lines.at)
    raise CorruptFileError(f"{place.path}, {place.line(at)}: expected {expected}, found {_shown(line.encode())}.")


def _shown(line: bytes) -> str:
    return repr(line[:80].decode(errors="replace"))
