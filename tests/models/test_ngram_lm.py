"""n-grams: every probability against the slow twin; questions; files; text that is not as it should be."""

import gzip
import math
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import firth
from firth.errors import ConfigError, CorruptFileError, EmptyVocabularyError, FormatError, InputError
from firth.examples import ngrams
from firth.loading import load_vectors
from firth.models.ngram_model import NGramModel
from firth.reference.ngrams import KneserNey, add_k, counts


def made(sentences: int = 300, seed: int = 1) -> list[list[str]]:
    """Sentences in which letters early in the alphabet are frequent."""
    draw = random.Random(seed)
    letters = "abcdefghij"
    return [[draw.choice(letters[: draw.randint(1, 10)]) for _ in range(draw.randint(1, 8))] for _ in range(sentences)]


SENTENCES = made()
CONTEXTS = ["", "<s>", "a", "<s> a", "a b", "z a", "b z", "a b c", "<s> c b", "j j j j", "<s> a a a a b"]


@pytest.fixture(scope="module")
def lm() -> NGramModel:
    return firth.NGramLM(order=3).fit(SENTENCES, progress=False)


# ---------------------------------------------------------------- the numbers


@pytest.mark.parametrize("discount", [None, 0.7])
@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_kneser_ney_is_its_slow_twin(order: int, discount: float | None) -> None:
    learnt = firth.NGramLM(order=order, discount=discount).fit(SENTENCES, progress=False)
    twin = KneserNey(SENTENCES, order, discount)
    assert learnt.provenance["discounts"] == [pytest.approx(twin.discounts[n][1:]) for n in range(1, order + 1)]
    for context in CONTEXTS:
        for word in ("a", "b", "j", "z", "</s>"):
            expected = twin.p(word, tuple(context.split()))
            assert learnt.probability(word, context) == pytest.approx(expected, rel=1e-5)
        assert learnt.distribution(context).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(("smoothing", "k"), [("add-k", 1.0), ("add-k", 0.1), ("mle", 1.0)])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_counting_models_are_their_slow_twin(order: int, smoothing: str, k: float) -> None:
    learnt = firth.NGramLM.of(order=order, smoothing=smoothing, k=k).fit(SENTENCES, progress=False)
    for context in CONTEXTS:
        for word in ("a", "j", "z", "</s>"):
            exact = add_k(SENTENCES, order, 0 if smoothing == "mle" else k, word, tuple(context.split()))
            assert learnt.probability(word, context) == pytest.approx(float(exact), abs=1e-12)
        total = learnt.distribution(context).sum()
        assert total == pytest.approx(1) or (smoothing == "mle" and total == 0)


def test_counts_of_every_length() -> None:
    learnt = firth.NGramLM(order=4).fit(SENTENCES, progress=False)
    expected = counts(SENTENCES, 4)
    for n, of in expected.items():
        assert np.diff(learnt.firsts)[n - 1] == len(of) + (n == 1)  # and <unk>
        for ngram, count in of.items():
            assert learnt.count(list(ngram)) == count
    assert learnt.count("a z") == 0
    (best, most), *_ = learnt.most_frequent(2, topn=3)
    assert (most, expected[2][best]) == (max(expected[2].values()),) * 2
    with pytest.raises(InputError, match="1 to 4"):
        learnt.count("a a a a a")


