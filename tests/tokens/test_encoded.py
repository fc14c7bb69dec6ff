"""The encoded corpus against a twin of ten lines, for every option, and the folder that keeps it."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firth.corpus import blocks
from firth.corpus.text import Text
from firth.errors import (
    ConfigError,
    DiskFullError,
    EmptyVocabularyError,
    EncodingError,
    InputError,
)
from firth.tokens import encoded as encoding
from firth.tokens import lexicon
from firth.tokens.encoded import Encoded, encode
from firth.tokens.ordered import in_order
from firth.vocabulary import Vocabulary


def twin(
    lines: list[str], min_count: int, max_vocab: int | None = None
) -> tuple[list[str], list[int], list[list[int]]]:
    """Keys, counts and sentences of ids, in plain Python; bytes.split cuts at the six blanks of ASCII."""
    sentences = [[word.decode() for word in line.encode().split()] for text in lines for line in text.split("\n")]
    counts = Counter(word for sentence in sentences for word in sentence)
    keys = sorted((key for key in counts if counts[key] >= min_count), key=lambda key: (-counts[key], key))[:max_vocab]
    ids = {key: i for i, key in enumerate(keys)}
    numbered = [[ids[word] for word in sentence if word in ids] for sentence in sentences]
    return keys, [counts[key] for key in keys], [sentence for sentence in numbered if sentence]


def plain(corpus: Encoded) -> tuple[list[str], list[int], list[list[int]]]:
    bounds = corpus.sentences.tolist()
    tokens = corpus.tokens.tolist()
    sentences = [tokens[start:end] for start, end in pairwise(bounds)]
    return corpus.vocabulary.keys, corpus.vocabulary.counts.tolist(), sentences


# few letters, so that words repeat; blanks of every kind; characters that other splitters cut at and this one must not
LINES = st.lists(
    st.text(st.sampled_from("ab \t\n\v\f\r\x00\x01\x1c\x1f\x85\xa0é北\u2028\u3000😀"), max_size=30),
    min_size=1,
    max_size=20,
)


@settings(max_examples=150)
@given(lines=LINES, min_count=st.integers(1, 3), max_vocab=st.none() | st.integers(1, 4), block=st.integers(1, 40))
def test_encode_equals_its_twin_however_the_text_falls_into_blocks(
    lines: list[str], min_count: int, max_vocab: int | None, block: int
) -> None:
    keys, counts, sentences = twin(lines, min_count, max_vocab)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        text = Text(iter(lines))
        if not keys:
            with pytest.raises(EmptyVocabularyError, match=rf"min_count={min_count}"):
                encode(text, min_count=min_count, max_vocab=max_vocab)
            return
        with encode(text, min_count=min_count, max_vocab=max_vocab, threads=2) as corpus:
            assert plain(corpus) == (keys, counts, sentences)
            assert corpus.words_read == sum(len(line.encode().split()) for line in lines)
            assert corpus.tokens.dtype == np.int32
            assert corpus.sentences.dtype == np.int64


@settings(max_examples=25)
@given(lines=LINES, block=st.sampled_from([7000, 7001, 20011]))
def test_a_file_is_its_lines(lines: list[str], block: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", block)
        path = Path(folder) / "text.txt"
        path.write_bytes(("x\n" * 30000 + "\n".join(lines)).encode())  # so many: a head full of NULs would be no text
        with encode(path, min_count=1) as corpus:
            assert plain(corpus) == twin(["x"] * 30000 + lines, 1)


@settings(max_examples=60)
@given(
    sentences=st.lists(st.lists(st.sampled_from(["a", "b", "c d", "e\nf", "", "北"]), max_size=6), max_size=12),
    block=st.integers(1, 9),
)
def test_lists_of_words_are_taken_as_they_are(sentences: list[list[str]], block: int) -> None:
    words = [[word for word in sentence if word] for sentence in sentences]
    if not any(words):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "TOKENS", block)
        with encode(iter(sentences), min_count=1) as corpus:
            keys = corpus.vocabulary.keys
            assert [[keys[i] for i in sentence] for sentence in plain(corpus)[2]] == [list(s) for s in words if s]
            assert dict(zip(keys, plain(corpus)[1], strict=True)) == Counter(word for s in words for word in s)


def test_order_is_by_count_then_by_code_points() -> None:
    with encode(["b a é Z b a é Z c"], min_count=1) as corpus:
        assert corpus.vocabulary.keys == ["Z", "a", "b", "é", "c"]


def test_min_count_drops_the_rare_and_the_sentences_they_leave_empty() -> None:
    with encode(["a b a", "b", "c", "a"], min_count=2) as corpus:
        assert plain(corpus) == (["a", "b"], [3, 2], [[0, 1, 0], [1], [0]])
        assert corpus.words_read == 6


def test_max_vocab_keeps_the_most_frequent_and_of_equals_the_first_by_key() -> None:
    with encode(["c b a a c b d"], min_count=1, max_vocab=2) as corpus:
        assert corpus.vocabulary.keys == ["a", "b"]
        assert corpus.tokens.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("given_list", [list("北京欢迎你"), tuple("北京欢迎你"), np.array(list("北京欢迎你"))])
def test_a_given_vocabulary_fixes_keys_and_ids(given_list: object) -> None:
    with encode([["你", "好", "北", "京", "北"], ["好"]], vocabulary=given_list) as corpus:  # type: ignore[arg-type]
        assert corpus.vocabulary.keys == ["北", "京", "欢", "迎", "你"]
        assert all(type(key) is str for key in corpus.vocabulary.keys)
        assert corpus.vocabulary.counts.tolist() == [2, 1, 0, 0, 1]
        assert corpus.tokens.tolist() == [4, 0, 1, 0]
        assert corpus.sentences.tolist() == [0, 4]
        assert corpus.words_read == 6


def test_a_vocabulary_fixes_ids_too_and_its_counts_are_counted_anew() -> None:
    with encode([["b", "b", "a"]], vocabulary=Vocabulary(["a", "b"], [10, 9])) as corpus:
        assert plain(corpus) == (["a", "b"], [1, 2], [[1, 1, 0]])


def test_a_given_vocabulary_that_the_text_lacks_is_refused() -> None:
    with pytest.raises(EmptyVocabularyError, match=r"None of the 2 words of the given vocabulary is among the 3 read"):
        encode(["a b c"], vocabulary=["x", "y"])


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="'a' comes twice"):
        encode(["a"], vocabulary=["a", "b", "a"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"min_count": 0}, "min_count"),
        ({"min_count": 1.5}, "min_count"),
        ({"min_count": True}, "min_count"),
        ({"max_vocab": 0}, "max_vocab"),
        ({"threads": 0}, "threads"),
        ({"threads": "two"}, "threads"),
        ({"vocabulary": ["a"], "max_vocab": 3}, "vocabulary="),
        ({"workdir": 7}, "workdir"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, object], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        encode(["a a a a a"], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("given_list", ["abc", 3, [1, 2]])
def test_a_vocabulary_of_another_type_is_refused(given_list: object) -> None:
    with pytest.raises(InputError, match="vocabulary"):
        encode(["a"], vocabulary=given_list)  # type: ignore[arg-type]


def test_no_word_at_all_names_min_count_and_the_words_read() -> None:
    with pytest.raises(EmptyVocabularyError, match=r"0 words read \(min_count=5\)"):
        encode([" \n\n", ""])
    with pytest.raises(EmptyVocabularyError, match=r"7 words read comes min_count=5 times.*'a', comes 4 times"):
        encode(["a b a b a b a"])


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    lines = [f"w{i % 7} w{i % 11} w{i % 13}" for i in range(1000)]
    assert plain(encode(lines, threads=1)) == plain(encode(lines, threads=5)) == twin(lines, 5)


def test_threads_is_how_many_work() -> None:
    gate = threading.Barrier(3)

    def work(item: int) -> int:
        gate.wait(10)  # passes only where three are in here at once
        return item

    assert list(in_order(work, range(6), threads=3)) == list(range(6))


def test_report_is_told_how_far_reading_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 70000)
    path = tmp_path / "text"
    path.write_text("a b c\n" * 40000)
    told: list[tuple[int, int | None]] = []
    encode(path, report=lambda done, total: told.append((done, total)))
    assert len(told) >= 3
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (240000, 240000)
    told.clear()
    encode(["a b c"] * 10, report=lambda done, total: told.append((done, total)))
    assert told == [(60, None)]


def test_bad_bytes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "latin"
    path.write_bytes(b"na\xefve caf\xe9\n" * 3)
    with encode(Text(path, errors="replace"), min_count=1) as corpus:
        assert corpus.vocabulary.keys == ["caf\ufffd", "na\ufffdve"]
        assert corpus.bad_bytes == 6
    with encode(Text(path, errors="ignore"), min_count=1) as corpus:
        assert corpus.vocabulary.keys == ["caf", "nave"]
        assert corpus.bad_bytes == 6


def test_strict_names_the_file_the_byte_and_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    path = tmp_path / "latin.txt"
    path.write_bytes(b"\xef\xbb\xbf" + b"good line\n" * 500 + b"ab\xff\n" + b"more\n" * 500)
    with pytest.raises(EncodingError, match=r"latin.txt' is not UTF-8 at byte 5,005 \(line 501\): byte 0xff"):
        encode(path)


def test_one_line_longer_than_many_blocks_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    path = tmp_path / "one"
    path.write_text("ab cd " * 20000)  # no newline at all
    with encode(path) as corpus:
        assert corpus.sentences.tolist() == [0, 40000]
        assert corpus.tokens[:3].tolist() == [0, 1, 0]


def test_a_word_longer_than_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(blocks, "LONGEST_WORD", 300_000)
    path = tmp_path / "one"
    path.write_text("ab " + "x" * 1_000_000)
    monkeypatch.setattr(blocks, "BLOCK", 100_000)
    with pytest.raises(InputError, match="no white space in the"):
        encode(path)
    monkeypatch.setattr(blocks, "LONGEST_WORD", 2_000_000)
    with encode(path, min_count=1) as corpus:
        assert max(map(len, corpus.vocabulary.keys)) == 1_000_000


def test_without_workdir_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    corpus = encode(["a b"] * 9)
    assert list(tmp_path.iterdir()) == []
    corpus.close()
    assert len(corpus.tokens) == 0
    with pytest.raises(EmptyVocabularyError):
        encode(["a b"])
    assert list(tmp_path.iterdir()) == []


def test_the_arrays_outlive_their_files() -> None:
    tokens = encode(["a b"] * 9).tokens
    assert tokens.tolist() == [0, 1] * 9
    assert isinstance(tokens, np.memmap)


# ── the folder that keeps it ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("to be or not to be\nthat is the question\n" * 5)
    return path


def test_workdir_keeps_and_reuses(text_file: Path, tmp_path: Path) -> None:
    work = tmp_path / "deep" / "work"
    first = encode(text_file, min_count=1, workdir=work)
    assert not first.reused
    assert sorted(path.name for path in work.iterdir()) == [
        "encoded.json",
        "sentences.i64",
        "tokens.i32",
        "vocabulary.tsv",
    ]
    again = encode(text_file, min_count=1, workdir=work)
    assert again.reused
    assert plain(again) == plain(first)
    assert (again.words_read, again.bad_bytes, again.pruned) == (first.words_read, first.bad_bytes, first.pruned)
    assert again.fingerprint == first.fingerprint == json.loads((work / "encoded.json").read_text())["fingerprint"]
    assert np.fromfile(work / "tokens.i32", "<i4").tolist() == first.tokens.tolist()
    assert np.fromfile(work / "sentences.i64", "<i8").tolist() == first.sentences.tolist()
    assert Vocabulary.load(work / "vocabulary.tsv") == first.vocabulary


@pytest.mark.parametrize(
    "change",
    [
        {"min_count": 2},
        {"max_vocab": 3},
        {"vocabulary": ["be", "to"]},
        {"text": {"lower": True}},
        {"text": {"tokenizer": "words"}},
        {"text": {"errors": "ignore"}},
    ],
)
def test_another_option_is_another_corpus(text_file: Path, tmp_path: Path, change: dict[str, object]) -> None:
    encode(text_file, min_count=1, workdir=tmp_path / "work")
    options: dict[str, object] = {"min_count": 1, **change}
    text = Text(text_file, **options.pop("text", {}))  # type: ignore[arg-type]
    changed = encode(text, workdir=tmp_path / "work", **options)  # type: ignore[arg-type]
    assert not changed.reused
    assert encode(text, workdir=tmp_path / "work", **options).reused  # type: ignore[arg-type]


def test_a_changed_file_is_read_again(text_file: Path, tmp_path: Path) -> None:
    encode(text_file, min_count=1, workdir=tmp_path / "work")
    text_file.write_text("x y z\n")
    assert encode(text_file, min_count=1, workdir=tmp_path / "work").vocabulary.keys == ["x", "y", "z"]
    before = text_file.stat()
    text_file.write_text("x y w\n")  # the same size and time: the checksum of its ends tells
    os.utime(text_file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert encode(text_file, min_count=1, workdir=tmp_path / "work").vocabulary.keys == ["w", "x", "y"]


@pytest.mark.parametrize("name", ["tokens.i32", "sentences.i64", "vocabulary.tsv", "encoded.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone", "empty"])
def test_a_damaged_one_is_made_again(text_file: Path, tmp_path: Path, name: str, damage: str) -> None:
    work = tmp_path / "work"
    good = plain(encode(text_file, min_count=1, workdir=work))
    path = work / name
    data = path.read_bytes()
    middle = len(data) // 2
    damaged = {"cut": data[:-3], "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :], "empty": b""}
    path.unlink() if damage == "gone" else path.write_bytes(damaged[damage])
    again = encode(text_file, min_count=1, workdir=work)
    assert plain(again) == good
    assert encode(text_file, min_count=1, workdir=work).reused


def test_what_has_no_fingerprint_is_kept_but_never_taken_for_another(tmp_path: Path) -> None:
    work = tmp_path / "work"
    assert encode(["a b"], min_count=1, workdir=work).fingerprint is None
    assert not encode(["a b"], min_count=1, workdir=work).reused
    assert plain(encode(["c"], min_count=1, workdir=work))[0] == ["c"]


def test_a_failure_leaves_the_old_one_whole(text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    encode(text_file, min_count=1, workdir=work)
    with pytest.raises(EmptyVocabularyError):
        encode(text_file, min_count=1000, workdir=work)
    monkeypatch.setattr(encoding, "write_whole", _disk_full)
    with pytest.raises(DiskFullError, match="work"):
        encode(text_file, min_count=2, workdir=work)
    assert len(list(work.iterdir())) == 4
    assert encode(text_file, min_count=1, workdir=work).reused


def _disk_full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "write_whole", _disk_full)
    with pytest.raises(DiskFullError, match="TMPDIR"):
        encode(["a b"], min_count=1)


def test_what_a_killed_run_left_is_removed(text_file: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (work / f".firth-new-{dead.pid}-tokens.i32").write_bytes(b"left")
    (work / f".firth-new-{os.getppid()}-tokens.i32").write_bytes(b"another run's")
    encode(text_file, min_count=1, workdir=work)
    assert [path.name for path in work.glob(".firth-new-*")] == [f".firth-new-{os.getppid()}-tokens.i32"]


def test_workdir_must_be_a_folder(text_file: Path) -> None:
    with pytest.raises(InputError, match="workdir="):
        encode(text_file, workdir=text_file)


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_forgetting_the_rarest_keeps_the_frequent_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 2000)
    monkeypatch.setattr(encoding, "most_words", lambda: 300)
    monkeypatch.setattr(lexicon, "_SETTLED_AT", 100)
    lines = [f"often again u{i} v{i} also{i % 5}" for i in range(2000)]
    with pytest.warns(RuntimeWarning, match=r"More than 300 distinct words.*were forgotten"):
        corpus = encode(lines, min_count=2)
    keys, counts, sentences = plain(corpus)
    assert (keys, counts, sentences) == twin(
        [" ".join(w for w in line.split() if w[0] not in "uv") for line in lines], 2
    )
    assert corpus.pruned > 3500
    assert corpus.words_read == 10000


def test_what_is_forgotten_and_comes_again_is_counted_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr(encoding, "most_words", lambda: 200)
    monkeypatch.setattr(lexicon, "_SETTLED_AT", 100)
    lines = ["early top"] + [f"top x{i}" for i in range(1000)] + ["early top"] * 400
    with pytest.warns(RuntimeWarning):
        corpus = encode(lines, min_count=2)
    keys, counts, sentences = plain(corpus)
    assert keys == ["top", "early"]
    assert counts == [1401, 400]  # the first `early` is lost, in the counts and in the tokens alike
    assert sum(map(len, sentences)) == sum(counts) == len(corpus.tokens)


def test_nothing_is_forgotten_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "most_words", lambda: 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encode(["a b c"], min_count=1).pruned == 0


_MEASURE = textwrap.dedent("""
    import sys
    import numpy as np
    from firth.corpus import blocks
    from firth.tokens.encoded import encode

    def peak():  # of this process image; ru_maxrss would also hold what the parent had before exec
        line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    blocks.BLOCK = 1 << 20
    encode(sys.argv[1], min_count=1, threads=2).close()   # a first, small one: libraries are loaded and pools warm
    before = peak()
    corpus = encode(sys.argv[2], threads=2)
    print(len(corpus.tokens), len(corpus.sentences), peak() - before)
""")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("newline", ["\n", " "], ids=["lines", "one line"])
def test_memory_does_not_grow_with_the_corpus(tmp_path: Path, newline: str) -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(5000)])
    line = [" ".join(words[rng.integers(0, 5000, 1000)]) + newline for _ in range(120)]
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_text("".join(line) * 3)
    with open(large, "w") as file:
        for _ in range(120):
            file.write("".join(line))
    size = large.stat().st_size
    assert size > 120_000_000
    found = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(small), str(large)], capture_output=True, text=True, check=True
    ).stdout.split()
    tokens, sentences, growth = map(int, found)
    assert tokens == 120 * 120 * 1000
    assert sentences == (120 * 120 + 1 if newline == "\n" else 2)
    assert growth < size // 2


def test_reading_a_file_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("a b c\n" * 9)
    code = """if True:
        import sys
        from firth.tokens.encoded import encode
        encode(sys.argv[1])
        encode([["a", "B"]] * 9)
        print([name for name in ("pandas", "numba", "torch") if name in sys.modules])"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "t")], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
