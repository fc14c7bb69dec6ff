"""Keys and rows: which vector belongs to which key, and how long it is."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike

from firth.errors import ConfigError, InputError, UnknownKeyError
from firth.vectors import checks
from firth.vectors.analogy import Item, Key, is_key
from firth.vectors.keys import Keys
from firth.vectors.nearest import Floats, Rows, Table, lengths, measure, unit
from firth.vectors.quantised import Quantised
from firth.vectors.unknown import NotAmong

if TYPE_CHECKING:
    from firth.vectors.subwords import Subwords

Which = Literal["input", "output", "mean"]


class Lookup:
    """A key for each row of a table, and of a second one where there is one. `Vectors` adds the questions."""

    def __init__(
        self,
        keys: Iterable[str],
        array: "ArrayLike | Quantised",
        *,
        output: ArrayLike | None = None,
        nodes: ArrayLike | None = None,
        counts: ArrayLike | None = None,
        subwords: "Subwords | None" = None,
        config: dict[str, Any] | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        self.quantised = array if isinstance(array, Quantised) else None
        if self.quantised is None:
            self.vectors = checks.table(array, "vectors")
        self.output: Floats | None = None if output is None else checks.table(output, "output vectors")
        if self.output is not None and self.output.shape != self._shape:
            raise InputError(
                f"output vectors have shape {self.output.shape}, the vectors {self._shape}; they must agree."
            )
        self.nodes: Floats | None = None if nodes is None else checks.table(nodes, "inner nodes")
        if self.nodes is not None and self.nodes.shape != (max(1, len(self) - 1), self.dim):
            raise InputError(
                f"inner nodes have shape {self.nodes.shape}; a Huffman tree over {len(self):,} keys has one "
                f"node less than keys, of {self.dim} numbers."
            )
        self.counts = checks.counts(counts, len(self))
        self.subwords = subwords
        if subwords is not None and (subwords.dim, len(self)) != (
            self.dim,
            len(self if subwords.own is None else subwords.own),
        ):
            raise InputError(f"The vectors have shape {self._shape}; the rows of n-grams do not fit.")
        self.config = checks.facts(config, "config")
        self.provenance = checks.facts(provenance, "provenance")
        self._keys = checks.keys(keys, len(self))
        self._measured: dict[str, Rows] = {}
        if isinstance(self._keys, list):
            _ = self.key_to_index  # a key that comes twice is refused now
        if not checks.is_mapped(self.stored):
            self.rows("input")
        if self.output is not None and not checks.is_mapped(self.output):
            self.rows("output")

    # ------------------------------------------------------------ what it holds

    @cached_property
    def vectors(self) -> Floats:
        """The vectors, f4[n, dim]. Of a quantised table all of them are made when this is asked for, and kept."""
        assert self.quantised is not None
        return self.quantised[:]

    @property
    def stored(self) -> "Floats | Quantised":
        """The vectors as they are held: f4[n, dim], or quantised."""
        return self.vectors if self.quantised is None else self.quantised

    @property
    def _shape(self) -> tuple[int, int]:
        rows, dim = self.stored.shape
        return rows, dim

    @cached_property
    def index_to_key(self) -> list[str]:
        """Row to key."""
        return self._keys.tolist() if isinstance(self._keys, Keys) else self._keys

    @cached_property
    def key_to_index(self) -> dict[str, int]:
        """Key to row."""
        return checks.numbered(self.index_to_key)

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self._shape[1]

    @property
    def vector_size(self) -> int:
        """`dim`, by gensim's name."""
        return self.dim

    @property
    def vectors_ngrams(self) -> Floats | None:
        """The rows of n-grams, f4[buckets, dim], by gensim's name; None where there are none."""
        return None if self.subwords is None else self.subwords.table

    @property
    def vectors_vocab(self) -> Floats | None:
        """The keys' own rows before n-grams join them, f4[n, dim], by gensim's name; None where there are none."""
        return None if self.subwords is None else self.subwords.own

    @property
    def wv(self) -> Self:
        """Itself: code written for gensim's models asks `model.wv`."""
        return self

    def __len__(self) -> int:
        return self._shape[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.index_to_key)

    def __contains__(self, key: object) -> bool:
        """Whether `key` is a stored key; the number of a row is not."""
        return isinstance(key, str) and key in self.key_to_index

    def __getitem__(self, key_or_keys: Key | Iterable[Key]) -> Floats:
        """The vector of a key, f4[dim], or of a list of keys, f4[keys, dim]. Raises UnknownKeyError.

        With `subwords`, a word that is not stored has the mean of its n-grams' rows.
        """
        if is_key(key_or_keys):
            return self.get_vector(key_or_keys)  # type: ignore[arg-type]
        rows = [self.get_vector(key) for key in items_of(key_or_keys)]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def __repr__(self) -> str:
        model = self.options("model").get("name")
        facts = [f"{len(self):,} keys", f"dim {self.dim:,}"]
        facts += [self.quantised.kind] if self.quantised is not None else []
        facts += [str(model)] if model else []
        facts += ["output vectors"] if self.output is not None else []
        facts += ["counts"] if self.counts is not None else []
        facts += [f"n-grams {self.subwords.min_n}–{self.subwords.max_n}"] if self.subwords is not None else []
        return f"Vectors({', '.join(facts)})"

    def options(self, part: Literal["model", "text"]) -> dict[str, Any]:
        """What the config says of the model, or of how the text was cut; empty where it says nothing."""
        found = (self.config or {}).get(part)
        return found if isinstance(found, dict) else {}

    def get_index(self, key: Key, default: int | None = None) -> int:
        """The row of a key. For a key that is not there: `default`, or, where that is None, UnknownKeyError."""
        if not is_key(key):
            raise ConfigError(f"A key is a string (or the number of a row), not {key!r} ({type(key).__name__}).")
        found = self.key_to_index.get(key) if isinstance(key, str) else key if 0 <= key < len(self) else None
        if found is not None:
            return int(found)
        if default is not None:
            return default
        if not isinstance(key, str):
            raise UnknownKeyError(f"There is no row {key:,}: the rows are numbered from 0 to {len(self) - 1:,}.")
        raise UnknownKeyError(NotAmong(key, lambda: self.key_to_index, self.options("model"), self.provenance or {}))

    def get_vecattr(self, key: Key, attr: Literal["count"]) -> int:
        """How often a key was seen; "count" is the one attribute that is kept. Raises InputError without counts."""
        if attr != "count":
            raise ConfigError(f"Keys have the attribute 'count' and no other, not {attr!r}.")
        if self.counts is None:
            raise InputError("These vectors came without counts. Save them in a format that keeps counts (native).")
        return int(self.counts[self.get_index(key)])

    # ------------------------------------------------------------ single vectors and their means

    def rows(self, which: Which = "input") -> Rows:
        """The table with the lengths of its rows, computed at the first call. Raises InputError for NaN or Inf."""
        if which not in self._measured:
            array = self._table(which)
            found = measure(array)
            self._refuse_unbounded(found, which)
            self._measured[which] = Rows(array, found)
        return self._measured[which]

    def get_vector(self, key: Key, norm: bool = False, *, which: Which = "input") -> Floats:
        """The vector of a key, f4[dim], read-only; scaled to length 1 where `norm`. Raises UnknownKeyError.

        With `subwords`, a word that is not stored has the mean of its n-grams' rows.
        """
        index = self.get_index(key, None if self.subwords is None else -1)
        if index < 0:
            row = unit(self._unseen(key, which)) if norm else self._unseen(key, which)
        else:
            row = self._unit_row(index, which) if norm else np.asarray(self._table(which)[index])
        row.flags.writeable = False
        return row

    def get_normed_vectors(self, *, which: Which = "input") -> Floats:
        """All vectors scaled to length 1, f4[n, dim], a new array; zeros stay zeros."""
        return self.rows(which).unit(slice(None))

    def get_mean_vector(
        self,
        keys: Iterable[Item],
        weights: ArrayLike | None = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
        *,
        which: Which = "input",
    ) -> Floats:
        """Weighted mean of keys' vectors, Σ w·v / Σ |w|, f4[dim].

        keys            keys and vectors f4[dim]
        weights         one for each; None: all 1
        pre_normalize   scale keys' vectors (given vectors never) to length 1 first
        post_normalize  scale the mean to length 1
        ignore_missing  pass over unknown keys; False: raise UnknownKeyError

        Raises ConfigError for no keys, or another number of weights.
        """
        items = items_of(keys)
        shares = np.ones(len(items)) if weights is None else np.asarray(weights, np.float64)
        if not items:
            raise ConfigError("A mean of nothing: give at least one key.")
        if shares.shape != (len(items),):
            raise ConfigError(
                f"Give one weight for each of the {len(items)} keys, not weights of shape {shares.shape}."
            )
        total, weight = np.zeros(self.dim), 0.0
        for item, share in zip(items, shares.tolist(), strict=True):
            try:
                given = isinstance(item, np.ndarray)
                vector = self._given(item) if given else self.get_vector(item, pre_normalize, which=which)
            except UnknownKeyError:
                if not ignore_missing:
                    raise
                continue
            total += share * vector
            weight += abs(share)
        mean = (total / (weight or 1)).astype(np.float32)
        return unit(mean) if post_normalize else mean

    def changed(
        self,
        operation: dict[str, Any],
        keys: Iterable[str],
        array: "ArrayLike | Quantised",
        *,
        output: ArrayLike | None = None,
        nodes: ArrayLike | None = None,
        counts: ArrayLike | None = None,
        subwords: "Subwords | None" = None,
    ) -> Self:
        """A new table that was made from this one; its provenance says how, under "operations"."""
        provenance = self.provenance or {}
        return type(self)(
            keys,
            array,
            output=output,
            nodes=nodes,
            counts=counts,
            subwords=subwords,
            config=self.config,
            provenance={**provenance, "operations": [*provenance.get("operations", []), operation]},
        )

    # ------------------------------------------------------------ inside

    def _unseen(self, key: Key, which: Which) -> Floats:
        """The vector of a word that is not stored, from its n-grams. Raises UnknownKeyError where it has none."""
        if self.subwords is None or not isinstance(key, str):
            self.get_index(key)  # says that there is no such row
            raise AssertionError("no row has that number")
        if which != "input":
            raise UnknownKeyError(
                f"{key!r:.100} is not stored, and n-grams make input vectors alone. Use which='input'."
            )
        found, known = self.subwords.of([key])
        if not known[0]:
            low, high = self.subwords.min_n, self.subwords.max_n
            raise UnknownKeyError(
                f"{key!r:.100} is not stored, and <{key:.100}> has no n-grams of {low} to {high} characters."
            )
        row: Floats = found[0]
        return row

    def _answers(self, key: Key) -> bool:
        """Whether there is an input vector for `key`, stored or made of n-grams."""
        try:
            self.get_vector(key)
        except UnknownKeyError:
            return False
        return True

    def _table(self, which: Which) -> Table:
        if which == "input":
            return self.stored
        if which not in get_args(Which):
            raise ConfigError(f"which must be 'input', 'output' or 'mean', not {which!r}.")
        if self.output is None:
            if self.nodes is not None:
                raise ConfigError(
                    f"which={which!r} cannot be answered: under hierarchical softmax the outputs are inner nodes of a "
                    "tree, not words. Use which='input'."
                )
            raise ConfigError(f"There is no output table, so which={which!r} cannot be answered. Use which='input'.")
        return self.output if which == "output" else self._mean

    @cached_property
    def _mean(self) -> Floats:
        assert self.output is not None
        mean = np.add(self.vectors, self.output, dtype=np.float32)
        mean *= np.float32(0.5)
        return np.asarray(mean)

    def _refuse_unbounded(self, found: Floats, which: Which, first: int = 0) -> None:
        """Raise InputError where a length, of row `first` and those after it, is NaN or Inf."""
        wrong = np.flatnonzero(~np.isfinite(found))
        if len(wrong):
            row = first + int(wrong[0])
            raise InputError(
                f"The {which} vector of {self.index_to_key[row]!r} (row {row:,}) holds NaN or Inf, or is too long for "
                f"float32, one of {len(wrong):,} such rows. Train again with a smaller lr, or leave them out."
            )

    def _given(self, vectors: ArrayLike, ndim: int = 1) -> Floats:
        """A caller's vector as f4[dim], or, with `ndim` 2, a table of them as f4[q, dim]. Raises InputError."""
        try:
            with np.errstate(over="ignore"):  # Inf is refused below
                found = np.asarray(vectors, np.float32)
        except (TypeError, ValueError):
            raise InputError(f"A vector must be {self.dim:,} numbers, not {vectors!r:.60}.") from None
        if found.ndim != ndim or found.shape[-1] != self.dim:
            raise InputError(f"A vector here has {self.dim:,} numbers; what came has shape {found.shape}.")
        if not np.isfinite(found).all():
            raise InputError("A vector that is asked about must be finite: this one holds NaN or Inf.")
        return found

    def _unit_row(self, index: int, which: Which) -> Floats:
        """A row at length 1; does not read a mapped file through for the sake of one row."""
        if which in self._measured:
            return self._measured[which].unit(index)
        row = np.asarray(self._table(which)[index : index + 1])
        self._refuse_unbounded(lengths(row), which, index)
        return unit(row[0])

    def _unit(self, item: Item, which: Which) -> Floats:
        """A key's or a caller's vector at length 1."""
        return self.get_vector(item, True, which=which) if is_key(item) else unit(self._given(item))  # type: ignore[arg-type]


def items_of(given: Any) -> list[Any]:
    """One key or vector as a list, a list of them as it is."""
    if is_key(given) or _is_vector(given):
        return [given]
    if not isinstance(given, Iterable):
        raise ConfigError(f"Give a key or a list of keys, not {given!r} ({type(given).__name__}).")
    return [*given]


def _is_vector(item: object) -> bool:
    return isinstance(item, np.ndarray) and item.ndim == 1 and item.dtype.kind == "f"
