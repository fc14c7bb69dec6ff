"""Which rows the words of a question file stand for."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firth.errors import ConfigError

if TYPE_CHECKING:
    from firth.vectors.table import Vectors


class Known:
    """The words that count as known: those of the first `restrict_vocab` rows, in capitals where case does not matter.

    ids   written form to row, the first row where several share it (Apple, apple): the most frequent
    same  i8[rows], for each row the first row with its written form
    """

    def __init__(self, vectors: "Vectors", restrict_vocab: int | None, case_insensitive: bool) -> None:
        self.rows = len(vectors) if restrict_vocab is None else min(_checked(restrict_vocab), len(vectors))
        self.case_insensitive = case_insensitive
        forms = [self.form(key) for key in vectors.index_to_key[: self.rows]]
        self.ids: dict[str, int] = {}
        self.same: NDArray[np.int64] = np.fromiter(
            (self.ids.setdefault(form, row) for row, form in enumerate(forms)), np.int64, self.rows
        )

    def form(self, word: str) -> str:
        """Capitals rather than small letters, because gensim does so: ß and SS are one."""
        return word.upper() if self.case_insensitive else word


def _checked(restrict_vocab: Any) -> int:
    if not isinstance(restrict_vocab, int | np.integer) or isinstance(restrict_vocab, bool) or restrict_vocab < 1:
        raise ConfigError(
            f"restrict_vocab must be a whole number, at least 1, or None for all, not {restrict_vocab!r}."
        )
    return int(restrict_vocab)
