"""Sessions: every kind of source gives the same log; what is wrong is named; splits hide what they should."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from firth import Sessions
from firth.errors import ConfigError, CorruptFileError, EncodingError, InputError, MissingInputError

LOG = {"user": [7, 8, 7, 7, 8, 9], "item": ["a", "b", "c", "a", "d", "a"], "time": [3, 1, 2, 9, 1, 5]}
SESSIONS = [["c", "a", "a"], ["b", "d"], ["a"]]  # by time; of one time the first row comes first


def csv(rows: str, mark: str = ",") -> str:
    return rows.replace(",", mark)


ROWS = "user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in zip(*LOG.values(), strict=True))


def sources(folder: Path) -> dict[str, Sessions]:
    (folder / "log.csv").write_text(ROWS)
    (folder / "log.tsv").write_text(csv(ROWS, "\t"))
    (folder / "log.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    parquet.write_table(pa.table(LOG), folder / "log.parquet")
    (folder / "lines").write_text("c a a\n\nb  d\na\n")
    (folder / "baskets.csv").write_text("c, a,a\nb,d,\na\n")
    head, *rows = ROWS.splitlines(keepends=True)
    (folder / "1.csv").write_text(head + "".join(rows[:3]))
    (folder / "2.csv").write_text(head + "".join(rows[3:]))
    return {
        "csv": Sessions(folder / "log.csv"),
        "named": Sessions(str(folder / "log.csv"), session="user", item="item", time="time"),
        "tsv": Sessions(folder / "log.tsv"),
        "gzip": Sessions(folder / "log.csv.gz"),
        "parquet": Sessions(folder / "log.parquet"),
        "two files": Sessions([folder / "1.csv", folder / "2.csv"]),
        "pandas": Sessions(pd.DataFrame(LOG)),
        "polars": Sessions(pl.DataFrame(LOG)),
        "arrow": Sessions(pa.table(LOG)),
        "categories": Sessions(pd.DataFrame(LOG).astype({"item": "category"})),
        "lines": Sessions(folder / "lines"),
        "baskets": Sessions(folder / "baskets.csv", format="lines", separator=","),
        "lists": Sessions(SESSIONS),
        "texts": Sessions(["c,a,a", "b,d", "a"], separator=","),
    }


def test_every_source_gives_the_same_sessions(tmp_path: Path):
    for name, found in sources(tmp_path).items():
        assert [*found] == SESSIONS, name
        assert len(found) == 3
        assert dict(zip(found.items, found.counts.tolist(), strict=True)) == {"a": 3, "b": 1, "c": 1, "d": 1}
        if found.times is not None:
            assert found.names == ["7", "8", "9"]
            assert found.times.tolist() == [2, 3, 9, 1, 1, 5]


def test_ids_are_text_and_times_are_of_many_kinds():
    days = pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02"])
    for times in (days, days.strftime("%Y-%m-%d"), days.date, [3.5, 1.0, 2.0]):
        log = pd.DataFrame({"basket": [1.0, 1.0, 1.0], "product": [30, 10, 20], "date": times})
        assert [*Sessions(log)] == [["10", "20", "30"]]
    assert Sessions(pd.DataFrame({"user": ["u"], "item": ["x"], "date": days[:1]})).times == [1704240000.0]
    assert [*Sessions([[np.int64(3), "3", 4]])] == [["3", "3", "4"]]
    assert Sessions(pa.table({"user": [2**40], "item": [2**62]})).items == [str(2**62)]


def test_without_a_time_the_rows_are_in_order():
    log = pa.table({"user": [1, 2, 1], "item": ["z", "y", "x"]})
    assert [*Sessions(log)] == [["z", "x"], ["y"]]
    assert Sessions(log).times is None


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ({"user": [1, None], "item": ["a", "b"]}, "row 2: the session is missing"),
        ({"user": [1, 1], "item": ["a", None]}, "row 2: the item is missing"),
        ({"user": [1, 1], "item": ["a", ""]}, "row 2: the item is empty"),
        ({"user": [1.5], "item": ["a"]}, "the session holds double that are no whole numbers"),
        ({"user": [float("nan")], "item": ["a"]}, "no whole numbers"),
        ({"user": [[1]], "item": ["a"]}, "the session is list"),
        ({"user": [1, 1], "item": ["a", "b"], "time": [1.0, float("nan")]}, "row 2: the time is missing"),
        ({"user": [1], "item": ["a"], "time": [None]}, "time"),
        ({"user": [1], "item": ["a"], "time": ["yesterday"]}, "the time is no time"),
        ({"user": [1], "item": ["a"], "time": [[3]]}, "the time is list"),
        ({"user": [], "item": []}, "0 rows read"),
    ],
)
def test_bad_tables(log, says):
    with pytest.raises(InputError, match=says):
        Sessions(pa.table(log))


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ([], "0 items read"),
        ([[]], "0 items read"),
        ([["a", 1.5]], "Item 1 of session 0 is 1.5"),
        ([["a"], ["b", None]], "Item 1 of session 1 is None"),
        ([["a", ""]], "Item 1 of session 0"),
        ([["a"], 7], "Session 1 is 7"),
        ([b"a b"], "Session 0 is b'a b'"),
        (7, "not a int"),
        (b"log", "not a bytes"),
        ({"a": 1}, "not a dict"),
    ],
)
def test_bad_lists(source, says):
    with pytest.raises(InputError, match=says):
        Sessions(source)


def test_bad_files(tmp_path: Path):
    path = tmp_path / "log.csv"
    with pytest.raises(MissingInputError):
        Sessions(path)
    for content, error, says in (
        (b"", InputError, "is empty"),
        (b"user,item\n", InputError, "0 rows read"),
        (b"user,item\n1,a,3\n", InputError, "Expected 2 columns"),
        (b"user,item\n1,\xff\n", InputError, "UTF8|UTF-8"),
        (b"user,item\n1,\n", InputError, "row 1: the item is empty"),
        (b"one,two\n1,2\n", ConfigError, "which column is the session\\? It has 'one', 'two'. Say it: session='one'"),
        (b"user,what\n1,2\n", ConfigError, "which column is the item"),
        (b"<!doctype html><p>", InputError, "HTML"),
        (b"\x89PNG" + bytes(99), InputError, "PNG"),
    ):
        path.write_bytes(content)
        with pytest.raises(error, match=says):
            Sessions(path)
    (tmp_path / "log.parquet").write_bytes(b"PAR1" + bytes(50))
    with pytest.raises(CorruptFileError, match="damaged"):
        Sessions(tmp_path / "log.parquet")
    (tmp_path / "lines").write_bytes(b"a b\n\xff c\n")
    with pytest.raises(EncodingError, match="line 2"):
        Sessions(tmp_path / "lines")
    path.write_text(ROWS)
    with pytest.raises(ConfigError, match="Did you mean 'item'"):
        Sessions(path, item="iten")
    with pytest.raises(InputError, match="tables and lines"):
        Sessions([path, tmp_path / "lines"])
    for wrong in ({"format": "xml"}, {"separator": ""}):
        with pytest.raises(ConfigError):
            Sessions(path, **wrong)
    for wrong in ({"session": "user"}, {"item": "i"}, {"time": "t"}):
        with pytest.raises(ConfigError, match="names a column"):
            Sessions([["a"]], **wrong)


def test_leave_last_out():
    train, test = Sessions(pa.table(LOG)).leave_last_out()
    assert [*train] == [["c", "a"], ["b"], ["a"]]
    assert [*test] == [(["c", "a"], "a"), (["b"], "d")]
    assert test.sessions.tolist() == [0, 1]
    assert train.names == ["7", "8", "9"] and train.times is not None
    again, valid = train.leave_last_out()
    assert [*valid] == [(["c"], "a")] and [*again] == [["c"], ["b"], ["a"]]
    assert test.targets.tolist() == [test.items.index("a"), test.items.index("d")]
    assert [*test.only(["d"])] == [(["b"], "d")]
    assert len(test.sample(1)) == 1 and test.sample(5) is test
    with pytest.raises(InputError, match="None of the 2 questions"):
        test.only(["x"])
    with pytest.raises(InputError, match="two events"):
        Sessions([["a"], ["b"]]).leave_last_out()


def test_shuffled_sessions_have_the_same_items_in_another_order():
    log = Sessions([[f"i{n}" for n in range(start, start + 9)] for start in range(20)])
    mixed = log.shuffled()
    assert [sorted(session) for session in mixed] == [sorted(session) for session in log]
    assert [*mixed] != [*log] and [*mixed] == [*log.shuffled(1)] != [*log.shuffled(2)]
    assert mixed.times is None and Sessions(pa.table(LOG)).shuffled().names == ["7", "8", "9"]
    last = {int(answer[1:]) - place for place, (_, answer) in enumerate(mixed.leave_last_out()[1])}
    assert len(last) > 4  # not always the same place


def test_split_by_time():
    log = {"user": [1, 1, 2, 1, 2, 3, 3], "item": list("abcdefg"), "time": [1, 2, 3, 8, 9, 8, 9]}
    train, test = Sessions(pa.table(log)).split_by_time(at=5)
    assert [*train] == [["a", "b"], ["c"]]
    assert [*test] == [(["a", "b"], "d"), (["c"], "e"), (["f"], "g")]
    assert test.sessions.tolist() == [0, 1, -1]
    assert [*Sessions(pa.table(log)).split_by_time(share=0.5)[0]] == [["a", "b"], ["c"]]
    with pytest.raises(ConfigError, match="have no times"):
        Sessions([["a", "b"]]).split_by_time()
    with pytest.raises(ConfigError, match="share"):
        Sessions(pa.table(log)).split_by_time(share=1.0)
    with pytest.raises(InputError, match="one side"):
        Sessions(pa.table(log)).split_by_time(at=0)
