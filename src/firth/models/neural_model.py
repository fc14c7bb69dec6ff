"""What the models with a network share: options of their tokens and of learning, and how a run goes.

A model's page says which tokens it reads, what its network is, and which rows it learns from; text, tokenizer,
packing, the loop, checkpoints and files are the same for all.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

import firth
from firth.config import config, option
from firth.corpus.text import Text
from firth.errors import ConfigError, MissingExtraError
from firth.loading import load_vectors
from firth.models.language_model import LanguageModel
from firth.tokens.running import Spool, lines
from firth.tokens.tokenizer import Kind, Tokenizer
from firth.training.checkpoint import Checkpoints, seconds
from firth.training.progress import progress_display
from firth.training.starting import matching_rows
from firth.vectors.table import Vectors

try:
    import torch
    from torch import nn
except ImportError:
    raise MissingExtraError("Networks need PyTorch: pip install 'firth[lm]'") from None

from firth.examples.packing import Examples, Packed
from firth.training.neural import Learning, learn, saved_tensors
from firth.training.processes import Precision, Where, is_first_process
from firth.training.reports import Report

if TYPE_CHECKING:
    from firth.formats.language_model import Saved


@config
class NeuralModel(Learning, ABC):
    """Options of every model with a network, beside those of its learning."""

    special: ClassVar[Mapping[str, str]] = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}
    """Special tokens by their roles, in the order of their ids."""

    units: Kind = option(default="words")
    """What a token is: words (between blanks), characters, or the parts of words that wordpiece, bpe, unigram learn."""
    vocab_size: int | None = option(default=None, at_least=1)
    """At most so many tokens; none: all that come `min_count` times, and 30,000 parts of words."""
    min_count: int = option(default=1, at_least=1)
    """Tokens that come less often are unknown; one token stands for all of these."""

    def fit(
        self,
        source: Any,
        *,
        validation: float | str | PathLike[str] | Text | None = None,
        tokenizer: Tokenizer | None = None,
        network: nn.Module | None = None,
        init: Vectors | str | PathLike[str] | None = None,
        frozen: bool = False,
        workdir: str | PathLike[str] | None = None,
        resume: bool = False,
        checkpoint_every: str | float | None = None,
        threads: int | None = None,
        device: str | None = None,
        precision: Precision | None = None,
        shard: bool = False,
        progress: bool | None = None,
        callbacks: Sequence[Callable[[Report], object]] = (),
    ) -> LanguageModel:
        """Learn from a source: anything that `firth.Text` takes, or a `Text`.

        validation        the share of the text, at its end, or another text, to measure the loss on: the weights with
                          the lowest are kept
        tokenizer         one that is trained already; None: it is learnt from the source
        network           one that has learnt already, to go on with; `tokenizer` is its own. None: a new one
        init              vectors, or a file of them, that the look-up table starts from, matched by token
        frozen            the rows that `init` gave stay as they are
        workdir           a folder for the checkpoints and log.jsonl
        resume            go on from the last checkpoint in `workdir`
        checkpoint_every  "10m", "90s", or seconds: write one so often, and when the run ends or is stopped
        threads           None: as many as this process may use
        device            "cpu", "cuda"; None: a GPU where there is one
        precision         "fp32", or "bf16" (autocast); None: bf16 where it is quick
        shard             under torchrun: cut the network among the processes (FSDP2) instead of copying it (DDP)
        progress          True or False for a bar on stderr; None: where it is a terminal
        callbacks         each is called with a Report, about a hundred times in a run

        Raises EmptyVocabularyError where no token is left, DivergenceError where lr is too high, MemoryLimitError where
        it would not fit, and what reading the source raises.
        """
        text = Text.of(source)
        first = is_first_process()
        where = Where(threads, device, precision, shard)
        with progress_display(progress and first if progress is not None or first else False) as display:
            with Spool(self.lines(text)) as spool:
                cutter = tokenizer or self.tokenizer(spool)
                packed, held_out = self._parts(self.packed(spool, cutter), cutter, text, validation)
            torch.manual_seed(self.seed)
            network = network or self.network(cutter)
            held = self.started(network, cutter, init, frozen)
            reports = learn(
                network,
                self.examples(packed, cutter),
                self,
                held_out=None if held_out is None else self.examples(held_out, cutter),
                where=where,
                held=held,
                checkpoints=self._checkpoints(workdir, resume, checkpoint_every, packed, cutter, frozen),
                resume=resume,
                log=None if workdir is None else Path(workdir) / "log.jsonl",
                progress=display,
                callbacks=callbacks,
            )
        return self.model(network, cutter, text.options(), provenance(packed, reports))

    # ------------------------------------------------------------ what a model's page says

    def lines(self, text: Text) -> Iterable[str]:
        """The text, line by line, each cut as the text says."""
        return lines(text, by_words=self.units == "words")

    def tokenizer(self, lines: Iterable[str]) -> Tokenizer:
        """The tokenizer, learnt from the lines of the text."""
        return Tokenizer.train(
            lines, kind=self.units, special=self.special, vocab_size=self.vocab_size, min_count=self.min_count
        )

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """The text in tokens, each sentence with its end."""
        return Packed.of(lines, tokenizer, end=tokenizer.id_of("eos"))

    @abstractmethod
    def network(self, tokenizer: Tokenizer) -> nn.Module:
        """The network as it begins, its random numbers from torch's generator."""

    @abstractmethod
    def embedding(self, network: Any) -> nn.Embedding:
        """The network's look-up table of tokens, which `init` may fill."""

    @abstractmethod
    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """The rows that are learnt from."""

    @abstractmethod
    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> LanguageModel:
        """What `fit` returns, and `firth.load`."""

    # ------------------------------------------------------------ the rest

    def opened(self, path: Any, saved: "Saved", tokenizer: Tokenizer) -> LanguageModel:
        """The model in a folder. Raises CorruptFileError where its arrays are not those of these options."""
        network = self.filled(self.network(tokenizer), saved.arrays, path)
        return self.model(network, tokenizer, saved.config["text"], saved.provenance)

    def filled(self, network: Any, arrays: Mapping[str, npt.NDArray[Any]], path: Any) -> Any:
        """The network with the weights of a folder. Raises CorruptFileError where they are not those of this one."""
        from firth.formats.language_model import fitted

        tensors = dict(saved_tensors(network))
        fitted(path, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, arrays)
        with torch.no_grad():
            for name, tensor in tensors.items():
                tensor.copy_(torch.from_numpy(np.array(arrays[name])).reshape(tensor.shape))
        return network

    def _parts(self, packed: Packed, tokenizer: Tokenizer, text: Text, validation: Any) -> tuple[Packed, Packed | None]:
        """What is learnt from, and what the loss is measured on."""
        if validation is None:
            return packed, None
        if isinstance(validation, int | float):
            return packed.split(validation)
        other = validation if isinstance(validation, Text) else dataclasses.replace(text, source=validation)
        with Spool(self.lines(other)) as spool:
            return packed, self.packed(spool, tokenizer)

    def started(
        self, network: nn.Module, tokenizer: Tokenizer, init: Any, frozen: bool
    ) -> dict[str, npt.NDArray[np.int64]]:
        """Fill the look-up table from vectors, matched by token; gives the rows that stay as they are, for `learn`.

        Raises ConfigError for another dim, InputError where no token matches.
        """
        if init is None:
            if frozen:
                raise ConfigError("frozen keeps the vectors of `init` as they are: give init too.")
            return {}
        embedding = self.embedding(network)
        vectors = init if isinstance(init, Vectors) else load_vectors(init)
        rows = matching_rows(vectors, tokenizer.tokens, embedding.embedding_dim)
        there = np.flatnonzero(rows >= 0)
        with torch.no_grad():
            embedding.weight[torch.from_numpy(there)] = torch.from_numpy(np.array(vectors.vectors[rows[there]]))
        (name,) = (name for name, each in network.named_parameters() if each is embedding.weight)
        return {name: there} if frozen else {}

    def _checkpoints(
        self,
        workdir: Any,
        resume: bool,
        checkpoint_every: str | float | None,
        packed: Packed,
        tokenizer: Tokenizer,
        frozen: bool,
    ) -> Checkpoints | None:
        if not resume and checkpoint_every is None:
            return None
        if workdir is None:
            raise ConfigError("Checkpoints lie in workdir: give fit one, for resume and for checkpoint_every.")
        run = {**self.to_dict(), "text": packed.checksum(), "tokens": len(tokenizer), "frozen": frozen}
        every = seconds(checkpoint_every) if checkpoint_every is not None else float("inf")
        return Checkpoints(Path(workdir) / "checkpoints", run, every)


def provenance(packed: Packed, reports: Sequence[Report]) -> dict[str, Any]:
    """How a model came to be: what was read, and how the loss fell."""
    return {
        "firth": firth.__version__,
        "torch": str(torch.__version__),
        "tokens_read": len(packed.tokens),
        "sentences": len(packed.sentences) - 1,
        "reports": [dataclasses.asdict(report) for report in reports],
    }
