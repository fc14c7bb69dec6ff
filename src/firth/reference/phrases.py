"""Slow, readable twin of learning and joining phrases (firth.models.phrases, firth.tokens.joined)."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from math import log

Words = tuple[str, ...]


def candidates(sentence: Iterable[str], connectors: Collection[str] = ()) -> Iterator[Words]:
    """Each word with the next one that is no connector, and the connectors between them.

    >>> list(candidates("the king of the hill sang".split(), {"the", "of"}))
    [('king', 'of', 'the', 'hill'), ('hill', 'sang')]
    """
    open_: Words = ()
    for word in sentence:
        if word in connectors:
            open_ = (*open_, word) if open_ else ()
        else:
            if open_:
                yield (*open_, word)
            open_ = (word,)


def learn(
    sentences: list[list[str]],
    min_count: int = 5,
    threshold: float = 10.0,
    scoring: str = "original",
    connectors: Collection[str] = (),
) -> dict[Words, tuple[float, int]]:
    """The score and the count of every phrase of one pass."""
    words = Counter(word for sentence in sentences for word in sentence if word not in connectors)
    pairs = Counter(pair for sentence in sentences for pair in candidates(sentence, connectors))
    total = sum(map(len, sentences))

    def score(pair: Words, n: int) -> float:
        a, b = words[pair[0]], words[pair[-1]]
        if scoring == "npmi":
            return log((n / total) / ((a / total) * (b / total))) / -log(n / total) if n >= min_count else -2.0
        return (n - min_count) / (a * b) * (total if scoring == "word2phrase" else len(words) + len(pairs))

    scored = {pair: (score(pair, n), n) for pair, n in pairs.items()}
    return {pair: found for pair, found in scored.items() if found[0] > threshold}


def join(sentence: list[str], phrases: Collection[Words], connectors: Collection[str] = ()) -> list[str]:
    """One pass from left to right: the first word that can begin a phrase does.

    >>> join("a b c the d".split(), {("a", "b"), ("b", "c"), ("c", "the", "d")}, {"the"})
    ['a_b', 'c_the_d']
    """
    place, joined = 0, []
    while place < len(sentence):
        end = place + 1
        while end < len(sentence) and sentence[end] in connectors:
            end += 1
        found = tuple(sentence[place : end + 1])
        stop = end + 1 if found in phrases else place + 1
        joined.append("_".join(sentence[place:stop]))
        place = stop
    return joined
