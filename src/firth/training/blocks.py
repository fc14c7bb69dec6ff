"""The blocks of a pass, the learning rate in each, and the memory that a thread works in."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.examples.walks import Begun, Generated
from firth.kernels.architectures import ContinuousBag, SkipGram
from firth.kernels.core import TILE, Scratch, Tables
from firth.kernels.objectives import NegativeSampling, Softmax
from firth.kernels.shallow import Block, Corpus, Team, Window
from firth.kernels.word_bags import CentreBag, ContextBags
from firth.training.objectives import Objective, most_targets
from firth.training.tables import aligned

Architecture = SkipGram | ContinuousBag | CentreBag | ContextBags

_BEHIND = 64  # blocks, whose pages in the file of the text are then no longer needed
LANES = 8  # blocks that are worked on together in a deterministic run, whatever the number of threads
_BLOCK = 1 << 15  # tokens: some 10 ms of work
_TOGETHER = 256  # windows scored before any is moved, at most: more is faster, and learns less (docs/decisions)
_ENCOUNTERS = 0.25  # how often a word may meet itself as the centre of those windows, in the mean over the text
_SAMPLE = 1_000_000  # tokens
_STRIDE = 0xD1342543DE82EF95  # between the random streams of stretches: odd, and no multiple of splitmix64's own
_TEAM_BYTES = 1 << 26  # what the windows of a team may take


@dataclass(frozen=True)
class Setting:
    """What is learnt from, into what, and how."""

    tables: Tables
    corpus: Corpus
    window: Window
    architecture: Architecture
    objective: Objective
    epochs: int
    lr: float
    min_lr: float
    seed: int
    deterministic: bool = False
    generated: Generated | None = None
    """A text that is made while it is learnt from; `corpus` is then a sample of it."""

    @property
    def width(self) -> int:
        """Floats in a padded row."""
        return int(self.tables.inputs.shape[1])

    @property
    def words(self) -> int:
        """Words of one pass; of a text that is made, as many as it can have."""
        if self.generated is not None:
            return self.generated.units * self.generated.longest
        return len(self.corpus.tokens)


class Stretch(NamedTuple):
    """A part of a text that is made: walks, or links."""

    first: int
    end: int
    """One past the last."""
    begun: Begun
    number: int
    """Of the stretch in its pass."""
    key: np.uint64
    """The random stream of what is learnt from it."""
    lr: np.float32


def stretches(setting: Setting, text: Generated, number: int) -> Iterator[Stretch]:
    """The parts of pass `number` (from 1) of a text that is made; they do not depend on the number of threads."""
    size, key, begun = stretch_size(setting, text), pass_key(setting.seed, number), text.begin(setting.seed, number)
    for i, first in enumerate(range(0, text.units, size)):
        lr = learning_rate(setting, (number - 1) * setting.words + first * text.longest)
        own = np.uint64((int(key) + i * _STRIDE) % 2**64)  # each begins at its own place 0
        yield Stretch(first, min(first + size, text.units), begun, i, own, np.float32(lr))


def stretch_size(setting: Setting, text: Generated) -> int:
    """Walks or links in a stretch."""
    return max(1, block_size(setting) // text.longest)


def blocks(setting: Setting, number: int) -> Iterator[Block]:
    """The blocks of pass `number` (from 1) in the order of the text; they do not depend on the number of threads."""
    size = block_size(setting)
    starts = np.arange(0, setting.words, size)
    inside = np.searchsorted(setting.corpus.sentences, starts, side="right") - 1
    key = pass_key(setting.seed, number)
    for i, (start, sentence) in enumerate(zip(starts.tolist(), inside.tolist(), strict=True)):
        if i % _BEHIND == 0:
            let_go(setting.corpus.tokens)
        lr = learning_rate(setting, (number - 1) * setting.words + start)
        yield Block(start, min(start + size, setting.words), sentence, i, key, np.float32(lr))


def pass_key(seed: int, number: int) -> np.uint64:
    """The random stream of pass `number`: what subsampling keeps, and how far windows reach."""
    return np.uint64(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0])


def block_size(setting: Setting) -> int:
    """Tokens in a block: some 10 ms of work, and enough blocks in a small corpus for threads and a smooth decline."""
    heavy = max(1, round(setting.width * _most_targets(setting) * setting.window.size / (112 * 6 * 5)))
    size = int(max(256, min(_BLOCK // heavy, setting.words // 64)))
    return max(32, size // LANES) if setting.deterministic else size


def learning_rate(setting: Setting, done: int) -> float:
    """Linear decline from lr to min_lr over all words of all passes; a rate that starts below min_lr stays."""
    if setting.lr <= setting.min_lr:
        return setting.lr
    return setting.lr - (setting.lr - setting.min_lr) * done / max(1, setting.epochs * setting.words)


def make_scratch(setting: Setting, tokens: int) -> Scratch:
    """A thread's working memory, for blocks of up to `tokens` tokens."""
    window = setting.window.size
    room, sixes = tokens + 2 * window, _sixes(setting)
    return Scratch(
        words=np.zeros(room, np.int32),
        places=np.zeros(room, np.int32),
        reach=np.zeros(room, np.int32),
        bounds=np.zeros(room + 1, np.int32),
        contexts=np.zeros(2 * window + 1, np.int32),
        moving=np.zeros(2 * window, np.int32),
        offsets=np.zeros(2 * window, np.int32),
        hidden=aligned(2 * window + 2, setting.width),
        targets=np.zeros(TILE * sixes, np.int32),
        labels=aligned(sixes, 16),
        row=np.zeros(1, np.int32),
        line=aligned(1, 16),
        errors=aligned(sixes, _error_columns(setting)),
    )


