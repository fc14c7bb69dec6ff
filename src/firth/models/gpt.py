"""GPT: a decoder that learns the next token of running text, and so can write.

Radford, Narasimhan, Salimans & Sutskever 2018, "Improving Language Understanding by Generative Pre-Training"; its
network is that of GPT-2: Radford, Wu, Child, Luan, Amodei & Sutskever 2019, "Language Models are Unsupervised Multitask
Learners".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firth.config import config, option
from firth.corpus.text import Text
from firth.errors import ConfigError
from firth.examples.packing import NO_TARGET, Examples, Packed, Stream
from firth.models.contextual import ContextModel, ContextOptions, Pooling, filled_up
from firth.models.language_model import Floats, NextTokenModel, Score
from firth.networks.layers import Activation, Cache, last_of
from firth.networks.transformer import CausalLanguageModel, NextLesson
from firth.tokens.running import Spool, cut_alike
from firth.tokens.tokenizer import Kind, Tokenizer

F8 = npt.NDArray[np.float64]

_END = "<|endoftext|>"
_AT_ONCE = 16  # rows that are scored together


@config
class GPT(ContextOptions):
    """A model of running text: it foretells each token from all before it, and writes on.

    >>> gpt = GPT(units="characters", layers=1, dim=32, heads=2, length=16, steps=150, batch_tokens=256, lr=0.01)
    >>> lm = gpt.fit(["to be or not to be"] * 20)
    >>> lm
    TextModel(gpt, 10 tokens, 13,600 parameters)
    >>> lm.generate("to be", temperature=0, tokens=13)
    'to be or not to be'
    """

    name: ClassVar[str] = "gpt"
    family: ClassVar[str] = "gpt2"
    special: ClassVar[Mapping[str, str]] = {"unk": "<unk>", "eos": _END}

    units: Kind = option(default="bpe")
    """What a token is: bpe (over bytes: nothing is unknown), characters, words (between blanks), unigram, wordpiece."""
    activation: Activation = option(default="gelu_tanh")
    """The curve in the feed-forward networks: gelu, gelu_tanh (its quicker likeness), relu, silu."""
    norm_eps: float = option(default=1e-5, above=0)
    """What LayerNorm adds to a variance."""
    blank_lines: Literal["documents", "text"] = option(default="documents")
    """documents: a blank line ends a document, and an end token stands there. text: it is a line end like others."""

    def tokenizer(self, lines: Iterable[str]) -> Tokenizer:
        """Learnt from the lines with their ends, where those are tokens."""
        behind = "\n" if _keeps_ends(self.units) else ""
        return Tokenizer.train(
            (line + behind for line in lines),
            kind=self.units,
            special=self.special,
            vocab_size=self.vocab_size,
            min_count=self.min_count,
            lower=self.lower,
        )

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """The text as it stands: line ends are tokens, but for units that know none, where the end token is one."""
        end = tokenizer.id_of("eos")
        if not _keeps_ends(tokenizer.kind):
            return Packed.of(lines, tokenizer, end=end)
        (newline,) = tokenizer.ids(["\n"])[0]
        blank = end if self.blank_lines == "documents" else newline
        return Packed.of(lines, tokenizer, newline="\n", end_document=blank)

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:  # noqa: ARG002  # as others are asked
        """Rows of `length` tokens, one behind the other."""
        return Stream(packed, self.length)

    def built(self, rows: int) -> NextLesson:
        """A decoder, pre-norm, with learnt positions."""
        return NextLesson(
            CausalLanguageModel(
                rows,
                layers=self.layers,
                heads=self.heads,
                dim=self.dim,
                ffn_dim=self.hidden,
                length=self.length,
                activation=self.activation,
                dropout=self.dropout,
                eps=self.norm_eps,
            )
        )

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "TextModel":
        """What can be asked."""
        return TextModel(self, network.network, tokenizer, text, provenance)


def _keeps_ends(units: str) -> bool:
    """Whether the end of a line is a token of its own."""
    return units in ("bpe", "characters")


class TextModel(ContextModel, NextTokenModel):
    """What `GPT.fit` returns: it writes, says how probable a text is, and gives tokens vectors from what is before."""

    options: GPT
    network: CausalLanguageModel
    added: ClassVar[int] = 0
    before: ClassVar[int] = 0

    # ------------------------------------------------------------ vectors

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text; line ends stay."""
        if not _keeps_ends(self.tokenizer.kind) or isinstance(texts, str) or not all(isinstance(t, str) for t in texts):
            return super().tokens(texts)
        split = [text.split("\n") for text in texts]
        cut = iter(cut_alike([line for text in split for line in text], self.text))
        plain = self.text.get("tokenizer", "whitespace") == "whitespace" and not self.text.get("lower")
        joined = ["\n".join(next(cut) for _ in text) for text in split]
        return self.tokenizer.ids(list(texts) if plain else joined)

    def row(self, ids: Sequence[int], other: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """The text; of two, the end token between them; the end token alone for none. The last `length` tokens."""
        end = self.tokenizer.id_of("eos")
        found = [*ids] if other is None else [*ids, end, *other]
        found = found[-self.options.length :] or [end]
        return found, [0] * len(found)

    def states(
        self,
        network: CausalLanguageModel,
        ids: Tensor,
        present: Tensor,  # noqa: ARG002
        segments: Tensor,  # noqa: ARG002
        weights: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Those of the token table, and of every layer; what fills up stands behind, where no token looks."""
        found: list[Tensor] = []
        network(ids, states=found, weights=weights)
        return found

    def summary(self, network: CausalLanguageModel, states: Tensor, present: Tensor) -> Tensor:  # noqa: ARG002
        """The state of the last token, which has seen all."""
        return last_of(states, present)

    def has_task_bias(self, task: str) -> bool:
        """Hugging Face's GPT-2 has none where it classifies a text."""
        return task == "tag"

    def used_by(self, task: str) -> tuple[str, ...]:  # noqa: ARG002  # the same for all
        """The last LayerNorm."""
        return ("stack.norm.",)

    def _special_ids(self) -> dict[str, int]:
        """The end token fills rows up too: Hugging Face's classifiers look for the last other one."""
        end = self.tokenizer.id_of("eos")
        return {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end}

    def encode(
        self, texts: Sequence[str], *, pooling: Pooling = "mean", layers: int | Sequence[int] | None = None
    ) -> Any:
        """As in every model of attention; but there is no [CLS], and the first token knows only itself."""
        if pooling == "cls":
            raise ConfigError("GPT puts no token before a text: pooling='cls' would be the first word. Take 'mean'.")
        return super().encode(texts, pooling=pooling, layers=layers)

    # ------------------------------------------------------------ how probable a text is

    def score(self, source: Any) -> Score:
        """How probable a running text is: `source` is anything that `firth.Text` takes.

        Each token is foretold from at least half of `length` tokens before it, where there are so many.
        """
        with Spool(self.options.lines(Text.cut_like(source, self.text))) as lines:
            packed = self.options.packed(lines, self.tokenizer)
        found = self._log_p([np.asarray(packed.tokens, np.int64)])[0]
        return Score(-float(found.sum()), len(found))

    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[F8]:
        """For each text of token ids the log p of each of them and of its end, f8[tokens + 1], as a document."""
        end = self.tokenizer.id_of("eos")
        return self._log_p([np.array([end, *ids, end], np.int64) for ids in sentences])

    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning, f4[beginnings, tokens], read without a cache."""
        rows = [self._seen(ids) for ids in before]
        ids, present = filled_up(rows)
        with torch.inference_mode():
            states = last_of(self.network(torch.from_numpy(ids)), torch.from_numpy(present))
            return self._scores(states)

    def next_scores(self, ids: list[int]) -> Iterator[Floats]:
        """log p of every token after `ids`, again and again; keys and values of what was read are kept."""
        before = [] if ids else self._beginning()
        start, cache = -1, Cache(0, 0)
        while True:
            read = [*before, *ids]
            begin = window_start(len(read), self.options.length)
            if begin != start:
                start, cache = begin, Cache(self.options.layers, self.options.length)
            with torch.inference_mode():
                scores = self._scores(self.network(torch.tensor([read[begin + cache.length :]]), cache=cache)[:, -1])[0]
            yield scores

    def _seen(self, ids: Sequence[int]) -> list[int]:
        """The tokens that the next one is foretold from."""
        return list(ids[window_start(len(ids), self.options.length) :]) or self._beginning()

    def _beginning(self) -> list[int]:
        """What stands before a text of which nothing is known: the end of another."""
        newline = self.options.blank_lines == "text" and _keeps_ends(self.tokenizer.kind)
        return self.tokenizer.ids(["\n"])[0] if newline else [self.tokenizer.id_of("eos")]

    def _scores(self, states: Tensor) -> Floats:
        found: Floats = self.network.logits(states)[:, : len(self.tokenizer)].float().log_softmax(-1).numpy()
        return found

    def _log_p(self, texts: Sequence[npt.NDArray[np.int64]]) -> list[F8]:
        """log p of every token but the first of each text, f8[tokens - 1]."""
        found = [np.zeros(max(0, len(text) - 1)) for text in texts]
        windows = [(n, *window) for n, text in enumerate(texts) for window in _windows(len(text), self.options.length)]
        windows.sort(key=lambda window: window[2] - window[1])
        for first in range(0, len(windows), _AT_ONCE):
            some = windows[first : first + _AT_ONCE]
            ids, _ = filled_up([texts[n][start:stop].tolist() for n, start, stop, _ in some])
            targets, _ = filled_up([texts[n][start + 1 : stop + 1].tolist() for n, start, stop, _ in some], NO_TARGET)
            with torch.inference_mode():
                logits = self.network.logits(self.network(torch.from_numpy(ids)))
                nats = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="none"
                )
            for row, (n, start, stop, counted) in zip(nats.view(ids.shape).double().numpy(), some, strict=True):
                found[n][counted:stop] = -row[counted - start : stop - start]
        return found


def window_start(tokens: int, length: int) -> int:
    """Where the tokens begin that the next one is foretold from: at 0, then half a length on, and again.

    >>> [window_start(tokens, 8) for tokens in (0, 8, 9, 12, 13)]
    [0, 0, 4, 4, 8]
    """
    half = max(1, length // 2)
    return max(0, -(-(tokens - length) // half)) * half


def _windows(tokens: int, length: int) -> Iterator[tuple[int, int, int]]:
    """(start, stop, first that counts): each token foretells the next, once, and half a length stands before it."""
    done = 0
    while done < tokens - 1:
        start = 0 if not done else max(0, done - (length - max(1, length // 2)))
        stop = min(start + length, tokens - 1)
        yield start, stop, done
        done = stop
