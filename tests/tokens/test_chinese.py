"""Chinese: words by rjieba, in this process and in others; characters, sentences, widths, scripts."""

import json
import os
import signal
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import firth
from firth.corpus import blocks
from firth.errors import (
    ConfigError,
    EncodingError,
    FirthError,
    InputError,
    MissingExtraError,
    MissingInputError,
    ResourceError,
)
from firth.tokens import chinese, cutters, scripts
from firth.tokens.encoded import encode
from firth.tokens.words import split

rjieba = pytest.importorskip("rjieba", exc_type=ImportError)

TEXT = "我喜欢自然语言处理，他喜欢 北京。小明硕士毕业于中国科学院计算所！"
WORDS = [
    *["我", "喜欢", "自然语言", "处理", "他", "喜欢", "北京"],
    *["小明", "硕士", "毕业", "于", "中国科学院", "计算所"],
]
MIXED = st.text(
    st.sampled_from(
        "我喜欢自然语言处理北京国王猫，。！？；…」” \n\t\x1eaB9.-+_é한ひカФΩ々〇𠀀𰀀ＡＢ９＋　\x00\ue000\ufffd"
    )
    | st.characters(exclude_categories=["Cs"]),
    max_size=40,
)


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small texts too are cut in processes, in small blocks."""
    monkeypatch.setattr(cutters, "_FEW", 0)
    monkeypatch.setattr(blocks, "BLOCK", 512)


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT, WORDS),
        ("", []),
        ("，。！", []),
        ("iPhone15手机100%", ["iPhone15", "手机", "100%"]),
        ("他在2018年写Ｃ＋＋和３.１４", ["他", "在", "2018", "年", "写", "C++", "和", "3.14"]),
        ("Müller在café，xé是Москва人", ["Müller", "在", "café", "xé", "是", "Москва", "人"]),
        ("M üller", ["M", "üller"]),
        ("３é ＡéＢ", ["3é", "AéB"]),
        ("ひらがな和カタカナ", ["ひらがな", "和", "カタカナ"]),
        ("二〇一九年人々", ["二", "〇", "一", "九年", "人", "々"]),
        ("我喜歡自然語言處理", ["我", "喜歡", "自然", "語言", "處理"]),
        ("𠀀𠀁字", ["𠀀𠀁", "字"]),
        ("北京\x00上海\ue000天津\ufffd重庆\u200b广州", ["北京", "上海", "天津", "重庆", "广州"]),
        ("--- ... +", []),
        ("猫\ue000狗é鸟", ["猫", "狗", "é", "鸟"]),  # the mark that stands for é while rjieba cuts
        ("北\n京\r\n上海　天津", ["北", "京", "上海", "天津"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert split([text], tokenizer="chinese") == [words]
    found = list(firth.Text([text], tokenizer="chinese"))
    assert [word for sentence in found for word in sentence] == words


def test_they_are_rjiebas() -> None:
    """Where only Han, ASCII and punctuation stand, nothing but punctuation differs from rjieba's own cut."""
    text = "小明说：“我来到北京清华大学(1911年建)！”，然后走了……iPhone-15 is 3.14% baidu.com。研究生命的起源\n" * 3
    for hmm in (True, False):
        expected = [word for word in rjieba.cut(text, hmm) if any(map(str.isalnum, word))]
        assert split([text], tokenizer="chinese", hmm=hmm) == [expected]


def test_hmm_guesses_words_that_no_dictionary_has() -> None:
    text = "他来到了网易杭研大厦"
    assert "杭研" in split([text], tokenizer="chinese")[0]
    assert "杭研" not in split([text], tokenizer="chinese", hmm=False)[0]
    assert list(firth.Text([text], tokenizer="chinese", hmm=False)) == split([text], tokenizer="chinese", hmm=False)


def test_words_are_lower_cased_after_they_are_cut() -> None:
    """The dictionary has T恤 and no t恤."""
    assert split(["买T恤吧"], tokenizer="chinese", lower=True) == [["买", "t恤", "吧"]]
    assert list(firth.Text(["买T恤吧"], tokenizer="chinese", lower=True)) == [["买", "t恤", "吧"]]


