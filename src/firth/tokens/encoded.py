"""Tokens stage: the corpus as numbers.

One pass over the source cuts, counts and numbers its words; a second, over the numbers, drops the rare ones.
"""

import errno
import hashlib
import json
import operator
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from firth import machine
from firth.corpus.items import strings
from firth.corpus.text import Text
from firth.errors import ConfigError, DiskFullError, EmptyVocabularyError
from firth.tokens.draft import Draft, Ends, Ids, Place, write_whole
from firth.tokens.joined import Joined
from firth.tokens.kept import FORMAT_VERSION, Kept
from firth.tokens.lexicon import Lexicon
from firth.tokens.ordered import in_order
from firth.tokens.pairs import Block
from firth.tokens.phrases import LearntPhrases
from firth.tokens.pieces import Pieces, cut_all, ids_of
from firth.vocabulary import Vocabulary, checked_keys

Report = Callable[[int, int | None], None]
_MOST_THREADS = 8  # a guess, not measured (on 2 cores): reading and merging are on one thread, and would hold up more
_BLOCK = 1 << 20  # ids in a part of an encoded corpus
_BYTES_A_WORD = 200  # what a word costs while it is counted (measured on 20 M words of nine letters, merging included)


@dataclass(frozen=True)
class Encoded:
    """A corpus in numbers: `tokens[sentences[i]:sentences[i + 1]]` are the ids of sentence i's words.

    >>> with encode([["a", "b", "a"], ["c"], ["b"]], min_count=2) as corpus:
    ...     corpus.vocabulary.keys, corpus.tokens.tolist(), corpus.sentences.tolist(), corpus.words_read
    (['a', 'b'], [0, 1, 0, 1], [0, 3, 4], 5)
    """

    vocabulary: Vocabulary
    """The words that are kept; `counts` are those of `tokens`."""
    tokens: Ids
    """i4[n], memory-mapped: the words that are kept, sentence after sentence."""
    sentences: Ends
    """i8[s + 1], memory-mapped: where each sentence begins, and where the last one ends; none is empty."""
    words_read: int
    """Words in the source, those dropped included."""
    bad_bytes: int
    """Bytes that were not UTF-8, and were replaced or left out as `errors` said."""
    pruned: int
    """Words forgotten while counting, because more distinct ones came than memory may hold."""
    fingerprint: str | None
    """Hash of the files and of every option; None where the source is not all files."""
    reused: bool
    """Whether it was found in `workdir` and not made again."""

    def blocks(self) -> Iterator[Block]:
        """All of it in parts: the ids i4[n] of each, and how many of them come before each end of a sentence, i8[s]."""
        ends = self.sentences[1:]
        for start in range(0, len(self.tokens), _BLOCK):
            ids = np.asarray(self.tokens[start : start + _BLOCK])
            first, last = np.searchsorted(ends, [start, start + len(ids)], "right")
            yield ids, ends[first:last] - start

    def close(self) -> None:
        """Let go of the arrays; temporary files vanish with them."""
        object.__setattr__(self, "tokens", np.zeros(0, np.int32))
        object.__setattr__(self, "sentences", np.zeros(1, np.int64))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def encode(
    text: Text | Any,
    *,
    min_count: int = 5,
    max_vocab: int | None = None,
    vocabulary: Sequence[str] | Vocabulary | None = None,
    workdir: str | PathLike[str] | None = None,
    threads: int | None = None,
    report: Report | None = None,
) -> Encoded:
    """Read a text once and turn its words into ids.

    Kept are the words that come `min_count` times or more, of them the `max_vocab` most frequent (ties by key); or
    those of `vocabulary`, a list in the order of their ids, however often they come. Other words are dropped, and
    sentences that are left empty. `workdir`: a folder that keeps the result, used again while the files and options
    are the same; None: temporary files, which no crash leaves behind. `threads`: None for the machine's, 8 at most.
    `report(bytes_done, bytes_total)` is called now and then; the total is None where it is not known.

    Raises EmptyVocabularyError where no word is left, DiskFullError, ConfigError for an option out of range, and what
    reading the text raises. Warns (RuntimeWarning) where rare words had to be forgotten to stay within memory.
    """
    text = Text.of(text)
    options = _Options.checked(min_count, max_vocab, vocabulary, threads)
    fingerprint = _fingerprint(text, options)
    kept = None if workdir is None else Kept.at(workdir, fingerprint)
    if kept and (found := kept.found()):
        return Encoded(**found, reused=True)
    folder = kept.folder if kept else None
    try:
        with _temporary(folder) as draft_file:
            draft = Draft(draft_file)
            lexicon, bad_bytes = _read(text, options, draft, report)
            if text.phrases:
                chosen, blocks = _joined(text.phrases, lexicon, draft, options)
            else:
                chosen, ranks = _chosen(lexicon.words, lexicon.counts, lexicon.words_read, options)
                blocks = in_order(_renumbered, draft.read(ranks), options.threads)
            if kept:
                with kept.new_files() as (tokens_file, sentences_file):
                    tokens, sentences = _finish(blocks, tokens_file, sentences_file)
                    kept.keep(chosen, tokens, sentences, lexicon.words_read, bad_bytes, lexicon.forgotten)
            else:
                with _temporary(folder) as tokens_file, _temporary(folder) as sentences_file:
                    tokens, sentences = _finish(blocks, tokens_file, sentences_file)
    except OSError as error:
        raise _disk_error(error, folder) from error
    _give_back_memory()
    return Encoded(chosen, tokens, sentences, lexicon.words_read, bad_bytes, lexicon.forgotten, fingerprint, False)


