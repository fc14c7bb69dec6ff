"""Metadata: cells of every kind as features, and what is wrong with a table."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from firth import Sessions
from firth.corpus.metadata import Metadata
from firth.errors import ConfigError, InputError

FILMS = {
    "movie": ["1", "2", "3"],
    "genre": ["War|Drama", "Drama", None],
    "year": [1990, 1991, 1990],
    "colour": [1, 0, 1],
    "old": [True, False, None],
    "stars": [["Ann", "Bob"], [], ["Bob"]],
    "parts": [2.0, float("nan"), 3.0],
}
EXPECTED = [
    {"genre=War", "genre=Drama", "year=1990", "colour", "old", "stars=Ann", "stars=Bob", "parts=2"},
    {"genre=Drama", "year=1991"},
    {"year=1990", "colour", "stars=Bob", "parts=3"},
]


def features(found: Metadata) -> list[set[str]]:
    bounds = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return [{found.features[number] for number in found.numbers[start:end]} for start, end in bounds]


def test_every_source_gives_the_same_features(tmp_path: Path):
    frame = pa.table(FILMS)
    flat = frame.drop_columns(["stars"])
    flat.to_pandas().to_csv(tmp_path / "films.csv", index=False)
    parquet.write_table(frame, tmp_path / "films.parquet")
    rows = {str(row.pop("movie")): row for row in frame.to_pylist()}
    for row in rows.values():
        row["colour"], row["parts"] = (
            bool(row["colour"]),
            row["parts"] and row["parts"] == row["parts"] and int(row["parts"]),
        )
    rows["2"]["parts"] = None
    for source in (frame, frame.to_pandas(), tmp_path / "films.parquet", rows):
        found = Metadata.of(source)
        assert found.items == ["1", "2", "3"] and features(found) == EXPECTED
    of_csv = features(Metadata.of(tmp_path / "films.csv"))
    assert [
        {text for text in row if "stars" not in text and text != "old" and "old=" not in text} for row in of_csv
    ] == [{text for text in row if "stars" not in text and text != "old"} for row in EXPECTED]
    assert Sessions([["1"]], metadata=frame).metadata is not None


@pytest.mark.parametrize(
    ("given", "says", "error"),
    [
        (pd.DataFrame({"item": ["a", "b", "a"], "x": [1, 2, 3]}), "'a' has several rows", InputError),
        (pd.DataFrame({"item": ["a"], "price": [1.25]}), "'price' holds numbers with a fraction", InputError),
        (pd.DataFrame({"name": ["a"]}), "which column is the item", ConfigError),
        (pd.DataFrame({"item": ["a", None]}), "row 2: the item is missing", InputError),
        ({"a": 3}, "not a dict", InputError),
        ({"a": {"x": 1.5}}, "is a float", ConfigError),
        (7, "not a int", InputError),
    ],
)
def test_what_is_wrong_is_named(given, says, error):
    with pytest.raises(error, match=says):
        Sessions([["a", "b"]], metadata=given)


def test_the_column_of_items_is_found():
    log = pa.table({"user": [1, 1], "what": ["a", "b"]})
    assert Sessions(log, item="what", metadata=pa.table({"what": ["a"], "x": [5]})).metadata.items == ["a"]
    assert Sessions(log, item="what", metadata=pa.table({"item_id": ["a"], "x": [5]})).metadata.items == ["a"]
