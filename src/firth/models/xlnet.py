"""XLNet: every token is foretold from any others, in an order of factorisation that is drawn anew for every row.

Yang, Dai, Yang, Carbonell, Salakhutdinov & Le 2019, "XLNet: Generalized Autoregressive Pretraining for Language
Understanding".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firth.config import config, option
from firth.corpus.text import Text
from firth.examples.packing import Examples, Packed
from firth.examples.permutation import Marks, Permuted, hidden_by
from firth.models.contextual import ContextOptions, filled_up, whole_rows
from firth.models.language_model import Floats, NextTokenModel, Score
from firth.models.masked_model import GapModel
from firth.networks.layers import last_of
from firth.networks.xlnet import PermutationLanguageModel, PermutationLesson, remember
from firth.tokens.running import Spool
from firth.tokens.tokenizer import Kind, Tokenizer

F8 = npt.NDArray[np.float64]

_AT_ONCE = 16  # rows that are scored together


@config
class XLNet(ContextOptions):
    """A vector for every token that has seen both sides, learnt without gaps: in orders that are drawn.

    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 20
    >>> small = {"layers": 1, "dim": 32, "heads": 2, "length": 16, "batch_tokens": 256}
    >>> xlnet = XLNet(units="words", **small, steps=60, lr=0.01).fit(lines, threads=1)
    >>> xlnet
    OrderModel(xlnet, 13 tokens, 15,277 parameters)
    >>> xlnet.encode(["the cat"]).shape
    (1, 32)
    """

    name: ClassVar[str] = "xlnet"
    family: ClassVar[str] = "xlnet"
    special: ClassVar[Mapping[str, str]] = {
        "pad": "<pad>",
        "unk": "<unk>",
        "cls": "<cls>",
        "sep": "<sep>",
        "mask": "<mask>",
        "eos": "<eod>",
    }

    units: Kind = option(default="unigram")
    """What a token is: wordpiece, bpe, unigram (parts of words), words (between blanks), characters."""
    one_in: int = option(default=6, at_least=2)
    """One token in so many is foretold: the last ones of the order, which have the others before them (K)."""
    memory: int = option(default=0, at_least=0)
    """Tokens before a row that are read first, without learning, and remembered; 0: none."""
    length: int = option(default=128, at_least=5)
    """Tokens of a row, and of the longest text that is encoded at once."""

    def tokenizer(self, lines: Iterable[str]) -> Tokenizer:
        """A tokenizer that puts <sep> <cls> behind a text, in every tool that opens it."""
        cls, sep = self.special["cls"], self.special["sep"]
        return self.framed(lines, single=f"$A {sep} {cls}:2", pair=f"$A {sep} $B:1 {sep}:1 {cls}:2")

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """The text in tokens, one sentence after the other, and the ends of documents."""
        return Packed.of(lines, tokenizer, end_document=tokenizer.id_of("eos"))

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Rows of two segments, each with an order."""
        marks = Marks(tokenizer.id_of("sep"), tokenizer.id_of("cls"))
        return Permuted(packed, self.length, marks, one_in=self.one_in, memory=self.memory, seed=self.seed)

    def built(self, rows: int) -> PermutationLesson:
        """Two streams through layers with relative positions."""
        network = PermutationLanguageModel(
            rows,
            layers=self.layers,
            heads=self.heads,
            dim=self.dim,
            ffn_dim=self.hidden,
            activation=self.activation,
            dropout=self.dropout,
            eps=self.norm_eps,
        )
        network.pooler.requires_grad_(False)  # no loss of running text depends on it
        return PermutationLesson(network)

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "OrderModel":
        """What can be asked."""
        return OrderModel(self, network.network, tokenizer, text, provenance)


