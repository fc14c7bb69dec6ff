"""BERT: an encoder that learns from gaps, and so sees both sides of every word.

Devlin, Chang, Lee & Toutanova 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
"""

from typing import ClassVar

from firth.config import config, option
from firth.examples.masking import Pair
from firth.models.masked_model import MaskedOptions
from firth.networks.transformer import GapLesson, MaskedLanguageModel
from firth.tokens.tokenizer import Kind


@config
class BERT(MaskedOptions):
    """A vector for every token in its context, learnt by filling gaps in text.

    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 20
    >>> bert = BERT(units="words", layers=1, dim=32, heads=2, length=16, steps=60, batch_tokens=256, lr=0.01).fit(lines)
    >>> bert
    GapModel(bert, 12 tokens, 15,982 parameters)
    >>> bert.encode(["the cat"]).shape
    (1, 32)
    >>> len(bert.fill_mask("the [MASK] sat on the mat", topn=3))
    3
    """

    name: ClassVar[str] = "bert"
    family: ClassVar[str] = "bert"

    units: Kind = option(default="wordpiece")
    """What a token is: wordpiece, bpe, unigram (parts of words), words (between blanks), characters."""
    next_sentence: bool = option(default=False)
    """Also learn whether a segment follows another or is from elsewhere (half of them are)."""

    @property
    def pair(self) -> Pair:
        """Next sentence prediction, where it is asked for."""
        return "next" if self.next_sentence else "none"

    def built(self, rows: int) -> GapLesson:
        """An encoder, post-norm, with learnt positions."""
        return self.lesson(
            MaskedLanguageModel(
                rows,
                layers=self.layers,
                heads=self.heads,
                dim=self.dim,
                ffn_dim=self.hidden,
                length=self.length,
                segments=self.segments,
                activation=self.activation,
                dropout=self.dropout,
                eps=self.norm_eps,
            )
        )
