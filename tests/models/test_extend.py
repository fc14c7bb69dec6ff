"""Learning on from more text."""

import numpy as np
import pytest

import firth
from firth.errors import ConfigError, EmptyVocabularyError

RANDOM = np.random.default_rng(0)
OLD = [[f"w{int(i)}" for i in RANDOM.zipf(1.5, 20).clip(1, 30)] for _ in range(200)]
MORE = [["fresh", *(f"w{int(i)}" for i in RANDOM.zipf(1.5, 10).clip(1, 40)), "w1"] for _ in range(60)]
MORE[0].append("rare")


def trained(**options):
    return firth.Word2Vec(**{"dim": 8, "epochs": 2, "min_count": 3, **options}).fit(OLD, threads=1)


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
def test_old_words_keep_their_rows_and_new_ones_follow(loss):
    old = trained(loss=loss)
    new = firth.extend(old, MORE, threads=1)
    assert new.index_to_key[: len(old)] == old.index_to_key
    assert "fresh" in new and "rare" not in new
    counts = {key: sum(sentence.count(key) for sentence in MORE) for key in ("w1", "fresh")}
    assert new.get_vecattr("fresh", "count") == counts["fresh"]
    assert new.get_vecattr("w1", "count") == old.get_vecattr("w1", "count") + counts["w1"]
    assert not np.array_equal(new["w1"], old["w1"])
    assert (new.nodes is None) == (loss != "hs")


def test_it_goes_on_from_where_it_was():
    old = trained()
    barely = firth.extend(old, MORE, threads=1, lr=1e-9, min_lr=0.0)
    np.testing.assert_allclose(barely.vectors[: len(old)], old.vectors, atol=1e-6)
    np.testing.assert_allclose(barely.output[: len(old)], old.output, atol=1e-6)
    assert barely.provenance["drift"]["mean_cosine"] == pytest.approx(1)


def test_options_change_those_of_the_model():
    old = trained()
    heard = []
    new = firth.extend(old, MORE, threads=1, epochs=3, window=2, callbacks=[heard.append])
    assert len(heard) == 3
    assert new.config["model"]["window"] == 2
    assert new.config["model"]["dim"] == 8


def test_text_is_cut_as_the_first_was(tmp_path):
    source = tmp_path / "more.txt"
    source.write_text("W1 w2 FRESH\n" * 20)
    old = firth.Word2Vec(dim=4, min_count=3).fit(firth.Text(iter([" ".join(s) for s in OLD]), lower=True), threads=1)
    assert "fresh" in firth.extend(old, source, threads=1)
    assert "FRESH" in firth.extend(old, firth.Text(source), threads=1)


def test_a_generator_is_read_once():
    assert "fresh" in firth.extend(trained(), (sentence for sentence in MORE), threads=1)


def test_drift_says_what_moved():
    old = trained()
    moved = old.vectors.copy()
    moved[3] = -moved[3]
    report = firth.drift(old, firth.Vectors(old.index_to_key, moved), topn=3, most=2)
    assert report.most_moved[0].key == old.index_to_key[3]
    assert report.most_moved[0].cosine == pytest.approx(-1, abs=1e-5)
    assert len(report.most_moved) == 2
    assert report.keys == len(old) and report.new == 0
    assert 0 < report.kept_neighbours < 1
    assert old.index_to_key[3] in str(report)
    same = firth.drift(old, old)
    assert same.mean_cosine == pytest.approx(1) and same.kept_neighbours == 1


def test_what_cannot_be_extended():
    with pytest.raises(ConfigError, match="Only vectors that firth's Word2Vec learnt"):
        firth.extend(firth.Vectors(["a"], [[1.0]]), MORE)
    with pytest.raises(EmptyVocabularyError, match="none is known"):
        firth.extend(trained(), [["other"]])
    with pytest.raises(ConfigError, match="no option 'colour'"):
        firth.extend(trained(), MORE, colour=3)
