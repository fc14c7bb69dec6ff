"""train classifier, classify, evaluate --labelled: in a terminal, with Chinese, with wrong input."""

import gzip

import pytest

import firth

LINES = "__label__+ a fine film\n__label__+ fine acting\n__label__- a dull film\n__label__- dull plot\n" * 30
SMALL = ("--dim", 8, "--lr", 0.5, "--epochs", 10, "--threads", 1)


@pytest.fixture
def train(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(LINES)
    return path


@pytest.fixture
def classifier(run, train, tmp_path):
    assert run("train", "classifier", train, "-o", tmp_path / "model", *SMALL).code == 0
    return tmp_path / "model"


def test_training_writes_a_folder_and_says_what_next(run, train, tmp_path):
    ran = run("train", "classifier", train, "-o", tmp_path / "model", *SMALL, "--validation", train)
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'model'}\n")
    assert "2 labels, 7 words" in ran.err and "accuracy 1.0000" in ran.err
    assert f"firth classify {tmp_path / 'model'} -" in ran.err
    document = run("train", "classifier", train, "-o", tmp_path / "model", *SMALL, "--json").json
    assert document["labels"] == 2 and len(document["epochs"]) == 10
    assert isinstance(firth.load(tmp_path / "model"), firth.TextClassifier)


def test_texts_from_stdin_and_files_get_a_line_each(run, classifier, tmp_path):
    ran = run("classify", classifier, "-", stdin="fine plot\n\ndull acting\n")
    assert [row[0] for row in ran.rows] == ["+", ran.rows[1][0], "-"]
    (tmp_path / "texts.gz").write_bytes(gzip.compress(b"fine plot\r\n\ndull acting"))
    assert run("classify", classifier, tmp_path / "texts.gz").rows == ran.rows
    assert [len(row) for row in run("classify", classifier, "--topk", 2, stdin="fine\n").rows] == [4]
    (found,) = run("classify", classifier, "--json", stdin="fine plot\n").json
    assert found["text"] == "fine plot" and found["labels"][0]["label"] == "+"
    assert run("classify", classifier, "--threshold", 1.0, stdin="plot acting\n").out == "\n"


def test_scores_of_every_label(run, classifier, train):
    ran = run("evaluate", classifier, "--labelled", train)
    assert ran.rows == [
        ["+", "1.0000", "1.0000", "1.0000", "60", "60"],
        ["-", "1.0000", "1.0000", "1.0000", "60", "60"],
        ["(all)", "1.0000", "1.0000", "1.0000", "120", "120"],
    ]
    assert run("evaluate", classifier, "--labelled", train, "--json").json["labelled"]["accuracy"] == 1


def test_neighbours_and_facts_of_a_classifier(run, classifier):
    assert len(run("nearest", classifier, "fine", "-n", 2).rows) == 2
    told = run("info", classifier, "--json").json
    assert told["labels"] == 2 and told["quantised"] is False and told["config"]["model"]["name"] == "classifier"
    assert run("convert", classifier, classifier.with_name("words.txt"), "--to", "word2vec").code == 0


def test_to_fasttexts_file_and_back(run, classifier, tmp_path):
    ran = run("convert", classifier, tmp_path / "m.bin", "--to", "fasttext", "--json")
    assert ran.json == {"path": str(tmp_path / "m.bin"), "format": "fasttext", "labels": 2}
    asked = {"stdin": "fine plot\ndull acting\n"}
    assert run("classify", tmp_path / "m.bin", **asked).rows == run("classify", classifier, **asked).rows
    assert run("info", tmp_path / "m.bin", "--json").json["labels"] == 2
    assert len(run("nearest", tmp_path / "m.bin", "fine", "-n", 2).rows) == 2
    assert run("convert", tmp_path / "m.bin", tmp_path / "back", "--to", "native").code == 0
    assert isinstance(firth.load(tmp_path / "back"), firth.TextClassifier)