def count(text: Text | Any, *, min_count: int, max_vocab: int | None, threads: int | None) -> Vocabulary:
    """The vocabulary that `encode` would keep, without encoding."""
    options = _Options.checked(min_count, max_vocab, None, threads)
    text = Text.of(text)
    if text.phrases:  # how often they come is known when they are joined
        with encode(text, min_count=min_count, max_vocab=max_vocab, threads=threads) as corpus:
            return corpus.vocabulary
    lexicon, _ = _read(text, options, None, None)
    return _chosen(lexicon.words, lexicon.counts, lexicon.words_read, options)[0]


def with_phrases(corpus: Encoded, phrases: LearntPhrases) -> Encoded:
    """The same corpus with its phrases joined; its words are counted anew, and those that still come are kept."""
    options = _Options.checked(1, None, None, None)
    joined = Joined(phrases, strings(corpus.vocabulary.keys), options.threads)
    chosen, ranks = _chosen(joined.words, joined.counts(corpus.blocks()), corpus.words_read, options)
    renumbered = (_renumbered((ids, ranks, ends)) for ids, ends in joined.blocks(corpus.blocks()))
    try:
        with _temporary(None) as tokens_file, _temporary(None) as sentences_file:
            tokens, sentences = _finish(renumbered, tokens_file, sentences_file)
    except OSError as error:
        raise _disk_error(error, None) from error
    return replace(corpus, vocabulary=chosen, tokens=tokens, sentences=sentences, fingerprint=None, reused=False)


def encoded_ids(
    keys: Sequence[str],
    ids: Ids,
    ends: Ends,
    *,
    min_count: int = 1,
    max_vocab: int | None = None,
    vocabulary: Sequence[str] | Vocabulary | None = None,
) -> Encoded:
    """A corpus that is in numbers already, as `encode` gives it: ids i4[n] of `keys`, and each sentence's end, i8[s].

    >>> corpus = encoded_ids(["a", "b"], np.array([1, 0, 1], np.int32), np.array([2, 3]), min_count=2)
    >>> corpus.vocabulary.keys, corpus.tokens.tolist(), corpus.sentences.tolist()
    (['b'], [0, 0], [0, 1, 2])

    Raises EmptyVocabularyError, and ConfigError for an option out of range.
    """
    options = _Options.checked(min_count, max_vocab, vocabulary, 1)
    counts = np.bincount(ids, minlength=len(keys)).astype(np.int64)
    chosen, ranks = _chosen(strings(keys), counts, len(ids), options)
    tokens, all_ends = _renumbered((ids, ranks, ends))
    filled = all_ends[np.diff(all_ends, prepend=0) > 0]
    sentences = np.concatenate([np.zeros(1, np.int64), filled])
    return Encoded(chosen, tokens, sentences, len(ids), 0, 0, None, False)