class OrderModel(GapModel, NextTokenModel):  # type: ignore[misc]  # gaps are filled as by GapModel
    """What `XLNet.fit` returns: vectors from both sides, gaps filled, and in the order of the text what comes next."""

    options: XLNet
    network: Any  # a PermutationLanguageModel
    before: ClassVar[int] = 0

    # ------------------------------------------------------------ vectors

    def row(self, ids: Sequence[int], other: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """a <sep> (b <sep>) <cls>, cut off at `length`: of two the longer one first."""
        sep, end = self.tokenizer.id_of("sep"), [self.tokenizer.id_of("sep"), self.tokenizer.id_of("cls")]
        room = self.options.length - 2
        if other is None:
            found = [*ids[:room], *end]
            return found, [*[0] * (len(found) - 1), 2]
        a, b = list(ids), list(other)
        while len(a) + len(b) > room - 1:
            (a if len(a) > len(b) else b).pop()
        return [*a, sep, *b, *end], [*[0] * (len(a) + 1), *[1] * (len(b) + 1), 2]

    def states(
        self, network: Any, ids: Tensor, present: Tensor, segments: Tensor, weights: list[Tensor] | None = None
    ) -> list[Tensor]:
        """Those of the token table, and of every layer of the content stream, which sees all."""
        found: list[Tensor] = []
        last = segments.masked_fill(ids == self.tokenizer.id_of("cls"), 2)
        network(ids, whole_rows(present, segments)[0], last, states=found, weights=weights)
        return found

    def summary(self, network: Any, states: Tensor, present: Tensor) -> Tensor:
        """The pooler's: tanh(W h + b) of the state of the last token, <cls>."""
        found: Tensor = network.pooled(last_of(states, present))
        return found

    def encode(self, texts: Sequence[str], *, pooling: Any = "mean", layers: Any = None) -> Any:
        """As in every model of attention; <cls> is the last token."""
        if pooling != "cls":
            return super().encode(texts, pooling=pooling, layers=layers)
        found = super().encode(texts, pooling="tokens", layers=layers)
        return np.stack([each[-1] for each in found]) if found else np.zeros((0, self.options.dim), np.float32)

    # ------------------------------------------------------------ gaps

    def _log_p(self, rows: Sequence[Sequence[int]], places: Sequence[int]) -> F8:
        """log p of every token at one place of each row, f8[rows, tokens]; other gaps are out of sight."""
        ids, present = filled_up(rows, self.padding)
        gap = ids == self.tokenizer.id_of("mask")
        at = torch.tensor(places)[:, None]
        with torch.inference_mode():
            found = self.network(
                torch.from_numpy(ids),
                torch.from_numpy(present),
                hidden=torch.from_numpy(gap)[:, None].expand(-1, ids.shape[1], -1),
                targets=at,
            )
            return self._scores(found[:, 0]).astype(np.float64)

    # ------------------------------------------------------------ in the order of the text

    @property
    def _never(self) -> list[int]:
        """Tokens that are never written: all special ones but the end."""
        return [self.tokenizer.id_of(role) for role in self.tokenizer.special if role != "eos"]

    def score(self, source: Any) -> Score:
        """How probable a running text is, from left to right: `source` is anything that `firth.Text` takes.

        Read in stretches of `length` tokens; each token is foretold from those before it in its stretch, and from the
        stretches before, as many tokens as are remembered (`length`). So nothing is left out, and nothing seen twice.
        """
        with Spool(self.options.lines(Text.cut_like(source, self.text))) as lines:
            tokens = np.asarray(self.options.packed(lines, self.tokenizer).tokens, np.int64)
        nats, memory = 0.0, None
        for start in range(0, len(tokens), self.options.length):
            found, memory = self._left_to_right(tokens[None, start : start + self.options.length], memory)
            nats -= float(found.sum())
        return Score(nats, len(tokens))

    def perplexity(self, source: Any) -> float:
        """exp of the mean nats per token of a text, from left to right; lower is better."""
        return self.score(source).perplexity

    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[F8]:
        """For each text of token ids the log p of each of them and of its end, f8[tokens + 1], from left to right."""
        end, found = self.tokenizer.id_of("eos"), []
        for start in range(0, len(sentences), _AT_ONCE):
            ended = [[*ids, end] for ids in sentences[start : start + _AT_ONCE]]
            ids, _ = filled_up(ended, self.padding)  # what fills up stands behind, where nothing looks
            logs, _ = self._left_to_right(ids, None)
            found += [row[: len(each)] for row, each in zip(logs, ended, strict=True)]
        return found

    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning, f4[beginnings, tokens]."""
        mask = self.tokenizer.id_of("mask")
        rows = [[*ids[-self.options.length :], mask] for ids in before]
        ids, _ = filled_up(rows, self.padding)
        hidden = torch.from_numpy(self._later(*ids.shape))
        last = torch.tensor([[len(row) - 1] for row in rows])
        with torch.inference_mode():
            return self._scores(self.network(torch.from_numpy(ids), hidden=hidden, targets=last)[:, 0])

    def next_scores(self, ids: list[int]) -> Iterator[Floats]:
        """log p of every token after `ids`, again and again; what was read is remembered, up to `length` tokens."""
        mask, memory, read = self.tokenizer.id_of("mask"), None, 0
        while True:
            new = torch.tensor([[*ids[read:], mask]])
            hidden, last = torch.from_numpy(self._later(*new.shape)), torch.tensor([[new.shape[1] - 1]])
            states: list[Tensor] = []
            with torch.inference_mode():
                found = self.network(new, hidden=hidden, targets=last, memory=memory, states=states)
                memory = remember([state[:, :-1] for state in states], memory, self.options.length)
                read = len(ids)
                scores = self._scores(found[:, 0])[0]
            yield scores

    def _left_to_right(self, ids: npt.NDArray[np.int64], memory: list[Tensor] | None) -> tuple[F8, list[Tensor]]:
        """log p of each token f8[B, T] given those before it, and what is remembered afterwards."""
        batch, length = ids.shape
        states: list[Tensor] = []
        with torch.inference_mode():
            found = self.network(
                torch.from_numpy(ids),
                hidden=torch.from_numpy(self._later(batch, length)),
                targets=torch.arange(length).expand(batch, -1),
                memory=memory,
                states=states,
            )
            logs = torch.from_numpy(self._scores(found)).gather(2, torch.from_numpy(ids)[:, :, None])[..., 0]
            return logs.double().numpy(), remember(states, memory, self.options.length)

    @staticmethod
    def _later(batch: int, length: int) -> npt.NDArray[np.bool_]:
        """The order of the text: bool[B, T, T], True at [i, j] where j is not before i."""
        return hidden_by(np.arange(length)[None].repeat(batch, 0), length)

    def _scores(self, states: Tensor) -> Floats:
        found: Floats = self.network.logits(states)[..., : len(self.tokenizer)].float().log_softmax(-1).numpy()
        return found

    # ------------------------------------------------------------ files

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights under Hugging Face's names; the pooler is of fine-tuned models."""
        return {name: array for name, array in super().arrays().items() if not name.startswith("sequence_summary.")}

    def tokenizer_config(self) -> dict[str, Any]:
        """As for all models of attention; rows are filled up on the left, so that <cls> is the last token."""
        return {**super().tokenizer_config(), "padding_side": "left"}
