"""Starting from vectors that are there already, instead of from random numbers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from firth.errors import ConfigError, InputError
from firth.kernels.core import Tables
from firth.vectors.table import Vectors


def matching_rows(init: Vectors, keys: Sequence[str], dim: int) -> npt.NDArray[np.int64]:
    """For each key its row in `init`, or -1: i8[keys]. Raises ConfigError for another dim, InputError for no match."""
    if init.dim != dim:
        raise ConfigError(f"The vectors to start from have {init.dim} dimensions, the model {dim}. Set dim={init.dim}.")
    rows = np.array([init.key_to_index.get(key, -1) for key in keys], np.int64)
    if not (rows >= 0).any():
        raise InputError(f"None of the {len(keys):,} words is among the {len(init):,} keys to start from.")
    return rows


def start_from(tables: Tables, init: Vectors, rows: npt.NDArray[np.int64], *, outputs: bool) -> None:
    """Copy the rows that match into the inputs, and, where asked for and known, into the outputs."""
    there = np.flatnonzero(rows >= 0)
    tables.inputs[there, : init.dim] = init.vectors[rows[there]]
    if outputs and init.output is not None:
        tables.outputs[there, : init.dim] = init.output[rows[there]]