@dataclass(frozen=True)
class _Options:
    min_count: int
    max_vocab: int | None
    keys: list[str] | None
    threads: int

    @classmethod
    def checked(
        cls, min_count: int, max_vocab: int | None, vocabulary: Sequence[str] | Vocabulary | None, threads: int | None
    ) -> Self:
        if vocabulary is not None and max_vocab is not None:
            raise ConfigError("vocabulary= fixes the words; max_vocab= would choose them. Give one of the two.")
        keys = vocabulary.keys if isinstance(vocabulary, Vocabulary) else vocabulary
        return cls(
            _at_least_one("min_count", min_count),
            None if max_vocab is None else _at_least_one("max_vocab", max_vocab),
            None if keys is None else checked_keys(keys),
            min(machine.processors(), _MOST_THREADS) if threads is None else _at_least_one("threads", threads),
        )


def _fingerprint(text: Text, options: _Options) -> str | None:
    """Hash of the files and of every option that changes the result; None where the source is not all files."""
    source = text.fingerprint()
    words: list[Any] = options.keys or [options.min_count, options.max_vocab]
    facts = [FORMAT_VERSION, source, words]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest() if source else None


def _at_least_one(option: str, value: object) -> int:
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ConfigError(f"{option} must be a whole number, at least 1, not {value!r}.")
    return number


def _read(text: Text, options: _Options, draft: Draft | None, report: Report | None) -> tuple[Lexicon[Any], int]:
    """Count every word, and put the tokens into the draft. Returns the lexicon and the number of bytes not in UTF-8."""
    fixed = None if text.phrases else options.keys  # a word that is not kept may be a part of a phrase that is
    lexicon: Lexicon[Place | None] = Lexicon(fixed, most_words())
    total = text.size() if report else None
    bad_bytes = 0

    def store(pieces: Pieces) -> tuple[Any, npt.NDArray[np.int64], int, int, Place | None]:
        return pieces.words, pieces.counts, pieces.bad_bytes, pieces.done, draft.put(pieces) if draft else None

    for words, counts, bad, done, place in cut_all(text, options.threads, store):
        bad_bytes += bad
        lexicon.add(place, words, counts)
        if lexicon.due():
            _settle(lexicon, draft)
        if report:
            report(done, total)
    _settle(lexicon, draft)
    if lexicon.forgotten:
        _warn_of_pruning(lexicon)
    return lexicon, bad_bytes


def _settle(lexicon: Lexicon[Place | None], draft: Draft | None) -> None:
    for place, ids in lexicon.settle():
        if draft and place:
            draft.append(place, ids)
    if lexicon.full():
        moved = lexicon.forget_rarest()
        if draft:
            draft.move(moved)


def most_words() -> int:
    """Distinct words that may be held while counting: a quarter of the memory this process may use."""
    return max(1_000_000, (machine.memory_limit() or 1 << 32) // 4 // _BYTES_A_WORD)


def _joined(
    phrases: LearntPhrases, lexicon: Lexicon[Any], draft: Draft, options: _Options
) -> tuple[Vocabulary, Iterator[Block]]:
    """The vocabulary of the text with its phrases joined, and that text in its ids.

    The draft is read and joined twice, once to count: that takes less room than a second draft.
    """
    every = np.where(lexicon.counts > 0, np.arange(len(lexicon)), -1).astype(np.int32)  # but not the empty word
    joined = Joined(phrases, lexicon.words, options.threads)

    def blocks() -> Iterator[Block]:
        return in_order(_renumbered, draft.read(every), options.threads)

    chosen, ranks = _chosen(joined.words, joined.counts(blocks()), lexicon.words_read, options)
    return chosen, (_renumbered((ids, ranks, ends)) for ids, ends in joined.blocks(blocks()))


def _chosen(words: Any, counts: npt.NDArray[np.int64], words_read: int, options: _Options) -> tuple[Vocabulary, Ids]:
    """The vocabulary, and the id in it of every word, -1 for those left out; `words`: pa.Array of str."""
    if options.keys is not None:
        return _given(words, counts, words_read, options.keys)
    frequent = np.flatnonzero(counts >= options.min_count)
    if not len(frequent):
        raise _no_words(words, counts, words_read, options.min_count)
    table = pa.table({"word": words.take(_as_arrow(frequent)), "count": _as_arrow(counts[frequent])})
    order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("word", "ascending")])[: options.max_vocab]
    chosen = frequent[np.frombuffer(order.buffers()[1], np.uint64, len(order))]
    ranks = np.full(len(counts), -1, np.int32)
    ranks[chosen] = np.arange(len(chosen), dtype=np.int32)
    return Vocabulary(table["word"].take(order).to_pylist(), counts[chosen]), ranks


