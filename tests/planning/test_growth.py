"""From the counts of a sample to those of the whole: on texts whose law is known, and on a real one."""

import numpy as np
import pytest

import firth
from firth.planning import growth
from firth.planning.growth import extrapolated, heaps_exponent, smallest_count, zipf_slope
from firth.planning.sample import sampled


def zipf_text(words, slope=1.1, vocabulary=300_000, seed=1):
    """Words drawn by Zipf's law: i4[words]."""
    weights = np.arange(1, vocabulary + 1) ** -slope
    draws = np.random.default_rng(seed).random(words)
    return np.searchsorted(np.cumsum(weights / weights.sum()), draws).astype(np.int32)


@pytest.mark.parametrize(("ratio", "slope"), [(4, 1.0), (16, 1.3), (64, 1.1)])
def test_a_zipfian_text(ratio, slope):
    text = zipf_text(1_000_000, slope, vocabulary=1_000_000)
    sample = np.random.default_rng(2).choice(text, len(text) // ratio, replace=False)
    predicted = extrapolated(np.bincount(sample), ratio)
    truth = np.bincount(text)
    assert (np.diff(predicted) <= 0).all()
    for level in (5, 20):
        assert (predicted >= level).sum() == pytest.approx((truth >= level).sum(), rel=0.2)
    assert predicted.sum() == pytest.approx(len(text), rel=0.1)


def test_new_words_are_the_mean_of_too_many_and_too_few():
    counts = np.bincount(zipf_text(60_000, 1.0, vocabulary=50_000))
    few, many = (growth._words_above(counts, np.array([1.0]), 16, bends=bends)[0] for bends in (True, False))
    assert few < 0.8 * many
    assert len(extrapolated(counts, 16)) == pytest.approx(np.sqrt(few * many), rel=0.01)


def test_the_whole_is_not_touched():
    counts = np.array([3, 0, 5, 1])
    assert extrapolated(counts, 1.0).tolist() == [5, 3, 1]


def test_a_tiny_sample_is_scaled():
    assert extrapolated(np.array([4, 2]), 3.0).tolist() == [12, 6]


def test_a_closed_vocabulary_does_not_grow():
    counts = np.random.default_rng(0).poisson(200, 5000)
    assert len(extrapolated(counts, 50)) == pytest.approx(5000, rel=0.02)


def test_zipf_slope_and_heaps_exponent():
    text = zipf_text(1_000_000, slope=1.2)
    assert zipf_slope(np.bincount(text)) == pytest.approx(-1.2, abs=0.1)
    assert 0.4 < heaps_exponent(text) < 0.9
    assert heaps_exponent(np.arange(100_000, dtype=np.int32)) == pytest.approx(1, abs=0.01)
    assert heaps_exponent(np.tile(np.arange(500, dtype=np.int32), 1000)) == pytest.approx(0, abs=0.01)
    assert np.isnan(zipf_slope([3, 2])) and np.isnan(heaps_exponent(np.zeros(10, np.int32)))


def test_smallest_count():
    counts = np.array([9.0, 5.0, 5.0, 2.0])
    for most in (1, 2, 3, 4):
        least = smallest_count(counts, most)
        assert (counts >= least).sum() <= most
        assert least == 1 or (counts >= least - 1).sum() > most


@pytest.mark.slow
def test_wikipedia(shared_data, tmp_path):
    """The vocabulary of 200 MB within 15% (measured: within 6%)."""
    import pyarrow as pa

    path = tmp_path / "wiki.txt"
    with pa.input_stream(str(shared_data("english/wiki_core.txt.zst"))) as packed, open(path, "wb") as plain:
        while part := packed.read(1 << 24):
            plain.write(part)
    with sampled(firth.Text(path), 32_000_000) as sample:
        counts = firth.Vocabulary.count(sample.text, min_count=1).counts
        predicted = extrapolated(counts, 1 / sample.share)
    truth = firth.Vocabulary.count(path, min_count=1).counts
    for level in (1, 5, 20):
        assert (predicted >= level).sum() == pytest.approx((truth >= level).sum(), rel=0.15)