def test_lone_surrogates_are_no_words() -> None:
    assert split(["北京\ud800上海", "天\udfff"], tokenizer="chinese") == [["北京", "上海"], ["天"]]
    assert split(["北\ud800京"], tokenizer="characters") == [["北", "京"]]


@given(texts=st.lists(MIXED, max_size=5), tokenizer=st.sampled_from(["chinese", "characters"]))
def test_texts_do_not_touch_each_other(texts: list[str], tokenizer: str) -> None:
    assert split(texts, tokenizer=tokenizer) == [split([text], tokenizer=tokenizer)[0] for text in texts]


@given(texts=st.lists(MIXED, max_size=5), tokenizer=st.sampled_from(["chinese", "characters"]), hmm=st.booleans())
def test_no_letter_is_lost_or_moved(texts: list[str], tokenizer: str, hmm: bool) -> None:
    options = {"hmm": hmm} if tokenizer == "chinese" else {}
    for text, words in zip(texts, split(texts, tokenizer=tokenizer, **options), strict=True):  # type: ignore[arg-type]
        letters = [c for c in chinese.normalise(text) if c.isalnum()]
        assert [c for c in "".join(words) if c.isalnum()] == letters
        assert all(words)


def test_a_run_without_a_mark_is_cut_in_bounded_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chinese, "_STRETCH", 8)
    monkeypatch.setattr(chinese, "_LONGEST", 32)
    asked: list[int] = []

    class Counting:
        def cut(self, text: str, hmm: bool) -> list[str]:
            asked.append(len(text))
            return list(text)

    text = "北京，天津" * 20 + "猫" * 500 + "，狗"
    spaced = chinese.spacing_by(Counting(), True, False)(text)
    assert spaced.replace(" ", "") == text
    assert max(asked) <= 32
    assert asked.count(32) == 15  # the cats; elsewhere behind a mark


@given(MIXED)
@example("写C++和3.14、Ｃ＋＋或Mé")
def test_stretches_end_where_rjieba_cuts_anyway(text: str) -> None:
    whole = split([text, TEXT], tokenizer="chinese")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chinese, "_STRETCH", 1)
        assert split([text, TEXT], tokenizer="chinese") == whole


# ── own words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_own_words_from_a_list_and_a_file(tmp_path: Path) -> None:
    text, without = "量子机器狗和Ｃ＋＋＋语言", split(["量子机器狗和C+++语言"], tokenizer="chinese")[0]
    expected = ["量子机器狗", "和", "C+++语言"]
    assert without != expected
    path = tmp_path / "own.txt"
    path.write_bytes("\ufeff量子机器狗 100 n\r\n\n Ｃ＋＋＋语言\n".encode())
    for own in (["量子机器狗", "C+++语言"], ("量子机器狗 7", "Ｃ＋＋＋语言 7 nz"), path, str(path)):
        assert split([text], tokenizer="chinese", own_words=own) == [expected]
        assert list(firth.Text([text], tokenizer="chinese", own_words=own)) == [expected]
    assert split([text], tokenizer="chinese")[0] == without  # they were added to a dictionary of their own
    assert firth.Text([text], tokenizer="chinese", own_words=path).options()["own_words"] == [
        "量子机器狗 100 n",
        "C+++语言",
    ]


def test_a_count_decides_whether_an_own_word_wins() -> None:
    text = "如果放到旧字典中将出错"
    rare, frequent = (split([text], tokenizer="chinese", hmm=False, own_words=[f"中将 {n}"])[0] for n in (1, 1_000_000))
    assert "中将" not in rare
    assert "中将" in frequent


@pytest.mark.parametrize(
    ("own", "kind", "says"),
    [
        (7, ConfigError, "must be a list of words, or a file"),
        (b"own.txt", ConfigError, "must be a list of words, or a file"),
        (["猫", 7], ConfigError, r"own_words\[1\] is 7"),
        (["猫", " "], ConfigError, r"own_words\[1\]"),
        (["\ud800"], ConfigError, r"own_words\[0\]"),
        (["猫 0"], ConfigError, "count 0; it must be at least 1"),
        (["猫 99999999999"], ConfigError, "count 99,999,999,999"),
    ],
)
def test_own_words_that_are_none(own: object, kind: type[FirthError], says: str) -> None:
    with pytest.raises(kind, match=says):
        firth.Text(["猫"], tokenizer="chinese", own_words=own)


