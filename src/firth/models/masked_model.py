"""What BERT and ALBERT share: they learn to fill gaps, and can be asked to.

Their pages say how they differ: what the network is made of, and which pairs of segments they learn from.
"""

from abc import ABC
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from firth.config import config, option
from firth.corpus.text import Text
from firth.errors import InputError
from firth.examples.masking import Marks, Masked, Pair
from firth.examples.packing import Examples, Packed
from firth.models.contextual import ContextModel, ContextOptions, filled_up, whole_rows
from firth.models.language_model import Score, batches
from firth.networks.transformer import GapLesson, MaskedLanguageModel
from firth.tokens.running import lines
from firth.tokens.tokenizer import Tokenizer

Answer = tuple[str | tuple[str, ...], float]
F8 = npt.NDArray[np.float64]

_AT_ONCE = 64  # rows with a gap that go through the network together


@config
class MaskedOptions(ContextOptions, ABC):
    """Options of the models that learn to fill gaps."""

    special: ClassVar[Mapping[str, str]] = {
        "pad": "[PAD]",
        "unk": "[UNK]",
        "cls": "[CLS]",
        "sep": "[SEP]",
        "mask": "[MASK]",
    }

    mask_share: float = option(default=0.15, above=0, at_most=0.9)
    """Share of the tokens that are foretold: 80% of them are masked, 10% are another token, 10% stay."""
    whole_words: bool = option(default=False)
    """Mask all tokens of a word, or none; words of Chinese are those that tokenizer="chinese" found in the text."""
    segments: int = option(default=2, at_least=1)
    """Kinds of segments that a row may have; pairs have 2."""

    @property
    def pair(self) -> Pair:
        """Which pairs of segments it learns from."""
        return "none"

    def tokenizer(self, lines: Iterable[str]) -> Tokenizer:
        """A tokenizer that puts [CLS] before a text and [SEP] behind it, in every tool that opens it."""
        cls, sep = self.special["cls"], self.special["sep"]
        return self.framed(lines, single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B:1 {sep}:1")

    def packed(self, lines: Iterable[str], tokenizer: Tokenizer) -> Packed:
        """The text in tokens, one sentence after the other."""
        return Packed.of(lines, tokenizer, whole_words=self.whole_words)

    def examples(self, packed: Packed, tokenizer: Tokenizer) -> Examples:
        """Rows with gaps, and pairs."""
        marks = marks_of(tokenizer)
        return Masked(packed, self.length, marks, share=self.mask_share, pair=self.pair, seed=self.seed)

    def model(
        self, network: Any, tokenizer: Tokenizer, text: Mapping[str, Any], provenance: Mapping[str, Any]
    ) -> "GapModel":
        """What can be asked."""
        return GapModel(self, network.network, tokenizer, text, provenance)

    def lesson(self, network: MaskedLanguageModel) -> GapLesson:
        """The network, and what it learns from; what no loss depends on is not moved."""
        for head in (network.pooler, network.pair):
            head.requires_grad_(self.pair != "none")
        return GapLesson(network)


def marks_of(tokenizer: Tokenizer) -> Marks:
    """The special tokens of a row."""
    special = [tokenizer.id_of(role) for role in tokenizer.special]
    ordinary = np.setdiff1d(np.arange(len(tokenizer)), special)
    return Marks(tokenizer.id_of("cls"), tokenizer.id_of("sep"), tokenizer.id_of("mask"), ordinary)


class GapModel(ContextModel):
    """What `BERT.fit` and `ALBERT.fit` return: a vector for every token, seen from both sides, and gaps filled."""

    network: MaskedLanguageModel

    def row(self, ids: Sequence[int], other: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
        """[CLS] a [SEP] (b [SEP]), cut off at `length`: of two the longer one first."""
        cls, sep, room = self.tokenizer.id_of("cls"), self.tokenizer.id_of("sep"), self.options.length - 2
        if other is None:
            found = [cls, *ids[:room], sep]
            return found, [0] * len(found)
        a, b = list(ids), list(other)
        while len(a) + len(b) > room - 1:
            (a if len(a) > len(b) else b).pop()
        return [cls, *a, sep, *b, sep], [0] * (len(a) + 2) + [1] * (len(b) + 1)

    def states(
        self,
        network: MaskedLanguageModel,
        ids: Tensor,
        present: Tensor,
        segments: Tensor,
        weights: list[Tensor] | None = None,
    ) -> list[Tensor]:
        """Those of the token table, normed, and of every layer."""
        found: list[Tensor] = []
        network(ids, *whole_rows(present, segments), states=found, weights=weights)
        return found

    def summary(self, network: MaskedLanguageModel, states: Tensor, present: Tensor) -> Tensor:  # noqa: ARG002
        """The pooler's: tanh(W h + b) of the state of [CLS]."""
        return network.pooled(states)

    # ------------------------------------------------------------ gaps

    def fill_mask(self, text: str, *, topn: int = 5, candidates: Sequence[str] | None = None) -> list[Answer]:
        """The likeliest fillings of the gaps of a text, with their probabilities.

        A gap is one [MASK], or several side by side: "[MASK][MASK]是法国的首都" asks for two tokens. Where the text has
        one gap an answer is a str, where it has several a tuple of them. The tokens of an answer are found from left
        to right, each given those before it, by a beam search; its probability is the product of theirs.

        candidates  answers to choose among, for a text with one gap: it is made as long as each of them is in tokens.
                    Their probabilities are their shares among each other

        Raises InputError for a text without a gap, ConfigError for candidates where there are several gaps.
        """
        mask = self.tokenizer.id_of("mask")
        ids = self._with_gaps(text)
        places = [place for place, token in enumerate(ids) if token == mask]
        if not places:
            raise InputError(f"The text has no gap: put {self.tokenizer.special['mask']} where a word is missing.")
        gaps = _runs(places)
        if candidates is not None:
            if len(gaps) > 1:
                raise InputError(f"candidates fill one gap, and the text has {len(gaps)}.")
            return self._chosen(ids, gaps[0], candidates)[:topn]
        found = self._searched(ids, places, topn)
        return [(self._told(filled, gaps), float(np.exp(nats))) for nats, filled in found]

    def _with_gaps(self, text: str) -> list[int]:
        """A row whose text may hold [MASK]; what surrounds it is cut as other text."""
        mask = self.tokenizer.id_of("mask")
        ids: list[int] = []
        for number, part in enumerate(text.split(self.tokenizer.special["mask"])):
            ids += [*([mask] if number else []), *self.tokens([part])[0]]
        if len(ids) > self.options.length - self.added:
            raise InputError(
                f"The text has {len(ids):,} tokens, and the model reads {self.options.length - self.added:,}."
            )
        return self.row(ids)[0]

    def _searched(self, ids: list[int], places: list[int], topn: int) -> list[tuple[float, list[int]]]:
        """(log p, the row filled) of the best fillings, the likeliest first."""
        never = [self.tokenizer.id_of(role) for role in self.tokenizer.special]
        beams: list[tuple[float, list[int]]] = [(0.0, ids)]
        for place in places:
            logs = self._log_p([row for _, row in beams], [place] * len(beams))
            logs[:, never] = -np.inf
            whole = np.array([nats for nats, _ in beams])[:, None] + logs
            best = np.argsort(-whole, axis=None, kind="stable")[: min(topn, int(np.isfinite(whole).sum()))]
            parts = zip(*np.unravel_index(best, whole.shape), strict=True)
            beams = [
                (float(whole[beam, token]), [*beams[beam][1][:place], int(token), *beams[beam][1][place + 1 :]])
                for beam, token in parts
            ]
        return beams

    def _chosen(self, ids: list[int], gap: range, candidates: Sequence[str]) -> list[Answer]:
        """Each candidate with its share of the probability."""
        mask, nats = self.tokenizer.id_of("mask"), list[float]()
        for tokens in self.tokens(candidates):
            if not tokens:
                raise InputError(f"A candidate has no token: {candidates[len(nats)]!r}.")
            row = [*ids[: gap.start], *[mask] * len(tokens), *ids[gap.stop :]]
            rows = [[*row[: gap.start], *tokens[:done], *row[gap.start + done :]] for done in range(len(tokens))]
            logs = self._log_p(rows, [gap.start + done for done in range(len(tokens))])
            nats.append(float(logs[np.arange(len(tokens)), tokens].sum()))
        shares = np.exp(np.array(nats) - max(nats, default=0.0))
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable").tolist()
        return [(candidates[number], float(shares[number])) for number in order]

    def _told(self, filled: list[int], gaps: list[range]) -> str | tuple[str, ...]:
        answers = tuple(self._said(filled[gap.start : gap.stop]) for gap in gaps)
        return answers[0] if len(gaps) == 1 else answers

    def _said(self, tokens: list[int]) -> str:
        """Tokens as text; Chinese without blanks. The second half of a word keeps its mark."""
        if len(tokens) == 1:
            return self.tokenizer.tokens[tokens[0]]
        from firth.tokens.scripts import is_han

        text = self.tokenizer.text(tokens)
        return text.replace(" ", "") if all(map(is_han, text.replace(" ", ""))) else text

    # ------------------------------------------------------------ how probable a text is

    def score(self, source: Any) -> Score:
        """How probable a text is, token by token, each as a gap: `source` is anything that `firth.Text` takes.

        -Σ log p(token | all others of its line); a long line is cut. Salazar et al. 2020, "Masked Language Model
        Scoring" (pseudo-log-likelihood). It does not compare with what is foretold from one side alone.
        """
        nats, tokens = 0.0, 0
        mask, room = self.tokenizer.id_of("mask"), self.options.length - 2
        for some in batches(lines(Text.cut_like(source, self.text)), 16):
            rows: list[list[int]] = []
            places: list[int] = []
            true: list[int] = []
            for ids in self.tokenizer.ids(some):
                for start in range(0, len(ids), room):
                    row = self.row(ids[start : start + room])[0]
                    for place in range(1, len(row) - 1):
                        rows.append([*row[:place], mask, *row[place + 1 :]])
                        places.append(place)
                        true.append(row[place])
            for part in range(0, len(rows), _AT_ONCE):
                logs = self._log_p(rows[part : part + _AT_ONCE], places[part : part + _AT_ONCE])
                nats -= float(logs[np.arange(len(logs)), true[part : part + _AT_ONCE]].sum())
            tokens += len(rows)
        return Score(nats, tokens)

    def perplexity(self, source: Any) -> float:
        """The pseudo-perplexity: exp of the mean nats of each token as a gap; lower is better."""
        return self.score(source).perplexity

    def _log_p(self, rows: Sequence[Sequence[int]], places: Sequence[int]) -> F8:
        """log p of every token at one place of each row, f8[rows, tokens]."""
        ids, present = filled_up(rows, self.padding)
        with torch.inference_mode():
            states = self.network(torch.from_numpy(ids), None if present.all() else torch.from_numpy(present))
            logits = self.network.logits(states[torch.arange(len(rows)), torch.tensor(places)])
            found: F8 = logits[:, : len(self.tokenizer)].double().log_softmax(-1).numpy()
        return found


def _runs(places: Sequence[int]) -> list[range]:
    """Places side by side as one range each."""

    def grown() -> Iterator[range]:
        run = range(places[0], places[0] + 1)
        for place in places[1:]:
            if place == run.stop:
                run = range(run.start, place + 1)
            else:
                yield run
                run = range(place, place + 1)
        yield run

    return list(grown())
