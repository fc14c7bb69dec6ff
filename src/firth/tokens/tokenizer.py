"""Tokens stage: tokenizers that are learnt, for networks: words, characters, WordPiece, BPE, Unigram.

All of them are trained, applied and saved (`tokenizer.json`) by Hugging Face's `tokenizers`, so every tool that reads
that file cuts alike. What is particular to a language is done before (`running.py`): words of Chinese are found by
rjieba, and WordPiece, BPE and Unigram take the text as it is.

Sennrich, Haddow & Birch 2016 (BPE; over bytes, as GPT-2's); Schuster & Nakajima 2012 and BERT (WordPiece); Kudo 2018
(Unigram).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from firth.errors import ConfigError, CorruptFileError, MissingExtraError
from firth.tokens.scripts import is_han

if TYPE_CHECKING:
    import tokenizers

Kind = Literal["words", "characters", "wordpiece", "bpe", "unigram"]
_ASCII_BLANKS: Final = r"[ \t\n\x0b\f\r]+"
_AT_ONCE: Final = 4096  # lines that are cut together


@dataclass(frozen=True)
class Tokenizer:
    """Text as numbers: a trained tokenizer, and which of its tokens have a part to play.

    >>> cutter = Tokenizer.train(["to be or not to be"], kind="words", special={"unk": "<unk>", "eos": "</s>"})
    >>> cutter.tokens
    ['<unk>', '</s>', 'be', 'to', 'not', 'or']
    >>> cutter.ids(["to see or not"])
    [[3, 0, 5, 4]]
    >>> cutter.text([3, 2, 1])
    'to be </s>'
    """

    backend: "tokenizers.Tokenizer"
    kind: Kind
    special: Mapping[str, str]
    """Roles and their tokens: pad, unk, bos, eos, cls, sep, mask; each model has those that it needs."""

    @classmethod
    def train(
        cls,
        lines: Iterable[str],
        *,
        kind: Kind,
        special: Mapping[str, str],
        vocab_size: int | None = None,
        min_count: int = 1,
        lower: bool = False,
    ) -> Self:
        """Learn a tokenizer from lines of text.

        kind        words: what stands between ASCII blanks. characters: every character, blanks too. wordpiece, bpe
                    (over bytes: nothing is ever unknown), unigram: parts of words, Han characters by themselves
        special     the tokens that get the first ids, by their roles
        vocab_size  at most so many tokens in all; None: all words or characters (30,000 for parts of words)
        min_count   words, characters and merges that come less often are left out (not for unigram)
        lower       lower-case the text first (and take off accents, with wordpiece, as BERT does)

        Raises ConfigError for a kind that is not known, or a vocab_size that leaves no room.
        """
        _check_installed()
        if kind not in _KINDS:
            raise ConfigError(f"There is no tokenizer {kind!r} for networks. There are: {', '.join(_KINDS)}.")
        if vocab_size is not None and vocab_size <= len(special):
            raise ConfigError(f"vocab_size must be more than the {len(special)} special tokens, not {vocab_size}.")
        if kind == "unigram" and min_count > 1:
            raise ConfigError("unigram has no min_count: it weighs all parts of words. Set vocab_size instead.")
        backend, trainer = _KINDS[kind](dict(special), vocab_size, min_count, lower)
        backend.train_from_iterator(lines, trainer)
        return cls(backend, kind, dict(special))

    def __len__(self) -> int:
        return self.backend.get_vocab_size()

    @cached_property
    def tokens(self) -> list[str]:
        """All tokens, in the order of their ids."""
        vocabulary = self.backend.get_vocab()
        return sorted(vocabulary, key=vocabulary.__getitem__)

    def id_of(self, role: str) -> int:
        """The id of the token with a role: `id_of("mask")`. Raises ConfigError where this tokenizer has none."""
        found = self.backend.token_to_id(self.special.get(role, ""))
        if found is None:
            raise ConfigError(f"This tokenizer has no token for {role!r}: it has {', '.join(self.special)}.")
        return found

    def ids(self, texts: Sequence[str], *, special: bool = False) -> list[list[int]]:
        """The ids of each text; no token is added.

        special  whether a special token that stands in a text ("[MASK]") is that token, or so many letters
        """
        self.backend.encode_special_tokens = not special
        return [found.ids for found in self.backend.encode_batch_fast(texts, add_special_tokens=False)]

    def ids_of_lines(self, lines: Iterable[str]) -> Iterator[list[int]]:
        """The ids of each line, one after the other."""
        some: list[str] = []
        for line in lines:
            some.append(line)
            if len(some) == _AT_ONCE:
                yield from self.ids(some)
                some = []
        yield from self.ids(some)

    def word_begins(self, lines: Iterable[str]) -> Iterator[list[bool]]:
        """For each line whether each of its tokens begins a word; Han characters without a blank between are one word.

        So what rjieba found is kept: a text that is cut by tokenizer="chinese" has blanks between its words.
        """
        for line in lines:
            found = self.backend.encode(line, add_special_tokens=False)
            begins, before, end = list[bool](), None, -1
            for word, (start, stop) in zip(found.word_ids, found.offsets, strict=True):
                joins = start == end and is_han(line[start : start + 1]) and is_han(line[end - 1 : end])
                begins.append(word != before and not joins)
                before, end = word, stop
            yield begins

    def spans(self, text: str, *, special: bool = False) -> list[tuple[int, int, int]]:
        """(id, start, end) of each token of a text: which of its characters it stands for."""
        self.backend.encode_special_tokens = not special
        found = self.backend.encode(text, add_special_tokens=False)
        return [(token, *span) for token, span in zip(found.ids, found.offsets, strict=True)]

    def text(self, ids: Sequence[int], *, special: bool = True) -> str:
        """The text that tokens stand for; `special`: with the special ones among them."""
        return self.backend.decode(list(ids), skip_special_tokens=not special)

    def to_json(self) -> bytes:
        """What tokenizer.json holds."""
        return self.backend.to_str(pretty=True).encode()

    @classmethod
    def from_json(cls, text: bytes, kind: Kind, special: Mapping[str, str], path: Any = "tokenizer.json") -> Self:
        """The tokenizer that `to_json` gave. Raises CorruptFileError for what is none."""
        _check_installed()
        import tokenizers

        try:
            backend = tokenizers.Tokenizer.from_str(text.decode())
        except Exception as error:  # noqa: BLE001  # the library raises Exception itself
            raise CorruptFileError(f"{path} is no tokenizer: {str(error)[:200]}. Copy it again.") from None
        found = cls(backend, kind, dict(special))
        for role, token in special.items():
            if backend.token_to_id(token) is None:
                raise CorruptFileError(
                    f"{path} has no token {token!r} ({role}), which config.json names. Copy it again."
                )
        return found


def _check_installed() -> None:
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        raise MissingExtraError("Tokenizers for networks need tokenizers: pip install 'firth[lm]'") from None


Made = tuple["tokenizers.Tokenizer", Any]
_PARTS: Final = 30_000  # as BERT's


def _words(special: dict[str, str], size: int | None, least: int, lower: bool) -> Made:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.WordLevel(unk_token=special["unk"]))
    if lower:
        backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(_ASCII_BLANKS), "removed")
    return backend, trainers.WordLevelTrainer(
        vocab_size=size or 1 << 31, min_frequency=least, special_tokens=list(special.values()), show_progress=False
    )


def _characters(special: dict[str, str], size: int | None, least: int, lower: bool) -> Made:
    from tokenizers import Regex, decoders, pre_tokenizers

    backend, trainer = _words(special, size, least, lower)
    backend.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")  # lines hold no newline
    backend.decoder = decoders.Fuse()
    return backend, trainer


def _wordpiece(special: dict[str, str], size: int | None, least: int, lower: bool) -> Made:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.WordPiece(unk_token=special["unk"], max_input_chars_per_word=100))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lower)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    return backend, trainers.WordPieceTrainer(
        vocab_size=size or _PARTS,
        min_frequency=least,
        special_tokens=list(special.values()),
        continuing_subword_prefix="##",
        show_progress=False,
    )


def _bpe(special: dict[str, str], size: int | None, least: int, lower: bool) -> Made:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.BPE())
    if lower:
        backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend, trainers.BpeTrainer(
        vocab_size=size or _PARTS,
        min_frequency=least,
        special_tokens=list(special.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )


def _unigram(special: dict[str, str], size: int | None, least: int, lower: bool) -> Made:  # noqa: ARG001  # as the others
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    backend = Tokenizer(models.Unigram())
    steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if lower else [])]
    backend.normalizer = normalizers.Sequence(steps)
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return backend, trainers.UnigramTrainer(
        vocab_size=size or _PARTS,
        special_tokens=list(special.values()),
        unk_token=special["unk"],
        show_progress=False,
    )


_KINDS: Final[dict[str, Callable[[dict[str, str], int | None, int, bool], Made]]] = {
    "words": _words,
    "characters": _characters,
    "wordpiece": _wordpiece,
    "bpe": _bpe,
    "unigram": _unigram,
}
