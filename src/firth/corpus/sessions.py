"""Corpus stage: who did what, and when: baskets, visits, playlists, the histories of users."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from firth.corpus import labelled, records
from firth.corpus import source as sources
from firth.corpus.metadata import ITEM, Metadata
from firth.corpus.records import Column
from firth.errors import ConfigError, InputError

Format = Literal["lines", "csv", "tsv", "parquet"]
FORMATS: Final = ("lines", "csv", "tsv", "parquet")

_SESSION = (
    "session_id",
    "session",
    "sessionid",
    "user_id",
    "user",
    "userid",
    "basket_id",
    "basket",
    "order_id",
    "order",
)
_TIME = ("timestamp", "time", "datetime", "date")
_TABLES: Final = (".csv", ".tsv", ".parquet")


class Sessions:
    r"""Sessions of items: each a list of what one user, basket or visit had, in order.

    source     a path, a pattern, a folder or a list of them; a data frame; or an iterable of lists of ids
    session    the column with the id of the session; None: one called session_id, session, user_id, user, …
    item       the column with the id of the item; None: item_id, item, product_id, movie_id, …
    time       the column that orders a session (numbers, points in time, ISO 8601); None: timestamp, time, date, or,
               where there is none, the order of the rows
    separator  between the items on a line; None: blanks
    metadata   what is known of the items: a CSV, TSV or parquet file or a data frame with a row for each item, or
               {item: {name: value}}; `firth.corpus.metadata` says how features are made of it
    format     "lines" (a session on each), "csv", "tsv" (with a header), "parquet"; None: by the files' names and bytes

    A session's rows may lie apart; of rows at one time the first in the file comes first. Ids are text: 17 is "17".

    >>> sessions = Sessions([["bread", "butter"], ["tea", "bread", "milk"]])
    >>> len(sessions), sessions.items, sessions.tokens.tolist(), sessions.offsets.tolist()
    (2, ['bread', 'butter', 'tea', 'milk'], [0, 1, 2, 0, 3], [0, 2, 5])
    >>> [*sessions]
    [['bread', 'butter'], ['tea', 'bread', 'milk']]

    Raises MissingInputError, ConfigError for a column that is not there, InputError, with the row or line, for an id or
    a time that is missing, EncodingError.
    """

    items: list[str]
    """The distinct items, in order of appearance."""
    tokens: npt.NDArray[np.int32]
    """i4[n], the number of each event's item."""
    offsets: npt.NDArray[np.int64]
    """i8[sessions + 1], where each session's events begin."""
    names: list[str] | None
    """The id of each session; None for lines and lists."""
    times: npt.NDArray[np.float64] | None
    """f8[n], when each event was: the numbers that were given, or seconds since 1970; None where nothing says."""
    metadata: Metadata | None
    """What is known of the items."""
    metadata_file: str | PathLike[str] | None
    """The path that it was read from; None: from Python."""
    files: Any
    """The path or the paths that they were read from; None: from Python, or a part of what was read."""
    options: dict[str, str | None]
    """How the source is read: the columns, the separator, the format."""

    def __init__(
        self,
        source: Any,
        *,
        session: str | None = None,
        item: str | None = None,
        time: str | None = None,
        separator: str | None = None,
        format: Format | None = None,
        metadata: Any = None,
    ) -> None:
        if format is not None and format not in FORMATS:
            raise ConfigError(f"format must be one of {', '.join(FORMATS)}, not {format!r}.")
        if separator == "":
            raise ConfigError(f"separator must be text between two items, not {separator!r}.")
        given = {"session": session, "item": item, "time": time}
        self.options = {**given, "separator": separator, "format": format}
        self.files = None
        self.metadata_file = metadata if isinstance(metadata, str | PathLike) else None
        self.metadata = None if metadata is None else Metadata.of(metadata, item)
        wanted = [
            Column("session", session, _SESSION),
            Column("item", item, ITEM),
            Column("time", time, _TIME, needed=False),
        ]
        if records.speaks_arrow(source):
            self._of_table(records.of_frame(source, wanted), f"the {type(source).__name__}")
        elif isinstance(source, str | PathLike) or (isinstance(source, list | tuple) and sources.names_files(source)):
            files, self.files = sources.find(source), source
            kinds = {format or _kind(file.path) for file in files}
            if kinds == {"lines"}:
                _refuse_columns(given)
                self._of_lists(_cut(labelled.lines(source), separator))
            elif "lines" in kinds:
                raise InputError(f"{source!r} names tables and lines: give files of one kind, or say format=.")
            else:
                self._of_tables([(repr(file.path), records.of_file(file, wanted, format)) for file in files])
        else:
            _refuse_columns(given)
            self._of_lists(_lists(source, separator))

    @classmethod
    def of(cls, source: Any) -> "Sessions":
        """Sessions as they are; anything else as the source of them."""
        return source if isinstance(source, Sessions) else cls(source)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[list[str]]:
        """Each session's items, in order."""
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield [self.items[token] for token in self.tokens[start:end].tolist()]

    def __repr__(self) -> str:
        return f"Sessions({len(self):,} sessions, {len(self.tokens):,} events, {len(self.items):,} items)"

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each item comes, i8[items]."""
        return np.bincount(self.tokens, minlength=len(self.items)).astype(np.int64)

    # ------------------------------------------------------------ what is learnt from, and what is asked

    def leave_last_out(self) -> tuple["Sessions", "NextItems"]:
        """(all but the last event of each session, the last ones as questions); sessions of one event stay whole.

        >>> train, test = Sessions([["bread", "butter", "tea"], ["milk"]]).leave_last_out()
        >>> [*train], [*test]
        ([['bread', 'butter'], ['milk']], [(['bread', 'butter'], 'tea')])

        Raises InputError where no session has two events.
        """
        starts, ends = self.offsets[:-1], self.offsets[1:]
        asked = np.diff(self.offsets) >= 2
        if not asked.any():
            raise InputError(f"None of the {len(self):,} sessions has two events, so no last one can be left out.")
        stays = np.ones(len(self.tokens), np.bool_)
        stays[ends[asked] - 1] = False
        numbers = np.flatnonzero(asked)
        return self._part(stays), NextItems(self.items, self.tokens, starts[asked], ends[asked] - 1, numbers)

    def split_by_time(self, at: float | None = None, *, share: float = 0.1) -> tuple["Sessions", "NextItems"]:
        """(the events before a time, those after it as questions): what would have been recommended on that day.

        at     the time; None: the one after which `share` of all events come

        Every later event with another before it in its session is a question; its history is all of those before it.

        >>> import pyarrow as pa
        >>> log = pa.table({"user": [1, 1, 2, 1, 2], "item": list("abcde"), "time": [1, 2, 3, 8, 9]})
        >>> train, test = Sessions(log).split_by_time(at=5)
        >>> [*train], [*test]
        ([['a', 'b'], ['c']], [(['a', 'b'], 'd'), (['c'], 'e')])

        Raises ConfigError where there are no times or share is not inside 0 … 1, InputError where a part is empty.
        """
        if self.times is None:
            raise ConfigError("These sessions have no times to split by: name the column, time=, or leave_last_out().")
        if at is None:
            if not 0 < share < 1:
                raise ConfigError(f"share must be between 0 and 1, not {share!r}.")
            at = float(np.quantile(self.times, 1 - share)) if len(self.times) else 0.0
        before = self.times < at
        starts = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        places = np.arange(len(self.tokens))
        asked = ~before & (places > starts)
        if not before.any() or not asked.any():
            raise InputError(f"All events lie on one side of {at:g}, or none after it has a history. Choose another.")
        numbers = np.repeat(_numbers_of_what_is_left(before, self.offsets), np.diff(self.offsets))[asked]
        return self._part(before), NextItems(self.items, self.tokens, starts[asked], places[asked], numbers)

    def shuffled(self, seed: int = 1) -> "Sessions":
        """The same sessions, each in a random order: of baskets, which have none, a random item is then the last.

        >>> sorted(next(iter(Sessions([["tea", "milk"]]).shuffled())))
        ['milk', 'tea']
        """
        numbers = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        order = np.lexsort((np.random.default_rng(seed).random(len(self.tokens)), numbers))
        mixed = self._part(np.ones(len(self.tokens), np.bool_))
        mixed.tokens, mixed.times = self.tokens[order], None
        return mixed

    def only(self, which: npt.NDArray[np.bool_]) -> "Sessions":
        """The sessions that b1[sessions] says."""
        return self._part(np.repeat(which, np.diff(self.offsets)))

    def _part(self, stays: npt.NDArray[np.bool_]) -> "Sessions":
        """These events alone; sessions that are left empty go, items that are left without one stay."""
        numbers = np.repeat(np.arange(len(self)), np.diff(self.offsets))[stays]
        there, sizes = np.unique(numbers, return_counts=True)
        names = None if self.names is None else [self.names[number] for number in there.tolist()]
        times = None if self.times is None else self.times[stays]
        part = Sessions.__new__(Sessions)
        part.options, part.files = self.options, None
        part.metadata, part.metadata_file = self.metadata, self.metadata_file
        part._set(self.items, self.tokens[stays], np.concatenate([[0], np.cumsum(sizes)]), names, times)
        return part

    # ------------------------------------------------------------ reading

    def _set(self, items: list[str], tokens: Any, offsets: Any, names: Any, times: Any) -> None:
        self.items, self.names, self.times = items, names, times
        self.tokens, self.offsets = tokens.astype(np.int32), offsets.astype(np.int64)

    def _of_lists(self, lists: Iterable[Sequence[str]]) -> None:
        ids: dict[str, int] = {}
        tokens: list[int] = []
        ends = [0]
        for each in lists:
            tokens += [ids.setdefault(item, len(ids)) for item in each]
            if len(tokens) > ends[-1]:
                ends.append(len(tokens))
        if not tokens:
            raise InputError("The source holds no session: 0 items read. Is it the right one?")
        self._set([*ids], np.array(tokens, np.int32), np.array(ends, np.int64), None, None)

    def _of_tables(self, tables: list[tuple[str, Any]]) -> None:
        import pyarrow as pa

        if len(tables) == 1:
            self._of_table(tables[0][1], tables[0][0])
            return
        try:
            whole = pa.concat_tables([table for _, table in tables], promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise InputError(f"The {len(tables):,} files do not fit together: {error}.") from None
        self._of_table(whole, f"{len(tables):,} files")

    def _of_table(self, table: Any, name: str) -> None:
        if not table.num_rows:
            raise InputError(f"{name} holds no event: 0 rows read. Is it the right one?")
        names, numbers = records.ids(table.column("session"), "session", name)
        items, tokens = records.ids(table.column("item"), "item", name)
        if "time" in table.column_names:
            times = records.numbers(table.column("time"), "time", name)
            order = np.lexsort((times, numbers))  # stable: of one time the first row comes first
            ordered = times[order]
        else:
            order, ordered = np.argsort(numbers, kind="stable"), None
        offsets = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(names)))])
        self._set(items, tokens[order], offsets, names, ordered)


@dataclass(frozen=True)
class NextItems:
    """Questions: after these items, which came next?"""

    items: list[str]
    tokens: npt.NDArray[np.int32]
    """i4[n], numbers of items."""
    starts: npt.NDArray[np.int64]
    """i8[questions]: the history of question i is tokens[starts[i]:ends[i]] …"""
    ends: npt.NDArray[np.int64]
    """… and tokens[ends[i]] came next."""
    sessions: npt.NDArray[np.int64]
    """i8[questions], the number of the session of the other part that it goes on from; -1: it began later."""

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[tuple[list[str], str]]:
        """(history, the item that came next) of each."""
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield [self.items[token] for token in self.tokens[start:end].tolist()], self.items[self.tokens[end]]

    def __repr__(self) -> str:
        return f"NextItems({len(self):,} questions)"

    @property
    def targets(self) -> npt.NDArray[np.int32]:
        """i4[questions], the item that came next."""
        return self.tokens[self.ends]

    def only(self, items: Iterable[str]) -> "NextItems":
        """The questions whose answer is one of these items. Raises InputError where there is none."""
        wanted = set(items)
        chosen = np.array([item in wanted for item in self.items], np.bool_)[self.targets]
        if not chosen.any():
            raise InputError(
                f"None of the {len(self):,} questions has one of these {len(wanted):,} items as its answer."
            )
        return self._those(chosen)

    def sample(self, number: int, seed: int = 1) -> "NextItems":
        """At most so many of the questions, drawn at random."""
        if number >= len(self):
            return self
        return self._those(np.sort(np.random.default_rng(seed).choice(len(self), number, replace=False)))

    def _those(self, chosen: npt.NDArray[Any]) -> "NextItems":
        return NextItems(self.items, self.tokens, self.starts[chosen], self.ends[chosen], self.sessions[chosen])


def _numbers_of_what_is_left(stays: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The new number of each session when only some events stay; -1 where none does."""
    left = np.add.reduceat(stays, offsets[:-1]) > 0
    return np.where(left, np.cumsum(left) - 1, -1)


