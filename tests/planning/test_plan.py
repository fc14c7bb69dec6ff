"""firth.plan: what it finds in a text, what it predicts, what it refuses, what it advises."""

import dataclasses
import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import firth
from firth import machine
from firth.errors import ConfigError, DiskFullError, EmptyVocabularyError, InputError, MemoryLimitError
from firth.planning import plan as planning
from firth.planning import sizes
from firth.planning.look import language, look
from firth.planning.trial import Speed
from firth.training.tables import initialise

SMALL = firth.Word2Vec(dim=8, min_count=1)


def lines(count=3000, words=400, seed=0):
    """Zipfian nonsense."""
    random = np.random.default_rng(seed)
    weights = 1 / np.arange(1, words + 1)
    drawn = random.choice(words, (count, 12), p=weights / weights.sum())
    return [" ".join(f"w{word}" for word in line) for line in drawn.tolist()]


@pytest.fixture
def no_trial(monkeypatch):
    """A kernel of 1,000 words/s that needs two seconds to prepare."""
    monkeypatch.setattr(planning, "try_out", lambda *_: Speed(1000.0, 2.0))


def test_a_text_that_is_read_whole_is_counted_exactly(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines()))
    found = firth.plan(path, SMALL.replace(min_count=5), threads=1)
    truth = firth.Vocabulary.count(path, min_count=1)
    assert (found.sampled, found.spread) == (1.0, True)
    assert (found.words, found.distinct) == (36_000, len(truth))
    assert found.vocabulary == (truth.counts >= 5).sum()
    assert found.kept == truth.counts[truth.counts >= 5].sum()
    assert found.sentence == 12
    assert found.words_per_second > 0
    assert found.seconds == found.reading_seconds + found.training_seconds


def test_a_sample_predicts_the_whole(tmp_path, no_trial):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines(60_000, 300_000)))
    found = firth.plan(path, SMALL.replace(min_count=5), megabytes=1)
    truth = firth.Vocabulary.count(path, min_count=1)
    assert 0.1 < found.sampled < 0.4
    assert found.words == pytest.approx(720_000, rel=0.03)
    assert found.vocabulary == pytest.approx((truth.counts >= 5).sum(), rel=0.2)
    truth = firth.Vocabulary.count(path, min_count=5)
    expected = truth.keep_probability(1e-3) @ truth.counts / truth.total
    assert found.learnt == pytest.approx(expected, rel=0.02)


def test_time_is_reading_and_passes(no_trial):
    for epochs in (1, 7):
        found = firth.plan(lines(100), SMALL.replace(epochs=epochs))
        assert found.training_seconds == pytest.approx(2 + epochs * 1200 / 1000)


def test_the_model_on_the_disk(tmp_path, no_trial):
    for config in (SMALL.replace(dim=64), SMALL.replace(dim=64, loss="hs")):
        found = firth.plan(lines(), config)
        config.fit(lines(), threads=1).save(tmp_path / "model")
        size = sum(file.stat().st_size for file in (tmp_path / "model").iterdir())
        assert found.model_bytes == pytest.approx(size, rel=0.15)


def test_memory_counts_the_tables_as_training_makes_them():
    tables = initialise(1000, 1000, 100, 1)
    memory = sizes.memory(firth.Word2Vec(), 1000, 5000, 100, threads=2)
    assert memory.tables == tables.inputs.nbytes + tables.outputs.nbytes + 2 * (1 << 20)
    assert memory.text == 200 * 1000 + 8 * 100
    assert memory.peak == memory.program + max(memory.reading, memory.learning)


@pytest.mark.parametrize(
    "change",
    [{"dim": 200}, {"loss": "hs"}, {"loss": "softmax"}, {"patience": 3}, {"negatives": 50_000_000}],
)
def test_memory_follows_the_config(change):
    words = 10_000_000
    plain = sizes.memory(firth.Word2Vec(), words, words, 10**7, 2)
    other = sizes.memory(firth.Word2Vec(**change), words, words, 10**7, 2)
    assert other.learning > plain.learning


def test_what_cannot_fit_in_memory_is_refused_before_it_is_tried(monkeypatch):
    monkeypatch.setattr(machine, "memory_available", lambda: 100 << 20)
    monkeypatch.setattr(planning, "try_out", lambda *_: pytest.fail("it was tried"))
    found = firth.plan(lines(), firth.Word2Vec(dim=100_000, min_count=1))
    assert not found.fits
    assert found.seconds is None
    with pytest.raises(MemoryLimitError, match=r"400 words × 100000.*only 105 MB.*max_vocab=\d+ or dim=\d+") as refused:
        found.check()
    assert refused.value.exit_code == 4
    assert "! The run needs" in str(found)


