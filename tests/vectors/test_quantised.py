"""Tables in few bytes: the stated error, the same answers, saved and opened as they are."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from firth import Vectors, load
from firth.errors import ConfigError, CorruptFileError, InputError
from firth.formats import describe
from firth.vectors import quantised
from firth.vectors.quantised import Quantised, bfloat16, columns, float16, int8, product

KINDS = ["float16", "bfloat16", "int8", "pq"]
RNG = np.random.default_rng(6)


def a_table(rows: int = 600, dim: int = 24) -> Vectors:
    """Twenty groups, so that there is something to learn."""
    middles = RNG.normal(size=(20, dim))
    array = middles[np.arange(rows) % 20] + 0.3 * RNG.normal(size=(rows, dim))
    return Vectors([f"键{row}" for row in range(rows)], array, counts=np.arange(rows, 0, -1), output=array)


V = a_table()
SMALL = {kind: V.quantise(kind) for kind in KINDS}  # type: ignore[arg-type]

numbers = hnp.arrays(
    np.float32, st.tuples(st.integers(0, 6), st.integers(1, 5)), elements=st.floats(-6e4, 6e4, width=32)
)


@given(array=numbers)
def test_int8_is_off_by_half_a_step_at_most(array: np.ndarray) -> None:
    found = int8(array)
    step = np.abs(array).max(axis=1, keepdims=True) / 127
    assert (np.abs(found[:] - array) <= step * 0.501 + 1e-37).all()  # float32 has no step that small
    assert found.codes.dtype == np.int8


@given(array=numbers)
def test_halves_are_those_of_numpy_and_torch(array: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    assert np.array_equal(float16(array)[:], array.astype(np.float16).astype(np.float32))
    assert np.array_equal(bfloat16(array)[:], torch.from_numpy(array).to(torch.bfloat16).to(torch.float32).numpy())


@pytest.mark.parametrize(
    ("dim", "parts", "widths"), [(8, 2, [4, 4]), (10, 3, [4, 4, 2]), (5, 5, [1] * 5), (6, 4, [2] * 3)]
)
def test_parts(dim: int, parts: int, widths: list[int]) -> None:
    cuts = columns(dim, parts)
    assert [cut.stop - cut.start for cut in cuts] == widths
    assert columns(dim, len(cuts)) == cuts  # what is saved is their number


def test_product_codes_name_the_nearest_centre_of_each_part() -> None:
    table = V.vectors
    found = product(table, 6, seed=1)
    for part, cut in enumerate(columns(24, 6)):
        away = np.square(table[:, None, cut] - found.books[None, :, cut]).sum(axis=2)
        chosen = away[np.arange(len(table)), found.codes[:, part]]
        np.testing.assert_allclose(chosen, away.min(axis=1), atol=1e-4)
    assert np.array_equal(product(table, 6, seed=1).codes, found.codes)
    assert not np.array_equal(product(table, 6, seed=2).codes, found.codes)


def test_few_rows_are_kept_whole_by_product_codes() -> None:
    few = V.subset(range(200))
    np.testing.assert_allclose(few.quantise("pq").vectors, few.vectors, atol=1e-5)
    assert len(V.subset([]).quantise("pq")) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_stated_error_is_the_error(kind: str) -> None:
    stated = SMALL[kind].provenance["operations"][0]["relative_error"]
    away = np.square(V.vectors.astype(np.float64) - SMALL[kind].vectors).sum()
    assert stated == pytest.approx(away / np.square(V.vectors.astype(np.float64)).sum(), rel=1e-3)
    assert stated < {"float16": 1e-6, "bfloat16": 1e-5, "int8": 1e-4, "pq": 0.1}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_questions_are_answered_as_by_the_unpacked_table(kind: str) -> None:
    small = SMALL[kind]
    unpacked = Vectors(list(V), small.vectors, counts=V.counts)
    fresh = V.quantise(kind)  # type: ignore[arg-type]
    questions = [
        lambda v: v.most_similar("键3", topn=7),
        lambda v: v.most_similar(["键3", "键4"], ["键9"], metric="euclidean"),
        lambda v: v.most_similar("键3", topn=None, metric="dot"),
        lambda v: v.most_similar_cosmul(["键3", "键4"], ["键9"]),
        lambda v: v.nearest(["键1", "键2"] * 8, topn=3, where={"min_count": 30}),
        lambda v: v.similarity("键3", "键4"),
        lambda v: v.distances("键3", ["键4"]),
        lambda v: v["键7"],
        lambda v: v[["键7", "键8"]],
        lambda v: v.encode(["键7 键8"]),
        lambda v: v.doesnt_match(["键7", "键8", "键27"]),
        lambda v: v.rank("键7", "键8"),
        lambda v: v.clusters(5).labels,
        lambda v: v.axis(["键1"], ["键2"]).scores(["键3"]),
        lambda v: v.reduce(3).vectors,
        lambda v: v.wmdistance(["键1", "键2"], ["键3", "键4"]),
        lambda v: v.subset(["键5", "键1"]).vectors,
        lambda v: v.rename({"键5": "五"})["五"],
        lambda v: v.align(V).vectors,
        lambda v: v.translate("键3", V, topn=2),
    ]
    for place, ask in enumerate(questions):
        for one, other in zip(np.ravel(flat(ask(fresh))), np.ravel(flat(ask(unpacked))), strict=True):
            assert one == other if isinstance(one, str) else one == pytest.approx(other, abs=1e-4), place
        if place < 14:
            assert "vectors" not in fresh.__dict__, f"question {place} unpacked the whole table"


def flat(answer: object) -> list:
    """Strings and numbers of an answer, in order."""
    if isinstance(answer, list | tuple):
        return [part for each in answer for part in flat(each)]
    return list(np.ravel(answer)) if isinstance(answer, np.ndarray) else [answer]


@pytest.mark.parametrize("kind", KINDS)
def test_saved_smaller_and_opened_as_it_was(tmp_path: Path, kind: str) -> None:
    V.subset(list(V)).save(tmp_path / "whole")
    SMALL[kind].save(tmp_path / "small")
    for verify in ("headers", "full"):
        found = load(tmp_path / "small", verify=verify)
        assert isinstance(found.quantised, Quantised)
        assert found.quantised.kind == kind
        assert found.most_similar("键3") == SMALL[kind].most_similar("键3")
        assert np.array_equal(found.vectors, SMALL[kind].vectors)
        assert found.provenance == SMALL[kind].provenance
        assert repr(found) == repr(SMALL[kind])
    assert describe(tmp_path / "small")["quantised"] == kind
    share = SMALL[kind].quantised.nbytes / V.vectors.nbytes
    assert share < {"float16": 0.51, "bfloat16": 0.51, "int8": 0.3, "pq": 0.51}[kind]
    found.save(tmp_path / "again")
    files = [(tmp_path / name / "vectors.safetensors").read_bytes() for name in ("small", "again")]
    assert files[0] == files[1]
    found.save(tmp_path / "text", format="word2vec")
    assert np.array_equal(load(tmp_path / "text").vectors, found.vectors)


def test_safetensors_itself_reads_what_is_saved(tmp_path: Path) -> None:
    numpy_reader = pytest.importorskip("safetensors.numpy")
    SMALL["int8"].save(tmp_path / "int8")
    found = numpy_reader.load_file(tmp_path / "int8" / "vectors.safetensors")
    assert np.array_equal(found["vectors"] * found["scales"][:, None], SMALL["int8"].vectors)
    torch_reader = pytest.importorskip("safetensors.torch")
    SMALL["bfloat16"].save(tmp_path / "bfloat16")
    half = torch_reader.load_file(tmp_path / "bfloat16" / "vectors.safetensors")["vectors"]
    assert np.array_equal(half.float().numpy(), SMALL["bfloat16"].vectors)


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_that_is_missing_or_of_another_shape_is_damage(tmp_path: Path, kind: str, monkeypatch) -> None:
    table = SMALL[kind].quantised
    wrong = [
        Quantised(kind, table.codes[:-1], table.scales, table.books),
        Quantised(kind, table.codes.astype(np.int64), table.scales, table.books),
    ]
    if table.scales is not None:
        wrong += [Quantised(kind, table.codes), Quantised(kind, table.codes, table.scales[:-1])]
    if table.books is not None:
        wrong += [Quantised(kind, table.codes), Quantised(kind, table.codes, books=table.books[:9])]
        wrong += [Quantised(kind, np.repeat(table.codes, 5, axis=1), books=table.books)]
    for place, each in enumerate(wrong):
        broken = V.quantise(kind)  # type: ignore[arg-type]
        broken.quantised = each
        broken._keys = list(V)
        broken.counts = None
        broken.save(tmp_path / str(place))
        with pytest.raises(CorruptFileError):
            load(tmp_path / str(place))


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match="int8"):
        V.quantise("int4")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="from 1 to 24"):
        V.quantise("pq", numbers_per_byte=0)
    with pytest.raises(InputError, match="bfloat16"):
        Vectors(["a"], [[1e5]]).quantise("float16")
    with pytest.raises(ConfigError, match="no output table"):
        V.quantise("int8").most_similar("键1", which="output")


def test_the_table_is_not_unpacked_to_be_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    big = Vectors([str(row) for row in range(60_000)], RNG.normal(size=(60_000, 64)).astype(np.float32)).quantise(
        "int8"
    )
    queries = big.quantised[:300]
    monkeypatch.setattr("firth.vectors.nearest._BLOCK", 1 << 18)
    monkeypatch.setattr("firth.vectors.nearest._TILE", 1 << 18)
    tracemalloc.start()
    big.nearest(queries, topn=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000 * 64 * 4 / 2


def test_quantising_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firth.vectors.nearest._BLOCK", 24 * 7)
    for kind in KINDS:
        assert np.array_equal(V.quantise(kind).quantised.codes, SMALL[kind].quantised.codes), kind
    assert quantised.int8(V.vectors).nbytes == 600 * 24 + 600 * 4
