"""firth train glove and firth cooccurrence."""

import firth

SMALL = ["--dim", 4, "--epochs", 2, "--min-count", 1, "--threads", 1]


def test_train_glove(run, text, tmp_path) -> None:
    ran = run("train", "glove", text, "-o", tmp_path / "m", *SMALL, "--x-max", 10, "--side", "left")
    assert (ran.code, ran.rows) == (0, [[str(tmp_path / "m")]])
    assert "loss" in ran.err
    model = firth.GloVe(dim=4, epochs=2, min_count=1, x_max=10.0, side="left")
    assert (firth.load(tmp_path / "m").vectors == model.fit(text, threads=1).vectors).all()


def test_start_freeze_and_hold_out(run, text, tmp_path) -> None:
    assert run("train", "glove", text, "-o", tmp_path / "old", *SMALL).code == 0
    more = ("--init", tmp_path / "old", "--frozen", "--validation", 0.2, "--patience", 9)
    ran = run("train", "glove", text, "-o", tmp_path / "m", *SMALL, *more, "--json")
    assert "held-out loss" in ran.err
    assert all(epoch["validation"] > 0 for epoch in ran.json["epochs"])
    assert (firth.load(tmp_path / "m").vectors == firth.load(tmp_path / "old").vectors).all()
    ran = run("train", "glove", text, "-o", tmp_path / "m", *SMALL, "--validation", text)
    assert (ran.code, "GloVe holds out a share" in ran.err) == (2, True)


def test_checkpoints_and_resume(run, text, tmp_path) -> None:
    assert run("train", "glove", text, "-o", tmp_path / "m", *SMALL, "--checkpoint-every", "1h").code == 0
    ran = run("train", "glove", text, "-o", tmp_path / "m", *SMALL, "--resume")
    assert (ran.code, "nothing to do" in ran.err) == (0, True)


def test_cooccurrence(run, text, tmp_path) -> None:
    ran = run("cooccurrence", text, "-o", tmp_path / "c", "--window", 2, "--min-count", 1, "--memory", "1MB")
    assert (ran.code, ran.rows) == (0, [[str(tmp_path / "c")]])
    assert "6 words, 18 cells." in ran.err
    assert firth.Cooccurrence.load(tmp_path / "c")["the", "oak"] == 75
    document = run("cooccurrence", text, "-o", tmp_path / "g", "--min-count", 1, "--to", "glove", "--json").json
    assert document["format"] == "glove"
    assert (tmp_path / "g/cooccurrence.bin").exists()


def test_what_is_wrong_is_said(run, text, tmp_path) -> None:
    assert run("cooccurrence", tmp_path / "absent", "-o", tmp_path / "c").code == 3
    ran = run("cooccurrence", text, "-o", tmp_path / "c", "--memory", "lots")
    assert (ran.code, "such as '4GB'" in ran.err) == (2, True)
    ran = run("cooccurrence", text, "-o", tmp_path, "--min-count", 1)
    assert (ran.code, "not overwritten" in ran.err) == (3, True)
