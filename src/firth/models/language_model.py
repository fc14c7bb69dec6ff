"""What every language model with a network can do once it has learnt: save, load, give its table of token vectors.

`neural_model.py` is the other half: the options, and how a run goes. A model's page says what its network is, and adds
what that network can be asked: the next word, a gap, a vector for every token.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.corpus.text import Text
from firth.errors import ConfigError, FormatError, InputError
from firth.tokens.running import cut_alike, lines
from firth.tokens.tokenizer import Tokenizer
from firth.vectors.table import Vectors

if TYPE_CHECKING:
    from torch import nn

    from firth.models.neural_model import NeuralModel

Floats = npt.NDArray[np.float32]
Place = str | PathLike[str]

_AT_ONCE = 4096  # tokens that are run together

# The name in config.json -> where that model's options are. A model's page adds its line.
MODELS: dict[str, str] = {
    "elmo": "firth.models.elmo:ELMo",
    "elmo-classifier": "firth.models.elmo_classifier:ELMoClassifier",
    "nnlm": "firth.models.nnlm:NNLM",
    "transformer": "firth.models.transformer:Transformer",
    "rnnlm": "firth.models.rnnlm:RNNLM",
    "bert": "firth.models.bert:BERT",
    "albert": "firth.models.albert:ALBERT",
    "gpt": "firth.models.gpt:GPT",
    "xlnet": "firth.models.xlnet:XLNet",
}


class LanguageModel(ABC):
    """A network that has learnt, its tokenizer, and how text is cut before it."""

    def __init__(
        self,
        options: "NeuralModel",
        network: "nn.Module",
        tokenizer: Tokenizer,
        text: Mapping[str, Any],
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self.options = options
        """What it was made with: `firth.NNLM(dim=…)`."""
        self.network = network.eval()
        self.tokenizer = tokenizer
        self.text = dict(text)
        """How text is cut: what `Text.options` said."""
        self.provenance = dict(provenance or {})
        """How it came to be."""

    def __repr__(self) -> str:
        size = sum(one.numel() for one in self.network.parameters())
        return f"{type(self).__name__}({self.options.name}, {len(self.tokenizer):,} tokens, {size:,} parameters)"

    @property
    @abstractmethod
    def table(self) -> Floats:
        """The learnt row of every token, f4[tokens, dim]: the network's first look-up table."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Any:
        """A vector for each text, f4[texts, dim]; models in context give one for each token too."""

    def token_vectors(self) -> Vectors:
        """The look-up table as `Vectors`: the same vector for a token wherever it stands."""
        described = {"model": {"name": self.options.name, **self.options.to_dict()}, "text": self.text}
        return Vectors(self.tokenizer.tokens, self.table, config=described, provenance=self.provenance)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The token ids of each text, cut as the text was that it learnt from."""
        return self.tokenizer.ids(self.cut(texts))

    def cut(self, texts: Sequence[str]) -> list[str]:
        """Each text as a line of running text, cut as the text was that the model learnt from."""
        given: list[Any] = [texts] if isinstance(texts, str) else list(texts)
        if strangers := [type(text).__name__ for text in given if not isinstance(text, str)]:
            raise InputError(f"Texts are strings, not {strangers[0]}.")
        return cut_alike(given, self.text)

    # ------------------------------------------------------------ files

    def save(self, path: Place) -> None:
        """Write a folder that `firth.load` opens; atomic. Raises FormatError where something else is there."""
        from firth.formats import language_model

        language_model.save(
            path,
            self.saved_config(),
            self.arrays(),
            self.tokenizer.to_json(),
            self.provenance,
            huggingface=self.huggingface(),
            tokenizer_config=self.tokenizer_config(),
        )

    def saved_config(self) -> dict[str, Any]:
        """What config.json says: the options, how text is cut, and by which tokenizer."""
        return {
            "model": {"name": self.options.name, **self.options.to_dict()},
            "text": self.text,
            "tokenizer": {"kind": self.tokenizer.kind, "special": dict(self.tokenizer.special)},
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The weights, as model.safetensors has them."""
        from firth.training.neural import as_arrays

        return as_arrays(self.network)

    def huggingface(self) -> dict[str, Any] | None:
        """What Hugging Face's tools want in config.json; None: it is no model of theirs."""
        return None

    def tokenizer_config(self) -> dict[str, Any] | None:
        """What they want in tokenizer_config.json; None: the special tokens alone."""
        return None

    @classmethod
    def load(cls, path: Place, *, verify: Literal["headers", "full"] = "headers") -> Any:
        """Open what `save` wrote (`firth.load` comes here), whichever model it is: a `FineTuned` too.

        A folder of Hugging Face's, of a family that firth knows, opens as well; it has no checksums to verify.

        Raises FormatError for what is no language model of firth's, CorruptFileError, with the byte, for damage.
        """
        from firth.formats import huggingface, language_model, native

        if huggingface.is_theirs(path):
            from firth.models import hugging_face

            return hugging_face.opened(path)
        if not native.is_language_model(path):
            raise FormatError(f"{path} is no language model of firth's. `firth train nnlm` writes one.")
        saved = language_model.read(path, verify=verify)
        known = MODELS.get(saved.config["model"]["name"])
        if known is None:
            raise FormatError(
                f"{path} is a {saved.config['model']['name']!r:.40}, which this firth does not know. Upgrade."
            )
        module, name = known.split(":")
        options: type[NeuralModel] = getattr(import_module(module), name)
        given = {name: value for name, value in saved.config["model"].items() if name != "name"}
        cutter = saved.config["tokenizer"]
        tokenizer = Tokenizer.from_json(saved.tokenizer, cutter["kind"], cutter["special"], f"{path}/tokenizer.json")
        opened = options.from_dict(given).opened(path, saved, tokenizer)
        if "task" not in saved.config:
            return opened
        from firth.models.fine_tuned import FineTuned

        return FineTuned.reopened(path, opened, saved)


