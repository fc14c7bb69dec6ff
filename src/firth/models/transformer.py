"""The Transformer: one text is written for another, and attention is all there is.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin 2017, "Attention Is All You Need".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from firth.config import config, option
from firth.corpus.parallel import pairs
from firth.corpus.text import Text
from firth.errors import ConfigError, InputError
from firth.examples.packing import NO_TARGET, Examples, Packed
from firth.examples.pairs import Pairs, Parallel
from firth.models.language_model import Floats, LanguageModel, Score
from firth.models.neural_model import NeuralModel
from firth.networks.beam import Written, beam_search
from firth.networks.layers import Activation, Norm, mean_over
from firth.networks.transformer import EncoderDecoder
from firth.tokens.running import cut_alike
from firth.tokens.tokenizer import Kind, Tokenizer
from firth.training.schedule import Schedule

if TYPE_CHECKING:
    from firth.explore.attention import Attention
    from firth.formats.families import Family
    from firth.formats.language_model import Saved

_AT_ONCE = 64  # texts that are read, or written, together
_CUT_AT_ONCE = 4096  # pairs


@config
class Transformer(NeuralModel):
    """An encoder reads the source, a decoder writes the target word by word: translation, or any text for another.

    >>> pairs = [(f"{a} {b}", f"{b} {a}") for a in "abcd" for b in "abcd"]
    >>> small = Transformer(units="words", layers=1, heads=2, dim=32, ffn_dim=32, batch_tokens=48, steps=150, lr=0.01)
    >>> model = small.fit(pairs, threads=1)
    >>> model.translate(["a b", "d c"])
    ['b a', 'c d']
    """

    name: ClassVar[str] = "transformer"
    family: ClassVar[str] = "marian"
    special: ClassVar[Mapping[str, str]] = {"pad": "<pad>", "unk": "<unk>", "bos": "<s>", "eos": "</s>"}
    usual_epochs: ClassVar[float] = 10.0

    units: Kind = option(default="bpe")
    """What a token is; source and target have one vocabulary: bpe, wordpiece, unigram, words, characters."""
    layers: int = option(default=6, at_least=1)
    """Of the encoder, and of the decoder."""
    heads: int = option(default=8, at_least=1)
    """Attentions side by side in a layer; they part `dim` among them."""
    dim: int = option(default=512, at_least=2)
    """Numbers that stand for a token in every layer."""
    ffn_dim: int = option(default=2048, at_least=1)
    """Units of the network that each layer has for every token by itself."""
    activation: Activation = option(default="relu")
    """The curve in those networks: relu (the paper's), silu (Marian's), gelu, gelu_tanh."""
    norm: Norm = option(default="post")
    """post: LayerNorm(x + f(x)), the paper's. pre: x + f(LayerNorm(x)), which learns at higher rates."""
    dropout: float = option(default=0.1, at_least=0, at_most=0.95)
    """Share of the numbers that is left out at each step, after every part of a layer and in attention."""
    output_bias: bool = option(default=False)
    """The score of every word that may be written has a bias of its own, as Marian's."""
    label_smoothing: float = option(default=0.1, at_least=0, at_most=0.95)
    """Learn that the right word has 1 less this, and all words share the rest. The held-out loss is without it."""
    length: int = option(default=256, at_least=2)
    """Pairs with a side of more tokens are left out of learning."""
    lr: float = option(default=7e-4, above=0)
    """The highest learning rate. The paper's is 1 / √(dim · steps of warm-up): this for 512 and 4,000."""
    warmup: float = option(default=0.04, at_least=0)
    """How long the learning rate rises: below 1 the share of the run (the paper's 4,000 of 100,000), else steps."""
    schedule: Schedule = option(default="inverse_sqrt")
    """How the learning rate falls afterwards: inverse_sqrt (the paper's), linear, cosine, onecycle, constant."""
    beta2: float = option(default=0.98, above=0, at_most=1)
    """How slowly AdamW forgets squared gradients."""
    weight_decay: float = option(default=0.0, at_least=0)
    """How much of a weight AdamW takes off at a step, times the learning rate; not of biases and norms."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % self.heads:
            raise ConfigError(
                f"Transformer: {self.heads} heads cannot part dim={self.dim}. Give a multiple of {self.heads}."
            )

    def lines(self, text: Text) -> Iterator[str]:
        """The pairs as lines "source TAB target", each side cut as the text says."""
        options, some, read = text.options(), list[str](), 0
        for pair in pairs(text):
            some += pair
            if len(some) == 2 * _CUT_AT_ONCE:
                yield from _cut(some, options, read)
                read += _CUT_AT_ONCE
                some = []
        yield from _cut(some, options, read)

    def tokenizer(self, lines: Iterable[str]) -> Tokenizer:
        """One tokenizer for both sides, which puts </s> behind a text in every tool that opens it."""
        from tokenizers import processors

        found = super().tokenizer(side for line in lines for side in line.split("\t"))
        end = self.special["eos"]
        found.backend.post_processor = processors.TemplateProcessing(
            single=f"$A {end}", special_tokens=[(end, found.id_of("eos"))]
        )
        return found

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """Both sides in tokens, each sentence with its end."""
        return Parallel.of_lines(lines, tokenizer, end=tokenizer.id_of("eos"))

    def network(self, tokenizer: Tokenizer) -> "Taught":
        """The encoder and the decoder, with one table of tokens for source, target and output."""
        return self.built(len(tokenizer))

    def built(self, rows: int) -> "Taught":
        """The network with so many rows in its table of tokens."""
        return Taught(
            rows,
            smoothing=self.label_smoothing,
            layers=self.layers,
            heads=self.heads,
            dim=self.dim,
            ffn_dim=self.ffn_dim,
            norm=self.norm,
            activation=self.activation,
            dropout=self.dropout,
            bias=self.output_bias,
        )

    def embedding(self, network: Any) -> nn.Embedding:
        """The table of tokens."""
        found: nn.Embedding = network.source
        return found

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Pairs; the decoder is shown the right target so far, whatever it would have written itself."""
        assert isinstance(packed, Parallel)
        return Pairs(packed, start=tokenizer.id_of("bos"), pad=tokenizer.id_of("pad"), longest=self.length)

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "Translator":
        """What can be asked."""
        return Translator(self, network, tokenizer, text, provenance)

    def opened(self, path: Any, saved: "Saved", tokenizer: Tokenizer) -> LanguageModel:
        """The model in a folder, whose arrays have Hugging Face's names where it is one of theirs."""
        from firth.formats import families, huggingface

        if "huggingface" not in saved.config:
            return super().opened(path, saved, tokenizer)
        arrays = huggingface.to_ours(families.FAMILIES[self.family], saved.arrays, path)
        return self.with_arrays(path, arrays, tokenizer, saved.config["text"], saved.provenance)

    def with_arrays(
        self,
        path: Any,
        arrays: Mapping[str, npt.NDArray[Any]],
        tokenizer: Tokenizer,
        text: Mapping[str, Any],
        provenance: Mapping[str, Any],
    ) -> LanguageModel:
        """The model with those weights, with a bias of the output where they have one.

        Raises CorruptFileError where they are not those of these options.
        """
        options = replace(self, output_bias=self.output_bias or "bias" in arrays)
        network = options.filled(options.built(len(arrays["source.weight"])), arrays, path)
        return options.model(network, tokenizer, text, provenance)


