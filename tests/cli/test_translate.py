"""firth train transformer, firth translate."""

import pytest

import firth

pytest.importorskip("torch")

PAIRS = "".join(f"{a} {b}\t{b} {a}\n" for a in "abc" for b in "abc")


SMALL = (
    "--units", "words", "--layers", 1, "--heads", 2, "--dim", 16, "--ffn-dim", 16, "--batch-tokens", 27,
    "--steps", 3, "--threads", 1,
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that has hardly learnt."""
    path = tmp_path_factory.mktemp("model") / "turned"
    pairs = [tuple(line.split("\t")) for line in PAIRS.splitlines()]
    small = {"units": "words", "layers": 1, "heads": 2, "dim": 16, "ffn_dim": 16, "batch_tokens": 27, "steps": 3}
    firth.Transformer(**small).fit(pairs, threads=1).save(path)
    return path


def test_training_writes_a_folder(run, tmp_path):
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    ran = run("train", "transformer", tmp_path / "pairs.tsv", "-o", tmp_path / "model", *SMALL)
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'model'}\n"), ran.err
    assert "firth translate" in ran.err
    assert firth.load(tmp_path / "model").options.heads == 2
    assert run("translate", tmp_path / "model", "-", stdin="a b\nb\n").out.count("\n") == 2


def test_a_line_for_a_line(run, folder, tmp_path):
    model = firth.load(folder)
    texts = ["a b", "c", "b b"]
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    ran = run("translate", folder, tmp_path / "texts.txt")
    assert ran.code == 0 and ran.out.split("\n")[:-1] == model.translate(texts)
    greedy = run("translate", folder, tmp_path / "texts.txt", "--beams", 1, "--longest", 3, "--alpha", 0)
    assert greedy.out.split("\n")[:-1] == model.translate(texts, beams=1, longest=3, alpha=0)
    (first, *_) = run("translate", folder, "--json", stdin="a b\n").json
    assert first["text"] == "a b" and first["translation"] == model.translate(["a b"])[0] and first["nats"] > 0


def test_where_it_looked(run, folder, tmp_path):
    pytest.importorskip("matplotlib")
    assert run("translate", folder, "--attention", tmp_path / "a.svg", "--longest", 3, stdin="a b\nb a\n").code == 0
    assert (tmp_path / "a.svg").read_bytes().startswith(b"<?xml")


def test_what_cannot_be(run, folder, tmp_path):
    firth.Vectors(["a"], [[1.0]]).save(tmp_path / "vectors")
    ran = run("translate", tmp_path / "vectors", stdin="a\n")
    assert ran.code == 3 and "no Transformer" in ran.err
    assert run("translate", folder, "--beams", 0, stdin="a\n").code == 2
    (tmp_path / "bad.tsv").write_text("a\tb\nno tab\n")
    ran = run("train", "transformer", tmp_path / "bad.tsv", "-o", tmp_path / "x", *SMALL)
    assert ran.code == 3 and "line 2" in ran.err
