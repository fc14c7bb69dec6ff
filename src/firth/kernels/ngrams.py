"""n-grams of all lengths in one sorted table: counted by sorting, weighted by Kneser-Ney, and walked word by word.

    put_before(…)        all n-grams of a text in their order, from its (n-1)-grams in theirs
    number(…)            equal neighbours in that order become one row
    different_before(…)  how many different words stand before an n-gram
    kneser_ney(…)        the probability of every row, and the back-off weight of every context
    score(…)             the longest n-gram of the table that ends at each word of a text

A row is an n-gram. Rows 0, 1, … are the single words, then come the pairs, then the triples, … An n-gram is held as
(row of its first n-1 words + 1) · words + its last word: one i8, ascending over the whole table.
"""

from typing import Any, NamedTuple

import numpy as np

from firth.kernels.compiled import inlined, kernel
from firth.kernels.simd import prefetch

_AHEAD = 16  # positions whose words are fetched before they are needed


class Trie(NamedTuple):
    """The table, and the automaton on it: a state is the longest context that the table knows."""

    ngrams: Any  # i8[rows], ascending
    starts: Any  # i8[contexts + 1], the rows that continue row r by a word: starts[r] … starts[r + 1] - 1
    suffixes: Any  # i4[rows], the row of the n-gram without its first word, -1 for single words
    log10: Any  # f4[rows], log10 p(last word | the others)
    backoff: Any  # f4[contexts], log10 of what is left to words that the table does not have after this context


@kernel
def put_before(tokens, end, shorter, cursors, longer):  # type: ignore[no-untyped-def]
    """All n-grams of a text in their order, from its (n-1)-grams in theirs: before each the word that stands there.

    The n-gram at p is the word at p and the (n-1)-gram at p + 1: what is sorted by the latter is sorted by the former.

    tokens   i4[m]
    end      nothing goes on after this word
    shorter  i4[·, 2], the (n-1)-grams: where each begins, and its row
    cursors  i8[words], how many n-grams begin with a lesser word; written: with this word or a lesser one
    longer   i4[·, 2], written: where each n-gram begins, and the row of its last n-1 words
    """
    texts = tokens.reshape((1, -1))
    last = len(shorter) - 1
    for k in range(len(shorter)):
        prefetch(texts, 0, max(shorter[min(k + _AHEAD, last), 0] - 1, 0))
        p = shorter[k, 0] - 1
        if p >= 0 and tokens[p] != end:
            at = cursors[tokens[p]]
            longer[at, 0] = p
            longer[at, 1] = shorter[k, 1]
            cursors[tokens[p]] = at + 1


@kernel
def number(grams, end, cursors, contexts, first, ngrams, starts, suffixes, counts):  # type: ignore[no-untyped-def]
    """Rows for all n-grams of a text, which come in their order; equal ones share a row.

    Those that begin with the same n-1 words follow each other, as these do: how often each comes says whose turn it is.

    grams     i4[·, 2], what `put_before` wrote; the row of the last n-1 words becomes that of the n-gram
    end       nothing goes on after this word
    cursors   i8[words], as `put_before` left them; written: as it wants them for n + 1
    contexts  the first row of an (n-1)-gram
    first     the row that the first n-gram gets
    ngrams    i8[·], suffixes i4[·], counts i4[·]: those of (n-1)-grams are read, and written from row `first` on
    starts    i8[·], 0 beyond row `contexts`; starts[r + 1] becomes how many n-grams begin with (n-1)-gram r
    Returns the row after the last.
    """
    words = len(cursors)
    row = first - 1
    context, left = contexts - 1, 0
    k, going_on = 0, 0
    last = len(grams) - 1
    table = ngrams.reshape((1, -1))
    for word in range(words):
        stop = cursors[word]
        cursors[word] = going_on
        rest = -1
        while k < stop:
            prefetch(table, 0, grams[min(k + _AHEAD, last), 1])
            while left == 0:
                context += 1
                left = counts[context] if ngrams[context] % words != end else 0
            left -= 1
            if grams[k, 1] != rest:
                rest = grams[k, 1]
                row += 1
                last_word = ngrams[rest] % words
                ngrams[row] = (np.int64(context) + 1) * words + last_word
                suffixes[row] = rest
                counts[row] = 0
                starts[context + 1] += 1
            counts[row] += 1
            going_on += last_word != end
            grams[k, 1] = row
            k += 1
    return row + 1