def test_rows_lead_to_their_parts() -> None:
    """A row's key is its first words' row and its last word; its suffix, the row of its last words."""
    learnt = firth.NGramLM(order=3).fit(SENTENCES, progress=False)
    by_row = [tuple(row) for n in (1, 2, 3) for row in learnt.ngrams(n).tolist()]
    assert len(set(by_row)) == len(by_row)
    for row, ngram in enumerate(by_row):
        if len(ngram) > 1:
            assert by_row[learnt.trie.suffixes[row]] == ngram[1:]
    assert (np.diff(learnt.trie.ngrams[learnt.firsts[1] :]) > 0).all()


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=5), min_size=1, max_size=8), st.integers(1, 6))
def test_the_table_of_any_text_holds_its_ngrams_in_their_order(sentences: list[list[str]], order: int) -> None:
    names = ["a", "b", "c", "never", "<s>", "</s>"]
    text = [word for sentence in sentences for word in ("<s>", *sentence, "</s>")]
    table = ngrams.count(np.array([names.index(word) for word in text], np.int32), len(names), order, end=5)
    found: list[tuple[int, ...]] = []
    for row, ngram in enumerate(table.ngrams.tolist()):
        context, word = divmod(ngram, len(names))
        found.append((*(found[context - 1] if context else ()), word))
        assert found[row][1:] == (found[table.suffixes[row]] if table.suffixes[row] >= 0 else ())
    expected = counts(sentences, order)
    of_all = {(word,): 0 for word in range(len(names))} | {
        tuple(map(names.index, ngram)): count for of in expected.values() for ngram, count in of.items()
    }
    assert dict(zip(found, table.counts.tolist(), strict=True)) == of_all
    assert found == sorted(found, key=lambda ngram: (len(ngram), ngram))
    for context, (begin, stop) in enumerate(pairwise(table.starts.tolist())):
        assert [ngram for ngram in found if len(ngram) > 1 and ngram[:-1] == found[context]] == found[begin:stop]


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=6), st.integers(1, 4))
def test_whatever_the_text_probabilities_sum_to_one(sentences: list[list[str]], order: int) -> None:
    learnt = firth.NGramLM(order=order).fit(sentences, progress=False)
    for context in ["", "<s>", *(" ".join(sentence) for sentence in sentences)]:
        p = learnt.distribution(context)
        assert p.sum() == pytest.approx(1, abs=1e-5)
        assert p.min() >= 0


def test_by_hand() -> None:
    """docs/ngram.md works this out."""
    learnt = firth.NGramLM(order=2, discount=0.5).fit(["a b", "a c"], progress=False)
    assert learnt.probability("b") == pytest.approx(0.5 / 5 + 0.4 / 5)
    assert learnt.probability("b", "a") == pytest.approx(0.5 / 2 + 0.5 * 0.18)
    assert learnt.probability("never seen", "a") == pytest.approx(0.5 * 0.4 / 5)
    assert learnt.probability("<s>", "a") == 0


# ---------------------------------------------------------------- texts


def test_a_sentence_is_the_product_of_its_words(lm: NGramModel) -> None:
    scores = lm.word_scores("a b z")
    assert [score.word for score in scores] == ["a", "b", "z", "</s>"]
    assert [score.known for score in scores] == [True, True, False, True]
    assert [score.length for score in scores][2:] == [1, 1]  # nothing was seen before z, or after it
    product = math.prod(score.probability for score in scores)
    assert lm.sentence_probability("a b z") == pytest.approx(product)
    assert lm.sentence_log_probability(["a", ["a", "b", "z"]])[1] == pytest.approx(math.log(product))


def test_perplexity(lm: NGramModel, tmp_path: Path) -> None:
    held_out = [*made(50, seed=2), ["z", "a"]]
    found = lm.score(held_out)
    assert (found.sentences, found.unseen) == (51, 1)
    assert found.tokens == sum(map(len, held_out)) + 51
    nats = -lm.sentence_log_probability(held_out).sum()
    assert found.nats == pytest.approx(nats)
    assert lm.perplexity(held_out) == pytest.approx(math.exp(nats / found.tokens))
    assert found.without_unseen < found.perplexity
    path = tmp_path / "text.txt.gz"
    path.write_bytes(gzip.compress("\n".join(map(" ".join, held_out)).encode()))
    assert lm.perplexity(path) == pytest.approx(found.perplexity)


