"""What a classifier has learnt: rows for words and n-grams, outputs for labels, and what follows for a document."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from firth.huffman import HuffmanTree
from firth.tokens.documents import Documents
from firth.tokens.features import Features
from firth.tokens.subwords import SENTENCE_END
from firth.vectors.product import CENTROIDS, ProductTable, quantised

Floats = npt.NDArray[np.float32]
_CHUNK = 1 << 14  # documents whose scores are computed at a time


@dataclass(frozen=True)
class LabelModel:
    """The tables of a fitted `TextClassifier`."""

    features: Features
    word_counts: npt.NDArray[np.int64]
    """i8[words], in the training text; 0 for words that only `init` knew."""
    inputs: Floats | ProductTable
    """f4[features.size, dim], or its quantised form."""
    outputs: Floats | ProductTable
    """f4[labels, dim]; with loss "hs" f4[labels - 1, dim], the inner nodes. Or its quantised form."""
    label_counts: npt.NDArray[np.int64]
    """i8[labels], documents that have each."""
    loss: str

    def hidden(self, documents: Documents) -> Floats:
        """f4[documents, dim], the mean of each one's rows; zeros where none is known."""
        from scipy.sparse import csr_array

        bags = self.features.rows(documents)
        rows, columns = np.unique(bags.rows, return_inverse=True)
        sizes = np.diff(bags.offsets)
        weights = np.repeat((1 / np.maximum(sizes, 1)).astype(np.float32), sizes)
        means = csr_array((weights, columns, bags.offsets), shape=(len(documents), len(rows)))
        return np.asarray(means @ np.asarray(self.inputs[rows]), np.float32)

    @cached_property
    def output_rows(self) -> Floats:
        """`outputs` as numbers."""
        return self.outputs.decoded() if isinstance(self.outputs, ProductTable) else self.outputs

    def probabilities(self, documents: Documents) -> Floats:
        """f4[documents, labels].

        softmax  p(label) = e^(h·o) / Σ e^(h·o)
        hs       p(label) = Π s(±h·node) over the label's path in the Huffman tree of the counts
        ns, ova  p(label) = s(h·o), each label by itself: a row need not sum to 1
        """
        found = [self._of_hidden(hidden) for hidden in np.array_split(self.hidden(documents), _pieces(len(documents)))]
        return np.concatenate(found)

    def _of_hidden(self, hidden: Floats) -> Floats:
        scores = (hidden @ self.output_rows.T).astype(np.float64)
        if self.loss == "softmax":
            e = np.exp(scores - scores.max(axis=1, keepdims=True))
            return np.asarray(e / e.sum(axis=1, keepdims=True), np.float32)
        if self.loss != "hs":
            return (0.5 * (1 + np.tanh(0.5 * scores))).astype(np.float32)
        tree = HuffmanTree.of(self.label_counts)
        steps = -np.logaddexp(0, (1 - 2 * tree.codes) * scores[:, tree.nodes])  # log s(±score)
        logs = np.concatenate([np.zeros((len(scores), 1)), np.cumsum(steps, axis=1)], axis=1)
        return np.asarray(np.exp(logs[:, tree.offsets[1:]] - logs[:, tree.offsets[:-1]]), np.float32)

    def word_vectors(self) -> Floats:
        """f4[words, dim]: each word's row, or with n-grams of characters the mean of it and theirs."""
        words = self.features.words
        if not self.features.max_n:
            return np.asarray(self.inputs[np.arange(len(words))], np.float32)
        found = np.zeros((len(words), self.inputs.shape[1]), np.float32)
        for row, word in enumerate(words):
            found[row] = self.inputs[self.features.word_rows(word)].mean(axis=0)
        return found

    def pruned(self, rows: int) -> "LabelModel":
        """With the `rows` longest input rows alone: short ones, of words and n-grams, say little about any label.

        The row of `</s>`, which is in every text, stays.
        """
        assert not isinstance(self.inputs, ProductTable), "prune first, quantise after"
        words = len(self.features.words)
        if rows >= self.features.size:
            return self
        lengths = np.linalg.norm(self.inputs, axis=1)
        if SENTENCE_END in self.features.ids:
            lengths[self.features.ids[SENTENCE_END]] = np.inf
        stays = np.sort(np.argsort(-lengths, kind="stable")[:rows])
        own, grams = stays[stays < words], stays[stays >= words] - words
        kept = np.arange(self.features.buckets, dtype=np.int32) if self.features.kept is None else self.features.kept
        features = replace(
            self.features, words=[self.features.words[row] for row in own.tolist()], kept=kept[grams].astype(np.int32)
        )
        return replace(self, features=features, word_counts=self.word_counts[own], inputs=self.inputs[stays])

    def quantised(self, *, dsub: int, qnorm: bool, qout: bool, seed: int) -> "LabelModel":
        """With one byte for each `dsub` numbers of an input row, and, with `qout`, for each two of an output row."""
        assert not isinstance(self.inputs, ProductTable), "it is quantised already"
        inputs = quantised(np.asarray(self.inputs), width=dsub, norms=qnorm, seed=seed)
        outputs = quantised(self.output_rows, width=2, norms=qnorm, seed=seed) if qout else self.outputs
        return replace(self, inputs=inputs, outputs=outputs)

    @property
    def nbytes(self) -> int:
        """Bytes of everything that is saved, but for a few thousand of facts."""
        return sum(array.nbytes for array in self.arrays().values()) + _bytes_of_words(self.features.words)

    def bytes_quantised(self, width: int = 2) -> int:
        """What `nbytes` of the quantised model will be."""
        parts = -(-self.inputs.shape[1] // width)
        tables = self.features.size * (parts + 1) + 4 * CENTROIDS * (parts * width + 1)
        others = {name: array for name, array in self.arrays().items() if name != "inputs"}
        return int(tables + sum(array.nbytes for array in others.values()) + _bytes_of_words(self.features.words))

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What a file holds beside the words: by name, as `of_arrays` takes them."""
        found: dict[str, npt.NDArray[Any]] = {"counts": self.word_counts, "label_counts": self.label_counts}
        if self.features.kept is not None:
            found["kept"] = self.features.kept
        return found | _arrays(self.inputs, "inputs", "") | _arrays(self.outputs, "outputs", "output_")

    @classmethod
    def of_arrays(cls, words: list[str], arrays: dict[str, npt.NDArray[Any]], options: dict[str, Any]) -> "LabelModel":
        """What `arrays` gave, with the options of the classifier."""
        ngrams = {name: options[name] for name in ("word_ngrams", "min_n", "max_n", "buckets")}
        features = Features(words, kept=arrays.get("kept"), **ngrams)
        inputs = _table(arrays, "inputs", "", options["dim"])
        outputs = _table(arrays, "outputs", "output_", options["dim"])
        return cls(features, arrays["counts"], inputs, outputs, arrays["label_counts"], options["loss"])


def _arrays(table: Floats | ProductTable, name: str, prefix: str) -> dict[str, npt.NDArray[Any]]:
    """A table as it is saved: itself, or the parts of its quantised form."""
    if not isinstance(table, ProductTable):
        return {name: np.asarray(table)}
    found: dict[str, npt.NDArray[Any]] = {f"{prefix}codes": table.codes, f"{prefix}centroids": table.centroids}
    if table.norms is not None and table.lengths is not None:
        found |= {f"{prefix}norms": table.norms, f"{prefix}lengths": table.lengths}
    return found


def _table(arrays: dict[str, npt.NDArray[Any]], name: str, prefix: str, dim: int) -> Any:
    """What `_arrays` was given."""
    if name in arrays:
        return arrays[name]
    codes, centroids = arrays[f"{prefix}codes"], arrays[f"{prefix}centroids"]
    norms, lengths = arrays.get(f"{prefix}norms"), arrays.get(f"{prefix}lengths")
    return ProductTable(codes, centroids, norms, lengths, dim)


def _bytes_of_words(words: list[str]) -> int:
    """Their UTF-8, and an offset for each."""
    return sum(len(word.encode("utf-8", "replace")) + 8 for word in words)


def _pieces(documents: int) -> int:
    return max(1, -(-documents // _CHUNK))