def test_the_cure_is_one(monkeypatch, no_trial):
    monkeypatch.setattr(machine, "memory_available", lambda: 100 << 20)
    text = lines(3000, 2000)
    refused = firth.plan(text, firth.Word2Vec(dim=9_000, min_count=1), threads=1)
    assert not refused.fits
    cure = str(refused).split("max_vocab=")[1]
    most, dim = int(cure.split()[0].replace(",", "")), int(cure.split("dim=")[1].split()[0])
    assert firth.plan(text, firth.Word2Vec(dim=9_000, min_count=1, max_vocab=most), threads=1).fits
    assert firth.plan(text, firth.Word2Vec(dim=dim, min_count=1), threads=1).fits


def test_counting_alone_may_need_too_much(monkeypatch, no_trial):
    monkeypatch.setattr(machine, "memory_available", lambda: 1 << 20)
    with pytest.raises(MemoryLimitError, match="Counting its words alone"):
        firth.plan(lines(), SMALL).check()


def test_a_full_disk_is_refused(monkeypatch, tmp_path, no_trial):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=1000))
    found = firth.plan(lines(), SMALL, workdir=tmp_path)
    assert asked == [tmp_path]
    with pytest.raises(DiskFullError, match=r"encoded text needs about \d+ kB.*only 1 kB"):
        found.check()


def test_where_nothing_says_how_much_memory_there_is(monkeypatch, no_trial):
    monkeypatch.setattr(machine, "memory_available", lambda: None)
    found = firth.plan(lines(), SMALL)
    assert found.fits
    assert "left" not in str(found)


def test_no_word_is_left():
    with pytest.raises(EmptyVocabularyError, match="min_count=10000000"):
        firth.plan(lines(), SMALL.replace(min_count=10_000_000))


def test_max_vocab_and_threads(no_trial):
    found = firth.plan(lines(), SMALL.replace(max_vocab=7), threads=3)
    assert (found.vocabulary, found.threads) == (7, 3)


def test_plain_values(no_trial):
    document = firth.plan(lines(), SMALL).to_dict()
    assert json.loads(json.dumps(document, allow_nan=True))["config"]["dim"] == 8
    assert document["memory"]["peak"] > 0
    assert document["fits"] is True


@pytest.mark.parametrize(
    ("options", "says"),
    [({"megabytes": 0}, "megabytes"), ({"megabytes": float("nan")}, "megabytes"), ({"threads": 0}, "threads")],
)
def test_options_that_cannot_be(options, says):
    with pytest.raises(ConfigError, match=says):
        firth.plan(lines(10), SMALL, **options)
    with pytest.raises(ConfigError, match="Word2Vec"):
        firth.plan(lines(10), {"dim": 5})


@pytest.mark.slow
def test_the_kernel_is_really_tried():
    for change in ({}, {"loss": "hs"}, {"loss": "softmax"}, {"architecture": "cbow"}, {"window": "sentence"}):
        assert firth.plan(lines(100), SMALL.replace(**change), threads=1).words_per_second > 0


def test_temporary_files_vanish(tmp_path, monkeypatch, no_trial):
    path = tmp_path / "text.txt"
    path.write_text("\n".join(lines(20_000)))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    firth.plan(path, SMALL, megabytes=0.1)
    assert os.listdir(tmp_path / "tmp") == []


# ---------------------------------------------------------------- what a text looks like


def test_lines_and_duplicates():
    text = ["the same line, often enough", "short", "short"] + ["another line, a long one"] * 3
    found = look(firth.Text(text))
    assert (found.lines, found.longest, found.endless) == (6, 27, False)
    assert found.duplicates == pytest.approx(2 / 4)  # short lines do not count


def test_a_line_that_runs_through_blocks(tmp_path):
    path = tmp_path / "line.txt"
    path.write_text("word " * 2_000_000 + "\nend\n")
    found = look(firth.Text(path))
    assert (found.lines, found.longest, found.endless) == (2, 9_999_999, True)


