"""What the models of attention share: their options, and a vector for every token, in the context it stands in.

BERT, ALBERT and GPT say what their network is, how a text becomes a row of tokens, and which of a row's states stands
for the whole text.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firth.config import config, option
from firth.corpus.text import Text
from firth.errors import ConfigError, InputError
from firth.models.language_model import Floats, LanguageModel, Place, batches
from firth.models.neural_model import NeuralModel
from firth.networks.layers import Activation, mean_over
from firth.tokens.running import lines
from firth.tokens.tokenizer import Tokenizer
from firth.vectors.table import Vectors

if TYPE_CHECKING:
    from firth.explore.attention import Attention
    from firth.formats.families import Family
    from firth.formats.language_model import Saved
    from firth.models.fine_tuned import FineTuned, TaskKind, TextPooling

Pooling = Literal["mean", "cls", "last4", "tokens"]
Rows = Sequence[Sequence[int]]

_AT_ONCE = 8192  # tokens, padding included, that go through a network together
_LINES = 1024  # lines of a text that are read together


@config
class ContextOptions(NeuralModel, ABC):
    """Options of every model of attention."""

    family: ClassVar[str]
    """Its name at Hugging Face."""

    layers: int = option(default=6, at_least=1)
    """Attention and a feed-forward network, one above the other so many times."""
    heads: int = option(default=4, at_least=1)
    """Attentions side by side in a layer; they part `dim` among them."""
    dim: int = option(default=256, at_least=1)
    """Numbers that stand for a token in every layer."""
    ffn_dim: int | None = option(default=None, at_least=1)
    """Units of the network that each layer has for every token by itself; none: 4 times dim."""
    length: int = option(default=128, at_least=4)
    """Tokens of a row, and of the longest text that is read at once."""
    dropout: float = option(default=0.0, at_least=0, at_most=0.95)
    """Share of the numbers that is left out at each step. A text that is read once or twice needs none."""
    activation: Activation = option(default="gelu")
    """The curve in the feed-forward networks: gelu, gelu_tanh (its quicker likeness), relu, silu."""
    norm_eps: float = option(default=1e-12, above=0)
    """What LayerNorm adds to a variance."""
    lower: bool = option(default=False)
    """The tokenizer lower-cases text itself, so that other tools that open it do too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % self.heads:
            raise ConfigError(f"{type(self).__name__}: {self.heads} heads cannot part dim={self.dim}. Give a multiple.")

    @property
    def hidden(self) -> int:
        """`ffn_dim`, or what stands for none."""
        return self.ffn_dim or 4 * self.dim

    @abstractmethod
    def built(self, rows: int) -> nn.Module:
        """The network with so many rows in its table of tokens, and what it learns from around it."""

    def framed(self, lines: Iterable[str], *, single: str, pair: str) -> Tokenizer:
        """A tokenizer that puts [CLS] and [SEP] where the templates of `tokenizers` say, for a text and for two."""
        from tokenizers import processors

        found = Tokenizer.train(
            lines,
            kind=self.units,
            special=self.special,
            vocab_size=self.vocab_size,
            min_count=self.min_count,
            lower=self.lower,
        )
        special = [(self.special[role], found.id_of(role)) for role in ("cls", "sep")]
        found.backend.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
        return found

    def network(self, tokenizer: Tokenizer) -> nn.Module:
        """The network as it begins."""
        return self.built(len(tokenizer))

    def embedding(self, network: Any) -> nn.Embedding:
        """The table of tokens."""
        found: nn.Embedding = network.network.embed.tokens
        return found

    def opened(self, path: Any, saved: "Saved", tokenizer: Tokenizer) -> LanguageModel:
        """The model in a folder, whose arrays have Hugging Face's names."""
        from firth.formats import families, huggingface

        found = huggingface.to_ours(families.FAMILIES[self.family], saved.arrays, path)
        arrays = {name: array for name, array in found.items() if not name.startswith("task.")}
        return self.with_arrays(path, arrays, tokenizer, saved.config["text"], saved.provenance)

    def with_arrays(
        self,
        path: Any,
        arrays: Mapping[str, npt.NDArray[Any]],
        tokenizer: Tokenizer,
        text: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> LanguageModel:
        """The model with those weights; heads that are missing are new. Raises CorruptFileError for other shapes."""
        from firth.formats.language_model import fitted

        lesson: Any = self.built(len(arrays["embed.tokens.weight"]))
        tensors = lesson.network.state_dict()
        there = {name: tensor for name, tensor in tensors.items() if name in arrays}
        fitted(path, {name: tuple(tensor.shape) for name, tensor in there.items()}, arrays)
        with torch.no_grad():
            for name, tensor in there.items():
                tensor.copy_(torch.from_numpy(np.array(arrays[name])).reshape(tensor.shape))
        return self.model(lesson, tokenizer, text, provenance)


class ContextModel(LanguageModel):
    """A network that gives each token of a text a vector in its context."""

    options: ContextOptions
    network: Any
    added: ClassVar[int] = 2
    """Special tokens that `row` puts around a text."""
    before: ClassVar[int] = 1
    """How many of them stand before it."""
    padding: ClassVar[int] = 0
    """The id that fills a row up; what it is makes no difference, as nothing sees it."""

    @property
    def table(self) -> Floats:
        """The table of tokens, f4[tokens, dim]."""
        found: Floats = self.network.embed.tokens.weight.detach().numpy()[: len(self.tokenizer)]
        return found

    # ------------------------------------------------------------ what a model's page says

    @abstractmethod
    def row(self, ids: Sequence[int], other: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """The tokens of a text, or of two, with the special ones among them, and the segment of each."""

    @abstractmethod
    def states(
        self, network: Any, ids: Tensor, present: Tensor, segments: Tensor, weights: list[Tensor] | None = None
    ) -> list[Tensor]:
        """The states f[B, T, D] of the rows below the first layer and after each; present bool[B, T].

        weights  a list for the weights f[B, H, T, T] of every layer
        """

    @abstractmethod
    def summary(self, network: Any, states: Tensor, present: Tensor) -> Tensor:
        """What stands for each whole text, f[B, D], when it is classified: made of the last layer's states."""

    def text_states(self, network: Any, states: Tensor, present: Tensor, pooling: "TextPooling") -> Tensor:
        """What a task's layer sees of each text, f[B, D]: the model's own summary, or the mean of all states."""
        return mean_over(states, present) if pooling == "mean" else self.summary(network, states, present)

    # ------------------------------------------------------------ vectors

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """The row of each text; what is longer than `length` is cut off."""
        return [self.row(ids)[0] for ids in self.tokens(texts)]

    def encode(
        self, texts: Sequence[str], *, pooling: Pooling = "mean", layers: int | Sequence[int] | None = None
    ) -> Any:
        """A vector for each text, f4[texts, dim]; with pooling="tokens" a list of f4[tokens, dim].

        pooling  mean: of all tokens' states, the special ones included. cls: the first token's state. last4: the mean
                 over tokens of the last four layers' states side by side, 4 · dim numbers (Devlin et al. 2018, table
                 7). tokens: the states themselves, of special tokens too
        layers   which layers' states: 0 below the first, 1, 2, … or -1 from the top; several are averaged. None: the
                 last

        Texts are sorted by length and go through the network in batches, so that little is filled up.
        Raises ConfigError for a pooling or a layer that there is not.
        """
        self._check(pooling, layers)
        rows = self.rows(texts)
        found: list[Any] = [None] * len(rows)
        with torch.inference_mode():
            for numbers, ids, present in self._batches(rows):
                states = self.states(self.network, ids, present, torch.zeros_like(ids))
                pooled = self._pooled(states, present, pooling, layers)
                for row, number in enumerate(numbers):
                    one = pooled[row][present[row]] if pooling == "tokens" else pooled[row]
                    found[number] = one.float().numpy()
        if pooling == "tokens":
            return found
        size = self.options.dim * (min(4, self.options.layers) if pooling == "last4" else 1)
        return np.stack(found) if found else np.zeros((0, size), np.float32)

    def similarity(self, a: str, b: str) -> float:
        """The cosine of two texts' mean vectors."""
        one, other = self.encode([a, b]).astype(np.float64)
        return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-30))

    def token_vectors(self, source: Any = None, *, layers: int | Sequence[int] | None = None) -> Vectors:
        """A vector for each token, the same wherever it stands: the rows of the table, or what it means in a text.

        source  a text (anything that `firth.Text` takes): each token's vector is the mean of its states in it, and
                tokens that do not come are left out. None: the table
        layers  as in `encode`

        Bommasani, Davis & Cardie 2020, "Interpreting Pretrained Contextualized Representations via Reductions to Static
        Embeddings".
        """
        if source is None:
            return super().token_vectors()
        self._check("tokens", layers)
        sums = np.zeros((len(self.tokenizer), self.options.dim), np.float64)
        counts = np.zeros(len(sums), np.int64)
        for some in batches(lines(Text.cut_like(source, self.text)), _LINES):
            rows = [self.row(ids)[0] for ids in self.tokenizer.ids(some) if ids]
            with torch.inference_mode():
                for _, ids, present in self._batches(rows):
                    states = self.states(self.network, ids, present, torch.zeros_like(ids))
                    found = self._pooled(states, present, "tokens", layers)[present].double().numpy()
                    np.add.at(sums, ids[present].numpy(), found)
                    np.add.at(counts, ids[present].numpy(), 1)
        there = np.flatnonzero(counts)
        if not len(there):
            raise InputError("The text holds no token. Is it the file that was meant?")
        described = {"model": {"name": self.options.name, **self.options.to_dict()}, "text": self.text}
        return Vectors(
            [self.tokenizer.tokens[token] for token in there.tolist()],
            (sums[there] / counts[there, None]).astype(np.float32),
            counts=counts[there],
            config=described,
        )

    def attention(self, text: str, other: str | None = None) -> "Attention":
        """Where each token of a text looks: weights of every layer and head, which can be drawn.

        other  a second text: both are one row then

        >>> import firth
        >>> bert = firth.BERT(units="words", layers=1, heads=2, dim=8, length=8, steps=2)
        >>> seen = bert.fit(["the cat sat", "the dog sat"]).attention("the cat")
        >>> seen.queries, seen.weights.shape  # of each token that looks, its shares of all
        (['[CLS]', 'the', 'cat', '[SEP]'], (1, 2, 4, 4))
        """
        from firth.explore.attention import Attention

        row, segments = self.row(*self.tokens([text] if other is None else [text, other]))
        ids, weights = torch.tensor([row]), list[Tensor]()
        with torch.inference_mode():
            self.states(self.network, ids, ids >= 0, torch.tensor([segments]), weights)
        names = [self.tokenizer.tokens[token] for token in row]
        title = text if other is None else f"{text} | {other}"
        return Attention(names, names, torch.cat(weights).float().numpy(), title)

    def _check(self, pooling: str, layers: int | Sequence[int] | None) -> None:
        if pooling not in ("mean", "cls", "last4", "tokens"):
            raise ConfigError(f"pooling must be mean, cls, last4 or tokens, not {pooling!r}.")
        if pooling == "last4" and layers is not None:
            raise ConfigError("last4 says which layers: the last four. Leave layers out.")
        last = self.options.layers
        for layer in _several(layers):
            if not -last - 1 <= layer <= last:
                raise ConfigError(f"layers go from 0 (below the first) to {last}, or from -1 down, not {layer}.")

    def _pooled(
        self, states: list[Tensor], present: Tensor, pooling: Pooling, layers: int | Sequence[int] | None
    ) -> Tensor:
        if pooling == "last4":
            return mean_over(torch.cat(states[1:][-4:], -1), present)
        chosen = torch.stack([states[layer] for layer in _several(layers)]).mean(0)
        if pooling == "cls":
            return chosen[:, 0]
        return mean_over(chosen, present) if pooling == "mean" else chosen

    def _batches(self, rows: Rows) -> Iterator[tuple[list[int], Tensor, Tensor]]:
        """(the numbers of some rows of about one length, their ids i8[B, T], which are present)."""
        order = sorted(range(len(rows)), key=lambda number: len(rows[number]))
        start = 0
        while start < len(order):
            stop = start + 1
            while stop < len(order) and (stop + 1 - start) * len(rows[order[stop]]) <= _AT_ONCE:
                stop += 1
            ids, present = filled_up([rows[number] for number in order[start:stop]], self.padding)
            yield order[start:stop], torch.from_numpy(ids), torch.from_numpy(present)
            start = stop

    # ------------------------------------------------------------ tasks

    def fine_tune(
        self, texts: Sequence[Any], labels: Sequence[Any], *, task: "TaskKind" = "classify", **options: Any
    ) -> "FineTuned":
        """Teach a copy of the network a task by labelled texts; this model stays as it is.

        task     classify: texts are str, labels str, int or bool. pair: texts are (a, b). regress: str or (a, b), and
                 numbers. tag: lists of words, and lists of tags
        options  those of `FineTuning` (epochs, lr, freeze, keep, layer_decay, dropout, patience, …), and of the run:
                 validation (a share, or (texts, labels)), init (vectors for the table of tokens), workdir, threads,
                 device, precision, progress, callbacks

        Raises InputError where texts and labels do not fit the task or each other, ConfigError for bad options.
        """
        from firth.models.fine_tuning import FineTuning, fine_tune

        runs = ("validation", "init", "workdir", "threads", "device", "precision", "progress", "callbacks")
        run = {name: options.pop(name) for name in runs if name in options}
        return fine_tune(self, texts, labels, FineTuning.of(task=task, **options), **run)

    def text_rows(self, texts: Sequence[Any], task: str) -> list[tuple[list[int], list[int]]]:
        """The row of each text, or of each pair, and the segments in it."""
        pairs = [isinstance(text, tuple | list) and len(text) == 2 for text in texts]
        if task == "pair" and not all(pairs):
            raise InputError(f"pair takes two texts each, (a, b): not {texts[pairs.index(False)]!r:.60}.")
        if task != "pair" and any(pairs) and not all(pairs):
            raise InputError("Texts are all str, or all pairs (a, b).")
        if not all(pairs) or not texts:
            return [self.row(ids) for ids in self.tokens(texts)]
        firsts, seconds = self.tokens([a for a, _ in texts]), self.tokens([b for _, b in texts])
        return [self.row(a, b) for a, b in zip(firsts, seconds, strict=True)]

    def word_rows(self, texts: Sequence[Sequence[str]]) -> list[tuple[list[int], list[bool]]]:
        """The row of each list of words, and which of its tokens begin one. Raises InputError where it does not fit."""
        if any(isinstance(words, str) or not all(isinstance(word, str) for word in words) for words in texts):
            raise InputError("tag takes lists of words: ['the', 'cat'], not one string.")
        blank = " " if self.tokenizer.kind == "bpe" else ""  # where it is a part of the word
        flat = [(blank if number else "") + word for words in texts for number, word in enumerate(words)]
        left = iter(self.tokenizer.ids(flat))
        found: list[tuple[list[int], list[bool]]] = []
        for words in texts:
            pieces = [next(left) or [self.tokenizer.id_of("unk")] for _ in words]
            inside = [token for piece in pieces for token in piece]
            if len(inside) > self.options.length - self.added:
                raise InputError(
                    f"A text of {len(words):,} words has {len(inside):,} tokens, and the model reads "
                    f"{self.options.length - self.added:,}. Part it."
                )
            row, _ = self.row(inside)
            marks = [number == 0 for piece in pieces for number in range(len(piece))]
            behind = len(row) - self.before - len(marks)
            found.append((row, [False] * self.before + marks + [False] * behind))
        return found

    def has_task_bias(self, task: str) -> bool:  # noqa: ARG002  # GPT answers
        """Whether the task's layer has a bias in Hugging Face's networks."""
        return True

    def used_by(self, task: str) -> tuple[str, ...]:
        """The beginnings of the names of those parameters above the layers on which an answer depends."""
        return () if task == "tag" else ("pooler.",)

    # ------------------------------------------------------------ learning on

    def pretrain(self, source: Any, *, learning: Mapping[str, Any] | None = None, **run: Any) -> Self:
        """Go on with what the network learns from text, in another text: that of one's own field.

        learning  options of the run: {"steps": 1000, "lr": 1e-4}; what is not said is as in the model's own options
        run       what `fit` takes besides: validation, workdir, threads, progress, callbacks

        Gives a new model; this one stays as it is. Gururangan et al. 2020, "Don't Stop Pretraining".
        """
        given = dict(learning or {})
        if {"steps", "epochs", "minutes"} & given.keys():
            given = {"steps": None, "epochs": None, "minutes": None, **given}
        options = self.options.replace(**given)
        lesson: Any = options.built(self.network.embed.tokens.num_embeddings)
        lesson.network.load_state_dict(self.network.state_dict())
        found = options.fit(Text.cut_like(source, self.text), tokenizer=self.tokenizer, network=lesson, **run)
        assert isinstance(found, type(self))
        return found

    # ------------------------------------------------------------ files

    def save_onnx(self, path: Place) -> None:
        """Write the network as an ONNX file, which other programs run without Python; atomic.

        input_ids, attention_mask, token_type_ids i8[batch, tokens] → last_hidden_state f4[batch, tokens, dim], the
        names of Hugging Face's; rows are filled up at their end. The tokenizer is in the folder that `save` writes.

        Raises MissingExtraError without the packages onnx and onnxscript, ConfigError for another ending than .onnx.
        """
        from firth.formats import onnx

        onnx.write(path, Exported(self, None), "last_hidden_state")

    def own_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights under our names."""
        return super().arrays()

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights under Hugging Face's names."""
        from firth.formats import huggingface

        return huggingface.to_theirs(self._family(), self.own_arrays())

    def huggingface(self) -> dict[str, Any]:
        """What config.json says to Hugging Face's tools."""
        from firth.formats import huggingface

        return {**huggingface.config_of(self._family(), self._sizes()), **self._special_ids()}

    def tokenizer_config(self) -> dict[str, Any]:
        """What tokenizer_config.json says to them."""
        from firth.formats import huggingface

        return huggingface.tokenizer_config(self._family(), self.tokenizer.special, self.options.length)

    def _family(self) -> "Family":
        from firth.formats import families

        return families.FAMILIES[self.options.family]

    def _sizes(self) -> dict[str, Any]:
        """The options, with what stands for those that are none."""
        sizes = {"ffn_dim": self.options.hidden, "vocab_size": self.network.embed.tokens.num_embeddings}
        return {**self.options.to_dict(), **sizes}

    def _special_ids(self) -> dict[str, int]:
        roles = {"pad", "bos", "eos"} & self.tokenizer.special.keys()
        return {f"{role}_token_id": self.tokenizer.id_of(role) for role in sorted(roles)}


