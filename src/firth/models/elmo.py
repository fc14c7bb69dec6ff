"""ELMo: a vector for every word where it stands, from two language models that read the sentence from both ends.

Peters, Neumann, Iyyer, Gardner, Clark, Lee & Zettlemoyer 2018, "Deep contextualized word representations".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from firth.config import config, option
from firth.errors import ConfigError
from firth.examples.packing import NO_TARGET, Examples, Packed, Spelled
from firth.models.language_model import Floats, NextTokenModel, grouped
from firth.models.neural_model import NeuralModel
from firth.networks.elmo import BidirectionalModel, reversed_rows
from firth.networks.softmax import Softmax
from firth.tokens.letters import NUMBERS, PADDING, letters
from firth.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from firth.models.elmo_classifier import ELMoLabels

Layers = Literal["mean", "all"] | int | Sequence[float]
_LEAST = 3  # characters of a word: where it begins, one, where it ends


@dataclass(frozen=True)
class Forms(Packed):
    """A text in the numbers of all its words, those too that are too rare for the softmax."""

    forms: Sequence[str] = ()
    """Every distinct word."""


@config
class ELMo(NeuralModel):
    """Two language models of LSTM layers over words made of characters; their layers are a word's vectors in context.

    >>> text = ["the bank lends money", "we sat on the bank of the river"] * 20
    >>> lm = ELMo(dim=16, hidden=16, filters=(4, 8), length=8, steps=20).fit(text)
    >>> first, second = lm.encode(["the bank lends money", "the bank of the river"], pooling="tokens")
    >>> first.shape  # a vector for each word
    (4, 16)
    >>> bool((first[1] != second[1]).any())  # bank is not bank
    True
    """

    name: ClassVar[str] = "elmo"

    units: Literal["words", "characters"] = option(default="words")
    """What a token is: words (between blanks), or single characters."""
    input: Literal["characters", "words"] = option(default="characters")
    """characters: a word's vector is made of its characters. words: it is a row of a table, as `init` gives it."""
    dim: int = option(default=256, at_least=2)
    """Numbers in the vector of a token in context: half from each direction."""
    hidden: int = option(default=512, at_least=2)
    """Cells of an LSTM layer; projected to dim / 2 numbers."""
    layers: int = option(default=2, at_least=1)
    """LSTM layers in each direction; each is added to the one below."""
    length: int = option(default=32, at_least=1)
    """Words in a row that is learnt from."""
    character_dim: int = option(default=16, at_least=1)
    """Numbers of a character."""
    filters: tuple[int, ...] = option(default=(32, 32, 64, 128))
    """How many filters there are of width 1, of width 2, and so on."""
    highway: int = option(default=1, at_least=0)
    """Highway layers above the filters."""
    longest: int = option(default=50, at_least=_LEAST)
    """Bytes of a word that are read, with one for where it begins and one for where it ends."""
    samples: int | None = option(default=None, at_least=1)
    """Hold the true word against so many noise words while learning (sampled softmax); none: against all words."""
    dropout: float = option(default=0.1, at_least=0, at_most=0.95)
    """Share of the numbers before each layer that are left out at each step."""
    cell_clip: float | None = option(default=None, above=0)
    """Cells stay within this; 3 in the published models; none: they are free, which is quicker."""
    proj_clip: float | None = option(default=None, above=0)
    """Outputs of a layer stay within this; 3 in the published models."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % 2:
            raise ConfigError(f"ELMo: half of dim is read from each end, so it must be even, not {self.dim}.")
        if self.hidden <= self.dim // 2:
            raise ConfigError(
                f"ELMo: hidden ({self.hidden}) must be more than dim / 2 ({self.dim // 2}), which it becomes."
            )
        if not sum(self.filters) or min(self.filters) < 0 or len(self.filters) > self.longest:
            raise ConfigError(f"ELMo: filters are how many there are of width 1, 2, …, not {self.filters}.")

    @classmethod
    def published(cls, options: str | PathLike[str], weights: str | PathLike[str] | None = None) -> "Contextual":
        """A published model: a folder with options.json and one file of weights in HDF5, or the two files.

        It encodes; it has no softmax, so it predicts no words. `firth.load(folder)` comes here too. Needs h5py:
        pip install 'firth[elmo]'. Raises FormatError for a model of another kind, CorruptFileError for damage.
        """
        from firth.formats import elmo

        found = elmo.read(options) if weights is None else elmo.read_files(options, weights)
        model = cls.from_dict({**found.options, "dropout": 0.0})
        special = {"unk": "<UNK>", "bos": "<S>", "eos": "</S>"}  # as their vocabularies call them
        cutter = Tokenizer.train([], kind="words", special=special)
        text = {"tokenizer": "whitespace", "lower": False}
        network = model.filled(model.network(cutter), found.arrays, options)
        return Contextual(model, network, cutter, text, {"published": str(options)})

    def network(self, tokenizer: Tokenizer) -> BidirectionalModel:
        """The characters' network, both directions, the softmax that they share."""
        words = len(tokenizer) if len(tokenizer) > len(tokenizer.special) else 0  # a published model has no softmax
        return BidirectionalModel(
            words=words,
            table=len(tokenizer) if self.input == "words" else 0,
            dim=self.dim // 2,
            cells=self.hidden,
            layers=self.layers,
            characters=NUMBERS,
            padding=PADDING,
            character_dim=self.character_dim,
            filters=self.filters,
            highway=self.highway,
            dropout=self.dropout,
            samples=self.samples,
            cell_clip=self.cell_clip,
            proj_clip=self.proj_clip,
        )

    def embedding(self, network: BidirectionalModel) -> nn.Embedding:
        """The table of words. Raises ConfigError where words are made of their characters."""
        if not isinstance(network.words, nn.Embedding):
            raise ConfigError('ELMo makes words of their characters; to start from vectors, set input="words".')
        return network.words

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """The text in its own words, each sentence between its marks."""
        special = {role: tokenizer.special[role] for role in ("unk", "bos", "eos")}
        own = Tokenizer.train(lines, kind=self.units, special=special)
        found = Packed.of(lines, own, start=own.id_of("bos"), end=own.id_of("eos"))
        return Forms(found.tokens, found.sentences, found.documents, forms=own.tokens)

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Rows of words with their letters, predicted from both sides."""
        assert isinstance(packed, Forms)
        forms = list(packed.forms)
        known = {token: number for number, token in enumerate(tokenizer.tokens)}
        ids = np.array([known.get(form, tokenizer.id_of("unk")) for form in forms], np.int64)
        ahead, behind = ids.copy(), ids.copy()
        ahead[forms.index(tokenizer.special["bos"])] = NO_TARGET  # after an end always comes a begin: no news
        behind[forms.index(tokenizer.special["eos"])] = NO_TARGET
        marks = tokenizer.special["bos"], tokenizer.special["eos"]
        spelled = ids if self.input == "words" else letters(forms, self.longest, *marks)
        return Spelled(packed, self.length, spelled, ahead, behind)

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "Contextual":
        """What can be asked."""
        return Contextual(self, network, tokenizer, text, provenance)


class Contextual(NextTokenModel):
    """What `ELMo.fit` returns."""

    options: ELMo
    network: BidirectionalModel

    @property
    def table(self) -> Floats:
        """The vector of every token of the softmax, whatever stands beside it: f4[tokens, dim / 2]."""
        with torch.no_grad():
            found: Floats = self.network.vectors(self._forms(self.tokenizer.tokens)).numpy()
        return found

    def encode(
        self, texts: Sequence[str], *, layers: Layers = "mean", pooling: Literal["mean", "tokens"] = "mean"
    ) -> Any:
        """A vector for each text, f4[texts, dim]; or one for each of its tokens where it stands.

        layers   "mean": of all; a number: that one alone (0: the words' own vectors; -1: the highest); a weight for
                 each, as a task's `ScalarMix` learnt them; "all": every one, f4[layers + 1, …] in place of f4[…]
        pooling  "mean": of a text's tokens, 0 where it has none; "tokens": a list with f4[tokens, dim] for each text

        A text is one sentence: it is read between `<s>` and `</s>`, which are not among the tokens.
        """
        every = self.layers_of(self.words(texts))
        chosen = [self._chosen(each, layers) for each in every]
        if pooling == "tokens":
            return chosen
        if pooling != "mean":
            raise ConfigError(f"pooling must be 'mean' or 'tokens', not {pooling!r}.")
        means = [each.sum(-2) / max(1, each.shape[-2]) for each in chosen]
        return np.stack(means, -2) if means else np.zeros((0, self.options.dim), np.float32)

    def layers_of(self, sentences: Sequence[Sequence[str]]) -> list[Floats]:
        """Every layer of sentences that are cut into words already: f4[layers + 1, words, dim] each."""
        found: list[Floats] = [np.zeros(0, np.float32)] * len(sentences)
        for some in grouped([len(sentence) + 2 for sentence in sentences]):
            forms, places, lengths = self.spelled([sentences[at] for at in some])
            with torch.no_grad():
                layers = self.network.layers(self.network.vectors(forms)[places], lengths).numpy()
            for row, at in enumerate(some):
                found[at] = layers[:, row, 1 : len(sentences[at]) + 1].copy()
        return found

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """The tokens of each text as they are written, those too that the softmax does not know."""
        return [self._written(line) for line in self.cut(texts)]

    # ------------------------------------------------------------ the language models

    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """By the forward model: for each sentence of token ids the log p of each and of the end, f8[tokens + 1]."""
        written = [[self.tokenizer.tokens[token] for token in ids] for ids in sentences]
        return self._read(written, sentences, ahead=True)

    def line_log_probabilities(self, lines: Sequence[str]) -> list[npt.NDArray[np.float64]]:
        """The same of lines of running text; words that the softmax does not know are read by their characters."""
        written = [self._written(line) for line in lines]
        kept = [(words, ids) for words, ids in zip(written, self.tokenizer.ids(lines), strict=True) if ids]
        return self._read([words for words, _ in kept], [ids for _, ids in kept], ahead=True)

    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning of a sentence, f4[sentences, tokens]."""
        softmax = self._softmax()
        found = np.zeros((len(before), len(self.tokenizer)), np.float32)
        for row, ids in zip(found, before, strict=True):
            forms, places, _ = self.spelled([[self.tokenizer.tokens[token] for token in ids]])
            with torch.no_grad():
                top = self.network.forwards(self.network.vectors(forms)[places[:, :-1]])[-1][0, -1]
                row[:] = softmax.scores(top).log_softmax(-1).numpy()
        return found

    def fill_mask(self, text: str, *, topn: int = 5, candidates: int = 500) -> list[tuple[str, float]]:
        """The likeliest tokens for the gap [MASK] of a text, with their probabilities among the candidates.

        Candidates are those that both models find likeliest at the gap. Each is then judged by the whole sentence with
        it, read from both ends: (log →p + log ←p) / 2.
        """
        left, right = (self.words([part])[0] for part in self.parts(text))
        softmax = self._softmax()
        forms, places, _ = self.spelled([[*left, self.tokenizer.special["unk"], *right]])
        gap = len(left) + 1
        with torch.no_grad():
            x = self.network.vectors(forms)[places]
            ahead = softmax.scores(self.network.forwards(x[:, :gap])[-1][0, -1]).log_softmax(-1)
            behind = softmax.scores(self.network.backwards(x.flip(1)[:, : -gap - 1])[-1][0, -1]).log_softmax(-1)
        first = (ahead + behind).numpy()
        first[[self.tokenizer.id_of(role) for role in ("bos", "eos", "unk")]] = -np.inf
        some = np.argsort(-first, kind="stable")[: min(candidates, int(np.isfinite(first).sum()))].tolist()
        words = [[*left, self.tokenizer.tokens[token], *right] for token in some]
        known = {token: number for number, token in enumerate(self.tokenizer.tokens)}
        ids = [[known.get(word, self.tokenizer.id_of("unk")) for word in sentence] for sentence in words]
        logs = [self._read(words, ids, ahead=way) for way in (True, False)]
        whole = np.array([(one.sum() + other.sum()) / 2 for one, other in zip(*logs, strict=True)])
        return self.likeliest(some, whole, topn)

    def fine_tune(
        self,
        texts: Sequence[str],
        labels: Sequence[Any],
        *,
        validation: tuple[Sequence[str], Sequence[Any]] | None = None,
        threads: int | None = None,
        device: str | None = None,
        precision: Literal["fp32", "bf16"] | None = None,
        progress: bool | None = None,
        **options: Any,
    ) -> "ELMoLabels":
        """Learn to label texts by a mixture of the layers; this model stays as it is.

        validation  (texts, labels) that the loss is measured on; the weights with the lowest are kept
        options     those of `firth.models.elmo_classifier.ELMoClassifier`: freeze=False lets ELMo learn on, and lr,
                    epochs, batch_tokens (texts in a batch), dropout, … are those of every network

        Raises InputError for labels that do not fit.
        """
        from firth.models.elmo_classifier import ELMoClassifier, fine_tune

        asked = ELMoClassifier.of(**options)
        how: dict[str, Any] = {"threads": threads, "device": device, "precision": precision, "progress": progress}
        return fine_tune(self, texts, labels, asked, validation=validation, **how)

    # ------------------------------------------------------------ inside

    def _read(
        self, words: Sequence[Sequence[str]], ids: Sequence[Sequence[int]], *, ahead: bool
    ) -> list[npt.NDArray[np.float64]]:
        """log p of each id, and of the mark at the end, read from the front or (then in that order) from behind."""
        softmax = self._softmax()
        last = self.tokenizer.id_of("eos" if ahead else "bos")
        found: list[npt.NDArray[np.float64]] = [np.zeros(0)] * len(words)
        for some in grouped([len(sentence) + 2 for sentence in words]):
            forms, places, lengths = self.spelled([words[at] for at in some])
            with torch.no_grad():
                x = self.network.vectors(forms)[places]
                top = (
                    self.network.forwards(x[:, :-1])[-1]
                    if ahead
                    else self.network.backwards(reversed_rows(x, lengths)[:, :-1])[-1]
                )
                for row, at in enumerate(some):
                    targets = torch.tensor([*(ids[at] if ahead else reversed(ids[at])), last])
                    logs = softmax.scores(top[row, : len(targets)]).log_softmax(-1)
                    found[at] = logs.gather(1, targets[:, None])[:, 0].double().numpy()
        return found

    def spelled(self, sentences: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor, Tensor]:
        """The distinct words, where each stands between the marks of its sentence, and how many there are in each."""
        begin, end = self.tokenizer.special["bos"], self.tokenizer.special["eos"]
        rows = [[begin, *sentence, end] for sentence in sentences]
        distinct = {word: number for number, word in enumerate(dict.fromkeys(word for row in rows for word in row))}
        lengths = torch.tensor([len(row) for row in rows])
        places = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
        for row, words in zip(places, rows, strict=True):
            row[: len(words)] = torch.tensor([distinct[word] for word in words])
        return self._forms(list(distinct)), places, lengths

    def _forms(self, words: Sequence[str]) -> Tensor:
        """What the network reads for each word: its characters, or its row of the table."""
        if self.options.input == "words":
            known = {token: number for number, token in enumerate(self.tokenizer.tokens)}
            return torch.tensor([known.get(word, self.tokenizer.id_of("unk")) for word in words])
        marks = self.tokenizer.special["bos"], self.tokenizer.special["eos"]
        return torch.from_numpy(letters(words, self.options.longest, *marks).astype(np.int64))

    def _written(self, line: str) -> list[str]:
        return [line[start:end] for _, start, end in self.tokenizer.spans(line)]

    def _softmax(self) -> Softmax:
        if self.network.softmax is None:
            raise ConfigError("A published ELMo model has no softmax: it encodes, and predicts no words.")
        return self.network.softmax

    def _chosen(self, every: Floats, layers: Layers) -> Floats:
        if isinstance(layers, str):
            if layers not in ("mean", "all"):
                raise ConfigError(f"layers must be 'mean', 'all', a number or a weight for each, not {layers!r}.")
            return every if layers == "all" else every.mean(0)
        if isinstance(layers, int):
            if not -len(every) <= layers < len(every):
                raise ConfigError(f"There are layers 0 … {len(every) - 1}, not {layers}.")
            one: Floats = every[layers]
            return one
        weights = np.asarray(layers, np.float32)
        if weights.shape != (len(every),):
            raise ConfigError(f"layers needs {len(every)} weights, one for each layer, not {weights.shape}.")
        mixed: Floats = np.tensordot(weights, every, 1)
        return mixed
