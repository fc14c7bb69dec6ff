"""Embeddings of anything, learnt from your own data, on your own machine.

>>> import firth
>>> vectors = firth.Word2Vec(min_count=1).fit([["to", "be", "or", "not", "to", "be"]])
>>> vectors["be"].shape
(100,)
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

# Public name -> module that holds it. Nothing is imported until it is asked for,
# so `import firth` costs milliseconds and needs neither numba nor torch.
_PUBLIC = {
    "CategoryEncoder": "firth.models.category_encoder",
    "ALBERT": "firth.models.albert",
    "BERT": "firth.models.bert",
    "GPT": "firth.models.gpt",
    "Cooccurrence": "firth.models.cooccurrence",
    "ELMo": "firth.models.elmo",
    "GloVe": "firth.models.glove",
    "Graph": "firth.corpus.graphs",
    "LINE": "firth.models.line",
    "Node2Vec": "firth.models.node2vec",
    "ProNE": "firth.models.prone",
    "FastText": "firth.models.fasttext",
    "Item2Vec": "firth.models.item2vec",
    "NNLM": "firth.models.nnlm",
    "NGramLM": "firth.models.ngram_lm",
    "Pairs": "firth.models.pairs",
    "Phrases": "firth.models.phrases",
    "RNNLM": "firth.models.rnnlm",
    "Sessions": "firth.corpus.sessions",
    "Text": "firth.corpus.text",
    "TextClassifier": "firth.models.classifier",
    "Transformer": "firth.models.transformer",
    "Vectors": "firth.vectors.table",
    "Vocabulary": "firth.vocabulary",
    "Word2Vec": "firth.models.word2vec",
    "XLNet": "firth.models.xlnet",
    "compare": "firth.evidence.compare",
    "drift": "firth.vectors.drift",
    "errors": "firth.errors",
    "explain": "firth.evidence.explain",
    "extend": "firth.models.extend",
    "infer": "firth.models.infer",
    "load": "firth.loading",
    "plan": "firth.planning.plan",
    "stability": "firth.evidence.stability",
    "tune": "firth.tuning.tune",
}

__all__ = [*_PUBLIC, "__version__"]

if TYPE_CHECKING:
    from firth import errors as errors
    from firth.corpus.graphs import Graph as Graph
    from firth.corpus.sessions import Sessions as Sessions
    from firth.corpus.text import Text as Text
    from firth.evidence.compare import compare as compare
    from firth.evidence.explain import explain as explain
    from firth.evidence.stability import stability as stability
    from firth.loading import load as load
    from firth.models.albert import ALBERT as ALBERT
    from firth.models.bert import BERT as BERT
    from firth.models.category_encoder import CategoryEncoder as CategoryEncoder
    from firth.models.classifier import TextClassifier as TextClassifier
    from firth.models.cooccurrence import Cooccurrence as Cooccurrence
    from firth.models.elmo import ELMo as ELMo
    from firth.models.extend import extend as extend
    from firth.models.fasttext import FastText as FastText
    from firth.models.glove import GloVe as GloVe
    from firth.models.gpt import GPT as GPT
    from firth.models.infer import infer as infer
    from firth.models.item2vec import Item2Vec as Item2Vec
    from firth.models.line import LINE as LINE
    from firth.models.ngram_lm import NGramLM as NGramLM
    from firth.models.nnlm import NNLM as NNLM
    from firth.models.node2vec import Node2Vec as Node2Vec
    from firth.models.pairs import Pairs as Pairs
    from firth.models.phrases import Phrases as Phrases
    from firth.models.prone import ProNE as ProNE
    from firth.models.rnnlm import RNNLM as RNNLM
    from firth.models.transformer import Transformer as Transformer
    from firth.models.word2vec import Word2Vec as Word2Vec
    from firth.models.xlnet import XLNet as XLNet
    from firth.planning.plan import plan as plan
    from firth.tuning.tune import tune as tune
    from firth.vectors.drift import drift as drift
    from firth.vectors.table import Vectors as Vectors
    from firth.vocabulary import Vocabulary as Vocabulary


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'firth' has no attribute {name!r}")
    module = import_module(_PUBLIC[name])
    value = module if _PUBLIC[name] == f"firth.{name}" else getattr(module, name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