def test_a_file_of_own_words_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    with pytest.raises(MissingInputError, match=r"no file '.*own\.txt'"):
        split(["猫"], tokenizer="chinese", own_words=path)
    path.write_bytes("北京\n".encode("gb18030"))
    with pytest.raises(EncodingError, match="not UTF-8 at line 1"):
        split(["猫"], tokenizer="chinese", own_words=path)
    path.write_text("猫\n\n狗 0\n")
    with pytest.raises(InputError, match="line 3: '狗' has the count 0"):
        split(["猫"], tokenizer="chinese", own_words=path)
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        split(["猫"], tokenizer="chinese", own_words=tmp_path)


def test_own_words_that_can_never_be_found_are_named() -> None:
    with pytest.warns(RuntimeWarning, match=r"2 of 4 own words can never be found.*'约翰·史密斯', 'Edu Trust认证'"):
        firth.Text(["猫"], tokenizer="chinese", own_words=["约翰·史密斯", "Edu Trust认证 2000", "k-pop", "Müller"])


@pytest.mark.parametrize(
    "options",
    [
        {"tokenizer": "words", "own_words": ["猫"]},
        {"tokenizer": "whitespace", "hmm": False},
        {"tokenizer": "characters", "hmm": False},
        {"tokenizer": "words", "split_sentences": True},
        {"tokenizer": "chinese", "hmm": 1},
        {"tokenizer": "chinese", "split_sentences": None},
    ],
)
def test_options_that_are_not_for_this_tokenizer(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(name for name in options if name != "tokenizer")):
        firth.Text(["猫"], **options)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        split(["猫"], **options)  # type: ignore[arg-type]


# ── characters ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我有iPhone15。", ["我", "有", "iPhone15"]),
        ("ＡＢＣ公司don't", ["ABC", "公", "司", "don't"]),
        ("食べる，人々二〇𠀀", ["食", "べ", "る", "人", "々", "二", "〇", "𠀀"]),
        ("Москва한국 café", ["Москва한국", "café"]),
        ("3.14圆", ["3.14", "圆"]),
    ],
)
def test_characters(text: str, words: list[str]) -> None:
    assert split([text], tokenizer="characters") == [words]
    assert list(firth.Text([text], tokenizer="characters")) == [words]


