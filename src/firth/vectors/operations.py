"""What makes a new table out of one: other rows, other numbers, another space."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, Self

from firth.errors import ConfigError
from firth.vectors.analogy import Key
from firth.vectors.lookup import Lookup, items_of

if TYPE_CHECKING:
    from firth.vectors.align import Dictionary
    from firth.vectors.quantised import Kind
    from firth.vectors.selection import Repeated
    from firth.vectors.where import Where

Scored = list[tuple[str, float]]


class Operations(Lookup):
    """Each gives a new table and leaves this one alone; its provenance lists what was done, under "operations".

    Counts stay with their keys everywhere. Output vectors stay where that keeps what they predict (other rows, a
    rotation), and stay behind where the numbers change otherwise; so do the rows of n-grams (`subwords`), and the inner
    nodes of a tree whose words changed.
    """

    # ------------------------------------------------------------ other rows

    def subset(self, keys: Iterable[Key] | None = None, *, where: "Where" = None, ignore_missing: bool = False) -> Self:
        """These keys alone, in this order; or, in the table's order, those that `where` lets through.

        keys            keys, or numbers of rows: subset(range(30_000)) has the first ones
        where           as for `most_similar`: {"prefix": …}, {"regex": …}, {"min_count": …}, a list of keys
        ignore_missing  pass over keys that are not there; False: raise UnknownKeyError

        >>> from firth import Vectors
        >>> v = Vectors(["oak", "elm", "car"], [[1, 0], [0, 1], [2, 0]], counts=[9, 5, 1])
        >>> list(v.subset(["elm", "oak"])), list(v.subset(where={"min_count": 5}))
        (['elm', 'oak'], ['oak', 'elm'])

        Raises ConfigError where neither or both are given, InputError for a key that is given twice.
        """
        from firth.vectors import selection

        return selection.subset(self, keys, where, ignore_missing)

    def remove(self, keys: Iterable[Key], *, ignore_missing: bool = False) -> Self:
        """All keys but these. Raises UnknownKeyError for one that is not there, unless `ignore_missing`."""
        from firth.vectors import selection

        return selection.remove(self, keys, ignore_missing)

    def rename(
        self, names: Mapping[str, str] | Callable[[str], str], *, repeated: Literal["error", "first"] = "error"
    ) -> Self:
        """Other names for keys: a dict of old and new ones, or a function of the old one.

        repeated  what to do where two keys would get one name: "error"; "first" keeps the first row (of words from
                  training the more frequent one) with the sum of their counts

        >>> from firth import Vectors
        >>> v = Vectors(["Oak", "elm", "oak"], [[1, 0], [0, 1], [2, 0]], counts=[9, 5, 1])
        >>> lower = v.rename(str.lower, repeated="first")
        >>> list(lower), lower.counts.tolist()
        (['oak', 'elm'], [10, 5])

        Raises UnknownKeyError for an old name that is not there, InputError for a new one that comes twice.
        """
        from firth.vectors import selection

        return selection.rename(self, names, repeated)

    def merge(self, other: Lookup, *, repeated: "Repeated" = "first") -> Self:
        """The rows of this table, then those of another whose keys are new here. Spaces are not aligned: see `align`.

        repeated  the vector of a key that is in both: "first" this table's, "second" the other's, "mean" their mean

        Counts are added, where both tables have them; output vectors stay where both have them. Raises InputError for
        another dim.
        """
        from firth.vectors import selection

        return selection.merge(self, other, repeated)

    # ------------------------------------------------------------ other numbers

    def normalise(self) -> Self:
        """Every vector at length 1; zeros stay zeros. Then the dot product is the cosine."""
        from firth.vectors import transform

        return transform.normalise(self)

    def centre(self) -> Self:
        """Every vector less the mean of all."""
        from firth.vectors import transform

        return transform.centre(self)

    def all_but_the_top(self, components: int | None = None) -> Self:
        """x - μ - Σ (u·(x - μ)) u over the first principal directions u: what all words share is taken out.

        components  how many directions; None: dim / 100, at least 1, as the paper has it

        Mu & Viswanath 2018.
        """
        from firth.vectors import transform

        return transform.all_but_the_top(self, components)

    def reduce(self, dim: int) -> Self:
        """The coordinates along the `dim` principal directions of the centred vectors (PCA), most variance first.

        >>> from firth import Vectors
        >>> v = Vectors(["a", "b", "c"], [[0, 0, 1], [2, 2, 1], [4, 4, 1]])
        >>> v.reduce(1).vectors.ravel().round(2)
        array([-2.83,  0.  ,  2.83], dtype=float32)

        The share of the variance that is kept is in the provenance. Raises ConfigError for dim above this table's.
        """
        from firth.vectors import transform

        return transform.reduce(self, dim)

    # ------------------------------------------------------------ fewer bytes

    def quantise(self, kind: "Kind" = "int8", *, numbers_per_byte: int = 4, seed: int = 1) -> Self:
        """The same vectors in fewer bytes: saved so, opened so, and searched without being unpacked as a whole.

        kind              "float16", "bfloat16" (2 bytes a number), "int8" (1 byte a number, 4 a row), or "pq", product
                          quantisation: 1 byte for each `numbers_per_byte` numbers
        seed              of "pq": what the centres begin with

        The error, Σ |x - x'|² / Σ |x|², is in the provenance. `vectors` is made as float32 when somebody asks for it;
        operations but `subset`, `remove` and `rename` give float32 again.

        >>> from firth import Vectors
        >>> v = Vectors(["oak", "elm"], [[1, -2], [0.5, 0.5]]).quantise("int8")
        >>> v, v["elm"], round(v.provenance["operations"][0]["relative_error"], 6)
        (Vectors(2 keys, dim 2, int8), array([0.5, 0.5], dtype=float32), 1.1e-05)

        Raises InputError for numbers that float16 cannot hold.
        """
        from firth.vectors import quantised

        return quantised.quantise(self, kind, numbers_per_byte, seed)

    # ------------------------------------------------------------ another space

    def align(
        self,
        other: Lookup,
        dictionary: "Dictionary | None" = None,
        *,
        refine: int = 0,
        restrict_vocab: int | None = 20_000,
    ) -> Self:
        """This table turned into the space of another, by the rotation that brings pairs of keys nearest (Procrustes).

        dictionary      pairs (key here, key there), or a file with such a pair on each line; None: the keys in both.
                        Pairs with an unknown key are passed over
        refine          so many times more, with the pairs that are then each other's nearest by CSLS
        restrict_vocab  for that, look among the first so many rows of both; None: all

        Lengths, and cosines between keys of this table, stay as they are. How many pairs there were, and the mean
        cosine at which they lie now, is in the provenance.

        >>> from firth import Vectors
        >>> here = Vectors(["一", "二", "三"], [[1, 0], [0, 1], [1, 1]])
        >>> there = Vectors(["one", "two", "three"], [[0, 1], [-1, 0], [-1, 1]])
        >>> turned = here.align(there, [("一", "one"), ("二", "two")])
        >>> turned.translate("三", there, topn=1, csls=False)[0][0][0]
        'three'

        Raises InputError for another dim, and where no pair is known. Schönemann 1966; Conneau et al. 2018.
        """
        from firth.vectors import align

        if refine < 0:
            raise ConfigError(f"refine must be a whole number, at least 0, not {refine!r}.")
        return align.align(self, other, dictionary, refine, restrict_vocab or None)

    def translate(
        self,
        keys: Key | Iterable[Key],
        other: Lookup,
        topn: int = 10,
        *,
        csls: bool = True,
        restrict_vocab: int | None = 50_000,
    ) -> list[Scored]:
        """The nearest keys of another table in the same space (see `align`): a (key, score) list for each key.

        csls            2 cos(x, y) - r(x) - r(y), r the mean cosine with the ten nearest of the other side: keys that
                        are near to everything do not crowd out the others; False: the cosine
        restrict_vocab  look among the first so many rows of both; None: all

        With CSLS the neighbours of all rows of both are looked for, once a call: ask for many keys at once. Raises
        UnknownKeyError, and InputError for another dim. Conneau et al. 2018.
        """
        from firth.vectors import align

        return align.translate(self, items_of(keys), other, max(0, topn), csls, restrict_vocab or None)