@kernel
def different_before(suffixes, counts):  # type: ignore[no-untyped-def]
    """How many different words stand before n-grams: counts[s] += 1 for every suffix s of longer ones.

    suffixes  i4[·], ascending in stretches
    counts    i4[rows]
    """
    table = counts.reshape((1, -1))
    last = len(suffixes) - 1
    for row in range(len(suffixes)):
        prefetch(table, 0, suffixes[min(row + _AHEAD, last)])
        counts[suffixes[row]] += 1


@kernel
def kneser_ney(starts, suffixes, counts, discounts, lowest, highest, p, backoff):  # type: ignore[no-untyped-def]
    """p(w | context) = (c - D(c)) / Σ c + γ(context) · p(w | context without its first word)
    γ(context)      = Σ_w D(c) / Σ c

    For the n-grams that continue rows `lowest` … `highest` - 1; p of those of length n-1 is there already.
    Chen & Goodman 1999, "An empirical study of smoothing techniques for language modeling", eq. 25.

    counts     i4[rows], how often, or after how many different words
    discounts  f8[4], D(0), D(1), D(2), D(3 and more)
    p          f4[rows], written
    backoff    f4[contexts], written: γ, 1 for contexts that nothing continues
    """
    table = p.reshape((1, -1))
    last = len(suffixes) - 1
    for context in range(lowest, highest):
        begin, stop = starts[context], starts[context + 1]
        total, taken = 0, 0.0
        for row in range(begin, stop):
            total += counts[row]
            taken += discounts[min(counts[row], 3)]
        if total == 0:
            backoff[context] = 1.0
            continue
        left = taken / total
        backoff[context] = left
        for row in range(begin, stop):
            prefetch(table, 0, suffixes[min(row + _AHEAD, last)])
            kept = (counts[row] - discounts[min(counts[row], 3)]) / total
            p[row] = kept + left * p[suffixes[row]]


@inlined
def _continued(trie, words, context, word):  # type: ignore[no-untyped-def]
    """The row of `context` and `word`, -1 where there is none."""
    low, high = trie.starts[context], trie.starts[context + 1]
    sought = (np.int64(context) + 1) * words + word
    while low < high:
        middle = (low + high) >> 1
        if trie.ngrams[middle] < sought:
            low = middle + 1
        else:
            high = middle
    if low < trie.starts[context + 1] and trie.ngrams[low] == sought:
        return low
    return np.int64(-1)


@kernel
def score(trie, tokens, start, rows, contexts, log10):  # type: ignore[no-untyped-def]
    """log10 p(word | the words before it) for every word of a text.

    tokens    i4[n]; `start` begins a sentence, and -1 forgets what came before
    rows      i4[n], written: the longest n-gram that ends with the word, -1 where `start` or -1 stands
    contexts  i4[n], written: the longest context before the word, -1 for none
    log10     f8[n], written; 0 where there is no word

    Where the table has the context but not the word after it, the context's weight is taken and its first word dropped
    (Katz 1987), which gives interpolated probabilities too, as the table's own are interpolated.
    """
    words = trie.starts[0]
    known = len(trie.starts) - 1  # contexts; longer n-grams are none
    context = np.int64(-1)
    for i in range(len(tokens)):
        word = np.int64(tokens[i])
        contexts[i] = context
        if word < 0 or word == start:
            rows[i] = -1
            log10[i] = 0.0
            context = word if word < known else np.int64(-1)
            continue
        weight = 0.0
        row = word
        while context >= 0:
            row = _continued(trie, words, context, word)
            if row >= 0:
                break
            weight += trie.backoff[context]
            context = np.int64(trie.suffixes[context])
            row = word
        rows[i] = row
        log10[i] = weight + trie.log10[row]
        context = row if row < known else np.int64(trie.suffixes[row])
