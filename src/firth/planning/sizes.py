"""Planning: bytes. What a run holds in memory and what it writes: each part is known where it is made, and added here.

The figures in bytes were measured on text of nine letters a word; docs/plan.md has them beside what runs really took.
"""

from dataclasses import dataclass

import numpy as np

from firth.models.word2vec import Word2Vec
from firth.training.objectives import noise_draws
from firth.training.tables import table_bytes

_PROGRAM = 175 << 20  # Python, NumPy, Arrow, Numba and the kernels, loaded
_BLOCKS = 31 << 20  # a block of text and what it becomes, for each thread that reads
_DISTINCT = 360  # a distinct word while it is counted: its text, count and id, merging included
_SCRATCH = 1 << 20  # a thread's working memory
_TREE = 200  # a word of a Huffman tree while it is grown, its path not included
_WORD = 200  # a word of the vocabulary: its text as Python's, its number, its count
_KEY = 24 + 10  # what a key costs in a saved model beside its text: offset, count, a line of vocabulary.tsv
_FOLDER = 20_000  # config.json, provenance.json, README.md


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak of a run."""

    program: int
    """The program itself."""
    reading: int
    """Counting the words; it is given back before the vectors are made."""
    tables: int
    """The vectors, and what they are learnt with."""
    objective: int
    """Noise words, Huffman tree, or scores of all words."""
    text: int
    """What stays of the text beside its words on the disk: the keys, and where sentences end."""

    @property
    def peak(self) -> int:
        return self.program + self.needed

    @property
    def needed(self) -> int:
        """Beside the program, which runs already."""
        return max(self.reading, self.learning)

    @property
    def learning(self) -> int:
        """While vectors are learnt."""
        return self.tables + self.objective + self.text


def memory(config: Word2Vec, words: int, distinct: int, sentences: int, threads: int) -> Memory:
    """What `config.fit` holds at its peak.

    words      vectors
    distinct   distinct words in the text, the rare ones too
    sentences  in the text
    """
    tables = table_bytes(words, words, config.dim) * (2 if config.patience else 1)
    return Memory(
        program=_PROGRAM,
        reading=_BLOCKS * threads + _DISTINCT * distinct,
        tables=tables + threads * _SCRATCH,
        objective=_objective(config, words, threads),
        text=_WORD * words + 8 * sentences,
    )


def _objective(config: Word2Vec, words: int, threads: int) -> int:
    if config.loss == "ns":
        return 4 * noise_draws(words, config.negatives)
    if config.loss == "hs":
        return words * (_TREE + 8 * (1 + round(float(np.log2(max(2, words))))))
    window = 5 if config.window == "sentence" else config.window
    return threads * words * 16 * 4 * (window + 2) // 6


def model(config: Word2Vec, words: int, letters: float) -> int:
    """Bytes of the saved model, of keys that have `letters` bytes on average."""
    return round(words * (2 * 4 * config.dim + 2 * letters + _KEY)) + _FOLDER


def encoded(words: int, kept: int, sentences: int) -> int:
    """Bytes of the temporary files, at most: all words and ends of sentences, and then once more those that stay."""
    return 4 * words + 4 * kept + 16 * sentences