def test_long_texts_are_cut_at_sentences_for_threads(lm: NGramModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = lm.perplexity(SENTENCES, threads=1)
    monkeypatch.setattr("firth.models.ngram_model._AT_ONCE", 50)
    assert lm.perplexity(SENTENCES, threads=2) == pytest.approx(expected)


def test_rare_words_are_unseen_ones() -> None:
    text = ["a a b", "a b c", "a d"]
    learnt = firth.NGramLM(order=2, min_count=2).fit(text, progress=False)
    assert learnt.words == ["a", "b"]
    assert learnt.count(["a", "whatever"]) == 1  # a d
    assert learnt.probability("c", "b") == learnt.probability("e", "b") > learnt.probability("b", "b")
    assert firth.NGramLM(order=2, max_vocab=1).fit(text, progress=False).words == ["a"]
    given = firth.NGramLM(order=2).fit(text, vocabulary=["d", "x"], progress=False)
    assert given.words == ["d", "x"]
    assert given.count(["x"]) == 0 < given.count("d")
    with pytest.raises(EmptyVocabularyError, match="Lower min_count"):
        firth.NGramLM(min_count=9).fit(text, progress=False)
    with pytest.raises(ConfigError, match="Give one"):
        firth.NGramLM(min_count=2).fit(text, vocabulary=["a"], progress=False)


def test_unk_in_the_text_is_a_word_like_others() -> None:
    learnt = firth.NGramLM(order=2).fit(["a <unk> b", "a <unk> b"], progress=False)
    assert learnt.probability("<unk>", "a") > 0.5 > learnt.probability("z", "a")
    assert learnt.score(["a <unk> z"]).unseen == 1


@pytest.mark.parametrize("mark", ["<s>", "</s>"])
def test_marks_of_sentences_are_no_words(mark: str, lm: NGramModel) -> None:
    with pytest.raises(InputError, match="every line gets it anyway"):
        firth.NGramLM().fit([f"a {mark} b"], progress=False)
    with pytest.raises(InputError, match="every line gets it anyway"):
        lm.perplexity([f"a {mark} b"])


def test_chinese(tmp_path: Path) -> None:
    text = firth.Text(["我喜欢吃米饭", "我喜欢吃面条", "我喜欢喝茶"], tokenizer="characters")
    learnt = firth.NGramLM(order=3).fit(text, progress=False)
    assert learnt.probability("欢", "我喜") > 0.5
    learnt.save(tmp_path / "zh")
    again = firth.load(tmp_path / "zh")
    assert again.generate("我喜", topk=1, tokens=3).startswith("我喜欢吃")
    assert again.perplexity(["我喜欢吃茶"]) < again.perplexity(["茶吃欢喜我"])


# ---------------------------------------------------------------- questions

PLANTED = [f"我 喜欢 吃 {food} 也" for food in ("米饭", "面条", "苹果")] * 5 + [
    f"我 喜欢 喝 {drink} 了" for drink in ("茶", "水", "牛奶")
] * 5


def test_foods_are_eaten_and_drinks_are_drunk() -> None:
    learnt = firth.NGramLM(order=3).fit(PLANTED, progress=False)
    assert {word for word, _ in learnt.next_words("喜欢 吃", topn=3)} == {"米饭", "面条", "苹果"}
    assert {word for word, _ in learnt.fill_mask("我 喜欢 喝 [MASK] 了", topn=3)} == {"茶", "水", "牛奶"}
    # both sides count: what comes before allows eating and drinking alike, what comes after says which
    assert learnt.fill_mask("我 喜欢 [MASK] 米饭 也", topn=1)[0][0] == "吃"
    assert learnt.fill_mask("我 喜欢 [MASK] 茶 了", topn=1)[0][0] == "喝"


@pytest.mark.parametrize("smoothing", ["kneser-ney", "add-k", "mle"])
def test_a_gap_is_filled_by_the_probability_of_the_whole_sentence(smoothing: str) -> None:
    learnt = firth.NGramLM.of(order=3, smoothing=smoothing).fit(SENTENCES, progress=False)
    filled = dict(learnt.fill_mask("a [MASK] b a", topn=99))
    whole = {word: learnt.sentence_probability(f"a {word} b a")[0] for word in learnt.words}
    for word, p in filled.items():
        assert p == pytest.approx(whole[word] / sum(whole.values()), rel=1e-4)
    assert [*filled.values()] == sorted(filled.values(), reverse=True)


def test_gaps_that_are_none(lm: NGramModel) -> None:
    for text in ("a b", "[MASK] a [MASK]"):
        with pytest.raises(InputError, match="one gap"):
            lm.fill_mask(text)
    nothing = firth.NGramLM(order=3, smoothing="mle").fit(["a b c"], progress=False)
    assert nothing.fill_mask("c [MASK] a") == []


def test_sentences_are_drawn_by_their_probability() -> None:
    learnt = firth.NGramLM(order=2, smoothing="mle").fit(["a"] * 3 + ["b"], progress=False)
    drawn = [learnt.generate(seed=seed) for seed in range(400)]
    assert set(drawn) == {"a", "b"}
    assert 0.68 < drawn.count("a") / 400 < 0.82
    cold = [learnt.generate(seed=seed, temperature=0.2) for seed in range(50)]
    assert cold.count("a") > 47


def test_options_of_generate(lm: NGramModel) -> None:
    assert lm.generate(seed=5) == lm.generate(seed=5) != lm.generate(seed=6)
    assert len(lm.generate(tokens=2, seed=3).split()) <= 2
    assert lm.generate("b c", seed=1).startswith("b c")
    greedy = {lm.generate(topk=1 if seed % 2 else None, temperature=seed % 2, seed=seed, tokens=3) for seed in range(9)}
    assert len(greedy) == 1
    for wrong in ({"temperature": -1}, {"topk": 0}, {"tokens": 0}):
        with pytest.raises(ConfigError):
            lm.generate(**wrong)


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("smoothing", ["kneser-ney", "add-k", "mle"])
def test_saved_and_opened(smoothing: str, tmp_path: Path) -> None:
    learnt = firth.NGramLM.of(order=3, smoothing=smoothing, k=0.5).fit(SENTENCES, progress=False)
    learnt.save(tmp_path / "model")
    for verify in ("headers", "full"):
        again = firth.load(tmp_path / "model", verify=verify)
        assert (again.options, again.words, again.provenance) == (learnt.options, learnt.words, learnt.provenance)
        assert again.perplexity(SENTENCES) == learnt.perplexity(SENTENCES)
        assert again.generate(seed=3) == learnt.generate(seed=3)
        assert again.count("a b") == learnt.count("a b")
    assert isinstance(again.trie.ngrams.base, np.memmap), "tables are mapped"
    learnt.save(tmp_path / "model")  # over itself
    with pytest.raises(ConfigError, match="native"):
        learnt.save(tmp_path / "model", format="parquet")


def test_damaged_folders(lm: NGramModel, tmp_path: Path) -> None:
    lm.save(tmp_path / "model")
    file = tmp_path / "model/ngrams.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-4])
    with pytest.raises(CorruptFileError, match="cut short"):
        firth.load(tmp_path / "model")
    file.write_bytes(whole[:-4] + b"\0\0\0\1")
    with pytest.raises(CorruptFileError, match="damaged between"):
        firth.load(tmp_path / "model", verify="full")
    file.write_bytes(whole)
    with pytest.raises(FormatError, match="without vectors"):
        load_vectors(tmp_path / "model")


def test_arpa_keeps_every_probability(lm: NGramModel, tmp_path: Path) -> None:
    lm.save(tmp_path / "model.arpa", format="arpa")
    again = firth.load(tmp_path / "model.arpa")
    assert again.perplexity(SENTENCES) == lm.perplexity(SENTENCES)
    for context in CONTEXTS:
        for word in ("a", "j", "z", "</s>"):
            assert again.probability(word, context) == lm.probability(word, context)
    again.save(tmp_path / "twice.arpa", format="arpa")
    assert sorted((tmp_path / "twice.arpa").read_text().split("\n")) == sorted(
        (tmp_path / "model.arpa").read_text().split("\n")
    )
    again.save(tmp_path / "folder")
    assert firth.load(tmp_path / "folder").perplexity(SENTENCES) == lm.perplexity(SENTENCES)
    with pytest.raises(InputError, match="no counts"):
        again.count("a")


ARPA = """made by hand

\\data\\
ngram 1=4
ngram 2=3
ngram 3=2

\\1-grams:
-99\t<s>\t-0.3
-1\t</s>
-0.5\ta\t-0.2
-0.7\tb\t-0.1

\\2-grams:
-0.4\t<s> a\t-0.6
-0.2 b </s>
-0.3\ta b

\\3-grams:
-0.05\t<s> a b
-0.02\tb b a

\\end\\
"""


def test_an_arpa_file_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "hand.arpa"
    path.write_text(ARPA)
    hand = firth.load(path)
    assert hand.order == 3
    assert math.log10(hand.probability("b", "<s> a")) == pytest.approx(-0.05)
    assert math.log10(hand.probability("a", "<s> a")) == pytest.approx(-0.6 - 0.2 - 0.5)
    assert math.log10(hand.probability("b", "b a")) == pytest.approx(-0.3)  # b a is no context: its weight is 1
    assert math.log10(hand.probability("</s>", "a")) == pytest.approx(-0.2 - 1)
    assert math.log10(hand.probability("z", "a")) == pytest.approx(-0.2 - 100)  # no <unk>: as KenLM has it
    # "b b a" stands there without "b b" and "b a": both are judged as if they were not there
    assert math.log10(hand.probability("a", "b b")) == pytest.approx(-0.02)
    assert math.log10(hand.probability("a", "b")) == pytest.approx(-0.1 - 0.5)
    assert math.log10(hand.probability("</s>", "b b")) == pytest.approx(-0.2)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("\\end\\", ""), "cut short"),
        (("\\3-grams:", ""), "3 2-grams are announced, and 5 follow"),
        (("ngram 2=3", "ngram 2=4"), "4 2-grams are announced, and 3 follow"),
        (("ngram 2=3", "ngram 2=x"), "line 5"),
        (("ngram 1=4", "ngram 7=4"), "ngram 1="),
        (("-0.3\ta b", "-0.3\ta"), "line 17: expected log10, 2 words"),
        (("-0.3\ta b", "-0.3\ta c"), "line 17: expected words that are among the 1-grams"),
        (("-0.3\ta b", "0.3\ta b"), "at most 0"),
        (("-0.3\ta b", "nan\ta b"), "at most 0"),
        (("-0.3\ta b", "-0,3\ta b"), "after line 15: Failed to parse string: '-0,3'"),
        (("-0.3\ta b", "-0.4\t<s> a"), "'?<s> a'? comes twice"),
        (("-0.7\tb\t-0.1", "-0.7\ta\t-0.1"), "'a' comes twice"),
    ],
)
def test_damaged_arpa_files(change: tuple[str, str], says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.arpa"
    assert change[0] in ARPA
    path.write_text(ARPA.replace(*change))
    with pytest.raises(CorruptFileError, match=says):
        firth.load(path)


def test_what_arpa_files_cannot_keep(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="blank"):
        firth.NGramLM(order=1).fit([["new york"]], progress=False).save(tmp_path / "a", format="arpa")
    with pytest.raises(FormatError, match="back-off"):
        firth.NGramLM(smoothing="mle").fit(["a"], progress=False).save(tmp_path / "a", format="arpa")
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(FormatError, match="not overwritten"):
        firth.NGramLM(order=1).fit(["a"], progress=False).save(tmp_path / "notes", format="arpa")
    learnt = firth.NGramLM(order=2).fit(["a <unk> b"] * 2, progress=False)
    with pytest.warns(RuntimeWarning, match="will take them for that word"):
        learnt.save(tmp_path / "unk.arpa", format="arpa")
    again = firth.load(tmp_path / "unk.arpa")
    assert again.probability("z", "a") == pytest.approx(learnt.probability("<unk>", "a"), rel=1e-6)


def test_bounds_of_sentences() -> None:
    found = ngrams.with_bounds(np.array([0, 1, 2], np.int32), np.array([0, 1, 3], np.int64), 8, 9)
    assert found.tolist() == [8, 0, 9, 8, 1, 2, 9]


def test_options_out_of_range() -> None:
    for wrong in ({"order": 0}, {"smoothing": "good-turing"}, {"k": 0}, {"discount": 1.5}, {"discount": 0}):
        with pytest.raises(ConfigError):
            firth.NGramLM(**wrong)


def test_without_the_compiler() -> None:
    """The kernels as plain Python give the same numbers."""
    code = (
        "import firth; print(repr(firth.NGramLM(order=3).fit(['a b a', 'b a c'], progress=False).perplexity(['a c'])))"
    )

    def run(**extra: str) -> float:
        import os

        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **extra}, capture_output=True, text=True, check=True
        )
        return float(done.stdout)

    learnt: Any = firth.NGramLM(order=3).fit(["a b a", "b a c"], progress=False)
    assert run(NUMBA_DISABLE_JIT="1") == pytest.approx(learnt.perplexity(["a c"]), rel=1e-6)
