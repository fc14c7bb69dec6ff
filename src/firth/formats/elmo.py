"""Published ELMo models: options.json and weights in HDF5, as bilm-tf and AllenNLP have them. Read, not written.

    char_embed                                      [261, character]
    CNN/W_cnn_I [1, width, character, filters], b_cnn_I                 one for each width
    CNN_high_I/W_transform, b_transform, W_carry, b_carry               highway layers
    CNN_proj/W_proj [filters, dim], b_proj
    RNN_D/RNN/MultiRNNCell/CellI/LSTMCell/W_0 [dim + dim, 4 cells], B, W_P_0 [cells, dim]      D: 0 forward, 1 backward

TensorFlow orders the gates i, g, f, o, and adds 1 to the forget gate when it runs; here they are torch's i, f, g, o,
and the 1 is in the bias. https://github.com/allenai/bilm-tf
"""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from firth.errors import CorruptFileError, FormatError, MissingExtraError
from firth.formats.plain_files import open_plain, read_json
from firth.formats.signatures import Place

_OPTIONS = "options.json"
_CHARACTERS = 261


class Published(NamedTuple):
    """What a published model holds."""

    options: dict[str, Any]
    """Those of `firth.ELMo`, by its names."""
    arrays: dict[str, NDArray[Any]]
    """The weights, by the names of `networks/elmo.py`."""


def recognise(folder: Place) -> bool:
    """Whether a folder is a published model: options.json and one file of weights."""
    return os.path.isfile(os.path.join(folder, _OPTIONS)) and bool(_weights(folder))


def read(folder: Place) -> Published:
    """Read a folder with options.json and one file *weights*.hdf5.

    Raises MissingExtraError without h5py, FormatError for a model of another kind, CorruptFileError for weights that
    the options do not fit.
    """
    found = _weights(folder)
    if len(found) != 1:
        raise FormatError(f"{folder} must hold one file of weights (…weights.hdf5), and holds {len(found)}.")
    return read_files(os.path.join(folder, _OPTIONS), found[0])


def read_files(options: Place, weights: Place) -> Published:
    """The same from the two files, wherever they lie."""
    try:
        import h5py
    except ImportError:
        raise MissingExtraError("Published ELMo models lie in HDF5: pip install 'firth[elmo]'") from None
    how, indices = _options(options)
    try:
        with open(open_plain(weights), "rb") as opened, h5py.File(opened, "r") as file:
            return Published(how, _arrays(file, how, indices))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise CorruptFileError(
            f"{weights} does not hold the weights that {os.path.basename(options)} speaks of: {str(error)[:200]}. "
            "Download both again."
        ) from None


def _weights(folder: Place) -> list[str]:
    try:
        names = sorted(name for name in os.listdir(folder) if "weights" in name and name.endswith((".hdf5", ".h5")))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if os.path.isfile(os.path.join(folder, name))]


def _options(path: Place) -> tuple[dict[str, Any], list[int]]:
    """The options of `firth.ELMo`, and the number of the file's filters of each width that there are."""
    found = read_json(path)
    try:
        lstm, cnn = found["lstm"], found["char_cnn"]
        widths = {int(width): int(count) for width, count in cnn["filters"]}
        options = {
            "dim": 2 * int(lstm["projection_dim"]),
            "hidden": int(lstm["dim"]),
            "layers": int(lstm["n_layers"]),
            "cell_clip": float(lstm["cell_clip"]),
            "proj_clip": float(lstm["proj_clip"]),
            "character_dim": int(cnn["embedding"]["dim"]),
            "filters": [widths.get(width, 0) for width in range(1, max(widths) + 1)],
            "highway": int(cnn["n_highway"]),
            "longest": int(cnn["max_characters_per_token"]),
        }
        plain = cnn["activation"] == "relu" and bool(lstm["use_skip_connections"])
        order = [int(width) for width, _ in cnn["filters"]]
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(f"{path} holds no options of an ELMo model with characters ({error!r}).") from None
    if not plain or order != sorted(order) or cnn["n_characters"] not in (_CHARACTERS, _CHARACTERS + 1):
        raise FormatError(f"{path} is of another kind: firth reads models with relu, skip connections, 261 characters.")
    return options, list(range(len(order)))


def _arrays(file: Any, how: dict[str, Any], indices: list[int]) -> dict[str, NDArray[Any]]:
    def array(name: str, *shape: int) -> NDArray[np.float32]:
        found = np.asarray(file[name], np.float32)
        if found.shape != shape:
            raise ValueError(f"{name} has shape {list(found.shape)}, not {list(shape)}")
        return found

    character, dim, cells = how["character_dim"], how["dim"] // 2, how["hidden"]
    counts = [(width, count) for width, count in enumerate(how["filters"], 1) if count]
    total = sum(count for _, count in counts)
    arrays = {"words.characters.weight": array("char_embed", _CHARACTERS, character)}
    for index, (width, count) in zip(indices, counts, strict=True):
        kernel = array(f"CNN/W_cnn_{index}", 1, width, character, count)[0]
        arrays[f"words.convolutions.{index}.weight"] = kernel.transpose(2, 1, 0)
        arrays[f"words.convolutions.{index}.bias"] = array(f"CNN/b_cnn_{index}", count)
    for index in range(how["highway"]):
        for ours, theirs in (("transform", "transform"), ("gate", "carry")):
            arrays[f"words.highway.{index}.{ours}.weight"] = array(f"CNN_high_{index}/W_{theirs}", total, total).T
            arrays[f"words.highway.{index}.{ours}.bias"] = array(f"CNN_high_{index}/b_{theirs}", total)
    arrays["words.projection.weight"] = array("CNN_proj/W_proj", total, dim).T
    arrays["words.projection.bias"] = array("CNN_proj/b_proj", dim)
    for number, direction in enumerate(("forwards", "backwards")):
        for layer in range(how["layers"]):
            at = f"RNN_{number}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            ours = f"{direction}.layers.{layer}.lstm"
            i, g, f, o = np.split(array(f"{at}/W_0", 2 * dim, 4 * cells), 4, axis=1)
            both = np.concatenate([i, f, g, o], axis=1).T
            i, g, f, o = np.split(array(f"{at}/B", 4 * cells), 4)
            arrays[f"{ours}.weight_ih_l0"], arrays[f"{ours}.weight_hh_l0"] = both[:, :dim], both[:, dim:]
            arrays[f"{ours}.bias_ih_l0"] = np.concatenate([i, f + 1, g, o])
            arrays[f"{ours}.bias_hh_l0"] = np.zeros(4 * cells, np.float32)
            arrays[f"{ours}.weight_hr_l0"] = array(f"{at}/W_P_0", cells, dim).T
    return {name: np.ascontiguousarray(found) for name, found in arrays.items()}
