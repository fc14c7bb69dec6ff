"""`firth train fasttext`: trained, asked about a word that the text lacks, turned into fastText's own file."""

from pathlib import Path

import firth
from firth.formats import describe


def test_train_ask_convert(run, tmp_path: Path) -> None:
    text, model, packed = tmp_path / "text.txt", tmp_path / "model", tmp_path / "model.bin"
    text.write_text("the walker walked and the talker talked 北京人 说 北京话\n" * 50, encoding="utf-8")
    small = ("--dim", 8, "--min-count", 1, "--minn", 2, "--bucket", 500, "--threads", 1)
    ran = run("train", "fasttext", text, "-o", model, *small)
    assert (ran.code, ran.out) == (0, f"{model}\n")
    assert "--bucket is called --buckets here." in ran.err
    near = run("nearest", model, "walking", "--topn", 3)
    assert (near.code, len(near.rows)) == (0, 3)
    assert run("similarity", model, "北京城", "北京话").code == 0
    assert run("convert", model, packed, "--to", "fasttext").code == 0
    found = describe(packed)
    assert (found["format"], found["n-grams"], found["buckets"]) == ("fasttext", [2, 6], 500)
    assert run("nearest", packed, "walking", "--topn", 3).rows[0][0] == near.rows[0][0]
    extended = run("train", "fasttext", text, "--from", model, "-o", tmp_path / "more")
    assert (extended.code, "FastText(dim=…).fit(source, init=vectors)" in extended.err) == (2, True)
    assert firth.load(model).options("model")["name"] == "fasttext"
