"""firth phrases, and the phrases of firth train."""

from pathlib import Path
from typing import Any

import pytest

import firth
from firth.tokens.phrases import FILE, LearntPhrases


@pytest.fixture
def news(tmp_path: Path) -> Path:
    path = tmp_path / "news.txt"
    lines = [
        f"a{i} new york city b{i}\nd{i} bank of america e{i}\n{' '.join(f'{x}{i}' for x in 'fghij')}\n"
        for i in range(30)
    ]
    path.write_text("".join(lines))
    return path


def test_it_prints_the_best(run, news) -> None:
    ran = run("phrases", news, "-n", 1)
    assert len(ran.rows) == 1
    phrase, score, *rest = ran.rows[0]
    assert (phrase, rest) == ("bank_of", ["30", "1"])
    assert float(score) > 10
    assert "4 phrases." in ran.err


def test_json(run, news, tmp_path) -> None:
    document = run("phrases", news, "-o", tmp_path / "p", "--json").json
    learnt = LearntPhrases.load(tmp_path / "p")
    assert document["phrases"] == len(learnt) == len(document["best"]) == 4
    assert document["output"] == str(tmp_path / "p")
    best = learnt.table[0]
    assert document["best"][0] == {"phrase": best.key, "score": best.score, "count": 30, "pass": 1}


def test_a_file_or_a_folder(run, news, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    ran = run("phrases", news, "-o", tmp_path / "folder")
    assert (tmp_path / "folder" / FILE).exists()
    assert f"--phrases-from {tmp_path / 'folder' / FILE}" in ran.err


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--min-count", 29], {"min_count": 29}),
        (["--threshold", 20.0], {"threshold": 20.0}),
        (["--max-vocab", 4], {"max_vocab": 4}),
        (["--scoring", "npmi"], {"scoring": "npmi"}),
        (["--connectors", "english"], {"connectors": "english"}),
        (["--connectors", "of the"], {"connectors": "of the"}),
        (["--connectors", "of", "--connectors", "the"], {"connectors": ("of", "the")}),
        (["--passes", 2], {"passes": 2}),
        (["--delimiter", "+"], {"delimiter": "+"}),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:More distinct pairs")
def test_options_of_the_model(run, news, tmp_path, words: list[Any], options: dict[str, Any]) -> None:
    assert run("phrases", news, *words, "-o", tmp_path / "p").code == 0
    learnt = LearntPhrases.load(tmp_path / "p")
    assert learnt == firth.Phrases(**options).fit(news)
    assert learnt != firth.Phrases().fit(news)


def test_a_config_file(run, news, tmp_path) -> None:
    (tmp_path / "c.toml").write_text('[phrases]\ndelimiter = "+"\n')
    assert run("phrases", news, "--config", tmp_path / "c.toml").rows[0][0] == "bank+of"


def test_the_joined_text(run, news, tmp_path) -> None:
    run("phrases", news, "--connectors", "of", "--text", tmp_path / "joined.txt")
    joined = (tmp_path / "joined.txt").read_text().splitlines()
    assert joined[1] == "d0 bank_of_america e0"
    assert len(joined) == 90
    ran = run("phrases", news, "--text", tmp_path)
    assert (ran.code, "is a folder" in ran.err) == (2, True)


def test_into_a_pipe(news, capfdbinary) -> None:
    from firth.cli import main

    assert main(["phrases", str(news), "--connectors", "of", "--text", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.splitlines()[1] == b"d0 bank_of_america e0"
    assert b"phrases." in err


def test_from_a_pipe(run, news) -> None:
    ran = run("phrases", "-", "-n", 1, stdin=news.read_text())
    assert ran.rows[0][0] == "bank_of"


def test_the_text_and_json_cannot_share_stdout(run, news) -> None:
    ran = run("phrases", news, "--text", "-", "--json")
    assert (ran.code, "not both" in ran.err) == (2, True)


def test_more_passes_later(run, news, tmp_path) -> None:
    run("phrases", news, "-o", tmp_path / "first")
    run("phrases", news, "--phrases-from", tmp_path / "first", "-o", tmp_path / "second")
    assert LearntPhrases.load(tmp_path / "second") == firth.Phrases(passes=2).fit(news)


def test_what_is_wrong_is_said(run, news, tmp_path) -> None:
    assert run("phrases", tmp_path / "absent").code == 3
    assert run("phrases", news, "--threshold", -1).code == 2
    assert run("phrases", news, "-n", 0).code == 2
    ran = run("phrases", news, "-o", news)
    assert (ran.code, "not overwritten" in ran.err) == (3, True)
    ran = run("train", "word2vec", news, "-o", tmp_path / "m", "--phrases-from", tmp_path / "absent")
    assert (ran.code, "firth phrases SOURCE" in ran.err) == (3, True)


SMALL = ["--dim", 4, "--epochs", 1, "--min-count", 1, "--threads", 1]


def test_train_learns_phrases_first(run, news, tmp_path) -> None:
    ran = run("train", "word2vec", news, "-o", tmp_path / "m", *SMALL, "--phrases")
    assert (ran.code, "4 phrases: bank_of" in ran.err) == (0, True)
    vectors = firth.load(tmp_path / "m")
    assert "bank_of" in vectors
    assert (vectors.encode(["bank of"])[0] == vectors["bank_of"]).all()
    run("train", "word2vec", news, "-o", tmp_path / "m", *SMALL)
    assert "bank_of" not in firth.load(tmp_path / "m")


def test_train_with_phrases_of_a_file(run, news, tmp_path) -> None:
    LearntPhrases.of_words([("bank", "of")]).save(tmp_path / "p")
    run("train", "word2vec", news, "-o", tmp_path / "m", *SMALL, "--phrases-from", tmp_path / "p")
    assert "bank_of" in firth.load(tmp_path / "m")
    assert run("inspect", "tokens", news, "-n", 3, "--phrases-from", tmp_path / "p").rows[1] == [
        "d0 bank_of america e0"
    ]


def test_phrases_of_stdin_are_refused_before_it_is_read(run, tmp_path) -> None:
    ran = run("train", "word2vec", "-", "-o", tmp_path / "m", "--phrases", stdin="a b\n")
    assert (ran.code, "Save it to a file first" in ran.err) == (2, True)