def _cut(sides: Sequence[str], options: Mapping[str, Any], before: int) -> Iterator[str]:
    """Sources and targets in turn, as lines; `before`: pairs that came earlier."""
    cut = cut_alike(sides, options)
    for number, (source, target) in enumerate(zip(cut[::2], cut[1::2], strict=True), before + 1):
        if not source or not target:
            raise InputError(
                f"Pair {number:,} ({sides[2 * (number - before - 1)]!r:.40} …): no word is left of its "
                f"{'target' if source else 'source'} after tokenizer={options['tokenizer']!r}. Take it out."
            )
        yield f"{source}\t{target}"


class Taught(EncoderDecoder):
    """The network while it learns: teacher forcing, and the nats of what it is taught."""

    def __init__(self, vocab_size: int, *, smoothing: float = 0.0, **sizes: Any) -> None:
        super().__init__(vocab_size, **sizes)
        self.smoothing = smoothing

    def forward(  # type: ignore[override]  # what the loop hands it, and wants of it
        self, source: Tensor, present: Tensor, inputs: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """source i8[B, S], present bool[B, S], inputs and targets i8[B, T] → the sum of -log p of all targets."""
        states = self.decode(inputs, self.encode(source, present), present)
        taught = targets != NO_TARGET
        scores = self.logits(states[taught]).float()
        smoothing = self.smoothing if self.training else 0.0
        nats = functional.cross_entropy(scores, targets[taught], reduction="sum", label_smoothing=smoothing)
        return {"lm": nats}


class Translator(LanguageModel):
    """What `Transformer.fit` returns."""

    options: Transformer
    network: Taught

    @property
    def table(self) -> Floats:
        """The row of every token, f4[tokens, dim]."""
        found: Floats = self.network.source.weight.detach().numpy()[: len(self.tokenizer)]
        return found

    def translate(
        self, texts: Sequence[str], *, beams: int = 4, alpha: float = 0.6, longest: int | None = None
    ) -> list[str]:
        """What the decoder writes for each text: the best of a beam search.

        beams    how many beginnings are kept at every step; 1: always the likeliest next token
        alpha    how much longer texts are favoured: log p is divided by ((5 + tokens) / 6)^alpha
        longest  tokens that are written at most; None: 50 more than the text has, as the paper
        """
        best = [written[0] for written in self.candidates(texts, beams=beams, alpha=alpha, longest=longest)]
        return [self.tokenizer.text(written.ids, special=False) for written in best]

    def candidates(
        self, texts: Sequence[str], *, beams: int = 4, alpha: float = 0.6, longest: int | None = None
    ) -> list[list[Written]]:
        """All that the beam search found for each text, the best first: token ids, -log p, score.

        Raises ConfigError for an option out of range.
        """
        if beams < 1 or alpha < 0 or (longest is not None and longest < 1):
            raise ConfigError(f"translate needs beams ≥ 1, alpha ≥ 0, longest ≥ 1, not {beams}, {alpha}, {longest}.")
        ids = self._sources(texts)
        found: list[list[Written]] = [[] for _ in ids]
        for some in _of_like_length(ids):
            source, present = self._padded([ids[place] for place in some])
            written = beam_search(
                self.network,
                source,
                present,
                start=self.tokenizer.id_of("bos"),
                end=self.tokenizer.id_of("eos"),
                longest=longest or source.shape[1] + 50,
                beams=beams,
                alpha=alpha,
            )
            for place, each in zip(some, written, strict=True):
                found[place] = each
        return found

    def score(self, source: Any) -> Score:
        """How probable the targets of pairs are, each after its source: nats and tokens. `source` as `fit` takes it."""
        nats, tokens = 0.0, 0
        for some in _batches(self.options.lines(Text.cut_like(source, self.text))):
            packed = self.options.packed(some, self.tokenizer)
            assert isinstance(packed, Parallel)
            examples = Pairs(packed, start=self.tokenizer.id_of("bos"), pad=self.tokenizer.id_of("pad"))
            rows = np.arange(len(examples))
            batch = examples.batch(rows, np.zeros_like(rows))
            with torch.no_grad():
                found = self.network(**{name: torch.from_numpy(array) for name, array in batch.arrays.items()})
            nats += float(found["lm"])
            tokens += batch.counts["lm"]
        return Score(nats, tokens)

    def exact(self, source: Any, *, beams: int = 1) -> float:
        """The share of pairs whose target is written to the letter."""
        known = [line.split("\t") for line in self.options.lines(Text.cut_like(source, self.text))]
        written = self.candidates([left for left, _ in known], beams=beams)
        targets = self.tokenizer.ids([right for _, right in known])
        return float(np.mean([each[0].ids == target for each, target in zip(written, targets, strict=True)]))

    def encode(self, texts: Sequence[str]) -> Floats:
        """The mean of what the encoder makes of the tokens of each text, its end included: f4[texts, dim]."""
        ids = self._sources(texts)
        found = np.zeros((len(ids), self.options.dim), np.float32)
        for some in _of_like_length(ids):
            source, present = self._padded([ids[place] for place in some])
            with torch.no_grad():
                found[some] = mean_over(self.network.encode(source, present), present).numpy()
        return found

    def attention(self, text: str, target: str | None = None, *, of: str = "cross") -> "Attention":
        """Where the network looks while it writes: weights of every layer and head, which can be drawn.

        target  what it writes; None: what `translate` says
        of      "cross": from the target to the source; "encoder": within the source; "decoder": within the target

        >>> import firth
        >>> small = firth.Transformer(units="words", layers=1, heads=2, dim=8, ffn_dim=8, batch_tokens=9, steps=2)
        >>> model = small.fit([("a b", "b a")], threads=1)
        >>> seen = model.attention("a b", "b a")
        >>> seen.queries, seen.keys, seen.weights.shape  # b is written where <s> is read
        (['<s>', 'b', 'a'], ['a', 'b', '</s>'], (1, 2, 3, 3))
        """
        from firth.explore.attention import Attention

        if of not in ("cross", "encoder", "decoder"):
            raise ConfigError(f"of must be 'cross', 'encoder' or 'decoder', not {of!r}.")
        target = self.translate([text])[0] if target is None else target
        (source,), (written,) = self._sources([text]), self.tokens([target])
        inputs = [self.tokenizer.id_of("bos"), *written]
        within: list[Tensor] = []
        both: list[Tensor] = []
        with torch.no_grad():
            memory = self.network.encode(torch.tensor([source]), weights=within)
            self.network.decode(torch.tensor([inputs]), memory, weights=both)
        weights = {"encoder": within, "decoder": both[::2], "cross": both[1::2]}[of]
        looks, seen = {"encoder": (source, source), "decoder": (inputs, inputs), "cross": (inputs, source)}[of]
        names = self.tokenizer.tokens
        return Attention(
            [names[token] for token in looks],
            [names[token] for token in seen],
            torch.cat(weights).numpy(),
            f"{text} → {target}",
        )

    # ------------------------------------------------------------ files

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights, under Hugging Face's names where it is a model of theirs."""
        from firth.formats import huggingface

        found, family = super().arrays(), self._family()
        return found if family is None else huggingface.to_theirs(family, found)

    def huggingface(self) -> dict[str, Any] | None:
        """What config.json says to Hugging Face's tools."""
        from firth.formats import huggingface

        family = self._family()
        if family is None:
            return None
        sizes = {**self.options.to_dict(), "vocab_size": self.network.source.num_embeddings}
        ids = {option: self.tokenizer.id_of(role) for role, option in family.roles.items()}
        return {**huggingface.config_of(family, sizes), **ids}

    def tokenizer_config(self) -> dict[str, Any] | None:
        """What tokenizer_config.json says to them."""
        from firth.formats import huggingface

        family = self._family()
        return family and huggingface.tokenizer_config(family, self.tokenizer.special, self.options.length)

    def _family(self) -> "Family | None":
        """What it is at Hugging Face; None: Marian has no network that is normed before."""
        from firth.formats import families

        return families.FAMILIES[self.options.family] if self.options.norm == "post" else None

    # ------------------------------------------------------------ what goes in

    def _sources(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, and the end."""
        return [[*ids, self.tokenizer.id_of("eos")] for ids in self.tokens(texts)]

    def _padded(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """i8[B, S] and bool[B, S], False at padding."""
        width = max(map(len, ids))
        present = torch.tensor([[place < len(each) for place in range(width)] for each in ids])
        source = torch.full((len(ids), width), self.tokenizer.id_of("pad"))
        source[present] = torch.tensor([token for each in ids for token in each])
        return source, present


def _of_like_length(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of texts that are read together: those of like length, so that there is little padding."""
    order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
    for start in range(0, len(order), _AT_ONCE):
        yield order[start : start + _AT_ONCE]


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for line in lines:
        some.append(line)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