def _kind(path: str) -> str:
    """What a file is by its name, and where that says nothing by its content: a table, or lines."""
    plain = path.lower()
    for packed in (".gz", ".bz2", ".xz", ".zst"):
        plain = plain.removesuffix(packed)
    if plain.endswith(_TABLES):
        return "table"
    from firth.corpus import stream

    file = sources.File.at(path)
    return "table" if file.regular and stream.begins_with(file, b"PAR1") else "lines"


def _refuse_columns(given: dict[str, str | None]) -> None:
    for role, name in given.items():
        if name is not None:
            raise ConfigError(f"{role}={name!r} names a column, and the source has none. Leave it out.")


def _cut(lines: Iterable[str], separator: str | None) -> Iterator[list[str]]:
    for line in lines:
        if separator is None:
            yield line.split()
        else:
            yield [item for part in line.split(separator) if (item := part.strip())]


def _lists(source: Any, separator: str | None) -> Iterator[list[str]]:
    """Sessions from Python: lists of ids (text or whole numbers), or lines of text."""
    if isinstance(source, bytes | dict) or not isinstance(source, Iterable):
        raise InputError(
            f"Sessions are a path, a data frame, or an iterable of lists of ids; not a {type(source).__name__}."
        )
    for number, each in enumerate(source):
        if isinstance(each, str):
            yield from _cut([each], separator)
        elif isinstance(each, bytes | dict) or not isinstance(each, Iterable):
            raise InputError(f"Session {number:,} is {each!r:.60} ({type(each).__name__}), not a list of ids.")
        else:
            yield [_id(item, place, number) for place, item in enumerate(each)]


def _id(item: object, place: int, session: int) -> str:
    if isinstance(item, str) and item:
        return str(item)
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return str(int(item))
    raise InputError(
        f"Item {place} of session {session:,} is {item!r:.60} ({type(item).__name__}), not text or a number."
    )
