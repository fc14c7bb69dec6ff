"""What NGramLM learnt, and what follows: how likely words and texts are, what comes next, what fills a gap."""

import math
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import pairwise
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firth.corpus.text import Text
from firth.errors import ConfigError, FormatError, InputError
from firth.evaluate.perplexity import Surprise
from firth.examples.ngrams import with_bounds
from firth.kernels import ngrams as kernels
from firth.kernels.ngrams import Trie
from firth.tokens.encoded import encode
from firth.tokens.words import split
from firth.training.course import checked_threads

if TYPE_CHECKING:
    from firth.models.ngram_lm import NGramLM

F8 = npt.NDArray[np.float64]
I4 = npt.NDArray[np.int32]
Words = str | Sequence[str]

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
MASK = "[MASK]"
_AT_ONCE = 1 << 20  # tokens that a thread scores at a time
_FORGET = -1  # what comes after it in a stream does not see what came before
_JOINED = ("chinese", "characters")  # tokenizers of texts without blanks


class WordScore(NamedTuple):
    """A word in its place."""

    word: str
    probability: float
    length: int
    """Words in the n-gram that it was judged by: 1 where only how frequent it is was known."""
    known: bool


class NGramModel:
    """A language model of n-grams; `NGramLM.fit` and `firth.load` make them.

    A sentence is a text or a list of words. A context may begin with "<s>", the start of a sentence; the word "</s>" is
    its end. Words that are not known share one probability, p(<unk>).
    """

    def __init__(
        self,
        words: list[str],
        trie: Trie,
        firsts: Sequence[int],
        counts: I4 | None,
        options: "NGramLM | None",
        *,
        text: dict[str, Any] | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        self.words = words
        """The words that are known; their places are their ids, and three more ids follow: <unk>, <s>, </s>."""
        self.trie = trie
        self.firsts = list(firsts)
        """The first row of every length, and the number of rows."""
        self.counts = counts
        """i4[rows], how often each n-gram was seen; None after an ARPA file, which does not say."""
        self.options = options
        """What it was learnt with; None after an ARPA file."""
        self.text = text or {}
        self.provenance = provenance or {}
        self._unknown, self._start, self._end = (len(words) + special for special in range(3))
        self._backs_off = options is None or options.smoothing == "kneser-ney"

    def __repr__(self) -> str:
        sizes = " + ".join(f"{size:,}" for size in np.diff(self.firsts).tolist())
        return f"NGramModel(order {self.order}, {len(self.words):,} words, {sizes} n-grams)"

    @property
    def order(self) -> int:
        """Words in the longest n-gram."""
        return len(self.firsts) - 1

    @cached_property
    def ids(self) -> dict[str, int]:
        """Word → id; `<s>` and `</s>` are among them."""
        return {START: self._start, END: self._end, **dict(zip(self.words, range(len(self.words)), strict=True))}

    # ------------------------------------------------------------ how likely

    def probability(self, word: str, context: Words = ()) -> float:
        """P(word | context), by the last order - 1 words of the context.

        word     a word, or "</s>"
        context  words, or a text that is cut; empty: how likely the word is anywhere
        """
        if word == START:
            return 0.0
        tokens = np.array([_FORGET, *self._ids(context), self._id(word)], np.int32)
        return float(10.0 ** self._log10(tokens)[0][-1])

    def sentence_log_probability(self, texts: Sequence[Words] | str) -> F8:
        """ln P of each text as a sentence, its end included: f8[texts]; Σ ln P(word | the words before it).

        texts  texts, which are cut, or lists of words
        """
        every = [texts] if isinstance(texts, str) else texts
        log10 = [self._log10(self._sentence(text))[0].sum() for text in every]
        return np.array(log10, np.float64) * math.log(10)

    def sentence_probability(self, texts: Sequence[Words] | str) -> F8:
        """P of each text as a sentence, its end included: f8[texts]."""
        return np.asarray(np.exp(self.sentence_log_probability(texts)))

    def word_scores(self, sentence: Words) -> list[WordScore]:
        """Every word of a sentence and its end, how likely it was, and how long the n-gram was that said so."""
        words = self._cut(sentence)
        log10, rows = self._log10(self._sentence(words))
        lengths = np.searchsorted(self.firsts, rows[1:], "right")
        return [
            WordScore(word, float(10.0**score), int(length), word in self.ids)
            for word, score, length in zip([*words, END], log10[1:], lengths, strict=True)
        ]

    def perplexity(self, source: Any, *, threads: int | None = None) -> float:
        """exp of the mean -ln p of the words and sentence ends of a source: a path, texts, whatever `firth.Text` takes.

        Unseen words count with p(<unk>). The text is cut as the training text was, unless it is a `Text`.
        """
        return self.score(source, threads=threads).perplexity

    def score(self, source: Any, *, threads: int | None = None) -> Surprise:
        """What a source costs: words, unseen ones, nats, perplexity with and without the unseen ones.

        Raises InputError where it holds no word, and what reading it raises.
        """
        threads = checked_threads(threads)
        with encode(Text.cut_like(source, self.text), min_count=1, threads=threads) as corpus:
            there = checked_words(corpus.vocabulary.keys)
            ids = np.array([self.ids.get(word, self._unknown) for word in there], np.int32)
            tokens = with_bounds(ids[corpus.tokens], corpus.sentences, self._start, self._end)
            sentences = len(corpus.sentences) - 1
        starts = np.flatnonzero(tokens == self._start)
        cuts = [0, *starts[np.searchsorted(starts, range(_AT_ONCE, len(tokens), _AT_ONCE)) - 1].tolist(), len(tokens)]
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(self._surprise, (tokens[a:b] for a, b in pairwise(cuts))))
        nats, nats_of_unseen = (float(each) for each in np.sum(parts, axis=0))
        unseen = int((tokens == self._unknown).sum())
        return Surprise(len(tokens) - sentences, sentences, unseen, nats, nats_of_unseen)

    def _surprise(self, tokens: I4) -> tuple[float, float]:
        log10, _ = self._log10(tokens)
        unseen = float(log10[tokens == self._unknown].sum())
        return -float(log10.sum()) * math.log(10), -unseen * math.log(10)

    # ------------------------------------------------------------ counts

    def count(self, ngram: Words) -> int:
        """How often an n-gram was seen; "<s>" and "</s>" are words of it. 0 for one that was not.

        Raises InputError for a model without counts, and for n-grams of no word or of more than `order`.
        """
        counts, ids = self._counts, self._ids(ngram)
        if not 0 < len(ids) <= self.order:
            raise InputError(f"{ngram!r} has {len(ids)} words; n-grams of 1 to {self.order} were counted.")
        row = self._row(ids)
        return int(counts[row]) if row >= 0 else 0

    def most_frequent(self, n: int, topn: int = 10) -> list[tuple[tuple[str, ...], int]]:
        """The n-grams of n words that were seen most often, with their counts; ties in the order of the table."""
        every = self._counts
        if not 1 <= n <= self.order:
            raise InputError(f"n-grams of 1 to {self.order} words were counted, not of {n!r}.")
        counts = every[self.firsts[n - 1] : self.firsts[n]]
        best = np.argsort(-counts, kind="stable")[:topn]
        names = [*self.words, UNKNOWN, START, END]
        ngrams = self.ngrams(n)
        return [(tuple(names[i] for i in ngrams[row]), int(counts[row])) for row in best if counts[row]]

    def ngrams(self, n: int) -> I4:
        """i4[n-grams, n], the ids of the words of all n-grams of n words, ascending."""
        rows = np.arange(self.firsts[n - 1], self.firsts[n])
        found = np.empty((len(rows), n), np.int32)
        for place in range(n - 1, -1, -1):
            above, found[:, place] = np.divmod(self.trie.ngrams[rows], self._words)
            rows = above - 1
        return found

    # ------------------------------------------------------------ what comes next

    def next_words(self, context: Words = (), topn: int = 10) -> list[tuple[str, float]]:
        """The likeliest words after a context, "</s>" among them, with P(word | context)."""
        p = self.distribution(context)
        names = [*self.words, UNKNOWN, START, END]
        best = np.argsort(-p, kind="stable")[:topn]
        return [(names[i], float(p[i])) for i in best]

    def distribution(self, context: Words = ()) -> F8:
        """P(· | context), f8[words + 3]: of every word, <unk>, <s> (0), </s>; its sum is 1."""
        return self._distribution(self._ids(context))

    def generate(
        self,
        prompt: Words = "",
        *,
        tokens: int = 50,
        temperature: float = 1.0,
        topk: int | None = None,
        seed: int = 1,
    ) -> str:
        """A sentence that the model finds likely: words drawn one by one from P(· | the words before).

        prompt       how it begins
        tokens       words to add, at most; a sentence that ends sooner is shorter
        temperature  p^(1/temperature): below 1 likely words become likelier; 0: always the likeliest
        topk         draw among so many of the likeliest alone; None: all
        seed         of the draws: the same gives the same sentence

        <unk> is never drawn. Raises ConfigError for an option out of range.
        """
        if not temperature >= 0 or tokens < 1 or (topk is not None and topk < 1):
            raise ConfigError(
                f"generate needs tokens ≥ 1, temperature ≥ 0, topk ≥ 1, not {tokens}, {temperature}, {topk}."
            )
        topk = topk if temperature else 1
        rng = np.random.default_rng(seed)
        words = self._cut(prompt)
        history = [self._start, *(self._id(word) for word in words)]
        for _ in range(tokens):
            p = self._distribution(history)
            p[self._unknown] = 0.0
            if topk is not None and topk < len(p):
                p[np.argsort(-p, kind="stable")[topk:]] = 0.0
            if not p.any():  # maximum likelihood has seen nothing after these words
                break
            cumulated = np.cumsum((p / p.max()) ** (1 / (temperature or 1)))
            drawn = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], "right"))
            if drawn == self._end:
                break
            words.append(self.words[drawn])
            history.append(drawn)
        return ("" if self.text.get("tokenizer") in _JOINED else " ").join(words)

    def fill_mask(self, text: str, *, topn: int = 10) -> list[tuple[str, float]]:
        """The words that fit the gap `[MASK]` best, by what stands on both its sides, and how probable each is.

        P(w | text) ∝ P(w | words before) · Π P(a word after | the order - 1 words before it, w among them)

        Raises InputError for a text without a gap, or with several.
        """
        if text.count(MASK) != 1:
            raise InputError(f"A text with one gap is needed, and this has {text.count(MASK)}: write it as {MASK}.")
        left, right = (self._cut(part) for part in text.split(MASK))
        before = [self._start, *map(self._id, left)][max(0, len(left) + 2 - self.order) :]
        after = [*map(self._id, right), self._end][: self.order - 1]
        scores = np.empty(len(self.words))
        some = max(1, _AT_ONCE // (len(before) + len(after) + 2))
        for first in range(0, len(scores), some):
            candidates = np.arange(first, min(first + some, len(scores)), dtype=np.int32)
            streams = np.empty((len(candidates), len(before) + len(after) + 2), np.int32)
            streams[:] = [_FORGET, *before, 0, *after]
            streams[:, len(before) + 1] = candidates
            log10 = self._log10(streams.ravel())[0].reshape(streams.shape)
            scores[candidates] = log10[:, len(before) + 1 :].sum(1)
        if np.isneginf(scores).all():  # maximum likelihood has seen none of them here
            return []
        p = 10.0 ** (scores - scores.max())
        best = np.argsort(-p, kind="stable")[:topn]
        return [(self.words[i], float(p[i] / p.sum())) for i in best]

    # ------------------------------------------------------------ files

    def save(self, path: str | PathLike[str], format: str = "native") -> None:
        """Write a folder that `firth.load` opens mapped ("native"), or an ARPA file ("arpa"); atomic.

        An ARPA file holds back-off models: FormatError for add-k and mle. A word that is spelt <unk> takes the place of
        unseen words in it, with a warning. Raises FormatError where something else is at `path`, ConfigError for
        another format, DiskFullError, SaveError.
        """
        if format == "native":
            from firth.formats import ngrams

            ngrams.save(self._saved(), path)
        elif format == "arpa":
            from firth.models import arpa

            if not self._backs_off and self.options is not None:
                raise FormatError(f"ARPA files hold back-off models, which {self.options.smoothing} is not.")
            arpa.save(self, path)
        else:
            raise ConfigError(f"A language model of n-grams is saved as 'native' or 'arpa', not {format!r}.")

    @classmethod
    def load(cls, path: str | PathLike[str], *, verify: Literal["headers", "full"] = "headers") -> "NGramModel":
        """Open what `save` wrote, or any ARPA file; `firth.load` comes here.

        Raises MissingInputError, FormatError for anything else, CorruptFileError, with the byte or the line.
        """
        from firth.models.ngram_lm import NGramLM

        if not os.path.isdir(path):
            from firth.models.arpa import model_of

            return model_of(path)
        from firth.formats import ngrams

        saved = ngrams.read(path, verify=verify)
        options = {name: value for name, value in saved.config["model"].items() if name != "name"}
        config = NGramLM.from_dict(options) if options else None
        arrays = saved.arrays
        trie = trie_of(*(arrays.get(name) for name in Trie._fields))
        found = cls(saved.words, trie, arrays["firsts"].tolist(), arrays.get("counts"), config)
        found.text, found.provenance = saved.config.get("text") or {}, saved.provenance
        return found

    def _saved(self) -> Any:
        from firth.formats.ngrams import Saved

        arrays: dict[str, Any] = {
            "ngrams": self.trie.ngrams,
            "starts": self.trie.starts,
            "firsts": np.array(self.firsts, np.int64),
            "suffixes": self.trie.suffixes,
        }
        if self._backs_off:
            arrays |= {"log10": self.trie.log10, "backoff": self.trie.backoff}
        if self.counts is not None:
            arrays["counts"] = self.counts
        options = {"name": "ngram", **({} if self.options is None else self.options.to_dict())}
        return Saved({"model": options, "text": self.text}, self.words, arrays, self.provenance)

    # ------------------------------------------------------------ inside

    @property
    def _words(self) -> int:
        return len(self.words) + 3

    @property
    def _counts(self) -> I4:
        if self.counts is None:
            raise InputError("This model comes from an ARPA file, which holds no counts.")
        return self.counts

    @cached_property
    def _total(self) -> int:
        """Words and sentence ends of the text."""
        return int(self._counts[: self._words].sum()) - int(self._counts[self._start])

    def _id(self, word: str) -> int:
        return self.ids.get(word, self._unknown)

    def _cut(self, sentence: Words) -> list[str]:
        if not isinstance(sentence, str):
            return checked_words(list(sentence))
        cutting = {name: self.text[name] for name in _CUTTING if name in self.text}
        return checked_words(split([sentence], **cutting)[0])

    def _ids(self, words: Words) -> list[int]:
        """The ids of words; <s> and </s> may be among them."""
        if not isinstance(words, str):
            return [self._id(word) for word in words]
        parts = re.split(f"({START}|{END})", words)
        return [self._id(word) for part in parts for word in ([part] if part in (START, END) else self._cut(part))]

    def _sentence(self, sentence: Words) -> I4:
        return np.array([self._start, *map(self._id, self._cut(sentence)), self._end], np.int32)

    def _log10(self, tokens: I4) -> tuple[F8, I4]:
        """log10 P of every word of a stream, 0 where it has none; and the longest n-gram that ends there."""
        rows, contexts = np.empty_like(tokens), np.empty_like(tokens)
        log10 = np.empty(len(tokens))
        kernels.score(self.trie, tokens, self._start, rows, contexts, log10)
        return (log10 if self._backs_off else self._log10_of_counts(tokens, rows, contexts)), rows

    def _log10_of_counts(self, tokens: I4, rows: I4, contexts: I4) -> F8:
        """The same by counts alone: (c + k) / (c of the context + k · words); k is 0 for maximum likelihood."""
        places = np.arange(len(tokens))
        begins = np.maximum.accumulate(np.where(rows < 0, places, 0))
        history = places - begins - (tokens[begins] == _FORGET)  # <s> is a word of it
        wanted = np.minimum(history, self.order - 1)
        whole = np.searchsorted(self.firsts, contexts, "right") == wanted
        above = np.where(np.searchsorted(self.firsts, rows, "right") == wanted + 1, self._counts[rows], 0)
        below = np.where(wanted == 0, self._total, np.where(whole, self._counts[contexts], 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            log10 = np.log10(self._ratio(above, below))
        return np.where(rows < 0, 0.0, log10)

    def _ratio(self, above: Any, below: Any) -> F8:
        """(c + k) / (c of the context + k · words), 0 for 0/0."""
        k = 0.0 if self.options is None or self.options.smoothing == "mle" else self.options.k
        divisor = np.asarray(below + k * (self._words - 1))  # all words but <s>
        return np.where(divisor > 0, (above + k) / np.where(divisor > 0, divisor, 1), 0.0)

    def _distribution(self, context: Sequence[int]) -> F8:
        """P(· | context), f8[words + 3]."""
        context = context[max(0, len(context) + 1 - self.order) :]
        if not self._backs_off:
            counts = np.zeros(self._words)
            row = self._row(context)
            if not context:
                counts[:] = self._counts[: self._words]
            elif row >= 0:
                counts[self._continuations(row)] = self._counts[self.trie.starts[row] : self.trie.starts[row + 1]]
            counts[self._start] = 0
            p = self._ratio(counts, counts.sum())
        else:
            p = 10.0 ** self.trie.log10[: self._words].astype(np.float64)
            for first in range(len(context) - 1, -1, -1):
                row = self._row(context[first:])
                if row < 0:
                    break
                p *= 10.0 ** np.float64(self.trie.backoff[row])
                found = slice(int(self.trie.starts[row]), int(self.trie.starts[row + 1]))
                p[self._continuations(row)] = 10.0 ** self.trie.log10[found].astype(np.float64)
        p[self._start] = 0.0
        return p

    def _continuations(self, row: int) -> npt.NDArray[np.int64]:
        """The words that were seen after a context."""
        found = self.trie.ngrams[self.trie.starts[row] : self.trie.starts[row + 1]]
        return np.asarray(found - (row + 1) * self._words)

    def _row(self, ngram: Sequence[int]) -> int:
        """The row of an n-gram, -1 where there is none, or no word."""
        row = -1
        for place, word in enumerate(ngram):
            row = word if place == 0 else self._continued(row, word)
            if row < 0:
                break
        return row

    def _continued(self, row: int, word: int) -> int:
        """The row of an n-gram and a word after it, -1 where there is none."""
        if row >= len(self.trie.starts) - 1:
            return -1
        sought = (row + 1) * self._words + word
        begin, stop = int(self.trie.starts[row]), int(self.trie.starts[row + 1])
        found = begin + int(np.searchsorted(self.trie.ngrams[begin:stop], sought))
        return found if found < stop and self.trie.ngrams[found] == sought else -1


_CUTTING = ("tokenizer", "lower", "own_words", "hmm", "split_sentences", "phrases")


def trie_of(ngrams: Any, starts: Any, suffixes: Any, log10: Any = None, backoff: Any = None) -> Trie:
    """The arrays as the kernels take them: plain, not to be written to; zeros where there are no probabilities."""
    log10 = np.zeros(len(ngrams), np.float32) if log10 is None else log10
    backoff = np.zeros(len(starts) - 1, np.float32) if backoff is None else backoff
    plain = [array.view(np.ndarray) for array in (ngrams, starts, suffixes, log10, backoff)]
    for array in plain:
        array.flags.writeable = False
    return Trie(*plain)


def checked_words(words: list[str]) -> list[str]:
    """The same words. Raises InputError where one of them is a mark that every sentence gets anyway."""
    for mark, place in ((START, "begins"), (END, "ends")):
        if mark in words:
            raise InputError(
                f"The text holds the word {mark!r}, which marks where a sentence {place}: every line gets it anyway. "
                "Take it out of the text."
            )
    return words