class Score(NamedTuple):
    """How probable a text is to a model."""

    nats: float
    """-log p of all its tokens."""
    tokens: int
    """How many were predicted, the ends of sentences among them."""

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens); NaN for none."""
        return math.exp(self.nats / self.tokens) if self.tokens else math.nan


class NextTokenModel(LanguageModel):
    """A model that predicts each token from those before it, sentence by sentence: `<s>` … `</s>`."""

    mask: ClassVar[str] = "[MASK]"
    """What stands for a gap in a text."""

    @abstractmethod
    def log_probabilities(self, sentences: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float64]]:
        """For each sentence of token ids the log p of each of them and of its end, f8[tokens + 1]."""

    @abstractmethod
    def next_log_probabilities(self, before: Sequence[Sequence[int]]) -> Floats:
        """log p of every token after each beginning of a sentence, f4[sentences, tokens]."""

    def line_log_probabilities(self, lines: Sequence[str]) -> list[npt.NDArray[np.float64]]:
        """The same for lines of running text, cut already; a line without a token has no end either."""
        return self.log_probabilities([ids for ids in self.tokenizer.ids(lines) if ids])

    def score(self, source: Any) -> Score:
        """How probable a text is: its nats and its tokens. `source`: anything that `firth.Text` takes.

        Each line is a sentence: nothing before it is known, and its end is predicted too.
        """
        nats, tokens = 0.0, 0
        for some in batches(lines(Text.cut_like(source, self.text))):
            found = self.line_log_probabilities(some)
            nats -= float(sum(each.sum() for each in found))
            tokens += sum(map(len, found))
        return Score(nats, tokens)

    def perplexity(self, source: Any) -> float:
        """exp of the mean nats per token of a text, the ends of its sentences included; lower is better."""
        return self.score(source).perplexity

    def sentence_log_probability(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """log p of each text as a sentence, in nats, its end included: f8[texts]."""
        return np.array([each.sum() for each in self.line_log_probabilities(self.cut(texts))])

    def generate(
        self,
        prompt: str = "",
        *,
        tokens: int = 50,
        temperature: float = 1.0,
        topk: int | None = None,
        topp: float = 1.0,
        seed: int = 1,
    ) -> str:
        """Go on from a beginning, token by token, until the sentence ends or `tokens` are there.

        temperature  0: always the likeliest token; 1: as the model says; above: bolder
        topk         draw among so many of the likeliest alone; None: among all
        topp         draw among the likeliest alone that have this probability together (Holtzman et al. 2020)

        >>> import firth
        >>> lm = firth.NNLM(dim=8, hidden=16, window=2, min_count=1, steps=150, lr=0.02).fit(["a b c"] * 20)
        >>> lm.generate("a", temperature=0)
        'a b c'
        """
        ids = self._prompt(prompt)
        for _ in self._drawn_on(ids, tokens, temperature, topk, topp, seed):
            pass
        return self.tokenizer.text(ids)

    def stream(
        self,
        prompt: str = "",
        *,
        tokens: int = 50,
        temperature: float = 1.0,
        topk: int | None = None,
        topp: float = 1.0,
        seed: int = 1,
    ) -> Iterator[str]:
        """What `generate` gives, piece by piece as it is drawn, the beginning first."""
        ids = self._prompt(prompt)
        shown = self.tokenizer.text(ids)
        yield shown
        for _ in self._drawn_on(ids, tokens, temperature, topk, topp, seed):
            text = self.tokenizer.text(ids)
            if not text.endswith("\ufffd"):  # the first bytes of a character: the rest comes with the next token
                yield text[len(shown) :]
                shown = text

    def _drawn_on(
        self, ids: list[int], tokens: int, temperature: float, topk: int | None, topp: float, seed: int
    ) -> Iterator[int]:
        """Draw a token, put it to `ids`, and so on."""
        if temperature < 0 or tokens < 1 or (topk is not None and topk < 1) or not 0 < topp <= 1:
            raise ConfigError(
                "generate needs tokens ≥ 1, temperature ≥ 0, topk ≥ 1 and topp above 0, at most 1, "
                f"not {tokens}, {temperature}, {topk}, {topp}."
            )
        chance = np.random.default_rng(seed)
        end, never = self.tokenizer.id_of("eos"), self._never
        for found in islice(self.next_scores(ids), tokens):
            scores = found.astype(np.float64)
            scores[never] = -np.inf
            chosen = drawn(scores, temperature, topk, topp, chance)
            if chosen == end:
                break
            ids.append(chosen)
            yield chosen

    def next_scores(self, ids: list[int]) -> Iterator[Floats]:
        """log p of every token after `ids`, f4[tokens], again and again while the caller puts tokens to them."""
        while True:
            yield self.next_log_probabilities([ids])[0]

    def _prompt(self, prompt: str) -> list[int]:
        return self.tokens([prompt])[0]

    @property
    def _never(self) -> list[int]:
        """Tokens that are never written."""
        end = self.tokenizer.id_of("eos")
        roles = {"bos", "unk", "pad"} & self.tokenizer.special.keys()
        return [token for token in map(self.tokenizer.id_of, sorted(roles)) if token != end]

    def fill_mask(self, text: str, *, topn: int = 5, candidates: int = 500) -> list[tuple[str, float]]:
        """The likeliest tokens for the gap [MASK] of a text, with their probabilities among the candidates.

        Every candidate is scored with what stands on both sides: p(the whole sentence with it). Candidates are the
        tokens that are likeliest by the left side alone.
        """
        left, right = self.tokens(self.parts(text))
        first = self.next_log_probabilities([left])[0]
        first[[*self._never, self.tokenizer.id_of("eos")]] = -np.inf
        some = np.argsort(-first, kind="stable")[: min(candidates, int(np.isfinite(first).sum()))].tolist()
        whole = np.array([each.sum() for each in self.log_probabilities([[*left, token, *right] for token in some])])
        return self.likeliest(some, whole, topn)

    def likeliest(self, tokens: Sequence[int], logs: npt.NDArray[np.float64], topn: int) -> list[tuple[str, float]]:
        """The likeliest of some tokens by the log of what each is worth, f8[tokens], with their shares of the whole."""
        shares = np.exp(logs - logs.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")[:topn]
        return [(self.tokenizer.tokens[tokens[place]], float(shares[place])) for place in order.tolist()]

    def parts(self, text: str) -> list[str]:
        """What stands before the gap and behind it. Raises InputError where there is not one."""
        parts = text.split(self.mask)
        if len(parts) != 2:
            raise InputError(f"The text must hold {self.mask} once, for the gap; here it comes {len(parts) - 1} times.")
        return parts


def drawn(
    scores: npt.NDArray[np.float64], temperature: float, topk: int | None, topp: float, chance: np.random.Generator
) -> int:
    """A token drawn by its score; the likeliest where the temperature is 0.

    topk tokens are left first, then those that have topp together; where scores are equal at the bound, all are left.
    """
    if temperature == 0:
        return int(scores.argmax())
    if topk is not None and topk < len(scores):
        scores = np.where(scores < np.partition(scores, -topk)[-topk], -np.inf, scores)
    shares = np.exp((scores - scores.max()) / temperature)
    shares /= shares.sum()
    if topp < 1:
        falling = np.sort(shares)[::-1]
        last = falling[np.searchsorted(falling.cumsum(), topp)] if topp < falling.sum() else 0.0
        shares = np.where(shares < last, 0.0, shares)
        shares /= shares.sum()
    return int(chance.choice(len(shares), p=shares))


def grouped(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Which sentences to run together: the short ones first, so that little is filled up; about 4,096 tokens a time."""
    some: list[int] = []
    for at in sorted(range(len(sizes)), key=sizes.__getitem__):
        if some and (len(some) + 1) * sizes[at] > _AT_ONCE:
            yield some
            some = []
        some.append(at)
    if some:
        yield some


def batches(found: Iterable[str], size: int = 256) -> Iterator[list[str]]:
    """So many lines at a time."""
    some: list[str] = []
    for each in found:
        some.append(each)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