def test_lists_of_words_are_lines_too():
    assert look(firth.Text([["a", "rose"], ["is", "a", "rose"]])).longest == len("is a rose")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the cat is on the mat and it was for this", "English"),
        ("der Hund und die Katze sind nicht auf dem Tisch", "German"),
        ("le chat est dans la maison et les chiens sont sur le lit", "French"),
        ("он был в доме и не на улице как это", "Russian"),
        ("我喜欢自然语言处理", "Chinese"),
        ("これは日本語の文章です", "Japanese"),
        ("안녕하세요 여러분", "Korean"),
        ("xyzzy plugh frotz gnusto", None),
    ],
)
def test_language(text, expected):
    from firth.tokens.scripts import shares

    assert language(shares(text), [text]) == expected


def advised(source, config=SMALL, **options):
    return " ".join(firth.plan(source, config, **options).advice)


CLEAN = [" ".join(f"{a}{b}" for b in "abcdefgh") for a in "qrstuvw"] * 400


@pytest.mark.parametrize(
    ("source", "config", "says"),
    [
        (firth.Text(["Some words, with marks. And more, more!"] * 50), SMALL, 'tokenizer="words"'),
        (firth.Text(["King king Queen queen Man man Sun sun"] * 50), SMALL, "lower=True"),
        (["the very same line again and again"] * 50, SMALL, "repeat another one"),
        (["我喜欢自然语言处理因为它很有意思。"] * 50, SMALL, 'tokenizer="chinese"'),
        ([" ".join(CLEAN)], SMALL, "no lines to speak of"),
        ([" ".join(CLEAN)], SMALL.replace(max_vocab=50), "no lines to speak of"),
        (CLEAN, SMALL.replace(min_count=5), "min_count=2"),
        (CLEAN, SMALL.replace(epochs=5), "epochs="),
        (CLEAN, SMALL.replace(dim=300), "dim=300 has more"),
        (CLEAN, SMALL.replace(subsample=1e-6), "subsample=1e-06 leaves"),
    ],
)
def test_advice(source, config, says, no_trial):
    assert says in advised(source, config)


def test_no_advice_without_reason(no_trial):
    unique = [" ".join(f"{a}{b}{c}" for c in "abcdefgh") for a in "qrstuvwxyz" for b in "klmnopqrst"]
    config = SMALL.replace(epochs=50, subsample=0)
    assert advised(unique, config, threads=machine.processors()) == ""


def test_advice_about_threads(monkeypatch, no_trial):
    monkeypatch.setattr(machine, "processors", lambda: 4)
    assert "more than 4 gain nothing" in advised(CLEAN, threads=9)
    assert "1 of 4 processors" in advised(CLEAN, threads=1)
    assert "processors" not in advised(CLEAN, threads=4)


def test_advice_about_bytes_and_samples(tmp_path, no_trial):
    path = tmp_path / "latin1.txt"
    path.write_bytes("café au lait\n".encode("latin1") * 100)
    found = firth.plan(path, SMALL)
    assert found.bad_bytes == 100
    assert "100 bytes of the sample are not UTF-8" in " ".join(found.advice)
    assert "UTF-8" not in advised(firth.Text(path, errors="replace"))
    assert "UTF-8" not in advised(CLEAN)


def test_advice_for_large_texts(no_trial):
    from firth.planning.advice import Facts, advice

    small = firth.plan(CLEAN, firth.Word2Vec(min_count=1))
    counts = np.sort(np.random.default_rng(0).pareto(1, 2_000_000) + 1)[::-1]

    def lines_for(plan, config=None):
        plan = dataclasses.replace(plan, config=config or plan.config)
        return " ".join(advice(Facts(plan, plan.config, firth.Text(CLEAN), counts, 0.0, 0.0)))

    huge = dataclasses.replace(small, words=2_000_000_000, vocabulary=2_000_000, sampled=0.01, spread=False)
    assert "dim=100: 200 to 300" in lines_for(huge)
    assert "subsample=1e-5" in lines_for(huge)
    assert "min_count=" in lines_for(huge)
    assert "beginning of the source" in lines_for(huge)
    assert "scores all 2,000,000" in lines_for(huge, firth.Word2Vec(loss="softmax"))
    assert "subsample" not in lines_for(huge, firth.Word2Vec(subsample=1e-5))


def test_a_source_that_can_be_read_once():
    with pytest.raises(InputError, match="only once"):
        firth.plan(iter(["a b c"]))
