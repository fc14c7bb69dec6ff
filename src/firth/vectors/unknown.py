"""What is said about a key that a table does not hold."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any

_LOOKED_AT = 3_000  # keys that difflib compares with; at about 10 µs each, what a person does not notice


class NotAmong:
    """The message of an UnknownKeyError, put together when somebody reads it.

    Programs that try a million words and catch the error of half of them do not pay for the look at every spelling.
    """

    def __init__(
        self,
        key: str,
        ids: Callable[[], Mapping[str, int]],
        options: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> None:
        self._key, self._ids, self._options, self._provenance = key, ids, options, provenance

    @cached_property
    def _text(self) -> str:
        ids = self._ids()
        near = nearest_spelling(self._key, ids)
        meant = f" Did you mean {near!r}?" if near else ""
        missing = f"{self._key!r:.100} is not among"
        min_count = self._options.get("min_count")
        if not isinstance(min_count, int) or min_count < 2:
            return f"{missing} the {len(ids):,} keys of this table.{meant}"
        dropped = self._provenance.get("words_dropped")
        lost = f" dropped {dropped:,}" if isinstance(dropped, int) else ""
        kept = f"the {len(ids):,} words kept (min_count={min_count}{lost})"
        return f"{missing} {kept}.{meant} A lower min_count keeps rarer words."

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return repr(self._text)

    def __reduce__(self) -> tuple[type[str], tuple[str]]:  # an error sent to another process carries words, not vectors
        return str, (self._text,)


def nearest_spelling(key: str, ids: Mapping[str, int]) -> str | None:
    """The key that looks most like `key`: the same but for capitals, or one that begins alike and is about as long.

    >>> nearest_spelling("acess", {"Acres": 0, "access": 1, "process": 2}), nearest_spelling("oak", {"OAK": 0})
    ('access', 'OAK')
    """
    for variant in (key.lower(), key.capitalize(), key.title(), key.upper(), key.strip()):
        if variant != key and variant in ids:
            return variant
    import difflib  # only now that a key is missing

    near = difflib.get_close_matches(key, islice(_alike(key, ids), _LOOKED_AT), n=1, cutoff=0.6)
    return near[0] if near else None


def _alike(key: str, ids: Mapping[str, int]) -> Iterator[str]:
    """Keys with the same first letter and nearly the same length, in the table's order: frequent ones first."""
    first, shortest, longest = key[:1].casefold(), len(key) - 2, len(key) + 2
    return (known for known in ids if known[:1].casefold() == first and shortest <= len(known) <= longest)