# ── sentences and widths ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("他说：「好。」然后走了……真的？！", ["他说：「好。」", "然后走了……", "真的？！"]),
        ("“来吧！”他喊；我没去\n第二行", ["“来吧！”", "他喊；", "我没去", "第二行"]),
        ("3.5。 好", ["3.5。", "好"]),
        ("", []),
        ("。。。", ["。。。"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert chinese.sentences(text) == sentences


@given(MIXED)
def test_sentences_keep_every_character_and_end_at_marks_only(text: str) -> None:
    found = chinese.sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    for sentence in found:
        inner = sentence.rstrip("」』”’）》〉】〕｣\"'").rstrip("。！？；｡…⋯")
        assert not set(inner) & set("。！？；｡…⋯\n")


@given(text=MIXED, tokenizer=st.sampled_from(["chinese", "characters"]))
def test_a_corpus_is_split_as_sentences_are(text: str, tokenizer: str) -> None:
    expected = split(chinese.sentences(text), tokenizer=tokenizer)
    found = list(firth.Text(iter([text]), tokenizer=tokenizer, split_sentences=True))
    assert found == [words for words in expected if words]


def test_a_line_is_a_sentence_unless_it_is_split() -> None:
    assert len(list(firth.Text([TEXT], tokenizer="chinese"))) == 1
    assert list(firth.Text([TEXT], tokenizer="chinese", split_sentences=True)) == [WORDS[:7], WORDS[7:]]


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_normalise_is_nfkc_for_the_wide_forms_of_ascii(text: str) -> None:
    import unicodedata

    found = chinese.normalise(text)
    assert len(found) == len(text)
    for before, after in zip(text, found, strict=True):
        wide = "\uff01" <= before <= "\uff5e" or before == "\u3000"
        assert after == (unicodedata.normalize("NFKC", before) if wide else before)


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_processes_cut_as_this_one_does_and_keep_the_order(in_processes: None) -> None:
    lines = [f"第{n}行，{TEXT}Müller{n}" for n in range(400)]
    options = {"own_words": ["硕士毕业"], "hmm": False}
    with encode(firth.Text(lines, tokenizer="chinese", **options), min_count=1, threads=3) as corpus:  # type: ignore[arg-type]
        keys = corpus.vocabulary.keys
        bounds = corpus.sentences.tolist()
        found = [[keys[i] for i in corpus.tokens[a:b]] for a, b in pairwise(bounds)]  # in order
    assert found == split(lines, tokenizer="chinese", **options)  # type: ignore[arg-type]
    assert found[123][:3] == ["第", "123", "行"]


@pytest.mark.parametrize("tokenizer", ["chinese", "characters"])
def test_a_text_in_one_line_without_blanks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: str) -> None:
    """It is read in blocks that end behind marks, and stays one sentence."""
    monkeypatch.setattr(blocks, "BLOCK", 100)
    monkeypatch.setattr(blocks, "LONGEST_WORD", 300)
    path, line = tmp_path / "t.txt", "我喜欢自然语言处理，他喜欢iPhone。" * 100 + "猫"
    path.write_text(line)
    text = firth.Text(path, tokenizer=tokenizer)
    assert len(list(text.blocks())) > 20
    assert list(text) == split([line], tokenizer=tokenizer)
    assert len(list(firth.Text(path, tokenizer=tokenizer, split_sentences=True))) == 101
    path.write_text("猫" * 200)
    with pytest.raises(InputError, match="no white space"):
        list(firth.Text(path, tokenizer=tokenizer))


def test_a_large_text_is_cut_in_processes_and_a_small_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = cutters._Cutter.__init__

    def noted(self: cutters._Cutter, *options: object) -> None:
        start(self, *options)
        started.append(self.process.pid)

    monkeypatch.setattr(cutters._Cutter, "__init__", noted)
    list(firth.Text([TEXT], tokenizer="chinese"))
    assert started == []
    lines = ["猫，狗"] * 150_000
    assert sum(map(len, firth.Text(lines, tokenizer="chinese"))) == 300_000
    assert started
    for process in started:  # none is left
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_reader_that_stops_early_leaves_no_process(in_processes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    end = cutters._Cutter.end
    monkeypatch.setattr(cutters._Cutter, "end", lambda self: (end(self), ended.append(self.process.returncode)))
    sentences = iter(firth.Text([TEXT] * 1000, tokenizer="chinese"))
    assert next(sentences) == WORDS
    sentences.close()  # type: ignore[attr-defined]
    assert ended == [-signal.SIGKILL]


def test_a_killed_process_is_an_error(in_processes: None) -> None:
    with cutters.Cutters((), True) as cut:
        assert cut(memoryview("北京猫".encode())).split() == ["北京".encode(), "猫".encode()]
        os.kill(cut._started[0].process.pid, signal.SIGKILL)
        with pytest.raises(ResourceError, match="died: somebody killed it, most often the system for want of memory"):
            cut(memoryview(("北京，" * 100_000).encode()))
        assert cut(memoryview("猫".encode())) == "猫".encode()  # by another process


def test_a_process_that_fails_says_how(in_processes: None, capfd: pytest.CaptureFixture[str]) -> None:
    with cutters.Cutters((), True) as cut, pytest.raises(FirthError, match="died with exit code 1"):
        cut(memoryview(b"\xff"))
    assert "UnicodeDecodeError" in capfd.readouterr().err


def test_a_process_ends_with_the_one_that_asks() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "firth.tokens.cutters"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.send_signal(0)
    assert process.communicate(b"", timeout=30) == (b"", None)
    assert process.returncode == 0


def test_a_process_imports_little() -> None:
    code = "import firth.tokens.cutters, sys; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.decode().split())
    assert loaded.isdisjoint({"numpy", "pyarrow", "numba", "scipy", "multiprocessing"})


def test_a_program_without_a_main_guard_works(tmp_path: Path) -> None:
    """multiprocessing would run the program again in every process."""
    program = tmp_path / "program.py"
    program.write_text(
        "import firth\nfrom firth.tokens import cutters\ncutters._FEW = 0\n"
        "print(list(firth.Text(['北京猫'], tokenizer='chinese')))\n"
    )
    (tmp_path / "json.py").write_text("raise SystemExit('a file beside the program was imported')\n")
    ran = subprocess.run([sys.executable, "-P", program], capture_output=True, check=True, cwd=tmp_path, timeout=60)
    assert ran.stdout.decode() == "[['北京', '猫']]\n"


# ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_rjieba_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    for use in (
        lambda: firth.Text(["猫"], tokenizer="chinese"),
        lambda: split(["猫"], tokenizer="chinese"),
        lambda: cutters.Cutters((), True),
    ):
        with pytest.raises(MissingExtraError, match=r"^Reading Chinese needs rjieba: pip install 'firth\[zh\]'$"):
            use()
    assert split(["猫狗"], tokenizer="characters") == [["猫", "狗"]]


# ── in a model ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_cuts_as_in_training(tmp_path: Path) -> None:
    lines = ["我喜欢自然语言处理和量子机器狗。", "他喜欢北京！我也喜欢。"] * 20
    text = firth.Text(lines, tokenizer="chinese", own_words=["量子机器狗"], split_sentences=True, hmm=False)
    firth.Word2Vec(dim=4, min_count=1, epochs=1).fit(text).save(tmp_path / "model")
    vectors = firth.load(tmp_path / "model")
    assert vectors.config is not None
    assert (
        vectors.config["text"] | {"own_words": ["量子机器狗"], "hmm": False, "split_sentences": True}
        == (vectors.config["text"])
    )
    words = ["我", "喜欢", "自然语言", "处理", "和", "量子机器狗"]
    np.testing.assert_allclose(vectors.encode(["我喜欢自然语言处理和量子机器狗"])[0], vectors[words].mean(0), rtol=1e-5)
    assert json.loads(json.dumps(text.options())) == text.options()


def test_the_kept_corpus_knows_how_it_was_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.txt"
    path.write_text("他来到了网易杭研大厦。我喜欢猫\n")

    def reused(**options: object) -> bool:
        text = firth.Text(path, tokenizer="chinese", **options)  # type: ignore[arg-type]
        return encode(text, min_count=1, workdir=tmp_path / "kept").reused

    assert not reused()
    assert reused()
    assert [reused(hmm=False), reused(own_words=["网易杭研"]), reused(split_sentences=True)] == [False] * 3
    monkeypatch.setattr(chinese, "version", lambda: "another")
    assert not reused(split_sentences=True)


# ── scripts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("", {}),
        ("123 ，。", {}),
        ("汉字ab", {"Han": 0.5, "Latin": 0.5}),
        ("ＡＢ々𠀀", {"Latin": 0.5, "Han": 0.5}),
        (
            "ひカー漢한ФΩא",
            dict.fromkeys(["Hiragana", "Han", "Hangul", "Cyrillic", "Greek", "Hebrew"], 1 / 8) | {"Katakana": 2 / 8},
        ),
    ],
)
def test_shares(text: str, shares: dict[str, float]) -> None:
    assert scripts.shares(text) == shares


@given(st.text())
def test_shares_sum_to_one(text: str) -> None:
    shares = scripts.shares(text)
    assert not shares or abs(sum(shares.values()) - 1) < 1e-9
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


@pytest.mark.parametrize("tokenizer", ["whitespace", "words"])
def test_chinese_without_blanks_is_noticed(tokenizer: str) -> None:
    with pytest.warns(RuntimeWarning, match="looks like Chinese without blanks.*try --tokenizer chinese"):
        list(firth.Text([TEXT] * 3, tokenizer=tokenizer))


@pytest.mark.parametrize(
    ("text", "tokenizer"),
    [
        (TEXT, "chinese"),
        (TEXT, "characters"),
        ("我 喜欢 自然 语言 处理 。", "whitespace"),
        ("The cat sat on 北京大学", "whitespace"),
        ("私は自然言語処理が好きです。毎日使っています。", "whitespace"),  # Japanese: rjieba is no help
        ("", "whitespace"),
    ],
)
def test_other_texts_are_not(text: str, tokenizer: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(firth.Text(["x", text], tokenizer=tokenizer) if not text else firth.Text([text], tokenizer=tokenizer))