def make_team(setting: Setting) -> Team:
    """The slots of the windows that are scored before any is moved, in a deterministic run."""
    window, sixes, columns = setting.window.size, _sixes(setting), _error_columns(setting)
    slots = min(_TOGETHER, int(_ENCOUNTERS / repetition(setting)), _TEAM_BYTES // (8 * sixes * columns))
    slots = LANES * max(1, slots // LANES)
    return Team(
        barrier=np.zeros(8, np.int64),
        cursors=aligned(LANES, 16).view(np.int64),
        totals=aligned(LANES, 16).view(np.float64),
        contexts=np.zeros((slots, 2 * window + 1), np.int32),
        offsets=np.zeros((slots, 2 * window), np.int32),
        targets=np.zeros((slots, TILE * sixes), np.int32),
        scores=aligned(2 * slots * sixes, columns).reshape(2, slots, sixes, columns),
        hidden=np.zeros(slots, np.int32),
        windows=aligned(slots, 16).view(np.int64),
    )


def repetition(setting: Setting) -> float:
    """How likely two kept tokens are the same word, Σ p²: near 1 for a text of few words, .001 for natural text.

    Where it is high, windows scored together move the same rows over and over from scores that no longer hold.
    """
    sample = setting.corpus.tokens[:_SAMPLE]
    kept = np.bincount(sample, minlength=len(setting.corpus.keep)) * setting.corpus.keep
    return float(((kept / kept.sum()) ** 2).sum())


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A plain, read-only view: lists and memory maps then run the same machine code."""
    view = np.asarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def let_go(array: npt.NDArray[Any]) -> None:
    """Unmap the pages of an array that lies in a file, opened to be read, until they are read again.

    They would be taken back if memory ran short; so long as it does not, they look like memory that is needed.
    """
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def _sixes(setting: Setting) -> int:
    return -(-_most_targets(setting) // TILE)


def _most_targets(setting: Setting) -> int:
    """The most outputs that one window is held against."""
    most = most_targets(setting.objective)
    if not isinstance(setting.architecture, CentreBag) or isinstance(setting.objective, Softmax):
        return most
    contexts = 2 * setting.window.size
    return contexts + most if isinstance(setting.objective, NegativeSampling) else contexts * most


def _error_columns(setting: Setting) -> int:
    return 16 * (setting.window.size + 2)
