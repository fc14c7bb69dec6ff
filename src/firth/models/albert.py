"""ALBERT: BERT with a narrow table of tokens and one layer that is gone through again and again.

Lan, Chen, Goodman, Gimpel, Sharma & Soricut 2019, "ALBERT: A Lite BERT for Self-supervised Learning of Language
Representations".
"""

from typing import ClassVar

from firth.config import config, option
from firth.examples.masking import Pair
from firth.models.masked_model import MaskedOptions
from firth.networks.layers import Activation
from firth.networks.transformer import GapLesson, MaskedLanguageModel
from firth.tokens.tokenizer import Kind


@config
class ALBERT(MaskedOptions):
    """BERT in a tenth of its parameters: all layers are one, the token table is narrow, and order is learnt from.

    >>> lines = ["the cat sat on the mat", "the dog sat on the rug"] * 20
    >>> small = {"layers": 2, "dim": 32, "heads": 2, "width": 16, "length": 16}
    >>> albert = ALBERT(units="words", **small, steps=60, batch_tokens=256, lr=0.01).fit(lines)
    >>> albert
    GapModel(albert, 12 tokens, 15,454 parameters)
    >>> albert.token_vectors()["cat"].shape
    (16,)
    """

    name: ClassVar[str] = "albert"
    family: ClassVar[str] = "albert"

    units: Kind = option(default="unigram")
    """What a token is: wordpiece, bpe, unigram (parts of words), words (between blanks), characters."""
    width: int = option(default=128, at_least=1)
    """Numbers in the token table's rows; a linear map makes `dim` of them."""
    activation: Activation = option(default="gelu_tanh")
    """The curve in the feed-forward networks: gelu, gelu_tanh (its quicker likeness), relu, silu."""
    sentence_order: bool = option(default=True)
    """Also learn whether two segments are in order or swapped (half of them are)."""

    @property
    def pair(self) -> Pair:
        """Sentence order prediction, where it is asked for."""
        return "order" if self.sentence_order else "none"

    def built(self, rows: int) -> GapLesson:
        """An encoder of one layer, `layers` times over."""
        return self.lesson(
            MaskedLanguageModel(
                rows,
                layers=self.layers,
                heads=self.heads,
                dim=self.dim,
                ffn_dim=self.hidden,
                length=self.length,
                segments=self.segments,
                width=self.width,
                shared=True,
                activation=self.activation,
                dropout=self.dropout,
                eps=self.norm_eps,
            )
        )