def test_chinese(run, tmp_path):
    (tmp_path / "t.txt").write_text("__label__好 我喜欢这部电影\n__label__坏 我讨厌这部电影\n" * 40, encoding="utf-8")
    options = (*SMALL, "--tokenizer", "characters")
    assert run("train", "classifier", tmp_path / "t.txt", "-o", tmp_path / "zh", *options).code == 0
    assert [row[0] for row in run("classify", tmp_path / "zh", stdin="喜欢\n讨厌\n").rows] == ["好", "坏"]


def test_smaller(run, train, tmp_path):
    ran = run("train", "classifier", train, "-o", tmp_path / "m", *SMALL, "--quantise", "--cutoff", 4, "--json")
    assert ran.json["rows"] == 4
    assert run("info", tmp_path / "m", "--json").json["quantised"] is True
    facts = run("info", tmp_path / "m", "--json").json["provenance"]["quantised"]
    assert facts == {"cutoff": 4, "retrain": False, "qout": False, "qnorm": True, "dsub": 2}
    more = ("--cutoff", 4, "--retrain", "--qout", "--no-qnorm", "--dsub", 4)
    assert run("train", "classifier", train, "-o", tmp_path / "m", *SMALL, *more).code == 0
    facts = run("info", tmp_path / "m", "--json").json["provenance"]["quantised"]
    assert facts == {"cutoff": 4, "retrain": True, "qout": True, "qnorm": False, "dsub": 4}
    ran = run("train", "classifier", train, "-o", tmp_path / "m", *SMALL, "--size-limit", "20K", "--json")
    assert ran.json["bytes"] <= 20_000


def test_autotune(run, train, tmp_path):
    words = ("train", "classifier", train, "-o", tmp_path / "m", "--dim", 8, "--autotune", 3, "--json")
    one, again = run(*words), run(*words)
    drop = ["seconds"]
    trials = [[{k: v for k, v in t.items() if k not in drop} for t in ran.json["trials"]] for ran in (one, again)]
    assert trials[0] == trials[1] and len(trials[0]) == 3
    assert "trial 0: f1" in one.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["train", "classifier", "{train}", "-o", "{tmp}/m", "--frozen"], 2, "give --init too"),
        (["train", "classifier", "{tmp}/none.txt", "-o", "{tmp}/m"], 3, "none.txt"),
        (["train", "classifier", "{train}", "-o", "{tmp}/m", "--loss", "hinge"], 2, "loss"),
        (["train", "classifier", "{train}", "-o", "{tmp}/m", "--validation", "0.1"], 2, "--autotune"),
        (["train", "classifier", "{train}", "-o", "{tmp}/m", "--autotune", "2", "--cutoff", "9"], 2, "--size-limit"),
        (["train", "classifier", "{train}", "-o", "{tmp}/m", "--dim", "8", "--size-limit", "9"], 2, "9 bytes hold 0"),
        (["train", "classifier", "{tmp}/plain.txt", "-o", "{tmp}/m"], 3, "__label__"),
        (["classify", "{tmp}/none"], 3, "No classifier"),
        (["classify", "{tmp}"], 3, "is no classifier"),
        (["classify", "{train}", "{train}"], 3, "not a fastText file"),
        (["classify", "{model}", "{tmp}/none.txt"], 3, "none.txt"),
        (["classify", "{model}", "{train}", "--topk", "0"], 2, "--topk must be at least 1"),
        (["classify", "{model}", "{train}", "--threshold", "7"], 2, "between 0 and 1"),
        (["evaluate", "{model}", "--labelled", "{tmp}/plain.txt"], 3, "none of 1 lines"),
    ],
)
def test_what_cannot_be(run, train, classifier, tmp_path, words, code, says):
    (tmp_path / "plain.txt").write_text("no labels here\n")
    places = {"train": train, "tmp": tmp_path, "model": classifier}
    ran = run(*[word.format(**places) for word in words])
    assert ran.code == code and says in ran.err