class Exported(nn.Module):
    """The network with Hugging Face's names of what goes in: the last states come out, or a task's answers.

    head  what is answered for each text, pooled as the task was learnt; for every token where `by_token`
    """

    def __init__(
        self, page: ContextModel, head: nn.Module | None, *, by_token: bool = False, pooling: "TextPooling" = "own"
    ) -> None:
        super().__init__()
        self.page, self.network, self.head = page, page.network, head
        self.by_token, self.pooling = by_token, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        present = attention_mask > 0
        states = self.page.states(self.network, input_ids, present, token_type_ids)[-1]
        if self.head is None:
            return states
        seen = states if self.by_token else self.page.text_states(self.network, states, present, self.pooling)
        found: Tensor = self.head(seen)
        return found


def filled_up(rows: Rows, padding: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Rows of tokens as one array i8[B, T], and which of it is present; the others stand at the end of a row.

    >>> filled_up([[5, 6], [7]])
    (array([[5, 6],
           [7, 0]]), array([[ True,  True],
           [ True, False]]))
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    present = np.arange(lengths.max(initial=0)) < lengths[:, None]
    ids = np.full(present.shape, padding, np.int64)
    ids[present] = np.fromiter((token for row in rows for token in row), np.int64, int(lengths.sum()))
    return ids, present


def whole_rows(present: Tensor, segments: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Both, or None where nothing is filled up, and where there is one segment: networks are quicker then.

    A network that is being exported must not depend on what is in them.
    """
    if torch.compiler.is_compiling():
        return present, segments
    return (None if bool(present.all()) else present), (segments if bool(segments.any()) else None)


def _several(layers: int | Sequence[int] | None) -> Sequence[int]:
    return [-1] if layers is None else [layers] if isinstance(layers, int) else layers
