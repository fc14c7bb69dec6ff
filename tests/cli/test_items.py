"""firth train item2vec, recommend, evaluate --sessions."""

from pathlib import Path

import pytest

import firth

LINES = "bread butter jam\nbread butter tea\nnail hammer saw\nhammer nail glue\n" * 15
SMALL = ("--dim", 8, "--threads", 1, "--subsample", 0, "--lr", 0.05)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.txt"
    path.write_text(LINES)
    return path


@pytest.fixture
def shop(run, log: Path, tmp_path: Path) -> Path:
    assert run("train", "item2vec", log, "-o", tmp_path / "m", *SMALL).code == 0
    return tmp_path / "m"


def test_train_and_recommend(run, shop: Path):
    found = run("recommend", shop, "bread", "butter", "-n", 2)
    assert found.code == 0
    assert {row[0] for row in found.rows} == {"jam", "tea"}
    document = run("recommend", shop, "-", "--json", stdin="nail\nwhat\n").json
    assert document["history"] == ["nail", "what"] and document["recommended"][0]["item"] in {"hammer", "saw", "glue"}
    assert "not known, passed over: what" in run("recommend", shop, "nail", "what").err


def test_options_of_recommend(run, shop: Path):
    def items(*options):
        return [row[0] for row in run("recommend", shop, "bread", "nail", *options).rows]

    assert "bread" in items("--include-seen") and "bread" not in items()
    assert items("--prefix", "h") == ["hammer"] == items("--regex", "^ham")
    assert set(items("--min-count", 30)) == {"butter", "hammer"}
    assert items("--recent", 1)[0] in {"hammer", "saw", "glue"}
    assert items("--popularity", 9)[0] in {"butter", "hammer"}
    assert run("recommend", shop, "bread", "-n", 0).code == 2
    assert run("recommend", shop).code == 2


def test_columns_and_lines(run, tmp_path: Path):
    rows = "who,what,when\n" + "".join(f"{n},{item},{n}\n" for n in range(9) for item in "ab")
    (tmp_path / "log.csv").write_text(rows)
    columns = ("--session", "who", "--item", "what", "--time", "when")
    ran = run("train", "item2vec", tmp_path / "log.csv", "-o", tmp_path / "m", *SMALL, *columns, "--json")
    assert ran.code == 0 and (ran.json["items"], ran.json["sessions"], ran.json["events"]) == (2, 9, 18)
    assert firth.load(tmp_path / "m").config["sessions"]["session"] == "who"
    assert run("train", "item2vec", tmp_path / "log.csv", "-o", tmp_path / "n", *SMALL).code == 2
    (tmp_path / "baskets.csv").write_text("red wine,bread\nbread,red wine\n")
    how = ("--format", "lines", "--separator", ",")
    assert run("train", "item2vec", tmp_path / "baskets.csv", "-o", tmp_path / "b", *SMALL, *how).code == 0
    assert "red wine" in firth.load(tmp_path / "b")


def test_metadata(run, log: Path, tmp_path: Path):
    (tmp_path / "known.csv").write_text(
        "item,kind\nbread,food\njam,food\nhoney,food\nnail,tool\nscrew,tool\nsaw,tool\n"
    )
    how = ("--metadata", tmp_path / "known.csv")
    assert run("train", "item2vec", log, "-o", tmp_path / "m", *SMALL, *how).code == 0
    found = [row[0] for row in run("recommend", tmp_path / "m", "butter", "--popularity", 0, "-n", 4).rows]
    assert "honey" in found and "screw" not in found
    assert run("train", "item2vec", log, "-o", tmp_path / "n", *SMALL, "--metadata", tmp_path / "none").code == 3


def test_leave_last_out(run, log: Path, tmp_path: Path):
    ran = run("train", "item2vec", log, "-o", tmp_path / "m", *SMALL, "--leave-last-out", "--json")
    found = {row["name"]: row for row in ran.json["recommendations"]}
    assert {"item2vec", "popularity", "item-knn", "bigrams"} <= found.keys()
    assert found["item2vec"]["questions"] == 60 and "HR@10" in ran.err
    assert "jam" not in firth.load(tmp_path / "m")  # it was always last


def test_evaluate(run, shop: Path, log: Path):
    ran = run("evaluate", shop, "--sessions", log, "--k", 2)
    assert ran.code == 0 and [row[0] for row in ran.rows] == ["HR@2", "NDCG@2", "MRR"]
    names = {
        row["name"] for row in run("evaluate", shop, "--sessions", log, "--baselines", "--json").json["recommendations"]
    }
    assert {"item2vec", "popularity", "item-knn", "bigrams"} <= names
    assert run("evaluate", shop, "--sessions", log, "--k", 0).code == 2


def test_tune(run, log: Path):
    how = ("--space", "recent=1,0", "--trials", 2, "--minutes", 1)
    ran = run("tune", "item2vec", log, *SMALL, "--epochs", 2, "--metric", "mrr", "--json", *how)
    assert ran.code == 0 and ran.json["metric"] == "mrr" and len(ran.json["trials"]) == 2
    assert ran.json["command"].startswith("firth train item2vec ")
    assert run("tune", "item2vec", log, "--metric", "luck").code == 2


def test_a_run_goes_on(run, log: Path, tmp_path: Path):
    options = ("train", "item2vec", log, "-o", tmp_path / "m", *SMALL, "--checkpoint-every", "1h")
    assert run(*options, "--workdir", tmp_path / "w").code == 0
    assert run(*options, "--resume").code == 0
    assert run(*options, "--validation", 0.2).code == 0
    assert run(*options, "--validation", log).code == 0
    assert run(*options, "--validation", tmp_path / "none").code == 3


def test_pairs(run, tmp_path: Path):
    (tmp_path / "clicks").write_text("red wine\tglass\nwhite wine\tglass\niron nail\thammer\nlong nail\thammer\n" * 20)
    (tmp_path / "more.csv").write_text("asked,taken\ncheap wine,glass\nbent nail,hammer\n")
    options = ("--dim", 8, "--lr", 0.3, "--threads", 1)
    ran = run("train", "pairs", tmp_path / "clicks", "-o", tmp_path / "m", *options, "--json")
    assert ran.code == 0 and (ran.json["pairs"], ran.json["right_sides"]) == (80, 2)
    assert firth.load(tmp_path / "m").match("cheap wine")[0][0] == "glass"
    columns = ("--left-column", "asked", "--right-column", "taken", "--validation", tmp_path / "more.csv")
    ran = run("train", "pairs", tmp_path / "more.csv", "-o", tmp_path / "n", *options, *columns, "--json")
    assert ran.code == 0 and ran.json["validation"]["questions"] == 2
    assert run("train", "pairs", tmp_path / "none", "-o", tmp_path / "o").code == 3