def _given(words: Any, counts: npt.NDArray[np.int64], words_read: int, keys: list[str]) -> tuple[Vocabulary, Ids]:
    """The same where the vocabulary is a given list, with the counts of its words."""
    ids = ids_of(pa.concat_arrays([strings(keys).cast(words.type), words]).dictionary_encode())[len(keys) :]
    ranks = np.where(ids < len(keys), ids, np.int32(-1))
    known = ranks >= 0
    key_counts = np.zeros(len(keys), np.int64)
    np.add.at(key_counts, ranks[known], counts[known])
    if not key_counts.any():
        raise EmptyVocabularyError(
            f"None of the {len(keys):,} words of the given vocabulary is among the {words_read:,} read "
            "(min_count plays no part). Is the text cut as the vocabulary was?"
        )
    return Vocabulary(keys, key_counts), ranks


def _as_arrow(numbers: npt.NDArray[np.int64]) -> Any:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _renumbered(block: tuple[Ids, Ids, Ends]) -> Block:
    """A block in its final ids: of ids i4[n], the final id of each i4[w] (-1: dropped), ends i8[s]."""
    ids, final, ends = block
    tokens = final[ids]
    stays = tokens >= 0
    gone = np.flatnonzero(~stays)  # few: counting those before each end is cheaper than a running sum
    return tokens[stays], ends - np.searchsorted(gone, ends)


def _finish(blocks: Iterable[Block], tokens_file: IO[bytes], sentences_file: IO[bytes]) -> tuple[Ids, Ends]:
    """Write tokens and sentences in their final ids, and map them."""
    write_whole(sentences_file, np.zeros(1, np.int64))
    written, sentences, last = 0, 1, 0
    for tokens, local_ends in blocks:
        all_ends = local_ends + written
        ends = all_ends[np.diff(all_ends, prepend=last) > 0]  # not those of empty sentences
        write_whole(tokens_file, tokens)
        write_whole(sentences_file, ends)
        written += len(tokens)
        sentences += len(ends)
        last = int(ends[-1]) if len(ends) else last
    assert last == written, "the last sentence is not closed"
    return np.memmap(tokens_file, np.int32, "r", shape=(written,)), np.memmap(
        sentences_file, np.int64, "r", shape=(sentences,)
    )


def _temporary(folder: Path | None) -> IO[bytes]:
    """A file without a name where the system can: it vanishes with its last user, whatever happens."""
    return tempfile.TemporaryFile(prefix="firth-", dir=folder, buffering=0)


def _give_back_memory() -> None:
    """What reading has freed: Arrow and the C library would keep it, some 90 MB, while the tables are learnt."""
    pa.default_memory_pool().release_unused()
    machine.give_back_freed_memory()


def _no_words(words: Any, counts: npt.NDArray[np.int64], words_read: int, min_count: int) -> EmptyVocabularyError:
    if not words_read:
        return EmptyVocabularyError(
            f"The source holds no word: 0 words read (min_count={min_count}). Is it the right one?"
        )
    most = int(counts.max())
    word = words[int(counts.argmax())].as_py()
    return EmptyVocabularyError(
        f"None of the {words_read:,} words read comes min_count={min_count} times; the most frequent, "
        f"{word!r:.60}, comes {most:,} times. Lower min_count or give more text."
    )


def _warn_of_pruning(lexicon: Lexicon[Any]) -> None:
    warnings.warn(
        f"More than {lexicon.most:,} distinct words came, which is what memory allows while counting; "
        f"{lexicon.forgotten:,} rare ones were forgotten ({lexicon.tokens_forgotten:,} of {lexicon.words_read:,} words "
        f"read), each seen at most {lexicon.threshold:,} times by then. Such words may be missing or counted too low.",
        RuntimeWarning,
        stacklevel=4,
    )


def _disk_error(error: OSError, folder: Path | None) -> OSError:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, DiskFullError):
        return error
    place = os.fspath(folder) if folder else tempfile.gettempdir()
    cure = "give a workdir= on a larger disk" + ("" if folder else ", or set TMPDIR")
    return DiskFullError(
        f"The disk under {place!r} is full. An encoded corpus needs about 8 bytes a word while it is made: {cure}."
    )
