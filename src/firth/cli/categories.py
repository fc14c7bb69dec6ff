"""Tables: `firth train categories FILE -o DIR`."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

import firth
from firth.cli import show
from firth.cli.model_options import configured
from firth.cli.options import ConfigFile, Json
from firth.config import did_you_mean
from firth.errors import ConfigError, InputError

SAYS = "Learn a vector for every value of a table's columns of categories. Prints the folder of the encoder."


def train(
    model: type[firth.CategoryEncoder],
    source: Annotated[str, Parameter(help="A CSV or TSV file with a header, or a parquet file.")],
    /,
    *,
    output: Annotated[str, Parameter(alias="-o", group="Output", help="The folder to write the encoder to.")],
    json: Json = False,
    y: Annotated[
        str | None,
        Parameter(group="Table", help="The column to be foretold; without one, columns learn from each other."),
    ] = None,
    columns: Annotated[
        tuple[str, ...],
        Parameter(
            group="Table", consume_multiple=True, help="The columns of categories; those that are no numbers, else."
        ),
    ] = (),
    config: ConfigFile = None,
    **options: Any,
) -> None:
    """Learn vectors of categories."""
    from firth.cli.train import check_target
    from firth.corpus import tables

    target, began = Path(output), time.perf_counter()
    check_target(target)
    settings = configured(model, config, options).checked()
    table = tables.read(source)
    for name in (*columns, *([] if y is None else [y])):
        if name not in table.column_names:
            raise ConfigError(f"{source} has no column {name!r}.{did_you_mean(name, table.column_names)}")
    chosen = list(columns) or [
        name for name in table.column_names if name != y and not tables.is_of_numbers(table[name])
    ]
    if not chosen:
        raise InputError(f"Every column of {source} is one of numbers. Name those that are categories: --columns A B")
    encoder = settings.fit(table.select(chosen), None if y is None else _target(table[y], settings.target))
    encoder.save(output)
    dims = {name: each.shape[1] for name, each in zip(encoder.columns_, encoder.tables_, strict=True)}
    values = {name: len(levels.keys) for name, levels in zip(encoder.columns_, encoder.levels_, strict=True)}
    document = {
        "model": output,
        "rows": table.num_rows,
        "columns": {name: {"values": values[name], "dim": dims[name]} for name in dims},
        "seconds": time.perf_counter() - began,
        "losses": encoder.provenance_["losses"],
    }
    show.answer(document, [(output,)], as_json=json)
    first = max(values, key=lambda name: values[name])
    key = encoder.embeddings_[first].index_to_key[0]
    learnt = ", ".join(f"{name} {values[name]:,} × {dims[name]}" for name in dims)
    ask = f"Try: firth nearest {output} '{first}={key}'"
    if max(dims.values()) == 1:
        more = "--hidden 32 --dim 4" if encoder.supervised_ and not encoder.hidden else "--dim 4"
        ask = f"One number a value, for models to read; for values that are alike, {more}."
    show.say(f"{learnt}; {document['seconds']:.1f} s in all. {ask}")


def _target(column: Any, how: str) -> Any:
    """The column as numbers, where all of it is; else as text."""
    import numpy as np

    texts = column.to_pylist()
    try:
        return np.array([float(text) for text in texts])
    except (TypeError, ValueError):
        if how == "regression":
            raise InputError("--target regression needs numbers in the column of --y, and some are none.") from None
        return np.array(texts, dtype=object)
