"""The slow twin of kernels/ngrams.py and models/kneser_ney.py: n-grams as tuples, the formula as it is printed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
Ngram = tuple[str, ...]


def counts(sentences: Iterable[Sequence[str]], order: int) -> dict[int, Counter[Ngram]]:
    """How often every n-gram of 1 … order words stands in `<s> sentence </s>`.

    >>> counts([["a", "b"], ["a"]], 2)[2][("<s>", "a")]
    2
    """
    found: dict[int, Counter[Ngram]] = {n: Counter() for n in range(1, order + 1)}
    for sentence in sentences:
        words = (START, *sentence, END)
        for n, of in found.items():
            of.update(words[i : i + n] for i in range(len(words) - n + 1))
    return found


def adjusted(found: dict[int, Counter[Ngram]]) -> dict[int, Counter[Ngram]]:
    """What Kneser-Ney counts: the longest as they are, of shorter ones before how many different words they stand.

    Nothing stands before `<s>`, so n-grams that begin with it keep their counts; `<s>` itself is never predicted.
    """
    order = max(found)
    result = {order: Counter(found[order])}
    for n in range(order - 1, 0, -1):
        result[n] = Counter(ngram[1:] for ngram in found[n + 1])
        result[n].update({ngram: count for ngram, count in found[n].items() if ngram[0] == START})
    del result[1][(START,)]
    return result


def discounts(of: Counter[Ngram]) -> list[float]:
    """D(1), D(2), D(3 and more): D(k) = k - (k + 1) Y t_(k+1) / t_k, Y = t_1 / (t_1 + 2 t_2).

    t_k is how many n-grams are counted k times.

    Chen & Goodman 1999, eq. 26. Where a text is too small for that: ½, 1 and 3/2, as KenLM's --discount_fallback.
    """
    t = Counter(of.values())
    if all(t[k] for k in (1, 2, 3)):
        y = t[1] / (t[1] + 2 * t[2])
        found = [k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3)]
        if all(0 <= d <= k for k, d in enumerate(found, 1)):
            return found
    return [0.5, 1.0, 1.5]


class KneserNey:
    """Interpolated modified Kneser-Ney of one text; `discount`: one for all in place of those of the text.

    >>> model = KneserNey([["a", "b"], ["a", "c"]], order=2, discount=0.5)
    >>> model.p("b", ("a",))  # (1 - ½)/2 + (½ + ½)/2 · p(b);  p(b) = (1 - ½)/5 + (4 · ½)/5 / 5 words
    0.34
    """

    def __init__(self, sentences: Sequence[Sequence[str]], order: int, discount: float | None = None) -> None:
        self.order = order
        self.counts = adjusted(counts(sentences, order))
        self.words = {word for sentence in sentences for word in sentence} | {END, UNKNOWN + "?"}  # and any other word
        self.discounts = {
            n: [0.0, *(discounts(of) if discount is None else [discount] * 3)] for n, of in self.counts.items()
        }
        self.after: defaultdict[Ngram, list[int]] = defaultdict(list)
        for of in self.counts.values():
            for ngram, count in of.items():
                self.after[ngram[:-1]].append(count)

    def p(self, word: str, context: Ngram) -> float:
        """p(word | the last order - 1 words of context)."""
        context = context[max(0, len(context) - self.order + 1) :]
        lower = self.p(word, context[1:]) if context else 1 / len(self.words)
        others = self.after.get(context)
        if not others:
            return lower
        d = self.discounts[len(context) + 1]
        count = self.counts[len(context) + 1][(*context, word)]
        total = sum(others)
        return (count - d[min(count, 3)]) / total + sum(d[min(c, 3)] for c in others) / total * lower


def add_k(sentences: Sequence[Sequence[str]], order: int, k: Any, word: str, context: Ngram) -> Fraction:
    """(c(context, word) + k) / (c(context) + k · words), exactly; k = 0 is maximum likelihood, 0 where it is 0/0.

    >>> add_k([["a", "b"], ["a", "c"]], 2, 1, "b", ("a",))
    Fraction(2, 7)
    """
    context = context[max(0, len(context) - order + 1) :]
    found = counts(sentences, order)
    words = {word for sentence in sentences for word in sentence} | {END, UNKNOWN + "?"}
    total = sum(c for ngram, c in found[len(context) + 1].items() if ngram[:-1] == context and ngram != (START,))
    below = total + Fraction(k) * len(words)
    return (found[len(context) + 1][(*context, word)] + Fraction(k)) / below if below else Fraction(0)
